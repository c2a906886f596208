// SPDX-License-Identifier: Apache-2.0
// Certificates in rotor's own profile.
#include "boot/certificate.h"
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"

struct stage {
    struct crypto_key issuer;
    struct crypto_key subject;
    struct boot_inputs inputs;
    uint8_t descriptor_memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room descriptor;
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room encoded;
    struct boot_certificate_check check;
};

// The UDS key vouches for the enclave's key.
static void open_stage(struct stage *s, enum crypto_scheme scheme)
{
    uint8_t uds[BOOT_UDS_SIZE] = {9};
    struct boot_cdis current;
    struct boot_cdis next;
    struct boot_descriptor descriptor = {BOOT_ENCLAVE, 0x01000000, 3, {4}};
    memset(s, 0, sizeof *s);
    s->descriptor = ROOM_OF(s->descriptor_memory);
    s->encoded = ROOM_OF(s->memory);
    assert_ok(boot_descriptor_encode(&descriptor, &s->descriptor));
    struct rotor_bytes view = bytes_in(&s->descriptor);
    memset(s->inputs.code_hash, 0x21, 64);
    memset(s->inputs.authority_hash, 0x43, 64);
    s->inputs.mode = BOOT_MODE_NORMAL;
    assert_ok(crypto_hash(CRYPTO_SHA512, &view, 1, s->inputs.configuration));
    boot_dice_init(&current, uds);
    assert_ok(boot_dice_derive(&current, &s->inputs, &next));
    assert_ok(boot_dice_key(current.attest, scheme, &s->issuer));
    assert_ok(boot_dice_key(next.attest, scheme, &s->subject));
    assert_ok(wire_key_of(&s->issuer, &s->check.issuer));
    s->check.usage = BOOT_USAGE_EVIDENCE;
}

static struct boot_subject subject_of(struct stage *s)
{
    return (struct boot_subject){&s->inputs, bytes_in(&s->descriptor),
                                 &s->subject, BOOT_USAGE_EVIDENCE};
}

static void sign_stage(struct stage *s)
{
    struct boot_subject subject = subject_of(s);
    assert_ok(boot_certificate_sign(&s->issuer, &subject, &s->encoded));
    s->check.encoded = bytes_in(&s->encoded);
}

static void close_stage(struct stage *s)
{
    crypto_key_close(&s->issuer);
    crypto_key_close(&s->subject);
}

static bool is_accepted(const struct boot_certificate_check *check)
{
    struct boot_vouched vouched;
    memset(&vouched, 0x5a, sizeof vouched);
    struct boot_vouched before = vouched;
    uint32_t verdict = BOOT_ACCEPTED;
    enum rotor_status status =
        boot_certificate_verify(check, &verdict, &vouched);
    bool accepted = boot_verdict_is_accepted(&verdict);
    assert_true(status == ROTOR_OK || !accepted);
    assert_int_equal(verdict, accepted ? BOOT_ACCEPTED : BOOT_REJECTED);
    if (!accepted) {
        assert_memory_equal(&vouched, &before, sizeof vouched);
    }
    return accepted;
}

static const enum crypto_scheme schemes[] = {CRYPTO_P256, CRYPTO_P384,
                                             CRYPTO_ED25519};

SPEC("a certificate says what stage 0 knew, under every scheme")
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct stage s;
        struct boot_vouched vouched;
        uint32_t verdict = 0;
        open_stage(&s, schemes[i]);
        sign_stage(&s);
        assert_ok(boot_certificate_verify(&s.check, &verdict, &vouched));
        assert_int_equal(verdict, BOOT_ACCEPTED);
        struct wire_key key;
        assert_ok(wire_key_of(&s.subject, &key));
        assert_true(wire_key_equal(&key, &vouched.claims.key));
        assert_memory_equal(vouched.claims.code_hash, s.inputs.code_hash, 64);
        assert_memory_equal(vouched.claims.authority_hash,
                            s.inputs.authority_hash, 64);
        assert_int_equal(vouched.claims.mode, BOOT_MODE_NORMAL);
        assert_int_equal(vouched.descriptor.component, BOOT_ENCLAVE);
        assert_int_equal(vouched.descriptor.security_version, 3);
        assert_true(s.encoded.used <= BOOT_CERTIFICATE_MAX);
        close_stage(&s);
    }
}

SPEC("every flip and every truncation of a certificate is refused")
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct stage s;
        open_stage(&s, schemes[i]);
        sign_stage(&s);
        size_t size = s.encoded.used;
        // P-384 is slow: one bit of each byte.
        size_t step = schemes[i] == CRYPTO_P384 ? 9 : 1;
        for (size_t bit = 0; bit < 8 * size; bit += step) {
            s.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(is_accepted(&s.check));
            s.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(is_accepted(&s.check));
        for (s.check.encoded.size = 0; s.check.encoded.size < size;
             s.check.encoded.size++) {
            assert_false(is_accepted(&s.check));
        }
        close_stage(&s);
    }
}

SPEC("another issuer, another scheme or another use is refused")
{
    struct stage s;
    open_stage(&s, CRYPTO_P256);
    sign_stage(&s);
    struct boot_certificate_check check = s.check;
    assert_ok(wire_key_of(&s.subject, &check.issuer));
    assert_false(is_accepted(&check));
    struct stage other;
    open_stage(&other, CRYPTO_P384);
    check.issuer = other.check.issuer;
    assert_false(is_accepted(&check));
    check = s.check;
    check.usage = BOOT_USAGE_CERTIFICATES;
    assert_false(is_accepted(&check));
    check.usage = BOOT_USAGE_NONE;
    assert_false(is_accepted(&check));
    check.issuer.bytes[0] ^= 1; // no point any more
    assert_false(is_accepted(&check));
    close_stage(&s);
    close_stage(&other);
}

// Signs claims that stage 0 would not make.
static void sign_claims(struct stage *s, const struct boot_claims *claims)
{
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    uint8_t message_memory[BOOT_CERTIFICATE_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    assert_ok(boot_claims_encode(claims, &payload));
    assert_ok(boot_certificate_signed_bytes(s->issuer.scheme,
                                            bytes_in(&payload), &message));
    assert_ok(crypto_sign(&s->issuer, bytes_in(&message), &signature));
    assert_ok(boot_certificate_encode(s->issuer.scheme, bytes_in(&payload),
                                      bytes_in(&signature), &s->encoded));
    s->check.encoded = bytes_in(&s->encoded);
}

static void change_issuer(struct boot_claims *claims)
{
    claims->issuer[0] ^= 1;
}
static void change_subject(struct boot_claims *claims)
{
    claims->subject[39] ^= 1;
}
static void change_hash(struct boot_claims *claims)
{
    claims->configuration_hash[0] ^= 1;
}
static void drop_profile(struct boot_claims *claims)
{
    claims->profile.size = 0;
}
static void change_profile(struct boot_claims *claims)
{
    claims->profile = LABEL("rotor.2");
}
static void inline_configuration(struct boot_claims *claims)
{
    claims->has_configuration_hash = false;
    claims->configuration = BYTES_OF(claims->configuration_hash);
}
static void change_key(struct boot_claims *claims)
{
    uint8_t cdi[32] = {77};
    struct crypto_key key;
    assert_ok(boot_dice_key(cdi, CRYPTO_P256, &key));
    assert_ok(wire_key_of(&key, &claims->key));
    crypto_key_close(&key);
}
static void change_nothing(struct boot_claims *claims)
{
    (void)claims;
}

SPEC("genuine signatures over claims outside the profile are refused")
{
    static void (*const changes[])(struct boot_claims *) = {
        change_nothing, change_issuer,  change_subject,       change_hash,
        drop_profile,   change_profile, inline_configuration, change_key,
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct stage s;
        struct boot_certificate certificate;
        uint8_t copy[BOOT_CERTIFICATE_MAX];
        open_stage(&s, CRYPTO_P256);
        sign_stage(&s);
        memcpy(copy, s.memory, s.encoded.used);
        assert_ok(boot_certificate_decode(bytes_of(copy, s.encoded.used),
                                          &certificate));
        changes[i](&certificate.claims);
        sign_claims(&s, &certificate.claims);
        assert_int_equal(is_accepted(&s.check), i == 0);
        close_stage(&s);
    }
}

SPEC("a descriptor that hashes right and does not parse is refused")
{
    struct stage s;
    struct boot_certificate certificate;
    uint8_t copy[BOOT_CERTIFICATE_MAX];
    open_stage(&s, CRYPTO_P256);
    sign_stage(&s);
    memcpy(copy, s.memory, s.encoded.used);
    assert_ok(
        boot_certificate_decode(bytes_of(copy, s.encoded.used), &certificate));
    struct boot_claims *claims = &certificate.claims;
    claims->configuration = LABEL("no descriptor");
    assert_ok(crypto_hash(CRYPTO_SHA512, &claims->configuration, 1,
                          claims->configuration_hash));
    sign_claims(&s, claims);
    assert_false(is_accepted(&s.check));
    close_stage(&s);
}

SPEC("stage 0 does not sign a descriptor that it did not measure")
{
    struct stage s;
    open_stage(&s, CRYPTO_P256);
    struct boot_subject subject = subject_of(&s);
    subject.descriptor.size--;
    assert_int_equal(boot_certificate_sign(&s.issuer, &subject, &s.encoded),
                     ROTOR_INVALID);
    subject = subject_of(&s);
    s.inputs.configuration[5] ^= 1;
    assert_int_equal(boot_certificate_sign(&s.issuer, &subject, &s.encoded),
                     ROTOR_INVALID);
    s.inputs.configuration[5] ^= 1;
    subject.usage = BOOT_USAGE_NONE;
    assert_int_equal(boot_certificate_sign(&s.issuer, &subject, &s.encoded),
                     ROTOR_INVALID);
    subject = subject_of(&s);
    struct rotor_bytes other = LABEL("no descriptor");
    subject.descriptor = other;
    assert_ok(crypto_hash(CRYPTO_SHA512, &other, 1, s.inputs.configuration));
    assert_int_equal(boot_certificate_sign(&s.issuer, &subject, &s.encoded),
                     ROTOR_INVALID);
    assert_int_equal(s.encoded.used, 0);
    close_stage(&s);
}

// ---- form ------------------------------------------------------------------

// Decodes, and checks that what it takes has this one encoding.
static bool has_form(struct rotor_bytes encoded)
{
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room again = ROOM_OF(memory);
    struct boot_certificate certificate;
    if (boot_certificate_decode(encoded, &certificate) != ROTOR_OK) {
        return false;
    }
    assert_ok(boot_claims_encode(&certificate.claims, &payload));
    assert_ok(boot_certificate_encode(certificate.scheme, bytes_in(&payload),
                                      certificate.signature, &again));
    assert_true(bytes_equal(bytes_in(&again), encoded));
    return true;
}

SPEC("whatever byte of a certificate becomes whatever value: what decode "
     "takes has no other encoding")
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct stage s;
        size_t taken = 0;
        open_stage(&s, schemes[i]);
        sign_stage(&s);
        struct rotor_bytes encoded = bytes_in(&s.encoded);
        for (size_t at = 0; at < encoded.size; at++) {
            uint8_t kept = s.memory[at];
            for (unsigned value = 0; value < 256; value++) {
                s.memory[at] = (uint8_t)value;
                taken += has_form(encoded);
            }
            s.memory[at] = kept;
        }
        assert_true(taken > 256 * 100); // hashes and signatures are free
        close_stage(&s);
    }
}

SPEC("a certificate with a byte behind it, without its end or with an empty "
     "profile has not the form")
{
    struct stage s;
    struct boot_certificate certificate;
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    open_stage(&s, CRYPTO_P256);
    sign_stage(&s);
    assert_ok(boot_certificate_decode(s.check.encoded, &certificate));
    assert_false(has_form(bytes_of(s.memory, s.encoded.used + 1)));
    assert_false(has_form(bytes_of(s.memory, s.encoded.used - 1)));

    struct boot_claims claims = certificate.claims;
    claims.profile = LABEL("x");
    assert_ok(boot_claims_encode(&claims, &payload));
    assert_true(boot_claims_decode(bytes_in(&payload), &claims));
    payload_memory[payload.used - 2] = 0x60; // text of no bytes
    payload.used--;
    assert_false(boot_claims_decode(bytes_in(&payload), &claims));
    close_stage(&s);
}

// Puts together by hand what encode would not.
static bool parts_have_form(struct rotor_bytes protected_header,
                            struct rotor_bytes payload,
                            struct rotor_bytes signature)
{
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, protected_header);
    cbor_write_map(&out, 0);
    cbor_write_bytes(&out, payload);
    cbor_write_bytes(&out, signature);
    assert_ok(cbor_writer_finish(&out));
    return has_form(bytes_in(&room));
}

SPEC("a header that says more, an algorithm that does not sign and a "
     "signature of another size have not the form")
{
    struct stage s;
    struct boot_certificate certificate;
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room room = ROOM_OF(memory);
    static const uint8_t es256[] = {0xa1, 0x01, 0x26, 0x00};
    static const uint8_t unknown[] = {0xa1, 0x01, 0x25}; // {1: -6}
    open_stage(&s, CRYPTO_P256);
    sign_stage(&s);
    assert_ok(boot_certificate_decode(s.check.encoded, &certificate));
    struct rotor_bytes payload = certificate.payload;
    struct rotor_bytes signature = certificate.signature;
    struct rotor_bytes nothing = bytes_of(NULL, 0);
    assert_true(parts_have_form(bytes_of(es256, 3), payload, signature));
    assert_false(parts_have_form(bytes_of(es256, 4), payload, signature));
    assert_false(parts_have_form(BYTES_OF(unknown), payload, nothing));
    signature.size--;
    assert_false(parts_have_form(bytes_of(es256, 3), payload, signature));
    assert_int_equal(
        boot_certificate_encode(CRYPTO_P256, payload, signature, &room),
        ROTOR_INVALID);
    assert_int_equal(
        boot_certificate_encode(CRYPTO_X25519, payload, nothing, &room),
        ROTOR_INVALID);
    close_stage(&s);
}

SPEC("the algorithm is the issuer key's: its genuine signature under another "
     "name is refused")
{
    struct stage s;
    struct boot_certificate certificate;
    uint8_t copy[BOOT_CERTIFICATE_MAX];
    uint8_t message_memory[BOOT_CERTIFICATE_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    open_stage(&s, CRYPTO_P256);
    sign_stage(&s);
    memcpy(copy, s.memory, s.encoded.used);
    assert_ok(
        boot_certificate_decode(bytes_of(copy, s.encoded.used), &certificate));
    assert_ok(boot_certificate_signed_bytes(CRYPTO_ED25519, certificate.payload,
                                            &message));
    assert_ok(crypto_sign(&s.issuer, bytes_in(&message), &signature));
    assert_ok(boot_certificate_encode(CRYPTO_ED25519, certificate.payload,
                                      bytes_in(&signature), &s.encoded));
    s.check.encoded = bytes_in(&s.encoded);
    assert_false(is_accepted(&s.check));
    close_stage(&s);
}

SPEC("claims that decode would refuse are not encoded")
{
    struct boot_claims good = {.key = {.type = WIRE_KEY_ED25519},
                               .has_configuration_hash = true,
                               .configuration = LABEL("x"),
                               .usage = BOOT_USAGE_EVIDENCE};
    uint8_t memory[BOOT_CLAIMS_MAX];
    uint8_t long_bytes[300] = {0};
    struct rotor_room room = ROOM_OF(memory);
    memset(good.issuer, 'a', sizeof good.issuer);
    memset(good.subject, 'b', sizeof good.subject);
    assert_ok(boot_claims_encode(&good, &room));
    struct boot_claims bad = good;
    bad.key.type = WIRE_KEY_X25519;
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
    bad = good;
    bad.mode = (enum boot_mode)4;
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
    bad = good;
    bad.configuration = BYTES_OF(long_bytes);
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
    bad = good;
    bad.has_configuration_hash = false;
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
    bad = good;
    bad.profile = bytes_of(long_bytes, 33);
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
    bad = good;
    bad.usage = (enum boot_usage)0x21;
    assert_int_equal(boot_claims_encode(&bad, &room), ROTOR_INVALID);
}
