// SPDX-License-Identifier: Apache-2.0
// Recovery by the authority: what it may order, and what nobody else may.
#include <string.h>

#include "test/spec/enclave_world.h"
#include "wire/cbor.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;
static struct authority authority, stranger;
static uint8_t body_bytes[ENCLAVE_BODY_MAX];
static struct rotor_bytes body;

static void begin(void)
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    world_rotate(&peer, 1, &trust);
    authority_init(&authority, 1);
    authority_init(&stranger, 2);
}

static void end(void)
{
    authority_close(&authority);
    authority_close(&stranger);
    peer_close(&peer);
    world_close(&world);
}

static struct recovery usual_order(void)
{
    return (struct recovery){.kind = 2,
                             .incarnation = 1,
                             .epoch = 2,
                             .supersedes = chain_trust_head(&trust),
                             .log_id = trust.log_id,
                             .with_old = 1,
                             .asks = USUAL,
                             .authority = &authority};
}

static void keep_body(void)
{
    struct wire_recover_body answer;
    peer_decode(&peer, &WIRE_LAYOUT_RECOVER_BODY, &answer);
    memcpy(body_bytes, answer.body.data, answer.body.size);
    body = bytes_of(body_bytes, answer.body.size);
}

static void expect(const struct recovery *order, uint64_t code)
{
    assert_int_equal(ask_recover(&peer, order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), code);
    assert_false(world.enclave.candidate.is_used);
}

static void take_entry(struct chain_entry *entry)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct wire_log_entries log;
    struct cbor_reader in;
    assert_int_equal(ask_log(&peer, 1, 0), WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    struct rotor_bytes item = cbor_read_item(&in);
    memcpy(bytes, item.data, item.size);
    assert_ok(chain_entry_decode(bytes_of(bytes, item.size), entry));
}

SPEC("the authority replaces an entry, and a prepared one with it")
{
    struct chain_entry entry;
    struct chain_trust next;
    begin();
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ROT_PREPARED);
    struct recovery order = usual_order();
    expect(&order, WIRE_E_EPOCH); // not beyond what is prepared
    order.epoch = 3;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    struct wire_recover_body answer;
    struct chain_body decoded;
    struct chain_report report;
    uint8_t ud[CHAIN_UD_SIZE];
    peer_decode(&peer, &WIRE_LAYOUT_RECOVER_BODY, &answer);
    assert_ok(chain_body_decode(body, &decoded));
    assert_ok(chain_report_of(&decoded, &report));
    assert_ok(chain_ud(&report, ud));
    assert_true(evidence_is_for(answer.evidence, ud));
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_true(peer.status.has_candidate);
    assert_int_equal(peer.status.state,
                     WIRE_STATE_PREP); // nothing is ruled yet

    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    assert_false(world.enclave.state.old_service.is_live);
    take_entry(&entry);
    assert_true(entry.sig_old.size > 0);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    assert_int_equal(next.order.incarnation, 1);
    // The same again is answered, another one exists.
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    assert_false(world.platform.files[ENCLAVE_RECOVER].exists);
    peer.sign_key = next.sign;
    trust = next;
    assert_true(peer_pair(&peer));
    world_rotate(&peer, 1, &trust);
    assert_int_equal(trust.order.epoch, 4);
    end();
}

SPEC("orders that do not fit what the AP holds make no candidate")
{
    begin();
    struct recovery order = usual_order();
    order.incarnation = 2;
    expect(&order, WIRE_E_EPOCH);
    order = usual_order();
    order.incarnation = 0;
    expect(&order, WIRE_E_EPOCH);
    order = usual_order();
    order.epoch = 1;
    expect(&order, WIRE_E_EPOCH);
    order = usual_order();
    order.supersedes.epoch = 2;
    expect(&order, WIRE_E_EPOCH);
    order = usual_order();
    order.kind = 3; // for an AP without a log
    expect(&order, WIRE_E_POLICY);
    order = usual_order();
    order.kind = 1;
    expect(&order, WIRE_E_POLICY);
    order = usual_order();
    order.log_id.bytes[5] ^= 1;
    expect(&order, WIRE_E_HASH);
    end();
}

static void expect_changed(void (*change)(struct wire_recover *), uint64_t code)
{
    struct recovery order = usual_order();
    static uint8_t policy_bytes[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(policy_bytes);
    make_policy(&peer, &USUAL, &room);
    struct wire_recover message = {
        .kind = 2,
        .incarnation = 1,
        .epoch = 2,
        .supersedes = order.supersedes,
        .suite = 2,
        .ra_set = bytes_in(&authority.set_room),
        .control_kid = peer.control_kid,
        .policy = bytes_in(&room),
        .order_log_id = trust.log_id,
    };
    change(&message);
    assert_int_equal(
        peer_ask(&peer, WIRE_RECOVER, &WIRE_LAYOUT_RECOVER, &message),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), code);
}

static void other_c(struct wire_recover *message)
{
    message->control_kid.bytes[0] ^= 1;
}

static void other_set(struct wire_recover *message)
{
    message->ra_set = bytes_in(&stranger.set_room);
}

static void suite_9(struct wire_recover *message)
{
    message->suite = 9;
}

static void lone_seed_src(struct wire_recover *message)
{
    message->seed_src = 1;
}

static void broken_policy(struct wire_recover *message)
{
    static const uint8_t empty_map[] = {0xa0};
    message->policy = BYTES_OF(empty_map);
}

static void higher_floor(struct wire_recover *message)
{
    static uint8_t bytes[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_policy policy;
    assert_ok(chain_policy_decode(message->policy, &policy));
    policy.suite_floor = 3;
    assert_ok(chain_policy_encode(&policy, &room));
    message->policy = bytes_in(&room);
}

SPEC("orders that contradict themselves make no candidate")
{
    begin();
    expect_changed(other_c, WIRE_E_POLICY);
    expect_changed(other_set, WIRE_E_POLICY);
    expect_changed(suite_9, WIRE_E_SUITE);
    expect_changed(lone_seed_src, WIRE_E_MALFORMED);
    expect_changed(broken_policy, WIRE_E_MALFORMED);
    expect_changed(higher_floor, WIRE_E_POLICY);
    assert_false(world.enclave.candidate.is_used);
    end();
}

SPEC("fewer signatures than k, a stranger's, or another body change nothing")
{
    begin();
    assert_int_equal(ask_recover_signed(&peer,
                                        (struct rotor_bytes){
                                            world.enclave.state.cur.body,
                                            world.enclave.state.cur.body_size},
                                        &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    uint64_t n = world.platform.n;
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 1),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    assert_int_equal(ask_recover_signed(&peer, body, &stranger, 3), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    static uint8_t other[ENCLAVE_BODY_MAX];
    memcpy(other, body.data, body.size);
    other[body.size - 20] ^= 1; // in the digest of key 22
    assert_int_equal(
        ask_recover_signed(&peer, bytes_of(other, body.size), &authority, 2),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    assert_int_equal(world.platform.n, n);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    end();
}

SPEC("a new set of the authority rules only beside the old one")
{
    begin();
    struct recovery order = usual_order();
    order.authority = &stranger; // the order names a new set
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_recover_signed(&peer, body, &stranger, 2), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    end();
}

// Signatures of both sets, and both sets.
static enum wire_type ask_signed_by_both(size_t old, size_t new)
{
    uint8_t sig_bytes[4096];
    uint8_t set_bytes[4096];
    struct rotor_room sigs = ROOM_OF(sig_bytes);
    struct rotor_room sets = ROOM_OF(set_bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &sigs);
    cbor_write_array(&out, old + new);
    for (size_t i = 0; i < old + new; i++) {
        const struct crypto_key *key =
            i < old ? &authority.keys[i] : &stranger.keys[i - old];
        uint8_t bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        assert_ok(chain_sign_ra(key, body, &sign1));
        cbor_write_bytes(&out, bytes_in(&sign1));
    }
    assert_ok(cbor_writer_finish(&out));
    cbor_writer_init(&out, &sets);
    cbor_write_array(&out, 2);
    cbor_write_raw(&out, bytes_in(&authority.set_room));
    cbor_write_raw(&out, bytes_in(&stranger.set_room));
    assert_ok(cbor_writer_finish(&out));
    struct wire_recover_signed message = {
        .body_hash = world.enclave.candidate.facts.body_hash,
        .sig_ra = bytes_in(&sigs),
        .ra_sets = bytes_in(&sets)};
    return peer_ask(&peer, WIRE_RECOVER_SIGNED, &WIRE_LAYOUT_RECOVER_SIGNED,
                    &message);
}

SPEC("who signs of one set counts for that set alone; k of both rule")
{
    begin();
    struct recovery order = usual_order();
    order.authority = &stranger;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    for (size_t old = 0; old <= 3; old++) {
        for (size_t new = 0; new <= 3; new ++) {
            if (old < 2 || new < 2) {
                assert_int_equal(ask_signed_by_both(old, new), WIRE_ERROR);
                assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
            }
        }
    }
    assert_int_equal(ask_signed_by_both(2, 2), WIRE_ROT_DONE);
    end();
}

SPEC("a candidate is kept over a restart, repeated by id, replaced by another")
{
    struct wire_digest first;
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    first = world.enclave.candidate.facts.body_hash;
    uint8_t id[WIRE_ID_SIZE];
    memcpy(id, peer.request_id, sizeof id);
    world_start(&world);
    enclave_pair_close(&peer.pair);
    assert_true(peer_pair(&peer));
    assert_true(wire_digest_equal(&peer.status.candidate, &first));
    memcpy(peer.request_id, id, sizeof id);
    peer.keeps_id = true;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    assert_true(
        wire_digest_equal(&world.enclave.candidate.facts.body_hash, &first));
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    assert_false(
        wire_digest_equal(&world.enclave.candidate.facts.body_hash, &first));
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    // A rotation to the candidate's epoch overtakes it.
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    world_rotate(&peer, 1, &trust);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_NOT_FOUND);
    assert_false(world.enclave.candidate.is_used);
    assert_false(world.platform.files[ENCLAVE_RECOVER].exists);
    end();
}

// The file goes behind the attach: write, advance, rename; attach; removal.
static void recover_without_removal(enum fault_mode fault)
{
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    world.platform.fault = fault;
    world.platform.fault_at = world.platform.steps + 5;
    (void)ask_recover_signed(&peer, body, &authority, 2);
}

SPEC("power goes before the candidate's file does: the next start removes it")
{
    recover_without_removal(FAULT_KILL_BEFORE);
    assert_true(world.platform.files[ENCLAVE_RECOVER].exists);
    world.platform.fault = FAULT_NONE;
    world_start(&world);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    assert_false(world.platform.files[ENCLAVE_RECOVER].exists);
    end();
}

SPEC("the candidate's file cannot be removed: the recovery ends all the same, "
     "and the file goes behind its switch")
{
    recover_without_removal(FAULT_REFUSE);
    assert_int_equal(peer.header.type, WIRE_ROT_DONE);
    assert_int_equal(world.enclave.state.incarnation, 1);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    assert_false(world.platform.files[ENCLAVE_RECOVER].exists);
    end();
}

SPEC("a candidate that a rotation overtakes loses its file when that is signed")
{
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    assert_true(world.platform.files[ENCLAVE_RECOVER].exists);
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ROT_PREPARED);
    assert_false(world.platform.files[ENCLAVE_RECOVER].exists);
    end();
}

SPEC("a candidate that a rotation does not reach keeps its file")
{
    begin();
    struct recovery order = usual_order();
    order.epoch = 3;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ROT_PREPARED);
    assert_true(world.platform.files[ENCLAVE_RECOVER].exists);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    end();
}

SPEC("two RECOVER keep min_interval apart")
{
    struct asks slow = USUAL;
    slow.min_interval_s = 60;
    world_at_cur(&world, &peer, &slow, &trust);
    authority_init(&authority, 1);
    authority_init(&stranger, 2);
    struct recovery order = usual_order();
    order.epoch = 1;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    assert_int_equal(ask_recover(&peer, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    world.platform.now_ms += 60000;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    end();
}

SPEC("an AP that lost its store comes back into its log by kind 3 only")
{
    struct chain_entry entry;
    struct chain_trust next;
    for (int halted = 0; halted <= 1; halted++) {
        begin();
        memset(world.platform.files, 0, sizeof world.platform.files);
        world.identity.was_reset = halted == 0;
        world_start(&world);
        assert_int_equal(enclave_state_code(&world.enclave),
                         halted ? WIRE_STATE_HALTED : WIRE_STATE_EMPTY);
        enclave_pair_close(&peer.pair);
        peer.shows_cur = true;
        peer.cur = chain_trust_head(&trust);
        assert_true(peer_pair(&peer));
        struct recovery order = usual_order();
        expect(&order, WIRE_E_POLICY); // kind 2
        order.kind = 3;
        order.incarnation = 0;
        expect(&order, WIRE_E_EPOCH);
        order.incarnation = 1;
        assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
        keep_body();
        assert_int_equal(ask_recover_signed(&peer, body, &stranger, 2),
                         WIRE_ERROR);
        assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                         WIRE_ROT_DONE);
        take_entry(&entry);
        assert_int_equal(entry.sig_old.size, 0);
        assert_true(entry_follows(&trust, entry.bytes, &next));
        assert_true(wire_digest_equal(&next.log_id, &trust.log_id));
        assert_int_equal(ask_attest(&peer, 5), WIRE_ERROR); // pair again
        peer.sign_key = next.sign;
        trust = next;
        assert_true(peer_pair(&peer));
        assert_int_equal(ask_attest(&peer, 5), WIRE_ATTEST_RSP);
        world_rotate(&peer, 1, &trust);
        end();
    }
}

// An RTP that has seen more than this AP.
static void halt(void)
{
    peer.shows_cur = true;
    peer.cur = chain_trust_head(&trust);
    peer.floor = (struct wire_order){0, 7};
    assert_false(peer_pair(&peer));
    assert_true(peer_pair(&peer));
}

SPEC("an AP halted by its RTP signs nothing with the S that it holds")
{
    struct chain_entry entry;
    begin();
    halt();
    struct recovery order = usual_order();
    order.kind = 3;
    order.epoch = 8;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    take_entry(&entry);
    assert_int_equal(entry.sig_old.size, 0);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    end();
}

SPEC("a recovery that was ruled is finished at the next start")
{
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    world.platform.refuses_attach = true;
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_REC);
    static uint8_t other[ENCLAVE_BODY_MAX];
    memcpy(other, body.data, body.size);
    other[body.size - 20] ^= 1;
    assert_int_equal(
        ask_recover_signed(&peer, bytes_of(other, body.size), &authority, 2),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EXISTS);
    world_start(&world);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_REC);
    world.platform.refuses_attach = false;
    world_start(&world);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    assert_int_equal(world.enclave.state.incarnation, 1);
    end();
}

SPEC("after CLOSE nothing follows but a recovery")
{
    struct chain_entry entry;
    struct chain_trust next;
    begin();
    struct wire_rotate close = {
        .from_epoch = 1, .reason = 7, .has_kind = true, .kind = CHAIN_CLOSE};
    assert_int_equal(ask_rotate_as(&peer, &close), WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    assert_int_equal(ask_commit(&peer, 2, &next.body_hash), WIRE_ROT_DONE);
    trust = next;
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CLOSED);
    assert_int_equal(world.enclave.state.cur.next_auth.size, 0);
    assert_int_equal(ask_rotate(&peer, 2, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
    assert_int_equal(ask_attest(&peer, 5), WIRE_ATTEST_RSP);
    struct recovery order = usual_order();
    order.epoch = 3;
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    take_entry(&entry);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    end();
}

SPEC("where A is lost or burnt the authority gives the log its next A")
{
    struct chain_entry entry;
    struct chain_trust next;
    begin();
    world.enclave.state.is_burnt = true;
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_BURNT);
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
    assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST), WIRE_ATTEST_RSP);
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    take_entry(&entry);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    assert_false(wire_digest_equal(&next.next_commit, &trust.next_commit));
    peer.sign_key = next.sign;
    trust = next;
    assert_true(peer_pair(&peer));
    world_rotate(&peer, 1, &trust);
    end();
}

SPEC("a store in doubt takes no order of the authority before a restart")
{
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    world.platform.refuses_anchor_read = true;
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_true(enclave_must_restart(&world.enclave));
    world.platform.refuses_anchor_read = false;
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    order.kind = 3;
    assert_int_equal(ask_recover(&peer, &order), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    end();
}

SPEC("the authority brings a new C, and the old one is out")
{
    struct crypto_key old;
    begin();
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    struct recovery order = usual_order();
    struct wire_digest pinned = peer.control_kid;
    struct wire_key old_key = peer.control_key;
    uint8_t seed[CRYPTO_SEED_MAX] = {0xc7};
    old = peer.control;
    memset(&peer.control, 0, sizeof peer.control);
    assert_ok(crypto_key_derive(&peer.control, CRYPTO_P256, seed));
    assert_ok(wire_key_of(&peer.control, &peer.control_key));
    assert_ok(wire_key_id(&peer.control_key, &peer.control_kid));
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    peer.sign_key.type = WIRE_KEY_NONE;
    assert_true(peer_pair(&peer));
    crypto_key_close(&peer.control);
    peer.control = old;
    peer.control_key = old_key;
    peer.control_kid = pinned;
    assert_false(peer_pair(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    end();
}

SPEC("a recovery is in no log before its switch")
{
    struct wire_log_entries log;
    struct cbor_reader in;
    begin();
    struct recovery order = usual_order();
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    keep_body();
    world.platform.fault = FAULT_REFUSE; // the write of P3, behind P2
    world.platform.fault_at = world.platform.steps + 6;
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ERROR);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_REC);
    assert_true(world.enclave.signatures[1].pop_size > 0);
    assert_int_equal(ask_log(&peer, 0, 0), WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    assert_int_equal(ask_recover_signed(&peer, body, &authority, 2),
                     WIRE_ROT_DONE);
    end();
}
