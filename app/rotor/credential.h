// SPDX-License-Identifier: Apache-2.0
// From a TPM's endorsement key to its attestation key (PROTOCOL.evidence,
// TPM.4), in three files:
//
//     party    rotor credential make EVIDENCE    -> CREDENTIAL, SECRET
//     device   rotor credential open CREDENTIAL  -> ANSWER
//     party    rotor credential check ANSWER     -> the attestation key
#ifndef ROTOR_APP_ROTOR_CREDENTIAL_H
#define ROTOR_APP_ROTOR_CREDENTIAL_H

#include "app/rotor/command.h"
#include "endorse/tpm_credential.h"

#define CREDENTIAL_FILE_MAX 4096u // bytes

// CREDENTIAL: a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET.
struct credential_sealed {
    struct rotor_bytes blob;
    struct rotor_bytes secret;
};

// SECRET, which the party keeps: what must come back, and the key that it then
// vouches for (DER SubjectPublicKeyInfo).  ANSWER: what came back.
struct credential_kept {
    struct rotor_bytes challenge; // SECRET
    struct rotor_bytes key;
};

ROTOR_CALL credential_encode_sealed(const struct credential_sealed *sealed,
                                    struct rotor_room *bytes);
ROTOR_CALL credential_encode_kept(const struct credential_kept *kept,
                                  struct rotor_room *bytes);

// rotor credential make: judges the quote and the endorsement key, and seals.
int credential_make(struct run *run, int count, char **arguments);

#endif
