// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/machine.h"
#include "test/powercut/images.h"

#define TURNS_MAX    600u // between two starts, answers or idle moments
#define ATTESTATIONS 2u   // in flight while the story goes on

static struct machine_start starts[STORIES][ANCHORS];

// ---- goals -----------------------------------------------------------------

static const struct chain_trust *trust_of(const struct machine *machine)
{
    return &machine->device->rtp.state.trust;
}

static bool is_generated(const struct machine *machine)
{
    return sim_is_steady(machine->device);
}

static void wait_for_it(struct machine *machine)
{
    (void)machine;
}

// Epochs are wanted by number: what was begun twice was asked for once.
static bool has_rotated(const struct machine *machine)
{
    return sim_is_steady(machine->device) &&
           trust_of(machine)->order.epoch >= machine->target;
}

static void rotate_for(struct machine *machine, uint32_t reason)
{
    if (sim_is_steady(machine->device) && !has_rotated(machine)) {
        operator_rotate(machine, reason);
    }
}

static void rotate(struct machine *machine)
{
    rotate_for(machine, WIRE_REASON_OPERATOR);
}

static void rotate_at_once(struct machine *machine)
{
    rotate_for(machine, WIRE_REASON_SECURITY_EVENT);
}

static bool has_recovered(const struct machine *machine)
{
    return sim_is_steady(machine->device) &&
           trust_of(machine)->order.incarnation == 1;
}

static void recover(struct machine *machine)
{
    bool is_paired = machine->device->rtp.channel.link == RTP_LINK_OPEN;
    if (is_paired && trust_of(machine)->order.incarnation == 0) {
        operator_recover(machine);
    }
}

// Cut, said so, and told to hold no more from now on.
static bool has_pruned(const struct machine *machine)
{
    const struct rtp *rtp = &machine->device->rtp;
    return sim_is_steady(machine->device) && rtp->log.start != 0 &&
           rtp->prune.keep == OPERATOR_KEEP && rtp_job_is_free(rtp) &&
           machine->operator.order_tag == 0;
}

static void prune(struct machine *machine)
{
    if (sim_is_steady(machine->device) && !has_pruned(machine)) {
        operator_prune(machine);
    }
}

static const struct machine_goal GOALS[STORIES] = {
    [STORY_GENERATE] = {wait_for_it,    is_generated       },
    [STORY_ROTATE] = {rotate,         has_rotated        },
    [STORY_EMERGENCY] = {rotate_at_once, has_rotated        },
    [STORY_RECOVER] = {recover,        has_recovered      },
    [STORY_UPDATE] = {images_update,  images_are_updated },
    [STORY_REVERT] = {images_update,  images_are_reverted},
    [STORY_PRUNE] = {prune,          has_pruned         },
};
static const struct machine_goal ONE_MORE = {rotate, has_rotated};

bool story_is_over(const struct machine *machine)
{
    return machine->goal->is_over(machine);
}

// ---- running ---------------------------------------------------------------

static void stand_still(struct machine *machine)
{
    const struct sim_device *device = machine->device;
    machine_condemn(
        machine, VERDICT_LOSS, "never came to its end: %s, %s, link %d; %s: %s",
        device->ap_is_up ? wire_state_name(enclave_state_code(&device->enclave))
                         : "AP down",
        device->rtp_is_up ? rtp_phase_name(device->rtp.state.phase)
                          : "RTP down",
        (int)device->rtp.channel.link, rtp_alarm_name(device->seen.last.kind),
        device->seen.last_text);
}

static bool pursue(struct machine *machine, const struct machine_goal *goal)
{
    machine->goal = goal;
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        machine_raise(machine);
        if (machine->verdict != VERDICT_WHOLE) {
            return false;
        }
        if (!machine_is_up(machine)) {
            machine->device->now_ms += 1000;
            continue;
        }
        if (goal->is_over(machine)) {
            return true;
        }
        goal->pursue(machine);
        if (machine->has_boot && !machine->device->is_cut) {
            images_attend(machine);
        }
        if (!machine->device->is_cut &&
            machine->operator.answered<ATTESTATIONS) {
            operator_attest(machine);
        }
        if (machine_is_up(machine)) {
            machine_live(machine);
        }
    }
    stand_still(machine);
    return false;
}

static bool is_answered(const struct machine *machine)
{
    return machine->operator.answered >= machine->target;
}

static const struct machine_goal AN_ANSWER = {operator_attest, is_answered};

// The end of a story, and that it is none: it answers, and rotates once more.
static void judge(struct machine *machine)
{
    machine->told = machine->point;
    machine->target = machine->operator.answered + 1u;
    if (!pursue(machine, &AN_ANSWER)) {
        return;
    }
    machine->target = trust_of(machine)->order.epoch + 1u;
    if (pursue(machine, &ONE_MORE)) {
        witness_judge(machine);
    }
}

struct machine *story_run(const struct trial *trial,
                          const struct story_betrayal *betrayal, bool is_loud)
{
    const struct machine_start *start = &starts[trial->story][trial->anchor];
    bool is_first = trial->story == STORY_GENERATE;
    struct machine *machine = machine_new(trial, is_first ? NULL : start);
    if (machine == NULL) {
        abort();
    }
    machine_betray(machine, betrayal->disk);
    machine->cell_forgets = betrayal->cell_forgets;
    machine->is_loud = is_loud;
    machine->target = start->order.epoch + 1u;
    images_choose(machine);
    if (pursue(machine, &GOALS[trial->story])) {
        judge(machine);
    }
    return machine;
}

// ---- where stories begin ---------------------------------------------------

// One that was dropped must be there; of a log that is to be cut, a quarter
// too many: then the cut goes on by itself where power stopped it.
#define FIRST_EPOCH 1u
#define PRUNE_EPOCH (OPERATOR_KEEP + OPERATOR_KEEP / 4u + 1u)
#define EACH_LIFE   12u // epochs: a witness holds the bodies of one

static bool live_on(struct machine *machine, uint64_t epoch)
{
    machine->target = epoch;
    return pursue(machine, &GOALS[STORY_GENERATE]) &&
           pursue(machine, &GOALS[STORY_ROTATE]);
}

// Goes on from `start` unless `epoch` is the first.
static bool prepare_to(enum trial_story story, enum trial_anchor anchor,
                       uint64_t epoch)
{
    const struct trial trial = {
        .story = STORY_ROTATE, .anchor = anchor, .seed = 1};
    struct machine_start *start = &starts[story][anchor];
    bool is_first = epoch == FIRST_EPOCH;
    struct machine *machine = machine_new(&trial, is_first ? NULL : start);
    if (machine == NULL) {
        return false;
    }
    bool is_made = (!is_first || images_provision(machine, story)) &&
                   live_on(machine, epoch);
    if (is_made) {
        machine_keep(machine, start);
    } else {
        fprintf(stderr, "powercut: error: %s: no start: %s\n",
                trial_story_name(story), machine->why);
    }
    machine_free(machine);
    return is_made;
}

static bool prepare(enum trial_story story, enum trial_anchor anchor)
{
    uint64_t last = story == STORY_PRUNE ? PRUNE_EPOCH : FIRST_EPOCH;
    uint64_t epoch = FIRST_EPOCH;
    bool is_made = prepare_to(story, anchor, epoch);
    while (is_made && epoch < last) {
        epoch = epoch + EACH_LIFE < last ? epoch + EACH_LIFE : last;
        is_made = prepare_to(story, anchor, epoch);
    }
    return is_made;
}

bool story_prepare(void)
{
    bool is_made = images_sign();
    for (int story = 0; story < (int)STORIES; story++) {
        for (int anchor = 0; anchor < (int)ANCHORS; anchor++) {
            machine_start_init(&starts[story][anchor]);
            is_made = is_made && (story == STORY_GENERATE ||
                                  prepare((enum trial_story)story,
                                          (enum trial_anchor)anchor));
        }
    }
    return is_made;
}

void story_close(void)
{
    for (int story = 0; story < (int)STORIES; story++) {
        for (int anchor = 0; anchor < (int)ANCHORS; anchor++) {
            machine_start_close(&starts[story][anchor]);
        }
    }
}
