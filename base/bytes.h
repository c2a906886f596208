// SPDX-License-Identifier: Apache-2.0
// Plain bytes: views, comparison of public data, fixed-width integers.
#ifndef ROTOR_BASE_BYTES_H
#define ROTOR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Passes on any status but ROTOR_OK.  Only in functions that own nothing:
// no secret to wipe, no handle to close (tool/check-try).
#define TRY(call)                                                              \
    do {                                                                       \
        enum rotor_status try_status = (call);                                 \
        if (try_status != ROTOR_OK) {                                          \
            return try_status;                                                 \
        }                                                                      \
    } while (0)

// A view of an array whose size the compiler knows.
#define BYTES_OF(array) ((struct rotor_bytes){(array), sizeof(array)})
#define ROOM_OF(array)  ((struct rotor_room){(array), sizeof(array), 0})

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// A view of a string constant without its final zero: labels of the protocol.
#define LABEL(text)                                                            \
    ((struct rotor_bytes){(const uint8_t *)(text), sizeof(text) - 1})

static inline struct rotor_bytes bytes_of(const void *data, size_t size)
{
    return (struct rotor_bytes){data, size};
}

static inline struct rotor_bytes bytes_in(const struct rotor_room *room)
{
    return (struct rotor_bytes){room->data, room->used};
}

static inline bool bytes_are_empty(struct rotor_bytes bytes)
{
    return bytes.size == 0;
}

// For public data only; secrets are compared with secret_equal.
bool bytes_equal(struct rotor_bytes a, struct rotor_bytes b);

// Order of plain memory; a shorter prefix comes first.
int bytes_compare(struct rotor_bytes a, struct rotor_bytes b);

// Replaces what `room` holds.
//
// ROTOR_TOO_SMALL  `bytes` does not fit; room->used is 0.
ROTOR_CALL bytes_copy(struct rotor_room *room, struct rotor_bytes bytes);

// Adds behind what `room` holds.
//
// ROTOR_TOO_SMALL  no room is left; `room` is unchanged.
ROTOR_CALL bytes_append(struct rotor_room *room, struct rotor_bytes bytes);

// Big-endian: everything that is hashed, signed or derived.
void bytes_put_be16(uint8_t out[2], uint16_t value);
void bytes_put_be32(uint8_t out[4], uint32_t value);
void bytes_put_be64(uint8_t out[8], uint64_t value);
uint16_t bytes_be16(const uint8_t in[2]);
uint32_t bytes_be32(const uint8_t in[4]);
uint64_t bytes_be64(const uint8_t in[8]);

// Little-endian: the frame header only.
void bytes_put_le16(uint8_t out[2], uint16_t value);
void bytes_put_le32(uint8_t out[4], uint32_t value);
void bytes_put_le64(uint8_t out[8], uint64_t value);
uint16_t bytes_le16(const uint8_t in[2]);
uint32_t bytes_le32(const uint8_t in[4]);
uint64_t bytes_le64(const uint8_t in[8]);

#endif
