// SPDX-License-Identifier: Apache-2.0
// What a quote says of the registers, against values and a log.  A part of
// verify/tpm.c; nobody else calls it.
#ifndef ROTOR_VERIFY_TPM_PCRS_H
#define ROTOR_VERIFY_TPM_PCRS_H

#include "verify/tpm.h"

struct verify_tpm_pcrs_input {
    const struct verify_tpm_attest *attest;
    enum crypto_hash hash; // of the signature: the PCR digest is in it too
    const struct verify_pcr_selection *wanted; // NULL: shown only
    const struct verify_pcrs *values;          // NULL: the log's
    struct rotor_bytes event_log;              // empty: none
};

// Adds rows "pcr selection" to "pcr digest".
ROTOR_CALL verify_tpm_pcrs(const struct verify_tpm_pcrs_input *input,
                           struct verify_tpm_work *work,
                           struct verify_verdict *verdict);

#endif
