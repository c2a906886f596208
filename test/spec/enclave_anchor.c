// SPDX-License-Identifier: Apache-2.0
// An adversary holds the disk: any old file under any name.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static void restart_and_expect(enum wire_state state)
{
    world_start(&world);
    enclave_pair_close(&peer.pair);
    assert_int_equal(enclave_state_code(&world.enclave), state);
}

static void close_all(void)
{
    peer_close(&peer);
    world_close(&world);
}

SPEC("an old state is not used under either name, alone or beside the good one")
{
    static struct file old_state, good;
    world_at_cur(&world, &peer, &USUAL, &trust);
    old_state = world.platform.files[ENCLAVE_STATE];
    world_rotate(&peer, 1, &trust);
    good = world.platform.files[ENCLAVE_STATE];

    world.platform.files[ENCLAVE_STATE] = old_state;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE_NEXT] = old_state;
    restart_and_expect(WIRE_STATE_HALTED);
    // The good one is found wherever it lies; the other one is deleted.
    world.platform.files[ENCLAVE_STATE] = good;
    world.platform.files[ENCLAVE_STATE_NEXT] = old_state;
    restart_and_expect(WIRE_STATE_CUR);
    assert_false(world.platform.files[ENCLAVE_STATE_NEXT].exists);
    world.platform.files[ENCLAVE_STATE] = old_state;
    world.platform.files[ENCLAVE_STATE_NEXT] = good;
    restart_and_expect(WIRE_STATE_CUR);
    assert_int_equal(world.enclave.state.cur.facts.order.epoch, 1);
    close_all();
}

SPEC("an old state.next is not used under either name")
{
    static struct file next, first;
    world_at_cur(&world, &peer, &USUAL, &trust);
    first = world.platform.files[ENCLAVE_STATE];
    world.platform.fault = FAULT_KILL_AFTER; // behind the write of P1
    world.platform.fault_at = world.platform.steps + 1;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_NONE);
    next = world.platform.files[ENCLAVE_STATE_NEXT];
    assert_true(next.exists);
    world.platform.fault = FAULT_NONE;
    // Nothing was emitted from it: the old state goes on.
    restart_and_expect(WIRE_STATE_CUR);
    assert_false(world.platform.files[ENCLAVE_STATE_NEXT].exists);
    assert_true(peer_pair(&peer));
    world_rotate(&peer, 1, &trust);
    static struct file newest;
    newest = world.platform.files[ENCLAVE_STATE];
    world.platform.files[ENCLAVE_STATE_NEXT] = next;
    restart_and_expect(WIRE_STATE_CUR);
    assert_int_equal(world.enclave.state.cur.facts.order.epoch, 1);
    world.platform.files[ENCLAVE_STATE] = next;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE] = first;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE] = newest;
    restart_and_expect(WIRE_STATE_CUR);
    close_all();
}

SPEC("a store that is lost, foreign or of another AP halts, a new one is empty")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    static struct file kept;
    kept = world.platform.files[ENCLAVE_STATE];
    world.platform.files[ENCLAVE_STATE].exists = false;
    restart_and_expect(WIRE_STATE_HALTED);
    world.identity.was_reset = true;
    restart_and_expect(WIRE_STATE_EMPTY);
    world.platform.files[ENCLAVE_STATE] = kept;
    world.platform.files[ENCLAVE_STATE].bytes[60] ^= 4;
    restart_and_expect(WIRE_STATE_HALTED); // a reset leaves no file
    world.identity.was_reset = false;
    world.platform.files[ENCLAVE_STATE] = kept;
    world.identity.hw_secret[0] ^= 1;
    restart_and_expect(WIRE_STATE_HALTED);
    world.identity.hw_secret[0] ^= 1;
    world.platform.n++; // a foreign advance that hides in the digest
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.n--;
    world.platform.v[31] ^= 1; // a foreign advance
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.v[31] ^= 1;
    restart_and_expect(WIRE_STATE_CUR);
    memset(world.platform.v, 0, 32); // the anchor was replaced
    world.platform.n = 0;
    restart_and_expect(WIRE_STATE_HALTED);
    close_all();
}

SPEC("a file of another kind, and one that is longer than any, are no state")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    world.platform.files[ENCLAVE_STATE] = world.platform.files[ENCLAVE_ATTACH];
    restart_and_expect(WIRE_STATE_HALTED);
    close_all();
}

SPEC("an AP that reset goes on from the anchor's present value")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    uint64_t n = world.platform.n;
    memset(world.platform.files, 0, sizeof world.platform.files);
    world.identity.was_reset = true;
    restart_and_expect(WIRE_STATE_EMPTY);
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    struct chain_entry entry;
    peer_entry(&peer, &entry);
    assert_int_equal(entry.body.n, n + 1);
    world.identity.was_reset = false;
    restart_and_expect(WIRE_STATE_PREP0);
    close_all();
}

SPEC("an anchor that holds no number leaves it to the state")
{
    world_init(&world);
    world.platform.hides_n = true;
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    restart_and_expect(WIRE_STATE_PREP0);
    assert_true(peer_pair(&peer));
    assert_int_equal(peer.status.n, 1);
    close_all();
}

SPEC("a read-back that differs halts before anything is signed")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    uint64_t signatures = world.enclave.signature_count;
    world.platform.lies_after_advance = true;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ROLLED_BACK);
    assert_int_equal(world.enclave.signature_count, signatures);
    assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ROLLED_BACK);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.state, WIRE_STATE_HALTED);
    assert_false(peer.status.has_cur);
    // Pairing shows no log and signs nothing.
    assert_true(peer_pair(&peer));
    assert_int_equal(peer.pair.way, ENCLAVE_WAY_BARE);
    close_all();
}

SPEC("a number that does not count is a read-back that differs")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    world.platform.loses_count = true;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ROLLED_BACK);
    close_all();
}

SPEC("from P1 on A lies in one place, the entry that it signs")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    const struct enclave_state *kept = &world.enclave.state;
    assert_true(kept->cur.next_auth.size > 0);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    assert_int_equal(kept->cur.next_auth.size, 0);
    assert_int_equal(kept->pending.auth.size, 0); // and not even there, by P2
    restart_and_expect(WIRE_STATE_PREP);
    assert_int_equal(kept->cur.next_auth.size, 0);
    assert_true(kept->pending.auth.size > 0);
    assert_true(peer_pair(&peer));
    struct wire_digest hash = kept->pending.facts.body_hash;
    assert_int_equal(ask_commit(&peer, 1, &hash), WIRE_ROT_DONE);
    assert_int_equal(kept->cur.auth.size, 0);
    close_all();
}

SPEC("where A is burnt a prepared entry without signatures stays unsigned")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    memset(world.enclave.signatures, 0, sizeof world.enclave.signatures);
    assert_int_equal(world.enclave.state.pending.auth.size, 0);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
    assert_int_equal(peer_error_detail(&peer), WIRE_STATE_BURNT);
    close_all();
}

SPEC("an anchor that cannot be read back is a doubt that a restart ends")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    world.platform.refuses_anchor_read = true;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_true(enclave_must_restart(&world.enclave));
    assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_int_equal(world_try_start(&world), ROTOR_PORT_FAILED);
    world.platform.refuses_anchor_read = false;
    restart_and_expect(WIRE_STATE_PREP);
    assert_false(enclave_must_restart(&world.enclave));
    close_all();
}

SPEC("a store that refuses P1 leaves the AP as it was")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    for (unsigned step = 1; step <= 2; step++) {
        world.platform.fault = FAULT_REFUSE;
        world.platform.fault_at = world.platform.steps + step;
        assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_STORE);
        assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
        assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST),
                         WIRE_ATTEST_RSP);
    }
    world.platform.fault = FAULT_NONE;
    world_rotate(&peer, 1, &trust);
    close_all();
}

SPEC("a rename that fails stops everything: the next write would be over it")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    world.platform.fault = FAULT_REFUSE;
    world.platform.fault_at = world.platform.steps + 3;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_true(enclave_must_restart(&world.enclave));
    restart_and_expect(WIRE_STATE_PREP);
    assert_false(world.platform.files[ENCLAVE_STATE_NEXT].exists);
    close_all();
}

SPEC("the anchored write writes, advances, reads back and renames, in order")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    static struct file before;
    before = world.platform.files[ENCLAVE_STATE];
    uint64_t n = world.platform.n;
    unsigned steps = world.platform.steps;
    // Behind the first step of P1: the file is there, nothing else moved.
    world.platform.fault = FAULT_KILL_AFTER;
    world.platform.fault_at = steps + 1;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_NONE);
    assert_true(world.platform.files[ENCLAVE_STATE_NEXT].exists);
    assert_int_equal(world.platform.n, n);
    assert_memory_equal(world.platform.files[ENCLAVE_STATE].bytes, before.bytes,
                        before.size);
    restart_and_expect(WIRE_STATE_CUR);
    assert_true(peer_pair(&peer));
    // Behind the second one: the anchor moved, the name did not.
    world.platform.fault_at = world.platform.steps + 2;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_NONE);
    assert_int_equal(world.platform.n, n + 1);
    assert_memory_equal(world.platform.files[ENCLAVE_STATE].bytes, before.bytes,
                        before.size);
    world.platform.fault = FAULT_NONE;
    restart_and_expect(WIRE_STATE_PREP);
    // No signature left the AP before P2.
    assert_int_equal(world.enclave.signatures[1].pop_size, 0);
    close_all();
}

SPEC("the file attach is believed only where it verifies")
{
    struct chain_entry entry;
    struct chain_trust next;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    struct wire_digest first, again;
    assert_ok(chain_body_hash(&entry.body, &first));
    // Altered, cut, or of an earlier time: A signs the same body once more.
    for (unsigned i = 0; i < 3; i++) {
        struct file *attach = &world.platform.files[ENCLAVE_ATTACH];
        if (i == 0) {
            attach->bytes[attach->size - 40] ^= 1;
        } else if (i == 1) {
            attach->size = 512;
        } else {
            attach->exists = false;
        }
        restart_and_expect(WIRE_STATE_PREP);
        assert_true(peer_pair(&peer));
        assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
        peer_entry(&peer, &entry);
        assert_ok(chain_body_hash(&entry.body, &again));
        assert_true(wire_digest_equal(&first, &again));
        assert_true(entry_follows(&trust, entry.bytes, &next));
    }
    // Signatures that are sealed well but wrong are made anew as well.
    for (unsigned i = 0; i < 4; i++) {
        restart_and_expect(WIRE_STATE_PREP);
        struct enclave_signatures *stored = &world.enclave.signatures[1];
        uint8_t *wrong[] = {stored->pop, stored->auth_ots, stored->auth_sign,
                            stored->old};
        assert_true(stored->pop_size > 0);
        wrong[i][40] ^= 1;
        assert_true(peer_pair(&peer));
        assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
        peer_entry(&peer, &entry);
        assert_true(entry_follows(&trust, entry.bytes, &next));
    }
    close_all();
}

SPEC("no file shows a private key, and after P3 none holds the old ones")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct enclave_slot *cur = &world.enclave.state.cur;
    uint8_t old_sign[32];
    memcpy(old_sign, cur->sign.bytes, sizeof old_sign);
    const struct file *file = &world.platform.files[ENCLAVE_STATE];
    for (size_t i = 0; i + 32 <= file->size; i++) {
        assert_memory_not_equal(file->bytes + i, old_sign, 32);
        assert_memory_not_equal(file->bytes + i, cur->chain, 32);
    }
    world_rotate(&peer, 1, &trust);
    // All of the enclave's memory: S_0 is gone, and A_1 with it.
    const uint8_t *memory = (const uint8_t *)&world.enclave;
    for (size_t i = 0; i + 32 <= sizeof world.enclave; i++) {
        assert_true(memcmp(memory + i, old_sign, 32) != 0);
    }
    assert_int_equal(world.enclave.state.cur.auth.size, 0);
    close_all();
}
