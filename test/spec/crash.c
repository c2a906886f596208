// SPDX-License-Identifier: Apache-2.0
// The crash table of doc/PROTOCOL.rot 7.4, each row by taking power away at
// the named point.  Every other point: test/powercut.
#include "test/spec/crash_rig.h"

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
