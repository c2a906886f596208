// SPDX-License-Identifier: Apache-2.0
// Limits, repeated orders, and orders that are refused.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static const struct asks DEFAULTS = {
    .suite = 2, .min_interval_s = 60, .max_per_day = 24, .grace_s = 86400};

static void close_all(void)
{
    peer_close(&peer);
    world_close(&world);
}

static void wait_s(uint64_t seconds)
{
    world.platform.now_ms += seconds * 1000;
}

static void restart(void)
{
    world_start(&world);
    enclave_pair_close(&peer.pair);
    assert_true(peer_pair(&peer));
}

// ---- tokens ----------------------------------------------------------------

SPEC("two rotations keep min_interval apart, and boot counts as one")
{
    world_at_cur(&world, &peer, &DEFAULTS, &trust);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    assert_true(peer_error_detail(&peer) > 50);
    wait_s(60);
    world_rotate(&peer, 1, &trust);
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    wait_s(59);
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_int_equal(peer_error_detail(&peer), 1);
    wait_s(1);
    restart();
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    wait_s(60);
    world_rotate(&peer, 1, &trust);
    close_all();
}

SPEC("a day's tokens run out, come back one by one, and survive restarts")
{
    world_at_cur(&world, &peer, &DEFAULTS, &trust);
    for (int i = 0; i < 24; i++) {
        wait_s(61);
        if (i == 12) {
            restart();
            wait_s(61);
        }
        world_rotate(&peer, 1, &trust);
    }
    wait_s(61);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.rotation_tokens, 0);
    assert_int_equal(ask_rotate(&peer, 24, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    uint64_t wait = peer_error_detail(&peer);
    assert_true(wait > 1000 && wait <= 3600);
    restart(); // no boot grants one
    wait_s(61);
    assert_int_equal(ask_rotate(&peer, 24, 1), WIRE_ERROR);
    wait_s(wait);
    world_rotate(&peer, 1, &trust);
    wait_s(90000);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.rotation_tokens, 24);
    close_all();
}

SPEC("what was gathered towards the next token is not lost by a rotation")
{
    world_at_cur(&world, &peer, &DEFAULTS, &trust);
    for (int i = 0; i < 24; i++) {
        wait_s(61);
        world_rotate(&peer, 1, &trust);
    }
    assert_int_equal(ask_rotate(&peer, 24, 1), WIRE_ERROR);
    wait_s(61);
    assert_int_equal(ask_rotate(&peer, 24, 1), WIRE_ERROR);
    uint64_t wait = peer_error_detail(&peer);
    wait_s(wait + 1800); // a token and a half
    world_rotate(&peer, 1, &trust);
    wait_s(1800);
    world_rotate(&peer, 1, &trust);
    wait_s(1800);
    assert_int_equal(ask_rotate(&peer, 26, 1), WIRE_ERROR);
    close_all();
}

SPEC("key compromise has a token of its own that waits for nothing")
{
    world_at_cur(&world, &peer, &DEFAULTS, &trust);
    assert_int_equal(ask_rotate(&peer, 0, WIRE_REASON_SECURITY_EVENT),
                     WIRE_ERROR);
    world_rotate(&peer, WIRE_REASON_KEY_COMPROMISE, &trust);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.rotation_tokens, 24);
    assert_int_equal(peer.status.emergency_token, 0);
    assert_int_equal(ask_rotate(&peer, 1, WIRE_REASON_KEY_COMPROMISE),
                     WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_RATE);
    restart();
    assert_int_equal(peer.status.emergency_token, 0);
    wait_s(61); // then it is an ordinary one
    world_rotate(&peer, WIRE_REASON_KEY_COMPROMISE, &trust);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.rotation_tokens, 23);
    wait_s(86400);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.emergency_token, 1);
    close_all();
}

SPEC("a policy without limits says so")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    for (int i = 0; i < 30; i++) {
        world_rotate(&peer, 1, &trust);
    }
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_int_equal(peer.status.rotation_tokens, UINT32_MAX);
    close_all();
}

// ---- the same again --------------------------------------------------------

static void take_body(struct wire_digest *hash)
{
    struct chain_entry entry;
    peer_entry(&peer, &entry);
    assert_ok(chain_body_hash(&entry.body, hash));
}

SPEC("GENERATE is done once: its id again gives the entry, another one exists")
{
    struct wire_digest first, again;
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    take_body(&first);
    uint8_t id[WIRE_ID_SIZE];
    memcpy(id, peer.request_id, sizeof id);
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EXISTS);
    restart();
    memcpy(peer.request_id, id, sizeof id);
    peer.keeps_id = true;
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    take_body(&again);
    assert_true(wire_digest_equal(&first, &again));
    struct wire_digest wrong = first;
    wrong.bytes[0] ^= 1;
    assert_int_equal(ask_accept0(&peer, &wrong), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    assert_int_equal(ask_accept0(&peer, &first), WIRE_ROT_DONE);
    assert_int_equal(ask_status(&peer), WIRE_NONE); // both pair again
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_accept0(&peer, &first), WIRE_ROT_DONE);
    assert_int_equal(ask_accept0(&peer, &wrong), WIRE_ERROR);
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EXISTS);
    close_all();
}

SPEC("ROTATE while prepared, by whatever id, gives the entry that is prepared")
{
    struct wire_digest first, again;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    take_body(&first);
    assert_int_equal(ask_rotate(&peer, 0, 7), WIRE_ROT_PREPARED);
    take_body(&again);
    assert_true(wire_digest_equal(&first, &again));
    assert_int_equal(ask_attest(&peer, 5), WIRE_ATTEST_RSP);
    struct wire_attest_rsp rsp;
    struct wire_attest_core core;
    peer_decode(&peer, &WIRE_LAYOUT_ATTEST_RSP, &rsp);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, rsp.core, &core));
    assert_int_equal(core.epoch, 0); // still answers under e
    assert_int_equal(ask_rotate(&peer, 1, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EPOCH);
    close_all();
}

static void check_done(uint64_t epoch)
{
    struct wire_done done;
    uint8_t bytes[CHAIN_STATEMENT_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    bool valid = false;
    peer_decode(&peer, &WIRE_LAYOUT_ROT_DONE, &done);
    assert_int_equal(done.epoch, epoch);
    assert_int_equal(done.n, world.platform.n);
    struct chain_done said = {
        .head = {done.epoch, done.body_hash},
        .n = done.n,
        .channel_id = peer.channel_id
    };
    memcpy(said.request_id, peer.request_id, sizeof said.request_id);
    assert_ok(chain_done_encode(&said, &payload));
    struct wire_statement statement = {LABEL(WIRE_CONTEXT_DONE),
                                       bytes_in(&payload)};
    assert_ok(wire_cose_verify(&peer.sign_key, &statement, done.sig, &valid));
    assert_true(valid);
}

SPEC("COMMIT acts on the very body; what is done is said again, newly signed")
{
    struct chain_entry entry;
    struct chain_trust next;
    world_at_cur(&world, &peer, &USUAL, &trust);
    assert_int_equal(ask_commit(&peer, 1, &trust.body_hash), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EPOCH);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&trust, entry.bytes, &next));
    assert_int_equal(ask_commit(&peer, 1, &trust.body_hash), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    assert_int_equal(ask_commit(&peer, 2, &next.body_hash), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_EPOCH);
    assert_int_equal(peer_error_detail(&peer), 0);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_PREP);
    assert_int_equal(ask_commit(&peer, 1, &next.body_hash), WIRE_ROT_DONE);
    peer.sign_key = next.sign;
    check_done(1);
    assert_int_equal(ask_commit(&peer, 1, &next.body_hash), WIRE_ROT_DONE);
    check_done(1);
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_DONE);
    check_done(1);
    assert_int_equal(ask_commit(&peer, 0, &trust.body_hash), WIRE_ROT_DONE);
    check_done(1);
    close_all();
}

// ---- refused ---------------------------------------------------------------

static void expect_rotate(const struct wire_rotate *order, uint64_t code)
{
    struct wire_rotate copy = *order;
    assert_int_equal(ask_rotate_as(&peer, &copy), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), code);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
}

SPEC("a ROTATE that contradicts itself or the policy changes nothing")
{
    static const uint8_t seed[32] = {1};
    world_at_cur(&world, &peer, &USUAL, &trust);
    uint64_t n = world.platform.n;
    expect_rotate(&(struct wire_rotate){.reason = 0}, WIRE_E_MALFORMED);
    expect_rotate(&(struct wire_rotate){.reason = 1, .seed_src = 1},
                  WIRE_E_MALFORMED);
    expect_rotate(&(struct wire_rotate){.reason = 1, .seed = BYTES_OF(seed)},
                  WIRE_E_MALFORMED);
    expect_rotate(
        &(struct wire_rotate){
            .reason = 1, .seed_src = 1, .seed = {seed, 31}
    },
        WIRE_E_MALFORMED);
    for (uint64_t kind = 0; kind <= 3; kind++) {
        if (kind != CHAIN_ROTATE) {
            expect_rotate(&(struct wire_rotate){.reason = 1,
                                                .has_kind = true,
                                                .kind = kind},
                          WIRE_E_MALFORMED);
        }
    }
    expect_rotate(&(struct wire_rotate){.reason = 3, .has_distrust_from = true},
                  WIRE_E_MALFORMED);
    expect_rotate(&(struct wire_rotate){.reason = 4,
                                        .has_distrust_from = true,
                                        .distrust_from = 2},
                  WIRE_E_MALFORMED);
    expect_rotate(
        &(struct wire_rotate){.reason = 5, .has_suite = true, .suite = 4},
        WIRE_E_SUITE);
    assert_int_equal(peer_error_detail(&peer), 2);
    expect_rotate(&(struct wire_rotate){.reason = 1, .from_epoch = 5},
                  WIRE_E_EPOCH);
    expect_rotate(&(struct wire_rotate){.reason = 1, .from_epoch = UINT64_MAX},
                  WIRE_E_EPOCH);
    assert_int_equal(world.platform.n, n);
    struct wire_rotate good = {
        .reason = 4, .has_distrust_from = true, .distrust_from = 1};
    assert_int_equal(ask_rotate_as(&peer, &good), WIRE_ROT_PREPARED);
    struct chain_entry entry;
    peer_entry(&peer, &entry);
    assert_true(entry.body.has_distrust_from);
    assert_int_equal(entry.body.distrust_from, 1);
    close_all();
}

SPEC("a GENERATE that contradicts itself or the channel makes no key")
{
    uint8_t bytes[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    make_policy(&peer, &USUAL, &room);
    const struct wire_generate good = {
        .suite = 2, .control_kid = peer.control_kid, .policy = bytes_in(&room)};
    struct wire_generate order = good;
    order.suite = 9;
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_SUITE);
    order = good;
    order.control_kid.bytes[0] ^= 1;
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    order = good;
    order.seed_src = 2;
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_MALFORMED);
    struct chain_policy policy;
    assert_ok(chain_policy_decode(bytes_in(&room), &policy));
    policy.suite_floor = 3;
    assert_ok(chain_policy_encode(&policy, &room));
    order = good;
    order.policy = bytes_in(&room);
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    policy.suite_floor = 1;
    policy.control.bytes[0] ^= 1;
    assert_ok(chain_policy_encode(&policy, &room));
    order.policy = bytes_in(&room);
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_POLICY);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_EMPTY);
    // An RTP that holds a log comes back by RA only.
    peer.shows_pend = true;
    peer.pend.body_hash = peer.control_kid;
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STATE);
    assert_int_equal(world.platform.n, 0);
    close_all();
}

SPEC("without entropy no key is made, and nothing is half made")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    uint64_t n = world.platform.n;
    world.platform.has_no_entropy = true;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ENTROPY);
    assert_int_equal(world.platform.n, n);
    assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_CUR);
    assert_int_equal(ask_attest(&peer, 5), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ENTROPY);
    assert_int_equal(ask_attest(&peer, 6), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_ENTROPY);
    assert_int_equal(ask_status(&peer), WIRE_STATUS);
    assert_false(peer_hello(&peer));
    assert_int_equal(peer_error(&peer), WIRE_E_ENTROPY);
    world.platform.has_no_entropy = false;
    assert_true(peer_pair(&peer));
    world_rotate(&peer, 1, &trust);
    close_all();
}

SPEC("no rotation goes below the floor of the policy")
{
    uint8_t bytes[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_policy policy;
    struct chain_entry entry;
    struct wire_digest hash;
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    make_policy(&peer, &USUAL, &room);
    assert_ok(chain_policy_decode(bytes_in(&room), &policy));
    policy.suite_floor = 2;
    assert_ok(chain_policy_encode(&policy, &room));
    struct wire_generate order = {
        .suite = 2, .control_kid = peer.control_kid, .policy = bytes_in(&room)};
    assert_int_equal(
        peer_ask(&peer, WIRE_GENERATE, &WIRE_LAYOUT_GENERATE, &order),
        WIRE_ROT_AVAILABLE);
    peer_entry(&peer, &entry);
    assert_ok(chain_body_hash(&entry.body, &hash));
    assert_int_equal(ask_accept0(&peer, &hash), WIRE_ROT_DONE);
    assert_true(peer_pair(&peer));
    expect_rotate(
        &(struct wire_rotate){.reason = 5, .has_suite = true, .suite = 1},
        WIRE_E_POLICY);
    close_all();
}
