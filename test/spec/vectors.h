// SPDX-License-Identifier: Apache-2.0
// Published test vectors as JSON, plain or gzip, found through the environment
// variable ROTOR_VECTORS (else ../shared/vectors).
//
//     struct vectors v;
//     if (!vectors_open(&v, "crypto/wycheproof/x25519_test.json")) {
//         SKIP("no vectors");
//     }
//     json_t *test;
//     size_t i;
//     json_array_foreach(json_object_get(v.root, "testGroups"), i, test) { ...
//     } vectors_close(&v);
#ifndef ROTOR_TEST_VECTORS_H
#define ROTOR_TEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <rotor/bytes.h>

struct vectors {
    json_t *root;       // NULL for a file that was opened as bytes
    struct blob *blobs; // what vectors_bytes made
};

// False: no such file.  A file that is there and does not parse aborts.
bool vectors_open(struct vectors *v, const char *path);
void vectors_close(struct vectors *v);

// The whole file, unpacked; a zero byte follows it.  Sets v->root to NULL.
bool vectors_open_bytes(struct vectors *v, const char *path,
                        struct rotor_bytes *content);

// The hex string object[key] as bytes that live until vectors_close.  Aborts
// when there is none.
struct rotor_bytes vectors_bytes(struct vectors *v, const json_t *object,
                                 const char *key);

// The same for hex text at hand; spaces and line ends are skipped.
struct rotor_bytes vectors_hex(struct vectors *v, const char *hex);

// object[key] as text; "" when there is none.
const char *vectors_text(const json_t *object, const char *key);

// object[key] as a number; aborts when there is none.
int64_t vectors_number(const json_t *object, const char *key);

#endif
