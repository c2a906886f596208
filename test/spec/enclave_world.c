// SPDX-License-Identifier: Apache-2.0
#include "test/spec/enclave_world.h"

#include <string.h>

#include "base/secret.h"

// ---- platform --------------------------------------------------------------

// True when the step happens; *status is what the caller is told.
static bool step(struct platform *p, enum rotor_status *status, bool *tears)
{
    *status = ROTOR_OK;
    *tears = false;
    if (p->is_dead) {
        *status = ROTOR_PORT_FAILED;
        return false;
    }
    p->steps++;
    if (p->fault == FAULT_NONE || p->steps != p->fault_at) {
        return true;
    }
    *status = ROTOR_PORT_FAILED;
    p->is_dead = p->fault != FAULT_REFUSE && p->fault != FAULT_DOUBT;
    *tears = p->fault == FAULT_TEAR;
    return p->fault == FAULT_KILL_AFTER || p->fault == FAULT_DOUBT;
}

static enum rotor_status entropy(void *context, uint8_t *out, size_t size)
{
    struct platform *p = context;
    if (p->is_dead || p->has_no_entropy) {
        return ROTOR_PORT_FAILED;
    }
    uint8_t input[16] = "entropy";
    uint8_t digest[64];
    bytes_put_be64(input + 8, p->draws);
    struct rotor_bytes part = BYTES_OF(input);
    assert_true(size <= sizeof digest);
    assert_ok(crypto_hash(CRYPTO_SHA512, &part, 1, digest));
    memcpy(out, digest, size);
    unsigned at = (unsigned)(p->draws % COUNT_OF(p->drawn));
    p->drawn[at].size = size;
    memcpy(p->drawn[at].bytes, digest, size);
    p->draws++;
    return ROTOR_OK;
}

static enum rotor_status store_read(void *context, enum enclave_file file,
                                    struct rotor_room *content)
{
    struct platform *p = context;
    content->used = 0;
    if (p->is_dead) {
        return ROTOR_PORT_FAILED;
    }
    const struct file *from = &p->files[file];
    return from->exists ? bytes_copy(content, bytes_of(from->bytes, from->size))
                        : ROTOR_OK;
}

static enum rotor_status store_write(void *context, enum enclave_file file,
                                     struct rotor_bytes content)
{
    struct platform *p = context;
    struct file *to = &p->files[file];
    enum rotor_status status;
    bool tears;
    if (p->refuses_attach && file == ENCLAVE_ATTACH) {
        return ROTOR_PORT_FAILED;
    }
    bool happens = step(p, &status, &tears);
    size_t size = happens ? content.size : tears ? p->tear : 0;
    if (size > content.size) {
        size = content.size;
    }
    if (happens || tears) {
        to->exists = true;
        memcpy(to->bytes, content.data, size);
        // A torn write leaves the old tail, or the new size, or less.
        to->size = happens ? size : size > to->size ? size : to->size;
    }
    return status;
}

static enum rotor_status store_rename(void *context, enum enclave_file from,
                                      enum enclave_file to)
{
    struct platform *p = context;
    enum rotor_status status;
    bool tears;
    if (step(p, &status, &tears)) {
        assert_true(p->files[from].exists);
        p->files[to] = p->files[from];
        memset(&p->files[from], 0, sizeof p->files[from]);
    }
    return status;
}

static enum rotor_status store_remove(void *context, enum enclave_file file)
{
    struct platform *p = context;
    enum rotor_status status;
    bool tears;
    if (step(p, &status, &tears)) {
        memset(&p->files[file], 0, sizeof p->files[file]);
    }
    return status;
}

static enum rotor_status anchor_read(void *context, uint64_t *n, uint8_t v[32])
{
    struct platform *p = context;
    if (p->is_dead || p->refuses_anchor_read) {
        return ROTOR_PORT_FAILED;
    }
    if (p->cell != NULL) {
        *n = ENCLAVE_N_UNKNOWN;
        return p->cell_read(p->cell, v);
    }
    *n = p->hides_n ? ENCLAVE_N_UNKNOWN : p->n;
    memcpy(v, p->v, 32);
    return ROTOR_OK;
}

static enum rotor_status anchor_advance(void *context, const uint8_t d[32])
{
    struct platform *p = context;
    enum rotor_status status;
    bool tears;
    if (!step(p, &status, &tears)) {
        return status;
    }
    if (p->cell != NULL) {
        return p->cell_advance(p->cell, d);
    }
    struct rotor_bytes parts[] = {bytes_of(p->v, 32), bytes_of(d, 32)};
    assert_ok(crypto_hash(CRYPTO_SHA256, parts, 2, p->v));
    p->n += p->loses_count ? 0 : 1;
    if (p->lies_after_advance) {
        p->v[7] ^= 1;
    }
    return status;
}

bool world_writes_beside;
unsigned world_lag;

// Done as late as may be: when its end is asked for the last time.
static enum rotor_status durable_begin(void *context,
                                       const struct enclave_durable *what)
{
    struct platform *p = context;
    assert_false(p->is_out);
    p->out = *what;
    p->is_out = true;
    p->polls = 0;
    return ROTOR_OK;
}

static enum rotor_status durable_end(void *context)
{
    struct platform *p = context;
    assert_true(p->is_out);
    if (p->polls++ < world_lag) {
        return ROTOR_AGAIN;
    }
    p->is_out = false;
    switch (p->out.kind) {
    case ENCLAVE_WRITE:
        return store_write(p, p->out.file, p->out.content);
    case ENCLAVE_RENAME:
        return store_rename(p, p->out.file, p->out.to);
    case ENCLAVE_REMOVE:
        return store_remove(p, p->out.file);
    case ENCLAVE_ADVANCE:
        return anchor_advance(p, p->out.d);
    }
    return ROTOR_INVALID;
}

static uint64_t now_ms(void *context)
{
    return ((struct platform *)context)->now_ms;
}

#define FAKE_EVIDENCE_SIZE (4u + 64u + 32u)

static enum rotor_status evidence(void *context, const uint8_t ud[64],
                                  struct rotor_bytes claims,
                                  struct rotor_room *room)
{
    struct platform *p = context;
    uint8_t digest[32];
    assert_ok(crypto_hash(CRYPTO_SHA256, &claims, 1, digest));
    p->evidence_count++;
    room->used = 0;
    if (bytes_append(room, LABEL("evid")) != ROTOR_OK ||
        bytes_append(room, bytes_of(ud, 64)) != ROTOR_OK) {
        return ROTOR_TOO_SMALL;
    }
    return bytes_append(room, BYTES_OF(digest));
}

bool evidence_is_for(struct rotor_bytes bytes, const uint8_t ud[64])
{
    return bytes.size == FAKE_EVIDENCE_SIZE &&
           memcmp(bytes.data + 4, ud, 64) == 0;
}

// ---- the world -------------------------------------------------------------

void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->platform.now_ms = 1000;
    memset(world->identity.hw_secret, 0x77, 32);
    world->identity.measurement.alg = CRYPTO_SHA256;
    memset(world->identity.measurement.bytes, 0x4d, 32);
    world->identity.walls = 15;
    world->identity.report = LABEL("walls: all");
}

enum rotor_status world_try_start(struct world *world)
{
    struct enclave_ops ops = {
        .context = &world->platform,
        .entropy = entropy,
        .store_read = store_read,
        .store_write = store_write,
        .store_rename = store_rename,
        .store_remove = store_remove,
        .anchor_read = anchor_read,
        .anchor_advance = anchor_advance,
        .now_ms = now_ms,
        .evidence = evidence,
    };
    if (world_writes_beside) {
        ops.durable_begin = durable_begin;
        ops.durable_end = durable_end;
    }
    world->platform.is_out = false; // with the process, so went its thread
    world_close(world);
    world->platform.is_dead = false;
    return enclave_open(&world->enclave, &ops, &world->identity);
}

void world_start(struct world *world)
{
    assert_ok(world_try_start(world));
}

void world_close(struct world *world)
{
    enclave_wipe(&world->enclave);
}

// ---- the peer: frames ------------------------------------------------------

void peer_init(struct peer *peer, struct world *world)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(peer, 0, sizeof *peer);
    memset(seed, 0xc0, sizeof seed);
    peer->world = world;
    peer->suite = 2;
    peer->channel_id = 0x1000;
    assert_ok(crypto_key_derive(&peer->control, CRYPTO_P256, seed));
    assert_ok(wire_key_of(&peer->control, &peer->control_key));
    assert_ok(wire_key_id(&peer->control_key, &peer->control_kid));
    enclave_pair_init_control(&peer->pair);
}

void peer_init_program(struct peer *peer, struct world *world)
{
    peer_init(peer, world);
    peer->mode = PEER_PLAIN;
    peer->channel_id = 0x9000;
    peer->log_id = world->enclave.state.log_id;
    enclave_pair_init_program(&peer->pair, peer->channel_id);
}

void peer_close(struct peer *peer)
{
    crypto_key_close(&peer->control);
    crypto_aead_close(&peer->seal_out);
    crypto_aead_close(&peer->open_in);
    enclave_pair_close(&peer->pair);
    peer->mode = PEER_CLOSED;
}

static void open_reply(struct peer *peer)
{
    struct rotor_bytes frame = {peer->reply, peer->reply_size};
    struct rotor_room plain = {peer->reply + WIRE_HEADER_SIZE, WIRE_PAYLOAD_MAX,
                               0};
    struct wire_sealer sealer = {.aead = &peer->open_in};
    memcpy(sealer.iv, peer->iv_in, sizeof sealer.iv);
    if (peer->mode == PEER_SEALED) {
        assert_ok(wire_frame_unseal(&sealer, frame, &peer->header, &plain));
        peer->payload = bytes_in(&plain);
    } else {
        assert_ok(wire_frame_decode(frame, &peer->header, &peer->payload));
    }
    assert_int_equal(peer->header.channel_id, peer->channel_id);
    assert_int_equal(peer->header.sequence, peer->next_in);
    assert_memory_equal(peer->header.request_id, peer->request_id,
                        WIRE_ID_SIZE);
    assert_int_equal(peer->header.ack, peer->next_out - 1);
    peer->next_in++;
}

enum wire_type peer_take(struct peer *peer, const struct rotor_room *reply)
{
    peer->reply_size = reply->used;
    memset(&peer->header, 0, sizeof peer->header);
    if (reply->used == 0 || peer->world->platform.is_dead) {
        return WIRE_NONE; // power went: nobody hears an answer
    }
    open_reply(peer);
    return peer->header.type;
}

enum wire_type peer_step(struct peer *peer)
{
    struct rotor_room reply = ROOM_OF(peer->reply);
    enum rotor_status status =
        enclave_step(&peer->world->enclave, &peer->pair, &reply);
    assert_true(status == ROTOR_OK || status == ROTOR_AGAIN);
    return peer_take(peer, &reply);
}

enum wire_type peer_send(struct peer *peer, uint8_t type,
                         struct rotor_bytes payload)
{
    enum wire_type answer = peer_give(peer, type, payload);
    if (peer->only_gives) {
        peer->only_gives = false;
        return answer;
    }
    while (answer == WIRE_NONE && enclave_has_work(&peer->world->enclave)) {
        answer = peer_step(peer);
    }
    return answer;
}

enum wire_type peer_give(struct peer *peer, uint8_t type,
                         struct rotor_bytes payload)
{
    peer_make(peer, type, payload);
    struct rotor_room reply = ROOM_OF(peer->reply);
    assert_ok(enclave_serve(&peer->world->enclave, &peer->pair,
                            bytes_of(peer->frame, peer->frame_size), &reply));
    return peer_take(peer, &reply);
}

void peer_make(struct peer *peer, uint8_t type, struct rotor_bytes payload)
{
    if (!peer->keeps_id) {
        memset(peer->request_id, 0x1d, WIRE_ID_SIZE);
        bytes_put_be64(peer->request_id, ++peer->id_count);
    }
    peer->keeps_id = false;
    struct wire_header header = {.type = type,
                                 .channel_id = peer->channel_id,
                                 .sequence = peer->next_out++,
                                 .ack =
                                     peer->next_in > 0 ? peer->next_in - 1 : 0};
    memcpy(header.request_id, peer->request_id, WIRE_ID_SIZE);
    struct rotor_room frame = ROOM_OF(peer->frame);
    struct wire_sealer sealer = {.aead = &peer->seal_out};
    memcpy(sealer.iv, peer->iv_out, sizeof sealer.iv);
    if (peer->mode == PEER_SEALED) {
        assert_ok(wire_frame_seal(&sealer, &header, payload, &frame));
    } else {
        assert_ok(wire_frame_encode(&header, payload, &frame));
    }
    peer->frame_size = frame.used;
}

enum wire_type peer_ask(struct peer *peer, uint8_t type,
                        const struct wire_layout *layout, void *message)
{
    static uint8_t bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    memcpy(message, &peer->log_id, sizeof peer->log_id);
    assert_ok(wire_message_encode(layout, message, &payload));
    bytes[peer->flip_at % payload.used] ^= peer->flip;
    return peer_send(peer, type, bytes_in(&payload));
}

void peer_decode(const struct peer *peer, const struct wire_layout *layout,
                 void *message)
{
    assert_ok(wire_message_decode(layout, peer->payload, message));
}

uint64_t peer_error(const struct peer *peer)
{
    struct wire_error_reply error;
    if (peer->header.type != WIRE_ERROR) {
        return 0;
    }
    peer_decode(peer, &WIRE_LAYOUT_ERROR, &error);
    return error.code;
}

uint64_t peer_error_detail(const struct peer *peer)
{
    struct wire_error_reply error;
    peer_decode(peer, &WIRE_LAYOUT_ERROR, &error);
    return error.detail;
}
