// SPDX-License-Identifier: Apache-2.0
// The RTP with the real enclave behind it: what programs see.
#include "test/spec/rtp_client.h"

SPEC("from nothing: pair, generate, accept, pair again under the log")
{
    struct sim_device *device = device_ready(1);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_RTP], 2);
    assert_int_equal(device->seen.frames_to_ap[WIRE_GENERATE], 1);
    assert_int_equal(device->seen.frames_to_ap[WIRE_ROT_ACCEPT0], 1);
    assert_true(rtp_is_attested(&device->rtp));
    assert_int_equal(device->rtp.log.count, 1);
    sim_device_free(device);
}

SPEC("an attestation answers the challenge under the current root")
{
    struct sim_device *device = device_ready(2);
    struct client client = {.device = device, .must_verify = true};
    for (unsigned i = 0; i < 5; i++) {
        assert_true(client_attest(&client, 0));
    }
    client_run(&client, 100);
    assert_int_equal(client.answered, 5);
    assert_int_equal(client.refused, 0);
    sim_device_free(device);
}

SPEC("a rotation asked for by hand ends with the new head")
{
    struct sim_device *device = device_ready(3);
    struct client client = {.device = device};
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    struct wire_head head;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_CLIENT_HEAD, client.last.payload,
                                  &head));
    assert_int_equal(head.epoch, 1);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->enclave.state.cur.facts.order.epoch, 1);
    sim_device_free(device);
}

// 64 clients in flight at all times while rotations follow each other.
static void rotate_under_load(struct client *client, uint64_t reason,
                              unsigned rotations)
{
    for (unsigned i = 0; i < rotations; i++) {
        uint64_t tag = client_rotate(client, reason, 0);
        for (unsigned k = 0; k < 400; k++) {
            if (k % 8 == 0) {
                (void)client_attest(client, 0);
            }
            sim_round(client->device);
            rtp_tick(&client->device->rtp, client->device->now_ms);
            (void)client_collect(client);
        }
        (void)tag;
        client_run(client, 10);
        assert_int_equal(client->refused, 0);
    }
}

SPEC("attestations go on through a hundred rotations and none is refused")
{
    struct sim_device *device = device_ready(4);
    struct client client = {.device = device, .must_verify = true};
    rotate_under_load(&client, WIRE_REASON_OPERATOR, 100);
    assert_int_equal(device->rtp.state.trust.order.epoch, 100);
    assert_int_equal(device->rtp.log.count, 101);
    assert_int_equal(client.answered, client.sent);
    assert_true(client.sent >= 3000);
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_RTP], 2);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    print_message("%u attestations, 100 rotations, 0 refused\n", client.sent);
    sim_device_free(device);
}

SPEC("an emergency rotation under load refuses no attestation either")
{
    struct sim_device *device = device_ready(5);
    struct client client = {.device = device, .must_verify = true};
    rotate_under_load(&client, WIRE_REASON_SECURITY_EVENT, 10);
    rotate_under_load(&client, WIRE_REASON_KEY_COMPROMISE, 10);
    assert_int_equal(device->rtp.state.trust.order.epoch, 20);
    assert_int_equal(client.answered, client.sent);
    sim_device_free(device);
}

static bool has_held_accept(const struct sim_device *device)
{
    return device->held != NULL && device->held->kind == RTP_JOB_ACCEPT;
}

// Five answers under e wait in the queue when R1 of a rotation is done.
static struct sim_device *device_at_r1(struct client *client, uint64_t reason)
{
    struct sim_device *device = device_ready(6);
    *client = (struct client){.device = device, .must_verify = true};
    (void)client_rotate(client, reason, 0);
    while (!has_held_accept(device)) {
        device->holds_jobs = device->rtp.state.phase == RTP_INTENT;
        sim_round(device);
    }
    device->rtp_is_deaf = true;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(client_attest(client, 0));
    }
    while (sim_round(device)) {
    }
    assert_int_equal(device->to_rtp.count, 5);
    device->holds_jobs = false;
    sim_round(device);
    device->rtp_is_deaf = false;
    return device;
}

SPEC("after R1 of an emergency answers under e reach nobody: asked for again")
{
    struct client client;
    struct sim_device *device =
        device_at_r1(&client, WIRE_REASON_SECURITY_EVENT);
    assert_int_equal(device->rtp.state.phase, RTP_PENDX);
    while (client.answered < 5) {
        assert_true(sim_round(device));
        (void)client_collect(&client);
        assert_true(client.answered == 0 || client.last_epoch == 1);
    }
    assert_int_equal(device->rtp.counts.reissued, 5);
    assert_int_equal(client.refused, 0);
    sim_device_free(device);
}

SPEC("after R1 of a routine rotation answers under e and e+1 are both good")
{
    struct client client;
    struct sim_device *device = device_at_r1(&client, WIRE_REASON_OPERATOR);
    assert_int_equal(device->rtp.state.phase, RTP_PEND);
    sim_round(device);
    assert_int_equal(client_collect(&client), 1);
    assert_int_equal(client.last_epoch, 0);
    client_run(&client, 100);
    assert_int_equal(client.answered, 5);
    assert_int_equal(device->rtp.counts.reissued, 0);
    sim_device_free(device);
}

SPEC("the suite changes by rotation, and the channel lives on")
{
    struct sim_device *device = device_ready(7);
    struct client client = {.device = device, .must_verify = true};
    static const uint64_t SUITES[] = {3, 1, 2, 1, 3, 2};
    for (size_t i = 0; i < COUNT_OF(SUITES); i++) {
        uint8_t bytes[64];
        struct rotor_room payload = ROOM_OF(bytes);
        const struct wire_client_rotate rotate = {.reason =
                                                      WIRE_REASON_ALGORITHM,
                                                  .has_suite = true,
                                                  .suite = SUITES[i]};
        assert_ok(
            wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &rotate, &payload));
        assert_ok(
            client_submit(&client, WIRE_OP_ROTATE, bytes_in(&payload), 0));
        assert_true(client_await(&client, client.tags, 10000));
        assert_int_equal(client.last.code, WIRE_CLIENT_OK);
        assert_int_equal(device->rtp.state.trust.suite, SUITES[i]);
        assert_true(client_attest(&client, 0));
        client_run(&client, 100);
    }
    assert_int_equal(client.answered, COUNT_OF(SUITES));
    sim_device_free(device);
}

SPEC("each suite generates, pairs and attests")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct sim_device *device = sim_device_new(suite);
        struct client client = {.device = device, .must_verify = true};
        device->config.suite = suite;
        device_start(device);
        assert_int_equal(device->rtp.state.trust.suite, suite);
        assert_true(client_attest(&client, 0));
        client_run(&client, 100);
        assert_int_equal(client.answered, 1);
        sim_device_free(device);
    }
}

SPEC("a closed log attests and refuses every further rotation")
{
    struct sim_device *device = device_ready(8);
    struct client client = {.device = device, .must_verify = true};
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_rotate close = {
        .reason = WIRE_REASON_OPERATOR, .has_kind = true, .kind = CHAIN_CLOSE};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &close, &payload));
    assert_ok(client_submit(&client, WIRE_OP_ROTATE, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_STATE);
    assert_int_equal(device->seen.frames_to_ap[WIRE_ROTATE], 1);
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    assert_true(client_attest(&client, 0));
    client_run(&client, 30000);
    assert_int_equal(client.answered, 1);
    sim_device_free(device);
}
