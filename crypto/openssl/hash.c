// SPDX-License-Identifier: Apache-2.0
// Hash, HMAC and HKDF on contexts that the thread keeps.
#include "crypto/openssl/internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define INFO_MAX 1024u // bytes, what HKDF of OpenSSL 3.0 takes

static bool is_hash(enum crypto_hash hash)
{
    return crypto_hash_size(hash) != 0;
}

static bool may_be_keyed(enum crypto_hash hash)
{
    return is_hash(hash) && hash != CRYPTO_SHA1;
}

static bool absorb(EVP_MD_CTX *context, const struct rotor_bytes *parts,
                   size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = ok && EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    }
    return ok;
}

// The context goes back to its start after each use, not before the next: it
// keeps no trace of what was hashed.
enum rotor_status crypto_hash(enum crypto_hash hash,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *digest)
{
    struct openssl_thread *thread = openssl_thread();
    if (thread == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (!is_hash(hash)) {
        return ROTOR_INVALID;
    }
    EVP_MD_CTX *context = thread->hash[hash];
    uint8_t whole[CRYPTO_HASH_MAX];
    bool ok = absorb(context, parts, count) &&
              EVP_DigestFinal_ex(context, whole, NULL) == 1;
    ok = EVP_DigestInit_ex2(context, NULL, NULL) == 1 && ok;
    if (ok) {
        memcpy(digest, whole, crypto_hash_size(hash));
    }
    OPENSSL_cleanse(whole, sizeof whole);
    if (!ok) {
        (void)openssl_forget_errors();
    }
    return ok ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// Keys the context anew with one zero byte: the library wipes the old key.
static bool forget_key(EVP_MAC_CTX *context)
{
    static const uint8_t nothing[1];
    return EVP_MAC_init(context, nothing, sizeof nothing, NULL) == 1;
}

static bool mac(EVP_MAC_CTX *context, struct rotor_bytes key,
                const struct rotor_bytes *parts, size_t count, uint8_t *whole)
{
    // A NULL key would mean "the key before"; the empty key is not NULL.
    static const uint8_t nothing[1];
    bool ok = EVP_MAC_init(context, key.size == 0 ? nothing : key.data,
                           key.size, NULL) == 1;
    for (size_t i = 0; i < count; i++) {
        ok = ok && EVP_MAC_update(context, parts[i].data, parts[i].size) == 1;
    }
    size_t size = 0;
    ok = ok && EVP_MAC_final(context, whole, &size, CRYPTO_HASH_MAX) == 1;
    return forget_key(context) && ok;
}

enum rotor_status crypto_hmac(enum crypto_hash hash, struct rotor_bytes key,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *out)
{
    struct openssl_thread *thread = openssl_thread();
    if (thread == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (!may_be_keyed(hash)) {
        return ROTOR_INVALID;
    }
    uint8_t whole[CRYPTO_HASH_MAX];
    bool ok = mac(thread->hmac[hash], key, parts, count, whole);
    if (ok) {
        memcpy(out, whole, crypto_hash_size(hash));
    }
    OPENSSL_cleanse(whole, sizeof whole);
    if (!ok) {
        (void)openssl_forget_errors();
    }
    return ok ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// Extract is HMAC under the salt.  EVP_KDF would free the salt without a wipe,
// and a chained Extract has a secret there.
enum rotor_status crypto_extract(enum crypto_hash hash, struct rotor_bytes salt,
                                 struct rotor_bytes ikm, uint8_t *prk)
{
    return crypto_hmac(hash, salt, &ikm, 1, prk);
}

static bool expand(EVP_KDF_CTX *context, struct rotor_bytes prk,
                   struct rotor_bytes info, struct rotor_room *okm)
{
    uint8_t nothing[1] = {0};
    // OSSL_PARAM has no const; the library only reads these.
    uint8_t key[CRYPTO_HASH_MAX];
    uint8_t label[INFO_MAX];
    memcpy(key, prk.data, prk.size);
    if (info.size != 0) {
        memcpy(label, info.data, info.size);
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, prk.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label,
                                          info.size),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM clear[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, nothing,
                                          sizeof nothing),
        OSSL_PARAM_construct_end(),
    };
    bool ok = EVP_KDF_derive(context, okm->data, okm->capacity, params) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return EVP_KDF_CTX_set_params(context, clear) == 1 && ok;
}

enum rotor_status crypto_expand(enum crypto_hash hash, const uint8_t *prk,
                                struct rotor_bytes info, struct rotor_room *okm)
{
    okm->used = 0;
    struct openssl_thread *thread = openssl_thread();
    if (thread == NULL) {
        return ROTOR_PORT_FAILED;
    }
    bool too_long = okm->capacity > 255 * crypto_hash_size(hash);
    if (!may_be_keyed(hash) || info.size > INFO_MAX || too_long) {
        return ROTOR_INVALID;
    }
    if (okm->capacity == 0) {
        return ROTOR_OK;
    }
    EVP_KDF_CTX *context = thread->expand[hash];
    struct rotor_bytes key = {prk, crypto_hash_size(hash)};
    // OpenSSL 3.0.22 frees the info of the call before but keeps its length
    // when the next one is empty, and then reads through NULL.
    bool ready = info.size != 0 || openssl_restart_expand(context, hash);
    if (!ready || !expand(context, key, info, okm)) {
        OPENSSL_cleanse(okm->data, okm->capacity);
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    okm->used = okm->capacity;
    return ROTOR_OK;
}
