// SPDX-License-Identifier: Apache-2.0
// An enclave, or whoever sits on the queue, that says anything at all.
//
// On the queue: bytes are changed, lost, repeated, invented.  Behind the seal:
// the same with frames that are authentic, as a broken enclave would send.
#include "rtp/machine.h"
#include "test/spec/rtp_client.h"

// ---- the queue -------------------------------------------------------------

struct meddler {
    unsigned one_in; // frames that are touched
    unsigned touched;
    bool is_off;
};

static bool touch_queue(void *context, struct sim_device *device,
                        uint8_t *frame, size_t *size)
{
    struct meddler *meddler = context;
    uint8_t dice[8];
    sim_random(device, dice, sizeof dice);
    if (meddler->is_off || dice[0] % meddler->one_in != 0) {
        return true;
    }
    meddler->touched++;
    size_t at = ((size_t)dice[2] << 8 | dice[3]) % *size;
    switch (dice[1] % 6) {
    case 0:
        return false; // lost
    case 1:
        frame[at] ^= (uint8_t)(1u << dice[4] % 8);
        return true;
    case 2:
        frame[at % WIRE_HEADER_SIZE] ^= (uint8_t)(1u << dice[4] % 8);
        return true;
    case 3:
        *size = at;
        return true;
    case 4: // twice
        (void)!rtp_take(&device->rtp, device->now_ms, bytes_of(frame, *size));
        return !device->rtp.inbox_is_full;
    default:
        sim_random(device, frame, *size);
        return true;
    }
}

// Whatever happened: both agree, every program had an answer or its deadline.
static void check_end(struct sim_device *device, struct client *client)
{
    client_run(client, 120000);
    assert_true(sim_is_steady(device));
    assert_true(wire_digest_equal(&device->enclave.state.cur.facts.body_hash,
                                  &device->rtp.state.trust.body_hash));
    assert_int_equal(device->seen.second_bodies, 0);
    assert_int_equal(client->answered + client->refused, client->sent);
    unsigned before = client->answered;
    assert_true(client_attest(client, 0));
    client_run(client, 100);
    assert_int_equal(client->answered, before + 1);
}

SPEC("frames changed, lost, repeated and invented on the queue cost time only")
{
    unsigned touched = 0;
    for (uint64_t seed = 100; seed < 130; seed++) {
        struct sim_device *device = device_ready(seed);
        struct client client = {.device = device, .must_verify = true};
        struct meddler meddler = {.one_in = 2u + (unsigned)(seed % 9u)};
        device->meddle = touch_queue;
        device->meddle_context = &meddler;
        for (unsigned i = 0; i < 60; i++) {
            (void)client_attest(&client, 0);
            if (i % 10 == 0) {
                (void)client_rotate(&client, 3 + i % 2, 0);
            }
            client_run(&client, 700);
        }
        meddler.is_off = true;
        check_end(device, &client);
        touched += meddler.touched;
        sim_device_free(device);
    }
    print_message("%u frames touched\n", touched);
}

SPEC("arbitrary frames at arbitrary times are dropped")
{
    struct sim_device *device = device_ready(131);
    struct client client = {.device = device, .must_verify = true};
    static uint8_t frame[WIRE_FRAME_MAX];
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t dice[4];
        sim_random(device, dice, sizeof dice);
        size_t size = (size_t)dice[0] * (1u + dice[1] % 8u);
        sim_random(device, frame, size);
        struct wire_header header = {
            .type = dice[2],
            .flags = WIRE_FLAG_PLAINTEXT,
            .payload_size = (uint32_t)size,
            .channel_id = device->rtp.channel.id,
            .sequence = device->rtp.channel.received,
        };
        if (dice[3] % 4 != 0) {
            assert_ok(wire_header_encode(&header, frame));
            size += WIRE_HEADER_SIZE;
        }
        assert_ok(
            rtp_take(&device->rtp, device->now_ms, bytes_of(frame, size)));
    }
    check_end(device, &client);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 0);
    sim_device_free(device);
}

// ---- behind the seal -------------------------------------------------------

// Opens a frame for the RTP with the RTP's own key, lets `change` work on it,
// and seals it again: authentic, and not what the enclave said.
struct liar {
    bool (*change)(struct liar *liar, struct wire_header *header,
                   struct rotor_room *payload);
    struct sim_device *device;
    uint8_t type; // of frames that are changed; 0: all
    unsigned changed;
    unsigned most; // 0: no limit
    unsigned detail;
    uint8_t kept[WIRE_PAYLOAD_MAX];
    size_t kept_size;
};

static bool lie(void *context, struct sim_device *device, uint8_t *frame,
                size_t *size)
{
    static uint8_t bytes[WIRE_PAYLOAD_MAX];
    struct liar *liar = context;
    const struct rtp_channel *channel = &device->rtp.channel;
    struct wire_sealer sealer = {.aead = &channel->unseal};
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_header header;
    memcpy(sealer.iv, channel->unseal_iv, sizeof sealer.iv);
    bool is_sealed = channel->unseal.impl != NULL &&
                     wire_frame_unseal(&sealer, bytes_of(frame, *size), &header,
                                       &payload) == ROTOR_OK;
    bool is_meant = is_sealed &&
                    (liar->type == 0 || liar->type == header.type) &&
                    (liar->most == 0 || liar->changed < liar->most);
    if (!is_meant || !liar->change(liar, &header, &payload)) {
        return true;
    }
    liar->changed++;
    struct rotor_room out = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_seal(&sealer, &header, bytes_in(&payload), &out));
    *size = out.used;
    return true;
}

static void begin_lies(struct liar *liar, struct sim_device *device)
{
    liar->device = device;
    device->meddle = lie;
    device->meddle_context = liar;
}

static bool change_anything(struct liar *liar, struct wire_header *header,
                            struct rotor_room *payload)
{
    uint8_t dice[8];
    sim_random(liar->device, dice, sizeof dice);
    if (dice[0] % 5 != 0) {
        return false;
    }
    size_t at = ((size_t)dice[2] << 8 | dice[3]) %
                (payload->used == 0 ? 1 : payload->used);
    switch (dice[1] % 7) {
    case 0:
        payload->data[at] ^= (uint8_t)(1u << dice[4] % 8);
        break;
    case 1:
        payload->used = at;
        break;
    case 2:
        header->type = dice[4];
        break;
    case 3:
        header->request_id[dice[4] % 16] ^= 1;
        break;
    case 4:
        header->epoch += dice[4] % 3;
        break;
    case 5:
        sim_random(liar->device, payload->data, payload->used);
        break;
    default:
        header->sequence += dice[4] % 3;
        break;
    }
    return true;
}

SPEC("authentic frames with any content never make the RTP believe another key")
{
    unsigned changed = 0;
    for (uint64_t seed = 200; seed < 230; seed++) {
        struct sim_device *device = device_ready(seed);
        struct client client = {.device = device};
        struct liar liar = {.change = change_anything};
        begin_lies(&liar, device);
        for (unsigned i = 0; i < 60; i++) {
            (void)client_attest(&client, 0);
            if (i % 10 == 0) {
                (void)client_rotate(&client, 3 + i % 2, 0);
            }
            client_run(&client, 700);
        }
        device->meddle = NULL;
        client.must_verify = true;
        check_end(device, &client);
        changed += liar.changed;
        sim_device_free(device);
    }
    print_message("%u authentic lies\n", changed);
}

static bool flip_in_entry(struct liar *liar, struct wire_header *header,
                          struct rotor_room *payload)
{
    (void)header;
    payload->data[liar->detail] ^= 1;
    return true;
}

// Flips one bit of one ROT_PREPARED and tells which rule saw it.
static uint64_t refused_by(struct sim_device *device, unsigned offset)
{
    struct liar liar = {.change = flip_in_entry,
                        .type = WIRE_ROT_PREPARED,
                        .most = 1,
                        .detail = offset};
    begin_lies(&liar, device);
    unsigned alarms = device->seen.alarms[RTP_ALARM_ENTRY];
    uint64_t epoch = device->rtp.state.trust.order.epoch;
    const struct rtp_wish wish = {.reason = WIRE_REASON_SECURITY_EVENT,
                                  .kind = CHAIN_ROTATE};
    device->rtp.wish = wish;
    device->rtp.wish.is_wanted = true;
    while (liar.changed == 0 || device->rtp.job_is_wanted ||
           device->held != NULL) {
        rtp_tick(&device->rtp, device->now_ms);
        sim_round(device);
    }
    assert_int_equal(device->rtp.state.trust.order.epoch, epoch);
    assert_true(chain_trust_is_empty(&device->rtp.state.pend) ||
                device->seen.alarms[RTP_ALARM_ENTRY] == alarms);
    uint64_t rule = device->seen.alarms[RTP_ALARM_ENTRY] > alarms
                        ? device->seen.last.a
                        : 99;
    assert_true(sim_run_until(device, 300000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, epoch + 1);
    return rule;
}

SPEC("a flipped bit anywhere in a prepared entry is refused, then it goes on")
{
    struct sim_device *device = device_ready(240);
    unsigned rules[13] = {0};
    unsigned others = 0;
    for (unsigned offset = 60; offset < 4400; offset += 41) {
        uint64_t rule = refused_by(device, offset);
        if (rule < COUNT_OF(rules)) {
            rules[rule]++;
        } else {
            others++;
        }
    }
    // By structure, by A, by S_e and by Evidence; where the flip left no map
    // at all, the frame was.
    assert_true(rules[1] > 0 && rules[6] > 0 && rules[11] > 0);
    assert_int_equal(device->seen.second_bodies, 0);
    print_message("rule 1: %u, 6: %u, 7: %u, 8: %u, 11: %u, frame: %u\n",
                  rules[1], rules[6], rules[7], rules[8], rules[11], others);
    sim_device_free(device);
}

static bool flip_last(struct liar *liar, struct wire_header *header,
                      struct rotor_room *payload)
{
    (void)liar;
    (void)header;
    payload->data[payload->used - 1] ^= 1;
    return true;
}

SPEC("a ROT_DONE that S of the new epoch did not sign is no DONE")
{
    struct sim_device *device = device_ready(241);
    struct liar liar = {.change = flip_last, .type = WIRE_ROT_DONE};
    begin_lies(&liar, device);
    sim_wish_rotation(device);
    while (device->seen.alarms[RTP_ALARM_PEER] == 0) {
        rtp_tick(&device->rtp, device->now_ms);
        sim_round(device);
    }
    assert_int_equal(device->rtp.state.phase, RTP_PEND);
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

// The enclave signs with the new S, but not what was committed.
static bool sign_other_done(struct liar *liar, struct wire_header *header,
                            struct rotor_room *payload)
{
    const struct sim_device *device = liar->device;
    struct wire_done done;
    uint8_t statement_bytes[CHAIN_STATEMENT_MAX];
    uint8_t sig_bytes[WIRE_SIGN1_MAX];
    uint8_t out_bytes[512];
    struct rotor_room statement = ROOM_OF(statement_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct rotor_room out = ROOM_OF(out_bytes);
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_ROT_DONE, bytes_in(payload), &done));
    if (liar->detail == 0) {
        done.epoch++;
    } else {
        done.body_hash.bytes[0] ^= 1;
    }
    struct chain_done claim = {
        .head = {done.epoch, done.body_hash},
        .n = done.n,
        .channel_id = header->channel_id
    };
    memcpy(claim.request_id, header->request_id, sizeof claim.request_id);
    assert_ok(chain_done_encode(&claim, &statement));
    const struct wire_statement signed_bytes = {LABEL(WIRE_CONTEXT_DONE),
                                                bytes_in(&statement)};
    assert_ok(wire_cose_sign(&device->enclave.keys.sign, &signed_bytes, &sig));
    done.sig = bytes_in(&sig);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ROT_DONE, &done, &out));
    memcpy(payload->data, out.data, out.used);
    payload->used = out.used;
    return true;
}

SPEC("a ROT_DONE of another epoch or body than the pending one is no DONE")
{
    for (unsigned detail = 0; detail < 2; detail++) {
        struct sim_device *device = device_ready(247);
        struct liar liar = {.change = sign_other_done,
                            .type = WIRE_ROT_DONE,
                            .most = 1,
                            .detail = detail};
        begin_lies(&liar, device);
        sim_wish_rotation(device);
        assert_true(sim_run_until(device, 60000, sim_is_steady));
        assert_int_equal(liar.changed, 1);
        assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
        assert_string_equal(device->seen.last_text, "ROT_DONE does not verify");
        assert_int_equal(device->rtp.state.trust.order.epoch, 1);
        sim_device_free(device);
    }
}

// Answers DONE to COMMIT with the DONE of another frame.
static bool replay_done(struct liar *liar, struct wire_header *header,
                        struct rotor_room *payload)
{
    (void)header;
    if (liar->kept_size == 0) {
        memcpy(liar->kept, payload->data, payload->used);
        liar->kept_size = payload->used;
        return false;
    }
    memcpy(payload->data, liar->kept, liar->kept_size);
    payload->used = liar->kept_size;
    return true;
}

SPEC("the ROT_DONE of an earlier rotation is no DONE of this one")
{
    struct sim_device *device = device_ready(242);
    struct liar liar = {.change = replay_done, .type = WIRE_ROT_DONE};
    begin_lies(&liar, device);
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_wish_rotation(device);
    while (device->seen.alarms[RTP_ALARM_PEER] == 0) {
        rtp_tick(&device->rtp, device->now_ms);
        sim_round(device);
    }
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

// A lie in an ATTEST_RSP, or another frame, that must end the channel.
static void check_condemned(struct liar *liar, uint64_t seed)
{
    struct sim_device *device = device_ready(seed);
    struct client client = {.device = device};
    begin_lies(liar, device);
    assert_true(client_attest(&client, 0));
    client_run(&client, 1000);
    assert_int_equal(liar->changed, 1);
    assert_int_equal(client.answered, 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
    client.must_verify = true;
    client_run(&client, 5000);
    assert_int_equal(client.answered, 1); // asked again on the next channel
    sim_device_free(device);
}

static bool change_epoch(struct liar *liar, struct wire_header *header,
                         struct rotor_room *payload)
{
    (void)liar;
    struct wire_attest_rsp reply;
    struct wire_attest_core core;
    uint8_t core_bytes[4096];
    static uint8_t out_bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room core_room = ROOM_OF(core_bytes);
    struct rotor_room out = ROOM_OF(out_bytes);
    assert_int_equal(header->type, WIRE_ATTEST_RSP);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, bytes_in(payload),
                                  &reply));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, reply.core, &core));
    if (liar->detail == 0) {
        core.epoch++;
    } else if (liar->detail == 1) {
        core.body_hash.bytes[0] ^= 1;
    } else {
        core.log_id.bytes[0] ^= 1;
    }
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &core, &core_room));
    reply.core = bytes_in(&core_room);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &reply, &out));
    memcpy(payload->data, out.data, out.used);
    payload->used = out.used;
    return true;
}

SPEC("an answer under an epoch, a body or a log that is not ours: new channel")
{
    for (unsigned detail = 0; detail < 3; detail++) {
        struct liar liar = {.change = change_epoch,
                            .type = WIRE_ATTEST_RSP,
                            .most = 1,
                            .detail = detail};
        check_condemned(&liar, 243);
    }
}

SPEC("after R1 an answer under e+1 must name the very body that is pending")
{
    struct sim_device *device = device_ready(243);
    struct client client = {.device = device};
    static struct liar liar;
    memset(&liar, 0, sizeof liar);
    liar.change = change_epoch; // epoch + 1, the body of epoch
    liar.type = WIRE_ATTEST_RSP;
    liar.most = 1;
    sim_wish_rotation(device);
    while (device->held == NULL || device->held->kind != RTP_JOB_ACCEPT) {
        device->holds_jobs = device->rtp.state.phase == RTP_INTENT;
        sim_round(device);
        rtp_tick(&device->rtp, device->now_ms);
    }
    device->rtp_is_deaf = true;
    assert_true(client_attest(&client, 0));
    while (sim_round(device)) {
    }
    device->holds_jobs = false;
    sim_round(device);
    assert_int_equal(device->rtp.state.phase, RTP_PEND);
    begin_lies(&liar, device);
    device->rtp_is_deaf = false;
    sim_round(device);
    assert_int_equal(liar.changed, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
    client.must_verify = true;
    client_run(&client, 9000);
    assert_int_equal(client.answered, 1);
    sim_device_free(device);
}

static bool change_header(struct liar *liar, struct wire_header *header,
                          struct rotor_room *payload)
{
    (void)payload;
    switch (liar->detail) {
    case 0:
        header->type = WIRE_SIGNED;
        break;
    case 1:
        header->request_id[0] ^= 1;
        break;
    case 2:
        header->epoch = 9;
        break;
    default:
        header->sequence++;
        break;
    }
    return true;
}

SPEC("a wrong type, an unknown request, a gap, a strange epoch: new channel")
{
    for (unsigned detail = 0; detail < 4; detail++) {
        struct liar liar = {.change = change_header,
                            .type = WIRE_ATTEST_RSP,
                            .most = 1,
                            .detail = detail};
        check_condemned(&liar, 244);
    }
}

static bool change_sid(struct liar *liar, struct wire_header *header,
                       struct rotor_room *payload)
{
    (void)header;
    if (liar->kept_size == 0) {
        memcpy(liar->kept, payload->data, payload->used);
        liar->kept_size = payload->used;
        return false;
    }
    memcpy(payload->data, liar->kept, liar->kept_size);
    payload->used = liar->kept_size;
    return true;
}

SPEC("the answer to another program's challenge is not passed on")
{
    struct sim_device *device = device_ready(245);
    struct client client = {.device = device, .must_verify = true};
    struct liar liar = {
        .change = change_sid, .type = WIRE_ATTEST_RSP, .most = 1};
    begin_lies(&liar, device);
    assert_true(client_attest(&client, 0));
    client_run(&client, 100);
    assert_true(client_attest(&client, 0));
    client_run(&client, 6000);
    assert_int_equal(client.answered, 2);
    assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
    sim_device_free(device);
}

// ---- STATUS ----------------------------------------------------------------

static bool change_status(struct liar *liar, struct wire_header *header,
                          struct rotor_room *payload)
{
    struct wire_status_reply reply;
    struct wire_status status;
    static uint8_t status_bytes[1024];
    static uint8_t out_bytes[2048];
    struct rotor_room status_room = ROOM_OF(status_bytes);
    struct rotor_room out = ROOM_OF(out_bytes);
    if (liar->detail == 0) {
        header->request_id[5] ^= 1;
        return true;
    }
    assert_ok(wire_message_decode(&WIRE_LAYOUT_STATUS_REPLY, bytes_in(payload),
                                  &reply));
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, reply.status, &status));
    status.state = WIRE_STATE_PREP; // HELLO_AP said CUR
    status.has_prepared = true;
    status.prepared = status.cur;
    status.prepared.epoch++;
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_STATUS_MAP, &status, &status_room));
    reply.status = bytes_in(&status_room);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_STATUS_REPLY, &reply, &out));
    memcpy(payload->data, out.data, out.used);
    payload->used = out.used;
    return true;
}

SPEC("a first STATUS of another request, or against HELLO_AP: new channel")
{
    for (unsigned detail = 0; detail < 2; detail++) {
        struct sim_device *device = device_ready(248);
        struct liar liar = {.change = change_status,
                            .type = WIRE_STATUS,
                            .most = 1,
                            .detail = detail};
        sim_kill_ap(device);
        device->now_ms += 2000;
        begin_lies(&liar, device);
        assert_ok(sim_start_ap(device));
        sim_run(device, 0);
        assert_int_equal(liar.changed, 1);
        assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], 1);
        assert_false(rtp_is_attested(&device->rtp));
        assert_true(sim_run_until(device, 60000, sim_is_steady));
        sim_device_free(device);
    }
}

SPEC("while a program has not taken its answer no other frame is taken")
{
    struct sim_device *device = device_ready(249);
    struct client client = {.device = device, .must_verify = true};
    assert_true(client_attest(&client, 0));
    assert_true(client_attest(&client, 0));
    while (!device->rtp.inbox_is_full || device->to_rtp.count == 0) {
        sim_round(device);
    }
    uint8_t frame[WIRE_FRAME_MAX];
    size_t size = device->to_rtp.frame[device->to_rtp.first].size;
    memcpy(frame, device->to_rtp.frame[device->to_rtp.first].bytes, size);
    assert_int_equal(
        rtp_take(&device->rtp, device->now_ms, bytes_of(frame, size)),
        ROTOR_AGAIN);
    assert_int_equal(client_collect(&client), 1);
    client_run(&client, 100);
    assert_int_equal(client.answered, 2);
    sim_device_free(device);
}

// Answers every HELLO with the wish for another suite.
static bool want_suites(void *context, struct sim_device *device,
                        uint8_t *frame, size_t *size)
{
    unsigned *count = context;
    struct wire_header header;
    struct rotor_bytes payload;
    uint8_t bytes[64];
    struct rotor_room room = ROOM_OF(bytes);
    (void)device;
    assert_ok(wire_frame_decode(bytes_of(frame, *size), &header, &payload));
    const struct wire_error_reply error = {.code = WIRE_E_SUITE,
                                           .detail = 1 + *count % 3u};
    header.type = WIRE_ERROR;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ERROR, &error, &room));
    struct rotor_room out = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_encode(&header, bytes_in(&room), &out));
    *size = out.used;
    return ++*count < 1000;
}

SPEC("whoever wants another suite each time is asked at a slower and slower "
     "rate")
{
    struct sim_device *device = device_ready(249);
    unsigned count = 0;
    sim_kill_ap(device);
    device->now_ms += 2000;
    device->meddle = want_suites;
    device->meddle_context = &count;
    assert_ok(sim_start_ap(device));
    sim_run(device, 60000);
    assert_true(count >= 4 && count <= 20);
    device->meddle = NULL;
    assert_true(sim_run_until(device, 200000, sim_is_steady));
    sim_device_free(device);
}

// ---- an AP of before -------------------------------------------------------

// Its answer to PAIRS_OVER: it knows no such order.
static bool know_no_order(struct liar *liar, struct wire_header *header,
                          struct rotor_room *payload)
{
    struct rtp *rtp = &liar->device->rtp;
    const struct wire_error_reply reply = {.log_id = rtp->channel.log_id,
                                           .code = WIRE_E_TYPE};
    if (rtp->order.type != WIRE_PAIRS_OVER) {
        return false;
    }
    header->type = WIRE_ERROR;
    payload->used = 0;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ERROR, &reply, payload));
    return true;
}

SPEC(
    "an AP that knows no PAIRS_OVER is told of, once; who waits for a rotation "
    "has it")
{
    struct sim_device *device = device_ready(250);
    struct client client = {.device = device};
    struct liar liar = {.change = know_no_order, .type = WIRE_STATUS};
    begin_lies(&liar, device);
    (void)client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    rtp_end_pair(&device->rtp, 1);
    client_run(&client, 60000);
    assert_int_equal(liar.changed, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_REFUSED], 1);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_true(sim_is_steady(device));
    sim_device_free(device);
}

// ---- an order that arrives otherwise than it was given ---------------------

// Changes ROTATE on its way and seals it again.
static bool change_order(void *context, struct sim_device *device,
                         uint8_t *frame, size_t *size)
{
    struct liar *liar = context;
    static uint8_t bytes[WIRE_PAYLOAD_MAX];
    const struct rtp_channel *channel = &device->rtp.channel;
    struct wire_sealer sealer = {.aead = &channel->seal};
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_header header;
    struct wire_rotate rotate;
    memcpy(sealer.iv, channel->seal_iv, sizeof sealer.iv);
    if (channel->seal.impl == NULL ||
        wire_frame_unseal(&sealer, bytes_of(frame, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_ROTATE || liar->changed != 0) {
        return true;
    }
    uint8_t out_bytes[512];
    struct rotor_room out = ROOM_OF(out_bytes);
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_ROTATE, bytes_in(&payload), &rotate));
    if (liar->detail == 0) {
        rotate.reason = WIRE_REASON_SCHEDULED; // another request
    } else {
        rotate.has_kind = true; // the same request: kind is not hashed
        rotate.kind = CHAIN_CLOSE;
    }
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ROTATE, &rotate, &out));
    struct rotor_room sealed = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_seal(&sealer, &header, bytes_in(&out), &sealed));
    *size = sealed.used;
    liar->changed++;
    return true;
}

SPEC("an entry that is not what was asked for is refused by the requester")
{
    for (unsigned detail = 0; detail < 2; detail++) {
        struct sim_device *device = device_ready(246);
        struct liar liar = {.detail = detail};
        device->meddle_ap = change_order;
        device->meddle_context = &liar;
        sim_wish_rotation(device);
        sim_run(device, 1000);
        assert_int_equal(liar.changed, 1);
        assert_int_equal(device->rtp.state.phase, RTP_INTENT);
        assert_int_equal(device->seen.alarms[RTP_ALARM_ENTRY], 1);
        assert_string_equal(device->seen.last_text,
                            detail == 0 ? "answers another request"
                                        : "differs from what was asked for");
        sim_device_free(device);
    }
}
