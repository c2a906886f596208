// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 Library, part 1, 19 (sessions) and part 3, 31 (NV).
#include "port/linux/anchor_tpm.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

#define ST_NO_SESSIONS 0x8001u
#define ST_SESSIONS    0x8002u

#define CC_DEFINE  0x0000012au
#define CC_EXTEND  0x00000136u
#define CC_READ    0x0000014eu
#define CC_FLUSH   0x00000165u
#define CC_SESSION 0x00000176u

#define RH_OWNER   0x40000001u
#define RH_NULL    0x40000007u
#define RS_PW      0x40000009u // a session that is a password
#define ALG_SHA256 0x000bu
#define ALG_NULL   0x0010u

#define RC_UNINITIALIZED 0x0000014au // never extended
#define RC_RETRY         0x00000922u
#define RC_YIELDED       0x00000908u
#define RC_TESTING       0x0000090au
#define RC_FORMAT_1      0x00000080u
#define RC_NUMBER        0x0000003fu // of format 1
#define RC_HANDLE        0x0000000bu
#define RC_AUTH_FAIL     0x0000000eu
#define RC_BAD_AUTH      0x00000022u

// authread, authwrite, no_da, and the type extend.  Neither orderly, which
// would lose the value with the power, nor anything for owner or platform.
#define NV_ATTRIBUTES 0x02040044u
#define NV_WRITTEN    0x20000000u

#define MESSAGE_MAX 512u
#define HEAD_SIZE   10u
#define NONCE_SIZE  32u
#define MAC_SIZE    32u
#define ATTEMPTS    100u // of a TPM that says "again"

// A command as it grows; what is too long shows in `size`.
struct message {
    size_t size;
    uint8_t bytes[MESSAGE_MAX];
};

static void put(struct message *m, const void *bytes, size_t size)
{
    if (size <= MESSAGE_MAX - m->size) {
        memcpy(m->bytes + m->size, bytes, size);
        m->size += size;
    }
}

static void put_u8(struct message *m, uint8_t value)
{
    put(m, &value, 1);
}

static void put_u16(struct message *m, uint16_t value)
{
    uint8_t bytes[2];
    bytes_put_be16(bytes, value);
    put(m, bytes, sizeof bytes);
}

static void put_u32(struct message *m, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_be32(bytes, value);
    put(m, bytes, sizeof bytes);
}

static enum rotor_status fail(struct anchor_tpm *anchor,
                              enum rotor_status status, const char *fault)
{
    anchor->fault = fault;
    return status;
}

// ---- one command, one answer -----------------------------------------------

static void begin(struct message *m, uint16_t tag, uint32_t command)
{
    m->size = 0;
    put_u16(m, tag);
    put_u32(m, 0); // size, filled in when it goes out
    put_u32(m, command);
}

static bool read_answer(int fd, struct message *answer)
{
    ssize_t size = read(fd, answer->bytes, sizeof answer->bytes);
    answer->size = size > 0 ? (size_t)size : 0;
    return answer->size >= HEAD_SIZE &&
           bytes_be32(answer->bytes + 2) == answer->size;
}

// *code is the TPM's; 0 is success.
static enum rotor_status ask(struct anchor_tpm *anchor, struct message *command,
                             struct message *answer, uint32_t *code)
{
    bytes_put_be32(command->bytes + 2, (uint32_t)command->size);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        ssize_t sent = write(anchor->fd, command->bytes, command->size);
        if (sent < 0 || (size_t)sent != command->size ||
            !read_answer(anchor->fd, answer)) {
            return fail(anchor, ROTOR_PORT_FAILED, "the TPM does not answer");
        }
        *code = bytes_be32(answer->bytes + 6);
        if (*code != RC_RETRY && *code != RC_YIELDED && *code != RC_TESTING) {
            return ROTOR_OK;
        }
    }
    return fail(anchor, ROTOR_PORT_FAILED, "the TPM is busy");
}

static bool is_error(uint32_t code, uint32_t number)
{
    return (code & RC_FORMAT_1) != 0 && (code & RC_NUMBER) == number;
}

// ---- the index -------------------------------------------------------------

// TPMS_NV_PUBLIC as it must be; the TPM is not asked what it is.
static void put_public(struct message *m, const struct anchor_tpm *anchor,
                       bool is_written)
{
    put_u32(m, anchor->index);
    put_u16(m, ALG_SHA256);
    put_u32(m, NV_ATTRIBUTES | (is_written ? NV_WRITTEN : 0));
    put_u16(m, 0); // no policy
    put_u16(m, 32);
}

// Name = nameAlg || H(TPMS_NV_PUBLIC).
static enum rotor_status name_of(const struct anchor_tpm *anchor,
                                 uint8_t name[34])
{
    struct message area = {.size = 0};
    put_public(&area, anchor, anchor->is_written);
    struct rotor_bytes bytes = bytes_of(area.bytes, area.size);
    bytes_put_be16(name, ALG_SHA256);
    return crypto_hash(CRYPTO_SHA256, &bytes, 1, name + 2);
}

// Under the owner's empty password.
static enum rotor_status define(struct anchor_tpm *anchor)
{
    struct message command;
    struct message answer;
    struct message area = {.size = 0};
    uint32_t code = 0;
    put_public(&area, anchor, false);
    begin(&command, ST_SESSIONS, CC_DEFINE);
    put_u32(&command, RH_OWNER);
    put_u32(&command, 9); // bytes of the session: handle, three empty fields
    put_u32(&command, RS_PW);
    put_u16(&command, 0);
    put_u8(&command, 0);
    put_u16(&command, 0);
    put_u16(&command, sizeof anchor->auth);
    put(&command, anchor->auth, sizeof anchor->auth);
    put_u16(&command, (uint16_t)area.size);
    put(&command, area.bytes, area.size);
    enum rotor_status status = ask(anchor, &command, &answer, &code);
    secret_wipe(&command, sizeof command);
    if (status == ROTOR_OK && code != 0) {
        status = fail(anchor,
                      is_error(code, RC_BAD_AUTH) ? ROTOR_FORBIDDEN
                                                  : ROTOR_PORT_FAILED,
                      "the TPM makes no NV index: its owner has a password, or "
                      "it is full");
    }
    return status;
}

// ---- a session for one command ---------------------------------------------

struct session {
    uint32_t handle;
    uint8_t ours[NONCE_SIZE];
    uint8_t theirs[NONCE_SIZE]; // the newest one
};

// Neither salted nor bound: the key of its HMACs is that of the index.
static enum rotor_status start(struct anchor_tpm *anchor, struct session *s)
{
    struct message command;
    struct message answer;
    uint32_t code = 0;
    if (getrandom(s->ours, NONCE_SIZE, 0) != (ssize_t)NONCE_SIZE) {
        return fail(anchor, ROTOR_PORT_FAILED, "no random numbers");
    }
    begin(&command, ST_NO_SESSIONS, CC_SESSION);
    put_u32(&command, RH_NULL); // no salt
    put_u32(&command, RH_NULL); // not bound
    put_u16(&command, NONCE_SIZE);
    put(&command, s->ours, NONCE_SIZE);
    put_u16(&command, 0);
    put_u8(&command, 0); // HMAC
    put_u16(&command, ALG_NULL);
    put_u16(&command, ALG_SHA256);
    TRY(ask(anchor, &command, &answer, &code));
    bool is_good = code == 0 && answer.size == HEAD_SIZE + 4 + 2 + NONCE_SIZE &&
                   bytes_be16(answer.bytes + HEAD_SIZE + 4) == NONCE_SIZE;
    if (!is_good) {
        return fail(anchor, ROTOR_PORT_FAILED, "the TPM opens no session");
    }
    s->handle = bytes_be32(answer.bytes + HEAD_SIZE);
    memcpy(s->theirs, answer.bytes + HEAD_SIZE + 6, NONCE_SIZE);
    return ROTOR_OK;
}

// HMAC(auth, parameters' hash || newer nonce || older nonce || attributes).
static enum rotor_status mac_of(const struct anchor_tpm *anchor,
                                const uint8_t hash[32], const uint8_t *newer,
                                const uint8_t *older, uint8_t mac[MAC_SIZE])
{
    static const uint8_t attributes[1]; // the session ends with the command
    const struct rotor_bytes parts[] = {
        bytes_of(hash, 32), bytes_of(newer, NONCE_SIZE),
        bytes_of(older, NONCE_SIZE), BYTES_OF(attributes)};
    return crypto_hmac(CRYPTO_SHA256, BYTES_OF(anchor->auth), parts,
                       COUNT_OF(parts), mac);
}

// cpHash = H(command || name || name || parameters): handle and authority are
// the index, both times.
static enum rotor_status hash_command(const struct anchor_tpm *anchor,
                                      uint32_t command,
                                      const struct message *parameters,
                                      uint8_t hash[32])
{
    uint8_t number[4];
    uint8_t name[34];
    bytes_put_be32(number, command);
    TRY(name_of(anchor, name));
    const struct rotor_bytes parts[] = {
        BYTES_OF(number), BYTES_OF(name), BYTES_OF(name),
        bytes_of(parameters->bytes, parameters->size)};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash);
}

// Behind the head: size of parameters, parameters, nonce, attributes, HMAC.
// rpHash = H(code || command || parameters).
static enum rotor_status check_answer(struct anchor_tpm *anchor,
                                      struct session *s, uint32_t command,
                                      const struct message *answer,
                                      struct rotor_bytes *parameters)
{
    const size_t behind = 2 + NONCE_SIZE + 1 + 2 + MAC_SIZE;
    const uint8_t *at = answer->bytes + HEAD_SIZE + 4;
    uint8_t numbers[8];
    uint8_t hash[32];
    uint8_t mac[MAC_SIZE];
    if (answer->size < HEAD_SIZE + 4 + behind ||
        bytes_be32(at - 4) != answer->size - HEAD_SIZE - 4 - behind) {
        return fail(anchor, ROTOR_PORT_FAILED, "an answer that is none");
    }
    *parameters = bytes_of(at, bytes_be32(at - 4));
    at += parameters->size;
    bytes_put_be32(numbers, 0);
    bytes_put_be32(numbers + 4, command);
    const struct rotor_bytes parts[] = {BYTES_OF(numbers), *parameters};
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash));
    TRY(mac_of(anchor, hash, at + 2, s->ours, mac));
    bool is_theirs = bytes_be16(at) == NONCE_SIZE && at[2 + NONCE_SIZE] == 0 &&
                     bytes_be16(at + 3 + NONCE_SIZE) == MAC_SIZE &&
                     secret_equal(at + 5 + NONCE_SIZE, mac, MAC_SIZE);
    return is_theirs ? ROTOR_OK
                     : fail(anchor, ROTOR_FORBIDDEN,
                            "an answer that the TPM did not give");
}

// A session ends with its command, but not where the TPM refuses it: there are
// few, and each lasts as long as the descriptor.
static void end(struct anchor_tpm *anchor, const struct session *s)
{
    struct message command;
    struct message answer;
    uint32_t code;
    const char *fault = anchor->fault;
    begin(&command, ST_NO_SESSIONS, CC_FLUSH);
    put_u32(&command, s->handle);
    (void)ask(anchor, &command, &answer, &code);
    anchor->fault = fault;
}

static enum rotor_status make_command(const struct anchor_tpm *anchor,
                                      const struct session *s, uint32_t number,
                                      const struct message *parameters,
                                      struct message *command)
{
    uint8_t hash[32];
    uint8_t mac[MAC_SIZE];
    TRY(hash_command(anchor, number, parameters, hash));
    TRY(mac_of(anchor, hash, s->ours, s->theirs, mac));
    begin(command, ST_SESSIONS, number);
    put_u32(command, anchor->index); // whose key it is
    put_u32(command, anchor->index);
    put_u32(command, 4 + 2 + NONCE_SIZE + 1 + 2 + MAC_SIZE);
    put_u32(command, s->handle);
    put_u16(command, NONCE_SIZE);
    put(command, s->ours, NONCE_SIZE);
    put_u8(command, 0);
    put_u16(command, MAC_SIZE);
    put(command, mac, MAC_SIZE);
    put(command, parameters->bytes, parameters->size);
    return ROTOR_OK;
}

// A command on the index under its own key.  *code other than 0: nothing else
// is set, and nothing vouches for it.
static enum rotor_status command_on(struct anchor_tpm *anchor, uint32_t number,
                                    const struct message *parameters,
                                    struct message *answer, uint32_t *code)
{
    struct session s;
    struct message command;
    struct rotor_bytes given;
    TRY(start(anchor, &s));
    TRY(make_command(anchor, &s, number, parameters, &command));
    enum rotor_status status = ask(anchor, &command, answer, code);
    bool is_answered = status == ROTOR_OK && *code == 0;
    if (is_answered) {
        status = check_answer(anchor, &s, number, answer, &given);
    }
    if (!is_answered || status != ROTOR_OK) {
        end(anchor, &s);
        return status;
    }
    memmove(answer->bytes, given.data, given.size);
    answer->size = given.size;
    return ROTOR_OK;
}

static enum rotor_status refuse(struct anchor_tpm *anchor, uint32_t code)
{
    bool is_foreign =
        is_error(code, RC_AUTH_FAIL) || is_error(code, RC_BAD_AUTH);
    return is_foreign
               ? fail(anchor, ROTOR_FORBIDDEN,
                      "the NV index is another enclave's, or was made anew")
               : fail(anchor, ROTOR_PORT_FAILED, "the TPM refuses");
}

// ---- read and advance ------------------------------------------------------

static enum rotor_status read_as(struct anchor_tpm *anchor, bool is_written,
                                 struct message *answer, uint32_t *code)
{
    struct message parameters = {.size = 0};
    put_u16(&parameters, 32);
    put_u16(&parameters, 0); // from the start
    anchor->is_written = is_written;
    return command_on(anchor, CC_READ, &parameters, answer, code);
}

// Which of its two names the index has is found by trying: under the wrong one
// the HMAC does not hold.
static enum rotor_status find(struct anchor_tpm *anchor, uint8_t v[32],
                              uint32_t *code)
{
    struct message answer;
    TRY(read_as(anchor, true, &answer, code));
    if (*code == 0) {
        bool is_whole = answer.size == 34 && bytes_be16(answer.bytes) == 32;
        if (!is_whole) {
            return fail(anchor, ROTOR_PORT_FAILED, "an answer that is none");
        }
        memcpy(v, answer.bytes + 2, 32);
        return ROTOR_OK;
    }
    if (is_error(*code, RC_AUTH_FAIL) || is_error(*code, RC_BAD_AUTH) ||
        *code == RC_UNINITIALIZED) {
        TRY(read_as(anchor, false, &answer, code));
        if (*code == 0) {
            return fail(anchor, ROTOR_PORT_FAILED,
                        "a value where nothing was written");
        }
    }
    if (*code == RC_UNINITIALIZED) {
        *code = 0;
        memset(v, 0, 32);
    }
    return ROTOR_OK;
}

enum rotor_status anchor_tpm_read(struct anchor_tpm *anchor, uint8_t v[32])
{
    uint32_t code = 0;
    uint8_t found[32];
    TRY(find(anchor, found, &code));
    if (code != 0) {
        return refuse(anchor, code);
    }
    memcpy(v, found, 32);
    return ROTOR_OK;
}

enum rotor_status anchor_tpm_advance(struct anchor_tpm *anchor,
                                     const uint8_t d[32])
{
    struct message parameters = {.size = 0};
    struct message answer;
    uint32_t code = 0;
    put_u16(&parameters, 32);
    put(&parameters, d, 32);
    TRY(command_on(anchor, CC_EXTEND, &parameters, &answer, &code));
    if (code != 0) {
        return refuse(anchor, code);
    }
    anchor->is_written = true;
    return ROTOR_OK;
}

static enum rotor_status open_index(struct anchor_tpm *anchor)
{
    uint8_t v[32];
    uint32_t code = 0;
    TRY(find(anchor, v, &code));
    if (is_error(code, RC_HANDLE)) {
        TRY(define(anchor));
        TRY(find(anchor, v, &code));
    }
    return code == 0 ? ROTOR_OK : refuse(anchor, code);
}

enum rotor_status anchor_tpm_open(struct anchor_tpm *anchor, int fd,
                                  uint32_t index, const uint8_t hw_secret[32])
{
    *anchor = (struct anchor_tpm){.fd = fd, .index = index, .fault = ""};
    struct rotor_room auth = ROOM_OF(anchor->auth);
    enum rotor_status status =
        crypto_expand(CRYPTO_SHA256, hw_secret, LABEL("rotor1 anchor"), &auth);
    if (status == ROTOR_OK) {
        status = open_index(anchor);
    }
    if (status != ROTOR_OK) {
        const char *fault = anchor->fault;
        anchor_tpm_close(anchor);
        anchor->fault = fault;
    }
    return status;
}

void anchor_tpm_close(struct anchor_tpm *anchor)
{
    secret_wipe(anchor, sizeof *anchor);
    anchor->fd = -1;
    anchor->fault = "closed";
}
