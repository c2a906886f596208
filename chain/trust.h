// SPDX-License-Identifier: Apache-2.0
// What a party holds of a log that it verified: its head, and the names of
// all keys that it ever saw.  doc/PROTOCOL.chain 3.1.
#ifndef ROTOR_CHAIN_TRUST_H
#define ROTOR_CHAIN_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/entry.h"
#include "chain/policy.h"
#include "wire/cose.h"
#include "wire/message.h"

// A verified entry, reduced to what the next one is judged by.  All zero: no
// trust yet (log_id is empty).  Owns its bytes; may be copied.
struct chain_trust {
    struct wire_digest log_id;
    struct wire_order order;
    enum chain_kind kind;
    struct wire_digest body_hash;
    uint32_t suite;
    struct wire_key sign;           // S
    struct wire_key agree;          // K
    struct wire_digest next_commit; // empty after kind 4
    uint64_t n;
    struct wire_digest measurement;
    uint32_t reason; // enum wire_reason
    bool has_distrust_from;
    uint64_t distrust_from;
    struct chain_policy policy;
    uint8_t policy_bytes[CHAIN_POLICY_MAX];
    size_t policy_size;
};

bool chain_trust_is_empty(const struct chain_trust *trust);

// [epoch, body_hash] of the head.
struct wire_head chain_trust_head(const struct chain_trust *trust);

// What a body gives to hold.  Verifies nothing: for bodies that chain_accept_*
// accepted, now or earlier (the party's own log, the AP's own state).
//
// ROTOR_INVALID  the suite is not known.
ROTOR_CALL chain_trust_of(const struct chain_body *body,
                          struct chain_trust *trust);

#define CHAIN_TRUST_MAX 1024u // bytes, encoded

// A form for a file of the party's own; integrity is the file's business.
//
// ROTOR_INVALID  an empty trust.
ROTOR_CALL chain_trust_encode(const struct chain_trust *trust,
                              struct rotor_room *bytes);

// ROTOR_MALFORMED  not an encoding, or not of a known suite; `trust` is empty.
ROTOR_CALL chain_trust_decode(struct rotor_bytes bytes,
                              struct chain_trust *trust);

// ---- keys seen -------------------------------------------------------------

#define CHAIN_FINGERPRINT_SIZE 32u // bytes, SHA-256
#define CHAIN_SEEN_PER_ENTRY   5u  // S, K, both halves of A, next_commit

// The bound of rule 9: a set of this capacity (a power of two, 256 KiB) holds
// the last 1,024 epochs and more.
#define CHAIN_SEEN_DEFAULT 8192u

struct chain_fingerprint {
    uint8_t bytes[CHAIN_FINGERPRINT_SIZE]; // all zero: free
};

// A set of fingerprints in memory that the caller brings; open addressing.
struct chain_seen {
    struct chain_fingerprint *slots;
    size_t capacity; // a power of two
    size_t count;
};

// Empties `slots`, which must outlive the set.
//
// ROTOR_INVALID  capacity is not a power of two >= 16.
ROTOR_CALL chain_seen_init(struct chain_seen *seen,
                           struct chain_fingerprint *slots, size_t capacity);

bool chain_seen_has(const struct chain_seen *seen,
                    const struct chain_fingerprint *fingerprint);

// Adding what is there already is OK.
//
// ROTOR_TOO_SMALL  three quarters are full: bring a larger set and fill it
//                  with chain_seen_merge, or start it from the last entries.
ROTOR_CALL chain_seen_add(struct chain_seen *seen,
                          const struct chain_fingerprint *fingerprint);

// Adds all of `other`.  ROTOR_TOO_SMALL as above.
ROTOR_CALL chain_seen_merge(struct chain_seen *seen,
                            const struct chain_seen *other);

// Adds every key and the commitment of an accepted body: all or none.
//
// ROTOR_TOO_SMALL  as above; nothing is added.
ROTOR_CALL chain_seen_add_body(struct chain_seen *seen,
                               const struct chain_body *body);

// What an accepted body adds, for who computes it elsewhere: add_body is both.
struct chain_fingerprints {
    size_t count;
    struct chain_fingerprint each[CHAIN_SEEN_PER_ENTRY];
};
ROTOR_CALL chain_fingerprints_of(const struct chain_body *body,
                                 struct chain_fingerprints *all);
ROTOR_CALL chain_seen_add_all(struct chain_seen *seen,
                              const struct chain_fingerprints *all);

ROTOR_CALL chain_fingerprint_key(const struct wire_key *key,
                                 struct chain_fingerprint *fingerprint);
ROTOR_CALL chain_fingerprint_commit(const struct wire_digest *next_commit,
                                    struct chain_fingerprint *fingerprint);

#endif
