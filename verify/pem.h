// SPDX-License-Identifier: Apache-2.0
// Text around bytes: Base64 (RFC 4648, section 4) and PEM (RFC 7468), each in
// the one spelling that an encoder gives, but for white space.
#ifndef ROTOR_VERIFY_PEM_H
#define ROTOR_VERIFY_PEM_H

#include <rotor/bytes.h>
#include <rotor/status.h>

// Base64 with its padding; spaces and line ends are skipped.  Replaces what
// `bytes` holds; it may be the memory of the text itself.
//
// ROTOR_MALFORMED  another character, wrong padding, spare bits that are set.
ROTOR_CALL verify_base64_decode(struct rotor_bytes text,
                                struct rotor_room *bytes);

// Takes the next block of that label, e.g. LABEL("CERTIFICATE"), off `text` and
// appends its DER to `der`; `one` is a view of what was appended.  Only white
// space may stand around it.
//
// ROTOR_AGAIN      nothing but white space, or a final zero, is left.
// ROTOR_MALFORMED  not PEM, or of another label.
// ROTOR_TOO_SMALL  no room; `text` is unchanged.
ROTOR_CALL verify_pem_next(struct rotor_bytes *text, struct rotor_bytes label,
                           struct rotor_room *der, struct rotor_bytes *one);

#endif
