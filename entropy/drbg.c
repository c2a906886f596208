// SPDX-License-Identifier: Apache-2.0
#include "entropy/drbg.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

// SP 800-90A table 2
#define RESEED_INTERVAL ((uint64_t)1 << 48)

// The provided_data of an update: up to three strings, one after the other.
struct provided {
    struct rotor_bytes parts[3];
};

static bool is_nothing(const struct provided *provided)
{
    return provided->parts[0].size + provided->parts[1].size +
               provided->parts[2].size ==
           0;
}

// target = HMAC(key, parts); `target` may be the key or one of the parts.
static enum rotor_status replace(uint8_t target[32], const uint8_t key[32],
                                 const struct rotor_bytes *parts, size_t count)
{
    uint8_t mac[32];
    enum rotor_status status =
        crypto_hmac(CRYPTO_SHA256, bytes_of(key, 32), parts, count, mac);
    if (status == ROTOR_OK) {
        memcpy(target, mac, sizeof mac);
    }
    secret_wipe(mac, sizeof mac);
    return status;
}

// Key = HMAC(Key, V || mark || provided_data);  V = HMAC(Key, V)
static enum rotor_status half_update(struct entropy_drbg *drbg, uint8_t mark,
                                     const struct provided *provided)
{
    struct rotor_bytes parts[5] = {BYTES_OF(drbg->value), bytes_of(&mark, 1)};
    memcpy(&parts[2], provided->parts, sizeof provided->parts);
    TRY(replace(drbg->key, drbg->key, parts, COUNT_OF(parts)));
    return replace(drbg->value, drbg->key, parts, 1);
}

// 10.1.2.2
static enum rotor_status update(struct entropy_drbg *drbg,
                                const struct provided *provided)
{
    TRY(half_update(drbg, 0x00, provided));
    if (is_nothing(provided)) {
        return ROTOR_OK;
    }
    return half_update(drbg, 0x01, provided);
}

// Makes `next` the state, or leaves the state as it was; wipes `next`.
static enum rotor_status commit(struct entropy_drbg *drbg,
                                struct entropy_drbg *next,
                                enum rotor_status status)
{
    if (status == ROTOR_OK) {
        *drbg = *next;
    }
    secret_wipe(next, sizeof *next);
    return status;
}

enum rotor_status entropy_drbg_init(struct entropy_drbg *drbg,
                                    struct rotor_bytes entropy,
                                    struct rotor_bytes nonce,
                                    struct rotor_bytes personalization)
{
    if (entropy.size < ENTROPY_DRBG_STRENGTH) {
        return ROTOR_INVALID;
    }
    struct entropy_drbg next = {.reseed_count = 1};
    memset(next.value, 0x01, sizeof next.value);
    struct provided provided = {
        {entropy, nonce, personalization}
    };
    return commit(drbg, &next, update(&next, &provided));
}

enum rotor_status entropy_drbg_reseed(struct entropy_drbg *drbg,
                                      struct rotor_bytes entropy,
                                      struct rotor_bytes additional)
{
    if (entropy.size < ENTROPY_DRBG_STRENGTH) {
        return ROTOR_INVALID;
    }
    if (drbg->reseed_count == 0) {
        return ROTOR_FORBIDDEN;
    }
    struct entropy_drbg next = *drbg;
    next.reseed_count = 1;
    struct provided provided = {
        {entropy, additional}
    };
    return commit(drbg, &next, update(&next, &provided));
}

static enum rotor_status fill(struct entropy_drbg *drbg, struct rotor_room *out)
{
    struct rotor_bytes value = BYTES_OF(drbg->value);
    while (out->used < out->capacity) {
        TRY(replace(drbg->value, drbg->key, &value, 1));
        size_t left = out->capacity - out->used;
        size_t size = left < value.size ? left : value.size;
        TRY(bytes_append(out, bytes_of(drbg->value, size)));
    }
    return ROTOR_OK;
}

static enum rotor_status generate(struct entropy_drbg *drbg,
                                  struct rotor_bytes additional,
                                  struct rotor_room *out)
{
    struct provided provided = {{additional}};
    if (!bytes_are_empty(additional)) {
        TRY(update(drbg, &provided));
    }
    TRY(fill(drbg, out));
    drbg->reseed_count++;
    return update(drbg, &provided);
}

enum rotor_status entropy_drbg_generate(struct entropy_drbg *drbg,
                                        struct rotor_bytes additional,
                                        struct rotor_room *out)
{
    out->used = 0;
    if (out->capacity > ENTROPY_DRBG_REQUEST_MAX) {
        return ROTOR_INVALID;
    }
    if (drbg->reseed_count == 0 || drbg->reseed_count > RESEED_INTERVAL) {
        return ROTOR_FORBIDDEN;
    }
    struct entropy_drbg next = *drbg;
    enum rotor_status status = generate(&next, additional, out);
    if (status != ROTOR_OK) {
        secret_wipe(out->data, out->capacity);
        out->used = 0;
    }
    return commit(drbg, &next, status);
}

void entropy_drbg_wipe(struct entropy_drbg *drbg)
{
    secret_wipe(drbg, sizeof *drbg);
}
