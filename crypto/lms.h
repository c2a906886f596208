// SPDX-License-Identifier: Apache-2.0
// Verification of LMS and HSS signatures (RFC 8554; SP 800-208, SHA-256 with
// 32 and 24 bytes).  For boot images, where one key signs many.
//
// Both functions return ROTOR_OK for every key and every signature that the
// hash could be computed for: what does not parse is not valid.
#ifndef ROTOR_CRYPTO_LMS_H
#define ROTOR_CRYPTO_LMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define CRYPTO_LMS_PUBLIC_MAX 56u // be32(type) || be32(ots) || I || T[1]
#define CRYPTO_LMS_HEIGHT_MAX 25u
#define CRYPTO_HSS_LEVELS_MAX 8u

struct crypto_lms_type {
    uint32_t number;
    uint8_t hash_size; // m
    uint8_t height;    // h
};

// Types 5..9 (m = 32) and 10..14 (m = 24); NULL for any other number.
const struct crypto_lms_type *crypto_lms_type_of(uint32_t number);

// *valid is false unless `signature`, all of it, verifies under `public_key`.
ROTOR_CALL crypto_lms_verify(struct rotor_bytes public_key,
                             struct rotor_bytes message,
                             struct rotor_bytes signature, bool *valid);

// The same for the hierarchy: `public_key` is be32(levels) || LMS key.
ROTOR_CALL crypto_hss_verify(struct rotor_bytes public_key,
                             struct rotor_bytes message,
                             struct rotor_bytes signature, bool *valid);

// ---- for crypto/lms_sign.c -------------------------------------------------

// Where a node stands: leaves are 2^h + q, the root is 1.
struct crypto_lms_node {
    const struct crypto_lms_type *type;
    const uint8_t *id; // 16 bytes
    uint32_t number;
};

// H(I || be32(number) || D_LEAF || K).
ROTOR_CALL crypto_lms_leaf(const struct crypto_lms_node *node, const uint8_t *k,
                           uint8_t *out);
// H(I || be32(number) || D_INTR || left || right); `out` may be either.
ROTOR_CALL crypto_lms_join(const struct crypto_lms_node *node,
                           const uint8_t *left, const uint8_t *right,
                           uint8_t *out);

#endif
