// SPDX-License-Identifier: Apache-2.0
// Genesis and recovery in steps.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct peer program;
static struct chain_trust trust;
static struct authority authority;
static uint8_t body_bytes[ENCLAVE_BODY_MAX];
static struct rotor_bytes body;

// Steps with a disk that is done at the first look: a write is begun, and
// ended.
#define PROPOSE_STEPS (1u + 1u)
// By the set that is held and by the new one two signatures are looked at, one
// a step, and counted; P1 and P3 are begun and end with three durable things;
// P2 is begun and ends with two, the attachment and the candidate's file.
#define APPROVE_STEPS (2u * (2u + 1u) + 1u + 3u + 1u + 2u + 1u + 3u)

static void begin(void)
{
    world_writes_beside = true;
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer_init_program(&program, &world);
    authority_init(&authority, 1);
}

static void end(void)
{
    world_writes_beside = false;
    world_lag = 0;
    authority_close(&authority);
    peer_close(&program);
    peer_close(&peer);
    world_close(&world);
}

static enum wire_type recover_in_epoch(uint64_t epoch)
{
    const struct recovery order = {.kind = 2,
                                   .incarnation = 1,
                                   .epoch = epoch,
                                   .supersedes = chain_trust_head(&trust),
                                   .log_id = trust.log_id,
                                   .with_old = 1,
                                   .asks = USUAL,
                                   .authority = &authority};
    return ask_recover(&peer, &order);
}

static void keep_body(void)
{
    struct wire_recover_body answer;
    peer_decode(&peer, &WIRE_LAYOUT_RECOVER_BODY, &answer);
    memcpy(body_bytes, answer.body.data, answer.body.size);
    body = bytes_of(body_bytes, answer.body.size);
}

static void expect_work(enum wire_type answer)
{
    assert_int_equal(answer, WIRE_NONE);
    assert_true(enclave_has_work(&world.enclave));
}

static void give_recover(void)
{
    peer.only_gives = true;
    expect_work(recover_in_epoch(1));
}

static void give_signed(size_t signatures)
{
    peer.only_gives = true;
    expect_work(ask_recover_signed(&peer, body, &authority, signatures));
}

static void propose(void)
{
    assert_int_equal(recover_in_epoch(1), WIRE_RECOVER_BODY);
    keep_body();
}

// One step; the answer's type, or WIRE_NONE.  Between it and the next one the
// program is answered, under `epoch`.
static enum wire_type step_under_load(uint64_t epoch)
{
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(program.header.epoch, epoch);
    return peer_step(&peer);
}

static unsigned steps_under_load(enum wire_type *answer)
{
    unsigned steps = 0;
    *answer = WIRE_NONE;
    while (enclave_has_work(&world.enclave)) {
        *answer = step_under_load(0);
        steps++;
        assert_true(steps < 1000);
    }
    return steps;
}

// ---- recovery --------------------------------------------------------------

SPEC("between any two steps of a recovery an attestation is answered, under "
     "the old root until the order is")
{
    enum wire_type answer;
    begin();
    give_recover();
    assert_int_equal(steps_under_load(&answer), PROPOSE_STEPS);
    assert_int_equal(answer, WIRE_RECOVER_BODY);
    keep_body();
    give_signed(2);
    assert_int_equal(steps_under_load(&answer), APPROVE_STEPS);
    assert_int_equal(answer, WIRE_ROT_DONE);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(program.header.epoch, 1);
    assert_int_equal(world.enclave.state.incarnation, 1);
    end();
}

SPEC("a recovery waits for the disk beside, and others do not")
{
    enum wire_type answer;
    begin();
    world_lag = 5;
    give_recover();
    assert_int_equal(steps_under_load(&answer), PROPOSE_STEPS + 5);
    assert_int_equal(answer, WIRE_RECOVER_BODY);
    keep_body();
    give_signed(2);
    assert_int_equal(steps_under_load(&answer), APPROVE_STEPS + 8 * 5);
    assert_int_equal(answer, WIRE_ROT_DONE);
    end();
}

SPEC("a body that is not durable yet is no candidate to anybody")
{
    begin();
    world_lag = 3;
    give_recover();
    uint8_t id[WIRE_ID_SIZE];
    memcpy(id, peer.request_id, sizeof id);
    while (enclave_has_work(&world.enclave)) {
        assert_int_equal(ask_status(&peer), WIRE_STATUS);
        assert_false(peer.status.has_candidate);
        memcpy(peer.request_id, id, sizeof id);
        (void)peer_step(&peer);
    }
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_true(peer.status.has_candidate);
    end();
}

SPEC("a body that could not be written is no candidate")
{
    begin();
    give_recover();
    world.platform.fault = FAULT_REFUSE;
    world.platform.fault_at = world.platform.steps + 1;
    enum wire_type answer;
    (void)steps_under_load(&answer);
    assert_int_equal(answer, WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_false(peer.status.has_candidate);
    propose();
    end();
}

SPEC("one signature too few is found in steps, and costs the enclave nothing")
{
    static const struct enclave_state none;
    enum wire_type answer;
    begin();
    propose();
    uint64_t n = world.platform.n;
    give_signed(1);
    assert_int_equal(steps_under_load(&answer), 2);
    assert_int_equal(answer, WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    assert_int_equal(world.platform.n, n);
    assert_memory_equal(&world.enclave.next, &none, sizeof none);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    end();
}

SPEC("while a recovery is worked on every other order is busy")
{
    begin();
    propose();
    world_lag = 2;
    give_signed(2);
    uint8_t id[WIRE_ID_SIZE];
    memcpy(id, peer.request_id, sizeof id);
    enum wire_type answer = WIRE_NONE;
    while (answer == WIRE_NONE) {
        peer.only_gives = true;
        assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_BUSY);
        peer.only_gives = true;
        assert_int_equal(recover_in_epoch(9), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_BUSY);
        peer.only_gives = true;
        assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                         WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_BUSY);
        memcpy(peer.request_id, id, sizeof id);
        answer = peer_step(&peer);
    }
    assert_int_equal(answer, WIRE_ROT_DONE);
    end();
}

SPEC("an RTP that pairs anew while a recovery is worked on finds it done")
{
    begin();
    propose();
    world_lag = 4;
    give_signed(2);
    for (unsigned i = 0; i < APPROVE_STEPS / 2; i++) {
        (void)step_under_load(0);
    }
    assert_true(peer_pair(&peer));
    while (enclave_has_work(&world.enclave)) {
        assert_int_equal(peer_step(&peer), WIRE_NONE);
    }
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    end();
}

// P2 cannot write: P1 stands, and the order is over.
static void rule_only(void)
{
    world.platform.refuses_attach = true;
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_REC);
    world.platform.refuses_attach = false;
}

SPEC("a recovery that was ruled and stands still serves nobody but its end")
{
    begin();
    propose();
    rule_only();
    assert_int_equal(ask_attest(&program, 5), WIRE_ERROR);
    assert_int_equal(peer_error(&program), WIRE_E_STATE);
    assert_int_equal(peer_error_detail(&program), WIRE_STATE_REC);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    end();
}

// An RTP that has seen more than this AP.
static void halt(void)
{
    peer.shows_cur = true;
    peer.cur = chain_trust_head(&trust);
    peer.floor = (struct wire_order){0, 7};
    assert_false(peer_pair(&peer));
    assert_true(peer_pair(&peer));
}

SPEC("an AP that was halted answers and signs nothing with its S before the "
     "switch that the authority ordered")
{
    begin();
    propose(); // with_old: S was to sign
    halt();
    uint64_t signed_by_s = world.enclave.signature_count;
    program.log_id = (struct wire_digest){0}; // an AP that was halted has none
    give_signed(2);
    enum wire_type answer = WIRE_NONE;
    while (answer == WIRE_NONE) {
        struct wire_sign sign = {0};
        assert_int_equal(ask_attest(&program, 5), WIRE_ERROR);
        assert_int_equal(
            peer_ask(&program, WIRE_SIGN, &WIRE_LAYOUT_SIGN, &sign),
            WIRE_ERROR);
        assert_int_equal(world.enclave.signature_count, signed_by_s);
        answer = peer_step(&peer);
    }
    assert_int_equal(answer, WIRE_ROT_DONE);
    assert_int_equal(world.enclave.signatures[0].old_size, 0);
    program.log_id = trust.log_id;
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    end();
}

SPEC("what the authority ruled for an AP that was halted is said as such until "
     "it ends")
{
    begin();
    propose();
    halt();
    rule_only();
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.state, WIRE_STATE_REC);
    assert_true(peer.status.has_prepared);
    assert_false(peer.status.has_cur);
    assert_int_equal(recover_in_epoch(9), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    end();
}

// ---- genesis ---------------------------------------------------------------

// Runs the work to its end; before each step the RTP hears how it stands.
static enum wire_type steps_with_status(void)
{
    uint8_t id[WIRE_ID_SIZE];
    enum wire_type answer = WIRE_NONE;
    memcpy(id, peer.request_id, sizeof id);
    while (answer == WIRE_NONE) {
        assert_int_equal(ask_status(&peer), WIRE_STATUS);
        assert_false(peer.status.has_cur);
        memcpy(peer.request_id, id, sizeof id);
        answer = peer_step(&peer);
    }
    return answer;
}

SPEC("the first entry is made and accepted in steps, and STATUS waits for one "
     "of them at most")
{
    struct chain_entry entry;
    struct chain_trust none = {0};
    world_writes_beside = true;
    world_lag = 2;
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    peer.only_gives = true;
    expect_work(ask_generate(&peer, &USUAL));
    assert_int_equal(steps_with_status(), WIRE_ROT_AVAILABLE);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&none, entry.bytes, &trust));
    peer.only_gives = true;
    expect_work(ask_accept0(&peer, &trust.body_hash));
    assert_int_equal(steps_with_status(), WIRE_ROT_DONE);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    // The channel ended with it, as both sides pair again.
    assert_int_equal(peer.pair.way, ENCLAVE_WAY_CLOSED);
    world_writes_beside = false;
    world_lag = 0;
    peer_close(&peer);
    world_close(&world);
}
