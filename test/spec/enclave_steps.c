// SPDX-License-Identifier: Apache-2.0
// A rotation in steps: others are served between any two of them, and it goes
// on whatever they ask.  The other orders: enclave_steps_orders.c.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct peer program;
static struct chain_trust trust;

// Steps with a disk that is done at the first look: P1 and P3 are begun and end
// with three durable things, P2 is begun and ends with one; the answer is made
// with the last.
#define PREPARE_STEPS (1u + 3u + 1u + 1u)
#define COMMIT_STEPS  (1u + 1u + 1u + 3u) // P2 was done

static void begin(const struct asks *asks)
{
    world_writes_beside = true;
    world_at_cur(&world, &peer, asks, &trust);
    peer_init_program(&program, &world);
}

static void end(void)
{
    world_writes_beside = false;
    world_lag = 0;
    peer_close(&program);
    peer_close(&peer);
    world_close(&world);
}

static void expect_work(enum wire_type answer)
{
    assert_int_equal(answer, WIRE_NONE);
    assert_true(enclave_has_work(&world.enclave));
}

static void give_rotate(void)
{
    peer.only_gives = true;
    expect_work(ask_rotate(&peer, 0, WIRE_REASON_SCHEDULED));
}

static void give_commit(const struct wire_digest *hash)
{
    peer.only_gives = true;
    expect_work(ask_commit(&peer, 1, hash));
}

// Runs the work to its end; before each step the program attests, once.  Under
// the new root nobody is answered before the order is.
static unsigned steps_under_load(enum wire_type *answer)
{
    unsigned steps = 0;
    uint64_t epoch = world.enclave.state.cur.facts.order.epoch;
    *answer = WIRE_NONE;
    while (enclave_has_work(&world.enclave)) {
        assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
        assert_int_equal(program.header.epoch, epoch);
        *answer = peer_step(&peer);
        steps++;
        assert_true(steps < 1000);
    }
    return steps;
}

static void take_prepared(struct chain_trust *next)
{
    struct chain_entry entry;
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&trust, entry.bytes, next));
}

SPEC("a rotation under saturating attestations ends after its own steps, each "
     "attestation waits for one of them at most")
{
    struct chain_trust next;
    enum wire_type answer;
    begin(&USUAL);
    give_rotate();
    assert_int_equal(steps_under_load(&answer), PREPARE_STEPS);
    assert_int_equal(answer, WIRE_ROT_PREPARED);
    take_prepared(&next);
    give_commit(&next.body_hash);
    assert_int_equal(steps_under_load(&answer), COMMIT_STEPS);
    assert_int_equal(answer, WIRE_ROT_DONE);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(program.header.epoch, 1);
    end();
}

SPEC("while the disk works the root that signs is the old one")
{
    enum wire_type answer = WIRE_NONE;
    struct chain_trust next;
    begin(&USUAL);
    world_lag = 5;
    give_rotate();
    (void)steps_under_load(&answer);
    take_prepared(&next);
    give_commit(&next.body_hash);
    answer = WIRE_NONE;
    while (answer == WIRE_NONE) {
        // Not switched before the core of the new root is durable.
        uint64_t epoch = world.enclave.state.cur.facts.order.epoch;
        bool is_durable = world.platform.n == world.enclave.state.n;
        assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
        assert_int_equal(program.header.epoch, epoch);
        assert_true(epoch == 0 || is_durable);
        answer = peer_step(&peer);
    }
    assert_int_equal(answer, WIRE_ROT_DONE);
    end();
}

SPEC("nobody sees an entry signed before its signatures are durable")
{
    struct wire_log_entries log;
    struct cbor_reader in;
    static struct file before;
    begin(&USUAL);
    world_lag = 3;
    before = world.platform.files[ENCLAVE_ATTACH]; // that of genesis
    give_rotate();
    uint8_t rotate_id[WIRE_ID_SIZE];
    memcpy(rotate_id, peer.request_id, sizeof rotate_id);
    while (enclave_has_work(&world.enclave)) {
        const struct file *attach = &world.platform.files[ENCLAVE_ATTACH];
        bool is_durable = memcmp(attach, &before, sizeof before) != 0;
        struct wire_log_get get = {.max = 16};
        assert_int_equal(
            peer_ask(&peer, WIRE_LOG_GET, &WIRE_LAYOUT_LOG_GET, &get),
            WIRE_LOG_ENTRIES);
        peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
        cbor_reader_init(&in, log.entries);
        assert_int_equal(cbor_read_array(&in), is_durable ? 2 : 1);
        memcpy(peer.request_id, rotate_id, sizeof rotate_id);
        enum wire_type answer = peer_step(&peer);
        assert_true(answer == WIRE_NONE || answer == WIRE_ROT_PREPARED);
    }
    end();
}

SPEC("an order that comes while another is worked on is busy, and asked again "
     "it is done")
{
    enum wire_type answer;
    begin(&USUAL);
    world_lag = 1;
    give_rotate();
    uint8_t rotate_id[WIRE_ID_SIZE];
    memcpy(rotate_id, peer.request_id, sizeof rotate_id);
    peer.only_gives = true;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_BUSY);
    memcpy(peer.request_id, rotate_id, sizeof rotate_id);
    (void)steps_under_load(&answer);
    assert_int_equal(answer, WIRE_ROT_PREPARED);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    end();
}

SPEC("an RTP that pairs anew while a rotation is worked on finds it done")
{
    begin(&USUAL);
    world_lag = 4;
    give_rotate();
    assert_true(peer_pair(&peer));
    while (enclave_has_work(&world.enclave)) {
        assert_int_equal(peer_step(&peer), WIRE_NONE);
    }
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    end();
}

SPEC("a write that fails beside ends the work with ERROR store, and life goes "
     "on")
{
    enum wire_type answer;
    begin(&USUAL);
    give_rotate();
    world.platform.fault = FAULT_REFUSE;
    world.platform.fault_at = world.platform.steps + 1;
    (void)steps_under_load(&answer);
    assert_int_equal(answer, WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_false(enclave_must_restart(&world.enclave));
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    end();
}

SPEC("without work there is no step")
{
    begin(&USUAL);
    struct rotor_room reply = ROOM_OF(peer.reply);
    assert_int_equal(enclave_step(&world.enclave, &peer.pair, &reply),
                     ROTOR_INVALID);
    end();
}
