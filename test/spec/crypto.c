// SPDX-License-Identifier: Apache-2.0
// What the port promises beside the right numbers (those: crypto_vectors.c).
#include "test/spec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "crypto/openssl/openssl.h"
#include "crypto/scalar.h"
#include "crypto/suite.h"
#include "test/spec/vectors.h"

static const enum crypto_scheme all[] = {CRYPTO_ED25519, CRYPTO_P256,
                                         CRYPTO_P384, CRYPTO_X25519};
static const char order_hex[][97] = {
    [CRYPTO_P256] = "FFFFFFFF00000000FFFFFFFFFFFFFFFF"
                    "BCE6FAADA7179E84F3B9CAC2FC632551",
    [CRYPTO_P384] = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
                    "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
};

static struct rotor_bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

// A key pair that `salt` names.
static void make(struct crypto_key *key, enum crypto_scheme scheme,
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

static void read_public(const struct crypto_key *key, struct held *out)
{
    struct rotor_room room = ROOM_OF(out->bytes);
    assert_ok(crypto_key_public(key, &room));
    out->view = bytes_in(&room);
}

// ---- suites ----------------------------------------------------------------

SPEC("the suites are the three rows of the protocol and nothing else")
{
    static const struct crypto_suite rows[] = {
        {1, CRYPTO_SHA256, CRYPTO_ED25519, CRYPTO_X25519,
         CRYPTO_CHACHA20_POLY1305                                          },
        {2, CRYPTO_SHA256, CRYPTO_P256,    CRYPTO_P256,   CRYPTO_AES256_GCM},
        {3, CRYPTO_SHA384, CRYPTO_P384,    CRYPTO_P384,   CRYPTO_AES256_GCM},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct crypto_suite *suite = crypto_suite_of(rows[i].id);
        assert_non_null(suite);
        assert_int_equal(suite->id, rows[i].id);
        assert_int_equal(suite->hash, rows[i].hash);
        assert_int_equal(suite->sign, rows[i].sign);
        assert_int_equal(suite->agree, rows[i].agree);
        assert_int_equal(suite->aead, rows[i].aead);
        assert_int_equal(crypto_hash_of_scheme(suite->sign), suite->hash);
    }
    static const uint64_t others[] = {0, 4, 5, 256, 0x10002, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_null(crypto_suite_of(others[i]));
    }
}

SPEC("COSE numbers go both ways, and unknown ones name nothing")
{
    assert_int_equal(crypto_cose_of_scheme(CRYPTO_ED25519), -8);
    assert_int_equal(crypto_cose_of_scheme(CRYPTO_P256), -7);
    assert_int_equal(crypto_cose_of_scheme(CRYPTO_P384), -35);
    assert_int_equal(crypto_cose_of_scheme(CRYPTO_X25519), 0);
    assert_int_equal(crypto_cose_of_hash(CRYPTO_SHA256), -16);
    assert_int_equal(crypto_cose_of_hash(CRYPTO_SHA384), -43);
    for (int64_t number = -100; number <= 100; number++) {
        enum crypto_scheme scheme = crypto_scheme_of_cose(number);
        enum crypto_hash hash = crypto_hash_of_cose(number);
        assert_true(scheme == CRYPTO_SCHEME_NONE ||
                    crypto_cose_of_scheme(scheme) == number);
        assert_true(hash == CRYPTO_HASH_NONE ||
                    crypto_cose_of_hash(hash) == number);
        assert_int_equal(scheme != CRYPTO_SCHEME_NONE,
                         number == -7 || number == -8 || number == -35);
        assert_int_equal(hash != CRYPTO_HASH_NONE,
                         number == -16 || number == -43);
    }
    assert_int_equal(crypto_scheme_of_cose(INT64_MIN), CRYPTO_SCHEME_NONE);
}

static void sign_and_verify(enum crypto_scheme scheme)
{
    struct crypto_key key = {0};
    struct crypto_key peer = {0};
    struct held public_key;
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room signature = ROOM_OF(bytes);
    make(&key, scheme, 1);
    read_public(&key, &public_key);
    assert_ok(crypto_key_import_public(&peer, scheme, public_key.view));
    for (unsigned round = 0; round < 3; round++) {
        bool valid = false;
        assert_ok(crypto_sign(&key, text_of("message"), &signature));
        assert_int_equal(signature.used, crypto_sizes(scheme).signature);
        assert_ok(crypto_verify(&peer, text_of("message"), bytes_in(&signature),
                                &valid));
        assert_true(valid);
        assert_ok(crypto_verify(&peer, text_of("messagf"), bytes_in(&signature),
                                &valid));
        assert_false(valid);
    }
    crypto_key_close(&peer);
    crypto_key_close(&key);
}

static void agree_both_ways(enum crypto_scheme scheme)
{
    struct crypto_key left = {0};
    struct crypto_key right = {0};
    struct held left_public;
    struct held right_public;
    uint8_t ours[CRYPTO_SHARED_MAX] = {0};
    uint8_t theirs[CRYPTO_SHARED_MAX] = {0};
    make(&left, scheme, 2);
    make(&right, scheme, 3);
    read_public(&left, &left_public);
    read_public(&right, &right_public);
    for (unsigned round = 0; round < 3; round++) {
        assert_ok(crypto_agree(&left, right_public.view, ours));
        assert_ok(crypto_agree(&right, left_public.view, theirs));
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    crypto_key_close(&left);
    crypto_key_close(&right);
}

SPEC("every suite signs, agrees, derives, seals and unseals")
{
    for (uint64_t id = 1; id <= 3; id++) {
        const struct crypto_suite *suite = crypto_suite_of(id);
        sign_and_verify(suite->sign);
        agree_both_ways(suite->agree);
        uint8_t prk[CRYPTO_HASH_MAX];
        uint8_t key[CRYPTO_AEAD_KEY];
        struct rotor_room okm = ROOM_OF(key);
        assert_ok(crypto_extract(suite->hash, text_of(""), text_of("x"), prk));
        assert_ok(crypto_expand(suite->hash, prk, text_of("label"), &okm));
        struct crypto_aead aead = {0};
        static const uint8_t nonce[CRYPTO_AEAD_NONCE];
        uint8_t record[5 + CRYPTO_AEAD_TAG];
        assert_ok(crypto_aead_open(&aead, suite->aead, key));
        assert_ok(crypto_seal(&aead, nonce, text_of("aad"), text_of("hello"),
                              record));
        assert_ok(crypto_unseal(&aead, nonce, text_of("aad"), BYTES_OF(record),
                                record));
        assert_memory_equal(record, "hello", 5);
        crypto_aead_close(&aead);
    }
}

// ---- keys ------------------------------------------------------------------

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

// ---- ECDSA -----------------------------------------------------------------

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
        uint8_t bytes[CRYPTO_SIGNATURE_MAX];
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

// ---- hash, HKDF, AEAD ------------------------------------------------------

SPEC("parts are hashed as their concatenation, none as the empty string")
{
    struct vectors v = {0};
    struct rotor_bytes parts[] = {
        text_of("a"), {NULL, 0},
         text_of("bc")
    };
    uint8_t digest[CRYPTO_HASH_MAX];
    assert_ok(crypto_hash(CRYPTO_SHA256, parts, 3, digest));
    // FIPS 180-4 examples.
    assert_memory_equal(digest,
                        vectors_hex(&v, "ba7816bf8f01cfea414140de5dae2223"
                                        "b00361a396177a9cb410ff61f20015ad")
                            .data,
                        32);
    assert_ok(crypto_hash(CRYPTO_SHA384, parts, 3, digest));
    assert_memory_equal(
        digest,
        vectors_hex(&v, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
                        "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")
            .data,
        48);
    assert_ok(crypto_hash(CRYPTO_SHA512, parts, 3, digest));
    assert_memory_equal(
        digest,
        vectors_hex(&v, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"
                        "0a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
                        "454d4423643ce80e2a9ac94fa54ca49f")
            .data,
        64);
    assert_ok(crypto_hash(CRYPTO_SHA256, NULL, 0, digest));
    assert_memory_equal(digest,
                        vectors_hex(&v, "e3b0c44298fc1c149afbf4c8996fb924"
                                        "27ae41e4649b934ca495991b7852b855")
                            .data,
                        32);
    assert_int_equal(crypto_hash(CRYPTO_HASH_NONE, parts, 3, digest),
                     ROTOR_INVALID);
    assert_int_equal(crypto_hash((enum crypto_hash)7, parts, 3, digest),
                     ROTOR_INVALID);
    vectors_close(&v);
}

SPEC("an expansion depends on its own info alone, also after an empty one")
{
    uint8_t prk[CRYPTO_HASH_MAX];
    uint8_t first[40];
    uint8_t again[40];
    static const uint8_t label[1025] = {1};
    memset(prk, 3, sizeof prk);
    for (enum crypto_hash hash = CRYPTO_SHA256; hash <= CRYPTO_SHA512; hash++) {
        for (size_t size = 0; size <= 1024; size += size < 4 ? 1 : 255) {
            struct rotor_room a = ROOM_OF(first);
            struct rotor_room b = ROOM_OF(again);
            uint8_t other[1];
            struct rotor_room c = ROOM_OF(other);
            assert_ok(crypto_expand(hash, prk, bytes_of(label, size), &a));
            assert_ok(crypto_expand(hash, prk, bytes_of(label, 9), &c));
            assert_ok(crypto_expand(hash, prk, bytes_of(NULL, 0), &c));
            assert_ok(crypto_expand(hash, prk, bytes_of(label, size), &b));
            assert_memory_equal(first, again, sizeof first);
        }
        struct rotor_room a = ROOM_OF(first);
        assert_int_equal(crypto_expand(hash, prk, BYTES_OF(label), &a),
                         ROTOR_INVALID);
        assert_int_equal(a.used, 0);
    }
}

SPEC("sealing works in place, and a wrong bit anywhere leaves only zeros")
{
    for (enum crypto_aead_algorithm algorithm = CRYPTO_AES256_GCM;
         algorithm <= CRYPTO_CHACHA20_POLY1305; algorithm++) {
        static const uint8_t key[CRYPTO_AEAD_KEY] = {7};
        static const uint8_t nonce[CRYPTO_AEAD_NONCE] = {8};
        struct crypto_aead aead = {0};
        assert_ok(crypto_aead_open(&aead, algorithm, key));
        for (size_t size = 0; size <= 70; size++) {
            uint8_t plain[70];
            uint8_t sealed[70 + CRYPTO_AEAD_TAG];
            uint8_t opened[70 + CRYPTO_AEAD_TAG];
            memset(plain, 0x61, sizeof plain);
            memcpy(opened, plain, size);
            assert_ok(crypto_seal(&aead, nonce, text_of("a"),
                                  bytes_of(plain, size), sealed));
            assert_ok(crypto_seal(&aead, nonce, text_of("a"),
                                  bytes_of(opened, size), opened));
            assert_memory_equal(opened, sealed, size + CRYPTO_AEAD_TAG);
            struct rotor_bytes whole = {opened, size + CRYPTO_AEAD_TAG};
            assert_ok(crypto_unseal(&aead, nonce, text_of("a"), whole, opened));
            assert_memory_equal(opened, plain, size);
            memcpy(opened, sealed, whole.size);
            opened[size / 2] ^= 1;
            assert_int_equal(
                crypto_unseal(&aead, nonce, text_of("a"), whole, opened),
                ROTOR_MALFORMED);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(opened[i], 0);
            }
            memcpy(opened, sealed, whole.size);
            assert_int_equal(
                crypto_unseal(&aead, nonce, text_of("b"), whole, opened),
                ROTOR_MALFORMED);
        }
        uint8_t bytes[CRYPTO_AEAD_TAG];
        assert_int_equal(crypto_unseal(&aead, nonce, text_of(""),
                                       bytes_of(bytes, sizeof bytes - 1),
                                       bytes),
                         ROTOR_MALFORMED);
        crypto_aead_close(&aead);
        assert_null(aead.impl);
        assert_int_equal(
            crypto_seal(&aead, nonce, text_of(""), text_of(""), bytes),
            ROTOR_INVALID);
        assert_int_equal(crypto_aead_open(&aead, CRYPTO_AEAD_NONE, key),
                         ROTOR_INVALID);
    }
}

// ---- the library -----------------------------------------------------------

struct shared_work {
    struct crypto_key keys[COUNT_OF(all)];
    struct held public_keys[COUNT_OF(all)];
    uint8_t secrets[COUNT_OF(all)][CRYPTO_SHARED_MAX];
    struct crypto_aead aead;
};

static bool sign_once(struct shared_work *work, size_t i)
{
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    bool valid = false;
    return crypto_sign(&work->keys[i], text_of("m"), &room) == ROTOR_OK &&
           crypto_verify(&work->keys[i], text_of("m"), bytes_in(&room),
                         &valid) == ROTOR_OK &&
           valid;
}

static bool agree_once(struct shared_work *work, size_t i)
{
    uint8_t shared[CRYPTO_SHARED_MAX] = {0};
    return crypto_agree(&work->keys[i], work->public_keys[i].view, shared) ==
               ROTOR_OK &&
           memcmp(shared, work->secrets[i], sizeof shared) == 0;
}

static bool seal_once(struct shared_work *work)
{
    static const uint8_t nonce[CRYPTO_AEAD_NONCE];
    uint8_t bytes[5 + CRYPTO_AEAD_TAG];
    return crypto_seal(&work->aead, nonce, text_of("a"), text_of("hello"),
                       bytes) == ROTOR_OK &&
           crypto_unseal(&work->aead, nonce, text_of("a"), BYTES_OF(bytes),
                         bytes) == ROTOR_OK &&
           memcmp(bytes, "hello", 5) == 0;
}

static void *work_hard(void *argument)
{
    struct shared_work *work = argument;
    bool ok = true;
    for (unsigned round = 0; round < 15; round++) {
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            struct crypto_sizes size = crypto_sizes(all[i]);
            ok = ok && (size.signature == 0 || sign_once(work, i));
            ok = ok && (size.shared == 0 || agree_once(work, i));
        }
        for (unsigned i = 0; i < 50; i++) {
            ok = ok && seal_once(work);
        }
    }
    return ok ? argument : NULL;
}

SPEC("threads share keys and ciphers without a lock of their own")
{
    static struct shared_work work;
    static const uint8_t key[CRYPTO_AEAD_KEY] = {9};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        make(&work.keys[i], all[i], 11);
        read_public(&work.keys[i], &work.public_keys[i]);
        if (crypto_sizes(all[i]).shared != 0) {
            assert_ok(crypto_agree(&work.keys[i], work.public_keys[i].view,
                                   work.secrets[i]));
        }
    }
    assert_ok(crypto_aead_open(&work.aead, CRYPTO_AES256_GCM, key));
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work_hard, &work),
                         0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *answer = NULL;
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        assert_ptr_equal(answer, &work);
    }
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        crypto_key_close(&work.keys[i]);
    }
    crypto_aead_close(&work.aead);
}

// In a child: may not open any file from here on.
static int work_without_files(void)
{
    static struct shared_work work;
    static const uint8_t seed[CRYPTO_SEED_MAX] = {1};
    struct rlimit none = {0, 0};
    if (crypto_openssl_init() != ROTOR_OK ||
        setrlimit(RLIMIT_NOFILE, &none) != 0 || dup(0) != -1) {
        return 2;
    }
    bool ok = true;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct rotor_room room = ROOM_OF(work.public_keys[i].bytes);
        struct crypto_sizes size = crypto_sizes(all[i]);
        ok = ok && crypto_key_derive(&work.keys[i], all[i], seed) == ROTOR_OK &&
             crypto_key_public(&work.keys[i], &room) == ROTOR_OK;
        work.public_keys[i].view = bytes_in(&room);
        ok = ok && (size.signature == 0 || sign_once(&work, i));
        ok = ok && (size.shared == 0 ||
                    crypto_agree(&work.keys[i], work.public_keys[i].view,
                                 work.secrets[i]) == ROTOR_OK);
        crypto_key_close(&work.keys[i]);
    }
    ok = ok &&
         crypto_aead_open(&work.aead, CRYPTO_AES256_GCM, seed) == ROTOR_OK &&
         seal_once(&work);
    crypto_aead_close(&work.aead);
    return ok ? 0 : 1;
}

SPEC(
    "after crypto_openssl_init nothing opens a file, whatever openssl.cnf says")
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(work_without_files());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_ok(crypto_openssl_init());
}
