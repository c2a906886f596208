// SPDX-License-Identifier: Apache-2.0
// Every parser of boot/.  The first byte picks one; what it takes it must
// write again byte for byte, so that there is one encoding for each value.
#include <string.h>

#include "base/bytes.h"
#include "boot/certificate.h"
#include "boot/image.h"
#include "boot/slots.h"
#include "test/fuzz/fuzz.h"

static uint8_t memory[1u << 16];

static void must_be(const struct rotor_room *again, struct rotor_bytes input)
{
    FUZZ_CHECK(bytes_equal(bytes_in(again), input));
}

static void try_image(struct rotor_bytes input)
{
    struct boot_parts parts;
    struct rotor_room front = ROOM_OF(memory);
    enum boot_reason reason = BOOT_UNDECIDED;
    boot_image_decode(input, &parts, &reason);
    FUZZ_CHECK(reason != BOOT_UNDECIDED && boot_reason_text(reason) != NULL);
    if (reason != BOOT_GENUINE) {
        return;
    }
    FUZZ_CHECK(boot_image_encode_front(&parts.header, parts.ecdsa_signature,
                                       parts.lms_signature,
                                       &front) == ROTOR_OK);
    FUZZ_CHECK(front.used + parts.image.size == input.size);
    must_be(&front, bytes_of(input.data, front.used));
}

// A stranger's image: whatever the bytes, the verdict is no.
static void try_verdict(struct rotor_bytes input)
{
    static const struct boot_keyring keyring = {
        .keys = {{.scheme = CRYPTO_P256, .public_key = {1}}}, .count = 1};
    struct boot_image_check check = {input, &keyring, BOOT_RTP, 0};
    struct boot_parts parts;
    enum boot_reason reason = BOOT_GENUINE;
    uint32_t verdict = BOOT_ACCEPTED;
    enum rotor_status status =
        boot_image_verify(&check, &verdict, &reason, &parts);
    // The stranger's own key is no point: that may be reported, too.
    FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_MALFORMED);
    FUZZ_CHECK(verdict == BOOT_REJECTED && reason != BOOT_GENUINE);
}

static void try_keyring(struct rotor_bytes input)
{
    struct boot_keyring keyring;
    struct rotor_room again = ROOM_OF(memory);
    if (boot_keyring_decode(input, &keyring) == ROTOR_OK) {
        FUZZ_CHECK(boot_keyring_encode(&keyring, &again) == ROTOR_OK);
        must_be(&again, input);
    }
}

static void try_descriptor(struct rotor_bytes input)
{
    struct boot_descriptor descriptor;
    struct rotor_room again = ROOM_OF(memory);
    if (boot_descriptor_decode(input, &descriptor) == ROTOR_OK) {
        FUZZ_CHECK(boot_descriptor_encode(&descriptor, &again) == ROTOR_OK);
        must_be(&again, input);
    }
}

static void try_certificate(struct rotor_bytes input)
{
    struct boot_certificate certificate;
    uint8_t payload_memory[BOOT_CLAIMS_MAX];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room again = ROOM_OF(memory);
    if (boot_certificate_decode(input, &certificate) != ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(boot_claims_encode(&certificate.claims, &payload) == ROTOR_OK);
    must_be(&payload, certificate.payload);
    FUZZ_CHECK(boot_certificate_encode(certificate.scheme, bytes_in(&payload),
                                       certificate.signature,
                                       &again) == ROTOR_OK);
    must_be(&again, input);
}

// The hash is made right first: otherwise no input comes past it.
static void try_slots(struct rotor_bytes input)
{
    uint8_t record[BOOT_SLOTS_RECORD_SIZE] = {0};
    uint8_t again[BOOT_SLOTS_RECORD_SIZE];
    struct boot_slots slots;
    bool found = false;
    size_t copy = 0;
    memcpy(record, input.data, input.size < 224 ? input.size : 224);
    struct rotor_bytes parts[] = {LABEL("rotor1 slots\0"),
                                  bytes_of(record, 224)};
    FUZZ_CHECK(crypto_hash(CRYPTO_SHA256, parts, 2, record + 224) == ROTOR_OK);
    struct rotor_bytes copies[] = {BYTES_OF(record), BYTES_OF(record)};
    if (boot_slots_decode(copies, BOOT_ENCLAVE, &slots, &found) == ROTOR_OK) {
        FUZZ_CHECK(found);
        slots.sequence--;
        FUZZ_CHECK(boot_slots_encode(&slots, again, &copy) == ROTOR_OK);
        FUZZ_CHECK(memcmp(again, record, sizeof again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(struct rotor_bytes) = {
        try_image,      try_verdict,     try_keyring,
        try_descriptor, try_certificate, try_slots,
    };
    if (size == 0) {
        return 0;
    }
    parsers[data[0] % COUNT_OF(parsers)](bytes_of(data + 1, size - 1));
    return 0;
}
