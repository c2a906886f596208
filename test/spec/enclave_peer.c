// SPDX-License-Identifier: Apache-2.0
// The peer's half of pairing, and orders with usual content.
#include <string.h>

#include "base/secret.h"
#include "test/spec/enclave_world.h"
#include "wire/cbor.h"

const struct asks USUAL = {.suite = 2, .grace_s = 86400};

// ---- pairing ---------------------------------------------------------------

// What HELLO_RTP leaves for HELLO_FIN; one HELLO at a time.
static struct {
    struct crypto_key e_r;
    struct wire_digest t2;
    uint8_t sig_s[ENCLAVE_SIG_MAX];
    size_t sig_s_size;
    uint8_t e_a[CHAIN_POINT_MAX];
    size_t e_a_size;
    uint32_t suite;
    struct wire_digest log_id;
} met;

static void make_e_r(struct peer *peer, uint8_t *bytes,
                     struct rotor_bytes *point)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, (int)peer->channel_id, sizeof seed);
    struct rotor_room room = {bytes, CHAIN_POINT_MAX, 0};
    crypto_key_close(&met.e_r);
    assert_ok(
        crypto_key_derive(&met.e_r, crypto_suite_of(peer->suite)->agree, seed));
    assert_ok(chain_point_encode(&met.e_r, &room));
    *point = bytes_in(&room);
}

// Everything that HELLO_AP proves: Evidence over nonce and T1, sig_S over T2.
static void check_hello(struct peer *peer, const struct rotor_bytes hello_frame,
                        const uint8_t nonce[32])
{
    struct wire_hello_ap hello;
    struct wire_hello_core core;
    peer_decode(peer, &WIRE_LAYOUT_HELLO_AP, &hello);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_HELLO_CORE, hello.core, &core));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, core.status,
                                  &peer->status));
    enum crypto_hash hash = crypto_suite_of(core.suite)->hash;
    struct wire_digest t1;
    uint8_t ud[CHAIN_UD_SIZE];
    struct chain_hello transcript = {
        hello_frame, bytes_of(peer->reply, WIRE_HEADER_SIZE), hello.core};
    assert_ok(chain_channel_t1(hash, &transcript, &t1));
    struct chain_report report = {.purpose = WIRE_PURPOSE_HELLO,
                                  .log_id = hello.log_id,
                                  .head = peer->status.cur,
                                  .nonce = bytes_of(nonce, 32),
                                  .bind = wire_digest_bytes(&t1)};
    assert_ok(chain_ud(&report, ud));
    assert_true(evidence_is_for(hello.evidence, ud));
    assert_ok(chain_channel_t2(&t1, hello.evidence, &met.t2));
    bool has_log = !wire_digest_is_empty(&hello.log_id);
    assert_int_equal(has_log, hello.sig_s.size > 0);
    assert_int_equal(has_log, peer->status.has_cur);
    if (has_log && peer->sign_key.type != WIRE_KEY_NONE) {
        struct wire_statement statement = {LABEL(WIRE_CONTEXT_CHAN_AP),
                                           wire_digest_bytes(&met.t2)};
        bool valid = false;
        assert_ok(
            wire_cose_verify(&peer->sign_key, &statement, hello.sig_s, &valid));
        assert_true(valid);
    }
    if (hello.sig_s.size > 0) {
        memcpy(met.sig_s, hello.sig_s.data, hello.sig_s.size);
    }
    met.sig_s_size = hello.sig_s.size;
    memcpy(met.e_a, core.e_a.data, core.e_a.size);
    met.e_a_size = core.e_a.size;
    met.suite = (uint32_t)core.suite;
    met.log_id = hello.log_id;
}

bool peer_hello(struct peer *peer)
{
    uint8_t nonce[32];
    uint8_t point[CHAIN_POINT_MAX];
    struct wire_hello_rtp hello = {
        .log_id = peer->log_id,
        .nonce = BYTES_OF(nonce),
        .suites = {3, {peer->suite, 1, 2}},
        .control_kid = peer->control_kid,
        .has_cur = peer->shows_cur,
        .cur = peer->cur,
        .has_pend = peer->shows_pend,
        .pend = peer->pend,
        .floor = peer->floor,
    };
    peer->mode = PEER_PLAIN;
    peer->channel_id++;
    peer->next_in = 0;
    peer->next_out = 0;
    memset(nonce, (int)peer->channel_id * 3, sizeof nonce);
    make_e_r(peer, point, &hello.e_r);
    peer->world->platform.now_ms += 300; // within the limit of HELLOs
    if (peer_ask(peer, WIRE_HELLO_RTP, &WIRE_LAYOUT_HELLO_RTP, &hello) !=
        WIRE_HELLO_AP) {
        return false;
    }
    check_hello(peer, bytes_of(peer->frame, peer->frame_size), nonce);
    peer->log_id = met.log_id;
    return true;
}

static void derive_channel(struct peer *peer, const struct wire_digest *t3)
{
    uint8_t ee_bytes[CRYPTO_SHARED_MAX];
    uint8_t es_bytes[CRYPTO_SHARED_MAX];
    struct rotor_room ee = ROOM_OF(ee_bytes);
    struct rotor_room es = ROOM_OF(es_bytes);
    struct chain_channel_keys keys;
    assert_ok(chain_agree(&met.e_r, bytes_of(met.e_a, met.e_a_size), &ee));
    if (!wire_digest_is_empty(&met.log_id)) {
        // K_cur, as the body says it.
        struct chain_body body;
        const struct enclave_slot *cur = &peer->world->enclave.state.cur;
        assert_ok(
            chain_body_decode(bytes_of(cur->body, cur->body_size), &body));
        assert_ok(chain_agree_static(&met.e_r, &body.agree, &es));
    }
    struct chain_channel_input input = {met.suite, met.log_id, bytes_in(&ee),
                                        bytes_in(&es), *t3};
    assert_ok(chain_channel_derive(&input, &keys));
    enum crypto_aead_algorithm aead = crypto_suite_of(met.suite)->aead;
    crypto_aead_close(&peer->seal_out);
    crypto_aead_close(&peer->open_in);
    assert_ok(crypto_aead_open(&peer->seal_out, aead, keys.r2a.key));
    assert_ok(crypto_aead_open(&peer->open_in, aead, keys.a2r.key));
    memcpy(peer->iv_out, keys.r2a.iv, WIRE_IV_SIZE);
    memcpy(peer->iv_in, keys.a2r.iv, WIRE_IV_SIZE);
}

bool peer_fin(struct peer *peer)
{
    uint8_t key_bytes[WIRE_KEY_ENCODED_MAX];
    uint8_t sig_bytes[ENCLAVE_SIG_MAX];
    struct rotor_room key = ROOM_OF(key_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct wire_digest t3;
    assert_ok(wire_key_encode(&peer->control_key, &key));
    assert_ok(chain_channel_t3(&met.t2, bytes_of(met.sig_s, met.sig_s_size),
                               bytes_in(&key), &t3));
    struct wire_statement statement = {LABEL(WIRE_CONTEXT_CHAN_RTP),
                                       wire_digest_bytes(&t3)};
    assert_ok(wire_cose_sign(&peer->control, &statement, &sig));
    struct wire_hello_fin fin = {peer->log_id, bytes_in(&key), bytes_in(&sig)};
    derive_channel(peer, &t3);
    // The request is plain, the answer sealed; a refusal is plain.
    uint8_t bytes[512];
    struct rotor_room payload = ROOM_OF(bytes);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_HELLO_FIN, &fin, &payload));
    memset(peer->request_id, 0xf1, WIRE_ID_SIZE);
    struct wire_header header = {.type = WIRE_HELLO_FIN,
                                 .channel_id = peer->channel_id,
                                 .sequence = peer->next_out++,
                                 .ack = peer->next_in - 1};
    memcpy(header.request_id, peer->request_id, WIRE_ID_SIZE);
    struct rotor_room frame = ROOM_OF(peer->frame);
    struct rotor_room reply = ROOM_OF(peer->reply);
    assert_ok(wire_frame_encode(&header, bytes_in(&payload), &frame));
    assert_ok(enclave_serve(&peer->world->enclave, &peer->pair,
                            bytes_in(&frame), &reply));
    struct rotor_room plain = {peer->reply + WIRE_HEADER_SIZE, WIRE_PAYLOAD_MAX,
                               0};
    struct wire_sealer sealer = {.aead = &peer->open_in};
    memcpy(sealer.iv, peer->iv_in, sizeof sealer.iv);
    memset(&peer->header, 0, sizeof peer->header);
    if (wire_frame_unseal(&sealer, bytes_in(&reply), &peer->header, &plain) !=
        ROTOR_OK) {
        if (reply.used > 0) {
            assert_ok(wire_frame_decode(bytes_in(&reply), &peer->header,
                                        &peer->payload));
        }
        return false;
    }
    peer->payload = bytes_in(&plain);
    peer->mode = PEER_SEALED;
    assert_int_equal(peer->header.sequence, peer->next_in);
    peer->next_in++;
    if (peer->header.type != WIRE_STATUS) {
        return false;
    }
    struct wire_status_reply status;
    peer_decode(peer, &WIRE_LAYOUT_STATUS_REPLY, &status);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, status.status,
                                  &peer->status));
    return true;
}

bool peer_pair(struct peer *peer)
{
    return peer_hello(peer) && peer_fin(peer);
}

// ---- orders ----------------------------------------------------------------

void make_policy(const struct peer *peer, const struct asks *asks,
                 struct rotor_room *room)
{
    struct authority authority;
    struct chain_policy policy;
    authority_init(&authority, 1);
    chain_policy_init(&policy);
    policy.min_interval_s = asks->min_interval_s;
    policy.max_per_day = asks->max_per_day;
    policy.grace_s = asks->grace_s;
    policy.control = peer->control_kid;
    assert_ok(chain_hash_ra_set(crypto_suite_of(asks->suite)->hash,
                                bytes_in(&authority.set_room), &policy.ra));
    assert_ok(chain_policy_encode(&policy, room));
    authority_close(&authority);
}

static const uint8_t SEED[32] = {5, 1, 4};

enum wire_type ask_generate(struct peer *peer, const struct asks *asks)
{
    uint8_t bytes[CHAIN_POLICY_MAX];
    struct rotor_room policy = ROOM_OF(bytes);
    make_policy(peer, asks, &policy);
    struct wire_generate order = {.seed = BYTES_OF(SEED),
                                  .seed_src = 1,
                                  .suite = asks->suite,
                                  .control_kid = peer->control_kid,
                                  .policy = bytes_in(&policy)};
    return peer_ask(peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order);
}

enum wire_type ask_accept0(struct peer *peer, const struct wire_digest *hash)
{
    struct wire_accept0 order = {.body_hash = *hash};
    return peer_ask(peer, WIRE_ROT_ACCEPT0, &WIRE_LAYOUT_ROT_ACCEPT0, &order);
}

enum wire_type ask_rotate_as(struct peer *peer, struct wire_rotate *order)
{
    return peer_ask(peer, WIRE_ROTATE, &WIRE_LAYOUT_ROTATE, order);
}

enum wire_type ask_rotate(struct peer *peer, uint64_t from, uint64_t reason)
{
    struct wire_rotate order = {.from_epoch = from,
                                .seed = BYTES_OF(SEED),
                                .seed_src = 1,
                                .reason = reason};
    return ask_rotate_as(peer, &order);
}

enum wire_type ask_commit(struct peer *peer, uint64_t epoch,
                          const struct wire_digest *hash)
{
    struct wire_commit order = {.epoch = epoch, .body_hash = *hash};
    return peer_ask(peer, WIRE_ROT_COMMIT, &WIRE_LAYOUT_ROT_COMMIT, &order);
}

enum wire_type ask_attest(struct peer *peer, uint64_t purpose)
{
    static const uint8_t nonce[32] = {7};
    uint8_t sid[16];
    uint8_t point[CHAIN_POINT_MAX];
    memset(sid, 0x51, sizeof sid);
    bytes_put_be64(sid, peer->id_count);
    struct wire_attest_req order = {
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .suites = {1, {peer->suite}},
        .purpose = purpose,
        .want_evidence = 1
    };
    if (purpose == WIRE_PURPOSE_SESSION) {
        make_e_r(peer, point, &order.e_r);
    }
    return peer_ask(peer, WIRE_ATTEST_REQ, &WIRE_LAYOUT_ATTEST_REQ, &order);
}

enum wire_type ask_status(struct peer *peer)
{
    struct wire_status_request order = {0};
    enum wire_type type =
        peer_ask(peer, WIRE_STATUS, &WIRE_LAYOUT_STATUS, &order);
    if (type == WIRE_STATUS) {
        struct wire_status_reply status;
        peer_decode(peer, &WIRE_LAYOUT_STATUS_REPLY, &status);
        assert_ok(wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, status.status,
                                      &peer->status));
    }
    return type;
}

enum wire_type ask_log(struct peer *peer, uint32_t incarnation, uint64_t from)
{
    struct wire_log_get order = {
        .from = {incarnation, from},
          .max = 16
    };
    return peer_ask(peer, WIRE_LOG_GET, &WIRE_LAYOUT_LOG_GET, &order);
}

void peer_entry(const struct peer *peer, struct chain_entry *entry)
{
    struct wire_entry message;
    const struct wire_layout *layout = peer->header.type == WIRE_ROT_AVAILABLE
                                           ? &WIRE_LAYOUT_ROT_AVAILABLE
                                           : &WIRE_LAYOUT_ROT_PREPARED;
    peer_decode(peer, layout, &message);
    assert_ok(chain_entry_decode(message.entry, entry));
}

// ---- judging ---------------------------------------------------------------

static enum rotor_status never_seen(void *context,
                                    const struct chain_fingerprint *fingerprint,
                                    bool *seen)
{
    (void)context;
    (void)fingerprint;
    *seen = false;
    return ROTOR_OK;
}

static enum rotor_status
check_ud(void *context, const struct chain_evidence_question *question,
         bool *ok, const char **why)
{
    (void)context;
    *ok = evidence_is_for(question->evidence, question->ud);
    *why = "another UD";
    return ROTOR_OK;
}

bool entry_follows(const struct chain_trust *trust, struct rotor_bytes entry,
                   struct chain_trust *next)
{
    struct chain_ports ports = {.has_seen = never_seen,
                                .check_evidence = check_ud};
    struct chain_verdict verdict;
    struct chain_expected expected = {0};
    if (chain_trust_is_empty(trust)) {
        assert_ok(
            chain_accept_genesis(&expected, entry, &ports, &verdict, next));
    } else {
        assert_ok(chain_accept(trust, entry, &ports, &verdict, next));
    }
    if (verdict.outcome != CHAIN_ACCEPTED) {
        print_message("rule %u: %s\n", verdict.rule, verdict.reason);
    }
    return verdict.outcome == CHAIN_ACCEPTED;
}

// ---- the authority ---------------------------------------------------------

void authority_init(struct authority *authority, uint8_t byte)
{
    memset(authority, 0, sizeof *authority);
    authority->set.k = 2;
    authority->set.count = 3;
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t seed[CRYPTO_SEED_MAX];
        memset(seed, byte * 16 + i, sizeof seed);
        assert_ok(crypto_key_derive(&authority->keys[i], CRYPTO_P256, seed));
        assert_ok(wire_key_of(&authority->keys[i], &authority->set.keys[i]));
    }
    authority->set_room = ROOM_OF(authority->set_bytes);
    assert_ok(chain_ra_set_encode(&authority->set, &authority->set_room));
}

void authority_close(struct authority *authority)
{
    for (size_t i = 0; i < 3; i++) {
        crypto_key_close(&authority->keys[i]);
    }
}

enum wire_type ask_recover(struct peer *peer, const struct recovery *order)
{
    uint8_t policy_bytes[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(policy_bytes);
    struct chain_policy policy;
    make_policy(peer, &order->asks, &room);
    assert_ok(chain_policy_decode(bytes_in(&room), &policy));
    assert_ok(chain_hash_ra_set(crypto_suite_of(order->asks.suite)->hash,
                                bytes_in(&order->authority->set_room),
                                &policy.ra));
    assert_ok(chain_policy_encode(&policy, &room));
    struct wire_recover message = {
        .kind = order->kind,
        .incarnation = order->incarnation,
        .epoch = order->epoch,
        .supersedes = order->supersedes,
        .suite = order->asks.suite,
        .seed = BYTES_OF(SEED),
        .seed_src = 1,
        .ra_set = bytes_in(&order->authority->set_room),
        .control_kid = peer->control_kid,
        .policy = bytes_in(&room),
        .with_old = order->with_old,
        .order_log_id = order->log_id,
    };
    return peer_ask(peer, WIRE_RECOVER, &WIRE_LAYOUT_RECOVER, &message);
}

enum wire_type ask_recover_signed(struct peer *peer, struct rotor_bytes body,
                                  struct authority *by, size_t count)
{
    static uint8_t sig_bytes[4096];
    static uint8_t set_bytes[4096];
    struct rotor_room sigs = ROOM_OF(sig_bytes);
    struct rotor_room sets = ROOM_OF(set_bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &sigs);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        assert_ok(chain_sign_ra(&by->keys[i], body, &sign1));
        cbor_write_bytes(&out, bytes_in(&sign1));
    }
    assert_ok(cbor_writer_finish(&out));
    cbor_writer_init(&out, &sets);
    cbor_write_array(&out, 1);
    cbor_write_raw(&out, bytes_in(&by->set_room));
    assert_ok(cbor_writer_finish(&out));
    struct chain_body decoded;
    struct wire_recover_signed message = {.sig_ra = bytes_in(&sigs),
                                          .ra_sets = bytes_in(&sets)};
    assert_ok(chain_body_decode(body, &decoded));
    assert_ok(chain_body_hash(&decoded, &message.body_hash));
    return peer_ask(peer, WIRE_RECOVER_SIGNED, &WIRE_LAYOUT_RECOVER_SIGNED,
                    &message);
}

// ---- whole steps -----------------------------------------------------------

void world_at_cur(struct world *world, struct peer *peer,
                  const struct asks *asks, struct chain_trust *trust)
{
    world_init(world);
    world_to_cur(world, peer, asks, trust);
}

void world_to_cur(struct world *world, struct peer *peer,
                  const struct asks *asks, struct chain_trust *trust)
{
    struct chain_entry entry;
    struct chain_trust none = {0};
    world_start(world);
    peer_init(peer, world);
    peer->suite = asks->suite;
    assert_true(peer_pair(peer));
    assert_int_equal(ask_generate(peer, asks), WIRE_ROT_AVAILABLE);
    peer_entry(peer, &entry);
    assert_true(entry_follows(&none, entry.bytes, trust));
    assert_int_equal(ask_accept0(peer, &trust->body_hash), WIRE_ROT_DONE);
    peer->sign_key = trust->sign;
    assert_true(peer_pair(peer));
}

void world_rotate(struct peer *peer, uint64_t reason, struct chain_trust *trust)
{
    struct chain_entry entry;
    struct chain_trust next;
    assert_int_equal(ask_rotate(peer, trust->order.epoch, reason),
                     WIRE_ROT_PREPARED);
    peer_entry(peer, &entry);
    assert_true(entry_follows(trust, entry.bytes, &next));
    *trust = next;
    assert_int_equal(ask_commit(peer, trust->order.epoch, &trust->body_hash),
                     WIRE_ROT_DONE);
    peer->sign_key = trust->sign;
}
