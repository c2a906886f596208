// SPDX-License-Identifier: Apache-2.0
// The crypto port: everything rotor needs of a cryptographic library.
//
// One back end is chosen by the build (crypto/openssl on a host) and linked
// in; there is no table of function pointers.  Pure modules call these
// functions and nothing of the library.  Suites: doc/PROTOCOL.rot, section 11.
//
// Every function may return ROTOR_PORT_FAILED: the library refused.
#ifndef ROTOR_CRYPTO_H
#define ROTOR_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

enum crypto_hash {
    CRYPTO_HASH_NONE = 0,
    CRYPTO_SHA256,
    CRYPTO_SHA384,
    CRYPTO_SHA512,
    // For crypto_hash only, to replay what a TPM was told long ago: nothing
    // else here takes it, and no signature may rest on it.
    CRYPTO_SHA1,
};

#define CRYPTO_HASH_MAX 64u // bytes, SHA-512

// Output length of `hash` in bytes; 0 for CRYPTO_HASH_NONE.
size_t crypto_hash_size(enum crypto_hash hash);

// Hashes the concatenation of `parts`; writes crypto_hash_size(hash) bytes.
ROTOR_CALL crypto_hash(enum crypto_hash hash, const struct rotor_bytes *parts,
                       size_t count, uint8_t *digest);

// HMAC (RFC 2104) of the concatenation of `parts` under `key`.
ROTOR_CALL crypto_hmac(enum crypto_hash hash, struct rotor_bytes key,
                       const struct rotor_bytes *parts, size_t count,
                       uint8_t *mac);

// HKDF-Extract (RFC 5869): prk of crypto_hash_size(hash) bytes.
ROTOR_CALL crypto_extract(enum crypto_hash hash, struct rotor_bytes salt,
                          struct rotor_bytes ikm, uint8_t *prk);

// HKDF-Expand (RFC 5869): fills all of `okm` (capacity bytes) and sets used.
// `prk` is crypto_hash_size(hash) bytes; `info` at most 1024 bytes.
ROTOR_CALL crypto_expand(enum crypto_hash hash, const uint8_t *prk,
                         struct rotor_bytes info, struct rotor_room *okm);

// ---- keys ------------------------------------------------------------------

enum crypto_scheme {
    CRYPTO_SCHEME_NONE = 0,
    CRYPTO_ED25519, // signs
    CRYPTO_P256,    // ECDSA with SHA-256, or ECDH
    CRYPTO_P384,    // ECDSA with SHA-384, or ECDH
    CRYPTO_X25519,  // agrees
};

#define CRYPTO_SEED_MAX      56u // bytes that a private key is derived from
#define CRYPTO_PRIVATE_MAX   48u // bytes of a private scalar
#define CRYPTO_PUBLIC_MAX    96u // bytes, x || y of P-384
#define CRYPTO_SIGNATURE_MAX 96u // bytes, r || s of P-384
#define CRYPTO_SHARED_MAX    48u // bytes, x coordinate of P-384

// Sizes in bytes of one scheme; all zero for CRYPTO_SCHEME_NONE.
struct crypto_sizes {
    size_t seed;        // 32, 40, 56: input of crypto_key_derive
    size_t private_key; // 32, 32, 48
    size_t public_key;  // 32, 64 (x || y), 96
    size_t signature;   // 64, 64 (r || s), 96; 0 for X25519
    size_t shared;      // 32, 32, 48; 0 for Ed25519
};
struct crypto_sizes crypto_sizes(enum crypto_scheme scheme);

// A key that the back end holds.  All zero is "no key"; close is then a no-op.
struct crypto_key {
    void *impl;
    enum crypto_scheme scheme;
    bool is_private;
};

// Makes the private key that `seed` (crypto_sizes().seed bytes) names: the
// bytes as they are, or int(seed) mod (order - 1) + 1.  PROTOCOL.rot 2.
ROTOR_CALL crypto_key_derive(struct crypto_key *key, enum crypto_scheme scheme,
                             const uint8_t *seed);

// Takes a private scalar as crypto_key_private gave it.
//
// ROTOR_MALFORMED  not a scalar in 1..order-1.
ROTOR_CALL crypto_key_import(struct crypto_key *key, enum crypto_scheme scheme,
                             struct rotor_bytes private_key);

// Takes a public key: 32 bytes, or x || y.
//
// ROTOR_MALFORMED  wrong size, or not a point on the curve.  For Ed25519 also a
//                  point of small order, under which one signature could hold
//                  for every message.  X25519 takes any 32 bytes.
ROTOR_CALL crypto_key_import_public(struct crypto_key *key,
                                    enum crypto_scheme scheme,
                                    struct rotor_bytes public_key);

// Replaces what `out` holds.  crypto_key_private: private keys only; the
// caller wipes it.
ROTOR_CALL crypto_key_public(const struct crypto_key *key,
                             struct rotor_room *public_key);
ROTOR_CALL crypto_key_private(const struct crypto_key *key,
                              struct rotor_room *private_key);

// Wipes and releases; the key is all zero afterwards.
void crypto_key_close(struct crypto_key *key);

// Signs `message` (the back end hashes it as the scheme says) and verifies the
// result before it gives it out.  ECDSA: r || s of fixed length, low s, nonce
// hedged with fresh randomness.
ROTOR_CALL crypto_sign(const struct crypto_key *key, struct rotor_bytes message,
                       struct rotor_room *signature);

// The same for ECDSA keys over a digest that the caller made (32 or 48 bytes).
//
// ROTOR_INVALID  digest size does not fit, or the scheme has no digest form.
ROTOR_CALL crypto_sign_digest(const struct crypto_key *key,
                              struct rotor_bytes digest,
                              struct rotor_room *signature);

// *valid is false unless the signature verifies.  A signature of another size,
// or r or s outside 1..order-1, is not valid; that is no error.  Any s in
// 1..order-1 is taken.
ROTOR_CALL crypto_verify(const struct crypto_key *key,
                         struct rotor_bytes message,
                         struct rotor_bytes signature, bool *valid);
ROTOR_CALL crypto_verify_digest(const struct crypto_key *key,
                                struct rotor_bytes digest,
                                struct rotor_bytes signature, bool *valid);

// Diffie-Hellman with a peer's raw public key: crypto_sizes().shared bytes.
//
// ROTOR_MALFORMED  wrong size, not a point on the curve, or an all-zero X25519
//                  result.
ROTOR_CALL crypto_agree(const struct crypto_key *key,
                        struct rotor_bytes peer_public, uint8_t *shared);

// ---- AEAD ------------------------------------------------------------------

enum crypto_aead_algorithm {
    CRYPTO_AEAD_NONE = 0,
    CRYPTO_AES256_GCM,
    CRYPTO_CHACHA20_POLY1305,
};

#define CRYPTO_AEAD_KEY   32u // bytes
#define CRYPTO_AEAD_NONCE 12u // bytes
#define CRYPTO_AEAD_TAG   16u // bytes

// A keyed AEAD that the back end holds; cheap to use many times.
struct crypto_aead {
    void *impl;
};

ROTOR_CALL crypto_aead_open(struct crypto_aead *aead,
                            enum crypto_aead_algorithm algorithm,
                            const uint8_t key[CRYPTO_AEAD_KEY]);
void crypto_aead_close(struct crypto_aead *aead);

// Writes ciphertext || tag (plaintext.size + 16 bytes); may work in place.
ROTOR_CALL crypto_seal(const struct crypto_aead *aead,
                       const uint8_t nonce[CRYPTO_AEAD_NONCE],
                       struct rotor_bytes aad, struct rotor_bytes plaintext,
                       uint8_t *sealed);

// Writes sealed.size - 16 bytes of plaintext; may work in place.
//
// ROTOR_MALFORMED  the tag does not verify: `plaintext` holds zeros.
ROTOR_CALL crypto_unseal(const struct crypto_aead *aead,
                         const uint8_t nonce[CRYPTO_AEAD_NONCE],
                         struct rotor_bytes aad, struct rotor_bytes sealed,
                         uint8_t *plaintext);

#endif
