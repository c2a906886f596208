// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor_text.h"

// Size of the UTF-8 sequence that starts with `first` and, in *least and
// *most, the range of its second byte (RFC 3629 4); 0 if none starts so.
static size_t sequence_size(uint8_t first, uint8_t *least, uint8_t *most)
{
    *least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t cbor_text_whole(struct rotor_bytes text)
{
    size_t i = 0;
    while (i < text.size) {
        uint8_t least;
        uint8_t most;
        size_t size = sequence_size(text.data[i], &least, &most);
        if (size == 0 || size > text.size - i) {
            return i;
        }
        for (size_t j = 1; j < size; j++) {
            uint8_t byte = text.data[i + j];
            if (byte < least || byte > most) {
                return i;
            }
            least = 0x80;
            most = 0xbf;
        }
        i += size;
    }
    return i;
}

bool cbor_text_is_utf8(struct rotor_bytes text)
{
    return cbor_text_whole(text) == text.size;
}
