// SPDX-License-Identifier: Apache-2.0
// The factory reset: the root of trust and its log end on this device, the
// next start makes new ones.  doc/PROTOCOL.rot 7.1.
//
// Kept: the device secret, the anchor (the new state follows what it names),
// images, keyring and floor.  Kept aside: what the RTP had, as STATE/rtp.old.N.
//
//     STATE/reset          the order, with N: durable before anything is moved
//     STATE/enclave/reset  the mark that lets the enclave start over
//
// A cut at any point is finished by the next start of rotord.
#ifndef ROTOR_APP_ROTORD_RESET_H
#define ROTOR_APP_ROTORD_RESET_H

#include <stdbool.h>
#include <stddef.h>

#define RESET_NAME_SIZE 32u

// Orders the reset and carries it out.  `aside` is then the folder, below
// STATE, that has what the RTP had.  The caller holds the lock of STATE.
// False: errno says why; what was ordered is finished by reset_resume.
bool reset_device(int state_folder, char aside[RESET_NAME_SIZE]);

// At start, before RTP and enclave run: finishes a reset that was cut.
bool reset_resume(int state_folder);

#endif
