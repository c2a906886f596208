// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "wire/cbor_foreign.h"
#include "wire/cbor_foreign_head.h"

// ---- values ----------------------------------------------------------------

static enum cbor_foreign_kind
kind_of_simple(const struct cbor_foreign_head *head)
{
    if (head->info >= INFO_FLOAT_HALF) {
        return CBOR_FOREIGN_FLOAT;
    }
    switch (head->argument) {
    case SIMPLE_FALSE:
        return CBOR_FOREIGN_FALSE;
    case SIMPLE_TRUE:
        return CBOR_FOREIGN_TRUE;
    case SIMPLE_NIL:
        return CBOR_FOREIGN_NULL;
    default:
        return CBOR_FOREIGN_SIMPLE;
    }
}

enum cbor_foreign_kind cbor_foreign_kind(const struct cbor_foreign *item)
{
    static const enum cbor_foreign_kind kinds[7] = {
        [MAJOR_UINT] = CBOR_FOREIGN_UINT,
        [MAJOR_NEGATIVE] = CBOR_FOREIGN_NEGATIVE,
        [MAJOR_BYTES] = CBOR_FOREIGN_BYTES,
        [MAJOR_TEXT] = CBOR_FOREIGN_TEXT,
        [MAJOR_ARRAY] = CBOR_FOREIGN_ARRAY,
        [MAJOR_MAP] = CBOR_FOREIGN_MAP,
        [MAJOR_TAG] = CBOR_FOREIGN_TAG,
    };
    struct cbor_foreign_head head;
    if (!cbor_foreign_head(item->bytes, &head)) {
        return CBOR_FOREIGN_NOTHING;
    }
    return head.major == MAJOR_SIMPLE ? kind_of_simple(&head)
                                      : kinds[head.major];
}

static bool head_of_kind(const struct cbor_foreign *item,
                         enum cbor_foreign_kind kind,
                         struct cbor_foreign_head *head)
{
    return cbor_foreign_kind(item) == kind &&
           cbor_foreign_head(item->bytes, head);
}

bool cbor_foreign_uint(const struct cbor_foreign *item, uint64_t *value)
{
    struct cbor_foreign_head head;
    if (!head_of_kind(item, CBOR_FOREIGN_UINT, &head)) {
        return false;
    }
    *value = head.argument;
    return true;
}

bool cbor_foreign_int(const struct cbor_foreign *item, int64_t *value)
{
    struct cbor_foreign_head head;
    bool is_negative = head_of_kind(item, CBOR_FOREIGN_NEGATIVE, &head);
    if ((!is_negative && !head_of_kind(item, CBOR_FOREIGN_UINT, &head)) ||
        head.argument > INT64_MAX) {
        return false;
    }
    *value = is_negative ? -1 - (int64_t)head.argument : (int64_t)head.argument;
    return true;
}

// Half (5 bits of exponent, 10 of fraction), single (8, 23), double (11, 52).
static bool floor_of_float(const struct cbor_foreign_head *head, int64_t *value)
{
    unsigned fraction_bits = head->size == 3 ? 10 : head->size == 5 ? 23 : 52;
    unsigned exponent_bits = head->size == 3 ? 5 : head->size == 5 ? 8 : 11;
    uint64_t one = (uint64_t)1;
    uint64_t fraction = head->argument & ((one << fraction_bits) - 1);
    uint64_t exponent =
        head->argument >> fraction_bits & ((one << exponent_bits) - 1);
    bool is_negative = head->argument >> (fraction_bits + exponent_bits) & 1;
    uint64_t bias = (one << (exponent_bits - 1)) - 1;
    if (exponent < bias) { // below 1, or subnormal, or zero
        bool is_zero = exponent == 0 && fraction == 0;
        *value = is_negative && !is_zero ? -1 : 0;
        return true;
    }
    uint64_t power = exponent - bias;
    bool is_finite = exponent != (one << exponent_bits) - 1;
    if (power > 61 || !is_finite) {
        return false;
    }
    fraction |= one << fraction_bits;
    bool is_whole = power >= fraction_bits ||
                    (fraction & ((one << (fraction_bits - power)) - 1)) == 0;
    uint64_t size = power >= fraction_bits
                        ? fraction << (power - fraction_bits)
                        : fraction >> (fraction_bits - power);
    *value = is_negative ? -(int64_t)size - !is_whole : (int64_t)size;
    return true;
}

bool cbor_foreign_seconds(const struct cbor_foreign *item, int64_t *value)
{
    struct cbor_foreign_head head;
    if (head_of_kind(item, CBOR_FOREIGN_FLOAT, &head)) {
        return floor_of_float(&head, value);
    }
    return cbor_foreign_int(item, value);
}

static bool content_of(const struct cbor_foreign *item,
                       enum cbor_foreign_kind kind, struct rotor_bytes *value)
{
    struct cbor_foreign_head head;
    struct rotor_bytes content;
    size_t size;
    if (!head_of_kind(item, kind, &head) ||
        !cbor_foreign_string(item->bytes, &head, &content, &size)) {
        return false;
    }
    *value = content;
    return true;
}

bool cbor_foreign_bytes(const struct cbor_foreign *item,
                        struct rotor_bytes *value)
{
    return content_of(item, CBOR_FOREIGN_BYTES, value);
}

bool cbor_foreign_text(const struct cbor_foreign *item,
                       struct rotor_bytes *value)
{
    return content_of(item, CBOR_FOREIGN_TEXT, value);
}

bool cbor_foreign_tag(const struct cbor_foreign *item, uint64_t *tag,
                      struct cbor_foreign *content)
{
    struct cbor_foreign_head head;
    if (!head_of_kind(item, CBOR_FOREIGN_TAG, &head)) {
        return false;
    }
    *tag = head.argument;
    content->bytes =
        bytes_of(item->bytes.data + head.size, item->bytes.size - head.size);
    return true;
}

// ---- containers ------------------------------------------------------------

void cbor_foreign_walk(const struct cbor_foreign *item,
                       struct cbor_foreign_walk *walk)
{
    struct cbor_foreign_head head;
    *walk = (struct cbor_foreign_walk){0};
    if (!cbor_foreign_head(item->bytes, &head) ||
        !cbor_foreign_is_container(&head)) {
        return;
    }
    walk->rest =
        bytes_of(item->bytes.data + head.size, item->bytes.size - head.size);
    walk->left = cbor_foreign_is_endless(&head)
                     ? SIZE_MAX
                     : (size_t)head.argument << (head.major == MAJOR_MAP);
}

bool cbor_foreign_next(struct cbor_foreign_walk *walk,
                       struct cbor_foreign *item)
{
    bool is_at_break = walk->left == SIZE_MAX && walk->rest.size != 0 &&
                       walk->rest.data[0] == BREAK;
    *item = (struct cbor_foreign){0};
    if (walk->left == 0 || walk->rest.size == 0 || is_at_break) {
        return false;
    }
    size_t size = cbor_foreign_size(walk->rest);
    item->bytes = bytes_of(walk->rest.data, size);
    walk->rest = bytes_of(walk->rest.data + size, walk->rest.size - size);
    if (walk->left != SIZE_MAX) {
        walk->left--;
    }
    return true;
}

size_t cbor_foreign_count(const struct cbor_foreign *item)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    size_t count = 0;
    cbor_foreign_walk(item, &walk);
    while (cbor_foreign_next(&walk, &part)) {
        count++;
    }
    return cbor_foreign_kind(item) == CBOR_FOREIGN_MAP ? count / 2 : count;
}

bool cbor_foreign_find_like(const struct cbor_foreign *map,
                            const struct cbor_foreign *key,
                            struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign each;
    *value = (struct cbor_foreign){0};
    if (cbor_foreign_kind(map) != CBOR_FOREIGN_MAP) {
        return false;
    }
    cbor_foreign_walk(map, &walk);
    while (cbor_foreign_next(&walk, &each)) {
        bool is_it = cbor_foreign_keys_equal(each.bytes, key->bytes);
        if (!cbor_foreign_next(&walk, &each)) {
            return false;
        }
        if (is_it) {
            *value = each;
            return true;
        }
    }
    return false;
}

// The longest head and no content.
#define HEAD_MAX 9u

static void put_head(uint8_t head[HEAD_MAX], unsigned major, uint64_t argument)
{
    head[0] = (uint8_t)(major << 5 | INFO_EIGHT_BYTES);
    bytes_put_be64(head + 1, argument);
}

bool cbor_foreign_find(const struct cbor_foreign *map, int64_t key,
                       struct cbor_foreign *value)
{
    uint8_t encoded[HEAD_MAX];
    if (key < 0) {
        put_head(encoded, MAJOR_NEGATIVE, (uint64_t)(-1 - key));
    } else {
        put_head(encoded, MAJOR_UINT, (uint64_t)key);
    }
    struct cbor_foreign like = {BYTES_OF(encoded)};
    return cbor_foreign_find_like(map, &like, value);
}
