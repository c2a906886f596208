// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 Library, part 1, 19 (sessions, policies) and part 3, 12 and 23.
#include "port/linux/seal_tpm.h"

#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "port/linux/tpm_session.h"

#define CC_PRIMARY      0x00000131u
#define CC_CREATE       0x00000153u
#define CC_LOAD         0x00000157u
#define CC_UNSEAL       0x0000015eu
#define CC_POLICY_AUTH  0x0000016bu
#define CC_PCR_READ     0x0000017eu
#define CC_POLICY_PCR   0x0000017fu
#define CC_POLICY_VALUE 0x00000189u

#define ALG_KEYED_HASH 0x0008u

// fixedTPM, fixedParent, adminWithPolicy, noDA; not userWithAuth: the policy
// alone opens it, and a guess locks nobody out.
#define SEALED_ATTRIBUTES 0x00000492u

// Everything while one call lasts.
struct work {
    struct tpm_talk talk;
    uint32_t registers;
    uint8_t auth[32];            // SECRET
    struct tpm_salt_key primary; // TPM_RH_NULL: not made yet
    uint8_t primary_name[TPM_NAME];
    struct tpm_session session;    // SECRET
    struct tpm_message parameters; // SECRET
    struct tpm_message answer;     // SECRET
};

static enum rotor_status refuse(struct work *w, uint32_t code,
                                const char *fault)
{
    return tpm_fail(&w->talk,
                    tpm_is_error(code, TPM_RC_BAD_AUTH) ? ROTOR_FORBIDDEN
                                                        : ROTOR_PORT_FAILED,
                    fault);
}

// name = nameAlg || H(public area)
static enum rotor_status name_of(struct rotor_bytes area,
                                 uint8_t name[TPM_NAME])
{
    bytes_put_be16(name, TPM_ALG_SHA256);
    return crypto_hash(CRYPTO_SHA256, &area, 1, name + 2);
}

// ---- the storage key -------------------------------------------------------

// TCG's template of a storage root key on P-256, up to its point: ECC, SHA-256,
// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted,
// decrypt; AES-128-CFB.
static const uint8_t STORAGE[22] = {
    0x00, 0x23, 0x00, 0x0b, 0x00, 0x03, 0x04, 0x72, 0x00, 0x00, 0x00,
    0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10};

// The coordinate, left-padded; TPMs of before 1.38 leave zeros out.
static bool take_coordinate(struct rotor_bytes *rest, uint8_t out[32])
{
    size_t size = rest->size >= 2 ? bytes_be16(rest->data) : SIZE_MAX;
    if (size > 32 || size > rest->size - 2) {
        return false;
    }
    memset(out, 0, 32);
    memcpy(out + 32 - size, rest->data + 2, size);
    *rest = bytes_of(rest->data + 2 + size, rest->size - 2 - size);
    return true;
}

// Behind the head: handle, size of parameters, public area with its size.
static enum rotor_status take_primary(struct work *w)
{
    const uint8_t *at = w->answer.bytes + TPM_HEAD;
    size_t left = w->answer.size - TPM_HEAD;
    size_t size = left >= 10 ? bytes_be16(at + 8) : SIZE_MAX;
    if (left < 10 || size > left - 10 || size < sizeof STORAGE ||
        memcmp(at + 10, STORAGE, sizeof STORAGE) != 0) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    struct rotor_bytes area = bytes_of(at + 10, size);
    struct rotor_bytes point =
        bytes_of(area.data + sizeof STORAGE, size - sizeof STORAGE);
    if (!take_coordinate(&point, w->primary.point) ||
        !take_coordinate(&point, w->primary.point + 32)) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    return name_of(area, w->primary_name);
}

static void put_no_sensitive(struct tpm_message *m)
{
    tpm_put_u16(m, 4);
    tpm_put_u32(m, 0); // neither password nor data
}

static void put_no_creation(struct tpm_message *m)
{
    tpm_put_u16(m, 0); // no outside information
    tpm_put_u32(m, 0); // no registers
}

static enum rotor_status make_primary(struct work *w)
{
    struct tpm_message command;
    uint32_t code = 0;
    tpm_begin(&command, TPM_ST_SESSIONS, CC_PRIMARY);
    tpm_put_u32(&command, TPM_RH_OWNER);
    tpm_put_no_password(&command);
    put_no_sensitive(&command);
    tpm_put_u16(&command, sizeof STORAGE + 4);
    tpm_put(&command, STORAGE, sizeof STORAGE);
    tpm_put_u32(&command, 0); // an empty point
    put_no_creation(&command);
    TRY(tpm_ask(&w->talk, &command, &w->answer, &code));
    if (code != 0 || w->answer.size < TPM_HEAD + 4) {
        return refuse(w, code,
                      "the TPM makes no storage key: its owner has a password, "
                      "or it has no P-256");
    }
    w->primary.handle = bytes_be32(w->answer.bytes + TPM_HEAD);
    return take_primary(w);
}

// ---- the policy ------------------------------------------------------------

// A command of the policy session; none of them needs an authority.
static enum rotor_status ask_policy(struct work *w, struct tpm_message *command)
{
    uint32_t code = 0;
    TRY(tpm_ask(&w->talk, command, &w->answer, &code));
    return code == 0 ? ROTOR_OK
                     : refuse(w, code, "the TPM takes no part of the policy");
}

static enum rotor_status policy_command(struct work *w, uint32_t number)
{
    struct tpm_message command;
    tpm_begin(&command, TPM_ST_NO_SESSIONS, number);
    tpm_put_u32(&command, w->session.handle);
    return ask_policy(w, &command);
}

static void put_registers(struct tpm_message *m, uint32_t registers)
{
    tpm_put_u32(m, 1);
    tpm_put_u16(m, TPM_ALG_SHA256);
    tpm_put_u8(m, 3);
    tpm_put_u8(m, (uint8_t)registers);
    tpm_put_u8(m, (uint8_t)(registers >> 8));
    tpm_put_u8(m, (uint8_t)(registers >> 16));
}

// A policy passes over registers that a TPM does not keep: each must be there.
// The answer: counter, the selection, one value with its size.
static enum rotor_status check_register(struct work *w, unsigned pcr)
{
    const size_t size = TPM_HEAD + 4 + 10 + 4 + 2 + 32;
    struct tpm_message command;
    uint32_t code = 0;
    tpm_begin(&command, TPM_ST_NO_SESSIONS, CC_PCR_READ);
    put_registers(&command, 1u << pcr);
    TRY(tpm_ask(&w->talk, &command, &w->answer, &code));
    bool is_kept = code == 0 && w->answer.size == size &&
                   bytes_be32(w->answer.bytes + TPM_HEAD + 4 + 10) == 1;
    return is_kept ? ROTOR_OK
                   : tpm_fail(&w->talk, ROTOR_PORT_FAILED,
                              "the TPM does not keep all registers of [anchor] "
                              "pcrs with SHA-256");
}

static enum rotor_status check_registers(struct work *w)
{
    for (unsigned pcr = 0; pcr < 24; pcr++) {
        if ((w->registers >> pcr & 1u) != 0) {
            TRY(check_register(w, pcr));
        }
    }
    return ROTOR_OK;
}

static enum rotor_status policy_registers(struct work *w)
{
    struct tpm_message command;
    if (w->registers == 0) {
        return ROTOR_OK;
    }
    tpm_begin(&command, TPM_ST_NO_SESSIONS, CC_POLICY_PCR);
    tpm_put_u32(&command, w->session.handle);
    tpm_put_u16(&command, 0); // as they are now
    put_registers(&command, w->registers);
    return ask_policy(w, &command);
}

static enum rotor_status trial(struct work *w, uint8_t digest[32])
{
    TRY(policy_registers(w));
    TRY(policy_command(w, CC_POLICY_VALUE));
    const uint8_t *at = w->answer.bytes + TPM_HEAD;
    if (w->answer.size != TPM_HEAD + 2 + 32 || bytes_be16(at) != 32) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    memcpy(digest, at + 2, 32);
    return ROTOR_OK;
}

// The part of the registers as the TPM computes it; PolicyAuthValue is put
// behind it here, so that no host can leave it out.
static enum rotor_status make_policy(struct work *w, uint8_t policy[32])
{
    uint8_t digest[32] = {0};
    uint8_t number[4];
    if (w->registers != 0) {
        TRY(tpm_session_open(&w->talk, TPM_SESSION_TRIAL, NULL, &w->session));
        enum rotor_status status = trial(w, digest);
        tpm_flush(&w->talk, w->session.handle);
        TRY(status);
    }
    bytes_put_be32(number, CC_POLICY_AUTH);
    const struct rotor_bytes parts[] = {BYTES_OF(digest), BYTES_OF(number)};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), policy);
}

// ---- seal ------------------------------------------------------------------

static void put_object(struct work *w, const uint8_t policy[32],
                       const uint8_t secret[SEAL_TPM_SECRET])
{
    struct tpm_message *m = &w->parameters;
    m->size = 0;
    tpm_put_u16(m, 2 + sizeof w->auth + 2 + SEAL_TPM_SECRET);
    tpm_put_u16(m, sizeof w->auth);
    tpm_put(m, w->auth, sizeof w->auth);
    tpm_put_u16(m, SEAL_TPM_SECRET);
    tpm_put(m, secret, SEAL_TPM_SECRET);
    tpm_put_u16(m, 2 + 2 + 4 + 2 + 32 + 2 + 2);
    tpm_put_u16(m, ALG_KEYED_HASH);
    tpm_put_u16(m, TPM_ALG_SHA256);
    tpm_put_u32(m, SEALED_ATTRIBUTES);
    tpm_put_u16(m, 32);
    tpm_put(m, policy, 32);
    tpm_put_u16(m, TPM_ALG_NULL);
    tpm_put_u16(m, 0); // made by the TPM
    put_no_creation(m);
}

// A blob is two parts with their sizes, private and public, as Create gives and
// Load takes them; what is behind them is not looked at.
static bool split(struct rotor_bytes bytes, struct rotor_bytes *blob,
                  struct rotor_bytes *area)
{
    size_t first = bytes.size >= 2 ? 2u + bytes_be16(bytes.data) : SIZE_MAX;
    if (first > bytes.size || bytes.size - first < 2) {
        return false;
    }
    size_t second = bytes_be16(bytes.data + first);
    if (second > bytes.size - first - 2) {
        return false;
    }
    *blob = bytes_of(bytes.data, first + 2 + second);
    *area = bytes_of(bytes.data + first + 2, second);
    return true;
}

static enum rotor_status create(struct work *w, const uint8_t policy[32],
                                const uint8_t secret[SEAL_TPM_SECRET],
                                struct rotor_room *blob)
{
    uint32_t code = 0;
    struct rotor_bytes whole;
    struct rotor_bytes area;
    const struct tpm_call call = {
        .command = CC_CREATE,
        .handles = {w->primary.handle},
        .handle_count = 1,
        .names = BYTES_OF(w->primary_name),
        .attributes = TPM_HIDES_COMMAND,
    };
    put_object(w, policy, secret);
    TRY(tpm_session_open(&w->talk, TPM_SESSION_HMAC, &w->primary, &w->session));
    TRY(tpm_command(&w->talk, &w->session, &call, &w->parameters, &w->answer,
                    &code));
    if (code != 0) {
        return refuse(w, code, "the TPM seals nothing");
    }
    if (!split(bytes_of(w->answer.bytes, w->answer.size), &whole, &area)) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    return bytes_append(blob, whole);
}

static enum rotor_status make_with(struct work *w,
                                   uint8_t secret[SEAL_TPM_SECRET],
                                   struct rotor_room *blob)
{
    uint8_t policy[32];
    if (getrandom(secret, SEAL_TPM_SECRET, 0) != (ssize_t)SEAL_TPM_SECRET) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "no random numbers");
    }
    TRY(check_registers(w));
    TRY(make_policy(w, policy));
    TRY(make_primary(w));
    return create(w, policy, secret, blob);
}

// ---- unseal ----------------------------------------------------------------

static enum rotor_status load(struct work *w, struct rotor_bytes blob,
                              uint32_t *object)
{
    struct tpm_message command;
    uint32_t code = 0;
    tpm_begin(&command, TPM_ST_SESSIONS, CC_LOAD);
    tpm_put_u32(&command, w->primary.handle);
    tpm_put_no_password(&command);
    tpm_put(&command, blob.data, blob.size);
    TRY(tpm_ask(&w->talk, &command, &w->answer, &code));
    if (code != 0 || w->answer.size < TPM_HEAD + 4) {
        return tpm_fail(&w->talk, ROTOR_FORBIDDEN,
                        "another TPM sealed the store, this one was cleared, "
                        "or STATE/enclave/sealed is damaged");
    }
    *object = bytes_be32(w->answer.bytes + TPM_HEAD);
    return ROTOR_OK;
}

static enum rotor_status refuse_unseal(struct work *w, uint32_t code)
{
    if (tpm_is_error(code, TPM_RC_POLICY)) {
        return tpm_fail(&w->talk, ROTOR_FORBIDDEN,
                        "the registers of [anchor] pcrs, or the choice of "
                        "them, are other than when the store was sealed");
    }
    if (tpm_is_error(code, TPM_RC_AUTH_FAIL) ||
        tpm_is_error(code, TPM_RC_BAD_AUTH)) {
        return tpm_fail(&w->talk, ROTOR_FORBIDDEN,
                        "the store was sealed by another enclave: another "
                        "device, or an image of another signer");
    }
    return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "the TPM does not unseal");
}

static enum rotor_status policy_session(struct work *w)
{
    TRY(tpm_session_open(&w->talk, TPM_SESSION_POLICY, &w->primary,
                         &w->session));
    enum rotor_status status = policy_registers(w);
    if (status == ROTOR_OK) {
        status = policy_command(w, CC_POLICY_AUTH);
    }
    if (status != ROTOR_OK) {
        tpm_flush(&w->talk, w->session.handle);
    }
    return status;
}

static enum rotor_status unseal(struct work *w, uint32_t object,
                                struct rotor_bytes area,
                                uint8_t secret[SEAL_TPM_SECRET])
{
    uint8_t name[TPM_NAME];
    uint32_t code = 0;
    TRY(name_of(area, name));
    TRY(policy_session(w));
    const struct tpm_call call = {
        .command = CC_UNSEAL,
        .handles = {object},
        .handle_count = 1,
        .names = BYTES_OF(name),
        .auth = BYTES_OF(w->auth),
        .attributes = TPM_HIDES_ANSWER,
    };
    w->parameters.size = 0;
    TRY(tpm_command(&w->talk, &w->session, &call, &w->parameters, &w->answer,
                    &code));
    if (code != 0) {
        return refuse_unseal(w, code);
    }
    if (w->answer.size != 2 + SEAL_TPM_SECRET ||
        bytes_be16(w->answer.bytes) != SEAL_TPM_SECRET) {
        return tpm_fail(&w->talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    memcpy(secret, w->answer.bytes + 2, SEAL_TPM_SECRET);
    return ROTOR_OK;
}

static enum rotor_status open_with(struct work *w, struct rotor_bytes content,
                                   uint8_t secret[SEAL_TPM_SECRET])
{
    uint32_t object = TPM_RH_NULL;
    struct rotor_bytes blob;
    struct rotor_bytes area;
    if (!split(content, &blob, &area) || blob.size != content.size) {
        return tpm_fail(&w->talk, ROTOR_FORBIDDEN,
                        "STATE/enclave/sealed is damaged");
    }
    TRY(make_primary(w));
    TRY(load(w, blob, &object));
    enum rotor_status status = unseal(w, object, area, secret);
    tpm_flush(&w->talk, object);
    return status;
}

// ---- both ------------------------------------------------------------------

static enum rotor_status begin(const struct seal_tpm *seal, struct work *w)
{
    *w = (struct work){
        .talk = {seal->fd, ""},
        .registers = seal->registers,
        .primary.handle = TPM_RH_NULL
    };
    struct rotor_room auth = ROOM_OF(w->auth);
    return crypto_expand(CRYPTO_SHA256, seal->hw_secret,
                         LABEL("rotor1 seal tpm"), &auth);
}

static enum rotor_status end(struct seal_tpm *seal, struct work *w,
                             enum rotor_status status,
                             uint8_t secret[SEAL_TPM_SECRET])
{
    if (w->primary.handle != TPM_RH_NULL) {
        tpm_flush(&w->talk, w->primary.handle);
    }
    seal->fault = w->talk.fault;
    secret_wipe(w, sizeof *w);
    if (status != ROTOR_OK) {
        secret_wipe(secret, SEAL_TPM_SECRET);
    }
    return status;
}

enum rotor_status seal_tpm_make(struct seal_tpm *seal,
                                uint8_t secret[SEAL_TPM_SECRET],
                                struct rotor_room *blob)
{
    struct work w;
    enum rotor_status status = begin(seal, &w);
    if (status == ROTOR_OK) {
        status = make_with(&w, secret, blob);
    }
    return end(seal, &w, status, secret);
}

enum rotor_status seal_tpm_open(struct seal_tpm *seal, struct rotor_bytes blob,
                                uint8_t secret[SEAL_TPM_SECRET])
{
    struct work w;
    enum rotor_status status = begin(seal, &w);
    if (status == ROTOR_OK) {
        status = open_with(&w, blob, secret);
    }
    return end(seal, &w, status, secret);
}
