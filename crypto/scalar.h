// SPDX-License-Identifier: Apache-2.0
// Private scalars of the NIST curves as big-endian bytes, in constant time.
#ifndef ROTOR_CRYPTO_SCALAR_H
#define ROTOR_CRYPTO_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"

// The order of the curve's base point, as long as a private key of `scheme`;
// NULL unless the scheme is P-256 or P-384.
const uint8_t *crypto_scalar_order(enum crypto_scheme scheme);

// int(seed) mod (order - 1) + 1; seed and scalar are as long as crypto_sizes
// says.  The caller wipes both.
//
// ROTOR_INVALID  not P-256 or P-384.
ROTOR_CALL crypto_scalar_reduce(enum crypto_scheme scheme, const uint8_t *seed,
                                uint8_t *scalar);

// Is `scalar`, as long as a private key of `scheme`, in 1..order-1?  False for
// the other schemes.
bool crypto_scalar_is_valid(enum crypto_scheme scheme, const uint8_t *scalar);

#endif
