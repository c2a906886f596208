// SPDX-License-Identifier: Apache-2.0
// Text in CBOR is UTF-8 (RFC 8949 3.1): shared by the two readers.
#ifndef ROTOR_WIRE_CBOR_TEXT_H
#define ROTOR_WIRE_CBOR_TEXT_H

#include <stdbool.h>

#include <rotor/bytes.h>

// Bytes of `text` up to the first that begins no whole character.
size_t cbor_text_whole(struct rotor_bytes text);

// RFC 3629 4: no overlong forms, no surrogates, nothing above U+10FFFF.
bool cbor_text_is_utf8(struct rotor_bytes text);

#endif
