// SPDX-License-Identifier: Apache-2.0
// AMD SEV-SNP: an attestation report that a processor signed, under a
// certificate that names the chip (VCEK) or the cloud (VLEK), up to AMD's root
// of its product.
//
// Layout and every check by name: doc/PROTOCOL.evidence 2.  Sources: AMD 56860
// (firmware ABI), 57230 (certificates).
#ifndef ROTOR_VERIFY_SNP_H
#define ROTOR_VERIFY_SNP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "verify/verdict.h"

#define VERIFY_SNP_REPORT_SIZE 1184u // bytes, every version
#define VERIFY_SNP_SIGNED_SIZE 672u  // of them are signed
#define VERIFY_SNP_TCB_SIZE    8u    // bytes of a TCB_VERSION

// AMD's name of a kind of processor; the layout of the TCB hangs on it.
enum verify_snp_product {
    VERIFY_SNP_NO_PRODUCT = 0,
    VERIFY_SNP_MILAN,
    VERIFY_SNP_GENOA,
    VERIFY_SNP_TURIN,
    VERIFY_SNP_PRODUCTS,
};

// "Milan", "Genoa", "Turin", else "unknown".
const char *verify_snp_product_name(enum verify_snp_product product);

enum verify_snp_key {
    VERIFY_SNP_VCEK = 0,
    VERIFY_SNP_VLEK = 1,
    VERIFY_SNP_NO_KEY = 7, // the report is not signed
};

// Bits of the guest's policy.
#define VERIFY_SNP_POLICY_SMT           (UINT64_C(1) << 16)
#define VERIFY_SNP_POLICY_ONE           (UINT64_C(1) << 17) // always set
#define VERIFY_SNP_POLICY_MIGRATE       (UINT64_C(1) << 18)
#define VERIFY_SNP_POLICY_DEBUG         (UINT64_C(1) << 19)
#define VERIFY_SNP_POLICY_SINGLE_SOCKET (UINT64_C(1) << 20)
#define VERIFY_SNP_POLICY_LAST_BIT      25 // above: reserved

// A report as read.  Views are into the report; fields that its version does
// not have are 0.
struct verify_snp_report {
    uint32_t version; // 2..5
    uint32_t guest_svn;
    uint64_t policy;
    struct rotor_bytes family_id;
    struct rotor_bytes image_id;
    uint32_t vmpl;
    uint32_t algorithm; // 1: ECDSA on P-384 with SHA-384
    uint64_t platform;  // bits: 0 SMT, 1 TSME, 2 ECC, 5 aliases checked, ...
    bool has_author_key;
    bool is_chip_key_masked;
    uint32_t signing_key; // enum verify_snp_key
    struct rotor_bytes report_data;
    struct rotor_bytes measurement;
    struct rotor_bytes host_data;
    struct rotor_bytes id_key_digest;
    struct rotor_bytes author_key_digest;
    struct rotor_bytes report_id;
    struct rotor_bytes migration_report_id;
    uint8_t cpu_family; // from version 3 on
    uint8_t cpu_model;
    uint8_t cpu_stepping;
    struct rotor_bytes chip_id; // 64 bytes
    struct rotor_bytes current_tcb;
    struct rotor_bytes reported_tcb;
    struct rotor_bytes committed_tcb;
    struct rotor_bytes launch_tcb;
    uint8_t current_version[3]; // major, minor, build
    uint8_t committed_version[3];
    uint64_t launch_mitigations;  // from version 4 on
    uint64_t current_mitigations; // from version 4 on
    struct rotor_bytes signed_part;
    struct rotor_bytes signature; // 512 bytes
    bool is_reserved_zero;        // every byte that has no meaning is zero
};

// Reads the fields; judges nothing but that it can read them.
//
// ROTOR_MALFORMED  not 1184 bytes, or of a version that is not known here.
ROTOR_CALL verify_snp_read(struct rotor_bytes bytes,
                           struct verify_snp_report *report);

// What vouches for a report.  All parsed beforehand; at most 60 of each.
struct verify_snp_endorsements {
    // VCEK or VLEK, ASK or ASVK, ARK, of one or more products, in any order.
    // None of them is trusted, but for AMD's own roots (by the hash of their
    // keys).
    const struct crypto_certificate *certificates;
    size_t certificate_count;

    // Roots that the caller trusts besides.  Their common names end in the
    // product: ARK-Milan.
    const struct crypto_certificate *anchors;
    size_t anchor_count;

    const struct crypto_crl *crls; // those that are there are judged
    size_t crl_count;
};

// ---- what a host hands out with a report -----------------------------------

#define VERIFY_SNP_TABLE_MAX 16u // entries

// A table of certificates (AMD 56421, 4.1.8.1), as `auxblob` of configfs-tsm
// has it: views of what each entry holds, DER by rule.  Who put it there is not
// trusted: it is endorsements at most.
struct verify_snp_table {
    struct rotor_bytes entries[VERIFY_SNP_TABLE_MAX];
    size_t count;
};

// ROTOR_MALFORMED  no final entry, more entries, or one that is not inside.
ROTOR_CALL verify_snp_read_table(struct rotor_bytes bytes,
                                 struct verify_snp_table *table);

// ---- judging ---------------------------------------------------------------

// Is this one of AMD's roots (ARK): by the SHA-256 of its public key, and
// signed by it?
ROTOR_CALL verify_snp_is_root(const struct crypto_certificate *certificate,
                              enum verify_snp_product *product);

// Judges `report` and fills `verdict`.  Rows that only a policy can judge are
// NOT_ASKED and show what was seen: "debug", "migration agent", "smt", "vmpl",
// "guest svn", "host data", "launch tcb", "aliases checked".
//
// ROTOR_INVALID  more endorsements than are taken, or one that holds nothing.
ROTOR_CALL verify_snp(struct rotor_bytes report,
                      const struct verify_snp_endorsements *endorsements,
                      const struct verify_asked *asked,
                      struct verify_verdict *verdict);

// Judges a VCEK or VLEK alone: its chain, product and extensions.  For stores
// of endorsements.
ROTOR_CALL
verify_snp_certificate(const struct crypto_certificate *certificate,
                       const struct verify_snp_endorsements *endorsements,
                       int64_t now_s, struct verify_verdict *verdict);

#endif
