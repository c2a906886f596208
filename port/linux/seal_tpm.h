// SPDX-License-Identifier: Apache-2.0
// 32 bytes sealed to a TPM 2.0, for the key of the enclave's store.
// doc/PROTOCOL.rot, 7.2.
//
// The object lies beside the store, under a storage key that the TPM makes anew
// from its owner's seed each time: nothing stays in the TPM.  Its policy asks
// for a value that only this enclave can derive and, if so chosen, for
// registers as they were.  Secret and value never cross the bus in the clear:
// the sessions that carry them are salted.  That keeps a listener out; whoever
// answers in the TPM's place when the object is made is believed.
#ifndef ROTOR_PORT_LINUX_SEAL_TPM_H
#define ROTOR_PORT_LINUX_SEAL_TPM_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define SEAL_TPM_SECRET   32u
#define SEAL_TPM_BLOB_MAX 512u // bytes
#define SEAL_TPM_PCRS     0xffffffu

struct seal_tpm {
    int fd;                   // not closed here; as that of anchor_tpm_open
    const uint8_t *hw_secret; // SECRET, 32 bytes
    uint32_t registers;       // bit i: PCR i of the SHA-256 bank; 0: none
    const char *fault;        // why the last call failed, a sentence
};

// Draws a secret and seals it.  The caller wipes `secret`.
//
// ROTOR_PORT_FAILED  no answer, one that is none, or a TPM that refuses.
// ROTOR_FORBIDDEN    as port failed; the owner has a password, or an answer is
//                    not from the TPM.
ROTOR_CALL seal_tpm_make(struct seal_tpm *seal, uint8_t secret[SEAL_TPM_SECRET],
                         struct rotor_room *blob);

// Gives the secret out again; all zero on error.
//
// ROTOR_FORBIDDEN  sealed by another TPM or for another enclave, or the
//                  registers are others; or as above.
ROTOR_CALL seal_tpm_open(struct seal_tpm *seal, struct rotor_bytes blob,
                         uint8_t secret[SEAL_TPM_SECRET]);

#endif
