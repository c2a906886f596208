// SPDX-License-Identifier: Apache-2.0
// Entity Attestation Tokens of any profile (RFC 9711) as CBOR: a CWT in
// COSE_Sign1 or COSE_Mac0, and detached bundles of one.  JSON tokens (JWT) are
// not supported.
//
// What is judged: the signature, the time claims of a CWT, the form of each
// claim that RFC 9711 registers, submodules to a bounded depth, and the
// digests of detached claims-sets.  Tokens nested in a token are shown as not
// judged: each has a signer of its own.
//
// instance: the UEID.  measurement: SHA-256 over the claim "measurements".
// The level is what the caller says of the key's holder.
// doc/PROTOCOL.tokens 6.
#ifndef ROTOR_VERIFY_EAT_H
#define ROTOR_VERIFY_EAT_H

#include <stdbool.h>

#include <rotor/status.h>

#include "verify/token.h"
#include "verify/verdict.h"

ROTOR_CALL verify_eat(const struct verify_token_question *question,
                      enum verify_level level, struct verify_verdict *verdict);

// Judges a claims-set by itself, nothing of which is authentic: rows are added
// to a verdict that was begun.  False if it is not one.
bool verify_eat_claims(struct verify_verdict *verdict,
                       const struct cbor_foreign *claims);

// A detached bundle (tag 602) taken apart: the token, and the claims-sets
// whose digests it has as submodules.
struct verify_eat_bundle {
    struct rotor_bytes token;
    struct cbor_foreign detached; // map of text to bytes; none: no bundle
};

// NULL, or why not.  A token that is no bundle is taken as it is.
const char *verify_eat_unbundle(struct rotor_bytes bytes,
                                struct verify_eat_bundle *bundle);

// Row "detached claims": each claims-set of the bundle is the one that a
// submodule of `claims` has the digest of, and is a claims-set.
ROTOR_CALL verify_eat_detached(struct verify_verdict *verdict,
                               const struct cbor_foreign *claims,
                               const struct cbor_foreign *detached,
                               bool *is_good);

#endif
