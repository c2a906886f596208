// SPDX-License-Identifier: Apache-2.0
// DICE against the known answers of open-dice.
#include "boot/certificate.h"
#include "test/spec.h"
#include "test/spec/vectors.h"

#include <string.h>

#include "base/bytes.h"

#define FOLDER "dice/open-dice/"

static const char *const cases[] = {"ZeroInput", "HashOnlyInput",
                                    "DescriptorInput"};

static void copy_field(struct vectors *v, const json_t *object,
                       const char *name, uint8_t *out, size_t size)
{
    struct rotor_bytes bytes = vectors_bytes(v, object, name);
    assert_int_equal(bytes.size, size);
    memcpy(out, bytes.data, size);
}

// False: no vectors.
static bool read_case(const char *name, struct boot_cdis *current,
                      struct boot_inputs *inputs)
{
    struct vectors v;
    if (!vectors_open(&v, FOLDER "inputs.json")) {
        return false;
    }
    const json_t *object = json_object_get(v.root, name);
    memset(inputs, 0, sizeof *inputs);
    copy_field(&v, object, "cdi_attest", current->attest, 32);
    copy_field(&v, object, "cdi_seal", current->seal, 32);
    copy_field(&v, object, "code_hash", inputs->code_hash, 64);
    copy_field(&v, object, "authority_hash", inputs->authority_hash, 64);
    copy_field(&v, object, "hidden", inputs->hidden, 64);
    inputs->mode = (enum boot_mode)vectors_number(object, "mode");
    if (strcmp(vectors_text(object, "config_type"), "inline") == 0) {
        copy_field(&v, object, "config_value", inputs->configuration, 64);
    } else {
        struct rotor_bytes descriptor =
            vectors_bytes(&v, object, "config_descriptor");
        assert_ok(
            crypto_hash(CRYPTO_SHA512, &descriptor, 1, inputs->configuration));
    }
    vectors_close(&v);
    return true;
}

// False: no such file (open-dice has no attestation CDI for Descriptor).
static bool is_content(const char *kind, const char *name, const char *end,
                       struct rotor_bytes expected)
{
    char path[200];
    struct vectors v;
    struct rotor_bytes content;
    snprintf(path, sizeof path, FOLDER "kExpected%s_%s.%s", kind, name, end);
    if (!vectors_open_bytes(&v, path, &content)) {
        return false;
    }
    assert_true(bytes_equal(content, expected));
    vectors_close(&v);
    return true;
}

SPEC("CDIs are those of open-dice")
{
    unsigned compared = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct boot_cdis current;
        struct boot_cdis next;
        struct boot_inputs inputs;
        if (!read_case(cases[i], &current, &inputs)) {
            SKIP("no vectors");
        }
        assert_ok(boot_dice_derive(&current, &inputs, &next));
        compared +=
            is_content("CdiAttest", cases[i], "bin", BYTES_OF(next.attest));
        compared += is_content("CdiSeal", cases[i], "bin", BYTES_OF(next.seal));
    }
    assert_int_equal(compared, 5);
}

// ---- certificates of open-dice ---------------------------------------------

struct kind {
    const char *name;
    enum crypto_scheme scheme;
};

static const struct kind kinds[] = {
    {"CborP256Cert",    CRYPTO_P256   },
    {"CborP384Cert",    CRYPTO_P384   },
    {"CborEd25519Cert", CRYPTO_ED25519},
};

static void assert_named(const struct crypto_key *key, const uint8_t id[40])
{
    struct wire_key public_key;
    uint8_t expected[BOOT_DICE_ID_SIZE];
    assert_ok(wire_key_of(key, &public_key));
    assert_ok(boot_dice_id(wire_key_bytes(&public_key), expected));
    assert_memory_equal(id, expected, BOOT_DICE_ID_SIZE);
}

// Everything in the certificate is what we derive from the inputs.
static void compare_certificate(const struct kind *kind, const char *name,
                                struct rotor_bytes encoded)
{
    struct boot_cdis current;
    struct boot_cdis next;
    struct boot_inputs inputs;
    struct crypto_key issuer;
    struct crypto_key subject;
    struct boot_certificate certificate;
    assert_true(read_case(name, &current, &inputs));
    assert_ok(boot_dice_derive(&current, &inputs, &next));
    assert_ok(boot_dice_key(current.attest, kind->scheme, &issuer));
    assert_ok(boot_dice_key(next.attest, kind->scheme, &subject));
    assert_ok(boot_certificate_decode(encoded, &certificate));
    const struct boot_claims *claims = &certificate.claims;
    assert_int_equal(certificate.scheme, kind->scheme);
    assert_named(&issuer, claims->issuer);
    assert_named(&subject, claims->subject);
    struct wire_key key;
    assert_ok(wire_key_of(&subject, &key));
    assert_true(wire_key_equal(&key, &claims->key));
    assert_memory_equal(claims->code_hash, inputs.code_hash, 64);
    assert_memory_equal(claims->authority_hash, inputs.authority_hash, 64);
    assert_false(claims->has_configuration_hash);
    assert_true(
        bytes_equal(claims->configuration, BYTES_OF(inputs.configuration)));
    assert_int_equal(claims->mode, inputs.mode);
    assert_int_equal(claims->usage, BOOT_USAGE_CERTIFICATES);

    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room message = ROOM_OF(memory);
    bool valid = false;
    assert_ok(boot_certificate_signed_bytes(kind->scheme, certificate.payload,
                                            &message));
    assert_ok(crypto_verify(&issuer, bytes_in(&message), certificate.signature,
                            &valid));
    assert_true(valid);
    if (kind->scheme == CRYPTO_ED25519) { // the one that is deterministic
        uint8_t signature_memory[64];
        struct rotor_room signature = ROOM_OF(signature_memory);
        assert_ok(crypto_sign(&issuer, bytes_in(&message), &signature));
        assert_true(bytes_equal(bytes_in(&signature), certificate.signature));
    }
    crypto_key_close(&issuer);
    crypto_key_close(&subject);
}

static void assert_encodes_again(struct rotor_bytes encoded)
{
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    uint8_t memory[BOOT_CERTIFICATE_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room again = ROOM_OF(memory);
    struct boot_certificate certificate;
    assert_ok(boot_certificate_decode(encoded, &certificate));
    assert_ok(boot_claims_encode(&certificate.claims, &payload));
    assert_true(bytes_equal(bytes_in(&payload), certificate.payload));
    assert_ok(boot_certificate_encode(certificate.scheme, bytes_in(&payload),
                                      certificate.signature, &again));
    assert_true(bytes_equal(bytes_in(&again), encoded));
}

SPEC("keys, names and certificates are those of open-dice, byte for byte")
{
    for (size_t i = 0; i < 2 * COUNT_OF(kinds); i++) {
        const struct kind *kind = &kinds[i / 2];
        const char *name = cases[i % 2];
        char path[200];
        struct vectors v;
        struct rotor_bytes encoded;
        snprintf(path, sizeof path, FOLDER "kExpected%s_%s.cbor", kind->name,
                 name);
        if (!vectors_open_bytes(&v, path, &encoded)) {
            SKIP("no vectors");
        }
        compare_certificate(kind, name, encoded);
        assert_encodes_again(encoded);
        vectors_close(&v);
    }
}

// ---- what depends on what --------------------------------------------------

SPEC("the sealing CDI survives an update and nothing else; the attestation "
     "CDI survives nothing")
{
    uint8_t uds[BOOT_UDS_SIZE] = {1, 2, 3};
    struct boot_cdis first;
    struct boot_cdis base;
    struct boot_inputs inputs = {.mode = BOOT_MODE_NORMAL};
    boot_dice_init(&first, uds);
    assert_ok(boot_dice_derive(&first, &inputs, &base));
    assert_memory_not_equal(base.attest, base.seal, 32);
    struct boot_inputs changed[5];
    for (size_t i = 0; i < 5; i++) {
        changed[i] = inputs;
    }
    changed[0].code_hash[63] ^= 1;
    changed[1].configuration[0] ^= 1;
    changed[2].authority_hash[7] ^= 1;
    changed[3].mode = BOOT_MODE_DEBUG;
    changed[4].hidden[63] ^= 1;
    for (size_t i = 0; i < 5; i++) {
        struct boot_cdis next;
        assert_ok(boot_dice_derive(&first, &changed[i], &next));
        assert_memory_not_equal(next.attest, base.attest, 32);
        assert_int_equal(memcmp(next.seal, base.seal, 32) == 0, i < 2);
    }
    uds[31] ^= 1;
    struct boot_cdis other;
    boot_dice_init(&first, uds);
    assert_ok(boot_dice_derive(&first, &inputs, &other));
    assert_memory_not_equal(other.attest, base.attest, 32);
    assert_memory_not_equal(other.seal, base.seal, 32);
}

SPEC("a CDI has no key of a scheme that does not sign")
{
    uint8_t cdi[BOOT_CDI_SIZE] = {0};
    struct crypto_key key = {0};
    assert_int_equal(boot_dice_key(cdi, CRYPTO_X25519, &key), ROTOR_INVALID);
    assert_int_equal(boot_dice_key(cdi, CRYPTO_SCHEME_NONE, &key),
                     ROTOR_INVALID);
}

// ---- descriptor and measurement --------------------------------------------

SPEC("a descriptor comes back as it was written and no flip of it is taken "
     "for another encoding")
{
    struct boot_descriptor descriptor = {BOOT_ENCLAVE, 0x01020003, 300, {5}};
    struct boot_descriptor decoded;
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(boot_descriptor_encode(&descriptor, &room));
    assert_ok(boot_descriptor_decode(bytes_in(&room), &decoded));
    assert_int_equal(decoded.component, BOOT_ENCLAVE);
    assert_int_equal(decoded.version, 0x01020003);
    assert_int_equal(decoded.security_version, 300);
    assert_memory_equal(decoded.configuration, descriptor.configuration, 64);
    for (size_t bit = 0; bit < 8 * room.used; bit++) {
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (boot_descriptor_decode(bytes_in(&room), &decoded) == ROTOR_OK) {
            uint8_t again_memory[BOOT_DESCRIPTOR_MAX];
            struct rotor_room again = ROOM_OF(again_memory);
            assert_ok(boot_descriptor_encode(&decoded, &again));
            assert_true(bytes_equal(bytes_in(&again), bytes_in(&room)));
        }
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < room.used; size++) {
        assert_int_equal(
            boot_descriptor_decode(bytes_of(memory, size), &decoded),
            ROTOR_MALFORMED);
    }
    descriptor.component = BOOT_COMPONENT_NONE;
    assert_int_equal(boot_descriptor_encode(&descriptor, &room), ROTOR_INVALID);
}

SPEC("a descriptor of an unknown component is refused")
{
    struct boot_descriptor descriptor = {.component = BOOT_RTP};
    struct boot_descriptor decoded;
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(boot_descriptor_encode(&descriptor, &room));
    uint8_t *name = memory;
    while (memcmp(name, "rtp", 3) != 0) {
        name++;
    }
    name[2] = 'q';
    assert_int_equal(boot_descriptor_decode(bytes_in(&room), &decoded),
                     ROTOR_MALFORMED);
}

SPEC("the measurement is the hash of label, code hash and descriptor hash")
{
    uint8_t concatenation[19 + 128];
    uint8_t code_hash[64];
    uint8_t expected[48];
    struct wire_digest measurement;
    struct rotor_bytes descriptor = LABEL("any descriptor");
    static const enum crypto_hash algs[] = {CRYPTO_SHA256, CRYPTO_SHA384};
    memset(code_hash, 0x77, sizeof code_hash);
    memcpy(concatenation, "rotor1 measurement", 19);
    memcpy(concatenation + 19, code_hash, 64);
    assert_ok(
        crypto_hash(CRYPTO_SHA512, &descriptor, 1, concatenation + 19 + 64));
    struct rotor_bytes all = BYTES_OF(concatenation);
    for (size_t i = 0; i < COUNT_OF(algs); i++) {
        assert_ok(boot_measure(algs[i], code_hash, descriptor, &measurement));
        assert_ok(crypto_hash(algs[i], &all, 1, expected));
        assert_int_equal(measurement.alg, algs[i]);
        assert_memory_equal(measurement.bytes, expected,
                            crypto_hash_size(algs[i]));
    }
    assert_int_equal(
        boot_measure(CRYPTO_SHA512, code_hash, descriptor, &measurement),
        ROTOR_INVALID);
}
