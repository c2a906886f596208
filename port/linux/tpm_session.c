// SPDX-License-Identifier: Apache-2.0
#include "port/linux/tpm_session.h"

#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

#define CC_SESSION 0x00000176u
#define MAC_SIZE   32u

// ---- key derivation: part 1, 11.4.10 ---------------------------------------

struct kdfa {
    struct rotor_bytes key;
    struct rotor_bytes label; // with its final zero
    const uint8_t *newer;     // nonces
    const uint8_t *older;
    size_t size; // bytes wanted
};

// Block `i`, from 1: HMAC(key, i || label || newer || older || bits).
static enum rotor_status kdfa_block(const struct kdfa *k, uint32_t i,
                                    uint8_t block[32])
{
    uint8_t number[4];
    uint8_t bits[4];
    bytes_put_be32(number, i);
    bytes_put_be32(bits, (uint32_t)(8 * k->size));
    const struct rotor_bytes parts[] = {
        BYTES_OF(number), k->label, bytes_of(k->newer, TPM_NONCE),
        bytes_of(k->older, TPM_NONCE), BYTES_OF(bits)};
    return crypto_hmac(CRYPTO_SHA256, k->key, parts, COUNT_OF(parts), block);
}

// ---- the salt: part 1, C.6.3 -----------------------------------------------

struct salt {
    struct crypto_key key; // ours, for this session
    uint8_t seed[CRYPTO_SEED_MAX];
    uint8_t shared[32];
    uint8_t salt[32];
    uint8_t point[64]; // x || y, ours: public
};

// salt = KDFe(shared, "SECRET", our x, their x)
static enum rotor_status make_salt(struct salt *s,
                                   const struct tpm_salt_key *theirs)
{
    static const uint8_t one[4] = {0, 0, 0, 1};
    struct rotor_room point = ROOM_OF(s->point);
    size_t size = crypto_sizes(CRYPTO_P256).seed;
    if (getrandom(s->seed, size, 0) != (ssize_t)size) {
        return ROTOR_PORT_FAILED;
    }
    TRY(crypto_key_derive(&s->key, CRYPTO_P256, s->seed));
    TRY(crypto_key_public(&s->key, &point));
    TRY(crypto_agree(&s->key, BYTES_OF(theirs->point), s->shared));
    const struct rotor_bytes parts[] = {
        BYTES_OF(one), BYTES_OF(s->shared), bytes_of("SECRET", sizeof "SECRET"),
        bytes_of(s->point, 32), bytes_of(theirs->point, 32)};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), s->salt);
}

static void put_salt(struct tpm_message *m, const struct salt *s)
{
    tpm_put_u16(m, 2 + 32 + 2 + 32);
    tpm_put_u16(m, 32);
    tpm_put(m, s->point, 32);
    tpm_put_u16(m, 32);
    tpm_put(m, s->point + 32, 32);
}

// ---- open ------------------------------------------------------------------

static void put_start(struct tpm_message *m, const struct tpm_session *session,
                      enum tpm_session_kind kind, uint32_t salt_key,
                      const struct salt *salt)
{
    tpm_begin(m, TPM_ST_NO_SESSIONS, CC_SESSION);
    tpm_put_u32(m, salt_key);
    tpm_put_u32(m, TPM_RH_NULL); // not bound
    tpm_put_u16(m, TPM_NONCE);
    tpm_put(m, session->ours, TPM_NONCE);
    if (salt != NULL) {
        put_salt(m, salt);
    } else {
        tpm_put_u16(m, 0);
    }
    tpm_put_u8(m, (uint8_t)kind);
    tpm_put_u16(m, salt != NULL ? TPM_ALG_XOR : TPM_ALG_NULL);
    if (salt != NULL) {
        tpm_put_u16(m, TPM_ALG_SHA256); // of the XOR's KDFa
    }
    tpm_put_u16(m, TPM_ALG_SHA256);
}

static enum rotor_status start(struct tpm_talk *talk,
                               struct tpm_message *command,
                               struct tpm_session *session)
{
    struct tpm_message answer;
    uint32_t code = 0;
    TRY(tpm_ask(talk, command, &answer, &code));
    bool is_good = code == 0 && answer.size == TPM_HEAD + 4 + 2 + TPM_NONCE &&
                   bytes_be16(answer.bytes + TPM_HEAD + 4) == TPM_NONCE;
    if (!is_good) {
        return tpm_fail(talk, ROTOR_PORT_FAILED, "the TPM opens no session");
    }
    session->handle = bytes_be32(answer.bytes + TPM_HEAD);
    memcpy(session->theirs, answer.bytes + TPM_HEAD + 6, TPM_NONCE);
    return ROTOR_OK;
}

static enum rotor_status start_salted(struct tpm_talk *talk,
                                      enum tpm_session_kind kind,
                                      const struct tpm_salt_key *theirs,
                                      struct salt *s,
                                      struct tpm_session *session)
{
    struct tpm_message command;
    if (make_salt(s, theirs) != ROTOR_OK) {
        return tpm_fail(talk, ROTOR_PORT_FAILED, "the TPM's key takes no salt");
    }
    put_start(&command, session, kind, theirs->handle, s);
    TRY(start(talk, &command, session));
    session->key_size = sizeof session->key;
    const struct kdfa k = {BYTES_OF(s->salt), bytes_of("ATH", sizeof "ATH"),
                           session->theirs, session->ours, 32};
    return kdfa_block(&k, 1, session->key);
}

enum rotor_status tpm_session_open(struct tpm_talk *talk,
                                   enum tpm_session_kind kind,
                                   const struct tpm_salt_key *salt,
                                   struct tpm_session *session)
{
    *session = (struct tpm_session){.handle = TPM_RH_NULL};
    if (getrandom(session->ours, TPM_NONCE, 0) != (ssize_t)TPM_NONCE) {
        return tpm_fail(talk, ROTOR_PORT_FAILED, "no random numbers");
    }
    if (salt == NULL) {
        struct tpm_message command;
        put_start(&command, session, kind, TPM_RH_NULL, NULL);
        return start(talk, &command, session);
    }
    struct salt s = {0};
    enum rotor_status status = start_salted(talk, kind, salt, &s, session);
    crypto_key_close(&s.key);
    secret_wipe(&s, sizeof s);
    return status;
}

// ---- one command -----------------------------------------------------------

// What HMACs and hides: the session's key, then the authorisation value.
struct call_key {
    size_t size;
    uint8_t bytes[64]; // SECRET
};

static enum rotor_status make_key(const struct tpm_session *session,
                                  const struct tpm_call *call,
                                  struct call_key *key)
{
    struct rotor_room room = ROOM_OF(key->bytes);
    TRY(bytes_append(&room, bytes_of(session->key, session->key_size)));
    TRY(bytes_append(&room, call->auth));
    key->size = room.used;
    return ROTOR_OK;
}

// HMAC(key, parameters' hash || newer nonce || older nonce || attributes).
static enum rotor_status mac_of(const struct call_key *key,
                                const uint8_t hash[32], const uint8_t *newer,
                                const uint8_t *older, const uint8_t *attributes,
                                uint8_t mac[MAC_SIZE])
{
    const struct rotor_bytes parts[] = {
        bytes_of(hash, 32), bytes_of(newer, TPM_NONCE),
        bytes_of(older, TPM_NONCE), bytes_of(attributes, 1)};
    return crypto_hmac(CRYPTO_SHA256, bytes_of(key->bytes, key->size), parts,
                       COUNT_OF(parts), mac);
}

// Part 1, 21.2, both ways; `size` bytes behind their size of two bytes.
static enum rotor_status hide(const struct call_key *key, const uint8_t *newer,
                              const uint8_t *older, struct tpm_message *m)
{
    uint8_t block[32];
    if (m->size < 2 || bytes_be16(m->bytes) > m->size - 2) {
        return ROTOR_MALFORMED;
    }
    size_t size = bytes_be16(m->bytes);
    const struct kdfa k = {bytes_of(key->bytes, key->size),
                           bytes_of("XOR", sizeof "XOR"), newer, older, size};
    enum rotor_status status = ROTOR_OK;
    for (size_t i = 0; i < size && status == ROTOR_OK; i++) {
        if (i % 32 == 0) {
            status = kdfa_block(&k, (uint32_t)(i / 32) + 1, block);
        }
        m->bytes[2 + i] ^= block[i % 32];
    }
    secret_wipe(block, sizeof block);
    return status;
}

// cpHash = H(command || names || parameters).
static enum rotor_status make_command(const struct tpm_session *session,
                                      const struct tpm_call *call,
                                      const struct call_key *key,
                                      const struct tpm_message *parameters,
                                      struct tpm_message *command)
{
    uint8_t number[4];
    uint8_t hash[32];
    uint8_t mac[MAC_SIZE];
    bytes_put_be32(number, call->command);
    const struct rotor_bytes parts[] = {
        BYTES_OF(number), call->names,
        bytes_of(parameters->bytes, parameters->size)};
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash));
    TRY(mac_of(key, hash, session->ours, session->theirs, &call->attributes,
               mac));
    tpm_begin(command, TPM_ST_SESSIONS, call->command);
    for (unsigned i = 0; i < call->handle_count; i++) {
        tpm_put_u32(command, call->handles[i]);
    }
    tpm_put_u32(command, 4 + 2 + TPM_NONCE + 1 + 2 + MAC_SIZE);
    tpm_put_u32(command, session->handle);
    tpm_put_u16(command, TPM_NONCE);
    tpm_put(command, session->ours, TPM_NONCE);
    tpm_put_u8(command, call->attributes);
    tpm_put_u16(command, MAC_SIZE);
    tpm_put(command, mac, MAC_SIZE);
    tpm_put(command, parameters->bytes, parameters->size);
    return ROTOR_OK;
}

// Behind the head: size of parameters, parameters, nonce, attributes, HMAC.
// rpHash = H(code || command || parameters).
static enum rotor_status take_answer(struct tpm_talk *talk,
                                     struct tpm_session *session,
                                     const struct tpm_call *call,
                                     const struct call_key *key,
                                     struct tpm_message *answer)
{
    const size_t behind = 2 + TPM_NONCE + 1 + 2 + MAC_SIZE;
    const uint8_t *at = answer->bytes + TPM_HEAD + 4;
    uint8_t numbers[8];
    uint8_t hash[32];
    uint8_t mac[MAC_SIZE];
    if (answer->size < TPM_HEAD + 4 + behind ||
        bytes_be32(at - 4) != answer->size - TPM_HEAD - 4 - behind) {
        return tpm_fail(talk, ROTOR_PORT_FAILED, "an answer that is none");
    }
    struct rotor_bytes given = bytes_of(at, bytes_be32(at - 4));
    at += given.size;
    bytes_put_be32(numbers, 0);
    bytes_put_be32(numbers + 4, call->command);
    const struct rotor_bytes parts[] = {BYTES_OF(numbers), given};
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash));
    TRY(mac_of(key, hash, at + 2, session->ours, &call->attributes, mac));
    bool is_theirs = bytes_be16(at) == TPM_NONCE &&
                     at[2 + TPM_NONCE] == call->attributes &&
                     bytes_be16(at + 3 + TPM_NONCE) == MAC_SIZE &&
                     secret_equal(at + 5 + TPM_NONCE, mac, MAC_SIZE);
    if (!is_theirs) {
        return tpm_fail(talk, ROTOR_FORBIDDEN,
                        "an answer that the TPM did not give");
    }
    memcpy(session->theirs, at + 2, TPM_NONCE);
    memmove(answer->bytes, given.data, given.size);
    answer->size = given.size;
    return (call->attributes & TPM_HIDES_ANSWER) == 0
               ? ROTOR_OK
               : hide(key, session->theirs, session->ours, answer);
}

static enum rotor_status
command_with(struct tpm_talk *talk, struct tpm_session *session,
             const struct tpm_call *call, const struct call_key *key,
             struct tpm_message *parameters, struct tpm_message *answer,
             uint32_t *code)
{
    struct tpm_message command;
    if ((call->attributes & TPM_HIDES_COMMAND) != 0) {
        TRY(hide(key, session->ours, session->theirs, parameters));
    }
    TRY(make_command(session, call, key, parameters, &command));
    TRY(tpm_ask(talk, &command, answer, code));
    return *code == 0 ? take_answer(talk, session, call, key, answer)
                      : ROTOR_OK;
}

// A session ends with its command, but not where the TPM refuses it: there are
// few, and each lasts as long as the descriptor.
enum rotor_status tpm_command(struct tpm_talk *talk,
                              struct tpm_session *session,
                              const struct tpm_call *call,
                              struct tpm_message *parameters,
                              struct tpm_message *answer, uint32_t *code)
{
    struct call_key key = {0};
    *code = 0;
    enum rotor_status status = make_key(session, call, &key);
    if (status == ROTOR_OK) {
        status =
            command_with(talk, session, call, &key, parameters, answer, code);
    }
    if (status != ROTOR_OK || *code != 0) {
        tpm_flush(talk, session->handle);
    }
    secret_wipe(&key, sizeof key);
    return status;
}
