// SPDX-License-Identifier: Apache-2.0
// What the port promises beside the right numbers (those: crypto_vectors.c).
// Keys are in crypto_keys.c, signatures in crypto_ecdsa.c.
#include "test/spec/crypto_help.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/openssl/openssl.h"
#include "crypto/suite.h"
#include "test/spec/vectors.h"

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
