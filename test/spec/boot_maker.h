// SPDX-License-Identifier: Apache-2.0
// Signs images for tests: one ECDSA key, one LMS key of 32 leaves.
#ifndef ROTOR_TEST_SPEC_BOOT_MAKER_H
#define ROTOR_TEST_SPEC_BOOT_MAKER_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "boot/image.h"
#include "crypto/lms_sign.h"
#include "test/spec.h"

#define MAKER_IMAGE_SIZE 777u

struct maker {
    struct crypto_key ecdsa;
    struct crypto_lms_key lms;
    uint8_t tree_memory[64 * 32];
    struct rotor_room tree;
    bool with_lms;
    struct boot_keyring keyring; // one entry: both keys of this maker
    struct boot_header header;
    uint8_t image[MAKER_IMAGE_SIZE];
    uint8_t file[BOOT_FRONT_MAX + MAKER_IMAGE_SIZE];
    size_t size; // of the file
};

static inline void maker_open_lms(struct maker *m)
{
    m->lms.type = crypto_lms_type_of(5);       // SHA-256, H5
    m->lms.one_time = crypto_lmots_type_of(3); // W4
    memset(m->lms.id, 0x11, sizeof m->lms.id);
    memset(m->lms.seed, 0x22, sizeof m->lms.seed);
    m->tree = ROOM_OF(m->tree_memory);
    assert_ok(crypto_lms_make_tree(&m->lms, &m->tree));
    struct boot_key *key = &m->keyring.keys[0];
    key->has_lms = true;
    key->lms_required = true;
    bytes_put_be32(key->lms_public_key, 1);
    struct rotor_room room = {key->lms_public_key + 4, 56, 0};
    assert_ok(crypto_lms_public(&m->lms, bytes_in(&m->tree), &room));
}

// An enclave image, version 1.2.3, security version 7, not yet signed.
static inline void maker_open(struct maker *m, enum crypto_scheme scheme,
                              bool with_lms)
{
    memset(m, 0, sizeof *m);
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, 0x33, sizeof seed);
    assert_ok(crypto_key_derive(&m->ecdsa, scheme, seed));
    struct boot_key *key = &m->keyring.keys[0];
    key->scheme = scheme;
    struct rotor_room room = ROOM_OF(key->public_key);
    assert_ok(crypto_key_public(&m->ecdsa, &room));
    m->keyring.count = 1;
    m->with_lms = with_lms;
    for (size_t i = 0; i < sizeof m->image; i++) {
        m->image[i] = (uint8_t)(i * 7 + 1);
    }
    m->header = (struct boot_header){
        .component = BOOT_ENCLAVE,
        .version = BOOT_VERSION(1, 2, 3),
        .security_version = 7,
        .scheme = scheme,
        .image_size = sizeof m->image,
    };
    struct rotor_bytes image = BYTES_OF(m->image);
    assert_ok(crypto_hash(CRYPTO_SHA512, &image, 1, m->header.digest));
    assert_ok(boot_key_id(scheme, bytes_in(&room), m->header.signer_id));
    if (with_lms) {
        maker_open_lms(m);
        m->header.lms_size = 4 + crypto_lms_signature_size(&m->lms);
        assert_ok(boot_lms_key_id(BYTES_OF(key->lms_public_key),
                                  m->header.lms_signer_id));
    }
}

static inline void maker_close(struct maker *m)
{
    crypto_key_close(&m->ecdsa);
}

// Signs the header that stands in the file, as it is, with ECDSA.
static inline void maker_sign_ecdsa(struct maker *m)
{
    uint8_t message[BOOT_MESSAGE_SIZE];
    uint8_t *area = m->file + BOOT_HEADER_SIZE;
    struct rotor_room signature = {area, BOOT_ECDSA_AREA_SIZE, 0};
    boot_image_message(m->file, message);
    memset(area, 0, BOOT_ECDSA_AREA_SIZE);
    assert_ok(crypto_sign(&m->ecdsa, BYTES_OF(message), &signature));
}

// The same with LMS; always the same leaf, for this key guards nothing.
static inline void maker_sign_lms(struct maker *m)
{
    uint8_t message[BOOT_MESSAGE_SIZE];
    uint8_t *area = m->file + BOOT_FRONT_SIZE;
    struct rotor_room signature = {area + 4, BOOT_LMS_SIGNATURE_MAX - 4, 0};
    boot_image_message(m->file, message);
    bytes_put_be32(area, 0); // HSS with one level
    assert_ok(crypto_lms_sign(&m->lms, bytes_in(&m->tree), 3, BYTES_OF(message),
                              &signature));
}

// Makes the file that `header` says.
static inline void maker_sign(struct maker *m)
{
    assert_ok(boot_image_encode_header(&m->header, m->file));
    maker_sign_ecdsa(m);
    if (m->header.lms_size != 0) {
        maker_sign_lms(m);
    }
    uint8_t *image = m->file + BOOT_FRONT_SIZE + m->header.lms_size;
    memcpy(image, m->image, sizeof m->image);
    m->size = (size_t)(image - m->file) + sizeof m->image;
}

static inline void maker_make(struct maker *m, enum crypto_scheme scheme,
                              bool with_lms)
{
    maker_open(m, scheme, with_lms);
    maker_sign(m);
}

// Why the file is refused as an enclave image under `floor`; checks that
// verdict, reason and outputs agree.
static inline enum boot_reason maker_judge_at(const struct maker *m,
                                              uint32_t floor)
{
    // Exactly as long as it says, so that reads past its end are seen.
    uint8_t *file = malloc(m->size);
    memcpy(file, m->file, m->size);
    struct boot_image_check check = {
        .file = bytes_of(file, m->size),
        .keyring = &m->keyring,
        .component = BOOT_ENCLAVE,
        .floor = floor,
    };
    struct boot_parts parts;
    memset(&parts, 0x5a, sizeof parts);
    struct boot_parts before = parts;
    uint32_t verdict = BOOT_ACCEPTED;
    enum boot_reason reason = BOOT_GENUINE;
    assert_ok(boot_image_verify(&check, &verdict, &reason, &parts));
    bool is_accepted = boot_verdict_is_accepted(&verdict);
    assert_int_equal(is_accepted, reason == BOOT_GENUINE);
    assert_int_equal(verdict, is_accepted ? BOOT_ACCEPTED : BOOT_REJECTED);
    if (!is_accepted) {
        assert_memory_equal(&parts, &before, sizeof parts);
    }
    free(file);
    return reason;
}

static inline enum boot_reason maker_judge(const struct maker *m)
{
    return maker_judge_at(m, 7);
}

#endif
