// SPDX-License-Identifier: Apache-2.0
// Texts that published tokens come in: Base64 of either alphabet, PEM, and
// JSON keys.
#ifndef ROTOR_TEST_SPEC_TOKENS_TEXT_H
#define ROTOR_TEST_SPEC_TOKENS_TEXT_H

#include <stdbool.h>

#include "test/spec/vectors.h"
#include "verify/public.h"

// Appends what `text` stands for to `room`; what is no digit is skipped.
void text_base64(const char *text, size_t size, struct rotor_room *room);

// The SubjectPublicKeyInfo of a PEM file; false if there is no such file.
bool text_pem_key(const char *path, struct verify_public *key);

// A JSON key of cose-wg/Examples; views live until vectors_close.
const char *text_json_key(struct vectors *v, const json_t *object,
                          struct verify_public *key);

#endif
