// SPDX-License-Identifier: Apache-2.0
// Key schedules and hashes against answers that a second program made from the
// text alone (test/vectors/chain_schedule.py), and both ends against each
// other.
#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "chain/record.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "test/spec.h"

struct channel_row {
    uint32_t suite;
    const char *log_id, *hello_rtp, *ap_header, *core, *evidence, *sig_s;
    const char *control_key, *ee, *es, *t1, *t2, *t3;
    const char *r2a_key, *r2a_iv, *a2r_key, *a2r_iv;
};

struct session_row {
    uint32_t suite;
    uint64_t epoch, purpose;
    const char *log_id, *body_hash, *request, *core, *evidence, *sig_s, *sid;
    const char *nonce_v, *nonce_a, *id_rtp, *peer_binding, *ee, *es;
    const char *th1, *th1e, *th2, *r2a_key, *r2a_iv, *a2r_key, *a2r_iv;
    const char *fin_r, *fin_a, *export, *mac_a, *mac_r;
};

struct hash_row {
    uint32_t suite;
    const char *body, *body_hash, *ots, *point, *next_commit, *ra_set, *ra;
    const char *id, *request_hash, *log_id, *nonce, *bind, *ud, *ud_hello;
    const char *done, *head;
};

#include "test/spec/chain_vectors.h"

// Bytes live until the next call of `forget`.
static uint8_t arena[1 << 16];
static size_t arena_used;

static void forget(void)
{
    arena_used = 0;
}

static struct rotor_bytes hex(const char *text)
{
    uint8_t *start = arena + arena_used;
    unsigned byte;
    while (sscanf(text, "%2x", &byte) == 1) {
        arena[arena_used++] = (uint8_t)byte;
        text += 2;
    }
    return bytes_of(start, (size_t)(arena + arena_used - start));
}

static struct wire_digest digest(const char *text)
{
    struct rotor_bytes bytes = hex(text);
    struct wire_digest made = {.alg = CRYPTO_HASH_NONE};
    if (bytes.size > 0) {
        made.alg = bytes.size == 32 ? CRYPTO_SHA256 : CRYPTO_SHA384;
        memcpy(made.bytes, bytes.data, bytes.size);
    }
    return made;
}

static void assert_bytes(struct rotor_bytes got, const char *wanted)
{
    struct rotor_bytes bytes = hex(wanted);
    assert_int_equal(got.size, bytes.size);
    assert_memory_equal(got.data, bytes.data, bytes.size);
}

static void assert_prefix(const uint8_t *got, const char *wanted)
{
    struct rotor_bytes bytes = hex(wanted);
    assert_memory_equal(got, bytes.data, bytes.size);
}

SPEC("channel: transcripts and keys are those of the text")
{
    for (size_t i = 0; i < COUNT_OF(CHANNELS); i++) {
        const struct channel_row *row = &CHANNELS[i];
        enum crypto_hash alg = crypto_suite_of(row->suite)->hash;
        forget();
        const struct chain_hello hello = {hex(row->hello_rtp),
                                          hex(row->ap_header), hex(row->core)};
        struct wire_digest t1;
        struct wire_digest t2;
        struct chain_channel_input input = {.suite = row->suite,
                                            .log_id = digest(row->log_id),
                                            .ee = hex(row->ee),
                                            .es = hex(row->es)};
        struct chain_channel_keys keys;
        assert_ok(chain_channel_t1(alg, &hello, &t1));
        assert_bytes(wire_digest_bytes(&t1), row->t1);
        assert_ok(chain_channel_t2(&t1, hex(row->evidence), &t2));
        assert_bytes(wire_digest_bytes(&t2), row->t2);
        assert_ok(chain_channel_t3(&t2, hex(row->sig_s), hex(row->control_key),
                                   &input.t3));
        assert_bytes(wire_digest_bytes(&input.t3), row->t3);
        assert_ok(chain_channel_derive(&input, &keys));
        assert_bytes(BYTES_OF(keys.r2a.key), row->r2a_key);
        assert_bytes(BYTES_OF(keys.r2a.iv), row->r2a_iv);
        assert_bytes(BYTES_OF(keys.a2r.key), row->a2r_key);
        assert_bytes(BYTES_OF(keys.a2r.iv), row->a2r_iv);
    }
}

SPEC("channel: the length of HELLO_AP is not in T1, everything else is")
{
    uint8_t header[WIRE_HEADER_SIZE] = {0};
    const struct chain_hello hello = {LABEL("hello"), BYTES_OF(header),
                                      LABEL("core")};
    struct wire_digest plain;
    assert_ok(chain_channel_t1(CRYPTO_SHA256, &hello, &plain));
    for (size_t i = 0; i < sizeof header; i++) {
        struct wire_digest changed;
        header[i] = 1;
        assert_ok(chain_channel_t1(CRYPTO_SHA256, &hello, &changed));
        assert_int_equal(wire_digest_equal(&plain, &changed), 8 <= i && i < 12);
        header[i] = 0;
    }
    struct chain_hello cut = hello;
    cut.ap_header.size--;
    assert_int_equal(chain_channel_t1(CRYPTO_SHA256, &cut, &plain),
                     ROTOR_INVALID);
}

static struct chain_session_input input_of(const struct session_row *row)
{
    return (struct chain_session_input){
        .ee = hex(row->ee),
        .es = hex(row->es),
        .suite = row->suite,
        .log_id = digest(row->log_id),
        .head = {row->epoch, digest(row->body_hash)},
        .id_rtp = digest(row->id_rtp),
        .sid = hex(row->sid),
        .nonce_v = hex(row->nonce_v),
        .nonce_a = hex(row->nonce_a),
        .purpose = row->purpose,
        .peer_binding = hex(row->peer_binding),
        .th2 = digest(row->th2),
    };
}

SPEC("session: transcripts, keys and confirmations are those of the text")
{
    for (size_t i = 0; i < COUNT_OF(SESSIONS); i++) {
        const struct session_row *row = &SESSIONS[i];
        enum crypto_hash alg = crypto_suite_of(row->suite)->hash;
        uint8_t mac[CRYPTO_HASH_MAX];
        struct rotor_room room = ROOM_OF(mac);
        struct wire_digest th1;
        struct wire_digest th;
        forget();
        assert_ok(
            chain_session_th1(alg, hex(row->request), hex(row->core), &th1));
        assert_bytes(wire_digest_bytes(&th1), row->th1);
        assert_ok(chain_session_th1e(&th1, hex(row->evidence), &th));
        assert_bytes(wire_digest_bytes(&th), row->th1e);
        assert_ok(
            chain_session_th2(&th1, hex(row->evidence), hex(row->sig_s), &th));
        assert_bytes(wire_digest_bytes(&th), row->th2);
        const struct chain_session_input input = input_of(row);
        struct chain_session_keys keys;
        assert_ok(chain_session_derive(&input, &keys));
        assert_bytes(BYTES_OF(keys.r2a.key), row->r2a_key);
        assert_bytes(BYTES_OF(keys.r2a.iv), row->r2a_iv);
        assert_bytes(BYTES_OF(keys.a2r.key), row->a2r_key);
        assert_bytes(BYTES_OF(keys.a2r.iv), row->a2r_iv);
        assert_prefix(keys.fin_r, row->fin_r);
        assert_prefix(keys.fin_a, row->fin_a);
        assert_prefix(keys.exporter, row->export);
        assert_ok(chain_session_mac_a(&keys, &input.th2, &room));
        assert_bytes(bytes_in(&room), row->mac_a);
        assert_ok(
            chain_session_mac_r(&keys, &input.th2, hex(row->mac_a), &room));
        assert_bytes(bytes_in(&room), row->mac_r);
    }
}

static void flip(struct rotor_bytes bytes)
{
    size_t offset = (size_t)(bytes.data - arena);
    arena[offset] ^= 1;
}

static void assert_other_keys(const struct chain_session_input *input,
                              const struct chain_session_keys *keys)
{
    struct chain_session_keys other;
    assert_ok(chain_session_derive(input, &other));
    assert_memory_not_equal(other.r2a.key, keys->r2a.key, 32);
    assert_memory_not_equal(other.a2r.key, keys->a2r.key, 32);
    assert_memory_not_equal(other.fin_a, keys->fin_a, 32);
    assert_memory_not_equal(other.fin_r, keys->fin_r, 32);
    assert_memory_not_equal(other.exporter, keys->exporter, 32);
}

SPEC("session: every input changes every key")
{
    const struct session_row *row = &SESSIONS[1];
    struct chain_session_keys keys;
    forget();
    const struct chain_session_input whole = input_of(row);
    assert_ok(chain_session_derive(&whole, &keys));
    const struct rotor_bytes views[] = {whole.ee,      whole.es,
                                        whole.sid,     whole.nonce_v,
                                        whole.nonce_a, whole.peer_binding};
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        flip(views[i]);
        assert_other_keys(&whole, &keys);
        flip(views[i]);
    }
    struct chain_session_input changed = whole;
    changed.log_id.bytes[0] ^= 1;
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.head.epoch++;
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.head.body_hash.bytes[0] ^= 1;
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.id_rtp = (struct wire_digest){0};
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.purpose = 5;
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.th2.bytes[31] ^= 1;
    assert_other_keys(&changed, &keys);
    changed = whole;
    changed.suite = 1; // same hash
    assert_other_keys(&changed, &keys);
}

SPEC("session and channel: no keys without secrets or with another hash")
{
    forget();
    struct chain_session_input input = input_of(&SESSIONS[0]);
    struct chain_session_keys keys;
    struct chain_channel_input channel = {
        .suite = 2, .ee = hex(CHANNELS[2].ee), .t3 = digest(CHANNELS[2].t3)};
    struct chain_channel_keys channel_keys;
    assert_ok(chain_channel_derive(&channel, &channel_keys));
    channel.suite = 3;
    assert_int_equal(chain_channel_derive(&channel, &channel_keys),
                     ROTOR_INVALID);
    channel.suite = 4;
    assert_int_equal(chain_channel_derive(&channel, &channel_keys),
                     ROTOR_INVALID);
    input.suite = 3;
    assert_int_equal(chain_session_derive(&input, &keys), ROTOR_INVALID);
    input = input_of(&SESSIONS[0]);
    input.es = bytes_of(NULL, 0);
    assert_int_equal(chain_session_derive(&input, &keys), ROTOR_INVALID);
    input = input_of(&SESSIONS[0]);
    uint8_t mac[CRYPTO_HASH_MAX];
    struct rotor_room room = {mac, 31, 0};
    assert_ok(chain_session_derive(&input, &keys));
    assert_int_equal(chain_session_mac_a(&keys, &input.th2, &room),
                     ROTOR_TOO_SMALL);
    input.ee = bytes_of(NULL, 0);
    assert_int_equal(chain_session_derive(&input, &keys), ROTOR_INVALID);
}

SPEC("hashes and payloads of the chain are those of the text")
{
    for (size_t i = 0; i < COUNT_OF(HASHES); i++) {
        const struct hash_row *row = &HASHES[i];
        enum crypto_hash alg = crypto_suite_of(row->suite)->hash;
        struct wire_digest got;
        struct chain_auth auth = {.ots.type = WIRE_KEY_LMOTS,
                                  .sign.type = WIRE_KEY_P256};
        forget();
        memcpy(auth.ots.bytes, hex(row->ots).data, 56);
        memcpy(auth.sign.bytes, hex(row->point).data, 64);
        assert_ok(chain_hash_body(alg, hex(row->body), &got));
        assert_bytes(wire_digest_bytes(&got), row->body_hash);
        const struct wire_head head = {300, got};
        assert_ok(chain_hash_auth(alg, &auth, &got));
        assert_bytes(wire_digest_bytes(&got), row->next_commit);
        assert_ok(chain_hash_ra_set(alg, hex(row->ra_set), &got));
        assert_bytes(wire_digest_bytes(&got), row->ra);
        struct chain_request request = {.from_epoch = 7,
                                        .suite = row->suite,
                                        .seed_src = 3,
                                        .reason = 4,
                                        .distrust_from = 2};
        memcpy(request.id, hex(row->id).data, sizeof request.id);
        assert_ok(chain_hash_request(&request, &got));
        assert_bytes(wire_digest_bytes(&got), row->request_hash);
        struct chain_report report = {.purpose = WIRE_PURPOSE_ATTEST,
                                      .log_id = digest(row->log_id),
                                      .head = head,
                                      .nonce = hex(row->nonce),
                                      .bind = hex(row->bind)};
        uint8_t ud[CHAIN_UD_SIZE];
        assert_ok(chain_ud(&report, ud));
        assert_bytes(BYTES_OF(ud), row->ud);
        report.purpose = WIRE_PURPOSE_HELLO;
        report.log_id = (struct wire_digest){0};
        report.head = (struct wire_head){.epoch = 0};
        assert_ok(chain_ud(&report, ud));
        assert_bytes(BYTES_OF(ud), row->ud_hello);
        uint8_t memory[CHAIN_STATEMENT_MAX];
        struct rotor_room room = ROOM_OF(memory);
        struct chain_done done = {
            .head = head, .n = 70000, .channel_id = 0xfedcba98u};
        memcpy(done.request_id, request.id, sizeof done.request_id);
        assert_ok(chain_done_encode(&done, &room));
        assert_bytes(bytes_in(&room), row->done);
        const struct chain_head proof = {digest(row->log_id), head, 70000,
                                         hex(row->nonce)};
        assert_ok(chain_head_encode(&proof, &room));
        assert_bytes(bytes_in(&room), row->head);
    }
}

// ---- ephemerals ------------------------------------------------------------

static struct crypto_key key_of(enum crypto_scheme scheme, uint8_t number)
{
    uint8_t seed[CRYPTO_SEED_MAX] = {number, 9, 9};
    struct crypto_key key = {0};
    assert_ok(crypto_key_derive(&key, scheme, seed));
    return key;
}

SPEC("two ends agree, over ephemerals and over a static key")
{
    static const enum crypto_scheme SCHEMES[] = {CRYPTO_X25519, CRYPTO_P256,
                                                 CRYPTO_P384};
    static const size_t POINTS[] = {32, 65, 97};
    for (size_t i = 0; i < COUNT_OF(SCHEMES); i++) {
        struct crypto_key ours = key_of(SCHEMES[i], 1);
        struct crypto_key theirs = key_of(SCHEMES[i], 2);
        uint8_t points[2][CHAIN_POINT_MAX];
        uint8_t shared[3][CRYPTO_SHARED_MAX];
        struct rotor_room our_point = ROOM_OF(points[0]);
        struct rotor_room their_point = ROOM_OF(points[1]);
        struct rotor_room rooms[3] = {ROOM_OF(shared[0]), ROOM_OF(shared[1]),
                                      ROOM_OF(shared[2])};
        struct wire_key their_key;
        assert_ok(chain_point_encode(&ours, &our_point));
        assert_ok(chain_point_encode(&theirs, &their_point));
        assert_int_equal(our_point.used, POINTS[i]);
        assert_ok(chain_agree(&ours, bytes_in(&their_point), &rooms[0]));
        assert_ok(chain_agree(&theirs, bytes_in(&our_point), &rooms[1]));
        assert_ok(wire_key_of(&theirs, &their_key));
        assert_ok(chain_agree_static(&ours, &their_key, &rooms[2]));
        assert_true(bytes_equal(bytes_in(&rooms[0]), bytes_in(&rooms[1])));
        assert_true(bytes_equal(bytes_in(&rooms[0]), bytes_in(&rooms[2])));
        assert_int_equal(rooms[0].used, crypto_sizes(SCHEMES[i]).shared);
        // Not a point: cut, of another form, off the curve.
        struct rotor_bytes cut = bytes_in(&their_point);
        cut.size--;
        assert_int_equal(chain_agree(&ours, cut, &rooms[0]), ROTOR_MALFORMED);
        assert_int_equal(rooms[0].used, 0);
        assert_int_equal(chain_agree(&ours, bytes_of(NULL, 0), &rooms[0]),
                         ROTOR_MALFORMED);
        if (POINTS[i] > 32) {
            points[1][0] = 0x03;
            assert_int_equal(
                chain_agree(&ours, bytes_in(&their_point), &rooms[0]),
                ROTOR_MALFORMED);
            points[1][0] = 0x04;
            points[1][5] ^= 1;
            assert_int_equal(
                chain_agree(&ours, bytes_in(&their_point), &rooms[0]),
                ROTOR_MALFORMED);
        }
        their_key.type = WIRE_KEY_ED25519;
        assert_int_equal(chain_agree_static(&ours, &their_key, &rooms[2]),
                         ROTOR_MALFORMED);
        rooms[0].capacity = 31;
        assert_int_equal(chain_agree(&theirs, bytes_in(&our_point), &rooms[0]),
                         ROTOR_TOO_SMALL);
        crypto_key_close(&ours);
        crypto_key_close(&theirs);
    }
}

SPEC("an all-zero shared secret is refused")
{
    static const uint8_t LOW_ORDER[32] = {0};
    uint8_t shared[CRYPTO_SHARED_MAX];
    struct rotor_room room = ROOM_OF(shared);
    struct crypto_key key = key_of(CRYPTO_X25519, 1);
    assert_int_equal(chain_agree(&key, BYTES_OF(LOW_ORDER), &room),
                     ROTOR_MALFORMED);
    crypto_key_close(&key);
}

// ---- records ---------------------------------------------------------------

struct ends {
    struct chain_records from;
    struct chain_records to;
    uint8_t sealed[256];
    uint8_t plain[256];
    struct rotor_room record;
    struct rotor_room opened;
    enum chain_record_type type;
};

static const struct chain_traffic TRAFFIC = {
    {1, 2, 3},
    {4, 5, 6}
};
static const uint8_t SID[WIRE_ID_SIZE] = {7};

static void open_ends(struct ends *ends, uint32_t suite)
{
    memset(ends, 0, sizeof *ends);
    assert_ok(chain_records_open(&ends->from, suite, &TRAFFIC, SID));
    assert_ok(chain_records_open(&ends->to, suite, &TRAFFIC, SID));
    ends->record = ROOM_OF(ends->sealed);
    ends->opened = ROOM_OF(ends->plain);
}

static void close_ends(struct ends *ends)
{
    chain_records_close(&ends->from);
    chain_records_close(&ends->to);
}

static enum rotor_status unseal(struct ends *ends)
{
    return chain_record_unseal(&ends->to, bytes_in(&ends->record), &ends->type,
                               &ends->opened);
}

SPEC("records travel in order and close the direction")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct ends ends;
        open_ends(&ends, suite);
        for (unsigned i = 0; i < 20; i++) {
            const uint8_t text[4] = {(uint8_t)i, 1, 2, 3};
            assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                        bytes_of(text, i % 5), &ends.record));
            assert_int_equal(ends.record.used, i % 5 + CHAIN_RECORD_OVERHEAD);
            assert_int_equal(bytes_be64(ends.sealed), i);
            assert_ok(unseal(&ends));
            assert_int_equal(ends.type, CHAIN_RECORD_DATA);
            assert_true(
                bytes_equal(bytes_in(&ends.opened), bytes_of(text, i % 5)));
        }
        assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_CLOSE,
                                    bytes_of(NULL, 0), &ends.record));
        assert_ok(unseal(&ends));
        assert_int_equal(ends.type, CHAIN_RECORD_CLOSE);
        assert_int_equal(unseal(&ends), ROTOR_FORBIDDEN);
        assert_int_equal(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                           bytes_of(NULL, 0), &ends.record),
                         ROTOR_FORBIDDEN);
        assert_int_equal(ends.record.used, 0);
        close_ends(&ends);
    }
}

// The layout of the text, opened without the code under test.
SPEC("a record is be64 i, type, ciphertext and tag under sid and head")
{
    struct ends ends;
    struct crypto_aead aead = {0};
    uint8_t aad[25] = {7};
    uint8_t nonce[12];
    uint8_t plain[5];
    open_ends(&ends, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                    LABEL("hello"), &ends.record));
    }
    assert_ok(crypto_aead_open(&aead, CRYPTO_AES256_GCM, TRAFFIC.key));
    memcpy(aad + 16, ends.sealed, 9);
    memcpy(nonce, TRAFFIC.iv, sizeof nonce);
    nonce[11] ^= 1;
    assert_int_equal(ends.sealed[7], 1);
    assert_ok(crypto_unseal(&aead, nonce, BYTES_OF(aad),
                            bytes_of(ends.sealed + 9, 5 + 16), plain));
    assert_memory_equal(plain, "hello", 5);
    crypto_aead_close(&aead);
    close_ends(&ends);
}

SPEC("a replayed, skipped, altered or cut record ends the direction")
{
    for (unsigned fault = 0; fault < 5; fault++) {
        struct ends ends;
        open_ends(&ends, 2);
        assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA, LABEL("one"),
                                    &ends.record));
        assert_ok(unseal(&ends));
        if (fault == 1) { // skipped
            assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                        LABEL("two"), &ends.record));
        }
        if (fault >= 1) {
            assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                        LABEL("three"), &ends.record));
        }
        if (fault == 2) { // data becomes close
            ends.sealed[8] = CHAIN_RECORD_CLOSE;
        }
        if (fault == 3) { // a type that nobody knows
            ends.sealed[8] = 2;
        }
        if (fault == 4) {
            ends.record.used = CHAIN_RECORD_OVERHEAD - 1;
        }
        assert_int_equal(unseal(&ends), ROTOR_MALFORMED);
        assert_int_equal(ends.opened.used, 0);
        assert_int_equal(unseal(&ends), ROTOR_FORBIDDEN);
        close_ends(&ends);
    }
}

// Sealed by the rightful peer, who does not keep to the form.
SPEC("a record that names another place or an unknown type does not open")
{
    for (unsigned fault = 0; fault < 3; fault++) {
        struct ends ends;
        struct crypto_aead aead = {0};
        uint8_t aad[25] = {7};
        open_ends(&ends, 2);
        memset(ends.sealed, 0, 9);
        ends.sealed[7] = fault == 1 ? 5 : 0; // i
        ends.sealed[8] = fault == 2 ? 2 : 0; // type
        memcpy(aad + 16, ends.sealed, 9);
        assert_ok(crypto_aead_open(&aead, CRYPTO_AES256_GCM, TRAFFIC.key));
        assert_ok(crypto_seal(&aead, TRAFFIC.iv, BYTES_OF(aad), LABEL("x"),
                              ends.sealed + 9));
        ends.record.used = 1 + CHAIN_RECORD_OVERHEAD;
        assert_int_equal(unseal(&ends),
                         fault == 0 ? ROTOR_OK : ROTOR_MALFORMED);
        crypto_aead_close(&aead);
        close_ends(&ends);
    }
}

SPEC("a record of another session does not open")
{
    struct ends ends;
    static const uint8_t OTHER[WIRE_ID_SIZE] = {8};
    open_ends(&ends, 2);
    chain_records_close(&ends.to);
    assert_ok(chain_records_open(&ends.to, 2, &TRAFFIC, OTHER));
    assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA, LABEL("x"),
                                &ends.record));
    assert_int_equal(unseal(&ends), ROTOR_MALFORMED);
    close_ends(&ends);
}

SPEC("a direction ends after 2^24 records")
{
    struct ends ends;
    open_ends(&ends, 2);
    ends.from.next = CHAIN_RECORD_LIMIT - 1;
    assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA, LABEL("x"),
                                &ends.record));
    assert_int_equal(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                       LABEL("x"), &ends.record),
                     ROTOR_FORBIDDEN);
    ends.to.next = CHAIN_RECORD_LIMIT;
    assert_int_equal(unseal(&ends), ROTOR_FORBIDDEN);
    close_ends(&ends);
}

SPEC("too little room keeps the direction open")
{
    struct ends ends;
    open_ends(&ends, 2);
    ends.record.capacity = 3 + CHAIN_RECORD_OVERHEAD - 1;
    assert_int_equal(chain_record_seal(&ends.from, CHAIN_RECORD_DATA,
                                       LABEL("one"), &ends.record),
                     ROTOR_TOO_SMALL);
    ends.record.capacity++;
    assert_ok(chain_record_seal(&ends.from, CHAIN_RECORD_DATA, LABEL("one"),
                                &ends.record));
    ends.opened.capacity = 2;
    assert_int_equal(unseal(&ends), ROTOR_TOO_SMALL);
    ends.opened.capacity = 3;
    assert_ok(unseal(&ends));
    static const struct chain_records CLOSED;
    struct chain_records none = CLOSED;
    assert_int_equal(
        chain_record_seal(&none, CHAIN_RECORD_DATA, LABEL("one"), &ends.record),
        ROTOR_FORBIDDEN);
    assert_int_equal(chain_records_open(&none, 4, &TRAFFIC, SID),
                     ROTOR_INVALID);
    close_ends(&ends);
}
