// SPDX-License-Identifier: Apache-2.0
// How the first byte of an item is made up: shared by reader and writer only.
#ifndef ROTOR_WIRE_CBOR_HEAD_H
#define ROTOR_WIRE_CBOR_HEAD_H

// Major types (RFC 8949 3.1), the upper three bits of an item's first byte.
enum {
    MAJOR_UINT = 0,
    MAJOR_NEGATIVE = 1,
    MAJOR_BYTES = 2,
    MAJOR_TEXT = 3,
    MAJOR_ARRAY = 4,
    MAJOR_MAP = 5,
    MAJOR_SIMPLE = 7,
};

enum {
    INFO_ONE_BYTE = 24, // 1, 2, 4 or 8 bytes of argument follow
    INFO_EIGHT_BYTES = 27,
    SIMPLE_NIL = 22,
};

#endif
