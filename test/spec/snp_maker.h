// SPDX-License-Identifier: Apache-2.0
// Chains and reports like AMD's under keys of our own, made with libcrypto
// directly: the library under test has no part in them.
#ifndef ROTOR_TEST_SNP_MAKER_H
#define ROTOR_TEST_SNP_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "verify/snp.h"

#define MADE_TIME 1750000000 // all certificates are valid around it
#define MADE_CHIP 64u

// An extension of a leaf; `value` is what stands in its OCTET STRING.
struct made_extension {
    const char *oid;
    uint8_t value[72];
    size_t size;
    bool is_left_out;
    bool is_twice;
};

#define MADE_EXTENSIONS 12u

// What a leaf is made from.  made_leaf fills in what a product has.
struct made_leaf {
    const char *common_name;
    struct made_extension extensions[MADE_EXTENSIONS];
    size_t count;
};

struct made {
    EVP_PKEY *root_key;
    EVP_PKEY *issuer_key;
    EVP_PKEY *leaf_key;
    struct crypto_certificate root;
    struct crypto_certificate pool[2]; // leaf, issuer
    uint8_t report[VERIFY_SNP_REPORT_SIZE];
};

// Extensions of a VCEK or VLEK of `product`, over the TCB and chip that
// made_report_of writes.
struct made_leaf made_leaf_of(enum verify_snp_product product,
                              enum verify_snp_key key);

// The extension with that OID; aborts if there is none.
struct made_extension *made_find(struct made_leaf *leaf, const char *oid);

// ARK-x, SEV-x and the leaf; the report of that product, signed.
void made_open(struct made *made, enum verify_snp_product product,
               const struct made_leaf *leaf);
void made_close(struct made *made);

// Replaces the report by a good one of `version`, unsigned.
void made_report_of(struct made *made, enum verify_snp_product product,
                    uint32_t version);

// Signs the report as it stands.
void made_sign(struct made *made);

// Judges the report under the made root.
void made_judge(const struct made *made, struct verify_verdict *verdict);

#endif
