// SPDX-License-Identifier: Apache-2.0
// What a device with a TPM gives out, as bytes: the report of backend 7.
// doc/PROTOCOL.evidence, TPM.
//
//     report = [quote, signature, AK area, [* bank], event log,
//               AK certificate, EK area, EK certificate]
//     bank   = [TPM_ALG_ID, bitmap of registers, [* value]]
#ifndef ROTOR_VERIFY_TPM_REPORT_H
#define ROTOR_VERIFY_TPM_REPORT_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/pcr.h"

#define VERIFY_TPM_PART_MAX        1024u // bytes of a structure
#define VERIFY_TPM_CERTIFICATE_MAX 8192u

// Views; what is not there is empty.
struct verify_tpm_report {
    struct rotor_bytes quote;
    struct rotor_bytes signature;
    struct rotor_bytes ak_public;
    struct verify_pcrs pcrs; // no banks: no values
    struct rotor_bytes event_log;
    struct rotor_bytes ak_certificate;
    struct rotor_bytes ek_public;
    struct rotor_bytes ek_certificate;
};

ROTOR_CALL verify_tpm_report_encode(const struct verify_tpm_report *report,
                                    struct rotor_room *bytes);

// ROTOR_MALFORMED  not a report, a bank twice, of an unknown hash, or with
//                  values of another number or size than it says.
ROTOR_CALL verify_tpm_report_decode(struct rotor_bytes bytes,
                                    struct verify_tpm_report *report);

#endif
