// SPDX-License-Identifier: Apache-2.0
// What the RTP program notices by itself, and whom it tells.
#include "app/rtp/watch.h"

#include "app/rtp/starter.h"
#include "test/spec/rtp_client.h"

static unsigned told[LAUNCH_RENEW + 1];
static char last[128];
static bool is_full; // the socket to rotord

bool starter_tell(enum launch_notice notice, const char *text)
{
    if (!is_full) {
        told[notice]++;
        (void)snprintf(last, sizeof last, "%s", text);
    }
    return !is_full;
}

static struct sim_device *watched_device(struct watch *watch, uint64_t seed)
{
    struct sim_device *device = device_ready(seed);
    memset(told, 0, sizeof told);
    watch_init(watch, &device->rtp, &device->measurement);
    return device;
}

SPEC("rotord hears once that the enclave is attested, and of each epoch")
{
    struct watch watch;
    struct sim_device *device = watched_device(&watch, 51);
    struct client client = {.device = device};
    for (unsigned i = 0; i < 3; i++) {
        watch_turn(&watch, NULL, device->now_ms);
    }
    assert_int_equal(told[LAUNCH_ATTESTED], 1);
    assert_int_equal(told[LAUNCH_STATUS], 1);
    assert_string_equal(last, "epoch 0, enclave attested");
    (void)client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    client_run(&client, 1000);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(told[LAUNCH_ATTESTED], 1);
    assert_int_equal(told[LAUNCH_STATUS], 2);
    assert_string_equal(last, "epoch 1, enclave attested");
    sim_kill_ap(device);
    watch_turn(&watch, NULL, device->now_ms);
    assert_ok(sim_start_ap(device));
    sim_run(device, 1000);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(told[LAUNCH_ATTESTED], 2);
    assert_int_equal(told[LAUNCH_STATUS], 2);
    sim_device_free(device);
}

SPEC(
    "another image than made the current entry is a reason to rotate, once for "
    "each enclave")
{
    struct watch watch;
    struct sim_device *device = watched_device(&watch, 52);
    struct wire_digest other = device->measurement;
    watch_turn(&watch, NULL, device->now_ms);
    assert_false(device->rtp.wish.is_wanted);
    other.bytes[0] ^= 1;
    watch_init(&watch, &device->rtp, &other);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVENT], 1);
    assert_int_equal(device->seen.last.a, WIRE_REASON_FIRMWARE);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVENT], 1);
    watch_new_enclave(&watch);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVENT], 2);
    sim_device_free(device);
}

SPEC("where programs hold pairs and none is served any more rotord is asked "
     "once "
     "for another enclave")
{
    struct watch watch;
    struct pairs pairs = {0};
    struct sim_device *device = watched_device(&watch, 53);
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        pairs.pair[i].state = PAIR_FREE;
    }
    device->rtp.unavailable = "quarantine";
    watch_turn(&watch, NULL, device->now_ms);
    watch_turn(&watch, &pairs, device->now_ms);
    assert_int_equal(told[LAUNCH_RENEW], 0); // nobody has one
    static const enum pair_state HELD[] = {PAIR_OUT, PAIR_RETIRED};
    for (size_t i = 0; i < COUNT_OF(HELD); i++) {
        pairs.pair[3].state = HELD[i];
        device->rtp.unavailable = NULL;
        watch_turn(&watch, &pairs, device->now_ms);
        assert_int_equal(told[LAUNCH_RENEW], i);
        device->rtp.unavailable = "quarantine";
        watch_turn(&watch, &pairs, device->now_ms);
        watch_turn(&watch, &pairs, device->now_ms);
        assert_int_equal(told[LAUNCH_RENEW], i + 1);
        watch_new_enclave(&watch);
    }
    sim_device_free(device);
}

SPEC("what rotord has no room for is told when it has, and then once")
{
    struct watch watch;
    struct pairs pairs = {.pair[3].state = PAIR_OUT};
    struct sim_device *device = watched_device(&watch, 54);
    device->rtp.unavailable = "quarantine";
    watch_refuse(&watch, "it broke the queue");
    is_full = true;
    watch_turn(&watch, &pairs, device->now_ms);
    is_full = false;
    for (unsigned i = 0; i < 3; i++) {
        watch_turn(&watch, &pairs, device->now_ms);
    }
    assert_int_equal(told[LAUNCH_REFUSED], 1);
    assert_int_equal(told[LAUNCH_RENEW], 1);
    assert_int_equal(told[LAUNCH_ATTESTED], 1);
    assert_int_equal(told[LAUNCH_STATUS], 1);
    sim_device_free(device);
}

SPEC("a refusal that was not told dies with its enclave")
{
    struct watch watch;
    struct sim_device *device = watched_device(&watch, 55);
    watch_refuse(&watch, "it broke the queue");
    watch_new_enclave(&watch);
    watch_turn(&watch, NULL, device->now_ms);
    assert_int_equal(told[LAUNCH_REFUSED], 0);
    sim_device_free(device);
}

SPEC("an entropy source is new among those that failed by its own line alone")
{
    static const char FAILED[] = "os: healthy\nboard: failed (stuck)\n";
    assert_true(watch_has_new_failure(FAILED, "os: healthy\nboard: healthy\n"));
    assert_true(watch_has_new_failure(FAILED, "os: failed (stuck)\n"));
    assert_false(watch_has_new_failure(FAILED, FAILED));
    assert_false(watch_has_new_failure("board: failed (silent)\n", FAILED));
    assert_false(watch_has_new_failure("os: healthy\n", FAILED));
    assert_false(watch_has_new_failure("", FAILED));
    // A name that another one ends with.
    assert_true(watch_has_new_failure(
        "board: failed (stuck)\nrd: failed (stuck)", FAILED));
}
