// SPDX-License-Identifier: Apache-2.0
// The AP image of the process level: one enclave behind its wall.
//
// Started by stage 0 only (launch/birth.h).  Order: wall first, secret memory
// next, then everything that needs a system call which seccomp will refuse,
// then the last wall, then frames until the end.
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "app/enclave/beside.h"
#include "app/enclave/ends.h"
#include "app/enclave/platform.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/openssl/openssl.h"
#include "launch/birth.h"
#include "launch/process/arena.h"
#include "launch/process/wall.h"
#include "wire/walls.h"

#define ARENA_SIZE ((size_t)3 << 20)
#define STACK_SIZE ((size_t)512 << 10)

#define IDLE_WAIT_NS 1000000000u
#define BUSY_WAIT_NS 10000000u // an entropy source or a rotation is at work

// Everything that lives in secret memory besides heap and stack.
struct ap {
    struct enclave enclave;
    struct platform platform;
    struct launch_birth birth;
    uint8_t birth_memory[LAUNCH_BIRTH_MAX];
    struct ends ends;
    struct arena_kind memory;
};
static struct ap *ap;

static bool failed(const char *what, enum rotor_status status)
{
    fprintf(stderr, "enclave: error: %s: %s\n", what,
            rotor_status_name(status));
    return false;
}

// OpenSSL's own form of the three.
static void *heap_allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return arena_allocate(size);
}

static void *heap_reallocate(void *block, size_t size, const char *file,
                             int line)
{
    (void)file;
    (void)line;
    return arena_reallocate(block, size);
}

static void heap_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    arena_free(block);
}

// The envelope is overwritten once it was read: its pages are no secret memory.
static bool be_born(void)
{
    static const uint8_t zeros[LAUNCH_BIRTH_MAX];
    ssize_t size =
        pread(LAUNCH_FD_BIRTH, ap->birth_memory, LAUNCH_BIRTH_MAX, 0);
    bool is_read = size > 0;
    bool is_gone =
        is_read && pwrite(LAUNCH_FD_BIRTH, zeros, (size_t)size, 0) == size;
    close(LAUNCH_FD_BIRTH);
    if (!is_gone) {
        fputs("enclave: error: started without a birth envelope\n"
              "enclave: hint: rotord starts the enclave\n",
              stderr);
        return false;
    }
    enum rotor_status status = wire_message_decode(
        &LAUNCH_LAYOUT_BIRTH, bytes_of(ap->birth_memory, (size_t)size),
        &ap->birth);
    if (status != ROTOR_OK || ap->birth.component != BOOT_ENCLAVE) {
        return failed("birth envelope", ROTOR_MALFORMED);
    }
    return true;
}

static bool raise_walls(struct enclave_identity *identity)
{
    uint64_t walls = ap->birth.walls;
    if (wall_dropped != 0) {
        fputs("enclave: warning: sanitised build: no seccomp wall\n", stderr);
    }
    wall_raise_files(LAUNCH_FD_STORE, &walls);
    if (!beside_open()) {
        return failed("second thread", ROTOR_PORT_FAILED);
    }
    enum rotor_status status = wall_raise_last(LAUNCH_FD_QUEUE, &walls);
    if (status != ROTOR_OK) {
        return failed("a required wall does not stand", status);
    }
    if (ap->memory.is_secret) {
        walls |= WIRE_WALL_BIT(WIRE_WALL_SECRET_MEMORY);
    }
    if (ap->memory.is_locked) {
        walls |= WIRE_WALL_BIT(WIRE_WALL_LOCKED_MEMORY);
    }
    identity->walls = walls;
    return true;
}

static bool prepare(void)
{
    struct enclave_identity identity = {0};
    enum rotor_status status = crypto_openssl_init();
    if (status != ROTOR_OK) {
        return failed("libcrypto", status);
    }
    if (!be_born()) {
        return false;
    }
    status = ends_open(&ap->ends, (uint32_t)ap->birth.queue_seed);
    if (status != ROTOR_OK) {
        return failed("queues", status);
    }
    status = platform_open(&ap->platform, &ap->birth, &identity);
    if (status != ROTOR_OK) {
        return failed("platform", status);
    }
    if (!raise_walls(&identity)) {
        return false;
    }
    const struct enclave_ops ops = platform_ops(&ap->platform);
    status = enclave_open(&ap->enclave, &ops, &identity);
    secret_wipe(&identity, sizeof identity);
    if (status != ROTOR_OK) {
        return failed("store", status);
    }
    return true;
}

static uint64_t idle_ns(void)
{
    bool is_busy =
        platform_is_testing(&ap->platform) || enclave_has_work(&ap->enclave);
    return is_busy ? BUSY_WAIT_NS : IDLE_WAIT_NS;
}

// False when the queue to the RTP is dead.
static bool turn(void)
{
    bool moved = false;
    const _Atomic uint32_t *word = beside_word();
    // Before the look at the work: what is done after it wakes us.
    uint32_t value = atomic_load_explicit(word, memory_order_acquire);
    if (ends_turn(&ap->ends, &ap->enclave, &moved) != ROTOR_OK) {
        return false;
    }
    if (ends_leave_time(&ap->ends, moved)) {
        platform_step(&ap->platform, &ap->enclave);
    }
    if (moved) {
        return true;
    }
    enum rotor_status status = ends_wait(&ap->ends, idle_ns(), word, value);
    return status == ROTOR_OK || status == ROTOR_AGAIN;
}

static void live(void)
{
    if (!prepare()) {
        return;
    }
    while (turn()) {
        if (enclave_must_restart(&ap->enclave)) {
            fputs("enclave: error: a write to the store ended in doubt\n",
                  stderr);
            break;
        }
    }
    beside_settle(); // what is written is a view into the enclave
    enclave_wipe(&ap->enclave);
    platform_close(&ap->platform);
    _exit(3); // not back to the first stack: seccomp refuses the way
}

int main(void)
{
    struct arena_kind memory;
    wall_raise_first();
    (void)signal(SIGPIPE, SIG_IGN); // a program that went left its bell
    if (arena_open(ARENA_SIZE, &memory) != ROTOR_OK) {
        fputs("enclave: error: no locked memory: RLIMIT_MEMLOCK is too low\n",
              stderr);
        return 3;
    }
    ap = arena_take(sizeof *ap);
    if (ap == NULL || CRYPTO_set_mem_functions(heap_allocate, heap_reallocate,
                                               heap_free) != 1) {
        fputs("enclave: error: secret memory\n", stderr);
        return 3;
    }
    ap->memory = memory;
    arena_call(live, STACK_SIZE);
    _exit(3);
}
