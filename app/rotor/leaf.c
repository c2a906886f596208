// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/leaf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"

#define EXTENSION_OID "2.25.286794558252753056219971000905177214134"
#define BINDING_LABEL "rotor1 x509"
#define COMMON_NAME   "rotor leaf"
#define VALID_S       86400L
#define CLOCK_SKEW_S  300L
#define SERIAL_SIZE   16 // bytes
#define KEY_FILE_MAX  16384u

// ---- names and bindings ----------------------------------------------------

void leaf_uri(const struct wire_digest *log_id, char uri[128])
{
    struct rotor_bytes bytes = wire_digest_bytes(log_id);
    char text[4 * (WIRE_DIGEST_MAX / 3 + 1) + 1];
    int size =
        EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.size);
    for (int i = 0; i < size; i++) { // base64url, no padding
        text[i] = (char)(text[i] == '+'   ? '-'
                         : text[i] == '/' ? '_'
                         : text[i] == '=' ? 0
                                          : text[i]);
    }
    snprintf(uri, 128, "ni:///%s;%s",
             log_id->alg == CRYPTO_SHA384 ? "sha-384" : "sha-256", text);
}

static enum rotor_status bind_key(EVP_PKEY *key,
                                  uint8_t binding[LEAF_BINDING_SIZE])
{
    unsigned char *spki = NULL;
    int size = i2d_PUBKEY(key, &spki);
    struct wire_digest digest;
    struct rotor_bytes part = {spki, size > 0 ? (size_t)size : 0};
    enum rotor_status status =
        size > 0 ? wire_digest_make(&digest, CRYPTO_SHA256,
                                    LABEL(BINDING_LABEL), &part, 1)
                 : ROTOR_PORT_FAILED;
    OPENSSL_free(spki);
    if (status == ROTOR_OK) {
        memcpy(binding, digest.bytes, LEAF_BINDING_SIZE);
    }
    return status;
}

// Nobody is asked for a passphrase.
static int no_passphrase(char *text, int capacity, int is_writing,
                         void *context)
{
    (void)text;
    (void)capacity;
    (void)is_writing;
    (void)context;
    return -1;
}

bool leaf_open(const struct run *run, const char *path, struct leaf *leaf,
               int *code)
{
    struct rotor_bytes file;
    *leaf = (struct leaf){0};
    if (!read_file(run, path, KEY_FILE_MAX, &file, code)) {
        return false;
    }
    BIO *bio = BIO_new_mem_buf(file.data, (int)file.size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    OPENSSL_cleanse((void *)(uintptr_t)file.data, file.size);
    free((void *)(uintptr_t)file.data);
    leaf->key = key;
    if (key == NULL || bind_key(key, leaf->binding) != ROTOR_OK) {
        leaf_close(leaf);
        *code = fail(run, CAUSE_UNPARSABLE,
                     "openssl genpkey -algorithm EC -pkeyopt "
                     "ec_paramgen_curve:P-256 -out leaf.key",
                     "%s: not a private key in PEM", path);
        return false;
    }
    return true;
}

void leaf_close(struct leaf *leaf)
{
    EVP_PKEY_free(leaf->key);
    *leaf = (struct leaf){0};
}

// ---- make ------------------------------------------------------------------

static bool put_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_SIZE];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (uint8_t)((bytes[0] & 0x7fu) | 0x40u); // positive, full length
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool is_put =
        number != NULL &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_put;
}

static bool put_standard(X509 *certificate, int nid, const char *text)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, text);
    bool is_put =
        extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_put;
}

// The bundle as an OCTET STRING inside the extension's own.
static bool put_bundle(X509 *certificate, struct rotor_bytes bundle)
{
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *oid = OBJ_txt2obj(EXTENSION_OID, 1);
    unsigned char *der = NULL;
    X509_EXTENSION *extension = NULL;
    bool is_put = false;
    if (inner != NULL && outer != NULL && oid != NULL &&
        ASN1_OCTET_STRING_set(inner, bundle.data, (int)bundle.size) == 1) {
        int size = i2d_ASN1_OCTET_STRING(inner, &der);
        is_put = size > 0 && ASN1_OCTET_STRING_set(outer, der, size) == 1;
    }
    if (is_put) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, outer);
        is_put =
            extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    }
    X509_EXTENSION_free(extension);
    OPENSSL_free(der);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(outer);
    ASN1_OCTET_STRING_free(inner);
    return is_put;
}

static bool fill(X509 *certificate, const struct leaf *leaf,
                 const struct wire_digest *log_id, struct rotor_bytes bundle)
{
    char uri[128];
    char alternative[160];
    X509_NAME *name = X509_get_subject_name(certificate);
    leaf_uri(log_id, uri);
    snprintf(alternative, sizeof alternative, "URI:%s", uri);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           put_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_S) !=
               NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)COMMON_NAME, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 &&
           X509_set_pubkey(certificate, leaf->key) == 1 &&
           put_standard(certificate, NID_basic_constraints,
                        "critical,CA:FALSE") &&
           put_standard(certificate, NID_key_usage,
                        "critical,digitalSignature") &&
           put_standard(certificate, NID_subject_key_identifier, "hash") &&
           put_standard(certificate, NID_subject_alt_name, alternative) &&
           put_bundle(certificate, bundle);
}

static bool sign(X509 *certificate, EVP_PKEY *key)
{
    bool has_own_hash =
        EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    return X509_sign(certificate, key, has_own_hash ? NULL : EVP_sha256()) > 0;
}

static bool write_pem(X509 *certificate, struct rotor_bytes *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool is_written = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
    long size = is_written ? BIO_get_mem_data(bio, &text) : 0;
    uint8_t *copy = size > 0 ? malloc((size_t)size) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, (size_t)size);
        *pem = bytes_of(copy, (size_t)size);
    }
    BIO_free(bio);
    return copy != NULL;
}

enum rotor_status leaf_certify(const struct leaf *leaf,
                               const struct wire_digest *log_id,
                               struct rotor_bytes bundle,
                               struct rotor_bytes *pem)
{
    X509 *certificate = X509_new();
    *pem = bytes_of(NULL, 0);
    bool is_made = certificate != NULL &&
                   fill(certificate, leaf, log_id, bundle) &&
                   sign(certificate, leaf->key) && write_pem(certificate, pem);
    X509_free(certificate);
    return is_made ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// ---- take apart ------------------------------------------------------------

bool leaf_is_certificate(struct rotor_bytes file)
{
    struct rotor_bytes begin = LABEL("-----BEGIN CERTIFICATE-----");
    return file.size > begin.size &&
           bytes_equal(bytes_of(file.data, begin.size), begin);
}

static enum rotor_status take_bundle(X509 *certificate,
                                     struct rotor_bytes *bundle)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(EXTENSION_OID, 1);
    int at = oid == NULL ? -1 : X509_get_ext_by_OBJ(certificate, oid, -1);
    bool is_one = at >= 0 && X509_get_ext_by_OBJ(certificate, oid, at) < 0;
    ASN1_OBJECT_free(oid);
    if (!is_one) {
        return ROTOR_MALFORMED;
    }
    ASN1_OCTET_STRING *outer =
        X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    const unsigned char *der = ASN1_STRING_get0_data(outer);
    const unsigned char *end = der + ASN1_STRING_length(outer);
    ASN1_OCTET_STRING *inner =
        d2i_ASN1_OCTET_STRING(NULL, &der, ASN1_STRING_length(outer));
    if (inner == NULL || der != end || ASN1_STRING_length(inner) <= 0) {
        ASN1_OCTET_STRING_free(inner);
        return ROTOR_MALFORMED;
    }
    size_t size = (size_t)ASN1_STRING_length(inner);
    uint8_t *copy = malloc(size);
    if (copy != NULL) {
        memcpy(copy, ASN1_STRING_get0_data(inner), size);
        *bundle = bytes_of(copy, size);
    }
    ASN1_OCTET_STRING_free(inner);
    return copy != NULL ? ROTOR_OK : ROTOR_PORT_FAILED;
}

static bool take_uri(X509 *certificate, char uri[128])
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool is_taken = false;
    if (names != NULL && sk_GENERAL_NAME_num(names) == 1) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
        int size = name->type == GEN_URI
                       ? ASN1_STRING_length(name->d.uniformResourceIdentifier)
                       : 0;
        if (size > 0 && size < 128) {
            memcpy(uri,
                   ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                   (size_t)size);
            uri[size] = '\0';
            is_taken = strlen(uri) == (size_t)size;
        }
    }
    GENERAL_NAMES_free(names);
    return is_taken;
}

static enum rotor_status take_all(X509 *certificate,
                                  struct leaf_content *content)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key == NULL || X509_verify(certificate, key) != 1 ||
        !take_uri(certificate, content->uri)) {
        return ROTOR_MALFORMED;
    }
    TRY(bind_key(key, content->binding));
    return take_bundle(certificate, &content->bundle);
}

enum rotor_status leaf_decode(struct rotor_bytes file,
                              struct leaf_content *content)
{
    *content = (struct leaf_content){0};
    BIO *bio = file.size > INT32_MAX
                   ? NULL
                   : BIO_new_mem_buf(file.data, (int)file.size);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    // Nothing may follow it: a reader would choose which one to look at.
    bool is_alone = certificate != NULL && BIO_eof(bio);
    enum rotor_status status =
        is_alone ? take_all(certificate, content) : ROTOR_MALFORMED;
    X509_free(certificate);
    BIO_free(bio);
    return status;
}
