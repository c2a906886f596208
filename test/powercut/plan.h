// SPDX-License-Identifier: Apache-2.0
// Which trials: every point of a story, every point of every recovery, and
// schedules by the throw.
#ifndef ROTOR_TEST_POWERCUT_PLAN_H
#define ROTOR_TEST_POWERCUT_PLAN_H

#include "test/powercut/story.h"
#include "test/powercut/workers.h"

// A story on an anchor, as it goes when nothing goes wrong.
struct plan {
    enum trial_story story;
    enum trial_anchor anchor;
    uint64_t seed;
    struct story_betrayal betrayal;
    size_t points;
    struct point trace[POINTS_MAX];
    size_t count; // trials with one event
    struct trial *trials;
};

// Runs the story undisturbed and lists every way in which one thing can go
// wrong in it.  False: it is not whole even so; `why` says it.
bool plan_make(struct plan *plan, char why[160]);
void plan_close(struct plan *plan);

// Jobs over a plan: one trial; one trial, then all that can cut its recovery;
// a call that fails, then power goes at the points right behind it.
workers_job plan_run_point;
workers_job plan_run_pairs;
workers_job plan_run_faults;

// Jobs over a seed (uint64_t) that a schedule follows from with its index.
workers_job plan_run_schedule;

#endif
