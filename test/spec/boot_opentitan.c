// SPDX-License-Identifier: Apache-2.0
// Images of another project, signed by its own tools: an oracle for the ECDSA
// of our port, not for our format.
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "test/spec.h"
#include "test/spec/vectors.h"

#include <string.h>

#define SIGNED_FROM 384u
#define SIGNED_TO   48584u

static const char *const images[] = {
    "boot/opentitan/rom_ext_dice_x509_cw310.signed.bin",
    "boot/opentitan/rom_ext_dice_x509_cw340.signed.bin",
};

static const char *const keys[] = {
    "boot/opentitan/keys/prod_key_0_ecdsa_p256.pub.der", // the signer
    "boot/opentitan/keys/dev_key_0_ecdsa_p256.pub.der",
    "boot/opentitan/keys/prod_key_1_ecdsa_p256.pub.der",
    "boot/opentitan/keys/test_key_0_ecdsa_p256.pub.der",
    "boot/opentitan/keys/unauthorized_key_0_ecdsa_p256.pub.der",
};

static void reverse(uint8_t *out, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = in[size - 1 - i];
    }
}

// The last 64 bytes of a SubjectPublicKeyInfo are x || y.
static bool verifies(const char *key_path, struct rotor_bytes image)
{
    struct vectors v;
    struct rotor_bytes der;
    struct crypto_key key = {0};
    uint8_t signature[64];
    uint8_t digest[32];
    bool valid = false;
    assert_true(vectors_open_bytes(&v, key_path, &der));
    assert_int_equal(der.size, 91);
    assert_ok(crypto_key_import_public(&key, CRYPTO_P256,
                                       bytes_of(der.data + 27, 64)));
    reverse(signature, image.data, 32);
    reverse(signature + 32, image.data + 32, 32);
    struct rotor_bytes region =
        bytes_of(image.data + SIGNED_FROM, SIGNED_TO - SIGNED_FROM);
    assert_ok(crypto_hash(CRYPTO_SHA256, &region, 1, digest));
    assert_ok(crypto_verify_digest(&key, BYTES_OF(digest), BYTES_OF(signature),
                                   &valid));
    bool valid_message = false;
    assert_ok(crypto_verify(&key, region, BYTES_OF(signature), &valid_message));
    assert_int_equal(valid, valid_message);
    crypto_key_close(&key);
    vectors_close(&v);
    return valid;
}

SPEC("OpenTitan's signed images verify under its key and under no other")
{
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        struct vectors v;
        struct rotor_bytes image;
        if (!vectors_open_bytes(&v, images[i], &image)) {
            SKIP("no vectors");
        }
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            assert_int_equal(verifies(keys[k], image), k == 0);
        }
        static uint8_t flipped[1u << 16];
        memcpy(flipped, image.data, image.size);
        flipped[SIGNED_TO - 1] ^= 1;
        assert_false(verifies(keys[0], bytes_of(flipped, image.size)));
        vectors_close(&v);
    }
}
