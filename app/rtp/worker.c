// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/worker.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// No lock: the loop never waits for a thread that the system put aside.
static struct {
    _Atomic uint32_t begun; // jobs so far, moved by the loop
    _Atomic uint32_t ended; // jobs so far, moved by the thread
    uint32_t taken;         // jobs that the loop has back
    struct rtp_job *job;
    int done;
} worker = {.done = -1};

static void *work(void *context)
{
    (void)context;
    for (uint32_t ended = 0;;) {
        // Pairs with the release in worker_begin.
        uint32_t begun =
            atomic_load_explicit(&worker.begun, memory_order_acquire);
        if (begun == ended) {
            // Every return is a reason to look again.
            (void)syscall(SYS_futex, &worker.begun, FUTEX_WAIT_PRIVATE, ended,
                          NULL, NULL, 0);
            continue;
        }
        rtp_job_run(worker.job);
        ended++;
        // Before the word: who finds it moved can empty this, too.
        const uint64_t one = 1;
        ssize_t put = write(worker.done, &one, sizeof one);
        (void)put; // a full counter is a loop that has its wake-up
        // Pairs with the acquire in worker_finished and in worker_settle.
        atomic_store_explicit(&worker.ended, ended, memory_order_release);
    }
    return NULL;
}

bool worker_open(int *done)
{
    pthread_t thread;
    worker.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker.done < 0 || pthread_create(&thread, NULL, work, NULL) != 0) {
        return false;
    }
    (void)pthread_detach(thread);
    *done = worker.done;
    return true;
}

void worker_begin(struct rtp_job *job)
{
    uint32_t begun = atomic_load_explicit(&worker.begun, memory_order_relaxed);
    worker.job = job;
    atomic_store_explicit(&worker.begun, begun + 1, memory_order_release);
    (void)syscall(SYS_futex, &worker.begun, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
                  0);
}

struct rtp_job *worker_finished(void)
{
    uint64_t count = 0;
    uint32_t ended = atomic_load_explicit(&worker.ended, memory_order_acquire);
    if (ended == worker.taken) {
        return NULL;
    }
    worker.taken = ended;
    ssize_t got = read(worker.done, &count, sizeof count);
    (void)got;
    return worker.job;
}

static bool is_out(void)
{
    return atomic_load_explicit(&worker.ended, memory_order_acquire) !=
           atomic_load_explicit(&worker.begun, memory_order_relaxed);
}

void worker_settle(void)
{
    struct pollfd done = {worker.done, POLLIN, 0};
    while (is_out()) {
        (void)poll(&done, 1, -1);
    }
}
