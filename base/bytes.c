// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <string.h>

bool bytes_equal(struct rotor_bytes a, struct rotor_bytes b)
{
    return a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int bytes_compare(struct rotor_bytes a, struct rotor_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

enum rotor_status bytes_copy(struct rotor_room *room, struct rotor_bytes bytes)
{
    room->used = 0;
    return bytes_append(room, bytes);
}

enum rotor_status bytes_append(struct rotor_room *room,
                               struct rotor_bytes bytes)
{
    if (bytes.size > room->capacity - room->used) {
        return ROTOR_TOO_SMALL;
    }
    if (bytes.size != 0) {
        memcpy(room->data + room->used, bytes.data, bytes.size);
        room->used += bytes.size;
    }
    return ROTOR_OK;
}

void bytes_put_be16(uint8_t out[2], uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

void bytes_put_be32(uint8_t out[4], uint32_t value)
{
    bytes_put_be16(out, (uint16_t)(value >> 16));
    bytes_put_be16(out + 2, (uint16_t)value);
}

void bytes_put_be64(uint8_t out[8], uint64_t value)
{
    bytes_put_be32(out, (uint32_t)(value >> 32));
    bytes_put_be32(out + 4, (uint32_t)value);
}

uint16_t bytes_be16(const uint8_t in[2])
{
    return (uint16_t)((uint32_t)in[0] << 8 | in[1]);
}

uint32_t bytes_be32(const uint8_t in[4])
{
    return (uint32_t)bytes_be16(in) << 16 | bytes_be16(in + 2);
}

uint64_t bytes_be64(const uint8_t in[8])
{
    return (uint64_t)bytes_be32(in) << 32 | bytes_be32(in + 4);
}

void bytes_put_le16(uint8_t out[2], uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

void bytes_put_le32(uint8_t out[4], uint32_t value)
{
    bytes_put_le16(out, (uint16_t)value);
    bytes_put_le16(out + 2, (uint16_t)(value >> 16));
}

void bytes_put_le64(uint8_t out[8], uint64_t value)
{
    bytes_put_le32(out, (uint32_t)value);
    bytes_put_le32(out + 4, (uint32_t)(value >> 32));
}

uint16_t bytes_le16(const uint8_t in[2])
{
    return (uint16_t)((uint32_t)in[1] << 8 | in[0]);
}

uint32_t bytes_le32(const uint8_t in[4])
{
    return (uint32_t)bytes_le16(in + 2) << 16 | bytes_le16(in);
}

uint64_t bytes_le64(const uint8_t in[8])
{
    return (uint64_t)bytes_le32(in + 4) << 32 | bytes_le32(in);
}
