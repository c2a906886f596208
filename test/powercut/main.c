// SPDX-License-Identifier: Apache-2.0
// Takes power from a device at every point of all that it does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "test/powercut/plan.h"

static const char USAGE[] =
    "usage: powercut [--full] [--story NAME] [--schedules N] [--seed S]\n"
    "       powercut --replay TRIAL\n"
    "       powercut --prove\n"
    "\n"
    "  --full         cut again at every point of every recovery, and at "
    "every\n"
    "                 point behind a call that failed\n"
    "  --story NAME   points of that one alone\n"
    "  --schedules N  that many schedules by the throw (2000)\n"
    "  --seed S       of keys and schedules (1)\n"
    "  --replay TRIAL run one trial, as it was printed, and say how it ended\n"
    "  --prove        plant defects in the disks: each must be seen\n";

struct options {
    bool is_full;
    bool is_proof;
    uint64_t schedules;
    uint64_t seed;
    const char *story; // NULL: all
    const char *replay;
};

// ---- what is said ----------------------------------------------------------

// What went wrong in one part of a run, before the next one begins.
static void say_faults(const struct tally *tally)
{
    uint64_t count = tally_faults(tally);
    for (size_t i = 0; i < tally->told; i++) {
        printf("  %s\n    --replay '%s'\n", tally->faults[i].why,
               tally->faults[i].trial);
    }
    if (count > tally->told) {
        printf("  and %llu more\n", (unsigned long long)(count - tally->told));
    }
    (void)fflush(stdout);
}

static int conclude(const struct tally *tally)
{
    printf("%llu points, %llu pairs, %llu schedules: %llu losses, %llu forks, "
           "%llu secrets left\n",
           (unsigned long long)tally->points, (unsigned long long)tally->pairs,
           (unsigned long long)tally->schedules,
           (unsigned long long)tally->verdicts[VERDICT_LOSS],
           (unsigned long long)tally->verdicts[VERDICT_FORK],
           (unsigned long long)tally->verdicts[VERDICT_LEFT]);
    return tally_faults(tally) == 0 ? 0 : 1;
}

// ---- points and pairs ------------------------------------------------------

static bool run_plan(const struct options *options, struct plan *plan,
                     struct tally *tally)
{
    char why[160];
    if (!plan_make(plan, why)) {
        printf("%s: not whole with nothing wrong: %s\n",
               trial_story_name(plan->story), why);
        tally->verdicts[VERDICT_LOSS]++;
        return true;
    }
    const struct workers_task points = {plan_run_point, plan, 0, plan->count};
    workers_job *again = options->is_full ? plan_run_pairs : plan_run_faults;
    const struct workers_task pairs = {again, plan, 0, plan->count};
    struct tally own = {0};
    bool is_run = workers_run(&points, &own) && workers_run(&pairs, &own);
    printf("%-10s anchor %s: %zu places, %llu points, %llu pairs\n",
           trial_story_name(plan->story),
           plan->anchor == ANCHOR_FILE ? "file" : "cell", plan->points,
           (unsigned long long)own.points, (unsigned long long)own.pairs);
    say_faults(&own);
    tally_add(tally, &own);
    return is_run;
}

static bool run_plans(const struct options *options, struct tally *tally)
{
    static struct plan plan;
    bool is_run = true;
    for (int story = 0; story < (int)STORIES; story++) {
        const char *name = trial_story_name((enum trial_story)story);
        if (options->story != NULL && strcmp(options->story, name) != 0) {
            continue;
        }
        for (int anchor = 0; anchor < (int)ANCHORS; anchor++) {
            plan = (struct plan){.story = (enum trial_story)story,
                                 .anchor = (enum trial_anchor)anchor,
                                 .seed = options->seed};
            is_run = run_plan(options, &plan, tally) && is_run;
            plan_close(&plan);
        }
    }
    return is_run;
}

// ---- schedules -------------------------------------------------------------

#define PART 5000u // schedules between two words about how far it is

static bool run_schedules(const struct options *options, struct tally *tally)
{
    bool is_run = true;
    for (uint64_t first = 0; first < options->schedules && is_run;
         first += PART) {
        uint64_t left = options->schedules - first;
        const struct workers_task task = {plan_run_schedule, &options->seed,
                                          first, left < PART ? left : PART};
        struct tally own = {0};
        is_run = workers_run(&task, &own);
        say_faults(&own);
        tally_add(tally, &own);
        if (left > PART) {
            fprintf(stderr, "%llu schedules\n",
                    (unsigned long long)tally->schedules);
        }
    }
    return is_run;
}

static int run(const struct options *options)
{
    struct tally tally = {0};
    bool is_run = run_plans(options, &tally) && run_schedules(options, &tally);
    int code = conclude(&tally);
    return is_run ? code : 3;
}

// ---- one trial -------------------------------------------------------------

static int replay(const char *text)
{
    const struct story_betrayal honest = {0};
    struct trial trial;
    if (!trial_parse(text, &trial)) {
        fprintf(stderr, "powercut: error: not a trial: %s\n", text);
        return 2;
    }
    struct machine *machine = story_run(&trial, &honest, true);
    bool is_whole = machine->verdict == VERDICT_WHOLE;
    printf("%s\n", is_whole ? "whole" : machine->why);
    printf("%u restarts, %zu of %zu events, epoch %llu, last alarm %s: %s\n",
           machine->lives, machine->next, trial.count,
           (unsigned long long)machine->device->rtp.state.trust.order.epoch,
           rtp_alarm_name(machine->device->seen.last.kind),
           machine->device->seen.last_text);
    machine_free(machine);
    return is_whole ? 0 : 1;
}

// ---- defects ---------------------------------------------------------------

struct defect {
    const char *name;
    enum trial_anchor anchor; // where it shows
    struct story_betrayal betrayal;
};

// How many trials of a rotation are not whole for it; 0 too where none ran.
static uint64_t count_seen(const struct options *options,
                           const struct defect *defect, struct tally *tally)
{
    static struct plan plan;
    char why[160];
    plan = (struct plan){.story = STORY_ROTATE,
                         .anchor = defect->anchor,
                         .seed = options->seed,
                         .betrayal = defect->betrayal};
    if (!plan_make(&plan, why)) {
        return 0;
    }
    const struct workers_task points = {plan_run_point, &plan, 0, plan.count};
    bool is_run = workers_run(&points, tally);
    plan_close(&plan);
    return is_run
               ? tally->verdicts[VERDICT_LOSS] + tally->verdicts[VERDICT_FORK]
               : 0;
}

static int prove(const struct options *options)
{
    static const struct defect DEFECTS[] = {
        {"syncing a file does nothing",     ANCHOR_FILE, {SIM_NO_SYNC, false}       },
        {"syncing a folder does nothing",
         ANCHOR_FILE,                                    {SIM_NO_FOLDER_SYNC, false}},
        {"neither does anything",           ANCHOR_FILE, {SIM_NO_ORDER, false}      },
        {"a rename can be torn",            ANCHOR_FILE, {SIM_TORN_RENAME, false}   },
        {"the anchor forgets what it said", ANCHOR_CELL, {SIM_HONEST, true}         },
    };
    int code = 0;
    for (size_t i = 0; i < sizeof DEFECTS / sizeof DEFECTS[0]; i++) {
        struct tally tally = {0};
        uint64_t seen = count_seen(options, &DEFECTS[i], &tally);
        printf("%s: of %llu points %llu losses, %llu forks%s\n",
               DEFECTS[i].name, (unsigned long long)tally.points,
               (unsigned long long)tally.verdicts[VERDICT_LOSS],
               (unsigned long long)tally.verdicts[VERDICT_FORK],
               seen == 0 ? ": NOT SEEN" : "");
        code = seen == 0 ? 1 : code;
    }
    return code;
}

// ---- options ---------------------------------------------------------------

static bool take_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    *number = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

static bool take_options(int count, char **words, struct options *options)
{
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : "";
        if (strcmp(words[i], "--full") == 0) {
            options->is_full = true;
        } else if (strcmp(words[i], "--prove") == 0) {
            options->is_proof = true;
        } else if (strcmp(words[i], "--replay") == 0) {
            options->replay = value;
            i++;
        } else if (strcmp(words[i], "--story") == 0) {
            options->story = value;
            i++;
        } else if (strcmp(words[i], "--schedules") == 0 &&
                   take_number(value, &options->schedules)) {
            i++;
        } else if (strcmp(words[i], "--seed") == 0 &&
                   take_number(value, &options->seed)) {
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int count, char **words)
{
    struct options options = {.schedules = 2000, .seed = 1};
    if (!take_options(count, words, &options)) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (!story_prepare()) {
        return 3;
    }
    int code = options.replay != NULL ? replay(options.replay)
               : options.is_proof     ? prove(&options)
                                      : run(&options);
    story_close();
    return code;
}
