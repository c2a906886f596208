// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/plan.h"

#include <stdlib.h>
#include <string.h>

// ---- every way in which one thing goes wrong at a point --------------------

typedef void take_event(void *context, const struct trial_event *event);

struct taker {
    take_event *take;
    void *context;
    unsigned at;
};

static void cut(const struct taker *taker, enum sim_side victim,
                struct sim_fate fate)
{
    const struct trial_event event = {
        .at = taker->at, .victim = victim, .fate = fate};
    taker->take(taker->context, &event);
}

static void fail(const struct taker *taker, enum sim_outcome fault)
{
    const struct trial_event event = {.at = taker->at, .fault = fault};
    taker->take(taker->context, &event);
}

// Fates that end alike are one.
static void cut_with_every_fate(const struct taker *taker,
                                const struct point *point, enum sim_side victim)
{
    bool names = point->owes_names[victim];
    bool bytes = point->owes_bytes[victim];
    cut(taker, victim, (struct sim_fate){.kind = SIM_FATE_LOST});
    if (names || bytes) {
        cut(taker, victim, (struct sim_fate){.kind = SIM_FATE_OPEN});
        cut(taker, victim, (struct sim_fate){.kind = SIM_FATE_KEPT});
    }
    if (names && bytes) {
        cut(taker, victim, (struct sim_fate){.kind = SIM_FATE_NAMES});
        cut(taker, victim, (struct sim_fate){.kind = SIM_FATE_BYTES});
    }
}

// A write that power leaves in the middle, at each sector.
static void tear(const struct taker *taker, const struct point *point,
                 enum sim_side victim)
{
    unsigned sectors = (unsigned)((point->size + SIM_SECTOR - 1) / SIM_SECTOR);
    for (unsigned i = 1; i <= sectors; i++) {
        cut(taker, victim,
            (struct sim_fate){.kind = SIM_FATE_HEAD, .sectors = i});
    }
    for (unsigned i = 1; i < sectors; i++) {
        cut(taker, victim,
            (struct sim_fate){.kind = SIM_FATE_TAIL, .sectors = i});
    }
}

static void take_all(const struct taker *taker, const struct point *point)
{
    static const enum sim_side VICTIMS[] = {SIM_RTP, SIM_AP, SIM_BOTH};
    bool is_write =
        !point->is_frame && !point->is_advance && point->call == SIM_WRITE;
    for (size_t i = 0; i < 3; i++) {
        cut_with_every_fate(taker, point, VICTIMS[i]);
    }
    if (point->is_frame) {
        return;
    }
    fail(taker, SIM_REFUSED);
    fail(taker, SIM_DOUBTED);
    if (is_write) {
        fail(taker, SIM_SHORT);
        tear(taker, point, point->side);
    }
}

// ---- a plan ----------------------------------------------------------------

static void add_trial(void *context, const struct trial_event *event)
{
    struct plan *plan = context;
    struct trial *trials =
        realloc(plan->trials, (plan->count + 1u) * sizeof *trials);
    if (trials == NULL) {
        abort();
    }
    plan->trials = trials;
    trials[plan->count++] = (struct trial){.story = plan->story,
                                           .anchor = plan->anchor,
                                           .seed = plan->seed,
                                           .count = 1,
                                           .events = {*event}};
}

bool plan_make(struct plan *plan, char why[160])
{
    const struct trial quiet = {
        .story = plan->story, .anchor = plan->anchor, .seed = plan->seed};
    struct machine *machine = story_run(&quiet, &plan->betrayal, false);
    bool is_whole = machine->verdict == VERDICT_WHOLE;
    memcpy(why, machine->why, sizeof machine->why);
    plan->points = machine->told;
    memcpy(plan->trace, machine->trace, sizeof plan->trace);
    machine_free(machine);
    for (size_t i = 0; i < plan->points; i++) {
        const struct taker taker = {add_trial, plan, (unsigned)i + 1u};
        take_all(&taker, &plan->trace[i]);
    }
    return is_whole;
}

void plan_close(struct plan *plan)
{
    free(plan->trials);
    plan->trials = NULL;
}

void plan_run_point(const void *context, uint64_t index, struct tally *tally)
{
    const struct plan *plan = context;
    struct machine *machine =
        story_run(&plan->trials[index], &plan->betrayal, false);
    tally->points++;
    tally_note(tally, index, machine);
    machine_free(machine);
}

// ---- pairs -----------------------------------------------------------------

struct second {
    const struct plan *plan;
    struct trial trial; // the first event, and room for the second
    uint64_t index;
    struct tally *tally;
};

// Which sides, and which promises are kept, is thrown.
static void run_second(struct second *second, struct dice *dice)
{
    struct trial_event *event = &second->trial.events[1];
    event->victim = (enum sim_side)(1u + dice_throw(dice, 3));
    event->fate =
        (struct sim_fate){.kind = SIM_FATE_DICE, .dice = dice_next(dice) >> 40};
    struct machine *machine =
        story_run(&second->trial, &second->plan->betrayal, false);
    second->tally->pairs++;
    tally_note(second->tally, second->index, machine);
    machine_free(machine);
}

static struct second second_of(const struct plan *plan, uint64_t index,
                               struct tally *tally)
{
    return (struct second){.plan = plan,
                           .trial = plan->trials[index],
                           .index = index,
                           .tally = tally};
}

// Points of the life that the first event begins, or goes on in.
static unsigned count_points(const struct second *second)
{
    struct machine *machine =
        story_run(&second->trial, &second->plan->betrayal, false);
    unsigned points = machine->told;
    machine_free(machine);
    return points;
}

static void run_seconds(struct second *second, unsigned from, unsigned to)
{
    struct dice dice = {second->plan->seed * 0x9e3779b97f4a7c15u +
                        second->index};
    second->trial.count = 2;
    for (unsigned at = from; at <= to; at++) {
        second->trial.events[1].at = at;
        run_second(second, &dice);
    }
}

static bool is_fault(const struct trial_event *event)
{
    return event->victim == SIM_NOBODY;
}

// Of the side at the point, or of both, with this fate.
static bool strikes_here(const struct plan *plan,
                         const struct trial_event *first,
                         enum sim_fate_kind fate)
{
    return first->fate.kind == fate && !is_fault(first) &&
           (first->victim == SIM_BOTH ||
            first->victim == plan->trace[first->at - 1u].side);
}

#define SOON 6u // points behind the first event: the default

// The first time power leaves the side at the point, or both, and nothing is
// kept, or the program ends; then power goes at every point from the restart to
// the end.  Or the call fails; then power goes at every point behind it.
void plan_run_pairs(const void *context, uint64_t index, struct tally *tally)
{
    const struct plan *plan = context;
    struct second second = second_of(plan, index, tally);
    const struct trial_event *first = &second.trial.events[0];
    bool is_first = strikes_here(plan, first, SIM_FATE_LOST) ||
                    strikes_here(plan, first, SIM_FATE_OPEN);
    if (is_fault(first)) {
        run_seconds(&second, first->at + 1u, count_points(&second));
    } else if (is_first) {
        run_seconds(&second, 1, count_points(&second));
    }
}

void plan_run_faults(const void *context, uint64_t index, struct tally *tally)
{
    const struct plan *plan = context;
    struct second second = second_of(plan, index, tally);
    const struct trial_event *first = &second.trial.events[0];
    if (is_fault(first)) {
        run_seconds(&second, first->at + 1u, first->at + SOON);
    } else if (strikes_here(plan, first, SIM_FATE_OPEN)) {
        run_seconds(&second, 1, SOON);
    }
}

// ---- schedules -------------------------------------------------------------

#define GAP_MAX 110u // points: longer than any story, sometimes

static struct trial_event throw_event(struct dice *dice, unsigned from)
{
    static const enum sim_outcome FAULTS[] = {SIM_REFUSED, SIM_DOUBTED,
                                              SIM_SHORT};
    struct trial_event event = {.at = from + 1u + dice_throw(dice, GAP_MAX)};
    if (dice_throw(dice, 4) == 0) {
        event.fault = FAULTS[dice_throw(dice, 3)];
        return event;
    }
    event.victim = (enum sim_side)(1u + dice_throw(dice, 3));
    event.fate =
        (struct sim_fate){.kind = SIM_FATE_DICE, .dice = dice_next(dice) >> 40};
    if (dice_throw(dice, 4) == 0) {
        event.fate = (struct sim_fate){.kind = SIM_FATE_OPEN};
    }
    return event;
}

static void throw_trial(uint64_t seed, uint64_t index, struct trial *trial)
{
    struct dice dice = {seed * 0x9e3779b97f4a7c15u + index};
    *trial = (struct trial){
        .story = (enum trial_story)dice_throw(&dice, STORIES),
        .anchor = (enum trial_anchor)dice_throw(&dice, ANCHORS),
        .seed = 1u + dice_throw(&dice, 1u << 20),
        .count = 1u + dice_throw(&dice, TRIAL_EVENTS),
    };
    unsigned from = 0;
    for (size_t i = 0; i < trial->count; i++) {
        trial->events[i] = throw_event(&dice, from);
        // A life goes on behind a fault, and is counted anew behind a cut.
        bool is_cut = trial->events[i].victim != SIM_NOBODY;
        from = is_cut ? 0 : trial->events[i].at;
    }
}

void plan_run_schedule(const void *context, uint64_t index, struct tally *tally)
{
    const struct story_betrayal honest = {0};
    struct trial trial;
    throw_trial(*(const uint64_t *)context, index, &trial);
    struct machine *machine = story_run(&trial, &honest, false);
    tally->schedules++;
    tally_note(tally, index, machine);
    machine_free(machine);
}
