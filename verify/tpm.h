// SPDX-License-Identifier: Apache-2.0
// Quotes of a TPM 2.0.  doc/PROTOCOL.evidence, TPM.
//
// A quote says what the platform booted, as far as its firmware told the TPM.
// It says nothing of who holds a key of rotor: what binds the two is the
// report data, and it holds as far as the kernel that booted is believed.
#ifndef ROTOR_VERIFY_TPM_H
#define ROTOR_VERIFY_TPM_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "verify/eventlog.h"
#include "verify/pcr.h"
#include "verify/tpm_structures.h"
#include "verify/verdict.h"

// What is empty or NULL was not given.  The attestation key (AK) in at least
// one form; where there are several they must agree.
struct verify_tpm_evidence {
    struct rotor_bytes quote;     // TPMS_ATTEST or TPM2B_ATTEST
    struct rotor_bytes signature; // TPMT_SIGNATURE
    struct rotor_bytes ak_public; // TPMT_PUBLIC or TPM2B_PUBLIC
    struct rotor_bytes ak_spki;   // DER SubjectPublicKeyInfo
    const struct crypto_certificate *ak_certificate;
    const struct verify_pcrs *pcrs; // values that the quote is said to be of
    struct rotor_bytes event_log;
};

// Who vouches for the AK, and what the party wants to know.  One of the first
// three suffices; none is a rejection.
struct verify_tpm_trust {
    struct rotor_bytes ak_spki; // pinned
    // A name that an endorsed TPM has opened a credential for: see
    // verify_tpm_endorsement and port/linux/tpm_credential.h.
    struct rotor_bytes ak_name;
    const struct crypto_chain *chain; // for the AK's certificate

    const struct verify_pcr_selection *selection; // exactly these
    const uint32_t *reset_count;                  // of a known boot
    const uint32_t *restart_count;
    uint64_t firmware_version_min; // 0: any
    bool needs_safe_clock;
};

// The caller's memory: it lives as long as the verdict, whose rows point here.
struct verify_tpm_work {
    uint8_t spki[VERIFY_TPM_SPKI_MAX];
    uint8_t name[VERIFY_TPM_NAME_MAX];
    uint8_t digest[CRYPTO_HASH_MAX];
    struct verify_eventlog log;
};

// Rows, in this order: "quote format", "quote magic", "quote type", "signature
// format", "attestation key format", "attestation key attributes",
// "attestation key", "signature scheme", "quote signature", "report data",
// "pcr selection", "event log", "event log replay", "event data", "pcr
// digest", "reset count", "restart count", "clock", "firmware version".
// The measurement is the PCR digest; the instance is SHA-256 of the AK's SPKI.
ROTOR_CALL verify_tpm(const struct verify_tpm_evidence *evidence,
                      const struct verify_tpm_trust *trust,
                      const struct verify_asked *asked,
                      struct verify_tpm_work *work,
                      struct verify_verdict *verdict);

// The endorsement key: what a credential is made for.
struct verify_tpm_ek {
    struct rotor_bytes public_area; // TPMT_PUBLIC or TPM2B_PUBLIC
    const struct crypto_certificate *certificate;
};

// Adds rows "endorsement key format", "endorsement key attributes" and
// "endorsement key": an area that can only decrypt inside one TPM, whose key a
// certificate of `chain` names.  The caller concludes.
ROTOR_CALL verify_tpm_endorsement(const struct verify_tpm_ek *ek,
                                  const struct crypto_chain *chain,
                                  struct verify_tpm_work *work,
                                  struct verify_verdict *verdict);

#endif
