// SPDX-License-Identifier: Apache-2.0
// The log of the RTP stays bounded, and nothing that the rules need is lost
// with what it drops.  rtp/prune.c, rtp/dropped.h.
#include "rtp/dropped.h"
#include "test/spec/rtp_client.h"

#define KEEP 32u
#define MOST (KEEP + KEEP / 4u)

static uint64_t ask_to_keep(struct client *client, uint64_t keep)
{
    uint8_t bytes[16];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_prune prune = {keep};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_CLIENT_PRUNE, &prune, &payload));
    assert_ok(client_submit(client, WIRE_OP_PRUNE, bytes_in(&payload), 0));
    return client->tags;
}

static void keep(struct client *client, uint64_t keep)
{
    assert_true(client_await(client, ask_to_keep(client, keep), 1000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

static void rotate(struct client *client, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t tag = client_rotate(client, WIRE_REASON_OPERATOR, 0);
        assert_true(client_await(client, tag, 20000));
        assert_int_equal(client->last.code, WIRE_CLIENT_OK);
    }
}

static struct chain_fingerprint first_key_of(const struct sim_device *device,
                                             uint64_t offset)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record;
    struct chain_entry entry;
    struct chain_fingerprint key;
    assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
    assert_ok(chain_entry_decode(record.bytes, &entry));
    assert_ok(chain_fingerprint_key(&entry.body.sign, &key));
    return key;
}

static uint64_t first_epoch(struct client *client)
{
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_log_get get = {.max = 1};
    struct wire_log_entries entries;
    struct cbor_reader in;
    struct chain_entry entry;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload));
    assert_ok(client_submit(client, WIRE_OP_LOG_GET, bytes_in(&payload), 0));
    assert_true(client_await(client, client->tags, 1000));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES,
                                  client->last.payload, &entries));
    cbor_reader_init(&in, entries.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    assert_ok(chain_entry_decode(cbor_read_item(&in), &entry));
    return entry.body.epoch;
}

// The entries that are held follow one another, the last is the head.
static void check_log(const struct sim_device *device)
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    const struct rtp *rtp = &device->rtp;
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record = {.next = rtp->log.start};
    struct chain_trust before = {0};
    uint64_t count = 0;
    while (record.next < rtp->log.size) {
        struct chain_entry entry;
        assert_ok(rtp_log_read(&rtp->ops, record.next, &room, &record));
        assert_ok(chain_entry_decode(record.bytes, &entry));
        assert_true(count == 0 ||
                    wire_digest_equal(&entry.body.prev, &before.body_hash));
        assert_ok(chain_trust_of(&entry.body, &before));
        count++;
    }
    assert_int_equal(count, rtp->log.count);
    assert_true(
        wire_digest_equal(&before.body_hash, &rtp->state.trust.body_hash));
}

static void restart_rtp(struct sim_device *device)
{
    sim_kill_rtp(device);
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 300000, sim_is_steady));
}

SPEC("the log holds what it is told to and a quarter more, however often the "
     "root rotates")
{
    struct sim_device *device = device_ready(41);
    struct client client = {.device = device};
    keep(&client, KEEP);
    uint64_t most = 0;
    size_t most_bytes = 0;
    for (unsigned i = 0; i < 150; i++) {
        rotate(&client, 1);
        most = device->rtp.log.count > most ? device->rtp.log.count : most;
        most_bytes = device->store.log_size > most_bytes
                         ? device->store.log_size
                         : most_bytes;
        assert_true(i + 1 < KEEP || device->rtp.log.count >= KEEP);
        if (i == 60) {
            restart_rtp(device); // what it is told outlasts a restart
        }
    }
    assert_in_range(most, KEEP + 1, MOST);
    assert_true(most_bytes <= MOST * 6144u);
    assert_int_equal(first_epoch(&client), 151 - device->rtp.log.count);
    check_log(device);
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 0);
    sim_device_free(device);
}

SPEC("rule 9 knows the keys of entries that the log dropped, before a restart "
     "and behind it")
{
    struct sim_device *device = device_ready(42);
    struct client client = {.device = device};
    struct chain_fingerprint genesis = first_key_of(device, 0);
    rotate(&client, 50);
    struct chain_fingerprint last = first_key_of(device, device->rtp.log.start);
    keep(&client, KEEP);
    assert_true(device->rtp.log.start > 0);
    assert_true(chain_seen_has(&device->rtp.seen, &genesis));
    restart_rtp(device);
    assert_true(chain_seen_has(&device->rtp.seen, &genesis));
    assert_true(chain_seen_has(&device->rtp.seen, &last));
    size_t count = device->rtp.seen.count;
    assert_int_equal(count, 51 * CHAIN_SEEN_PER_ENTRY - 2);
    rotate(&client, 20);
    restart_rtp(device);
    assert_true(chain_seen_has(&device->rtp.seen, &genesis));
    sim_device_free(device);
}

SPEC("while a rotation waits for its next try the log is not cut, and says so")
{
    struct sim_device *device = device_ready(44);
    struct client client = {.device = device};
    rotate(&client, 50);
    uint64_t count = device->rtp.log.count;
    device->has_no_root_entropy = true;
    assert_ok(rtp_event(&device->rtp, device->now_ms,
                        WIRE_REASON_SECURITY_EVENT, "an event"));
    sim_run(device, 100);
    assert_int_equal(device->rtp.state.phase, RTP_INTENT);
    assert_true(client_await(&client, ask_to_keep(&client, KEEP), 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_BUSY);
    device->has_no_root_entropy = false;
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.log.count, count + 1);
    keep(&client, KEEP);
    assert_int_equal(device->rtp.log.count, KEEP);
    sim_device_free(device);
}

static void cut_in_prune(enum sim_step step, bool is_after)
{
    struct sim_device *device = device_ready(43);
    struct client client = {.device = device};
    struct chain_fingerprint genesis = first_key_of(device, 0);
    rotate(&client, 50);
    device->cut =
        (struct sim_cut){.step = step, .is_after = is_after, .count = 1};
    ask_to_keep(&client, KEEP);
    sim_run(device, 1000);
    assert_true(device->is_cut);
    bool is_gone = step == SIM_RTP_DROP && is_after;
    assert_int_equal(device->store.log_start != 0, is_gone);
    restart_rtp(device);
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 0);
    assert_true(chain_seen_has(&device->rtp.seen, &genesis));
    check_log(device);
    client = (struct client){.device = device, .tags = 1u << 20};
    rotate(&client, 3);
    keep(&client, KEEP);
    assert_int_equal(device->rtp.log.count, KEEP);
    // Each that was dropped is named once.
    const uint8_t *dropped = device->store.rtp[RTP_FILE_DROPPED].bytes;
    assert_int_equal(bytes_be32(dropped + 12), 54 - KEEP);
    check_log(device);
    restart_rtp(device);
    assert_true(chain_seen_has(&device->rtp.seen, &genesis));
    assert_int_equal(device->rtp.seen.count, 54 * CHAIN_SEEN_PER_ENTRY - 2);
    assert_int_equal(device->seen.second_bodies, 0);
    sim_device_free(device);
}

SPEC("power that is cut at either side of either write of a prune loses "
     "nothing, and the same log goes on")
{
    cut_in_prune(SIM_RTP_DROPPED, false);
    cut_in_prune(SIM_RTP_DROPPED, true);
    cut_in_prune(SIM_RTP_DROP, false);
    cut_in_prune(SIM_RTP_DROP, true);
}

SPEC("a log that cannot be cut is said, and all of it is served as before")
{
    struct sim_device *device = device_ready(44);
    struct client client = {.device = device};
    rotate(&client, 50);
    device->rtp_disk_is_full = true;
    assert_true(client_await(&client, ask_to_keep(&client, KEEP), 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_FAILED);
    assert_int_equal(device->seen.alarms[RTP_ALARM_STORE], 1);
    assert_int_equal(first_epoch(&client), 0);
    device->rtp_disk_is_full = false;
    keep(&client, KEEP);
    assert_int_equal(first_epoch(&client), 51 - KEEP);
    sim_device_free(device);
}

SPEC("a checkpoint that is damaged is said, and the device goes on")
{
    struct sim_device *device = device_ready(45);
    struct client client = {.device = device};
    rotate(&client, 50);
    keep(&client, KEEP);
    device->store.rtp[RTP_FILE_DROPPED].bytes[100] ^= 1;
    restart_rtp(device);
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 1);
    client = (struct client){.device = device, .tags = 1u << 20};
    rotate(&client, 1);
    check_log(device);
    sim_device_free(device);
}

SPEC("a log of fewer entries than rotation and recovery need is not kept")
{
    struct sim_device *device = device_ready(46);
    struct client client = {.device = device};
    rotate(&client, 2);
    assert_true(
        client_await(&client, ask_to_keep(&client, RTP_LOG_KEEP_MIN - 1), 100));
    assert_int_equal(client.last.code, WIRE_CLIENT_MALFORMED);
    assert_int_equal(device->rtp.prune.keep, RTP_LOG_KEEP);
    sim_device_free(device);
}

SPEC("the checkpoint holds the last 1,024 entries that were dropped, in one "
     "size")
{
    static uint8_t file[RTP_DROPPED_SIZE];
    struct sim_device *device = device_ready(47);
    struct rtp_dropped dropped;
    struct chain_seen seen;
    static struct chain_fingerprint slots[CHAIN_SEEN_DEFAULT];
    rtp_dropped_init(&dropped, file);
    for (uint32_t i = 1; i <= 1500; i++) {
        struct chain_fingerprints all = {.count = 1};
        bytes_put_be32(all.each[0].bytes, i);
        rtp_dropped_make_room(&dropped, 1);
        rtp_dropped_add(&dropped, &all);
        if (i % 700 == 0) {
            assert_ok(rtp_dropped_write(&dropped, &device->rtp.ops));
            assert_int_equal(device->store.rtp[RTP_FILE_DROPPED].size,
                             RTP_DROPPED_SIZE);
            assert_ok(rtp_dropped_read(&dropped, &device->rtp.ops, file));
        }
    }
    assert_ok(chain_seen_init(&seen, slots, COUNT_OF(slots)));
    assert_ok(rtp_dropped_fill(&dropped, RTP_LOG_SEEN, &seen));
    assert_int_equal(seen.count, RTP_LOG_SEEN);
    for (uint32_t i = 1; i <= 1500; i++) {
        struct chain_fingerprint one = {{0}};
        bytes_put_be32(one.bytes, i);
        assert_int_equal(chain_seen_has(&seen, &one), i > 1500 - RTP_LOG_SEEN);
    }
    sim_device_free(device);
}

// A disk that fails a cut, and whatever is asked of the log behind it.
static bool log_is_bad;
static struct rtp_ops sound;

static enum rotor_status bad_open(void *context, uint64_t *start)
{
    return log_is_bad ? ROTOR_PORT_FAILED : sound.log_open(context, start);
}

static enum rotor_status bad_drop(void *context, uint64_t offset)
{
    return log_is_bad ? ROTOR_PORT_FAILED : sound.log_drop(context, offset);
}

static enum rotor_status bad_read(void *context, uint64_t offset,
                                  struct rotor_room *room)
{
    return log_is_bad ? ROTOR_PORT_FAILED
                      : sound.log_read(context, offset, room);
}

static void furnish_bad(struct sim_device *device, struct rtp_ops *ops)
{
    (void)device;
    sound = *ops;
    ops->log_open = bad_open;
    ops->log_drop = bad_drop;
    ops->log_read = bad_read;
}

static struct sim_device *device_with_bad_log(uint64_t seed)
{
    struct sim_device *device = sim_device_new(seed);
    log_is_bad = false;
    device->furnish_rtp = furnish_bad;
    device_start(device);
    return device;
}

SPEC("a log that is not cut and cannot be read then is not written over: the "
     "next entry comes behind the last")
{
    struct sim_device *device = device_with_bad_log(47);
    struct client client = {.device = device};
    rotate(&client, KEEP + 10);
    uint64_t size = device->rtp.log.size;
    log_is_bad = true;
    assert_true(client_await(&client, ask_to_keep(&client, KEEP), 1000));
    assert_int_equal(client.last.code, WIRE_CLIENT_FAILED);
    assert_true(device->seen.alarms[RTP_ALARM_LOG] > 0);
    assert_int_equal(device->rtp.log.size, size);
    rotate(&client, 1);
    log_is_bad = false;
    check_log(device);
    restart_rtp(device);
    assert_int_equal(device->rtp.log.count, KEEP + 12);
    check_log(device);
    sim_device_free(device);
}

SPEC("names of keys that could not be read again are read with the next entry")
{
    struct sim_device *device = device_with_bad_log(48);
    struct client client = {.device = device};
    const struct chain_fingerprint first = first_key_of(device, 0);
    rotate(&client, 3);
    device->rtp.seen.count = device->rtp.seen.capacity; // full: begins anew
    log_is_bad = true;
    rotate(&client, 1);
    assert_true(device->seen.alarms[RTP_ALARM_LOG] > 0);
    assert_false(chain_seen_has(&device->rtp.seen, &first));
    log_is_bad = false;
    rotate(&client, 1);
    assert_true(chain_seen_has(&device->rtp.seen, &first));
    sim_device_free(device);
}
