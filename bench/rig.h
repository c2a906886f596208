// SPDX-License-Identifier: Apache-2.0
// The RTP's machine in this process, on a real folder, with its worker; the
// real enclave, started through stage 0, behind the real queue.  What a bench
// needs that times the RTP's own API.
#ifndef ROTOR_BENCH_RIG_H
#define ROTOR_BENCH_RIG_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/rotord/stage0.h"
#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"
#include "rtp/rtp.h"

// The steps of a rotation, as the frames show them.
enum rig_mark {
    RIG_ASKED = 0, // the program asked
    RIG_ROTATE,    // ROTATE left: R0 is durable
    RIG_PREPARED,  // ROT_PREPARED came: P1, signatures, P2
    RIG_COMMIT,    // ROT_COMMIT left: verified, R1 is durable
    RIG_DONE,      // ROT_DONE came: P3
    RIG_ANSWERED,  // R2 is durable
    RIG_MARKS,
};

struct rig {
    struct rtp rtp;
    struct shared_queue queue;
    struct doorbell bell;
    struct verify_reference reference;
    struct stage0_report report;
    uint8_t settings[512];
    uint8_t frame[WIRE_FRAME_MAX];
    pid_t enclave;
    int worker;
    uint64_t last_tag;
    bool is_pinned;
    cpu_set_t home; // where this thread ran before
    uint64_t marks_ns[RIG_MARKS];
    size_t sent_size;     // bytes of the last frame out
    size_t received_size; // and in
};

// Call it before the program opens anything else: the RTP's store has a
// descriptor of a fixed number.  Comes back with a paired enclave and a root.
void rig_open(struct rig *rig, const char *state);

// One request, one answer, spinning; ends the program unless it is OK.
void rig_ask(struct rig *rig, uint64_t op, struct rotor_bytes payload,
             struct rtp_completion *completion);

// The same without waiting: a request in, a pass of the RTP's loop, an answer
// out if there is one.  A pass does what is there and waits for nobody; true:
// something moved.
uint64_t rig_submit(struct rig *rig, uint64_t op, struct rotor_bytes payload);
bool rig_turn(struct rig *rig);
bool rig_complete(struct rig *rig, struct rtp_completion *completion);

// Gives this thread and the enclave a processor each, where there are two:
// both spin, and neither gives way to the other.  Further threads of both are
// with the enclave.
#define RIG_RTP_PROCESSOR     0u
#define RIG_ENCLAVE_PROCESSOR 1u
void rig_pin(struct rig *rig);

void rig_close(struct rig *rig);

#endif
