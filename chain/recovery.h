// SPDX-License-Identifier: Apache-2.0
// Entries of kind 2 and 3, which only the recovery authority makes, and the
// authority's signatures: k of n offline keys.  doc/PROTOCOL.chain 5.
#ifndef ROTOR_CHAIN_RECOVERY_H
#define ROTOR_CHAIN_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/rules.h"

// `next` changes only when the verdict is CHAIN_ACCEPTED.  Entries behind the
// superseded one are void then; the caller keeps and serves them.
//
// ROTOR_INVALID  a port is missing, or `trust` is empty.
ROTOR_CALL chain_accept_recovery(const struct chain_trust *trust,
                                 struct rotor_bytes entry,
                                 const struct chain_ports *ports,
                                 struct chain_verdict *verdict,
                                 struct chain_trust *next);

// ---- the authority ---------------------------------------------------------

#define CHAIN_RA_KEYS_MAX 16u

// [k, keys sorted by kid].
struct chain_ra_set {
    uint32_t k;
    size_t count;
    struct wire_key keys[CHAIN_RA_KEYS_MAX];
};

// Sorts the keys by kid.
//
// ROTOR_INVALID  k or count out of range, a key twice, or one that cannot sign.
ROTOR_CALL chain_ra_set_encode(struct chain_ra_set *set,
                               struct rotor_room *bytes);

// ROTOR_MALFORMED  not an encoding; keys not strictly ascending by kid.
ROTOR_CALL chain_ra_set_decode(struct rotor_bytes bytes,
                               struct chain_ra_set *set);

// What an order of the authority is checked by.
struct chain_ra_proof {
    struct rotor_bytes sig_ra;  // array of sign1-ra, exact bytes
    struct rotor_bytes ra_sets; // array of ra-set, exact bytes
};

// *approved is true only when `ra_sets` has the preimage of `ra` and at least
// k different keys of it signed `body`.  Signatures that do not verify and
// those of others are passed over; a key counts once.
//
// ROTOR_MALFORMED  `proof` does not parse.
ROTOR_CALL chain_ra_check(const struct wire_digest *ra, struct rotor_bytes body,
                          const struct chain_ra_proof *proof, bool *approved);

// The same, one signature a call.  All zero at first.
struct chain_ra_tally {
    size_t next; // signature that is looked at next
    bool signers[CHAIN_RA_KEYS_MAX];
};

// ROTOR_AGAIN  there are more to look at, with the same arguments.
ROTOR_CALL chain_ra_step(const struct wire_digest *ra, struct rotor_bytes body,
                         const struct chain_ra_proof *proof,
                         struct chain_ra_tally *tally, bool *approved);

#endif
