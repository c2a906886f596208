// SPDX-License-Identifier: Apache-2.0
#include "test/spec/dcap_pki.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/x509v3.h>

#include "test/spec.h"

EVP_PKEY *dcap_pki_key(enum dcap_key key)
{
    static EVP_PKEY *keys[DCAP_STRANGE + 1];
    if (keys[key] == NULL) {
        keys[key] = EVP_EC_gen(key == DCAP_STRANGE ? "secp256k1" : "P-256");
        assert_non_null(keys[key]);
    }
    return keys[key];
}

void dcap_pki_sign(enum dcap_key key, struct rotor_bytes message,
                   uint8_t signature[64])
{
    uint8_t der[80];
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL,
                                        dcap_pki_key(key)),
                     1);
    assert_int_equal(
        EVP_DigestSign(context, der, &size, message.data, message.size), 1);
    EVP_MD_CTX_free(context);
    const uint8_t *at = der;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)size);
    assert_non_null(parsed);
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + 32, 32);
    ECDSA_SIG_free(parsed);
}

void dcap_pki_public(enum dcap_key key, uint8_t point[64])
{
    uint8_t encoded[65];
    size_t size = 0;
    assert_int_equal(EVP_PKEY_get_octet_string_param(dcap_pki_key(key),
                                                     "encoded-pub-key", encoded,
                                                     sizeof encoded, &size),
                     1);
    if (encoded[0] != 0x04) { // some versions compress: take the coordinates
        BIGNUM *x = NULL;
        BIGNUM *y = NULL;
        EVP_PKEY_get_bn_param(dcap_pki_key(key), "qx", &x);
        EVP_PKEY_get_bn_param(dcap_pki_key(key), "qy", &y);
        BN_bn2binpad(x, point, 32);
        BN_bn2binpad(y, point + 32, 32);
        BN_free(x);
        BN_free(y);
        return;
    }
    memcpy(point, encoded + 1, 64);
}

static void set_name(X509_NAME *name, const char *common)
{
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               (const unsigned char *)common, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                               (const unsigned char *)"Tests", -1, -1, 0);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void add_platform(X509 *certificate, struct rotor_bytes value)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, value.data, (int)value.size);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
}

X509 *dcap_pki_issue(const struct dcap_issue *issue, const char *issuer,
                     enum dcap_key subject, struct rotor_bytes extension)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 100 + (long)subject);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)issue->begin_s);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)issue->end_s);
    X509_NAME *name = X509_NAME_new();
    set_name(name, issue->name);
    X509_set_subject_name(certificate, name);
    X509_NAME_free(name);
    name = X509_NAME_new();
    set_name(name, issuer);
    X509_set_issuer_name(certificate, name);
    X509_NAME_free(name);
    X509_set_pubkey(certificate, dcap_pki_key(subject));
    add_extension(certificate, NID_basic_constraints,
                  issue->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, NID_key_usage,
                  issue->is_ca ? "critical,keyCertSign,cRLSign"
                               : "critical,digitalSignature");
    if (extension.size != 0) {
        add_platform(certificate, extension);
    }
    assert_true(
        X509_sign(certificate, dcap_pki_key(issue->signer), EVP_sha256()) > 0);
    return certificate;
}

X509_CRL *dcap_pki_list(const char *issuer, enum dcap_key signer, int64_t end_s,
                        const X509 *revoked)
{
    X509_CRL *list = X509_CRL_new();
    X509_NAME *name = X509_NAME_new();
    set_name(name, issuer);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, name);
    X509_NAME_free(name);
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)DCAP_BEGIN);
    X509_CRL_set1_lastUpdate(list, time);
    ASN1_TIME_set(time, (time_t)end_s);
    X509_CRL_set1_nextUpdate(list, time);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME_set(time, (time_t)DCAP_BEGIN);
        X509_REVOKED_set_serialNumber(
            entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(revoked));
        X509_REVOKED_set_revocationDate(entry, time);
        X509_CRL_add0_revoked(list, entry);
    }
    ASN1_TIME_free(time);
    X509_CRL_sort(list);
    assert_true(X509_CRL_sign(list, dcap_pki_key(signer), EVP_sha256()) > 0);
    return list;
}

// ---- the extension ---------------------------------------------------------

struct der {
    uint8_t bytes[1024];
    size_t size;
};

static void put(struct der *out, uint8_t tag, const uint8_t *content,
                size_t size)
{
    out->bytes[out->size++] = tag;
    if (size >= 256) {
        out->bytes[out->size++] = 0x82;
        out->bytes[out->size++] = (uint8_t)(size >> 8);
    } else if (size >= 128) {
        out->bytes[out->size++] = 0x81;
    }
    out->bytes[out->size++] = (uint8_t)size;
    memcpy(out->bytes + out->size, content, size);
    out->size += size;
}

// SEQUENCE of an OID below Intel's and a value that is encoded already.
static void put_field(struct der *out, const uint8_t *arcs, size_t count,
                      const struct der *value)
{
    uint8_t oid[16] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
    struct der pair = {.size = 0};
    memcpy(oid + 9, arcs, count);
    put(&pair, 0x06, oid, 9 + count);
    memcpy(pair.bytes + pair.size, value->bytes, value->size);
    pair.size += value->size;
    put(out, 0x30, pair.bytes, pair.size);
}

static void put_octets(struct der *out, uint8_t arc, const uint8_t *bytes,
                       size_t size)
{
    struct der value = {.size = 0};
    put(&value, 0x04, bytes, size);
    put_field(out, &arc, 1, &value);
}

static void put_svn(struct der *out, uint8_t arc, uint32_t svn)
{
    uint8_t number[3] = {(uint8_t)(svn >> 16), (uint8_t)(svn >> 8),
                         (uint8_t)svn};
    size_t skip = 0;
    while (skip < 2 && number[skip] == 0 && number[skip + 1] < 0x80) {
        skip++;
    }
    struct der value = {.size = 0};
    put(&value, 0x02, number + skip, sizeof number - skip);
    put_field(out, (const uint8_t[]){2, arc}, 2, &value);
}

static void put_tcb(struct der *out, const struct dcap_plan *plan)
{
    struct der fields = {.size = 0};
    for (uint8_t i = 0; i < 16; i++) {
        put_svn(&fields, (uint8_t)(i + 1), plan->platform.components[i]);
    }
    put_svn(&fields, 17, plan->platform.pcesvn);
    struct der cpusvn = {.size = 0};
    put(&cpusvn, 0x04, plan->platform.cpusvn, 16);
    put_field(&fields, (const uint8_t[]){2, 18}, 2, &cpusvn);
    struct der value = {.size = 0};
    put(&value, 0x30, fields.bytes, fields.size);
    put_field(out, (const uint8_t[]){2}, 1, &value);
}

static void put_arc(struct der *out, unsigned arc, const struct dcap_plan *plan)
{
    const struct verify_dcap_platform *platform = &plan->platform;
    switch (arc) {
    case 1:
        put_octets(out, 1, platform->ppid, sizeof platform->ppid);
        break;
    case 2:
        put_tcb(out, plan);
        break;
    case 3:
        put_octets(out, 3, platform->pceid, sizeof platform->pceid);
        break;
    default:
        put_octets(out, 4, platform->fmspc, sizeof platform->fmspc);
        break;
    }
}

size_t dcap_pki_platform(const struct dcap_plan *plan, uint8_t *out)
{
    struct der fields = {.size = 0};
    for (unsigned arc = 1; arc <= 4; arc++) {
        for (unsigned i = 0; i < 1u + (arc == plan->doubled_arc); i++) {
            if (arc != plan->dropped_arc) {
                put_arc(&fields, arc, plan);
            }
        }
    }
    struct der whole = {.size = 0};
    put(&whole, 0x30, fields.bytes, fields.size);
    memcpy(out, whole.bytes, whole.size);
    return whole.size;
}
