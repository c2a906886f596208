// SPDX-License-Identifier: Apache-2.0
#include "boot/slots.h"

#include <string.h>

void boot_slots_init(struct boot_slots *slots, enum boot_component component)
{
    *slots = (struct boot_slots){
        .component = component,
        .active = BOOT_SLOT_NONE,
    };
}

// The slot that an update may overwrite: the one that is not active.
static uint8_t inactive_of(const struct boot_slots *slots)
{
    return slots->active == 0 ? 1 : 0;
}

static uint8_t trial_of(const struct boot_slots *slots)
{
    for (uint8_t i = 0; i < BOOT_SLOT_COUNT; i++) {
        if (slots->slot[i].state == BOOT_SLOT_TRIAL) {
            return i;
        }
    }
    return BOOT_SLOT_NONE;
}

static void end_trial(struct boot_slots *slots, uint8_t slot,
                      enum boot_reason reason)
{
    slots->slot[slot].state = BOOT_SLOT_FAILED;
    slots->slot[slot].tries_left = 0;
    slots->last_failure = reason;
}

static bool may_run(const struct boot_slots *slots, uint8_t slot,
                    unsigned refused)
{
    const struct boot_slot *here = &slots->slot[slot];
    bool is_runnable =
        here->state == BOOT_SLOT_TRIAL || here->state == BOOT_SLOT_CONFIRMED;
    return is_runnable && (refused >> slot & 1u) == 0 &&
           here->security_version >= slots->floor;
}

// The active slot, else the other confirmed one, else none.  No trial is left
// that may run.
static uint8_t fallback_of(const struct boot_slots *slots, unsigned refused)
{
    if (slots->active != BOOT_SLOT_NONE &&
        may_run(slots, slots->active, refused)) {
        return slots->active;
    }
    uint8_t other = inactive_of(slots);
    return may_run(slots, other, refused) ? other : BOOT_SLOT_NONE;
}

void boot_slots_choose(struct boot_slots *slots, unsigned refused,
                       struct boot_choice *choice)
{
    *choice = (struct boot_choice){.slot = BOOT_SLOT_NONE};
    uint8_t trial = trial_of(slots);
    if (trial != BOOT_SLOT_NONE && slots->slot[trial].tries_left == 0) {
        end_trial(slots, trial, BOOT_TRIES_SPENT);
        choice->is_changed = true;
        trial = BOOT_SLOT_NONE;
    }
    if (trial != BOOT_SLOT_NONE && may_run(slots, trial, refused)) {
        slots->slot[trial].tries_left--;
        *choice = (struct boot_choice){trial, true, true};
        return;
    }
    choice->slot = fallback_of(slots, refused);
}

bool boot_slot_holds(const struct boot_slots *slots, uint8_t slot,
                     const struct boot_header *header)
{
    return slot < BOOT_SLOT_COUNT && header->component == slots->component &&
           memcmp(slots->slot[slot].digest, header->digest, BOOT_DIGEST_SIZE) ==
               0;
}

enum rotor_status boot_slots_refuse(struct boot_slots *slots, uint8_t slot,
                                    enum boot_reason reason)
{
    if (slot >= BOOT_SLOT_COUNT) {
        return ROTOR_INVALID;
    }
    if (slots->slot[slot].state == BOOT_SLOT_TRIAL) {
        end_trial(slots, slot, reason);
    }
    slots->last_failure = reason;
    return ROTOR_OK;
}

enum rotor_status boot_slots_confirm(struct boot_slots *slots, uint8_t slot)
{
    if (slot >= BOOT_SLOT_COUNT) {
        return ROTOR_INVALID;
    }
    struct boot_slot *here = &slots->slot[slot];
    if (!may_run(slots, slot, 0)) {
        return ROTOR_FORBIDDEN;
    }
    here->state = BOOT_SLOT_CONFIRMED;
    here->tries_left = 0;
    slots->active = slot;
    slots->floor = here->security_version; // not below it: may_run
    return ROTOR_OK;
}

enum rotor_status boot_slots_revert(struct boot_slots *slots,
                                    enum boot_reason reason)
{
    uint8_t trial = trial_of(slots);
    if (trial == BOOT_SLOT_NONE) {
        return ROTOR_FORBIDDEN;
    }
    end_trial(slots, trial, reason);
    return ROTOR_OK;
}

uint8_t boot_slots_vacate(struct boot_slots *slots)
{
    uint8_t slot = inactive_of(slots);
    slots->slot[slot] = (struct boot_slot){.state = BOOT_SLOT_EMPTY};
    return slot;
}

enum rotor_status boot_slots_install(struct boot_slots *slots, uint8_t slot,
                                     const struct boot_header *header)
{
    if (slot >= BOOT_SLOT_COUNT || header->component != slots->component) {
        return ROTOR_INVALID;
    }
    if (slots->slot[slot].state != BOOT_SLOT_EMPTY ||
        header->security_version < slots->floor) {
        return ROTOR_FORBIDDEN;
    }
    struct boot_slot installed = {
        .state = BOOT_SLOT_READY,
        .version = header->version,
        .security_version = header->security_version,
    };
    memcpy(installed.digest, header->digest, sizeof installed.digest);
    slots->slot[slot] = installed;
    return ROTOR_OK;
}

enum rotor_status boot_slots_activate(struct boot_slots *slots, uint8_t tries)
{
    if (tries == 0 || tries > BOOT_TRIES_MAX) {
        return ROTOR_INVALID;
    }
    struct boot_slot *here = &slots->slot[inactive_of(slots)];
    bool can_try =
        here->state == BOOT_SLOT_READY || here->state == BOOT_SLOT_CONFIRMED;
    if (!can_try || here->security_version < slots->floor) {
        return ROTOR_FORBIDDEN;
    }
    here->state = BOOT_SLOT_TRIAL;
    here->tries_left = tries;
    return ROTOR_OK;
}
