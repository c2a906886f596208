// SPDX-License-Identifier: Apache-2.0
#include "enclave/save.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/bundle.h"
#include "enclave/recover.h"
#include "enclave/seal.h"
#include "enclave/serve.h"
#include "enclave/store.h"

// Our own faults turn into the refusal that the peer sees.
static enum rotor_status store_failed(struct enclave *enclave)
{
    return enclave_refuse(enclave, WIRE_E_STORE, 0);
}

// A write ended in doubt, or the anchor names another state: sign nothing
// more.
static enum rotor_status halt(struct enclave *enclave, enum enclave_fault fault)
{
    enclave->fault = fault;
    return enclave_refuse(
        enclave,
        fault == ENCLAVE_ROLLED_BACK ? WIRE_E_ROLLED_BACK : WIRE_E_STORE, 0);
}

// ---- what a phase makes durable --------------------------------------------

static enum rotor_status core_of(struct enclave *enclave,
                                 struct enclave_state *state,
                                 struct enclave_durable *what)
{
    struct enclave_saving *saving = &enclave->saving;
    struct rotor_room core = enclave_store_plain(enclave);
    TRY(enclave_state_encode(state, &core));
    TRY(enclave_anchor_follow(state->v, bytes_in(&core), saving->d,
                              saving->expected));
    *what = (struct enclave_durable){.kind = ENCLAVE_WRITE,
                                     .file = ENCLAVE_STATE_NEXT};
    return enclave_store_seal(enclave, ENCLAVE_SEAL_CORE,
                              enclave_store_suite(state), &core,
                              &what->content);
}

static enum rotor_status next_core(struct enclave *enclave,
                                   struct enclave_durable *what)
{
    return core_of(enclave, &enclave->next, what);
}

// What has to be put back after the fallback was encoded.
struct unburnt {
    uint64_t n;
    bool is_burnt;
    struct enclave_sealed_auth auth;
};

// The A that may be signing now: the pending entry's, or the next one.
static struct enclave_sealed_auth *burning_auth(struct enclave_state *state)
{
    bool is_prepared = state->pending.is_used && !state->pending_is_recovery;
    return is_prepared ? &state->pending.auth : &state->cur.next_auth;
}

// For a counter, which names a slot and not a state: the state as it was, with
// A burnt, under the number that comes next.  It is what a kill between
// increment and store leaves.
static enum rotor_status fallback_core(struct enclave *enclave,
                                       struct enclave_durable *what)
{
    struct enclave_state *state = &enclave->state;
    struct enclave_sealed_auth *auth = burning_auth(state);
    const struct unburnt kept = {state->n, state->is_burnt, *auth};
    state->n = enclave->next.n;
    state->is_burnt = state->is_burnt || auth->size > 0;
    auth->size = 0;
    enum rotor_status status = core_of(enclave, state, what);
    state->n = kept.n;
    state->is_burnt = kept.is_burnt;
    *auth = kept.auth;
    memset(enclave->saving.d, 0, sizeof enclave->saving.d);
    return status;
}

static enum rotor_status next_advance(struct enclave *enclave,
                                      struct enclave_durable *what)
{
    *what = (struct enclave_durable){.kind = ENCLAVE_ADVANCE};
    memcpy(what->d, enclave->saving.d, sizeof what->d);
    return ROTOR_OK;
}

static enum rotor_status next_rename(struct enclave *enclave,
                                     struct enclave_durable *what)
{
    (void)enclave;
    *what = (struct enclave_durable){.kind = ENCLAVE_RENAME,
                                     .file = ENCLAVE_STATE_NEXT,
                                     .to = ENCLAVE_STATE};
    return ROTOR_OK;
}

static enum rotor_status next_signatures(struct enclave *enclave,
                                         struct enclave_durable *what)
{
    struct rotor_room plain = enclave_store_plain(enclave);
    *what =
        (struct enclave_durable){.kind = ENCLAVE_WRITE, .file = ENCLAVE_ATTACH};
    TRY(enclave_signatures_encode(enclave->saving.signatures, &plain));
    return enclave_store_seal(enclave, ENCLAVE_SEAL_ATTACH,
                              enclave_store_suite(&enclave->state), &plain,
                              &what->content);
}

static enum rotor_status next_candidate(struct enclave *enclave,
                                        struct enclave_durable *what)
{
    struct rotor_room plain = enclave_store_plain(enclave);
    *what = (struct enclave_durable){.kind = ENCLAVE_WRITE,
                                     .file = ENCLAVE_RECOVER};
    TRY(enclave_slot_encode(&enclave->candidate, &plain));
    enclave->has_candidate_file = true;
    return enclave_store_seal(enclave, ENCLAVE_SEAL_RECOVER,
                              enclave_store_suite(&enclave->state), &plain,
                              &what->content);
}

static enum rotor_status next_removal(struct enclave *enclave,
                                      struct enclave_durable *what)
{
    (void)enclave;
    *what = (struct enclave_durable){.kind = ENCLAVE_REMOVE,
                                     .file = ENCLAVE_RECOVER};
    return ROTOR_OK;
}

// ---- what its result means -------------------------------------------------

static enum rotor_status written(struct enclave *enclave,
                                 enum rotor_status result)
{
    return result == ROTOR_OK ? ROTOR_OK : store_failed(enclave);
}

// Behind the advance there is no way back.
static enum rotor_status settled(struct enclave *enclave,
                                 enum rotor_status result)
{
    return result == ROTOR_OK ? ROTOR_OK : halt(enclave, ENCLAVE_STORE_FAULT);
}

// Only the read-back counts.
static enum rotor_status advanced(struct enclave *enclave,
                                  enum rotor_status result)
{
    const uint8_t *expected = enclave->saving.expected;
    bool counts = enclave_anchor_counts(enclave);
    uint64_t n = 0;
    uint8_t v[32];
    if (enclave->ops.anchor_read(enclave->ops.context, &n, v) != ROTOR_OK) {
        return halt(enclave, ENCLAVE_STORE_FAULT);
    }
    bool has_n = n != ENCLAVE_N_UNKNOWN;
    bool moved = (counts || memcmp(v, expected, 32) == 0) &&
                 (!has_n || n == enclave->anchor_n + 1);
    bool stayed = (counts || memcmp(v, enclave->anchor_v, 32) == 0) &&
                  (!has_n || n == enclave->anchor_n);
    if (moved) {
        memcpy(enclave->anchor_v, v, sizeof v);
        enclave->anchor_n++;
        return ROTOR_OK;
    }
    if (stayed && result != ROTOR_OK) {
        return store_failed(enclave);
    }
    return halt(enclave, ENCLAVE_ROLLED_BACK);
}

// What stays goes behind P3, or with the next start.
static enum rotor_status removed(struct enclave *enclave,
                                 enum rotor_status result)
{
    enclave->has_candidate_file = result != ROTOR_OK;
    return ROTOR_OK;
}

// ---- the phases ------------------------------------------------------------

struct phase {
    enum rotor_status (*begin)(struct enclave *enclave,
                               struct enclave_durable *what);
    enum rotor_status (*end)(struct enclave *enclave, enum rotor_status result);
};

// Steps 1 to 5 of 7.1.
static const struct phase ANCHORED[] = {
    {next_core,    written },
    {next_advance, advanced},
    {next_rename,  settled },
    {NULL,         NULL    },
};
static const struct phase COUNTED[] = {
    {fallback_core, written },
    {next_advance,  advanced},
    {next_rename,   settled },
    {next_core,     settled },
    {next_rename,   settled },
    {NULL,          NULL    },
};
static const struct phase NOTHING[] = {
    {NULL, NULL},
};
static const struct phase SIGNATURES[] = {
    {next_signatures, written},
    {NULL,            NULL   },
};
// The pending entry takes the place of a candidate.
static const struct phase SIGNATURES_FOR_CANDIDATE[] = {
    {next_signatures, written},
    {next_removal,    removed},
    {NULL,            NULL   },
};
static const struct phase CANDIDATE[] = {
    {next_candidate, written},
    {NULL,           NULL   },
};

static const struct phase *phases_of(const struct enclave *enclave)
{
    switch (enclave->saving.what) {
    case ENCLAVE_SAVING_NEXT:
        return enclave_anchor_counts(enclave) ? COUNTED : ANCHORED;
    case ENCLAVE_SAVING_SIGNATURES:
        return enclave_candidate_is_over(enclave) ? SIGNATURES_FOR_CANDIDATE
                                                  : SIGNATURES;
    case ENCLAVE_SAVING_CANDIDATE:
        return CANDIDATE;
    case ENCLAVE_SAVING_NOTHING:
        break;
    }
    return NOTHING;
}

static enum rotor_status do_now(const struct enclave_ops *ops,
                                const struct enclave_durable *what)
{
    switch (what->kind) {
    case ENCLAVE_WRITE:
        return ops->store_write(ops->context, what->file, what->content);
    case ENCLAVE_RENAME:
        return ops->store_rename(ops->context, what->file, what->to);
    case ENCLAVE_REMOVE:
        return ops->store_remove(ops->context, what->file);
    case ENCLAVE_ADVANCE:
        return ops->anchor_advance(ops->context, what->d);
    }
    return ROTOR_INVALID;
}

// Begins the phase; its result is there at once unless the disk works beside.
static void begin_phase(struct enclave *enclave)
{
    struct enclave_saving *saving = &enclave->saving;
    struct enclave_durable what;
    saving->result = phases_of(enclave)[saving->phase].begin(enclave, &what);
    saving->is_out = false;
    if (saving->result != ROTOR_OK) {
        return;
    }
    if (!saving->in_background) {
        saving->result = do_now(&enclave->ops, &what);
        return;
    }
    saving->result = enclave->ops.durable_begin(enclave->ops.context, &what);
    saving->is_out = saving->result == ROTOR_OK;
}

// ---- the state that was saved ----------------------------------------------

static bool changes_cur(const struct enclave *enclave)
{
    return enclave->next.cur.is_used &&
           !wire_digest_equal(&enclave->next.cur.facts.body_hash,
                              &enclave->state.cur.facts.body_hash);
}

static void adopt(struct enclave *enclave)
{
    struct enclave_saving *saving = &enclave->saving;
    if (changes_cur(enclave)) {
        enclave_keys_close(&enclave->keys);
        enclave->keys = saving->keys;
        saving->keys = (struct enclave_keys){0};
        enclave->beside = 0;
    }
    enclave->state = enclave->next;
}

static void end_saving(struct enclave *enclave)
{
    struct enclave_saving *saving = &enclave->saving;
    if (saving->what == ENCLAVE_SAVING_NEXT) {
        secret_wipe(&enclave->next, sizeof enclave->next);
    }
    enclave_keys_close(&saving->keys);
    secret_wipe(saving, sizeof *saving);
    secret_wipe(enclave->file, sizeof enclave->file);
}

enum rotor_status enclave_save_next(struct enclave *enclave, bool in_background)
{
    struct enclave_saving *saving = &enclave->saving;
    *saving = (struct enclave_saving){
        .what = ENCLAVE_SAVING_NEXT,
        .in_background = in_background && enclave->ops.durable_begin != NULL,
    };
    // Opened first: once the anchor has moved there is no way back.
    enum rotor_status status =
        changes_cur(enclave)
            ? enclave_keys_take(enclave, &enclave->next.cur, &saving->keys)
            : ROTOR_OK;
    if (status != ROTOR_OK) {
        end_saving(enclave);
        return status;
    }
    enclave->next.n = enclave->anchor_n + 1;
    memcpy(enclave->next.v, enclave->anchor_v, sizeof enclave->next.v);
    enclave->next.tokens.running_s = enclave_running_s(enclave);
    begin_phase(enclave);
    return ROTOR_OK;
}

enum rotor_status enclave_save_signatures(struct enclave *enclave,
                                          const struct enclave_signatures *made,
                                          bool in_background)
{
    enclave->saving = (struct enclave_saving){
        .what = ENCLAVE_SAVING_SIGNATURES,
        .signatures = {enclave->signatures[0], *made},
        .in_background = in_background && enclave->ops.durable_begin != NULL,
    };
    begin_phase(enclave);
    return ROTOR_OK;
}

enum rotor_status enclave_save_candidate(struct enclave *enclave)
{
    enclave->saving = (struct enclave_saving){
        .what = ENCLAVE_SAVING_CANDIDATE,
        .in_background = enclave->ops.durable_begin != NULL,
    };
    begin_phase(enclave);
    return ROTOR_OK;
}

static enum rotor_status finish(struct enclave *enclave)
{
    if (enclave->saving.what != ENCLAVE_SAVING_NEXT) {
        return ROTOR_OK;
    }
    adopt(enclave);
    return enclave_store_settle(enclave);
}

enum rotor_status enclave_save_step(struct enclave *enclave)
{
    struct enclave_saving *saving = &enclave->saving;
    const struct phase *phases = phases_of(enclave);
    if (phases[0].begin == NULL) {
        return ROTOR_INVALID;
    }
    if (saving->is_out) {
        saving->result = enclave->ops.durable_end(enclave->ops.context);
        if (saving->result == ROTOR_AGAIN) {
            return ROTOR_AGAIN;
        }
        saving->is_out = false;
    }
    enum rotor_status status =
        phases[saving->phase].end(enclave, saving->result);
    if (status == ROTOR_OK && phases[saving->phase + 1].begin != NULL) {
        saving->phase++;
        begin_phase(enclave);
        return ROTOR_AGAIN;
    }
    if (status == ROTOR_OK) {
        status = finish(enclave);
    }
    end_saving(enclave);
    return status;
}

enum rotor_status enclave_save_all(struct enclave *enclave)
{
    enum rotor_status status = ROTOR_AGAIN;
    while (status == ROTOR_AGAIN) {
        status = enclave_save_step(enclave);
    }
    return status;
}
