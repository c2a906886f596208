// SPDX-License-Identifier: Apache-2.0
// Strict DER, one element after the other.
#ifndef ROTOR_VERIFY_DER_H
#define ROTOR_VERIFY_DER_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

enum verify_der_tag {
    VERIFY_DER_INTEGER = 0x02,
    VERIFY_DER_BITS = 0x03,
    VERIFY_DER_OCTETS = 0x04,
    VERIFY_DER_OID = 0x06,
    VERIFY_DER_ENUMERATED = 0x0a,
    VERIFY_DER_SEQUENCE = 0x30,
};

struct verify_der_element {
    uint8_t tag;
    struct rotor_bytes content;
    struct rotor_bytes whole; // with tag and length
};

// Takes the first element off `rest`: one-byte tag, shortest definite length.
//
// ROTOR_MALFORMED  there is none; `rest` is unchanged.
ROTOR_CALL verify_der_next(struct rotor_bytes *rest,
                           struct verify_der_element *element);

// The same for an element that must have that tag.
ROTOR_CALL verify_der_take(struct rotor_bytes *rest, enum verify_der_tag tag,
                           struct rotor_bytes *content);

// Content of a non-negative INTEGER of up to 32 bits, in its shortest form.
ROTOR_CALL verify_der_number(struct rotor_bytes content, uint32_t *number);

#endif
