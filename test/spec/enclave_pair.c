// SPDX-License-Identifier: Apache-2.0
// Pairing: who may command, and what a channel lets through.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static void close_all(void)
{
    peer_close(&peer);
    world_close(&world);
}

static void become_other_c(struct peer *who)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, 0xc1, sizeof seed);
    crypto_key_close(&who->control);
    assert_ok(crypto_key_derive(&who->control, CRYPTO_P256, seed));
    assert_ok(wire_key_of(&who->control, &who->control_key));
    assert_ok(wire_key_id(&who->control_key, &who->control_kid));
}

SPEC("a C that differs from the pin is refused from P1 of entry 0 on")
{
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    become_other_c(&peer);
    assert_true(peer_pair(&peer)); // an empty AP takes any
    peer_close(&peer);
    peer_init(&peer, &world);
    peer.channel_id += 100;
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    become_other_c(&peer);
    assert_false(peer_pair(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    close_all();
}

SPEC("HELLO_FIN under another C than HELLO_RTP announced is refused")
{
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_hello(&peer));
    struct peer kept = peer;
    memset(&peer.control, 0, sizeof peer.control);
    become_other_c(&peer);
    assert_false(peer_fin(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    crypto_key_close(&kept.control);
    close_all();
}

SPEC("a signature of C that does not verify opens no channel, once and for all")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_true(peer_hello(&peer));
    peer.log_id.bytes[0] ^= 1; // a FIN for another transcript
    assert_false(peer_fin(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    assert_true(peer_hello(&peer));
    struct crypto_key right = peer.control;
    uint8_t seed[CRYPTO_SEED_MAX] = {3};
    memset(&peer.control, 0, sizeof peer.control);
    assert_ok(crypto_key_derive(&peer.control, CRYPTO_P256, seed));
    assert_false(peer_fin(&peer)); // C's public half, another private one
    assert_int_equal(peer_error(&peer), WIRE_E_SIGNATURE);
    crypto_key_close(&peer.control);
    peer.control = right;
    assert_false(peer_fin(&peer)); // it had its one chance
    assert_int_equal(peer.header.type, 0);
    close_all();
}

SPEC("the old channel lives until the HELLO_FIN of the new one verifies")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct peer other;
    peer_init(&other, &world);
    other.channel_id = 0x5000;
    other.sign_key = trust.sign;
    // One queue pair for both: the same struct serves.
    other.pair = peer.pair;
    assert_true(peer_hello(&other));
    peer.pair = other.pair;
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    other.pair = peer.pair;
    assert_true(peer_fin(&other));
    assert_int_equal(ask_status(&other), WIRE_STATUS);
    memset(&peer.pair, 0, sizeof peer.pair);
    peer.pair = other.pair;
    memset(&other.pair, 0, sizeof other.pair);
    assert_int_equal(ask_status(&peer), WIRE_NONE); // another pairing: dropped
    other.pair = peer.pair;
    memset(&peer.pair, 0, sizeof peer.pair);
    assert_int_equal(ask_status(&other), WIRE_STATUS);
    peer_close(&other);
    close_all();
}

SPEC("a sequence that is not the next one ends the channel")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.next_out++;
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    peer.next_out -= 2;
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    peer.next_out--; // a frame again
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    peer.next_out++;
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    assert_true(peer_pair(&peer));
    peer.next_in += 5; // acknowledges what was never sent
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    close_all();
}

SPEC("a frame that is not authentic is dropped and costs nothing")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct rotor_room reply = ROOM_OF(peer.reply);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    for (size_t i = 0; i < peer.frame_size; i++) {
        uint8_t frame[512];
        if (i == 16) {
            continue; // the frame's own sequence again: that one is authentic
        }
        memcpy(frame, peer.frame, peer.frame_size);
        bytes_put_le64(frame + 16, peer.next_out);
        frame[i] ^= 1;
        assert_ok(enclave_serve(&world.enclave, &peer.pair,
                                bytes_of(frame, peer.frame_size), &reply));
        assert_int_equal(reply.used, 0);
    }
    for (size_t size = 0; size < peer.frame_size; size++) {
        assert_ok(enclave_serve(&world.enclave, &peer.pair,
                                bytes_of(peer.frame, size), &reply));
        assert_int_equal(reply.used, 0);
    }
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    close_all();
}

SPEC("plaintext on a sealed channel is dropped")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.mode = PEER_PLAIN;
    assert_int_equal(ask_attest(&peer, WIRE_PURPOSE_ATTEST), WIRE_NONE);
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    peer.next_out -= 2;
    peer.mode = PEER_SEALED;
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    close_all();
}

SPEC("a HELLO for the channel that is in use is dropped")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.channel_id--;
    uint64_t out = peer.next_out, in = peer.next_in;
    assert_false(peer_hello(&peer));
    assert_int_equal(peer.header.type, 0);
    peer.mode = PEER_SEALED;
    peer.next_out = out;
    peer.next_in = in;
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    close_all();
}

SPEC("a HELLO with a sequence other than 0 is dropped")
{
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_hello(&peer));
    struct rotor_room reply = ROOM_OF(peer.reply);
    uint8_t frame[1024];
    memcpy(frame, peer.frame, peer.frame_size);
    bytes_put_le32(frame + 12, 0x7777);
    frame[16] = 1;
    assert_ok(enclave_serve(&world.enclave, &peer.pair,
                            bytes_of(frame, peer.frame_size), &reply));
    assert_int_equal(reply.used, 0);
    close_all();
}

SPEC("four HELLOs a second are answered, the fifth waits")
{
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    for (int i = 0; i < 4; i++) {
        assert_true(peer_hello(&peer));
        world.platform.now_ms -= 300;
    }
    assert_false(peer_hello(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    assert_int_equal(peer_error_detail(&peer), 1);
    world.platform.now_ms += 1000;
    assert_true(peer_hello(&peer));
    close_all();
}

SPEC("a half-open channel is forgotten after ten seconds, and by P3")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_true(peer_hello(&peer));
    world.platform.now_ms += ENCLAVE_HALF_OPEN_MS - 1;
    assert_true(peer_fin(&peer));
    struct peer other;
    peer_init(&other, &world);
    other.channel_id = 0x5000;
    assert_true(peer_hello(&other));
    world.platform.now_ms += ENCLAVE_HALF_OPEN_MS;
    assert_false(peer_fin(&other));
    assert_int_equal(other.header.type, 0);
    assert_true(peer_hello(&other));
    world_rotate(&peer, 1, &trust);
    assert_false(peer_fin(&other));
    assert_int_equal(other.header.type, 0);
    peer_close(&other);
    close_all();
}

SPEC("an ephemeral of another suite is refused with the suite wanted")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.suite = 1; // offers 1, 1, 2 with an X25519 point
    assert_false(peer_pair(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    assert_int_equal(peer_error_detail(&peer), 2);
    peer.suite = 2;
    assert_true(peer_pair(&peer));
    close_all();
}

SPEC("a HELLO that does not offer the suite of cur is refused with it")
{
    struct wire_hello_rtp hello;
    struct wire_header header;
    struct rotor_bytes payload;
    static uint8_t frame[1024];
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_true(peer_hello(&peer));
    memcpy(frame, peer.frame, peer.frame_size);
    assert_ok(
        wire_frame_decode(bytes_of(frame, peer.frame_size), &header, &payload));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_HELLO_RTP, payload, &hello));
    hello.suites = (struct wire_suites){
        2, {1, 3}
    }; // with a point of suite 2
    peer.channel_id++;
    peer.next_in = 0;
    peer.next_out = 0;
    world.platform.now_ms += 1000;
    assert_int_equal(
        peer_ask(&peer, WIRE_HELLO_RTP, &WIRE_LAYOUT_HELLO_RTP, &hello),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    assert_int_equal(peer_error_detail(&peer), 2);
    close_all();
}

SPEC("an RTP behind reads the log in plaintext, with the HELLOs' limit")
{
    struct wire_log_entries log;
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct chain_trust old = trust, next;
    world_rotate(&peer, 1, &trust);
    world.platform.now_ms += 1000;
    assert_true(peer_hello(&peer));
    assert_int_equal(ask_log(&peer, 0, 1), WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    struct cbor_reader in;
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    assert_true(entry_follows(&old, cbor_read_item(&in), &next));
    assert_true(wire_digest_equal(&next.body_hash, &trust.body_hash));
    assert_int_equal(log.head.epoch, 1);
    assert_int_equal(ask_log(&peer, 0, 2), WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    assert_int_equal(log.entries.size, 1); // nothing: an empty list
    unsigned refused = 0;
    for (int i = 0; i < 3; i++) {
        refused += ask_log(&peer, 0, 2) == WIRE_ERROR ? 1u : 0u;
    }
    assert_true(refused > 0);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    assert_true(peer_fin(&peer)); // goes on
    close_all();
}

SPEC("an RTP that shows more than the AP has stops it from signing")
{
    static const struct wire_order floors[] = {
        {0, 2},
        {1, 0},
        {1, 9}
    };
    for (size_t i = 0; i < 5; i++) {
        world_at_cur(&world, &peer, &USUAL, &trust);
        world_rotate(&peer, 1, &trust);
        peer.shows_cur = true;
        peer.cur = chain_trust_head(&trust);
        peer.floor = trust.order;
        assert_true(peer_pair(&peer)); // equal is fine
        if (i < 3) {
            peer.floor = floors[i];
        } else if (i == 3) {
            peer.cur.epoch++;
        } else {
            peer.shows_pend = true;
            peer.pend = peer.cur;
            peer.pend.epoch++;
        }
        assert_false(peer_pair(&peer));
        assert_int_equal(peer.mode, PEER_SEALED); // said under the channel
        assert_int_equal(peer_error(&peer), WIRE_E_ROLLED_BACK);
        assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_HALTED);
        uint64_t count = world.enclave.signature_count;
        assert_int_equal(ask_attest(&peer, 5), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_ROLLED_BACK);
        assert_true(peer_pair(&peer));
        assert_int_equal(world.enclave.signature_count, count);
        close_all();
    }
}

SPEC("an RTP that dropped the old epoch pairs to commit, and for nothing else")
{
    struct chain_entry entry;
    struct chain_trust next;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_rotate(&peer, 0, WIRE_REASON_SECURITY_EVENT),
                     WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    peer.shows_pend = true;
    peer.pend = chain_trust_head(&next);
    assert_true(peer_pair(&peer));
    assert_int_equal(peer.status.prepared.epoch, 1);
    assert_true(
        wire_digest_equal(&peer.status.prepared.body_hash, &next.body_hash));
    assert_int_equal(ask_attest(&peer, 5), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_TYPE);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_TYPE);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(ask_commit(&peer, 1, &next.body_hash), WIRE_ROT_DONE);
    peer.shows_pend = false;
    peer.sign_key = next.sign;
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_attest(&peer, 5), WIRE_ATTEST_RSP);
    close_all();
}

SPEC("a channel wears out after 2^24 frames")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.pair.next_in = ENCLAVE_CHANNEL_FRAMES - 1;
    peer.next_out = ENCLAVE_CHANNEL_FRAMES - 1;
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(ask_status(&peer), WIRE_NONE);
    close_all();
}

SPEC("a program's pair speaks plaintext in order, and dies by a gap")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    struct peer program;
    peer_init_program(&program, &world);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(ask_log(&program, 0, 0), WIRE_LOG_ENTRIES);
    program.channel_id++;
    assert_int_equal(ask_log(&program, 0, 0), WIRE_NONE);
    program.channel_id--;
    program.next_out--;
    assert_int_equal(ask_log(&program, 0, 0), WIRE_LOG_ENTRIES);
    program.next_out++;
    assert_int_equal(ask_log(&program, 0, 0), WIRE_NONE);
    program.next_out -= 2;
    assert_int_equal(ask_log(&program, 0, 0), WIRE_NONE);
    // And never becomes a control pair.
    assert_false(peer_hello(&program));
    peer_close(&program);
    close_all();
}

static uint64_t attested_beside(void)
{
    struct wire_status_reply reply;
    struct wire_status status;
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    peer_decode(&peer, &WIRE_LAYOUT_STATUS_REPLY, &reply);
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, reply.status, &status));
    assert_true(status.has_beside);
    return status.beside;
}

static enum wire_type ask_head(struct peer *who)
{
    static const uint8_t nonce[32] = {9};
    struct wire_head_proof order = {.nonce = BYTES_OF(nonce)};
    return peer_ask(who, WIRE_HEAD_PROOF, &WIRE_LAYOUT_HEAD_PROOF, &order);
}

// For a share that is no point.
static enum wire_type ask_in_vain(struct peer *who)
{
    static const uint8_t sid[16] = {3};
    static const uint8_t nonce[32] = {9};
    static const uint8_t share[65] = {4, 1};
    struct wire_attest_req order = {
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .e_r = BYTES_OF(share),
        .suites = {1, {2}},
        .purpose = WIRE_PURPOSE_SESSION,
    };
    return peer_ask(who, WIRE_ATTEST_REQ, &WIRE_LAYOUT_ATTEST_REQ, &order);
}

SPEC("the RTP hears how many attestations and heads did not pass through it, "
     "by epoch")
{
    struct peer program;
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer_init_program(&program, &world);
    assert_int_equal(attested_beside(), 0);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(ask_attest(&peer, 5), WIRE_ATTEST_RSP);
    assert_int_equal(ask_attest(&program, 5), WIRE_ATTEST_RSP);
    assert_int_equal(attested_beside(), 2);
    assert_int_equal(ask_head(&program), WIRE_HEAD_PROOF);
    assert_int_equal(ask_head(&peer), WIRE_HEAD_PROOF);
    assert_int_equal(attested_beside(), 3);
    assert_int_equal(ask_in_vain(&program), WIRE_ERROR);
    assert_int_equal(peer_error(&program), WIRE_E_MALFORMED);
    assert_int_equal(attested_beside(), 3); // S was not used
    world_rotate(&peer, WIRE_REASON_OPERATOR, &trust);
    assert_int_equal(attested_beside(), 0);
    peer_close(&program);
    close_all();
}

SPEC("a program's pair does not wear out: no key is used on it")
{
    struct peer program;
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer_init_program(&program, &world);
    program.pair.next_in = ENCLAVE_CHANNEL_FRAMES - 1;
    program.next_out = ENCLAVE_CHANNEL_FRAMES - 1;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ask_log(&program, 0, 0), WIRE_LOG_ENTRIES);
    }
    peer_close(&program);
    close_all();
}

SPEC("a program sees no prepared entry; the RTP does")
{
    struct wire_log_entries log;
    struct cbor_reader in;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    assert_int_equal(ask_log(&peer, 0, 0), WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 2);
    struct wire_log_get one = {.max = 1};
    assert_int_equal(peer_ask(&peer, WIRE_LOG_GET, &WIRE_LAYOUT_LOG_GET, &one),
                     WIRE_LOG_ENTRIES);
    peer_decode(&peer, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    one.max = 0;
    assert_int_equal(peer_ask(&peer, WIRE_LOG_GET, &WIRE_LAYOUT_LOG_GET, &one),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    struct peer program;
    peer_init_program(&program, &world);
    assert_int_equal(ask_log(&program, 0, 0), WIRE_LOG_ENTRIES);
    peer_decode(&program, &WIRE_LAYOUT_LOG_ENTRIES, &log);
    cbor_reader_init(&in, log.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    assert_int_equal(log.head.epoch, 0);
    peer_close(&program);
    close_all();
}
