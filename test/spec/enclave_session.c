// SPDX-License-Identifier: Apache-2.0
// Attestation and sessions, the requester's side computed by hand.
#include <string.h>

#include "test/spec/enclave_world.h"
#include "wire/cbor.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

// A requester far away: its own nonce, ephemeral and arithmetic.
struct requester {
    uint8_t sid[16];
    uint8_t nonce[32];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    struct crypto_key e_r;
    uint8_t request[1024];
    size_t request_size;
    uint8_t reply[WIRE_PAYLOAD_MAX];
    struct wire_attest_rsp rsp;
    struct wire_attest_core core;
    uint8_t mac_r[48];
    uint8_t keys[6][48]; // r2a key, r2a iv, a2r key, a2r iv, export, fin r
    enum crypto_hash hash;
};

static void requester_init(struct requester *r, uint8_t byte,
                           struct wire_attest_req *order)
{
    struct rotor_room point = ROOM_OF(r->point_bytes);
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(r, 0, sizeof *r);
    memset(r->sid, byte, sizeof r->sid);
    memset(r->nonce, byte ^ 0x3c, sizeof r->nonce);
    memset(seed, byte + 1, sizeof seed);
    assert_ok(
        crypto_key_derive(&r->e_r, crypto_suite_of(trust.suite)->agree, seed));
    assert_ok(chain_point_encode(&r->e_r, &point));
    *order = (struct wire_attest_req){
        .log_id = trust.log_id,
        .sid = BYTES_OF(r->sid),
        .nonce = BYTES_OF(r->nonce),
        .e_r = bytes_in(&point),
        .suites = {1, {trust.suite}},
        .purpose = WIRE_PURPOSE_SESSION,
        .peer_binding = LABEL("a TLS exporter"),
        .id = peer.control_kid,
        .want_evidence = 1,
    };
}

static enum wire_type ask(struct requester *r,
                          const struct wire_attest_req *order)
{
    struct rotor_room room = ROOM_OF(r->request);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, order, &room));
    r->request_size = room.used;
    enum wire_type type = peer_send(&peer, WIRE_ATTEST_REQ, bytes_in(&room));
    if (type == WIRE_ATTEST_RSP) {
        memcpy(r->reply, peer.payload.data, peer.payload.size);
        assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP,
                                      bytes_of(r->reply, peer.payload.size),
                                      &r->rsp));
        assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, r->rsp.core,
                                      &r->core));
    }
    return type;
}

// ---- section 8.1 by hand ---------------------------------------------------

static struct rotor_bytes lp4(uint8_t be[4], struct rotor_bytes bytes)
{
    bytes_put_be32(be, (uint32_t)bytes.size);
    return bytes_of(be, 4);
}

static void hash_lp4(enum crypto_hash hash, const char *label,
                     struct rotor_bytes head, const struct rotor_bytes two[2],
                     uint8_t *out)
{
    uint8_t be[2][4];
    struct rotor_bytes parts[] = {bytes_of(label, strlen(label) + 1),
                                  head,
                                  lp4(be[0], two[0]),
                                  two[0],
                                  lp4(be[1], two[1]),
                                  two[1]};
    size_t count = two[1].data == NULL ? 4 : 6;
    assert_ok(crypto_hash(hash, parts, count, out));
}

static void hmac(enum crypto_hash hash, struct rotor_bytes key,
                 struct rotor_bytes message, uint8_t *out)
{
    assert_ok(crypto_hmac(hash, key, &message, 1, out));
}

// Expand for at most one block.
static void expand(enum crypto_hash hash, const uint8_t *prk,
                   struct rotor_bytes info, uint8_t *out)
{
    static const uint8_t one = 1;
    struct rotor_bytes parts[] = {info, bytes_of(&one, 1)};
    assert_ok(crypto_hmac(hash, bytes_of(prk, crypto_hash_size(hash)), parts, 2,
                          out));
}

static void write_digest(struct cbor_writer *out, const struct wire_digest *d)
{
    if (d->alg == CRYPTO_HASH_NONE) {
        cbor_write_bytes(out, (struct rotor_bytes){0});
        return;
    }
    cbor_write_array(out, 2);
    cbor_write_int(out, d->alg == CRYPTO_SHA256 ? -16 : -43);
    cbor_write_bytes(out, bytes_of(d->bytes, crypto_hash_size(d->alg)));
}

static void hash_context(const struct requester *r, const uint8_t *th2,
                         uint8_t *out)
{
    uint8_t bytes[1024];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer w;
    size_t length = crypto_hash_size(r->hash);
    cbor_writer_init(&w, &room);
    cbor_write_array(&w, 13);
    cbor_write_text(&w, LABEL("rotor1"));
    cbor_write_uint(&w, trust.suite);
    write_digest(&w, &trust.log_id);
    cbor_write_uint(&w, trust.order.epoch);
    write_digest(&w, &trust.body_hash);
    write_digest(&w, &peer.control_kid);
    write_digest(&w, &trust.log_id);
    cbor_write_bytes(&w, BYTES_OF(r->sid));
    cbor_write_bytes(&w, BYTES_OF(r->nonce));
    cbor_write_bytes(&w, r->core.nonce);
    cbor_write_uint(&w, 6);
    cbor_write_bytes(&w, LABEL("a TLS exporter"));
    cbor_write_bytes(&w, bytes_of(th2, length));
    assert_ok(cbor_writer_finish(&w));
    struct rotor_bytes part = bytes_in(&room);
    assert_ok(crypto_hash(r->hash, &part, 1, out));
}

static void derive_all(struct requester *r, const uint8_t *ck3,
                       const uint8_t *context, uint8_t *fin_a)
{
    static const char *const labels[] = {"r2a key", "r2a iv", "a2r key",
                                         "a2r iv",  "export", "fin r"};
    size_t length = crypto_hash_size(r->hash);
    for (size_t i = 0; i <= COUNT_OF(labels); i++) {
        const char *label = i < COUNT_OF(labels) ? labels[i] : "fin a";
        uint8_t info[128] = "rotor1 s/";
        size_t size = 9 + strlen(label);
        memcpy(info + 9, label, strlen(label));
        info[size] = 0;
        memcpy(info + size + 1, context, length);
        uint8_t block[64];
        expand(r->hash, ck3, bytes_of(info, size + 1 + length), block);
        memcpy(i < COUNT_OF(labels) ? r->keys[i] : fin_a, block, length);
    }
}

// Returns whether mac_a is right; mac_r and keys are then ready.
static bool follow(struct requester *r)
{
    const struct crypto_suite *suite = crypto_suite_of(trust.suite);
    size_t length = crypto_hash_size(suite->hash);
    uint8_t th1[64], th1e[64], th2[64], ck[64], salt[64], context[64];
    uint8_t fin_a[48], mac[64], suite_be[2], zeros[64] = {0};
    uint8_t ee_bytes[48], es_bytes[48];
    struct rotor_room ee = ROOM_OF(ee_bytes), es = ROOM_OF(es_bytes);
    r->hash = suite->hash;
    struct rotor_bytes one[2] = {bytes_of(r->request, r->request_size),
                                 r->rsp.core};
    hash_lp4(r->hash, "rotor1 th1", (struct rotor_bytes){0}, one, th1);
    struct rotor_bytes two[2] = {
        r->rsp.evidence, {NULL, 0}
    };
    hash_lp4(r->hash, "rotor1 th1e", bytes_of(th1, length), two, th1e);
    struct rotor_bytes three[2] = {r->rsp.evidence, r->rsp.sig_s};
    hash_lp4(r->hash, "rotor1 th2", bytes_of(th1, length), three, th2);

    struct wire_statement said = {LABEL("rotor1 attest"),
                                  bytes_of(th1e, length)};
    bool valid = false;
    assert_ok(wire_cose_verify(&trust.sign, &said, r->rsp.sig_s, &valid));
    assert_true(valid);

    assert_ok(chain_agree(&r->e_r, r->core.e_a, &ee));
    assert_ok(chain_agree_static(&r->e_r, &trust.agree, &es));
    bytes_put_be16(suite_be, suite->id);
    struct rotor_bytes parts[] = {bytes_of("rotor1 session", 15),
                                  BYTES_OF(suite_be),
                                  wire_digest_bytes(&trust.log_id)};
    assert_ok(crypto_hash(r->hash, parts, 3, salt));
    hmac(r->hash, bytes_of(salt, length), bytes_in(&ee), ck);
    expand(r->hash, ck, LABEL("rotor1 derived"), salt);
    hmac(r->hash, bytes_of(salt, length), bytes_in(&es), ck);
    expand(r->hash, ck, LABEL("rotor1 derived"), salt);
    hmac(r->hash, bytes_of(salt, length), bytes_of(zeros, length), ck);
    hash_context(r, th2, context);
    derive_all(r, ck, context, fin_a);

    hmac(r->hash, bytes_of(fin_a, length), bytes_of(th2, length), mac);
    bool right = r->rsp.mac_a.size == length &&
                 memcmp(mac, r->rsp.mac_a.data, length) == 0;
    struct rotor_bytes confirmed[] = {bytes_of(th2, length), r->rsp.mac_a};
    assert_ok(crypto_hash(r->hash, confirmed, 2, mac));
    uint8_t mac_r[64];
    hmac(r->hash, bytes_of(r->keys[5], length), bytes_of(mac, length), mac_r);
    memcpy(r->mac_r, mac_r, length);
    return right;
}

static enum wire_type finish(const struct requester *r)
{
    struct wire_session_fin fin = {
        .sid = BYTES_OF(r->sid),
        .mac_r = bytes_of(r->mac_r, crypto_hash_size(r->hash))};
    return peer_ask(&peer, WIRE_SESSION_FIN, &WIRE_LAYOUT_SESSION_FIN, &fin);
}

static enum wire_type fetch(const struct requester *r,
                            struct wire_session_keyed *keyed)
{
    struct wire_session_key order = {.sid = BYTES_OF(r->sid)};
    enum wire_type type =
        peer_ask(&peer, WIRE_SESSION_KEY, &WIRE_LAYOUT_SESSION_KEY, &order);
    if (type == WIRE_SESSION_KEYED) {
        peer_decode(&peer, &WIRE_LAYOUT_SESSION_KEYED, keyed);
    }
    return type;
}

static void close_all(struct requester *r)
{
    crypto_key_close(&r->e_r);
    peer_close(&peer);
    world_close(&world);
}

SPEC("both ends of a session hold the same keys, in every suite")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct asks asks = USUAL;
        struct requester r;
        struct wire_attest_req order;
        struct wire_session_keyed keyed;
        asks.suite = suite;
        world_at_cur(&world, &peer, &asks, &trust);
        world_rotate(&peer, 1, &trust);
        requester_init(&r, 0x21, &order);
        assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
        assert_true(follow(&r));
        assert_int_equal(fetch(&r, &keyed), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
        assert_int_equal(finish(&r), WIRE_STATUS);
        assert_int_equal(fetch(&r, &keyed), WIRE_SESSION_KEYED);
        assert_int_equal(keyed.suite, suite);
        assert_int_equal(keyed.epoch, 1);
        assert_memory_equal(keyed.r2a_key.data, r.keys[0], 32);
        assert_memory_equal(keyed.r2a_iv.data, r.keys[1], 12);
        assert_memory_equal(keyed.a2r_key.data, r.keys[2], 32);
        assert_memory_equal(keyed.a2r_iv.data, r.keys[3], 12);
        assert_memory_equal(keyed.exporter.data, r.keys[4],
                            keyed.exporter.size);
        // Asked again, the same; finished again, as well.
        assert_int_equal(finish(&r), WIRE_STATUS);
        assert_int_equal(fetch(&r, &keyed), WIRE_SESSION_KEYED);
        close_all(&r);
    }
}

SPEC("an answer says where the AP stands, and its mark only rises")
{
    struct requester r;
    struct wire_attest_req order;
    world_at_cur(&world, &peer, &USUAL, &trust);
    requester_init(&r, 1, &order);
    assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    struct wire_claims claims;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_CLAIMS, r.core.claims, &claims));
    assert_int_equal(claims.walls, 15);
    assert_int_equal(claims.limits.max_per_day, 0);
    assert_int_equal(r.core.mark.n, world.platform.n);
    uint64_t signatures = r.core.mark.signatures;
    assert_int_equal(signatures, world.enclave.signature_count);
    order.purpose = WIRE_PURPOSE_ATTEST;
    order.e_r = (struct rotor_bytes){0};
    assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    assert_int_equal(r.core.mark.signatures, signatures + 1);
    assert_int_equal(r.rsp.mac_a.size, 0);
    assert_int_equal(r.core.e_a.size, 0);
    close_all(&r);
}

SPEC("Evidence is made only when it is wanted, over nonce and transcript")
{
    struct requester r;
    struct wire_attest_req order;
    world_at_cur(&world, &peer, &USUAL, &trust);
    requester_init(&r, 1, &order);
    for (uint64_t purpose = 5; purpose <= 7; purpose++) {
        order.purpose = purpose;
        order.e_r =
            purpose == 6 ? BYTES_OF(r.point_bytes) : (struct rotor_bytes){0};
        order.e_r.size = purpose == 6 ? 65 : 0;
        order.want_evidence = 1;
        assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
        struct wire_digest th1;
        uint8_t ud[64];
        assert_ok(chain_session_th1(CRYPTO_SHA256,
                                    bytes_of(r.request, r.request_size),
                                    r.rsp.core, &th1));
        struct chain_report report = {.purpose = (enum wire_purpose)purpose,
                                      .log_id = trust.log_id,
                                      .head = chain_trust_head(&trust),
                                      .nonce = BYTES_OF(r.nonce),
                                      .bind = wire_digest_bytes(&th1)};
        assert_ok(chain_ud(&report, ud));
        assert_true(evidence_is_for(r.rsp.evidence, ud));
        unsigned count = world.platform.evidence_count;
        order.want_evidence = 0;
        assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
        assert_int_equal(r.rsp.evidence.size, 0);
        assert_int_equal(world.platform.evidence_count, count);
    }
    close_all(&r);
}

SPEC("a request that does not fit the AP is refused by its own code")
{
    struct requester r;
    struct wire_attest_req order;
    world_at_cur(&world, &peer, &USUAL, &trust);
    requester_init(&r, 1, &order);
    const struct wire_attest_req good = order;

    order.min_epoch = 1;
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EPOCH);
    assert_int_equal(peer_error_detail(&peer), 0);
    order = good;
    order.suites = (struct wire_suites){
        2, {1, 2}
    };
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    assert_int_equal(peer_error_detail(&peer), 2);
    order = good;
    order.e_r.size = 32;
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    order = good;
    order.id.bytes[3] ^= 1;
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    order = good;
    order.purpose = WIRE_PURPOSE_ROTATE;
    order.e_r.size = 0;
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    order = good;
    order.purpose = WIRE_PURPOSE_HEAD; // with an ephemeral
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    order = good;
    order.purpose = WIRE_PURPOSE_ATTEST;
    order.e_r.size = 0;
    order.suites = (struct wire_suites){1, {3}};
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    order = good;
    memset(r.point_bytes + 1, 0xff, 64); // not on the curve
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    close_all(&r);
}

SPEC("a wrong confirmation opens nothing, and the right one still may come")
{
    struct requester r;
    struct wire_attest_req order;
    struct wire_session_keyed keyed;
    world_at_cur(&world, &peer, &USUAL, &trust);
    requester_init(&r, 9, &order);
    assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    assert_true(follow(&r));
    r.mac_r[31] ^= 1;
    assert_int_equal(finish(&r), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    assert_int_equal(fetch(&r, &keyed), WIRE_ERROR);
    r.mac_r[31] ^= 1;
    assert_int_equal(finish(&r), WIRE_STATUS);
    // Nobody overwrites it by its sid.
    assert_int_equal(ask(&r, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EXISTS);
    assert_int_equal(fetch(&r, &keyed), WIRE_SESSION_KEYED);
    world.platform.now_ms += ENCLAVE_SESSION_MS;
    assert_int_equal(fetch(&r, &keyed), WIRE_ERROR);
    close_all(&r);
}

SPEC("an emergency ends every session at the switch, a routine one none")
{
    for (uint64_t reason = WIRE_REASON_SCHEDULED;
         reason <= WIRE_REASON_OPERATOR; reason++) {
        struct requester r;
        struct wire_attest_req order;
        struct wire_session_keyed keyed;
        world_at_cur(&world, &peer, &USUAL, &trust);
        requester_init(&r, 9, &order);
        assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
        assert_true(follow(&r));
        assert_int_equal(finish(&r), WIRE_STATUS);
        world_rotate(&peer, reason, &trust);
        bool ends = reason == WIRE_REASON_SECURITY_EVENT ||
                    reason == WIRE_REASON_KEY_COMPROMISE;
        assert_int_equal(fetch(&r, &keyed),
                         ends ? WIRE_ERROR : WIRE_SESSION_KEYED);
        close_all(&r);
    }
}

SPEC("the oldest unconfirmed session makes room, a confirmed one stays")
{
    struct requester first, r;
    struct wire_attest_req order;
    struct wire_session_keyed keyed;
    world_at_cur(&world, &peer, &USUAL, &trust);
    requester_init(&first, 0xee, &order);
    assert_int_equal(ask(&first, &order), WIRE_ATTEST_RSP);
    assert_true(follow(&first));
    requester_init(&r, 0xdd, &order);
    order.want_evidence = 0;
    assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    assert_true(follow(&r));
    assert_int_equal(finish(&r), WIRE_STATUS);
    for (uint32_t i = 0; i < ENCLAVE_SESSIONS_MAX; i++) {
        memset(r.sid, 0, sizeof r.sid);
        bytes_put_be32(r.sid, i + 1);
        assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    }
    assert_int_equal(finish(&first), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
    memset(r.sid, 0xdd, sizeof r.sid);
    assert_int_equal(fetch(&r, &keyed), WIRE_SESSION_KEYED);
    crypto_key_close(&first.e_r);
    close_all(&r);
}

SPEC("a program's session is confirmed by it and fetched by nobody else")
{
    struct requester r;
    struct wire_attest_req order;
    struct wire_session_keyed keyed;
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct peer control = peer;
    peer_init_program(&peer, &world);
    requester_init(&r, 7, &order);
    assert_int_equal(ask(&r, &order), WIRE_ERROR); // names C
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    order.id = (struct wire_digest){0};
    peer.control_kid = (struct wire_digest){0}; // what ctx is computed with
    assert_int_equal(ask(&r, &order), WIRE_ATTEST_RSP);
    assert_true(follow(&r));
    assert_int_equal(finish(&r), WIRE_STATUS);
    crypto_key_close(&peer.control);
    peer = control;
    assert_int_equal(fetch(&r, &keyed), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
    assert_int_equal(finish(&r), WIRE_ERROR);
    close_all(&r);
}
