// SPDX-License-Identifier: Apache-2.0
// Views of memory owned by someone else.  A view never outlives its owner.
#ifndef ROTOR_BYTES_H
#define ROTOR_BYTES_H

#include <stddef.h>
#include <stdint.h>

// Read-only view.  `data` may be NULL only when `size` is 0.
struct rotor_bytes {
    const uint8_t *data;
    size_t size; // bytes
};

// Room to write into.  A call that fills it sets `used`; on error it sets
// `used` to 0 and leaves no partial secret behind.
struct rotor_room {
    uint8_t *data;
    size_t capacity; // bytes
    size_t used;     // bytes
};

#endif
