// SPDX-License-Identifier: Apache-2.0
// The front's whole computation once more, from the standards' text, on
// OpenSSL's HMAC alone.
#ifndef ROTOR_TEST_ENTROPY_MODEL_H
#define ROTOR_TEST_ENTROPY_MODEL_H

#include "test/spec.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

struct text {
    uint8_t bytes[4096];
    size_t size;
};

static inline void put(struct text *text, const void *bytes, size_t size)
{
    assert_true(size <= sizeof text->bytes - text->size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static inline void put_lp(struct text *text, const void *bytes, size_t size)
{
    uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)size};
    put(text, length, sizeof length);
    put(text, bytes, size);
}

struct model {
    uint8_t key[32];
    uint8_t value[32];
    bool is_begun;
};

static inline void model_hmac(uint8_t mac[32], const uint8_t key[32],
                              const struct text *text)
{
    uint8_t made[32];
    assert_non_null(
        HMAC(EVP_sha256(), key, 32, text->bytes, text->size, made, NULL));
    memcpy(mac, made, 32);
}

// HMAC_DRBG_Update, SP 800-90A 10.1.2.2
static inline void model_update(struct model *model,
                                const struct text *provided)
{
    for (uint8_t mark = 0; mark < 2; mark++) {
        struct text text = {.size = 0};
        put(&text, model->value, 32);
        put(&text, &mark, 1);
        put(&text, provided->bytes, provided->size);
        model_hmac(model->key, model->key, &text);
        text.size = 0;
        put(&text, model->value, 32);
        model_hmac(model->value, model->key, &text);
        if (provided->size == 0) {
            return;
        }
    }
}

static inline void model_draw(struct model *model, const struct text *collected,
                              uint8_t *out, size_t size)
{
    static const char label[] = "rotor1 entropy";
    uint8_t seed[48];
    assert_non_null(HMAC(EVP_sha384(), label, sizeof label - 1,
                         collected->bytes, collected->size, seed, NULL));
    struct text provided = {.size = 0};
    put(&provided, seed, sizeof seed);
    if (!model->is_begun) {
        memset(model->key, 0, 32);
        memset(model->value, 1, 32);
        put(&provided, "rotor1 drbg", 11);
        model->is_begun = true;
    }
    model_update(model, &provided);
    struct text text;
    for (size_t at = 0; at < size; at += 32) {
        text.size = 0;
        put(&text, model->value, 32);
        model_hmac(model->value, model->key, &text);
        memcpy(out + at, model->value, size - at < 32 ? size - at : 32);
    }
    text.size = 0;
    model_update(model, &text);
}

#endif
