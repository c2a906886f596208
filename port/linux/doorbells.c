// SPDX-License-Identifier: Apache-2.0
#include "port/linux/doorbells.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// As in doorbell.c: who was woken by an answer asks again within this time.
#define SPIN_MAX_NS 200000u
#define SPIN_MIN_NS 20000u // what a sleep and a wake-up cost

#define LOOKS_PER_READING 16u

// Without futex_waitv only the first bell wakes: look at the others so often.
#define ONE_BELL_SLEEP_NS 1000000u

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define WORD_OF_32_BITS 2u // FUTEX_32, and not private: between processes

// As the kernel reads it.
struct waiter {
    uint64_t value;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void doorbells_init(struct doorbells *bells)
{
    // No word to wait for is an invalid call where the call is known.
    long result = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, CLOCK_MONOTONIC);
    *bells = (struct doorbells){
        .spin = {SPIN_MIN_NS, SPIN_MAX_NS, 0, SPIN_ALONE_NS},
        .has_waitv = result != 0 && errno == EINVAL,
    };
}

enum rotor_status doorbells_add(struct doorbells *bells, struct doorbell *bell,
                                uint32_t reasons)
{
    if (bells->count == DOORBELLS_MAX) {
        return ROTOR_INVALID;
    }
    bells->entries[bells->count] = (struct doorbells_entry){bell, reasons};
    bells->count++;
    return ROTOR_OK;
}

static struct rotor_ipq_channel *channel_at(const struct doorbells *bells,
                                            size_t i)
{
    return bells->entries[i].bell->channel;
}

static bool word_moved(const struct doorbells *bells)
{
    return bells->word != NULL &&
           atomic_load_explicit(bells->word, memory_order_acquire) !=
               bells->word_value;
}

static bool is_due(const struct doorbells *bells)
{
    if (word_moved(bells)) {
        return true;
    }
    for (size_t i = 0; i < bells->count; i++) {
        uint32_t reasons = bells->entries[i].reasons;
        if (reasons != 0 &&
            rotor_ipq_channel_is_due(channel_at(bells, i), reasons)) {
            return true;
        }
    }
    return false;
}

// One wait's sleeps: an announcement stands until it is answered.
struct nap {
    bool is_announced;
    struct waiter waiters[DOORBELLS_MAX];
};

static bool is_rung(const struct rotor_ipq_channel *channel,
                    const struct waiter *waiter)
{
    // Pairs with the release in ring; what it rang for is looked at behind.
    return atomic_load_explicit(&channel->theirs->bell, memory_order_acquire) !=
           (uint32_t)waiter->value;
}

// Announces to each channel where that does not stand yet, then one barrier for
// all of them.
static void announce(struct doorbells *bells, struct nap *nap)
{
    bool has_barrier = false;
    for (size_t i = 0; i < bells->count; i++) {
        const struct doorbells_entry *entry = &bells->entries[i];
        if (entry->reasons == 0) {
            continue;
        }
        struct rotor_ipq_channel *channel = entry->bell->channel;
        struct waiter *waiter = &nap->waiters[i];
        if (nap->is_announced && !is_rung(channel, waiter)) {
            continue;
        }
        *waiter = (struct waiter){
            .value = rotor_ipq_channel_announce(channel, entry->reasons),
            .address = (uint64_t)(uintptr_t)&channel->theirs->bell,
            .flags = WORD_OF_32_BITS,
        };
        has_barrier = has_barrier || entry->bell->has_barrier;
    }
    nap->is_announced = true;
    if (has_barrier) {
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    }
}

static void take_back(struct doorbells *bells)
{
    for (size_t i = 0; i < bells->count; i++) {
        if (bells->entries[i].reasons != 0) {
            rotor_ipq_channel_awake(channel_at(bells, i));
        }
    }
}

// False if the kernel will not wait; every other return is a reason to look.
static bool sleep_on(const struct doorbells *bells,
                     const struct waiter *waiters, uint64_t ns)
{
    struct waiter packed[DOORBELLS_MAX + 1];
    unsigned count = 0;
    if (bells->word != NULL) {
        packed[count++] = (struct waiter){
            .value = bells->word_value,
            .address = (uint64_t)(uintptr_t)bells->word,
            .flags = WORD_OF_32_BITS,
        };
    }
    for (size_t i = 0; i < bells->count; i++) {
        if (bells->entries[i].reasons != 0) {
            packed[count++] = waiters[i];
        }
    }
    long result = 0;
    if (count == 0) {
        struct timespec bound = timespec_of(ns);
        return clock_nanosleep(CLOCK_MONOTONIC, 0, &bound, NULL) == 0;
    }
    if (bells->has_waitv) {
        struct timespec until = timespec_of(spin_now_ns() + ns);
        result =
            syscall(SYS_futex_waitv, packed, count, 0, &until, CLOCK_MONOTONIC);
    } else {
        struct timespec bound = timespec_of(smaller(ns, ONE_BELL_SLEEP_NS));
        result = syscall(SYS_futex, packed[0].address, FUTEX_WAIT,
                         (uint32_t)packed[0].value, &bound, NULL, 0);
    }
    return result >= 0 || errno == EAGAIN || errno == ETIMEDOUT ||
           errno == EINTR;
}

static bool sleep_once(struct doorbells *bells, struct nap *nap, uint64_t ns)
{
    announce(bells, nap);
    return is_due(bells) || sleep_on(bells, nap->waiters, ns);
}

static bool look_for_news(const struct doorbells *bells)
{
    for (uint32_t i = 0; i < LOOKS_PER_READING; i++) {
        if (is_due(bells)) {
            return true;
        }
    }
    return false;
}

// A peer that writes nonsense is found here, and seen as a dead end after.
static void ring_all(struct doorbells *bells)
{
    for (size_t i = 0; i < bells->count; i++) {
        if (bells->entries[i].reasons == 0) {
            continue;
        }
        rotor_ipq_give_credit(&channel_at(bells, i)->in);
        enum rotor_status rung = doorbell_ring(bells->entries[i].bell);
        (void)rung;
    }
}

// Spins for as long as news took of late, then sleeps.  Adds to *waited_ns.
static enum rotor_status wait_for_news(struct doorbells *bells, struct nap *nap,
                                       uint64_t timeout_ns, uint64_t *waited_ns)
{
    uint64_t start = spin_now_ns();
    uint64_t spin = smaller(spin_budget_ns(&bells->spin), timeout_ns);
    uint64_t sleep = DOORBELL_FIRST_SLEEP_NS;
    uint64_t waited = 0;
    bool due = is_due(bells);
    while (!due && waited < timeout_ns) {
        if (waited < spin) {
            due = look_for_news(bells);
            if (!due && !spin_goes_on(&bells->spin, waited)) {
                spin = 0;
            }
        } else {
            uint64_t left = timeout_ns - waited;
            if (!sleep_once(bells, nap, smaller(sleep, left))) {
                return ROTOR_PORT_FAILED;
            }
            sleep = doorbell_next_sleep_ns(sleep);
            due = is_due(bells);
        }
        waited = spin_now_ns() - start;
    }
    *waited_ns = waited;
    return due ? ROTOR_OK : ROTOR_AGAIN;
}

enum rotor_status doorbells_wait(struct doorbells *bells, uint64_t timeout_ns)
{
    struct nap nap = {0};
    uint64_t waited = 0;
    ring_all(bells);
    enum rotor_status status = wait_for_news(bells, &nap, timeout_ns, &waited);
    if (nap.is_announced) {
        take_back(bells);
    }
    if (status != ROTOR_PORT_FAILED) {
        spin_note(&bells->spin, waited);
    }
    return status;
}
