// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/choose.h"

#include <stdio.h>

#include "base/bytes.h"
#include "boot/verdict.h"
#include "port/linux/folder.h"
#include "port/linux/slots.h"

// Accepts the image of one slot, or says why not.
static enum boot_reason take_slot(int boot_folder,
                                  const struct boot_slots *slots, uint8_t slot,
                                  struct chosen_image *chosen)
{
    if (linux_image_open(boot_folder, slots->component, slot, &chosen->file) !=
        ROTOR_OK) {
        return BOOT_TRUNCATED;
    }
    const struct boot_image_check check = {chosen->file, &chosen->keyring,
                                           slots->component, slots->floor};
    uint32_t verdict = BOOT_REJECTED;
    enum boot_reason reason = BOOT_UNDECIDED;
    enum rotor_status status =
        boot_image_verify(&check, &verdict, &reason, &chosen->parts);
    if (status == ROTOR_OK && boot_verdict_is_accepted(&verdict)) {
        if (boot_slot_holds(slots, slot, &chosen->parts.header)) {
            chosen->slot = slot;
            return BOOT_GENUINE;
        }
        reason = BOOT_IMAGE_CHANGED;
    }
    linux_image_close(&chosen->file);
    return reason == BOOT_GENUINE ? BOOT_FAULT : reason;
}

static enum rotor_status try_slots(int boot_folder, struct boot_slots *slots,
                                   struct chosen_image *chosen)
{
    unsigned refused = 0;
    for (unsigned attempt = 0; attempt <= BOOT_SLOT_COUNT; attempt++) {
        struct boot_choice choice;
        boot_slots_choose(slots, refused, &choice);
        // The try is spent before the image runs.
        if (choice.is_changed) {
            TRY(linux_slots_write(boot_folder, slots));
        }
        if (choice.slot == BOOT_SLOT_NONE) {
            break;
        }
        enum boot_reason reason =
            take_slot(boot_folder, slots, choice.slot, chosen);
        if (reason == BOOT_GENUINE) {
            chosen->is_trial = choice.is_trial;
            return ROTOR_OK;
        }
        fprintf(stderr, "rotord: warning: %s: slot %c refused: %s\n",
                linux_component_name(slots->component),
                choice.slot == 0 ? 'a' : 'b', boot_reason_text(reason));
        refused |= 1u << choice.slot;
        TRY(boot_slots_refuse(slots, choice.slot, reason));
        TRY(linux_slots_write(boot_folder, slots));
    }
    return ROTOR_FORBIDDEN;
}

enum rotor_status choose_image(int boot_folder, enum boot_component component,
                               struct chosen_image *chosen)
{
    struct boot_slots slots;
    if (linux_keyring_read(boot_folder, &chosen->keyring) != ROTOR_OK ||
        chosen->keyring.count == 0) {
        return ROTOR_INVALID;
    }
    // What is booted by must be what the next start reads.
    TRY(linux_folder_settle(boot_folder));
    TRY(linux_slots_read(boot_folder, component, &slots));
    return try_slots(boot_folder, &slots, chosen);
}
