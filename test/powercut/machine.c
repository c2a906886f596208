// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotord/choose.h"
#include "test/powercut/images.h"
#include "test/powercut/story.h"

#define WAIT_MAX_MS 60000u // of simulated time, in one go

// ---- what lasts ------------------------------------------------------------

void machine_start_init(struct machine_start *start)
{
    memset(start, 0, sizeof *start);
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_init(&start->disks[i]);
    }
}

void machine_start_close(struct machine_start *start)
{
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_close(&start->disks[i]);
    }
}

void machine_keep(const struct machine *machine, struct machine_start *start)
{
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_copy(&start->disks[i], &machine->disks[i]);
    }
    memcpy(start->cell, machine->cell, sizeof start->cell);
    start->order = machine->device->rtp.state.trust.order;
}

static void take_start(struct machine *machine,
                       const struct machine_start *start)
{
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_copy(&machine->disks[i], &start->disks[i]);
    }
    memcpy(machine->cell, start->cell, sizeof machine->cell);
    memcpy(machine->safe_cell, start->cell, sizeof machine->cell);
}

struct machine *machine_new(const struct trial *trial,
                            const struct machine_start *start)
{
    struct machine *machine = calloc(1, sizeof *machine);
    struct sim_device *device = sim_device_new(trial->seed);
    if (machine == NULL || device == NULL) {
        free(machine);
        sim_device_free(device);
        return NULL;
    }
    machine->device = device;
    machine->trial = trial;
    machine->anchor = trial->anchor;
    device->identity.anchor_kind = trial->anchor == ANCHOR_CELL ? 1 : 0;
    device->config.policy.ra = *operator_authority();
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_init(&machine->disks[i]);
    }
    if (start != NULL) {
        take_start(machine, start);
    }
    machine_furnish(machine);
    operator_init(&machine->operator, trial->seed);
    return machine;
}

void machine_free(struct machine *machine)
{
    machine_forget_beside();
    sim_device_free(machine->device);
    for (size_t i = 0; i < DISKS; i++) {
        sim_disk_close(&machine->disks[i]);
    }
    free(machine);
}

void machine_betray(struct machine *machine, enum sim_betrayal betrayal)
{
    for (size_t i = 0; i < DISKS; i++) {
        machine->disks[i].betrayal = betrayal;
    }
}

void machine_condemn(struct machine *machine, enum verdict verdict,
                     const char *format, ...)
{
    if (machine->verdict != VERDICT_WHOLE) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    machine->verdict = verdict;
    (void)vsnprintf(machine->why, sizeof machine->why, format, arguments);
    va_end(arguments);
}

// ---- points ----------------------------------------------------------------

static void note_debts(const struct machine *machine, struct point *point)
{
    for (size_t i = 0; i < DISKS; i++) {
        enum sim_side side = i == DISK_AP ? SIM_AP : SIM_RTP;
        bool names = sim_disk_owes_names(&machine->disks[i]);
        bool bytes = sim_disk_owes_bytes(&machine->disks[i]);
        point->owes_names[side] = point->owes_names[side] || names;
        point->owes_bytes[side] = point->owes_bytes[side] || bytes;
        point->owes_names[SIM_BOTH] = point->owes_names[SIM_BOTH] || names;
        point->owes_bytes[SIM_BOTH] = point->owes_bytes[SIM_BOTH] || bytes;
    }
}

void machine_name_point(const struct point *point, char text[48])
{
    static const char *const CALLS[] = {
        [SIM_OPEN] = "open",         [SIM_WRITE] = "write",
        [SIM_SYNC] = "sync",         [SIM_SYNC_FOLDER] = "sync folder",
        [SIM_TRUNCATE] = "truncate", [SIM_RENAME] = "rename",
        [SIM_UNLINK] = "unlink",
    };
    const char *side = point->side == SIM_AP ? "ap" : "rtp";
    if (point->is_frame) {
        (void)snprintf(text, 48, "frame %02x to %s", point->type, side);
    } else {
        (void)snprintf(text, 48, "%s %s %zu", side,
                       point->is_advance ? "advance" : CALLS[point->call],
                       point->size);
    }
}

static void say(const struct machine *machine, const struct point *point)
{
    char text[48];
    machine_name_point(point, text);
    printf("%3u %s\n", machine->point, text);
}

static enum sim_outcome happen(struct machine *machine,
                               const struct trial_event *event,
                               enum sim_side side)
{
    machine->next++;
    if (machine->is_loud) {
        printf("    here\n");
    }
    if (event->victim == SIM_NOBODY) {
        return event->fault;
    }
    machine->fate = event->fate;
    sim_cut_power(machine->device, event->victim);
    if ((event->victim & side) == 0) {
        return SIM_DONE;
    }
    return event->fate.kind == SIM_FATE_OPEN ? SIM_UNHEARD : SIM_POWERLESS;
}

enum sim_outcome machine_meet(struct machine *machine,
                              const struct point *point)
{
    const struct trial *trial = machine->trial;
    if (sim_is_dead(machine->device, point->side)) {
        return SIM_UNHEARD;
    }
    if (machine->point < POINTS_MAX) {
        struct point *traced = &machine->trace[machine->point];
        *traced = *point;
        note_debts(machine, traced);
    }
    machine->point++;
    if (machine->is_loud) {
        say(machine, point);
    }
    bool is_due = machine->next < trial->count && !machine->device->is_cut &&
                  trial->events[machine->next].at == machine->point;
    return is_due ? happen(machine, &trial->events[machine->next], point->side)
                  : SIM_DONE;
}

// ---- power -----------------------------------------------------------------

static void settle(struct machine *machine, enum sim_side dead)
{
    if ((dead & SIM_AP) != 0) {
        sim_disk_settle(&machine->disks[DISK_AP], &machine->fate);
        if (machine->fate.kind != SIM_FATE_OPEN) {
            memcpy(machine->cell, machine->safe_cell, sizeof machine->cell);
        }
        sim_kill_ap(machine->device);
        machine_forget_beside();
    }
    if ((dead & SIM_RTP) != 0) {
        sim_disk_settle(&machine->disks[DISK_RTP], &machine->fate);
        sim_disk_settle(&machine->disks[DISK_BOOT], &machine->fate);
        sim_kill_rtp(machine->device);
        operator_lose_rtp(&machine->operator);
    }
}

static void end_life(struct machine *machine)
{
    struct sim_device *device = machine->device;
    settle(machine, device->dead);
    device->is_cut = false;
    device->dead = SIM_NOBODY;
    machine->point = 0;
    machine->lives++;
    if (machine->is_loud) {
        printf("    power is back\n");
    }
    device->now_ms += 1000;
}

// Stage 0 of the enclave.
static bool boot(struct machine *machine)
{
    struct chosen_image chosen = {0};
    sim_disk_mount(BOOT_FOLDER, &machine->disks[DISK_BOOT]);
    images_check_record(machine);
    if (choose_image(BOOT_FOLDER, BOOT_ENCLAVE, &chosen) != ROTOR_OK) {
        return false;
    }
    images_note_record(machine);
    machine->running = (struct linux_running){
        chosen.slot, chosen.parts.header.security_version};
    machine->is_on_trial = chosen.is_trial;
    machine->is_judged = false;
    uint8_t code = chosen.parts.image.data[0];
    linux_image_close(&chosen.file);
    bool is_made = code == machine->running_code ||
                   sim_install_image(machine->device, code) == ROTOR_OK;
    machine->running_code = is_made ? code : 0;
    machine->started_ms = machine->device->now_ms;
    machine->refused_before = machine->device->seen.alarms[RTP_ALARM_EVIDENCE];
    return is_made;
}

static void start_ap(struct machine *machine)
{
    machine_forget_beside();
    if (machine->has_boot && !boot(machine)) {
        return;
    }
    // Failing, it is started again.
    if (machine_settle_ap(machine)) {
        (void)!sim_start_ap(machine->device);
    }
}

static void start_rtp(struct machine *machine)
{
    machine->is_judged = false;
    if (sim_start_rtp(machine->device) == ROTOR_OK) {
        witness_see_rtp_start(machine);
    }
}

void machine_raise(struct machine *machine)
{
    struct sim_device *device = machine->device;
    if (device->is_cut) {
        end_life(machine);
    }
    if (device->ap_is_up && enclave_must_restart(&device->enclave)) {
        sim_kill_ap(device);
    }
    // RTP first: its power carries stage 0.
    if (!device->rtp_is_up) {
        start_rtp(machine);
    }
    if (!device->ap_is_up && !device->is_cut) {
        start_ap(machine);
    }
}

bool machine_is_up(const struct machine *machine)
{
    const struct sim_device *device = machine->device;
    return device->rtp_is_up && device->ap_is_up && !device->is_cut;
}

// ---- life ------------------------------------------------------------------

static bool is_interrupted(const struct machine *machine)
{
    const struct sim_device *device = machine->device;
    return device->is_cut || enclave_must_restart(&device->enclave);
}

void machine_live(struct machine *machine)
{
    struct sim_device *device = machine->device;
    bool is_settled = false;
    rtp_tick(&device->rtp, device->now_ms);
    while (!is_settled && !is_interrupted(machine) && sim_round(device)) {
        is_settled = operator_collect(machine);
        witness_see_rtp(machine);
    }
    if (is_settled || is_interrupted(machine) || story_is_over(machine)) {
        return;
    }
    uint64_t at = rtp_wakeup(&device->rtp);
    uint64_t latest = device->now_ms + WAIT_MAX_MS;
    at = at < latest ? at : latest;
    device->now_ms = at > device->now_ms ? at : device->now_ms + 1u;
}
