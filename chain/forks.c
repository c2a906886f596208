// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 4.
#include "chain/forks.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/entry.h"
#include "chain/hash.h"

struct witnessed {
    bool old;
    bool auth; // both halves, under the pair that was committed to
};

static bool is_step(const struct chain_body *body)
{
    return body->kind == CHAIN_ROTATE || body->kind == CHAIN_CLOSE;
}

static bool is_at_place(const struct chain_body *body,
                        const struct chain_trust *parent)
{
    return is_step(body) && wire_digest_equal(&body->log_id, &parent->log_id) &&
           body->incarnation == parent->order.incarnation &&
           body->epoch == parent->order.epoch + 1;
}

static enum rotor_status verifies(const struct wire_key *key,
                                  const struct wire_statement *statement,
                                  struct rotor_bytes sign1, bool *valid)
{
    *valid = false;
    bool verified = false;
    enum rotor_status status =
        wire_cose_verify(key, statement, sign1, &verified);
    if (status == ROTOR_MALFORMED) {
        return ROTOR_OK;
    }
    TRY(status);
    *valid = verified;
    return ROTOR_OK;
}

static enum rotor_status is_committed(const struct chain_trust *parent,
                                      const struct chain_auth *auth,
                                      bool *committed)
{
    const struct wire_digest *commit = &parent->next_commit;
    struct wire_digest revealed;
    *committed = false;
    if (wire_digest_is_empty(commit)) {
        return ROTOR_OK;
    }
    TRY(chain_hash_auth(commit->alg, auth, &revealed));
    *committed = secret_equal(revealed.bytes, commit->bytes,
                              crypto_hash_size(commit->alg));
    return ROTOR_OK;
}

static enum rotor_status witness(const struct chain_trust *parent,
                                 const struct chain_entry *entry,
                                 struct witnessed *witnessed)
{
    const struct chain_auth *auth = &entry->body.auth;
    const struct wire_statement old = {LABEL(WIRE_CONTEXT_ENTRY_OLD),
                                       entry->body.bytes};
    const struct wire_statement by_auth = {LABEL(WIRE_CONTEXT_ENTRY_AUTH),
                                           entry->body.bytes};
    bool committed = false;
    bool first = false;
    bool second = false;
    TRY(verifies(&parent->sign, &old, entry->sig_old, &witnessed->old));
    TRY(is_committed(parent, auth, &committed));
    TRY(verifies(&auth->ots, &by_auth, entry->sig_auth[0], &first));
    TRY(verifies(&auth->sign, &by_auth, entry->sig_auth[1], &second));
    witnessed->auth = committed && first && second;
    return ROTOR_OK;
}

// The table of the text.
static enum chain_fork name(const struct witnessed *other)
{
    if (other->old && other->auth) {
        return CHAIN_FORK_DUPLICITY;
    }
    if (other->auth) {
        return CHAIN_FORK_A_MISUSE;
    }
    return other->old ? CHAIN_FORK_NOISE : CHAIN_FORK_NONE;
}

enum rotor_status chain_judge_fork(const struct chain_trust *parent,
                                   struct rotor_bytes accepted,
                                   struct rotor_bytes other,
                                   enum chain_fork *fork)
{
    struct chain_entry first;
    struct chain_entry second;
    struct witnessed by_first = {false, false};
    struct witnessed by_second = {false, false};
    *fork = CHAIN_FORK_UNJUDGED;
    TRY(chain_entry_decode(accepted, &first));
    TRY(chain_entry_decode(other, &second));
    TRY(witness(parent, &first, &by_first));
    if (!is_at_place(&first.body, parent) || !by_first.old || !by_first.auth) {
        return ROTOR_INVALID;
    }
    if (bytes_equal(first.body.bytes, second.body.bytes)) {
        *fork = CHAIN_FORK_SAME;
        return ROTOR_OK;
    }
    if (!is_at_place(&second.body, parent)) {
        *fork = CHAIN_FORK_NONE;
        return ROTOR_OK;
    }
    TRY(witness(parent, &second, &by_second));
    *fork = name(&by_second);
    return ROTOR_OK;
}

enum rotor_status chain_judge_stray(const struct chain_trust *head,
                                    struct rotor_bytes other,
                                    enum chain_fork *fork)
{
    struct chain_entry entry;
    struct witnessed by_other = {false, false};
    *fork = CHAIN_FORK_UNJUDGED;
    TRY(chain_entry_decode(other, &entry));
    if (!is_at_place(&entry.body, head)) {
        *fork = CHAIN_FORK_NONE;
        return ROTOR_OK;
    }
    TRY(witness(head, &entry, &by_other));
    enum chain_fork beside = name(&by_other);
    *fork = beside == CHAIN_FORK_DUPLICITY ? CHAIN_FORK_SUCCESSOR : beside;
    return ROTOR_OK;
}

const char *chain_fork_name(enum chain_fork fork)
{
    static const char *const NAMES[] = {
        [CHAIN_FORK_UNJUDGED] = "not judged",
        [CHAIN_FORK_SAME] = "same body",
        [CHAIN_FORK_NONE] = "no fork",
        [CHAIN_FORK_NOISE] = "S misuse",
        [CHAIN_FORK_A_MISUSE] = "A misuse",
        [CHAIN_FORK_DUPLICITY] = "duplicity",
        [CHAIN_FORK_SUCCESSOR] = "unknown successor",
    };
    return (unsigned)fork < COUNT_OF(NAMES) ? NAMES[fork] : "unknown";
}
