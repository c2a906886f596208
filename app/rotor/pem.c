// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/pem.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "base/secret.h"

#define PEM_MAX 16384u // bytes

enum crypto_scheme pem_curve(const char *name)
{
    return strcmp(name, "p256") == 0   ? CRYPTO_P256
           : strcmp(name, "p384") == 0 ? CRYPTO_P384
                                       : CRYPTO_SCHEME_NONE;
}

bool pem_make(const struct run *run, const char *path,
              enum crypto_scheme scheme, int *code)
{
    EVP_PKEY *key = EVP_EC_gen(scheme == CRYPTO_P384 ? "P-384" : "P-256");
    BIO *memory = BIO_new(BIO_s_secmem());
    char *pem = NULL;
    bool is_made = key != NULL && memory != NULL &&
                   PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0,
                                                 NULL, NULL) == 1;
    long size = is_made ? BIO_get_mem_data(memory, &pem) : 0;
    if (!is_made) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "libcrypto made no key");
    }
    bool is_written =
        is_made &&
        write_file(run, path, bytes_of(pem, (size_t)size), true, code);
    if (pem != NULL) {
        secret_wipe(pem, (size_t)size);
    }
    BIO_free(memory);
    EVP_PKEY_free(key);
    return is_written;
}

// Private or public key of a PEM file.
static EVP_PKEY *read_pem(const struct run *run, const char *path, int *code)
{
    struct rotor_bytes pem;
    if (!read_file(run, path, PEM_MAX, &pem, code)) {
        return NULL;
    }
    BIO *memory = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL);
    if (key == NULL) {
        (void)BIO_reset(memory);
        key = PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    }
    BIO_free(memory);
    secret_wipe((void *)(uintptr_t)pem.data, pem.size);
    free((void *)(uintptr_t)pem.data);
    if (key == NULL) {
        *code = fail(run, CAUSE_UNPARSABLE, "rotor image keygen makes one",
                     "%s: not a PEM key", path);
    }
    return key;
}

static enum crypto_scheme scheme_of(const EVP_PKEY *key)
{
    char group[32];
    size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                       sizeof group, &size) != 1) {
        return CRYPTO_SCHEME_NONE;
    }
    return strcmp(group, "prime256v1") == 0  ? CRYPTO_P256
           : strcmp(group, "secp384r1") == 0 ? CRYPTO_P384
                                             : CRYPTO_SCHEME_NONE;
}

// x || y.
static bool public_of(const EVP_PKEY *key, struct rotor_room *public_key)
{
    uint8_t point[1 + CRYPTO_PUBLIC_MAX];
    size_t size = 0;
    public_key->used = 0;
    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                           sizeof point, &size) == 1 &&
           size > 1 && point[0] == 4 &&
           bytes_copy(public_key, bytes_of(point + 1, size - 1)) == ROTOR_OK;
}

static bool private_of(const EVP_PKEY *key, enum crypto_scheme scheme,
                       struct crypto_key *opened)
{
    uint8_t scalar[CRYPTO_PRIVATE_MAX];
    size_t size = crypto_sizes(scheme).private_key;
    BIGNUM *number = NULL;
    bool is_private =
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, scalar, (int)size) == (int)size;
    bool is_open =
        is_private &&
        crypto_key_import(opened, scheme, bytes_of(scalar, size)) == ROTOR_OK;
    BN_clear_free(number);
    secret_wipe(scalar, sizeof scalar);
    return is_open;
}

bool pem_public(const struct run *run, const char *path,
                enum crypto_scheme *scheme, struct rotor_room *public_key,
                int *code)
{
    EVP_PKEY *key = read_pem(run, path, code);
    if (key == NULL) {
        return false;
    }
    *scheme = scheme_of(key);
    bool is_usable =
        *scheme != CRYPTO_SCHEME_NONE && public_of(key, public_key);
    EVP_PKEY_free(key);
    if (!is_usable) {
        *code = fail(run, CAUSE_NOT_SUPPORTED, "P-256 or P-384",
                     "%s: not a key that signs", path);
    }
    return is_usable;
}

bool pem_private(const struct run *run, const char *path,
                 struct crypto_key *key, struct rotor_room *public_key,
                 int *code)
{
    EVP_PKEY *pem = read_pem(run, path, code);
    if (pem == NULL) {
        return false;
    }
    enum crypto_scheme scheme = scheme_of(pem);
    bool is_open = scheme != CRYPTO_SCHEME_NONE && public_of(pem, public_key) &&
                   private_of(pem, scheme, key);
    EVP_PKEY_free(pem);
    if (!is_open) {
        *code = fail(run, CAUSE_UNPARSABLE, "a private P-256 or P-384 key",
                     "%s: cannot sign with this key", path);
    }
    return is_open;
}
