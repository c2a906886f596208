// SPDX-License-Identifier: Apache-2.0
#include "enclave/entry.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "chain/sign.h"
#include "crypto/suite.h"
#include "enclave/bundle.h"
#include "enclave/pair.h"
#include "enclave/recover.h"
#include "enclave/save.h"
#include "enclave/store.h"
#include "enclave/tokens.h"

static bool is_rotation(const struct enclave_slot *slot)
{
    return slot->facts.kind == CHAIN_ROTATE || slot->facts.kind == CHAIN_CLOSE;
}

static bool is_recovery(const struct enclave_slot *slot)
{
    return chain_kind_is_recovery(slot->facts.kind);
}

static struct rotor_bytes body_of(const struct enclave_slot *slot)
{
    return bytes_of(slot->body, slot->body_size);
}

static const struct enclave_slot *slot_at(const struct enclave *enclave,
                                          enum enclave_place place)
{
    return place == ENCLAVE_CUR ? &enclave->state.cur : &enclave->state.pending;
}

// ---- signatures that were stored -------------------------------------------

struct claim {
    const struct wire_key *key;
    struct rotor_bytes context;
    struct rotor_bytes sign1;
};

static bool verifies(const struct claim *claim, struct rotor_bytes body)
{
    struct wire_statement statement = {claim->context, body};
    bool valid = false;
    enum rotor_status status =
        wire_cose_verify(claim->key, &statement, claim->sign1, &valid);
    return status == ROTOR_OK && valid;
}

// sig_old of cur is not asked: the key that made it is erased.
static bool old_verifies(const struct enclave *enclave,
                         enum enclave_place place,
                         const struct enclave_signatures *stored,
                         struct rotor_bytes body)
{
    if (place == ENCLAVE_CUR) {
        return true;
    }
    struct wire_statement statement = {LABEL(WIRE_CONTEXT_ENTRY_OLD), body};
    bool valid = false;
    enum rotor_status status =
        wire_cose_verify_with(&enclave->keys.sign, &statement,
                              bytes_of(stored->old, stored->old_size), &valid);
    return status == ROTOR_OK && valid;
}

static bool all_verify(const struct enclave *enclave, enum enclave_place place,
                       const struct enclave_signatures *stored)
{
    const struct enclave_slot *slot = slot_at(enclave, place);
    struct chain_body body;
    if (chain_body_decode(body_of(slot), &body) != ROTOR_OK) {
        return false;
    }
    struct claim pop = {&body.sign, LABEL(WIRE_CONTEXT_ENTRY_POP),
                        bytes_of(stored->pop, stored->pop_size)};
    if (!is_rotation(slot)) {
        return verifies(&pop, body.bytes);
    }
    struct claim ots = {&body.auth.ots, LABEL(WIRE_CONTEXT_ENTRY_AUTH),
                        bytes_of(stored->auth_ots, stored->auth_size[0])};
    struct claim sign = {&body.auth.sign, LABEL(WIRE_CONTEXT_ENTRY_AUTH),
                         bytes_of(stored->auth_sign, stored->auth_size[1])};
    return verifies(&pop, body.bytes) && verifies(&ots, body.bytes) &&
           verifies(&sign, body.bytes) &&
           old_verifies(enclave, place, stored, body.bytes);
}

// Whether the signatures of `place` are there and good; checked once a boot.
static bool has_signatures(struct enclave *enclave, enum enclave_place place)
{
    const struct enclave_slot *slot = slot_at(enclave, place);
    struct enclave_signatures *stored = &enclave->signatures[place];
    bool is_its_own =
        slot->is_used && !wire_digest_is_empty(&stored->body_hash) &&
        wire_digest_equal(&stored->body_hash, &slot->facts.body_hash);
    if (!is_its_own) {
        return false;
    }
    if (!stored->is_checked) {
        stored->is_checked = all_verify(enclave, place, stored);
    }
    return stored->is_checked;
}

// ---- P2 --------------------------------------------------------------------

// Everything secret that signing an entry touches.
struct sign_secrets {
    struct enclave_auth auth;
    struct crypto_key pop;
};

static enum rotor_status sign_old(struct enclave *enclave,
                                  struct rotor_bytes body,
                                  struct enclave_signatures *made)
{
    struct rotor_room old = ROOM_OF(made->old);
    TRY(chain_sign_old(&enclave->keys.sign, body, &old));
    made->old_size = old.used;
    enclave->signature_count++;
    return ROTOR_OK;
}

static enum rotor_status sign_auth(struct sign_secrets *s,
                                   struct enclave *enclave,
                                   const struct enclave_slot *slot,
                                   struct enclave_signatures *made)
{
    if (slot->auth.size == 0) {
        // Burnt: an anchor that counts was killed in its window.
        return enclave_refuse(enclave, WIRE_E_STATE, WIRE_STATE_BURNT);
    }
    struct rotor_room ots = ROOM_OF(made->auth_ots);
    struct rotor_room sign = ROOM_OF(made->auth_sign);
    TRY(enclave_auth_open(enclave, &slot->auth, &s->auth));
    TRY(chain_sign_auth_ots(&s->auth.ots, body_of(slot), &ots));
    TRY(chain_sign_auth(&s->auth.sign, body_of(slot), &sign));
    made->auth_size[0] = ots.used;
    made->auth_size[1] = sign.used;
    return ROTOR_OK;
}

static bool holds_superseded(const struct enclave *enclave,
                             const struct enclave_slot *slot)
{
    const struct enclave_slot *cur = &enclave->state.cur;
    return cur->is_used && wire_digest_equal(&slot->facts.supersedes.body_hash,
                                             &cur->facts.body_hash);
}

static enum rotor_status sign_with(struct sign_secrets *s,
                                   struct enclave *enclave,
                                   struct enclave_signatures *made)
{
    const struct enclave_slot *slot = &enclave->state.pending;
    const struct crypto_suite *suite = crypto_suite_of(slot->facts.suite);
    if (suite == NULL) {
        return ROTOR_CORRUPT;
    }
    bool rotates = is_rotation(slot);
    bool recovers_with_old = is_recovery(slot) && slot->with_old &&
                             enclave_has_log(enclave) &&
                             holds_superseded(enclave, slot);
    if (rotates) {
        TRY(sign_auth(s, enclave, slot, made));
    }
    if (rotates || recovers_with_old) {
        TRY(sign_old(enclave, body_of(slot), made));
    }
    struct rotor_room pop = ROOM_OF(made->pop);
    bool is_open = enclave_keys_are_of(&enclave->made, slot);
    if (!is_open) {
        TRY(enclave_secret_open(&slot->sign, suite->sign, &s->pop));
    }
    TRY(chain_sign_pop(is_open ? &enclave->made.sign : &s->pop, body_of(slot),
                       &pop));
    made->pop_size = pop.used;
    made->body_hash = slot->facts.body_hash;
    made->is_checked = true;
    return ROTOR_OK;
}

static enum rotor_status sign_entry(struct enclave *enclave,
                                    struct enclave_signatures *made)
{
    struct sign_secrets secrets = {0};
    enum rotor_status status = sign_with(&secrets, enclave, made);
    crypto_key_close(&secrets.pop);
    enclave_auth_close(&secrets.auth);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

enum rotor_status enclave_entry_sign_begin(struct enclave *enclave,
                                           bool in_background)
{
    if (has_signatures(enclave, ENCLAVE_PENDING)) {
        return ROTOR_AGAIN;
    }
    struct enclave_signatures *made = &enclave->work.made;
    memset(made, 0, sizeof *made);
    memset(&enclave->signatures[ENCLAVE_PENDING], 0, sizeof *made);
    enum rotor_status status = sign_entry(enclave, made);
    return status == ROTOR_OK
               ? enclave_save_signatures(enclave, made, in_background)
               : status;
}

// Nobody sees the signatures before they are durable.
void enclave_entry_sign_end(struct enclave *enclave, enum rotor_status saved)
{
    struct enclave_signatures *made = &enclave->work.made;
    struct enclave_sealed_auth *auth = &enclave->state.pending.auth;
    if (saved == ROTOR_OK) {
        enclave->signatures[ENCLAVE_PENDING] = *made;
        secret_wipe(auth, sizeof *auth);
    }
    memset(made, 0, sizeof *made);
}

enum rotor_status enclave_entry_sign(struct enclave *enclave)
{
    enum rotor_status status = enclave_entry_sign_begin(enclave, false);
    if (status == ROTOR_AGAIN) {
        return ROTOR_OK;
    }
    if (status == ROTOR_OK) {
        status = enclave_save_all(enclave);
    }
    enclave_entry_sign_end(enclave, status);
    return status;
}

// ---- P3 --------------------------------------------------------------------

// Reasons after which nothing of the old epoch lives on.
static bool is_emergency(const struct enclave_slot *slot)
{
    return slot->facts.reason == WIRE_REASON_SECURITY_EVENT ||
           slot->facts.reason == WIRE_REASON_KEY_COMPROMISE ||
           is_recovery(slot);
}

// T_e lives on for `grace`; one older T at most.
static void keep_service(const struct enclave *enclave,
                         struct enclave_state *next)
{
    const struct enclave_slot *cur = &enclave->state.cur;
    struct enclave_service kept = {0};
    if (cur->is_used && !is_emergency(&enclave->state.pending)) {
        kept.is_live = enclave->policy.grace_s > 0;
        kept.suite = cur->facts.suite;
        kept.key = cur->service;
        kept.end_s = enclave_running_s(enclave) + enclave->policy.grace_s;
    }
    secret_wipe(&next->old_service, sizeof next->old_service);
    if (kept.is_live) {
        next->old_service = kept;
    }
    secret_wipe(&kept, sizeof kept);
}

// A recovery sets policy and C; a log that begins anew has its id from there.
static enum rotor_status take_orders(struct enclave *enclave,
                                     struct enclave_state *next)
{
    const struct enclave_slot *slot = &enclave->state.pending;
    next->log_id = slot->facts.kind == CHAIN_GENESIS ? slot->facts.body_hash
                                                     : slot->facts.log_id;
    next->incarnation = slot->facts.order.incarnation;
    next->tokens = enclave_tokens_now(enclave);
    if (!is_recovery(slot)) {
        return ROTOR_OK;
    }
    struct chain_body body;
    TRY(chain_body_decode(body_of(slot), &body));
    memcpy(next->policy, body.policy_bytes.data, body.policy_bytes.size);
    next->policy_size = body.policy_bytes.size;
    next->control_kid = body.policy.control;
    if (!enclave->state.cur.is_used) {
        next->tokens = enclave_tokens_full(enclave, &body.policy);
    }
    return ROTOR_OK;
}

// The data key goes on under the new D; where the old D is lost, so is what
// it sealed.
static enum rotor_status rewrap(struct enclave *enclave,
                                struct enclave_state *next,
                                uint8_t data_key[ENCLAVE_SECRET])
{
    const struct enclave_state *state = &enclave->state;
    if (state->pending.facts.kind == CHAIN_GENESIS) {
        return ROTOR_OK;
    }
    if (state->cur.is_used) {
        TRY(enclave_data_key_unseal(enclave, &state->cur, state, data_key));
    } else {
        TRY(enclave_draw(enclave, data_key, ENCLAVE_SECRET));
    }
    return enclave_data_key_seal(enclave, data_key, &state->pending, next);
}

static enum rotor_status build_switch(struct enclave *enclave,
                                      uint8_t data_key[ENCLAVE_SECRET])
{
    struct enclave_state *next = &enclave->next;
    *next = enclave->state;
    TRY(take_orders(enclave, next));
    TRY(rewrap(enclave, next, data_key));
    keep_service(enclave, next);
    next->cur = enclave->state.pending;
    next->cur.auth.size = 0;
    memset(next->cur.auth.bytes, 0, sizeof next->cur.auth.bytes);
    memset(&next->pending, 0, sizeof next->pending);
    next->pending_is_recovery = false;
    next->is_burnt = false;
    return ROTOR_OK;
}

enum rotor_status enclave_entry_switch_begin(struct enclave *enclave,
                                             bool in_background)
{
    uint8_t data_key[ENCLAVE_SECRET]; // SECRET
    enclave->work.ends_sessions = is_emergency(&enclave->state.pending);
    enum rotor_status status = build_switch(enclave, data_key);
    secret_wipe(data_key, sizeof data_key);
    if (status == ROTOR_OK) {
        status = enclave_save_next(enclave, in_background);
    }
    if (status != ROTOR_OK) {
        secret_wipe(&enclave->next, sizeof enclave->next);
    }
    return status;
}

void enclave_entry_switch_end(struct enclave *enclave)
{
    enclave->signatures[ENCLAVE_CUR] = enclave->signatures[ENCLAVE_PENDING];
    memset(&enclave->signatures[ENCLAVE_PENDING], 0,
           sizeof enclave->signatures[ENCLAVE_PENDING]);
    if (enclave->fault == ENCLAVE_APPROVED) {
        enclave->fault = ENCLAVE_SOUND;
    }
    enclave_half_open_wipe(enclave);
    if (enclave->work.ends_sessions) {
        secret_wipe(&enclave->unconfirmed, sizeof enclave->unconfirmed);
        secret_wipe(&enclave->confirmed, sizeof enclave->confirmed);
    }
    enclave_candidate_settle(enclave);
}

enum rotor_status enclave_entry_switch(struct enclave *enclave)
{
    TRY(enclave_entry_switch_begin(enclave, false));
    TRY(enclave_save_all(enclave));
    enclave_entry_switch_end(enclave);
    return ROTOR_OK;
}

// ---- out -------------------------------------------------------------------

static enum rotor_status encode_entry(struct enclave *enclave,
                                      enum enclave_place place,
                                      struct rotor_room *bytes)
{
    const struct enclave_slot *slot = slot_at(enclave, place);
    const struct enclave_signatures *signatures = &enclave->signatures[place];
    struct chain_entry entry = {
        .sig_old = bytes_of(signatures->old, signatures->old_size),
        .sig_auth = {bytes_of(signatures->auth_ots, signatures->auth_size[0]),
                     bytes_of(signatures->auth_sign, signatures->auth_size[1])},
        .sig_pop = bytes_of(signatures->pop, signatures->pop_size),
        .sig_ra = bytes_of(slot->sig_ra, slot->sig_ra_size),
        .ra_sets = bytes_of(slot->ra_sets, slot->ra_sets_size),
    };
    struct chain_report report;
    TRY(chain_body_decode(body_of(slot), &entry.body));
    TRY(chain_report_of(&entry.body, &report));
    TRY(enclave_evidence_make(enclave, &report, &entry.evidence));
    return chain_entry_encode(&entry, bytes);
}

enum rotor_status enclave_entry_emit(struct enclave *enclave,
                                     enum enclave_place place,
                                     struct rotor_room *entry)
{
    entry->used = 0;
    if (!has_signatures(enclave, place)) {
        return ROTOR_OK;
    }
    return encode_entry(enclave, place, entry);
}

enum rotor_status enclave_answer_entry(struct enclave *enclave,
                                       const struct enclave_request *request,
                                       enum wire_type type,
                                       struct enclave_answer *answer)
{
    struct rotor_room entry = ROOM_OF(enclave->entries[0]);
    TRY(enclave_entry_emit(enclave, ENCLAVE_PENDING, &entry));
    struct wire_entry message = {request->route.log_id, bytes_in(&entry)};
    const struct wire_layout *layout = type == WIRE_ROT_AVAILABLE
                                           ? &WIRE_LAYOUT_ROT_AVAILABLE
                                           : &WIRE_LAYOUT_ROT_PREPARED;
    return enclave_answer_with(answer, type, layout, &message);
}

enum rotor_status enclave_answer_done(struct enclave *enclave,
                                      const struct enclave_request *request,
                                      struct enclave_answer *answer)
{
    uint8_t payload_bytes[CHAIN_STATEMENT_MAX];
    uint8_t sig_bytes[ENCLAVE_SIG_MAX];
    struct rotor_room payload = ROOM_OF(payload_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct chain_done done = {
        .head = enclave_head(enclave),
        .n = enclave->anchor_n,
        .channel_id = request->route.channel_id,
    };
    memcpy(done.request_id, request->header.request_id, sizeof done.request_id);
    TRY(chain_done_encode(&done, &payload));
    TRY(enclave_sign(enclave, LABEL(WIRE_CONTEXT_DONE), bytes_in(&payload),
                     &sig));
    struct wire_done message = {
        .log_id = request->route.log_id,
        .epoch = done.head.epoch,
        .body_hash = done.head.body_hash,
        .n = done.n,
        .sig = bytes_in(&sig),
    };
    return enclave_answer_with(answer, WIRE_ROT_DONE, &WIRE_LAYOUT_ROT_DONE,
                               &message);
}
