// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <string.h>

#include "base/bytes.h"

#define WIRE_VERSION 1u

static const uint8_t magic[4] = {'R', 'O', 'T', 'Q'};

// Offsets of PROTOCOL.rot 4.
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_TYPE = 5,
    AT_FLAGS = 6,
    AT_PAYLOAD_SIZE = 8,
    AT_CHANNEL_ID = 12,
    AT_SEQUENCE = 16,
    AT_REQUEST_ID = 24,
    AT_EPOCH = 40,
    AT_ACK = 48,
    AT_RESERVED = 56,
};

bool wire_header_is_plaintext(const struct wire_header *header)
{
    return (header->flags & WIRE_FLAG_PLAINTEXT) != 0;
}

static bool is_within_bounds(const struct wire_header *header)
{
    bool flags_are_known = (header->flags & ~WIRE_FLAG_PLAINTEXT) == 0;
    return flags_are_known && header->payload_size <= WIRE_PAYLOAD_MAX;
}

static size_t frame_size(const struct wire_header *header)
{
    size_t tag_size = wire_header_is_plaintext(header) ? 0 : WIRE_TAG_SIZE;
    return WIRE_HEADER_SIZE + header->payload_size + tag_size;
}

enum rotor_status wire_header_encode(const struct wire_header *header,
                                     uint8_t bytes[WIRE_HEADER_SIZE])
{
    if (!is_within_bounds(header)) {
        return ROTOR_INVALID;
    }
    memcpy(bytes + AT_MAGIC, magic, sizeof magic);
    bytes[AT_VERSION] = WIRE_VERSION;
    bytes[AT_TYPE] = header->type;
    bytes_put_le16(bytes + AT_FLAGS, header->flags);
    bytes_put_le32(bytes + AT_PAYLOAD_SIZE, header->payload_size);
    bytes_put_le32(bytes + AT_CHANNEL_ID, header->channel_id);
    bytes_put_le64(bytes + AT_SEQUENCE, header->sequence);
    memcpy(bytes + AT_REQUEST_ID, header->request_id, WIRE_REQUEST_ID_SIZE);
    bytes_put_le64(bytes + AT_EPOCH, header->epoch);
    bytes_put_le64(bytes + AT_ACK, header->ack);
    bytes_put_le64(bytes + AT_RESERVED, 0);
    return ROTOR_OK;
}

enum rotor_status wire_header_decode(struct wire_header *header,
                                     struct rotor_bytes frame)
{
    if (frame.size < WIRE_HEADER_SIZE) {
        return ROTOR_MALFORMED;
    }
    const uint8_t *bytes = frame.data;
    struct wire_header read = {
        .type = bytes[AT_TYPE],
        .flags = bytes_le16(bytes + AT_FLAGS),
        .payload_size = bytes_le32(bytes + AT_PAYLOAD_SIZE),
        .channel_id = bytes_le32(bytes + AT_CHANNEL_ID),
        .sequence = bytes_le64(bytes + AT_SEQUENCE),
        .epoch = bytes_le64(bytes + AT_EPOCH),
        .ack = bytes_le64(bytes + AT_ACK),
    };
    memcpy(read.request_id, bytes + AT_REQUEST_ID, WIRE_REQUEST_ID_SIZE);
    bool is_ours = memcmp(bytes + AT_MAGIC, magic, sizeof magic) == 0 &&
                   bytes[AT_VERSION] == WIRE_VERSION;
    bool is_reserved_clear = bytes_le64(bytes + AT_RESERVED) == 0;
    if (!is_ours || !is_reserved_clear || !is_within_bounds(&read)) {
        return ROTOR_MALFORMED;
    }
    if (frame.size != frame_size(&read)) {
        return ROTOR_MALFORMED;
    }
    *header = read;
    return ROTOR_OK;
}

void wire_nonce_make(uint8_t nonce[CRYPTO_AEAD_NONCE],
                     const uint8_t iv[WIRE_IV_SIZE], uint64_t number)
{
    uint8_t counter[CRYPTO_AEAD_NONCE] = {0};
    bytes_put_be64(counter + 4, number);
    for (size_t i = 0; i < CRYPTO_AEAD_NONCE; i++) {
        nonce[i] = iv[i] ^ counter[i];
    }
}

// The header as it goes out, or why it cannot.
static enum rotor_status begin_frame(const struct wire_header *wanted,
                                     uint16_t flags, size_t payload_size,
                                     struct rotor_room *frame)
{
    frame->used = 0;
    if (payload_size > WIRE_PAYLOAD_MAX) {
        return ROTOR_INVALID;
    }
    struct wire_header header = *wanted;
    header.flags = flags;
    header.payload_size = (uint32_t)payload_size;
    if (frame_size(&header) > frame->capacity) {
        return ROTOR_TOO_SMALL;
    }
    return wire_header_encode(&header, frame->data);
}

enum rotor_status wire_frame_seal(const struct wire_sealer *sealer,
                                  const struct wire_header *header,
                                  struct rotor_bytes payload,
                                  struct rotor_room *frame)
{
    TRY(begin_frame(header, 0, payload.size, frame));
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    wire_nonce_make(nonce, sealer->iv, header->sequence);
    TRY(crypto_seal(sealer->aead, nonce,
                    bytes_of(frame->data, WIRE_HEADER_SIZE), payload,
                    frame->data + WIRE_HEADER_SIZE));
    frame->used = WIRE_HEADER_SIZE + payload.size + WIRE_TAG_SIZE;
    return ROTOR_OK;
}

enum rotor_status wire_frame_unseal(const struct wire_sealer *sealer,
                                    struct rotor_bytes frame,
                                    struct wire_header *header,
                                    struct rotor_room *payload)
{
    payload->used = 0;
    struct wire_header read;
    TRY(wire_header_decode(&read, frame));
    if (wire_header_is_plaintext(&read)) {
        return ROTOR_FORBIDDEN;
    }
    if (read.payload_size > payload->capacity) {
        return ROTOR_TOO_SMALL;
    }
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    wire_nonce_make(nonce, sealer->iv, read.sequence);
    TRY(crypto_unseal(
        sealer->aead, nonce, bytes_of(frame.data, WIRE_HEADER_SIZE),
        bytes_of(frame.data + WIRE_HEADER_SIZE, frame.size - WIRE_HEADER_SIZE),
        payload->data));
    payload->used = read.payload_size;
    *header = read;
    return ROTOR_OK;
}

enum rotor_status wire_frame_encode(const struct wire_header *header,
                                    struct rotor_bytes payload,
                                    struct rotor_room *frame)
{
    TRY(begin_frame(header, WIRE_FLAG_PLAINTEXT, payload.size, frame));
    if (payload.size != 0) {
        memmove(frame->data + WIRE_HEADER_SIZE, payload.data, payload.size);
    }
    frame->used = WIRE_HEADER_SIZE + payload.size;
    return ROTOR_OK;
}

enum rotor_status wire_frame_decode(struct rotor_bytes frame,
                                    struct wire_header *header,
                                    struct rotor_bytes *payload)
{
    struct wire_header read;
    TRY(wire_header_decode(&read, frame));
    if (!wire_header_is_plaintext(&read)) {
        return ROTOR_FORBIDDEN;
    }
    *header = read;
    *payload = bytes_of(frame.data + WIRE_HEADER_SIZE, read.payload_size);
    return ROTOR_OK;
}
