// SPDX-License-Identifier: Apache-2.0
// A TPM in software (swtpm) for the length of a sentence.  It proves the code
// path only: nothing about hardware.
#ifndef ROTOR_TEST_SOFTWARE_TPM_H
#define ROTOR_TEST_SOFTWARE_TPM_H

#include <stdbool.h>
#include <sys/types.h>

struct software_tpm {
    pid_t process;
    char folder[64];
    char tcti[128];
};

// False: swtpm is not installed.
bool software_tpm_start(struct software_tpm *tpm);

// Ends the process, and starts one on the same state: a machine that rebooted.
void software_tpm_restart(struct software_tpm *tpm);

// Ends the process and deletes its state.
void software_tpm_stop(struct software_tpm *tpm);

// A connection to it, as the enclave has one; it takes one at a time.
int software_tpm_connect(const struct software_tpm *tpm);

// Runs a command of tpm2-tools against it; aborts if it fails.
void software_tpm_run(const struct software_tpm *tpm, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define SOFTWARE_TPM_OR_SKIP(tpm)                                              \
    do {                                                                       \
        if (!software_tpm_start(tpm)) {                                        \
            SKIP("swtpm is not installed");                                    \
        }                                                                      \
        print_message("software TPM: proves the code path only\n");            \
    } while (0)

#endif
