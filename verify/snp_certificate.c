// SPDX-License-Identifier: Apache-2.0
// What AMD writes into its certificates: AMD 57230, section 3.
#include "verify/snp_internal.h"

#include <string.h>

#include "base/bytes.h"

#define NAME_MAX_SIZE 64u // bytes of a common name
#define CHIP_SIZE     64u // bytes
#define CHIP_TURIN    8u  // bytes

// 1.3.6.1.4.1.3704.1
#define AMD 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01

static const uint8_t oid_product[] = {AMD, 2};
static const uint8_t oid_chip[] = {AMD, 4};
static const uint8_t oid_csp[] = {AMD, 5};

// SHA-256 of the SubjectPublicKeyInfo of ARK-Milan, ARK-Genoa and ARK-Turin.
static const struct {
    enum verify_snp_product product;
    uint8_t key[32];
} roots[] = {
    {VERIFY_SNP_MILAN,
     {0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5,
      0xff, 0xa8, 0x95, 0xbd, 0xfb, 0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b,
      0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9}},
    {VERIFY_SNP_GENOA,
     {0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d,
      0xb5, 0xfc, 0xda, 0x9c, 0x64, 0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a,
      0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31}},
    {VERIFY_SNP_TURIN,
     {0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56,
      0xf9, 0x24, 0x3f, 0x6f, 0xe0, 0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03,
      0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08}},
};

// ---- products --------------------------------------------------------------

static const struct {
    struct rotor_bytes name;
    const char *text;
} products[VERIFY_SNP_PRODUCTS] = {
    [VERIFY_SNP_NO_PRODUCT] = {{(const uint8_t *)"", 0},      "unknown"},
    [VERIFY_SNP_MILAN] = {{(const uint8_t *)"Milan", 5}, "Milan"  },
    [VERIFY_SNP_GENOA] = {{(const uint8_t *)"Genoa", 5}, "Genoa"  },
    [VERIFY_SNP_TURIN] = {{(const uint8_t *)"Turin", 5}, "Turin"  },
};

const char *verify_snp_product_name(enum verify_snp_product product)
{
    return (unsigned)product < VERIFY_SNP_PRODUCTS ? products[product].text
                                                   : "unknown";
}

static enum verify_snp_product product_named(struct rotor_bytes name)
{
    for (size_t i = VERIFY_SNP_MILAN; i < VERIFY_SNP_PRODUCTS; i++) {
        if (bytes_equal(name, products[i].name)) {
            return (enum verify_snp_product)i;
        }
    }
    return VERIFY_SNP_NO_PRODUCT;
}

enum verify_snp_product verify_snp_product_of_cpu(uint8_t family, uint8_t model)
{
    if (family == 0x19 && model <= 0x0f) {
        return VERIFY_SNP_MILAN;
    }
    if (family == 0x19 && ((model >= 0x10 && model <= 0x1f) ||
                           (model >= 0xa0 && model <= 0xaf))) {
        return VERIFY_SNP_GENOA;
    }
    if (family == 0x1a && model <= 0x1f) {
        return VERIFY_SNP_TURIN;
    }
    return VERIFY_SNP_NO_PRODUCT;
}

enum rotor_status
verify_snp_product_of_issuer(const struct crypto_certificate *certificate,
                             enum verify_snp_product *product)
{
    uint8_t memory[NAME_MAX_SIZE];
    struct rotor_room name = ROOM_OF(memory);
    *product = VERIFY_SNP_NO_PRODUCT;
    enum rotor_status status =
        crypto_certificate_common_name(certificate, &name);
    if (status == ROTOR_TOO_SMALL || status == ROTOR_MALFORMED) {
        return ROTOR_OK; // no name of AMD's
    }
    if (status != ROTOR_OK) {
        return status;
    }
    size_t at = name.used;
    while (at > 0 && memory[at - 1] != '-') {
        at--;
    }
    if (at > 0) {
        *product = product_named(bytes_of(memory + at, name.used - at));
    }
    return ROTOR_OK;
}

enum rotor_status
verify_snp_is_root(const struct crypto_certificate *certificate,
                   enum verify_snp_product *product)
{
    struct crypto_certificate_facts facts;
    uint8_t digest[CRYPTO_HASH_MAX];
    *product = VERIFY_SNP_NO_PRODUCT;
    TRY(crypto_certificate_facts(certificate, &facts));
    TRY(crypto_hash(CRYPTO_SHA256, &facts.spki, 1, digest));
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        if (memcmp(digest, roots[i].key, sizeof roots[i].key) == 0) {
            bool is_root = false;
            TRY(crypto_certificate_signs_itself(certificate, &is_root));
            *product = is_root ? roots[i].product : VERIFY_SNP_NO_PRODUCT;
        }
    }
    return ROTOR_OK;
}

// ---- parts of the TCB ------------------------------------------------------

const struct verify_snp_part *verify_snp_parts(enum verify_snp_product product)
{
    static const struct verify_snp_part legacy[VERIFY_SNP_TCB_SIZE] = {
        {"tcb boot loader", 0, 1},
        {"tcb tee",         1, 2},
        {"tcb byte 2",      2, 4},
        {"tcb byte 3",      3, 5},
        {"tcb byte 4",      4, 6},
        {"tcb byte 5",      5, 7},
        {"tcb snp",         6, 3},
        {"tcb microcode",   7, 8},
    };
    static const struct verify_snp_part turin[VERIFY_SNP_TCB_SIZE] = {
        {"tcb fmc",         0, 9},
        {"tcb boot loader", 1, 1},
        {"tcb tee",         2, 2},
        {"tcb snp",         3, 3},
        {"tcb byte 4",      4, 5},
        {"tcb byte 5",      5, 6},
        {"tcb byte 6",      6, 7},
        {"tcb microcode",   7, 8},
    };
    return product == VERIFY_SNP_TURIN ? turin : legacy;
}

// ---- extensions ------------------------------------------------------------

// The content of `der`, if it is one whole value of `tag` below 128 bytes.
static bool take(struct rotor_bytes der, uint8_t tag,
                 struct rotor_bytes *content)
{
    if (der.size < 2 || der.data[0] != tag || der.data[1] > 127 ||
        der.size != 2u + der.data[1]) {
        return false;
    }
    *content = bytes_of(der.data + 2, der.data[1]);
    return true;
}

// An INTEGER of 0..255 in its shortest form.
static bool take_number(struct rotor_bytes der, uint8_t *number)
{
    struct rotor_bytes content;
    if (!take(der, 0x02, &content) || content.size < 1 || content.size > 2) {
        return false;
    }
    const uint8_t *n = content.data;
    if (content.size == 2 && (n[0] != 0 || n[1] < 128)) {
        return false;
    }
    if (content.size == 1 && n[0] > 127) {
        return false;
    }
    *number = n[content.size - 1];
    return true;
}

// "Milan-B0" in an IA5String: product and stepping.
static enum verify_snp_product product_in(struct rotor_bytes der)
{
    struct rotor_bytes name = {0};
    if (!take(der, 0x16, &name)) {
        return VERIFY_SNP_NO_PRODUCT;
    }
    size_t size = 0;
    while (size < name.size && name.data[size] != '-') {
        size++;
    }
    return product_named(bytes_of(name.data, size));
}

// Bare, or in an OCTET STRING of its own.
static struct rotor_bytes chip_in(struct rotor_bytes value, size_t size)
{
    struct rotor_bytes content = {0};
    if (value.size == size) {
        return value;
    }
    if (take(value, 0x04, &content) && content.size == size) {
        return content;
    }
    return (struct rotor_bytes){0};
}

static enum rotor_status read_key(const struct crypto_certificate *certificate,
                                  enum verify_snp_key *key)
{
    uint8_t memory[NAME_MAX_SIZE];
    struct rotor_room name = ROOM_OF(memory);
    *key = VERIFY_SNP_NO_KEY;
    enum rotor_status status =
        crypto_certificate_common_name(certificate, &name);
    if (status == ROTOR_INVALID || status == ROTOR_PORT_FAILED) {
        return status;
    }
    if (bytes_equal(bytes_in(&name), LABEL("SEV-VCEK"))) {
        *key = VERIFY_SNP_VCEK;
    } else if (bytes_equal(bytes_in(&name), LABEL("SEV-VLEK"))) {
        *key = VERIFY_SNP_VLEK;
    }
    return ROTOR_OK;
}

// An extension that is there twice reads as none.
static enum rotor_status extension(const struct crypto_certificate *certificate,
                                   struct rotor_bytes oid,
                                   struct rotor_bytes *value)
{
    enum rotor_status status =
        crypto_certificate_extension(certificate, oid, value);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status read_tcb(const struct crypto_certificate *certificate,
                                  struct verify_snp_leaf *leaf)
{
    const struct verify_snp_part *parts = verify_snp_parts(leaf->product);
    for (size_t i = 0; i < VERIFY_SNP_TCB_SIZE; i++) {
        const uint8_t oid[] = {AMD, 3, parts[i].arc};
        struct rotor_bytes value;
        TRY(extension(certificate, BYTES_OF(oid), &value));
        leaf->is_whole &= take_number(value, &leaf->tcb[parts[i].at]);
    }
    return ROTOR_OK;
}

enum rotor_status
verify_snp_read_leaf(const struct crypto_certificate *certificate,
                     struct verify_snp_leaf *leaf)
{
    struct rotor_bytes product;
    struct rotor_bytes chip;
    struct rotor_bytes csp;
    *leaf = (struct verify_snp_leaf){.is_whole = true};
    TRY(read_key(certificate, &leaf->key));
    TRY(extension(certificate, BYTES_OF(oid_product), &product));
    TRY(extension(certificate, BYTES_OF(oid_chip), &chip));
    TRY(extension(certificate, BYTES_OF(oid_csp), &csp));
    leaf->product = product_in(product);
    leaf->chip_id = chip_in(
        chip, leaf->product == VERIFY_SNP_TURIN ? CHIP_TURIN : CHIP_SIZE);
    bool has_csp = take(csp, 0x16, &leaf->csp_id) && leaf->csp_id.size > 0;
    bool has_chip = leaf->chip_id.size > 0;
    // A VCEK names a chip and no cloud, a VLEK a cloud and no chip.
    leaf->is_whole = leaf->key == VERIFY_SNP_VCEK ? has_chip && csp.size == 0
                                                  : has_csp && chip.size == 0;
    return read_tcb(certificate, leaf);
}
