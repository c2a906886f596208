// SPDX-License-Identifier: Apache-2.0
// What is started, as the attested configuration.  doc/PROTOCOL.boot 4.2.
#include <string.h>

#include "base/bytes.h"
#include "boot/dice.h"
#include "wire/cbor.h"

// Keys: -70xxx are those of the Open Profile, 1 is ours.
enum {
    KEY_CONFIGURATION = 1,
    KEY_COMPONENT_NAME = -70002,
    KEY_COMPONENT_VERSION = -70003,
    KEY_SECURITY_VERSION = -70005,
};

static struct rotor_bytes name_of(enum boot_component component)
{
    switch (component) {
    case BOOT_RTP:
        return LABEL("rotor rtp");
    case BOOT_ENCLAVE:
        return LABEL("rotor enclave");
    case BOOT_COMPONENT_NONE:
        break;
    }
    return bytes_of(NULL, 0);
}

static enum boot_component component_of(struct rotor_bytes name)
{
    if (bytes_equal(name, name_of(BOOT_RTP))) {
        return BOOT_RTP;
    }
    bool is_enclave = bytes_equal(name, name_of(BOOT_ENCLAVE));
    return is_enclave ? BOOT_ENCLAVE : BOOT_COMPONENT_NONE;
}

enum rotor_status
boot_descriptor_encode(const struct boot_descriptor *descriptor,
                       struct rotor_room *encoded)
{
    encoded->used = 0;
    struct rotor_bytes name = name_of(descriptor->component);
    if (bytes_are_empty(name)) {
        return ROTOR_INVALID;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, encoded);
    cbor_write_map(&out, 4);
    cbor_write_int(&out, KEY_CONFIGURATION);
    cbor_write_bytes(&out, BYTES_OF(descriptor->configuration));
    cbor_write_int(&out, KEY_COMPONENT_NAME);
    cbor_write_text(&out, name);
    cbor_write_int(&out, KEY_COMPONENT_VERSION);
    cbor_write_uint(&out, descriptor->version);
    cbor_write_int(&out, KEY_SECURITY_VERSION);
    cbor_write_uint(&out, descriptor->security_version);
    return cbor_writer_finish(&out);
}

enum rotor_status boot_descriptor_decode(struct rotor_bytes encoded,
                                         struct boot_descriptor *descriptor)
{
    struct boot_descriptor decoded;
    struct cbor_reader in;
    cbor_reader_init(&in, encoded);
    cbor_read_map(&in);
    cbor_read_key(&in, KEY_CONFIGURATION);
    cbor_read_bytes_into(&in, decoded.configuration,
                         sizeof decoded.configuration);
    cbor_read_key(&in, KEY_COMPONENT_NAME);
    decoded.component = component_of(cbor_read_text(&in));
    cbor_read_key(&in, KEY_COMPONENT_VERSION);
    decoded.version = (uint32_t)cbor_read_uint_max(&in, UINT32_MAX);
    cbor_read_key(&in, KEY_SECURITY_VERSION);
    decoded.security_version = (uint32_t)cbor_read_uint_max(&in, UINT32_MAX);
    cbor_end_map(&in);
    if (!cbor_finished(&in) || decoded.component == BOOT_COMPONENT_NONE) {
        return ROTOR_MALFORMED;
    }
    *descriptor = decoded;
    return ROTOR_OK;
}

// H("rotor1 measurement" || 0 || code hash || SHA-512(descriptor))
enum rotor_status boot_measure(enum crypto_hash alg,
                               const uint8_t code_hash[BOOT_INPUT_SIZE],
                               struct rotor_bytes descriptor,
                               struct wire_digest *measurement)
{
    uint8_t configuration[BOOT_INPUT_SIZE];
    TRY(crypto_hash(CRYPTO_SHA512, &descriptor, 1, configuration));
    struct rotor_bytes parts[] = {bytes_of(code_hash, BOOT_INPUT_SIZE),
                                  BYTES_OF(configuration)};
    return wire_digest_make(measurement, alg, LABEL("rotor1 measurement"),
                            parts, COUNT_OF(parts));
}
