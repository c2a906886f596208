// SPDX-License-Identifier: Apache-2.0
// Keys of the port: what becomes one, and what does not.
#include "test/spec/crypto_help.h"

#include <openssl/bn.h>
#include <openssl/rand.h>

#include "crypto/scalar.h"
#include "test/spec/vectors.h"

// int(seed) mod (order - 1) + 1, by OpenSSL's own division.
static void reduce_with_bn(enum crypto_scheme scheme, const uint8_t *seed,
                           uint8_t *scalar)
{
    struct crypto_sizes size = crypto_sizes(scheme);
    BN_CTX *pool = BN_CTX_new();
    BIGNUM *order = NULL;
    BIGNUM *number = BN_bin2bn(seed, (int)size.seed, NULL);
    BN_hex2bn(&order, order_hex[scheme]);
    BN_sub_word(order, 1);
    BN_mod(number, number, order, pool);
    BN_add_word(number, 1);
    assert_int_equal(BN_bn2binpad(number, scalar, (int)size.private_key),
                     size.private_key);
    BN_free(number);
    BN_free(order);
    BN_CTX_free(pool);
}

static void check_reduction(enum crypto_scheme scheme, const uint8_t *seed)
{
    uint8_t ours[CRYPTO_PRIVATE_MAX] = {0};
    uint8_t expected[CRYPTO_PRIVATE_MAX] = {0};
    assert_ok(crypto_scalar_reduce(scheme, seed, ours));
    reduce_with_bn(scheme, seed, expected);
    assert_memory_equal(ours, expected, sizeof ours);
    assert_true(crypto_scalar_is_valid(scheme, ours));
}

// k * (order - 1) + offset as a seed; false when it does not fit.
static bool near_multiple(enum crypto_scheme scheme, const char *k, long offset,
                          uint8_t *seed)
{
    struct crypto_sizes size = crypto_sizes(scheme);
    BN_CTX *pool = BN_CTX_new();
    BIGNUM *order = NULL;
    BIGNUM *factor = NULL;
    BN_hex2bn(&order, order_hex[scheme]);
    BN_hex2bn(&factor, k);
    BN_sub_word(order, 1);
    BN_mul(order, order, factor, pool);
    if (offset < 0) {
        BN_sub_word(order, (BN_ULONG)-offset);
    } else {
        BN_add_word(order, (BN_ULONG)offset);
    }
    bool fits = !BN_is_negative(order) &&
                BN_bn2binpad(order, seed, (int)size.seed) == (int)size.seed;
    BN_free(factor);
    BN_free(order);
    BN_CTX_free(pool);
    return fits;
}

SPEC("a seed becomes int(seed) mod (order - 1) + 1, also at the edges")
{
    static const char *const factors[] = {"0",
                                          "1",
                                          "2",
                                          "3",
                                          "8000000000000000",
                                          "FFFFFFFFFFFFFFFF",
                                          "10000000000000000"};
    unsigned edges = 0;
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        uint8_t seed[CRYPTO_SEED_MAX];
        for (size_t k = 0; k < COUNT_OF(factors); k++) {
            for (long offset = -3; offset <= 3; offset++) {
                if (near_multiple(scheme, factors[k], offset, seed)) {
                    check_reduction(scheme, seed);
                    edges++;
                }
            }
        }
        memset(seed, 0, sizeof seed);
        check_reduction(scheme, seed);
        memset(seed, 0xff, sizeof seed);
        check_reduction(scheme, seed);
        for (unsigned i = 0; i < 2000; i++) {
            RAND_bytes(seed, sizeof seed);
            check_reduction(scheme, seed);
        }
    }
    assert_true(edges > 70);
}

SPEC("a derived key holds the scalar of its seed, and exports it")
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct crypto_key key = {0};
        struct crypto_key again = {0};
        struct crypto_sizes size = crypto_sizes(all[i]);
        uint8_t seed[CRYPTO_SEED_MAX];
        uint8_t expected[CRYPTO_PRIVATE_MAX];
        uint8_t scalar[CRYPTO_PRIVATE_MAX];
        struct rotor_room room = ROOM_OF(scalar);
        RAND_bytes(seed, sizeof seed);
        memcpy(expected, seed, 32);
        if (all[i] == CRYPTO_P256 || all[i] == CRYPTO_P384) {
            reduce_with_bn(all[i], seed, expected);
        }
        assert_ok(crypto_key_derive(&key, all[i], seed));
        assert_ok(crypto_key_private(&key, &room));
        assert_int_equal(room.used, size.private_key);
        assert_memory_equal(scalar, expected, room.used);
        assert_ok(crypto_key_import(&again, all[i], bytes_in(&room)));
        struct held first;
        struct held second;
        read_public(&key, &first);
        read_public(&again, &second);
        assert_int_equal(first.view.size, size.public_key);
        assert_true(bytes_equal(first.view, second.view));
        crypto_key_close(&key);
        crypto_key_close(&again);
        assert_null(key.impl);
        crypto_key_close(&key);
    }
}

SPEC("a scalar outside 1..order-1, or of another size, is no key")
{
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        size_t size = crypto_sizes(scheme).private_key;
        uint8_t scalar[CRYPTO_PRIVATE_MAX + 1] = {0};
        struct crypto_key key = {0};
        // 0, order, order + 1, all ones: no.  1, order - 1: yes.
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size)),
            ROTOR_MALFORMED);
        memcpy(scalar, crypto_scalar_order(scheme), size);
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size)),
            ROTOR_MALFORMED);
        scalar[size - 1]++;
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size)),
            ROTOR_MALFORMED);
        scalar[size - 1] = (uint8_t)(scalar[size - 1] - 2);
        assert_ok(crypto_key_import(&key, scheme, bytes_of(scalar, size)));
        crypto_key_close(&key);
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size - 1)),
            ROTOR_MALFORMED);
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size + 1)),
            ROTOR_MALFORMED);
        memset(scalar, 0xff, sizeof scalar);
        assert_int_equal(
            crypto_key_import(&key, scheme, bytes_of(scalar, size)),
            ROTOR_MALFORMED);
        memset(scalar, 0, sizeof scalar);
        scalar[size - 1] = 1;
        assert_ok(crypto_key_import(&key, scheme, bytes_of(scalar, size)));
        crypto_key_close(&key);
        assert_null(key.impl);
    }
}

SPEC("a public key off the curve, of another size, or all zero is refused")
{
    for (enum crypto_scheme scheme = CRYPTO_P256; scheme <= CRYPTO_P384;
         scheme++) {
        struct crypto_key pair = {0};
        struct crypto_key key = {0};
        struct held good;
        uint8_t shared[CRYPTO_SHARED_MAX];
        make(&pair, scheme, 4);
        read_public(&pair, &good);
        for (size_t bit = 0; bit < 8 * good.view.size; bit += 7) {
            good.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(crypto_key_import_public(&key, scheme, good.view),
                             ROTOR_MALFORMED);
            assert_int_equal(crypto_agree(&pair, good.view, shared),
                             ROTOR_MALFORMED);
            good.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        struct rotor_bytes shorter = {good.bytes, good.view.size - 1};
        assert_int_equal(crypto_key_import_public(&key, scheme, shorter),
                         ROTOR_MALFORMED);
        assert_int_equal(crypto_agree(&pair, shorter, shared), ROTOR_MALFORMED);
        // The thread's own peer key still works after all these.
        assert_ok(crypto_agree(&pair, good.view, shared));
        memset(good.bytes, 0, sizeof good.bytes);
        assert_int_equal(crypto_key_import_public(&key, scheme, good.view),
                         ROTOR_MALFORMED);
        assert_null(key.impl);
        crypto_key_close(&pair);
    }
}

SPEC("a public key of any other size is refused by every scheme")
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct crypto_sizes sizes = crypto_sizes(all[i]);
        struct crypto_key pair = {0};
        struct crypto_key key = {0};
        uint8_t longer[300] = {0};
        uint8_t shared[CRYPTO_SHARED_MAX];
        struct rotor_room room = ROOM_OF(longer);
        make(&pair, all[i], 12);
        assert_ok(crypto_key_public(&pair, &room));
        for (size_t size = 0; size <= sizeof longer; size++) {
            enum rotor_status expected =
                size == sizes.public_key ? ROTOR_OK : ROTOR_MALFORMED;
            assert_int_equal(
                crypto_key_import_public(&key, all[i], bytes_of(longer, size)),
                expected);
            crypto_key_close(&key);
            if (sizes.shared != 0) {
                assert_int_equal(
                    crypto_agree(&pair, bytes_of(longer, size), shared),
                    expected);
            }
        }
        crypto_key_close(&pair);
    }
}

// The eight points of small order and some that are no points (RFC 8032 5.1.3).
static const char *const bad_ed25519[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    // y = p, p + 1, and all ones: not canonical.
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    // y = p + 3 (a point if it were reduced), y = 2 (not on the curve).
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0200000000000000000000000000000000000000000000000000000000000000",
};

SPEC("an Ed25519 key that is no point, not canonical or of small order is none")
{
    struct vectors v = {0};
    for (size_t i = 0; i < COUNT_OF(bad_ed25519); i++) {
        struct crypto_key key = {0};
        assert_int_equal(
            crypto_key_import_public(&key, CRYPTO_ED25519,
                                     vectors_hex(&v, bad_ed25519[i])),
            ROTOR_MALFORMED);
        assert_null(key.impl);
    }
    struct crypto_key three = {0};
    assert_ok(crypto_key_import_public(
        &three, CRYPTO_ED25519,
        vectors_hex(&v, "03000000000000000000000000000000"
                        "00000000000000000000000000000000")));
    crypto_key_close(&three);
    vectors_close(&v);
    // Every real key is taken; of random strings about one half.
    unsigned taken = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct crypto_key key = {0};
        struct held genuine;
        uint8_t random[32];
        RAND_bytes(random, sizeof random);
        assert_ok(crypto_key_derive(&key, CRYPTO_ED25519, random));
        read_public(&key, &genuine);
        crypto_key_close(&key);
        assert_ok(crypto_key_import_public(&key, CRYPTO_ED25519, genuine.view));
        crypto_key_close(&key);
        taken += crypto_key_import_public(&key, CRYPTO_ED25519,
                                          BYTES_OF(random)) == ROTOR_OK;
        crypto_key_close(&key);
    }
    assert_in_range(taken, 60, 140);
}

SPEC("what a key cannot do is an invalid call, and gives nothing")
{
    struct crypto_key none = {0};
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    bool valid = true;
    room.used = 1;
    assert_int_equal(crypto_key_public(&none, &room), ROTOR_INVALID);
    assert_int_equal(room.used, 0);
    assert_int_equal(crypto_sign(&none, text_of("x"), &room), ROTOR_INVALID);
    assert_int_equal(crypto_verify(&none, text_of("x"), text_of("y"), &valid),
                     ROTOR_INVALID);
    assert_false(valid);
    assert_int_equal(crypto_agree(&none, text_of("x"), bytes), ROTOR_INVALID);
    assert_int_equal(crypto_key_derive(&none, CRYPTO_SCHEME_NONE, bytes),
                     ROTOR_INVALID);
    assert_int_equal(crypto_key_derive(&none, (enum crypto_scheme)9, bytes),
                     ROTOR_INVALID);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct crypto_sizes size = crypto_sizes(all[i]);
        struct crypto_key pair = {0};
        struct crypto_key public_key = {0};
        struct held held;
        make(&pair, all[i], 5);
        read_public(&pair, &held);
        assert_ok(crypto_key_import_public(&public_key, all[i], held.view));
        assert_int_equal(crypto_key_private(&public_key, &room), ROTOR_INVALID);
        assert_int_equal(crypto_sign(&public_key, text_of("x"), &room),
                         ROTOR_INVALID);
        assert_int_equal(crypto_agree(&public_key, held.view, bytes),
                         ROTOR_INVALID);
        if (size.signature == 0) {
            assert_int_equal(crypto_sign(&pair, text_of("x"), &room),
                             ROTOR_INVALID);
            assert_int_equal(
                crypto_verify(&pair, text_of("x"), held.view, &valid),
                ROTOR_INVALID);
        }
        if (size.shared == 0) {
            assert_int_equal(crypto_agree(&pair, held.view, bytes),
                             ROTOR_INVALID);
        }
        struct rotor_room small = {bytes, size.private_key - 1, 9};
        assert_int_equal(crypto_key_private(&pair, &small), ROTOR_TOO_SMALL);
        assert_int_equal(small.used, 0);
        small.capacity = size.public_key - 1;
        assert_int_equal(crypto_key_public(&pair, &small), ROTOR_TOO_SMALL);
        crypto_key_close(&public_key);
        crypto_key_close(&pair);
    }
}
