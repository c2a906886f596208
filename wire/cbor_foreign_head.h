// SPDX-License-Identifier: Apache-2.0
// Heads of foreign items: shared by the parts of that reader only.
#ifndef ROTOR_WIRE_CBOR_FOREIGN_HEAD_H
#define ROTOR_WIRE_CBOR_FOREIGN_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "wire/cbor_head.h"

enum {
    MAJOR_TAG = 6,
    INFO_INDEFINITE = 31,
    INFO_FLOAT_HALF = 25, // of MAJOR_SIMPLE
    BREAK = 0xff,
    SIMPLE_FALSE = 20,
    SIMPLE_TRUE = 21,
    SIMPLE_LEAST_LONG = 32, // smaller ones have no second byte
};

struct cbor_foreign_head {
    unsigned major;
    unsigned info;
    uint64_t argument;
    size_t size; // bytes of the head itself
};

// The head at the start of `bytes`; a break is none.
bool cbor_foreign_head(struct rotor_bytes bytes,
                       struct cbor_foreign_head *head);

// Without a length: a break ends it.
bool cbor_foreign_is_endless(const struct cbor_foreign_head *head);
bool cbor_foreign_is_string(const struct cbor_foreign_head *head);
bool cbor_foreign_is_container(const struct cbor_foreign_head *head);

// Content of a string of one piece at most, and the size of all of it.
bool cbor_foreign_string(struct rotor_bytes bytes,
                         const struct cbor_foreign_head *head,
                         struct rotor_bytes *content, size_t *size);

// Two keys are the same if they mean the same, however they are encoded.
bool cbor_foreign_keys_equal(struct rotor_bytes a, struct rotor_bytes b);

// The size of the checked item at the start of `bytes`.
size_t cbor_foreign_size(struct rotor_bytes bytes);

#endif
