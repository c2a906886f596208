// SPDX-License-Identifier: Apache-2.0
// The parts of the RTP that need no enclave: the crash table as a function,
// the clock, the trust store and its log.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/sim/device.h"
#include "test/spec.h"

// ---- the crash table against a second reading of the text ------------------

// Bodies: A(e) is what we hold for epoch e, B(e) another one for its place.
static struct wire_head head_of(uint64_t epoch, uint8_t body)
{
    struct wire_head head = {.epoch = epoch,
                             .body_hash = {.alg = CRYPTO_SHA256}};
    head.body_hash.bytes[0] = (uint8_t)(epoch + 1);
    head.body_hash.bytes[1] = body;
    return head;
}

struct pair_of_states {
    struct rtp_standing rtp;
    struct wire_status ap;
};

static bool head_is(bool has, const struct wire_head *a,
                    const struct wire_head *b)
{
    return has && a->epoch == b->epoch &&
           wire_digest_equal(&a->body_hash, &b->body_hash);
}

// One `if` for each sentence, without tables.
static enum rtp_action read_text(const struct pair_of_states *p)
{
    const struct rtp_standing *r = &p->rtp;
    const struct wire_status *a = &p->ap;
    bool ap_signs = a->state == WIRE_STATE_CUR || a->state == WIRE_STATE_PREP ||
                    a->state == WIRE_STATE_CLOSED ||
                    a->state == WIRE_STATE_BURNT;
    bool at_cur = a->incarnation == r->incarnation && r->has_cur &&
                  head_is(a->has_cur, &a->cur, &r->cur);
    bool at_pend = a->incarnation == r->incarnation && r->has_pend &&
                   head_is(a->has_cur, &a->cur, &r->pend);
    bool holds_pend = a->incarnation == r->incarnation && r->has_pend &&
                      head_is(a->has_prepared, &a->prepared, &r->pend);
    if (a->state == WIRE_STATE_EMPTY && !a->has_cur && !a->has_prepared &&
        (r->phase == RTP_NEW || r->phase == RTP_INTENT0)) {
        return RTP_ACTION_GENERATE;
    }
    if (a->state == WIRE_STATE_PREP0 && !a->has_cur && r->phase <= RTP_ACC0) {
        if (r->phase == RTP_INTENT0) {
            return RTP_ACTION_GENERATE;
        }
        return r->phase == RTP_ACC0 && holds_pend ? RTP_ACTION_ACCEPT0
                                                  : RTP_ACTION_RESET;
    }
    if (a->state == WIRE_STATE_REC) {
        return RTP_ACTION_WAIT;
    }
    if (!ap_signs) {
        return RTP_ACTION_RECOVER;
    }
    bool is_beyond =
        a->has_cur && r->has_cur &&
        (a->incarnation > r->incarnation ||
         (a->incarnation == r->incarnation && a->cur.epoch > r->cur.epoch));
    bool is_quarantined = r->phase == RTP_QUAR && !is_beyond;
    bool prepared_another =
        a->has_prepared && a->incarnation == r->incarnation &&
        ((r->has_pend && a->prepared.epoch == r->pend.epoch && !holds_pend) ||
         (r->has_cur && a->prepared.epoch == r->cur.epoch &&
          !head_is(true, &a->prepared, &r->cur)));
    bool holds_our_log = (at_cur || at_pend) && !prepared_another;
    if (is_quarantined && !holds_our_log) {
        return RTP_ACTION_QUARANTINED;
    }
    if (!a->has_cur) {
        return RTP_ACTION_NONE;
    }
    uint64_t ap_reach = a->has_prepared ? a->prepared.epoch : a->cur.epoch;
    bool shows_more =
        r->has_cur &&
        (r->floor.incarnation > a->incarnation ||
         (r->floor.incarnation == a->incarnation && r->floor.epoch > ap_reach));
    if (shows_more) {
        return RTP_ACTION_AP_BEHIND;
    }
    if (is_quarantined) {
        return RTP_ACTION_APPEAL;
    }
    if (at_pend) {
        return RTP_ACTION_ADVANCE;
    }
    if (!at_cur) {
        bool same_place_as_pend = r->has_pend &&
                                  a->incarnation == r->incarnation &&
                                  a->cur.epoch == r->pend.epoch;
        bool same_place_as_cur = r->has_cur &&
                                 a->incarnation == r->incarnation &&
                                 a->cur.epoch == r->cur.epoch;
        if (same_place_as_pend || same_place_as_cur) {
            return RTP_ACTION_JUDGE;
        }
        bool is_before =
            r->has_cur &&
            (a->incarnation < r->incarnation ||
             (a->incarnation == r->incarnation && a->cur.epoch < r->cur.epoch));
        return is_before ? RTP_ACTION_AP_BEHIND : RTP_ACTION_CATCH_UP;
    }
    if (r->has_pend) {
        if (holds_pend) {
            return r->phase == RTP_PEND ? RTP_ACTION_COMMIT
                                        : RTP_ACTION_EMERGENCY;
        }
        if (!a->has_prepared) {
            return RTP_ACTION_AP_BEHIND;
        }
        return a->prepared.epoch == r->pend.epoch ? RTP_ACTION_JUDGE
                                                  : RTP_ACTION_NONE;
    }
    bool is_stuck =
        a->state == WIRE_STATE_CLOSED || a->state == WIRE_STATE_BURNT;
    if (is_stuck) {
        return r->phase == RTP_INTENT ? RTP_ACTION_WITHDRAW : RTP_ACTION_ATTEST;
    }
    bool is_prepared = a->has_prepared && a->prepared.epoch > a->cur.epoch;
    if (a->state == WIRE_STATE_PREP) {
        return is_prepared ? RTP_ACTION_ROTATE : RTP_ACTION_NONE;
    }
    if (a->has_prepared) {
        return RTP_ACTION_NONE;
    }
    return r->phase == RTP_INTENT ? RTP_ACTION_ROTATE : RTP_ACTION_STEADY;
}

static struct rtp_standing standing_of(enum rtp_phase phase,
                                       uint64_t floor_epoch)
{
    bool is_early = phase <= RTP_ACC0;
    bool has_pend =
        phase == RTP_ACC0 || phase == RTP_PEND || phase == RTP_PENDX;
    struct rtp_standing rtp = {
        .phase = phase,
        .has_cur = !is_early,
        .incarnation = 1,
        .has_pend = has_pend,
        .floor = {1, floor_epoch}
    };
    rtp.cur = head_of(5, 'A');
    rtp.pend = head_of(is_early ? 0 : 6, 'A');
    if (is_early) {
        rtp.incarnation = has_pend ? 1 : 0;
        rtp.floor = (struct wire_order){0, 0};
    }
    return rtp;
}

SPEC("every pair of durable states has the action that the text gives it")
{
    unsigned cells = 0;
    unsigned hits[RTP_ACTION_QUARANTINED + 1] = {0};
    struct wire_head heads[] = {
        head_of(0, 'A'), head_of(4, 'A'), head_of(5, 'A'), head_of(5, 'B'),
        head_of(6, 'A'), head_of(6, 'B'), head_of(7, 'A'), head_of(0, 'B')};
    for (unsigned i = 0; i < 8u * 8u * 9u * 9u * 3u * 3u; i++) {
        unsigned rest = i;
        struct pair_of_states p = {0};
        enum rtp_phase phase = (enum rtp_phase)(rest % 8u);
        rest /= 8u;
        p.ap.state = rest % 8u;
        rest /= 8u;
        unsigned cur = rest % 9u;
        rest /= 9u;
        unsigned prepared = rest % 9u;
        rest /= 9u;
        p.ap.incarnation = rest % 3u;
        rest /= 3u;
        p.rtp = standing_of(phase, 5 + rest);
        p.ap.has_cur = cur < 8;
        p.ap.has_prepared = prepared < 8;
        p.ap.cur = heads[cur % 8u];
        p.ap.prepared = heads[prepared % 8u];
        // An AP never stands prepared for what is not beyond its cur, nor
        // without saying so.
        bool is_odd = p.ap.has_cur && p.ap.has_prepared &&
                      p.ap.prepared.epoch <= p.ap.cur.epoch;
        bool is_mute = p.ap.state ==
                       (p.ap.has_prepared ? WIRE_STATE_CUR : WIRE_STATE_PREP);
        if (is_odd || is_mute) {
            continue;
        }
        enum rtp_action found = rtp_resume(&p.rtp, &p.ap);
        enum rtp_action wanted = read_text(&p);
        if (found != wanted) {
            fail_msg("%s | %s, cur %u, prepared %u, incarnation %u: %s, not %s",
                     wire_state_name(p.ap.state), rtp_phase_name(phase), cur,
                     prepared, (unsigned)p.ap.incarnation,
                     rtp_action_name(found), rtp_action_name(wanted));
        }
        hits[found]++;
        cells++;
    }
    for (unsigned i = 0; i <= RTP_ACTION_QUARANTINED; i++) {
        assert_true(hits[i] > 0);
    }
    print_message("%u pairs of states\n", cells);
}

// ---- waits -----------------------------------------------------------------

SPEC("a wait doubles from 2 s to 60 s and strays by a quarter")
{
    static const uint64_t WAITS[] = {2000,  4000,  8000, 16000,
                                     32000, 60000, 60000};
    for (uint32_t random = 0; random < 100; random++) {
        struct rtp_backoff backoff;
        rtp_backoff_init(&backoff, 2000, 60000);
        for (size_t i = 0; i < COUNT_OF(WAITS); i++) {
            uint64_t at = rtp_backoff_next(&backoff, 7, random * 1299709u);
            assert_true(at >= 7 + WAITS[i] * 3 / 4);
            assert_true(at <= 7 + WAITS[i] * 5 / 4);
        }
    }
}

SPEC("a rotation is due within the last percents of its period, never later")
{
    for (uint32_t random = 0; random < 1000; random++) {
        struct rtp_schedule schedule;
        const struct rtp_life life = {.now_ms = 500,
                                      .passed_ms = random * 100u,
                                      .cryptoperiod_s = 1000,
                                      .jitter_percent = 10,
                                      .random = random * 2654435761u};
        rtp_schedule_start(&schedule, &life);
        uint64_t end_ms = 500 + 1000000 - random * 100u;
        assert_true(schedule.due_ms <= end_ms);
        assert_true(schedule.due_ms + 100000 >= end_ms);
        assert_int_equal(schedule.overdue_ms, end_ms + 1000000);
    }
}

SPEC("a period that passed long ago is due now")
{
    struct rtp_schedule schedule;
    const struct rtp_life life = {.now_ms = 9,
                                  .passed_ms = UINT64_MAX,
                                  .cryptoperiod_s = UINT32_MAX,
                                  .jitter_percent = 100,
                                  .random = UINT32_MAX};
    rtp_schedule_start(&schedule, &life);
    assert_int_equal(schedule.due_ms, 9);
}

// ---- trust store -----------------------------------------------------------

static struct sim_device *rotated_device(unsigned rotations)
{
    struct sim_device *device = sim_device_new(41);
    assert_non_null(device);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    for (unsigned i = 0; i < rotations; i++) {
        sim_wish_rotation(device);
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    }
    return device;
}

SPEC("the state is read back as it was written")
{
    struct sim_device *device = rotated_device(1);
    static uint8_t bytes[RTP_STATE_MAX];
    static struct rtp_state found;
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_state *given = &device->rtp.state;
    given->phase = RTP_PEND;
    given->pend = given->trust;
    given->entry_size = WIRE_ENTRY_MAX;
    given->has_intent = true;
    given->intent.reason = WIRE_REASON_KEY_COMPROMISE;
    given->intent.distrust_from = UINT64_MAX;
    assert_ok(rtp_state_encode(given, &room));
    assert_ok(rtp_state_decode(bytes_in(&room), &found));
    assert_int_equal(found.phase, RTP_PEND);
    assert_int_equal(found.entry_size, WIRE_ENTRY_MAX);
    assert_int_equal(found.intent.distrust_from, UINT64_MAX);
    static uint8_t again_bytes[RTP_STATE_MAX];
    struct rotor_room again = ROOM_OF(again_bytes);
    assert_ok(rtp_state_encode(&found, &again));
    assert_true(bytes_equal(bytes_in(&room), bytes_in(&again)));
    sim_device_free(device);
}

SPEC("any flipped bit and any cut of the state file is seen")
{
    struct sim_device *device = rotated_device(1);
    static struct rtp_state found;
    struct sim_file *file = &device->store.rtp[RTP_FILE_STATE];
    for (size_t i = 0; i < file->size; i++) {
        file->bytes[i] ^= (uint8_t)(1u << i % 8u);
        assert_int_equal(
            rtp_state_decode(bytes_of(file->bytes, file->size), &found),
            ROTOR_CORRUPT);
        file->bytes[i] ^= (uint8_t)(1u << i % 8u);
        assert_int_equal(rtp_state_decode(bytes_of(file->bytes, i), &found),
                         ROTOR_CORRUPT);
    }
    file->bytes[5] ^= 1;
    sim_kill_rtp(device);
    assert_int_equal(sim_start_rtp(device), ROTOR_CORRUPT);
    sim_device_free(device);
}

SPEC("a state that lacks what its phase needs is none")
{
    static uint8_t bytes[RTP_STATE_MAX];
    static struct rtp_state empty;
    static struct rtp_state found;
    for (unsigned phase = 0; phase < RTP_PHASE_COUNT; phase++) {
        struct rotor_room room = ROOM_OF(bytes);
        memset(&empty, 0, sizeof empty);
        empty.phase = (enum rtp_phase)phase;
        assert_ok(rtp_state_encode(&empty, &room));
        bool is_whole = phase == RTP_NEW || phase == RTP_QUAR;
        assert_int_equal(rtp_state_decode(bytes_in(&room), &found),
                         is_whole ? ROTOR_OK : ROTOR_CORRUPT);
    }
}

SPEC("another control key than the pinned one does not open the store")
{
    struct sim_device *device = rotated_device(1);
    struct sim_file *file = &device->store.rtp[RTP_FILE_CONTROL];
    sim_kill_rtp(device);
    file->bytes[9] ^= 1;
    assert_int_equal(sim_start_rtp(device), ROTOR_CORRUPT);
    file->is_there = false;
    assert_int_equal(sim_start_rtp(device), ROTOR_CORRUPT);
    sim_device_free(device);
}

SPEC("a torn tail of the log is cut off, wherever it was torn")
{
    struct sim_device *device = rotated_device(3);
    size_t whole = device->store.log_size;
    struct rtp_log log;
    static uint8_t bytes[WIRE_ENTRY_MAX];
    uint64_t last = 0;
    for (size_t size = 0; size <= whole; size += 97) {
        struct rotor_room room = ROOM_OF(bytes);
        device->store.log_size = size;
        assert_ok(rtp_log_open(&log, &device->rtp.ops, &room, RTP_LOG_WHOLE));
        assert_true(log.size <= size);
        assert_true(log.count >= last && log.count <= 4);
        last = log.count;
    }
    device->store.log_size = whole;
    sim_kill_rtp(device);
    device->store.log_size = whole - 1;
    assert_ok(sim_start_rtp(device));
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 1);
    sim_device_free(device);
}

SPEC("a last record of the right size that is no entry is cut off too")
{
    struct sim_device *device = rotated_device(2);
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log log;
    struct rtp_log_entry record = {0};
    assert_ok(rtp_log_read(&device->rtp.ops, 0, &room, &record));
    assert_ok(rtp_log_read(&device->rtp.ops, record.next, &room, &record));
    uint64_t end = record.next;
    device->store.log[end + RTP_LOG_HEAD] ^= 0x20;
    assert_ok(rtp_log_open(&log, &device->rtp.ops, &room, RTP_LOG_WHOLE));
    assert_int_equal(log.count, 2);
    assert_int_equal(log.size, end);
    sim_device_free(device);
}

SPEC("the log finds any entry, however many there are")
{
    // Marks are thinned out at 512: more entries than that, all the same but
    // for their place.
    struct sim_device *device = rotated_device(1);
    struct rtp_log log = {.stride = 1};
    static uint8_t bytes[WIRE_ENTRY_MAX];
    static uint8_t first_bytes[WIRE_ENTRY_MAX];
    static uint8_t body_bytes[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record = {0};
    struct chain_entry entry;
    assert_ok(rtp_log_read(&device->rtp.ops, 0, &room, &record));
    assert_ok(rtp_log_read(&device->rtp.ops, record.next, &room, &record));
    memcpy(first_bytes, record.bytes.data, record.bytes.size);
    assert_ok(
        chain_entry_decode(bytes_of(first_bytes, record.bytes.size), &entry));
    device->store.log_size = 0;
    for (uint64_t i = 1; i <= 700; i++) {
        struct chain_trust trust;
        struct rotor_room body = ROOM_OF(body_bytes);
        struct rotor_room out = {device->store.log + device->store.log_size + 4,
                                 WIRE_ENTRY_MAX, 0};
        struct chain_entry made = entry;
        made.body.epoch = i * 2;
        assert_ok(chain_body_encode(&made.body, &body));
        made.body.bytes = bytes_in(&body);
        assert_ok(chain_entry_encode(&made, &out));
        bytes_put_be32(device->store.log + device->store.log_size,
                       (uint32_t)out.used);
        device->store.log_size += 4 + out.used;
        assert_ok(chain_trust_of(&made.body, &trust));
        rtp_log_note(&log, &trust, out.used);
    }
    assert_int_equal(log.count, 700);
    assert_int_equal(log.stride, 2);
    for (uint64_t epoch = 1; epoch <= 1400; epoch += 7) {
        uint64_t offset;
        const struct wire_order order = {0, epoch};
        assert_ok(rtp_log_find(&log, &device->rtp.ops, &room, &order, &offset));
        assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
        assert_ok(chain_entry_decode(record.bytes, &entry));
        assert_int_equal(entry.body.epoch, epoch + epoch % 2);
    }
    const struct wire_order beyond = {0, 1401};
    uint64_t end;
    assert_ok(rtp_log_find(&log, &device->rtp.ops, &room, &beyond, &end));
    assert_int_equal(end, log.size);
    sim_device_free(device);
}

SPEC("a full set of keys starts again from the last entries, without a gap")
{
    struct sim_device *device = rotated_device(3);
    struct chain_seen *seen = &device->rtp.seen;
    struct chain_fingerprint junk = {.bytes = {1}};
    struct chain_fingerprint old;
    assert_ok(chain_fingerprint_key(&device->rtp.state.trust.sign, &old));
    for (uint32_t i = 0; i < CHAIN_SEEN_DEFAULT; i++) {
        bytes_put_be32(junk.bytes + 8, i);
        if (chain_seen_add(seen, &junk) != ROTOR_OK) {
            break;
        }
    }
    bytes_put_be32(junk.bytes + 8, 0);
    assert_true(chain_seen_has(seen, &junk));
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_false(chain_seen_has(seen, &junk));
    assert_true(chain_seen_has(seen, &old));
    assert_ok(chain_fingerprint_key(&device->rtp.state.trust.sign, &old));
    assert_true(chain_seen_has(seen, &old));
    sim_device_free(device);
}

SPEC("a config that cannot work is refused")
{
    struct sim_device *device = rotated_device(0);
    struct rtp_config good = device->config;
    sim_kill_rtp(device);
    for (unsigned i = 0; i < 6; i++) {
        device->config = good;
        device->config.reference = i == 0 ? NULL : good.reference;
        device->config.suite = i == 1 ? 4 : good.suite;
        device->config.seed_src = i == 2 ? 4 : 1;
        device->config.jitter_percent = i == 3 ? 101 : 10;
        device->config.retry_first_ms = i == 4 ? 0 : 2000;
        device->config.frames_per_channel = i == 5 ? 100 : 1u << 24;
        assert_int_equal(sim_start_rtp(device), ROTOR_INVALID);
    }
    sim_device_free(device);
}
