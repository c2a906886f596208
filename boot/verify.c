// SPDX-License-Identifier: Apache-2.0
// The verdict over an image.  doc/PROTOCOL.boot 1.3: the steps below are the
// numbered ones there, in their order.
#include <string.h>

#include "base/bytes.h"
#include "boot/image.h"
#include "crypto/lms.h"

// One pass over all steps.  Zeroed it has passed nothing.
struct round {
    struct boot_parts parts;
    const struct boot_key *key; // in the keyring
    uint32_t passed;            // one bit a step
    uint32_t verdict;
    enum boot_reason reason;
};

// A step looks at `check` and at what earlier steps left in `round`, and sets
// *reason: BOOT_GENUINE or why not.
typedef enum rotor_status step(const struct boot_image_check *check,
                               struct round *round, enum boot_reason *reason);

static enum rotor_status judge_form(const struct boot_image_check *check,
                                    struct round *round,
                                    enum boot_reason *reason)
{
    boot_image_decode(check->file, &round->parts, reason);
    return ROTOR_OK;
}

static enum rotor_status key_is_signer(const struct boot_key *key,
                                       const struct boot_header *header,
                                       bool *is_signer)
{
    uint8_t id[BOOT_KEY_ID_SIZE];
    struct rotor_bytes public_key =
        bytes_of(key->public_key, crypto_sizes(key->scheme).public_key);
    *is_signer = false;
    TRY(boot_key_id(key->scheme, public_key, id));
    *is_signer = key->scheme == header->scheme &&
                 memcmp(id, header->signer_id, sizeof id) == 0;
    return ROTOR_OK;
}

static enum rotor_status judge_signer(const struct boot_image_check *check,
                                      struct round *round,
                                      enum boot_reason *reason)
{
    const struct boot_keyring *keyring = check->keyring;
    *reason = BOOT_UNKNOWN_SIGNER;
    for (size_t i = 0; i < keyring->count && i < BOOT_KEYS_MAX; i++) {
        bool is_signer = false;
        TRY(key_is_signer(&keyring->keys[i], &round->parts.header, &is_signer));
        if (is_signer) {
            round->key = &keyring->keys[i];
            *reason = BOOT_GENUINE;
            return ROTOR_OK;
        }
    }
    return ROTOR_OK;
}

// An LMS signature is there if the keyring asks for it, and if it is there
// the keyring knows its key.
static enum rotor_status judge_lms_signer(const struct boot_image_check *check,
                                          struct round *round,
                                          enum boot_reason *reason)
{
    (void)check;
    const struct boot_header *header = &round->parts.header;
    const struct boot_key *key = round->key;
    if (header->lms_size == 0) {
        *reason = key->lms_required ? BOOT_LMS_MISSING : BOOT_GENUINE;
        return ROTOR_OK;
    }
    uint8_t id[BOOT_KEY_ID_SIZE];
    TRY(boot_lms_key_id(BYTES_OF(key->lms_public_key), id));
    bool is_paired =
        key->has_lms && memcmp(id, header->lms_signer_id, sizeof id) == 0;
    *reason = is_paired ? BOOT_GENUINE : BOOT_UNKNOWN_LMS_SIGNER;
    return ROTOR_OK;
}

static enum rotor_status judge_ecdsa(const struct boot_image_check *check,
                                     struct round *round,
                                     enum boot_reason *reason)
{
    uint8_t message[BOOT_MESSAGE_SIZE];
    struct crypto_key key = {0};
    bool is_valid = false;
    size_t size = crypto_sizes(round->key->scheme).public_key;
    boot_image_message(check->file.data, message);
    *reason = BOOT_BAD_ECDSA_SIGNATURE;
    enum rotor_status status = crypto_key_import_public(
        &key, round->key->scheme, bytes_of(round->key->public_key, size));
    if (status != ROTOR_OK) {
        return status;
    }
    status = crypto_verify(&key, BYTES_OF(message),
                           round->parts.ecdsa_signature, &is_valid);
    crypto_key_close(&key);
    if (status == ROTOR_OK && is_valid) {
        *reason = BOOT_GENUINE;
    }
    return status;
}

static enum rotor_status judge_lms(const struct boot_image_check *check,
                                   struct round *round,
                                   enum boot_reason *reason)
{
    if (round->parts.header.lms_size == 0) {
        *reason = BOOT_GENUINE; // judge_lms_signer has allowed it
        return ROTOR_OK;
    }
    uint8_t message[BOOT_MESSAGE_SIZE];
    bool is_valid = false;
    boot_image_message(check->file.data, message);
    TRY(crypto_hss_verify(BYTES_OF(round->key->lms_public_key),
                          BYTES_OF(message), round->parts.lms_signature,
                          &is_valid));
    *reason = is_valid ? BOOT_GENUINE : BOOT_BAD_LMS_SIGNATURE;
    return ROTOR_OK;
}

static enum rotor_status judge_component(const struct boot_image_check *check,
                                         struct round *round,
                                         enum boot_reason *reason)
{
    bool is_asked = round->parts.header.component == check->component;
    *reason = is_asked ? BOOT_GENUINE : BOOT_WRONG_COMPONENT;
    return ROTOR_OK;
}

static enum rotor_status judge_floor(const struct boot_image_check *check,
                                     struct round *round,
                                     enum boot_reason *reason)
{
    bool is_below = round->parts.header.security_version < check->floor;
    *reason = is_below ? BOOT_BELOW_FLOOR : BOOT_GENUINE;
    return ROTOR_OK;
}

static enum rotor_status judge_digest(const struct boot_image_check *check,
                                      struct round *round,
                                      enum boot_reason *reason)
{
    (void)check;
    uint8_t digest[BOOT_DIGEST_SIZE];
    TRY(crypto_hash(CRYPTO_SHA512, &round->parts.image, 1, digest));
    bool is_equal =
        memcmp(digest, round->parts.header.digest, sizeof digest) == 0;
    *reason = is_equal ? BOOT_GENUINE : BOOT_BAD_DIGEST;
    return ROTOR_OK;
}

static step *const steps[] = {
    judge_form, judge_signer,    judge_lms_signer, judge_ecdsa,
    judge_lms,  judge_component, judge_floor,      judge_digest,
};

#define ALL_STEPS ((1u << COUNT_OF(steps)) - 1u)

static enum rotor_status run_round(const struct boot_image_check *check,
                                   struct round *round)
{
    *round = (struct round){.verdict = BOOT_REJECTED};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum boot_reason reason = BOOT_UNDECIDED;
        TRY(steps[i](check, round, &reason));
        round->reason = reason;
        if (reason != BOOT_GENUINE) {
            return ROTOR_OK;
        }
        round->passed |= 1u << i;
    }
    if (round->passed == ALL_STEPS) {
        round->verdict = BOOT_ACCEPTED;
    }
    return ROTOR_OK;
}

enum rotor_status boot_image_verify(const struct boot_image_check *check,
                                    uint32_t *verdict, enum boot_reason *reason,
                                    struct boot_parts *parts)
{
    struct round first;
    struct round second;
    *verdict = BOOT_REJECTED;
    *reason = BOOT_UNDECIDED;
    TRY(run_round(check, &first));
    if (!boot_verdict_is_accepted(&first.verdict)) {
        // All steps passed and yet no verdict: something skipped.
        *reason = first.reason == BOOT_GENUINE ? BOOT_FAULT : first.reason;
        return ROTOR_OK;
    }
    // One glitch accepts one round; it takes the same glitch twice.
    TRY(run_round(check, &second));
    bool is_twice = boot_verdict_is_accepted(&second.verdict) &&
                    second.passed == first.passed;
    if (!is_twice) {
        *reason = BOOT_FAULT;
        return ROTOR_OK;
    }
    *parts = second.parts;
    *reason = BOOT_GENUINE;
    *verdict = first.verdict & second.verdict;
    return ROTOR_OK;
}
