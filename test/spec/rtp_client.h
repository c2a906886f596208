// SPDX-License-Identifier: Apache-2.0
// Programs of a simulated device: they ask with fresh challenges and judge
// every answer as a relying party would.
#ifndef ROTOR_TEST_SPEC_RTP_CLIENT_H
#define ROTOR_TEST_SPEC_RTP_CLIENT_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/sim/device.h"
#include "test/spec.h"
#include "verify/attest.h"

#define CLIENT_ASKED 64u

struct asked {
    bool is_open;
    uint64_t tag;
    size_t size;
    uint8_t payload[512];
};

struct client {
    struct sim_device *device;
    uint64_t tags;
    bool must_verify;
    struct asked asked[CLIENT_ASKED];
    unsigned sent;
    unsigned answered; // accepted answers
    unsigned refused;  // any other end
    unsigned busy;
    unsigned taken;             // completions
    struct rtp_completion last; // payload in last_payload
    uint8_t last_payload[WIRE_CLIENT_MAX];
    char last_text[256];
    uint64_t last_epoch;
};

static inline struct asked *client_slot(struct client *client, uint64_t tag)
{
    for (size_t i = 0; i < CLIENT_ASKED; i++) {
        struct asked *asked = &client->asked[i];
        if (tag == 0 ? !asked->is_open : asked->is_open && asked->tag == tag) {
            return asked;
        }
    }
    return NULL;
}

// The payload of an ATTEST_REQ of purpose 5.
static inline void client_request(struct client *client,
                                  struct rotor_room *payload)
{
    uint8_t sid[WIRE_ID_SIZE];
    uint8_t nonce[WIRE_NONCE_SIZE];
    const struct chain_trust *trust = &client->device->rtp.state.trust;
    sim_random(client->device, sid, sizeof sid);
    sim_random(client->device, nonce, sizeof nonce);
    const struct wire_attest_req request = {
        .log_id = trust->log_id,
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .suites = {3, {trust->suite, 2, 1}},
        .purpose = WIRE_PURPOSE_ATTEST,
        .want_evidence = 1,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request, payload));
}

static inline enum rotor_status client_submit(struct client *client,
                                              uint64_t op,
                                              struct rotor_bytes payload,
                                              uint64_t deadline_ms)
{
    const struct rtp_request request = {.op = op,
                                        .payload = payload,
                                        .tag = ++client->tags,
                                        .deadline_ms = deadline_ms};
    return rtp_submit(&client->device->rtp, client->device->now_ms, &request);
}

// Asks; false: the table is full.
static inline bool client_attest(struct client *client, uint64_t deadline_ms)
{
    struct asked *asked = client_slot(client, 0);
    if (asked == NULL) {
        return false;
    }
    struct rotor_room payload = ROOM_OF(asked->payload);
    client_request(client, &payload);
    asked->size = payload.used;
    enum rotor_status status =
        client_submit(client, WIRE_OP_ATTEST, bytes_in(&payload), deadline_ms);
    if (status == ROTOR_AGAIN) {
        client->busy++;
        return false;
    }
    assert_ok(status);
    asked->is_open = true;
    asked->tag = client->tags;
    client->sent++;
    return true;
}

static inline uint64_t client_rotate(struct client *client, uint64_t reason,
                                     uint64_t deadline_ms)
{
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_rotate rotate = {.reason = reason};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &rotate, &payload));
    assert_ok(
        client_submit(client, WIRE_OP_ROTATE, bytes_in(&payload), deadline_ms));
    return client->tags;
}

// Judges an answer under the RTP's cur or, once accepted, what is pending.
static inline void client_judge(struct client *client,
                                const struct asked *asked,
                                struct rotor_bytes response)
{
    const struct rtp_state *state = &client->device->rtp.state;
    struct verify_question question = {
        .trust = &state->trust,
        .reference = &client->device->reference,
        .request = bytes_of(asked->payload, asked->size),
        .response = response,
    };
    struct verify_answer answer;
    assert_ok(verify_attest(&question, &answer));
    if (answer.outcome == VERIFY_UNKNOWN_HEAD &&
        !chain_trust_is_empty(&state->pend)) {
        question.trust = &state->pend;
        assert_ok(verify_attest(&question, &answer));
    }
    if (!verify_answer_is_accepted(&answer)) {
        fail_msg("an answer was not accepted: %s", answer.reason);
    }
    client->last_epoch = answer.core.epoch;
}

static inline void client_take(struct client *client,
                               const struct rtp_completion *completion)
{
    client->last = *completion;
    client->taken++;
    assert_true(completion->payload.size <= sizeof client->last_payload);
    if (completion->payload.size != 0) {
        memcpy(client->last_payload, completion->payload.data,
               completion->payload.size);
    }
    client->last.payload =
        bytes_of(client->last_payload, completion->payload.size);
    strncpy(client->last_text, completion->text, sizeof client->last_text - 1);
    struct asked *asked = client_slot(client, completion->tag);
    if (asked == NULL) {
        return;
    }
    asked->is_open = false;
    if (completion->code != WIRE_CLIENT_OK) {
        client->refused++;
        return;
    }
    client->answered++;
    if (client->must_verify) {
        client_judge(client, asked, completion->payload);
    }
}

static inline unsigned client_collect(struct client *client)
{
    struct rtp_completion completion;
    unsigned count = 0;
    struct rtp *rtp = &client->device->rtp;
    while (client->device->rtp_is_up &&
           rtp_complete(rtp, client->device->now_ms, &completion) == ROTOR_OK) {
        client_take(client, &completion);
        count++;
    }
    return count;
}

// Runs the device and keeps collecting.
static inline void client_run(struct client *client, uint64_t wait_ms)
{
    struct sim_device *device = client->device;
    uint64_t end_ms = device->now_ms + wait_ms;
    do {
        uint64_t left = end_ms > device->now_ms ? end_ms - device->now_ms : 0;
        sim_run(device, left);
    } while (client_collect(client) != 0 && !device->is_cut);
}

// Until the answer to `tag` is there; false: it never came.
static inline bool client_await(struct client *client, uint64_t tag,
                                uint64_t wait_ms)
{
    struct sim_device *device = client->device;
    uint64_t end_ms = device->now_ms + wait_ms;
    for (;;) {
        struct rtp_completion completion;
        rtp_tick(&device->rtp, device->now_ms);
        bool moved = sim_round(device);
        while (rtp_complete(&device->rtp, device->now_ms, &completion) ==
               ROTOR_OK) {
            client_take(client, &completion);
            if (completion.tag == tag) {
                return true;
            }
        }
        if (device->is_cut || (!moved && device->now_ms >= end_ms)) {
            return false;
        }
        if (!moved) {
            uint64_t at = rtp_wakeup(&device->rtp);
            uint64_t soon = device->now_ms + 1u;
            at = at < soon ? soon : at;
            device->now_ms = at < end_ms ? at : end_ms;
        }
    }
}

// A device that has its root of trust.
static inline void device_start(struct sim_device *device)
{
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
}

static inline struct sim_device *device_ready(uint64_t seed)
{
    struct sim_device *device = sim_device_new(seed);
    assert_non_null(device);
    device_start(device);
    return device;
}

#endif
