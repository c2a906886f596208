// SPDX-License-Identifier: Apache-2.0
// What the tests of the crypto port share.
#ifndef ROTOR_TEST_CRYPTO_HELP_H
#define ROTOR_TEST_CRYPTO_HELP_H

#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

static const enum crypto_scheme all[] = {CRYPTO_ED25519, CRYPTO_P256,
                                         CRYPTO_P384, CRYPTO_X25519};

// The orders once more, as SEC 2 prints them.
static const char order_hex[][97] __attribute__((unused)) = {
    [CRYPTO_P256] = "FFFFFFFF00000000FFFFFFFFFFFFFFFF"
                    "BCE6FAADA7179E84F3B9CAC2FC632551",
    [CRYPTO_P384] = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
                    "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
};

static inline struct rotor_bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

// A key pair that `salt` names.
static inline void make(struct crypto_key *key, enum crypto_scheme scheme,
                        uint8_t salt)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, salt, sizeof seed);
    assert_ok(crypto_key_derive(key, scheme, seed));
}

struct held {
    uint8_t bytes[CRYPTO_PUBLIC_MAX];
    struct rotor_bytes view;
};

static inline void read_public(const struct crypto_key *key, struct held *out)
{
    struct rotor_room room = ROOM_OF(out->bytes);
    assert_ok(crypto_key_public(key, &room));
    out->view = bytes_in(&room);
}

#endif
