// SPDX-License-Identifier: Apache-2.0
// Tokens of others: PSA and EAT under one key, a DICE chain of three
// certificates under three.  Made here by test keys, so that a case needs no
// published file.
#include <string.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "bench/verify.h"
#include "boot/certificate.h"
#include "verify/dice.h"
#include "verify/eat.h"
#include "verify/psa.h"
#include "wire/cbor.h"

#define NOW         1753747200
#define TOKEN_MAX   4096u
#define DEPTH       3u // certificates
#define SPKI_PREFIX 27u

static const uint8_t SPKI_P256[SPKI_PREFIX] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static uint8_t scratch_memory[2 * TOKEN_MAX];
static struct verify_verdict verdict;

// A message, what is signed in it, and the key as others import it.
struct signed_message {
    struct verify_public key;
    uint8_t spki[SPKI_PREFIX + 64];
    uint8_t signed_memory[TOKEN_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct verify_bare bare;
};

static struct signed_message message;
static struct signed_message links[DEPTH];
static uint8_t token_memory[TOKEN_MAX];
static struct rotor_room token;

static void sign(struct signed_message *m, const struct crypto_key *key,
                 struct rotor_bytes payload)
{
    struct rotor_room room = ROOM_OF(m->key.bytes);
    struct rotor_room message_room = ROOM_OF(m->signed_memory);
    struct rotor_room signature = ROOM_OF(m->signature_memory);
    tally_expect(crypto_key_public(key, &room) == ROTOR_OK &&
                     boot_certificate_signed_bytes(CRYPTO_P256, payload,
                                                   &message_room) == ROTOR_OK &&
                     crypto_sign(key, bytes_in(&message_room), &signature) ==
                         ROTOR_OK,
                 "a token is not signed");
    m->key.kind = VERIFY_PUBLIC_P256;
    m->key.size = room.used;
    memcpy(m->spki, SPKI_P256, SPKI_PREFIX);
    memcpy(m->spki + SPKI_PREFIX, m->key.bytes, 64);
    m->bare = (struct verify_bare){.spki = BYTES_OF(m->spki),
                                   .form = CRYPTO_SIGNATURE_ECDSA_RAW,
                                   .hash = CRYPTO_SHA256,
                                   .message = bytes_in(&message_room),
                                   .signature = bytes_in(&signature)};
}

static void derive(struct crypto_key *key, uint8_t byte)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, byte, sizeof seed);
    tally_expect(crypto_key_derive(key, CRYPTO_P256, seed) == ROTOR_OK,
                 "no key");
}

// COSE_Sign1 with {1: -7}, as the bare signature was made.
static void make_token(struct rotor_bytes payload)
{
    struct crypto_key key;
    derive(&key, 7);
    sign(&message, &key, payload);
    crypto_key_close(&key);
    token = ROOM_OF(token_memory);
    tally_expect(boot_certificate_encode(CRYPTO_P256, payload,
                                         message.bare.signature,
                                         &token) == ROTOR_OK,
                 "no token");
}

static void put_hash(struct cbor_writer *out, int64_t label, size_t size)
{
    static const uint8_t bytes[64] = {1};
    cbor_write_int(out, label);
    cbor_write_bytes(out, bytes_of(bytes, size));
}

static void put_components(struct cbor_writer *out, size_t count)
{
    cbor_write_int(out, 2399);
    cbor_write_array(out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_map(out, 3);
        cbor_write_int(out, 1);
        cbor_write_text(out, LABEL("PRoT"));
        put_hash(out, 2, 32);
        put_hash(out, 5, 32);
    }
}

static const char *open_psa(void)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &payload);
    cbor_write_map(&out, 8);
    put_hash(&out, 10, 32);
    put_hash(&out, 256, 33);
    cbor_write_int(&out, 265);
    cbor_write_text(&out, LABEL("tag:psacertified.org,2023:psa#tfm"));
    put_hash(&out, 268, 8);
    cbor_write_int(&out, 2394);
    cbor_write_int(&out, 1);
    cbor_write_int(&out, 2395);
    cbor_write_int(&out, 12288);
    put_hash(&out, 2396, 32);
    put_components(&out, 4);
    tally_expect(cbor_writer_finish(&out) == ROTOR_OK, "no claims");
    make_token(bytes_in(&payload));
    return NULL;
}

static const char *open_eat(void)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &payload);
    cbor_write_map(&out, 5);
    put_hash(&out, 10, 32);
    put_hash(&out, 256, 33);
    cbor_write_int(&out, 263);
    cbor_write_int(&out, 3);
    cbor_write_int(&out, 265);
    cbor_write_text(&out, LABEL("tag:example,2026:eat"));
    cbor_write_int(&out, 270);
    cbor_write_text(&out, LABEL("Acme OS"));
    tally_expect(cbor_writer_finish(&out) == ROTOR_OK, "no claims");
    make_token(bytes_in(&payload));
    return NULL;
}

static void bare_token(void)
{
    verify_bare_check(&message.bare);
}

static void judge(bool is_psa)
{
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_cose_key key;
    struct verify_token_question question = {.token = bytes_in(&token),
                                             .key = &key,
                                             .asked = {.now_s = NOW},
                                             .scratch = &scratch};
    bool ok = verify_cose_key_open(&key, &message.key) == ROTOR_OK &&
              (is_psa ? verify_psa(&question, &verdict)
                      : verify_eat(&question, VERIFY_LEVEL_PROCESS,
                                   &verdict)) == ROTOR_OK;
    verify_cose_key_close(&key);
    tally_expect(ok && verify_verdict_is_accepted(&verdict),
                 "a token is refused");
}

static void ours_psa(void)
{
    judge(true);
}

static void ours_eat(void)
{
    judge(false);
}

static void close_nothing(void)
{
}

const struct verify_case verify_case_psa = {
    "psa", open_psa, ours_psa, bare_token, close_nothing,
};
const struct verify_case verify_case_eat = {
    "eat", open_eat, ours_eat, bare_token, close_nothing,
};

// ---- a chain ---------------------------------------------------------------

static void certify(unsigned i)
{
    uint8_t memory[BOOT_CLAIMS_MAX];
    static const uint8_t inputs[BOOT_INPUT_SIZE] = {1};
    struct rotor_room payload = ROOM_OF(memory);
    struct boot_claims claims = {.configuration = BYTES_OF(inputs),
                                 .mode = BOOT_MODE_NORMAL,
                                 .usage = BOOT_USAGE_CERTIFICATES};
    struct crypto_key issuer;
    struct crypto_key subject;
    struct wire_key name;
    derive(&issuer, (uint8_t)(i + 1));
    derive(&subject, (uint8_t)(i + 2));
    bool ok =
        wire_key_of(&issuer, &name) == ROTOR_OK &&
        boot_dice_id(wire_key_bytes(&name), claims.issuer) == ROTOR_OK &&
        wire_key_of(&subject, &claims.key) == ROTOR_OK &&
        boot_dice_id(wire_key_bytes(&claims.key), claims.subject) == ROTOR_OK &&
        boot_claims_encode(&claims, &payload) == ROTOR_OK;
    tally_expect(ok, "no certificate");
    sign(&links[i], &issuer, bytes_in(&payload));
    struct rotor_room rest = {token.data + token.used,
                              token.capacity - token.used, 0};
    tally_expect(boot_certificate_encode(CRYPTO_P256, bytes_in(&payload),
                                         links[i].bare.signature,
                                         &rest) == ROTOR_OK,
                 "no certificate");
    token.used += rest.used;
    crypto_key_close(&issuer);
    crypto_key_close(&subject);
}

static const char *open_dice(void)
{
    token = ROOM_OF(token_memory);
    for (unsigned i = 0; i < DEPTH; i++) {
        certify(i);
    }
    return NULL;
}

static void ours_dice(void)
{
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_public leaf;
    const struct verify_dice_question question = {
        .chain = bytes_in(&token),
        .root = links[0].key,
        .level = VERIFY_LEVEL_TRUSTZONE,
        .asked = {.now_s = NOW},
        .scratch = &scratch,
    };
    tally_expect(verify_dice(&question, &verdict, &leaf) == ROTOR_OK &&
                     verify_verdict_is_accepted(&verdict),
                 "a DICE chain is refused");
}

static void bare_dice(void)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        verify_bare_check(&links[i].bare);
    }
}

const struct verify_case verify_case_dice = {
    "dice", open_dice, ours_dice, bare_dice, close_nothing,
};
