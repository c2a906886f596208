// SPDX-License-Identifier: Apache-2.0
// Shared by the files of this folder only.
#ifndef ROTOR_CRYPTO_OPENSSL_INTERNAL_H
#define ROTOR_CRYPTO_OPENSSL_INTERNAL_H

#include <stdatomic.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"

#define HASH_COUNT   5u // indexed by enum crypto_hash
#define SCHEME_COUNT 5u // indexed by enum crypto_scheme
#define AEAD_COUNT   3u // indexed by enum crypto_aead_algorithm

// Made once, read by every thread afterwards.
struct openssl_library {
    OSSL_LIB_CTX *context;
    EVP_MD *hash[HASH_COUNT];
    EVP_MAC *hmac;
    EVP_KDF *hkdf;
    EVP_CIPHER *aead[AEAD_COUNT];
    EC_GROUP *curve[SCHEME_COUNT];      // P-256 and P-384 only
    EVP_PKEY *any_public[SCHEME_COUNT]; // some public key, to be copied
};

// Contexts that one thread uses again and again.  None holds a key between
// two calls.
struct openssl_thread {
    EVP_MD_CTX *hash[HASH_COUNT];  // always ready for the first byte
    EVP_MAC_CTX *hmac[HASH_COUNT]; // NULL for SHA-1, as is the next
    EVP_KDF_CTX *expand[HASH_COUNT];
    EVP_PKEY_CTX *make_ec;
    EVP_PKEY *peer[SCHEME_COUNT]; // overwritten by each agreement
    BN_CTX *numbers;
};

// NULL: the back end could not be set up.
const struct openssl_library *openssl_library(void);

// The same for the calling thread.  Freed when the thread ends.
struct openssl_thread *openssl_thread(void);

// Puts an expanding context back to where the thread found it.
bool openssl_restart_expand(EVP_KDF_CTX *context, enum crypto_hash hash);

// A context that may be in use by one thread at a time.  Borrowing takes it
// out, so a second thread finds NULL and makes its own.
typedef _Atomic(void *) openssl_slot;

// What crypto_key.impl points to.
struct openssl_key {
    EVP_PKEY *pkey;
    openssl_slot signer;   // EVP_PKEY_CTX, or EVP_MD_CTX for Ed25519
    openssl_slot verifier; // the same
    openssl_slot agreer;   // EVP_PKEY_CTX
    uint8_t public_key[CRYPTO_PUBLIC_MAX];
};

// The handle of `key`, or NULL when it holds none.
struct openssl_key *openssl_key_of(const struct crypto_key *key);

// Drops what a failed call left in the library's error queue.  True: the
// failure was for want of memory, not for what the input was.
bool openssl_forget_errors(void);

// Bytes of r, or of s, on P-521; and of a SEQUENCE of both, each an INTEGER
// with one more byte for its sign.
#define OPENSSL_HALF_MAX 66u
#define OPENSSL_DER_MAX  (3u + 2u * (2u + 1u + OPENSSL_HALF_MAX))

// An ECDSA signature r || s as DER; returns its size.  `raw` has at most two
// halves of OPENSSL_HALF_MAX.
size_t openssl_der_of(struct rotor_bytes raw, uint8_t der[OPENSSL_DER_MAX]);

static inline bool openssl_is_ec(enum crypto_scheme scheme)
{
    return scheme == CRYPTO_P256 || scheme == CRYPTO_P384;
}

#endif
