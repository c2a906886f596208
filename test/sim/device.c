// SPDX-License-Identifier: Apache-2.0
#include "test/sim/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "boot/dice.h"
#include "rtp/machine.h"
#include "test/sim/device_ops.h"

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

bool sim_step_is_cut(struct sim_device *device, enum sim_step step,
                     uint8_t type)
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
    struct enclave_ops ops = sim_ap_ops(device);
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
    struct rtp_ops ops = sim_rtp_ops(device);
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

static void show(struct sim_device *device, enum sim_step step,
                 const struct rotor_room *frame)
{
    struct wire_header header;
    if (device->observe != NULL &&
        wire_header_decode(&header, bytes_in(frame)) == ROTOR_OK) {
        device->observe(device, step, &header);
    }
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
    show(device, SIM_FRAME_TO_AP, &frame);
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
        show(device, SIM_FRAME_TO_RTP, reply);
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
    bool is_lost =
        sim_step_is_cut(device, SIM_FRAME_TO_AP, type) || device->ap_is_mute;
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
    if (sim_step_is_cut(device, SIM_FRAME_TO_RTP, type)) {
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

void sim_wish_rotation(struct sim_device *device)
{
    const struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                                  .kind = CHAIN_ROTATE};
    rtp_wish_for(&device->rtp, &wish);
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
