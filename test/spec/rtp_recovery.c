// SPDX-License-Identifier: Apache-2.0
// The recovery authority speaks to the enclave; the RTP finds out afterwards:
// the rows of the crash table where DONE of a recovery was lost.
#include "test/spec/rtp_authority.h"

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
    sim_wish_rotation(device);
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

// ---- what is superseded ----------------------------------------------------

static void prune(struct client *client, uint64_t keep)
{
    uint8_t bytes[16];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_prune order = {keep};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_CLIENT_PRUNE, &order, &payload));
    assert_ok(client_submit(client, WIRE_OP_PRUNE, bytes_in(&payload), 0));
    assert_true(client_await(client, client->tags, 10000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

// The head that an entry of the log was, the first one at `from` or behind.
static struct wire_head head_at(const struct sim_device *device,
                                struct wire_order from)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    const struct rtp *rtp = &device->rtp;
    struct rtp_log_entry record;
    struct chain_entry entry;
    struct chain_trust trust;
    uint64_t at = 0;
    assert_ok(rtp_log_find(&rtp->log, &rtp->ops, &room, &from, &at));
    assert_ok(rtp_log_read(&rtp->ops, at, &room, &record));
    assert_ok(chain_entry_decode(record.bytes, &entry));
    assert_ok(chain_trust_of(&entry.body, &trust));
    return chain_trust_head(&trust);
}

static void assert_refused(struct client *client, const struct wire_head *head)
{
    uint8_t bytes[2048];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_recover order = {.ra_set =
                                                  bytes_of(ra.bytes, ra.size),
                                              .has_supersedes = true,
                                              .supersedes = *head};
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload));
    assert_ok(client_submit(client, WIRE_OP_RECOVER, bytes_in(&payload), 0));
    assert_true(client_await(client, client->tags, 10000));
    assert_int_equal(client->last.code, WIRE_CLIENT_UNAVAILABLE);
    assert_non_null(strstr(client->last.text, "superseded"));
    assert_false(client->device->enclave.candidate.is_used);
}

SPEC("an order to supersede what the log dropped, or never had, reaches no "
     "enclave; the oldest entry that is held can be superseded")
{
    struct sim_device *device = governed_device(45);
    struct client client = {.device = device};
    const struct wire_head genesis = head_at(device, (struct wire_order){0, 0});
    const struct wire_head third = head_at(device, (struct wire_order){0, 3});
    prune(&client, 32);
    assert_true(device->rtp.log.start > 0);
    const struct wire_head oldest = head_at(device, (struct wire_order){0, 0});
    assert_true(oldest.epoch > third.epoch);
    const struct wire_head never = {oldest.epoch, third.body_hash};
    const struct wire_head ahead = {99, third.body_hash};
    assert_refused(&client, &genesis);
    assert_refused(&client, &third);
    assert_refused(&client, &never);
    assert_refused(&client, &ahead);
    struct rotor_bytes body = propose_after(&client, 0, &oldest);
    hand_back(&client, body, 2);
    assert_int_equal(client.last.code, WIRE_CLIENT_OK);
    check_recovered(device, 46);
    sim_device_free(device);
    forget_authority();
}

SPEC("what a recovery made void cannot be superseded, and what it left can")
{
    struct sim_device *device = governed_device(4);
    struct client client = {.device = device};
    const struct wire_head first = head_at(device, (struct wire_order){0, 1});
    const struct wire_head second = head_at(device, (struct wire_order){0, 2});
    const struct wire_head third = head_at(device, (struct wire_order){0, 3});
    struct rotor_bytes body = propose_after(&client, 0, &second);
    hand_back(&client, body, 2);
    check_recovered(device, 5);
    assert_refused(&client, &third);
    body = propose_after(&client, 0, &first);
    hand_back(&client, body, 2);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.incarnation, 2);
    assert_refused(&client, &second);
    sim_device_free(device);
    forget_authority();
}
