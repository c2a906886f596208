// SPDX-License-Identifier: Apache-2.0
// CCA attestation tokens of Arm (RMM specification A7.2, and the draft
// draft-ffm-rats-cca-token): a platform token and a realm token in one
// collection, and what binds them.
//
//     CPAK --signs--> platform token: challenge = H(RAK public key)
//                                                     |
//     RAK  --signs--> realm token: challenge of the far side, RIM, REM
//
// Collections: tag 399 {44234: platform, 44241: realm}, and the wrapper of tag
// 907 whose members are [content format, token].
//
// instance: the platform's UEID.  measurement: the realm's initial one.
// signer: SHA-256 over the signer ids of the platform's components.  tcb:
// SHA-256 over their measurement values.  Level 3.
// doc/PROTOCOL.tokens 5.
#ifndef ROTOR_VERIFY_CCA_H
#define ROTOR_VERIFY_CCA_H

#include <stdbool.h>

#include <rotor/status.h>

#include "verify/token.h"
#include "verify/verdict.h"

// Judges a token; the question's key is that of the platform.  The realm's
// challenge is the report data.
ROTOR_CALL verify_cca(const struct verify_token_question *question,
                      struct verify_verdict *verdict);

// Judge a claims-set by itself, nothing of which is authentic: rows are added
// to a verdict that was begun.  False if it is not one.
bool verify_cca_platform_claims(struct verify_verdict *verdict,
                                const struct cbor_foreign *claims);
bool verify_cca_realm_claims(struct verify_verdict *verdict,
                             const struct cbor_foreign *claims);

// Whether bytes begin as a collection does.
bool verify_cca_is_collection(struct rotor_bytes bytes);

#endif
