// SPDX-License-Identifier: Apache-2.0
// The anchor in a TPM: what it holds, who may move it, and what an enclave
// makes of a store that it does not name.
#include "port/linux/anchor_tpm.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "test/spec/enclave_world.h"
#include "test/spec/software_tpm.h"

static struct software_tpm software;
static const uint8_t SECRET[32] = {0x41, 0x50};

static void open_on(struct anchor_tpm *anchor, int fd)
{
    enum rotor_status status =
        anchor_tpm_open(anchor, fd, ANCHOR_TPM_INDEX, SECRET);
    if (status != ROTOR_OK) {
        print_message("%s\n", anchor->talk.fault);
    }
    assert_ok(status);
}

static void close_on(struct anchor_tpm *anchor, int fd)
{
    anchor_tpm_close(anchor);
    close(fd);
}

// v = SHA-256(v || d), by OpenSSL.
static void naive_advance(uint8_t v[32], const uint8_t d[32])
{
    uint8_t both[64];
    memcpy(both, v, 32);
    memcpy(both + 32, d, 32);
    assert_int_equal(EVP_Digest(both, 64, v, NULL, EVP_sha256(), NULL), 1);
}

SPEC("a new anchor is zero, and each advance is a hash that a restart keeps")
{
    struct anchor_tpm anchor;
    uint8_t wanted[32] = {0};
    uint8_t seen[32];
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_read(&anchor, seen));
    assert_memory_equal(seen, wanted, 32);
    for (uint8_t i = 1; i < 4; i++) {
        uint8_t d[32] = {i};
        assert_ok(anchor_tpm_advance(&anchor, d));
        naive_advance(wanted, d);
        assert_ok(anchor_tpm_read(&anchor, seen));
        assert_memory_equal(seen, wanted, 32);
    }
    close_on(&anchor, fd);
    software_tpm_restart(&software);
    fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_read(&anchor, seen));
    assert_memory_equal(seen, wanted, 32);
    // More than a TPM has sessions: each one ends with its command.
    for (int i = 0; i < 200; i++) {
        assert_ok(anchor_tpm_read(&anchor, seen));
    }
    close_on(&anchor, fd);
    software_tpm_stop(&software);
}

SPEC("who has another secret can neither read nor move it, the owner neither")
{
    struct anchor_tpm anchor;
    struct anchor_tpm thief;
    uint8_t other[32] = {0x42};
    uint8_t before[32];
    uint8_t after[32];
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_advance(&anchor, other));
    assert_ok(anchor_tpm_read(&anchor, before));
    assert_int_equal(anchor_tpm_open(&thief, fd, ANCHOR_TPM_INDEX, other),
                     ROTOR_FORBIDDEN);
    thief = anchor;
    thief.auth[31] ^= 1;
    assert_int_equal(anchor_tpm_advance(&thief, other), ROTOR_FORBIDDEN);
    assert_int_equal(anchor_tpm_read(&thief, after), ROTOR_FORBIDDEN);
    close_on(&anchor, fd);
    software_tpm_run(&software,
                     "! tpm2_nvread 0x%x -C o && ! tpm2_nvread 0x%x "
                     "&& ! tpm2_nvextend -C o -i /dev/zero 0x%x",
                     ANCHOR_TPM_INDEX, ANCHOR_TPM_INDEX, ANCHOR_TPM_INDEX);
    fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_read(&anchor, after));
    assert_memory_equal(before, after, 32);
    close_on(&anchor, fd);
    software_tpm_stop(&software);
}

// The owner may delete it; what he puts in its place is not it.
SPEC("an index that was made anew by another is refused, whatever its type")
{
    static const char *const attributes[] = {
        "authread|authwrite|no_da|nt=extend", "authread|authwrite|no_da",
        "ownerread|ownerwrite|authread|authwrite|nt=extend"};
    for (size_t i = 0; i < 3; i++) {
        struct anchor_tpm anchor;
        SOFTWARE_TPM_OR_SKIP(&software);
        int fd = software_tpm_connect(&software);
        open_on(&anchor, fd);
        close_on(&anchor, fd);
        software_tpm_run(&software,
                         "tpm2_nvundefine 0x%x -C o && tpm2_nvdefine 0x%x -C o "
                         "-s 32 -a '%s' -p guess",
                         ANCHOR_TPM_INDEX, ANCHOR_TPM_INDEX, attributes[i]);
        fd = software_tpm_connect(&software);
        assert_int_equal(anchor_tpm_open(&anchor, fd, ANCHOR_TPM_INDEX, SECRET),
                         ROTOR_FORBIDDEN);
        close(fd);
        software_tpm_stop(&software);
    }
}

// With the right key and another type: the name is not the one expected.
SPEC("an index of the right key that is no extend index is refused")
{
    struct anchor_tpm anchor;
    char key[65];
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    for (size_t i = 0; i < 32; i++) {
        snprintf(key + 2 * i, 3, "%02x", anchor.auth[i]);
    }
    close_on(&anchor, fd);
    software_tpm_run(&software,
                     "tpm2_nvundefine 0x%x -C o && tpm2_nvdefine 0x%x -C o -s "
                     "32 -a 'authread|authwrite|no_da' -p hex:%s && printf "
                     "'%%032d' 0 | tpm2_nvwrite 0x%x -P hex:%s -i -",
                     ANCHOR_TPM_INDEX, ANCHOR_TPM_INDEX, key, ANCHOR_TPM_INDEX,
                     key);
    fd = software_tpm_connect(&software);
    assert_int_equal(anchor_tpm_open(&anchor, fd, ANCHOR_TPM_INDEX, SECRET),
                     ROTOR_FORBIDDEN);
    close(fd);
    software_tpm_stop(&software);
}

SPEC("a TPM that does not answer, or whose owner has a password, is a fault")
{
    struct anchor_tpm anchor;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    int null = open("/dev/null", O_RDWR);
    assert_int_equal(anchor_tpm_open(&anchor, null, ANCHOR_TPM_INDEX, SECRET),
                     ROTOR_PORT_FAILED);
    close(null);
    close(pair[0]);
    SOFTWARE_TPM_OR_SKIP(&software);
    software_tpm_run(&software, "tpm2_changeauth -c o secret");
    int fd = software_tpm_connect(&software);
    assert_int_equal(anchor_tpm_open(&anchor, fd, ANCHOR_TPM_INDEX, SECRET),
                     ROTOR_FORBIDDEN);
    close(fd);
    software_tpm_stop(&software);
}

// ---- someone in between ----------------------------------------------------

// Passes commands on and changes the answer of one kind of command.
struct between {
    int ours;
    int tpm;
    uint32_t command; // whose answers are changed
    size_t flip_at;   // a byte of them
    bool replays;     // gives the first answer again and again
    bool has_first;
    size_t first_size;
    uint8_t first[512];
    size_t last_size;
};

static void change(struct between *b, uint8_t *answer, size_t *size)
{
    b->last_size = *size;
    if (b->replays && b->has_first) {
        memcpy(answer, b->first, b->first_size);
        *size = b->first_size;
    } else if (b->replays) {
        memcpy(b->first, answer, *size);
        b->first_size = *size;
        b->has_first = true;
    } else if (b->flip_at < *size) {
        answer[b->flip_at] ^= 0x40;
    }
}

static void *stand_between(void *context)
{
    struct between *b = context;
    uint8_t bytes[512];
    for (;;) {
        ssize_t size = read(b->ours, bytes, sizeof bytes);
        if (size < 10) {
            return NULL;
        }
        uint32_t command = bytes_be32(bytes + 6);
        if (write(b->tpm, bytes, (size_t)size) != size ||
            (size = read(b->tpm, bytes, sizeof bytes)) < 10) {
            return NULL;
        }
        size_t given = (size_t)size;
        if (command == b->command) {
            change(b, bytes, &given);
        }
        if (write(b->ours, bytes, given) != (ssize_t)given) {
            return NULL;
        }
    }
}

static int begin_between(struct between *b, pthread_t *thread)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    b->ours = pair[1];
    b->tpm = software_tpm_connect(&software);
    assert_int_equal(pthread_create(thread, NULL, stand_between, b), 0);
    return pair[0];
}

static void end_between(struct between *b, pthread_t thread, int fd)
{
    close(fd);
    pthread_join(thread, NULL);
    close(b->ours);
    close(b->tpm);
}

SPEC("an answer with one bit changed in any byte is not believed")
{
    struct anchor_tpm anchor;
    struct between between = {.command = 0x14e}; // NV_Read
    pthread_t thread;
    uint8_t v[32];
    uint8_t d[32] = {5};
    SOFTWARE_TPM_OR_SKIP(&software);
    between.flip_at = SIZE_MAX;
    int fd = begin_between(&between, &thread);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_advance(&anchor, d));
    assert_ok(anchor_tpm_read(&anchor, v));
    size_t size = between.last_size;
    for (size_t i = 0; i < size; i++) {
        between.flip_at = i;
        // The tag is not looked at; all that is authenticated is.
        assert_int_equal(anchor_tpm_read(&anchor, v) == ROTOR_OK, i < 2);
    }
    between.flip_at = SIZE_MAX;
    assert_ok(anchor_tpm_read(&anchor, v));
    anchor_tpm_close(&anchor);
    end_between(&between, thread, fd);
    software_tpm_stop(&software);
}

SPEC("an answer of before is not believed again")
{
    struct anchor_tpm anchor;
    struct between between = {.command = 0x14e, .flip_at = SIZE_MAX};
    pthread_t thread;
    uint8_t v[32];
    uint8_t d[32] = {5};
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = begin_between(&between, &thread);
    open_on(&anchor, fd);
    assert_ok(anchor_tpm_advance(&anchor, d));
    between.replays = true;
    assert_ok(anchor_tpm_read(&anchor, v)); // the first one is true
    assert_int_equal(anchor_tpm_read(&anchor, v), ROTOR_FORBIDDEN);
    anchor_tpm_close(&anchor);
    end_between(&between, thread, fd);
    software_tpm_stop(&software);
}

// ---- an enclave over it ----------------------------------------------------

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static enum rotor_status cell_read(void *cell, uint8_t v[32])
{
    return anchor_tpm_read(cell, v);
}

static enum rotor_status cell_advance(void *cell, const uint8_t d[32])
{
    return anchor_tpm_advance(cell, d);
}

static void begin_enclave(struct anchor_tpm *anchor)
{
    world_init(&world);
    world.platform.cell = anchor;
    world.platform.cell_read = cell_read;
    world.platform.cell_advance = cell_advance;
    world_to_cur(&world, &peer, &USUAL, &trust);
}

static void restart_and_expect(enum wire_state state)
{
    world_start(&world);
    enclave_pair_close(&peer.pair);
    assert_int_equal(enclave_state_code(&world.enclave), state);
}

static void close_all(struct anchor_tpm *anchor, int fd)
{
    peer_close(&peer);
    world_close(&world);
    close_on(anchor, fd);
    software_tpm_stop(&software);
}

SPEC("a store that is rolled back under a TPM is refused, under either name")
{
    static struct file old_state, good;
    struct anchor_tpm anchor;
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    begin_enclave(&anchor);
    old_state = world.platform.files[ENCLAVE_STATE];
    world_rotate(&peer, 1, &trust);
    good = world.platform.files[ENCLAVE_STATE];
    restart_and_expect(WIRE_STATE_CUR);
    world.platform.files[ENCLAVE_STATE] = old_state;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE_NEXT] = old_state;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE] = good;
    restart_and_expect(WIRE_STATE_CUR);
    assert_int_equal(world.enclave.state.cur.facts.order.epoch, 1);
    close_all(&anchor, fd);
}

SPEC("a store that was swapped or lost under a TPM is refused")
{
    static struct file kept;
    struct anchor_tpm anchor;
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    begin_enclave(&anchor);
    kept = world.platform.files[ENCLAVE_STATE];
    world.platform.files[ENCLAVE_STATE] = world.platform.files[ENCLAVE_ATTACH];
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE].exists = false;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE] = kept;
    restart_and_expect(WIRE_STATE_CUR);
    close_all(&anchor, fd);
}

// Two files for one number: the first was written and never named, since power
// went before the TPM was asked.
SPEC("a store that was swapped for another file of its slot is refused")
{
    static struct file kept;
    static struct file good;
    struct anchor_tpm anchor;
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    begin_enclave(&anchor);
    world.platform.fault = FAULT_REFUSE;
    world.platform.fault_at = world.platform.steps + 2;
    assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_STORE);
    kept = world.platform.files[ENCLAVE_STATE_NEXT];
    assert_true(kept.exists);
    world.platform.fault = FAULT_NONE;
    assert_int_equal(ask_rotate(&peer, 0, 2), WIRE_ROT_PREPARED);
    good = world.platform.files[ENCLAVE_STATE];
    assert_int_equal(kept.size, good.size);
    world.platform.files[ENCLAVE_STATE] = kept;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE_NEXT] = kept;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE].exists = false;
    restart_and_expect(WIRE_STATE_HALTED);
    world.platform.files[ENCLAVE_STATE_NEXT].exists = false;
    world.platform.files[ENCLAVE_STATE] = good;
    restart_and_expect(WIRE_STATE_PREP);
    close_all(&anchor, fd);
}

// Disk and device secret are copied; the TPM cannot be.
SPEC("a clone with a TPM of its own is refused, the original goes on")
{
    static struct file copied[ENCLAVE_FILES];
    struct anchor_tpm anchor;
    struct anchor_tpm clone;
    struct software_tpm other;
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    begin_enclave(&anchor);
    memcpy(copied, world.platform.files, sizeof copied);
    assert_true(software_tpm_start(&other));
    int other_fd = software_tpm_connect(&other);
    assert_ok(anchor_tpm_open(&clone, other_fd, ANCHOR_TPM_INDEX, SECRET));
    world.platform.cell = &clone;
    restart_and_expect(WIRE_STATE_HALTED);
    memcpy(world.platform.files, copied, sizeof copied);
    world.platform.cell = &anchor;
    restart_and_expect(WIRE_STATE_CUR);
    close_on(&clone, other_fd);
    software_tpm_stop(&other);
    close_all(&anchor, fd);
}

SPEC("an index that its owner deleted halts the enclave that had a state")
{
    struct anchor_tpm anchor;
    SOFTWARE_TPM_OR_SKIP(&software);
    int fd = software_tpm_connect(&software);
    open_on(&anchor, fd);
    begin_enclave(&anchor);
    close_on(&anchor, fd);
    software_tpm_run(&software, "tpm2_nvundefine 0x%x -C o", ANCHOR_TPM_INDEX);
    fd = software_tpm_connect(&software);
    open_on(&anchor, fd); // made anew, and zero
    restart_and_expect(WIRE_STATE_HALTED);
    close_all(&anchor, fd);
}
