// SPDX-License-Identifier: Apache-2.0
// The crash table of doc/PROTOCOL.rot 7.4, rows of stores that are those of
// before, and of logs that are forked.
#include "test/spec/crash_rig.h"

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

SPEC("a start over an anchor that is not its own costs the enclave nothing")
{
    struct sim_device *device = device_ready(12);
    rotate_once(device);
    device->cut = (struct sim_cut){.step = SIM_AP_RENAME, .count = 1};
    ask_for_rotation(device, WIRE_REASON_OPERATOR, CHAIN_ROTATE);
    sim_run(device, 1000);
    assert_true(device->is_cut);
    sim_kill_ap(device);
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    device->dead = SIM_NOBODY;
    struct sim_store *whole = sim_store_copy(device);
    device->store.anchor_n = 0;
    memset(device->store.anchor_v, 0, sizeof device->store.anchor_v);
    if (sim_start_ap(device) == ROTOR_OK) {
        assert_int_not_equal(device->enclave.fault, 0);
    }
    sim_kill_ap(device);
    device->store.anchor_n = whole->anchor_n;
    memcpy(device->store.anchor_v, whole->anchor_v,
           sizeof device->store.anchor_v);
    free(whole);
    assert_ok(sim_start_ap(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_device_free(device);
}
