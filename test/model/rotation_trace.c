// SPDX-License-Identifier: Apache-2.0
// What the real RTP and the real enclave do in rotations that are cut anywhere,
// as the steps of rotation_atomic.pml:
//
//     rotation-trace FIRST-SEED COUNT
//
// body counts the bodies that left the enclave for that epoch, from 1; 0 is
// any.
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/model/trace.h"

#define EPOCHS 3u // what the model is run with

static struct {
    struct trace_ap ap;
    uint64_t rtp_cur;
    uint64_t rtp_pend;
    bool lingers; // R1 waits while attestations go on
    size_t bodies[EPOCHS + 2];
    struct wire_digest body[EPOCHS + 2][2];
} last;

static size_t number_of(uint64_t epoch, const struct wire_digest *hash)
{
    size_t i = 0;
    while (i < last.bodies[epoch] &&
           !wire_digest_equal(&last.body[epoch][i], hash)) {
        i++;
    }
    if (i == last.bodies[epoch] && i < COUNT_OF(last.body[epoch])) {
        last.body[epoch][i] = *hash;
        last.bodies[epoch]++;
    }
    return i + 1;
}

static void ap_durable(struct sim_device *device)
{
    (void)device;
    trace_ap_durable(&last.ap);
}

static void rtp_durable(struct sim_device *device)
{
    const struct rtp_state *state = trace_rtp_state(device);
    uint64_t pend =
        chain_trust_is_empty(&state->pend) ? 0 : state->pend.order.epoch;
    if (pend != 0 && pend != last.rtp_pend) {
        trace_print("R1", pend, number_of(pend, &state->pend.body_hash));
    }
    if (state->trust.order.epoch != last.rtp_cur) {
        trace_print("R2", state->trust.order.epoch, 0);
    }
    last.rtp_pend = pend;
    last.rtp_cur = state->trust.order.epoch;
}

static void frame_to_ap(struct sim_device *device,
                        const struct wire_header *header)
{
    uint8_t type = header->type;
    const struct rtp_state *state = &device->rtp.state;
    if (type == WIRE_ROTATE) {
        trace_print("ROTATE", state->intent.from_epoch + 1, 0);
    } else if (type == WIRE_ROT_COMMIT) {
        const struct rtp_job *job = &device->rtp.job;
        // Of R1, or of what is on its way to R1 where somebody is too early.
        const struct chain_trust *pend =
            chain_trust_is_empty(&state->pend) ? &job->next.pend : &state->pend;
        trace_print("COMMIT", pend->order.epoch,
                    number_of(pend->order.epoch, &pend->body_hash));
    }
}

static void frame_to_rtp(struct sim_device *device,
                         const struct wire_header *header)
{
    uint8_t type = header->type;
    const struct enclave_slot *pending = &device->enclave.state.pending;
    if (type == WIRE_ROT_PREPARED) {
        device->holds_jobs = last.lingers;
        trace_print(
            "PREPARED", pending->facts.order.epoch,
            number_of(pending->facts.order.epoch, &pending->facts.body_hash));
    } else if (type == WIRE_ROT_DONE) {
        trace_print("DONE", header->epoch, 0);
    } else if (type == WIRE_ATTEST_RSP) {
        trace_print("EVIDENCE", header->epoch, 0);
    }
}

static const struct trace_eyes EYES = {ap_durable, rtp_durable, frame_to_ap,
                                       frame_to_rtp};

static void observe(struct sim_device *device, enum sim_step step,
                    const struct wire_header *header)
{
    trace_show(&EYES, device, step, header);
}

static void run_device(uint64_t seed)
{
    uint64_t random = seed;
    struct sim_device *device = trace_new(seed);
    trace_begin(device);
    memset(&last, 0, sizeof last);
    device->observe = observe;
    for (uint64_t tag = 1; device->rtp.state.trust.order.epoch < EPOCHS;
         tag++) {
        device->cut = trace_any_cut(&random);
        last.lingers = trace_draw(&random, 3) == 0;
        if (trace_draw(&random, 2) == 1) {
            trace_ask(device, tag);
        }
        if (trace_draw(&random, 4) != 0) {
            sim_wish_rotation(device);
        }
        trace_settle(device, sim_is_steady, NULL);
        device->cut = (struct sim_cut){0};
    }
    trace_end(device, true);
}

int main(int count, char **arguments)
{
    return trace_main(count, arguments, run_device);
}
