// SPDX-License-Identifier: Apache-2.0
#include "enclave/recover.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/recovery.h"
#include "crypto/suite.h"
#include "enclave/bundle.h"
#include "enclave/entry.h"
#include "enclave/tokens.h"
#include "enclave/work.h"

static bool is_recovery(const struct enclave_slot *slot)
{
    return slot->is_used && (slot->facts.kind == CHAIN_RECOVER ||
                             slot->facts.kind == CHAIN_REINCEPT);
}

// The place that an order must lie behind; an empty AP takes any.
static bool is_beyond(const struct enclave *enclave,
                      const struct wire_order *place)
{
    const struct enclave_state *state = &enclave->state;
    if (!state->cur.is_used) {
        return place->incarnation > 0;
    }
    bool passes_prepared = !state->pending.is_used ||
                           place->epoch > state->pending.facts.order.epoch;
    return place->incarnation == (uint64_t)state->incarnation + 1 &&
           place->epoch > state->cur.facts.order.epoch && passes_prepared;
}

void enclave_candidate_forget(struct enclave *enclave)
{
    secret_wipe(&enclave->candidate, sizeof enclave->candidate);
}

static bool is_open(const struct enclave *enclave)
{
    const struct enclave_slot *candidate = &enclave->candidate;
    return candidate->is_used && is_beyond(enclave, &candidate->facts.order);
}

bool enclave_candidate_is_over(const struct enclave *enclave)
{
    return enclave->has_candidate_file && !is_open(enclave);
}

void enclave_candidate_settle(struct enclave *enclave)
{
    if (is_open(enclave)) {
        return;
    }
    enclave_candidate_forget(enclave);
    // Its keys may be those of an epoch, which ends before the store does.
    // What cannot be removed now is removed behind the next switch or start.
    if (enclave->has_candidate_file &&
        enclave->ops.store_remove(enclave->ops.context, ENCLAVE_RECOVER) ==
            ROTOR_OK) {
        enclave->has_candidate_file = false;
    }
}

// ---- RECOVER ---------------------------------------------------------------

static enum rotor_status check_policy(struct enclave *enclave,
                                      const struct wire_recover *order)
{
    struct chain_policy policy;
    struct chain_ra_set set;
    struct wire_digest ra;
    if (crypto_suite_of(order->suite) == NULL) {
        return enclave_refuse(enclave, WIRE_E_SUITE, CRYPTO_SUITE_DEFAULT);
    }
    TRY(chain_policy_decode(order->policy, &policy));
    TRY(chain_ra_set_decode(order->ra_set, &set));
    TRY(chain_hash_ra_set(policy.ra.alg, order->ra_set, &ra));
    // Without a log only the one that begins anew; with one, never.
    bool right_kind = enclave_has_log(enclave) ? order->kind == CHAIN_RECOVER
                                               : order->kind == CHAIN_REINCEPT;
    bool agrees = wire_digest_equal(&policy.control, &order->control_kid) &&
                  wire_digest_equal(&policy.ra, &ra);
    bool lowers = order->suite < policy.suite_floor ||
                  policy.suite_floor < enclave->policy.suite_floor;
    if (!right_kind || !agrees || lowers) {
        return enclave_refuse(enclave, WIRE_E_POLICY, 0);
    }
    return ROTOR_OK;
}

static enum rotor_status check_recover(struct enclave *enclave,
                                       const struct wire_recover *order)
{
    const struct enclave_state *state = &enclave->state;
    struct wire_order place = {(uint32_t)order->incarnation, order->epoch};
    if (enclave_must_restart(enclave)) {
        return enclave_refuse(enclave, WIRE_E_STORE, 0);
    }
    if (!enclave_seed_fits(order->seed, order->seed_src)) {
        return ROTOR_MALFORMED;
    }
    TRY(check_policy(enclave, order));
    if (state->cur.is_used &&
        !wire_digest_equal(&order->order_log_id, &state->log_id)) {
        return enclave_refuse(enclave, WIRE_E_HASH, 0);
    }
    if (!is_beyond(enclave, &place) ||
        order->epoch <= order->supersedes.epoch) {
        return enclave_refuse(enclave, WIRE_E_EPOCH,
                              state->cur.facts.order.epoch);
    }
    return enclave_tokens_recover(enclave);
}

static enum rotor_status make_candidate(struct enclave *enclave,
                                        const struct enclave_request *request)
{
    const struct wire_recover *message = &request->message.recover;
    const struct enclave_slot *cur = &enclave->state.cur;
    bool holds_superseded = enclave_has_log(enclave) &&
                            wire_digest_equal(&message->supersedes.body_hash,
                                              &cur->facts.body_hash);
    struct enclave_order order = {
        .kind = (enum chain_kind)message->kind,
        .place = {(uint32_t)message->incarnation, message->epoch},
        .suite = (uint32_t)message->suite,
        .reason = WIRE_REASON_RECOVERY,
        .seed_src = (uint32_t)message->seed_src,
        .seed = message->seed,
        .from_epoch = message->supersedes.epoch,
        .policy = message->policy,
        .log_id = message->order_log_id,
        .prev = message->supersedes.body_hash,
        .supersedes = message->supersedes,
        .parent = holds_superseded ? cur : NULL,
        .n = enclave->anchor_n + 1,
    };
    memcpy(order.request_id, request->header.request_id,
           sizeof order.request_id);
    TRY(enclave_bundle_make(enclave, &order, &enclave->candidate));
    enclave->candidate.with_old = holds_superseded && message->with_old == 1;
    enclave->has_recovered = true;
    enclave->recovered_ms = enclave->ops.now_ms(enclave->ops.context);
    return ROTOR_OK;
}

enum rotor_status enclave_answer_body(struct enclave *enclave,
                                      const struct enclave_request *request,
                                      struct enclave_answer *answer)
{
    const struct enclave_slot *slot = &enclave->candidate;
    struct chain_body body;
    struct chain_report report;
    struct wire_recover_body message = {
        .log_id = request->route.log_id,
        .body = bytes_of(slot->body, slot->body_size),
    };
    TRY(chain_body_decode(message.body, &body));
    TRY(chain_report_of(&body, &report));
    TRY(enclave_evidence_make(enclave, &report, &message.evidence));
    return enclave_answer_with(answer, WIRE_RECOVER_BODY,
                               &WIRE_LAYOUT_RECOVER_BODY, &message);
}

enum rotor_status enclave_serve_recover(struct enclave *enclave,
                                        struct enclave_request *request,
                                        struct enclave_answer *answer)
{
    const struct enclave_slot *candidate = &enclave->candidate;
    bool is_repeated = candidate->is_used &&
                       memcmp(candidate->request_id, request->header.request_id,
                              sizeof candidate->request_id) == 0;
    if (!is_repeated) {
        TRY(check_recover(enclave, &request->message.recover));
        enum rotor_status status = make_candidate(enclave, request);
        if (status != ROTOR_OK) {
            enclave_candidate_forget(enclave);
            return status;
        }
        enclave_work_begin(enclave, request, false);
        answer->is_deferred = true;
        return ROTOR_OK;
    }
    return enclave_answer_body(enclave, request, answer);
}

// ---- RECOVER_SIGNED --------------------------------------------------------

static enum rotor_status check_next(struct enclave *enclave,
                                    const struct wire_digest *ra)
{
    const struct enclave_slot *slot = &enclave->next.pending;
    struct enclave_work *work = &enclave->work;
    const struct chain_ra_proof proof = {
        bytes_of(slot->sig_ra, slot->sig_ra_size),
        bytes_of(slot->ra_sets, slot->ra_sets_size),
    };
    bool is_approved = false;
    enum rotor_status status =
        chain_ra_step(ra, bytes_of(slot->body, slot->body_size), &proof,
                      &work->tally, &is_approved);
    work->has_more = status == ROTOR_AGAIN;
    if (work->has_more) {
        return ROTOR_OK;
    }
    TRY(status);
    work->tally = (struct chain_ra_tally){0};
    return is_approved ? ROTOR_OK
                       : enclave_refuse(enclave, WIRE_E_SIGNATURE, 0);
}

static enum rotor_status new_authority(const struct enclave *enclave,
                                       struct wire_digest *ra)
{
    const struct enclave_slot *slot = &enclave->next.pending;
    struct chain_body body;
    TRY(chain_body_decode(bytes_of(slot->body, slot->body_size), &body));
    *ra = body.policy.ra;
    return ROTOR_OK;
}

enum rotor_status enclave_recover_check_new(struct enclave *enclave)
{
    struct wire_digest ra;
    TRY(new_authority(enclave, &ra));
    return check_next(enclave, &ra);
}

// An AP without a log holds none but that of the order.
enum rotor_status enclave_recover_check_held(struct enclave *enclave)
{
    return enclave->state.cur.is_used ? check_next(enclave, &enclave->policy.ra)
                                      : ROTOR_OK;
}

// What P1 of a recovery writes: the body into the core, the prepared entry
// dropped.
static enum rotor_status
build_approved(struct enclave *enclave,
               const struct wire_recover_signed *message)
{
    struct enclave_state *next = &enclave->next;
    *next = enclave->state;
    next->pending = enclave->candidate;
    next->pending_is_recovery = true;
    struct rotor_room sig_ra = ROOM_OF(next->pending.sig_ra);
    struct rotor_room ra_sets = ROOM_OF(next->pending.ra_sets);
    if (bytes_copy(&sig_ra, message->sig_ra) != ROTOR_OK ||
        bytes_copy(&ra_sets, message->ra_sets) != ROTOR_OK) {
        secret_wipe(next, sizeof *next);
        return ROTOR_MALFORMED;
    }
    next->pending.sig_ra_size = sig_ra.used;
    next->pending.ra_sets_size = ra_sets.used;
    return ROTOR_OK;
}

void enclave_recover_approved(struct enclave *enclave)
{
    memset(&enclave->signatures[ENCLAVE_PENDING], 0,
           sizeof enclave->signatures[ENCLAVE_PENDING]);
    if (enclave->fault == ENCLAVE_ROLLED_BACK) {
        enclave->fault = ENCLAVE_APPROVED;
    }
}

enum rotor_status enclave_recover_finish(struct enclave *enclave)
{
    enum rotor_status status = enclave_entry_sign(enclave);
    return status == ROTOR_OK ? enclave_entry_switch(enclave) : status;
}

static enum rotor_status
find_candidate(struct enclave *enclave,
               const struct wire_recover_signed *message)
{
    const struct enclave_slot *candidate = &enclave->candidate;
    if (enclave_must_restart(enclave)) {
        return enclave_refuse(enclave, WIRE_E_STORE, 0);
    }
    if (!candidate->is_used) {
        return enclave_refuse(
            enclave,
            is_recovery(&enclave->state.cur) ? WIRE_E_EXISTS : WIRE_E_NOT_FOUND,
            0);
    }
    if (!wire_digest_equal(&message->body_hash, &candidate->facts.body_hash)) {
        return enclave_refuse(enclave, WIRE_E_HASH, 0);
    }
    if (!is_beyond(enclave, &candidate->facts.order)) {
        return enclave_refuse(enclave, WIRE_E_EPOCH,
                              enclave->state.cur.facts.order.epoch);
    }
    return ROTOR_OK;
}

enum rotor_status enclave_serve_recover_signed(struct enclave *enclave,
                                               struct enclave_request *request,
                                               struct enclave_answer *answer)
{
    const struct wire_recover_signed *message =
        &request->message.recover_signed;
    const struct enclave_state *state = &enclave->state;
    if (enclave_has_log(enclave) && is_recovery(&state->cur) &&
        wire_digest_equal(&message->body_hash, &state->cur.facts.body_hash)) {
        return enclave_answer_done(enclave, request, answer);
    }
    bool is_ruled = enclave_state_code(enclave) == WIRE_STATE_REC;
    if (!is_ruled) {
        TRY(find_candidate(enclave, message));
        TRY(build_approved(enclave, message));
    } else if (!wire_digest_equal(&message->body_hash,
                                  &state->pending.facts.body_hash)) {
        return enclave_refuse(enclave, WIRE_E_EXISTS, 0);
    }
    enclave_work_begin(enclave, request, is_ruled);
    answer->is_deferred = true;
    return ROTOR_OK;
}
