// SPDX-License-Identifier: Apache-2.0
// The recovery authority speaks to the enclave; the RTP finds out afterwards:
// the rows of the crash table where DONE of a recovery was lost.
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

static void make_authority(struct wire_digest *digest)
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

static void forget_authority(void)
{
    for (size_t i = 0; i < RA_KEYS; i++) {
        crypto_key_close(&ra.keys[i]);
    }
}

static struct sim_device *governed_device(uint64_t rotations)
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
static uint8_t say(struct sim_device *device, uint8_t type,
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
static void sign_with(struct rotor_bytes body, size_t signers,
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

static void sign_body(struct sim_device *device, struct rotor_bytes body)
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

static void recover(struct sim_device *device, const struct recovery *order)
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

static void restart_rtp(struct sim_device *device)
{
    sim_kill_rtp(device);
    device->now_ms += 2000;
    assert_ok(sim_start_rtp(device));
}

static void check_recovered(struct sim_device *device, uint64_t epoch)
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

SPEC("CUR of the next incarnation, CUR: the RTP reads it and follows")
{
    struct sim_device *device = governed_device(2);
    const struct recovery order = {
        3, chain_trust_head(&device->rtp.state.trust), 1};
    recover(device, &order);
    restart_rtp(device);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 0);
    check_recovered(device, 3);
    assert_int_equal(device->rtp.log.count, 5);
    sim_device_free(device);
    forget_authority();
}

// Entries of the log, oldest first, as [incarnation, epoch].
static void check_order(const struct sim_device *device,
                        const struct wire_order *orders, size_t count)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record = {0};
    assert_int_equal(device->rtp.log.count, count);
    for (size_t i = 0; i < count; i++) {
        struct chain_entry entry;
        assert_ok(rtp_log_read(&device->rtp.ops, record.next, &room, &record));
        assert_ok(chain_entry_decode(record.bytes, &entry));
        assert_int_equal(entry.body.incarnation, orders[i].incarnation);
        assert_int_equal(entry.body.epoch, orders[i].epoch);
    }
}

// The head of epoch 1, from the RTP's own log.
static struct wire_head head_of_first_rotation(struct sim_device *device)
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

SPEC("a recovery of an earlier entry: what came between is void and is kept")
{
    static const struct wire_order ORDERS[] = {
        {0, 0},
        {0, 1},
        {0, 2},
        {0, 3},
        {1, 4},
        {1, 5},
    };
    struct sim_device *device = governed_device(3);
    const struct recovery order = {4, head_of_first_rotation(device), 0};
    recover(device, &order);
    restart_rtp(device);
    check_recovered(device, 4);
    check_order(device, ORDERS, COUNT_OF(ORDERS));
    // And it is all there again after a restart.
    restart_rtp(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    check_order(device, ORDERS, COUNT_OF(ORDERS));
    sim_device_free(device);
    forget_authority();
}

SPEC("a recovery while the RTP waits for COMMIT: what was pending is dropped")
{
    struct sim_device *device = governed_device(1);
    const struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                                  .kind = CHAIN_ROTATE};
    rtp_wish_for(&device->rtp, &wish);
    while (device->rtp.state.phase != RTP_PEND) {
        sim_round(device);
        rtp_tick(&device->rtp, device->now_ms);
    }
    const struct recovery order = {
        3, chain_trust_head(&device->rtp.state.trust), 1};
    recover(device, &order);
    restart_rtp(device);
    assert_int_equal(device->rtp.state.phase, RTP_PEND);
    check_recovered(device, 3);
    sim_device_free(device);
    forget_authority();
}

// The entry of that epoch, as a payload of REPORT.
static void encode_entry_report(struct sim_device *device, uint64_t epoch,
                                struct rotor_room *payload)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record;
    uint64_t offset;
    const struct wire_order at = {0, epoch};
    assert_ok(
        rtp_log_find(&device->rtp.log, &device->rtp.ops, &room, &at, &offset));
    assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
    const struct wire_client_report report = {record.bytes};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_REPORT, &report, payload));
}

SPEC("the forks that the authority ended do not stop the log that it began")
{
    static uint8_t rival_bytes[RTP_REQUEST_MAX];
    struct rotor_room rival = ROOM_OF(rival_bytes);
    struct sim_device *device = governed_device(1);
    struct client client = {.device = device};
    struct sim_store *before = sim_store_copy(device);
    uint64_t tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 5000));
    encode_entry_report(device, 2, &rival); // of a thief with a copy
    sim_kill_rtp(device);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, true);
    sim_store_restore_rtp(device, before, true);
    free(before);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    tag = client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(&client, tag, 60000));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    const struct recovery order = {5, head_of_first_rotation(device), 1};
    recover(device, &order);
    restart_rtp(device);
    check_recovered(device, 5);
    assert_ok(client_submit(&client, WIRE_OP_REPORT, bytes_in(&rival), 0));
    assert_true(client_await(&client, client.tags, 5000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 0);
    sim_device_free(device);
    forget_authority();
}

SPEC("an AP of a lower incarnation is never followed again: it halts")
{
    struct sim_device *device = governed_device(2);
    struct sim_store *before = sim_store_copy(device);
    const struct recovery order = {
        3, chain_trust_head(&device->rtp.state.trust), 1};
    recover(device, &order);
    restart_rtp(device);
    check_recovered(device, 3);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, true);
    assert_ok(sim_start_ap(device));
    sim_run(device, 10000);
    assert_true(device->seen.alarms[RTP_ALARM_AP_BEHIND] > 0);
    assert_int_equal(enclave_state_code(&device->enclave), WIRE_STATE_HALTED);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 1);
    free(before);
    sim_device_free(device);
    forget_authority();
}

// ---- through the RTP -------------------------------------------------------

static uint8_t proposal[WIRE_PAYLOAD_MAX];

// RECOVER as an operator sends it; the body that the AP proposes.
static struct rotor_bytes propose(struct client *client, uint64_t with_old)
{
    uint8_t bytes[2048];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_recover order = {
        .ra_set = bytes_of(ra.bytes, ra.size), .with_old = with_old};
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

// Signed by the first `signers` keys.
static void send_back(struct client *client, struct rotor_bytes body,
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

static void hand_back(struct client *client, struct rotor_bytes body,
                      size_t signers)
{
    send_back(client, body, signers);
    assert_true(client_await(client, client->tags, 10000));
}

SPEC("an operator brings the authority's order: the log goes on under it")
{
    struct sim_device *device = governed_device(2);
    struct client client = {.device = device};
    struct rotor_bytes body = propose(&client, 1);
    hand_back(&client, body, 1);
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(client.last.error, WIRE_E_SIGNATURE);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 0);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_recovered(device, 3);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_RTP_BEHIND], 0);
    // A second time it is done already.
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_REFUSED);
    sim_device_free(device);
    forget_authority();
}

SPEC("the answer to the authority's order was lost: asked again, done once")
{
    struct sim_device *device = governed_device(1);
    struct client client = {.device = device};
    struct rotor_bytes body = propose(&client, 0);
    device->cut = (struct sim_cut){.step = SIM_FRAME_TO_RTP,
                                   .type = WIRE_ROT_DONE,
                                   .count = 1,
                                   .victim = SIM_AP};
    send_back(&client, body, 3);
    sim_run(device, 100);
    assert_true(device->is_cut);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 0);
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    assert_true(client_await(&client, client.tags, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_recovered(device, 2);
    sim_device_free(device);
    forget_authority();
}

static void lose_ap_store(struct sim_device *device)
{
    sim_kill_ap(device);
    memset(device->store.ap, 0, sizeof device->store.ap);
    assert_ok(sim_start_ap(device));
    sim_run(device, 10000);
}

static void check_reincepted(struct sim_device *device, uint64_t epoch)
{
    struct client client = {.device = device, .must_verify = true};
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.kind, CHAIN_REINCEPT);
    assert_int_equal(device->rtp.state.trust.order.incarnation, 1);
    assert_int_equal(device->rtp.state.trust.order.epoch, epoch);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.answered, 1);
}

SPEC("the AP lost its store: nothing is served until the authority begins anew")
{
    struct sim_device *device = governed_device(2);
    struct client client = {.device = device};
    lose_ap_store(device);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_int_equal(client.last.code, WIRE_CLIENT_UNAVAILABLE);
    struct rotor_bytes body = propose(&client, 1);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_reincepted(device, 3);
    sim_device_free(device);
    forget_authority();
}

SPEC("an order without a log, or that is none, is refused")
{
    struct sim_device *device = sim_device_new(92);
    struct client client = {.device = device};
    uint8_t bytes[2048];
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_digest digest;
    make_authority(&digest);
    struct wire_client_recover order = {.ra_set = bytes_of(ra.bytes, ra.size)};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload));
    assert_ok(sim_start_rtp(device));
    assert_ok(client_submit(&client, WIRE_OP_RECOVER, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_UNAVAILABLE);
    sim_device_free(device);
    device = governed_device(1);
    client = (struct client){.device = device};
    order.has_suite = true;
    order.suite = 9;
    payload.used = 0;
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload));
    assert_ok(client_submit(&client, WIRE_OP_RECOVER, bytes_in(&payload), 0));
    assert_true(client_await(&client, client.tags, 10000));
    assert_int_equal(client.last.code, WIRE_CLIENT_MALFORMED);
    sim_device_free(device);
    forget_authority();
}
