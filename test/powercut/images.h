// SPDX-License-Identifier: Apache-2.0
// Two images of the enclave, and who installs, starts and judges them: rotor
// image install and rotord, by the functions that those call.
#ifndef ROTOR_TEST_POWERCUT_IMAGES_H
#define ROTOR_TEST_POWERCUT_IMAGES_H

#include <stdbool.h>

#include "test/powercut/machine.h"

// Signs both images, once.
bool images_sign(void);

// For a story about images: the old one installed and confirmed, and its
// enclave is what starts.  For any other one nothing.
bool images_provision(struct machine *machine, enum trial_story story);

// What the RTP accepts: in a story that reverts, the old image only.
void images_choose(struct machine *machine);

// The next step of an update: install, restart, confirm or end the trial.
void images_update(struct machine *machine);
bool images_are_updated(const struct machine *machine);
bool images_are_reverted(const struct machine *machine);

#endif
