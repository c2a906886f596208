// SPDX-License-Identifier: Apache-2.0
#include "test/spec/diag.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

struct diag {
    const char *at;
    struct rotor_room *out;
    bool is_bad;
};

static void put(struct diag *d, struct rotor_bytes bytes)
{
    d->is_bad |= bytes_append(d->out, bytes) != ROTOR_OK;
}

static void put_head(struct diag *d, unsigned major, uint64_t argument)
{
    uint8_t memory[9];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_uint(&out, argument);
    d->is_bad |= cbor_writer_finish(&out) != ROTOR_OK;
    memory[0] |= (uint8_t)(major << 5);
    put(d, bytes_in(&room));
}

static void skip_space(struct diag *d)
{
    for (;;) {
        d->at += strspn(d->at, " \t\r\n");
        if (*d->at == '#') {
            d->at += strcspn(d->at, "\n");
        } else if (*d->at == '/') {
            const char *end = strchr(d->at + 1, '/');
            d->is_bad |= end == NULL;
            d->at = end == NULL ? d->at + strlen(d->at) : end + 1;
        } else {
            return;
        }
    }
}

static bool take(struct diag *d, const char *word)
{
    skip_space(d);
    if (strncmp(d->at, word, strlen(word)) != 0) {
        return false;
    }
    d->at += strlen(word);
    return true;
}

static void want(struct diag *d, const char *word)
{
    d->is_bad |= !take(d, word);
}

static void encode_item(struct diag *d);

// Content that another writer fills, under a head that is known afterwards.
static void put_wrapped(struct diag *d, unsigned major, uint64_t argument,
                        struct rotor_room *content)
{
    put_head(d, major, argument);
    put(d, bytes_in(content));
    free(content->data);
}

static struct rotor_room begin_content(struct diag *d,
                                       struct rotor_room **outer)
{
    size_t capacity = d->out->capacity;
    struct rotor_room content = {malloc(capacity), capacity, 0};
    *outer = d->out;
    d->is_bad |= content.data == NULL;
    return content;
}

static void encode_hex(struct diag *d)
{
    struct rotor_room *outer;
    struct rotor_room content = begin_content(d, &outer);
    unsigned digits = 0;
    unsigned byte = 0;
    for (; !d->is_bad && *d->at != '\''; d->at++) {
        if (isspace((unsigned char)*d->at)) {
            continue;
        }
        if (!isxdigit((unsigned char)*d->at)) {
            d->is_bad = true;
            break;
        }
        char digit[2] = {*d->at, 0};
        byte = byte << 4 | (unsigned)strtoul(digit, NULL, 16);
        if (++digits % 2 == 0) {
            uint8_t whole = (uint8_t)byte;
            d->is_bad |=
                bytes_append(&content, bytes_of(&whole, 1)) != ROTOR_OK;
            byte = 0;
        }
    }
    want(d, "'");
    d->is_bad |= digits % 2 != 0;
    put_wrapped(d, 2, content.used, &content);
}

static void encode_text(struct diag *d)
{
    struct rotor_room *outer;
    struct rotor_room content = begin_content(d, &outer);
    for (; !d->is_bad && *d->at != '"'; d->at++) {
        d->at += *d->at == '\\';
        d->is_bad |= *d->at == 0 ||
                     bytes_append(&content, bytes_of(d->at, 1)) != ROTOR_OK;
    }
    want(d, "\"");
    put_wrapped(d, 3, content.used, &content);
}

// Items between brackets; in a map a colon parts keys from values.
static void encode_list(struct diag *d, const char *end, unsigned major)
{
    struct rotor_room *outer;
    struct rotor_room content = begin_content(d, &outer);
    uint64_t count = 0;
    bool is_map = major == 5;
    d->out = &content;
    while (!d->is_bad && !take(d, end)) {
        encode_item(d);
        if (is_map) {
            want(d, ":");
            encode_item(d);
        }
        count++;
        if (!take(d, ",")) {
            want(d, end);
            break;
        }
    }
    d->out = outer;
    put_wrapped(d, major, major == 2 ? content.used : count, &content);
}

static void encode_number(struct diag *d)
{
    char *end;
    size_t size = strspn(d->at, "+-0123456789xabcdefABCDEF.");
    if (memchr(d->at, '.', size) != NULL) {
        double value = strtod(d->at, &end);
        uint64_t bits;
        uint8_t bytes[9] = {0xfb};
        memcpy(&bits, &value, sizeof bits);
        bytes_put_be64(bytes + 1, bits);
        put(d, BYTES_OF(bytes));
        d->at = end;
        return;
    }
    long long value = strtoll(d->at, &end, 0);
    d->is_bad |= end == d->at;
    d->at = end;
    if (take(d, "(")) {
        put_head(d, 6, (uint64_t)value);
        encode_item(d);
        want(d, ")");
    } else if (value < 0) {
        put_head(d, 1, (uint64_t)(-1 - value));
    } else {
        put_head(d, 0, (uint64_t)value);
    }
}

static void encode_item(struct diag *d)
{
    static const struct {
        const char *word;
        uint8_t byte;
    } simple[] = {
        {"false", 0xf4},
        {"true",  0xf5},
        {"null",  0xf6},
    };
    for (size_t i = 0; i < COUNT_OF(simple); i++) {
        if (take(d, simple[i].word)) {
            put(d, bytes_of(&simple[i].byte, 1));
            return;
        }
    }
    if (take(d, "h'")) {
        encode_hex(d);
    } else if (take(d, "\"")) {
        encode_text(d);
    } else if (take(d, "[")) {
        encode_list(d, "]", 4);
    } else if (take(d, "{")) {
        encode_list(d, "}", 5);
    } else if (take(d, "<<")) {
        encode_list(d, ">>", 2);
    } else {
        encode_number(d);
    }
}

bool diag_encode(const char *text, struct rotor_room *cbor)
{
    struct diag d = {.at = text, .out = cbor};
    cbor->used = 0;
    encode_item(&d);
    skip_space(&d);
    return !d.is_bad && *d.at == 0;
}
