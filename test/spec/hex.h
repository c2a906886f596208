// SPDX-License-Identifier: Apache-2.0
// Bytes as people write them, in rows of test cases.
#ifndef ROTOR_TEST_SPEC_HEX_H
#define ROTOR_TEST_SPEC_HEX_H

#include <stdio.h>

#include "base/bytes.h"

static inline struct rotor_bytes from_hex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    unsigned byte;
    while (sscanf(hex + 2 * size, "%2x", &byte) == 1) {
        out[size++] = (uint8_t)byte;
    }
    return bytes_of(out, size);
}

#endif
