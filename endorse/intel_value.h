// SPDX-License-Identifier: Apache-2.0
// Values in Intel's JSON, one at a time.  The reader is sticky: what is missing
// or of another type makes it bad, and whoever reads asks once at the end.
#ifndef ROTOR_ENDORSE_INTEL_VALUE_H
#define ROTOR_ENDORSE_INTEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <rotor/bytes.h>

#include "verify/dcap_platform.h"

struct intel_reader {
    bool is_bad;
};

// Fills all of `room`; false unless there are exactly that many digits.
bool intel_hex(struct rotor_bytes digits, struct rotor_room room);

// Each takes object[key].  Text is never NULL; a bad number is 0.
const char *intel_text(struct intel_reader *in, const json_t *object,
                       const char *key);
uint32_t intel_number(struct intel_reader *in, const json_t *object,
                      const char *key, uint32_t max);
void intel_hex_of(struct intel_reader *in, const json_t *object,
                  const char *key, struct rotor_room room);
const json_t *intel_object(struct intel_reader *in, const json_t *object,
                           const char *key);
// Of objects only; none on failure.
const json_t *intel_list(struct intel_reader *in, const json_t *object,
                         const char *key, size_t max);

// "2025-06-04T09:19:32Z" as seconds since 1970.
int64_t intel_time(struct intel_reader *in, const json_t *object,
                   const char *key);

// "tcbStatus" as VERIFY_DCAP_TCB bits; "tcbDate" must be a time.
uint32_t intel_status(struct intel_reader *in, const json_t *level);

// "advisoryIDs", if there are any, with a blank between them.
void intel_advisories(struct intel_reader *in, const json_t *level, char *text,
                      size_t capacity);

// "id": "TDX_01" is 1.
uint8_t intel_module_version(struct intel_reader *in, const json_t *module);

// Sixteen SVNs: {"svn":n} in a list, or "sgxtcbcomp01svn" to 16.  An SVN is an
// octet in certificates and quotes; of a greater number its low octet counts,
// as Intel's own library reads it.
void intel_svns(struct intel_reader *in, const json_t *tcb, const char *key,
                uint8_t svns[VERIFY_DCAP_COMPONENTS]);
void intel_numbered_svns(struct intel_reader *in, const json_t *tcb,
                         uint8_t svns[VERIFY_DCAP_COMPONENTS]);

#endif
