// SPDX-License-Identifier: Apache-2.0
// Proofs of forks as files, judged by a party that knows the log's name only.
#include "app/rotor/fork_proof.h"

#include "test/spec/rtp_thief.h"

#define ENTRIES 4u // of the device: epochs 0 to 3

static uint8_t entry_bytes[ENTRIES][WIRE_ENTRY_MAX];
static struct bundle_entry entries[ENTRIES];
static struct bundle own_log;
static uint8_t file_bytes[ENTRIES * WIRE_ENTRY_MAX];
static struct fork_finding finding;

static void read_log(struct sim_device *device)
{
    uint64_t at = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        struct rotor_room room = ROOM_OF(entry_bytes[i]);
        struct rtp_log_entry record;
        assert_ok(rtp_log_read(&device->rtp.ops, at, &room, &record));
        entries[i] = (struct bundle_entry){
            record.bytes, {0, i}
        };
        at = record.next;
    }
    own_log = (struct bundle){.entries = entries, .count = ENTRIES};
}

// The device went on to epoch 3 by itself; the thief has another epoch 2.
static struct sim_device *forked_device(uint64_t seed)
{
    struct sim_device *device = robbed_device(seed);
    struct client client = {.device = device};
    rotate_once(&client);
    rotate_once(&client);
    read_log(device);
    return device;
}

static struct rotor_bytes prove(struct rotor_bytes accepted,
                                struct rotor_bytes other)
{
    struct rotor_room file = ROOM_OF(file_bytes);
    assert_ok(fork_proof_encode(&own_log, accepted, other, &file));
    return bytes_in(&file);
}

static enum rotor_status judge(struct rotor_bytes file)
{
    struct fork_proof proof;
    enum rotor_status status = fork_proof_decode(&proof, file);
    if (status == ROTOR_OK) {
        status = fork_proof_judge(&proof, &finding);
        fork_proof_close(&proof);
    }
    return status;
}

static void check(struct rotor_bytes accepted, struct rotor_bytes other,
                  enum chain_fork fork)
{
    assert_ok(judge(prove(accepted, other)));
    assert_null(finding.reason);
    assert_int_equal(finding.fork, fork);
    assert_int_equal(finding.place.epoch, 2);
}

SPEC("who knows the name of a log sees who signed two bodies for one place")
{
    struct sim_device *device = forked_device(311);
    const struct rotor_bytes accepted = entries[2].bytes;
    const struct rotor_bytes none = {0};
    check(accepted, stolen_entry(NOTHING), CHAIN_FORK_DUPLICITY);
    assert_true(
        wire_digest_equal(&finding.log_id, &device->rtp.state.trust.log_id));
    check(accepted, bytes_of(stolen_bytes, stolen_size), CHAIN_FORK_DUPLICITY);
    check(bytes_of(stolen_bytes, stolen_size), accepted, CHAIN_FORK_DUPLICITY);
    check(accepted, stolen_entry(OTS), CHAIN_FORK_NOISE);
    check(accepted, stolen_entry(SECOND), CHAIN_FORK_NOISE);
    check(accepted, stolen_entry(OLD), CHAIN_FORK_A_MISUSE);
    check(accepted, stolen_entry(OLD | OTS), CHAIN_FORK_NONE);
    check(accepted, accepted, CHAIN_FORK_SAME);
    check(none, stolen_entry(OTS), CHAIN_FORK_NOISE);
    check(none, stolen_entry(OLD), CHAIN_FORK_A_MISUSE);
    check(none, stolen_entry(NOTHING), CHAIN_FORK_SUCCESSOR);
    sim_device_free(device);
}

SPEC("a first body that root and rotation key did not sign proves no fork")
{
    struct sim_device *device = forked_device(312);
    static uint8_t copy[WIRE_ENTRY_MAX];
    struct rotor_bytes spoilt = stolen_entry(OTS);
    memcpy(copy, spoilt.data, spoilt.size);
    check(bytes_of(copy, spoilt.size), entries[2].bytes, CHAIN_FORK_NONE);
    // Of another place.
    check(entries[1].bytes, stolen_entry(NOTHING), CHAIN_FORK_NONE);
    sim_device_free(device);
}

SPEC("a proof whose log does not hold from its first entry proves nothing")
{
    struct sim_device *device = forked_device(313);
    struct rotor_room cut = ROOM_OF(file_bytes);
    own_log = (struct bundle){.entries = entries + 1, .count = ENTRIES - 1};
    assert_int_equal(fork_proof_encode(&own_log, entries[2].bytes,
                                       stolen_entry(NOTHING), &cut),
                     ROTOR_MALFORMED);
    // Said to begin where it does not.
    entries[1].order.epoch = 0;
    assert_ok(judge(prove(entries[2].bytes, stolen_entry(NOTHING))));
    assert_non_null(finding.reason);
    assert_int_equal(finding.fork, CHAIN_FORK_UNJUDGED);
    entries[1].order.epoch = 1;
    entry_bytes[1][entries[1].bytes.data - entry_bytes[1] + 80] ^= 1;
    own_log = (struct bundle){.entries = entries, .count = ENTRIES};
    assert_ok(judge(prove(entries[2].bytes, stolen_entry(NOTHING))));
    assert_non_null(finding.reason);
    assert_int_equal(finding.fork, CHAIN_FORK_UNJUDGED);
    struct rotor_room file = ROOM_OF(file_bytes);
    own_log.count = 0;
    assert_int_equal(fork_proof_encode(&own_log, entries[2].bytes,
                                       stolen_entry(NOTHING), &file),
                     ROTOR_MALFORMED);
    sim_device_free(device);
}

SPEC("no flipped bit makes more of a proof, and a byte too few or many is none")
{
    struct sim_device *device = forked_device(314);
    struct rotor_bytes file = prove(entries[2].bytes, stolen_entry(OTS));
    size_t other_at = file.size - stolen_entry(OTS).size;
    for (size_t i = 0; i < file.size; i += i < other_at ? 37 : 5) {
        file_bytes[i] ^= 1;
        if (judge(file) == ROTOR_OK) {
            assert_int_not_equal(finding.fork, CHAIN_FORK_DUPLICITY);
        }
        file_bytes[i] ^= 1;
    }
    assert_ok(judge(file));
    assert_int_equal(judge(bytes_of(file.data, file.size - 1)),
                     ROTOR_MALFORMED);
    file_bytes[file.size] = 0;
    assert_int_equal(judge(bytes_of(file.data, file.size + 1)),
                     ROTOR_MALFORMED);
    for (size_t size = 0; size < file.size; size += 311) {
        assert_int_equal(judge(bytes_of(file.data, size)), ROTOR_MALFORMED);
    }
    sim_device_free(device);
}
