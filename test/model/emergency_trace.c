// SPDX-License-Identifier: Apache-2.0
// What the real RTP and the real enclave do in rotations of both kinds that are
// cut anywhere, and where the RTP's store is put back by one epoch, as the
// steps of emergency.pml:
//
//     emergency-trace FIRST-SEED COUNT
//
// epoch of HELLO: 1 in an emergency; body of HELLO_AP: 1 + the epoch that is
// prepared; of R1: 1, or 2 in an emergency; of ROLLBACK: 1, or 2 where
// the log was not put back.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/model/trace.h"

#define EPOCHS 3u // what the model is run with

static struct {
    struct trace_ap ap;
    uint64_t rtp_cur;
    uint64_t rtp_pend;
    uint64_t answers;
    bool lingers;    // R1 waits for a request, whose answer waits for R1
    uint8_t deaf_at; // a frame that is not taken before the next HELLO
} last;

static void ap_durable(struct sim_device *device)
{
    (void)device;
    trace_ap_durable(&last.ap);
}

static void rtp_durable(struct sim_device *device)
{
    const struct rtp_state *state = trace_rtp_state(device);
    uint64_t cur = state->trust.order.epoch;
    uint64_t pend =
        chain_trust_is_empty(&state->pend) ? 0 : state->pend.order.epoch;
    if (pend != 0 && pend != last.rtp_pend) {
        trace_print("R1", pend, state->phase == RTP_PENDX ? 2 : 1);
        device->rtp_is_deaf = false;
    }
    if (cur != last.rtp_cur) {
        trace_print(last.rtp_pend == cur ? "R2" : "CAUGHT", cur, 0);
    }
    last.rtp_pend = pend;
    last.rtp_cur = cur;
}

static bool shows_pend_alone(const struct rtp *rtp)
{
    struct wire_header header;
    struct rotor_bytes payload;
    struct wire_hello_rtp hello;
    trace_must(wire_frame_decode(bytes_of(rtp->hello_rtp, rtp->hello_rtp_size),
                                 &header, &payload));
    trace_must(wire_message_decode(&WIRE_LAYOUT_HELLO_RTP, payload, &hello));
    return hello.has_pend && !hello.has_cur;
}

static void frame_to_ap(struct sim_device *device,
                        const struct wire_header *header)
{
    uint8_t type = header->type;
    const struct rtp_state *state = &device->rtp.state;
    if (type == WIRE_HELLO_RTP) {
        trace_print("HELLO", shows_pend_alone(&device->rtp) ? 1 : 0, 0);
        device->rtp_is_deaf = false;
    } else if (type == WIRE_LOG_GET) {
        trace_print("LOG_GET", state->trust.order.epoch + 1, 0);
    } else if (type == WIRE_ROTATE) {
        trace_print("ROTATE", state->intent.from_epoch + 1, 0);
    } else if (type == WIRE_ROT_COMMIT) {
        trace_print("COMMIT", state->pend.order.epoch, 0);
    }
}

static void frame_to_rtp(struct sim_device *device,
                         const struct wire_header *header)
{
    uint8_t type = header->type;
    bool waits_for_R1 = type == WIRE_ATTEST_RSP && device->holds_jobs;
    if (type == last.deaf_at || waits_for_R1) {
        device->rtp_is_deaf = true;
        last.deaf_at = WIRE_NONE;
    }
    if (type == WIRE_HELLO_AP) {
        trace_print("HELLO_AP", last.ap.cur,
                    last.ap.is_prepared ? last.ap.cur + 2 : 1);
    } else if (type == WIRE_LOG_ENTRIES) {
        trace_print("ENTRIES", last.ap.cur, 0);
    } else if (type == WIRE_ROT_PREPARED) {
        trace_print("PREPARED", device->enclave.state.pending.facts.order.epoch,
                    0);
        device->holds_jobs = last.lingers;
        last.lingers = false;
    } else if (type == WIRE_ROT_DONE) {
        trace_print("DONE", header->epoch, 0);
    } else if (type == WIRE_ATTEST_RSP) {
        trace_print("EVIDENCE", header->epoch, 0);
    } else if (type == WIRE_ERROR && wire_header_is_plaintext(header)) {
        trace_print("REFUSED", 0, 0);
    }
}

// The epoch under which a program has its answer, before it is popped.
static uint64_t epoch_of_answer(const struct rtp *rtp)
{
    struct wire_attest_rsp reply;
    struct wire_attest_core core;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct rtp_slot *slot = &rtp->slots.slot[i];
        if (slot->state == RTP_SLOT_DONE && slot->has_payload) {
            trace_must(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP,
                                           slot->answer, &reply));
            trace_must(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, reply.core,
                                           &core));
            return core.epoch;
        }
    }
    return UINT64_MAX;
}

static void note_answer(const struct sim_device *device)
{
    uint64_t answers = device->rtp.counts.attestations;
    if (answers > last.answers) {
        trace_print("ANSWER", epoch_of_answer(&device->rtp), 0);
    }
    last.answers = answers;
}

static bool is_at_rest(const struct sim_device *device)
{
    note_answer(device);
    return sim_is_steady(device);
}

static const struct trace_eyes EYES = {ap_durable, rtp_durable, frame_to_ap,
                                       frame_to_rtp};

static void observe(struct sim_device *device, enum sim_step step,
                    const struct wire_header *header)
{
    note_answer(device);
    trace_show(&EYES, device, step, header);
}

static struct sim_cut cut_of_reading(uint64_t *random)
{
    static const struct trace_place PLACES[] = {
        {SIM_STEP_NONE,    0               },
        {SIM_RTP_LOG,      0               },
        {SIM_RTP_STATE,    0               },
        {SIM_FRAME_TO_AP,  WIRE_HELLO_RTP  },
        {SIM_FRAME_TO_AP,  WIRE_LOG_GET    },
        {SIM_FRAME_TO_RTP, WIRE_HELLO_AP   },
        {SIM_FRAME_TO_RTP, WIRE_LOG_ENTRIES},
    };
    return trace_cut_at(PLACES, COUNT_OF(PLACES), random);
}

// The RTP's store becomes what it was an epoch ago, with its log or without.
static void put_back(struct sim_device *device, const struct sim_store *before,
                     uint64_t *random)
{
    bool log_too = trace_draw(random, 2) == 1;
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, log_too);
    last.rtp_cur = trace_rtp_state(device)->trust.order.epoch;
    trace_print("ROLLBACK", last.rtp_cur, log_too ? 1 : 2);
    trace_must(sim_start_rtp(device));
    device->cut = cut_of_reading(random);
    trace_settle(device, is_at_rest, NULL);
    device->cut = (struct sim_cut){0};
}

// The channel is lost at one of these, as often as not.
static const uint8_t DEAF_AT[] = {
    WIRE_HELLO_AP, WIRE_ROT_PREPARED, WIRE_ROT_DONE, WIRE_ATTEST_RSP,
    WIRE_NONE,     WIRE_NONE,         WIRE_NONE};

static void rotate(struct sim_device *device, uint64_t *random)
{
    struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                            .kind = CHAIN_ROTATE};
    if (trace_draw(random, 2) == 1) {
        wish.reason = WIRE_REASON_SECURITY_EVENT;
    }
    device->cut = trace_any_cut(random);
    uint32_t story = trace_draw(random, COUNT_OF(DEAF_AT) + 1);
    last.lingers = story == COUNT_OF(DEAF_AT);
    last.deaf_at = last.lingers ? (uint8_t)WIRE_NONE : DEAF_AT[story];
    if (!last.lingers && trace_draw(random, 2) == 1) {
        trace_ask(device, 1); // no second one beside it, as in the model
    }
    rtp_wish_for(&device->rtp, &wish);
    trace_settle(device, is_at_rest, NULL);
    device->cut = (struct sim_cut){0};
}

static void run_device(uint64_t seed)
{
    uint64_t random = seed;
    struct sim_device *device = trace_new(seed);
    trace_begin(device);
    memset(&last, 0, sizeof last);
    device->observe = observe;
    while (last.ap.cur < EPOCHS || last.rtp_cur < EPOCHS) {
        uint64_t epoch = last.rtp_cur;
        struct sim_store *before = sim_store_copy(device);
        rotate(device, &random);
        if (last.rtp_cur == epoch + 1 && trace_draw(&random, 3) == 0) {
            put_back(device, before, &random);
        }
        free(before);
    }
    trace_end(device, true);
}

int main(int count, char **arguments)
{
    return trace_main(count, arguments, run_device);
}
