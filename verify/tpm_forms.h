// SPDX-License-Identifier: Apache-2.0
// Forms in which other people's tools hand over a quote; each is taken apart
// into what verify/tpm.h judges.
#ifndef ROTOR_VERIFY_TPM_FORMS_H
#define ROTOR_VERIFY_TPM_FORMS_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/pcr.h"

// Register values as tpm2_quote writes them with --pcr: the C structures
// TPML_PCR_SELECTION and TPML_DIGEST of a little-endian machine.
//
// ROTOR_MALFORMED  not of that layout, or values that fit no selection.
ROTOR_CALL verify_tpm2_pcrs_decode(struct rotor_bytes bytes,
                                   struct verify_pcrs *pcrs);

// A quote as keylime's agent gives it: 'r' and three Base64 parts with colons
// between them: TPMS_ATTEST, TPMT_SIGNATURE, register values as above.
struct verify_keylime_quote {
    struct rotor_bytes quote;
    struct rotor_bytes signature;
    struct rotor_bytes pcrs;
};

// Writes the three parts to `memory`, which the views point into; half the
// text's size and some is enough.
ROTOR_CALL verify_keylime_decode(struct rotor_bytes text,
                                 struct rotor_room *memory,
                                 struct verify_keylime_quote *quote);

#endif
