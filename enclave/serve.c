// SPDX-License-Identifier: Apache-2.0
// One frame in, one frame out; and the whole policy as a table.
#include "enclave/serve.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/pair.h"
#include "enclave/work.h"

// ---- the policy ------------------------------------------------------------

#define WAY(way)     (1u << ENCLAVE_WAY_##way)
#define STATE(state) (1u << WIRE_STATE_##state)

#define PAIRED    (WAY(SEALED) | WAY(BARE))
#define ANY_SEAL  (PAIRED | WAY(EMERGENCY))
#define PROGRAMS  (WAY(SEALED) | WAY(PROGRAM))
#define RUNNING   (STATE(CUR) | STATE(PREP) | STATE(CLOSED) | STATE(BURNT))
#define ANY_STATE 0xffu

struct rule {
    enum wire_type type;
    uint32_t ways;
    uint32_t states;
    const struct wire_layout *layout;
    enclave_handler *serve;
};

// What is not here is refused.
// clang-format off
static const struct rule rules[] = {
    {WIRE_HELLO_RTP, WAY(CLOSED), ANY_STATE,
     &WIRE_LAYOUT_HELLO_RTP, enclave_serve_hello_rtp},
    {WIRE_HELLO_FIN, WAY(HALF), ANY_STATE,
     &WIRE_LAYOUT_HELLO_FIN, enclave_serve_hello_fin},
    {WIRE_GENERATE, PAIRED, STATE(EMPTY) | STATE(PREP0) | RUNNING,
     &WIRE_LAYOUT_GENERATE, enclave_serve_generate},
    {WIRE_ROT_ACCEPT0, PAIRED, STATE(PREP0) | STATE(CUR),
     &WIRE_LAYOUT_ROT_ACCEPT0, enclave_serve_accept0},
    {WIRE_ROTATE, WAY(SEALED), STATE(CUR) | STATE(PREP),
     &WIRE_LAYOUT_ROTATE, enclave_serve_rotate},
    {WIRE_ROT_COMMIT, WAY(SEALED) | WAY(EMERGENCY), RUNNING,
     &WIRE_LAYOUT_ROT_COMMIT, enclave_serve_commit},
    {WIRE_RECOVER, PAIRED, STATE(EMPTY) | RUNNING | STATE(HALTED),
     &WIRE_LAYOUT_RECOVER, enclave_serve_recover},
    {WIRE_RECOVER_SIGNED, PAIRED,
     STATE(EMPTY) | RUNNING | STATE(REC) | STATE(HALTED),
     &WIRE_LAYOUT_RECOVER_SIGNED, enclave_serve_recover_signed},
    {WIRE_ATTEST_REQ, PROGRAMS, RUNNING,
     &WIRE_LAYOUT_ATTEST_REQ, enclave_serve_attest},
    {WIRE_SESSION_FIN, PROGRAMS, RUNNING,
     &WIRE_LAYOUT_SESSION_FIN, enclave_serve_session_fin},
    {WIRE_SESSION_KEY, WAY(SEALED), RUNNING,
     &WIRE_LAYOUT_SESSION_KEY, enclave_serve_session_key},
    {WIRE_LOG_GET, WAY(HALF) | ANY_SEAL | WAY(PROGRAM), ANY_STATE,
     &WIRE_LAYOUT_LOG_GET, enclave_serve_log_get},
    {WIRE_HEAD_PROOF, PROGRAMS, RUNNING,
     &WIRE_LAYOUT_HEAD_PROOF, enclave_serve_head_proof},
    {WIRE_STATUS, ANY_SEAL, ANY_STATE,
     &WIRE_LAYOUT_STATUS, enclave_serve_status},
    {WIRE_PAIRS_OVER, ANY_SEAL, ANY_STATE,
     &WIRE_LAYOUT_PAIRS_OVER, enclave_serve_pairs_over},
    {WIRE_SIGN, PROGRAMS, RUNNING,
     &WIRE_LAYOUT_SIGN, enclave_serve_sign},
};
// clang-format on

static const struct rule *rule_of(uint8_t type)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (rules[i].type == type) {
            return &rules[i];
        }
    }
    return NULL;
}

static enum rotor_status refuse_state(struct enclave *enclave,
                                      enum wire_state state)
{
    switch (enclave->fault) {
    case ENCLAVE_ROLLED_BACK:
        return enclave_refuse(enclave, WIRE_E_ROLLED_BACK, 0);
    case ENCLAVE_STORE_FAULT:
        return enclave_refuse(enclave, WIRE_E_STORE, 0);
    case ENCLAVE_APPROVED:
    case ENCLAVE_SOUND:
        break;
    }
    return enclave_refuse(enclave, WIRE_E_STATE, state);
}

// While a recovery is worked on others are served as before it, until P3.
static enum wire_state state_for_others(const struct enclave *enclave)
{
    enum wire_state state = enclave_state_code(enclave);
    bool goes_on = state == WIRE_STATE_REC && enclave_has_work(enclave) &&
                   enclave_has_log(enclave);
    return goes_on ? WIRE_STATE_CUR : state;
}

// Every message of the RTP begins with the log_id of its channel, but HELLO:
// there the two sides find out.
static bool names_the_log(const struct enclave_request *request)
{
    struct wire_digest log_id;
    memcpy(&log_id, &request->message, sizeof log_id);
    return request->header.type == WIRE_HELLO_RTP ||
           wire_digest_equal(&log_id, &request->route.log_id);
}

static enum rotor_status serve_request(struct enclave *enclave,
                                       struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    const struct rule *rule = rule_of(request->header.type);
    if (rule == NULL || (rule->ways & 1u << request->route.way) == 0) {
        return enclave_refuse(enclave, WIRE_E_TYPE, 0);
    }
    enum wire_state state = state_for_others(enclave);
    if ((rule->states & 1u << state) == 0) {
        return refuse_state(enclave, state);
    }
    TRY(wire_message_decode(rule->layout, request->payload, &request->message));
    if (!names_the_log(request)) {
        return enclave_refuse(enclave, WIRE_E_HASH, 0);
    }
    if (enclave_has_work(enclave) && enclave_is_order(request->header.type)) {
        return enclave_refuse(enclave, WIRE_E_BUSY, 0);
    }
    return rule->serve(enclave, request, answer);
}

// ---- answers ---------------------------------------------------------------

// The ERROR that a failed call becomes when nobody said it better.
static void explain(struct enclave *enclave, enum rotor_status status)
{
    if (enclave->refusal != WIRE_E_NONE) {
        return;
    }
    bool is_malformed = status == ROTOR_MALFORMED;
    enclave->refusal = is_malformed ? WIRE_E_MALFORMED : WIRE_E_BUSY;
    enclave->refusal_detail = 0;
}

static enum rotor_status answer_error(const struct enclave *enclave,
                                      const struct enclave_request *request,
                                      struct enclave_answer *answer)
{
    struct wire_error_reply reply = {
        .log_id = request->route.log_id,
        .code = enclave->refusal,
        .detail = enclave->refusal_detail,
    };
    return enclave_answer_with(answer, WIRE_ERROR, &WIRE_LAYOUT_ERROR, &reply);
}

static bool is_sealed(enum enclave_way way)
{
    return way == ENCLAVE_WAY_SEALED || way == ENCLAVE_WAY_BARE ||
           way == ENCLAVE_WAY_EMERGENCY;
}

static enum rotor_status send(const struct enclave *enclave,
                              const struct enclave_request *request,
                              const struct enclave_answer *answer,
                              struct rotor_room *reply)
{
    const struct enclave_route *route = &request->route;
    struct wire_header header = enclave_header(enclave, request, answer->type);
    if (!is_sealed(route->way)) {
        return wire_frame_encode(&header, bytes_in(&answer->payload), reply);
    }
    struct wire_sealer sealer = {.aead = &route->pair->seal_out};
    memcpy(sealer.iv, route->pair->iv_out, sizeof sealer.iv);
    return wire_frame_seal(&sealer, &header, bytes_in(&answer->payload), reply);
}

// Sends what was made; an ERROR where `status` says that nothing was.
static enum rotor_status give(struct enclave *enclave,
                              struct enclave_request *request,
                              struct enclave_answer *answer,
                              enum rotor_status status,
                              struct rotor_room *reply)
{
    if (status != ROTOR_OK) {
        explain(enclave, status);
        TRY(answer_error(enclave, request, answer));
    }
    TRY(send(enclave, request, answer, reply));
    *request->route.next_out += 1;
    if (answer->closes && request->route.pair != NULL) {
        enclave_pair_close(request->route.pair);
    }
    return ROTOR_OK;
}

static struct enclave_answer answer_in(const struct rotor_room *reply)
{
    return (struct enclave_answer){
        .payload = {reply->data + WIRE_HEADER_SIZE, WIRE_PAYLOAD_MAX, 0}
    };
}

static void forget_refusal(struct enclave *enclave)
{
    enclave->refusal = WIRE_E_NONE;
    enclave->refusal_detail = 0;
}

// Nothing writes beside the serving thread: all steps at once.
static enum rotor_status finish_work(struct enclave *enclave,
                                     struct enclave_request *request,
                                     struct enclave_answer *answer)
{
    enum rotor_status status = ROTOR_AGAIN;
    bool is_done = false;
    while (status == ROTOR_AGAIN || (status == ROTOR_OK && !is_done)) {
        status = enclave_work_step(enclave, request, answer, &is_done);
    }
    return status;
}

static enum rotor_status answer_request(struct enclave *enclave,
                                        struct enclave_request *request,
                                        struct rotor_room *reply)
{
    struct enclave_answer answer = answer_in(reply);
    forget_refusal(enclave);
    enum rotor_status status = serve_request(enclave, request, &answer);
    if (status == ROTOR_OK && answer.is_deferred) {
        if (enclave->ops.durable_begin != NULL) {
            return ROTOR_OK;
        }
        status = finish_work(enclave, request, &answer);
    }
    return give(enclave, request, &answer, status, reply);
}

enum rotor_status enclave_step(struct enclave *enclave,
                               struct enclave_pair *pair,
                               struct rotor_room *reply)
{
    reply->used = 0;
    if (!enclave->is_open || !enclave_has_work(enclave)) {
        return ROTOR_INVALID;
    }
    if (reply->capacity < WIRE_FRAME_MAX) {
        return ROTOR_TOO_SMALL;
    }
    struct enclave_request request = {.header = enclave->work.header};
    struct enclave_answer answer = answer_in(reply);
    bool is_done = false;
    // The RTP may have paired anew: it asks again there.
    bool is_heard = enclave_pair_route(pair, &request);
    forget_refusal(enclave);
    enum rotor_status status =
        enclave_work_step(enclave, &request, &answer, &is_done);
    if (status == ROTOR_AGAIN) {
        return ROTOR_AGAIN;
    }
    bool is_over = is_done || status != ROTOR_OK;
    if (is_over && is_heard &&
        give(enclave, &request, &answer, status, reply) != ROTOR_OK) {
        reply->used = 0;
    }
    return ROTOR_OK;
}

enum rotor_status enclave_serve(struct enclave *enclave,
                                struct enclave_pair *pair,
                                struct rotor_bytes frame,
                                struct rotor_room *reply)
{
    reply->used = 0;
    if (!enclave->is_open) {
        return ROTOR_INVALID;
    }
    if (reply->capacity < WIRE_FRAME_MAX) {
        return ROTOR_TOO_SMALL;
    }
    struct enclave_request request = {.frame = frame};
    enum rotor_status status = ROTOR_OK;
    if (enclave_pair_admit(enclave, pair, &request)) {
        status = answer_request(enclave, &request, reply);
    }
    if (request.payload.data == enclave->payload) {
        secret_wipe(enclave->payload, request.payload.size);
    }
    secret_wipe(&request, sizeof request);
    if (status != ROTOR_OK) {
        reply->used = 0;
    }
    return ROTOR_OK;
}
