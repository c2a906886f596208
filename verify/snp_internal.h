// SPDX-License-Identifier: Apache-2.0
// Shared by the files behind verify/snp.h.
#ifndef ROTOR_VERIFY_SNP_INTERNAL_H
#define ROTOR_VERIFY_SNP_INTERNAL_H

#include "verify/snp.h"

bool verify_snp_is_all(struct rotor_bytes bytes, uint8_t value);

#define VERIFY_SNP_HALF     48u // bytes of r, s, x or y on P-384
#define VERIFY_SNP_HALF_AMD 72u // the same in AMD's form, little-endian

// Two numbers of AMD's, one behind the other, big-endian.  False if one is
// longer than the curve has bytes.
bool verify_snp_turn(const uint8_t *amd, uint8_t raw[2 * VERIFY_SNP_HALF]);

// Part of a TCB_VERSION: which byte of it, and which extension of the
// certificate says the same (last arc below 1.3.6.1.4.1.3704.1.3).
struct verify_snp_part {
    const char *check; // name of the row
    uint8_t at;
    uint8_t arc;
};

// The eight parts in the layout of `product`.
const struct verify_snp_part *verify_snp_parts(enum verify_snp_product product);

// What AMD wrote into a VCEK or VLEK.
struct verify_snp_leaf {
    enum verify_snp_key key; // by the common name; NO_KEY: neither
    enum verify_snp_product product;
    struct rotor_bytes chip_id;       // 64 bytes, Turin: 8; empty: none
    struct rotor_bytes csp_id;        // empty: none
    uint8_t tcb[VERIFY_SNP_TCB_SIZE]; // in the layout of the product
    bool is_whole; // every extension that its kind has is there and well formed
};

// What a verification knows besides the verdict.
struct verify_snp_judging {
    const struct verify_snp_endorsements *endorsements;
    int64_t now_s;
    struct verify_snp_report report;
    const struct crypto_certificate *certificate; // that was chosen
    struct verify_snp_leaf leaf;
    enum verify_snp_product root; // product of the root that the chain ends in
    struct verify_verdict *verdict;
};

// Reads the report and makes the checks that need nothing else.  False: it
// cannot be read, and the verdict says so.
bool verify_snp_check_form(struct verify_snp_judging *judging,
                           struct rotor_bytes bytes);

ROTOR_CALL verify_snp_read_leaf(const struct crypto_certificate *certificate,
                                struct verify_snp_leaf *leaf);

// The product that the subject's common name ends in: ARK-Milan.
ROTOR_CALL
verify_snp_product_of_issuer(const struct crypto_certificate *certificate,
                             enum verify_snp_product *product);

// Product of family and model as a report has them.
enum verify_snp_product verify_snp_product_of_cpu(uint8_t family,
                                                  uint8_t model);

#endif
