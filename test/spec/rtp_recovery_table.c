// SPDX-License-Identifier: Apache-2.0
// What was lost, and the way back: rows of the table of PROTOCOL.rot 6.5 that
// need both sides.
#include "test/spec/rtp_authority.h"

static void rotate_once(struct client *client)
{
    uint64_t tag = client_rotate(client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(client, tag, 60000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

// The entry of that epoch, as a payload of REPORT.
static void encode_entry_report(struct sim_device *device, uint64_t epoch,
                                struct rotor_room *payload)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record;
    uint64_t offset;
    const struct wire_order at = {0, epoch};
    assert_ok(
        rtp_log_find(&device->rtp.log, &device->rtp.ops, &room, &at, &offset));
    assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
    const struct wire_client_report report = {record.bytes};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_REPORT, &report, payload));
}

static uint8_t rival_bytes[RTP_REQUEST_MAX];
static size_t rival_size;

// Both sides stand where they stood; a thief has what they did since.
static void go_back(struct sim_device *device, const struct sim_store *before)
{
    sim_kill_rtp(device);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, true);
    sim_store_restore_rtp(device, before, true);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
}

// At epoch 2, with another body for epoch 2 in the hands of a thief.
static struct sim_device *forked_device(struct client *client)
{
    struct sim_device *device = governed_device(1);
    struct rotor_room rival = ROOM_OF(rival_bytes);
    *client = (struct client){.device = device};
    struct sim_store *before = sim_store_copy(device);
    rotate_once(client);
    encode_entry_report(device, 2, &rival);
    rival_size = rival.used;
    go_back(device, before);
    free(before);
    rotate_once(client);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    return device;
}

static void show_rival(struct client *client)
{
    assert_ok(client_submit(client, WIRE_OP_REPORT,
                            bytes_of(rival_bytes, rival_size), 0));
    assert_true(client_await(client, client->tags, 5000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

SPEC("the forks that the authority ended do not stop the log that it began")
{
    struct client client;
    struct sim_device *device = forked_device(&client);
    const struct recovery order = {5, head_of_first_rotation(device), 1};
    recover(device, &order);
    restart_rtp(device);
    check_recovered(device, 5);
    show_rival(&client);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 0);
    sim_device_free(device);
    forget_authority();
}

SPEC("duplicity, S and A stolen: in quarantine the authority goes on from the "
     "last good entry, and nobody else")
{
    struct client client;
    struct sim_device *device = forked_device(&client);
    const struct wire_head good = head_of_first_rotation(device);
    show_rival(&client);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    sim_run(device, 10000);
    assert_true(client_attest(&client, 0));
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_UNAVAILABLE);
    assert_int_equal(client.answered, 0);
    struct rotor_bytes body = propose_after(&client, 0, &good);
    hand_back(&client, body, 1);
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(device->rtp.state.phase, RTP_QUAR);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_recovered(device, 3);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    // What both had for epoch 2 is void.
    show_rival(&client);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    sim_device_free(device);
    forget_authority();
}

SPEC("a prepared entry that the RTP can never accept is dropped by the "
     "authority")
{
    struct sim_device *device = governed_device(1);
    struct client client = {.device = device};
    device->cut = (struct sim_cut){.step = SIM_FRAME_TO_RTP,
                                   .type = WIRE_ROT_PREPARED,
                                   .count = 1,
                                   .victim = SIM_RTP};
    (void)client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    sim_run(device, 10000);
    assert_true(device->is_cut);
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    // The image that made it is withdrawn.
    assert_ok(sim_install_image(device, 0x77));
    device->wanted = device->measurement;
    sim_kill_ap(device);
    sim_kill_rtp(device);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    sim_run(device, 60000);
    assert_int_equal(enclave_state_code(&device->enclave), WIRE_STATE_PREP);
    assert_true(device->seen.alarms[RTP_ALARM_ENTRY] > 0);
    struct rotor_bytes body = propose(&client, 1);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_recovered(device, 3);
    sim_device_free(device);
    forget_authority();
}

SPEC("an AP store that was put back: it signs nothing; the one that the anchor "
     "names goes on")
{
    struct sim_device *device = governed_device(1);
    struct client client = {.device = device};
    struct sim_store *before = sim_store_copy(device);
    rotate_once(&client);
    struct sim_store *good = sim_store_copy(device);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, false);
    assert_ok(sim_start_ap(device));
    sim_run(device, 20000);
    assert_int_equal(enclave_state_code(&device->enclave), WIRE_STATE_HALTED);
    assert_int_equal(device->enclave.signature_count, 0);
    assert_true(client_attest(&client, 0));
    client_run(&client, 20000);
    assert_int_equal(client.answered, 0);
    sim_kill_ap(device);
    sim_store_restore_ap(device, good, false);
    assert_ok(sim_start_ap(device));
    assert_true(sim_run_until(device, 200000, sim_is_steady));
    client.must_verify = true;
    assert_true(client_attest(&client, 0));
    client_run(&client, 200);
    assert_int_equal(client.answered, 1);
    assert_int_equal(device->rtp.state.trust.order.epoch, 2);
    free(before);
    free(good);
    sim_device_free(device);
    forget_authority();
}

SPEC("an AP store that was put back and is gone elsewhere: as one that is lost")
{
    struct sim_device *device = governed_device(1);
    struct client client = {.device = device};
    struct sim_store *before = sim_store_copy(device);
    rotate_once(&client);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, false);
    assert_ok(sim_start_ap(device));
    sim_run(device, 20000);
    struct rotor_bytes body = propose(&client, 1);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.kind, CHAIN_REINCEPT);
    assert_int_equal(device->rtp.state.trust.order.epoch, 3);
    free(before);
    sim_device_free(device);
    forget_authority();
}
