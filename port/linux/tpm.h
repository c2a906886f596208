// SPDX-License-Identifier: Apache-2.0
// A TPM 2.0 through tpm2-tss: quotes of a restricted key that never leaves it,
// its endorsement key, and credentials opened with both.
// doc/PROTOCOL.evidence, TPM.
//
// Both keys are primary keys of the endorsement hierarchy: made anew from its
// seed each time, the same for the life of the TPM, stored nowhere.
#ifndef ROTOR_PORT_LINUX_TPM_H
#define ROTOR_PORT_LINUX_TPM_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define LINUX_TPM_PART_MAX        1024u // bytes of a structure
#define LINUX_TPM_CERTIFICATE_MAX 8192u
#define LINUX_TPM_REGISTERS       24u
#define LINUX_TPM_VALUE           32u // SHA-256
#define LINUX_TPM_QUALIFYING      32u

// Where the kernel shows the log of the first TPM.
#define LINUX_TPM_EVENT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

struct linux_tpm_part {
    size_t size; // bytes; 0: not there
    uint8_t bytes[LINUX_TPM_PART_MAX];
};

// Fields are not for callers, but for `fault`.  All zero is closed.
struct linux_tpm {
    void *tcti;
    void *esys;
    uint32_t ak; // ESYS_TR, 0: not made yet
    uint32_t ek;
    char fault[192]; // why the last call failed, e.g. "quote: tpm:..."
};

// `tcti` as TPM2TOOLS_TCTI has it, e.g. "device:/dev/tpmrm0"; NULL: the first
// that tpm2-tss finds.
//
// ROTOR_PORT_FAILED  tpm->fault says why; the same for all calls below.
ROTOR_CALL linux_tpm_open(struct linux_tpm *tpm, const char *tcti);
void linux_tpm_close(struct linux_tpm *tpm);

// TPMT_PUBLIC of the attestation key: ECDSA on P-256 with SHA-256, restricted,
// fixedTPM, without a password.
ROTOR_CALL linux_tpm_ak(struct linux_tpm *tpm, struct linux_tpm_part *area);

// TPMT_PUBLIC of the endorsement key by the TCG's RSA 2048 template.
ROTOR_CALL linux_tpm_ek(struct linux_tpm *tpm, struct linux_tpm_part *area);

// Its certificate, as its vendor left it in NV (0x01c00002).  room->used is 0
// if there is none.
ROTOR_CALL linux_tpm_ek_certificate(struct linux_tpm *tpm,
                                    struct rotor_room *certificate);

struct linux_tpm_quote {
    struct linux_tpm_part attest;    // TPMS_ATTEST
    struct linux_tpm_part signature; // TPMT_SIGNATURE
    uint32_t registers;              // bit i: values[i] is one
    uint8_t values[LINUX_TPM_REGISTERS][LINUX_TPM_VALUE];
};

// Quotes `registers` of the SHA-256 bank, with the values that the quote is of.
//
// ROTOR_AGAIN  registers were extended all the while.
ROTOR_CALL linux_tpm_quote(struct linux_tpm *tpm, uint32_t registers,
                           const uint8_t qualifying[LINUX_TPM_QUALIFYING],
                           struct linux_tpm_quote *quote);

// Opens a credential that was made for this EK and the name of this AK.
// `blob` is a TPM2B_ID_OBJECT, `secret` a TPM2B_ENCRYPTED_SECRET.
//
// ROTOR_FORBIDDEN  made for another TPM or another key.
ROTOR_CALL linux_tpm_activate(struct linux_tpm *tpm, struct rotor_bytes blob,
                              struct rotor_bytes secret,
                              struct rotor_room *credential);

#endif
