// SPDX-License-Identifier: Apache-2.0
// Keys in, keys out.
#include "crypto/openssl/internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "base/bytes.h"
#include "crypto/openssl/edwards.h"
#include "crypto/scalar.h"

#define POINT_MAX (1u + CRYPTO_PUBLIC_MAX) // 0x04 || x || y

struct openssl_key *openssl_key_of(const struct crypto_key *key)
{
    return key->impl;
}

static const char *raw_name(enum crypto_scheme scheme)
{
    return scheme == CRYPTO_ED25519 ? "ED25519" : "X25519";
}

// Takes `pkey` over, also when it fails.
static enum rotor_status hold(struct crypto_key *key, enum crypto_scheme scheme,
                              bool is_private, EVP_PKEY *pkey,
                              const uint8_t *public_key)
{
    struct openssl_key *handle = OPENSSL_zalloc(sizeof *handle);
    if (handle == NULL) {
        EVP_PKEY_free(pkey);
        return ROTOR_PORT_FAILED;
    }
    handle->pkey = pkey;
    memcpy(handle->public_key, public_key, crypto_sizes(scheme).public_key);
    *key = (struct crypto_key){handle, scheme, is_private};
    return ROTOR_OK;
}

// ---- Ed25519 and X25519 ----------------------------------------------------

static enum rotor_status import_raw(struct crypto_key *key,
                                    enum crypto_scheme scheme,
                                    const uint8_t *private_key)
{
    const struct openssl_library *library = openssl_library();
    if (library == NULL) {
        return ROTOR_PORT_FAILED;
    }
    struct crypto_sizes size = crypto_sizes(scheme);
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key_ex(library->context, raw_name(scheme),
                                        NULL, private_key, size.private_key);
    uint8_t public_key[32];
    size_t used = sizeof public_key;
    if (pkey == NULL ||
        EVP_PKEY_get_raw_public_key(pkey, public_key, &used) != 1) {
        EVP_PKEY_free(pkey);
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    return hold(key, scheme, true, pkey, public_key);
}

static enum rotor_status import_raw_public(struct crypto_key *key,
                                           enum crypto_scheme scheme,
                                           struct rotor_bytes public_key)
{
    struct openssl_thread *thread = openssl_thread();
    if (thread == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (scheme == CRYPTO_ED25519) {
        bool is_point = false;
        TRY(openssl_edwards_check(thread->numbers, public_key.data, &is_point));
        if (!is_point) {
            return ROTOR_MALFORMED;
        }
    }
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(
        openssl_library()->context, raw_name(scheme), NULL, public_key.data,
        public_key.size);
    if (pkey == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    return hold(key, scheme, false, pkey, public_key.data);
}

// ---- P-256 and P-384 -------------------------------------------------------

// Everything secret that building a private key touches.
struct scalar_secrets {
    uint8_t scalar[CRYPTO_PRIVATE_MAX];
    uint8_t native[CRYPTO_PRIVATE_MAX]; // the same in the host's byte order
    BIGNUM *number;
};

// Writes 0x04 || x || y of number * G.
static bool multiply_base(const EC_GROUP *group, const BIGNUM *number,
                          BN_CTX *numbers, uint8_t *encoded, size_t size)
{
    EC_POINT *point = EC_POINT_new(group);
    bool ok = point != NULL &&
              EC_POINT_mul(group, point, number, NULL, NULL, numbers) == 1 &&
              EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
                                 encoded, size, numbers) == size;
    EC_POINT_free(point);
    return ok;
}

static EVP_PKEY *make_pair(struct openssl_thread *thread,
                           enum crypto_scheme scheme,
                           struct scalar_secrets *secrets, uint8_t *encoded)
{
    struct crypto_sizes size = crypto_sizes(scheme);
    char group[8];
    OPENSSL_strlcpy(group, scheme == CRYPTO_P256 ? "P-256" : "P-384",
                    sizeof group);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded,
                                          1 + size.public_key),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, secrets->native,
                                size.private_key),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    bool ok = EVP_PKEY_fromdata(thread->make_ec, &pkey, EVP_PKEY_KEYPAIR,
                                params) == 1;
    return ok ? pkey : NULL;
}

static EVP_PKEY *pair_of_scalar(enum crypto_scheme scheme,
                                struct scalar_secrets *secrets,
                                uint8_t *encoded)
{
    struct openssl_thread *thread = openssl_thread();
    if (thread == NULL) {
        return NULL;
    }
    struct crypto_sizes size = crypto_sizes(scheme);
    const EC_GROUP *group = openssl_library()->curve[scheme];
    int private_size = (int)size.private_key;
    secrets->number = BN_bin2bn(secrets->scalar, private_size, NULL);
    if (secrets->number == NULL) {
        return NULL;
    }
    BN_set_flags(secrets->number, BN_FLG_CONSTTIME);
    bool ok = BN_bn2nativepad(secrets->number, secrets->native, private_size) ==
                  private_size &&
              multiply_base(group, secrets->number, thread->numbers, encoded,
                            1 + size.public_key);
    return ok ? make_pair(thread, scheme, secrets, encoded) : NULL;
}

// Wipes `secrets`.
static enum rotor_status hold_scalar(struct crypto_key *key,
                                     enum crypto_scheme scheme,
                                     struct scalar_secrets *secrets)
{
    uint8_t encoded[POINT_MAX];
    EVP_PKEY *pkey = pair_of_scalar(scheme, secrets, encoded);
    BN_clear_free(secrets->number);
    OPENSSL_cleanse(secrets, sizeof *secrets);
    if (pkey == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    return hold(key, scheme, true, pkey, encoded + 1);
}

// A copy of some key that gets another point: a quarter of the price of
// building the curve again.  The library checks the point's equation, and
// both curves have cofactor 1, so that is the whole check.
static enum rotor_status import_ec_public(struct crypto_key *key,
                                          enum crypto_scheme scheme,
                                          struct rotor_bytes public_key)
{
    const struct openssl_library *library = openssl_library();
    if (library == NULL) {
        return ROTOR_PORT_FAILED;
    }
    uint8_t encoded[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(encoded + 1, public_key.data, public_key.size);
    EVP_PKEY *pkey = EVP_PKEY_dup(library->any_public[scheme]);
    if (pkey == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    if (EVP_PKEY_set1_encoded_public_key(pkey, encoded, 1 + public_key.size) !=
        1) {
        EVP_PKEY_free(pkey);
        return openssl_forget_errors() ? ROTOR_PORT_FAILED : ROTOR_MALFORMED;
    }
    return hold(key, scheme, false, pkey, public_key.data);
}

// ---- the port --------------------------------------------------------------

enum rotor_status crypto_key_derive(struct crypto_key *key,
                                    enum crypto_scheme scheme,
                                    const uint8_t *seed)
{
    if (crypto_sizes(scheme).seed == 0) {
        return ROTOR_INVALID;
    }
    if (!openssl_is_ec(scheme)) {
        return import_raw(key, scheme, seed);
    }
    struct scalar_secrets secrets = {0};
    if (crypto_scalar_reduce(scheme, seed, secrets.scalar) != ROTOR_OK) {
        return ROTOR_INVALID;
    }
    return hold_scalar(key, scheme, &secrets);
}

enum rotor_status crypto_key_import(struct crypto_key *key,
                                    enum crypto_scheme scheme,
                                    struct rotor_bytes private_key)
{
    struct crypto_sizes size = crypto_sizes(scheme);
    if (size.private_key == 0) {
        return ROTOR_INVALID;
    }
    if (private_key.size != size.private_key) {
        return ROTOR_MALFORMED;
    }
    if (!openssl_is_ec(scheme)) {
        return import_raw(key, scheme, private_key.data);
    }
    if (!crypto_scalar_is_valid(scheme, private_key.data)) {
        return ROTOR_MALFORMED;
    }
    struct scalar_secrets secrets = {0};
    memcpy(secrets.scalar, private_key.data, size.private_key);
    return hold_scalar(key, scheme, &secrets);
}

enum rotor_status crypto_key_import_public(struct crypto_key *key,
                                           enum crypto_scheme scheme,
                                           struct rotor_bytes public_key)
{
    struct crypto_sizes size = crypto_sizes(scheme);
    if (size.public_key == 0) {
        return ROTOR_INVALID;
    }
    if (public_key.size != size.public_key) {
        return ROTOR_MALFORMED;
    }
    if (openssl_is_ec(scheme)) {
        return import_ec_public(key, scheme, public_key);
    }
    return import_raw_public(key, scheme, public_key);
}

enum rotor_status crypto_key_public(const struct crypto_key *key,
                                    struct rotor_room *public_key)
{
    public_key->used = 0;
    const struct openssl_key *handle = openssl_key_of(key);
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    return bytes_copy(
        public_key,
        bytes_of(handle->public_key, crypto_sizes(key->scheme).public_key));
}

static bool read_scalar(const EVP_PKEY *pkey, uint8_t *out, int size)
{
    BIGNUM *number = NULL;
    bool ok =
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, out, size) == size;
    BN_clear_free(number);
    return ok;
}

enum rotor_status crypto_key_private(const struct crypto_key *key,
                                     struct rotor_room *private_key)
{
    private_key->used = 0;
    const struct openssl_key *handle = openssl_key_of(key);
    if (handle == NULL || !key->is_private) {
        return ROTOR_INVALID;
    }
    size_t size = crypto_sizes(key->scheme).private_key;
    if (private_key->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    size_t raw_size = size;
    bool ok = openssl_is_ec(key->scheme)
                  ? read_scalar(handle->pkey, private_key->data, (int)size)
                  : EVP_PKEY_get_raw_private_key(
                        handle->pkey, private_key->data, &raw_size) == 1;
    if (!ok) {
        OPENSSL_cleanse(private_key->data, size);
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    private_key->used = size;
    return ROTOR_OK;
}

static void free_signer(enum crypto_scheme scheme, void *context)
{
    if (scheme == CRYPTO_ED25519) {
        EVP_MD_CTX_free(context);
        return;
    }
    EVP_PKEY_CTX_free(context);
}

void crypto_key_close(struct crypto_key *key)
{
    struct openssl_key *handle = openssl_key_of(key);
    if (handle == NULL) {
        return;
    }
    free_signer(key->scheme, atomic_load(&handle->signer));
    free_signer(key->scheme, atomic_load(&handle->verifier));
    EVP_PKEY_CTX_free(atomic_load(&handle->agreer));
    EVP_PKEY_free(handle->pkey); // wipes what is private
    OPENSSL_clear_free(handle, sizeof *handle);
    *key = (struct crypto_key){0};
}
