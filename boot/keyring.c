// SPDX-License-Identifier: Apache-2.0
#include "boot/keyring.h"

#include <string.h>

#include "base/bytes.h"

#define MAGIC   "ROTK"
#define VERSION 1u

#define KIND_HSS 3u // beside the numbers of schemes

#define FLAG_HAS_LMS      1u
#define FLAG_LMS_REQUIRED 2u

uint16_t boot_scheme_encode(enum crypto_scheme scheme)
{
    if (scheme == CRYPTO_P256) {
        return 1;
    }
    return scheme == CRYPTO_P384 ? 2 : 0;
}

enum crypto_scheme boot_scheme_decode(uint32_t number)
{
    if (number == 1) {
        return CRYPTO_P256;
    }
    return number == 2 ? CRYPTO_P384 : CRYPTO_SCHEME_NONE;
}

bool boot_is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static bool keys_are_equal(const struct boot_key *a, const struct boot_key *b)
{
    return a->scheme == b->scheme &&
           memcmp(a->public_key, b->public_key, sizeof a->public_key) == 0;
}

static bool key_is_sound(const struct boot_key *key)
{
    if (boot_scheme_encode(key->scheme) == 0) {
        return false;
    }
    size_t size = crypto_sizes(key->scheme).public_key;
    bool is_padded =
        boot_is_zero(key->public_key + size, sizeof key->public_key - size);
    bool has_lms_bytes =
        !boot_is_zero(key->lms_public_key, sizeof key->lms_public_key);
    return is_padded && has_lms_bytes == key->has_lms &&
           (key->has_lms || !key->lms_required);
}

static bool keyring_is_sound(const struct boot_keyring *keyring)
{
    if (keyring->count == 0 || keyring->count > BOOT_KEYS_MAX) {
        return false;
    }
    for (size_t i = 0; i < keyring->count; i++) {
        if (!key_is_sound(&keyring->keys[i])) {
            return false;
        }
        // One key twice could require LMS here and not there.
        for (size_t j = 0; j < i; j++) {
            if (keys_are_equal(&keyring->keys[i], &keyring->keys[j])) {
                return false;
            }
        }
    }
    return true;
}

// be16 scheme, be16 flags, public key, LMS public key.
static void encode_key(const struct boot_key *key,
                       uint8_t out[BOOT_KEYRING_ENTRY_SIZE])
{
    uint32_t flags = (key->has_lms ? FLAG_HAS_LMS : 0u) |
                     (key->lms_required ? FLAG_LMS_REQUIRED : 0u);
    bytes_put_be16(out, boot_scheme_encode(key->scheme));
    bytes_put_be16(out + 2, (uint16_t)flags);
    memcpy(out + 4, key->public_key, CRYPTO_PUBLIC_MAX);
    memcpy(out + 4 + CRYPTO_PUBLIC_MAX, key->lms_public_key,
           BOOT_LMS_PUBLIC_MAX);
}

// Form of the head only; keyring_is_sound judges the rest.
static bool decode_key(const uint8_t in[BOOT_KEYRING_ENTRY_SIZE],
                       struct boot_key *key)
{
    uint16_t flags = bytes_be16(in + 2);
    if (flags > (FLAG_HAS_LMS | FLAG_LMS_REQUIRED)) {
        return false;
    }
    key->scheme = boot_scheme_decode(bytes_be16(in));
    key->has_lms = (flags & FLAG_HAS_LMS) != 0;
    key->lms_required = (flags & FLAG_LMS_REQUIRED) != 0;
    memcpy(key->public_key, in + 4, CRYPTO_PUBLIC_MAX);
    memcpy(key->lms_public_key, in + 4 + CRYPTO_PUBLIC_MAX,
           BOOT_LMS_PUBLIC_MAX);
    return true;
}

enum rotor_status boot_keyring_encode(const struct boot_keyring *keyring,
                                      struct rotor_room *encoded)
{
    encoded->used = 0;
    if (!keyring_is_sound(keyring)) {
        return ROTOR_INVALID;
    }
    size_t size =
        BOOT_KEYRING_HEAD_SIZE + keyring->count * BOOT_KEYRING_ENTRY_SIZE;
    if (size > encoded->capacity) {
        return ROTOR_TOO_SMALL;
    }
    memcpy(encoded->data, MAGIC, 4);
    bytes_put_be16(encoded->data + 4, VERSION);
    bytes_put_be16(encoded->data + 6, (uint16_t)keyring->count);
    uint8_t *entry = encoded->data + BOOT_KEYRING_HEAD_SIZE;
    for (size_t i = 0; i < keyring->count; i++) {
        encode_key(&keyring->keys[i], entry + i * BOOT_KEYRING_ENTRY_SIZE);
    }
    encoded->used = size;
    return ROTOR_OK;
}

enum rotor_status boot_keyring_decode(struct rotor_bytes encoded,
                                      struct boot_keyring *keyring)
{
    struct boot_keyring decoded = {0};
    if (encoded.size < BOOT_KEYRING_HEAD_SIZE ||
        memcmp(encoded.data, MAGIC, 4) != 0 ||
        bytes_be16(encoded.data + 4) != VERSION) {
        return ROTOR_MALFORMED;
    }
    decoded.count = bytes_be16(encoded.data + 6);
    if (decoded.count > BOOT_KEYS_MAX ||
        encoded.size !=
            BOOT_KEYRING_HEAD_SIZE + decoded.count * BOOT_KEYRING_ENTRY_SIZE) {
        return ROTOR_MALFORMED;
    }
    const uint8_t *entry = encoded.data + BOOT_KEYRING_HEAD_SIZE;
    for (size_t i = 0; i < decoded.count; i++) {
        if (!decode_key(entry + i * BOOT_KEYRING_ENTRY_SIZE,
                        &decoded.keys[i])) {
            return ROTOR_MALFORMED;
        }
    }
    if (!keyring_is_sound(&decoded)) {
        return ROTOR_MALFORMED;
    }
    *keyring = decoded;
    return ROTOR_OK;
}

// SHA-256("rotor1 image key" || 0 || be16 kind || public key)
static enum rotor_status id_of(uint16_t kind, struct rotor_bytes public_key,
                               uint8_t id[BOOT_KEY_ID_SIZE])
{
    uint8_t kind_bytes[2];
    bytes_put_be16(kind_bytes, kind);
    struct rotor_bytes parts[] = {LABEL("rotor1 image key\0"),
                                  BYTES_OF(kind_bytes), public_key};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), id);
}

enum rotor_status boot_key_id(enum crypto_scheme scheme,
                              struct rotor_bytes public_key,
                              uint8_t id[BOOT_KEY_ID_SIZE])
{
    if (boot_scheme_encode(scheme) == 0 ||
        public_key.size != crypto_sizes(scheme).public_key) {
        return ROTOR_INVALID;
    }
    return id_of(boot_scheme_encode(scheme), public_key, id);
}

enum rotor_status boot_lms_key_id(struct rotor_bytes public_key,
                                  uint8_t id[BOOT_KEY_ID_SIZE])
{
    if (public_key.size != BOOT_LMS_PUBLIC_MAX) {
        return ROTOR_INVALID;
    }
    return id_of(KIND_HSS, public_key, id);
}

enum rotor_status boot_keyring_hash(const struct boot_keyring *keyring,
                                    enum boot_component component,
                                    uint8_t authority_hash[64])
{
    uint8_t memory[BOOT_KEYRING_MAX]; // public, not wiped
    struct rotor_room encoded = ROOM_OF(memory);
    TRY(boot_keyring_encode(keyring, &encoded));
    uint8_t component_bytes[4];
    bytes_put_be32(component_bytes, (uint32_t)component);
    struct rotor_bytes parts[] = {LABEL("rotor1 authority\0"),
                                  BYTES_OF(component_bytes),
                                  bytes_in(&encoded)};
    return crypto_hash(CRYPTO_SHA512, parts, COUNT_OF(parts), authority_hash);
}
