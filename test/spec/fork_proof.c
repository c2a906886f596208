// SPDX-License-Identifier: Apache-2.0
// Proofs of forks as files, judged by a party that knows the log's name only.
#include "app/rotor/fork_proof.h"

#include <fcntl.h>
#include <unistd.h>

#include "test/spec/rtp_thief.h"

#define ENTRIES 4u // of the device: epochs 0 to 3

static uint8_t entry_bytes[ENTRIES][WIRE_ENTRY_MAX];
static struct rotor_bytes entries[ENTRIES];
static size_t first_entry; // of the log that a proof is made from
static size_t entry_count;
static uint8_t file_bytes[ENTRIES * WIRE_ENTRY_MAX];
static struct fork_finding finding;
static char path[] = "/tmp/rotor-fork-proof.XXXXXX";

static void read_log(struct sim_device *device)
{
    uint64_t at = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        struct rotor_room room = ROOM_OF(entry_bytes[i]);
        struct rtp_log_entry record;
        assert_ok(rtp_log_read(&device->rtp.ops, at, &room, &record));
        entries[i] = record.bytes;
        at = record.next;
    }
    first_entry = 0;
    entry_count = ENTRIES;
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

static enum rotor_status next_entry(void *context, struct rotor_bytes *entry)
{
    size_t *at = context;
    if (*at == entry_count) {
        return ROTOR_AGAIN;
    }
    *entry = entries[(*at)++];
    return ROTOR_OK;
}

static void name_file(void)
{
    if (strcmp(path + sizeof path - 7, "XXXXXX") == 0) {
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
    }
}

static enum rotor_status write_proof(struct rotor_bytes accepted,
                                     struct rotor_bytes other)
{
    size_t at = first_entry;
    const struct ahead_source source = {&at, next_entry};
    const struct fork_bodies bodies = {accepted, other};
    name_file();
    return fork_proof_write(path, &bodies, &source);
}

static struct rotor_bytes prove(struct rotor_bytes accepted,
                                struct rotor_bytes other)
{
    assert_ok(write_proof(accepted, other));
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, file_bytes, sizeof file_bytes - 1);
    assert_true(size > 0);
    close(fd);
    return bytes_of(file_bytes, (size_t)size);
}

static enum rotor_status judge(struct rotor_bytes file)
{
    static struct fork_proof proof;
    name_file();
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, file.data, file.size), file.size);
    close(fd);
    enum rotor_status status = fork_proof_open(&proof, path);
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
    const struct rotor_bytes accepted = entries[2];
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
    check(bytes_of(copy, spoilt.size), entries[2], CHAIN_FORK_NONE);
    // Of another place.
    check(entries[1], stolen_entry(NOTHING), CHAIN_FORK_NONE);
    sim_device_free(device);
}

SPEC("what the log has at the place and behind it is left out of a proof")
{
    struct sim_device *device = forked_device(315);
    struct rotor_bytes whole = prove(entries[2], stolen_entry(NOTHING));
    entry_count = 2;
    size_t size = whole.size;
    static uint8_t copy[sizeof file_bytes];
    memcpy(copy, whole.data, size);
    struct rotor_bytes shorter = prove(entries[2], stolen_entry(NOTHING));
    assert_true(bytes_equal(bytes_of(copy, size), shorter));
    sim_device_free(device);
}

SPEC("a log that does not lead to the place from its first entry is no proof, "
     "and no file is left")
{
    struct sim_device *device = forked_device(313);
    const struct rotor_bytes accepted = entries[2];
    static const struct {
        size_t first, count;
    } CASES[] = {
        {1, ENTRIES}, // dropped its first
        {0, 1      }, // ends before
        {0, 0      },
    };
    name_file();
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        first_entry = CASES[i].first;
        entry_count = CASES[i].count;
        unlink(path);
        assert_int_equal(write_proof(accepted, stolen_entry(NOTHING)),
                         ROTOR_MALFORMED);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    entry_count = ENTRIES;
    assert_int_equal(write_proof(accepted, LABEL("none")), ROTOR_MALFORMED);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    sim_device_free(device);
}

SPEC("a proof whose log does not hold proves nothing")
{
    struct sim_device *device = forked_device(313);
    entry_bytes[1][entries[1].data - entry_bytes[1] + 80] ^= 1;
    assert_ok(judge(prove(entries[2], stolen_entry(NOTHING))));
    assert_non_null(finding.reason);
    assert_int_equal(finding.fork, CHAIN_FORK_UNJUDGED);
    sim_device_free(device);
}

// Where the entries begin in a proof, and where each ends.
static size_t head_size(struct rotor_bytes file)
{
    struct cbor_reader in;
    cbor_reader_init(&in, file);
    for (unsigned i = 0; i < 3; i++) {
        (void)cbor_read_item(&in);
    }
    return in.position;
}

SPEC("a proof whose log begins later, ends sooner or goes on proves no fork")
{
    struct sim_device *device = forked_device(316);
    static uint8_t copy[sizeof file_bytes];
    struct rotor_bytes file = prove(entries[2], stolen_entry(NOTHING));
    size_t head = head_size(file);
    size_t first = entries[0].size;
    memcpy(copy, file.data, head);
    memcpy(copy + head, file.data + head + first, file.size - head - first);
    assert_ok(judge(bytes_of(copy, file.size - first)));
    assert_non_null(finding.reason);
    assert_int_equal(finding.fork, CHAIN_FORK_UNJUDGED);
    assert_ok(judge(bytes_of(file.data, head + first)));
    assert_int_equal(finding.fork, CHAIN_FORK_NONE);
    assert_int_equal(judge(bytes_of(file.data, head)), ROTOR_MALFORMED);
    memcpy(copy, file.data, file.size);
    memcpy(copy + file.size, entries[2].data, entries[2].size);
    assert_ok(judge(bytes_of(copy, file.size + entries[2].size)));
    assert_int_equal(finding.fork, CHAIN_FORK_NONE);
    sim_device_free(device);
}

SPEC("no flipped bit makes more of a proof, and a byte too few or many is none")
{
    struct sim_device *device = forked_device(314);
    struct rotor_bytes other = stolen_entry(OTS);
    struct rotor_bytes file = prove(entries[2], other);
    size_t head = head_size(file);
    for (size_t i = 0; i < file.size; i += i < head ? 5 : 37) {
        file_bytes[i] ^= 1;
        enum rotor_status status = judge(file);
        if (i < sizeof "rotor fork/2") {
            assert_int_equal(status, ROTOR_MALFORMED);
        } else if (status == ROTOR_OK) {
            assert_int_not_equal(finding.fork, CHAIN_FORK_DUPLICITY);
        }
        file_bytes[i] ^= 1;
    }
    assert_ok(judge(file));
    assert_int_equal(judge(bytes_of(file.data, file.size - 1)),
                     ROTOR_MALFORMED);
    file_bytes[file.size] = 0;
    enum rotor_status longer = judge(bytes_of(file.data, file.size + 1));
    assert_true(longer == ROTOR_MALFORMED ||
                finding.fork == CHAIN_FORK_UNJUDGED);
    for (size_t size = 0; size < file.size; size += 311) {
        if (judge(bytes_of(file.data, size)) == ROTOR_OK) {
            assert_true(size > head);
            assert_true(finding.fork == CHAIN_FORK_NONE);
        }
    }
    unlink(path);
    sim_device_free(device);
}
