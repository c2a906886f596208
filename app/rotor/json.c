// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"

static void write_quoted(FILE *file, struct rotor_bytes text)
{
    fputc('"', file);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\') {
            fputc('\\', file);
            fputc(byte, file);
        } else if (byte == '\n') {
            fputs("\\n", file);
        } else if (byte < 0x20 || byte == 0x7f) {
            fprintf(file, "\\u%04x", byte);
        } else {
            fputc(byte, file);
        }
    }
    fputc('"', file);
}

static void begin_item(struct json *out, const char *key)
{
    bool *has_items = &out->has_items[out->depth - 1];
    if (*has_items) {
        fputc(',', out->file);
    }
    *has_items = true;
    if (key != NULL) {
        write_quoted(out->file, bytes_of(key, strlen(key)));
        fputc(':', out->file);
    }
}

static void nest(struct json *out, char opener, char closer)
{
    fputc(opener, out->file);
    if (out->depth < JSON_NESTING_MAX) {
        out->closers[out->depth] = closer;
        out->has_items[out->depth] = false;
        out->depth++;
    }
}

void json_open(struct json *out, FILE *file)
{
    *out = (struct json){.file = file};
    nest(out, '{', '}');
}

void json_open_object(struct json *out, const char *key)
{
    begin_item(out, key);
    nest(out, '{', '}');
}

void json_open_list(struct json *out, const char *key)
{
    begin_item(out, key);
    nest(out, '[', ']');
}

void json_close(struct json *out)
{
    if (out->depth != 0) {
        out->depth--;
        fputc(out->closers[out->depth], out->file);
    }
}

void json_end(struct json *out)
{
    while (out->depth != 0) {
        json_close(out);
    }
    fputc('\n', out->file);
    fflush(out->file);
}

void json_text_of(struct json *out, const char *key, struct rotor_bytes text)
{
    begin_item(out, key);
    write_quoted(out->file, text);
}

void json_text(struct json *out, const char *key, const char *text)
{
    json_text_of(out, key, bytes_of(text, strlen(text)));
}

void json_hex(struct json *out, const char *key, struct rotor_bytes bytes)
{
    begin_item(out, key);
    fputc('"', out->file);
    for (size_t i = 0; i < bytes.size; i++) {
        fprintf(out->file, "%02x", bytes.data[i]);
    }
    fputc('"', out->file);
}

void json_number(struct json *out, const char *key, uint64_t number)
{
    begin_item(out, key);
    fprintf(out->file, "%" PRIu64, number);
}

void json_real(struct json *out, const char *key, double number)
{
    begin_item(out, key);
    if (isfinite(number)) {
        fprintf(out->file, "%.6g", number);
    } else {
        fputs("null", out->file);
    }
}

void json_bool(struct json *out, const char *key, bool value)
{
    begin_item(out, key);
    fputs(value ? "true" : "false", out->file);
}

void json_null(struct json *out, const char *key)
{
    begin_item(out, key);
    fputs("null", out->file);
}
