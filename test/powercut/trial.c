// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const STORY_NAMES[STORIES] = {
    [STORY_GENERATE] = "generate",   [STORY_ROTATE] = "rotate",
    [STORY_EMERGENCY] = "emergency", [STORY_RECOVER] = "recover",
    [STORY_UPDATE] = "update",       [STORY_REVERT] = "revert",
    [STORY_PRUNE] = "prune",
};
static const char *const ANCHOR_NAMES[ANCHORS] = {"file", "cell"};
static const char *const VICTIMS[] = {
    [SIM_NOBODY] = "fail",
    [SIM_RTP] = "rtp",
    [SIM_AP] = "ap",
    [SIM_BOTH] = "both",
};
static const char *const FATES[] = {
    [SIM_FATE_LOST] = "lost",   [SIM_FATE_KEPT] = "kept",
    [SIM_FATE_NAMES] = "names", [SIM_FATE_BYTES] = "bytes",
    [SIM_FATE_HEAD] = "head",   [SIM_FATE_TAIL] = "tail",
    [SIM_FATE_DICE] = "dice",   [SIM_FATE_OPEN] = "killed",
};
static const char *const FAULTS[] = {
    [SIM_REFUSED] = "refused",
    [SIM_DOUBTED] = "doubted",
    [SIM_SHORT] = "short",
};

const char *trial_story_name(enum trial_story story)
{
    return STORY_NAMES[story];
}

static int print_event(const struct trial_event *event, char *text, size_t size)
{
    const struct sim_fate *fate = &event->fate;
    if (event->victim == SIM_NOBODY) {
        return snprintf(text, size, "%u.fail.%s", event->at,
                        FAULTS[event->fault]);
    }
    int used = snprintf(text, size, "%u.%s.%s", event->at,
                        VICTIMS[event->victim], FATES[fate->kind]);
    bool is_torn = fate->kind == SIM_FATE_HEAD || fate->kind == SIM_FATE_TAIL;
    if (is_torn || fate->kind == SIM_FATE_DICE) {
        used += snprintf(text + used, size - (size_t)used, "%llu",
                         is_torn ? (unsigned long long)fate->sectors
                                 : (unsigned long long)fate->dice);
    }
    return used;
}

void trial_print(const struct trial *trial, char text[TRIAL_TEXT])
{
    int used =
        snprintf(text, TRIAL_TEXT, "%s/%s@%llu", STORY_NAMES[trial->story],
                 ANCHOR_NAMES[trial->anchor], (unsigned long long)trial->seed);
    for (size_t i = 0; i < trial->count; i++) {
        text[used++] = i == 0 ? ':' : ',';
        used += print_event(&trial->events[i], text + used,
                            TRIAL_TEXT - (size_t)used);
    }
}

// The entry of `names` that `text` begins with; moves behind it.  -1: none.
static int find(const char **text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = names[i] == NULL ? 0 : strlen(names[i]);
        if (size != 0 && strncmp(*text, names[i], size) == 0) {
            *text += size;
            return (int)i;
        }
    }
    return -1;
}

static bool skip(const char **text, char wanted)
{
    bool is_there = **text == wanted;
    *text += is_there ? 1 : 0;
    return is_there;
}

static uint64_t number(const char **text)
{
    char *end = NULL;
    uint64_t value = strtoull(*text, &end, 10);
    *text = end;
    return value;
}

#define FIND(text, names) find(text, names, sizeof(names) / sizeof(names)[0])

static bool parse_event(const char **text, struct trial_event *event)
{
    *event = (struct trial_event){.at = (unsigned)number(text)};
    bool is_begun = event->at != 0 && skip(text, '.');
    int victim = is_begun ? FIND(text, VICTIMS) : -1;
    if (victim < 0 || !skip(text, '.')) {
        return false;
    }
    event->victim = (enum sim_side)victim;
    if (event->victim == SIM_NOBODY) {
        int fault = FIND(text, FAULTS);
        event->fault = (enum sim_outcome)fault;
        return fault > 0;
    }
    int fate = FIND(text, FATES);
    if (fate < 0) {
        return false;
    }
    event->fate.kind = (enum sim_fate_kind)fate;
    uint64_t more = number(text);
    event->fate.sectors = (unsigned)more;
    event->fate.dice = more;
    return true;
}

bool trial_parse(const char *text, struct trial *trial)
{
    *trial = (struct trial){0};
    int story = FIND(&text, STORY_NAMES);
    int anchor = skip(&text, '/') ? FIND(&text, ANCHOR_NAMES) : -1;
    if (story < 0 || anchor < 0 || !skip(&text, '@')) {
        return false;
    }
    trial->story = (enum trial_story)story;
    trial->anchor = (enum trial_anchor)anchor;
    trial->seed = number(&text);
    bool has_more = skip(&text, ':');
    while (has_more) {
        if (trial->count == TRIAL_EVENTS ||
            !parse_event(&text, &trial->events[trial->count++])) {
            return false;
        }
        has_more = skip(&text, ',');
    }
    return *text == '\0';
}
