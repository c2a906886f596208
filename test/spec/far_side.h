// SPDX-License-Identifier: Apache-2.0
// The far side of a session: agrees keys with the enclave of a simulated
// device, and fetches the enclave's by their handle as a program would.
#ifndef ROTOR_TEST_SPEC_FAR_SIDE_H
#define ROTOR_TEST_SPEC_FAR_SIDE_H

#include "test/spec/rtp_client.h"
#include "verify/session.h"

struct far_side {
    struct client client;
    struct crypto_key ephemeral;
    uint8_t sid[WIRE_ID_SIZE];
    uint8_t request[512];
    size_t request_size;
    struct verify_session session;
};

static inline void far_ask(struct far_side *far)
{
    struct sim_device *device = far->client.device;
    const struct chain_trust *trust = &device->rtp.state.trust;
    uint8_t seed[CRYPTO_SEED_MAX];
    uint8_t nonce[WIRE_NONCE_SIZE];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    struct rotor_room point = ROOM_OF(point_bytes);
    struct rotor_room request = ROOM_OF(far->request);
    sim_random(device, seed, sizeof seed);
    sim_random(device, nonce, sizeof nonce);
    sim_random(device, far->sid, sizeof far->sid);
    assert_ok(crypto_key_derive(&far->ephemeral, CRYPTO_P256, seed));
    assert_ok(chain_point_encode(&far->ephemeral, &point));
    const struct wire_attest_req message = {
        .log_id = trust->log_id,
        .sid = BYTES_OF(far->sid),
        .nonce = BYTES_OF(nonce),
        .e_r = bytes_in(&point),
        .suites = {1, {2}},
        .purpose = WIRE_PURPOSE_SESSION,
        .want_evidence = 1,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &message, &request));
    far->request_size = request.used;
    assert_ok(
        client_submit(&far->client, WIRE_OP_ATTEST, bytes_in(&request), 0));
    assert_true(client_await(&far->client, far->client.tags, 1000));
    assert_int_equal(far->client.last.code, WIRE_CLIENT_OK);
}

static inline void far_confirm(struct far_side *far)
{
    struct sim_device *device = far->client.device;
    uint8_t fin_bytes[256];
    struct rotor_room fin = ROOM_OF(fin_bytes);
    struct verify_answer answer;
    bool confirmed = false;
    const struct verify_question question = {
        .trust = &device->rtp.state.trust,
        .reference = &device->reference,
        .request = bytes_of(far->request, far->request_size),
        .response = far->client.last.payload,
    };
    assert_ok(verify_attest(&question, &answer));
    assert_true(verify_answer_is_accepted(&answer));
    assert_ok(verify_session_confirm(&answer, &far->ephemeral, &far->session,
                                     &fin, &confirmed));
    assert_true(confirmed);
    crypto_key_close(&far->ephemeral);
    assert_ok(
        client_submit(&far->client, WIRE_OP_SESSION_FIN, bytes_in(&fin), 0));
    assert_true(client_await(&far->client, far->client.tags, 1000));
    assert_int_equal(far->client.last.code, WIRE_CLIENT_OK);
    assert_int_equal(far->client.last.payload.size, 0);
}

static inline void far_fetch_keys(struct far_side *far)
{
    uint8_t bytes[128];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_session_key message = {
        .log_id = far->client.device->rtp.state.trust.log_id,
        .sid = BYTES_OF(far->sid)};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_SESSION_KEY, &message, &payload));
    assert_ok(client_submit(&far->client, WIRE_OP_SESSION_KEY,
                            bytes_in(&payload), 0));
}

static inline void far_begin(struct far_side *far, struct sim_device *device)
{
    memset(far, 0, sizeof *far);
    far->client.device = device;
    far_ask(far);
    far_confirm(far);
}

#endif
