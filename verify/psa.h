// SPDX-License-Identifier: Apache-2.0
// PSA attestation tokens of Arm: RFC 9783, and the two profiles before it.
//
//     tag:psacertified.org,2023:psa#tfm    RFC 9783
//     http://arm.com/psa/2.0.0             drafts of it
//     PSA_IOT_PROFILE_1, or no profile     PSA Attestation API 1.0
//
// instance: the UEID.  measurement: SHA-256 over the measurement values of the
// software components, one after another.  signer: the same over their signer
// ids.  tcb: the implementation id.  Level 2: the root is firmware.
// doc/PROTOCOL.tokens 4.
#ifndef ROTOR_VERIFY_PSA_H
#define ROTOR_VERIFY_PSA_H

#include <stdbool.h>

#include <rotor/status.h>

#include "verify/token.h"
#include "verify/verdict.h"

// Judges a token.
ROTOR_CALL verify_psa(const struct verify_token_question *question,
                      struct verify_verdict *verdict);

// Judges a claims-set by itself, nothing of which is authentic: rows are added
// to a verdict that was begun.  False if it is not one.
bool verify_psa_claims(struct verify_verdict *verdict,
                       const struct cbor_foreign *claims);

// Whether a claims-set names one of the profiles above.
bool verify_psa_is_profile(const struct cbor_foreign *claims);

// Shared with CCA: states of life, and lists of components.
bool verify_psa_is_lifecycle(const struct cbor_foreign *value);
bool verify_psa_check_lifecycle(struct verify_verdict *verdict,
                                int64_t lifecycle, bool any_lifecycle);

// SHA-256 over one member of all components, in order.
ROTOR_CALL verify_psa_digest(const struct cbor_foreign *components,
                             int64_t member, struct verify_value *value);

#endif
