// SPDX-License-Identifier: Apache-2.0
// Requests of programs: each has one answer, in time, whatever the enclave
// does; and the clock of rotations.
#include "test/spec/rtp_client.h"

static struct client client_of(struct sim_device *device)
{
    return (struct client){.device = device, .must_verify = true};
}

// ---- deadlines and limits --------------------------------------------------

SPEC("a deadline is kept when the enclave never answers")
{
    struct sim_device *device = device_ready(21);
    struct client client = client_of(device);
    device->ap_is_mute = true;
    uint64_t start_ms = device->now_ms;
    assert_true(client_attest(&client, 300));
    assert_true(client_await(&client, client.tags, 60000));
    assert_int_equal(client.last.code, WIRE_CLIENT_TIMEOUT);
    assert_int_equal(device->now_ms, start_ms + 300);
    assert_string_equal(client.last_text, "the enclave did not answer in time");
    sim_device_free(device);
}

SPEC("a deadline is kept while there is no enclave at all")
{
    struct sim_device *device = device_ready(21);
    struct client client = client_of(device);
    sim_kill_ap(device);
    assert_true(client_attest(&client, 300));
    assert_true(client_await(&client, client.tags, 60000));
    assert_int_equal(client.last.code, WIRE_CLIENT_TIMEOUT);
    assert_string_equal(client.last_text, "the enclave is down");
    sim_device_free(device);
}

SPEC("no program waits longer than the maximum, whatever it asks for")
{
    struct sim_device *device = device_ready(21);
    struct client client = client_of(device);
    device->ap_is_mute = true;
    uint64_t start_ms = device->now_ms;
    assert_true(client_attest(&client, 1u << 30));
    assert_true(client_await(&client, client.tags, 1u << 30));
    assert_true(device->now_ms <= start_ms + 10000);
    sim_device_free(device);
}

SPEC("an answer behind its deadline is dropped and disturbs nobody")
{
    struct sim_device *device = device_ready(22);
    struct client client = client_of(device);
    assert_true(client_attest(&client, 300));
    device->rtp_is_deaf = true;
    sim_run(device, 400);
    assert_int_equal(client_collect(&client), 1);
    assert_int_equal(client.last.code, WIRE_CLIENT_TIMEOUT);
    assert_int_equal(device->to_rtp.count, 1);
    device->rtp_is_deaf = false;
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
    assert_int_equal(client.taken, 2);
    assert_int_equal(rtp_slots_owed(&device->rtp.slots), 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    sim_device_free(device);
}

SPEC("a cancelled request has its answer at once, and only one")
{
    struct sim_device *device = device_ready(23);
    struct client client = client_of(device);
    assert_true(client_attest(&client, 0));
    assert_ok(rtp_cancel(&device->rtp, client.tags));
    assert_int_equal(rtp_cancel(&device->rtp, client.tags), ROTOR_INVALID);
    client_run(&client, 100);
    assert_int_equal(client.refused, 1);
    assert_int_equal(client.answered, 0);
    assert_int_equal(client.last.code, WIRE_CLIENT_CANCELLED);
    assert_int_equal(rtp_cancel(&device->rtp, 4711), ROTOR_INVALID);
    sim_device_free(device);
}

SPEC("a forgotten request has no answer and its slot comes back")
{
    struct sim_device *device = device_ready(23);
    struct client client = client_of(device);
    for (unsigned i = 0; i < 3 * RTP_SLOTS; i++) {
        assert_true(client_attest(&client, 0));
        for (unsigned k = 0; k < i % 5; k++) {
            sim_round(device);
        }
        rtp_forget(&device->rtp, client.tags);
        client.asked[0].is_open = false;
        sim_run(device, 10);
    }
    client_run(&client, 100);
    assert_int_equal(client.answered + client.refused, 0);
    assert_int_equal(rtp_slots_in_flight(&device->rtp.slots), 0);
    assert_false(device->rtp.inbox_is_full);
    sim_device_free(device);
}

SPEC("a full table says so at once and serves those whom it took")
{
    struct sim_device *device = device_ready(24);
    struct client client = client_of(device);
    device->rtp_is_deaf = true;
    for (unsigned i = 0; i < RTP_SLOTS; i++) {
        assert_true(client_attest(&client, 0));
    }
    uint8_t bytes[512];
    struct rotor_room payload = ROOM_OF(bytes);
    client_request(&client, &payload);
    assert_int_equal(
        client_submit(&client, WIRE_OP_ATTEST, bytes_in(&payload), 0),
        ROTOR_AGAIN);
    device->rtp_is_deaf = false;
    client_run(&client, 100);
    assert_int_equal(client.answered, RTP_SLOTS);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, RTP_SLOTS + 1);
    sim_device_free(device);
}

SPEC("who gives up on every answer leaves room: few frames are out at a time")
{
    struct sim_device *device = device_ready(24);
    struct client client = client_of(device);
    device->ap_is_mute = true;
    for (unsigned i = 0; i < RTP_SLOTS; i++) {
        assert_true(client_attest(&client, 100));
    }
    client_run(&client, 200);
    assert_int_equal(client.refused, RTP_SLOTS);
    assert_int_equal(rtp_slots_owed(&device->rtp.slots), RTP_SENT_MAX);
    for (unsigned i = 0; i < RTP_SLOTS - RTP_SENT_MAX; i++) {
        assert_true(client_attest(&client, 100));
    }
    // Those that are owed count until the channel is reset.
    assert_false(client_attest(&client, 100));
    assert_int_equal(client.busy, 1);
    device->ap_is_mute = false;
    client_run(&client, 30000); // silence is noticed, HELLO, a new channel
    assert_int_equal(device->seen.alarms[RTP_ALARM_SILENT], 1);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
    sim_device_free(device);
}

SPEC("what does not parse, and ops that are none, never reach the enclave")
{
    struct sim_device *device = device_ready(25);
    struct client client = client_of(device);
    uint8_t bytes[RTP_REQUEST_MAX + 1] = {0xa0};
    for (uint64_t op = 0; op < 300; op++) {
        bool is_bare = op == WIRE_OP_STATUS || op == WIRE_OP_RETEST;
        assert_int_equal(client_submit(&client, op, bytes_of(bytes, 1), 0),
                         is_bare ? ROTOR_OK : ROTOR_INVALID);
        assert_int_equal(client_submit(&client, op, BYTES_OF(bytes), 0),
                         ROTOR_INVALID);
    }
    sim_device_free(device);
}

// ---- what the enclave says of a request ------------------------------------

SPEC("a refusal of the enclave reaches the program with code and detail")
{
    struct sim_device *device = device_ready(26);
    struct client client = client_of(device);
    uint8_t bytes[512];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_attest_req request = {
        .log_id = device->rtp.state.trust.log_id,
        .sid = bytes_of(bytes, 0),
        .suites = {1, {2}},
        .purpose = WIRE_PURPOSE_ATTEST,
        .min_epoch = 7,
    };
    uint8_t zeros[48] = {0};
    struct wire_attest_req whole = request;
    whole.sid = bytes_of(zeros, WIRE_ID_SIZE);
    whole.nonce = bytes_of(zeros, WIRE_NONCE_SIZE);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &whole, &payload));
    assert_ok(client_submit(&client, WIRE_OP_ATTEST, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_EPOCH);
    assert_int_equal(client.last.detail, 0);
    sim_device_free(device);
}

SPEC("the rate limit is told in seconds, and a refused order is forgotten")
{
    struct sim_device *device = sim_device_new(27);
    struct client client = client_of(device);
    device->config.policy.min_interval_s = 60;
    device->config.policy.max_per_day = 24;
    device_start(device);
    client_run(&client, 61000);
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_RATE);
    assert_true(client.last.detail > 50 && client.last.detail <= 60);
    client_run(&client, 120000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_true(sim_is_steady(device));
    sim_device_free(device);
}

SPEC("a security event that the limit delays is told so, and still happens")
{
    struct sim_device *device = sim_device_new(27);
    struct client client = client_of(device);
    device->config.policy.min_interval_s = 60;
    device_start(device);
    client_run(&client, 61000);
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    tag = client_rotate(&client, WIRE_REASON_SECURITY_EVENT, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.error, WIRE_E_RATE);
    // Whoever asks meanwhile hears how long it is still.
    client_run(&client, 20000);
    tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.error, WIRE_E_RATE);
    assert_true(client.last.detail > 30 && client.last.detail <= 40);
    unsigned orders = device->seen.frames_to_ap[WIRE_ROTATE];
    client_run(&client, 60000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_int_equal(device->rtp.state.trust.reason,
                     WIRE_REASON_SECURITY_EVENT);
    (void)orders;
    sim_device_free(device);
}

SPEC("a dead source of entropy is an error to the operator, not a rotation")
{
    struct sim_device *device = device_ready(28);
    struct client client = client_of(device);
    device->entropy_is_dead = true;
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_ENTROPY);
    device->entropy_is_dead = false;
    client_run(&client, 1000);
    assert_true(sim_is_steady(device));
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    sim_device_free(device);
}

SPEC("without entropy for a root the device pairs and attests, and makes none")
{
    struct sim_device *device = device_ready(28);
    struct client client = client_of(device);
    device->has_no_root_entropy = true;
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    client_run(&client, 1000);
    assert_true(sim_is_steady(device));
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.error, WIRE_E_ENTROPY);
    assert_int_equal(device->seen.bodies, 1);
    sim_device_free(device);
}

SPEC("a rotation by event is tried again until the entropy is back")
{
    struct sim_device *device = device_ready(28);
    struct client client = client_of(device);
    device->entropy_is_dead = true;
    assert_ok(rtp_event(&device->rtp, device->now_ms,
                        WIRE_REASON_SECURITY_EVENT, "a door was opened"));
    client_run(&client, 60000);
    unsigned tries = device->seen.frames_to_ap[WIRE_ROTATE];
    assert_true(tries >= 4 && tries <= 8); // 2, 4, 8, 16, 32 seconds
    assert_true(device->seen.alarms[RTP_ALARM_ROTATION_LATE] == 1);
    // Who asks meanwhile hears the cause at once, not after the deadline.
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_ENTROPY);
    device->entropy_is_dead = false;
    client_run(&client, 90000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

SPEC("a rotation by hand makes one that waits for its next try happen now")
{
    struct sim_device *device = device_ready(28);
    struct client client = client_of(device);
    device->entropy_is_dead = true;
    assert_ok(rtp_event(&device->rtp, device->now_ms,
                        WIRE_REASON_SECURITY_EVENT, "a door was opened"));
    client_run(&client, 60000);
    device->entropy_is_dead = false;
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->rtp.state.trust.reason,
                     WIRE_REASON_SECURITY_EVENT);
    sim_device_free(device);
}

SPEC("a full disk is told to the operator; an event waits for room on it")
{
    struct sim_device *device = device_ready(28);
    struct client client = client_of(device);
    device->rtp_disk_is_full = true;
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_FAILED);
    client_run(&client, 60000);
    device->rtp_disk_is_full = false;
    client_run(&client, 60000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    device->rtp_disk_is_full = true;
    assert_ok(rtp_event(&device->rtp, device->now_ms,
                        WIRE_REASON_SECURITY_EVENT, "a door was opened"));
    client_run(&client, 60000);
    unsigned tries = device->seen.alarms[RTP_ALARM_STORE];
    assert_true(tries >= 4 && tries <= 8); // the first one, then doubling waits
    device->rtp_disk_is_full = false;
    client_run(&client, 90000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->rtp.state.trust.reason,
                     WIRE_REASON_SECURITY_EVENT);
    sim_device_free(device);
}

SPEC("the enclave's disk fails at P1 or at P2: told so; the next order rotates")
{
    static const enum sim_step STEPS[] = {SIM_AP_WRITE_NEXT, SIM_AP_ATTACH};
    for (unsigned i = 0; i < 2; i++) {
        struct sim_device *device = device_ready(30 + i);
        struct client client = client_of(device);
        device->ap_disk_fails_at = STEPS[i];
        uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
        assert_true(client_await(&client, tag, 5000));
        assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
        assert_int_equal(client.last.error, WIRE_E_STORE);
        device->ap_disk_fails_at = SIM_STEP_NONE;
        tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
        assert_true(client_await(&client, tag, 30000));
        assert_int_equal(client.last.code, WIRE_CLIENT_OK);
        assert_int_equal(device->seen.alarms[RTP_ALARM_ENTRY], 0);
        assert_int_equal(device->seen.second_bodies, 0);
        sim_device_free(device);
    }
}

// ---- events ----------------------------------------------------------------

static void submit_event(struct client *client, uint64_t reason)
{
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_event event = {reason, LABEL("a test")};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_CLIENT_EVENT, &event, &payload));
    assert_ok(client_submit(client, WIRE_OP_EVENT, bytes_in(&payload), 0));
}

SPEC("many events before a rotation begins are one rotation, the worst reason")
{
    struct sim_device *device = device_ready(29);
    struct client client = client_of(device);
    device->holds_jobs = true;
    for (unsigned i = 0; i < 10; i++) {
        submit_event(&client, WIRE_REASON_FIRMWARE);
    }
    submit_event(&client, WIRE_REASON_KEY_COMPROMISE);
    for (unsigned i = 0; i < 10; i++) {
        submit_event(&client, WIRE_REASON_SECURITY_EVENT);
    }
    device->holds_jobs = false;
    struct rtp_completion completion;
    unsigned done = 0;
    while (sim_round(device) || done < 21) {
        while (rtp_complete(&device->rtp, device->now_ms, &completion) ==
               ROTOR_OK) {
            assert_int_equal(completion.code, WIRE_CLIENT_OK);
            done++;
        }
    }
    // The first one began at once; the rest came while it ran.
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_int_equal(device->rtp.state.trust.reason,
                     WIRE_REASON_KEY_COMPROMISE);
    assert_true(device->rtp.state.trust.has_distrust_from);
    sim_device_free(device);
}

SPEC("what is no security event is refused as one")
{
    struct sim_device *device = device_ready(29);
    struct client client = client_of(device);
    for (uint64_t reason = 0; reason <= WIRE_REASON_OPERATOR; reason++) {
        bool is_event = reason == WIRE_REASON_SECURITY_EVENT ||
                        reason == WIRE_REASON_KEY_COMPROMISE ||
                        reason == WIRE_REASON_FIRMWARE;
        submit_event(&client, reason);
        assert_true(client_await(&client, client.tags, 1000));
        assert_int_equal(client.last.code,
                         is_event ? WIRE_CLIENT_OK : WIRE_CLIENT_MALFORMED);
    }
    sim_device_free(device);
}

// ---- the clock of rotations ------------------------------------------------

static struct sim_device *device_of_period(uint32_t period_s, uint32_t jitter)
{
    struct sim_device *device = sim_device_new(30);
    device->config.policy.cryptoperiod_s = period_s;
    device->config.jitter_percent = jitter;
    device_start(device);
    return device;
}

SPEC("the period passes: it rotates, a little early, never late")
{
    struct sim_device *device = device_of_period(1000, 10);
    struct client client = client_of(device);
    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        uint64_t since_ms = device->rtp.schedule.since_ms;
        while (device->rtp.state.trust.order.epoch < epoch) {
            client_run(&client, 1000);
        }
        uint64_t lasted_ms = device->rtp.schedule.since_ms - since_ms;
        assert_true(lasted_ms >= 900000 && lasted_ms <= 1001000);
        assert_int_equal(device->rtp.state.trust.reason, WIRE_REASON_SCHEDULED);
    }
    sim_device_free(device);
}

SPEC("so many attestations are enough: it rotates before the period ends")
{
    struct sim_device *device = sim_device_new(31);
    struct client client = client_of(device);
    device->config.usage_limit = 20;
    device_start(device);
    for (unsigned i = 0; i < 45; i++) {
        assert_true(client_attest(&client, 0));
        client_run(&client, 10);
    }
    assert_int_equal(client.answered, 45);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    assert_int_equal(device->rtp.state.trust.reason, WIRE_REASON_USAGE);
    sim_device_free(device);
}

static void ask_for_head(struct client *client)
{
    uint8_t bytes[128];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_head_proof asked = {
        .log_id = client->device->rtp.state.trust.log_id,
        .nonce = bytes_of(client->device->rtp.control_kid.bytes, 32),
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_HEAD_PROOF, &asked, &payload));
    assert_ok(client_submit(client, WIRE_OP_HEAD_PROOF, bytes_in(&payload), 0));
}

SPEC("whatever the root signs for others counts: heads, and what is given up")
{
    for (unsigned is_given_up = 0; is_given_up < 2; is_given_up++) {
        struct sim_device *device = sim_device_new(33);
        struct client client = client_of(device);
        device->config.usage_limit = 20;
        device_start(device);
        for (unsigned i = 0; i < 20; i++) {
            assert_int_equal(device->rtp.state.trust.order.epoch, 0);
            if (is_given_up != 0) {
                assert_true(client_attest(&client, 0));
                device->rtp_is_deaf = true;
                sim_run(device, 0);
                assert_ok(rtp_cancel(&device->rtp, client.tags));
                device->rtp_is_deaf = false;
            } else {
                ask_for_head(&client);
            }
            client_run(&client, 10);
        }
        client_run(&client, 1000);
        assert_int_equal(client.answered, 0);
        assert_int_equal(device->rtp.state.trust.order.epoch, 1);
        assert_int_equal(device->rtp.state.trust.reason, WIRE_REASON_USAGE);
        sim_device_free(device);
    }
}

SPEC("attestations that programs had from the enclave itself count as well")
{
    struct sim_device *device = sim_device_new(32);
    device->config.usage_limit = 20;
    device_start(device);
    device->enclave.beside = 12;
    rtp_look(&device->rtp);
    sim_run(device, 100);
    assert_int_equal(device->rtp.schedule.beside, 12);
    // Another boot counts from 0, and adds to what was.
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    assert_true(sim_run_until(device, 10000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    device->enclave.beside = 8;
    rtp_look(&device->rtp);
    sim_run(device, 1000);
    assert_true(sim_run_until(device, 10000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->rtp.state.trust.reason, WIRE_REASON_USAGE);
    assert_int_equal(device->rtp.schedule.beside, 0);
    sim_device_free(device);
}

SPEC("one limit reached is one rotation, however slow the disk is at R0")
{
    struct sim_device *device = sim_device_new(38);
    struct client client = client_of(device);
    device->config.usage_limit = 3;
    device_start(device);
    device->holds_jobs = true;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(client_attest(&client, 0));
        client_run(&client, 10);
    }
    assert_non_null(device->held);
    assert_true(rtp_wakeup(&device->rtp) > device->now_ms);
    device->holds_jobs = false;
    client_run(&client, 1000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

SPEC("two periods without a rotation are overdue, and a policy may stop there")
{
    struct sim_device *device = device_of_period(1000, 0);
    struct client client = client_of(device);
    device->entropy_is_dead = true;
    client_run(&client, 1900000);
    assert_int_equal(device->seen.alarms[RTP_ALARM_OVERDUE], 0);
    client_run(&client, 200000);
    assert_int_equal(device->seen.alarms[RTP_ALARM_OVERDUE], 1);
    device->rtp.config.stops_when_overdue = true;
    assert_true(client_attest(&client, 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_UNAVAILABLE);
    device->entropy_is_dead = false;
    client_run(&client, 120000);
    assert_true(device->rtp.state.trust.order.epoch > 0);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
    sim_device_free(device);
}

SPEC("a machine that restarts every night still rotates")
{
    struct sim_device *device = sim_device_new(32);
    device->wall_s = 1800000000;
    device->config.policy.cryptoperiod_s = 100000;
    device->config.jitter_percent = 0;
    device_start(device);
    for (unsigned day = 0; day < 3; day++) {
        sim_run(device, 40000000);
        sim_kill_rtp(device);
        assert_ok(sim_start_rtp(device));
    }
    sim_run(device, 20000);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    // A clock that was set back makes nothing later than a whole period.
    device->wall_s -= 1000000;
    sim_kill_rtp(device);
    assert_ok(sim_start_rtp(device));
    assert_true(device->rtp.schedule.due_ms <= device->now_ms + 100000000);
    sim_device_free(device);
}

// ---- the RTP's own answers -------------------------------------------------

static void fetch_log(struct client *client, uint64_t from, uint64_t max,
                      struct wire_log_entries *reply)
{
    uint8_t bytes[128];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_log_get get = {
        .log_id = client->device->rtp.state.trust.log_id,
        .from = {0, from},
        .max = max
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload));
    assert_ok(client_submit(client, WIRE_OP_LOG_GET, bytes_in(&payload), 0));
    assert_true(client_await(client, client->tags, 1000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES,
                                  client->last.payload, reply));
}

static size_t count_entries(const struct wire_log_entries *reply,
                            uint64_t first)
{
    struct cbor_reader in;
    cbor_reader_init(&in, reply->entries);
    size_t count = cbor_read_array(&in);
    for (size_t i = 0; i < count; i++) {
        struct chain_entry entry;
        assert_ok(chain_entry_decode(cbor_read_item(&in), &entry));
        assert_int_equal(entry.body.epoch, first + i);
    }
    assert_true(cbor_finished(&in));
    return count;
}

SPEC("the log is served from the RTP, as much as fits, from any epoch")
{
    struct sim_device *device = device_ready(33);
    struct client client = client_of(device);
    for (unsigned i = 0; i < 30; i++) {
        uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
        assert_true(client_await(&client, tag, 5000));
    }
    struct wire_log_entries reply;
    uint64_t from = 0;
    while (from < 31) {
        fetch_log(&client, from, 1024, &reply);
        size_t count = count_entries(&reply, from);
        assert_true(count >= 1);
        from += count;
    }
    assert_int_equal(from, 31);
    assert_int_equal(reply.head.epoch, 30);
    fetch_log(&client, 29, 1, &reply);
    assert_int_equal(count_entries(&reply, 29), 1);
    fetch_log(&client, 31, 9, &reply);
    assert_int_equal(count_entries(&reply, 31), 0);
    assert_int_equal(device->seen.frames_to_ap[WIRE_LOG_GET], 0);
    sim_device_free(device);
}

SPEC("who asks for another log gets no entry of ours")
{
    struct sim_device *device = device_ready(33);
    struct client client = client_of(device);
    uint8_t bytes[128];
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_log_entries reply;
    struct wire_log_get get = {.log_id = device->rtp.state.trust.log_id,
                               .max = 9};
    get.log_id.bytes[0] ^= 1;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload));
    assert_ok(client_submit(&client, WIRE_OP_LOG_GET, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, client.last.payload,
                                  &reply));
    assert_int_equal(count_entries(&reply, 0), 0);
    sim_device_free(device);
}

SPEC("between R1 and R2 the log already has the entry that answers may name")
{
    struct sim_device *device = device_ready(34);
    struct client client = client_of(device);
    struct wire_log_entries reply;
    (void)client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    while (device->rtp.state.phase != RTP_PEND) {
        sim_round(device);
    }
    device->holds_jobs = true;
    fetch_log(&client, 1, 9, &reply);
    assert_int_equal(count_entries(&reply, 1), 1);
    sim_device_free(device);
}

SPEC("status tells where both stand")
{
    struct sim_device *device = device_ready(35);
    struct client client = client_of(device);
    struct wire_client_status status;
    device->rtp.config.status.version = LABEL("1.2.3");
    assert_ok(
        client_submit(&client, WIRE_OP_STATUS, (struct rotor_bytes){0}, 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_CLIENT_STATUS,
                                  client.last.payload, &status));
    assert_int_equal(status.enclave_is_up, 1);
    assert_int_equal(status.ap_state, WIRE_STATE_CUR);
    assert_true(bytes_equal(status.phase, LABEL("current")));
    assert_true(bytes_equal(status.version, LABEL("1.2.3")));
    assert_true(wire_digest_equal(&status.measurement, &device->measurement));
    assert_true(
        wire_digest_equal(&status.log_id, &device->rtp.state.trust.log_id));
    sim_device_free(device);
}

SPEC("a spent channel is replaced and no request notices")
{
    struct sim_device *device = sim_device_new(36);
    struct client client = client_of(device);
    device->config.frames_per_channel = 300;
    device_start(device);
    for (unsigned i = 0; i < 1500; i++) {
        (void)client_attest(&client, 0);
        if (i % 3 == 0) {
            client_run(&client, 300);
        }
    }
    client_run(&client, 3000);
    assert_int_equal(client.answered, 1500);
    assert_int_equal(client.refused, 0);
    assert_true(device->seen.frames_to_ap[WIRE_HELLO_RTP] >= 6);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    sim_device_free(device);
}

SPEC("attestations are answered while a slow job is out")
{
    struct sim_device *device = device_ready(37);
    struct client client = client_of(device);
    device->holds_jobs = true;
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(client_attest(&client, 0));
        client_run(&client, 1);
    }
    assert_int_equal(client.answered, 200);
    assert_non_null(device->held);
    device->holds_jobs = false;
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    sim_device_free(device);
}

SPEC("the service key signs and the head is proved through the RTP")
{
    struct sim_device *device = device_ready(38);
    struct client client = client_of(device);
    uint8_t bytes[256];
    uint8_t digest[32] = {5};
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_sign sign = {.log_id = device->rtp.state.trust.log_id,
                                   .input = BYTES_OF(digest)};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_SIGN, &sign, &payload));
    assert_ok(client_submit(&client, WIRE_OP_SIGN, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    struct wire_signed reply;
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_SIGNED, client.last.payload, &reply));
    const struct wire_head_proof head = {
        .log_id = device->rtp.state.trust.log_id, .nonce = BYTES_OF(digest)};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_HEAD_PROOF, &head, &payload));
    assert_ok(
        client_submit(&client, WIRE_OP_HEAD_PROOF, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 1000));
    struct wire_head_reply proof;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_HEAD_REPLY, client.last.payload,
                                  &proof));
    assert_int_equal(proof.epoch, 0);
    assert_ok(
        client_submit(&client, WIRE_OP_RETEST, (struct rotor_bytes){0}, 0));
    assert_true(client_await(&client, client.tags, 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    sim_device_free(device);
}
