// SPDX-License-Identifier: Apache-2.0
// The check of an Ed25519 public key that OpenSSL leaves to the verification.
#ifndef ROTOR_CRYPTO_OPENSSL_EDWARDS_H
#define ROTOR_CRYPTO_OPENSSL_EDWARDS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bn.h>

#include <rotor/status.h>

// *is_point: `encoded` is the canonical encoding (RFC 8032, 5.1.3) of a point
// whose order is not 1, 2, 4 or 8.  A key of small order would take one
// signature as valid for every message.  Not for secrets.
ROTOR_CALL openssl_edwards_check(BN_CTX *numbers, const uint8_t encoded[32],
                                 bool *is_point);

#endif
