// SPDX-License-Identifier: Apache-2.0
// What the programs that write down steps have in common: a simulated device
// (test/sim) whose power is cut at random, until it comes to rest.
//
// One step a line, "STEP, epoch, body".  "RESET" begins the next device.
#ifndef ROTOR_TEST_MODEL_TRACE_H
#define ROTOR_TEST_MODEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/device.h"

void trace_print(const char *step, uint64_t epoch, uint64_t body);

// Below `below`, from the state at `random`.
uint32_t trace_draw(uint64_t *random, uint32_t below);

// Ends the program: the device did what no story has.
void trace_must(enum rotor_status status);

// What a program looks at, behind a step of that kind; header: the frame's.
struct trace_eyes {
    void (*ap_durable)(struct sim_device *device); // a core was anchored
    void (*rtp_durable)(struct sim_device *device);
    void (*frame_to_ap)(struct sim_device *device,
                        const struct wire_header *header);
    void (*frame_to_rtp)(struct sim_device *device,
                         const struct wire_header *header);
};
void trace_show(const struct trace_eyes *eyes, struct sim_device *device,
                enum sim_step step, const struct wire_header *header);

// The AP as its cores tell: outside of recovery P1 and P3 alternate.
struct trace_ap {
    bool is_prepared; // P1 is durable, P3 is not
    uint64_t cur;
};
void trace_ap_durable(struct trace_ap *ap); // prints which one it was

// A durable write of the RTP, decoded from its store.
const struct rtp_state *trace_rtp_state(const struct sim_device *device);

// Where power may go: one place of all, on either side.
struct trace_place {
    enum sim_step step; // SIM_STEP_NONE: nowhere
    uint8_t type;       // of a frame
};
struct sim_cut trace_cut_at(const struct trace_place *places, size_t count,
                            uint64_t *random);
struct sim_cut trace_any_cut(uint64_t *random); // in a rotation

struct sim_device *trace_new(uint64_t seed);

// Starts it and brings it to epoch 0: the list begins behind that.
void trace_begin(struct sim_device *device);

// The device's steps are printed, or left out; then it is gone.
void trace_end(struct sim_device *device, bool is_kept);

// Submits an attestation.
void trace_ask(struct sim_device *device, uint64_t tag);

// Everything that moves, until `is_at_rest`; at most one power cut.  Where a
// job is held back, an attestation comes before it.  `take`, if not NULL, is
// shown each answer.
void trace_settle(struct sim_device *device,
                  bool (*is_at_rest)(const struct sim_device *device),
                  void (*take)(const struct rtp_completion *completion));

// FIRST-SEED COUNT of the command line; what main returns.
int trace_main(int count, char **arguments, void (*run_device)(uint64_t seed));

#endif
