// SPDX-License-Identifier: Apache-2.0
// TCB info and QE identity as Intel's service hands them out: JSON of the form
//
//     {"tcbInfo":{...},"signature":"<128 hex digits>"}
//
// whose signature is over the exact bytes of the inner object.  Read strictly:
// a key twice, a missing one, another type or length is refused.  Keys that
// are not known are skipped: Intel adds some.  doc/PROTOCOL.dcap
#ifndef ROTOR_ENDORSE_INTEL_JSON_H
#define ROTOR_ENDORSE_INTEL_JSON_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/dcap_collateral.h"

#define ENDORSE_INTEL_TEXT_MAX (256u * 1024u) // bytes

enum endorse_intel_kind {
    ENDORSE_INTEL_NONE = 0,
    ENDORSE_INTEL_TCB_INFO,    // "tcbInfo", versions 2 and 3
    ENDORSE_INTEL_QE_IDENTITY, // "enclaveIdentity", version 2
    ENDORSE_INTEL_EVALUATIONS, // "tcbEvaluationDataNumbers", version 1
};

// A view into the text.
struct endorse_intel_envelope {
    enum endorse_intel_kind kind;
    struct rotor_bytes body; // the exact bytes that are signed
    uint8_t signature[64];
};

// Takes the whole of `text` apart; white space may stand around it.
//
// ROTOR_MALFORMED  no such JSON.
ROTOR_CALL endorse_intel_read(struct rotor_bytes text,
                              struct endorse_intel_envelope *envelope);

// What all kinds have: body, signature, dates, evaluation number (0 if the
// kind has none).  The body stays the caller's and outlives the result.
//
// ROTOR_MALFORMED  another kind, or not as Intel writes it.
ROTOR_CALL
endorse_intel_statement(const struct endorse_intel_envelope *envelope,
                        struct verify_dcap_statement *statement);
ROTOR_CALL endorse_intel_tcb_info(const struct endorse_intel_envelope *envelope,
                                  struct verify_dcap_tcb_info *info);
ROTOR_CALL
endorse_intel_qe_identity(const struct endorse_intel_envelope *envelope,
                          struct verify_dcap_qe_identity *identity);

#endif
