// SPDX-License-Identifier: Apache-2.0
// What both sides of a simulated device are given: stores, anchor, clock and
// randomness that are memory.
#include <string.h>

#include "base/bytes.h"
#include "chain/eat.h"
#include "test/sim/device_ops.h"

// ---- files -----------------------------------------------------------------

static enum rotor_status read_file(const struct sim_file *file,
                                   struct rotor_room *room)
{
    room->used = 0;
    if (!file->is_there) {
        return ROTOR_OK;
    }
    return bytes_copy(room, bytes_of(file->bytes, file->size));
}

static enum rotor_status write_file(struct sim_file *file,
                                    struct rotor_bytes bytes)
{
    if (bytes.size > SIM_FILE_MAX) {
        return ROTOR_PORT_FAILED;
    }
    memcpy(file->bytes, bytes.data, bytes.size);
    file->size = bytes.size;
    file->is_there = true;
    return ROTOR_OK;
}

// A step that was cut leaves the caller without an answer it could use.
static enum rotor_status outcome(const struct sim_device *device,
                                 enum sim_side side)
{
    return sim_is_dead(device, side) ? ROTOR_PORT_FAILED : ROTOR_OK;
}

// ---- ops of the AP ---------------------------------------------------------

static enum rotor_status ap_entropy(void *context, uint8_t *out, size_t size)
{
    struct sim_device *device = context;
    if (device->entropy_is_dead || device->has_no_root_entropy) {
        return ROTOR_PORT_FAILED;
    }
    sim_random(device, out, size);
    return ROTOR_OK;
}

static enum rotor_status ap_entropy_passing(void *context, uint8_t *out,
                                            size_t size)
{
    struct sim_device *device = context;
    if (device->entropy_is_dead) {
        return ROTOR_PORT_FAILED;
    }
    sim_random(device, out, size);
    return ROTOR_OK;
}

static enum rotor_status ap_read(void *context, enum enclave_file file,
                                 struct rotor_room *content)
{
    struct sim_device *device = context;
    return read_file(&device->store.ap[file], content);
}

static void show(struct sim_device *device, enum sim_step step)
{
    if (device->observe != NULL) {
        device->observe(device, step, NULL);
    }
}

static enum rotor_status ap_write(void *context, enum enclave_file file,
                                  struct rotor_bytes content)
{
    static const enum sim_step STEPS[] = {
        [ENCLAVE_STATE] = SIM_AP_WRITE_NEXT,
        [ENCLAVE_STATE_NEXT] = SIM_AP_WRITE_NEXT,
        [ENCLAVE_ATTACH] = SIM_AP_ATTACH,
        [ENCLAVE_RECOVER] = SIM_AP_RECOVER,
    };
    struct sim_device *device = context;
    bool is_failing = device->ap_disk_fails_at == STEPS[file];
    if (is_failing || sim_step_is_cut(device, STEPS[file], 0)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(write_file(&device->store.ap[file], content));
    return outcome(device, SIM_AP);
}

static enum rotor_status ap_rename(void *context, enum enclave_file from,
                                   enum enclave_file to)
{
    struct sim_device *device = context;
    if (sim_step_is_cut(device, SIM_AP_RENAME, 0)) {
        return ROTOR_PORT_FAILED;
    }
    struct sim_file *renamed = &device->store.ap[from];
    TRY(write_file(&device->store.ap[to],
                   bytes_of(renamed->bytes, renamed->size)));
    renamed->is_there = false;
    return outcome(device, SIM_AP);
}

static enum rotor_status ap_remove(void *context, enum enclave_file file)
{
    struct sim_device *device = context;
    if (sim_step_is_cut(device, SIM_AP_REMOVE, 0)) {
        return ROTOR_PORT_FAILED;
    }
    device->store.ap[file].is_there = false;
    return outcome(device, SIM_AP);
}

static enum rotor_status ap_anchor_read(void *context, uint64_t *n,
                                        uint8_t v[32])
{
    struct sim_device *device = context;
    *n = device->store.anchor_n;
    memcpy(v, device->store.anchor_v, 32);
    return outcome(device, SIM_AP);
}

static enum rotor_status ap_anchor_advance(void *context, const uint8_t d[32])
{
    struct sim_device *device = context;
    if (sim_step_is_cut(device, SIM_AP_ANCHOR, 0)) {
        return ROTOR_PORT_FAILED;
    }
    const struct rotor_bytes parts[] = {BYTES_OF(device->store.anchor_v),
                                        bytes_of(d, 32)};
    uint8_t v[32];
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), v));
    memcpy(device->store.anchor_v, v, sizeof v);
    device->store.anchor_n++;
    show(device, SIM_AP_ANCHOR);
    return outcome(device, SIM_AP);
}

static uint64_t ap_now_ms(void *context)
{
    return ((struct sim_device *)context)->now_ms;
}

static enum rotor_status ap_evidence(void *context, const uint8_t ud[64],
                                     struct rotor_bytes claims,
                                     struct rotor_room *evidence)
{
    struct sim_device *device = context;
    const struct chain_attester attester = {
        &device->attest, bytes_of(device->uds_key, device->uds_key_size),
        bytes_of(device->certificate, device->certificate_size)};
    return chain_attest(&attester, ud, claims, evidence);
}

// ---- ops of the RTP --------------------------------------------------------

static enum rotor_status rtp_read(void *context, enum rtp_file file,
                                  struct rotor_room *room)
{
    struct sim_device *device = context;
    return read_file(&device->store.rtp[file], room);
}

static enum rotor_status rtp_write(void *context, enum rtp_file file,
                                   struct rotor_bytes bytes)
{
    static const enum sim_step STEPS[] = {
        [RTP_FILE_STATE] = SIM_RTP_STATE,
        [RTP_FILE_CONTROL] = SIM_RTP_CONTROL,
        [RTP_FILE_FORK] = SIM_RTP_FORK,
        [RTP_FILE_DROPPED] = SIM_RTP_DROPPED,
    };
    struct sim_device *device = context;
    if (device->rtp_disk_is_full || sim_step_is_cut(device, STEPS[file], 0)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(write_file(&device->store.rtp[file], bytes));
    if (device->rtp_disk_denies) {
        return ROTOR_PORT_FAILED;
    }
    show(device, STEPS[file]);
    return outcome(device, SIM_RTP);
}

static enum rotor_status log_open(void *context, uint64_t *start)
{
    *start = ((struct sim_device *)context)->store.log_start;
    return ROTOR_OK;
}

static enum rotor_status log_append(void *context, uint64_t offset,
                                    struct rotor_bytes bytes)
{
    struct sim_device *device = context;
    struct sim_store *store = &device->store;
    uint64_t at = offset - store->log_start;
    bool fits = offset >= store->log_start && at <= store->log_size &&
                at + bytes.size <= SIM_LOG_MAX;
    if (sim_step_is_cut(device, SIM_RTP_LOG, 0) || !fits) {
        return ROTOR_PORT_FAILED;
    }
    memcpy(store->log + at, bytes.data, bytes.size);
    store->log_size = (size_t)at + bytes.size;
    return outcome(device, SIM_RTP);
}

static enum rotor_status log_read(void *context, uint64_t offset,
                                  struct rotor_room *room)
{
    const struct sim_store *store = &((struct sim_device *)context)->store;
    uint64_t end = store->log_start + store->log_size;
    bool is_held = offset >= store->log_start && offset < end;
    size_t left = is_held ? (size_t)(end - offset) : 0;
    room->used = left < room->capacity ? left : room->capacity;
    memcpy(room->data, store->log + (store->log_size - left), room->used);
    return ROTOR_OK;
}

static enum rotor_status log_drop(void *context, uint64_t offset)
{
    struct sim_device *device = context;
    struct sim_store *store = &device->store;
    if (device->rtp_disk_is_full || sim_step_is_cut(device, SIM_RTP_DROP, 0)) {
        return ROTOR_PORT_FAILED;
    }
    size_t gone = (size_t)(offset - store->log_start);
    memmove(store->log, store->log + gone, store->log_size - gone);
    store->log_size -= gone;
    store->log_start = offset;
    return outcome(device, SIM_RTP);
}

static enum rotor_status rtp_draw(void *context, uint8_t *out, size_t size)
{
    sim_random(context, out, size);
    return ROTOR_OK;
}

static uint64_t wall_s(void *context)
{
    const struct sim_device *device = context;
    return device->wall_s == 0 ? 0 : device->wall_s + device->now_ms / 1000u;
}

static void alarm(void *context, const struct rtp_alarm *alarm)
{
    struct sim_device *device = context;
    device->seen.alarms[alarm->kind]++;
    device->seen.last = *alarm;
    device->seen.last.text = device->seen.last_text;
    strncpy(device->seen.last_text, alarm->text,
            sizeof device->seen.last_text - 1u);
}

// ---- both ------------------------------------------------------------------

struct enclave_ops sim_ap_ops(struct sim_device *device)
{
    return (struct enclave_ops){
        .context = device,
        .entropy = ap_entropy,
        .entropy_passing = ap_entropy_passing,
        .store_read = ap_read,
        .store_write = ap_write,
        .store_rename = ap_rename,
        .store_remove = ap_remove,
        .anchor_read = ap_anchor_read,
        .anchor_advance = ap_anchor_advance,
        .now_ms = ap_now_ms,
        .evidence = ap_evidence,
    };
}

struct rtp_ops sim_rtp_ops(struct sim_device *device)
{
    return (struct rtp_ops){
        .context = device,
        .store_read = rtp_read,
        .store_write = rtp_write,
        .log_open = log_open,
        .log_append = log_append,
        .log_read = log_read,
        .log_drop = log_drop,
        .random = rtp_draw,
        .wall_s = wall_s,
        .alarm = alarm,
    };
}
