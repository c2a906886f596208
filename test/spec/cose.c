// SPDX-License-Identifier: Apache-2.0
#include "wire/cose.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"
#include "test/spec/vectors.h"

// ---- digest ----------------------------------------------------------------

#define HASH32                                                                 \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HASH48 HASH32 "202122232425262728292a2b2c2d2e2f"

static bool reads_as_digest(const char *hex, bool may_be_empty,
                            struct wire_digest *digest)
{
    uint8_t bytes[128];
    struct cbor_reader in;
    cbor_reader_init(&in, from_hex(hex, bytes));
    memset(digest, 0xee, sizeof *digest);
    (may_be_empty ? wire_read_mdigest : wire_read_digest)(&in, digest);
    return cbor_finished(&in);
}

static bool writes_as(const struct wire_digest *digest, const char *hex)
{
    uint8_t expected[128];
    uint8_t bytes[128];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    wire_write_digest(&out, digest);
    assert_ok(cbor_writer_finish(&out));
    return bytes_equal(bytes_in(&room), from_hex(hex, expected));
}

SPEC("a digest is an algorithm and its bytes; only an mdigest may be empty")
{
    static const struct {
        const char *hex;
        enum crypto_hash alg; // NONE: refused
    } cases[] = {
        {"822f5820" HASH32,          CRYPTO_SHA256   },
        {"82382a5830" HASH48,        CRYPTO_SHA384   },
        {"822f5830" HASH48,          CRYPTO_HASH_NONE},
        {"82382a5820" HASH32,        CRYPTO_HASH_NONE},
        {"82305820" HASH32,          CRYPTO_HASH_NONE},
        {"82382b5840" HASH32 HASH32, CRYPTO_HASH_NONE},
        {"822f40",                   CRYPTO_HASH_NONE},
        {"812f",                     CRYPTO_HASH_NONE},
        {"832f5820" HASH32 "00",     CRYPTO_HASH_NONE},
        {"822f5820" HASH32 "00",     CRYPTO_HASH_NONE},
        {"822f7820" HASH32,          CRYPTO_HASH_NONE},
        {"5820" HASH32,              CRYPTO_HASH_NONE},
        {"82005820" HASH32,          CRYPTO_HASH_NONE},
        {"80",                       CRYPTO_HASH_NONE},
        {"f6",                       CRYPTO_HASH_NONE},
    };
    struct wire_digest digest;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool taken = cases[i].alg != CRYPTO_HASH_NONE;
        for (unsigned maybe = 0; maybe < 2; maybe++) {
            assert_int_equal(reads_as_digest(cases[i].hex, maybe, &digest),
                             taken);
            if (taken) {
                assert_int_equal(digest.alg, cases[i].alg);
                assert_true(writes_as(&digest, cases[i].hex));
            }
        }
    }
    assert_true(reads_as_digest("40", true, &digest));
    assert_true(wire_digest_is_empty(&digest));
    assert_true(writes_as(&digest, "40"));
    assert_false(reads_as_digest("40", false, &digest));
    assert_true(wire_digest_is_empty(&digest));
    assert_false(reads_as_digest("4100", true, &digest));
}

SPEC("a digest that was refused is left empty and all zero")
{
    static const struct wire_digest nothing;
    struct wire_digest digest;
    assert_false(reads_as_digest("822f581f" HASH32, false, &digest));
    assert_memory_equal(&digest, &nothing, sizeof digest);
}

SPEC("digests are equal when algorithm and bytes are")
{
    struct wire_digest a;
    struct wire_digest b;
    assert_true(reads_as_digest("822f5820" HASH32, false, &a));
    assert_true(reads_as_digest("82382a5830" HASH48, false, &b));
    assert_false(wire_digest_equal(&a, &b));
    b = a;
    assert_true(wire_digest_equal(&a, &b));
    b.bytes[31] ^= 1;
    assert_false(wire_digest_equal(&a, &b));
    struct wire_digest none = {0};
    assert_false(wire_digest_equal(&a, &none));
    assert_true(wire_digest_equal(&none, &none));
    assert_int_equal(wire_digest_bytes(&a).size, 32);
    assert_int_equal(wire_digest_bytes(&none).size, 0);
}

SPEC("a labelled hash is the hash of label, one zero byte and the parts")
{
    static const uint8_t whole[] = "rotor1 key\0abcdef";
    struct rotor_bytes all = bytes_of(whole, sizeof whole - 1);
    struct rotor_bytes parts[WIRE_LABELLED_PARTS + 1] = {LABEL("abc"),
                                                         LABEL("def")};
    struct wire_digest made = {0};
    uint8_t expected[CRYPTO_HASH_MAX];
    for (unsigned alg = CRYPTO_SHA256; alg <= CRYPTO_SHA384; alg++) {
        assert_ok(wire_digest_make(&made, alg, LABEL("rotor1 key"), parts, 2));
        assert_ok(crypto_hash(alg, &all, 1, expected));
        assert_int_equal(made.alg, alg);
        assert_memory_equal(made.bytes, expected, crypto_hash_size(alg));
    }
    struct wire_digest before = made;
    assert_int_equal(
        wire_digest_make(&made, CRYPTO_SHA512, LABEL("a"), parts, 1),
        ROTOR_INVALID);
    assert_int_equal(wire_digest_make(&made, CRYPTO_SHA256, LABEL("a"), parts,
                                      COUNT_OF(parts)),
                     ROTOR_INVALID);
    assert_memory_equal(&made, &before, sizeof made);
}

// ---- COSE_Key --------------------------------------------------------------

#define OTS HASH48 "0001020304050607"

static const struct {
    const char *hex;
    enum wire_key_type type;
} keys[] = {
    {"a301012006215820" HASH32,                 WIRE_KEY_ED25519},
    {"a301012004215820" HASH32,                 WIRE_KEY_X25519 },
    {"a401022001215820" HASH32 "225820" HASH32, WIRE_KEY_P256   },
    {"a401022002215830" HASH48 "225830" HASH48, WIRE_KEY_P384   },
    {"a2013a00010000205838" OTS,                WIRE_KEY_LMOTS  },
};

SPEC("a key has exactly one encoding")
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        uint8_t expected[128];
        uint8_t bytes[WIRE_KEY_ENCODED_MAX];
        struct rotor_bytes encoded = from_hex(keys[i].hex, expected);
        struct rotor_room room = ROOM_OF(bytes);
        struct wire_key key;
        assert_ok(wire_key_decode(&key, encoded));
        assert_int_equal(key.type, keys[i].type);
        assert_ok(wire_key_encode(&key, &room));
        assert_true(bytes_equal(bytes_in(&room), encoded));
        room.capacity = encoded.size - 1;
        assert_int_equal(wire_key_encode(&key, &room), ROTOR_TOO_SMALL);
        assert_int_equal(room.used, 0);
        for (size_t size = 0; size < encoded.size; size++) {
            assert_int_equal(
                wire_key_decode(&key, bytes_of(encoded.data, size)),
                ROTOR_MALFORMED);
        }
    }
    struct wire_key none = {0};
    struct rotor_room room = {NULL, 0, 0};
    assert_int_equal(wire_key_encode(&none, &room), ROTOR_INVALID);
}

SPEC("a key with another member, curve, size or order is refused")
{
    static const char *const refused[] = {
        // Optional members: kid, alg, key_ops.
        "a401010241012006215820" HASH32,
        "a4010103272006215820" HASH32,
        "a401010481022006215820" HASH32,
        // A private key.
        "a401012006215820" HASH32 "235820" HASH32,
        // Unknown key type, curve, pairs that do not belong together.
        "a301032006215820" HASH32,
        "a301012007215820" HASH32,
        "a301012001215820" HASH32,
        "a301022001215820" HASH32,
        "a401022003215820" HASH32 "225820" HASH32,
        "a401022006215820" HASH32 "225820" HASH32,
        "a401012006215820" HASH32 "225820" HASH32,
        // The same with nothing in them.
        "a3010320062140",
        "a3010120072140",
        // Sizes, a compressed point, text.
        "a30101200621581f" HASH32,
        "a301012006215830" HASH48,
        "a401022001215830" HASH48 "225830" HASH48,
        "a401022002215820" HASH32 "225820" HASH32,
        "a401022001215820" HASH32 "22f5",
        "a301012006217820" HASH32,
        "a2013a00010000205837" OTS,
        "a2013a00010000205839" OTS "00",
        "a3013a00010000205838" OTS "2100",
        "a2013a00010001205838" OTS,
        // Order, a missing member, something behind.
        "a320060101215820" HASH32,
        "a201012006",
        "a20101215820" HASH32,
        "a301012006215820" HASH32 "00",
        "a0",
        "80",
        "40",
    };
    static const struct wire_key nothing;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        uint8_t bytes[256];
        struct wire_key key;
        memset(&key, 0xee, sizeof key);
        assert_int_equal(wire_key_decode(&key, from_hex(refused[i], bytes)),
                         ROTOR_MALFORMED);
        assert_memory_equal(&key, &nothing, sizeof key);
        struct cbor_reader in;
        memset(&key, 0xee, sizeof key);
        cbor_reader_init(&in, from_hex(refused[i], bytes));
        wire_read_key(&in, &key);
        assert_false(cbor_finished(&in));
        if (cbor_has_failed(&in)) {
            assert_memory_equal(&key, &nothing, sizeof key);
        }
    }
}

SPEC("keys are equal when type and bytes are")
{
    uint8_t bytes[128];
    struct wire_key decoded[COUNT_OF(keys)];
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_ok(wire_key_decode(&decoded[i], from_hex(keys[i].hex, bytes)));
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        for (size_t j = 0; j < COUNT_OF(keys); j++) {
            assert_int_equal(wire_key_equal(&decoded[i], &decoded[j]), i == j);
        }
        struct wire_key other = decoded[i];
        other.bytes[wire_key_bytes(&other).size - 1] ^= 1;
        assert_false(wire_key_equal(&other, &decoded[i]));
    }
}

SPEC("a kid is the labelled hash of the key, SHA-384 for P-384 alone")
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        uint8_t message[160] = "rotor1 key";
        uint8_t expected[CRYPTO_HASH_MAX];
        struct rotor_bytes encoded = from_hex(keys[i].hex, message + 11);
        struct rotor_bytes all = bytes_of(message, 11 + encoded.size);
        bool is_long = keys[i].type == WIRE_KEY_P384;
        enum crypto_hash alg = is_long ? CRYPTO_SHA384 : CRYPTO_SHA256;
        struct wire_key key;
        struct wire_digest kid;
        assert_ok(wire_key_decode(&key, encoded));
        assert_ok(wire_key_id(&key, &kid));
        assert_ok(crypto_hash(alg, &all, 1, expected));
        assert_int_equal(kid.alg, alg);
        assert_memory_equal(kid.bytes, expected, crypto_hash_size(alg));
    }
}

SPEC("a key goes to the back end and comes back")
{
    uint8_t seed[CRYPTO_SEED_MAX] = {7};
    for (unsigned scheme = CRYPTO_ED25519; scheme <= CRYPTO_X25519; scheme++) {
        struct crypto_key key = {0};
        struct crypto_key opened = {0};
        struct wire_key public_key;
        struct wire_key again;
        assert_ok(crypto_key_derive(&key, scheme, seed));
        assert_ok(wire_key_of(&key, &public_key));
        assert_int_equal(wire_key_scheme(public_key.type), scheme);
        assert_int_equal(wire_key_bytes(&public_key).size,
                         crypto_sizes(scheme).public_key);
        assert_ok(wire_key_open(&public_key, &opened));
        assert_false(opened.is_private);
        assert_ok(wire_key_of(&opened, &again));
        assert_true(wire_key_equal(&public_key, &again));
        crypto_key_close(&opened);
        crypto_key_close(&key);
        crypto_key_close(&opened);
    }
    struct wire_key ots = {.type = WIRE_KEY_LMOTS};
    struct crypto_key key = {0};
    assert_int_equal(wire_key_open(&ots, &key), ROTOR_INVALID);
    struct wire_key untouched = ots;
    assert_int_equal(wire_key_of(&key, &untouched), ROTOR_INVALID);
    assert_true(wire_key_equal(&ots, &untouched));
    struct wire_key off_curve = {WIRE_KEY_P256, {1}};
    assert_int_equal(wire_key_open(&off_curve, &key), ROTOR_MALFORMED);
}

// ---- vectors of the COSE working group ------------------------------------

#define EXAMPLES "cose-eat/cose-wg-Examples/"

static const struct example {
    const char *path;
    bool is_intact;  // ToBeSign_hex is what the output says
    bool is_genuine; // the signature verifies
    bool has_our_curve;
} examples[] = {
    {EXAMPLES "sign1-tests/sign-pass-01.json",    true,  true,  true },
    {EXAMPLES "sign1-tests/sign-pass-02.json",    true,  true,  true },
    {EXAMPLES "sign1-tests/sign-pass-03.json",    true,  true,  true },
    {EXAMPLES "sign1-tests/sign-fail-02.json",    false, false, true },
    {EXAMPLES "sign1-tests/sign-fail-03.json",    false, false, true },
    {EXAMPLES "sign1-tests/sign-fail-04.json",    false, false, true },
    {EXAMPLES "sign1-tests/sign-fail-06.json",    false, false, true },
    {EXAMPLES "sign1-tests/sign-fail-07.json",    false, false, true },
    {EXAMPLES "ecdsa-examples/ecdsa-sig-01.json", true,  true,  true },
    {EXAMPLES "ecdsa-examples/ecdsa-sig-02.json", true,  true,  true },
    {EXAMPLES "ecdsa-examples/ecdsa-sig-03.json", true,  true,  false},
    {EXAMPLES "ecdsa-examples/ecdsa-sig-04.json", true,  true,  false},
    {EXAMPLES "eddsa-examples/eddsa-sig-01.json", true,  true,  true },
    {EXAMPLES "eddsa-examples/eddsa-sig-02.json", true,  true,  false},
};

// Base64url without padding (RFC 4648 5).
static size_t from_base64url(const char *text, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned count = 0;
    size_t size = 0;
    for (; *text != 0 && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[size++] = (uint8_t)(bits >> count);
        }
    }
    return size;
}

static size_t coordinate(const json_t *key, const char *name, uint8_t *out)
{
    char hex_name[8];
    snprintf(hex_name, sizeof hex_name, "%s_hex", name);
    const json_t *hex = json_object_get(key, hex_name);
    const json_t *text = json_object_get(key, name);
    if (hex != NULL) {
        return from_hex(json_string_value(hex), out).size;
    }
    return text != NULL ? from_base64url(json_string_value(text), out) : 0;
}

static struct wire_key key_of(const json_t *json)
{
    const char *curve = vectors_text(json, "crv");
    struct wire_key key = {
        .type = strcmp(curve, "P-256") == 0     ? WIRE_KEY_P256
                : strcmp(curve, "P-384") == 0   ? WIRE_KEY_P384
                : strcmp(curve, "Ed25519") == 0 ? WIRE_KEY_ED25519
                                                : WIRE_KEY_NONE,
    };
    size_t size = coordinate(json, "x", key.bytes);
    size += coordinate(json, "y", key.bytes + size);
    assert_int_equal(size, wire_key_bytes(&key).size);
    return key;
}

static bool is_valid(struct wire_key public_key, struct rotor_bytes message,
                     struct rotor_bytes signature)
{
    bool valid = true;
    struct crypto_key key = {0};
    assert_ok(wire_key_open(&public_key, &key));
    assert_ok(crypto_verify(&key, message, signature, &valid));
    crypto_key_close(&key);
    return valid;
}

static void check_example(const struct example *example,
                          struct vectors *vectors)
{
    json_t *input = json_object_get(vectors->root, "input");
    json_t *signer = json_object_get(input, "sign0");
    json_t *between = json_object_get(vectors->root, "intermediates");
    json_t *output = json_object_get(vectors->root, "output");
    struct rotor_bytes sign1 = vectors_bytes(vectors, output, "cbor");
    if (sign1.data[0] == 0xd2) {
        sign1 = bytes_of(sign1.data + 1, sign1.size - 1); // the tag
    }
    struct rotor_bytes external = {NULL, 0};
    if (json_object_get(signer, "external") != NULL) {
        external = vectors_bytes(vectors, signer, "external");
    }
    struct cbor_reader in;
    cbor_reader_init(&in, sign1);
    cbor_read_array_of(&in, 4);
    struct rotor_bytes protected_header = cbor_read_bytes(&in);
    cbor_read_item(&in);
    struct rotor_bytes payload = cbor_read_bytes(&in);
    struct rotor_bytes signature = cbor_read_bytes(&in);
    assert_true(cbor_finished(&in));

    // COSE signs a header without entries as the empty string.
    bool has_no_entry =
        protected_header.size == 1 && protected_header.data[0] == 0xa0;
    if (has_no_entry) {
        protected_header.size = 0;
    }
    uint8_t bytes[256];
    struct rotor_room message = ROOM_OF(bytes);
    assert_ok(
        wire_cose_signed_bytes(protected_header, external, payload, &message));
    struct rotor_bytes expected =
        vectors_bytes(vectors, between, "ToBeSign_hex");
    assert_int_equal(bytes_equal(bytes_in(&message), expected),
                     example->is_intact);
    if (example->has_our_curve) {
        assert_int_equal(is_valid(key_of(json_object_get(signer, "key")),
                                  bytes_in(&message), signature),
                         example->is_genuine);
    }
    // None of them is in rotor's form: attached payload, kid unprotected.
    struct wire_statement statement = {LABEL("rotor1 attest"), payload};
    struct wire_key key = {.type = WIRE_KEY_ED25519};
    bool valid = true;
    assert_int_equal(wire_cose_verify(&key, &statement, sign1, &valid),
                     ROTOR_MALFORMED);
    assert_false(valid);
}

SPEC("what is signed is what the COSE examples sign, and they verify")
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct vectors vectors;
        if (!vectors_open(&vectors, examples[i].path)) {
            SKIP("no vectors");
        }
        check_example(&examples[i], &vectors);
        vectors_close(&vectors);
    }
}
