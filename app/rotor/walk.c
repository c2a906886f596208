// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "verify/evidence.h"

struct walk {
    struct chain_trust *trusts; // of accepted entries
    size_t count;
    struct chain_seen seen;
    struct chain_fingerprint *slots;
    struct verify_reference reference;
    struct verify_entry_context evidence;
    bool may_start_late;
};

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    struct walk *walk = context;
    return chain_seen_port(&walk->seen, fingerprint, seen);
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct walk *walk = context;
    return verify_entry_evidence(&walk->evidence, question, ok, why);
}

// Any accepted one: which entries are void is for the step itself to say.
static enum rotor_status find(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    const struct walk *walk = context;
    for (size_t i = 0; i < walk->count; i++) {
        const struct chain_trust *trust = &walk->trusts[i];
        if (trust->order.epoch == head->epoch &&
            wire_digest_equal(&trust->body_hash, &head->body_hash)) {
            *at = *trust;
            *found = true;
        }
    }
    return ROTOR_OK;
}

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
    };
    const struct chain_expected any = {0};
    memset(made, 0, sizeof *made);
    made->size = bytes.size;
    made->entry.body.kind = CHAIN_KIND_NONE;
    made->verdict.reason = "does not parse";
    if (walk->count == 0 && walk->may_start_late && is_late(bytes)) {
        TRY(start_at(bytes, made));
    } else if (walk->count == 0) {
        TRY(chain_accept_genesis(&any, bytes, &ports, &made->verdict,
                                 &made->trust));
    } else {
        TRY(chain_accept(&walk->trusts[walk->count - 1], bytes, &ports,
                         &made->verdict, &made->trust));
    }
    if (chain_entry_decode(bytes, &made->entry) != ROTOR_OK ||
        !chain_verdict_is_accepted(&made->verdict)) {
        return ROTOR_OK;
    }
    walk->trusts[walk->count++] = made->trust;
    return chain_seen_add_body(&walk->seen, &made->entry.body);
}

static enum rotor_status run(struct walk *walk,
                             const struct bundle_entry *entries, size_t count,
                             void (*take)(void *, const struct walk_step *),
                             void *context)
{
    for (size_t i = 0; i < count && walk->count == i; i++) {
        struct walk_step made;
        TRY(step(walk, entries[i].bytes, &made));
        take(context, &made);
    }
    return ROTOR_OK;
}

static enum rotor_status
walk_with(struct walk *walk, const struct bundle_entry *entries, size_t count,
          void (*take)(void *, const struct walk_step *), void *context)
{
    size_t capacity = CHAIN_SEEN_DEFAULT;
    while (capacity / 4 * 3 < (count + 1) * CHAIN_SEEN_PER_ENTRY) {
        capacity *= 2;
    }
    walk->evidence.reference = &walk->reference;
    walk->trusts = calloc(count + 1, sizeof *walk->trusts);
    walk->slots = calloc(capacity, sizeof *walk->slots);
    enum rotor_status status = ROTOR_PORT_FAILED;
    if (walk->trusts != NULL && walk->slots != NULL) {
        status = chain_seen_init(&walk->seen, walk->slots, capacity);
    }
    if (status == ROTOR_OK) {
        status = run(walk, entries, count, take, context);
    }
    free(walk->trusts);
    free(walk->slots);
    return status;
}

enum rotor_status walk_log(const struct bundle_entry *entries, size_t count,
                           void (*take)(void *context,
                                        const struct walk_step *step),
                           void *context, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true}};
    enum rotor_status status = walk_with(&walk, entries, count, take, context);
    *is_whole = status == ROTOR_OK && walk.count == count;
    return status;
}

enum rotor_status walk_held(const struct bundle_entry *entries, size_t count,
                            void (*take)(void *context,
                                         const struct walk_step *step),
                            void *context, bool *is_whole)
{
    struct walk walk = {.reference = {.any_measurement = true},
                        .may_start_late = true};
    enum rotor_status status = walk_with(&walk, entries, count, take, context);
    *is_whole = status == ROTOR_OK && walk.count == count;
    return status;
}
