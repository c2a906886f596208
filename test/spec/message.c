// SPDX-License-Identifier: Apache-2.0
// The oracle is libcbor: it takes messages apart, drops and adds keys, and
// puts them together again without knowing our tables.
#include "wire/message.h"
#include "base/bytes.h"
#include "test/spec.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t SEQUENCE[16400] = {1, 2, 3, 4, 5, 6, 7, 8};
#define N(size)                                                                \
    {                                                                          \
        SEQUENCE, size                                                         \
    }
#define D                                                                      \
    {                                                                          \
        .alg = CRYPTO_SHA256, .bytes = { 7 }                                   \
    }
#define HEAD                                                                   \
    {                                                                          \
        .epoch = 9, .body_hash = D                                             \
    }
// An empty map, an empty array, an array of one uint.
static const uint8_t MAP0[] = {0xa0};
static const uint8_t ARRAY0[] = {0x80};
#define MAP                                                                    \
    {                                                                          \
        MAP0, 1                                                                \
    }
#define ARRAY                                                                  \
    {                                                                          \
        ARRAY0, 1                                                              \
    }

// One valid value of every message, all optional fields there.
static const struct wire_hello_rtp hello_rtp = {
    D, N(32), N(65), {2, {2, 1}},
       D, true, HEAD, true, HEAD, {1, 2     }
};
static const struct wire_hello_ap hello_ap = {D, N(40), N(8192), N(70)};
static const struct wire_hello_core hello_core = {N(32), N(65), 2, MAP};
static const struct wire_hello_fin hello_fin = {D, N(70), N(70)};
static const struct wire_status status_map = {3, 1,    true,  HEAD, true, HEAD,
                                              5, 0,    N(16), 24,   1,    true,
                                              D, true, N(20), true, 1000};
static const struct wire_generate generate = {D, N(32), 1, 2, D, MAP};
static const struct wire_entry entry = {D, ARRAY};
static const struct wire_accept0 accept0 = {D, D};
static const struct wire_rotate rotate = {D, 3,    N(64), 1,    4, true,
                                          3, true, 2,     true, 1};
static const struct wire_commit commit = {D, 4, D};
static const struct wire_done done = {D, 4, D, 9, N(70)};
static const struct wire_recover recover = {D, 2,     1, 7,   HEAD, 2, N(0),
                                            0, ARRAY, D, MAP, 1,    D};
static const struct wire_recover_body recover_body = {D, N(100), N(100)};
static const struct wire_recover_signed recover_signed = {D, D, ARRAY, ARRAY};
static const struct wire_attest_req attest_req = {
    D, N(16), N(32), N(65), {1, {2}},
        6, N(64), 3, true, HEAD, D, 1
};
static const struct wire_attest_rsp attest_rsp = {D, N(200), N(0), N(70),
                                                  N(32)};
static const struct wire_attest_core attest_core = {
    N(16), D, 4, D, 2, N(32), N(65), MAP, {6, N(16), 8}
};
static const struct wire_claims claims = {
    0, 0, 1, ARRAY, {60, 24},
        D, 31
};
static const struct wire_session_fin session_fin = {D, N(16), N(32)};
static const struct wire_session_key session_key = {D, N(16)};
static const struct wire_session_keyed session_keyed = {
    D, N(16), 2, 4, N(32), N(12), N(32), N(12), N(48)};
static const struct wire_log_get log_get = {
    D, {1, 2},
     1024
};
static const struct wire_log_entries log_entries = {D, ARRAY, true, HEAD};
static const struct wire_head_proof head_proof = {D, N(32)};
static const struct wire_head_reply head_reply = {D, N(32), 3, D, 4, N(70)};
static const struct wire_status_request status_request = {D};
static const struct wire_pairs_over pairs_over = {D, 5};
static const struct wire_status_reply status_reply = {D, MAP};
static const struct wire_error_reply error_reply = {D, 7, 60};
static const struct wire_sign sign = {D, D, N(32)};
static const struct wire_signed signed_reply = {D, N(70), N(64)};

struct sample {
    const char *name;
    const struct wire_layout *layout;
    const void *value;
    size_t size;
    const char *optional; // keys that may be missing, e.g. " 6 7 "
    bool is_message;
};

#define SAMPLE(layout, value, optional, is_message)                            \
    {                                                                          \
#value, &WIRE_LAYOUT_##layout, &(value), sizeof(value), optional,      \
            is_message                                                         \
    }
static const struct sample SAMPLES[] = {
    SAMPLE(HELLO_RTP, hello_rtp, " 6 7 ", true),
    SAMPLE(HELLO_AP, hello_ap, "", true),
    SAMPLE(HELLO_CORE, hello_core, "", false),
    SAMPLE(HELLO_FIN, hello_fin, "", true),
    SAMPLE(STATUS_MAP, status_map, " 2 3 9 64 65 ", false),
    SAMPLE(GENERATE, generate, "", true),
    SAMPLE(ROT_AVAILABLE, entry, "", true),
    SAMPLE(ROT_PREPARED, entry, "", true),
    SAMPLE(ROT_ACCEPT0, accept0, "", true),
    SAMPLE(ROTATE, rotate, " 6 7 8 ", true),
    SAMPLE(ROT_COMMIT, commit, "", true),
    SAMPLE(ROT_DONE, done, "", true),
    SAMPLE(RECOVER, recover, "", true),
    SAMPLE(RECOVER_BODY, recover_body, "", true),
    SAMPLE(RECOVER_SIGNED, recover_signed, "", true),
    SAMPLE(ATTEST_REQ, attest_req, " 9 ", true),
    SAMPLE(ATTEST_RSP, attest_rsp, "", true),
    SAMPLE(ATTEST_CORE, attest_core, "", false),
    SAMPLE(CLAIMS, claims, "", false),
    SAMPLE(SESSION_FIN, session_fin, "", true),
    SAMPLE(SESSION_KEY, session_key, "", true),
    SAMPLE(SESSION_KEYED, session_keyed, "", true),
    SAMPLE(LOG_GET, log_get, "", true),
    SAMPLE(LOG_ENTRIES, log_entries, " 3 ", true),
    SAMPLE(HEAD_PROOF, head_proof, "", true),
    SAMPLE(HEAD_REPLY, head_reply, "", true),
    SAMPLE(STATUS, status_request, "", true),
    SAMPLE(PAIRS_OVER, pairs_over, "", true),
    SAMPLE(STATUS_REPLY, status_reply, "", true),
    SAMPLE(ERROR, error_reply, "", true),
    SAMPLE(SIGN, sign, "", true),
    SAMPLE(SIGNED, signed_reply, "", true),
};

static uint8_t payload_memory[20000];
static uint8_t decoded[512];

static struct rotor_bytes encoded(const struct sample *sample)
{
    struct rotor_room payload = ROOM_OF(payload_memory);
    assert_ok(wire_message_encode(sample->layout, sample->value, &payload));
    assert_true(sample->size <= sizeof decoded);
    return bytes_in(&payload);
}

static enum rotor_status decode_item(const struct sample *sample,
                                     const cbor_item_t *item)
{
    unsigned char *buffer = NULL;
    size_t capacity = 0;
    size_t size = cbor_serialize_alloc(item, &buffer, &capacity);
    assert_true(size > 0);
    enum rotor_status status =
        wire_message_decode(sample->layout, bytes_of(buffer, size), decoded);
    free(buffer);
    return status;
}

static int64_t key_of(const struct cbor_pair *pair)
{
    int64_t value = (int64_t)cbor_get_int(pair->key);
    return cbor_isa_negint(pair->key) ? -1 - value : value;
}

static cbor_item_t *loaded(struct rotor_bytes payload)
{
    struct cbor_load_result result;
    cbor_item_t *map = cbor_load(payload.data, payload.size, &result);
    assert_non_null(map);
    assert_true(cbor_isa_map(map));
    return map;
}

SPEC("every message comes back as it was and its bytes are one CBOR map")
{
    for (size_t i = 0; i < COUNT_OF(SAMPLES); i++) {
        struct rotor_bytes payload = encoded(&SAMPLES[i]);
        assert_ok(wire_message_decode(SAMPLES[i].layout, payload, decoded));
        uint8_t again[sizeof payload_memory];
        struct rotor_room room = ROOM_OF(again);
        assert_ok(wire_message_encode(SAMPLES[i].layout, decoded, &room));
        assert_true(bytes_equal(bytes_in(&room), payload));
        cbor_item_t *map = loaded(payload);
        assert_ok(decode_item(&SAMPLES[i], map));
        cbor_decref(&map);
    }
}

SPEC(
    "a message without one of its keys is malformed, but for the optional ones")
{
    for (size_t i = 0; i < COUNT_OF(SAMPLES); i++) {
        cbor_item_t *map = loaded(encoded(&SAMPLES[i]));
        struct cbor_pair *pairs = cbor_map_handle(map);
        for (size_t drop = 0; drop < cbor_map_size(map); drop++) {
            cbor_item_t *less = cbor_new_definite_map(cbor_map_size(map) - 1);
            for (size_t k = 0; k < cbor_map_size(map); k++) {
                if (k != drop) {
                    assert_true(cbor_map_add(less, pairs[k]));
                }
            }
            char key[24];
            snprintf(key, sizeof key, " %lld ",
                     (long long)key_of(&pairs[drop]));
            bool may_miss = strstr(SAMPLES[i].optional, key) != NULL;
            enum rotor_status status = decode_item(&SAMPLES[i], less);
            if (status != (may_miss ? ROTOR_OK : ROTOR_MALFORMED)) {
                fail_msg("%s without key%s", SAMPLES[i].name, key);
            }
            cbor_decref(&less);
        }
        cbor_decref(&map);
    }
}

SPEC("an unknown key below 64 is refused and one from 64 on is ignored")
{
    for (size_t i = 0; i < COUNT_OF(SAMPLES); i++) {
        if (SAMPLES[i].layout == &WIRE_LAYOUT_CLAIMS) {
            continue; // EAT: unknown claims are ignored, see below
        }
        for (uint8_t key = 63; key < 96; key = (uint8_t)(key + 32)) {
            cbor_item_t *map = loaded(encoded(&SAMPLES[i]));
            cbor_item_t *more = cbor_new_definite_map(cbor_map_size(map) + 1);
            struct cbor_pair *pairs = cbor_map_handle(map);
            size_t k = 0;
            for (; k < cbor_map_size(map) && key_of(&pairs[k]) < key; k++) {
                assert_true(cbor_map_add(more, pairs[k]));
            }
            struct cbor_pair extra = {cbor_build_uint8(key),
                                      cbor_build_uint8(1)};
            assert_true(cbor_map_add(more, extra));
            cbor_decref(&extra.key);
            cbor_decref(&extra.value);
            for (; k < cbor_map_size(map); k++) {
                assert_true(cbor_map_add(more, pairs[k]));
            }
            assert_int_equal(decode_item(&SAMPLES[i], more),
                             key < 64 ? ROTOR_MALFORMED : ROTOR_OK);
            cbor_decref(&more);
            cbor_decref(&map);
        }
    }
}

SPEC("an unknown claim is ignored wherever it stands")
{
    struct rotor_bytes payload = encoded(&SAMPLES[18]);
    cbor_item_t *map = loaded(payload);
    cbor_item_t *more = cbor_new_definite_map(cbor_map_size(map) + 1);
    struct cbor_pair extra = {cbor_build_uint8(10), cbor_build_uint8(1)};
    assert_true(cbor_map_add(more, extra));
    for (size_t k = 0; k < cbor_map_size(map); k++) {
        assert_true(cbor_map_add(more, cbor_map_handle(map)[k]));
    }
    assert_ptr_equal(SAMPLES[18].layout, &WIRE_LAYOUT_CLAIMS);
    assert_ok(decode_item(&SAMPLES[18], more));
    cbor_decref(&extra.key);
    cbor_decref(&extra.value);
    cbor_decref(&more);
    cbor_decref(&map);
}

SPEC("every truncation and every message under another type is malformed")
{
    for (size_t i = 0; i < COUNT_OF(SAMPLES); i++) {
        struct rotor_bytes payload = encoded(&SAMPLES[i]);
        size_t step = payload.size > 600 ? 97 : 1;
        for (size_t size = 0; size < payload.size; size += step) {
            assert_int_equal(wire_message_decode(SAMPLES[i].layout,
                                                 bytes_of(payload.data, size),
                                                 decoded),
                             ROTOR_MALFORMED);
        }
        if (SAMPLES[i].is_message) {
            payload_memory[2] ^= 0x01; // the type, or the head of a longer one
            assert_int_equal(
                wire_message_decode(SAMPLES[i].layout, payload, decoded),
                ROTOR_MALFORMED);
        }
    }
}

SPEC("a malformed message leaves nothing in the struct")
{
    static const uint8_t zeros[sizeof decoded];
    struct rotor_bytes payload = encoded(&SAMPLES[0]);
    memset(decoded, 0xff, sizeof decoded);
    assert_int_equal(
        wire_message_decode(&WIRE_LAYOUT_HELLO_RTP,
                            bytes_of(payload.data, payload.size - 1), decoded),
        ROTOR_MALFORMED);
    assert_memory_equal(decoded, zeros, sizeof(struct wire_hello_rtp));
}

// Each row breaks one bound of a valid message; the encoder must refuse it.
SPEC("a field out of its bounds is not encoded")
{
    uint8_t memory[20000];
    struct rotor_room room = ROOM_OF(memory);
#define REFUSES(layout, type, sample, change)                                  \
    do {                                                                       \
        struct type wrong = sample;                                            \
        change;                                                                \
        assert_int_equal(                                                      \
            wire_message_encode(&WIRE_LAYOUT_##layout, &wrong, &room),         \
            ROTOR_INVALID);                                                    \
        assert_int_equal(room.used, 0);                                        \
    } while (0)
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.nonce.size = 31);
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.e_r.size = 64);
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.suites.count = 5);
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.suites.count = 0);
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.control_kid.alg = 0);
    REFUSES(HELLO_RTP, wire_hello_rtp, hello_rtp, wrong.cur.body_hash.alg = 0);
    REFUSES(HELLO_AP, wire_hello_ap, hello_ap, wrong.evidence.size = 8193);
    REFUSES(ROTATE, wire_rotate, rotate, wrong.reason = 8);
    REFUSES(ROTATE, wire_rotate, rotate, wrong.seed.size = 65);
    REFUSES(ATTEST_RSP, wire_attest_rsp, attest_rsp, wrong.mac_a.size = 31);
    REFUSES(ATTEST_CORE, wire_attest_core, attest_core,
            wrong.mark.boot_id.size = 15);
    REFUSES(SIGNED, wire_signed, signed_reply, wrong.signature.size = 63);
    REFUSES(LOG_GET, wire_log_get, log_get, wrong.max = 1025);
#undef REFUSES
}

// The decoder has the same bounds: the byte that carries a size or a number
// is changed in a valid message.
SPEC("a field out of its bounds is not decoded")
{
    struct rotor_room room = ROOM_OF(payload_memory);
    struct wire_log_get wide = {
        D, {1, 2},
         1024
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &wide, &room));
    payload_memory[room.used - 1] = 1; // 1024 -> 1025
    assert_int_equal(
        wire_message_decode(&WIRE_LAYOUT_LOG_GET, bytes_in(&room), decoded),
        ROTOR_MALFORMED);
    struct wire_session_fin fin = {D, N(16), N(32)};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_SESSION_FIN, &fin, &room));
    payload_memory[room.used - 33] = 31; // 32-byte mac -> 31 bytes
    assert_int_equal(wire_message_decode(&WIRE_LAYOUT_SESSION_FIN,
                                         bytes_of(room.data, room.used - 1),
                                         decoded),
                     ROTOR_MALFORMED);
}

SPEC("a message that does not fit asks for more room and writes nothing")
{
    uint8_t memory[16];
    struct rotor_room room = ROOM_OF(memory);
    assert_int_equal(
        wire_message_encode(&WIRE_LAYOUT_HELLO_RTP, &hello_rtp, &room),
        ROTOR_TOO_SMALL);
    assert_int_equal(room.used, 0);
}

SPEC("every code that the protocol names has a word")
{
    for (uint64_t code = 0; code <= WIRE_E_DUPLICITY; code++) {
        assert_string_not_equal(wire_error_name(code), "unknown");
    }
    assert_string_equal(wire_error_name(17), "unknown");
    assert_string_equal(wire_type_name(WIRE_ROT_DONE), "ROT_DONE");
    assert_string_equal(wire_type_name(0x33), "unknown");
    assert_string_equal(wire_reason_name(4), "key-compromise");
    assert_string_equal(wire_state_name(7), "halted");
}
