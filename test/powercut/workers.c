// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 64

// ---- tallies ---------------------------------------------------------------

// Keeps the first ones.
static void tell(struct tally *tally, const struct tally_fault *fault)
{
    size_t at = tally->told;
    while (at > 0 && tally->faults[at - 1u].index > fault->index) {
        at--;
    }
    if (at == TALLY_FAULTS) {
        return;
    }
    size_t last = tally->told < TALLY_FAULTS ? tally->told : TALLY_FAULTS - 1u;
    memmove(&tally->faults[at + 1u], &tally->faults[at],
            (last - at) * sizeof tally->faults[0]);
    tally->faults[at] = *fault;
    tally->told = last + 1u;
}

void tally_note(struct tally *tally, uint64_t index,
                const struct machine *machine)
{
    tally->verdicts[machine->verdict]++;
    if (machine->verdict != VERDICT_WHOLE) {
        struct tally_fault fault = {.index = tally->base + index};
        trial_print(machine->trial, fault.trial);
        memcpy(fault.why, machine->why, sizeof fault.why);
        tell(tally, &fault);
    }
}

void tally_add(struct tally *tally, const struct tally *more)
{
    tally->points += more->points;
    tally->pairs += more->pairs;
    tally->schedules += more->schedules;
    for (size_t i = 0; i <= VERDICT_LEFT; i++) {
        tally->verdicts[i] += more->verdicts[i];
    }
}

uint64_t tally_faults(const struct tally *tally)
{
    return tally->verdicts[VERDICT_LOSS] + tally->verdicts[VERDICT_FORK] +
           tally->verdicts[VERDICT_LEFT];
}

// ---- workers ---------------------------------------------------------------

struct share {
    const struct workers_task *task;
    uint64_t first;
    uint64_t stride;
    uint64_t base;
};

_Noreturn static void work(const struct share *share, int to)
{
    struct tally tally = {.base = share->base};
    // What the stores of the release say of failures that we made.
    bool is_quiet = freopen("/dev/null", "w", stderr) != NULL;
    const struct workers_task *task = share->task;
    for (uint64_t i = share->first; i < task->count; i += share->stride) {
        task->job(task->context, task->first + i, &tally);
    }
    bool is_said = write(to, &tally, sizeof tally) == (ssize_t)sizeof tally;
    _exit(is_quiet && is_said ? 0 : 1);
}

static int start(const struct share *share)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return -1;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        work(share, ends[1]);
    }
    (void)close(ends[1]);
    return pid > 0 ? ends[0] : -1;
}

static bool take(int from, struct tally *tally)
{
    struct tally more;
    size_t got = 0;
    ssize_t part = 1;
    while (got < sizeof more && part > 0) {
        part = read(from, (uint8_t *)&more + got, sizeof more - got);
        got += part > 0 ? (size_t)part : 0;
    }
    (void)close(from);
    if (got == sizeof more) {
        tally_add(tally, &more);
    }
    for (size_t i = 0; got == sizeof more && i < more.told; i++) {
        tell(tally, &more.faults[i]);
    }
    return got == sizeof more;
}

bool workers_run(const struct workers_task *task, struct tally *tally)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : cores;
    int ends[WORKERS_MAX];
    bool is_whole = true;
    for (long i = 0; i < workers; i++) {
        const struct share share = {task, (uint64_t)i, (uint64_t)workers,
                                    tally->base};
        ends[i] = start(&share);
    }
    for (long i = 0; i < workers; i++) {
        is_whole = ends[i] >= 0 && take(ends[i], tally) && is_whole;
    }
    while (wait(NULL) > 0) {
    }
    tally->base += task->count;
    if (!is_whole) {
        fputs("powercut: error: a worker ended early\n", stderr);
    }
    return is_whole;
}
