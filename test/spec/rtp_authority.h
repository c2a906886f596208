// SPDX-License-Identifier: Apache-2.0
// A recovery authority, two of three, that speaks to a simulated device: past
// the RTP, or through it as an operator brings its orders.
#ifndef ROTOR_TEST_SPEC_RTP_AUTHORITY_H
#define ROTOR_TEST_SPEC_RTP_AUTHORITY_H

#include "chain/recovery.h"
#include "chain/sign.h"
#include "rtp/machine.h"
#include "test/spec/rtp_client.h"

#define RA_KEYS 3u

struct authority {
    struct crypto_key keys[RA_KEYS];
    struct chain_ra_set set;
    uint8_t bytes[1024];
    size_t size;
};

static struct authority ra;

static inline void make_authority(struct wire_digest *digest)
{
    struct rotor_room room = ROOM_OF(ra.bytes);
    ra.set.k = 2;
    ra.set.count = RA_KEYS;
    for (uint8_t i = 0; i < RA_KEYS; i++) {
        uint8_t seed[CRYPTO_SEED_MAX];
        memset(seed, 0x30 + i, sizeof seed);
        crypto_key_close(&ra.keys[i]);
        assert_ok(crypto_key_derive(&ra.keys[i], CRYPTO_P256, seed));
        assert_ok(wire_key_of(&ra.keys[i], &ra.set.keys[i]));
    }
    assert_ok(chain_ra_set_encode(&ra.set, &room));
    ra.size = room.used;
    assert_ok(chain_hash_ra_set(CRYPTO_SHA256, bytes_in(&room), digest));
}

static inline void forget_authority(void)
{
    for (size_t i = 0; i < RA_KEYS; i++) {
        crypto_key_close(&ra.keys[i]);
    }
}

static inline struct sim_device *governed_device(uint64_t rotations)
{
    struct sim_device *device = sim_device_new(91);
    assert_non_null(device);
    make_authority(&device->config.policy.ra);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    while (device->rtp.state.trust.order.epoch < rotations) {
        const struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                                      .kind = CHAIN_ROTATE};
        rtp_wish_for(&device->rtp, &wish);
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    }
    return device;
}

// One frame on the RTP's own channel, outside its machine: the answer's type,
// its payload in `answer`.
static inline uint8_t say(struct sim_device *device, uint8_t type,
                          struct rotor_bytes payload, struct rotor_room *answer)
{
    static uint8_t frame_bytes[WIRE_FRAME_MAX];
    static uint8_t reply_bytes[WIRE_FRAME_MAX];
    struct rotor_room frame = ROOM_OF(frame_bytes);
    struct rotor_room reply = ROOM_OF(reply_bytes);
    struct rtp_channel *channel = &device->rtp.channel;
    uint8_t id[WIRE_ID_SIZE];
    sim_random(device, id, sizeof id);
    const struct rtp_frame message = {type, id, payload};
    assert_ok(rtp_send_sealed(&device->rtp, &message, &frame));
    assert_ok(enclave_serve(&device->enclave, &device->pair, bytes_in(&frame),
                            &reply));
    struct wire_sealer sealer = {.aead = &channel->unseal};
    struct wire_header header;
    memcpy(sealer.iv, channel->unseal_iv, sizeof sealer.iv);
    assert_ok(wire_frame_unseal(&sealer, bytes_in(&reply), &header, answer));
    channel->received++;
    return header.type;
}

struct recovery {
    uint64_t epoch;
    struct wire_head supersedes;
    uint64_t with_old;
};

static uint8_t answer_bytes[WIRE_PAYLOAD_MAX];

// Fills body_hash, sig_ra and ra_sets; views of static memory.
static inline void sign_with(struct rotor_bytes body, size_t signers,
                             struct wire_recover_signed *message)
{
    static uint8_t sig_bytes[2048];
    static uint8_t set_bytes[2048];
    struct rotor_room sigs = ROOM_OF(sig_bytes);
    struct rotor_room sets = ROOM_OF(set_bytes);
    struct cbor_writer writer;
    struct chain_body decoded;
    cbor_writer_init(&writer, &sigs);
    cbor_write_array(&writer, signers);
    for (size_t i = 0; i < signers; i++) {
        uint8_t bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        assert_ok(chain_sign_ra(&ra.keys[i], body, &sign1));
        cbor_write_bytes(&writer, bytes_in(&sign1));
    }
    assert_ok(cbor_writer_finish(&writer));
    cbor_writer_init(&writer, &sets);
    cbor_write_array(&writer, 1);
    cbor_write_raw(&writer, bytes_of(ra.bytes, ra.size));
    assert_ok(cbor_writer_finish(&writer));
    assert_ok(chain_body_decode(body, &decoded));
    assert_ok(chain_body_hash(&decoded, &message->body_hash));
    message->sig_ra = bytes_in(&sigs);
    message->ra_sets = bytes_in(&sets);
}

static inline void sign_body(struct sim_device *device, struct rotor_bytes body)
{
    static uint8_t out_bytes[4096];
    struct rotor_room out = ROOM_OF(out_bytes);
    struct rotor_room answer = ROOM_OF(answer_bytes);
    struct wire_recover_signed message = {.log_id = device->rtp.channel.log_id};
    sign_with(body, 2, &message);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &message, &out));
    assert_int_equal(say(device, WIRE_RECOVER_SIGNED, bytes_in(&out), &answer),
                     WIRE_ROT_DONE);
}

static inline void recover(struct sim_device *device,
                           const struct recovery *order)
{
    const struct chain_trust *trust = &device->rtp.state.trust;
    static uint8_t out_bytes[4096];
    static uint8_t body_bytes[CHAIN_BODY_MAX];
    uint8_t seed[32] = {7};
    struct rotor_room out = ROOM_OF(out_bytes);
    struct rotor_room answer = ROOM_OF(answer_bytes);
    const struct wire_recover message = {
        .log_id = device->rtp.channel.log_id,
        .kind = CHAIN_RECOVER,
        .incarnation = 1,
        .epoch = order->epoch,
        .supersedes = order->supersedes,
        .suite = 2,
        .seed = BYTES_OF(seed),
        .seed_src = 1,
        .ra_set = bytes_of(ra.bytes, ra.size),
        .control_kid = device->rtp.control_kid,
        .policy = bytes_of(trust->policy_bytes, trust->policy_size),
        .with_old = order->with_old,
        .order_log_id = trust->log_id,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_RECOVER, &message, &out));
    assert_int_equal(say(device, WIRE_RECOVER, bytes_in(&out), &answer),
                     WIRE_RECOVER_BODY);
    struct wire_recover_body reply;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY, bytes_in(&answer),
                                  &reply));
    memcpy(body_bytes, reply.body.data, reply.body.size);
    sign_body(device, bytes_of(body_bytes, reply.body.size));
}

static inline void restart_rtp(struct sim_device *device)
{
    sim_kill_rtp(device);
    device->now_ms += 2000;
    assert_ok(sim_start_rtp(device));
}

static inline void check_recovered(struct sim_device *device, uint64_t epoch)
{
    struct client client = {.device = device, .must_verify = true};
    if (!sim_run_until(device, 60000, sim_is_steady)) {
        fail_msg("last alarm %s: %s", rtp_alarm_name(device->seen.last.kind),
                 device->seen.last_text);
    }
    const struct chain_trust *trust = &device->rtp.state.trust;
    assert_int_equal(trust->order.incarnation, 1);
    assert_int_equal(trust->order.epoch, epoch);
    assert_int_equal(trust->kind, CHAIN_RECOVER);
    assert_int_equal(device->seen.alarms[RTP_ALARM_RECOVERED], 1);
    assert_true(wire_digest_equal(&trust->body_hash,
                                  &device->enclave.state.cur.facts.body_hash));
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
    assert_int_equal(device->rtp.state.trust.order.epoch, epoch + 1);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 1);
}

// The head of epoch 1, from the RTP's own log.
static inline struct wire_head head_of_first_rotation(struct sim_device *device)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record;
    struct chain_entry entry;
    struct chain_trust trust;
    uint64_t offset;
    const struct wire_order first = {0, 1};
    assert_ok(rtp_log_find(&device->rtp.log, &device->rtp.ops, &room, &first,
                           &offset));
    assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
    assert_ok(chain_entry_decode(record.bytes, &entry));
    assert_ok(chain_trust_of(&entry.body, &trust));
    return chain_trust_head(&trust);
}

static uint8_t proposal[WIRE_PAYLOAD_MAX];

// RECOVER as an operator sends it; the body that the AP proposes.
static inline struct rotor_bytes
propose_after(struct client *client, uint64_t with_old,
              const struct wire_head *superseded)
{
    uint8_t bytes[2048];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_recover order = {
        .ra_set = bytes_of(ra.bytes, ra.size),
        .has_supersedes = superseded != NULL,
        .supersedes = superseded != NULL ? *superseded : (struct wire_head){0},
        .with_old = with_old};
    struct wire_recover_body reply;
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload));
    assert_ok(client_submit(client, WIRE_OP_RECOVER, bytes_in(&payload), 0));
    assert_true(client_await(client, client->tags, 10000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
    memcpy(proposal, client->last_payload, client->last.payload.size);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY,
                                  bytes_of(proposal, client->last.payload.size),
                                  &reply));
    return reply.body;
}

static inline struct rotor_bytes propose(struct client *client,
                                         uint64_t with_old)
{
    return propose_after(client, with_old, NULL);
}

// Signed by the first `signers` keys.
static inline void send_back(struct client *client, struct rotor_bytes body,
                             size_t signers)
{
    static uint8_t out_bytes[RTP_REQUEST_MAX];
    struct rotor_room out = ROOM_OF(out_bytes);
    struct wire_recover_signed message = {
        .log_id = client->device->rtp.state.trust.log_id};
    sign_with(body, signers, &message);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &message, &out));
    assert_ok(client_submit(client, WIRE_OP_RECOVERED, bytes_in(&out), 0));
}

static inline void hand_back(struct client *client, struct rotor_bytes body,
                             size_t signers)
{
    send_back(client, body, signers);
    assert_true(client_await(client, client->tags, 10000));
}

#endif
