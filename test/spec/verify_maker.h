// SPDX-License-Identifier: Apache-2.0
// A device whose enclave makes Evidence, true or false.
#ifndef ROTOR_TEST_SPEC_VERIFY_MAKER_H
#define ROTOR_TEST_SPEC_VERIFY_MAKER_H

#include <string.h>

#include "base/bytes.h"
#include "boot/certificate.h"
#include "chain/eat.h"
#include "test/spec.h"
#include "verify/evidence.h"

// What a test may change before maker_device_open.
struct device_traits {
    uint8_t uds_byte;
    uint8_t code_byte;
    enum boot_mode mode;
    enum boot_component component;
    uint32_t security_version;
};

static const struct device_traits GENUINE = {
    .uds_byte = 9,
    .code_byte = 0x21,
    .mode = BOOT_MODE_NORMAL,
    .component = BOOT_ENCLAVE,
    .security_version = 3,
};

struct device {
    struct crypto_key uds;
    struct crypto_key attest;
    struct wire_key uds_key;
    uint8_t uds_key_bytes[WIRE_KEY_ENCODED_MAX];
    struct rotor_room uds_room;
    uint8_t certificate_bytes[BOOT_CERTIFICATE_MAX];
    struct rotor_room certificate;
    struct wire_digest instance;
    struct wire_digest measurement;
    struct boot_inputs inputs;
    struct wire_claims claims;
};

static inline void device_open(struct device *device,
                               const struct device_traits *traits)
{
    static const uint8_t NO_KIDS[] = {0x80};
    uint8_t uds[BOOT_UDS_SIZE] = {traits->uds_byte};
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room descriptor = ROOM_OF(memory);
    struct boot_cdis first;
    struct boot_cdis cdis;
    const struct boot_descriptor described = {
        traits->component, 0x01020000, traits->security_version, {4}};
    memset(device, 0, sizeof *device);
    assert_ok(boot_descriptor_encode(&described, &descriptor));
    memset(device->inputs.code_hash, traits->code_byte, BOOT_INPUT_SIZE);
    memset(device->inputs.authority_hash, 0x43, BOOT_INPUT_SIZE);
    device->inputs.mode = traits->mode;
    struct rotor_bytes view = bytes_in(&descriptor);
    assert_ok(
        crypto_hash(CRYPTO_SHA512, &view, 1, device->inputs.configuration));
    boot_dice_init(&first, uds);
    assert_ok(boot_dice_derive(&first, &device->inputs, &cdis));
    assert_ok(boot_dice_key(first.attest, CRYPTO_P256, &device->uds));
    assert_ok(boot_dice_key(cdis.attest, CRYPTO_P256, &device->attest));
    assert_ok(wire_key_of(&device->uds, &device->uds_key));
    device->uds_room = ROOM_OF(device->uds_key_bytes);
    assert_ok(wire_key_encode(&device->uds_key, &device->uds_room));
    device->certificate = ROOM_OF(device->certificate_bytes);
    const struct boot_subject subject = {&device->inputs, view, &device->attest,
                                         BOOT_USAGE_EVIDENCE};
    assert_ok(
        boot_certificate_sign(&device->uds, &subject, &device->certificate));
    struct rotor_bytes uds_key = bytes_in(&device->uds_room);
    device->instance.alg = CRYPTO_SHA256;
    assert_ok(crypto_hash(CRYPTO_SHA256, &uds_key, 1, device->instance.bytes));
    assert_ok(boot_measure(CRYPTO_SHA256, device->inputs.code_hash, view,
                           &device->measurement));
    device->claims = (struct wire_claims){
        .service_kids = BYTES_OF(NO_KIDS),
        .limits = {60, 24},
        .measurement = device->measurement,
    };
}

static inline void device_close(struct device *device)
{
    crypto_key_close(&device->uds);
    crypto_key_close(&device->attest);
}

static inline void device_claims(const struct device *device,
                                 struct rotor_room *claims)
{
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLAIMS, &device->claims, claims));
}

static inline void device_attest(const struct device *device,
                                 const uint8_t ud[CHAIN_UD_SIZE],
                                 struct rotor_room *evidence)
{
    uint8_t memory[512];
    struct rotor_room claims = ROOM_OF(memory);
    const struct chain_attester attester = {&device->attest,
                                            bytes_in(&device->uds_room),
                                            bytes_in(&device->certificate)};
    device_claims(device, &claims);
    assert_ok(chain_attest(&attester, ud, bytes_in(&claims), evidence));
}

#endif
