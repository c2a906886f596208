// SPDX-License-Identifier: Apache-2.0
// A whole device in one process: the real RTP and the real enclave, joined by
// two bounded queues, over stores, an anchor, a clock and a source of
// randomness that are memory.  Everything is a function of the seed.
//
// Power can be cut at each step that matters: a durable write, before or after
// it took place, and the passing of a frame.  What survives a cut is what the
// stores hold.  A frame in a queue is lost with either side.
//
// Its own stores lose nothing and tear nothing; test/powercut puts the stores
// of the release in their place, on disks that do.
#ifndef ROTOR_TEST_SIM_DEVICE_H
#define ROTOR_TEST_SIM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/certificate.h"
#include "enclave/enclave.h"
#include "rtp/rtp.h"
#include "test/sim/dice.h"

enum sim_side {
    SIM_NOBODY = 0,
    SIM_RTP = 1,
    SIM_AP = 2,
    SIM_BOTH = SIM_RTP | SIM_AP,
};

// The steps of both sides, as they are counted.
enum sim_step {
    SIM_STEP_NONE = 0,
    SIM_AP_WRITE_NEXT, // anchored write: state.next
    SIM_AP_ANCHOR,     // the anchor advances
    SIM_AP_RENAME,     // state.next becomes state
    SIM_AP_ATTACH,     // P2
    SIM_AP_RECOVER,    // the candidate's file
    SIM_AP_REMOVE,
    SIM_RTP_STATE, // R0, R1, R2
    SIM_RTP_LOG,
    SIM_RTP_FORK,
    SIM_RTP_CONTROL,
    SIM_RTP_DROPPED,  // the checkpoint of what the log drops
    SIM_RTP_DROP,     // the log's beginning
    SIM_FRAME_TO_AP,  // a frame was taken out of the queue, not yet served
    SIM_FRAME_TO_RTP, // the same
    SIM_STEP_COUNT,
};

// Whose step it is.
enum sim_side sim_side_of(enum sim_step step);

// Power goes away at the `count`th `step` (from 1), before or after its effect
// lasts.  `type`, if not 0, counts only frames of that type.
struct sim_cut {
    enum sim_step step;
    uint8_t type;
    bool is_after;
    unsigned count;
    enum sim_side victim; // SIM_NOBODY: whose step it is
};

#define SIM_FILE_MAX RTP_DROPPED_SIZE
struct sim_file {
    bool is_there;
    size_t size;
    uint8_t bytes[SIM_FILE_MAX];
};

#define SIM_LOG_MAX   (4u << 20)
#define SIM_QUEUE_MAX 128u

struct sim_queue {
    size_t first;
    size_t count;
    struct {
        size_t size;
        uint8_t bytes[WIRE_FRAME_MAX];
    } frame[SIM_QUEUE_MAX];
};

struct sim_store {
    struct sim_file ap[ENCLAVE_FILES];
    uint64_t anchor_n;
    uint8_t anchor_v[32];
    struct sim_file rtp[RTP_FILE_COUNT];
    uint64_t log_start; // place of the first byte
    size_t log_size;    // bytes that are held
    uint8_t log[SIM_LOG_MAX];
};

// What the outside world sees and must never see.
struct sim_seen {
    unsigned alarms[RTP_ALARM_EVENT + 1];
    struct rtp_alarm last;
    char last_text[RTP_ALARM_TEXT];
    unsigned steps[SIM_STEP_COUNT];
    unsigned frames_to_ap[256];  // by type, plaintext header
    unsigned frames_to_rtp[256]; // by type
    unsigned second_bodies;      // S2: another body for a place that had one
    struct {
        struct wire_order order;
        struct wire_digest body_hash;
    } body[256]; // that left the AP
    size_t bodies;
};

// About 15 MiB: sim_device_new.
struct sim_device {
    struct dice random;
    uint64_t now_ms;
    uint64_t wall_s;
    struct sim_store store;
    struct sim_queue to_ap;
    struct sim_queue to_rtp;

    bool ap_is_up;
    bool rtp_is_up;
    bool ap_is_mute;          // takes frames and answers nothing
    bool holds_jobs;          // a job that was handed out is not run
    bool rtp_is_deaf;         // frames for it stay in the queue
    bool entropy_is_dead;     // of the AP
    bool has_no_root_entropy; // but enough for what passes
    bool rtp_disk_is_full;
    bool rtp_disk_denies;           // a file was written, and is said not to be
    enum sim_step ap_disk_fails_at; // that step of the AP does not take place
    struct rtp_job *held;
    struct enclave enclave;
    struct enclave_pair pair;
    struct rtp rtp;
    struct rtp_config config;
    struct verify_reference reference;

    struct crypto_key uds;
    struct crypto_key attest;
    uint8_t uds_key[WIRE_KEY_ENCODED_MAX];
    size_t uds_key_size;
    uint8_t certificate[BOOT_CERTIFICATE_MAX];
    size_t certificate_size;
    struct wire_digest measurement;
    struct wire_digest wanted; // measurement that the RTP accepts
    struct enclave_identity identity;

    struct sim_cut cut;
    bool is_cut;        // power went away: the victim is to be restarted
    enum sim_side dead; // who it was
    struct sim_seen seen;

    // Called with each frame on its way to the RTP, which it may change;
    // false: the frame is lost.
    bool (*meddle)(void *context, struct sim_device *device, uint8_t *frame,
                   size_t *size);
    // The same for frames on their way to the AP.
    bool (*meddle_ap)(void *context, struct sim_device *device, uint8_t *frame,
                      size_t *size);
    void *meddle_context; // of both

    // Called when a step took place: behind a durable write of the device's own
    // stores, and with the header of a frame that enters a queue.
    void (*observe)(struct sim_device *device, enum sim_step step,
                    const struct wire_header *header);

    // Where stores are not the device's own: replaces what `ops` has of them.
    void (*furnish_ap)(struct sim_device *device, struct enclave_ops *ops);
    void (*furnish_rtp)(struct sim_device *device, struct rtp_ops *ops);
    // Each frame on its way, before it is served or taken.
    void (*pass)(struct sim_device *device, enum sim_step step, uint8_t type);
    // Behind all that the AP did: what it signed is in its memory.
    void (*watch)(struct sim_device *device);
    void *owner; // of these four
};

// A device that was never started; NULL: no memory.  sim_device_free closes
// everything.
struct sim_device *sim_device_new(uint64_t seed);
void sim_device_free(struct sim_device *device);

// Starts a side over what its store holds.
//
// ROTOR_CORRUPT and others: as enclave_open and rtp_open say.
ROTOR_CALL sim_start_ap(struct sim_device *device);
ROTOR_CALL sim_start_rtp(struct sim_device *device);

// Power goes now, in the middle of whatever is done: who is dead makes nothing
// durable any more and says nothing.  Until it is killed and started.
void sim_cut_power(struct sim_device *device, enum sim_side dead);
bool sim_is_dead(const struct sim_device *device, enum sim_side side);

// Takes power from a side: its memory and both queues are gone.
void sim_kill_ap(struct sim_device *device);
void sim_kill_rtp(struct sim_device *device);

void sim_random(struct sim_device *device, uint8_t *out, size_t size);

// One round: frames, jobs, ticks, at the present time.  False: nothing moved.
bool sim_round(struct sim_device *device);

// Rounds until nothing moves, then on to the next time that somebody waits
// for, up to `wait_ms` of simulated time.  Stops at once when power was cut.
void sim_run(struct sim_device *device, uint64_t wait_ms);

// The same until `done` says so; false: it never did.
bool sim_run_until(struct sim_device *device, uint64_t wait_ms,
                   bool (*done)(const struct sim_device *device));

// The RTP wants a rotation, as by hand.
void sim_wish_rotation(struct sim_device *device);

// Both sides are at the same current epoch and serve.
bool sim_is_steady(const struct sim_device *device);

// Another image is installed: its measurement, its keys, the same hardware.
// Takes effect when the AP starts.
ROTOR_CALL sim_install_image(struct sim_device *device, uint8_t code_byte);

// A copy of all that lasts; the caller frees it.
struct sim_store *sim_store_copy(const struct sim_device *device);
void sim_store_restore_ap(struct sim_device *device,
                          const struct sim_store *from, bool anchor_too);
void sim_store_restore_rtp(struct sim_device *device,
                           const struct sim_store *from, bool log_too);

#endif
