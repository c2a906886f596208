// SPDX-License-Identifier: Apache-2.0
// A simulated device that loses power, and what must hold afterwards.
#ifndef ROTOR_TEST_SPEC_CRASH_RIG_H
#define ROTOR_TEST_SPEC_CRASH_RIG_H

#include "test/spec/rtp_client.h"

// ---- what must hold afterwards ---------------------------------------------

static inline void check_log(const struct sim_device *device)
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

static inline void check_agreement(const struct sim_device *device)
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

static inline void check_service(struct sim_device *device)
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

enum who {
    THE_VICTIM = 0, // of the cut
    BOTH,
};

static inline void restart(struct sim_device *device, enum who who)
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

static inline const char *now_at(const struct sim_device *device)
{
    static char text[96];
    snprintf(text, sizeof text, "%s | %s",
             wire_state_name(enclave_state_code(&device->enclave)),
             rtp_phase_name(device->rtp.state.phase));
    return text;
}

static inline void check_standing(const struct sim_device *device,
                                  enum wire_state ap, enum rtp_phase rtp)
{
    bool is_there = enclave_state_code(&device->enclave) == ap &&
                    device->rtp.state.phase == rtp;
    if (!is_there) {
        fail_msg("stands at %s", now_at(device));
    }
}

static inline void run_to_the_end(struct sim_device *device)
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
static inline struct sim_device *new_device(void)
{
    struct sim_device *device = sim_device_new(11);
    assert_non_null(device);
    return device;
}

static inline void start_both(struct sim_device *device)
{
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
}

static inline void ask_for_rotation(struct sim_device *device, uint64_t reason,
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

// A byte in the middle of the last record, where its signatures are.
static inline uint8_t *middle_of_log(struct sim_device *device, size_t before)
{
    return &device->store.log[(before + device->store.log_size) / 2u];
}

#endif
