// SPDX-License-Identifier: Apache-2.0
// One trial: a story, and what goes wrong in it where.
//
// Everything that a trial does follows from this struct; its text form can be
// given back to --replay:
//
//     rotate/file@1:17.ap.head3,5.both.dice77
//     story anchor seed  |         `- at point 5 of the recovery, both sides,
//                        |            promises kept by the throw of seed 77
//                        `- at point 17 power leaves the AP; three sectors of
//                           the write in flight are on the disk
//
// 9.rtp.killed: the program ends at point 9, power stays; what it wrote is
// there for who reads, and as unsafe as it was.
//
// Points are counted from the last start after a cut: each call that changes a
// disk, each advance of the anchor, each frame that reaches a side.
#ifndef ROTOR_TEST_POWERCUT_TRIAL_H
#define ROTOR_TEST_POWERCUT_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/device.h"
#include "test/sim/disk.h"

enum trial_story {
    STORY_GENERATE = 0,
    STORY_ROTATE,
    STORY_EMERGENCY,
    STORY_RECOVER,
    STORY_UPDATE, // an image that is attested, and confirmed
    STORY_REVERT, // one that is not, and given up
    STORY_PRUNE,  // the RTP's log loses its oldest entries
    STORIES,
};

enum trial_anchor {
    ANCHOR_FILE = 0, // in the store, as where there is no TPM
    ANCHOR_CELL,     // a cell of its own, as a TPM's
    ANCHORS,
};

struct trial_event {
    unsigned at;            // point, from 1
    enum sim_side victim;   // SIM_NOBODY: no cut; the call fails
    struct sim_fate fate;   // of a cut
    enum sim_outcome fault; // REFUSED, DOUBTED, SHORT
};

#define TRIAL_EVENTS 8u
#define TRIAL_TEXT   256u

struct trial {
    enum trial_story story;
    enum trial_anchor anchor;
    uint64_t seed;
    size_t count;
    struct trial_event events[TRIAL_EVENTS];
};

const char *trial_story_name(enum trial_story story);
void trial_print(const struct trial *trial, char text[TRIAL_TEXT]);
bool trial_parse(const char *text, struct trial *trial);

#endif
