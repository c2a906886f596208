// SPDX-License-Identifier: Apache-2.0
#include "port/linux/tpm_talk.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define CC_FLUSH 0x00000165u
#define RS_PW    0x40000009u // a session that is a password

#define RC_RETRY    0x00000922u
#define RC_YIELDED  0x00000908u
#define RC_TESTING  0x0000090au
#define RC_FORMAT_1 0x00000080u
#define RC_NUMBER   0x0000003fu // of format 1

#define ATTEMPTS 100u // of a TPM that says "again"

void tpm_put(struct tpm_message *m, const void *bytes, size_t size)
{
    if (size <= TPM_MESSAGE - m->size) {
        memcpy(m->bytes + m->size, bytes, size);
        m->size += size;
    }
}

void tpm_put_u8(struct tpm_message *m, uint8_t value)
{
    tpm_put(m, &value, 1);
}

void tpm_put_u16(struct tpm_message *m, uint16_t value)
{
    uint8_t bytes[2];
    bytes_put_be16(bytes, value);
    tpm_put(m, bytes, sizeof bytes);
}

void tpm_put_u32(struct tpm_message *m, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_be32(bytes, value);
    tpm_put(m, bytes, sizeof bytes);
}

void tpm_begin(struct tpm_message *m, uint16_t tag, uint32_t command)
{
    m->size = 0;
    tpm_put_u16(m, tag);
    tpm_put_u32(m, 0);
    tpm_put_u32(m, command);
}

void tpm_put_no_password(struct tpm_message *m)
{
    tpm_put_u32(m, 9); // bytes: handle, three empty fields
    tpm_put_u32(m, RS_PW);
    tpm_put_u16(m, 0);
    tpm_put_u8(m, 0);
    tpm_put_u16(m, 0);
}

enum rotor_status tpm_fail(struct tpm_talk *talk, enum rotor_status status,
                           const char *fault)
{
    talk->fault = fault;
    return status;
}

static bool read_answer(int fd, struct tpm_message *answer)
{
    ssize_t size = read(fd, answer->bytes, sizeof answer->bytes);
    answer->size = size > 0 ? (size_t)size : 0;
    return answer->size >= TPM_HEAD &&
           bytes_be32(answer->bytes + 2) == answer->size;
}

enum rotor_status tpm_ask(struct tpm_talk *talk, struct tpm_message *command,
                          struct tpm_message *answer, uint32_t *code)
{
    bytes_put_be32(command->bytes + 2, (uint32_t)command->size);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        ssize_t sent = write(talk->fd, command->bytes, command->size);
        if (sent < 0 || (size_t)sent != command->size ||
            !read_answer(talk->fd, answer)) {
            return tpm_fail(talk, ROTOR_PORT_FAILED, "the TPM does not answer");
        }
        *code = bytes_be32(answer->bytes + 6);
        if (*code != RC_RETRY && *code != RC_YIELDED && *code != RC_TESTING) {
            return ROTOR_OK;
        }
    }
    return tpm_fail(talk, ROTOR_PORT_FAILED, "the TPM is busy");
}

bool tpm_is_error(uint32_t code, uint32_t number)
{
    return (code & RC_FORMAT_1) != 0 && (code & RC_NUMBER) == number;
}

void tpm_flush(struct tpm_talk *talk, uint32_t handle)
{
    struct tpm_message command;
    struct tpm_message answer;
    uint32_t code = 0;
    const char *fault = talk->fault;
    tpm_begin(&command, TPM_ST_NO_SESSIONS, CC_FLUSH);
    tpm_put_u32(&command, handle);
    enum rotor_status status = tpm_ask(talk, &command, &answer, &code);
    (void)status; // nothing is left that could be done
    talk->fault = fault;
}
