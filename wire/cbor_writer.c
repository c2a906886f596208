// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "wire/cbor_head.h"

void cbor_writer_init(struct cbor_writer *out, struct rotor_room *room)
{
    room->used = 0;
    *out = (struct cbor_writer){room, 0};
}

size_t cbor_writer_size(const struct cbor_writer *out)
{
    return out->size;
}

enum rotor_status cbor_writer_finish(const struct cbor_writer *out)
{
    struct rotor_room *room = out->room;
    if (out->size > room->capacity) {
        secret_wipe(room->data, room->capacity);
        room->used = 0;
        return ROTOR_TOO_SMALL;
    }
    room->used = out->size;
    return ROTOR_OK;
}

void cbor_write_raw(struct cbor_writer *out, struct rotor_bytes bytes)
{
    if (bytes.size > SIZE_MAX - out->size) {
        out->size = SIZE_MAX;
        return;
    }
    size_t end = out->size + bytes.size;
    if (bytes.size != 0 && end <= out->room->capacity) {
        memcpy(out->room->data + out->size, bytes.data, bytes.size);
    }
    out->size = end;
}

static void write_head(struct cbor_writer *out, unsigned major,
                       uint64_t argument)
{
    uint8_t head[9];
    size_t width = 0;
    unsigned info = (unsigned)argument;
    if (argument >= INFO_ONE_BYTE) {
        info = INFO_ONE_BYTE;
        width = 1;
        while (width < 8 && argument >> (8 * width) != 0) {
            width *= 2;
            info++;
        }
    }
    head[0] = (uint8_t)(major << 5 | info);
    for (size_t i = 0; i < width; i++) {
        head[1 + i] = (uint8_t)(argument >> (8 * (width - 1 - i)));
    }
    cbor_write_raw(out, bytes_of(head, 1 + width));
}

void cbor_write_uint(struct cbor_writer *out, uint64_t value)
{
    write_head(out, MAJOR_UINT, value);
}

void cbor_write_int(struct cbor_writer *out, int64_t value)
{
    if (value >= 0) {
        write_head(out, MAJOR_UINT, (uint64_t)value);
        return;
    }
    write_head(out, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
}

void cbor_write_bytes(struct cbor_writer *out, struct rotor_bytes bytes)
{
    write_head(out, MAJOR_BYTES, bytes.size);
    cbor_write_raw(out, bytes);
}

void cbor_write_text(struct cbor_writer *out, struct rotor_bytes text)
{
    write_head(out, MAJOR_TEXT, text.size);
    cbor_write_raw(out, text);
}

void cbor_write_nil(struct cbor_writer *out)
{
    write_head(out, MAJOR_SIMPLE, SIMPLE_NIL);
}

void cbor_write_array(struct cbor_writer *out, size_t count)
{
    write_head(out, MAJOR_ARRAY, count);
}

void cbor_write_map(struct cbor_writer *out, size_t count)
{
    write_head(out, MAJOR_MAP, count);
}

void cbor_write_bytes_head(struct cbor_writer *out, size_t size)
{
    write_head(out, MAJOR_BYTES, size);
}
