// SPDX-License-Identifier: Apache-2.0
// Public keys in the forms that other people's evidence comes in.
#include "crypto/openssl/x509_internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "crypto/openssl/edwards.h"
#include "crypto/openssl/internal.h"
#include "crypto/suite.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 // a check of a longer one takes too long
#define RSA_EXPONENT 8u   // bytes; longer ones are nobody's

static const char *const hash_names[HASH_COUNT] = {
    [CRYPTO_SHA256] = "SHA2-256",
    [CRYPTO_SHA384] = "SHA2-384",
    [CRYPTO_SHA512] = "SHA2-512",
};

static const struct {
    const char *name;
    enum crypto_scheme scheme; // NONE: the back end has no key to copy
    size_t size;               // bytes of a coordinate
} curves[] = {
    [CRYPTO_CURVE_P256] = {"P-256", CRYPTO_P256,        32              },
    [CRYPTO_CURVE_P384] = {"P-384", CRYPTO_P384,        48              },
    [CRYPTO_CURVE_P521] = {"P-521", CRYPTO_SCHEME_NONE, OPENSSL_HALF_MAX},
};

// ---- what is taken ---------------------------------------------------------

static bool is_known_curve(const EVP_PKEY *pkey)
{
    char name[32];
    size_t size = 0;
    int is_explicit = 0;
    if (EVP_PKEY_get_group_name(pkey, name, sizeof name, &size) != 1 ||
        EVP_PKEY_get_int_param(pkey,
                               OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit) != 1 ||
        is_explicit != 0) {
        return false;
    }
    return strcmp(name, "prime256v1") == 0 || strcmp(name, "secp384r1") == 0 ||
           strcmp(name, "secp521r1") == 0 || strcmp(name, "P-256") == 0 ||
           strcmp(name, "P-384") == 0 || strcmp(name, "P-521") == 0;
}

static bool has_good_exponent(const EVP_PKEY *pkey)
{
    BIGNUM *e = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
              BN_is_odd(e) && !BN_is_one(e) &&
              BN_num_bits(e) <= (int)(8 * RSA_EXPONENT);
    BN_free(e);
    return ok;
}

static bool is_good_point(const EVP_PKEY *pkey)
{
    struct openssl_thread *thread = openssl_thread();
    uint8_t point[32];
    size_t size = sizeof point;
    bool is_point = false;
    return thread != NULL &&
           EVP_PKEY_get_raw_public_key(pkey, point, &size) == 1 &&
           size == sizeof point &&
           openssl_edwards_check(thread->numbers, point, &is_point) ==
               ROTOR_OK &&
           is_point;
}

static bool is_taken(const EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_get_bits(pkey);
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX &&
               has_good_exponent(pkey);
    case EVP_PKEY_EC:
        return is_known_curve(pkey);
    case EVP_PKEY_ED25519:
        return is_good_point(pkey);
    default:
        return false;
    }
}

enum rotor_status openssl_verifier_hold(struct crypto_verifier *verifier,
                                        EVP_PKEY *pkey)
{
    if (pkey == NULL || !is_taken(pkey)) {
        EVP_PKEY_free(pkey);
        return openssl_forget_errors() ? ROTOR_PORT_FAILED : ROTOR_MALFORMED;
    }
    (void)openssl_forget_errors();
    verifier->impl = pkey;
    return ROTOR_OK;
}

// ---- keys in ---------------------------------------------------------------

enum rotor_status crypto_verifier_open(struct crypto_verifier *verifier,
                                       struct rotor_bytes spki)
{
    const struct openssl_library *library = openssl_library();
    if (library == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (spki.size == 0 || spki.size > OPENSSL_X509_MAX) {
        return ROTOR_MALFORMED;
    }
    const uint8_t *at = spki.data;
    EVP_PKEY *pkey =
        d2i_PUBKEY_ex(NULL, &at, (long)spki.size, library->context, NULL);
    if (pkey != NULL && at != spki.data + spki.size) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return openssl_verifier_hold(verifier, pkey);
}

static EVP_PKEY *make_public(const char *kind, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make =
        EVP_PKEY_CTX_new_from_name(openssl_library()->context, kind, NULL);
    bool ok = make != NULL && EVP_PKEY_fromdata_init(make) == 1 &&
              EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(make);
    return ok ? pkey : NULL;
}

// Copying a key and giving it another point is a quarter of the price of
// building the curve again.  Both ways check the equation of the curve.
static EVP_PKEY *make_ec(enum crypto_curve curve, uint8_t *encoded, size_t size)
{
    if (curves[curve].scheme == CRYPTO_SCHEME_NONE) {
        char name[8];
        OPENSSL_strlcpy(name, curves[curve].name, sizeof name);
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name,
                                             0),
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded,
                                              size),
            OSSL_PARAM_construct_end(),
        };
        return make_public("EC", params);
    }
    EVP_PKEY *pkey =
        EVP_PKEY_dup(openssl_library()->any_public[curves[curve].scheme]);
    if (pkey != NULL &&
        EVP_PKEY_set1_encoded_public_key(pkey, encoded, size) != 1) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

enum rotor_status crypto_verifier_open_ec(struct crypto_verifier *verifier,
                                          enum crypto_curve curve,
                                          struct rotor_bytes x,
                                          struct rotor_bytes y)
{
    if (openssl_library() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (curve == CRYPTO_CURVE_NONE || (unsigned)curve >= COUNT_OF(curves)) {
        return ROTOR_INVALID;
    }
    size_t size = curves[curve].size;
    if (x.size == 0 || y.size == 0 || x.size > size || y.size > size) {
        return ROTOR_MALFORMED;
    }
    uint8_t encoded[1 + 2 * OPENSSL_HALF_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(encoded + 1 + size - x.size, x.data, x.size);
    memcpy(encoded + 1 + 2 * size - y.size, y.data, y.size);
    return openssl_verifier_hold(verifier,
                                 make_ec(curve, encoded, 1 + 2 * size));
}

static EVP_PKEY *make_rsa(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool ok = build != NULL && n != NULL && e != NULL &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    OSSL_PARAM *params = ok ? OSSL_PARAM_BLD_to_param(build) : NULL;
    if (params != NULL) {
        pkey = make_public("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

enum rotor_status crypto_verifier_open_rsa(struct crypto_verifier *verifier,
                                           struct rotor_bytes modulus,
                                           struct rotor_bytes exponent)
{
    if (openssl_library() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (modulus.size == 0 || modulus.size > RSA_BITS_MAX / 8 + 1 ||
        exponent.size == 0 || exponent.size > RSA_EXPONENT) {
        return ROTOR_MALFORMED;
    }
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.size, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.size, NULL);
    EVP_PKEY *pkey = make_rsa(n, e);
    BN_free(n);
    BN_free(e);
    return openssl_verifier_hold(verifier, pkey);
}

void crypto_verifier_close(struct crypto_verifier *verifier)
{
    EVP_PKEY_free(verifier->impl);
    *verifier = (struct crypto_verifier){0};
}

// ---- signatures ------------------------------------------------------------

static bool choose_padding(EVP_PKEY_CTX *context,
                           enum crypto_signature_form form)
{
    if (form == CRYPTO_SIGNATURE_RSA_PKCS1) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    bool is_fixed = form == CRYPTO_SIGNATURE_RSA_PSS;
    if (is_fixed || form == CRYPTO_SIGNATURE_RSA_PSS_ANY_SALT) {
        int salt = is_fixed ? RSA_PSS_SALTLEN_DIGEST : RSA_PSS_SALTLEN_AUTO;
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) ==
                   1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1;
    }
    return true;
}

static bool fits(const EVP_PKEY *pkey, enum crypto_signature_form form,
                 struct rotor_bytes signature)
{
    int kind = EVP_PKEY_get_base_id(pkey);
    size_t size = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
    switch (form) {
    case CRYPTO_SIGNATURE_ECDSA_RAW:
        return kind == EVP_PKEY_EC && signature.size == 2 * size;
    case CRYPTO_SIGNATURE_ECDSA_DER:
        return kind == EVP_PKEY_EC && signature.size <= OPENSSL_DER_MAX;
    case CRYPTO_SIGNATURE_RSA_PKCS1:
        return kind == EVP_PKEY_RSA && signature.size == size;
    case CRYPTO_SIGNATURE_RSA_PSS:
    case CRYPTO_SIGNATURE_RSA_PSS_ANY_SALT:
        return (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) &&
               signature.size == size;
    case CRYPTO_SIGNATURE_ED25519:
        return kind == EVP_PKEY_ED25519 && signature.size == 64;
    case CRYPTO_SIGNATURE_NONE:
        break;
    }
    return false;
}

struct signature_check {
    EVP_PKEY *pkey;
    enum crypto_signature_form form;
    const char *hash; // NULL: the scheme has its own
    struct rotor_bytes message;
    struct rotor_bytes signature;
};

static enum rotor_status check_with(EVP_MD_CTX *context,
                                    const struct signature_check *check,
                                    bool *valid)
{
    EVP_PKEY_CTX *settings = NULL;
    // NULL only for want of memory; what else fails is how OpenSSL reports bad
    // signatures and keys that are not for this form.
    bool is_valid =
        context != NULL &&
        EVP_DigestVerifyInit_ex(context, &settings, check->hash,
                                openssl_library()->context, NULL, check->pkey,
                                NULL) == 1 &&
        choose_padding(settings, check->form) &&
        EVP_DigestVerify(context, check->signature.data, check->signature.size,
                         check->message.data, check->message.size) == 1;
    if (context == NULL || (!is_valid && openssl_forget_errors())) {
        return ROTOR_PORT_FAILED;
    }
    *valid = is_valid;
    return ROTOR_OK;
}

enum rotor_status crypto_verifier_check(const struct crypto_verifier *verifier,
                                        enum crypto_signature_form form,
                                        enum crypto_hash hash,
                                        struct rotor_bytes message,
                                        struct rotor_bytes signature,
                                        bool *valid)
{
    *valid = false;
    EVP_PKEY *pkey = verifier->impl;
    bool is_hashed = form != CRYPTO_SIGNATURE_ED25519;
    // No name would mean the library's choice of a hash: SHA-1 has none here.
    bool is_known = (unsigned)hash < HASH_COUNT && hash_names[hash] != NULL;
    if (pkey == NULL || form == CRYPTO_SIGNATURE_NONE ||
        (is_hashed && !is_known)) {
        return ROTOR_INVALID;
    }
    if (!fits(pkey, form, signature)) {
        return ROTOR_OK;
    }
    uint8_t der[OPENSSL_DER_MAX];
    struct signature_check check = {pkey, form, NULL, message, signature};
    if (is_hashed) {
        check.hash = hash_names[hash];
    }
    if (form == CRYPTO_SIGNATURE_ECDSA_RAW) {
        check.signature = bytes_of(der, openssl_der_of(signature, der));
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum rotor_status status = check_with(context, &check, valid);
    EVP_MD_CTX_free(context);
    return status;
}
