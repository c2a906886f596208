// SPDX-License-Identifier: Apache-2.0
// What all foreign tokens share: an envelope, a key, and a time.
// doc/PROTOCOL.tokens 3.
#ifndef ROTOR_VERIFY_TOKEN_H
#define ROTOR_VERIFY_TOKEN_H

#include <stdbool.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/cose_foreign.h"
#include "verify/verdict.h"

struct verify_token_question {
    struct rotor_bytes token;
    const struct verify_cose_key *key; // that the token must be signed with
    struct verify_asked asked;

    // For all of what is signed: the token's size and 128 bytes are enough.
    struct rotor_room *scratch;

    // States of life in which a root of trust does not keep its promises, and
    // debugging: shown, and no reason to refuse.
    bool any_lifecycle;
};

// Rows "envelope", "algorithm" and "signature".  `claims` is the map that was
// signed, and none unless it returns true: *is_good says so.
ROTOR_CALL verify_token_open(const struct verify_token_question *question,
                             struct verify_verdict *verdict,
                             struct cbor_foreign *claims, bool *is_good);

// Row "claims-set": the payload is one map.
bool verify_token_claims(struct verify_verdict *verdict,
                         struct rotor_bytes payload,
                         struct cbor_foreign *claims);

#endif
