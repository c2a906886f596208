// SPDX-License-Identifier: Apache-2.0
// Commands to a TPM 2.0 from behind a wall: over a descriptor that was opened
// outside, with plain reads and writes.  tpm2-tss, which loads libraries, has
// no place there.  TPM 2.0 Library, part 1, 18.
//
// port/linux only: anchor_tpm.c, seal_tpm.c.
#ifndef ROTOR_PORT_LINUX_TPM_TALK_H
#define ROTOR_PORT_LINUX_TPM_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define TPM_ST_NO_SESSIONS 0x8001u
#define TPM_ST_SESSIONS    0x8002u

#define TPM_RH_OWNER   0x40000001u
#define TPM_RH_NULL    0x40000007u
#define TPM_ALG_XOR    0x000au
#define TPM_ALG_SHA256 0x000bu
#define TPM_ALG_NULL   0x0010u

#define TPM_RC_HANDLE    0x0000000bu // of format 1, as all of these
#define TPM_RC_AUTH_FAIL 0x0000000eu
#define TPM_RC_POLICY    0x0000001du
#define TPM_RC_INTEGRITY 0x0000001fu
#define TPM_RC_BAD_AUTH  0x00000022u

#define TPM_HEAD    10u // bytes: tag, size, code
#define TPM_NAME    34u // bytes, with SHA-256
#define TPM_MESSAGE 768u

// A command as it grows; what does not fit is left out.
struct tpm_message {
    size_t size;
    uint8_t bytes[TPM_MESSAGE];
};

void tpm_put(struct tpm_message *m, const void *bytes, size_t size);
void tpm_put_u8(struct tpm_message *m, uint8_t value);
void tpm_put_u16(struct tpm_message *m, uint16_t value);
void tpm_put_u32(struct tpm_message *m, uint32_t value);

// A head whose size is filled in when it goes out.
void tpm_begin(struct tpm_message *m, uint16_t tag, uint32_t command);

// The authority of someone whose password is empty.
void tpm_put_no_password(struct tpm_message *m);

struct tpm_talk {
    int fd;            // not closed here
    const char *fault; // why the last call failed, a sentence
};

enum rotor_status tpm_fail(struct tpm_talk *talk, enum rotor_status status,
                           const char *fault);

// One command, one answer, which is whole.  *code is the TPM's; 0 is success.
//
// ROTOR_PORT_FAILED  no answer, or one that is none.
ROTOR_CALL tpm_ask(struct tpm_talk *talk, struct tpm_message *command,
                   struct tpm_message *answer, uint32_t *code);

bool tpm_is_error(uint32_t code, uint32_t number);

// Ends a session or forgets a loaded object; talk->fault stays.
void tpm_flush(struct tpm_talk *talk, uint32_t handle);

#endif
