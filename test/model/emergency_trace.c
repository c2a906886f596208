// SPDX-License-Identifier: Apache-2.0
// What the real RTP and the real enclave do in rotations of both kinds that are
// cut anywhere, and where the RTP's store is put back by one epoch, as the
// steps of emergency.pml:
//
//     emergency-trace FIRST-SEED COUNT
//
// body of HELLO_AP: 1 + the epoch that is prepared; of R1: 1, or 2 in an
// emergency.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/model/trace.h"

#define EPOCHS 3u // what the model is run with

static struct {
    bool enclave_is_prepared; // P1 is durable, P3 is not
    uint64_t enclave_cur;
    uint64_t rtp_cur;
    uint64_t rtp_pend;
} last;

// A core was named by the anchor.  Outside of recovery they alternate.
static void enclave_durable(void)
{
    last.enclave_cur += last.enclave_is_prepared ? 1 : 0;
    trace_print(last.enclave_is_prepared ? "P3" : "P1",
                last.enclave_cur + (last.enclave_is_prepared ? 0 : 1), 0);
    last.enclave_is_prepared = !last.enclave_is_prepared;
}

static void rtp_durable(const struct sim_device *device)
{
    const struct rtp_state *state = trace_rtp_state(device);
    uint64_t cur = state->trust.order.epoch;
    uint64_t pend =
        chain_trust_is_empty(&state->pend) ? 0 : state->pend.order.epoch;
    if (pend != 0 && pend != last.rtp_pend) {
        trace_print("R1", pend, state->phase == RTP_PENDX ? 2 : 1);
    }
    if (cur != last.rtp_cur) {
        trace_print(last.rtp_pend == cur ? "R2" : "CAUGHT", cur, 0);
    }
    last.rtp_pend = pend;
    last.rtp_cur = cur;
}

static void frame_to_enclave(const struct sim_device *device, uint8_t type)
{
    const struct rtp_state *state = &device->rtp.state;
    if (type == WIRE_ROTATE) {
        trace_print("ROTATE", state->intent.from_epoch + 1, 0);
    } else if (type == WIRE_ROT_COMMIT) {
        trace_print("COMMIT", state->pend.order.epoch, 0);
    }
}

static void frame_to_rtp(const struct sim_device *device, uint8_t type,
                         uint64_t epoch)
{
    if (type == WIRE_HELLO_AP) {
        trace_print("HELLO_AP", last.enclave_cur,
                    last.enclave_is_prepared ? last.enclave_cur + 2 : 1);
    } else if (type == WIRE_ROT_PREPARED) {
        trace_print("PREPARED", device->enclave.state.pending.facts.order.epoch,
                    0);
    } else if (type == WIRE_ROT_DONE) {
        trace_print("DONE", epoch, 0);
    } else if (type == WIRE_ATTEST_RSP) {
        trace_print("EVIDENCE", epoch, 0);
    }
}

static void observe(struct sim_device *device, enum sim_step step,
                    const struct wire_header *header)
{
    if (step == SIM_AP_ANCHOR) {
        enclave_durable();
    } else if (step == SIM_RTP_STATE) {
        rtp_durable(device);
    } else if (step == SIM_FRAME_TO_AP) {
        frame_to_enclave(device, header->type);
    } else if (step == SIM_FRAME_TO_RTP) {
        frame_to_rtp(device, header->type, header->epoch);
    }
}

// The RTP's store becomes what it was an epoch ago.
static void put_back(struct sim_device *device, const struct sim_store *before)
{
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, true);
    last.rtp_cur = trace_rtp_state(device)->trust.order.epoch;
    trace_print("ROLLBACK", last.rtp_cur, 0);
    trace_must(sim_start_rtp(device));
    trace_settle(device, sim_is_steady, NULL);
}

static void rotate(struct sim_device *device, uint64_t *random)
{
    struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                            .kind = CHAIN_ROTATE};
    if (trace_draw(random, 2) == 1) {
        wish.reason = WIRE_REASON_SECURITY_EVENT;
    }
    device->cut = trace_any_cut(random);
    if (trace_draw(random, 2) == 1) {
        trace_ask(device, 1);
    }
    rtp_wish_for(&device->rtp, &wish);
    trace_settle(device, sim_is_steady, NULL);
    device->cut = (struct sim_cut){0};
}

static void run_device(uint64_t seed)
{
    uint64_t random = seed;
    struct sim_device *device = trace_new(seed);
    trace_begin(device);
    memset(&last, 0, sizeof last);
    device->observe = observe;
    while (last.enclave_cur < EPOCHS || last.rtp_cur < EPOCHS) {
        uint64_t epoch = last.rtp_cur;
        struct sim_store *before = sim_store_copy(device);
        rotate(device, &random);
        if (last.rtp_cur == epoch + 1 && trace_draw(&random, 3) == 0) {
            put_back(device, before);
        }
        free(before);
    }
    trace_end(device, true);
}

int main(int count, char **arguments)
{
    return trace_main(count, arguments, run_device);
}
