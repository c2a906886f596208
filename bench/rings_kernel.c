// SPDX-License-Identifier: Apache-2.0
// Trips through the kernel: bytes over a pipe and a socket, a count over an
// eventfd, and sleep and wake with nothing but a futex.
#include "bench/rings.h"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/tally.h"
#include "port/linux/doorbell.h"

static int pipe_there[2], pipe_back[2], event_there, event_back, sockets[2];

void kernel_open(void)
{
    event_there = eventfd(0, EFD_CLOEXEC);
    event_back = eventfd(0, EFD_CLOEXEC);
    tally_expect(
        pipe(pipe_there) == 0 && pipe(pipe_back) == 0 && event_there >= 0 &&
            event_back >= 0 &&
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0,
        "no file descriptors");
}

static void near_over(uint32_t count, int out, int in, size_t size)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        tally_expect(write(out, &m, size) == (ssize_t)size &&
                         read(in, &m, size) == (ssize_t)size,
                     "a trip through the kernel failed");
    }
}

static void far_over(uint32_t count, int in, int out, size_t size)
{
    struct message m;
    for (uint32_t i = 0; i < count; i++) {
        tally_expect(read(in, &m, size) == (ssize_t)size &&
                         write(out, &m, size) == (ssize_t)size,
                     "a trip through the kernel failed");
    }
}

static void pipe_near(uint32_t count)
{
    near_over(count, pipe_there[1], pipe_back[0], 64);
}

static void pipe_far(uint32_t count)
{
    far_over(count, pipe_there[0], pipe_back[1], 64);
}

static void event_near(uint32_t count)
{
    near_over(count, event_there, event_back, 8);
}

static void event_far(uint32_t count)
{
    far_over(count, event_there, event_back, 8);
}

static void socket_near(uint32_t count)
{
    near_over(count, sockets[0], sockets[0], 64);
}

static void socket_far(uint32_t count)
{
    far_over(count, sockets[1], sockets[1], 64);
}

const struct kernel_way kernel_ways[3] = {
    {"pipe",      pipe_near,   pipe_far  },
    {"eventfd",   event_near,  event_far },
    {"seqpacket", socket_near, socket_far},
};

// --- Sleep and wake ---------------------------------------------------------

static struct {
    _Alignas(128) _Atomic uint32_t ping;
    _Alignas(128) _Atomic uint32_t pong;
    _Alignas(128) uint64_t settle_ns;
    uint64_t sent_ns;
    uint64_t awake_ns;
} sleepers;

void futex_reset(uint64_t settle_ns)
{
    atomic_store(&sleepers.ping, 0);
    atomic_store(&sleepers.pong, 0);
    sleepers.settle_ns = settle_ns;
    sleepers.awake_ns = 0;
}

uint64_t futex_awake_ns(void)
{
    return sleepers.awake_ns;
}

// As two processes would: a futex that is not private to one of them.
static void tell(_Atomic uint32_t *word, uint32_t value)
{
    uint64_t now = tally_now_ns();
    uint64_t end = now + sleepers.settle_ns;
    for (; now < end; now = tally_now_ns()) {
        spin_pause();
    }
    sleepers.sent_ns = now;
    atomic_store_explicit(word, value, memory_order_release);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await(_Atomic uint32_t *word, uint32_t value)
{
    uint64_t ns = DOORBELL_FIRST_SLEEP_NS;
    while (atomic_load_explicit(word, memory_order_acquire) != value) {
        struct timespec bound = {(time_t)(ns / 1000000000u),
                                 (long)(ns % 1000000000u)};
        (void)syscall(SYS_futex, word, FUTEX_WAIT, value - 1, &bound, NULL, 0);
        ns = doorbell_next_sleep_ns(ns);
    }
    sleepers.awake_ns += tally_now_ns() - sleepers.sent_ns;
}

void futex_near(uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        tell(&sleepers.ping, i);
        await(&sleepers.pong, i);
    }
}

void futex_far(uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        await(&sleepers.ping, i);
        tell(&sleepers.pong, i);
    }
}
