// SPDX-License-Identifier: Apache-2.0
// Glitches: a verification primitive that says "valid" at one chosen call.
// Linked with --wrap for crypto_verify, crypto_hss_verify and crypto_hash.
#include "boot/certificate.h"
#include "test/spec/boot_maker.h"

// Calls left until the glitch; 0: none, negative: from now on every call.
static int verify_glitch;
static int hss_glitch;
static int hash_glitch;
static uint8_t glitch_digest[64];

static bool strikes(int *countdown)
{
    if (*countdown < 0) {
        return true;
    }
    return *countdown > 0 && --*countdown == 0;
}

ROTOR_CALL __real_crypto_verify(const struct crypto_key *key,
                                struct rotor_bytes message,
                                struct rotor_bytes signature, bool *valid);
ROTOR_CALL __wrap_crypto_verify(const struct crypto_key *key,
                                struct rotor_bytes message,
                                struct rotor_bytes signature, bool *valid);
enum rotor_status __wrap_crypto_verify(const struct crypto_key *key,
                                       struct rotor_bytes message,
                                       struct rotor_bytes signature,
                                       bool *valid)
{
    enum rotor_status status =
        __real_crypto_verify(key, message, signature, valid);
    *valid = *valid || strikes(&verify_glitch);
    return status;
}

ROTOR_CALL __real_crypto_hss_verify(struct rotor_bytes public_key,
                                    struct rotor_bytes message,
                                    struct rotor_bytes signature, bool *valid);
ROTOR_CALL __wrap_crypto_hss_verify(struct rotor_bytes public_key,
                                    struct rotor_bytes message,
                                    struct rotor_bytes signature, bool *valid);
enum rotor_status __wrap_crypto_hss_verify(struct rotor_bytes public_key,
                                           struct rotor_bytes message,
                                           struct rotor_bytes signature,
                                           bool *valid)
{
    enum rotor_status status =
        __real_crypto_hss_verify(public_key, message, signature, valid);
    *valid = *valid || strikes(&hss_glitch);
    return status;
}

ROTOR_CALL __real_crypto_hash(enum crypto_hash hash,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *digest);
ROTOR_CALL __wrap_crypto_hash(enum crypto_hash hash,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *digest);
enum rotor_status __wrap_crypto_hash(enum crypto_hash hash,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest)
{
    enum rotor_status status = __real_crypto_hash(hash, parts, count, digest);
    if (hash == CRYPTO_SHA512 && strikes(&hash_glitch)) {
        memcpy(digest, glitch_digest, sizeof glitch_digest);
    }
    return status;
}

SPEC("one glitched ECDSA verification does not accept an image, two do")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, false);
    m.file[BOOT_HEADER_SIZE] ^= 1;
    for (int call = 1; call <= 2; call++) {
        verify_glitch = call;
        enum boot_reason reason = maker_judge(&m);
        assert_int_equal(reason,
                         call == 1 ? BOOT_FAULT : BOOT_BAD_ECDSA_SIGNATURE);
    }
    verify_glitch = -1; // what two rounds do not defend against
    assert_int_equal(maker_judge(&m), BOOT_GENUINE);
    verify_glitch = 0;
    maker_close(&m);
}

SPEC("one glitched LMS verification does not accept an image")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    m.file[BOOT_FRONT_SIZE + 9] ^= 1;
    hss_glitch = 1;
    assert_int_equal(maker_judge(&m), BOOT_FAULT);
    hss_glitch = 0;
    maker_close(&m);
}

SPEC("one glitched digest does not accept an image")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, false);
    memcpy(glitch_digest, m.header.digest, sizeof glitch_digest);
    m.file[m.size - 1] ^= 1;
    hash_glitch = 1;
    assert_int_equal(maker_judge(&m), BOOT_FAULT);
    hash_glitch = 0;
    maker_close(&m);
}

SPEC("one glitched verification does not accept a certificate")
{
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    uint8_t descriptor_memory[BOOT_DESCRIPTOR_MAX];
    uint8_t uds[32] = {1};
    struct rotor_room encoded = ROOM_OF(memory);
    struct rotor_room descriptor = ROOM_OF(descriptor_memory);
    struct boot_descriptor described = {.component = BOOT_RTP};
    struct boot_inputs inputs = {.mode = BOOT_MODE_NORMAL};
    struct crypto_key issuer;
    struct boot_certificate_check check = {.usage = BOOT_USAGE_EVIDENCE};
    assert_ok(boot_descriptor_encode(&described, &descriptor));
    struct rotor_bytes view = bytes_in(&descriptor);
    assert_ok(crypto_hash(CRYPTO_SHA512, &view, 1, inputs.configuration));
    assert_ok(boot_dice_key(uds, CRYPTO_P256, &issuer));
    struct boot_subject subject = {&inputs, view, &issuer, BOOT_USAGE_EVIDENCE};
    assert_ok(boot_certificate_sign(&issuer, &subject, &encoded));
    memory[encoded.used - 1] ^= 1;
    check.encoded = bytes_in(&encoded);
    assert_ok(wire_key_of(&issuer, &check.issuer));
    for (int call = 1; call <= 2; call++) {
        struct boot_vouched vouched;
        uint32_t verdict = BOOT_ACCEPTED;
        verify_glitch = call;
        assert_ok(boot_certificate_verify(&check, &verdict, &vouched));
        assert_int_equal(verdict, BOOT_REJECTED);
    }
    verify_glitch = 0;
    crypto_key_close(&issuer);
}
