// SPDX-License-Identifier: Apache-2.0
// Makes chains with test keys: what an AP and a recovery authority would
// make, and everything that they would not.
#ifndef ROTOR_TEST_SPEC_CHAIN_MAKER_H
#define ROTOR_TEST_SPEC_CHAIN_MAKER_H

#include "chain/entry.h"
#include "chain/recovery.h"
#include "chain/rules.h"
#include "chain/sign.h"
#include "chain/trust.h"

struct maker_key {
    struct crypto_key key;
    struct wire_key public_key;
};

// What one entry of `suite` brings: S, K and the pair A of the next one.
struct maker_bundle {
    uint32_t suite;
    struct maker_key sign;
    struct maker_key agree;
    struct chain_ots ots;
    struct maker_key auth_sign;
    struct chain_auth auth;
    struct wire_digest commit;
};

// The same number gives the same keys.
void maker_key_open(struct maker_key *made, enum crypto_scheme scheme,
                    unsigned number);
void maker_bundle_open(struct maker_bundle *bundle, uint32_t suite,
                       unsigned number);
void maker_bundle_commit(struct maker_bundle *bundle); // after changes of auth
void maker_bundle_close(struct maker_bundle *bundle);

#define MAKER_RA_KEYS 8u

struct maker_ra {
    size_t count;
    struct maker_key keys[MAKER_RA_KEYS];
    uint8_t set_bytes[2048];
    struct rotor_bytes set;
    struct wire_digest digest; // SHA-256
};

void maker_ra_open(struct maker_ra *ra, uint32_t k, size_t count,
                   unsigned number);
void maker_ra_close(struct maker_ra *ra);

struct maker_entry {
    uint8_t bytes[2 * WIRE_ENTRY_MAX];
    size_t size;
};

struct rotor_bytes maker_bytes(const struct maker_entry *entry);

// An entry before it is signed.  Whoever must not sign is set to NULL or to
// another key.
struct maker_draft {
    struct chain_body body;
    struct chain_policy policy; // becomes body.policy_bytes
    const struct crypto_key *old;
    const struct chain_ots *auth_ots;
    const struct crypto_key *auth_sign;
    const struct crypto_key *pop;
    const struct crypto_key *ra[40];
    size_t ra_count;
    struct rotor_bytes ra_sets[CHAIN_RA_SETS_MAX];
    size_t ra_set_count;
    struct rotor_bytes evidence;
    struct rotor_bytes old_context; // empty: the right one
    struct rotor_bytes auth_context;
    struct rotor_bytes pop_context;
};

struct chain_policy maker_policy(const struct maker_ra *ra);

void maker_draft_genesis(struct maker_draft *draft,
                         const struct maker_bundle *own,
                         const struct chain_policy *policy);
void maker_draft_next(struct maker_draft *draft,
                      const struct chain_trust *parent,
                      const struct maker_bundle *before,
                      const struct maker_bundle *own);
void maker_draft_recovery(struct maker_draft *draft,
                          const struct chain_trust *head,
                          const struct chain_trust *superseded,
                          const struct maker_bundle *own,
                          const struct maker_ra *ra);

// Signs and encodes.
void maker_finish(struct maker_draft *draft, struct maker_entry *entry);

// The same over body bytes that come from elsewhere.
void maker_finish_over(struct maker_draft *draft, struct rotor_bytes body,
                       struct maker_entry *entry);

// Writes `map` with `key` left out, or with `item` (dCBOR) in its place.
void maker_edit_map(struct rotor_bytes map, int64_t key,
                    struct rotor_bytes item, struct rotor_room *edited);

// The parts of an entry, and the way back.
void maker_split(struct rotor_bytes entry, struct rotor_bytes *body,
                 struct rotor_bytes *attachments);
void maker_join(struct rotor_bytes body, struct rotor_bytes attachments,
                struct maker_entry *entry);

// A party: what chain_ports asks.
struct maker_party {
    struct chain_seen seen;
    struct chain_fingerprint slots[1024];
    struct chain_ports ports;

    bool evidence_is_good;
    unsigned evidence_asked_count;
    struct chain_evidence_question question; // the last one
    uint8_t ud[CHAIN_UD_SIZE];

    const struct chain_trust *held; // own live chain
    size_t held_count;
    uint64_t known_for_s;
};

void maker_party_open(struct maker_party *party);

// A log of one party, with the keys of its head.
struct maker_log {
    struct maker_party party;
    struct maker_ra ra;
    struct maker_bundle head;  // keys of the last entry
    struct chain_trust trust;  // after the last entry
    struct chain_trust before; // after the one before
    struct maker_entry entry;  // the last one
    struct chain_verdict verdict;
};

// Genesis of `suite`; the policy has floor 1, 2-of-3.
void maker_log_open(struct maker_log *log, uint32_t suite);
// Takes a finished draft whose keys are `own` as the next entry.
void maker_log_take(struct maker_log *log, struct maker_draft *draft,
                    struct maker_bundle *own);
// Rotates to `suite`.
void maker_log_rotate(struct maker_log *log, uint32_t suite, unsigned number);
void maker_log_close(struct maker_log *log);

#endif
