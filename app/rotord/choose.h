// SPDX-License-Identifier: Apache-2.0
// Which image of a component runs: stage 0's answer from the boot folder.
// doc/PROTOCOL.boot 3.
#ifndef ROTOR_APP_ROTORD_CHOOSE_H
#define ROTOR_APP_ROTORD_CHOOSE_H

#include <stdbool.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/image.h"

struct chosen_image {
    struct rotor_bytes file; // whole, a private copy: linux_image_close
    struct boot_parts parts; // views into it
    struct boot_keyring keyring;
    uint8_t slot;
    bool is_trial;
};

// Takes the slot that is due, verifies its image, falls back on the other one;
// says on stderr which slot was refused and why.  A try is spent, durably,
// before the image runs.  The caller holds the lock of the slots.
//
// ROTOR_INVALID      no keyring was pinned, or it is damaged.
// ROTOR_CORRUPT      both records are damaged: the rollback floor is lost.
// ROTOR_FORBIDDEN    no image may run.
// ROTOR_PORT_FAILED  the record could not be read or written.
ROTOR_CALL choose_image(int boot_folder, enum boot_component component,
                        struct chosen_image *chosen);

#endif
