// SPDX-License-Identifier: Apache-2.0
// Two slots for each component: one is tried while the other one waits.
//
//            install          activate           confirm
//     EMPTY ---------> READY ----------> TRIAL ----------> CONFIRMED
//       ^                                  | tries spent,      |
//       | vacate (inactive slots only)     | revert            | (stays as
//       `---- READY, FAILED, CONFIRMED     v                   |  fallback)
//                                        FAILED                v
//                                              activate: a trial again
//
// The functions change a struct; the caller makes the change durable:
//
//     boot_slots_choose(&slots, 0, &choice);      // spends a try
//     boot_slots_encode(&slots, record, &copy);
//     ... write `record` over that copy, fsync ...
//     boot_slots_commit(&slots);
//     ... only now run the image of that slot ...
//
// A cut at any point of the write leaves the state before it or after it.
// After a failed write decode both copies again; do not go on with `slots`.
// The record is not authenticated: who can write both copies can lower the
// floor.  doc/PROTOCOL.boot 3.
#ifndef ROTOR_BOOT_SLOTS_H
#define ROTOR_BOOT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/component.h"
#include "boot/image.h"
#include "boot/reason.h"

#define BOOT_SLOT_COUNT        2u
#define BOOT_SLOT_NONE         0xffu
#define BOOT_TRIES_MAX         15u
#define BOOT_SLOTS_RECORD_SIZE 256u
#define BOOT_SLOTS_COPIES      2u

enum boot_slot_state {
    BOOT_SLOT_EMPTY = 0,
    BOOT_SLOT_READY = 1,     // installed, never run
    BOOT_SLOT_TRIAL = 2,     // runs next, while it has tries left
    BOOT_SLOT_CONFIRMED = 3, // ran and was attested
    BOOT_SLOT_FAILED = 4,    // its trial ended without confirmation
    BOOT_SLOT_STATES = 5,    // count
};

struct boot_slot {
    enum boot_slot_state state;
    uint8_t tries_left; // TRIAL only
    uint32_t version;
    uint32_t security_version;
    uint8_t digest[BOOT_DIGEST_SIZE]; // SHA-512 of the installed image
};

struct boot_slots {
    uint64_t sequence; // of the last durable record; 0: none
    enum boot_component component;
    uint8_t active;                // confirmed slot to run, or BOOT_SLOT_NONE
    uint32_t floor;                // smallest security version; never falls
    enum boot_reason last_failure; // why the last trial or boot failed
    struct boot_slot slot[BOOT_SLOT_COUNT];
};

// A device on which nothing was installed yet.
void boot_slots_init(struct boot_slots *slots, enum boot_component component);

// Takes the newer one of the two copies that is whole.  A copy that was never
// written is empty bytes.
//
// *found is false when nothing was ever durable: no copy, or one torn copy
// and no other.  `slots` is then as boot_slots_init leaves it.
//
// ROTOR_CORRUPT  copies are there and none is whole: the floor is lost.  Not
//                to be mended by init, only by the operator.
ROTOR_CALL boot_slots_decode(const struct rotor_bytes copies[BOOT_SLOTS_COPIES],
                             enum boot_component component,
                             struct boot_slots *slots, bool *found);

// The next record, and which copy it replaces; `slots` is as it was.
//
// ROTOR_INVALID  decode would refuse it.
ROTOR_CALL boot_slots_encode(const struct boot_slots *slots,
                             uint8_t record[BOOT_SLOTS_RECORD_SIZE],
                             size_t *copy);

// Stage 0, after the record is durable.
void boot_slots_commit(struct boot_slots *slots);

struct boot_choice {
    uint8_t slot;    // run this one, if its image verifies and its digest fits
    bool is_trial;   // a try was spent: confirm or lose it
    bool is_changed; // store `slots` before the image runs
};

// Stage 0, once for each attempt to start the component.  Picks the trial
// while it has tries left, else the active slot, else the other confirmed
// one; never a slot of `refused` (a bit for each slot that this boot has
// refused) and none below the floor.  The slot is BOOT_SLOT_NONE when nothing
// may run; is_changed may be set then too: a trial has run out of tries.
void boot_slots_choose(struct boot_slots *slots, unsigned refused,
                       struct boot_choice *choice);

// Stage 0, after boot_image_verify: whether the accepted image is the one
// that was installed in `slot`.
bool boot_slot_holds(const struct boot_slots *slots, uint8_t slot,
                     const struct boot_header *header);

// Stage 0: `slot` was chosen and could not be run.  Ends a trial; a confirmed
// slot keeps its state, for its file may be mended.
ROTOR_CALL boot_slots_refuse(struct boot_slots *slots, uint8_t slot,
                             enum boot_reason reason);

// After the RTP has accepted the evidence of what runs from `slot`.  The slot
// becomes the active one and the floor rises to its security version.
// Confirming again changes nothing.
//
// ROTOR_FORBIDDEN  the slot could not have run: not TRIAL or CONFIRMED.
ROTOR_CALL boot_slots_confirm(struct boot_slots *slots, uint8_t slot);

// Ends the trial, whichever slot it is in; the active slot runs next.
//
// ROTOR_FORBIDDEN  no trial.
ROTOR_CALL boot_slots_revert(struct boot_slots *slots, enum boot_reason reason);

// Installing is two durable steps with the image bytes written in between:
// vacate the inactive slot, write its file, install what verified.  Vacating
// cancels a trial in that slot.
//
// ROTOR_FORBIDDEN  not EMPTY, or below the floor.
uint8_t boot_slots_vacate(struct boot_slots *slots);
ROTOR_CALL boot_slots_install(struct boot_slots *slots, uint8_t slot,
                              const struct boot_header *header);

// Puts the inactive slot (READY, or CONFIRMED to go back) on trial.
//
// ROTOR_INVALID    tries not in 1..BOOT_TRIES_MAX.
// ROTOR_FORBIDDEN  nothing there to try, or below the floor.
ROTOR_CALL boot_slots_activate(struct boot_slots *slots, uint8_t tries);

#endif
