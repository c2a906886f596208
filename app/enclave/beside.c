// SPDX-License-Identifier: Apache-2.0
#include "app/enclave/beside.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "port/linux/spin.h"

// In ordinary memory: no futex works in secret memory.
static struct {
    _Atomic uint32_t asked; // jobs so far, moved by the serving thread
    _Atomic uint32_t done;  // jobs so far, moved by this one
    _Atomic uint32_t runs;  // 1: this one has started
    beside_job *job;
    void *input;
    enum rotor_status result;
} beside;

// The jobs of a rotation follow each other: after one the next is looked out
// for, for about as long as a wake-up would take.
#define SPIN_NS 50000u

static void look_out_while(_Atomic uint32_t *word, uint32_t value)
{
    uint64_t end = spin_now_ns() + SPIN_NS;
    while (atomic_load_explicit(word, memory_order_relaxed) == value &&
           spin_now_ns() < end && spin_give_way() < SPIN_WANTED_NS) {
        spin_pause();
    }
}

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
    // Every return is a reason to look again.
    (void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void move_on(_Atomic uint32_t *word, uint32_t value)
{
    // Pairs with the acquire of the other side's look.
    atomic_store_explicit(word, value, memory_order_release);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *work(void *unused)
{
    (void)unused;
    move_on(&beside.runs, 1);
    for (uint32_t done = 0;;) {
        // Pairs with the release in beside_begin.
        uint32_t asked =
            atomic_load_explicit(&beside.asked, memory_order_acquire);
        if (asked == done) {
            wait_while(&beside.asked, done);
            continue;
        }
        beside.result = beside.job(beside.input);
        done++;
        move_on(&beside.done, done);
        look_out_while(&beside.asked, done);
    }
    return NULL;
}

bool beside_open(void)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    (void)sigfillset(&all);
    // Signals are for the serving thread.
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_open = pthread_create(&thread, NULL, work, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    // What a thread calls at its start is not among what seccomp allows.
    while (is_open &&
           atomic_load_explicit(&beside.runs, memory_order_acquire) == 0) {
        wait_while(&beside.runs, 0);
    }
    return is_open && pthread_detach(thread) == 0;
}

void beside_begin(beside_job *job, void *input)
{
    uint32_t asked = atomic_load_explicit(&beside.asked, memory_order_relaxed);
    beside.job = job;
    beside.input = input;
    move_on(&beside.asked, asked + 1);
}

static bool is_out(void)
{
    // Pairs with the release in work.
    uint32_t done = atomic_load_explicit(&beside.done, memory_order_acquire);
    return done != atomic_load_explicit(&beside.asked, memory_order_relaxed);
}

enum rotor_status beside_end(void)
{
    return is_out() ? ROTOR_AGAIN : beside.result;
}

void beside_settle(void)
{
    while (is_out()) {
        uint32_t done =
            atomic_load_explicit(&beside.done, memory_order_relaxed);
        if (is_out()) {
            wait_while(&beside.done, done);
        }
    }
}

const _Atomic uint32_t *beside_word(void)
{
    return &beside.done;
}
