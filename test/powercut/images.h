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

// rotord's part while an image runs: the RTP's word decides about it, or time.
void images_attend(struct machine *machine);

// The next step of an update: install, restart.
void images_update(struct machine *machine);
bool images_are_updated(const struct machine *machine);
bool images_are_reverted(const struct machine *machine);

// Something was done by the boot record as it is: no later start may find an
// older one.
void images_note_record(struct machine *machine);
void images_check_record(struct machine *machine);

#endif
