// SPDX-License-Identifier: Apache-2.0
#include "test/spec/tpm_maker.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "test/spec.h"

const uint32_t MADE_AK_ATTRIBUTES = 0x00050072;
const uint32_t MADE_EK_ATTRIBUTES = 0x000300b2;

void made_add(struct made_bytes *to, const void *bytes, size_t size)
{
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

void made_be16(struct made_bytes *to, uint16_t value)
{
    uint8_t bytes[2];
    bytes_put_be16(bytes, value);
    made_add(to, bytes, sizeof bytes);
}

void made_be32(struct made_bytes *to, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_be32(bytes, value);
    made_add(to, bytes, sizeof bytes);
}

void made_be64(struct made_bytes *to, uint64_t value)
{
    uint8_t bytes[8];
    bytes_put_be64(bytes, value);
    made_add(to, bytes, sizeof bytes);
}

static void add_sized(struct made_bytes *to, const void *bytes, size_t size)
{
    made_be16(to, (uint16_t)size);
    made_add(to, bytes, size);
}

// ---- quotes ----------------------------------------------------------------

void made_values(struct verify_pcrs *pcrs)
{
    memset(pcrs, 0, sizeof *pcrs);
    pcrs->bank_count = 1;
    pcrs->banks[0].algorithm = VERIFY_TPM_SHA256;
    pcrs->banks[0].size = 32;
    pcrs->banks[0].known = 1u << 0 | 1u << 4;
    memset(pcrs->banks[0].values[0], 0xa0, 32);
    memset(pcrs->banks[0].values[4], 0xa4, 32);
}

struct made_quote made_quote(void)
{
    uint8_t values[64];
    struct made_quote quote = {
        .magic = 0xff544347,
        .type = 0x8018,
        .reset_count = 7,
        .restart_count = 2,
        .safe = 1,
        .firmware = 0x2024010100000003,
        .registers = 1u << 0 | 1u << 4,
    };
    memset(quote.extra_data, 0x5e, sizeof quote.extra_data);
    memset(values, 0xa0, 32);
    memset(values + 32, 0xa4, 32);
    assert_int_equal(EVP_Digest(values, sizeof values, quote.pcr_digest, NULL,
                                EVP_sha256(), NULL),
                     1);
    return quote;
}

void made_attest(const struct made_quote *quote, struct made_bytes *attest)
{
    static const uint8_t signer[34] = {0, 0x0b, 1};
    uint8_t bitmap[3] = {(uint8_t)quote->registers,
                         (uint8_t)(quote->registers >> 8),
                         (uint8_t)(quote->registers >> 16)};
    attest->size = 0;
    made_be32(attest, quote->magic);
    made_be16(attest, quote->type);
    add_sized(attest, signer, sizeof signer);
    add_sized(attest, quote->extra_data, sizeof quote->extra_data);
    made_be64(attest, 123456);
    made_be32(attest, quote->reset_count);
    made_be32(attest, quote->restart_count);
    made_add(attest, &quote->safe, 1);
    made_be64(attest, quote->firmware);
    made_be32(attest, 1);
    made_be16(attest, VERIFY_TPM_SHA256);
    made_add(attest, "\x03", 1);
    made_add(attest, bitmap, sizeof bitmap);
    add_sized(attest, quote->pcr_digest, sizeof quote->pcr_digest);
}

// ---- keys ------------------------------------------------------------------

EVP_PKEY *made_rsa(void)
{
    static EVP_PKEY *key;
    if (key == NULL) {
        key = EVP_RSA_gen(2048);
    }
    assert_non_null(key);
    return key;
}

EVP_PKEY *made_ec(const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    assert_non_null(key);
    return key;
}

static void add_number(EVP_PKEY *key, const char *name, struct made_bytes *out)
{
    BIGNUM *number = NULL;
    uint8_t bytes[512];
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    int size = BN_bn2bin(number, bytes);
    assert_true(size > 0);
    add_sized(out, bytes, (size_t)size);
    BN_free(number);
}

static uint16_t curve_of(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_bits(key)) {
    case 256:
        return 3;
    case 384:
        return 4;
    default:
        return 5;
    }
}

void made_public(EVP_PKEY *key, const struct made_area *area,
                 struct made_bytes *out)
{
    bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    bool is_storage = (area->attributes & VERIFY_TPM_DECRYPT) != 0;
    out->size = 0;
    made_be16(out, is_rsa ? 0x0001 : 0x0023);
    made_be16(out, VERIFY_TPM_SHA256);
    made_be32(out, area->attributes);
    made_be16(out, 0); // no policy
    made_be16(out, is_storage ? 0x0006 : VERIFY_TPM_NULL);
    if (is_storage) {
        made_be16(out, 128);
        made_be16(out, 0x0043); // CFB
    }
    made_be16(out, area->scheme);
    if (area->scheme != VERIFY_TPM_NULL) {
        made_be16(out, area->hash);
    }
    if (is_rsa) {
        made_be16(out, 2048);
        made_be32(out, 0);
        add_number(key, OSSL_PKEY_PARAM_RSA_N, out);
        return;
    }
    made_be16(out, curve_of(key));
    made_be16(out, VERIFY_TPM_NULL);
    add_number(key, OSSL_PKEY_PARAM_EC_PUB_X, out);
    add_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, out);
}

void made_spki(EVP_PKEY *key, struct made_bytes *out)
{
    uint8_t *at = out->bytes;
    int size = i2d_PUBKEY(key, NULL);
    assert_in_range(size, 1, sizeof out->bytes);
    out->size = (size_t)i2d_PUBKEY(key, &at);
}

static const EVP_MD *md_of(uint16_t hash)
{
    switch (hash) {
    case VERIFY_TPM_SHA1:
        return EVP_sha1();
    case VERIFY_TPM_SHA384:
        return EVP_sha384();
    case VERIFY_TPM_SHA512:
        return EVP_sha512();
    default:
        return EVP_sha256();
    }
}

static void add_ecdsa(const uint8_t *der, size_t size, struct made_bytes *out)
{
    uint8_t number[80];
    ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &der, (long)size);
    assert_non_null(both);
    int r = BN_bn2bin(ECDSA_SIG_get0_r(both), number);
    add_sized(out, number, (size_t)r);
    int s = BN_bn2bin(ECDSA_SIG_get0_s(both), number);
    add_sized(out, number, (size_t)s);
    ECDSA_SIG_free(both);
}

void made_signature(EVP_PKEY *key, const struct made_scheme *scheme,
                    struct rotor_bytes message, struct made_bytes *out)
{
    uint8_t signature[1024];
    size_t size = sizeof signature;
    EVP_PKEY_CTX *settings = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(
        EVP_DigestSignInit(context, &settings, md_of(scheme->hash), NULL, key),
        1);
    if (scheme->scheme == VERIFY_TPM_RSAPSS) {
        EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, scheme->salt);
    }
    assert_int_equal(
        EVP_DigestSign(context, signature, &size, message.data, message.size),
        1);
    EVP_MD_CTX_free(context);
    out->size = 0;
    made_be16(out, scheme->scheme);
    made_be16(out, scheme->hash);
    if (scheme->scheme == VERIFY_TPM_ECDSA) {
        add_ecdsa(signature, size, out);
    } else {
        add_sized(out, signature, size);
    }
}

// ---- certificates ----------------------------------------------------------

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509_NAME *name_of(const char *common)
{
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const uint8_t *)common, -1, -1,
                                                0),
                     1);
    return name;
}

void made_certificate(EVP_PKEY *key, EVP_PKEY *issuer_key,
                      const struct made_names *names, struct made_bytes *out)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = name_of(names->subject);
    X509_NAME *issuer = name_of(names->issuer);
    uint8_t *at = out->bytes;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 17);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, issuer);
    ASN1_TIME_set(X509_getm_notBefore(certificate), 1700000000);
    ASN1_TIME_set(X509_getm_notAfter(certificate), 1900000000);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_basic_constraints,
                  names->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (names->usage != NULL) {
        add_extension(certificate, NID_ext_key_usage, names->usage);
    }
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    int size = i2d_X509(certificate, NULL);
    assert_in_range(size, 1, sizeof out->bytes);
    out->size = (size_t)i2d_X509(certificate, &at);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    X509_free(certificate);
}
