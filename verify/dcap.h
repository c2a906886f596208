// SPDX-License-Identifier: Apache-2.0
// Quotes of Intel's DCAP: what SGX (verify/sgx.h) and TDX (verify/tdx.h) share.
//
//     quote = header  body  signature over both by an attestation key
//     attestation key <- report of the quoting enclave <- PCK <- Intel's root
//
// Versions 3, 4 and 5, ECDSA on P-256.  doc/PROTOCOL.dcap
#ifndef ROTOR_VERIFY_DCAP_H
#define ROTOR_VERIFY_DCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "verify/dcap_collateral.h"
#include "verify/dcap_platform.h"
#include "verify/verdict.h"

#define VERIFY_DCAP_QUOTE_MAX     (1u << 17) // bytes
#define VERIFY_DCAP_CHAIN_MAX     12288u     // bytes of certificates in a quote
#define VERIFY_DCAP_CHAIN_LENGTH  4u         // certificates in a quote
#define VERIFY_DCAP_GIVEN_MAX     24u        // certificates beside it
#define VERIFY_DCAP_SGX_BODY_SIZE 384u
#define VERIFY_DCAP_TD10_SIZE     584u
#define VERIFY_DCAP_TD15_SIZE     648u

// Numbers of the body descriptor of version 5.
enum verify_dcap_body {
    VERIFY_DCAP_BODY_NONE = 0,
    VERIFY_DCAP_BODY_SGX = 1,
    VERIFY_DCAP_BODY_TD10 = 2,
    VERIFY_DCAP_BODY_TD15 = 3,
};

// Certification data: what leads from the quoting enclave to a PCK.
enum verify_dcap_certification {
    VERIFY_DCAP_PPID_PLAIN = 1, // 1 to 3 name the platform
    VERIFY_DCAP_PPID_RSA2048 = 2,
    VERIFY_DCAP_PPID_RSA3072 = 3,
    VERIFY_DCAP_PCK_LEAF = 4,
    VERIFY_DCAP_PCK_CHAIN = 5,
    VERIFY_DCAP_QE_REPORT = 6, // container of version 4 and 5
};

// Views into the quote.  None of it is verified by reading.
struct verify_dcap_quote {
    uint16_t version;
    uint16_t key_type; // 2: ECDSA on P-256
    uint32_t tee_type; // 0: SGX, 0x81: TDX
    struct rotor_bytes vendor;
    struct rotor_bytes signed_part; // header and body
    enum verify_dcap_body kind;
    struct rotor_bytes body;
    struct rotor_bytes signature; // r || s
    struct rotor_bytes key;       // x || y of the attestation key
    struct rotor_bytes qe_report;
    struct rotor_bytes qe_signature;
    struct rotor_bytes qe_authentication;
    uint16_t certification_type; // innermost
    struct rotor_bytes certification;
};

// Is it a quote by its first bytes: VERIFY_BACKEND_SGX, _TDX or _NONE.
enum verify_backend verify_dcap_backend(struct rotor_bytes bytes);

// Zeros may follow a quote: drivers hand out buffers of a fixed size.
//
// ROTOR_MALFORMED  not a quote; *why is a sentence.
ROTOR_CALL verify_dcap_read(struct rotor_bytes bytes,
                            struct verify_dcap_quote *quote, const char **why);

// SHA-256 of a root's SubjectPublicKeyInfo.
struct verify_dcap_root {
    uint8_t key_sha256[32];
};
extern const struct verify_dcap_root verify_dcap_intel_root;

// What the caller gives beside the quote.  Nothing here is trusted but the
// anchors, if any; without them a certificate that holds the key of Intel's
// root, out of the quote or of `certificates`, is the anchor.
struct verify_dcap_endorsements {
    const struct crypto_certificate *anchors;
    size_t anchor_count;
    // TCB signing, CAs; at most VERIFY_DCAP_GIVEN_MAX.
    const struct crypto_certificate *certificates;
    size_t certificate_count;
    const struct crypto_certificate *pck; // for a quote that carries none
    // None: revocation is not asked.  Any: every issuer needs a current one.
    const struct crypto_crl *crls;
    size_t crl_count;
    // None for this platform: the TCB is not judged, its word is "unknown".
    const struct verify_dcap_tcb_info *tcb_infos;
    size_t tcb_info_count;
    // None of this kind: under Intel's root the enclave must be Intel's own by
    // the constants known here; under another root nothing is asked of it.
    const struct verify_dcap_qe_identity *qe_identities;
    size_t qe_identity_count;
};

// Room that rows of a verdict point into: outlives the verdict.
struct verify_dcap_work {
    struct verify_dcap_quote quote;
    uint8_t chain[VERIFY_DCAP_CHAIN_MAX];
    struct verify_dcap_platform platform; // of the PCK, once it is verified
    uint8_t root_key_sha256[32];
    uint8_t key_hash[32];
    uint8_t tcb[VERIFY_DCAP_COMPONENTS * 2 + 2];
    uint8_t masked[3][16];
    const struct verify_dcap_tcb_info *tcb_info; // NULL: not judged
    uint32_t tcb_status;                         // VERIFY_DCAP_TCB bits
};

// Judges a signed statement by itself, as an import does: signer, signature,
// dates.  Begins no verdict and concludes none.
//
// ROTOR_INVALID  more certificates than VERIFY_DCAP_GIVEN_MAX.
ROTOR_CALL verify_dcap_judge_statement(
    struct verify_verdict *verdict, const struct verify_dcap_statement *said,
    const struct verify_dcap_endorsements *endorsements, int64_t now_s);

#endif
