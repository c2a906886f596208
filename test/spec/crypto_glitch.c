// SPDX-License-Identifier: Apache-2.0
// What the port does when the library, or the processor under it, goes wrong.
// The linker's --wrap puts the functions below between the two.
#include "test/spec/crypto_help.h"

#include <openssl/evp.h>

#include "crypto/lmots.h"
#include "crypto/scalar.h"

static enum { NO_GLITCH, WRONG_SIGNATURE, BLIND_CHECK, ZERO_SECRET } glitch;
static unsigned hashes_left; // the hash that is wrong, counted down to 1

#define WRAP(type, name, ...)                                                  \
    type __real_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__)

WRAP(int, EVP_PKEY_sign, EVP_PKEY_CTX *context, unsigned char *signature,
     size_t *size, const unsigned char *digest, size_t digest_size)
{
    int answer =
        __real_EVP_PKEY_sign(context, signature, size, digest, digest_size);
    if (glitch == WRONG_SIGNATURE && signature != NULL) {
        signature[10] ^= 1; // inside r
    }
    return answer;
}

WRAP(int, EVP_DigestSign, EVP_MD_CTX *context, unsigned char *signature,
     size_t *size, const unsigned char *message, size_t message_size)
{
    int answer =
        __real_EVP_DigestSign(context, signature, size, message, message_size);
    if (glitch == WRONG_SIGNATURE && signature != NULL) {
        signature[10] ^= 1;
    }
    return answer;
}

WRAP(int, EVP_PKEY_verify, EVP_PKEY_CTX *context,
     const unsigned char *signature, size_t size, const unsigned char *digest,
     size_t digest_size)
{
    int answer =
        __real_EVP_PKEY_verify(context, signature, size, digest, digest_size);
    return glitch == BLIND_CHECK ? 1 : answer;
}

WRAP(int, EVP_PKEY_derive, EVP_PKEY_CTX *context, unsigned char *secret,
     size_t *size)
{
    int answer = __real_EVP_PKEY_derive(context, secret, size);
    if (glitch == ZERO_SECRET) {
        memset(secret, 0, *size);
    }
    return answer;
}

WRAP(enum rotor_status, crypto_hash, enum crypto_hash hash,
     const struct rotor_bytes *parts, size_t count, uint8_t *digest)
{
    enum rotor_status status = __real_crypto_hash(hash, parts, count, digest);
    if (hashes_left != 0 && --hashes_left == 0) {
        digest[0] ^= 1;
    }
    return status;
}

SPEC("a signature that the library got wrong is kept back")
{
    for (enum crypto_scheme scheme = CRYPTO_ED25519; scheme <= CRYPTO_P384;
         scheme++) {
        struct crypto_key key = {0};
        uint8_t bytes[CRYPTO_SIGNATURE_MAX] = {0};
        struct rotor_room room = ROOM_OF(bytes);
        make(&key, scheme, 1);
        glitch = WRONG_SIGNATURE;
        assert_int_equal(crypto_sign(&key, text_of("m"), &room),
                         ROTOR_PORT_FAILED);
        glitch = NO_GLITCH;
        assert_int_equal(room.used, 0);
        for (size_t i = 0; i < sizeof bytes; i++) {
            assert_int_equal(bytes[i], 0);
        }
        assert_ok(crypto_sign(&key, text_of("m"), &room));
        crypto_key_close(&key);
    }
}

SPEC("r and s are held to 1..order-1 whatever the library says")
{
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        size_t half = crypto_sizes(scheme).signature / 2;
        uint8_t good[CRYPTO_SIGNATURE_MAX];
        struct crypto_key key = {0};
        make(&key, scheme, 2);
        memset(good, 1, sizeof good);
        glitch = BLIND_CHECK;
        bool valid = false;
        assert_ok(crypto_verify(&key, text_of("m"), bytes_of(good, 2 * half),
                                &valid));
        assert_true(valid);
        for (size_t at = 0; at <= half; at += half) {
            uint8_t bad[CRYPTO_SIGNATURE_MAX];
            memcpy(bad, good, sizeof bad);
            memset(bad + at, 0, half);
            assert_ok(crypto_verify(&key, text_of("m"), bytes_of(bad, 2 * half),
                                    &valid));
            assert_false(valid);
            memcpy(bad + at, crypto_scalar_order(scheme), half);
            assert_ok(crypto_verify(&key, text_of("m"), bytes_of(bad, 2 * half),
                                    &valid));
            assert_false(valid);
        }
        glitch = NO_GLITCH;
        crypto_key_close(&key);
    }
}

SPEC("an all-zero X25519 secret is refused even when the library gives it")
{
    struct crypto_key key = {0};
    struct held held;
    uint8_t shared[CRYPTO_SHARED_MAX] = {7};
    make(&key, CRYPTO_X25519, 3);
    read_public(&key, &held);
    glitch = ZERO_SECRET;
    assert_int_equal(crypto_agree(&key, held.view, shared), ROTOR_MALFORMED);
    glitch = NO_GLITCH;
    assert_int_equal(shared[0], 7);
    crypto_key_close(&key);
}

SPEC("a rotation signature with one wrong hash in it is kept back")
{
    uint8_t id[CRYPTO_LMOTS_ID] = {1};
    uint8_t seed[CRYPTO_LMOTS_SEED] = {2};
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    // Signing is C, Q and some 570 chain steps; the rest is the check itself.
    // A wrong C is no fault: it is only another randomizer.
    for (unsigned at = 2; at <= 1600; at += 37) {
        memset(signature, 9, sizeof signature);
        hashes_left = at;
        assert_int_equal(
            crypto_lmots_sign(id, seed, text_of("body"), signature),
            ROTOR_PORT_FAILED);
        assert_int_equal(hashes_left, 0);
        for (size_t i = 0; i < sizeof signature; i++) {
            assert_int_equal(signature[i], 9);
        }
    }
}
