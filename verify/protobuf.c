// SPDX-License-Identifier: Apache-2.0
#include "verify/protobuf.h"

#include "base/bytes.h"

enum wire_type {
    VARINT = 0,
    FIXED64 = 1,
    LENGTH = 2,
    FIXED32 = 5,
};

#define FIELD_MAX ((1u << 29) - 1)

static uint64_t read_varint(struct verify_protobuf *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (in->position >= in->input.size) {
            break;
        }
        uint8_t byte = in->input.data[in->position++];
        // The tenth byte has one bit left.
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    in->has_failed = true;
    return 0;
}

static struct rotor_bytes read_raw(struct verify_protobuf *in, uint64_t size)
{
    if (in->has_failed || size > in->input.size - in->position) {
        in->has_failed = true;
        return (struct rotor_bytes){0};
    }
    struct rotor_bytes raw =
        bytes_of(in->input.data + in->position, (size_t)size);
    in->position += (size_t)size;
    return raw;
}

static void read_value(struct verify_protobuf *in, uint64_t type,
                       struct verify_field *field)
{
    switch (type) {
    case VARINT:
        field->value = read_varint(in);
        return;
    case LENGTH:
        field->is_bytes = true;
        field->bytes = read_raw(in, read_varint(in));
        return;
    case FIXED64:
        field->bytes = read_raw(in, 8);
        field->value = in->has_failed ? 0 : bytes_le64(field->bytes.data);
        return;
    case FIXED32:
        field->bytes = read_raw(in, 4);
        field->value = in->has_failed ? 0 : bytes_le32(field->bytes.data);
        return;
    default:
        in->has_failed = true;
    }
}

bool verify_protobuf_next(struct verify_protobuf *in,
                          struct verify_field *field)
{
    *field = (struct verify_field){0};
    if (in->has_failed || in->position == in->input.size) {
        return false;
    }
    uint64_t tag = read_varint(in);
    if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX) {
        in->has_failed = true;
        return false;
    }
    field->number = (uint32_t)(tag >> 3);
    read_value(in, tag & 7, field);
    return !in->has_failed;
}

bool verify_protobuf_finished(const struct verify_protobuf *in)
{
    return !in->has_failed && in->position == in->input.size;
}
