// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/images.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/boot_maker.h"

#define OLD_CODE 0x21u // first byte: stands for all of it
#define NEW_CODE 0x77u
#define TRIES    2u
#define TRIAL_MS 20000u // what is not attested by then is ended

static struct maker old_image;
static struct maker new_image;
static struct wire_digest measurements[2]; // old, new

static void sign(struct maker *maker, uint8_t code, uint32_t security_version)
{
    maker_open(maker, CRYPTO_P256, false);
    memset(maker->image, code, sizeof maker->image);
    struct rotor_bytes image = BYTES_OF(maker->image);
    assert_ok(crypto_hash(CRYPTO_SHA512, &image, 1, maker->header.digest));
    maker->header.security_version = security_version;
    maker_sign(maker);
    maker_close(maker);
}

static bool measure(struct sim_device *device, uint8_t code,
                    struct wire_digest *measurement)
{
    bool is_made = sim_install_image(device, code) == ROTOR_OK;
    *measurement = device->measurement;
    return is_made;
}

bool images_sign(void)
{
    struct sim_device *device = sim_device_new(1);
    sign(&old_image, OLD_CODE, 7);
    sign(&new_image, NEW_CODE, 8);
    bool is_made = device != NULL &&
                   measure(device, OLD_CODE, &measurements[0]) &&
                   measure(device, NEW_CODE, &measurements[1]);
    sim_device_free(device);
    return is_made;
}

static bool is_about_images(enum trial_story story)
{
    return story == STORY_UPDATE || story == STORY_REVERT;
}

void images_choose(struct machine *machine)
{
    struct verify_reference *reference = &machine->device->reference;
    machine->has_boot = is_about_images(machine->trial->story);
    if (machine->has_boot) {
        reference->measurements = measurements;
        reference->measurement_count =
            machine->trial->story == STORY_UPDATE ? 2 : 1;
    }
}

static bool read_slots(struct machine *machine, struct boot_slots *slots)
{
    sim_disk_mount(BOOT_FOLDER, &machine->disks[DISK_BOOT]);
    return linux_slots_read(BOOT_FOLDER, BOOT_ENCLAVE, slots) == ROTOR_OK;
}

static enum rotor_status install(struct boot_slots *slots,
                                 const struct maker *maker)
{
    return linux_image_install(BOOT_FOLDER, slots, &maker->header,
                               bytes_of(maker->file, maker->size), TRIES);
}

bool images_provision(struct machine *machine, enum trial_story story)
{
    struct boot_slots slots;
    if (!is_about_images(story)) {
        return true;
    }
    if (!read_slots(machine, &slots) ||
        linux_keyring_write(BOOT_FOLDER, &old_image.keyring) != ROTOR_OK ||
        install(&slots, &old_image) != ROTOR_OK) {
        return false;
    }
    const struct linux_running running = {0, 7};
    machine->has_boot = true;
    return linux_slots_judge(BOOT_FOLDER, BOOT_ENCLAVE, &running, true) ==
           ROTOR_OK;
}

// ---- an update -------------------------------------------------------------

static bool holds_new(const struct boot_slot *slot)
{
    return memcmp(slot->digest, new_image.header.digest, BOOT_DIGEST_SIZE) == 0;
}

// What the record says, without a look at the disk that could fail.
static bool read_as_is(const struct machine *machine, struct boot_slots *slots)
{
    const struct sim_disk *disk = &machine->disks[DISK_BOOT];
    const struct rotor_bytes copies[] = {
        sim_disk_look(disk, "enclave.slots.0"),
        sim_disk_look(disk, "enclave.slots.1"),
    };
    bool found = false;
    return boot_slots_decode(copies, BOOT_ENCLAVE, slots, &found) == ROTOR_OK &&
           found;
}

static uint64_t sequence_as_is(const struct machine *machine)
{
    struct boot_slots slots;
    return read_as_is(machine, &slots) ? slots.sequence : 0;
}

void images_check_record(struct machine *machine)
{
    uint64_t sequence = sequence_as_is(machine);
    if (sequence < machine->boot_sequence) {
        machine_condemn(machine, VERDICT_LOSS,
                        "the boot record went back from %llu to %llu",
                        (unsigned long long)machine->boot_sequence,
                        (unsigned long long)sequence);
    }
}

void images_note_record(struct machine *machine)
{
    machine->boot_sequence = sequence_as_is(machine);
}

void images_attend(struct machine *machine)
{
    struct sim_device *device = machine->device;
    bool is_attested = rtp_is_attested(&device->rtp) && sim_is_steady(device);
    bool is_refused =
        machine->is_on_trial &&
        device->seen.alarms[RTP_ALARM_EVIDENCE] != machine->refused_before;
    bool is_due = is_refused || (is_attested && !machine->is_judged);
    if (is_due &&
        linux_slots_judge(BOOT_FOLDER, BOOT_ENCLAVE, &machine->running,
                          is_attested) == ROTOR_OK) {
        images_note_record(machine);
        machine->is_judged = true;
        machine->is_on_trial = machine->is_on_trial && !is_attested;
    }
    bool is_late = device->now_ms >= machine->started_ms + TRIAL_MS;
    if (machine->is_on_trial && !is_attested && (is_refused || is_late)) {
        sim_kill_ap(device);
    }
}

void images_update(struct machine *machine)
{
    struct boot_slots slots;
    if (!read_slots(machine, &slots)) {
        return;
    }
    const struct boot_slot *other = &slots.slot[slots.active == 0 ? 1 : 0];
    bool is_settled =
        slots.active != BOOT_SLOT_NONE && holds_new(&slots.slot[slots.active]);
    bool is_failed = other->state == BOOT_SLOT_FAILED &&
                     machine->trial->story == STORY_UPDATE;
    if (!is_settled && (!holds_new(other) || is_failed)) {
        // The second time where cuts took the tries of the first.
        (void)!install(&slots, &new_image);
    } else if (!is_settled && machine->running_code != NEW_CODE &&
               other->state == BOOT_SLOT_TRIAL) {
        sim_kill_ap(machine->device); // rotor image activate --now
    }
}

bool images_are_updated(const struct machine *machine)
{
    struct boot_slots slots;
    return sim_is_steady(machine->device) &&
           machine->running_code == NEW_CODE && read_as_is(machine, &slots) &&
           slots.active != BOOT_SLOT_NONE &&
           holds_new(&slots.slot[slots.active]) && slots.floor == 8;
}

bool images_are_reverted(const struct machine *machine)
{
    struct boot_slots slots;
    if (!sim_is_steady(machine->device) || machine->running_code != OLD_CODE ||
        !read_as_is(machine, &slots) || slots.active == BOOT_SLOT_NONE ||
        slots.floor != 7) {
        return false;
    }
    const struct boot_slot *other = &slots.slot[slots.active == 0 ? 1 : 0];
    return !holds_new(&slots.slot[slots.active]) && holds_new(other) &&
           other->state == BOOT_SLOT_FAILED;
}
