// SPDX-License-Identifier: Apache-2.0
#include "test/sim/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "boot/dice.h"
#include "chain/eat.h"

// ---- randomness and time ---------------------------------------------------

void sim_random(struct sim_device *device, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(dice_next(&device->random) >> 24);
    }
}

// ---- power -----------------------------------------------------------------

enum sim_side sim_side_of(enum sim_step step)
{
    bool is_ap = (step >= SIM_AP_WRITE_NEXT && step <= SIM_AP_REMOVE) ||
                 step == SIM_FRAME_TO_AP;
    return is_ap ? SIM_AP : SIM_RTP;
}

void sim_cut_power(struct sim_device *device, enum sim_side dead)
{
    device->is_cut = true;
    device->dead = dead;
}

bool sim_is_dead(const struct sim_device *device, enum sim_side side)
{
    return device->is_cut && (device->dead & side) != 0;
}

// True: the step does not take place any more.
static bool cuts(struct sim_device *device, enum sim_step step, uint8_t type)
{
    struct sim_cut *cut = &device->cut;
    if (sim_is_dead(device, sim_side_of(step))) {
        return true;
    }
    device->seen.steps[step]++;
    bool is_frame = step == SIM_FRAME_TO_AP || step == SIM_FRAME_TO_RTP;
    if (is_frame && device->pass != NULL) {
        device->pass(device, step, type);
        return sim_is_dead(device, sim_side_of(step));
    }
    bool is_it = cut->step == step && (cut->type == 0 || cut->type == type) &&
                 cut->count != 0 && --cut->count == 0;
    if (!is_it) {
        return false;
    }
    sim_cut_power(device,
                  cut->victim == SIM_NOBODY ? sim_side_of(step) : cut->victim);
    return !cut->is_after;
}

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
    if (is_failing || cuts(device, STEPS[file], 0)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(write_file(&device->store.ap[file], content));
    return outcome(device, SIM_AP);
}

static enum rotor_status ap_rename(void *context, enum enclave_file from,
                                   enum enclave_file to)
{
    struct sim_device *device = context;
    if (cuts(device, SIM_AP_RENAME, 0)) {
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
    if (cuts(device, SIM_AP_REMOVE, 0)) {
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
    if (cuts(device, SIM_AP_ANCHOR, 0)) {
        return ROTOR_PORT_FAILED;
    }
    const struct rotor_bytes parts[] = {BYTES_OF(device->store.anchor_v),
                                        bytes_of(d, 32)};
    uint8_t v[32];
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), v));
    memcpy(device->store.anchor_v, v, sizeof v);
    device->store.anchor_n++;
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
    if (device->rtp_disk_is_full || cuts(device, STEPS[file], 0)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(write_file(&device->store.rtp[file], bytes));
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
    if (cuts(device, SIM_RTP_LOG, 0) || !fits) {
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
    if (device->rtp_disk_is_full || cuts(device, SIM_RTP_DROP, 0)) {
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

// ---- a device --------------------------------------------------------------

// Stage 0: a UDS, an image, a certificate for the enclave's key.
enum rotor_status sim_install_image(struct sim_device *device,
                                    uint8_t code_byte)
{
    static const uint8_t UDS[BOOT_UDS_SIZE] = {7};
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room descriptor = ROOM_OF(memory);
    const struct boot_descriptor described = {BOOT_ENCLAVE, 1, 1, {4}};
    struct boot_inputs inputs = {.mode = BOOT_MODE_NORMAL};
    memset(inputs.code_hash, code_byte, sizeof inputs.code_hash);
    crypto_key_close(&device->uds);
    crypto_key_close(&device->attest);
    TRY(boot_descriptor_encode(&described, &descriptor));
    struct rotor_bytes view = bytes_in(&descriptor);
    TRY(crypto_hash(CRYPTO_SHA512, &view, 1, inputs.configuration));
    struct boot_cdis first;
    struct boot_cdis cdis;
    boot_dice_init(&first, UDS);
    TRY(boot_dice_derive(&first, &inputs, &cdis));
    TRY(boot_dice_key(first.attest, CRYPTO_P256, &device->uds));
    TRY(boot_dice_key(cdis.attest, CRYPTO_P256, &device->attest));
    struct wire_key key;
    struct rotor_room key_room = ROOM_OF(device->uds_key);
    TRY(wire_key_of(&device->uds, &key));
    TRY(wire_key_encode(&key, &key_room));
    device->uds_key_size = key_room.used;
    struct rotor_room certificate = ROOM_OF(device->certificate);
    const struct boot_subject subject = {&inputs, view, &device->attest,
                                         BOOT_USAGE_EVIDENCE};
    TRY(boot_certificate_sign(&device->uds, &subject, &certificate));
    device->certificate_size = certificate.used;
    memcpy(device->identity.hw_secret, cdis.seal, 32);
    TRY(boot_measure(CRYPTO_SHA256, inputs.code_hash, view,
                     &device->measurement));
    device->identity.measurement = device->measurement;
    return ROTOR_OK;
}

struct sim_device *sim_device_new(uint64_t seed)
{
    struct sim_device *device = calloc(1, sizeof *device);
    if (device == NULL || sim_install_image(device, 0x21) != ROTOR_OK) {
        free(device);
        return NULL;
    }
    device->random.state = seed;
    device->now_ms = 1000;
    device->wanted = device->measurement;
    device->reference.measurements = &device->wanted;
    device->reference.measurement_count = 1;
    rtp_config_init(&device->config);
    device->config.reference = &device->reference;
    device->config.policy.ra =
        (struct wire_digest){.alg = CRYPTO_SHA256, .bytes = {0x52}};
    // Test limits, shown as such.
    device->config.policy.min_interval_s = 0;
    device->config.policy.max_per_day = 0;
    return device;
}

void sim_device_free(struct sim_device *device)
{
    if (device == NULL) {
        return;
    }
    sim_kill_ap(device);
    sim_kill_rtp(device);
    crypto_key_close(&device->uds);
    crypto_key_close(&device->attest);
    free(device);
}

static void watch(struct sim_device *device)
{
    if (device->watch != NULL) {
        device->watch(device);
    }
}

static void empty_queues(struct sim_device *device)
{
    device->to_ap.count = 0;
    device->to_rtp.count = 0;
}

enum rotor_status sim_start_ap(struct sim_device *device)
{
    struct enclave_ops ops = {
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
    if (device->furnish_ap != NULL) {
        device->furnish_ap(device, &ops);
    }
    empty_queues(device);
    enclave_pair_init_control(&device->pair);
    TRY(enclave_open(&device->enclave, &ops, &device->identity));
    device->ap_is_up = true;
    watch(device);
    if (device->rtp_is_up) {
        rtp_enclave_up(&device->rtp, device->now_ms);
    }
    return ROTOR_OK;
}

enum rotor_status sim_start_rtp(struct sim_device *device)
{
    struct rtp_ops ops = {
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
    if (device->furnish_rtp != NULL) {
        device->furnish_rtp(device, &ops);
    }
    empty_queues(device);
    enclave_pair_close(&device->pair);
    TRY(rtp_open(&device->rtp, &ops, &device->config, device->now_ms));
    device->rtp_is_up = true;
    if (device->ap_is_up) {
        rtp_enclave_up(&device->rtp, device->now_ms);
    }
    return ROTOR_OK;
}

void sim_kill_ap(struct sim_device *device)
{
    if (device->ap_is_up) {
        enclave_pair_close(&device->pair);
        enclave_wipe(&device->enclave);
    }
    device->ap_is_up = false;
    empty_queues(device);
    if (device->rtp_is_up) {
        rtp_enclave_lost(&device->rtp, device->now_ms);
    }
}

void sim_kill_rtp(struct sim_device *device)
{
    if (device->held != NULL) {
        rtp_job_done(&device->rtp, device->now_ms, device->held);
        device->held = NULL;
    }
    if (device->rtp_is_up) {
        rtp_wipe(&device->rtp);
    }
    device->rtp_is_up = false;
    empty_queues(device);
}

// ---- the coupling ----------------------------------------------------------

static void push(struct sim_queue *queue, const struct rotor_room *frame)
{
    size_t at = (queue->first + queue->count) % SIM_QUEUE_MAX;
    memcpy(queue->frame[at].bytes, frame->data, frame->used);
    queue->frame[at].size = frame->used;
    queue->count++;
}

static bool pop(struct sim_queue *queue, uint8_t *bytes, size_t *size)
{
    if (queue->count == 0) {
        return false;
    }
    *size = queue->frame[queue->first].size;
    memcpy(bytes, queue->frame[queue->first].bytes, *size);
    queue->first = (queue->first + 1u) % SIM_QUEUE_MAX;
    queue->count--;
    return true;
}

static uint8_t type_of(const uint8_t *frame, size_t size)
{
    struct wire_header header;
    return wire_header_decode(&header, bytes_of(frame, size)) == ROTOR_OK
               ? header.type
               : 0;
}

static bool move_out_of_rtp(struct sim_device *device)
{
    uint8_t bytes[WIRE_FRAME_MAX];
    struct rotor_room frame = ROOM_OF(bytes);
    if (!device->rtp_is_up || !device->ap_is_up ||
        device->to_ap.count == SIM_QUEUE_MAX ||
        rtp_next(&device->rtp, device->now_ms, &frame) != ROTOR_OK) {
        return false;
    }
    push(&device->to_ap, &frame);
    return true;
}

// What an AP that stands prepared answers ROTATE with; sealed or not, it left.
static void note_body(struct sim_device *device)
{
    const struct enclave_slot *slot = &device->enclave.state.pending;
    struct sim_seen *seen = &device->seen;
    if (!slot->is_used) {
        return;
    }
    for (size_t i = 0; i < seen->bodies; i++) {
        if (chain_order_compare(&seen->body[i].order, &slot->facts.order) ==
            0) {
            bool same = wire_digest_equal(&seen->body[i].body_hash,
                                          &slot->facts.body_hash);
            seen->second_bodies += same ? 0 : 1u;
            return;
        }
    }
    if (seen->bodies < COUNT_OF(seen->body)) {
        seen->body[seen->bodies].order = slot->facts.order;
        seen->body[seen->bodies].body_hash = slot->facts.body_hash;
        seen->bodies++;
    }
}

static void answer(struct sim_device *device, enum rotor_status status,
                   const struct rotor_room *reply)
{
    watch(device);
    bool is_answered = status == ROTOR_OK && reply->used != 0;
    if (is_answered && !sim_is_dead(device, SIM_AP)) {
        push(&device->to_rtp, reply);
        note_body(device);
    }
}

static bool serve_one(struct sim_device *device)
{
    uint8_t bytes[WIRE_FRAME_MAX];
    uint8_t reply_bytes[WIRE_FRAME_MAX];
    struct rotor_room reply = ROOM_OF(reply_bytes);
    size_t size;
    if (!device->ap_is_up || device->to_rtp.count == SIM_QUEUE_MAX ||
        !pop(&device->to_ap, bytes, &size)) {
        return false;
    }
    uint8_t type = type_of(bytes, size);
    device->seen.frames_to_ap[type]++;
    bool is_lost = cuts(device, SIM_FRAME_TO_AP, type) || device->ap_is_mute;
    if (is_lost ||
        (device->meddle_ap != NULL &&
         !device->meddle_ap(device->meddle_context, device, bytes, &size))) {
        return true;
    }
    enum rotor_status status = enclave_serve(&device->enclave, &device->pair,
                                             bytes_of(bytes, size), &reply);
    answer(device, status, &reply);
    return true;
}

// What the AP left to do between two frames.
static bool step_on(struct sim_device *device)
{
    uint8_t bytes[WIRE_FRAME_MAX];
    struct rotor_room reply = ROOM_OF(bytes);
    if (!device->ap_is_up || device->to_rtp.count == SIM_QUEUE_MAX ||
        !enclave_has_work(&device->enclave)) {
        return false;
    }
    answer(device, enclave_step(&device->enclave, &device->pair, &reply),
           &reply);
    return true;
}

static bool take_one(struct sim_device *device)
{
    uint8_t bytes[WIRE_FRAME_MAX];
    size_t size;
    if (!device->rtp_is_up || device->rtp_is_deaf ||
        device->rtp.inbox_is_full || !pop(&device->to_rtp, bytes, &size)) {
        return false;
    }
    uint8_t type = type_of(bytes, size);
    device->seen.frames_to_rtp[type]++;
    if (cuts(device, SIM_FRAME_TO_RTP, type)) {
        return true;
    }
    if (device->meddle != NULL &&
        !device->meddle(device->meddle_context, device, bytes, &size)) {
        return true;
    }
    (void)!rtp_take(&device->rtp, device->now_ms, bytes_of(bytes, size));
    return true;
}

static bool run_job(struct sim_device *device)
{
    if (!device->rtp_is_up) {
        return false;
    }
    if (device->held == NULL) {
        device->held = rtp_job_next(&device->rtp);
    }
    if (device->held == NULL || device->holds_jobs) {
        return false;
    }
    struct rtp_job *job = device->held;
    device->held = NULL;
    rtp_job_run(job);
    if (sim_is_dead(device, SIM_RTP)) {
        device->held = job;
        return true;
    }
    rtp_job_done(&device->rtp, device->now_ms, job);
    return true;
}

bool sim_round(struct sim_device *device)
{
    bool moved = false;
    bool (*const MOVES[])(struct sim_device *) = {move_out_of_rtp, serve_one,
                                                  step_on, take_one, run_job};
    for (size_t i = 0; i < COUNT_OF(MOVES) && !device->is_cut; i++) {
        moved = MOVES[i](device) || moved;
    }
    return moved;
}

// ---- running ---------------------------------------------------------------

static uint64_t next_time(const struct sim_device *device, uint64_t end_ms)
{
    uint64_t at = device->rtp_is_up ? rtp_wakeup(&device->rtp) : RTP_NEVER;
    uint64_t soon = device->now_ms + 1u;
    at = at < soon ? soon : at;
    return at < end_ms ? at : end_ms;
}

static bool never(const struct sim_device *device)
{
    (void)device;
    return false;
}

bool sim_run_until(struct sim_device *device, uint64_t wait_ms,
                   bool (*done)(const struct sim_device *device))
{
    uint64_t end_ms = device->now_ms + wait_ms;
    for (;;) {
        if (device->rtp_is_up && !device->is_cut) {
            rtp_tick(&device->rtp, device->now_ms);
        }
        while (!device->is_cut && sim_round(device)) {
            if (done(device)) {
                return true;
            }
        }
        if (device->is_cut || done(device) || device->now_ms >= end_ms) {
            return !device->is_cut && done(device);
        }
        bool has_answer = device->rtp_is_up && device->rtp.inbox_is_full;
        if (has_answer) {
            return false; // the caller pops completions first
        }
        device->now_ms = next_time(device, end_ms);
    }
}

void sim_run(struct sim_device *device, uint64_t wait_ms)
{
    (void)sim_run_until(device, wait_ms, never);
}

bool sim_is_steady(const struct sim_device *device)
{
    return device->rtp_is_up && device->ap_is_up &&
           device->rtp.channel.link == RTP_LINK_OPEN &&
           device->rtp.channel.scope == RTP_SCOPE_FULL &&
           device->rtp.state.phase == RTP_CUR && !device->rtp.wish.is_wanted &&
           rtp_is_attested(&device->rtp) && device->held == NULL &&
           device->rtp.order.type == WIRE_NONE;
}

struct sim_store *sim_store_copy(const struct sim_device *device)
{
    struct sim_store *copy = malloc(sizeof *copy);
    if (copy != NULL) {
        *copy = device->store;
    }
    return copy;
}

void sim_store_restore_ap(struct sim_device *device,
                          const struct sim_store *from, bool anchor_too)
{
    memcpy(device->store.ap, from->ap, sizeof device->store.ap);
    if (anchor_too) {
        device->store.anchor_n = from->anchor_n;
        memcpy(device->store.anchor_v, from->anchor_v, 32);
    }
}

void sim_store_restore_rtp(struct sim_device *device,
                           const struct sim_store *from, bool log_too)
{
    memcpy(device->store.rtp, from->rtp, sizeof device->store.rtp);
    if (log_too) {
        memcpy(device->store.log, from->log, from->log_size);
        device->store.log_size = from->log_size;
        device->store.log_start = from->log_start;
    }
}
