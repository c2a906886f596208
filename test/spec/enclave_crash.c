// SPDX-License-Identifier: Apache-2.0
// Power goes at every durable step and behind every answer; an RTP that keeps
// what section 7.3 says, and resumes by the table of 7.4, always arrives.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct authority authority;

// ---- what left the AP ------------------------------------------------------

// Every body that was emitted with a signature, and what A signed of it.
static struct {
    size_t count;
    struct {
        struct wire_order order;
        struct wire_digest body_hash;
        uint8_t ots[WIRE_SIGN1_MAX];
        size_t ots_size;
        struct wire_key auth;
    } entries[16];
} emitted;

// S2: one body per place, one body per A, and the same body signed again by
// LM-OTS gives the same bytes.
static void note(const struct chain_entry *entry)
{
    struct wire_digest hash;
    struct wire_order order = {entry->body.incarnation, entry->body.epoch};
    assert_ok(chain_body_hash(&entry->body, &hash));
    size_t i = 0;
    for (; i < emitted.count; i++) {
        bool same_place =
            chain_order_compare(&emitted.entries[i].order, &order) == 0;
        bool same_auth =
            entry->sig_auth[0].size > 0 &&
            wire_key_equal(&emitted.entries[i].auth, &entry->body.auth.ots);
        if (same_place || same_auth) {
            assert_true(
                wire_digest_equal(&emitted.entries[i].body_hash, &hash));
            assert_true(bytes_equal(
                bytes_of(emitted.entries[i].ots, emitted.entries[i].ots_size),
                entry->sig_auth[0]));
            return;
        }
    }
    assert_true(i < COUNT_OF(emitted.entries));
    emitted.entries[i].order = order;
    emitted.entries[i].body_hash = hash;
    emitted.entries[i].auth = entry->body.auth.ots;
    emitted.entries[i].ots_size = entry->sig_auth[0].size;
    if (entry->sig_auth[0].size > 0) {
        memcpy(emitted.entries[i].ots, entry->sig_auth[0].data,
               entry->sig_auth[0].size);
    }
    emitted.count++;
}

// ---- an RTP ----------------------------------------------------------------

// Durable: survives everything that happens here.
static struct {
    struct chain_trust cur;
    struct chain_trust pend;
    uint8_t body[ENCLAVE_BODY_MAX]; // that RA was asked to sign
    size_t body_size;
    unsigned lost_answer; // which answer does not arrive; 0: none
    unsigned answers;
} rtp;

#define LAST_EPOCH 4u

static bool hears(enum wire_type type)
{
    rtp.answers++;
    if (type == WIRE_NONE || world.platform.is_dead) {
        return false;
    }
    if (rtp.answers == rtp.lost_answer) {
        world.platform.is_dead = true; // both the answer and the AP are gone
        return false;
    }
    return true;
}

static void use_id(uint8_t byte)
{
    memset(peer.request_id, byte, WIRE_ID_SIZE);
    peer.keeps_id = true;
}

static bool has_pend(void)
{
    return !chain_trust_is_empty(&rtp.pend);
}

// R1: an entry that follows is accepted beside cur.
static void take_entry(enum wire_type type)
{
    struct chain_entry entry;
    if (!hears(type) || type == WIRE_ERROR) {
        return;
    }
    peer_entry(&peer, &entry);
    note(&entry);
    assert_true(entry_follows(&rtp.cur, entry.bytes, &rtp.pend));
}

// R2.
static void take_done(enum wire_type type)
{
    struct wire_done done;
    if (!hears(type) || type == WIRE_ERROR) {
        return;
    }
    assert_int_equal(type, WIRE_ROT_DONE);
    peer_decode(&peer, &WIRE_LAYOUT_ROT_DONE, &done);
    if (has_pend()) {
        assert_true(wire_digest_equal(&done.body_hash, &rtp.pend.body_hash));
        rtp.cur = rtp.pend;
        memset(&rtp.pend, 0, sizeof rtp.pend);
    }
}

static void recover(void)
{
    struct recovery order = {.kind = 2,
                             .incarnation = 1,
                             .epoch = 3,
                             .supersedes = chain_trust_head(&rtp.cur),
                             .log_id = rtp.cur.log_id,
                             .with_old = 1,
                             .asks = USUAL,
                             .authority = &authority};
    struct chain_body body;
    struct wire_digest hash = {0};
    if (rtp.body_size > 0) {
        assert_ok(chain_body_decode(bytes_of(rtp.body, rtp.body_size), &body));
        assert_ok(chain_body_hash(&body, &hash));
    }
    bool holds = peer.status.state == WIRE_STATE_REC ||
                 (peer.status.has_candidate &&
                  wire_digest_equal(&peer.status.candidate, &hash));
    if (holds) {
        take_done(ask_recover_signed(&peer, bytes_of(rtp.body, rtp.body_size),
                                     &authority, 2));
        return;
    }
    if (hears(ask_recover(&peer, &order)) &&
        peer.header.type == WIRE_RECOVER_BODY) {
        struct wire_recover_body answer;
        peer_decode(&peer, &WIRE_LAYOUT_RECOVER_BODY, &answer);
        memcpy(rtp.body, answer.body.data, answer.body.size);
        rtp.body_size = answer.body.size;
    }
}

static void catch_up(void)
{
    struct wire_log_entries log;
    struct cbor_reader in;
    struct chain_entry entry;
    if (!hears(ask_log(&peer, rtp.cur.order.incarnation + 1, 0)) ||
        peer.header.type != WIRE_LOG_ENTRIES) {
        return;
    }
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_true(cbor_read_array(&in) >= 1);
    assert_ok(chain_entry_decode(cbor_read_item(&in), &entry));
    note(&entry);
    assert_true(entry_follows(&rtp.cur, entry.bytes, &rtp.cur));
}

// One row of 7.4: what to say to an AP in this state.
static void act(void)
{
    const struct wire_status *ap = &peer.status;
    uint64_t epoch = rtp.cur.order.epoch;
    bool has_cur = !chain_trust_is_empty(&rtp.cur);
    switch (ap->state) {
    case WIRE_STATE_EMPTY:
        use_id(0x60);
        take_entry(ask_generate(&peer, &USUAL));
        break;
    case WIRE_STATE_PREP0:
        if (has_pend()) {
            take_done(ask_accept0(&peer, &rtp.pend.body_hash));
            break;
        }
        use_id(0x60);
        take_entry(ask_generate(&peer, &USUAL));
        break;
    case WIRE_STATE_CUR:
        if (has_pend() && ap->cur.epoch == rtp.pend.order.epoch) {
            rtp.cur = rtp.pend;
            memset(&rtp.pend, 0, sizeof rtp.pend);
        } else if (has_cur && ap->incarnation > rtp.cur.order.incarnation) {
            catch_up();
        } else if (epoch == 2 && rtp.cur.order.incarnation == 0) {
            recover();
        } else {
            use_id((uint8_t)(0x70 + epoch));
            take_entry(ask_rotate(&peer, epoch, WIRE_REASON_SCHEDULED));
        }
        break;
    case WIRE_STATE_PREP:
        if (has_pend()) {
            take_done(
                ask_commit(&peer, rtp.pend.order.epoch, &rtp.pend.body_hash));
            break;
        }
        use_id((uint8_t)(0x70 + epoch));
        take_entry(ask_rotate(&peer, epoch, WIRE_REASON_SCHEDULED));
        break;
    case WIRE_STATE_REC:
        recover();
        break;
    default:
        fail_msg("AP in state %s", wire_state_name(ap->state));
    }
}

static void restart(void)
{
    world.platform.is_dead = false;
    world.platform.fault = FAULT_NONE;
    world_start(&world);
    enclave_pair_close(&peer.pair);
    peer.mode = PEER_CLOSED;
}

static bool pair(void)
{
    peer.shows_cur = !chain_trust_is_empty(&rtp.cur);
    peer.cur = chain_trust_head(&rtp.cur);
    peer.shows_pend = has_pend();
    peer.pend = chain_trust_head(&rtp.pend);
    peer.floor = rtp.cur.order;
    return peer_pair(&peer);
}

// From nothing through two rotations, a recovery and another rotation.
static void run_story(void)
{
    for (unsigned rounds = 0; rounds < 100; rounds++) {
        if (world.platform.is_dead || enclave_must_restart(&world.enclave)) {
            restart();
        }
        if (!pair()) {
            assert_true(world.platform.is_dead);
            continue;
        }
        if (rtp.cur.order.epoch == LAST_EPOCH &&
            peer.status.state == WIRE_STATE_CUR) {
            assert_int_equal(peer.status.cur.epoch, LAST_EPOCH);
            assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_HEAD),
                             WIRE_ATTEST_RSP);
            return;
        }
        act();
    }
    fail_msg("the story does not end");
}

static unsigned run(enum fault_mode fault, unsigned at, size_t tear)
{
    memset(&emitted, 0, sizeof emitted);
    unsigned lost_answer = rtp.lost_answer;
    memset(&rtp, 0, sizeof rtp);
    rtp.lost_answer = lost_answer;
    world_init(&world);
    world.platform.fault = fault;
    world.platform.fault_at = at;
    world.platform.tear = tear;
    world_start(&world);
    peer_init(&peer, &world);
    authority_init(&authority, 1);
    run_story();
    assert_int_equal(emitted.count, LAST_EPOCH + 1);
    unsigned steps = world.platform.steps;
    authority_close(&authority);
    peer_close(&peer);
    world_close(&world);
    return steps;
}

static void run_all(enum fault_mode fault)
{
    unsigned steps = run(FAULT_NONE, 0, 0);
    assert_true(steps > 20);
    for (unsigned at = 1; at <= steps; at++) {
        (void)run(fault, at, 0);
    }
}

SPEC("power that goes before any durable step costs nothing but time")
{
    run_all(FAULT_KILL_BEFORE);
}

SPEC("power that goes right behind any durable step costs nothing but time")
{
    run_all(FAULT_KILL_AFTER);
}

SPEC("a step that fails, or that is done and called failed, is survived")
{
    run_all(FAULT_REFUSE);
    run_all(FAULT_DOUBT);
}

SPEC("the same holds where the disk works beside the serving thread")
{
    unsigned steps = run(FAULT_NONE, 0, 0);
    world_writes_beside = true;
    world_lag = 2;
    assert_int_equal(run(FAULT_NONE, 0, 0), steps);
    run_all(FAULT_KILL_BEFORE);
    run_all(FAULT_KILL_AFTER);
    run_all(FAULT_REFUSE);
    run_all(FAULT_DOUBT);
    world_writes_beside = false;
}

SPEC("a write torn at any 512 bytes is survived")
{
    unsigned steps = run(FAULT_NONE, 0, 0);
    for (unsigned at = 1; at <= steps; at++) {
        for (size_t tear = 0; tear <= 5 * 1024; tear += 512) {
            (void)run(FAULT_TEAR, at, tear);
        }
    }
}

SPEC("any answer may be lost together with the enclave that gave it")
{
    rtp.lost_answer = 0;
    (void)run(FAULT_NONE, 0, 0);
    unsigned answers = rtp.answers;
    for (unsigned i = 1; i <= answers; i++) {
        rtp.lost_answer = i;
        (void)run(FAULT_NONE, 0, 0);
    }
    rtp.lost_answer = 0;
}

SPEC("a counter as anchor burns A in its window and never signs twice")
{
    for (unsigned at = 1; at <= 60; at++) {
        memset(&emitted, 0, sizeof emitted);
        memset(&rtp, 0, sizeof rtp);
        world_init(&world);
        world.identity.anchor_kind = 3;
        world.platform.fault = FAULT_KILL_BEFORE;
        world.platform.fault_at = at;
        world_start(&world);
        peer_init(&peer, &world);
        authority_init(&authority, 1);
        for (unsigned rounds = 0; rounds < 40; rounds++) {
            if (world.platform.is_dead) {
                restart();
            }
            if (!pair()) {
                continue;
            }
            if (peer.status.state == WIRE_STATE_BURNT ||
                (rtp.cur.order.epoch == 2 &&
                 peer.status.state == WIRE_STATE_CUR)) {
                break;
            }
            assert_false(world.enclave.state.is_burnt &&
                         world.enclave.state.pending.auth.size > 0);
            if (peer.status.state == WIRE_STATE_PREP && !has_pend()) {
                use_id(0x70);
                enum wire_type type = ask_rotate(&peer, rtp.cur.order.epoch, 1);
                if (type == WIRE_ERROR) {
                    // Burnt while prepared: only RA goes on from here.
                    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
                    break;
                }
                take_entry(type);
                continue;
            }
            act();
        }
        assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST),
                         WIRE_ATTEST_RSP);
        assert_false(world.enclave.state.is_burnt &&
                     world.enclave.state.cur.next_auth.size > 0);
        authority_close(&authority);
        peer_close(&peer);
        world_close(&world);
    }
}
