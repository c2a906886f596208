// SPDX-License-Identifier: Apache-2.0
// A credential that one TPM alone can open: what ties an attestation key to an
// endorsement key (TPM 2.0 Library, part 1, 24).  Made without a TPM.
#ifndef ROTOR_ENDORSE_TPM_CREDENTIAL_H
#define ROTOR_ENDORSE_TPM_CREDENTIAL_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define ENDORSE_CREDENTIAL_SECRET 32u // bytes
#define ENDORSE_CREDENTIAL_MAX    544u

struct endorse_tpm_credential {
    size_t blob_size;
    uint8_t blob[ENDORSE_CREDENTIAL_MAX]; // TPM2B_ID_OBJECT
    size_t secret_size;
    uint8_t secret[ENDORSE_CREDENTIAL_MAX]; // TPM2B_ENCRYPTED_SECRET
};

// Encloses `challenge` for the TPM that holds `ek_area` (RSA 2048 to 4096, a
// restricted decryption key) and, in it, a key of that name.  Whoever gives the
// challenge back proved that both are there; the caller has checked the EK with
// verify_tpm_endorsement before.
//
// ROTOR_MALFORMED    not such a key, or not a name.
// ROTOR_PORT_FAILED  the library refused.
ROTOR_CALL
endorse_tpm_credential_make(struct rotor_bytes ek_area,
                            struct rotor_bytes ak_name,
                            const uint8_t challenge[ENDORSE_CREDENTIAL_SECRET],
                            struct endorse_tpm_credential *credential);

#endif
