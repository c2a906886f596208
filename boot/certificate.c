// SPDX-License-Identifier: Apache-2.0
#include "boot/certificate.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

#define HEADER_ALG       1
#define PROTECTED_MAX    8u // bytes, {1: alg}
#define SIGNED_BYTES_MAX (BOOT_CLAIMS_MAX + 64u)

// ---- COSE_Sign1 with its payload inside ------------------------------------

static enum rotor_status encode_protected(enum crypto_scheme scheme,
                                          struct rotor_room *protected_header)
{
    struct cbor_writer out;
    cbor_writer_init(&out, protected_header);
    cbor_write_map(&out, 1);
    cbor_write_int(&out, HEADER_ALG);
    cbor_write_int(&out, crypto_cose_of_scheme(scheme));
    return cbor_writer_finish(&out);
}

static enum crypto_scheme decode_protected(struct rotor_bytes protected_header)
{
    struct cbor_reader in;
    cbor_reader_init(&in, protected_header);
    cbor_read_map(&in);
    cbor_read_key(&in, HEADER_ALG);
    int64_t alg = cbor_read_int(&in);
    cbor_end_map(&in);
    return cbor_finished(&in) ? crypto_scheme_of_cose(alg) : CRYPTO_SCHEME_NONE;
}

static bool scheme_signs(enum crypto_scheme scheme)
{
    return crypto_sizes(scheme).signature != 0;
}

enum rotor_status boot_certificate_encode(enum crypto_scheme scheme,
                                          struct rotor_bytes payload,
                                          struct rotor_bytes signature,
                                          struct rotor_room *encoded)
{
    uint8_t memory[PROTECTED_MAX];
    struct rotor_room protected_header = ROOM_OF(memory);
    encoded->used = 0;
    if (!scheme_signs(scheme) ||
        signature.size != crypto_sizes(scheme).signature) {
        return ROTOR_INVALID;
    }
    TRY(encode_protected(scheme, &protected_header));
    struct cbor_writer out;
    cbor_writer_init(&out, encoded);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, bytes_in(&protected_header));
    cbor_write_map(&out, 0);
    cbor_write_bytes(&out, payload);
    cbor_write_bytes(&out, signature);
    return cbor_writer_finish(&out);
}

enum rotor_status boot_certificate_signed_bytes(enum crypto_scheme scheme,
                                                struct rotor_bytes payload,
                                                struct rotor_room *bytes)
{
    uint8_t memory[PROTECTED_MAX];
    struct rotor_room protected_header = ROOM_OF(memory);
    bytes->used = 0;
    TRY(encode_protected(scheme, &protected_header));
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 4);
    cbor_write_text(&out, LABEL("Signature1"));
    cbor_write_bytes(&out, bytes_in(&protected_header));
    cbor_write_bytes(&out, bytes_of(NULL, 0));
    cbor_write_bytes(&out, payload);
    return cbor_writer_finish(&out);
}

enum rotor_status boot_certificate_decode(struct rotor_bytes encoded,
                                          struct boot_certificate *certificate)
{
    struct boot_certificate decoded = {.scheme = CRYPTO_SCHEME_NONE};
    struct cbor_reader in;
    cbor_reader_init(&in, encoded);
    cbor_read_array_of(&in, 4);
    decoded.scheme = decode_protected(cbor_read_bytes(&in));
    cbor_read_map(&in);
    cbor_end_map(&in);
    decoded.payload = cbor_read_bytes_sized(&in, 1, BOOT_CLAIMS_MAX);
    decoded.signature = cbor_read_bytes(&in);
    size_t wanted = crypto_sizes(decoded.scheme).signature;
    bool is_framed = cbor_finished(&in) && scheme_signs(decoded.scheme) &&
                     decoded.signature.size == wanted;
    if (!is_framed || !boot_claims_decode(decoded.payload, &decoded.claims)) {
        return ROTOR_MALFORMED;
    }
    *certificate = decoded;
    return ROTOR_OK;
}

// ---- sign ------------------------------------------------------------------

static enum rotor_status hash_is(struct rotor_bytes bytes,
                                 const uint8_t expected[BOOT_INPUT_SIZE],
                                 bool *is_equal)
{
    uint8_t hash[BOOT_INPUT_SIZE];
    *is_equal = false;
    TRY(crypto_hash(CRYPTO_SHA512, &bytes, 1, hash));
    *is_equal = memcmp(hash, expected, sizeof hash) == 0;
    return ROTOR_OK;
}

static enum rotor_status fill_claims(const struct crypto_key *issuer,
                                     const struct boot_subject *subject,
                                     struct boot_claims *claims)
{
    struct wire_key issuer_key;
    const struct boot_inputs *inputs = subject->inputs;
    *claims = (struct boot_claims){
        .has_configuration_hash = true,
        .configuration = subject->descriptor,
        .mode = inputs->mode,
        .usage = subject->usage,
        .profile = LABEL(BOOT_PROFILE),
    };
    memcpy(claims->code_hash, inputs->code_hash, BOOT_INPUT_SIZE);
    memcpy(claims->configuration_hash, inputs->configuration, BOOT_INPUT_SIZE);
    memcpy(claims->authority_hash, inputs->authority_hash, BOOT_INPUT_SIZE);
    TRY(wire_key_of(issuer, &issuer_key));
    TRY(wire_key_of(subject->key, &claims->key));
    TRY(boot_dice_id(wire_key_bytes(&issuer_key), claims->issuer));
    return boot_dice_id(wire_key_bytes(&claims->key), claims->subject);
}

enum rotor_status boot_certificate_sign(const struct crypto_key *issuer,
                                        const struct boot_subject *subject,
                                        struct rotor_room *encoded)
{
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    uint8_t message_memory[SIGNED_BYTES_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    struct boot_descriptor descriptor;
    struct boot_claims claims;
    bool is_hashed = false;
    encoded->used = 0;
    TRY(hash_is(subject->descriptor, subject->inputs->configuration,
                &is_hashed));
    if (!is_hashed ||
        boot_descriptor_decode(subject->descriptor, &descriptor) != ROTOR_OK) {
        return ROTOR_INVALID;
    }
    TRY(fill_claims(issuer, subject, &claims));
    TRY(boot_claims_encode(&claims, &payload));
    TRY(boot_certificate_signed_bytes(issuer->scheme, bytes_in(&payload),
                                      &message));
    TRY(crypto_sign(issuer, bytes_in(&message), &signature));
    return boot_certificate_encode(issuer->scheme, bytes_in(&payload),
                                   bytes_in(&signature), encoded);
}

// ---- verify ----------------------------------------------------------------

// One pass over all checks of doc/PROTOCOL.boot 5.3.
struct round {
    struct boot_vouched vouched;
    uint32_t verdict;
};

static enum rotor_status
verify_signature(const struct wire_key *issuer,
                 const struct boot_certificate *certificate, bool *is_valid)
{
    uint8_t memory[SIGNED_BYTES_MAX];
    struct rotor_room message = ROOM_OF(memory);
    struct crypto_key key = {0};
    *is_valid = false;
    enum rotor_status status = wire_key_open(issuer, &key);
    if (status == ROTOR_OK) {
        status = boot_certificate_signed_bytes(certificate->scheme,
                                               certificate->payload, &message);
    }
    if (status == ROTOR_OK) {
        status = crypto_verify(&key, bytes_in(&message), certificate->signature,
                               is_valid);
    }
    crypto_key_close(&key);
    return status;
}

static enum rotor_status id_is(const struct wire_key *key,
                               const uint8_t expected[BOOT_DICE_ID_SIZE],
                               bool *is_equal)
{
    uint8_t id[BOOT_DICE_ID_SIZE];
    *is_equal = false;
    TRY(boot_dice_id(wire_key_bytes(key), id));
    *is_equal = memcmp(id, expected, sizeof id) == 0;
    return ROTOR_OK;
}

static enum rotor_status judge_names(const struct boot_certificate_check *check,
                                     const struct boot_claims *claims,
                                     bool *is_good)
{
    bool is_issuer = false;
    bool is_subject = false;
    *is_good = false;
    TRY(id_is(&check->issuer, claims->issuer, &is_issuer));
    TRY(id_is(&claims->key, claims->subject, &is_subject));
    *is_good = is_issuer && is_subject;
    return ROTOR_OK;
}

// rotor's profile: named so, with a descriptor of ours, for the asked use.
static enum rotor_status
judge_profile(const struct boot_certificate_check *check,
              struct boot_vouched *vouched, bool *is_good)
{
    const struct boot_claims *claims = &vouched->claims;
    bool is_hashed = false;
    *is_good = false;
    TRY(hash_is(claims->configuration, claims->configuration_hash, &is_hashed));
    bool is_described =
        is_hashed && boot_descriptor_decode(claims->configuration,
                                            &vouched->descriptor) == ROTOR_OK;
    *is_good = is_described && claims->usage == check->usage &&
               bytes_equal(claims->profile, LABEL(BOOT_PROFILE));
    return ROTOR_OK;
}

static enum rotor_status run_round(const struct boot_certificate_check *check,
                                   struct round *round)
{
    struct boot_certificate certificate;
    bool is_valid = false;
    bool is_named = false;
    bool is_profiled = false;
    *round = (struct round){.verdict = BOOT_REJECTED};
    TRY(boot_certificate_decode(check->encoded, &certificate));
    if (certificate.scheme != wire_key_scheme(check->issuer.type)) {
        return ROTOR_OK;
    }
    TRY(verify_signature(&check->issuer, &certificate, &is_valid));
    round->vouched.claims = certificate.claims;
    TRY(judge_names(check, &certificate.claims, &is_named));
    TRY(judge_profile(check, &round->vouched, &is_profiled));
    if (is_valid && is_named && is_profiled) {
        round->verdict = BOOT_ACCEPTED;
    }
    return ROTOR_OK;
}

enum rotor_status
boot_certificate_verify(const struct boot_certificate_check *check,
                        uint32_t *verdict, struct boot_vouched *vouched)
{
    struct round first;
    struct round second;
    *verdict = BOOT_REJECTED;
    TRY(run_round(check, &first));
    TRY(run_round(check, &second));
    if (!boot_verdict_is_accepted(&first.verdict) ||
        !boot_verdict_is_accepted(&second.verdict)) {
        return ROTOR_OK;
    }
    *vouched = second.vouched;
    *verdict = first.verdict & second.verdict;
    return ROTOR_OK;
}
