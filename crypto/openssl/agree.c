// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman.
#include "crypto/openssl/internal.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/secret.h"

// Gives a reference that the caller frees.  NULL with *malformed set: not a
// point.
static EVP_PKEY *open_peer(enum crypto_scheme scheme, struct rotor_bytes raw,
                           bool *malformed)
{
    struct openssl_thread *thread = openssl_thread();
    *malformed = false;
    if (thread == NULL) {
        return NULL;
    }
    if (scheme == CRYPTO_X25519) {
        return EVP_PKEY_new_raw_public_key_ex(
            openssl_library()->context, "X25519", NULL, raw.data, raw.size);
    }
    // This thread's own key takes the point; the library checks that it lies
    // on the curve, and the cofactor is 1.
    uint8_t encoded[1 + CRYPTO_PUBLIC_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(encoded + 1, raw.data, raw.size);
    EVP_PKEY *peer = thread->peer[scheme];
    if (EVP_PKEY_set1_encoded_public_key(peer, encoded, 1 + raw.size) != 1) {
        *malformed = !openssl_forget_errors();
        return NULL;
    }
    return EVP_PKEY_up_ref(peer) == 1 ? peer : NULL;
}

static EVP_PKEY_CTX *borrow(struct openssl_key *key)
{
    EVP_PKEY_CTX *context = atomic_exchange(&key->agreer, NULL);
    if (context != NULL) {
        return context;
    }
    context =
        EVP_PKEY_CTX_new_from_pkey(openssl_library()->context, key->pkey, NULL);
    if (context != NULL && EVP_PKEY_derive_init(context) != 1) {
        EVP_PKEY_CTX_free(context);
        return NULL;
    }
    return context;
}

// On Curve25519 the all-zero secret comes only from a point that contributes
// nothing.  On the NIST curves x = 0 belongs to points like any other.
static bool is_zero(const uint8_t *secret, size_t size)
{
    static const uint8_t zeros[CRYPTO_SHARED_MAX];
    return secret_equal(secret, zeros, size);
}

// The peer has been checked: the library need not multiply it by the order.
static enum rotor_status agree_with(struct openssl_key *key, EVP_PKEY *peer,
                                    size_t size, uint8_t *secret)
{
    EVP_PKEY_CTX *context = borrow(key);
    if (context == NULL) {
        (void)openssl_forget_errors();
        return ROTOR_PORT_FAILED;
    }
    size_t used = size;
    bool ok = EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
              EVP_PKEY_derive(context, secret, &used) == 1 && used == size;
    EVP_PKEY_CTX_free(atomic_exchange(&key->agreer, context));
    if (!ok) {
        // OpenSSL refuses the all-zero X25519 result itself.
        return openssl_forget_errors() ? ROTOR_PORT_FAILED : ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

enum rotor_status crypto_agree(const struct crypto_key *key,
                               struct rotor_bytes peer_public, uint8_t *shared)
{
    struct openssl_key *handle = openssl_key_of(key);
    struct crypto_sizes size = crypto_sizes(key->scheme);
    if (handle == NULL || !key->is_private || size.shared == 0) {
        return ROTOR_INVALID;
    }
    if (peer_public.size != size.public_key) {
        return ROTOR_MALFORMED;
    }
    bool malformed = false;
    EVP_PKEY *peer = open_peer(key->scheme, peer_public, &malformed);
    if (peer == NULL) {
        (void)openssl_forget_errors();
        return malformed ? ROTOR_MALFORMED : ROTOR_PORT_FAILED;
    }
    uint8_t secret[CRYPTO_SHARED_MAX] = {0};
    enum rotor_status status = agree_with(handle, peer, size.shared, secret);
    if (key->scheme == CRYPTO_X25519 && is_zero(secret, size.shared)) {
        status = ROTOR_MALFORMED;
    }
    if (status == ROTOR_OK) {
        memcpy(shared, secret, size.shared);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    EVP_PKEY_free(peer);
    return status;
}
