// SPDX-License-Identifier: Apache-2.0
// A sticky reader of fixed layouts: read everything, ask once.  After the
// first read beyond the end every read gives zeros or nothing, so loops over
// counts end with the loop's own bound.
#ifndef ROTOR_VERIFY_CURSOR_H
#define ROTOR_VERIFY_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

// Views `left`, which outlives it.
struct verify_cursor {
    struct rotor_bytes left;
    bool has_failed;
};

static inline struct verify_cursor verify_cursor_over(struct rotor_bytes bytes)
{
    return (struct verify_cursor){bytes, false};
}

// A view of the next `size` bytes; empty after a fault.
static inline struct rotor_bytes verify_cursor_bytes(struct verify_cursor *in,
                                                     size_t size)
{
    if (in->has_failed || size > in->left.size) {
        in->has_failed = true;
        return bytes_of(NULL, 0);
    }
    struct rotor_bytes taken = bytes_of(in->left.data, size);
    if (size != 0) {
        in->left = bytes_of(in->left.data + size, in->left.size - size);
    }
    return taken;
}

static inline uint8_t verify_cursor_u8(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 1);
    return taken.size == 1 ? taken.data[0] : 0;
}

static inline uint16_t verify_cursor_be16(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 2);
    return taken.size == 2 ? bytes_be16(taken.data) : 0;
}

static inline uint32_t verify_cursor_be32(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 4);
    return taken.size == 4 ? bytes_be32(taken.data) : 0;
}

static inline uint64_t verify_cursor_be64(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 8);
    return taken.size == 8 ? bytes_be64(taken.data) : 0;
}

static inline uint16_t verify_cursor_le16(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 2);
    return taken.size == 2 ? bytes_le16(taken.data) : 0;
}

static inline uint32_t verify_cursor_le32(struct verify_cursor *in)
{
    struct rotor_bytes taken = verify_cursor_bytes(in, 4);
    return taken.size == 4 ? bytes_le32(taken.data) : 0;
}

// Bytes behind a 16-bit size: TPM2B of the TPM's structures.
static inline struct rotor_bytes verify_cursor_sized(struct verify_cursor *in)
{
    return verify_cursor_bytes(in, verify_cursor_be16(in));
}

// All was there, and nothing is left.
static inline bool verify_cursor_finished(const struct verify_cursor *in)
{
    return !in->has_failed && in->left.size == 0;
}

#endif
