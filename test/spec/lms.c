// SPDX-License-Identifier: Apache-2.0
// LM-OTS, LMS and HSS.  Oracles: RFC 8554 appendix F test case 2; NIST ACVP;
// figures published with the reference implementation (cisco/hash-sigs); and
// the naive LM-OTS of test/spec/lms_naive.c.
#include "test/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "crypto/lmots.h"
#include "crypto/lms.h"
#include "crypto/lms_sign.h"
#include "test/spec/lms_naive.h"
#include "test/spec/vectors.h"

#define LMOTS_SIGNATURE_MAX (4u + 32u * 266u)
#define LMS_SIGNATURE_MAX   (4u + LMOTS_SIGNATURE_MAX + 4u + 32u * 25u)

static struct rotor_bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

static void assert_sha256(struct rotor_bytes bytes, struct rotor_bytes expected)
{
    uint8_t digest[32];
    assert_ok(crypto_hash(CRYPTO_SHA256, &bytes, 1, digest));
    assert_memory_equal(digest, expected.data, 32);
}

// A type-3 key with bytes that differ from one `salt` to the next.
static void fill_key(uint8_t id[16], uint8_t seed[32], uint8_t salt)
{
    for (unsigned i = 0; i < 32; i++) {
        seed[i] = (uint8_t)(salt * 7u + i * 3u);
        id[i % 16] = (uint8_t)(salt + i);
    }
}

// ---- LM-OTS ----------------------------------------------------------------

// Made with the reference implementation: seed 020b.., I 010a.., q = 12,
// message 0a0b0c0d.
static const struct {
    uint32_t type;
    const char *k;
    const char *signature_sha256;
} reference[] = {
    {1, "b27b082f57aa5155a33936c14541f864366b5e7eef6925cf571fb4c9ddf4d0a4",
     "3f1d62631d36dc7eae50544f096ffa2bb290d206a8a09ce8d32035ddf796b183"},
    {2, "78ec03decc4eaed2d31db9df5ce0f14b7614d11e9d230f651291d71d2a1e4a27",
     "c3832a45e6cddf24b95dfe4e6e878fc7cfa076804e3d7ad2bbb997898c36e3a5"},
    {3, "a2cc303e27f17c386f939d90bb93a7799dce6835c9f3197ae88746695ab288d8",
     "3b763e78712dca8d2b129b6a80cd1476f22e925418915f62315baa0de6edd66e"},
    {4, "51f5845f2b0d9f2614d1e4af250e397d889e5634803d71b3e4f956ae06e63b2b",
     "8a35f5d72b77851fab44c62714b1fb483d4ebb58d85fe0f08ee678febce10928"},
};

SPEC("LM-OTS keys and signatures of all widths are the reference code's")
{
    struct vectors v = {0};
    for (size_t i = 0; i < COUNT_OF(reference); i++) {
        struct crypto_lmots_key key = {
            .type = crypto_lmots_type_of(reference[i].type), .q = 12};
        for (unsigned b = 0; b < 32; b++) {
            key.seed[b] = b % 2 == 0 ? 0x02 : 0x0b;
            key.id[b % 16] = b % 2 == 0 ? 0x01 : 0x0a;
        }
        struct rotor_bytes message = vectors_hex(&v, "0a0b0c0d");
        uint8_t signature[LMOTS_SIGNATURE_MAX];
        uint8_t k[32];
        struct rotor_bytes made = {signature,
                                   crypto_lmots_signature_size(key.type)};
        assert_ok(crypto_lmots_make(&key, k));
        assert_memory_equal(k, vectors_hex(&v, reference[i].k).data, 32);
        assert_ok(crypto_lmots_sign_with(&key, message, signature));
        assert_sha256(made, vectors_hex(&v, reference[i].signature_sha256));
        memset(k, 0, sizeof k);
        assert_ok(crypto_lmots_candidate(&key, message, made, k));
        assert_memory_equal(k, vectors_hex(&v, reference[i].k).data, 32);
    }
    vectors_close(&v);
}

SPEC("the rotation key is what a naive LM-OTS makes of the same seed")
{
    for (uint8_t salt = 0; salt < 8; salt++) {
        uint8_t id[16];
        uint8_t seed[32];
        uint8_t message[200];
        fill_key(id, seed, salt);
        memset(message, salt, sizeof message);
        struct rotor_bytes said = {message, salt * 28u};
        uint8_t ours[CRYPTO_LMOTS_PUBLIC];
        uint8_t naive[CRYPTO_LMOTS_PUBLIC];
        assert_ok(crypto_lmots_public(id, seed, ours));
        naive_public(id, seed, naive);
        assert_memory_equal(ours, naive, sizeof ours);
        uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
        uint8_t expected[CRYPTO_LMOTS_SIGNATURE];
        assert_ok(crypto_lmots_sign(id, seed, said, signature));
        naive_sign(id, seed, said, expected);
        assert_memory_equal(signature, expected, sizeof expected);
        bool valid = false;
        assert_ok(crypto_lmots_verify(naive, said, BYTES_OF(expected), &valid));
        assert_true(valid);
        assert_true(naive_verify(ours, said, signature));
    }
}

SPEC("a rotation signature with any one bit flipped is not valid")
{
    uint8_t id[16];
    uint8_t seed[32];
    uint8_t public_key[CRYPTO_LMOTS_PUBLIC];
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    struct rotor_bytes message = text_of("body");
    fill_key(id, seed, 1);
    assert_ok(crypto_lmots_public(id, seed, public_key));
    assert_ok(crypto_lmots_sign(id, seed, message, signature));
    // Every bit of the type and of C, and one of each later byte.
    for (unsigned bit = 0; bit < 8 * sizeof signature;
         bit += bit < 8 * 36 ? 1 : 9) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool valid = true;
        assert_ok(crypto_lmots_verify(public_key, message, BYTES_OF(signature),
                                      &valid));
        assert_false(valid);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 8 * sizeof public_key; bit++) {
        public_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool valid = true;
        assert_ok(crypto_lmots_verify(public_key, message, BYTES_OF(signature),
                                      &valid));
        assert_false(valid);
        public_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

SPEC("a rotation signature of another size, type or message is not valid")
{
    uint8_t id[16];
    uint8_t seed[32];
    uint8_t public_key[CRYPTO_LMOTS_PUBLIC];
    uint8_t longer[CRYPTO_LMOTS_SIGNATURE + 1] = {0};
    fill_key(id, seed, 2);
    assert_ok(crypto_lmots_public(id, seed, public_key));
    assert_ok(crypto_lmots_sign(id, seed, text_of("body"), longer));
    for (size_t size = 0; size <= sizeof longer; size++) {
        bool valid = size != CRYPTO_LMOTS_SIGNATURE;
        assert_ok(crypto_lmots_verify(public_key, text_of("body"),
                                      bytes_of(longer, size), &valid));
        assert_int_equal(valid, size == CRYPTO_LMOTS_SIGNATURE);
    }
    bool valid = true;
    assert_ok(crypto_lmots_verify(public_key, text_of("bodz"),
                                  bytes_of(longer, CRYPTO_LMOTS_SIGNATURE),
                                  &valid));
    assert_false(valid);
}

SPEC("a key that is right but for its q is refused: q is 0 in every rotation")
{
    // A genuine signature of leaf 1 of the same seed.
    struct crypto_lmots_key key = {.type = crypto_lmots_type_of(3), .q = 1};
    fill_key(key.id, key.seed, 3);
    uint8_t public_key[CRYPTO_LMOTS_PUBLIC];
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    bytes_put_be32(public_key, 3);
    memcpy(public_key + 4, key.id, 16);
    bytes_put_be32(public_key + 20, 1);
    assert_ok(crypto_lmots_make(&key, public_key + 24));
    assert_ok(crypto_lmots_sign_with(&key, text_of("body"), signature));
    bool valid = true;
    assert_ok(crypto_lmots_verify(public_key, text_of("body"),
                                  BYTES_OF(signature), &valid));
    assert_false(valid);
}

SPEC("every LM-OTS type signs what it verifies, and only its own size")
{
    for (uint32_t number = 0; number <= 9; number++) {
        const struct crypto_lmots_type *type = crypto_lmots_type_of(number);
        if (number == 0 || number == 9) {
            assert_null(type);
            continue;
        }
        // RFC 8554 appendix B: u and v digits make p.
        unsigned u = 8u * type->hash_size / type->width;
        unsigned top = (1u << type->width) - 1;
        unsigned v = 0;
        for (unsigned left = top * u; left != 0; left >>= type->width) {
            v++;
        }
        assert_int_equal(type->chains, u + v);
        assert_int_equal(type->checksum_shift, 16 - v * type->width);
        struct crypto_lmots_key key = {.type = type, .q = number};
        fill_key(key.id, key.seed, (uint8_t)number);
        uint8_t signature[LMOTS_SIGNATURE_MAX + 1] = {0};
        uint8_t k[32] = {0};
        uint8_t candidate[32] = {0};
        size_t size = crypto_lmots_signature_size(type);
        assert_ok(crypto_lmots_make(&key, k));
        assert_ok(crypto_lmots_sign_with(&key, text_of("x"), signature));
        memset(key.seed, 0, sizeof key.seed);
        assert_ok(crypto_lmots_candidate(&key, text_of("x"),
                                         bytes_of(signature, size), candidate));
        assert_memory_equal(k, candidate, 32);
        assert_int_equal(crypto_lmots_candidate(&key, text_of("x"),
                                                bytes_of(signature, size + 1),
                                                candidate),
                         ROTOR_MALFORMED);
        assert_int_equal(crypto_lmots_candidate(&key, text_of("x"),
                                                bytes_of(signature, size - 1),
                                                candidate),
                         ROTOR_MALFORMED);
        signature[3] ^= 1;
        assert_int_equal(crypto_lmots_candidate(&key, text_of("x"),
                                                bytes_of(signature, size),
                                                candidate),
                         ROTOR_MALFORMED);
    }
}

// ---- LMS and HSS -----------------------------------------------------------

struct tree {
    struct crypto_lms_key key;
    uint8_t nodes[65536];
    struct rotor_bytes whole;
    uint8_t public_bytes[CRYPTO_LMS_PUBLIC_MAX];
    struct rotor_bytes public_key;
};

static struct tree *plant(uint32_t type, uint32_t one_time,
                          struct rotor_bytes id, struct rotor_bytes seed)
{
    struct tree *tree = calloc(1, sizeof *tree);
    assert_non_null(tree);
    tree->key.type = crypto_lms_type_of(type);
    tree->key.one_time = crypto_lmots_type_of(one_time);
    memcpy(tree->key.id, id.data, 16);
    memcpy(tree->key.seed, seed.data, seed.size);
    struct rotor_room room = ROOM_OF(tree->nodes);
    struct rotor_room out = ROOM_OF(tree->public_bytes);
    assert_ok(crypto_lms_make_tree(&tree->key, &room));
    tree->whole = bytes_in(&room);
    assert_ok(crypto_lms_public(&tree->key, tree->whole, &out));
    tree->public_key = bytes_in(&out);
    return tree;
}

// RFC 8554 appendix F, test case 2.
#define F2_TOP_ID "d08fabd4a2091ff0a8cb4ed834e74534"
#define F2_TOP_SEED                                                            \
    "558b8966c48ae9cb898b423c83443aae014a72f1b1ab5cc85cf1d892903b5439"
#define F2_TOP_ROOT                                                            \
    "32a58885cd9ba0431235466bff9651c6c92124404d45fa53cf161c28f1ad5a8e"
#define F2_LOW_ID "215f83b7ccb9acbcd08db97b0d04dc2b"
#define F2_LOW_SEED                                                            \
    "a1c4696e2608035a886100d05cd99945eb3370731884a8235e2fb3d4d71f2547"
#define F2_LOW_ROOT                                                            \
    "a1cd035833e0e90059603f26e07ad2aad152338e7a5e5984bcd5f7bb4eba40b7"
#define F2_MESSAGE                                                             \
    "The enumeration in the Constitution, of certain rights, shall not be "    \
    "construed to deny or disparage others retained by the people.\n"
// The start (q, type, C, y[0]) and the end of the signature of the top tree.
#define F2_TOP_START                                                           \
    "0000000300000003"                                                         \
    "3d46bee8660f8f215d3f96408a7a64cf1c4da02b63a55f62c666ef5707a914ce"         \
    "0674e8cb7a55f0c48d484f31f3aa4af9719a74f22cf823b94431d01c926e2a76"
#define F2_TOP_END                                                             \
    "48e9ce949be7c888e9caebe4a415e291fd107d21dc1f084b1158208249f28f4f"         \
    "7c7e931ba7b3bd0d824a4570"
// SHA-256 of the signature of the lower tree.
#define F2_LOW_SHA256                                                          \
    "987a83f7670a93837c484888fde579ca3653db8b66c9339b3c03b1e9b949d771"

static bool hss_takes(struct rotor_bytes public_key,
                      struct rotor_bytes signature)
{
    bool valid = false;
    assert_ok(
        crypto_hss_verify(public_key, text_of(F2_MESSAGE), signature, &valid));
    return valid;
}

// One bit in each byte, and shorter sizes with nothing readable behind them.
static void tamper(uint8_t *public_key, size_t key_size, uint8_t *signature,
                   size_t size)
{
    struct rotor_bytes key = {public_key, key_size};
    for (size_t i = 0; i < size; i += i < 120 ? 1 : 61) {
        signature[i] ^= (uint8_t)(1u << i % 8);
        assert_false(hss_takes(key, bytes_of(signature, size)));
        signature[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t i = 0; i < key_size; i++) {
        public_key[i] ^= (uint8_t)(1u << i % 8);
        assert_false(hss_takes(key, bytes_of(signature, size)));
        public_key[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t shorter = 0; shorter < size; shorter += 13) {
        uint8_t *exact = malloc(shorter);
        memcpy(exact, signature, shorter);
        assert_false(hss_takes(key, bytes_of(exact, shorter)));
        free(exact);
    }
}

SPEC("RFC 8554 test case 2: both trees, both signatures, and the hierarchy")
{
    struct vectors v = {0};
    struct tree *top =
        plant(6, 3, vectors_hex(&v, F2_TOP_ID), vectors_hex(&v, F2_TOP_SEED));
    struct tree *low =
        plant(5, 4, vectors_hex(&v, F2_LOW_ID), vectors_hex(&v, F2_LOW_SEED));
    assert_memory_equal(top->public_key.data + 24,
                        vectors_hex(&v, F2_TOP_ROOT).data, 32);
    assert_memory_equal(low->public_key.data + 24,
                        vectors_hex(&v, F2_LOW_ROOT).data, 32);

    // be32(1) || top signs low || low || low signs the message.
    static uint8_t signature[4 + 2508 + 56 + 1292];
    struct rotor_room first = {signature + 4, 2508, 0};
    struct rotor_room last = {signature + 4 + 2508 + 56, 1292, 0};
    bytes_put_be32(signature, 1);
    assert_ok(
        crypto_lms_sign(&top->key, top->whole, 3, low->public_key, &first));
    memcpy(signature + 4 + 2508, low->public_key.data, 56);
    assert_ok(
        crypto_lms_sign(&low->key, low->whole, 4, text_of(F2_MESSAGE), &last));
    assert_int_equal(first.used, 2508);
    assert_int_equal(last.used, 1292);
    assert_memory_equal(first.data, vectors_hex(&v, F2_TOP_START).data, 72);
    assert_memory_equal(first.data + 2508 - 44,
                        vectors_hex(&v, F2_TOP_END).data, 44);
    assert_sha256(bytes_in(&last), vectors_hex(&v, F2_LOW_SHA256));

    uint8_t public_key[60];
    bytes_put_be32(public_key, 2);
    memcpy(public_key + 4, top->public_key.data, 56);
    assert_true(hss_takes(BYTES_OF(public_key), BYTES_OF(signature)));
    tamper(public_key, sizeof public_key, signature, sizeof signature);
    free(top);
    free(low);
    vectors_close(&v);
}

// Made with the reference implementation, leaf 5.
static const struct {
    uint32_t type;
    uint32_t one_time;
    const char *message;
    const char *root;
    const char *signature_sha256;
} trees[] = {
    {5, 1, "deadbeef",
     "a5c8d702b44ff9b23bcae0963e9f757cb974bfaf29bbf07fa68191b53a85c264", "355e718eeea6fa765c395273c86b628752887e8d8737edc8bafa82ca231b2628"},
    {6, 2, "caca010bb1acce55e5b100d1e55f055115",
     "547c0449d8b3531f210b7e34fea7301771b6160e7cef454f4b83374d68cd1a76", "d805cea3a3b3e4c983105da576900d189c0c2c849875f03811b0034c784f9bd9"},
};

SPEC("LMS trees of W1 and W2 and their signatures are the reference code's")
{
    struct vectors v = {0};
    for (size_t i = 0; i < COUNT_OF(trees); i++) {
        struct tree *tree =
            plant(trees[i].type, trees[i].one_time,
                  vectors_hex(&v, "66320db73158a35a255d051758e95ed4"),
                  vectors_hex(&v, "67c6697351ff4aec29cdbaabf2fbe346"
                                  "7cc254f81be8e78d765a2e63339fc99a"));
        static uint8_t signature[LMS_SIGNATURE_MAX];
        struct rotor_room room = ROOM_OF(signature);
        struct rotor_bytes message = vectors_hex(&v, trees[i].message);
        assert_memory_equal(tree->public_key.data + 24,
                            vectors_hex(&v, trees[i].root).data, 32);
        assert_ok(crypto_lms_sign(&tree->key, tree->whole, 5, message, &room));
        assert_sha256(bytes_in(&room),
                      vectors_hex(&v, trees[i].signature_sha256));
        free(tree);
    }
    vectors_close(&v);
}

SPEC("ACVP: LMS verification with 24-byte hashes agrees with NIST")
{
    struct vectors v;
    if (!vectors_open(
            &v,
            "crypto/acvp/LMS-sigVer-SP800-208.internalProjection.json.gz")) {
        SKIP("no vectors");
    }
    json_t *group;
    json_t *test;
    size_t g;
    size_t t;
    unsigned accepted = 0;
    unsigned refused = 0;
    json_array_foreach(json_object_get(v.root, "testGroups"), g, group)
    {
        struct rotor_bytes public_key = vectors_bytes(&v, group, "publicKey");
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            bool expected = json_is_true(json_object_get(test, "testPassed"));
            bool valid = !expected;
            assert_ok(crypto_lms_verify(
                public_key, vectors_bytes(&v, test, "message"),
                vectors_bytes(&v, test, "signature"), &valid));
            assert_int_equal(valid, expected);
            accepted += valid;
            refused += !valid;
        }
    }
    print_message("ACVP LMS: %u accepted, %u refused\n", accepted, refused);
    assert_true(accepted > 0 && refused > 0);
    vectors_close(&v);
}

SPEC("a tree of height 5 signs with each leaf, and with no other")
{
    uint8_t id[16];
    uint8_t seed[32];
    fill_key(id, seed, 9);
    struct tree *tree = plant(10, 7, BYTES_OF(id), BYTES_OF(seed));
    static uint8_t signature[LMS_SIGNATURE_MAX + 1];
    struct rotor_room room = {signature, LMS_SIGNATURE_MAX, 0};
    for (uint32_t leaf = 0; leaf < 32; leaf++) {
        bool valid = false;
        assert_ok(crypto_lms_sign(&tree->key, tree->whole, leaf,
                                  text_of("image"), &room));
        assert_int_equal(room.used, crypto_lms_signature_size(&tree->key));
        assert_ok(crypto_lms_verify(tree->public_key, text_of("image"),
                                    bytes_in(&room), &valid));
        assert_true(valid);
    }
    assert_int_equal(
        crypto_lms_sign(&tree->key, tree->whole, 32, text_of("image"), &room),
        ROTOR_INVALID);
    assert_int_equal(room.used, 0);
    for (int change = -1; change <= 1; change += 2) {
        struct rotor_bytes other = {tree->nodes,
                                    tree->whole.size + (size_t)change};
        assert_int_equal(
            crypto_lms_sign(&tree->key, other, 0, text_of("image"), &room),
            ROTOR_INVALID);
        struct rotor_room small = ROOM_OF(tree->public_bytes);
        assert_int_equal(crypto_lms_public(&tree->key, other, &small),
                         ROTOR_INVALID);
    }
    uint8_t *stump = calloc(1, 64);
    assert_int_equal(crypto_lms_sign(&tree->key, bytes_of(stump, 64), 31,
                                     text_of("image"), &room),
                     ROTOR_INVALID);
    free(stump);
    room.capacity = crypto_lms_signature_size(&tree->key) - 1;
    assert_int_equal(
        crypto_lms_sign(&tree->key, tree->whole, 0, text_of("image"), &room),
        ROTOR_TOO_SMALL);
    free(tree);
}

SPEC("a signature made with a tree of another key is kept back")
{
    uint8_t id[16];
    uint8_t seed[32];
    fill_key(id, seed, 10);
    struct tree *tree = plant(10, 7, BYTES_OF(id), BYTES_OF(seed));
    static uint8_t signature[LMS_SIGNATURE_MAX];
    struct rotor_room room = ROOM_OF(signature);
    tree->key.seed[0] ^= 1;
    assert_int_equal(
        crypto_lms_sign(&tree->key, tree->whole, 0, text_of("image"), &room),
        ROTOR_PORT_FAILED);
    assert_int_equal(room.used, 0);
    free(tree);
}

SPEC("an LMS signature is refused for a wrong leaf, type, size, key or byte")
{
    uint8_t id[16];
    uint8_t seed[32];
    fill_key(id, seed, 11);
    struct tree *tree = plant(5, 3, BYTES_OF(id), BYTES_OF(seed));
    static uint8_t signature[LMS_SIGNATURE_MAX];
    struct rotor_room room = {signature, sizeof signature - 1, 0};
    assert_ok(
        crypto_lms_sign(&tree->key, tree->whole, 31, text_of("image"), &room));
    bool valid = true;
    for (size_t size = 0; size <= room.used + 1; size++) {
        uint8_t *exact = malloc(size);
        memcpy(exact, signature, size);
        assert_ok(crypto_lms_verify(tree->public_key, text_of("image"),
                                    bytes_of(exact, size), &valid));
        assert_int_equal(valid, size == room.used);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * room.used; bit += bit < 512 ? 1 : 23) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(crypto_lms_verify(tree->public_key, text_of("image"),
                                    bytes_in(&room), &valid));
        assert_false(valid);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * tree->public_key.size; bit++) {
        tree->public_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(crypto_lms_verify(tree->public_key, text_of("image"),
                                    bytes_in(&room), &valid));
        assert_false(valid);
        tree->public_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < tree->public_key.size; size++) {
        assert_ok(crypto_lms_verify(bytes_of(tree->public_bytes, size),
                                    text_of("image"), bytes_in(&room), &valid));
        assert_false(valid);
    }
    uint8_t longer[57] = {0};
    memcpy(longer, tree->public_bytes, 56);
    assert_ok(crypto_lms_verify(BYTES_OF(longer), text_of("image"),
                                bytes_in(&room), &valid));
    assert_false(valid);
    free(tree);
}

// One LM-OTS signature under made-up siblings, and the public key that the
// hashes then lead to: what a forger may hand in.
struct lone {
    uint8_t signature[4 + CRYPTO_LMOTS_SIGNATURE + 4 + 5 * 32];
    uint8_t public_key[56];
};

static void craft(struct lone *lone, uint32_t type_number, uint32_t q)
{
    struct crypto_lmots_key leaf = {.type = crypto_lmots_type_of(3), .q = q};
    fill_key(leaf.id, leaf.seed, 12);
    const struct crypto_lms_type *type = crypto_lms_type_of(type_number);
    uint8_t *path = lone->signature + 4 + CRYPTO_LMOTS_SIGNATURE + 4;
    uint8_t *root = lone->public_key + 24;
    uint8_t k[32];
    bytes_put_be32(lone->signature, q);
    assert_ok(crypto_lmots_make(&leaf, k));
    assert_ok(
        crypto_lmots_sign_with(&leaf, text_of("image"), lone->signature + 4));
    bytes_put_be32(path - 4, type_number);
    memset(path, 0x5a, 5 * 32);
    bytes_put_be32(lone->public_key, type_number);
    bytes_put_be32(lone->public_key + 4, 3);
    memcpy(lone->public_key + 8, leaf.id, 16);
    struct crypto_lms_node node = {type, leaf.id, 32 + q};
    assert_ok(crypto_lms_leaf(&node, k, root));
    for (unsigned level = 0; level < 5; level++) {
        bool is_right = node.number % 2 == 1;
        node.number /= 2;
        const uint8_t *sibling = path + type->hash_size * level;
        assert_ok(crypto_lms_join(&node, is_right ? sibling : root,
                                  is_right ? root : sibling, root));
    }
}

static bool lone_is_valid(const struct lone *lone, size_t hash_size)
{
    bool valid = false;
    assert_ok(crypto_lms_verify(
        bytes_of(lone->public_key, 24 + hash_size), text_of("image"),
        bytes_of(lone->signature,
                 4 + CRYPTO_LMOTS_SIGNATURE + 4 + 5 * hash_size),
        &valid));
    return valid;
}

SPEC("a leaf that points past the tree is refused, though the hashes hold")
{
    struct lone lone;
    craft(&lone, 5, 31);
    assert_true(lone_is_valid(&lone, 32));
    craft(&lone, 5, 33);
    assert_false(lone_is_valid(&lone, 32));
}

SPEC("a key that mixes hash sizes is refused, though the hashes hold")
{
    struct lone lone;
    craft(&lone, 10, 31);
    assert_false(lone_is_valid(&lone, 24));
}

// A tree that signs itself again and again is a hierarchy of any depth.
static size_t stack(const struct tree *tree, uint32_t levels, uint8_t *out)
{
    size_t at = 4;
    for (uint32_t level = 1; level <= levels; level++) {
        struct rotor_room room = {out + at,
                                  crypto_lms_signature_size(&tree->key), 0};
        bool is_last = level == levels;
        assert_ok(crypto_lms_sign(&tree->key, tree->whole, level,
                                  is_last ? text_of("image") : tree->public_key,
                                  &room));
        at += room.used;
        if (!is_last) {
            memcpy(out + at, tree->public_key.data, tree->public_key.size);
            at += tree->public_key.size;
        }
    }
    bytes_put_be32(out, levels - 1);
    return at;
}

SPEC("a hierarchy has 1 to 8 levels, and nothing behind its last signature")
{
    uint8_t id[16];
    uint8_t seed[32];
    fill_key(id, seed, 13);
    struct tree *tree = plant(10, 8, BYTES_OF(id), BYTES_OF(seed));
    uint8_t public_key[4 + 48 + 1] = {0};
    static uint8_t signature[9 * 1000];
    memcpy(public_key + 4, tree->public_key.data, 48);
    for (uint32_t levels = 1; levels <= 9; levels++) {
        size_t size = stack(tree, levels, signature);
        bool valid = true;
        bytes_put_be32(public_key, levels);
        assert_ok(crypto_hss_verify(bytes_of(public_key, 52), text_of("image"),
                                    bytes_of(signature, size), &valid));
        assert_int_equal(valid, levels <= 8);
        signature[size] = 0;
        assert_ok(crypto_hss_verify(bytes_of(public_key, 52), text_of("image"),
                                    bytes_of(signature, size + 1), &valid));
        assert_false(valid);
        assert_ok(crypto_hss_verify(BYTES_OF(public_key), text_of("image"),
                                    bytes_of(signature, size), &valid));
        assert_false(valid);
    }
    // No level at all, and 2^32 - 1 keys below it.
    size_t size = stack(tree, 1, signature);
    bool valid = true;
    bytes_put_be32(public_key, 0);
    bytes_put_be32(signature, UINT32_MAX);
    assert_ok(crypto_hss_verify(bytes_of(public_key, 52), text_of("image"),
                                bytes_of(signature, size), &valid));
    assert_false(valid);
    free(tree);
}

SPEC("trees that mix hash sizes, or are too high to sign with, are not made")
{
    struct crypto_lms_key key = {.type = crypto_lms_type_of(5),
                                 .one_time = crypto_lmots_type_of(7)};
    uint8_t small[64];
    struct rotor_room room = ROOM_OF(small);
    assert_int_equal(crypto_lms_tree_size(&key), 0);
    assert_int_equal(crypto_lms_make_tree(&key, &room), ROTOR_INVALID);
    key.type = crypto_lms_type_of(12); // H15
    assert_int_equal(crypto_lms_signature_size(&key), 0);
    key.type = crypto_lms_type_of(10);
    assert_int_equal(crypto_lms_make_tree(&key, &room), ROTOR_TOO_SMALL);
    assert_null(crypto_lms_type_of(4));
    assert_null(crypto_lms_type_of(15));
    // A public key that mixes them is refused before any hash.
    uint8_t mixed[56] = {0, 0, 0, 5, 0, 0, 0, 7};
    bool valid = true;
    assert_ok(crypto_lms_verify(BYTES_OF(mixed), text_of(""), BYTES_OF(mixed),
                                &valid));
    assert_false(valid);
}
