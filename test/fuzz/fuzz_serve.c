// SPDX-License-Identifier: Apache-2.0
// A sequence of frames, faults and restarts for the enclave.  Each input is a
// list of steps: orders that fit the moment, with one byte changed or none;
// any payload under a good seal; any frame at all.  Held throughout: the
// answer is one well-formed frame or none, nothing that was prepared is
// replaced but by the authority, epochs never sink, and what a restart finds
// is what was there.
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct peer program;
static struct authority authority;

// ---- the input as steps ----------------------------------------------------

static struct rotor_bytes input;

static uint8_t take(void)
{
    if (input.size == 0) {
        return 0;
    }
    input.size--;
    return *input.data++;
}

static struct rotor_bytes take_bytes(void)
{
    size_t size = (size_t)take() << 8;
    size |= take();
    size = size > input.size ? input.size : size;
    size = size > WIRE_PAYLOAD_MAX ? WIRE_PAYLOAD_MAX : size;
    struct rotor_bytes bytes = {input.data, size};
    input.data += size;
    input.size -= size;
    return bytes;
}

// ---- what must hold --------------------------------------------------------

static struct {
    struct wire_order cur;
    struct wire_digest prepared; // of kind 0, 1, 4
    struct wire_order prepared_at;
    bool has_prepared;
} seen;

static void check_state(void)
{
    const struct enclave_state *state = &world.enclave.state;
    enum wire_state code = enclave_state_code(&world.enclave);
    FUZZ_CHECK(code <= WIRE_STATE_HALTED);
    if (code == WIRE_STATE_HALTED) {
        return;
    }
    struct wire_order order = state->cur.facts.order;
    FUZZ_CHECK(chain_order_compare(&order, &seen.cur) >= 0);
    bool is_recovery =
        order.incarnation > seen.cur.incarnation || state->pending_is_recovery;
    if (seen.has_prepared && !is_recovery) {
        const struct enclave_slot *slot =
            chain_order_compare(&order, &seen.prepared_at) == 0 &&
                    state->cur.is_used
                ? &state->cur
                : &state->pending;
        FUZZ_CHECK(slot->is_used);
        FUZZ_CHECK(wire_digest_equal(&slot->facts.body_hash, &seen.prepared));
    }
    seen.cur = order;
    seen.has_prepared = state->pending.is_used && !state->pending_is_recovery;
    seen.prepared = state->pending.facts.body_hash;
    seen.prepared_at = state->pending.facts.order;
}

static void restart(void)
{
    world.platform.fault = FAULT_NONE;
    FUZZ_CHECK(world_try_start(&world) == ROTOR_OK);
    enclave_pair_close(&peer.pair);
    peer.mode = PEER_CLOSED;
    check_state();
}

static void revive(void)
{
    if (world.platform.is_dead || enclave_must_restart(&world.enclave)) {
        restart();
    }
}

static void pair_anew(void)
{
    world.platform.now_ms += 1000;
    peer.sign_key.type = WIRE_KEY_NONE;
    peer.flip = 0;
    (void)peer_pair(&peer);
    revive();
}

// ---- steps -----------------------------------------------------------------

static void recover(void)
{
    const struct enclave_slot *cur = &world.enclave.state.cur;
    struct recovery order = {
        .kind = cur->is_used ? 2 : 3,
        .incarnation = (uint64_t)world.enclave.state.incarnation + 1,
        .epoch = cur->facts.order.epoch + 2,
        .supersedes = {cur->facts.order.epoch, cur->facts.body_hash},
        .log_id = world.enclave.state.log_id,
        .with_old = 1,
        .asks = USUAL,
        .authority = &authority
    };
    if (!cur->is_used) {
        order.supersedes.body_hash = peer.control_kid;
        order.log_id = peer.control_kid;
    }
    (void)ask_recover(&peer, &order);
}

static void recover_signed(uint8_t count)
{
    static uint8_t body[ENCLAVE_BODY_MAX];
    const struct enclave_slot *slot = world.enclave.state.pending_is_recovery
                                          ? &world.enclave.state.pending
                                          : &world.enclave.candidate;
    if (!slot->is_used) {
        return;
    }
    memcpy(body, slot->body, slot->body_size);
    (void)ask_recover_signed(&peer, bytes_of(body, slot->body_size), &authority,
                             count % 4);
}

static void send_order(void)
{
    const struct enclave_state *state = &world.enclave.state;
    uint64_t epoch = state->cur.facts.order.epoch;
    uint8_t which = take();
    peer.flip_at = (size_t)take() << 8;
    peer.flip_at |= take();
    peer.flip = take();
    struct wire_rotate close = {.from_epoch = epoch,
                                .reason = 7,
                                .has_kind = true,
                                .kind = CHAIN_CLOSE};
    struct wire_digest prepared = state->pending.facts.body_hash;
    if (prepared.alg == CRYPTO_HASH_NONE) {
        prepared = peer.control_kid;
    }
    switch (which % 12) {
    case 0:
        (void)ask_generate(&peer, &USUAL);
        break;
    case 1:
        (void)ask_accept0(&peer, &prepared);
        break;
    case 2:
        (void)ask_rotate(&peer, epoch, 1u + which / 12u % 7u);
        break;
    case 3:
        (void)ask_rotate_as(&peer, &close);
        break;
    case 4:
        (void)ask_commit(&peer, epoch + 1, &prepared);
        break;
    case 5:
        (void)peer_send(&peer, WIRE_STATUS, (struct rotor_bytes){0});
        break;
    case 6:
        (void)ask_attest(&peer, WIRE_PURPOSE_ATTEST);
        break;
    case 7:
        (void)ask_attest(&peer, WIRE_PURPOSE_SESSION);
        break;
    case 8:
        (void)ask_log(&peer, 0, 0);
        break;
    case 9:
        recover();
        break;
    case 10:
        recover_signed(which / 12);
        break;
    default:
        (void)ask_commit(&peer, epoch, &prepared);
        break;
    }
    peer.flip = 0;
}

static void send_frame(struct enclave_pair *pair)
{
    static uint8_t reply_bytes[WIRE_FRAME_MAX];
    struct rotor_room reply = ROOM_OF(reply_bytes);
    struct wire_header header;
    FUZZ_CHECK(enclave_serve(&world.enclave, pair, take_bytes(), &reply) ==
               ROTOR_OK);
    FUZZ_CHECK(reply.used == 0 ||
               wire_header_decode(&header, bytes_in(&reply)) == ROTOR_OK);
}

static bool is_paired(void)
{
    return peer.mode == PEER_SEALED &&
           peer.pair.channel_id == peer.channel_id &&
           peer.pair.next_in == peer.next_out &&
           peer.pair.way != ENCLAVE_WAY_CLOSED;
}

static void send_plain(struct peer *by)
{
    uint8_t type = take();
    (void)peer_send(by, type, take_bytes());
}

static void make_step(void)
{
    uint8_t kind = take() % 9;
    bool needs_channel = kind <= 2;
    if (needs_channel && !is_paired()) {
        pair_anew();
    }
    if (needs_channel && !is_paired()) {
        return;
    }
    switch (kind) {
    case 0:
    case 1:
        send_order();
        break;
    case 2:
        send_plain(&peer);
        break;
    case 3:
        send_frame(&peer.pair);
        break;
    case 4:
        send_frame(&program.pair);
        break;
    case 5:
        restart();
        break;
    case 6:
        world.platform.now_ms += (uint64_t)take() * 1000;
        break;
    case 7:
        world.platform.fault = (enum fault_mode)(take() % 6);
        world.platform.fault_at = world.platform.steps + 1 + take() % 6;
        world.platform.tear = (size_t)take() * 32;
        break;
    default:
        world.platform.now_ms += 1000;
        peer.sign_key.type = WIRE_KEY_NONE;
        if (peer_hello(&peer)) {
            send_plain(&peer);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = (struct rotor_bytes){data, size};
    memset(&seen, 0, sizeof seen);
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    peer_init_program(&program, &world);
    authority_init(&authority, 1);
    for (unsigned steps = 0; input.size > 0 && steps < 40; steps++) {
        make_step();
        revive();
        check_state();
    }
    enum wire_state code = enclave_state_code(&world.enclave);
    restart();
    bool is_volatile = code == WIRE_STATE_HALTED || code == WIRE_STATE_REC;
    FUZZ_CHECK(is_volatile || enclave_state_code(&world.enclave) == code);
    authority_close(&authority);
    peer_close(&program);
    peer_close(&peer);
    world_close(&world);
    return 0;
}
