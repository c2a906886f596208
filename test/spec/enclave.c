// SPDX-License-Identifier: Apache-2.0
// The story from nothing to a session and a rotation.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;

SPEC("an enclave fits into half a megabyte and has no pointers to itself")
{
    print_message("struct enclave: %zu bytes, struct enclave_pair: %zu\n",
                  sizeof(struct enclave), sizeof(struct enclave_pair));
    assert_true(sizeof(struct enclave) < 512 * 1024);
}

SPEC("nothing becomes a log that the rules of the chain accept")
{
    struct chain_trust trust;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(peer.status.state, WIRE_STATE_CUR);
    assert_int_equal(trust.order.epoch, 0);
    assert_int_equal(peer.status.cur.epoch, 0);
    assert_true(wire_digest_equal(&peer.status.cur.body_hash, &trust.log_id));
    peer_close(&peer);
    world_close(&world);
}

SPEC("rotations follow each other in every suite, and suites change by them")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct asks asks = USUAL;
        struct chain_trust trust;
        asks.suite = suite;
        world_at_cur(&world, &peer, &asks, &trust);
        world_rotate(&peer, WIRE_REASON_SCHEDULED, &trust);
        world_rotate(&peer, WIRE_REASON_SECURITY_EVENT, &trust);

        struct chain_trust next;
        struct chain_entry entry;
        struct wire_rotate change = {.from_epoch = 2,
                                     .reason = WIRE_REASON_ALGORITHM,
                                     .has_suite = true,
                                     .suite = suite % 3 + 1};
        assert_int_equal(ask_rotate_as(&peer, &change), WIRE_ROT_PREPARED);
        peer_entry(&peer, &entry);
        assert_true(entry_follows(&trust, entry.bytes, &next));
        assert_int_equal(next.suite, suite % 3 + 1);
        assert_int_equal(ask_commit(&peer, 3, &next.body_hash), WIRE_ROT_DONE);
        peer.suite = next.suite;
        peer.sign_key = next.sign;
        assert_true(peer_pair(&peer));
        assert_int_equal(peer.status.cur.epoch, 3);
        world_rotate(&peer, WIRE_REASON_OPERATOR, &next);
        peer_close(&peer);
        world_close(&world);
    }
}
