// SPDX-License-Identifier: Apache-2.0
// Fields of a protocol buffer, one after the other.  Bounded: no recursion, no
// groups, nothing beyond the input.
//
//     struct verify_protobuf in = {.input = bytes};
//     struct verify_field field;
//     while (verify_protobuf_next(&in, &field)) { ... }
//     if (!verify_protobuf_finished(&in)) { malformed }
#ifndef ROTOR_VERIFY_PROTOBUF_H
#define ROTOR_VERIFY_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

struct verify_protobuf {
    struct rotor_bytes input;
    size_t position; // bytes
    bool has_failed;
};

struct verify_field {
    uint32_t number;
    bool is_bytes;            // else a number
    struct rotor_bytes bytes; // a view: string, bytes or message
    uint64_t value;           // varint or fixed
};

// False at the end, or on a fault.
bool verify_protobuf_next(struct verify_protobuf *in,
                          struct verify_field *field);

// Whether all of the input was well formed and read.
bool verify_protobuf_finished(const struct verify_protobuf *in);

#endif
