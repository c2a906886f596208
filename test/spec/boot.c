// SPDX-License-Identifier: Apache-2.0
#include "test/spec/boot_maker.h"

// ---- acceptance ------------------------------------------------------------

struct kind {
    enum crypto_scheme scheme;
    bool with_lms;
};

static const struct kind kinds[] = {
    {CRYPTO_P256, false},
    {CRYPTO_P384, false},
    {CRYPTO_P256, true },
    {CRYPTO_P384, true },
};

SPEC("an image signed by the keyring is accepted, with its bytes and version")
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct maker m;
        maker_make(&m, kinds[i].scheme, kinds[i].with_lms);
        struct boot_image_check check = {bytes_of(m.file, m.size), &m.keyring,
                                         BOOT_ENCLAVE, 7};
        struct boot_parts parts;
        uint32_t verdict = 0;
        enum boot_reason reason = BOOT_UNDECIDED;
        assert_ok(boot_image_verify(&check, &verdict, &reason, &parts));
        assert_int_equal(verdict, BOOT_ACCEPTED);
        assert_int_equal(reason, BOOT_GENUINE);
        assert_true(bytes_equal(parts.image, BYTES_OF(m.image)));
        assert_int_equal(parts.header.version, 0x01020003);
        assert_int_equal(parts.header.security_version, 7);
        assert_memory_equal(parts.header.digest, m.header.digest, 64);
        maker_close(&m);
    }
}

SPEC("the header has the layout of the text")
{
    struct maker m;
    maker_make(&m, CRYPTO_P384, true);
    static const uint8_t start[40] = {
        'R', 'O', 'T', 'I', 0, 1,    0, 192,  0, 0, 0, 2, 1, 2,
        0,   3,   0,   0,   0, 7,    0, 0,    0, 1, 0, 0, 0, 2,
        0,   0,   3,   9,   0, 0x00, 9, 0x30, 0, 0, 0, 0,
    };
    assert_memory_equal(m.file, start, sizeof start);
    assert_memory_equal(m.file + 40, m.header.digest, 64);
    assert_memory_equal(m.file + 104, m.header.signer_id, 32);
    assert_memory_equal(m.file + 136, m.header.lms_signer_id, 32);
    for (size_t i = 168; i < 192; i++) {
        assert_int_equal(m.file[i], 0);
    }
    maker_close(&m);
}

// ---- every single-bit flip -------------------------------------------------

// Which reasons a flip may have between two offsets of the file.
struct range {
    size_t end;
    enum boot_reason with_lms[3];
    enum boot_reason without_lms[3];
};

static const struct range ranges[] = {
    {4,   {BOOT_BAD_MAGIC},                                 {BOOT_BAD_MAGIC}          },
    {8,   {BOOT_BAD_FORMAT},                                {BOOT_BAD_FORMAT}         },
    {12,  {BOOT_BAD_COMPONENT},                             {BOOT_BAD_COMPONENT}      },
    {20,  {BOOT_BAD_ECDSA_SIGNATURE},                       {BOOT_BAD_ECDSA_SIGNATURE}}, // versions
    {23,  {BOOT_BAD_FLAGS},                                 {BOOT_BAD_FLAGS}          },
    {24,
     {BOOT_BAD_FLAGS, BOOT_BAD_LMS_FIELDS},
     {BOOT_BAD_FLAGS, BOOT_BAD_LMS_FIELDS}                                            },
    {28,  {BOOT_BAD_SCHEME},                                {BOOT_BAD_SCHEME}         },
    {32,
     {BOOT_BAD_IMAGE_SIZE, BOOT_TRUNCATED, BOOT_OVERSIZED},
     {BOOT_BAD_IMAGE_SIZE, BOOT_TRUNCATED, BOOT_OVERSIZED}                            },
    {36,
     {BOOT_BAD_LMS_FIELDS, BOOT_TRUNCATED, BOOT_OVERSIZED},
     {BOOT_BAD_LMS_FIELDS}                                                            },
    {40,  {BOOT_BAD_PADDING},                               {BOOT_BAD_PADDING}        },
    {104, {BOOT_BAD_ECDSA_SIGNATURE},                       {BOOT_BAD_ECDSA_SIGNATURE}}, // digest
    {136, {BOOT_UNKNOWN_SIGNER},                            {BOOT_UNKNOWN_SIGNER}     },
    {168, {BOOT_UNKNOWN_LMS_SIGNER},                        {BOOT_BAD_LMS_FIELDS}     },
    {192, {BOOT_BAD_PADDING},                               {BOOT_BAD_PADDING}        },
};

static bool reason_fits(size_t offset, bool with_lms, enum boot_reason reason)
{
    const struct range *range = ranges;
    while (offset >= range->end) {
        range++;
    }
    const enum boot_reason *allowed =
        with_lms ? range->with_lms : range->without_lms;
    for (size_t i = 0; i < 3; i++) {
        if (allowed[i] == reason && reason != BOOT_UNDECIDED) {
            return true;
        }
    }
    print_message("flip at %zu: %s\n", offset, boot_reason_text(reason));
    return false;
}

SPEC("every single-bit flip of the header is refused for the right reason")
{
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct maker m;
        maker_make(&m, kinds[kind].scheme, kinds[kind].with_lms);
        for (size_t bit = 0; bit < 8 * BOOT_HEADER_SIZE; bit++) {
            m.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum boot_reason reason = maker_judge(&m);
            assert_true(reason_fits(bit / 8, kinds[kind].with_lms, reason));
            m.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(maker_judge(&m), BOOT_GENUINE);
        maker_close(&m);
    }
}

// Signed anew by the thief of one of the two keys.
static void flip_under_one_signature(void (*sign)(struct maker *),
                                     enum boot_reason other)
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    for (size_t bit = 0; bit < 8 * BOOT_HEADER_SIZE; bit++) {
        m.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sign(&m);
        enum boot_reason reason = maker_judge(&m);
        bool fits = reason == other || reason_fits(bit / 8, true, reason);
        assert_true(fits && reason != BOOT_GENUINE);
        m.file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    maker_close(&m);
}

SPEC("a flipped header that ECDSA alone signs anew is refused by LMS")
{
    flip_under_one_signature(maker_sign_ecdsa, BOOT_BAD_LMS_SIGNATURE);
}

static void sign_lms_of_some(struct maker *m)
{
    // Signing costs a check each; the versions and the digest are enough.
    bool is_covered =
        bytes_be32(m->file + 16) != 7 || m->file[40] != m->header.digest[0];
    if (is_covered) {
        maker_sign_lms(m);
    }
}

SPEC("a flipped header that LMS alone signs anew is refused by ECDSA")
{
    flip_under_one_signature(sign_lms_of_some, BOOT_BAD_ECDSA_SIGNATURE);
}

SPEC("every single-bit flip of the image is refused as another digest")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, false);
    for (size_t bit = 0; bit < 8 * sizeof m.image; bit++) {
        uint8_t *byte = m.file + BOOT_FRONT_SIZE + bit / 8;
        *byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(maker_judge(&m), BOOT_BAD_DIGEST);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    maker_close(&m);
}

SPEC("every single-bit flip of the ECDSA signature is refused")
{
    for (size_t kind = 0; kind < 2; kind++) {
        struct maker m;
        maker_make(&m, kinds[kind].scheme, false);
        size_t size = crypto_sizes(kinds[kind].scheme).signature;
        for (size_t bit = 0; bit < 8 * BOOT_ECDSA_AREA_SIZE; bit++) {
            uint8_t *byte = m.file + BOOT_HEADER_SIZE + bit / 8;
            *byte ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(maker_judge(&m), bit / 8 < size
                                                  ? BOOT_BAD_ECDSA_SIGNATURE
                                                  : BOOT_BAD_PADDING);
            *byte ^= (uint8_t)(1u << bit % 8);
        }
        maker_close(&m);
    }
}

SPEC("a flip in any byte of the LMS signature is refused")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    for (size_t i = 0; i < m.header.lms_size; i++) {
        uint8_t *byte = m.file + BOOT_FRONT_SIZE + i;
        *byte ^= (uint8_t)(1u << i % 8);
        assert_int_equal(maker_judge(&m), BOOT_BAD_LMS_SIGNATURE);
        *byte ^= (uint8_t)(1u << i % 8);
    }
    maker_close(&m);
}

// ---- policy ----------------------------------------------------------------

SPEC("an image below the floor is refused and one at the floor is not")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, false);
    assert_int_equal(maker_judge_at(&m, 0), BOOT_GENUINE);
    assert_int_equal(maker_judge_at(&m, 7), BOOT_GENUINE);
    assert_int_equal(maker_judge_at(&m, 8), BOOT_BELOW_FLOOR);
    assert_int_equal(maker_judge_at(&m, UINT32_MAX), BOOT_BELOW_FLOOR);
    maker_close(&m);
}

SPEC("a genuine image of the other component is refused")
{
    struct maker m;
    maker_open(&m, CRYPTO_P256, false);
    m.header.component = BOOT_RTP;
    maker_sign(&m);
    assert_int_equal(maker_judge(&m), BOOT_WRONG_COMPONENT);
    maker_close(&m);
}

SPEC("a key that the keyring does not hold signs in vain")
{
    struct maker m;
    struct maker stranger;
    maker_make(&m, CRYPTO_P256, false);
    maker_make(&stranger, CRYPTO_P384, false);
    stranger.keyring = m.keyring;
    assert_int_equal(maker_judge(&stranger), BOOT_UNKNOWN_SIGNER);
    stranger.keyring.count = 0;
    assert_int_equal(maker_judge(&stranger), BOOT_UNKNOWN_SIGNER);
    maker_close(&m);
    maker_close(&stranger);
}

SPEC("any key of the keyring may sign")
{
    struct maker m;
    struct maker other;
    maker_make(&m, CRYPTO_P256, false);
    maker_make(&other, CRYPTO_P384, false);
    m.keyring.keys[1] = m.keyring.keys[0];
    m.keyring.keys[0] = other.keyring.keys[0];
    m.keyring.count = 2;
    assert_int_equal(maker_judge(&m), BOOT_GENUINE);
    m.keyring.count = 1;
    assert_int_equal(maker_judge(&m), BOOT_UNKNOWN_SIGNER);
    maker_close(&m);
    maker_close(&other);
}

SPEC("where the keyring requires LMS, ECDSA alone is not enough")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    m.header.lms_size = 0;
    memset(m.header.lms_signer_id, 0, sizeof m.header.lms_signer_id);
    maker_sign(&m);
    assert_int_equal(maker_judge(&m), BOOT_LMS_MISSING);
    m.keyring.keys[0].lms_required = false;
    assert_int_equal(maker_judge(&m), BOOT_GENUINE);
    maker_close(&m);
}

SPEC("an LMS signature that nobody can check is refused, not ignored")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    struct boot_key key = m.keyring.keys[0];
    m.keyring.keys[0].has_lms = false;
    m.keyring.keys[0].lms_required = false;
    assert_int_equal(maker_judge(&m), BOOT_UNKNOWN_LMS_SIGNER);
    m.keyring.keys[0] = key;
    m.keyring.keys[0].lms_public_key[40] ^= 1;
    assert_int_equal(maker_judge(&m), BOOT_UNKNOWN_LMS_SIGNER);
    maker_close(&m);
}

SPEC("an optional LMS signature that is there must verify")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    m.keyring.keys[0].lms_required = false;
    assert_int_equal(maker_judge(&m), BOOT_GENUINE);
    m.file[BOOT_FRONT_SIZE + 100] ^= 1;
    assert_int_equal(maker_judge(&m), BOOT_BAD_LMS_SIGNATURE);
    maker_close(&m);
}

SPEC("every truncation and any byte behind the image is refused")
{
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct maker m;
        maker_make(&m, kinds[kind].scheme, kinds[kind].with_lms);
        size_t size = m.size;
        for (m.size = 0; m.size < size; m.size++) {
            assert_int_equal(maker_judge(&m), BOOT_TRUNCATED);
        }
        m.size = size + 1;
        assert_int_equal(maker_judge(&m), BOOT_OVERSIZED);
        maker_close(&m);
    }
}

SPEC("the scheme of a key is the keyring's, never the header's")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, false);
    m.file[27] = 2; // P-384, under the id of the P-256 key
    assert_int_equal(maker_judge(&m), BOOT_UNKNOWN_SIGNER);
    maker_close(&m);
}

SPEC("an LMS signature longer than the text allows is refused by its size")
{
    struct maker m;
    maker_make(&m, CRYPTO_P256, true);
    bytes_put_be32(m.file + 32, BOOT_LMS_SIGNATURE_MAX);
    assert_int_equal(maker_judge(&m), BOOT_TRUNCATED);
    bytes_put_be32(m.file + 32, BOOT_LMS_SIGNATURE_MAX + 1);
    assert_int_equal(maker_judge(&m), BOOT_BAD_LMS_FIELDS);
    maker_close(&m);
}

// ---- encoding --------------------------------------------------------------

SPEC("the signer's tool does not make a header that boot would refuse")
{
    struct maker m;
    maker_open(&m, CRYPTO_P256, true);
    uint8_t out[BOOT_HEADER_SIZE];
    struct boot_header good = m.header;
    struct boot_header bad = good;
    assert_ok(boot_image_encode_header(&bad, out));
    bad.component = BOOT_COMPONENT_NONE;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad = good;
    bad.scheme = CRYPTO_ED25519;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad = good;
    bad.image_size = 0;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad.image_size = (size_t)BOOT_IMAGE_MAX + 1;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad.image_size = ((size_t)1 << 32) + 5;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad = good;
    bad.lms_size = BOOT_LMS_SIGNATURE_MAX + 1;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    bad.lms_size = 0;
    assert_int_equal(boot_image_encode_header(&bad, out), ROTOR_INVALID);
    maker_close(&m);
}

SPEC("the front that is put together is the one that was signed by hand")
{
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct maker m;
        maker_make(&m, kinds[kind].scheme, kinds[kind].with_lms);
        size_t wanted = BOOT_FRONT_SIZE + m.header.lms_size;
        size_t size = crypto_sizes(kinds[kind].scheme).signature;
        struct rotor_bytes ecdsa = bytes_of(m.file + BOOT_HEADER_SIZE, size);
        struct rotor_bytes lms =
            bytes_of(m.file + BOOT_FRONT_SIZE, m.header.lms_size);
        uint8_t memory[BOOT_FRONT_MAX];
        struct rotor_room front = ROOM_OF(memory);
        assert_ok(boot_image_encode_front(&m.header, ecdsa, lms, &front));
        assert_true(bytes_equal(bytes_in(&front), bytes_of(m.file, wanted)));
        front.capacity = wanted - 1;
        assert_int_equal(boot_image_encode_front(&m.header, ecdsa, lms, &front),
                         ROTOR_TOO_SMALL);
        assert_int_equal(front.used, 0);
        front.capacity = sizeof memory;
        ecdsa.size--;
        assert_int_equal(boot_image_encode_front(&m.header, ecdsa, lms, &front),
                         ROTOR_INVALID);
        maker_close(&m);
    }
}

SPEC("every reason has its own text")
{
    for (int i = 0; i < BOOT_REASONS; i++) {
        const char *text = boot_reason_text((enum boot_reason)i);
        assert_true(strlen(text) > 5);
        for (int j = 0; j < i; j++) {
            const char *other = boot_reason_text((enum boot_reason)j);
            assert_string_not_equal(text, other);
        }
    }
    assert_string_equal(boot_reason_text(BOOT_REASONS), "unknown reason");
    assert_string_equal(boot_reason_text((enum boot_reason) - 1),
                        "unknown reason");
}

SPEC("zero, the complement and near misses are no acceptance")
{
    uint32_t verdict = BOOT_ACCEPTED;
    assert_true(boot_verdict_is_accepted(&verdict));
    for (unsigned bit = 0; bit < 32; bit++) {
        verdict = BOOT_ACCEPTED ^ 1u << bit;
        assert_false(boot_verdict_is_accepted(&verdict));
    }
    static const uint32_t others[] = {0, 1, UINT32_MAX, BOOT_REJECTED};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        verdict = others[i];
        assert_false(boot_verdict_is_accepted(&verdict));
    }
    assert_int_equal(~BOOT_ACCEPTED, BOOT_REJECTED);
}
