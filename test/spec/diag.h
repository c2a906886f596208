// SPDX-License-Identifier: Apache-2.0
// CBOR diagnostic notation (RFC 8949 8) as people write example tokens:
// comments, h'' with spaces, text, numbers, arrays, maps, tags, << >>.
#ifndef ROTOR_TEST_SPEC_DIAG_H
#define ROTOR_TEST_SPEC_DIAG_H

#include <stdbool.h>

#include <rotor/bytes.h>

// Encodes `text`, which ends with a zero.  False: not the notation, or no room.
bool diag_encode(const char *text, struct rotor_room *cbor);

#endif
