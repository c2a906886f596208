// SPDX-License-Identifier: Apache-2.0
// Signatures: ECDSA as r || s of fixed length with low s, and Ed25519.
#include "crypto/openssl/internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include "base/bytes.h"
#include "crypto/scalar.h"
#include "crypto/suite.h"

// ---- r || s and DER --------------------------------------------------------

// Replaces s by order - s when that is smaller.
static bool lower_s(const EC_GROUP *group, BIGNUM *s)
{
    const BIGNUM *order = EC_GROUP_get0_order(group);
    BIGNUM *other = BN_new();
    bool ok = other != NULL && BN_sub(other, order, s) == 1;
    if (ok && BN_cmp(other, s) < 0) {
        ok = BN_copy(s, other) != NULL;
    }
    BN_free(other);
    return ok;
}

static bool put_signature(enum crypto_scheme scheme, const uint8_t *der,
                          size_t size, uint8_t *signature)
{
    int half = (int)crypto_sizes(scheme).signature / 2;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
    BIGNUM *s = pair != NULL ? BN_dup(ECDSA_SIG_get0_s(pair)) : NULL;
    bool ok = s != NULL && lower_s(openssl_library()->curve[scheme], s) &&
              BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half &&
              BN_bn2binpad(s, signature + half, half) == half;
    BN_free(s);
    ECDSA_SIG_free(pair);
    return ok;
}

// ---- contexts --------------------------------------------------------------

// Puts `context` back for the next call, or frees it when another thread has
// done so first.
static void give_back_ec(openssl_slot *slot, EVP_PKEY_CTX *context)
{
    EVP_PKEY_CTX_free(atomic_exchange(slot, context));
}

static void give_back_ed(openssl_slot *slot, EVP_MD_CTX *context)
{
    EVP_MD_CTX_free(atomic_exchange(slot, context));
}

static EVP_PKEY_CTX *borrow_ec(struct openssl_key *key, openssl_slot *slot,
                               int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *context = atomic_exchange(slot, NULL);
    if (context != NULL) {
        return context;
    }
    context =
        EVP_PKEY_CTX_new_from_pkey(openssl_library()->context, key->pkey, NULL);
    if (context != NULL && init(context) != 1) {
        EVP_PKEY_CTX_free(context);
        return NULL;
    }
    return context;
}

typedef int ed_init(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *,
                    const char *, EVP_PKEY *, const OSSL_PARAM *);

static EVP_MD_CTX *borrow_ed(struct openssl_key *key, openssl_slot *slot,
                             ed_init *init)
{
    EVP_MD_CTX *context = atomic_exchange(slot, NULL);
    bool used_before = context != NULL;
    if (!used_before) {
        context = EVP_MD_CTX_new();
    }
    EVP_PKEY *pkey = used_before ? NULL : key->pkey;
    if (context != NULL && init(context, NULL, NULL, openssl_library()->context,
                                NULL, pkey, NULL) != 1) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return context;
}

// ---- ECDSA -----------------------------------------------------------------

static enum rotor_status verify_ec(struct openssl_key *key, size_t half,
                                   struct rotor_bytes digest,
                                   const uint8_t *signature, bool *valid)
{
    uint8_t der[OPENSSL_DER_MAX];
    size_t size = openssl_der_of(bytes_of(signature, 2 * half), der);
    EVP_PKEY_CTX *context =
        borrow_ec(key, &key->verifier, EVP_PKEY_verify_init);
    if (context == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    int answer = EVP_PKEY_verify(context, der, size, digest.data, digest.size);
    give_back_ec(&key->verifier, context);
    // Some bad signatures lead to the point at infinity, which OpenSSL reports
    // as an error of its own; only want of memory is one.
    if (answer != 1 && openssl_forget_errors()) {
        return ROTOR_PORT_FAILED;
    }
    *valid = answer == 1;
    return ROTOR_OK;
}

static enum rotor_status sign_ec(struct openssl_key *key,
                                 enum crypto_scheme scheme,
                                 struct rotor_bytes digest, uint8_t *signature)
{
    uint8_t der[OPENSSL_DER_MAX];
    size_t size = sizeof der;
    EVP_PKEY_CTX *context = borrow_ec(key, &key->signer, EVP_PKEY_sign_init);
    if (context == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    bool ok =
        EVP_PKEY_sign(context, der, &size, digest.data, digest.size) == 1 &&
        put_signature(scheme, der, size, signature);
    give_back_ec(&key->signer, context);
    if (!ok) {
        (void)openssl_forget_errors();
    }
    return ok ? ROTOR_OK : ROTOR_PORT_FAILED;
}

static bool has_digest_form(enum crypto_scheme scheme,
                            struct rotor_bytes digest)
{
    size_t size = crypto_hash_size(crypto_hash_of_scheme(scheme));
    return openssl_is_ec(scheme) && digest.size == size;
}

enum rotor_status crypto_verify_digest(const struct crypto_key *key,
                                       struct rotor_bytes digest,
                                       struct rotor_bytes signature,
                                       bool *valid)
{
    *valid = false;
    struct openssl_key *handle = openssl_key_of(key);
    if (handle == NULL || !has_digest_form(key->scheme, digest)) {
        return ROTOR_INVALID;
    }
    size_t half = crypto_sizes(key->scheme).signature / 2;
    bool in_range = signature.size == 2 * half &&
                    crypto_scalar_is_valid(key->scheme, signature.data) &&
                    crypto_scalar_is_valid(key->scheme, signature.data + half);
    if (!in_range) {
        return ROTOR_OK;
    }
    return verify_ec(handle, half, digest, signature.data, valid);
}

enum rotor_status crypto_sign_digest(const struct crypto_key *key,
                                     struct rotor_bytes digest,
                                     struct rotor_room *signature)
{
    signature->used = 0;
    struct openssl_key *handle = openssl_key_of(key);
    if (handle == NULL || !key->is_private ||
        !has_digest_form(key->scheme, digest)) {
        return ROTOR_INVALID;
    }
    size_t size = crypto_sizes(key->scheme).signature;
    if (signature->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    uint8_t made[CRYPTO_SIGNATURE_MAX];
    bool valid = false;
    TRY(sign_ec(handle, key->scheme, digest, made));
    TRY(crypto_verify_digest(key, digest, bytes_of(made, size), &valid));
    if (!valid) {
        return ROTOR_PORT_FAILED;
    }
    return bytes_copy(signature, bytes_of(made, size));
}

// ---- Ed25519 ---------------------------------------------------------------

static enum rotor_status verify_ed(struct openssl_key *key,
                                   struct rotor_bytes message,
                                   const uint8_t signature[64], bool *valid)
{
    EVP_MD_CTX *context =
        borrow_ed(key, &key->verifier, EVP_DigestVerifyInit_ex);
    if (context == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    int answer =
        EVP_DigestVerify(context, signature, 64, message.data, message.size);
    give_back_ed(&key->verifier, context);
    if (answer != 1 && openssl_forget_errors()) {
        return ROTOR_PORT_FAILED;
    }
    *valid = answer == 1;
    return ROTOR_OK;
}

static enum rotor_status sign_ed(struct openssl_key *key,
                                 struct rotor_bytes message,
                                 uint8_t signature[64])
{
    size_t size = 64;
    EVP_MD_CTX *context = borrow_ed(key, &key->signer, EVP_DigestSignInit_ex);
    if (context == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    int answer =
        EVP_DigestSign(context, signature, &size, message.data, message.size);
    give_back_ed(&key->signer, context);
    if (answer != 1 || size != 64) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    return ROTOR_OK;
}

static enum rotor_status sign_ed_checked(struct openssl_key *key,
                                         struct rotor_bytes message,
                                         struct rotor_room *signature)
{
    uint8_t made[64];
    bool valid = false;
    TRY(sign_ed(key, message, made));
    TRY(verify_ed(key, message, made, &valid));
    if (!valid) {
        return ROTOR_PORT_FAILED;
    }
    return bytes_copy(signature, BYTES_OF(made));
}

// ---- whole messages --------------------------------------------------------

enum rotor_status crypto_sign(const struct crypto_key *key,
                              struct rotor_bytes message,
                              struct rotor_room *signature)
{
    signature->used = 0;
    size_t size = crypto_sizes(key->scheme).signature;
    if (openssl_key_of(key) == NULL || !key->is_private || size == 0) {
        return ROTOR_INVALID;
    }
    if (signature->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    if (key->scheme == CRYPTO_ED25519) {
        return sign_ed_checked(openssl_key_of(key), message, signature);
    }
    uint8_t digest[CRYPTO_HASH_MAX];
    enum crypto_hash hash = crypto_hash_of_scheme(key->scheme);
    TRY(crypto_hash(hash, &message, 1, digest));
    return crypto_sign_digest(key, bytes_of(digest, crypto_hash_size(hash)),
                              signature);
}

enum rotor_status crypto_verify(const struct crypto_key *key,
                                struct rotor_bytes message,
                                struct rotor_bytes signature, bool *valid)
{
    *valid = false;
    size_t size = crypto_sizes(key->scheme).signature;
    if (openssl_key_of(key) == NULL || size == 0) {
        return ROTOR_INVALID;
    }
    if (signature.size != size) {
        return ROTOR_OK;
    }
    if (key->scheme == CRYPTO_ED25519) {
        return verify_ed(openssl_key_of(key), message, signature.data, valid);
    }
    uint8_t digest[CRYPTO_HASH_MAX];
    enum crypto_hash hash = crypto_hash_of_scheme(key->scheme);
    TRY(crypto_hash(hash, &message, 1, digest));
    return crypto_verify_digest(key, bytes_of(digest, crypto_hash_size(hash)),
                                signature, valid);
}
