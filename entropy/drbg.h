// SPDX-License-Identifier: Apache-2.0
// HMAC_DRBG of SP 800-90A Rev. 1 with SHA-256: security strength 256 bits.
//
// The caller brings the entropy input and says when to reseed; the front
// (entropy/entropy.h) reseeds before every use.
#ifndef ROTOR_ENTROPY_DRBG_H
#define ROTOR_ENTROPY_DRBG_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define ENTROPY_DRBG_STRENGTH    32u    // bytes, the least entropy input
#define ENTROPY_DRBG_REQUEST_MAX 65536u // bytes of one generate call

struct entropy_drbg {
    uint8_t key[32];       // SECRET
    uint8_t value[32];     // SECRET
    uint64_t reseed_count; // 0: not instantiated
};

// After ROTOR_PORT_FAILED the state is unchanged and nothing was given out.

// 10.1.2.3.  `entropy` holds at least 256 bits of min-entropy.
//
// ROTOR_INVALID  `entropy` is shorter than 32 bytes.
ROTOR_CALL entropy_drbg_init(struct entropy_drbg *drbg,
                             struct rotor_bytes entropy,
                             struct rotor_bytes nonce,
                             struct rotor_bytes personalization);

// 10.1.2.4.
//
// ROTOR_INVALID    `entropy` is shorter than 32 bytes.
// ROTOR_FORBIDDEN  not instantiated.
ROTOR_CALL entropy_drbg_reseed(struct entropy_drbg *drbg,
                               struct rotor_bytes entropy,
                               struct rotor_bytes additional);

// 10.1.2.5.  Fills all of `out`.
//
// ROTOR_INVALID    more than ENTROPY_DRBG_REQUEST_MAX bytes.
// ROTOR_FORBIDDEN  not instantiated, or 2^48 requests since the last reseed.
ROTOR_CALL entropy_drbg_generate(struct entropy_drbg *drbg,
                                 struct rotor_bytes additional,
                                 struct rotor_room *out);

void entropy_drbg_wipe(struct entropy_drbg *drbg);

#endif
