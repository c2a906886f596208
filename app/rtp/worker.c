// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/worker.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct rtp_job *waiting;
    struct rtp_job *finished;
    int done;
} worker = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL,
            -1};

static void *work(void *context)
{
    (void)context;
    for (;;) {
        (void)pthread_mutex_lock(&worker.lock);
        while (worker.waiting == NULL) {
            (void)pthread_cond_wait(&worker.work, &worker.lock);
        }
        struct rtp_job *job = worker.waiting;
        worker.waiting = NULL;
        (void)pthread_mutex_unlock(&worker.lock);

        rtp_job_run(job);

        const uint64_t one = 1;
        (void)pthread_mutex_lock(&worker.lock);
        worker.finished = job;
        (void)pthread_mutex_unlock(&worker.lock);
        if (write(worker.done, &one, sizeof one) != (ssize_t)sizeof one) {
            continue; // the counter is full: the loop has a wake-up already
        }
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
    (void)pthread_mutex_lock(&worker.lock);
    worker.waiting = job;
    (void)pthread_cond_signal(&worker.work);
    (void)pthread_mutex_unlock(&worker.lock);
}

struct rtp_job *worker_finished(void)
{
    uint64_t count = 0;
    if (read(worker.done, &count, sizeof count) != (ssize_t)sizeof count) {
        return NULL;
    }
    (void)pthread_mutex_lock(&worker.lock);
    struct rtp_job *job = worker.finished;
    worker.finished = NULL;
    (void)pthread_mutex_unlock(&worker.lock);
    return job;
}
