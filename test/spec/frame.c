// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"

static const struct wire_header sample = {
    .type = 0x30,
    .channel_id = 0x04030201,
    .sequence = 0x1817161514131211,
    .request_id = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
                   0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f},
    .epoch = 0x3837363534333231,
    .ack = 0x4847464544434241,
};

// The sample with a sealed payload of five bytes, by hand from section 4.
#define SAMPLE_HEADER                                                          \
    "524f5451"                                                                 \
    "01"                                                                       \
    "30"                                                                       \
    "0000"                                                                     \
    "05000000"                                                                 \
    "01020304"                                                                 \
    "1112131415161718"                                                         \
    "202122232425262728292a2b2c2d2e2f"                                         \
    "3132333435363738"                                                         \
    "4142434445464748"                                                         \
    "0000000000000000"

static bool header_equal(const struct wire_header *a,
                         const struct wire_header *b)
{
    return a->type == b->type && a->flags == b->flags &&
           a->payload_size == b->payload_size &&
           a->channel_id == b->channel_id && a->sequence == b->sequence &&
           memcmp(a->request_id, b->request_id, WIRE_REQUEST_ID_SIZE) == 0 &&
           a->epoch == b->epoch && a->ack == b->ack;
}

SPEC("a header has the layout of section 4 and reads back")
{
    uint8_t expected[WIRE_HEADER_SIZE];
    uint8_t frame[WIRE_HEADER_SIZE + 5 + WIRE_TAG_SIZE] = {0};
    struct wire_header header = sample;
    struct wire_header read;
    header.payload_size = 5;
    assert_int_equal(from_hex(SAMPLE_HEADER, expected).size, 64);
    assert_ok(wire_header_encode(&header, frame));
    assert_memory_equal(frame, expected, sizeof expected);
    assert_ok(wire_header_decode(&read, BYTES_OF(frame)));
    assert_true(header_equal(&read, &header));
}

SPEC("each changed bit of a header is refused or read as what it says")
{
    uint8_t frame[WIRE_HEADER_SIZE + 5 + WIRE_TAG_SIZE] = {0};
    struct wire_header whole;
    from_hex(SAMPLE_HEADER, frame);
    assert_ok(wire_header_decode(&whole, BYTES_OF(frame)));
    for (size_t bit = 0; bit < 8 * WIRE_HEADER_SIZE; bit++) {
        size_t at = bit / 8;
        // Type, channel, sequence, request, epoch and ack say something;
        // magic, version, flags, size and the reserved bytes do not fit.
        bool says_something = at == 5 || (at >= 12 && at < 56);
        struct wire_header read = sample;
        uint8_t again[WIRE_HEADER_SIZE];
        frame[at] ^= (uint8_t)(1u << bit % 8);
        enum rotor_status status = wire_header_decode(&read, BYTES_OF(frame));
        if (says_something) {
            assert_int_equal(status, ROTOR_OK);
            assert_false(header_equal(&read, &whole));
            assert_ok(wire_header_encode(&read, again));
            assert_memory_equal(again, frame, sizeof again);
        } else {
            assert_int_equal(status, ROTOR_MALFORMED);
            assert_true(header_equal(&read, &sample));
        }
        frame[at] ^= (uint8_t)(1u << bit % 8);
    }
}

SPEC("a reserved flag or byte is refused though the lengths fit")
{
    static const size_t offsets[] = {0, 1, 2, 3, 4, 7, 56, 57, 63};
    uint8_t frame[WIRE_HEADER_SIZE] = {0};
    struct wire_header header = {.flags = WIRE_FLAG_PLAINTEXT};
    struct wire_header read;
    assert_ok(wire_header_encode(&header, frame));
    assert_ok(wire_header_decode(&read, BYTES_OF(frame)));
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        frame[offsets[i]]++;
        assert_int_equal(wire_header_decode(&read, BYTES_OF(frame)),
                         ROTOR_MALFORMED);
        frame[offsets[i]]--;
    }
    for (unsigned flag = 1; flag < 16; flag++) {
        header.flags = (uint16_t)(WIRE_FLAG_PLAINTEXT | 1u << flag);
        assert_int_equal(wire_header_encode(&header, frame), ROTOR_INVALID);
        frame[6] = (uint8_t)header.flags;
        frame[7] = (uint8_t)(header.flags >> 8);
        assert_int_equal(wire_header_decode(&read, BYTES_OF(frame)),
                         ROTOR_MALFORMED);
    }
}

SPEC("a frame is exactly as long as its header says, up to 16 KiB")
{
    static uint8_t frame[WIRE_FRAME_MAX + 2];
    static const uint32_t sizes[] = {0, 1, 100, 16383, 16384};
    for (unsigned plain = 0; plain < 2; plain++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            struct wire_header header = {.flags = (uint16_t)plain,
                                         .payload_size = sizes[i]};
            struct wire_header read;
            size_t size = WIRE_HEADER_SIZE + sizes[i] + (plain ? 0 : 16);
            assert_ok(wire_header_encode(&header, frame));
            assert_ok(wire_header_decode(&read, bytes_of(frame, size)));
            assert_int_equal(
                wire_header_decode(&read, bytes_of(frame, size + 1)),
                ROTOR_MALFORMED);
            assert_int_equal(
                wire_header_decode(&read, bytes_of(frame, size - 1)),
                ROTOR_MALFORMED);
        }
        struct wire_header header = {.flags = (uint16_t)plain,
                                     .payload_size = 16385};
        struct wire_header read;
        assert_int_equal(wire_header_encode(&header, frame), ROTOR_INVALID);
        frame[8] = 0x01;
        frame[9] = 0x40;
        assert_int_equal(
            wire_header_decode(&read, bytes_of(frame, WIRE_HEADER_SIZE + 16385 +
                                                          (plain ? 0 : 16))),
            ROTOR_MALFORMED);
    }
}

SPEC("what is shorter than a header is refused and not read past its end")
{
    for (size_t size = 0; size < WIRE_HEADER_SIZE; size++) {
        struct wire_header read;
        uint8_t *start = malloc(size + 1);
        assert_non_null(start);
        memset(start, 0, size + 1);
        // The end of the memory is the end of the frame.
        assert_int_equal(wire_header_decode(&read, bytes_of(start + 1, size)),
                         ROTOR_MALFORMED);
        free(start);
    }
}

// ---- sealed ----------------------------------------------------------------

static const uint8_t aead_key[CRYPTO_AEAD_KEY] = {0x5a};

struct channel {
    struct crypto_aead aead;
    struct wire_sealer sealer;
};

static void open_channel(struct channel *channel,
                         enum crypto_aead_algorithm algorithm)
{
    *channel = (struct channel){
        .sealer = {&channel->aead,
                   {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9,
                    0xfa, 0xfb}}
    };
    assert_ok(crypto_aead_open(&channel->aead, algorithm, aead_key));
}

SPEC("the nonce is the iv with the number in its last eight bytes")
{
    static const uint8_t iv[WIRE_IV_SIZE] = {
        0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb};
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    uint8_t expected[CRYPTO_AEAD_NONCE];
    wire_nonce_make(nonce, iv, 0);
    assert_memory_equal(nonce, iv, sizeof iv);
    wire_nonce_make(nonce, iv, 0x0102030405060708);
    from_hex("f0f1f2f3f5f7f5f3fdfffdf3", expected);
    assert_memory_equal(nonce, expected, sizeof nonce);
}

SPEC("a sealed frame is header, AEAD of the payload under it, and opens")
{
    for (unsigned algorithm = CRYPTO_AES256_GCM;
         algorithm <= CRYPTO_CHACHA20_POLY1305; algorithm++) {
        uint8_t bytes[256];
        uint8_t expected[WIRE_HEADER_SIZE + 5 + WIRE_TAG_SIZE];
        uint8_t nonce[CRYPTO_AEAD_NONCE];
        uint8_t opened[5];
        struct rotor_room frame = ROOM_OF(bytes);
        struct rotor_room payload = ROOM_OF(opened);
        struct wire_header read;
        struct channel channel;
        open_channel(&channel, algorithm);
        // f4..fb xor the sequence of the sample.
        from_hex("f0f1f2f3ece2e0e2eceae8ea", nonce);
        from_hex(SAMPLE_HEADER, expected);
        assert_ok(crypto_seal(&channel.aead, nonce, bytes_of(expected, 64),
                              LABEL("hello"), expected + 64));
        assert_ok(
            wire_frame_seal(&channel.sealer, &sample, LABEL("hello"), &frame));
        assert_int_equal(frame.used, sizeof expected);
        assert_memory_equal(bytes, expected, sizeof expected);
        assert_ok(wire_frame_unseal(&channel.sealer, bytes_in(&frame), &read,
                                    &payload));
        assert_int_equal(payload.used, 5);
        assert_memory_equal(opened, "hello", 5);
        assert_int_equal(read.payload_size, 5);
        assert_int_equal(read.ack, sample.ack);
        crypto_aead_close(&channel.aead);
    }
}

SPEC("no flipped bit of a sealed frame is accepted, and nothing is given out")
{
    uint8_t bytes[WIRE_HEADER_SIZE + 5 + WIRE_TAG_SIZE];
    struct rotor_room frame = ROOM_OF(bytes);
    struct channel channel;
    open_channel(&channel, CRYPTO_AES256_GCM);
    assert_ok(
        wire_frame_seal(&channel.sealer, &sample, LABEL("hello"), &frame));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        uint8_t opened[32];
        struct rotor_room payload = {opened, sizeof opened, 7};
        struct wire_header read = {.type = 0x77};
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(wire_frame_unseal(&channel.sealer, bytes_in(&frame),
                                           &read, &payload),
                         ROTOR_MALFORMED);
        assert_int_equal(payload.used, 0);
        assert_int_equal(read.type, 0x77);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    uint8_t opened[5];
    struct rotor_room payload = ROOM_OF(opened);
    struct wire_header read;
    channel.sealer.iv[0] ^= 1;
    assert_int_equal(
        wire_frame_unseal(&channel.sealer, bytes_in(&frame), &read, &payload),
        ROTOR_MALFORMED);
    crypto_aead_close(&channel.aead);
}

SPEC("a frame is sealed and opened where it lies, at every size")
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    static const size_t sizes[] = {0, 1, 16, 4096, WIRE_PAYLOAD_MAX};
    struct channel channel;
    open_channel(&channel, CRYPTO_CHACHA20_POLY1305);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct rotor_room frame = ROOM_OF(bytes);
        struct rotor_room payload = {bytes + WIRE_HEADER_SIZE, WIRE_PAYLOAD_MAX,
                                     0};
        struct wire_header read;
        memset(payload.data, 0x33, sizes[i]);
        assert_ok(wire_frame_seal(&channel.sealer, &sample,
                                  bytes_of(payload.data, sizes[i]), &frame));
        assert_int_equal(frame.used, 64 + sizes[i] + 16);
        assert_ok(wire_frame_unseal(&channel.sealer, bytes_in(&frame), &read,
                                    &payload));
        assert_int_equal(payload.used, sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(payload.data[j], 0x33);
        }
    }
    crypto_aead_close(&channel.aead);
}

SPEC("what does not fit is refused and leaves the room empty")
{
    static uint8_t payload[WIRE_PAYLOAD_MAX + 1];
    static uint8_t bytes[WIRE_FRAME_MAX + 64];
    struct channel channel;
    struct wire_header read;
    open_channel(&channel, CRYPTO_AES256_GCM);
    struct rotor_room frame = {bytes, sizeof bytes, 9};
    assert_int_equal(
        wire_frame_seal(&channel.sealer, &sample, BYTES_OF(payload), &frame),
        ROTOR_INVALID);
    assert_int_equal(frame.used, 0);
    assert_int_equal(wire_frame_encode(&sample, BYTES_OF(payload), &frame),
                     ROTOR_INVALID);
    assert_int_equal(frame.used, 0);
    // A size whose lower 32 bits are small.
    struct rotor_bytes huge = {payload, (size_t)UINT32_MAX + 2};
    assert_int_equal(wire_frame_encode(&sample, huge, &frame), ROTOR_INVALID);
    assert_int_equal(wire_frame_seal(&channel.sealer, &sample, huge, &frame),
                     ROTOR_INVALID);
    frame = (struct rotor_room){bytes, 64 + 5 + 15, 9};
    assert_int_equal(
        wire_frame_seal(&channel.sealer, &sample, LABEL("hello"), &frame),
        ROTOR_TOO_SMALL);
    assert_int_equal(frame.used, 0);
    frame = (struct rotor_room){bytes, 64 + 4, 9};
    assert_int_equal(wire_frame_encode(&sample, LABEL("hello"), &frame),
                     ROTOR_TOO_SMALL);
    assert_int_equal(frame.used, 0);
    frame = ROOM_OF(bytes);
    assert_ok(
        wire_frame_seal(&channel.sealer, &sample, LABEL("hello"), &frame));
    struct rotor_room small = {payload, 4, 9};
    assert_int_equal(
        wire_frame_unseal(&channel.sealer, bytes_in(&frame), &read, &small),
        ROTOR_TOO_SMALL);
    assert_int_equal(small.used, 0);
    crypto_aead_close(&channel.aead);
}

// ---- plain -----------------------------------------------------------------

SPEC("a plaintext frame reads back and is never taken for a sealed one")
{
    uint8_t bytes[128];
    uint8_t room[128];
    struct rotor_room frame = ROOM_OF(bytes);
    struct rotor_room opened = {room, sizeof room, 9};
    struct wire_header read = {.type = 0x77};
    struct rotor_bytes payload;
    struct channel channel;
    open_channel(&channel, CRYPTO_AES256_GCM);
    assert_ok(wire_frame_encode(&sample, LABEL("hello"), &frame));
    assert_int_equal(frame.used, 64 + 5);
    assert_int_equal(
        wire_frame_unseal(&channel.sealer, bytes_in(&frame), &read, &opened),
        ROTOR_FORBIDDEN);
    assert_int_equal(opened.used, 0);
    assert_int_equal(read.type, 0x77);
    assert_ok(wire_frame_decode(bytes_in(&frame), &read, &payload));
    assert_true(wire_header_is_plaintext(&read));
    assert_int_equal(read.type, sample.type);
    assert_ptr_equal(payload.data, bytes + 64);
    assert_int_equal(payload.size, 5);

    assert_ok(wire_frame_encode(&sample, bytes_of(NULL, 0), &frame));
    assert_ok(wire_frame_decode(bytes_in(&frame), &read, &payload));
    assert_int_equal(payload.size, 0);

    read.type = 0x77;
    payload.size = 9;
    assert_ok(
        wire_frame_seal(&channel.sealer, &sample, LABEL("hello"), &frame));
    assert_int_equal(wire_frame_decode(bytes_in(&frame), &read, &payload),
                     ROTOR_FORBIDDEN);
    assert_int_equal(read.type, 0x77);
    assert_int_equal(payload.size, 9);
    crypto_aead_close(&channel.aead);
}
