// SPDX-License-Identifier: Apache-2.0
// The port against published vectors.
//
// Wycheproof writes ECDSA signatures in DER; the port takes r || s.  The test
// decodes strictly: an encoding that OpenSSL does not read, that it would write
// in another way (BER, padding, trailing bytes), or whose r or s is negative or
// too long for its half, has no r || s form and counts as refused.  Such a case
// must be one that Wycheproof calls invalid.
#include "test/spec/crypto_wycheproof.h"

#include <openssl/ecdsa.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

// ---- ECDSA -----------------------------------------------------------------

static bool is_strict(const ECDSA_SIG *pair, struct rotor_bytes der)
{
    uint8_t *again = NULL;
    int size = i2d_ECDSA_SIG(pair, &again);
    bool same = size >= 0 && (size_t)size == der.size &&
                memcmp(again, der.data, der.size) == 0;
    OPENSSL_free(again);
    return same;
}

static bool put_half(const BIGNUM *number, uint8_t *out, int half)
{
    return !BN_is_negative(number) && BN_bn2binpad(number, out, half) == half;
}

// False: the encoding has no r || s form.
static bool split_der(struct rotor_bytes der, int half, uint8_t *out)
{
    const uint8_t *at = der.data;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.size);
    bool ok = pair != NULL && is_strict(pair, der) &&
              put_half(ECDSA_SIG_get0_r(pair), out, half) &&
              put_half(ECDSA_SIG_get0_s(pair), out + half, half);
    ECDSA_SIG_free(pair);
    return ok;
}

static unsigned without_form;

static void check_ecdsa(struct vectors *v, const json_t *group,
                        const json_t *test, enum crypto_scheme scheme)
{
    const json_t *public_key = json_object_get(group, "publicKey");
    struct rotor_bytes point = vectors_bytes(v, public_key, "uncompressed");
    size_t half = crypto_sizes(scheme).signature / 2;
    struct crypto_key key = {0};
    assert_ok(crypto_key_import_public(
        &key, scheme, bytes_of(point.data + 1, point.size - 1)));
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    bool valid = false;
    if (split_der(vectors_bytes(v, test, "sig"), (int)half, signature)) {
        valid = true;
        assert_ok(crypto_verify(&key, vectors_bytes(v, test, "msg"),
                                bytes_of(signature, 2 * half), &valid));
    } else {
        without_form++;
    }
    crypto_key_close(&key);
    if (valid != is_marked(test, "valid")) {
        fail_case(test, valid ? "accepted" : "refused");
    }
}

static void check_p256(struct vectors *v, const json_t *group,
                       const json_t *test)
{
    check_ecdsa(v, group, test, CRYPTO_P256);
}

static void check_p384(struct vectors *v, const json_t *group,
                       const json_t *test)
{
    check_ecdsa(v, group, test, CRYPTO_P384);
}

SPEC("Wycheproof: ECDSA P-256 with SHA-256, every case")
{
    without_form = 0;
    run_all(WYCHEPROOF "ecdsa_secp256r1_sha256_test.json", check_p256);
    print_message("%u cases have no r || s form\n", without_form);
}

SPEC("Wycheproof: ECDSA P-384 with SHA-384, every case")
{
    without_form = 0;
    run_all(WYCHEPROOF "ecdsa_secp384r1_sha384_test.json", check_p384);
    print_message("%u cases have no r || s form\n", without_form);
}

static void check_6979(struct vectors *v, const json_t *curve,
                       enum crypto_scheme scheme, const char *hash)
{
    struct crypto_key key = {0};
    uint8_t made[CRYPTO_PUBLIC_MAX];
    struct rotor_room room = ROOM_OF(made);
    struct rotor_bytes x = vectors_bytes(v, curve, "Ux");
    struct rotor_bytes y = vectors_bytes(v, curve, "Uy");
    assert_ok(
        crypto_key_import(&key, scheme, vectors_bytes(v, curve, "private")));
    assert_ok(crypto_key_public(&key, &room));
    assert_memory_equal(made, x.data, x.size);
    assert_memory_equal(made + x.size, y.data, y.size);
    json_t *test;
    size_t i;
    unsigned checked = 0;
    json_array_foreach(json_object_get(curve, "cases"), i, test)
    {
        if (strcmp(vectors_text(test, "hash"), hash) != 0) {
            continue;
        }
        uint8_t signature[CRYPTO_SIGNATURE_MAX];
        struct rotor_bytes r = vectors_bytes(v, test, "r");
        struct rotor_bytes s = vectors_bytes(v, test, "s");
        memcpy(signature, r.data, r.size);
        memcpy(signature + r.size, s.data, s.size);
        bool valid = false;
        const char *message = vectors_text(test, "message");
        assert_ok(crypto_verify(&key, bytes_of(message, strlen(message)),
                                bytes_of(signature, r.size + s.size), &valid));
        assert_true(valid);
        checked++;
    }
    assert_int_equal(checked, 2);
    crypto_key_close(&key);
}

SPEC("RFC 6979: the public keys and signatures of P-256 and P-384")
{
    struct vectors v;
    if (!vectors_open(&v,
                      "crypto/rfc/6979-deterministic-ecdsa_vectors.json.gz")) {
        SKIP("no vectors");
    }
    json_t *curve;
    size_t i;
    unsigned found = 0;
    json_array_foreach(v.root, i, curve)
    {
        const char *name = vectors_text(curve, "curve");
        if (strcmp(name, "NIST P-256") == 0) {
            check_6979(&v, curve, CRYPTO_P256, "SHA-256");
            found++;
        }
        if (strcmp(name, "NIST P-384") == 0) {
            check_6979(&v, curve, CRYPTO_P384, "SHA-384");
            found++;
        }
    }
    assert_int_equal(found, 2);
    vectors_close(&v);
}

// ---- Ed25519 ---------------------------------------------------------------

static void check_ed25519(struct vectors *v, const json_t *group,
                          const json_t *test)
{
    struct crypto_key key = {0};
    bool valid = true;
    assert_ok(crypto_key_import_public(
        &key, CRYPTO_ED25519,
        vectors_bytes(v, json_object_get(group, "publicKey"), "pk")));
    assert_ok(crypto_verify(&key, vectors_bytes(v, test, "msg"),
                            vectors_bytes(v, test, "sig"), &valid));
    crypto_key_close(&key);
    if (valid != is_marked(test, "valid")) {
        fail_case(test, valid ? "accepted" : "refused");
    }
}

SPEC("Wycheproof: Ed25519, every case")
{
    run_all(WYCHEPROOF "ed25519_test.json", check_ed25519);
}

SPEC("RFC 8032: Ed25519 keys and signatures to the bit")
{
    struct vectors v;
    if (!vectors_open(&v, "crypto/rfc/8032-eddsa_ed25519.json.gz")) {
        SKIP("no vectors");
    }
    json_t *test;
    size_t i;
    json_array_foreach(v.root, i, test)
    {
        struct crypto_key key = {0};
        uint8_t made[64];
        struct rotor_room room = ROOM_OF(made);
        struct rotor_bytes seed = vectors_bytes(&v, test, "secretKey");
        assert_int_equal(seed.size, 32);
        assert_ok(crypto_key_derive(&key, CRYPTO_ED25519, seed.data));
        assert_ok(crypto_key_public(&key, &room));
        assert_memory_equal(made, vectors_bytes(&v, test, "publicKey").data,
                            32);
        assert_ok(crypto_sign(&key, vectors_bytes(&v, test, "message"), &room));
        assert_memory_equal(made, vectors_bytes(&v, test, "signature").data,
                            64);
        crypto_key_close(&key);
    }
    assert_true(i > 0);
    vectors_close(&v);
}

// ---- agreement -------------------------------------------------------------

static void check_x25519(struct vectors *v, const json_t *group,
                         const json_t *test)
{
    (void)group;
    struct crypto_key key = {0};
    uint8_t shared[CRYPTO_SHARED_MAX] = {0};
    struct rotor_bytes expected = vectors_bytes(v, test, "shared");
    static const uint8_t zeros[32];
    assert_ok(crypto_key_import(&key, CRYPTO_X25519,
                                vectors_bytes(v, test, "private")));
    enum rotor_status status =
        crypto_agree(&key, vectors_bytes(v, test, "public"), shared);
    crypto_key_close(&key);
    // "acceptable": low order or not canonical.  We refuse what gives zero.
    if (memcmp(expected.data, zeros, 32) == 0) {
        assert_int_equal(status, ROTOR_MALFORMED);
        assert_memory_equal(shared, zeros, 32);
        return;
    }
    assert_ok(status);
    assert_memory_equal(shared, expected.data, 32);
}

SPEC("Wycheproof: X25519, every case; the all-zero result is refused")
{
    run_all(WYCHEPROOF "x25519_test.json", check_x25519);
}

// The SubjectPublicKeyInfo of a named curve with an uncompressed point, to the
// bit; false for everything else that DER can say.
static bool point_of_spki(struct rotor_bytes spki, enum crypto_scheme scheme,
                          struct rotor_bytes *point)
{
    static const uint8_t p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
                                   0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                   0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
                                   0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    static const uint8_t p384[] = {
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
        0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
    struct rotor_bytes head =
        scheme == CRYPTO_P256 ? BYTES_OF(p256) : BYTES_OF(p384);
    size_t size = crypto_sizes(scheme).public_key;
    if (spki.size != head.size + size ||
        memcmp(spki.data, head.data, head.size) != 0) {
        return false;
    }
    *point = bytes_of(spki.data + head.size, size);
    return true;
}

// The private key as a scalar of fixed length.
static struct rotor_bytes scalar_of(struct rotor_bytes number, size_t size,
                                    uint8_t *out)
{
    memset(out, 0, size);
    size_t skip = number.size > size ? number.size - size : 0;
    size_t used = number.size - skip;
    memcpy(out + size - used, number.data + skip, used);
    return bytes_of(out, size);
}

static void check_ecdh(struct vectors *v, const json_t *test,
                       struct rotor_bytes point, enum crypto_scheme scheme)
{
    struct crypto_key key = {0};
    struct crypto_key peer = {0};
    uint8_t scalar[CRYPTO_PRIVATE_MAX];
    uint8_t shared[CRYPTO_SHARED_MAX] = {0};
    size_t size = crypto_sizes(scheme).private_key;
    assert_ok(crypto_key_import(
        &key, scheme,
        scalar_of(vectors_bytes(v, test, "private"), size, scalar)));
    enum rotor_status status = crypto_agree(&key, point, shared);
    crypto_key_close(&key);
    enum rotor_status imported = crypto_key_import_public(&peer, scheme, point);
    crypto_key_close(&peer);
    assert_int_equal(imported, status);
    // One "acceptable" key of each file is off the curve after a change of its
    // last byte.
    if (!is_marked(test, "valid") && status != ROTOR_OK) {
        assert_int_equal(status, ROTOR_MALFORMED);
        return;
    }
    assert_ok(status);
    assert_false(is_marked(test, "invalid"));
    struct rotor_bytes expected = vectors_bytes(v, test, "shared");
    assert_memory_equal(shared, expected.data, expected.size);
}

static unsigned checked;
static unsigned unreadable;

static void check_spki(struct vectors *v, const json_t *test,
                       enum crypto_scheme scheme)
{
    struct rotor_bytes point;
    if (point_of_spki(vectors_bytes(v, test, "public"), scheme, &point)) {
        check_ecdh(v, test, point, scheme);
        checked++;
        return;
    }
    unreadable++;
    // Only encodings that rotor never takes: compressed points, explicit or
    // other curves, odd DER.
    if (is_marked(test, "valid")) {
        fail_case(test, "a valid key that is not the one form we know");
    }
}

static void check_spki_p256(struct vectors *v, const json_t *group,
                            const json_t *test)
{
    (void)group;
    check_spki(v, test, CRYPTO_P256);
}

static void check_spki_p384(struct vectors *v, const json_t *group,
                            const json_t *test)
{
    (void)group;
    check_spki(v, test, CRYPTO_P384);
}

static void check_point_p384(struct vectors *v, const json_t *group,
                             const json_t *test)
{
    (void)group;
    struct rotor_bytes point = vectors_bytes(v, test, "public");
    if (point.size == 97 && point.data[0] == 4) {
        check_ecdh(v, test, bytes_of(point.data + 1, 96), CRYPTO_P384);
        checked++;
        return;
    }
    unreadable++;
    assert_false(is_marked(test, "valid"));
}

SPEC("Wycheproof: ECDH P-256, every case with a plain named-curve key")
{
    checked = unreadable = 0;
    run_all(WYCHEPROOF "ecdh_secp256r1_test.json", check_spki_p256);
    print_message("%u checked, %u of another form\n", checked, unreadable);
}

SPEC("Wycheproof: ECDH P-384, every case with a plain named-curve key")
{
    checked = unreadable = 0;
    run_all(WYCHEPROOF "ecdh_secp384r1_test.json", check_spki_p384);
    run_all(WYCHEPROOF "ecdh_secp384r1_ecpoint_test.json", check_point_p384);
    print_message("%u checked, %u of another form\n", checked, unreadable);
}
