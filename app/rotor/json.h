// SPDX-License-Identifier: Apache-2.0
// JSON, written as it is said: one object a line.
//
//     json_open(&out, stdout);
//     json_text(&out, "schema", "rotor/status/1");
//     json_open_object(&out, "queue"); ... json_close(&out);
//     json_end(&out);
#ifndef ROTOR_APP_ROTOR_JSON_H
#define ROTOR_APP_ROTOR_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rotor/bytes.h>

#define JSON_NESTING_MAX 8u

struct json {
    FILE *file;
    unsigned depth;
    bool has_items[JSON_NESTING_MAX];
    char closers[JSON_NESTING_MAX];
};

void json_open(struct json *out, FILE *file); // begins the object of the line
void json_end(struct json *out);              // closes all and ends the line

// `key` is NULL inside a list.
void json_open_object(struct json *out, const char *key);
void json_open_list(struct json *out, const char *key);
void json_close(struct json *out);

void json_text(struct json *out, const char *key, const char *text);
void json_text_of(struct json *out, const char *key, struct rotor_bytes text);
void json_hex(struct json *out, const char *key, struct rotor_bytes bytes);
void json_number(struct json *out, const char *key, uint64_t number);
void json_real(struct json *out, const char *key, double number);
void json_bool(struct json *out, const char *key, bool value);
void json_null(struct json *out, const char *key);

#endif
