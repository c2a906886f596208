// SPDX-License-Identifier: Apache-2.0
// ECDSA signatures: from r || s of fixed length to DER (RFC 3279 2.2.3).
#include <string.h>

#include "crypto/openssl/internal.h"

#define SEQUENCE  0x30
#define INTEGER   0x02
#define SHORT_MAX 127u // bytes whose number fits one byte
#define LONG_1    0x81 // one byte of length follows

// One non-negative INTEGER in its shortest form; returns what follows.
static uint8_t *put_integer(uint8_t *out, const uint8_t *number, size_t size)
{
    while (size > 1 && number[0] == 0) {
        number++;
        size--;
    }
    size_t sign = number[0] >> 7;
    *out++ = INTEGER;
    *out++ = (uint8_t)(size + sign);
    *out = 0;
    memcpy(out + sign, number, size);
    return out + sign + size;
}

size_t openssl_der_of(struct rotor_bytes raw, uint8_t der[OPENSSL_DER_MAX])
{
    uint8_t body[OPENSSL_DER_MAX];
    size_t half = raw.size / 2;
    uint8_t *end = put_integer(body, raw.data, half);
    end = put_integer(end, raw.data + half, half);
    size_t size = (size_t)(end - body);
    size_t head = 0;
    der[head++] = SEQUENCE;
    if (size > SHORT_MAX) {
        der[head++] = LONG_1;
    }
    der[head++] = (uint8_t)size;
    memcpy(der + head, body, size);
    return head + size;
}
