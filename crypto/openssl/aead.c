// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl/internal.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>

// EVP counts in int; room for the tag is left.
#define TEXT_MAX ((size_t)INT_MAX - CRYPTO_AEAD_TAG)

struct aead {
    enum crypto_aead_algorithm algorithm;
    uint8_t key[CRYPTO_AEAD_KEY]; // SECRET: for a second thread's context
    openssl_slot sealer;          // EVP_CIPHER_CTX
    openssl_slot unsealer;        // EVP_CIPHER_CTX
};

// `encrypting` is 1 or 0, as EVP_CipherInit wants it.
static EVP_CIPHER_CTX *borrow(struct aead *aead, int encrypting)
{
    openssl_slot *slot = encrypting == 1 ? &aead->sealer : &aead->unsealer;
    EVP_CIPHER_CTX *context = atomic_exchange(slot, NULL);
    if (context != NULL) {
        return context;
    }
    const struct openssl_library *library = openssl_library();
    if (library == NULL) {
        return NULL;
    }
    context = EVP_CIPHER_CTX_new();
    if (context != NULL &&
        EVP_CipherInit_ex2(context, library->aead[aead->algorithm], aead->key,
                           NULL, encrypting, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

static void give_back(openssl_slot *slot, EVP_CIPHER_CTX *context)
{
    EVP_CIPHER_CTX_free(atomic_exchange(slot, context));
}

enum rotor_status crypto_aead_open(struct crypto_aead *aead,
                                   enum crypto_aead_algorithm algorithm,
                                   const uint8_t key[CRYPTO_AEAD_KEY])
{
    bool known =
        algorithm == CRYPTO_AES256_GCM || algorithm == CRYPTO_CHACHA20_POLY1305;
    if (!known) {
        return ROTOR_INVALID;
    }
    if (openssl_library() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    struct aead *made = OPENSSL_zalloc(sizeof *made);
    if (made == NULL) {
        return ROTOR_PORT_FAILED;
    }
    made->algorithm = algorithm;
    memcpy(made->key, key, sizeof made->key);
    aead->impl = made;
    return ROTOR_OK;
}

void crypto_aead_close(struct crypto_aead *aead)
{
    struct aead *owned = aead->impl;
    if (owned == NULL) {
        return;
    }
    EVP_CIPHER_CTX_free(atomic_load(&owned->sealer));
    EVP_CIPHER_CTX_free(atomic_load(&owned->unsealer));
    OPENSSL_clear_free(owned, sizeof *owned);
    aead->impl = NULL;
}

// The nonce, the data that is not encrypted, and the text.
static bool run(EVP_CIPHER_CTX *context, const uint8_t *nonce,
                struct rotor_bytes aad, struct rotor_bytes in, uint8_t *out)
{
    int used = 0;
    bool ok = EVP_CipherInit_ex2(context, NULL, NULL, nonce, -1, NULL) == 1;
    if (ok && aad.size != 0) {
        ok = EVP_CipherUpdate(context, NULL, &used, aad.data, (int)aad.size) ==
             1;
    }
    if (ok && in.size != 0) {
        ok =
            EVP_CipherUpdate(context, out, &used, in.data, (int)in.size) == 1 &&
            used == (int)in.size;
    }
    return ok;
}

enum rotor_status crypto_seal(const struct crypto_aead *aead,
                              const uint8_t nonce[CRYPTO_AEAD_NONCE],
                              struct rotor_bytes aad,
                              struct rotor_bytes plaintext, uint8_t *sealed)
{
    struct aead *held = aead->impl;
    if (held == NULL || aad.size > TEXT_MAX || plaintext.size > TEXT_MAX) {
        return ROTOR_INVALID;
    }
    EVP_CIPHER_CTX *context = borrow(held, 1);
    uint8_t *tag = sealed + plaintext.size;
    int used = 0;
    bool ok = context != NULL && run(context, nonce, aad, plaintext, sealed) &&
              EVP_CipherFinal_ex(context, tag, &used) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
                                  CRYPTO_AEAD_TAG, tag) == 1;
    give_back(&held->sealer, context);
    if (!ok) {
        OPENSSL_cleanse(sealed, plaintext.size + CRYPTO_AEAD_TAG);
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    return ROTOR_OK;
}

enum rotor_status crypto_unseal(const struct crypto_aead *aead,
                                const uint8_t nonce[CRYPTO_AEAD_NONCE],
                                struct rotor_bytes aad,
                                struct rotor_bytes sealed, uint8_t *plaintext)
{
    struct aead *held = aead->impl;
    if (held == NULL || aad.size > TEXT_MAX || sealed.size > TEXT_MAX) {
        return ROTOR_INVALID;
    }
    if (sealed.size < CRYPTO_AEAD_TAG) {
        return ROTOR_MALFORMED;
    }
    struct rotor_bytes text = {sealed.data, sealed.size - CRYPTO_AEAD_TAG};
    uint8_t tag[CRYPTO_AEAD_TAG];
    memcpy(tag, sealed.data + text.size, sizeof tag);
    EVP_CIPHER_CTX *context = borrow(held, 0);
    uint8_t rest[CRYPTO_AEAD_TAG];
    int used = 0;
    bool ran = context != NULL && run(context, nonce, aad, text, plaintext) &&
               EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
                                   CRYPTO_AEAD_TAG, tag) == 1;
    bool genuine = ran && EVP_CipherFinal_ex(context, rest, &used) == 1;
    give_back(&held->unsealer, context);
    if (!genuine) {
        OPENSSL_cleanse(plaintext, text.size);
        (void)openssl_forget_errors();
        return ran ? ROTOR_MALFORMED : ROTOR_PORT_FAILED;
    }
    return ROTOR_OK;
}
