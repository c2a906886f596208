// SPDX-License-Identifier: Apache-2.0
// Evidence of the process backend, as bytes: made by the AP's attester, taken
// apart by verify/.  doc/PROTOCOL.chain 8.
//
//     Evidence = [1, report]      report = [UDS public key, certificate, EAT]
//
// The EAT is a COSE_Sign1 over a map of UD, the profile and the claims.
#ifndef ROTOR_CHAIN_EAT_H
#define ROTOR_CHAIN_EAT_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/hash.h"
#include "wire/cose.h"
#include "wire/message.h"

#define CHAIN_BACKEND_PROCESS 1u
#define CHAIN_EAT_PROFILE     "tag:rotor,2026:process/1"
#define CHAIN_EAT_CONTEXT     "rotor1 eat"

// Evidence = dCBOR [backend, report]; `report` is a view.
struct chain_evidence {
    uint64_t backend;
    struct rotor_bytes report;
};

ROTOR_CALL chain_evidence_encode(const struct chain_evidence *evidence,
                                 struct rotor_room *bytes);

// ROTOR_MALFORMED  not Evidence of any backend.
ROTOR_CALL chain_evidence_decode(struct rotor_bytes bytes,
                                 struct chain_evidence *evidence);

// The report of the process backend: views of exact bytes.
struct chain_process_report {
    struct rotor_bytes uds_key;     // COSE_Key of the UDS key
    struct rotor_bytes certificate; // of the key that signs the EAT
    struct rotor_bytes eat;
};

ROTOR_CALL
chain_process_report_encode(const struct chain_process_report *report,
                            struct rotor_room *bytes);
ROTOR_CALL
chain_process_report_decode(struct rotor_bytes bytes,
                            struct chain_process_report *report);

// Signs {10: UD, 265: profile, claims}; `claims` is a WIRE_LAYOUT_CLAIMS map,
// exact bytes.  `key` belongs to CDI_attest.
//
// ROTOR_MALFORMED  `claims` is not a map of private-use claims.
ROTOR_CALL chain_eat_sign(const struct crypto_key *key,
                          const uint8_t ud[CHAIN_UD_SIZE],
                          struct rotor_bytes claims, struct rotor_room *eat);

// All of it in one: what the attester of a process gives out.
struct chain_attester {
    const struct crypto_key *key;   // of CDI_attest
    struct rotor_bytes uds_key;     // COSE_Key
    struct rotor_bytes certificate; // from the UDS key
};
ROTOR_CALL chain_attest(const struct chain_attester *attester,
                        const uint8_t ud[CHAIN_UD_SIZE],
                        struct rotor_bytes claims, struct rotor_room *evidence);

struct chain_eat {
    uint8_t ud[CHAIN_UD_SIZE];
    struct wire_claims claims;
    struct rotor_bytes payload; // what was signed
};

// Takes an EAT apart and verifies it under `key`.  *valid is false unless the
// signature verifies; `eat` is then not to be believed.
//
// ROTOR_MALFORMED  not an EAT of this profile.
ROTOR_CALL chain_eat_verify(const struct wire_key *key,
                            struct rotor_bytes bytes, struct chain_eat *eat,
                            bool *valid);

#endif
