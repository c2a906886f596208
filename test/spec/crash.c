// SPDX-License-Identifier: Apache-2.0
// The crash table of doc/PROTOCOL.rot 7.4, each row by taking power away at
// the named point.  Every other point: test/powercut.
#include "test/spec/rtp_client.h"

// ---- what must hold afterwards ---------------------------------------------

static void check_log(const struct sim_device *device)
{
    const struct rtp *rtp = &device->rtp;
    uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record = {0};
    struct chain_trust before = {0};
    for (uint64_t i = 0; i < rtp->log.count; i++) {
        struct chain_entry entry;
        struct chain_trust trust;
        assert_ok(rtp_log_read(&rtp->ops, record.next, &room, &record));
        assert_ok(chain_entry_decode(record.bytes, &entry));
        assert_ok(chain_trust_of(&entry.body, &trust));
        assert_int_equal(trust.order.epoch, i);
        assert_true(wire_digest_equal(&trust.log_id, &rtp->state.trust.log_id));
        assert_true(i == 0 ||
                    wire_digest_equal(&entry.body.prev, &before.body_hash));
        before = trust;
    }
    assert_true(
        wire_digest_equal(&before.body_hash, &rtp->state.trust.body_hash));
}

static void check_agreement(const struct sim_device *device)
{
    const struct enclave_facts *ap = &device->enclave.state.cur.facts;
    const struct chain_trust *rtp = &device->rtp.state.trust;
    assert_int_equal(ap->order.epoch, rtp->order.epoch);
    assert_true(wire_digest_equal(&ap->body_hash, &rtp->body_hash));
    assert_int_equal(device->seen.second_bodies, 0);
    assert_int_equal(chain_order_compare(&device->rtp.state.floor, &rtp->order),
                     0);
    check_log(device);
}

static void check_service(struct sim_device *device)
{
    struct client client = {.device = device, .must_verify = true};
    assert_true(client_attest(&client, 0));
    client_run(&client, 200);
    if (client.answered != 1) {
        fail_msg(
            "not served: %d refused, code %d error %d, link %d scope %d, last "
            "alarm %s: %s",
            (int)client.refused, (int)client.last.code, (int)client.last.error,
            (int)device->rtp.channel.link, (int)device->rtp.channel.scope,
            rtp_alarm_name(device->seen.last.kind), device->seen.last_text);
    }
}

// ---- taking power away -----------------------------------------------------

enum who {
    THE_VICTIM = 0, // of the cut
    BOTH,
};

static void restart(struct sim_device *device, enum who who)
{
    enum sim_side dead = device->dead;
    if (dead == SIM_AP || who == BOTH) {
        sim_kill_ap(device);
    }
    if (dead == SIM_RTP || who == BOTH) {
        sim_kill_rtp(device);
    }
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    if (!device->ap_is_up) {
        assert_ok(sim_start_ap(device));
    }
    if (!device->rtp_is_up) {
        assert_ok(sim_start_rtp(device));
    }
}

static const char *now_at(const struct sim_device *device)
{
    static char text[96];
    snprintf(text, sizeof text, "%s | %s",
             wire_state_name(enclave_state_code(&device->enclave)),
             rtp_phase_name(device->rtp.state.phase));
    return text;
}

static void check_standing(const struct sim_device *device, enum wire_state ap,
                           enum rtp_phase rtp)
{
    bool is_there = enclave_state_code(&device->enclave) == ap &&
                    device->rtp.state.phase == rtp;
    if (!is_there) {
        fail_msg("stands at %s", now_at(device));
    }
}

static void run_to_the_end(struct sim_device *device)
{
    if (!sim_run_until(device, 300000, sim_is_steady)) {
        fail_msg("never came to rest: %s, link %d, last alarm %s: %s",
                 now_at(device), (int)device->rtp.channel.link,
                 rtp_alarm_name(device->seen.last.kind),
                 device->seen.last_text);
    }
    check_agreement(device);
    check_service(device);
}

// A device before genesis.
static struct sim_device *new_device(void)
{
    struct sim_device *device = sim_device_new(11);
    assert_non_null(device);
    return device;
}

static void start_both(struct sim_device *device)
{
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
}

static void ask_for_rotation(struct sim_device *device, uint64_t reason,
                             uint64_t kind)
{
    // Tags are unique over all clients of a device.
    struct client client = {.device = device, .tags = 1u << 20};
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_rotate rotate = {
        .reason = reason, .has_kind = kind != CHAIN_ROTATE, .kind = kind};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &rotate, &payload));
    assert_ok(client_submit(&client, WIRE_OP_ROTATE, bytes_in(&payload), 0));
}

// ---- the rows --------------------------------------------------------------

struct row {
    struct sim_cut cut;
    enum wire_state ap;
    enum rtp_phase rtp;
};

static void crash_in_genesis(const struct row *row)
{
    struct sim_device *device = new_device();
    device->cut = row->cut;
    start_both(device);
    sim_run(device, 60000);
    assert_true(device->is_cut);
    restart(device, THE_VICTIM);
    check_standing(device, row->ap, row->rtp);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    sim_device_free(device);
}

static void crash_in_rotation_of(const struct row *row, uint64_t reason,
                                 uint64_t kind)
{
    struct sim_device *device = device_ready(12);
    device->cut = row->cut;
    ask_for_rotation(device, reason, kind);
    sim_run(device, 60000);
    assert_true(device->is_cut);
    restart(device, THE_VICTIM);
    check_standing(device, row->ap, row->rtp);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

static void crash_in_rotation(const struct row *row)
{
    crash_in_rotation_of(row, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
}

#define BEFORE_STEP(name)                                                      \
    {                                                                          \
        .step = SIM_##name, .count = 1                                         \
    }
#define AFTER_STEP(name, which)                                                \
    {                                                                          \
        .step = SIM_##name, .count = (which), .is_after = true                 \
    }
#define LOSING(way, kind)                                                      \
    {                                                                          \
        .step = SIM_FRAME_TO_##way, .type = WIRE_##kind, .count = 1            \
    }

SPEC("EMPTY, INTENT0: killed before P1 of entry 0: GENERATE again")
{
    const struct row row = {BEFORE_STEP(AP_WRITE_NEXT), WIRE_STATE_EMPTY,
                            RTP_INTENT0};
    crash_in_genesis(&row);
}

SPEC("PREP0, INTENT0: AVAILABLE lost: the identical body comes again")
{
    const struct row row = {LOSING(RTP, ROT_AVAILABLE), WIRE_STATE_PREP0,
                            RTP_INTENT0};
    crash_in_genesis(&row);
}

SPEC("PREP0, INTENT0 with the control key gone: nothing is opened")
{
    struct sim_device *device = new_device();
    device->cut = (struct sim_cut)LOSING(RTP, ROT_AVAILABLE);
    start_both(device);
    sim_run(device, 60000);
    sim_kill_rtp(device);
    device->is_cut = false;
    device->store.rtp[RTP_FILE_CONTROL].is_there = false;
    assert_int_equal(sim_start_rtp(device), ROTOR_CORRUPT);
    assert_false(device->store.rtp[RTP_FILE_CONTROL].is_there);
    sim_device_free(device);
}

SPEC("PREP0, ACC0: ACCEPT0 lost: it is sent again")
{
    const struct row row = {LOSING(AP, ROT_ACCEPT0), WIRE_STATE_PREP0,
                            RTP_ACC0};
    crash_in_genesis(&row);
}

SPEC("CUR 0, ACC0: DONE lost: HELLO under S_0 is enough for R2")
{
    const struct row row = {LOSING(RTP, ROT_DONE), WIRE_STATE_CUR, RTP_ACC0};
    crash_in_genesis(&row);
}

SPEC("PREP0, NEW: the intent was lost: nothing is done until a factory reset")
{
    struct sim_device *device = new_device();
    device->cut = (struct sim_cut)LOSING(RTP, ROT_AVAILABLE);
    start_both(device);
    sim_run(device, 60000);
    device->store.rtp[RTP_FILE_STATE].is_there = false;
    restart(device, THE_VICTIM);
    check_standing(device, WIRE_STATE_PREP0, RTP_NEW);
    sim_run(device, 60000);
    check_standing(device, WIRE_STATE_PREP0, RTP_NEW);
    assert_int_equal(device->seen.alarms[RTP_ALARM_FOREIGN_AP], 1);
    sim_kill_ap(device);
    memset(device->store.ap, 0, sizeof device->store.ap);
    device->identity.was_reset = true;
    device->seen.bodies = 0;
    assert_ok(sim_start_ap(device));
    run_to_the_end(device);
    sim_device_free(device);
}

SPEC(
    "CUR 0, ACC0: R2 fails on the channel that is good for nothing else: again")
{
    struct sim_device *device = new_device();
    device->cut = (struct sim_cut)LOSING(RTP, ROT_DONE);
    start_both(device);
    sim_run(device, 60000);
    restart(device, THE_VICTIM);
    device->rtp_disk_is_full = true;
    sim_run(device, 5000);
    check_standing(device, WIRE_STATE_CUR, RTP_ACC0);
    assert_int_equal(device->rtp.channel.link, RTP_LINK_OPEN);
    device->rtp_disk_is_full = false;
    run_to_the_end(device);
    assert_int_equal(device->seen.alarms[RTP_ALARM_REFUSED], 0);
    sim_device_free(device);
}

SPEC("CUR 0, ACC0: R2 was written and is said not to be: the log is not cut "
     "under it")
{
    struct sim_device *device = new_device();
    device->cut = (struct sim_cut)LOSING(RTP, ROT_DONE);
    start_both(device);
    sim_run(device, 60000);
    restart(device, THE_VICTIM);
    device->rtp_disk_denies = true;
    sim_run(device, 5000);
    check_standing(device, WIRE_STATE_CUR, RTP_ACC0);
    assert_true(device->seen.alarms[RTP_ALARM_STORE] >= 2);
    assert_int_equal(device->seen.steps[SIM_RTP_LOG], 1);
    sim_kill_rtp(device);
    assert_ok(sim_start_rtp(device));
    check_standing(device, WIRE_STATE_CUR, RTP_CUR);
    device->rtp_disk_denies = false;
    run_to_the_end(device);
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 0);
    sim_device_free(device);
}

// A disk of the AP that takes as long as it likes, beside the serving thread.
static struct {
    struct enclave_ops ops;
    struct enclave_durable what;
    bool is_stuck;
} slow_disk;

static enum rotor_status slow_begin(void *context,
                                    const struct enclave_durable *what)
{
    (void)context;
    slow_disk.what = *what;
    return ROTOR_OK;
}

static enum rotor_status slow_end(void *context)
{
    const struct enclave_durable *what = &slow_disk.what;
    if (slow_disk.is_stuck) {
        return ROTOR_AGAIN;
    }
    switch (what->kind) {
    case ENCLAVE_WRITE:
        return slow_disk.ops.store_write(context, what->file, what->content);
    case ENCLAVE_RENAME:
        return slow_disk.ops.store_rename(context, what->file, what->to);
    case ENCLAVE_REMOVE:
        return slow_disk.ops.store_remove(context, what->file);
    case ENCLAVE_ADVANCE:
        return slow_disk.ops.anchor_advance(context, what->d);
    }
    return ROTOR_INVALID;
}

static void furnish_slow_disk(struct sim_device *device,
                              struct enclave_ops *ops)
{
    (void)device;
    slow_disk.ops = *ops;
    ops->durable_begin = slow_begin;
    ops->durable_end = slow_end;
}

SPEC("CUR e at work on P1, INTENT: busy is no refusal, the order stands")
{
    struct sim_device *device = device_ready(12);
    device->furnish_ap = furnish_slow_disk;
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    slow_disk.is_stuck = true;
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    while (!enclave_has_work(&device->enclave)) {
        assert_true(sim_round(device));
    }
    sim_kill_rtp(device);
    assert_ok(sim_start_rtp(device));
    unsigned rotates = device->seen.frames_to_ap[WIRE_ROTATE];
    for (unsigned i = 0; i < 100; i++) {
        sim_round(device);
    }
    assert_int_equal(device->seen.frames_to_ap[WIRE_ROTATE], rotates + 1);
    check_standing(device, WIRE_STATE_CUR, RTP_INTENT);
    assert_int_equal(device->seen.alarms[RTP_ALARM_REFUSED], 0);
    slow_disk.is_stuck = false;
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

SPEC("CUR e, INTENT: killed before P1: ROTATE again, with the same id")
{
    const struct row lost = {LOSING(AP, ROTATE), WIRE_STATE_CUR, RTP_INTENT};
    crash_in_rotation(&lost);
    const struct row row = {BEFORE_STEP(AP_WRITE_NEXT), WIRE_STATE_CUR,
                            RTP_INTENT};
    crash_in_rotation(&row);
}

SPEC("state.next written, anchor not advanced: the old state goes on")
{
    const struct row row = {AFTER_STEP(AP_WRITE_NEXT, 1), WIRE_STATE_CUR,
                            RTP_INTENT};
    crash_in_rotation(&row);
}

SPEC("anchor advanced, not renamed: the new state goes on")
{
    const struct row row = {AFTER_STEP(AP_ANCHOR, 1), WIRE_STATE_PREP,
                            RTP_INTENT};
    crash_in_rotation(&row);
}

SPEC("PREP at P1, INTENT: killed before P2: the stored body is signed")
{
    const struct row row = {BEFORE_STEP(AP_ATTACH), WIRE_STATE_PREP,
                            RTP_INTENT};
    crash_in_rotation(&row);
}

SPEC("PREP at P2, INTENT: PREPARED lost: the identical body comes again")
{
    const struct row row = {LOSING(RTP, ROT_PREPARED), WIRE_STATE_PREP,
                            RTP_INTENT};
    crash_in_rotation(&row);
}

SPEC("PREP, attach torn: the stored body is signed again")
{
    struct sim_device *device = device_ready(12);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    device->store.ap[ENCLAVE_ATTACH].size /= 2;
    restart(device, BOTH);
    check_standing(device, WIRE_STATE_PREP, RTP_INTENT);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

SPEC("PREP, CUR: R0 forgotten: the AP emits what it has on any id")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    sim_store_restore_rtp(device, before, true);
    restart(device, THE_VICTIM);
    check_standing(device, WIRE_STATE_PREP, RTP_CUR);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->rtp.state.trust.reason, WIRE_REASON_OPERATOR);
    free(before);
    sim_device_free(device);
}

SPEC("PREP, image updated since P1: Evidence names the new one, both are good")
{
    struct sim_device *device = device_ready(12);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    struct wire_digest both[2] = {device->measurement};
    assert_ok(sim_install_image(device, 0x77));
    both[1] = device->measurement;
    device->reference.measurements = both;
    device->reference.measurement_count = 2;
    restart(device, BOTH);
    check_standing(device, WIRE_STATE_PREP, RTP_INTENT);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

SPEC("PREP, old image withdrawn since P1: refused for good, e goes on")
{
    struct sim_device *device = device_ready(12);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    assert_ok(sim_install_image(device, 0x77));
    device->wanted = device->measurement;
    restart(device, BOTH);
    sim_run(device, 60000);
    check_standing(device, WIRE_STATE_PREP, RTP_INTENT);
    assert_true(device->seen.alarms[RTP_ALARM_ENTRY] > 0);
    assert_int_equal(device->seen.last.a, 11);
    check_service(device);
    sim_device_free(device);
}

SPEC("PREP, PEND: COMMIT lost: it is sent again")
{
    const struct row row = {LOSING(AP, ROT_COMMIT), WIRE_STATE_PREP, RTP_PEND};
    crash_in_rotation(&row);
}

SPEC("PREP, PENDX: emergency, channel lost between R1 and P3: HELLO exception")
{
    const struct row row = {LOSING(AP, ROT_COMMIT), WIRE_STATE_PREP, RTP_PENDX};
    crash_in_rotation_of(&row, WIRE_REASON_SECURITY_EVENT, CHAIN_ROTATE);
    crash_in_rotation_of(&row, WIRE_REASON_KEY_COMPROMISE, CHAIN_ROTATE);
}

SPEC("on the channel of the HELLO exception no program is served")
{
    struct sim_device *device = device_ready(12);
    struct client client = {.device = device, .must_verify = true};
    device->cut = (struct sim_cut)LOSING(AP, ROT_COMMIT);
    ask_for_rotation(device, WIRE_REASON_SECURITY_EVENT, CHAIN_ROTATE);
    sim_run(device, 60000);
    restart(device, THE_VICTIM);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(client_attest(&client, 0));
    }
    while (device->rtp.channel.link != RTP_LINK_OPEN) {
        sim_round(device);
    }
    assert_int_equal(device->rtp.state.phase, RTP_PENDX);
    assert_int_equal(device->pair.way, ENCLAVE_WAY_EMERGENCY);
    device->rtp_is_deaf = true; // DONE is on its way
    while (sim_round(device)) {
    }
    assert_int_equal(device->seen.frames_to_ap[WIRE_ATTEST_REQ], 0);
    device->rtp_is_deaf = false;
    client_run(&client, 5000);
    assert_int_equal(client.answered, 5);
    assert_int_equal(client.last_epoch, 1);
    sim_device_free(device);
}

SPEC("CUR e+1, PEND or PENDX: DONE lost: HELLO under e+1 is enough for R2")
{
    const struct row routine = {LOSING(RTP, ROT_DONE), WIRE_STATE_CUR,
                                RTP_PEND};
    crash_in_rotation(&routine);
    const struct row emergency = {LOSING(RTP, ROT_DONE), WIRE_STATE_CUR,
                                  RTP_PENDX};
    crash_in_rotation_of(&emergency, WIRE_REASON_SECURITY_EVENT, CHAIN_ROTATE);
}

SPEC("CUR e+1, R2 under way: a HELLO that showed PENDX is not built upon")
{
    struct sim_device *device = device_ready(12);
    ask_for_rotation(device, WIRE_REASON_SECURITY_EVENT, CHAIN_ROTATE);
    while (device->rtp.state.phase != RTP_PENDX) {
        assert_true(sim_round(device));
    }
    device->holds_jobs = true;
    sim_run(device, 100);
    assert_int_equal(device->held->kind, RTP_JOB_ADVANCE);
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    sim_run(device, 100);
    assert_int_equal(device->rtp.channel.link, RTP_LINK_JUDGING);
    device->holds_jobs = false;
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->pair.way, ENCLAVE_WAY_SEALED);
    sim_device_free(device);
}

// A byte in the middle of the last record, where its signatures are.
static uint8_t *middle_of_log(struct sim_device *device, size_t before)
{
    return &device->store.log[(before + device->store.log_size) / 2u];
}

SPEC("CUR e+1, PEND: the entry in the log has a hole: it is written again")
{
    struct sim_device *device = device_ready(12);
    size_t before = device->store.log_size;
    device->cut = (struct sim_cut)AFTER_STEP(RTP_LOG, 1);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    assert_true(device->store.log_size > before);
    uint8_t *torn = middle_of_log(device, before);
    uint8_t whole = *torn;
    *torn ^= 0xff;
    restart(device, THE_VICTIM);
    check_standing(device, WIRE_STATE_CUR, RTP_PEND);
    run_to_the_end(device);
    assert_int_equal(*torn, whole);
    assert_int_equal(device->rtp.log.count, 2);
    sim_device_free(device);
}

SPEC("CLOSED e+1, PEND: the same for the last entry of a log")
{
    struct sim_device *device = device_ready(12);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_DONE);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_CLOSE);
    sim_run(device, 60000);
    restart(device, THE_VICTIM);
    check_standing(device, WIRE_STATE_CLOSED, RTP_PEND);
    run_to_the_end(device);
    sim_device_free(device);
}

SPEC("R2 in two writes: a log that is ahead of the state by one is no rollback")
{
    const struct row row = {AFTER_STEP(RTP_LOG, 1), WIRE_STATE_CUR, RTP_PEND};
    crash_in_rotation(&row);
}

static void rotate_once(struct sim_device *device)
{
    uint64_t epoch = device->rtp.state.trust.order.epoch;
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, epoch + 1);
    struct rtp_completion completion;
    assert_ok(rtp_complete(&device->rtp, device->now_ms, &completion));
}

// The RTP wakes up with a store of one rotation ago.
static void roll_rtp_back(bool log_too, uint64_t suite)
{
    struct sim_device *device = device_ready(12);
    rotate_once(device);
    struct sim_store *before = sim_store_copy(device);
    if (suite != 0) {
        const struct rtp_wish wish = {.reason = WIRE_REASON_ALGORITHM,
                                      .suite = (uint32_t)suite,
                                      .kind = CHAIN_ROTATE};
        device->rtp.wish = wish;
        device->rtp.wish.is_wanted = true;
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    } else {
        rotate_once(device);
    }
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, log_too);
    assert_ok(sim_start_rtp(device));
    check_standing(device, WIRE_STATE_CUR, RTP_CUR);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_true(device->seen.alarms[RTP_ALARM_RTP_BEHIND] > 0);
    free(before);
    sim_device_free(device);
}

SPEC("CUR e+1, CUR e: RTP rolled back by one: it reads the AP's log")
{
    roll_rtp_back(true, 0);
}

SPEC("CUR e+1, CUR e: only the state was rolled back: its own log knows")
{
    roll_rtp_back(false, 0);
}

SPEC("CUR e+1, CUR e: its own log has a hole there: the AP's is read")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(device);
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, false);
    uint8_t *torn = middle_of_log(device, before->log_size);
    uint8_t whole = *torn;
    *torn ^= 0xff;
    assert_ok(sim_start_rtp(device));
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_ENTRY], 1);
    assert_int_equal(*torn, whole);
    free(before);
    sim_device_free(device);
}

SPEC("CUR e+1, CUR e, across a change of suite: the AP says which it wants")
{
    roll_rtp_back(true, 3);
    roll_rtp_back(true, 1);
}

SPEC("RTP rolled back by one while the AP stands prepared: cur first, then on")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(device);
    device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    sim_store_restore_rtp(device, before, true);
    restart(device, THE_VICTIM);
    check_standing(device, WIRE_STATE_PREP, RTP_CUR);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_int_equal(device->seen.alarms[RTP_ALARM_AP_BEHIND], 0);
    free(before);
    sim_device_free(device);
}

SPEC("a state rolled back to R1: what was accepted then is not judged again")
{
    struct sim_device *device = device_ready(12);
    device->cut = (struct sim_cut)LOSING(AP, ROT_COMMIT);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 60000);
    struct sim_store *at_r1 = sim_store_copy(device);
    restart(device, THE_VICTIM);
    run_to_the_end(device);
    rotate_once(device);
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, at_r1, false);
    assert_ok(sim_start_rtp(device));
    check_standing(device, WIRE_STATE_CUR, RTP_PEND);
    struct chain_fingerprint pending;
    assert_ok(chain_fingerprint_key(&device->rtp.state.pend.sign, &pending));
    assert_true(chain_seen_has(&device->rtp.seen, &pending));
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_int_equal(device->seen.alarms[RTP_ALARM_ENTRY], 0);
    free(at_r1);
    sim_device_free(device);
}

SPEC("RTP more than one behind with its log gone: it stops, it does not guess")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(device);
    rotate_once(device);
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, true);
    assert_ok(sim_start_rtp(device));
    sim_run(device, 60000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    assert_false(rtp_is_attested(&device->rtp));
    assert_true(device->seen.alarms[RTP_ALARM_ENTRY] > 0);
    free(before);
    sim_device_free(device);
}

SPEC("RTP more than one behind with its log whole: it reads that")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    for (unsigned i = 0; i < 5; i++) {
        rotate_once(device);
    }
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, false);
    assert_ok(sim_start_rtp(device));
    run_to_the_end(device);
    assert_int_equal(device->rtp.state.trust.order.epoch, 5);
    free(before);
    sim_device_free(device);
}

// An AP whose store and anchor are those of before signs nothing more.
static void check_halted(struct sim_device *device)
{
    struct client client = {.device = device};
    sim_run(device, 10000);
    assert_int_equal(enclave_state_code(&device->enclave), WIRE_STATE_HALTED);
    assert_true(device->seen.alarms[RTP_ALARM_AP_BEHIND] > 0);
    assert_false(rtp_is_attested(&device->rtp));
    assert_true(client_attest(&client, 0));
    client_run(&client, 20000);
    assert_int_equal(client.answered, 0);
    assert_int_equal(client.refused, 1);
}

SPEC("CUR e, CUR e+1: AP rolled back: it halts")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(device);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, true);
    assert_ok(sim_start_ap(device));
    check_halted(device);
    free(before);
    sim_device_free(device);
}

SPEC("AP and the RTP's state rolled back together: the RTP's log still knows")
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(device);
    sim_kill_ap(device);
    sim_kill_rtp(device);
    sim_store_restore_ap(device, before, true);
    sim_store_restore_rtp(device, before, false);
    start_both(device);
    check_standing(device, WIRE_STATE_CUR, RTP_CUR);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    check_halted(device);
    free(before);
    sim_device_free(device);
}

SPEC("CUR e, PEND or PENDX: AP rolled back before P1: it halts")
{
    static const uint64_t REASONS[] = {WIRE_REASON_OPERATOR,
                                       WIRE_REASON_SECURITY_EVENT};
    for (size_t i = 0; i < COUNT_OF(REASONS); i++) {
        struct sim_device *device = device_ready(12);
        struct sim_store *before = sim_store_copy(device);
        device->cut = (struct sim_cut)LOSING(AP, ROT_COMMIT);
        ask_for_rotation(device, REASONS[i], CHAIN_ROTATE);
        sim_run(device, 60000);
        sim_store_restore_ap(device, before, true);
        restart(device, THE_VICTIM);
        check_halted(device);
        free(before);
        sim_device_free(device);
    }
}

SPEC("no file matches the anchor: HALTED, and RA is asked for")
{
    struct sim_device *device = device_ready(12);
    rotate_once(device);
    sim_kill_ap(device);
    device->store.anchor_n++;
    device->store.anchor_v[0] ^= 1;
    assert_ok(sim_start_ap(device));
    sim_run(device, 10000);
    assert_int_equal(enclave_state_code(&device->enclave), WIRE_STATE_HALTED);
    assert_int_equal(device->seen.alarms[RTP_ALARM_AP_LOST], 1);
    sim_device_free(device);
}

// The AP is rolled back and a clone of the RTP makes it prepare another body;
// then the RTP that knows the first one comes back.
static struct sim_device *forked_device(bool is_committed)
{
    struct sim_device *device = device_ready(12);
    struct sim_store *before = sim_store_copy(device);
    device->cut = (struct sim_cut)LOSING(AP, ROT_COMMIT);
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    if (is_committed) {
        device->cut = (struct sim_cut){0};
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    } else {
        sim_run(device, 60000);
    }
    struct sim_store *first = sim_store_copy(device);
    sim_kill_rtp(device);
    sim_kill_ap(device);
    device->is_cut = false;
    sim_store_restore_ap(device, before, true);
    sim_store_restore_rtp(device, before, true);
    start_both(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    if (is_committed) {
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    } else {
        device->cut = (struct sim_cut)LOSING(RTP, ROT_PREPARED);
        sim_run(device, 60000);
        device->is_cut = false;
    }
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, first, true);
    assert_ok(sim_start_rtp(device));
    free(before);
    free(first);
    return device;
}

static void check_quarantine(struct sim_device *device)
{
    struct client client = {.device = device};
    sim_run(device, 20000);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 1);
    assert_true(device->store.rtp[RTP_FILE_FORK].is_there);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.last.code, WIRE_CLIENT_UNAVAILABLE);
    // And it lasts: the enclave is looked at, and never answered.
    sim_kill_rtp(device);
    unsigned fins = device->seen.frames_to_ap[WIRE_HELLO_FIN];
    unsigned hellos = device->seen.frames_to_ap[WIRE_HELLO_RTP];
    unsigned peers = device->seen.alarms[RTP_ALARM_PEER];
    assert_ok(sim_start_rtp(device));
    sim_run(device, 20000);
    assert_true(device->seen.frames_to_ap[WIRE_HELLO_RTP] > hellos);
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_FIN], fins);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], peers);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    assert_false(rtp_is_attested(&device->rtp));
}

SPEC("PREP X, PEND Y: the AP was rolled back and drew again: quarantine")
{
    struct sim_device *device = forked_device(false);
    check_standing(device, WIRE_STATE_PREP, RTP_PEND);
    check_quarantine(device);
    sim_device_free(device);
}

SPEC("the same epoch with another body: quarantine")
{
    struct sim_device *device = forked_device(true);
    check_standing(device, WIRE_STATE_CUR, RTP_CUR);
    check_quarantine(device);
    sim_device_free(device);
}

// ---- work that is late -----------------------------------------------------

SPEC("a job for a HELLO of an enclave that is gone changes nothing")
{
    struct sim_device *device = device_ready(16);
    device->holds_jobs = true;
    for (unsigned i = 0; i < 2; i++) {
        sim_kill_ap(device);
        device->now_ms += 2000;
        assert_ok(sim_start_ap(device));
        while (device->rtp.channel.link != RTP_LINK_JUDGING) {
            sim_round(device);
        }
        sim_round(device);
        assert_int_equal(device->held->kind, RTP_JOB_HELLO);
    }
    device->holds_jobs = false;
    assert_true(sim_run_until(device, 1000, sim_is_steady));
    assert_int_equal(device->seen.alarms[RTP_ALARM_REFUSED], 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    check_service(device);
    sim_device_free(device);
}

SPEC("requests in flight when the enclave dies are answered by the next one")
{
    struct sim_device *device = device_ready(15);
    struct client client = {.device = device, .must_verify = true};
    for (unsigned kill = 1; kill <= 20; kill++) {
        device->cut = (struct sim_cut){
            .step = SIM_FRAME_TO_AP, .count = kill, .is_after = false};
        ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
        for (unsigned i = 0; i < 20; i++) {
            assert_true(client_attest(&client, 0));
        }
        client_run(&client, 1000);
        if (device->is_cut) {
            restart(device, THE_VICTIM);
        }
        client_run(&client, 9000);
    }
    assert_int_equal(client.sent, 400);
    assert_int_equal(client.answered, 400);
    check_agreement(device);
    sim_device_free(device);
}
