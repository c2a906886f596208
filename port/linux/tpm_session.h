// SPDX-License-Identifier: Apache-2.0
// Sessions of a TPM 2.0: an HMAC over every command and answer, and one secret
// parameter hidden (XOR obfuscation with KDFa, which every TPM has).  TPM 2.0
// Library, part 1, 19 and 21.
//
// port/linux only: anchor_tpm.c, seal_tpm.c.
#ifndef ROTOR_PORT_LINUX_TPM_SESSION_H
#define ROTOR_PORT_LINUX_TPM_SESSION_H

#include "port/linux/tpm_talk.h"

#define TPM_NONCE 32u

// TPM_SE
enum tpm_session_kind {
    TPM_SESSION_HMAC = 0,
    TPM_SESSION_POLICY = 1,
    TPM_SESSION_TRIAL = 3, // computes a policy, authorises nothing
};

// Attributes of a session: whose first parameter is hidden.
#define TPM_HIDES_COMMAND 0x20u
#define TPM_HIDES_ANSWER  0x40u

struct tpm_session {
    uint32_t handle;
    uint8_t ours[TPM_NONCE];
    uint8_t theirs[TPM_NONCE]; // the newest one
    size_t key_size;           // 32 with a salt, else 0
    uint8_t key[32];           // SECRET
};

// A loaded P-256 key of the TPM that takes the salt.
struct tpm_salt_key {
    uint32_t handle;
    uint8_t point[64]; // x || y
};

// `salt` NULL: the key of its HMACs is the authorisation value alone.  The
// session lasts for one command; who gives it none ends it with tpm_flush.
// The caller wipes it.
//
// ROTOR_PORT_FAILED  no answer, or one that is none.
ROTOR_CALL tpm_session_open(struct tpm_talk *talk, enum tpm_session_kind kind,
                            const struct tpm_salt_key *salt,
                            struct tpm_session *session);

struct tpm_call {
    uint32_t command;
    uint32_t handles[2];
    unsigned handle_count;
    struct rotor_bytes names; // of the handles, one behind the other
    struct rotor_bytes auth;  // SECRET, of the first handle; 32 bytes at most
    uint8_t attributes;       // TPM_HIDES_*
};

// Ends the session in every case.  `parameters` is changed where they are
// hidden; `answer` holds the parameters of the answer alone.  *code other than
// 0: nothing vouches for it, and `answer` says nothing.
//
// ROTOR_FORBIDDEN    the answer is not from the TPM.
// ROTOR_PORT_FAILED  no answer, or one that is none.
ROTOR_CALL tpm_command(struct tpm_talk *talk, struct tpm_session *session,
                       const struct tpm_call *call,
                       struct tpm_message *parameters,
                       struct tpm_message *answer, uint32_t *code);

#endif
