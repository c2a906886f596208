// SPDX-License-Identifier: Apache-2.0
// Quotes under a PKI of the tests' own, every field as a test wants it, made
// with OpenSSL alone.
#ifndef ROTOR_TEST_DCAP_MAKER_H
#define ROTOR_TEST_DCAP_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/x509.h"
#include "verify/dcap.h"
#include "verify/verdict.h"

#define DCAP_NOW   INT64_C(1750000000) // 2025-06-15
#define DCAP_DAY   INT64_C(86400)
#define DCAP_BEGIN (DCAP_NOW - 30 * DCAP_DAY)
#define DCAP_END   (DCAP_NOW + 30 * DCAP_DAY)

enum dcap_key {
    DCAP_ROOT,
    DCAP_CA,
    DCAP_PCK,
    DCAP_TCB,
    DCAP_QE,
    DCAP_OTHER,
    DCAP_STRANGE, // on a curve that the crypto port does not take
};

struct dcap_issue { // one certificate
    const char *name;
    bool is_ca;
    int64_t begin_s;
    int64_t end_s;
    enum dcap_key signer; // whose key signs it
};

struct dcap_plan {
    uint16_t version;
    uint16_t key_type;
    uint32_t tee_type;
    uint16_t body_type; // version 5
    uint8_t vendor[16];
    uint8_t body[VERIFY_DCAP_TD15_SIZE];
    size_t body_size;
    uint8_t qe_report[384];   // all but its report data
    uint8_t qe_data_flip[64]; // what is changed in that

    uint16_t certification_type;
    bool is_der;           // the chain in DER, root first
    unsigned chain_length; // certificates carried
    struct dcap_issue root, ca, pck, tcb;
    struct verify_dcap_platform platform;
    bool pck_is_strange, tcb_is_strange; // their keys
    bool has_no_extension;
    unsigned dropped_arc; // of the extension; 0: none
    unsigned doubled_arc;

    bool has_crls;
    bool has_no_ca_crl;
    bool pck_is_revoked;
    bool ca_is_revoked;
    int64_t crl_end_s;

    bool has_tcb_info, has_qe_identity;
    char tcb_info[8192]; // bodies of the statements
    char qe_identity[4096];
    enum dcap_key quote_signer, qe_signer, tcb_info_signer, qe_identity_signer;
};

// A good one, of SGX (version 3) or TDX (version 5, TD 1.5).
void dcap_plan_sgx(struct dcap_plan *plan);
void dcap_plan_tdx(struct dcap_plan *plan);

// Replaces the first `from` in `text` by `to`, not longer than it; aborts when
// there is none.
void dcap_replace(char *text, const char *from, const char *to);

struct dcap_made {
    uint8_t quote[16384];
    size_t size;
    char tcb_info[8192 + 256];
    char qe_identity[4096 + 256];
    struct crypto_certificate anchor;
    struct crypto_certificate certificates[2]; // CA, TCB signing
    struct crypto_certificate pck;
    struct crypto_crl crls[2];
    struct verify_dcap_tcb_info *info;
    struct verify_dcap_qe_identity *identity;
    struct verify_dcap_endorsements given;
};

void dcap_make(const struct dcap_plan *plan, struct dcap_made *made);
void dcap_unmake(struct dcap_made *made);

// Both in one; the verdict's views are into statics.
enum rotor_status dcap_judge_plan(const struct dcap_plan *plan,
                                  const struct verify_asked *asked,
                                  struct verify_verdict *verdict);

#endif
