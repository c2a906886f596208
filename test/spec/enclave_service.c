// SPDX-License-Identifier: Apache-2.0
// HEAD_PROOF, SIGN, and how an enclave ends.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static void close_all(void)
{
    peer_close(&peer);
    world_close(&world);
}

static void wait_s(uint64_t seconds)
{
    world.platform.now_ms += seconds * 1000;
}

static void restart(void)
{
    world_start(&world);
    enclave_pair_close(&peer.pair);
    assert_true(peer_pair(&peer));
}

SPEC("the head is signed over the asker's nonce")
{
    static const uint8_t nonce[32] = {8, 8};
    struct wire_head_proof ask = {.nonce = BYTES_OF(nonce)};
    struct wire_head_reply reply;
    uint8_t bytes[CHAIN_STATEMENT_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    bool valid = false;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(
        peer_ask(&peer, WIRE_HEAD_PROOF, &WIRE_LAYOUT_HEAD_PROOF, &ask),
        WIRE_HEAD_PROOF);
    peer_decode(&peer, &WIRE_LAYOUT_HEAD_REPLY, &reply);
    struct chain_head said = {trust.log_id, chain_trust_head(&trust), reply.n,
                              BYTES_OF(nonce)};
    assert_int_equal(reply.n, world.platform.n);
    assert_ok(chain_head_encode(&said, &payload));
    struct wire_statement statement = {LABEL(WIRE_CONTEXT_HEAD),
                                       bytes_in(&payload)};
    assert_ok(wire_cose_verify(&trust.sign, &statement, reply.sig, &valid));
    assert_true(valid);
    close_all();
}

static enum wire_type sign_as(const struct wire_digest *kid,
                              struct rotor_bytes input,
                              struct wire_signed *answer)
{
    struct wire_sign ask = {.service_kid = *kid, .input = input};
    enum wire_type type = peer_ask(&peer, WIRE_SIGN, &WIRE_LAYOUT_SIGN, &ask);
    if (type == WIRE_SIGNED) {
        peer_decode(&peer, &WIRE_LAYOUT_SIGNED, answer);
    }
    return type;
}

SPEC(
    "T signs digests, lives through its grace, and dies at once in emergencies")
{
    static const uint8_t digest[32] = {0xaa};
    struct wire_digest none = {0}, kid;
    struct wire_signed answer;
    struct wire_key key;
    struct crypto_key open = {0};
    bool valid = false;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(sign_as(&none, BYTES_OF(digest), &answer), WIRE_SIGNED);
    assert_ok(wire_key_decode(&key, answer.service_key));
    assert_false(wire_key_equal(&key, &trust.sign));
    assert_ok(wire_key_open(&key, &open));
    assert_ok(crypto_verify_digest(&open, BYTES_OF(digest), answer.signature,
                                   &valid));
    assert_true(valid);
    crypto_key_close(&open);
    assert_ok(wire_key_id(&key, &kid));
    assert_int_equal(sign_as(&kid, bytes_of(digest, 31), &answer), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    world_rotate(&peer, 1, &trust);
    assert_int_equal(sign_as(&kid, BYTES_OF(digest), &answer), WIRE_SIGNED);
    struct wire_key old;
    assert_ok(wire_key_decode(&old, answer.service_key));
    assert_true(wire_key_equal(&old, &key));
    restart();
    assert_int_equal(sign_as(&kid, BYTES_OF(digest), &answer), WIRE_SIGNED);
    wait_s(86400);
    assert_int_equal(sign_as(&kid, BYTES_OF(digest), &answer), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
    assert_int_equal(sign_as(&none, (struct rotor_bytes){0}, &answer),
                     WIRE_SIGNED);
    assert_int_equal(answer.signature.size, 0);
    assert_ok(wire_key_decode(&key, answer.service_key));
    assert_ok(wire_key_id(&key, &kid));
    world_rotate(&peer, WIRE_REASON_SECURITY_EVENT, &trust);
    assert_int_equal(sign_as(&kid, BYTES_OF(digest), &answer), WIRE_ERROR);
    close_all();
}

SPEC("a machine that was copied keeps no session and nothing half open")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_attest(&peer, 6), WIRE_ATTEST_RSP);
    struct peer other;
    peer_init(&other, &world);
    other.channel_id = 0x5000;
    assert_true(peer_hello(&other));
    enclave_resume(&world.enclave);
    assert_int_equal(world.enclave.unconfirmed.all[0].suite, 0);
    assert_false(peer_fin(&other));
    peer_close(&other);
    close_all();
}

SPEC("an enclave that was wiped answers nothing and holds nothing")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    enclave_wipe(&world.enclave);
    const uint8_t *memory = (const uint8_t *)&world.enclave;
    for (size_t i = 0; i < sizeof world.enclave; i++) {
        assert_int_equal(memory[i], 0);
    }
    struct rotor_room reply = ROOM_OF(peer.reply);
    assert_int_equal(enclave_serve(&world.enclave, &peer.pair,
                                   bytes_of(peer.frame, peer.frame_size),
                                   &reply),
                     ROTOR_INVALID);
    close_all();
}

SPEC("a reply needs room for the longest frame")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct rotor_room reply = {peer.reply, WIRE_FRAME_MAX - 1, 0};
    assert_int_equal(enclave_serve(&world.enclave, &peer.pair,
                                   bytes_of(peer.frame, peer.frame_size),
                                   &reply),
                     ROTOR_TOO_SMALL);
    close_all();
}
