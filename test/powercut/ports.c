// SPDX-License-Identifier: Apache-2.0
// Ops of both sides: those of the release, each over the disk of its side.
#include <string.h>

#include "app/rtp/store.h"
#include "base/bytes.h"
#include "launch/birth.h"
#include "test/powercut/machine.h"

// Both programs know their store by the same descriptor.
static struct machine *enter(void *context, enum machine_disk disk)
{
    struct sim_device *device = context;
    struct machine *machine = device->owner;
    sim_disk_mount(LAUNCH_FD_STORE, &machine->disks[disk]);
    return machine;
}

// ---- AP --------------------------------------------------------------------

static enum rotor_status ap_read(void *context, enum enclave_file file,
                                 struct rotor_room *content)
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->ap.store_read(&machine->platform, file, content);
}

static enum rotor_status ap_write(void *context, enum enclave_file file,
                                  struct rotor_bytes content)
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->ap.store_write(&machine->platform, file, content);
}

static enum rotor_status ap_rename(void *context, enum enclave_file from,
                                   enum enclave_file to)
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->ap.store_rename(&machine->platform, from, to);
}

static enum rotor_status ap_remove(void *context, enum enclave_file file)
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->ap.store_remove(&machine->platform, file);
}

static enum rotor_status anchor_read(void *context, uint64_t *n, uint8_t v[32])
{
    struct machine *machine = enter(context, DISK_AP);
    if (machine->anchor == ANCHOR_FILE) {
        return machine->ap.anchor_read(&machine->platform, n, v);
    }
    *n = ENCLAVE_N_UNKNOWN;
    memcpy(v, machine->cell, 32);
    return sim_is_dead(machine->device, SIM_AP) ? ROTOR_PORT_FAILED : ROTOR_OK;
}

static enum rotor_status advance_cell(struct machine *machine,
                                      const uint8_t d[32])
{
    const struct point point = {.side = SIM_AP, .is_advance = true};
    enum sim_outcome outcome = machine_meet(machine, &point);
    bool is_done = outcome == SIM_DONE || outcome == SIM_DOUBTED;
    if (!is_done) {
        return ROTOR_PORT_FAILED;
    }
    const struct rotor_bytes parts[] = {BYTES_OF(machine->cell),
                                        bytes_of(d, 32)};
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), machine->cell));
    if (!machine->cell_forgets) {
        memcpy(machine->safe_cell, machine->cell, sizeof machine->cell);
    }
    return outcome == SIM_DONE ? ROTOR_OK : ROTOR_PORT_FAILED;
}

static enum rotor_status anchor_advance(void *context, const uint8_t d[32])
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->anchor == ANCHOR_FILE
               ? machine->ap.anchor_advance(&machine->platform, d)
               : advance_cell(machine, d);
}

// As with a TPM: the serving thread speaks to the cell itself.
static enum rotor_status durable_begin(void *context,
                                       const struct enclave_durable *what)
{
    struct machine *machine = enter(context, DISK_AP);
    machine->advance_is_done =
        what->kind == ENCLAVE_ADVANCE && machine->anchor == ANCHOR_CELL;
    if (machine->advance_is_done) {
        machine->advanced = advance_cell(machine, what->d);
        return ROTOR_OK;
    }
    return machine->ap.durable_begin(&machine->platform, what);
}

static enum rotor_status durable_end(void *context)
{
    struct machine *machine = enter(context, DISK_AP);
    return machine->advance_is_done
               ? machine->advanced
               : machine->ap.durable_end(&machine->platform);
}

bool machine_settle_ap(struct machine *machine)
{
    (void)enter(machine->device, DISK_AP);
    machine->platform = (struct platform){0};
    return platform_settle_store(&machine->platform) == ROTOR_OK;
}

static void furnish_ap(struct sim_device *device, struct enclave_ops *ops)
{
    (void)device;
    ops->store_read = ap_read;
    ops->store_write = ap_write;
    ops->store_rename = ap_rename;
    ops->store_remove = ap_remove;
    ops->anchor_read = anchor_read;
    ops->anchor_advance = anchor_advance;
    ops->durable_begin = durable_begin;
    ops->durable_end = durable_end;
}

// ---- RTP -------------------------------------------------------------------

static enum rotor_status rtp_read(void *context, enum rtp_file file,
                                  struct rotor_room *room)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.store_read(NULL, file, room);
}

static enum rotor_status rtp_write(void *context, enum rtp_file file,
                                   struct rotor_bytes bytes)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.store_write(NULL, file, bytes);
}

static enum rotor_status log_open(void *context, uint64_t *start)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.log_open(NULL, start);
}

static enum rotor_status log_drop(void *context, uint64_t offset)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.log_drop(NULL, offset);
}

static enum rotor_status log_append(void *context, uint64_t offset,
                                    struct rotor_bytes bytes)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.log_append(NULL, offset, bytes);
}

static enum rotor_status log_read(void *context, uint64_t offset,
                                  struct rotor_room *room)
{
    struct machine *machine = enter(context, DISK_RTP);
    return machine->rtp.log_read(NULL, offset, room);
}

static void furnish_rtp(struct sim_device *device, struct rtp_ops *ops)
{
    (void)device;
    ops->store_read = rtp_read;
    ops->store_write = rtp_write;
    ops->log_open = log_open;
    ops->log_append = log_append;
    ops->log_drop = log_drop;
    ops->log_read = log_read;
}

// ---- points ----------------------------------------------------------------

static enum sim_outcome meet_on(struct machine *machine, enum sim_side side,
                                enum sim_call call, size_t size)
{
    const struct point point = {.side = side, .call = call, .size = size};
    return machine_meet(machine, &point);
}

static enum sim_outcome meet_ap(void *context, enum sim_call call, size_t size)
{
    return meet_on(context, SIM_AP, call, size);
}

static enum sim_outcome meet_rtp(void *context, enum sim_call call, size_t size)
{
    return meet_on(context, SIM_RTP, call, size);
}

static void pass(struct sim_device *device, enum sim_step step, uint8_t type)
{
    const struct point point = {
        .side = sim_side_of(step), .is_frame = true, .type = type};
    (void)machine_meet(device->owner, &point);
}

static void watch(struct sim_device *device)
{
    witness_see_ap(device->owner);
}

void machine_furnish(struct machine *machine)
{
    struct sim_device *device = machine->device;
    device->owner = machine;
    device->furnish_ap = furnish_ap;
    device->furnish_rtp = furnish_rtp;
    device->pass = pass;
    device->watch = watch;
    platform_store_ops(&machine->platform, &machine->ap);
    store_ops(&machine->rtp);
    for (size_t i = 0; i < DISKS; i++) {
        machine->disks[i].context = machine;
        machine->disks[i].meet = i == DISK_AP ? meet_ap : meet_rtp;
    }
}
