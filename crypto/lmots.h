// SPDX-License-Identifier: Apache-2.0
// LM-OTS, the one-time signature of RFC 8554 section 4 over SHA-256, with the
// 24-byte variants of SP 800-208.  One key signs one message: a second
// signature under the same key lets others forge.  That is the caller's to
// keep.
#ifndef ROTOR_CRYPTO_LMOTS_H
#define ROTOR_CRYPTO_LMOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define CRYPTO_LMOTS_N32_W4 3u // the type of rotor's rotation key

#define CRYPTO_LMOTS_ID        16u   // bytes of I
#define CRYPTO_LMOTS_SEED      32u   // bytes of SEED
#define CRYPTO_LMOTS_PUBLIC    56u   // be32(type) || I || be32(q) || K
#define CRYPTO_LMOTS_SIGNATURE 2180u // be32(type) || C || y[0..66]

// ---- rotor's rotation key: type 3, q = 0 (PROTOCOL.rot 2) ------------------

// Makes the public key of (id, seed).  About 1,000 hashes.
ROTOR_CALL crypto_lmots_public(const uint8_t id[CRYPTO_LMOTS_ID],
                               const uint8_t seed[CRYPTO_LMOTS_SEED],
                               uint8_t public_key[CRYPTO_LMOTS_PUBLIC]);

// Signs, and checks the signature against the public key made anew before it
// gives it out.  Deterministic: the same message gives the same bytes.
ROTOR_CALL crypto_lmots_sign(const uint8_t id[CRYPTO_LMOTS_ID],
                             const uint8_t seed[CRYPTO_LMOTS_SEED],
                             struct rotor_bytes message,
                             uint8_t signature[CRYPTO_LMOTS_SIGNATURE]);

// *valid is false unless the signature verifies.  A key of another type or
// with q other than 0, or a signature of another size or type, is not valid;
// that is no error.
ROTOR_CALL crypto_lmots_verify(const uint8_t public_key[CRYPTO_LMOTS_PUBLIC],
                               struct rotor_bytes message,
                               struct rotor_bytes signature, bool *valid);

// ---- every type ------------------------------------------------------------

#define CRYPTO_LMOTS_HASH_MAX   32u  // bytes, n
#define CRYPTO_LMOTS_CHAINS_MAX 265u // p of W1 with n = 32

struct crypto_lmots_type {
    uint32_t number;
    uint8_t hash_size;      // n
    uint8_t width;          // w: bits of a digit
    uint16_t chains;        // p
    uint8_t checksum_shift; // ls
};

// Types 1..8; NULL for any other number.
const struct crypto_lmots_type *crypto_lmots_type_of(uint32_t number);

// 4 + n + p * n.
size_t crypto_lmots_signature_size(const struct crypto_lmots_type *type);

// One key among those that a seed names.
struct crypto_lmots_key {
    const struct crypto_lmots_type *type;
    uint8_t id[CRYPTO_LMOTS_ID];
    uint32_t q;
    uint8_t seed[CRYPTO_LMOTS_SEED]; // SECRET; the first n bytes count
};

// K of the key: hash_size bytes.
ROTOR_CALL crypto_lmots_make(const struct crypto_lmots_key *key, uint8_t *k);

// Writes crypto_lmots_signature_size(key->type) bytes, unchecked.
ROTOR_CALL crypto_lmots_sign_with(const struct crypto_lmots_key *key,
                                  struct rotor_bytes message,
                                  uint8_t *signature);

// The K that `signature`, of the size and the type that `key` says, leads to:
// RFC 8554 algorithm 4b.  key->seed is not read.
//
// ROTOR_MALFORMED  the size or the type differs.
ROTOR_CALL crypto_lmots_candidate(const struct crypto_lmots_key *key,
                                  struct rotor_bytes message,
                                  struct rotor_bytes signature, uint8_t *k);

#endif
