// SPDX-License-Identifier: Apache-2.0
// Frames: a fixed 64-byte little-endian header, then a payload that is sealed
// or, with WIRE_FLAG_PLAINTEXT, plain.  Source: doc/PROTOCOL.rot, section 4.
//
// A frame says nothing about order: whoever owns the channel checks channel
// id, sequence and which types may come in plaintext.
#ifndef ROTOR_WIRE_FRAME_H
#define ROTOR_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/crypto.h"

#define WIRE_HEADER_SIZE 64u    // bytes
#define WIRE_PAYLOAD_MAX 16384u // bytes, without tag
#define WIRE_TAG_SIZE    16u    // bytes, CRYPTO_AEAD_TAG
#define WIRE_IV_SIZE     12u    // bytes, CRYPTO_AEAD_NONCE
#define WIRE_FRAME_MAX   (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX + WIRE_TAG_SIZE)

#define WIRE_REQUEST_ID_SIZE 16u // bytes

enum wire_flag {
    WIRE_FLAG_PLAINTEXT = 1,
};

struct wire_header {
    uint8_t type;
    uint16_t flags;        // enum wire_flag, or 0: sealed
    uint32_t payload_size; // bytes, without tag
    uint32_t channel_id;
    uint64_t sequence;
    uint8_t request_id[WIRE_REQUEST_ID_SIZE];
    uint64_t epoch;
    uint64_t ack;
};

bool wire_header_is_plaintext(const struct wire_header *header);

// ROTOR_INVALID  an unknown flag, or payload_size > WIRE_PAYLOAD_MAX.
ROTOR_CALL wire_header_encode(const struct wire_header *header,
                              uint8_t bytes[WIRE_HEADER_SIZE]);

// Decodes the header of a whole frame.
//
// ROTOR_MALFORMED  magic, version, flags, reserved bytes or payload_size, or
//                  `frame` is not exactly as long as the header says.
ROTOR_CALL wire_header_decode(struct wire_header *header,
                              struct rotor_bytes frame);

// What seals one direction of a channel.
struct wire_sealer {
    const struct crypto_aead *aead;
    uint8_t iv[WIRE_IV_SIZE];
};

// nonce = iv XOR (0^4 || be64(number)): frames and session records alike.
void wire_nonce_make(uint8_t nonce[CRYPTO_AEAD_NONCE],
                     const uint8_t iv[WIRE_IV_SIZE], uint64_t number);

// Makes header || sealed payload || tag.  header->payload_size and
// header->flags are not looked at.  The caller never seals two frames with
// one sequence.  `payload` may already lie at frame->data + WIRE_HEADER_SIZE.
//
// ROTOR_INVALID    the payload is too long.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL wire_frame_seal(const struct wire_sealer *sealer,
                           const struct wire_header *header,
                           struct rotor_bytes payload,
                           struct rotor_room *frame);

// Decodes the header, authenticates, and opens the payload into `payload`,
// which may lie over the sealed one.  `header` is untrusted until this is OK.
//
// ROTOR_MALFORMED  header, length or tag; `header` is unchanged.
// ROTOR_FORBIDDEN  a plaintext frame.
// ROTOR_TOO_SMALL  no room for the payload.
ROTOR_CALL wire_frame_unseal(const struct wire_sealer *sealer,
                             struct rotor_bytes frame,
                             struct wire_header *header,
                             struct rotor_room *payload);

// Makes header || payload with WIRE_FLAG_PLAINTEXT.
//
// ROTOR_INVALID    the payload is too long.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL wire_frame_encode(const struct wire_header *header,
                             struct rotor_bytes payload,
                             struct rotor_room *frame);

// Decodes a plaintext frame; `payload` is a view into it.
//
// ROTOR_MALFORMED  header or length.
// ROTOR_FORBIDDEN  a sealed frame.
ROTOR_CALL wire_frame_decode(struct rotor_bytes frame,
                             struct wire_header *header,
                             struct rotor_bytes *payload);

#endif
