// SPDX-License-Identifier: Apache-2.0
// GENERATE, ROT_ACCEPT0, ROTATE, ROT_COMMIT: doc/PROTOCOL.rot 5.4 and 7.3.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "enclave/bundle.h"
#include "enclave/entry.h"
#include "enclave/serve.h"
#include "enclave/store.h"
#include "enclave/tokens.h"
#include "enclave/work.h"

// ---- GENERATE --------------------------------------------------------------

static enum rotor_status check_generate(struct enclave *enclave,
                                        const struct enclave_request *request,
                                        struct chain_policy *policy)
{
    const struct wire_generate *order = &request->message.generate;
    const struct enclave_pair *pair = request->route.pair;
    TRY(chain_policy_decode(order->policy, policy));
    if (!enclave_seed_fits(order->seed, order->seed_src)) {
        return ROTOR_MALFORMED;
    }
    if (crypto_suite_of(order->suite) == NULL) {
        return enclave_refuse(enclave, WIRE_E_SUITE, CRYPTO_SUITE_DEFAULT);
    }
    bool names_this_c =
        wire_digest_equal(&order->control_kid, &pair->control_kid) &&
        wire_digest_equal(&policy->control, &pair->control_kid);
    if (!names_this_c || order->suite < policy->suite_floor) {
        return enclave_refuse(enclave, WIRE_E_POLICY, 0);
    }
    if (pair->shows_log) {
        // It holds a log already: only RA brings the AP back into that one.
        return enclave_refuse(enclave, WIRE_E_STATE, WIRE_STATE_EMPTY);
    }
    return ROTOR_OK;
}

static enum rotor_status build_genesis(struct enclave *enclave,
                                       const struct enclave_request *request,
                                       const struct chain_policy *policy,
                                       uint8_t data_key[ENCLAVE_SECRET])
{
    const struct wire_generate *message = &request->message.generate;
    struct enclave_state *next = &enclave->next;
    struct enclave_order order = {
        .kind = CHAIN_GENESIS,
        .suite = (uint32_t)message->suite,
        .reason = WIRE_REASON_INITIAL,
        .seed_src = (uint32_t)message->seed_src,
        .seed = message->seed,
        .policy = message->policy,
        .n = enclave->anchor_n + 1,
    };
    memcpy(order.request_id, request->header.request_id,
           sizeof order.request_id);
    struct rotor_room policy_room = ROOM_OF(next->policy);
    TRY(bytes_copy(&policy_room, message->policy));
    next->policy_size = policy_room.used;
    next->control_kid = message->control_kid;
    next->tokens = enclave_tokens_full(enclave, policy);
    memcpy(next->generate_id, order.request_id, sizeof next->generate_id);
    TRY(enclave_bundle_make(enclave, &order, &next->pending));
    TRY(enclave_draw(enclave, data_key, ENCLAVE_SECRET));
    return enclave_data_key_seal(enclave, data_key, &next->pending, next);
}

// Entry 0 and its keys, in enclave->next.
static enum rotor_status make_genesis(struct enclave *enclave,
                                      const struct enclave_request *request,
                                      const struct chain_policy *policy)
{
    uint8_t data_key[ENCLAVE_SECRET]; // SECRET
    memset(&enclave->next, 0, sizeof enclave->next);
    enum rotor_status status =
        build_genesis(enclave, request, policy, data_key);
    secret_wipe(data_key, sizeof data_key);
    if (status != ROTOR_OK) {
        secret_wipe(&enclave->next, sizeof enclave->next);
    }
    return status;
}

enum rotor_status enclave_serve_generate(struct enclave *enclave,
                                         struct enclave_request *request,
                                         struct enclave_answer *answer)
{
    enum wire_state state = enclave_state_code(enclave);
    bool is_new = state == WIRE_STATE_EMPTY;
    if (is_new) {
        struct chain_policy policy;
        TRY(check_generate(enclave, request, &policy));
        TRY(make_genesis(enclave, request, &policy));
    } else {
        bool is_repeated =
            state == WIRE_STATE_PREP0 &&
            memcmp(request->header.request_id, enclave->state.generate_id,
                   sizeof enclave->state.generate_id) == 0;
        if (!is_repeated) {
            return enclave_refuse(enclave, WIRE_E_EXISTS, 0);
        }
    }
    enclave_work_begin(enclave, request, !is_new);
    answer->is_deferred = true;
    return ROTOR_OK;
}

enum rotor_status enclave_answer_accept(struct enclave *enclave,
                                        const struct enclave_request *request,
                                        struct enclave_answer *answer)
{
    TRY(enclave_answer_done(enclave, request, answer));
    // Both sides pair again, under log_id and S_0.
    answer->closes = request->route.way == ENCLAVE_WAY_BARE;
    return ROTOR_OK;
}

enum rotor_status enclave_serve_accept0(struct enclave *enclave,
                                        struct enclave_request *request,
                                        struct enclave_answer *answer)
{
    const struct wire_accept0 *message = &request->message.accept0;
    const struct enclave_state *state = &enclave->state;
    bool is_done = state->cur.is_used;
    const struct wire_digest *first =
        is_done ? &state->log_id : &state->pending.facts.body_hash;
    if (!wire_digest_equal(&message->body_hash, first)) {
        return enclave_refuse(enclave, WIRE_E_HASH, 0);
    }
    if (is_done) {
        return enclave_answer_accept(enclave, request, answer);
    }
    enclave_work_begin(enclave, request, true);
    answer->is_deferred = true;
    return ROTOR_OK;
}

// ---- ROTATE ----------------------------------------------------------------

static enum rotor_status check_rotate(struct enclave *enclave,
                                      const struct wire_rotate *order,
                                      uint32_t *suite)
{
    uint64_t epoch = enclave->state.cur.facts.order.epoch;
    bool is_compromise = order->reason == WIRE_REASON_KEY_COMPROMISE;
    bool knows_kind = !order->has_kind || order->kind == CHAIN_ROTATE ||
                      order->kind == CHAIN_CLOSE;
    bool may_distrust = !order->has_distrust_from ||
                        (is_compromise && order->distrust_from <= epoch + 1);
    if (order->reason == WIRE_REASON_INITIAL || !knows_kind || !may_distrust ||
        !enclave_seed_fits(order->seed, order->seed_src)) {
        return ROTOR_MALFORMED;
    }
    uint64_t wanted =
        order->has_suite ? order->suite : enclave->state.cur.facts.suite;
    if (crypto_suite_of(wanted) == NULL) {
        return enclave_refuse(enclave, WIRE_E_SUITE, CRYPTO_SUITE_DEFAULT);
    }
    if (wanted < enclave->policy.suite_floor) {
        return enclave_refuse(enclave, WIRE_E_POLICY, 0);
    }
    *suite = (uint32_t)wanted;
    return ROTOR_OK;
}

static enum rotor_status build_rotation(struct enclave *enclave,
                                        const struct enclave_request *request,
                                        uint32_t suite)
{
    const struct wire_rotate *message = &request->message.rotate;
    const struct enclave_slot *cur = &enclave->state.cur;
    struct enclave_state *next = &enclave->next;
    *next = enclave->state;
    struct enclave_order order = {
        .kind =
            message->has_kind ? (enum chain_kind)message->kind : CHAIN_ROTATE,
        .place = {cur->facts.order.incarnation, cur->facts.order.epoch + 1},
        .suite = suite,
        .reason = (uint32_t)message->reason,
        .seed_src = (uint32_t)message->seed_src,
        .seed = message->seed,
        .from_epoch = message->from_epoch,
        .has_distrust_from = message->has_distrust_from,
        .distrust_from = message->distrust_from,
        .policy = bytes_of(enclave->state.policy, enclave->state.policy_size),
        .log_id = enclave->state.log_id,
        .prev = cur->facts.body_hash,
        .parent = cur,
        .n = enclave->anchor_n + 1,
    };
    memcpy(order.request_id, request->header.request_id,
           sizeof order.request_id);
    TRY(enclave_tokens_spend(enclave, message->reason, &next->tokens));
    TRY(enclave_bundle_make(enclave, &order, &next->pending));
    // A is in one place only: the entry that it signs.
    next->cur.next_auth = (struct enclave_sealed_auth){0};
    return ROTOR_OK;
}

// The keys of the next epoch and its body, in enclave->next.
static enum rotor_status make_rotation(struct enclave *enclave,
                                       const struct enclave_request *request)
{
    uint32_t suite = 0;
    enum rotor_status status =
        check_rotate(enclave, &request->message.rotate, &suite);
    if (status == ROTOR_OK) {
        status = build_rotation(enclave, request, suite);
    }
    if (status != ROTOR_OK) {
        secret_wipe(&enclave->next, sizeof enclave->next);
    }
    return status;
}

enum rotor_status enclave_serve_rotate(struct enclave *enclave,
                                       struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    uint64_t epoch = enclave->state.cur.facts.order.epoch;
    uint64_t from = request->message.rotate.from_epoch;
    if (from != UINT64_MAX && from + 1 == epoch) {
        return enclave_answer_done(enclave, request, answer);
    }
    if (from != epoch) {
        return enclave_refuse(enclave, WIRE_E_EPOCH, epoch);
    }
    bool is_new = enclave_state_code(enclave) == WIRE_STATE_CUR;
    if (is_new) {
        TRY(make_rotation(enclave, request));
    }
    enclave_work_begin(enclave, request, !is_new);
    answer->is_deferred = true;
    return ROTOR_OK;
}

enum rotor_status enclave_serve_commit(struct enclave *enclave,
                                       struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    const struct wire_commit *message = &request->message.commit;
    const struct enclave_slot *prepared = &enclave->state.pending;
    uint64_t epoch = enclave->state.cur.facts.order.epoch;
    if (message->epoch <= epoch) {
        return enclave_answer_done(enclave, request, answer);
    }
    if (!prepared->is_used || message->epoch != prepared->facts.order.epoch) {
        return enclave_refuse(enclave, WIRE_E_EPOCH, epoch);
    }
    if (!wire_digest_equal(&message->body_hash, &prepared->facts.body_hash)) {
        return enclave_refuse(enclave, WIRE_E_HASH, 0);
    }
    enclave_work_begin(enclave, request, true);
    answer->is_deferred = true;
    return ROTOR_OK;
}
