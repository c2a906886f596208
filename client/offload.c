// SPDX-License-Identifier: Apache-2.0
// The slow work of a handshake as requests: agreement and signature.
#include <rotor/client.h>

#include <string.h>

#include "base/bytes.h"
#include "wire/client.h"

#define MESSAGE_MAX 8192u // bytes; SIGN has the longest input

static bool read_log_id(struct rotor_bytes bytes, struct wire_digest *log_id)
{
    *log_id = (struct wire_digest){0};
    if (bytes.size != 32 && bytes.size != WIRE_DIGEST_MAX) {
        return false;
    }
    log_id->alg = bytes.size == 32 ? CRYPTO_SHA256 : CRYPTO_SHA384;
    memcpy(log_id->bytes, bytes.data, bytes.size);
    return true;
}

static enum rotor_status submit(struct rotor_client *client, enum wire_op op,
                                const struct rotor_room *payload,
                                uint32_t deadline_ms, uint64_t *id)
{
    const struct rotor_request request = {
        .op = op,
        .payload = bytes_in(payload),
        .deadline_ms = deadline_ms,
    };
    return rotor_client_submit(client, &request, id);
}

enum rotor_status
rotor_client_submit_agree(struct rotor_client *client,
                          const struct rotor_agreement *wanted, uint64_t *id)
{
    uint8_t memory[1024];
    struct rotor_room payload = ROOM_OF(memory);
    struct wire_attest_req request = {
        .sid = wanted->sid,
        .nonce = wanted->nonce,
        .e_r = wanted->share,
        .suites = {1, {wanted->suite}},
        .purpose = WIRE_PURPOSE_SESSION,
        .peer_binding = wanted->peer_binding,
        .want_evidence = wanted->wants_evidence ? 1 : 0,
    };
    bool is_whole = read_log_id(wanted->log_id, &request.log_id) &&
                    wanted->share.size != 0 &&
                    wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request,
                                        &payload) == ROTOR_OK;
    return is_whole ? submit(client, WIRE_OP_ATTEST, &payload,
                             wanted->deadline_ms, id)
                    : ROTOR_INVALID;
}

enum rotor_status rotor_agreed_decode(struct rotor_bytes payload,
                                      struct rotor_agreed *agreed)
{
    struct wire_attest_rsp answer;
    struct wire_attest_core core;
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, payload, &answer));
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, answer.core, &core));
    if (core.e_a.size == 0) {
        return ROTOR_MALFORMED;
    }
    *agreed = (struct rotor_agreed){
        .core = answer.core,
        .share = core.e_a,
        .confirmation = answer.mac_a,
        .signature = answer.sig_s,
        .evidence = answer.evidence,
        .epoch = core.epoch,
    };
    return ROTOR_OK;
}

enum rotor_status rotor_client_submit_sign(struct rotor_client *client,
                                           const struct rotor_signing *wanted,
                                           uint64_t *id)
{
    uint8_t memory[MESSAGE_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    struct wire_sign request = {.input = wanted->input};
    bool is_whole =
        read_log_id(wanted->log_id, &request.log_id) &&
        wire_message_encode(&WIRE_LAYOUT_SIGN, &request, &payload) == ROTOR_OK;
    return is_whole
               ? submit(client, WIRE_OP_SIGN, &payload, wanted->deadline_ms, id)
               : ROTOR_INVALID;
}

enum rotor_status rotor_signed_decode(struct rotor_bytes payload,
                                      struct rotor_signed *signature)
{
    struct wire_signed answer;
    TRY(wire_message_decode(&WIRE_LAYOUT_SIGNED, payload, &answer));
    *signature = (struct rotor_signed){answer.service_key, answer.signature};
    return ROTOR_OK;
}
