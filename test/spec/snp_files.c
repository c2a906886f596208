// SPDX-License-Identifier: Apache-2.0
#include "test/spec/snp_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

static void give_up(const char *what, const char *where)
{
    fprintf(stderr, "snp: %s: %s\n", what, where);
    abort();
}

static void add_der(struct snp_pool *pool, struct rotor_bytes der,
                    const char *name)
{
    struct crypto_certificate *place = &pool->certificates[pool->count];
    if (pool->count == SNP_CERTIFICATES ||
        crypto_certificate_open(place, der) != ROTOR_OK) {
        give_up("no certificate", name);
    }
    pool->count++;
}

static void add_pem(struct snp_pool *pool, struct rotor_bytes text,
                    const char *name)
{
    BIO *in = BIO_new_mem_buf(text.data, (int)text.size);
    char *kind = NULL;
    char *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    while (PEM_read_bio(in, &kind, &header, &der, &size) == 1) {
        add_der(pool, (struct rotor_bytes){der, (size_t)size}, name);
        OPENSSL_free(kind);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(in);
}

void snp_pool_add(struct snp_pool *pool, const char *name)
{
    char path[256];
    struct vectors v;
    struct rotor_bytes bytes;
    snprintf(path, sizeof path, "snp/%s", name);
    if (!vectors_open_bytes(&v, path, &bytes)) {
        give_up("missing", path);
    }
    if (bytes.size > 4 && memcmp(bytes.data, "----", 4) == 0) {
        add_pem(pool, bytes, name);
    } else {
        add_der(pool, bytes, name);
    }
    vectors_close(&v);
}

void snp_pool_close(struct snp_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        crypto_certificate_close(&pool->certificates[i]);
    }
    *pool = (struct snp_pool){0};
}

struct rotor_bytes snp_key_of(const char *name)
{
    static uint8_t der[256];
    char path[256];
    struct vectors v;
    struct rotor_bytes bytes;
    snprintf(path, sizeof path, "snp/%s", name);
    if (!vectors_open_bytes(&v, path, &bytes)) {
        give_up("missing", path);
    }
    BIO *in = BIO_new_mem_buf(bytes.data, (int)bytes.size);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    uint8_t *at = der;
    int size = pkey == NULL ? 0 : i2d_PUBKEY(pkey, NULL);
    if (size <= 0 || (size_t)size > sizeof der ||
        i2d_PUBKEY(pkey, &at) != size) {
        give_up("no key", path);
    }
    EVP_PKEY_free(pkey);
    BIO_free(in);
    vectors_close(&v);
    return (struct rotor_bytes){der, (size_t)size};
}
