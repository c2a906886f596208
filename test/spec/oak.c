// SPDX-License-Identifier: Apache-2.0
// Layers of Oak's evidence: made ones with one thing wrong each, published
// ones with one bit changed.
#include "verify/oak.h"
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/vectors.h"
#include "verify/protobuf.h"
#include "wire/cbor.h"
#include "wire/cose.h"

static struct verify_verdict verdict;

static void judge(const struct verify_oak_evidence *evidence,
                  struct rotor_bytes report_data)
{
    verify_begin(&verdict, VERIFY_BACKEND_SNP);
    assert_ok(verify_oak_layers(evidence, report_data, &verdict));
    verify_conclude(&verdict);
}

static void expect_rejected_by(const char *check)
{
    assert_false(verify_verdict_is_accepted(&verdict));
    for (size_t i = 0; i < verdict.row_count; i++) {
        if (verdict.rows[i].finding == VERIFY_FAILED) {
            assert_string_equal(verdict.rows[i].check, check);
            return;
        }
    }
    fail_msg("no row failed, not %s", check);
}

// ---- made ------------------------------------------------------------------

#define MADE_KEYS 4u // root, two layers, the application's

// What a certificate is made from; zero is right.
struct made_case {
    const char *check;
    size_t at; // which certificate: 1, 2, or 3 for the application's
    bool has_wrong_issuer;
    bool has_wrong_subject;
    bool has_wrong_event;
    bool has_no_event;
    bool has_other_algorithm;
    bool has_other_signer;
    bool has_short_signature;
    bool has_trailing_byte;
    bool has_other_curve;
};

struct made {
    struct crypto_key keys[MADE_KEYS];
    uint8_t cose_keys[MADE_KEYS][128];
    struct rotor_bytes encoded_keys[MADE_KEYS];
    uint8_t certificates[MADE_KEYS][512];
    uint8_t report_data[64];
    struct verify_oak_evidence evidence;
};

static const char *const events[2] = {"first event", "second event"};

static void fill_kid(size_t index, uint8_t kid[20])
{
    memset(kid, (int)(0xa0 + index), 20);
}

static void fill_name(size_t index, char name[41])
{
    for (size_t i = 0; i < 20; i++) {
        snprintf(name + 2 * i, 3, "%02zx", 0xa0 + index);
    }
}

static void make_key(struct made *made, size_t index, int64_t curve)
{
    uint8_t point[64];
    uint8_t kid[20];
    struct rotor_room x_y = ROOM_OF(point);
    struct rotor_room room = ROOM_OF(made->cose_keys[index]);
    struct cbor_writer out;
    fill_kid(index, kid);
    assert_ok(crypto_key_public(&made->keys[index], &x_y));
    cbor_writer_init(&out, &room);
    cbor_write_map(&out, 7);
    cbor_write_int(&out, 1);
    cbor_write_int(&out, 2);
    cbor_write_int(&out, 2);
    cbor_write_bytes(&out, BYTES_OF(kid));
    cbor_write_int(&out, 3);
    cbor_write_int(&out, -7);
    cbor_write_int(&out, 4);
    cbor_write_array(&out, 1);
    cbor_write_int(&out, 2);
    cbor_write_int(&out, -1);
    cbor_write_int(&out, curve);
    cbor_write_int(&out, -2);
    cbor_write_bytes(&out, bytes_of(point, 32));
    cbor_write_int(&out, -3);
    cbor_write_bytes(&out, bytes_of(point + 32, 32));
    assert_ok(cbor_writer_finish(&out));
    made->encoded_keys[index] = bytes_in(&room);
}

static void write_claims(struct made *made, size_t index,
                         const struct made_case *c, struct rotor_room *payload)
{
    char issuer[41];
    char subject[41];
    uint8_t digest[CRYPTO_HASH_MAX];
    struct cbor_writer out;
    struct rotor_bytes event = made->evidence.events[index > 2 ? 1 : index - 1];
    assert_ok(crypto_hash(CRYPTO_SHA256, &event, 1, digest));
    digest[0] ^= c->has_wrong_event;
    fill_name(index - 1 + c->has_wrong_issuer, issuer);
    fill_name(index + c->has_wrong_subject, subject);
    cbor_writer_init(&out, payload);
    cbor_write_map(&out, c->has_no_event ? 3 : 4);
    cbor_write_int(&out, 1);
    cbor_write_text(&out, bytes_of(issuer, 40));
    cbor_write_int(&out, 2);
    cbor_write_text(&out, bytes_of(subject, 40));
    cbor_write_int(&out, -4670552);
    cbor_write_bytes(&out, made->encoded_keys[index]);
    if (!c->has_no_event) {
        cbor_write_int(&out, -4670573);
        cbor_write_map(&out, 1);
        cbor_write_int(&out, -4670572);
        cbor_write_bytes(&out, bytes_of(digest, 32));
    }
    assert_ok(cbor_writer_finish(&out));
}

static struct rotor_bytes make_certificate(struct made *made, size_t index,
                                           const struct made_case *c)
{
    const uint8_t header[] = {0xa1, 0x01, c->has_other_algorithm ? 0x27 : 0x26};
    uint8_t payload_memory[384];
    uint8_t message_memory[512];
    uint8_t signature_memory[64];
    struct rotor_room payload = ROOM_OF(payload_memory);
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    struct rotor_room room = ROOM_OF(made->certificates[index]);
    struct rotor_bytes none = {0};
    struct cbor_writer out;
    write_claims(made, index, c, &payload);
    assert_ok(wire_cose_signed_bytes(BYTES_OF(header), none, bytes_in(&payload),
                                     &message));
    size_t by = c->has_other_signer ? index : index - 1;
    assert_ok(crypto_sign(&made->keys[by], bytes_in(&message), &signature));
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, BYTES_OF(header));
    cbor_write_map(&out, 0);
    cbor_write_bytes(&out, bytes_in(&payload));
    cbor_write_bytes(
        &out, bytes_of(signature_memory, c->has_short_signature ? 63 : 64));
    assert_ok(cbor_writer_finish(&out));
    room.used += c->has_trailing_byte;
    return bytes_in(&room);
}

static void made_open(struct made *made, const struct made_case *c)
{
    static const struct made_case right;
    *made = (struct made){0};
    for (size_t i = 0; i < MADE_KEYS; i++) {
        uint8_t seed[CRYPTO_SEED_MAX] = {(uint8_t)(i + 1)};
        assert_ok(crypto_key_derive(&made->keys[i], CRYPTO_P256, seed));
        make_key(made, i, c->at == i && c->has_other_curve ? 2 : 1);
    }
    struct verify_oak_evidence *evidence = &made->evidence;
    evidence->platform = VERIFY_OAK_SNP;
    evidence->root_key = made->encoded_keys[0];
    assert_ok(
        crypto_hash(CRYPTO_SHA256, &evidence->root_key, 1, made->report_data));
    for (size_t i = 0; i < 2; i++) {
        evidence->events[i] = bytes_of(events[i], strlen(events[i]));
    }
    evidence->event_count = 2;
    for (size_t i = 1; i < MADE_KEYS; i++) {
        struct rotor_bytes certificate =
            make_certificate(made, i, c->at == i ? c : &right);
        if (i < 3) {
            evidence->layers[evidence->layer_count++] = certificate;
        } else {
            evidence->application_keys[1] = certificate;
        }
    }
}

static void made_close(struct made *made)
{
    for (size_t i = 0; i < MADE_KEYS; i++) {
        crypto_key_close(&made->keys[i]);
    }
}

static const struct made_case made_cases[] = {
    {"layer 1 names",                     1, .has_wrong_issuer = true   },
    {"layer 2 names",                     2, .has_wrong_issuer = true   },
    {"layer 1 names",                     1, .has_wrong_subject = true  },
    {"layer 1 event",                     1, .has_wrong_event = true    },
    {"layer 2 event",                     2, .has_wrong_event = true    },
    {"layer 2 event",                     2, .has_no_event = true       },
    {"layer 1",                           1, .has_other_algorithm = true},
    {"layer 1",                           1, .has_short_signature = true},
    {"layer 2",                           2, .has_trailing_byte = true  },
    {"layer 2",                           2, .has_other_curve = true    },
    {"layer 1 signature",                 1, .has_other_signer = true   },
    {"layer 2 signature",                 2, .has_other_signer = true   },
    {"signing key certificate signature", 3, .has_other_signer = true   },
    {"signing key certificate names",     3, .has_wrong_issuer = true   },
    {"signing key certificate event",     3, .has_wrong_event = true    },
    {"signing key certificate",           3, .has_trailing_byte = true  },
    {"root key",                          0, .has_other_curve = true    },
};

SPEC("layers that each sign the next, up to the application's keys, are "
     "accepted")
{
    static const struct made_case right;
    static struct made made;
    made_open(&made, &right);
    judge(&made.evidence, BYTES_OF(made.report_data));
    assert_string_equal(verdict.reason, "accepted");
    made_close(&made);
}

SPEC(
    "a certificate with one thing wrong, signed again, is refused by its check")
{
    for (size_t i = 0; i < COUNT_OF(made_cases); i++) {
        static struct made made;
        made_open(&made, &made_cases[i]);
        judge(&made.evidence, BYTES_OF(made.report_data));
        expect_rejected_by(made_cases[i].check);
        made_close(&made);
    }
}

SPEC("a root key that the report does not name is refused, also by one bit")
{
    static const struct made_case right;
    static struct made made;
    made_open(&made, &right);
    for (size_t i = 0; i < sizeof made.report_data; i++) {
        made.report_data[i] ^= 1;
        judge(&made.evidence, BYTES_OF(made.report_data));
        expect_rejected_by("root key");
        made.report_data[i] ^= 1;
    }
    made_close(&made);
}

SPEC("a log with more or fewer events than layers is refused, and none")
{
    static const struct made_case right;
    static struct made made;
    made_open(&made, &right);
    made.evidence.event_count = 4;
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("event log");
    made.evidence.event_count = 1;
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("layer 2 event");
    made.evidence.event_count = 0;
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("layer 1 event");
    made_close(&made);
}

SPEC("a root key without a layer above it vouches for nothing")
{
    static const struct made_case right;
    static struct made made;
    made_open(&made, &right);
    made.evidence.layer_count = 0;
    made.evidence.event_count = 0;
    made.evidence.application_keys[1] = (struct rotor_bytes){0};
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("layers");
    made_close(&made);
}

SPEC("a layer left out, or two in the wrong order, are refused")
{
    static const struct made_case right;
    static struct made made;
    made_open(&made, &right);
    struct rotor_bytes first = made.evidence.layers[0];
    made.evidence.layers[0] = made.evidence.layers[1];
    made.evidence.layers[1] = first;
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("layer 1 signature");
    made.evidence.layer_count = 1;
    judge(&made.evidence, BYTES_OF(made.report_data));
    expect_rejected_by("layer 1 signature");
    made_close(&made);
}

// ---- published -------------------------------------------------------------

static bool open_evidence(struct vectors *v, const char *name,
                          struct rotor_bytes *bytes)
{
    char path[128];
    snprintf(path, sizeof path, "snp/oak/milan_%s_evidence.binarypb", name);
    return vectors_open_bytes(v, path, bytes);
}

// Is `at` inside the unprotected header, which nobody signs?
static bool is_unsigned(const uint8_t *data, size_t size, size_t at)
{
    static const char text[] = "AsymmetricECDSA256";
    for (size_t i = 0; i + 18 <= size; i++) {
        if (memcmp(data + i, text, 18) == 0 && at >= i - 3 && at < i + 18) {
            return true;
        }
    }
    return false;
}

SPEC("published evidence with one bit of any byte above the report changed is "
     "refused")
{
    static const char *const published[] = {"oc_release", "rk_staging"};
    for (size_t p = 0; p < COUNT_OF(published); p++) {
        struct vectors v;
        struct rotor_bytes bytes;
        static uint8_t copy[8192];
        static uint8_t whole[8192];
        if (!open_evidence(&v, published[p], &bytes)) {
            SKIP("no vectors");
        }
        memcpy(copy, bytes.data, bytes.size);
        memcpy(whole, bytes.data, bytes.size);
        const uint8_t *report_data = whole + 8 + 0x50;
        for (size_t i = 8 + VERIFY_SNP_REPORT_SIZE; i < bytes.size; i++) {
            struct verify_oak_evidence evidence;
            copy[i] ^= (uint8_t)(1u << i % 8);
            if (verify_oak_read(bytes_of(copy, bytes.size), &evidence) ==
                ROTOR_OK) {
                judge(&evidence, bytes_of(report_data, 64));
                if (verify_verdict_is_accepted(&verdict) &&
                    !is_unsigned(whole, bytes.size, i)) {
                    fail_msg("%s: byte %zu", published[p], i);
                }
            }
            copy[i] = whole[i];
        }
        vectors_close(&v);
    }
}

SPEC("the text form of published evidence is the binary one")
{
    struct vectors v;
    struct vectors w;
    struct rotor_bytes binary;
    struct rotor_bytes text;
    static uint8_t memory[8192];
    struct rotor_room room = ROOM_OF(memory);
    if (!open_evidence(&v, "oc_release", &binary)) {
        SKIP("no vectors");
    }
    assert_true(vectors_open_bytes(
        &w, "snp/oak/milan_oc_release_evidence.textproto", &text));
    assert_ok(verify_oak_from_text(text, &room));
    assert_true(bytes_equal(bytes_in(&room), binary));
    // Cut anywhere, it is not the same message, and nothing is over-read.
    for (size_t size = 0; size < text.size; size += 13) {
        struct rotor_room cut = ROOM_OF(memory);
        enum rotor_status status =
            verify_oak_from_text(bytes_of(text.data, size), &cut);
        assert_true(status == ROTOR_MALFORMED || cut.used < binary.size);
    }
    struct rotor_room small = {memory, binary.size - 1, 0};
    assert_int_equal(verify_oak_from_text(text, &small), ROTOR_MALFORMED);
    vectors_close(&v);
    vectors_close(&w);
}

// ---- protocol buffers ------------------------------------------------------

struct field_case {
    const char *bytes;
    size_t size;
    size_t count; // of fields read
    bool is_whole;
};

static const struct field_case field_cases[] = {
    {"",                                                 0,  0, true },
    {"\x08\x01",                                         2,  1, true },
    {"\x0a\x02xy\x10\x05",                               6,  2, true },
    {"\x0d\1\2\3\4\x11\1\2\3\4\5\6\7\x08",               14, 2, true },
    {"\x08",                                             1,  0, false}, // no value
    {"\x08\x80",                                         2,  0, false}, // cut
    {"\x0a\x03xy",                                       4,  0, false}, // longer than what is there
    {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",     11, 0, false},
    {"\x00\x01",                                         2,  0, false}, // field 0
    {"\x0b\x0c",                                         2,  0, false}, // a group
    {"\x0f\x01",                                         2,  0, false}, // no such type
    {"\x0d\1\2\3",                                       4,  0, false}, // fixed, cut
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",     11, 1, true },
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",     11, 0, false},
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00", 12, 0, false},
};

SPEC("fields of a protocol buffer are read to its end, and no further")
{
    for (size_t i = 0; i < COUNT_OF(field_cases); i++) {
        const struct field_case *c = &field_cases[i];
        struct verify_protobuf in = {.input = bytes_of(c->bytes, c->size)};
        struct verify_field field;
        size_t count = 0;
        while (verify_protobuf_next(&in, &field)) {
            count++;
        }
        assert_int_equal(count, c->count);
        assert_int_equal(verify_protobuf_finished(&in), c->is_whole);
    }
}

SPEC("evidence with a field twice, too many layers or no report is malformed")
{
    static const struct {
        const char *bytes;
        size_t size;
        enum rotor_status status;
    } cases[] = {
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k",                  10, ROTOR_OK       },
        {"\x0a\x0b\x08\x01\x12\x01r\x12\x01r\x1a\x01k",         13, ROTOR_MALFORMED},
        {"\x0a\x05\x08\x01\x1a\x01k",                           7,  ROTOR_MALFORMED},
        {"\x0a\x05\x08\x01\x12\x01r",                           7,  ROTOR_MALFORMED},
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k\x0a\x03\x12\x01r", 15,
         ROTOR_MALFORMED                                                           },
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k\x12\x06\x0a\x01"
         "a\x0a\x01"
         "a",                                          18, ROTOR_MALFORMED},
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k\x1a\x06\x0a\x01"
         "a\x0a\x01"
         "a",                                          18, ROTOR_MALFORMED},
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k\x12\0\x12\0\x12\0\x12\0\x12\0"
         "\x12\0\x12\0\x12\0",                         26, ROTOR_OK       },
        {"\x0a\x08\x08\x01\x12\x01r\x1a\x01k\x12\0\x12\0\x12\0\x12\0\x12\0"
         "\x12\0\x12\0\x12\0\x12\0",                   28, ROTOR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct verify_oak_evidence evidence;
        assert_int_equal(
            verify_oak_read(bytes_of(cases[i].bytes, cases[i].size), &evidence),
            cases[i].status);
    }
}
