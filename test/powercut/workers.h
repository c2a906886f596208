// SPDX-License-Identifier: Apache-2.0
// Many trials on all cores.  What is counted and said does not depend on how
// many there are, nor on which was done first.
#ifndef ROTOR_TEST_POWERCUT_WORKERS_H
#define ROTOR_TEST_POWERCUT_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/powercut/machine.h"

#define TALLY_FAULTS 8u // that are told in words

struct tally_fault {
    uint64_t index; // of the job
    char trial[TRIAL_TEXT];
    char why[160];
};

struct tally {
    uint64_t base;   // jobs of the runs before
    uint64_t points; // trials with one event
    uint64_t pairs;  // a second event in the recovery from the first
    uint64_t schedules;
    uint64_t verdicts[VERDICT_LEFT + 1];
    size_t told;
    struct tally_fault faults[TALLY_FAULTS]; // in order of the index
};

// One job: adds to the tally.
typedef void workers_job(const void *context, uint64_t index,
                         struct tally *tally);

struct workers_task {
    workers_job *job;
    const void *context;
    uint64_t first; // jobs first..first+count-1
    uint64_t count;
};

// Runs the jobs and adds what they counted to `tally`.  False: a worker did
// not come back, which is said on stderr.
bool workers_run(const struct workers_task *task, struct tally *tally);

// Trials that were not whole.
uint64_t tally_faults(const struct tally *tally);

// Adds what was counted; words stay where they were told.
void tally_add(struct tally *tally, const struct tally *more);

// Notes how a trial ended.
void tally_note(struct tally *tally, uint64_t index,
                const struct machine *machine);

#endif
