// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/walk.h"

#include <string.h>

#include "app/rotor/walked.h"
#include "base/bytes.h"
#include "verify/evidence.h"

struct walk {
    struct walked walked;
    struct chain_trust head; // empty: nothing was accepted yet
    struct ahead *ahead;
    struct verify_reference reference;
    struct verify_entry_context evidence;
    bool may_start_late;
};

// ---- ports of the judge ----------------------------------------------------

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    const struct walk *walk = context;
    return walked_has_seen(&walk->walked, fingerprint, seen);
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct walk *walk = context;
    return ahead_knows_evidence(walk->ahead, question, ok, why)
               ? ROTOR_OK
               : verify_entry_evidence(&walk->evidence, question, ok, why);
}

static enum rotor_status
check_signature(void *context, const struct chain_signature_question *question,
                bool *valid)
{
    const struct walk *walk = context;
    return ahead_check_signature(walk->ahead, question, valid);
}

// Any accepted one: which entries are void is for the step itself to say.
static enum rotor_status find(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    const struct walk *walk = context;
    return walked_find(&walk->walked, head, at, found);
}

// ---- one step --------------------------------------------------------------

// A device drops its oldest entries: nothing here can judge the first that it
// has left.
static enum rotor_status start_at(struct rotor_bytes bytes,
                                  struct walk_step *made)
{
    TRY(chain_entry_decode(bytes, &made->entry));
    TRY(chain_trust_of(&made->entry.body, &made->trust));
    made->is_start = true;
    made->verdict = (struct chain_verdict){.outcome = CHAIN_ACCEPTED,
                                           .reason = "where the log begins"};
    return ROTOR_OK;
}

static bool is_late(struct rotor_bytes bytes)
{
    struct chain_entry entry;
    return chain_entry_decode(bytes, &entry) == ROTOR_OK &&
           entry.body.kind != CHAIN_GENESIS && entry.body.suite_is_known;
}

static enum rotor_status step(struct walk *walk, struct rotor_bytes bytes,
                              struct walk_step *made)
{
    const struct chain_ports ports = {
        .context = walk,
        .has_seen = has_seen,
        .check_evidence = check_evidence,
        .find = find,
        .check_signature = check_signature,
    };
    const struct chain_expected any = {0};
    bool is_first = chain_trust_is_empty(&walk->head);
    memset(made, 0, sizeof *made);
    made->size = bytes.size;
    made->entry.body.kind = CHAIN_KIND_NONE;
    made->verdict.reason = "does not parse";
    if (is_first && walk->may_start_late && is_late(bytes)) {
        TRY(start_at(bytes, made));
    } else if (is_first) {
        TRY(chain_accept_genesis(&any, bytes, &ports, &made->verdict,
                                 &made->trust));
    } else {
        TRY(chain_accept(&walk->head, bytes, &ports, &made->verdict,
                         &made->trust));
    }
    if (chain_entry_decode(bytes, &made->entry) != ROTOR_OK ||
        !chain_verdict_is_accepted(&made->verdict)) {
        return ROTOR_OK;
    }
    walk->head = made->trust;
    return walked_add(&walk->walked, &made->entry.body, &made->trust);
}

// ---- all of them -----------------------------------------------------------

static enum rotor_status run(struct walk *walk, const struct walk_taker *taker,
                             bool *is_whole)
{
    struct rotor_bytes bytes;
    enum rotor_status status = ROTOR_OK;
    *is_whole = true;
    while (*is_whole &&
           (status = ahead_next(walk->ahead, &bytes)) == ROTOR_OK) {
        struct walk_step made;
        TRY(step(walk, bytes, &made));
        *is_whole = chain_verdict_is_accepted(&made.verdict);
        taker->take(taker->context, &made);
    }
    return status == ROTOR_AGAIN ? ROTOR_OK : status;
}

static enum rotor_status
walk_with(struct walk *walk, const struct ahead_source *source,
          unsigned threads, const struct walk_taker *taker, bool *is_whole)
{
    *is_whole = false;
    walk->evidence.reference = &walk->reference;
    enum rotor_status status = walked_open(&walk->walked);
    if (status == ROTOR_OK) {
        status = ahead_open(&walk->ahead, source, &walk->head.sign,
                            &walk->evidence, threads);
    }
    if (status == ROTOR_OK) {
        status = run(walk, taker, is_whole);
    }
    ahead_close(walk->ahead);
    walked_close(&walk->walked);
    *is_whole = *is_whole && status == ROTOR_OK;
    return status;
}

enum rotor_status walk_stream(const struct ahead_source *source,
                              const struct walk_taker *taker, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true}};
    return walk_with(&walk, source, 0, taker, is_whole);
}

enum rotor_status walk_held(const struct ahead_source *source,
                            const struct walk_taker *taker, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true},
                        .may_start_late = true};
    return walk_with(&walk, source, 0, taker, is_whole);
}

// ---- those at hand ---------------------------------------------------------

struct at_hand {
    const struct bundle_entry *entries;
    size_t left;
};

static enum rotor_status next_at_hand(void *context, struct rotor_bytes *entry)
{
    struct at_hand *at_hand = context;
    if (at_hand->left == 0) {
        return ROTOR_AGAIN;
    }
    at_hand->left--;
    *entry = at_hand->entries++->bytes;
    return ROTOR_OK;
}

static enum rotor_status walk_at_hand(struct walk *walk,
                                      struct at_hand *at_hand,
                                      const struct walk_taker *taker,
                                      bool *is_whole)
{
    const struct ahead_source source = {at_hand, next_at_hand};
    return walk_with(walk, &source, 1, taker, is_whole);
}

enum rotor_status walk_log(const struct bundle_entry *entries, size_t count,
                           const struct walk_taker *taker, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true}};
    struct at_hand at_hand = {entries, count};
    return walk_at_hand(&walk, &at_hand, taker, is_whole);
}

enum rotor_status walk_late(const struct bundle_entry *entries, size_t count,
                            const struct walk_taker *taker, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true},
                        .may_start_late = true};
    struct at_hand at_hand = {entries, count};
    return walk_at_hand(&walk, &at_hand, taker, is_whole);
}
