// SPDX-License-Identifier: Apache-2.0
// One entry of the continuity chain: [body, attachments].
//
// Decoding is rule 1: strict CBOR, sizes, and the keys that each kind must
// have and must not have (doc/PROTOCOL.chain 1).  What is decoded are views
// into the entry's own bytes, which are kept, hashed, signed and served as
// they came and never encoded again.
#ifndef ROTOR_CHAIN_ENTRY_H
#define ROTOR_CHAIN_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/policy.h"
#include "wire/cose.h"
#include "wire/message.h"

enum chain_kind {
    CHAIN_GENESIS = 0,
    CHAIN_ROTATE = 1,
    CHAIN_RECOVER = 2,    // by the recovery authority
    CHAIN_REINCEPT = 3,   // the same after the AP lost its store
    CHAIN_CLOSE = 4,      // commits to nothing: only kind 2 and 3 follow
    CHAIN_KIND_NONE = -1, // never decoded
};

// By the recovery authority, in place of what follows an entry before.
static inline bool chain_kind_is_recovery(enum chain_kind kind)
{
    return kind == CHAIN_RECOVER || kind == CHAIN_REINCEPT;
}

#define CHAIN_VERSION           1u
#define CHAIN_BODY_MAX          4096u // bytes; what a signature may cover
#define CHAIN_RA_SIGNATURES_MAX 32u
#define CHAIN_RA_SETS_MAX       2u

// A rotation key: both halves sign, in this order.
struct chain_auth {
    struct wire_key ots;  // LM-OTS
    struct wire_key sign; // S scheme of the suite that committed to the pair
};

// A body.  Keys of an unknown suite are not read: suite_is_known is false and
// sign, agree and auth are all zero.
struct chain_body {
    struct rotor_bytes bytes; // exact; set by chain_body_decode
    struct wire_digest log_id;
    enum chain_kind kind;
    uint64_t epoch;
    uint32_t incarnation;
    struct wire_digest prev; // body_hash
    uint32_t suite;
    bool suite_is_known;
    struct wire_key sign;           // S_e
    struct wire_key agree;          // K_e
    struct chain_auth auth;         // A_e, kind 1 and 4
    struct wire_digest next_commit; // empty in kind 4
    struct wire_digest old_kid;     // kid of S_{e-1}, kind 1 and 4
    uint32_t reason;                // enum wire_reason
    uint64_t n;                     // of the anchor
    uint64_t tick_s;                // AP seconds since boot
    uint8_t boot_id[WIRE_ID_SIZE];
    bool has_time;
    uint64_t time_s;      // wall clock, informative
    uint32_t time_source; // 1 RTC, 2 network, 3 operator
    struct wire_digest measurement;
    uint32_t seed_src; // 0 none, 1 RTP, 2 external, 3 both
    struct wire_digest request_hash;
    struct rotor_bytes policy_bytes; // exact
    struct chain_policy policy;
    bool has_distrust_from;
    uint64_t distrust_from;
    struct wire_head supersedes; // kind 2 and 3
};

// Encodes the fields (all but `bytes`, `policy` and suite_is_known).
//
// ROTOR_INVALID    what chain_body_decode would refuse, or an unknown suite.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL chain_body_encode(const struct chain_body *body,
                             struct rotor_room *bytes);

// ROTOR_MALFORMED  not a body; `body` is all zero but its kind, which is none.
ROTOR_CALL chain_body_decode(struct rotor_bytes bytes, struct chain_body *body);

// body_hash, by the hash of the body's own suite.
//
// ROTOR_INVALID  the suite is not known.
ROTOR_CALL chain_body_hash(const struct chain_body *body,
                           struct wire_digest *body_hash);

// An entry.  An attachment that is not there is empty.
struct chain_entry {
    struct rotor_bytes bytes; // exact; set by chain_entry_decode
    struct chain_body body;
    struct rotor_bytes sig_old;
    struct rotor_bytes sig_auth[2]; // LM-OTS, S scheme
    struct rotor_bytes sig_pop;
    struct rotor_bytes sig_ra; // array of sign1-ra, exact bytes
    struct rotor_bytes evidence;
    struct rotor_bytes ra_sets; // array of ra-set, exact bytes
};

// Encodes entry->body.bytes and the attachments that are not empty.
//
// ROTOR_INVALID    what chain_entry_decode would refuse.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL chain_entry_encode(const struct chain_entry *entry,
                              struct rotor_room *bytes);

// ROTOR_MALFORMED  not an entry, or larger than WIRE_ENTRY_MAX; `entry` is all
//                  zero but its kind.
ROTOR_CALL chain_entry_decode(struct rotor_bytes bytes,
                              struct chain_entry *entry);

// The order of entries and floors: negative, 0 or positive.
int chain_order_compare(const struct wire_order *a, const struct wire_order *b);

#endif
