// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 Library, part 1, 19 (sessions) and part 3, 31 (NV).
#include "port/linux/anchor_tpm.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

#define CC_DEFINE 0x0000012au
#define CC_EXTEND 0x00000136u
#define CC_READ   0x0000014eu

#define RC_UNINITIALIZED 0x0000014au // never extended

// authread, authwrite, no_da, and the type extend.  Neither orderly, which
// would lose the value with the power, nor anything for owner or platform.
#define NV_ATTRIBUTES 0x02040044u
#define NV_WRITTEN    0x20000000u

// ---- the index -------------------------------------------------------------

// TPMS_NV_PUBLIC as it must be; the TPM is not asked what it is.
static void put_public(struct tpm_message *m, const struct anchor_tpm *anchor,
                       bool is_written)
{
    tpm_put_u32(m, anchor->index);
    tpm_put_u16(m, TPM_ALG_SHA256);
    tpm_put_u32(m, NV_ATTRIBUTES | (is_written ? NV_WRITTEN : 0));
    tpm_put_u16(m, 0); // no policy
    tpm_put_u16(m, 32);
}

// Name = nameAlg || H(TPMS_NV_PUBLIC).
static enum rotor_status name_of(const struct anchor_tpm *anchor,
                                 uint8_t name[TPM_NAME])
{
    struct tpm_message area = {.size = 0};
    put_public(&area, anchor, anchor->is_written);
    struct rotor_bytes bytes = bytes_of(area.bytes, area.size);
    bytes_put_be16(name, TPM_ALG_SHA256);
    return crypto_hash(CRYPTO_SHA256, &bytes, 1, name + 2);
}

// Under the owner's empty password.
static enum rotor_status define(struct anchor_tpm *anchor)
{
    struct tpm_message command;
    struct tpm_message answer;
    struct tpm_message area = {.size = 0};
    uint32_t code = 0;
    put_public(&area, anchor, false);
    tpm_begin(&command, TPM_ST_SESSIONS, CC_DEFINE);
    tpm_put_u32(&command, TPM_RH_OWNER);
    tpm_put_no_password(&command);
    tpm_put_u16(&command, sizeof anchor->auth);
    tpm_put(&command, anchor->auth, sizeof anchor->auth);
    tpm_put_u16(&command, (uint16_t)area.size);
    tpm_put(&command, area.bytes, area.size);
    enum rotor_status status = tpm_ask(&anchor->talk, &command, &answer, &code);
    secret_wipe(&command, sizeof command);
    if (status == ROTOR_OK && code != 0) {
        status =
            tpm_fail(&anchor->talk,
                     tpm_is_error(code, TPM_RC_BAD_AUTH) ? ROTOR_FORBIDDEN
                                                         : ROTOR_PORT_FAILED,
                     "the TPM makes no NV index: its owner has a password, or "
                     "it is full");
    }
    return status;
}

// ---- a command on the index ------------------------------------------------

// Under its own key: handle and authority are the index, both times.  *code
// other than 0: nothing else is set, and nothing vouches for it.
static enum rotor_status command_on(struct anchor_tpm *anchor, uint32_t number,
                                    struct tpm_message *parameters,
                                    struct tpm_message *answer, uint32_t *code)
{
    struct tpm_session session;
    uint8_t names[2 * TPM_NAME];
    TRY(name_of(anchor, names));
    memcpy(names + TPM_NAME, names, TPM_NAME);
    const struct tpm_call call = {
        .command = number,
        .handles = {anchor->index, anchor->index},
        .handle_count = 2,
        .names = BYTES_OF(names),
        .auth = BYTES_OF(anchor->auth),
    };
    TRY(tpm_session_open(&anchor->talk, TPM_SESSION_HMAC, NULL, &session));
    return tpm_command(&anchor->talk, &session, &call, parameters, answer,
                       code);
}

static enum rotor_status refuse(struct anchor_tpm *anchor, uint32_t code)
{
    bool is_foreign = tpm_is_error(code, TPM_RC_AUTH_FAIL) ||
                      tpm_is_error(code, TPM_RC_BAD_AUTH);
    return is_foreign
               ? tpm_fail(&anchor->talk, ROTOR_FORBIDDEN,
                          "the NV index is another enclave's, or was made anew")
               : tpm_fail(&anchor->talk, ROTOR_PORT_FAILED, "the TPM refuses");
}

// ---- read and advance ------------------------------------------------------

static enum rotor_status read_as(struct anchor_tpm *anchor, bool is_written,
                                 struct tpm_message *answer, uint32_t *code)
{
    struct tpm_message parameters = {.size = 0};
    tpm_put_u16(&parameters, 32);
    tpm_put_u16(&parameters, 0); // from the start
    anchor->is_written = is_written;
    return command_on(anchor, CC_READ, &parameters, answer, code);
}

// Which of its two names the index has is found by trying: under the wrong one
// the HMAC does not hold.
static enum rotor_status find(struct anchor_tpm *anchor, uint8_t v[32],
                              uint32_t *code)
{
    struct tpm_message answer;
    TRY(read_as(anchor, true, &answer, code));
    if (*code == 0) {
        bool is_whole = answer.size == 34 && bytes_be16(answer.bytes) == 32;
        if (!is_whole) {
            return tpm_fail(&anchor->talk, ROTOR_PORT_FAILED,
                            "an answer that is none");
        }
        memcpy(v, answer.bytes + 2, 32);
        return ROTOR_OK;
    }
    if (tpm_is_error(*code, TPM_RC_AUTH_FAIL) ||
        tpm_is_error(*code, TPM_RC_BAD_AUTH) || *code == RC_UNINITIALIZED) {
        TRY(read_as(anchor, false, &answer, code));
        if (*code == 0) {
            return tpm_fail(&anchor->talk, ROTOR_PORT_FAILED,
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
    struct tpm_message parameters = {.size = 0};
    struct tpm_message answer;
    uint32_t code = 0;
    tpm_put_u16(&parameters, 32);
    tpm_put(&parameters, d, 32);
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
    if (tpm_is_error(code, TPM_RC_HANDLE)) {
        TRY(define(anchor));
        TRY(find(anchor, v, &code));
    }
    return code == 0 ? ROTOR_OK : refuse(anchor, code);
}

enum rotor_status anchor_tpm_open(struct anchor_tpm *anchor, int fd,
                                  uint32_t index, const uint8_t hw_secret[32])
{
    *anchor = (struct anchor_tpm){
        .talk = {fd, ""},
          .index = index
    };
    struct rotor_room auth = ROOM_OF(anchor->auth);
    enum rotor_status status =
        crypto_expand(CRYPTO_SHA256, hw_secret, LABEL("rotor1 anchor"), &auth);
    if (status == ROTOR_OK) {
        status = open_index(anchor);
    }
    if (status != ROTOR_OK) {
        const char *fault = anchor->talk.fault;
        anchor_tpm_close(anchor);
        anchor->talk.fault = fault;
    }
    return status;
}

void anchor_tpm_close(struct anchor_tpm *anchor)
{
    secret_wipe(anchor, sizeof *anchor);
    anchor->talk.fd = -1;
    anchor->talk.fault = "closed";
}
