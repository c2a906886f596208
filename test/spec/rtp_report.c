// SPDX-License-Identifier: Apache-2.0
// Second bodies for places of the log that somebody brings to the RTP.
#include "chain/forks.h"
#include "test/spec/rtp_thief.h"

static struct wire_client_finding finding;

static void encode_report(unsigned spoilt, struct rotor_room *payload)
{
    const struct wire_client_report report = {stolen_entry(spoilt)};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_REPORT, &report, payload));
}

static void submit_report(struct client *client, unsigned spoilt)
{
    static uint8_t bytes[RTP_REQUEST_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    encode_report(spoilt, &payload);
    assert_ok(client_submit(client, WIRE_OP_REPORT, bytes_in(&payload), 0));
}

static void take_finding(struct client *client)
{
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_CLIENT_FINDING,
                                  client->last.payload, &finding));
}

static void report(struct client *client, unsigned spoilt)
{
    submit_report(client, spoilt);
    assert_true(client_await(client, client->tags, 5000));
    take_finding(client);
}

static void settle(struct client *client)
{
    client_run(client, 30000);
    assert_true(sim_is_steady(client->device));
}

static void check_attests(struct client *client)
{
    unsigned before = client->answered;
    client->must_verify = true;
    assert_true(client_attest(client, 0));
    client_run(client, 200);
    assert_int_equal(client->answered, before + 1);
}

static void check_voided(const struct sim_device *device)
{
    const struct chain_trust *trust = &device->rtp.state.trust;
    assert_int_equal(trust->order.epoch, 2);
    assert_int_equal(trust->reason, WIRE_REASON_KEY_COMPROMISE);
    assert_true(trust->has_distrust_from);
    assert_int_equal(trust->distrust_from, 1);
}

SPEC("S misuse: the present root signed what nobody asked for: it is replaced, "
     "and what it signed is void")
{
    struct sim_device *device = robbed_device(301);
    struct client client = {.device = device};
    report(&client, OTS);
    assert_int_equal(finding.fork, CHAIN_FORK_NOISE);
    assert_int_equal(finding.epoch, 2);
    assert_int_equal(finding.rotates, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_FORK], 1);
    settle(&client);
    check_voided(device);
    check_attests(&client);
    sim_device_free(device);
}

SPEC("S misuse is answered once for an epoch, however often it is shown")
{
    struct sim_device *device = robbed_device(302);
    struct client client = {.device = device};
    device->holds_jobs = true;
    for (unsigned i = 0; i < 5; i++) {
        submit_report(&client, i % 2 == 0 ? OTS : SECOND);
    }
    device->holds_jobs = false;
    settle(&client);
    check_voided(device);
    // The S that signed it is gone: there is nothing left to replace.
    report(&client, OTS | SECOND);
    assert_int_equal(finding.fork, CHAIN_FORK_NOISE);
    assert_int_equal(finding.rotates, 0);
    settle(&client);
    check_voided(device);
    sim_device_free(device);
}

SPEC("S misuse that cannot be answered yet is one alarm and one rotation")
{
    struct sim_device *device = robbed_device(307);
    struct client client = {.device = device};
    sim_kill_ap(device);
    report(&client, OTS);
    assert_int_equal(finding.rotates, 1);
    report(&client, SECOND);
    assert_int_equal(finding.rotates, 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVENT], 1);
    // Now it begins, and does not end.
    device->ap_disk_fails_at = SIM_AP_WRITE_NEXT;
    assert_ok(sim_start_ap(device));
    client_run(&client, 1000);
    assert_int_equal(device->rtp.state.phase, RTP_INTENT);
    report(&client, OTS);
    assert_int_equal(finding.rotates, 0);
    device->ap_disk_fails_at = SIM_STEP_NONE;
    settle(&client);
    check_voided(device);
    sim_device_free(device);
}

SPEC("a report waits for the rotation under way, and costs it nothing")
{
    struct sim_device *device = robbed_device(303);
    struct client client = {.device = device};
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    while (device->rtp.state.phase != RTP_PEND) {
        assert_true(sim_round(device));
    }
    device->rtp_is_deaf = true;
    assert_true(sim_round(device));
    assert_true(device->rtp.order.is_sent);
    device->holds_jobs = true;
    submit_report(&client, OTS);
    uint64_t reported = client.tags;
    (void)sim_round(device);
    device->rtp_is_deaf = false;
    while (sim_round(device)) {
    }
    // One job is out, for DONE, and none was made in its place.
    assert_int_equal(device->held->kind, RTP_JOB_ADVANCE);
    assert_false(device->rtp.job_is_wanted);
    device->holds_jobs = false;
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_true(client_await(&client, reported, 5000));
    take_finding(&client);
    // The S that signed it was replaced meanwhile.
    assert_int_equal(finding.fork, CHAIN_FORK_NOISE);
    assert_int_equal(finding.rotates, 0);
    settle(&client);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    sim_device_free(device);
}

SPEC("noise is no denial of service: what proves nothing changes nothing")
{
    struct sim_device *device = robbed_device(304);
    struct client client = {.device = device};
    report(&client, OLD | OTS | SECOND);
    assert_int_equal(finding.fork, CHAIN_FORK_NONE);
    report(&client, OLD | OTS);
    assert_int_equal(finding.fork, CHAIN_FORK_NONE);
    assert_int_equal(device->seen.alarms[RTP_ALARM_FORK], 0);
    report(&client, OLD);
    assert_int_equal(finding.fork, CHAIN_FORK_A_MISUSE);
    assert_int_equal(finding.rotates, 0);
    // Whoever has S and A both: to rotate would only prove the fork.
    report(&client, NOTHING);
    assert_int_equal(finding.fork, CHAIN_FORK_SUCCESSOR);
    assert_int_equal(finding.rotates, 0);
    static const uint8_t junk[] = {0x58, 0x20, 1, 2, 3};
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_report none = {BYTES_OF(junk)};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_CLIENT_REPORT, &none, &payload));
    assert_ok(client_submit(&client, WIRE_OP_REPORT, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 5000));
    take_finding(&client);
    assert_int_equal(finding.fork, CHAIN_FORK_UNJUDGED);
    assert_int_equal(finding.epoch, 0);
    settle(&client);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_FORK], 2);
    assert_false(device->store.rtp[RTP_FILE_FORK].is_there);
    check_attests(&client);
    sim_device_free(device);
}

SPEC("a second body that S and A signed, brought from outside: both are kept, "
     "quarantine")
{
    struct sim_device *device = robbed_device(305);
    struct client client = {.device = device};
    rotate_once(&client);
    rotate_once(&client);
    report(&client, NOTHING);
    assert_int_equal(finding.fork, CHAIN_FORK_DUPLICITY);
    assert_int_equal(finding.epoch, 2);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 1);
    assert_true(device->store.rtp[RTP_FILE_FORK].is_there);
    sim_device_free(device);
}

static enum rotor_status (*write_of_sim)(void *context, enum rtp_file file,
                                         struct rotor_bytes content);

static enum rotor_status write_no_fork(void *context, enum rtp_file file,
                                       struct rotor_bytes content)
{
    return file == RTP_FILE_FORK ? ROTOR_PORT_FAILED
                                 : write_of_sim(context, file, content);
}

static void furnish_no_fork(struct sim_device *device, struct rtp_ops *ops)
{
    (void)device;
    write_of_sim = ops->store_write;
    ops->store_write = write_no_fork;
}

SPEC("two bodies count without room for their proof: quarantine, and an alarm")
{
    struct sim_device *device = robbed_device(305);
    struct client client = {.device = device};
    rotate_once(&client);
    rotate_once(&client);
    sim_kill_rtp(device);
    device->furnish_rtp = furnish_no_fork;
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    report(&client, NOTHING);
    assert_int_equal(finding.fork, CHAIN_FORK_DUPLICITY);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_STORE], 1);
    assert_false(device->store.rtp[RTP_FILE_FORK].is_there);
    sim_kill_rtp(device);
    assert_ok(sim_start_rtp(device));
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    sim_device_free(device);
}

SPEC("a report is answered without an enclave, and its program may be gone")
{
    struct sim_device *device = robbed_device(306);
    struct client client = {.device = device};
    device->holds_jobs = true;
    submit_report(&client, OTS);
    (void)sim_round(device);
    rtp_forget(&device->rtp, client.tags);
    device->holds_jobs = false;
    settle(&client);
    check_voided(device);
    sim_kill_ap(device);
    report(&client, OTS);
    assert_int_equal(finding.fork, CHAIN_FORK_NOISE);
    sim_device_free(device);
}
