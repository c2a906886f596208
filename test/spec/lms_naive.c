// SPDX-License-Identifier: Apache-2.0
#include "test/spec/lms_naive.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

// H(I || 0 || middle || rest)
static void hash(const uint8_t *id, const char *middle, size_t middle_size,
                 const uint8_t *rest, size_t rest_size, uint8_t out[32])
{
    size_t size = 16 + 4 + middle_size + rest_size;
    uint8_t *all = calloc(1, size);
    memcpy(all, id, 16);
    memcpy(all + 20, middle, middle_size);
    memcpy(all + 20 + middle_size, rest, rest_size);
    SHA256(all, size, out);
    free(all);
}

static void chain(const uint8_t *id, int i, int from, int to, uint8_t value[32])
{
    for (int j = from; j < to; j++) {
        char middle[3] = {(char)(i / 256), (char)(i % 256), (char)j};
        hash(id, middle, 3, value, 32, value);
    }
}

static void secret(const uint8_t *id, const uint8_t *seed, int i,
                   uint8_t value[32])
{
    char middle[3] = {(char)(i / 256), (char)(i % 256), (char)0xff};
    hash(id, middle, 3, seed, 32, value);
}

// The 67 nibbles of Q and of its checksum.
static void nibbles(const uint8_t *id, const uint8_t *c,
                    struct rotor_bytes message, int out[67])
{
    uint8_t *rest = malloc(32 + message.size);
    uint8_t q[32];
    memcpy(rest, c, 32);
    if (message.size != 0) {
        memcpy(rest + 32, message.data, message.size);
    }
    hash(id, "\x81\x81", 2, rest, 32 + message.size, q);
    free(rest);
    int sum = 0;
    for (int i = 0; i < 64; i++) {
        out[i] = i % 2 == 0 ? q[i / 2] / 16 : q[i / 2] % 16;
        sum += 15 - out[i];
    }
    out[64] = sum / 256;
    out[65] = sum / 16 % 16;
    out[66] = sum % 16;
}

static void close_key(const uint8_t *id, uint8_t ends[67][32],
                      uint8_t public_key[56])
{
    memset(public_key, 0, 56);
    public_key[3] = 3;
    memcpy(public_key + 4, id, 16);
    hash(id, "\x80\x80", 2, ends[0], sizeof(uint8_t[67][32]), public_key + 24);
}

void naive_public(const uint8_t id[16], const uint8_t seed[32],
                  uint8_t public_key[56])
{
    uint8_t ends[67][32];
    for (int i = 0; i < 67; i++) {
        secret(id, seed, i, ends[i]);
        chain(id, i, 0, 15, ends[i]);
    }
    close_key(id, ends, public_key);
}

void naive_sign(const uint8_t id[16], const uint8_t seed[32],
                struct rotor_bytes message, uint8_t signature[2180])
{
    int digit[67];
    memcpy(signature, "\0\0\0\3", 4);
    secret(id, seed, 0xfffd, signature + 4);
    nibbles(id, signature + 4, message, digit);
    for (int i = 0; i < 67; i++) {
        secret(id, seed, i, signature + 36 + 32 * i);
        chain(id, i, 0, digit[i], signature + 36 + 32 * i);
    }
}

bool naive_verify(const uint8_t public_key[56], struct rotor_bytes message,
                  const uint8_t signature[2180])
{
    int digit[67];
    uint8_t ends[67][32];
    uint8_t made[56];
    const uint8_t *id = public_key + 4;
    nibbles(id, signature + 4, message, digit);
    for (int i = 0; i < 67; i++) {
        memcpy(ends[i], signature + 36 + 32 * i, 32);
        chain(id, i, digit[i], 15, ends[i]);
    }
    close_key(id, ends, made);
    return memcmp(made, public_key, 56) == 0;
}
