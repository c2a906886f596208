// SPDX-License-Identifier: Apache-2.0
#include "test/spec/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct blob {
    struct blob *next;
    uint8_t bytes[];
};

static void give_up(const char *what, const char *where)
{
    fprintf(stderr, "vectors: %s: %s\n", what, where);
    abort();
}

static uint8_t *keep(struct vectors *v, size_t size)
{
    struct blob *blob = malloc(sizeof *blob + size);
    if (blob == NULL) {
        give_up("out of memory", "");
    }
    blob->next = v->blobs;
    v->blobs = blob;
    return blob->bytes;
}

static gzFile open_file(const char *path)
{
    const char *folder = getenv("ROTOR_VECTORS");
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s",
             folder != NULL ? folder : "../shared/vectors", path);
    return gzopen(whole, "rb");
}

// Doubles the buffer until the file ends: gzip does not say how long it is.
static char *read_all(gzFile file, const char *path, size_t *size)
{
    size_t capacity = 1u << 16;
    char *text = malloc(capacity);
    *size = 0;
    for (;;) {
        if (text == NULL) {
            give_up("out of memory", path);
        }
        int got = gzread(file, text + *size, (unsigned)(capacity - *size));
        if (got < 0) {
            give_up("unreadable", path);
        }
        *size += (size_t)got;
        if (*size < capacity) {
            text[*size] = 0;
            return text;
        }
        capacity *= 2;
        text = realloc(text, capacity);
    }
}

bool vectors_open_bytes(struct vectors *v, const char *path,
                        struct rotor_bytes *content)
{
    *v = (struct vectors){0};
    gzFile file = open_file(path);
    if (file == NULL) {
        return false;
    }
    size_t size = 0;
    char *text = read_all(file, path, &size);
    gzclose(file);
    uint8_t *kept = keep(v, size + 1);
    memcpy(kept, text, size + 1);
    free(text);
    *content = (struct rotor_bytes){kept, size};
    return true;
}

bool vectors_open(struct vectors *v, const char *path)
{
    struct rotor_bytes content;
    if (!vectors_open_bytes(v, path, &content)) {
        return false;
    }
    json_error_t error;
    v->root = json_loadb((const char *)content.data, content.size, 0, &error);
    if (v->root == NULL) {
        give_up(error.text, path);
    }
    return true;
}

void vectors_close(struct vectors *v)
{
    json_decref(v->root);
    while (v->blobs != NULL) {
        struct blob *next = v->blobs->next;
        free(v->blobs);
        v->blobs = next;
    }
    *v = (struct vectors){0};
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
    const char *found = lower == 0 ? NULL : strchr(digits, lower);
    return found == NULL ? -1 : (int)(found - digits);
}

struct rotor_bytes vectors_hex(struct vectors *v, const char *hex)
{
    uint8_t *out = keep(v, strlen(hex) / 2 + 1);
    size_t digits = 0;
    for (const char *c = hex; *c != 0; c++) {
        if (strchr(" \t\r\n", *c) != NULL) {
            continue;
        }
        int value = digit(*c);
        if (value < 0) {
            give_up("not hex", hex);
        }
        bool is_high = digits % 2 == 0;
        out[digits / 2] =
            (uint8_t)(is_high ? value << 4 : out[digits / 2] | value);
        digits++;
    }
    if (digits % 2 != 0) {
        give_up("odd number of hex digits", hex);
    }
    return (struct rotor_bytes){out, digits / 2};
}

struct rotor_bytes vectors_bytes(struct vectors *v, const json_t *object,
                                 const char *key)
{
    const json_t *text = json_object_get(object, key);
    if (!json_is_string(text)) {
        give_up("no such hex string", key);
    }
    return vectors_hex(v, json_string_value(text));
}

const char *vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int64_t vectors_number(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number)) {
        give_up("no such number", key);
    }
    return json_integer_value(number);
}
