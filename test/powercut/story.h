// SPDX-License-Identifier: Apache-2.0
// What the device is made to do, from start to end, whatever goes wrong.
#ifndef ROTOR_TEST_POWERCUT_STORY_H
#define ROTOR_TEST_POWERCUT_STORY_H

#include "test/powercut/machine.h"

// Makes where each story begins, once: without that no trial runs.  False: it
// could not be made, which is said on stderr.
bool story_prepare(void);
void story_close(void);

// Defects to plant; all zero: none.
struct story_betrayal {
    enum sim_betrayal disk;
    bool cell_forgets;
};

// Runs one trial and judges it; the caller frees the machine.
struct machine *story_run(const struct trial *trial,
                          const struct story_betrayal *betrayal, bool is_loud);

bool story_is_over(const struct machine *machine);

#endif
