// SPDX-License-Identifier: Apache-2.0
#include "verify/der.h"

#include <string.h>

#include "base/bytes.h"

#define LONG_TAG     0x1fu // low bits of a tag that goes on
#define LONG_LENGTH  0x80u
#define LENGTH_BYTES 3u // 16 MiB is more than anyone sends

static struct rotor_bytes from(struct rotor_bytes bytes, size_t at)
{
    return (struct rotor_bytes){bytes.data + at, bytes.size - at};
}

enum rotor_status verify_der_next(struct rotor_bytes *rest,
                                  struct verify_der_element *element)
{
    if (rest->size < 2 || (rest->data[0] & LONG_TAG) == LONG_TAG) {
        return ROTOR_MALFORMED;
    }
    size_t head = 2;
    size_t size = rest->data[1];
    if (size >= LONG_LENGTH) {
        size_t count = size - LONG_LENGTH;
        if (count == 0 || count > LENGTH_BYTES || rest->size - 2 < count) {
            return ROTOR_MALFORMED;
        }
        size = 0;
        for (size_t i = 0; i < count; i++) {
            size = size << 8 | rest->data[2 + i];
        }
        bool is_shortest = size >= LONG_LENGTH && size >> 8 * (count - 1) != 0;
        if (!is_shortest) {
            return ROTOR_MALFORMED;
        }
        head += count;
    }
    if (rest->size - head < size) {
        return ROTOR_MALFORMED;
    }
    *element = (struct verify_der_element){
        .tag = rest->data[0],
        .content = {rest->data + head, size       },
        .whole = {rest->data,        head + size},
    };
    *rest = from(*rest, head + size);
    return ROTOR_OK;
}

enum rotor_status verify_der_take(struct rotor_bytes *rest,
                                  enum verify_der_tag tag,
                                  struct rotor_bytes *content)
{
    struct rotor_bytes behind = *rest;
    struct verify_der_element element;
    TRY(verify_der_next(&behind, &element));
    if (element.tag != tag) {
        return ROTOR_MALFORMED;
    }
    *rest = behind;
    *content = element.content;
    return ROTOR_OK;
}

enum rotor_status verify_der_number(struct rotor_bytes content,
                                    uint32_t *number)
{
    if (content.size == 0 || content.size > 5 || content.data[0] >= 0x80) {
        return ROTOR_MALFORMED;
    }
    bool has_zero = content.data[0] == 0 && content.size > 1;
    bool is_padded = has_zero && content.data[1] < 0x80;
    if (is_padded || content.size - has_zero > 4) {
        return ROTOR_MALFORMED;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < content.size; i++) {
        value = value << 8 | content.data[i];
    }
    *number = value;
    return ROTOR_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct rotor_bytes skip_space(struct rotor_bytes text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = from(text, 1);
    }
    return text;
}

static bool take_line(struct rotor_bytes *text, struct rotor_bytes line)
{
    if (text->size < line.size ||
        memcmp(text->data, line.data, line.size) != 0) {
        return false;
    }
    *text = from(*text, line.size);
    return true;
}

// 0 to 63, or 64 for what is no digit.
static uint32_t digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - (uint32_t)'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - (uint32_t)'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - (uint32_t)'0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

struct base64 {
    uint32_t bits;
    uint32_t digits; // in this group of four
    uint32_t padding;
};

// The three bytes, or fewer, of a group that is complete.
static enum rotor_status end_group(struct base64 *group, struct rotor_room *der)
{
    uint8_t bytes[3] = {
        (uint8_t)(group->bits >> 16),
        (uint8_t)(group->bits >> 8),
        (uint8_t)group->bits,
    };
    size_t count = 3 - group->padding;
    for (size_t i = count; i < sizeof bytes; i++) {
        if (bytes[i] != 0) {
            return ROTOR_MALFORMED; // bits that no byte has
        }
    }
    group->bits = 0;
    group->digits = 0;
    return bytes_append(der, (struct rotor_bytes){bytes, count});
}

static enum rotor_status take_digit(struct base64 *group, uint8_t c,
                                    struct rotor_room *der)
{
    bool is_padding = c == '=' && group->digits >= 2;
    uint32_t digit = is_padding ? 0 : digit_of(c);
    bool is_after_padding = group->padding > 0 && !is_padding;
    if (digit > 63 || is_after_padding) {
        return ROTOR_MALFORMED;
    }
    group->padding += is_padding;
    group->bits = group->bits << 6 | digit;
    group->digits++;
    return group->digits == 4 ? end_group(group, der) : ROTOR_OK;
}

static enum rotor_status take_base64(struct rotor_bytes *text,
                                     struct rotor_room *der)
{
    struct base64 group = {0};
    while (text->size > 0 && text->data[0] != '-') {
        if (!is_space(text->data[0])) {
            TRY(take_digit(&group, text->data[0], der));
        }
        *text = from(*text, 1);
    }
    return group.digits == 0 ? ROTOR_OK : ROTOR_MALFORMED;
}

static bool is_at_end(struct rotor_bytes text)
{
    return text.size == 0 || (text.size == 1 && text.data[0] == 0);
}

enum rotor_status verify_pem_next(struct rotor_bytes *text,
                                  struct rotor_room *der,
                                  struct rotor_bytes *one)
{
    struct rotor_bytes rest = skip_space(*text);
    if (is_at_end(rest)) {
        return ROTOR_AGAIN;
    }
    struct rotor_room behind = *der;
    if (!take_line(&rest, LABEL("-----BEGIN CERTIFICATE-----"))) {
        return ROTOR_MALFORMED;
    }
    TRY(take_base64(&rest, &behind));
    if (!take_line(&rest, LABEL("-----END CERTIFICATE-----"))) {
        return ROTOR_MALFORMED;
    }
    *one = (struct rotor_bytes){der->data + der->used, behind.used - der->used};
    *der = behind;
    *text = rest;
    return ROTOR_OK;
}
