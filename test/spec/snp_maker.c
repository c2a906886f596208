// SPDX-License-Identifier: Apache-2.0
#include "test/spec/snp_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"

#define AMD "1.3.6.1.4.1.3704.1."

static void must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "snp maker: %s\n", what);
        abort();
    }
}

// ---- extensions ------------------------------------------------------------

static void add(struct made_leaf *leaf, const char *oid, const void *value,
                size_t size)
{
    must(leaf->count < MADE_EXTENSIONS, "too many extensions");
    struct made_extension *extension = &leaf->extensions[leaf->count++];
    *extension = (struct made_extension){.oid = oid, .size = size};
    memcpy(extension->value, value, size);
}

static void add_number(struct made_leaf *leaf, const char *oid, uint8_t number)
{
    const uint8_t low[] = {0x02, 0x01, number};
    const uint8_t high[] = {0x02, 0x02, 0x00, number};
    if (number < 128) {
        add(leaf, oid, low, sizeof low);
    } else {
        add(leaf, oid, high, sizeof high);
    }
}

static void add_text(struct made_leaf *leaf, const char *oid, const char *text)
{
    uint8_t value[72] = {0x16, (uint8_t)strlen(text)};
    memcpy(value + 2, text, strlen(text));
    add(leaf, oid, value, 2 + strlen(text));
}

static void fill_chip(uint8_t chip[MADE_CHIP], enum verify_snp_product product)
{
    size_t size = product == VERIFY_SNP_TURIN ? 8 : MADE_CHIP;
    memset(chip, 0, MADE_CHIP);
    for (size_t i = 0; i < size; i++) {
        chip[i] = (uint8_t)(0x21 + 3 * i);
    }
}

// Reported TCB: FMC 1 (Turin), boot loader 4, TEE 2, SNP 24, microcode 217.
static void fill_tcb(uint8_t tcb[8], enum verify_snp_product product)
{
    static const uint8_t legacy[8] = {4, 2, 0, 0, 0, 0, 24, 217};
    static const uint8_t turin[8] = {1, 4, 2, 24, 0, 0, 0, 217};
    memcpy(tcb, product == VERIFY_SNP_TURIN ? turin : legacy, 8);
}

struct made_leaf made_leaf_of(enum verify_snp_product product,
                              enum verify_snp_key key)
{
    struct made_leaf leaf = {
        .common_name = key == VERIFY_SNP_VLEK ? "SEV-VLEK" : "SEV-VCEK"};
    uint8_t chip[MADE_CHIP];
    fill_chip(chip, product);
    add_text(&leaf, AMD "2",
             product == VERIFY_SNP_MILAN ? "Milan-B0"
                                         : verify_snp_product_name(product));
    add_number(&leaf, AMD "3.1", 4);
    add_number(&leaf, AMD "3.2", 2);
    add_number(&leaf, AMD "3.3", 24);
    add_number(&leaf, AMD "3.5", 0);
    add_number(&leaf, AMD "3.6", 0);
    add_number(&leaf, AMD "3.7", 0);
    add_number(&leaf, AMD "3.8", 217);
    if (product == VERIFY_SNP_TURIN) {
        add_number(&leaf, AMD "3.9", 1);
    } else {
        add_number(&leaf, AMD "3.4", 0);
    }
    if (key == VERIFY_SNP_VLEK) {
        add_text(&leaf, AMD "5", "CN=cc.example");
    } else {
        add(&leaf, AMD "4", chip, product == VERIFY_SNP_TURIN ? 8 : MADE_CHIP);
    }
    return leaf;
}

struct made_extension *made_find(struct made_leaf *leaf, const char *oid)
{
    for (size_t i = 0; i < leaf->count; i++) {
        if (strcmp(leaf->extensions[i].oid, oid) == 0) {
            return &leaf->extensions[i];
        }
    }
    must(false, oid);
    return NULL;
}

// ---- certificates ----------------------------------------------------------

static void set_name(X509_NAME *name, const char *common_name)
{
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    (const uint8_t *)common_name, -1, -1,
                                    0) == 1,
         "name");
}

static void add_extension(X509 *x509, const struct made_extension *extension)
{
    ASN1_OBJECT *object = OBJ_txt2obj(extension->oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    must(ASN1_OCTET_STRING_set(data, extension->value, (int)extension->size) ==
             1,
         "extension");
    X509_EXTENSION *made = X509_EXTENSION_create_by_OBJ(NULL, object, 0, data);
    for (int i = 0; i <= extension->is_twice; i++) {
        must(X509_add_ext(x509, made, -1) == 1, "extension");
    }
    X509_EXTENSION_free(made);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
}

static void make_ca(X509 *x509)
{
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(
        NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_add_ext(x509, basic, -1) == 1, "basic constraints");
    X509_EXTENSION_free(basic);
}

// `leaf` NULL: a CA.
static X509 *start(const char *subject, const char *issuer, EVP_PKEY *key,
                   const struct made_leaf *leaf)
{
    X509 *x509 = X509_new();
    must(X509_set_version(x509, 2) == 1 && X509_set_pubkey(x509, key) == 1,
         "certificate");
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
    ASN1_TIME_set(X509_getm_notBefore(x509), MADE_TIME - 1000);
    ASN1_TIME_set(X509_getm_notAfter(x509), MADE_TIME + 1000);
    set_name(X509_get_subject_name(x509), subject);
    set_name(X509_get_issuer_name(x509), issuer);
    if (leaf == NULL) {
        make_ca(x509);
        return x509;
    }
    for (size_t i = 0; i < leaf->count; i++) {
        if (!leaf->extensions[i].is_left_out) {
            add_extension(x509, &leaf->extensions[i]);
        }
    }
    return x509;
}

static struct crypto_certificate finish(X509 *x509, EVP_PKEY *by)
{
    struct crypto_certificate certificate = {0};
    uint8_t *der = NULL;
    must(X509_sign(x509, by, EVP_sha384()) != 0, "signature");
    int size = i2d_X509(x509, &der);
    must(crypto_certificate_open(&certificate, bytes_of(der, (size_t)size)) ==
             ROTOR_OK,
         "not read back");
    OPENSSL_free(der);
    X509_free(x509);
    return certificate;
}

// ---- reports ---------------------------------------------------------------

static void put_cpu(uint8_t *report, enum verify_snp_product product)
{
    static const uint8_t cpus[VERIFY_SNP_PRODUCTS][3] = {
        [VERIFY_SNP_MILAN] = {0x19, 0x01, 1},
        [VERIFY_SNP_GENOA] = {0x19, 0x11, 1},
        [VERIFY_SNP_TURIN] = {0x1a, 0x02, 1},
    };
    memcpy(report + 0x188, cpus[product], 3);
}

void made_report_of(struct made *made, enum verify_snp_product product,
                    uint32_t version)
{
    uint8_t *r = made->report;
    memset(r, 0, sizeof made->report);
    bytes_put_le32(r, version);
    bytes_put_le32(r + 0x004, 3);
    bytes_put_le64(r + 0x008, VERIFY_SNP_POLICY_ONE | VERIFY_SNP_POLICY_SMT);
    memset(r + 0x010, 0x10, 16);
    memset(r + 0x020, 0x20, 16);
    bytes_put_le32(r + 0x034, 1);
    memset(r + 0x050, 0x50, 64);
    memset(r + 0x090, 0x90, 48);
    memset(r + 0x0c0, 0xc0, 32);
    memset(r + 0x0e0, 0xe0, 48);
    memset(r + 0x140, 0x40, 32);
    memset(r + 0x160, 0xff, 32);
    fill_tcb(r + 0x038, product);
    fill_tcb(r + 0x180, product);
    fill_tcb(r + 0x1e0, product);
    fill_tcb(r + 0x1f0, product);
    fill_chip(r + 0x1a0, product);
    memcpy(r + 0x1e8, (const uint8_t[]){29, 55, 1, 0, 29, 55, 1, 0}, 8);
    if (version >= 3) {
        put_cpu(r, product);
    }
    if (version >= 4) {
        bytes_put_le64(r + 0x1f8, 5);
        bytes_put_le64(r + 0x200, 7);
    }
}

static void put_half(uint8_t *amd, const BIGNUM *number)
{
    must(BN_bn2lebinpad(number, amd, 72) == 72, "half of a signature");
}

void made_sign(struct made *made)
{
    uint8_t der[160];
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL,
                            made->leaf_key) == 1 &&
             EVP_DigestSign(context, der, &size, made->report,
                            VERIFY_SNP_SIGNED_SIZE) == 1,
         "report signature");
    EVP_MD_CTX_free(context);
    const uint8_t *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
    memset(made->report + VERIFY_SNP_SIGNED_SIZE, 0,
           VERIFY_SNP_REPORT_SIZE - VERIFY_SNP_SIGNED_SIZE);
    put_half(made->report + VERIFY_SNP_SIGNED_SIZE, ECDSA_SIG_get0_r(pair));
    put_half(made->report + VERIFY_SNP_SIGNED_SIZE + 72,
             ECDSA_SIG_get0_s(pair));
    ECDSA_SIG_free(pair);
}

// ---- the whole -------------------------------------------------------------

void made_open(struct made *made, enum verify_snp_product product,
               const struct made_leaf *leaf)
{
    char root[32];
    char issuer[32];
    bool is_vlek = strcmp(leaf->common_name, "SEV-VLEK") == 0;
    snprintf(root, sizeof root, "ARK-%s", verify_snp_product_name(product));
    snprintf(issuer, sizeof issuer, "SEV-%s%s", is_vlek ? "VLEK-" : "",
             verify_snp_product_name(product));
    *made = (struct made){.root_key = EVP_EC_gen("P-384"),
                          .issuer_key = EVP_EC_gen("P-384"),
                          .leaf_key = EVP_EC_gen("P-384")};
    made->root =
        finish(start(root, root, made->root_key, NULL), made->root_key);
    made->pool[0] =
        finish(start(leaf->common_name, issuer, made->leaf_key, leaf),
               made->issuer_key);
    made->pool[1] =
        finish(start(issuer, root, made->issuer_key, NULL), made->root_key);
    made_report_of(made, product, 3);
    made->report[0x048] = is_vlek ? VERIFY_SNP_VLEK << 2 : 0;
    made_sign(made);
}

void made_close(struct made *made)
{
    crypto_certificate_close(&made->root);
    crypto_certificate_close(&made->pool[0]);
    crypto_certificate_close(&made->pool[1]);
    EVP_PKEY_free(made->root_key);
    EVP_PKEY_free(made->issuer_key);
    EVP_PKEY_free(made->leaf_key);
}

void made_judge(const struct made *made, struct verify_verdict *verdict)
{
    const struct verify_snp_endorsements endorsements = {
        .certificates = made->pool,
        .certificate_count = 2,
        .anchors = &made->root,
        .anchor_count = 1,
    };
    const struct verify_asked asked = {.now_s = MADE_TIME};
    must(verify_snp(BYTES_OF(made->report), &endorsements, &asked, verdict) ==
             ROTOR_OK,
         "not judged");
}
