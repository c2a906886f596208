// SPDX-License-Identifier: Apache-2.0
// The keys that may sign images.  doc/PROTOCOL.boot 2.
//
// Public data whose integrity is everything: on a device it is part of stage
// 0; on a host it is a file that only root may write.
#ifndef ROTOR_BOOT_KEYRING_H
#define ROTOR_BOOT_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/component.h"
#include "crypto/crypto.h"

#define BOOT_KEYS_MAX       8u
#define BOOT_KEY_ID_SIZE    32u
#define BOOT_LMS_PUBLIC_MAX 60u // HSS, SHA-256/32: levels, types, I, T[1]

struct boot_key {
    enum crypto_scheme scheme;                   // CRYPTO_P256 or CRYPTO_P384
    uint8_t public_key[CRYPTO_PUBLIC_MAX];       // x || y, then zeros
    bool has_lms;                                // pairs an HSS key with it
    bool lms_required;                           // needs has_lms
    uint8_t lms_public_key[BOOT_LMS_PUBLIC_MAX]; // all zero without one
};

struct boot_keyring {
    struct boot_key keys[BOOT_KEYS_MAX];
    size_t count;
};

#define BOOT_KEYRING_HEAD_SIZE  8u
#define BOOT_KEYRING_ENTRY_SIZE 160u
#define BOOT_KEYRING_MAX                                                       \
    (BOOT_KEYRING_HEAD_SIZE + BOOT_KEYS_MAX * BOOT_KEYRING_ENTRY_SIZE)

// The number of a scheme in images and keyrings: 1 P-256, 2 P-384; 0 or
// CRYPTO_SCHEME_NONE for anything else.
uint16_t boot_scheme_encode(enum crypto_scheme scheme);
enum crypto_scheme boot_scheme_decode(uint32_t number);

// For padding that a format wants to be zero; public data only.
bool boot_is_zero(const uint8_t *bytes, size_t size);

// The only encoding of `keyring`.
//
// ROTOR_INVALID  decode would refuse it.
ROTOR_CALL boot_keyring_encode(const struct boot_keyring *keyring,
                               struct rotor_room *encoded);

// ROTOR_MALFORMED  not an encoding, no key, or one key twice.
ROTOR_CALL boot_keyring_decode(struct rotor_bytes encoded,
                               struct boot_keyring *keyring);

// The name of a key in an image header.  `public_key` is x || y; for the LMS
// half the HSS public key.
ROTOR_CALL boot_key_id(enum crypto_scheme scheme, struct rotor_bytes public_key,
                       uint8_t id[BOOT_KEY_ID_SIZE]);
ROTOR_CALL boot_lms_key_id(struct rotor_bytes public_key,
                           uint8_t id[BOOT_KEY_ID_SIZE]);

// What a DICE input says about who may sign images of `component`.
ROTOR_CALL boot_keyring_hash(const struct boot_keyring *keyring,
                             enum boot_component component,
                             uint8_t authority_hash[64]);

#endif
