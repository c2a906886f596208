// SPDX-License-Identifier: Apache-2.0
// Is this Evidence what it should be?  One verdict, one record, named checks.
//
// The record says what was found; the reference says what is wanted; the
// level comes from the root that verified, never from a claim.
// doc/PROTOCOL.chain 8.
#ifndef ROTOR_VERIFY_EVIDENCE_H
#define ROTOR_VERIFY_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/hash.h"
#include "chain/rules.h"
#include "verify/verdict.h"
#include "wire/message.h"

#define VERIFY_AUTHORITY_SIZE 64u // bytes, SHA-512 of the image signers

// What the party wants to see.  All zero wants everything and accepts no
// measurement.
struct verify_reference {
    const struct wire_digest *measurements; // of image and configuration
    size_t measurement_count;
    bool any_measurement; // measurements are shown and not judged

    // SHA-256 of the COSE_Key of a UDS key.  None: the instance is reported
    // as not pinned.
    const struct wire_digest *instances;
    size_t instance_count;

    // Hashes of signing authorities.  None: not asked.
    const uint8_t (*authorities)[VERIFY_AUTHORITY_SIZE];
    size_t authority_count;

    uint32_t security_version_min;
    bool debug_allowed;
};

enum verify_check {
    VERIFY_CHECK_FORMAT = 0,       // Evidence of a backend that is known here
    VERIFY_CHECK_CERTIFICATE,      // the device's key vouches for the AP's key
    VERIFY_CHECK_SIGNATURE,        // the AP's key signed the token
    VERIFY_CHECK_BINDING,          // UD: purpose, RoT, nonce and channel
    VERIFY_CHECK_COMPONENT,        // it is an enclave that was certified
    VERIFY_CHECK_CLAIMS,           // claims do not contradict the certificate
    VERIFY_CHECK_INSTANCE,         // pinned device
    VERIFY_CHECK_MEASUREMENT,      // image and configuration
    VERIFY_CHECK_AUTHORITY,        // who signed the image
    VERIFY_CHECK_SECURITY_VERSION, // not below the floor
    VERIFY_CHECK_DEBUG,            // mode is normal
    VERIFY_CHECK_COUNT,
};

// Words of reports, e.g. "measurement"; never NULL.
const char *verify_check_name(enum verify_check check);

// Normalised result; policy acts on this, not on reports.  Views are into the
// Evidence.
struct verify_record {
    uint32_t outcome; // CHAIN_ACCEPTED or CHAIN_REJECTED
    const char *reason;
    enum verify_finding checks[VERIFY_CHECK_COUNT];

    uint64_t backend;
    uint64_t level;              // 0 process .. 3, by the root
    struct wire_digest instance; // SHA-256 of the device's public key
    bool instance_is_pinned;     // and it is one of the pinned ones
    struct wire_digest measurement;
    uint8_t authority[VERIFY_AUTHORITY_SIZE];
    uint32_t mode; // enum boot_mode
    uint32_t version;
    uint32_t security_version;
    bool is_bound; // UD is the expected one
    struct wire_claims claims;
};

// Judges `evidence` against the UD that it must carry.  Checks after the first
// failed one are not reached.
ROTOR_CALL verify_evidence(struct rotor_bytes evidence,
                           const uint8_t ud[CHAIN_UD_SIZE],
                           const struct verify_reference *reference,
                           struct verify_record *record);

bool verify_record_is_accepted(const struct verify_record *record);

// The same as the verdict that all kinds of evidence have: a row for each
// check that was reached or not asked for.  Texts are the program's own.
void verify_record_verdict(const struct verify_record *record,
                           struct verify_verdict *verdict);

// Is a measurement one of the wanted ones?
bool verify_measurement_is_wanted(const struct verify_reference *reference,
                                  const struct wire_digest *measurement);

// Rule 11 as chain_ports wants it.
struct verify_entry_context {
    const struct verify_reference *reference;
    bool evidence_is_optional;   // an RP that takes entries without Evidence
    struct verify_record record; // of the last entry judged
};

// Port check_evidence: context is a struct verify_entry_context.  Key 16 of
// the body and the measurement in the Evidence each match the reference; they
// need not be equal.
ROTOR_CALL verify_entry_evidence(void *context,
                                 const struct chain_evidence_question *question,
                                 bool *ok, const char **why);

#endif
