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
