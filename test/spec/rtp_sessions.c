// SPDX-License-Identifier: Apache-2.0
// Sessions through the RTP: a far side agrees keys with the enclave, a program
// on the machine fetches them by their handle.
#include "rtp/machine.h"
#include "test/spec/far_side.h"

static void check_keys(const struct far_side *far)
{
    struct wire_session_keyed keyed;
    assert_int_equal(far->client.last.code, WIRE_CLIENT_OK);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_SESSION_KEYED,
                                  far->client.last.payload, &keyed));
    assert_memory_equal(keyed.r2a_key.data, far->session.keys.r2a.key, 32);
    assert_memory_equal(keyed.a2r_key.data, far->session.keys.a2r.key, 32);
}

SPEC("both ends of a session hold the same keys, by handle, through the RTP")
{
    struct sim_device *device = device_ready(61);
    static struct far_side far;
    far_begin(&far, device);
    far_fetch_keys(&far);
    assert_true(client_await(&far.client, far.client.tags, 1000));
    check_keys(&far);
    sim_device_free(device);
}

SPEC("session keys do not stay in the memory of the RTP")
{
    struct sim_device *device = device_ready(61);
    static struct far_side far;
    far_begin(&far, device);
    far_fetch_keys(&far);
    assert_true(client_await(&far.client, far.client.tags, 1000));
    check_keys(&far);
    rtp_tick(&device->rtp, device->now_ms);
    const uint8_t *memory = (const uint8_t *)&device->rtp;
    for (size_t i = 0; i + 32 <= sizeof device->rtp; i++) {
        assert_true(memcmp(memory + i, far.session.keys.r2a.key, 32) != 0);
    }
    sim_device_free(device);
}

SPEC("a routine rotation leaves sessions alone, an emergency ends them")
{
    struct sim_device *device = device_ready(62);
    static struct far_side far;
    far_begin(&far, device);
    uint64_t tag = client_rotate(&far.client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&far.client, tag, 5000));
    far_fetch_keys(&far);
    assert_true(client_await(&far.client, far.client.tags, 1000));
    check_keys(&far);
    tag = client_rotate(&far.client, WIRE_REASON_SECURITY_EVENT, 0);
    assert_true(client_await(&far.client, tag, 5000));
    far_fetch_keys(&far);
    assert_true(client_await(&far.client, far.client.tags, 1000));
    assert_int_equal(far.client.last.code, WIRE_CLIENT_REFUSED);
    sim_device_free(device);
}

SPEC("keys of a session that were on their way at R1 of an emergency: refused")
{
    struct sim_device *device = device_ready(63);
    static struct far_side far;
    far_begin(&far, device);
    (void)client_rotate(&far.client, WIRE_REASON_KEY_COMPROMISE, 0);
    while (device->held == NULL || device->held->kind != RTP_JOB_ACCEPT) {
        device->holds_jobs = device->rtp.state.phase == RTP_INTENT;
        sim_round(device);
    }
    device->rtp_is_deaf = true;
    far_fetch_keys(&far);
    while (sim_round(device)) {
    }
    assert_int_equal(device->to_rtp.count, 1);
    device->holds_jobs = false;
    sim_round(device);
    assert_int_equal(device->rtp.state.phase, RTP_PENDX);
    device->rtp_is_deaf = false;
    assert_true(client_await(&far.client, far.client.tags, 1000));
    assert_int_equal(far.client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(far.client.last.error, WIRE_E_EPOCH);
    assert_int_equal(far.client.last.payload.size, 0);
    sim_device_free(device);
}

// ---- a lying enclave -------------------------------------------------------

struct swap {
    uint8_t kept[WIRE_PAYLOAD_MAX];
    size_t size;
    unsigned swapped;
};

// Gives the second SESSION_KEYED the content of the first.
static bool swap_keys(void *context, struct sim_device *device, uint8_t *frame,
                      size_t *size)
{
    struct swap *swap = context;
    static uint8_t bytes[WIRE_PAYLOAD_MAX];
    const struct rtp_channel *channel = &device->rtp.channel;
    struct wire_sealer sealer = {.aead = &channel->unseal};
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_header header;
    memcpy(sealer.iv, channel->unseal_iv, sizeof sealer.iv);
    if (wire_frame_unseal(&sealer, bytes_of(frame, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_SESSION_KEYED || swap->swapped != 0) {
        return true;
    }
    if (swap->size == 0) {
        memcpy(swap->kept, payload.data, payload.used);
        swap->size = payload.used;
        return true;
    }
    struct rotor_room out = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_seal(&sealer, &header,
                              bytes_of(swap->kept, swap->size), &out));
    *size = out.used;
    swap->swapped++;
    return true;
}

SPEC("keys of another session than the one asked for are not passed on")
{
    struct sim_device *device = device_ready(64);
    static struct far_side first;
    static struct far_side second;
    static struct swap swap;
    memset(&swap, 0, sizeof swap);
    far_begin(&first, device);
    far_begin(&second, device);
    second.client.tags = 1000;
    device->meddle = swap_keys;
    device->meddle_context = &swap;
    far_fetch_keys(&first);
    assert_true(client_await(&first.client, first.client.tags, 1000));
    check_keys(&first);
    far_fetch_keys(&second);
    assert_true(client_await(&second.client, second.client.tags, 9000));
    assert_int_equal(swap.swapped, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
    if (second.client.last.code == WIRE_CLIENT_OK) {
        check_keys(&second); // asked again on a new channel
    }
    sim_device_free(device);
}
