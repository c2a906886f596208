// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl/openssl.h"

#include "crypto/openssl/internal.h"

#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "base/bytes.h"

static struct openssl_library library;
static bool library_is_ready;
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

// The destructor of this key frees what a thread leaves behind; the plain
// thread-local pointer is what calls read.
static pthread_key_t thread_end;
static _Thread_local struct openssl_thread *this_thread;

static const char *const hash_names[HASH_COUNT] = {
    [CRYPTO_SHA256] = "SHA2-256",
    [CRYPTO_SHA384] = "SHA2-384",
    [CRYPTO_SHA512] = "SHA2-512",
    [CRYPTO_SHA1] = "SHA1",
};

static const char *const aead_names[AEAD_COUNT] = {
    [CRYPTO_AES256_GCM] = "AES-256-GCM",
    [CRYPTO_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

static const struct {
    enum crypto_scheme scheme;
    const char *name;
    int nid;
} curves[] = {
    {CRYPTO_P256, "P-256", NID_X9_62_prime256v1},
    {CRYPTO_P384, "P-384", NID_secp384r1       },
};

bool openssl_forget_errors(void)
{
    bool no_memory = false;
    for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error()) {
        no_memory = no_memory || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    }
    return no_memory;
}

// The generator as a public key: valid, and nobody's.
static EVP_PKEY *generator_of(EC_GROUP *group, const char *name)
{
    uint8_t encoded[1 + CRYPTO_PUBLIC_MAX];
    size_t size = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                     POINT_CONVERSION_UNCOMPRESSED, encoded,
                                     sizeof encoded, NULL);
    char group_name[8];
    OPENSSL_strlcpy(group_name, name, sizeof group_name);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group_name,
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded,
                                          size),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make =
        EVP_PKEY_CTX_new_from_name(library.context, "EC", NULL);
    bool made =
        size != 0 && make != NULL && EVP_PKEY_fromdata_init(make) == 1 &&
        EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(make);
    return made ? pkey : NULL;
}

static bool fetch_curves(void)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        enum crypto_scheme scheme = curves[i].scheme;
        EC_GROUP *group =
            EC_GROUP_new_by_curve_name_ex(library.context, NULL, curves[i].nid);
        if (group == NULL) {
            return false;
        }
        library.curve[scheme] = group;
        library.any_public[scheme] = generator_of(group, curves[i].name);
        if (library.any_public[scheme] == NULL) {
            return false;
        }
    }
    return true;
}

static bool fetch_all(void)
{
    bool ok = true;
    for (size_t i = CRYPTO_SHA256; i < HASH_COUNT; i++) {
        library.hash[i] = EVP_MD_fetch(library.context, hash_names[i], NULL);
        ok = ok && library.hash[i] != NULL;
    }
    for (size_t i = CRYPTO_AES256_GCM; i < AEAD_COUNT; i++) {
        library.aead[i] =
            EVP_CIPHER_fetch(library.context, aead_names[i], NULL);
        ok = ok && library.aead[i] != NULL;
    }
    library.hmac = EVP_MAC_fetch(library.context, "HMAC", NULL);
    library.hkdf = EVP_KDF_fetch(library.context, "HKDF", NULL);
    return ok && library.hmac != NULL && library.hkdf != NULL && fetch_curves();
}

static void free_thread(void *owned)
{
    struct openssl_thread *thread = owned;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        EVP_MD_CTX_free(thread->hash[i]);
        EVP_MAC_CTX_free(thread->hmac[i]);
        EVP_KDF_CTX_free(thread->expand[i]);
    }
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        EVP_PKEY_free(thread->peer[i]);
    }
    EVP_PKEY_CTX_free(thread->make_ec);
    BN_CTX_free(thread->numbers);
    OPENSSL_free(thread);
    this_thread = NULL;
}

static void set_up_library(void)
{
    // The default context would read openssl.cnf at its first use; ours never
    // does.
    library_is_ready =
        OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 &&
        pthread_key_create(&thread_end, free_thread) == 0 &&
        (library.context = OSSL_LIB_CTX_new()) != NULL &&
        OSSL_PROVIDER_load(library.context, "default") != NULL && fetch_all();
    (void)openssl_forget_errors();
}

const struct openssl_library *openssl_library(void)
{
    bool ran = pthread_once(&library_once, set_up_library) == 0;
    return ran && library_is_ready ? &library : NULL;
}

// HMAC and the expanding half of HKDF take the same digest; HMAC ignores the
// mode.
static bool choose_hash(EVP_MAC_CTX *hmac, EVP_KDF_CTX *expand, size_t hash)
{
    char name[16];
    OPENSSL_strlcpy(name, hash_names[hash], sizeof name);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ALG_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_end(),
    };
    return (hmac == NULL || EVP_MAC_CTX_set_params(hmac, params) == 1) &&
           EVP_KDF_CTX_set_params(expand, params) == 1;
}

bool openssl_restart_expand(EVP_KDF_CTX *context, enum crypto_hash hash)
{
    EVP_KDF_CTX_reset(context);
    return choose_hash(NULL, context, hash);
}

static bool make_hash_contexts(struct openssl_thread *thread, size_t hash)
{
    thread->hash[hash] = EVP_MD_CTX_new();
    bool ok =
        thread->hash[hash] != NULL &&
        EVP_DigestInit_ex2(thread->hash[hash], library.hash[hash], NULL) == 1;
    if (!ok || hash == CRYPTO_SHA1) {
        return ok;
    }
    thread->hmac[hash] = EVP_MAC_CTX_new(library.hmac);
    thread->expand[hash] = EVP_KDF_CTX_new(library.hkdf);
    return thread->hmac[hash] != NULL && thread->expand[hash] != NULL &&
           choose_hash(thread->hmac[hash], thread->expand[hash], hash);
}

static bool make_contexts(struct openssl_thread *thread)
{
    bool ok = true;
    for (size_t i = CRYPTO_SHA256; i < HASH_COUNT; i++) {
        ok = ok && make_hash_contexts(thread, i);
    }
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        enum crypto_scheme scheme = curves[i].scheme;
        thread->peer[scheme] = EVP_PKEY_dup(library.any_public[scheme]);
        ok = ok && thread->peer[scheme] != NULL;
    }
    thread->make_ec = EVP_PKEY_CTX_new_from_name(library.context, "EC", NULL);
    thread->numbers = BN_CTX_new_ex(library.context);
    return ok && thread->make_ec != NULL && thread->numbers != NULL &&
           EVP_PKEY_fromdata_init(thread->make_ec) == 1;
}

struct openssl_thread *openssl_thread(void)
{
    if (this_thread != NULL) {
        return this_thread;
    }
    if (openssl_library() == NULL) {
        return NULL;
    }
    struct openssl_thread *thread = OPENSSL_zalloc(sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    if (!make_contexts(thread) ||
        pthread_setspecific(thread_end, thread) != 0) {
        free_thread(thread);
        (void)openssl_forget_errors();
        return NULL;
    }
    this_thread = thread;
    return thread;
}

// Uses each kind of key once: what the library looks up at the first use of a
// kind, and both random generators of this thread, are in place afterwards.
static bool rehearse(enum crypto_scheme scheme)
{
    static const uint8_t seed[CRYPTO_SEED_MAX] = {1};
    uint8_t made[CRYPTO_SIGNATURE_MAX];
    struct rotor_room room = ROOM_OF(made);
    struct crypto_key key = {0};
    bool valid = false;
    if (crypto_key_derive(&key, scheme, seed) != ROTOR_OK) {
        return false;
    }
    struct crypto_sizes size = crypto_sizes(scheme);
    bool ok = true;
    if (size.signature != 0) {
        ok = crypto_sign(&key, BYTES_OF(seed), &room) == ROTOR_OK &&
             crypto_verify(&key, BYTES_OF(seed), bytes_in(&room), &valid) ==
                 ROTOR_OK &&
             valid;
    }
    if (ok && size.shared != 0) {
        ok = crypto_key_public(&key, &room) == ROTOR_OK &&
             crypto_agree(&key, bytes_in(&room), made) == ROTOR_OK;
    }
    crypto_key_close(&key);
    return ok;
}

enum rotor_status crypto_openssl_init(void)
{
    if (openssl_thread() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    uint8_t random[32];
    bool ok =
        RAND_bytes_ex(library.context, random, sizeof random, 0) == 1 &&
        RAND_priv_bytes_ex(library.context, random, sizeof random, 0) == 1;
    // P-384 is of the kind of P-256, and its curve is built already; using it
    // would take longer than all the rest.
    static const enum crypto_scheme kinds[] = {CRYPTO_ED25519, CRYPTO_P256,
                                               CRYPTO_X25519};
    for (size_t i = 0; ok && i < COUNT_OF(kinds); i++) {
        ok = rehearse(kinds[i]);
    }
    (void)openssl_forget_errors();
    return ok ? ROTOR_OK : ROTOR_PORT_FAILED;
}
