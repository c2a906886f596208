// SPDX-License-Identifier: Apache-2.0
// HMAC, HKDF and AEAD of the port against published vectors.
#include "test/spec/crypto_wycheproof.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

static unsigned checked;

// ---- HMAC and HKDF ---------------------------------------------------------

static void check_hmac(struct vectors *v, const json_t *group,
                       const json_t *test)
{
    struct rotor_bytes message = vectors_bytes(v, test, "msg");
    struct rotor_bytes tag = vectors_bytes(v, test, "tag");
    uint8_t mac[CRYPTO_HASH_MAX];
    assert_int_equal(tag.size * 8, vectors_number(group, "tagSize"));
    // In two parts, so that parts are shown to be joined.
    size_t middle = message.size / 3;
    struct rotor_bytes parts[] = {
        {message.data,          middle               },
        {message.data + middle, message.size - middle},
    };
    assert_ok(crypto_hmac(CRYPTO_SHA256, vectors_bytes(v, test, "key"), parts,
                          2, mac));
    bool same = memcmp(mac, tag.data, tag.size) == 0;
    if (same != is_marked(test, "valid")) {
        fail_case(test, same ? "accepted" : "refused");
    }
}

SPEC("Wycheproof: HMAC with SHA-256, every case")
{
    run_all(WYCHEPROOF "hmac_sha256_test.json", check_hmac);
}

static void check_hkdf(struct vectors *v, const json_t *test,
                       enum crypto_hash hash)
{
    uint8_t prk[CRYPTO_HASH_MAX];
    size_t size = (size_t)vectors_number(test, "size");
    struct rotor_room okm = {malloc(size), size, 0};
    assert_ok(crypto_extract(hash, vectors_bytes(v, test, "salt"),
                             vectors_bytes(v, test, "ikm"), prk));
    enum rotor_status status =
        crypto_expand(hash, prk, vectors_bytes(v, test, "info"), &okm);
    if (is_marked(test, "invalid")) {
        assert_int_equal(status, ROTOR_INVALID);
        assert_int_equal(okm.used, 0);
        free(okm.data);
        return;
    }
    assert_ok(status);
    assert_int_equal(okm.used, size);
    assert_memory_equal(okm.data, vectors_bytes(v, test, "okm").data, size);
    free(okm.data);
}

static void check_hkdf_256(struct vectors *v, const json_t *group,
                           const json_t *test)
{
    (void)group;
    check_hkdf(v, test, CRYPTO_SHA256);
}

static void check_hkdf_384(struct vectors *v, const json_t *group,
                           const json_t *test)
{
    (void)group;
    check_hkdf(v, test, CRYPTO_SHA384);
}

SPEC("Wycheproof: HKDF with SHA-256 and SHA-384, every case")
{
    run_all(WYCHEPROOF "hkdf_sha256_test.json", check_hkdf_256);
    run_all(WYCHEPROOF "hkdf_sha384_test.json", check_hkdf_384);
}

// ---- AEAD ------------------------------------------------------------------

// ct || tag.
static struct rotor_bytes join(struct rotor_bytes text, struct rotor_bytes tag,
                               uint8_t *out)
{
    if (text.size != 0) {
        memcpy(out, text.data, text.size);
    }
    memcpy(out + text.size, tag.data, tag.size);
    return bytes_of(out, text.size + tag.size);
}

static void check_aead(struct vectors *v, const json_t *test,
                       enum crypto_aead_algorithm algorithm)
{
    struct crypto_aead aead = {0};
    uint8_t sealed[4096];
    uint8_t made[4096];
    struct rotor_bytes nonce = vectors_bytes(v, test, "iv");
    struct rotor_bytes aad = vectors_bytes(v, test, "aad");
    struct rotor_bytes message = vectors_bytes(v, test, "msg");
    struct rotor_bytes whole = join(vectors_bytes(v, test, "ct"),
                                    vectors_bytes(v, test, "tag"), sealed);
    assert_ok(
        crypto_aead_open(&aead, algorithm, vectors_bytes(v, test, "key").data));
    enum rotor_status status =
        crypto_unseal(&aead, nonce.data, aad, whole, made);
    if (is_marked(test, "valid")) {
        assert_ok(status);
        assert_memory_equal(made, message.data, message.size);
        assert_ok(crypto_seal(&aead, nonce.data, aad, message, made));
        assert_memory_equal(made, whole.data, whole.size);
    } else {
        assert_int_equal(status, ROTOR_MALFORMED);
        for (size_t i = 0; i < whole.size - CRYPTO_AEAD_TAG; i++) {
            assert_int_equal(made[i], 0);
        }
    }
    crypto_aead_close(&aead);
}

static bool fits_port(const json_t *group)
{
    return vectors_number(group, "ivSize") == 96 &&
           vectors_number(group, "keySize") == 256 &&
           vectors_number(group, "tagSize") == 128;
}

static void check_gcm(struct vectors *v, const json_t *group,
                      const json_t *test)
{
    if (fits_port(group)) {
        check_aead(v, test, CRYPTO_AES256_GCM);
        checked++;
    }
}

static void check_chacha(struct vectors *v, const json_t *group,
                         const json_t *test)
{
    if (fits_port(group)) {
        check_aead(v, test, CRYPTO_CHACHA20_POLY1305);
        checked++;
    }
}

SPEC("Wycheproof: AES-GCM, every case with a 256-bit key and a 96-bit nonce")
{
    checked = 0;
    run_all(WYCHEPROOF "aes_gcm_test.json", check_gcm);
    print_message("%u checked\n", checked);
    assert_true(checked >= 60);
}

SPEC("Wycheproof: ChaCha20-Poly1305, every case with a 96-bit nonce")
{
    checked = 0;
    run_all(WYCHEPROOF "chacha20_poly1305_test.json", check_chacha);
    print_message("%u checked\n", checked);
    assert_true(checked >= 300);
}
