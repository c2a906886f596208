// SPDX-License-Identifier: Apache-2.0
// Signatures of the port beside the right numbers: low s, ranges, sizes.
#include "test/spec/crypto_help.h"

#include <openssl/bn.h>

#include "crypto/scalar.h"
#include "crypto/suite.h"

static BIGNUM *number_of(const uint8_t *bytes, size_t size)
{
    return BN_bin2bn(bytes, (int)size, NULL);
}

// Replaces s by order - s.
static void flip_s(enum crypto_scheme scheme, uint8_t *signature)
{
    size_t half = crypto_sizes(scheme).signature / 2;
    BIGNUM *order = NULL;
    BIGNUM *s = number_of(signature + half, half);
    BN_hex2bn(&order, order_hex[scheme]);
    BN_sub(s, order, s);
    assert_int_equal(BN_bn2binpad(s, signature + half, (int)half), half);
    BN_free(s);
    BN_free(order);
}

static bool s_is_low(enum crypto_scheme scheme, const uint8_t *signature)
{
    size_t half = crypto_sizes(scheme).signature / 2;
    BIGNUM *order = NULL;
    BIGNUM *s = number_of(signature + half, half);
    BN_hex2bn(&order, order_hex[scheme]);
    BN_rshift1(order, order);
    bool low = BN_cmp(s, order) <= 0;
    BN_free(s);
    BN_free(order);
    return low;
}

SPEC("ECDSA emits low s, never twice the same, and takes the high s too")
{
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        struct crypto_key key = {0};
        uint8_t bytes[CRYPTO_SIGNATURE_MAX];
        uint8_t before[CRYPTO_SIGNATURE_MAX] = {0};
        struct rotor_room room = ROOM_OF(bytes);
        make(&key, scheme, 6);
        for (unsigned i = 0; i < 40; i++) {
            bool valid = false;
            assert_ok(crypto_sign(&key, text_of("m"), &room));
            assert_true(s_is_low(scheme, bytes));
            assert_memory_not_equal(bytes, before, sizeof bytes);
            memcpy(before, bytes, sizeof bytes);
            flip_s(scheme, bytes);
            assert_false(s_is_low(scheme, bytes));
            assert_ok(
                crypto_verify(&key, text_of("m"), bytes_in(&room), &valid));
            assert_true(valid);
        }
        crypto_key_close(&key);
    }
}

SPEC("r or s of 0, of the order or above it, or another size is not valid")
{
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        struct crypto_key key = {0};
        uint8_t good[CRYPTO_SIGNATURE_MAX + 1] = {0};
        uint8_t bad[CRYPTO_SIGNATURE_MAX];
        struct rotor_room room = {good, CRYPTO_SIGNATURE_MAX, 0};
        size_t half = crypto_sizes(scheme).signature / 2;
        bool valid = true;
        make(&key, scheme, 7);
        assert_ok(crypto_sign(&key, text_of("m"), &room));
        for (size_t at = 0; at <= half; at += half) {
            for (unsigned kind = 0; kind < 3; kind++) {
                memcpy(bad, good, sizeof bad);
                memset(bad + at, kind == 2 ? 0xff : 0, half);
                if (kind == 1) {
                    memcpy(bad + at, crypto_scalar_order(scheme), half);
                }
                valid = true;
                assert_ok(crypto_verify(&key, text_of("m"),
                                        bytes_of(bad, 2 * half), &valid));
                assert_false(valid);
            }
        }
        for (size_t size = 0; size <= 2 * half + 1; size++) {
            valid = size != 2 * half;
            assert_ok(crypto_verify(&key, text_of("m"), bytes_of(good, size),
                                    &valid));
            assert_int_equal(valid, size == 2 * half);
        }
        crypto_key_close(&key);
    }
}

SPEC("r + order, which is r to a curve, is not the signature that was made")
{
    // Only where r + order still fits: P-256 leaves room of 2^-32, so the
    // range check is what refuses it; take r = 1 as the smallest.
    uint8_t bytes[64] = {0};
    struct crypto_key key = {0};
    bool valid = true;
    make(&key, CRYPTO_P256, 8);
    memcpy(bytes, crypto_scalar_order(CRYPTO_P256), 32);
    bytes[31]++;
    bytes[63] = 1;
    assert_ok(crypto_verify(&key, text_of("m"), BYTES_OF(bytes), &valid));
    assert_false(valid);
    crypto_key_close(&key);
}

SPEC("the digest form signs what the message form verifies, and no other size")
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct crypto_key key = {0};
        uint8_t digest[CRYPTO_HASH_MAX] = {0};
        uint8_t bytes[CRYPTO_SIGNATURE_MAX + 1];
        struct rotor_room room = ROOM_OF(bytes);
        struct rotor_bytes message = text_of("image");
        enum crypto_hash hash = crypto_hash_of_scheme(all[i]);
        bool valid = false;
        bool has_form = all[i] == CRYPTO_P256 || all[i] == CRYPTO_P384;
        make(&key, all[i], 9);
        assert_ok(crypto_hash(hash, &message, 1, digest));
        for (size_t size = 0; size <= sizeof digest; size++) {
            bool fits = has_form && size == crypto_hash_size(hash);
            enum rotor_status expected = fits ? ROTOR_OK : ROTOR_INVALID;
            assert_int_equal(
                crypto_sign_digest(&key, bytes_of(digest, size), &room),
                expected);
            assert_int_equal(room.used != 0, fits);
            assert_int_equal(crypto_verify_digest(&key, bytes_of(digest, size),
                                                  bytes_in(&room), &valid),
                             expected);
            assert_int_equal(valid, fits);
            if (fits) {
                bytes[room.used] = 0;
                assert_ok(crypto_verify_digest(&key, bytes_of(digest, size),
                                               bytes_of(bytes, room.used + 1),
                                               &valid));
                assert_false(valid);
                assert_ok(
                    crypto_verify(&key, message, bytes_in(&room), &valid));
                assert_true(valid);
            }
        }
        crypto_key_close(&key);
    }
}

SPEC("a room that is one byte short gets no signature")
{
    for (size_t i = 0; i < 3; i++) {
        struct crypto_key key = {0};
        uint8_t bytes[CRYPTO_SIGNATURE_MAX] = {0};
        struct rotor_room room = {bytes, crypto_sizes(all[i]).signature - 1, 5};
        make(&key, all[i], 10);
        assert_int_equal(crypto_sign(&key, text_of("m"), &room),
                         ROTOR_TOO_SMALL);
        assert_int_equal(room.used, 0);
        for (size_t b = 0; b < sizeof bytes; b++) {
            assert_int_equal(bytes[b], 0);
        }
        crypto_key_close(&key);
    }
}
