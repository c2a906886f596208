// SPDX-License-Identifier: Apache-2.0
// What both kinds of cases change, and how it is printed.
#ifndef ROTOR_TEST_SECOND_CHANGE_H
#define ROTOR_TEST_SECOND_CHANGE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

#define CHANGED_MAX 40000u // bytes

static uint64_t random_state = 0x726f746f72;
static inline uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

static inline void print_hex(const char *word, struct rotor_bytes bytes)
{
    printf("%s ", word);
    for (size_t i = 0; i < bytes.size; i++) {
        printf("%02x", bytes.data[i]);
    }
}

// ---- values ----------------------------------------------------------------

struct value {
    const char *bytes;
    size_t size;
};
#define VALUE(text)                                                            \
    {                                                                          \
        text, sizeof text - 1                                                  \
    }
#define ZEROS_32                                                               \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
static const struct value VALUES[] = {
    VALUE("\x00"),
    VALUE("\x01"),
    VALUE("\x02"),
    VALUE("\x03"),
    VALUE("\x04"),
    VALUE("\x05"),
    VALUE("\x07"),
    VALUE("\x08"),
    VALUE("\x09"),
    VALUE("\x18\x17"), // not the shortest
    VALUE("\x18\x18"),
    VALUE("\x19\xff\xff"),
    VALUE("\x1a\x00\x01\x00\x00"),
    VALUE("\x1a\xff\xff\xff\xff"),
    VALUE("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
    VALUE("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
    VALUE("\x20"),
    VALUE("\x40"),
    VALUE("\x41\x00"),
    VALUE("\x60"),
    VALUE("\x61\xff"), // not UTF-8
    VALUE("\x80"),
    VALUE("\x81\x00"),
    VALUE("\x82\x00\x00"),
    VALUE("\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x38\x2a\x58\x20" ZEROS_32), // size of another hash
    VALUE("\x82\x38\x2a\x58\x30" ZEROS_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    VALUE("\x82\x00\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x01\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x0c\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    VALUE("\xa0"),
    VALUE("\xa1\x01\x02"),
    VALUE("\xa3\x01\x01\x20\x04\x21\x58\x20" ZEROS_32), // X25519
    VALUE("\xa3\x01\x01\x20\x06\x21\x58\x20" ZEROS_32), // Ed25519
    VALUE("\xa4\x01\x02\x20\x01\x21\x58\x20" ZEROS_32 "\x22\x58\x20" ZEROS_32),
    VALUE("\xf6"),
    VALUE("\xf5"),
    VALUE("\xf9\x00\x00"),
    VALUE("\xc0\x00"),
    VALUE("\x9f\xff"),
    VALUE("\x81\x81\x81\x81\x81\x81\x81\x80"),
    VALUE("\x81\x81\x81\x81\x81\x81\x81\x81\x80"), // too deep
    VALUE(""),                                     // the key is gone
};

static inline struct rotor_bytes item_of(const struct value *value)
{
    return bytes_of(value->size == 0 ? NULL : value->bytes, value->size);
}

// ---- maps that need not be well formed -------------------------------------

static inline void put(struct rotor_room *out, const void *data, size_t size)
{
    if (size != 0) {
        memcpy(out->data + out->used, data, size);
        out->used += size;
    }
}

static inline void put_head(struct rotor_room *out, uint8_t major,
                            size_t number)
{
    uint8_t low = (uint8_t)(number < 24 ? number : number < 256 ? 24 : 25);
    const uint8_t head[3] = {(uint8_t)(major << 5 | low),
                             (uint8_t)(number < 256 ? number : number >> 8),
                             (uint8_t)number};
    put(out, head, number < 24 ? 1u : number < 256 ? 2u : 3u);
}

static inline void put_pair(struct rotor_room *out, int64_t key,
                            struct rotor_bytes item)
{
    bool is_negative = key < 0;
    put_head(out, is_negative, (size_t)(is_negative ? -1 - key : key));
    put(out, item.data, item.size);
}

static inline bool comes_before(int64_t a, int64_t b)
{
    if ((a < 0) != (b < 0)) {
        return a >= 0;
    }
    return a < 0 ? a > b : a < b;
}

// Writes `map` with `item` at `key`, whatever that is; empty: without the key.
static inline void edit(struct rotor_bytes map, int64_t key,
                        struct rotor_bytes item, struct rotor_room *edited)
{
    static uint8_t memory[CHANGED_MAX];
    struct rotor_room pairs = ROOM_OF(memory);
    bool is_placed = item.size == 0;
    size_t count = is_placed ? 0 : 1;
    int64_t read = 0;
    struct cbor_reader in;
    cbor_reader_init(&in, map);
    (void)cbor_read_map(&in);
    while (cbor_map_next(&in, &read)) {
        if (!is_placed && !comes_before(read, key)) {
            put_pair(&pairs, key, item);
            is_placed = true;
        }
        struct rotor_bytes value = cbor_read_item(&in);
        if (read != key) {
            put_pair(&pairs, read, value);
            count++;
        }
    }
    if (!is_placed) {
        put_pair(&pairs, key, item);
    }
    edited->used = 0;
    put_head(edited, 5, count);
    put(edited, pairs.data, pairs.used);
}

// Lines of single bits changed in `base`, and of it cut short; `judge` ends
// each line.
static inline void change_bytes(struct rotor_bytes base, unsigned flips,
                                void (*judge)(struct rotor_bytes bytes))
{
    static uint8_t changed[CHANGED_MAX];
    print_hex("base", base);
    printf("\n");
    for (unsigned i = 0; i < flips; i++) {
        size_t at = draw((uint32_t)base.size);
        uint8_t mask = (uint8_t)(1u << draw(8));
        memcpy(changed, base.data, base.size);
        changed[at] ^= mask;
        printf("flip %zu %u", at, mask);
        judge(bytes_of(changed, base.size));
    }
    for (unsigned i = 0; i < 40; i++) {
        size_t size = i < 8 ? i : draw((uint32_t)base.size);
        printf("cut %zu", size);
        judge(bytes_of(base.data, size));
    }
}

#endif
