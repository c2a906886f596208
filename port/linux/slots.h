// SPDX-License-Identifier: Apache-2.0
// Slot records, images and keyring as files of a device's boot folder:
//
//     keyring                    who may sign
//     enclave.slots.0 .slots.1   two copies of the record, written in turn
//     enclave.a       .b         images; the same for rtp
//     lock                       one writer at a time
#ifndef ROTOR_PORT_LINUX_SLOTS_H
#define ROTOR_PORT_LINUX_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/slots.h"

// "rtp", "enclave"; never NULL.
const char *linux_component_name(enum boot_component component);

// Waits until no other process changes slots; close the descriptor to let go.
ROTOR_CALL linux_slots_lock(int boot_folder, int *lock);

// The same for stage 0, of which there is one for each component: those of two
// components run side by side, since each changes the record of its own only.
ROTOR_CALL linux_slots_share(int boot_folder, int *lock);

// *slots is as boot_slots_init leaves it where nothing was stored yet.
//
// ROTOR_CORRUPT  both copies are torn: the rollback floor is lost.
ROTOR_CALL linux_slots_read(int boot_folder, enum boot_component component,
                            struct boot_slots *slots);

// Durable when it returns; `slots` then carries the new sequence number.
ROTOR_CALL linux_slots_write(int boot_folder, struct boot_slots *slots);

// An image that stage 0 started.
struct linux_running {
    uint8_t slot;
    uint32_t security_version;
};

// What the RTP found out about it: a slot that was attested is confirmed, of
// one that was not the trial ends.  Writes nothing where nothing changes.
//
// ROTOR_FORBIDDEN  it is not what runs by the record, or there is no trial.
// ROTOR_CORRUPT    as linux_slots_read.
ROTOR_CALL linux_slots_judge(int boot_folder, enum boot_component component,
                             const struct linux_running *running,
                             bool is_attested);

// *keyring.count is 0 where no keyring was pinned yet.
//
// ROTOR_MALFORMED  the file is not a keyring.
ROTOR_CALL linux_keyring_read(int boot_folder, struct boot_keyring *keyring);
ROTOR_CALL linux_keyring_write(int boot_folder,
                               const struct boot_keyring *keyring);

// The whole file of one slot, mapped privately (a copy: who writes the file
// later changes nothing here).  The caller unmaps file->data.
//
// ROTOR_MALFORMED    no such file, or empty, or larger than an image may be.
ROTOR_CALL linux_image_open(int boot_folder, enum boot_component component,
                            uint8_t slot, struct rotor_bytes *file);
void linux_image_close(struct rotor_bytes *file);

// Replaces the file of one slot, durably.
ROTOR_CALL linux_image_write(int boot_folder, enum boot_component component,
                             uint8_t slot, struct rotor_bytes file);

// Installs a verified image into the slot that does not run, in the order that
// a cut survives: the slot is emptied, the file written, the slot filled.
// With `tries` it is on trial, in the same record.  `slots` as read under the
// lock.  doc/PROTOCOL.boot 3.
//
// ROTOR_FORBIDDEN    below the rollback floor.
// ROTOR_PORT_FAILED  a write; what runs is untouched.
ROTOR_CALL linux_image_install(int boot_folder, struct boot_slots *slots,
                               const struct boot_header *header,
                               struct rotor_bytes file, uint8_t tries);

#endif
