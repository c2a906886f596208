// SPDX-License-Identifier: Apache-2.0
// The suites as data: closed tuples, named by one number.  PROTOCOL.rot 11.
#ifndef ROTOR_CRYPTO_SUITE_H
#define ROTOR_CRYPTO_SUITE_H

#include <stdint.h>

#include "crypto/crypto.h"

#define CRYPTO_SUITE_DEFAULT 2u

struct crypto_suite {
    uint16_t id;
    enum crypto_hash hash;    // H, HKDF and HMAC
    enum crypto_scheme sign;  // S, T, C and the second half of A
    enum crypto_scheme agree; // K and ephemerals
    enum crypto_aead_algorithm aead;
};

// NULL: no such suite is accepted here.
const struct crypto_suite *crypto_suite_of(uint64_t id);

// COSE algorithm numbers (RFC 9053, RFC 9054); 0 means "has none".
#define CRYPTO_COSE_LMOTS (-65537)

int64_t crypto_cose_of_scheme(enum crypto_scheme scheme); // -8, -7, -35
int64_t crypto_cose_of_hash(enum crypto_hash hash);       // -16, -43

// The way back; ..._NONE for a number that rotor does not know.
enum crypto_scheme crypto_scheme_of_cose(int64_t algorithm);
enum crypto_hash crypto_hash_of_cose(int64_t algorithm);

// The hash that `scheme` signs with: SHA-384 for P-384, else SHA-256.  It is
// also the hash of a kid and of a digest made by the key alone.
enum crypto_hash crypto_hash_of_scheme(enum crypto_scheme scheme);

#endif
