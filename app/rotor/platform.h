// SPDX-License-Identifier: Apache-2.0
// Evidence of the platform that a device stands on, beside the enclave's own:
// over the same UD, in the same file.  doc/PROTOCOL.evidence.
#ifndef ROTOR_APP_ROTOR_PLATFORM_H
#define ROTOR_APP_ROTOR_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/command.h"
#include "chain/hash.h"

struct platform_flags {
    const char *kind; // of --evidence; NULL: none but the enclave's own
    const char *tcti;
    const char *event_log;
    const char *registers;
    const char *tsm;          // folder of reports; NULL: the kernel's
    const char *certificates; // file for the host's table; NULL: not kept
};

// UD of an answer: what the enclave's own Evidence carries too.
//
// ROTOR_MALFORMED  not a request and its response.
ROTOR_CALL platform_ud(struct rotor_bytes request, struct rotor_bytes response,
                       uint8_t ud[CHAIN_UD_SIZE]);

// Whether the flags make sense.  False: said why.
bool platform_is_known(const struct run *run,
                       const struct platform_flags *flags, int *code);

// Evidence over `ud`, on the heap: the caller frees evidence->data.  Nothing
// was asked for: it is empty.  False: said why.
bool platform_attest(const struct run *run, const struct platform_flags *flags,
                     const uint8_t ud[CHAIN_UD_SIZE],
                     struct rotor_room *evidence, int *code);

// One kind, in a file of its own.
bool platform_attest_tpm(const struct run *run,
                         const struct platform_flags *flags,
                         const uint8_t ud[CHAIN_UD_SIZE],
                         struct rotor_room *report, int *code);

bool platform_attest_tsm(const struct run *run,
                         const struct platform_flags *flags,
                         const uint8_t ud[CHAIN_UD_SIZE],
                         struct rotor_room *report, int *code);

#endif
