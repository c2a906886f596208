// SPDX-License-Identifier: Apache-2.0
#include "boot/image.h"

#include <string.h>

#include "base/bytes.h"

#define MAGIC   "ROTI"
#define VERSION 1u

#define FLAG_LMS 1u

// Offsets of doc/PROTOCOL.boot 1.
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_HEADER_SIZE = 6,
    AT_COMPONENT = 8,
    AT_IMAGE_VERSION = 12,
    AT_SECURITY_VERSION = 16,
    AT_FLAGS = 20,
    AT_SCHEME = 24,
    AT_IMAGE_SIZE = 28,
    AT_LMS_SIZE = 32,
    AT_RESERVED = 36,
    AT_DIGEST = 40,
    AT_SIGNER = 104,
    AT_LMS_SIGNER = 136,
    AT_PADDING = 168,
};

static bool component_is_known(uint32_t component)
{
    return component == BOOT_RTP || component == BOOT_ENCLAVE;
}

static bool image_size_is_allowed(uint32_t size)
{
    return size > 0 && size <= BOOT_IMAGE_MAX;
}

// Signed by LMS: flag, size and key id are all there, or none of them.
static bool lms_fields_agree(const uint8_t *in)
{
    bool is_flagged = bytes_be32(in + AT_FLAGS) == FLAG_LMS;
    uint32_t size = bytes_be32(in + AT_LMS_SIZE);
    bool has_id = !boot_is_zero(in + AT_LMS_SIGNER, BOOT_KEY_ID_SIZE);
    return is_flagged == (size != 0) && is_flagged == has_id &&
           size <= BOOT_LMS_SIGNATURE_MAX;
}

static bool padding_is_zero(const uint8_t *in)
{
    return boot_is_zero(in + AT_RESERVED, AT_DIGEST - AT_RESERVED) &&
           boot_is_zero(in + AT_PADDING, BOOT_HEADER_SIZE - AT_PADDING);
}

static enum boot_reason judge_header(const uint8_t in[BOOT_HEADER_SIZE])
{
    if (memcmp(in + AT_MAGIC, MAGIC, 4) != 0) {
        return BOOT_BAD_MAGIC;
    }
    if (bytes_be16(in + AT_VERSION) != VERSION ||
        bytes_be16(in + AT_HEADER_SIZE) != BOOT_HEADER_SIZE) {
        return BOOT_BAD_FORMAT;
    }
    if (!component_is_known(bytes_be32(in + AT_COMPONENT))) {
        return BOOT_BAD_COMPONENT;
    }
    if (bytes_be32(in + AT_FLAGS) > FLAG_LMS) {
        return BOOT_BAD_FLAGS;
    }
    if (boot_scheme_decode(bytes_be32(in + AT_SCHEME)) == CRYPTO_SCHEME_NONE) {
        return BOOT_BAD_SCHEME;
    }
    if (!image_size_is_allowed(bytes_be32(in + AT_IMAGE_SIZE))) {
        return BOOT_BAD_IMAGE_SIZE;
    }
    if (!lms_fields_agree(in)) {
        return BOOT_BAD_LMS_FIELDS;
    }
    return padding_is_zero(in) ? BOOT_GENUINE : BOOT_BAD_PADDING;
}

static void read_header(const uint8_t in[BOOT_HEADER_SIZE],
                        struct boot_header *header)
{
    header->component =
        bytes_be32(in + AT_COMPONENT) == BOOT_RTP ? BOOT_RTP : BOOT_ENCLAVE;
    header->version = bytes_be32(in + AT_IMAGE_VERSION);
    header->security_version = bytes_be32(in + AT_SECURITY_VERSION);
    header->scheme = boot_scheme_decode(bytes_be32(in + AT_SCHEME));
    header->lms_size = bytes_be32(in + AT_LMS_SIZE);
    header->image_size = bytes_be32(in + AT_IMAGE_SIZE);
    memcpy(header->digest, in + AT_DIGEST, BOOT_DIGEST_SIZE);
    memcpy(header->signer_id, in + AT_SIGNER, BOOT_KEY_ID_SIZE);
    memcpy(header->lms_signer_id, in + AT_LMS_SIGNER, BOOT_KEY_ID_SIZE);
}

enum rotor_status boot_image_encode_header(const struct boot_header *header,
                                           uint8_t encoded[BOOT_HEADER_SIZE])
{
    uint8_t out[BOOT_HEADER_SIZE] = {0};
    if (header->image_size > BOOT_IMAGE_MAX ||
        header->lms_size > BOOT_LMS_SIGNATURE_MAX) {
        return ROTOR_INVALID;
    }
    memcpy(out + AT_MAGIC, MAGIC, 4);
    bytes_put_be16(out + AT_VERSION, VERSION);
    bytes_put_be16(out + AT_HEADER_SIZE, BOOT_HEADER_SIZE);
    bytes_put_be32(out + AT_COMPONENT, (uint32_t)header->component);
    bytes_put_be32(out + AT_IMAGE_VERSION, header->version);
    bytes_put_be32(out + AT_SECURITY_VERSION, header->security_version);
    bytes_put_be32(out + AT_FLAGS, header->lms_size != 0 ? FLAG_LMS : 0);
    bytes_put_be32(out + AT_SCHEME, boot_scheme_encode(header->scheme));
    bytes_put_be32(out + AT_IMAGE_SIZE, (uint32_t)header->image_size);
    bytes_put_be32(out + AT_LMS_SIZE, (uint32_t)header->lms_size);
    memcpy(out + AT_DIGEST, header->digest, BOOT_DIGEST_SIZE);
    memcpy(out + AT_SIGNER, header->signer_id, BOOT_KEY_ID_SIZE);
    memcpy(out + AT_LMS_SIGNER, header->lms_signer_id, BOOT_KEY_ID_SIZE);
    if (judge_header(out) != BOOT_GENUINE) {
        return ROTOR_INVALID;
    }
    memcpy(encoded, out, sizeof out);
    return ROTOR_OK;
}

void boot_image_message(const uint8_t encoded[BOOT_HEADER_SIZE],
                        uint8_t message[BOOT_MESSAGE_SIZE])
{
    struct rotor_bytes label = LABEL("rotor1 image\0");
    memcpy(message, label.data, label.size);
    memcpy(message + label.size, encoded, BOOT_HEADER_SIZE);
}

enum rotor_status boot_image_encode_front(const struct boot_header *header,
                                          struct rotor_bytes ecdsa_signature,
                                          struct rotor_bytes lms_signature,
                                          struct rotor_room *front)
{
    uint8_t encoded[BOOT_HEADER_SIZE];
    front->used = 0;
    TRY(boot_image_encode_header(header, encoded));
    if (ecdsa_signature.size != crypto_sizes(header->scheme).signature ||
        lms_signature.size != header->lms_size) {
        return ROTOR_INVALID;
    }
    if (BOOT_FRONT_SIZE + lms_signature.size > front->capacity) {
        return ROTOR_TOO_SMALL;
    }
    const uint8_t zeros[BOOT_ECDSA_AREA_SIZE] = {0};
    struct rotor_bytes rest =
        bytes_of(zeros, BOOT_ECDSA_AREA_SIZE - ecdsa_signature.size);
    TRY(bytes_append(front, BYTES_OF(encoded)));
    TRY(bytes_append(front, ecdsa_signature));
    TRY(bytes_append(front, rest));
    return bytes_append(front, lms_signature);
}

// The header was judged; do the sizes that it names fill the file?
static enum boot_reason judge_size(struct rotor_bytes file,
                                   const struct boot_header *header)
{
    // At most 16 KiB + 64 MiB: no overflow, whatever size_t is.
    size_t wanted = BOOT_FRONT_SIZE + header->lms_size + header->image_size;
    if (file.size < wanted) {
        return BOOT_TRUNCATED;
    }
    return file.size > wanted ? BOOT_OVERSIZED : BOOT_GENUINE;
}

static enum boot_reason decode(struct rotor_bytes file, struct boot_parts *out)
{
    if (file.size < BOOT_FRONT_SIZE) {
        return BOOT_TRUNCATED;
    }
    enum boot_reason reason = judge_header(file.data);
    if (reason != BOOT_GENUINE) {
        return reason;
    }
    read_header(file.data, &out->header);
    reason = judge_size(file, &out->header);
    if (reason != BOOT_GENUINE) {
        return reason;
    }
    const uint8_t *ecdsa = file.data + BOOT_HEADER_SIZE;
    size_t ecdsa_size = crypto_sizes(out->header.scheme).signature;
    if (!boot_is_zero(ecdsa + ecdsa_size, BOOT_ECDSA_AREA_SIZE - ecdsa_size)) {
        return BOOT_BAD_PADDING;
    }
    const uint8_t *lms = ecdsa + BOOT_ECDSA_AREA_SIZE;
    out->ecdsa_signature = bytes_of(ecdsa, ecdsa_size);
    out->lms_signature = bytes_of(lms, out->header.lms_size);
    out->image = bytes_of(lms + out->header.lms_size, out->header.image_size);
    return BOOT_GENUINE;
}

void boot_image_decode(struct rotor_bytes file, struct boot_parts *parts,
                       enum boot_reason *reason)
{
    struct boot_parts decoded = {0};
    *reason = decode(file, &decoded);
    if (*reason == BOOT_GENUINE) {
        *parts = decoded;
    }
}
