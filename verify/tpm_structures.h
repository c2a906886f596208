// SPDX-License-Identifier: Apache-2.0
// Structures of a TPM 2.0 as it gives them out (TPM 2.0 Library, part 2):
// quotes, signatures, public areas.  All big-endian; views into what was read.
#ifndef ROTOR_VERIFY_TPM_STRUCTURES_H
#define ROTOR_VERIFY_TPM_STRUCTURES_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "verify/pcr.h"

// ---- TPMS_ATTEST -----------------------------------------------------------

#define VERIFY_TPM_GENERATED 0xff544347u // magic: made inside the TPM
#define VERIFY_TPM_ST_QUOTE  0x8018u

struct verify_tpm_attest {
    uint32_t magic;
    uint16_t type;
    struct rotor_bytes qualified_signer;
    struct rotor_bytes extra_data; // qualifying data of the caller
    uint64_t clock_ms;
    uint32_t reset_count;
    uint32_t restart_count;
    bool is_safe; // the clock never went back
    uint64_t firmware_version;

    // Of a quote; empty in other types.
    struct verify_pcr_selection selection;
    struct rotor_bytes pcr_digest;
};

// Takes a TPMS_ATTEST, or a TPM2B_ATTEST around one; *signed_part is what the
// signature is over.  Of another magic or type only the common part is read,
// and nothing says how long the rest should be.
//
// ROTOR_MALFORMED  truncated, with something behind it, a register beyond 23,
//                  a bank twice.
ROTOR_CALL verify_tpm_attest_decode(struct rotor_bytes bytes,
                                    struct rotor_bytes *signed_part,
                                    struct verify_tpm_attest *attest);

// ---- TPMT_SIGNATURE --------------------------------------------------------

#define VERIFY_TPM_RSASSA 0x0014u
#define VERIFY_TPM_RSAPSS 0x0016u
#define VERIFY_TPM_ECDSA  0x0018u

// SEQUENCE of two INTEGERs of at most 66 bytes and a sign.
#define VERIFY_TPM_ECDSA_MAX (2u * 69u + 3u)

struct verify_tpm_signature {
    uint16_t scheme;
    uint16_t hash;            // TPM_ALG_ID
    struct rotor_bytes bytes; // RSA
    struct rotor_bytes r;     // ECDSA
    struct rotor_bytes s;
};

// ROTOR_MALFORMED  truncated, something behind it, or no scheme that there is.
//                  Of one that is none of the three only the scheme is read.
ROTOR_CALL verify_tpm_signature_decode(struct rotor_bytes bytes,
                                       struct verify_tpm_signature *signature);

// r and s in DER, as crypto_verifier_check takes it.
ROTOR_CALL verify_tpm_ecdsa_der(const struct verify_tpm_signature *signature,
                                struct rotor_room *der);

// ---- TPMT_PUBLIC -----------------------------------------------------------

#define VERIFY_TPM_RSA  0x0001u
#define VERIFY_TPM_ECC  0x0023u
#define VERIFY_TPM_NULL 0x0010u

// TPMA_OBJECT.
#define VERIFY_TPM_FIXED_TPM       (1u << 1)
#define VERIFY_TPM_FIXED_PARENT    (1u << 4)
#define VERIFY_TPM_DATA_ORIGIN     (1u << 5) // sensitiveDataOrigin
#define VERIFY_TPM_USER_WITH_AUTH  (1u << 6)
#define VERIFY_TPM_ADMIN_WITH_AUTH (1u << 7)
#define VERIFY_TPM_RESTRICTED      (1u << 16)
#define VERIFY_TPM_DECRYPT         (1u << 17)
#define VERIFY_TPM_SIGN            (1u << 18) // sign, or encrypt

struct verify_tpm_public {
    struct rotor_bytes area; // the TPMT_PUBLIC itself
    uint16_t type;
    uint16_t name_hash; // TPM_ALG_ID
    uint32_t attributes;
    struct rotor_bytes policy;
    uint16_t symmetric; // VERIFY_TPM_NULL: none
    uint16_t symmetric_bits;
    uint16_t scheme; // VERIFY_TPM_NULL: any
    uint16_t scheme_hash;

    // RSA
    uint16_t rsa_bits;
    uint32_t exponent; // 65537 where the area says 0
    struct rotor_bytes modulus;
    // ECC
    uint16_t curve; // TPM_ECC_CURVE
    struct rotor_bytes x;
    struct rotor_bytes y;
};

// Takes a TPMT_PUBLIC, or a TPM2B_PUBLIC around one.
//
// ROTOR_MALFORMED  truncated, something behind it, or a kind of key that is
//                  neither RSA nor ECC.
ROTOR_CALL verify_tpm_public_decode(struct rotor_bytes bytes,
                                    struct verify_tpm_public *key);

// Name = nameAlg || H(TPMT_PUBLIC); at most 66 bytes.
#define VERIFY_TPM_NAME_MAX 66u
ROTOR_CALL verify_tpm_name(const struct verify_tpm_public *key,
                           struct rotor_room *name);

// The DER SubjectPublicKeyInfo of the key: one form to compare and to pin.
// RSA up to 4096 bits.
//
// ROTOR_MALFORMED  sizes do not fit the key's kind, or an unknown curve.
#define VERIFY_TPM_SPKI_MAX 560u
ROTOR_CALL verify_tpm_spki(const struct verify_tpm_public *key,
                           struct rotor_room *spki);

#endif
