// SPDX-License-Identifier: Apache-2.0
// A set of endorsements in the form that verifiers take, and the part of it
// that belongs to one vendor.  What is picked here is shown to a verifier, not
// trusted by it.
#ifndef ROTOR_ENDORSE_OPENED_H
#define ROTOR_ENDORSE_OPENED_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/status.h>

#include "crypto/x509.h"
#include "endorse/set.h"
#include "verify/dcap_collateral.h"

// On the heap.  The set outlives it.
struct endorse_opened {
    struct crypto_certificate *certificates;
    struct crypto_certificate_facts *facts; // of the certificates
    uint8_t (*keys)[32];                    // SHA-256 of their keys
    size_t certificate_count;
    struct crypto_crl *crls;
    struct crypto_crl_facts *crl_facts;
    size_t crl_count;
    // One of each platform and kind: current ones first, then the newest.
    struct verify_dcap_tcb_info *tcb_infos;
    size_t tcb_info_count;
    struct verify_dcap_qe_identity *qe_identities;
    size_t qe_identity_count;
    int64_t now_s;
};

// ROTOR_MALFORMED    a statement does not parse after all.
// ROTOR_PORT_FAILED  no memory, or the crypto library refused.
ROTOR_CALL endorse_open(const struct endorse_set *set, int64_t now_s,
                        struct endorse_opened *opened);
void endorse_opened_close(struct endorse_opened *opened);

// Certificates and lists below some roots.  Handles are the opened set's.
#define ENDORSE_FAMILY_MAX 64u
struct endorse_family {
    struct crypto_certificate certificates[ENDORSE_FAMILY_MAX];
    size_t certificate_count;
    struct crypto_certificate leaves[ENDORSE_FAMILY_MAX]; // have `leaf_oid`
    size_t leaf_count;
    struct crypto_crl crls[ENDORSE_FAMILY_MAX];
    size_t crl_count;
    int64_t oldest_s; // when the oldest of the lists was made; 0: there is none
};

struct endorse_lineage {
    const uint8_t (*keys)[32]; // SHA-256 of the keys of roots
    size_t key_count;
    const char *issuer;          // words in the issuer's name of a member
    struct rotor_bytes leaf_oid; // extension that leaves alone have
};

// What does not fit is left out.
void endorse_family_of(const struct endorse_opened *opened,
                       const struct endorse_lineage *lineage,
                       struct endorse_family *family);

#endif
