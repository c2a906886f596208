// SPDX-License-Identifier: Apache-2.0
#include "verify/pem.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

// ---- Base64 ----------------------------------------------------------------

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// 64: not a digit.
static uint32_t digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

struct quantum {
    uint32_t bits;
    unsigned digits;
    unsigned pads;
};

static bool take_character(struct quantum *q, uint8_t c)
{
    uint32_t digit = digit_of(c);
    bool is_pad = c == '=';
    if ((digit == 64 && !is_pad) || (!is_pad && q->pads != 0)) {
        return false;
    }
    q->bits = q->bits << 6 | (is_pad ? 0 : digit);
    q->digits++;
    q->pads += is_pad ? 1 : 0;
    return true;
}

// Three bytes, or fewer where there is padding: then the spare bits are zero.
static enum rotor_status put_quantum(const struct quantum *q,
                                     struct rotor_room *bytes)
{
    const uint8_t three[] = {(uint8_t)(q->bits >> 16), (uint8_t)(q->bits >> 8),
                             (uint8_t)q->bits};
    bool spare_is_zero =
        (q->pads < 1 || three[2] == 0) && (q->pads < 2 || three[1] == 0);
    if (q->pads > 2 || !spare_is_zero) {
        return ROTOR_MALFORMED;
    }
    return bytes_append(bytes, bytes_of(three, 3 - q->pads));
}

static enum rotor_status decode(struct rotor_bytes text,
                                struct rotor_room *bytes)
{
    struct quantum q = {0};
    bool is_over = false;
    for (size_t i = 0; i < text.size; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        if (is_over || !take_character(&q, text.data[i])) {
            return ROTOR_MALFORMED;
        }
        if (q.digits == 4) {
            TRY(put_quantum(&q, bytes));
            is_over = q.pads != 0;
            q = (struct quantum){0};
        }
    }
    return q.digits == 0 ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status verify_base64_decode(struct rotor_bytes text,
                                       struct rotor_room *bytes)
{
    bytes->used = 0;
    enum rotor_status status = decode(text, bytes);
    if (status != ROTOR_OK) {
        bytes->used = 0;
    }
    return status;
}

// ---- PEM -------------------------------------------------------------------

static struct rotor_bytes from(struct rotor_bytes bytes, size_t at)
{
    return bytes_of(bytes.data + at, bytes.size - at);
}

static struct rotor_bytes skip_space(struct rotor_bytes text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = from(text, 1);
    }
    return text;
}

static bool take(struct rotor_bytes *text, struct rotor_bytes word)
{
    if (text->size < word.size ||
        memcmp(text->data, word.data, word.size) != 0) {
        return false;
    }
    *text = from(*text, word.size);
    return true;
}

// Everything up to the next dash, which no Base64 has.
static struct rotor_bytes take_body(struct rotor_bytes *text)
{
    size_t size = 0;
    while (size < text->size && text->data[size] != '-') {
        size++;
    }
    struct rotor_bytes body = bytes_of(text->data, size);
    *text = from(*text, size);
    return body;
}

static bool is_at_end(struct rotor_bytes text)
{
    return text.size == 0 || (text.size == 1 && text.data[0] == 0);
}

enum rotor_status verify_pem_next(struct rotor_bytes *text,
                                  struct rotor_bytes label,
                                  struct rotor_room *der,
                                  struct rotor_bytes *one)
{
    struct rotor_bytes rest = skip_space(*text);
    if (is_at_end(rest)) {
        return ROTOR_AGAIN;
    }
    if (!take(&rest, LABEL("-----BEGIN ")) || !take(&rest, label) ||
        !take(&rest, LABEL("-----"))) {
        return ROTOR_MALFORMED;
    }
    struct rotor_bytes body = take_body(&rest);
    if (!take(&rest, LABEL("-----END ")) || !take(&rest, label) ||
        !take(&rest, LABEL("-----"))) {
        return ROTOR_MALFORMED;
    }
    struct rotor_room behind = {der->data + der->used,
                                der->capacity - der->used, 0};
    TRY(verify_base64_decode(body, &behind));
    der->used += behind.used;
    *one = bytes_in(&behind);
    *text = rest;
    return ROTOR_OK;
}
