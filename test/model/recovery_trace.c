// SPDX-License-Identifier: Apache-2.0
// What the real RTP and the real enclave do where a recovery races a rotation
// and both are cut anywhere, as the steps of recovery.pml:
//
//     recovery-trace FIRST-SEED COUNT
//
// Candidates are counted as they are asked for, from 1; one that is asked for
// again keeps its number.  A device that asked for more than the model has, or
// once more when it had recovered, is left out.
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/model/trace.h"
#include "test/spec/rtp_authority.h"

#define EPOCHS     3u // what the model is run with
#define CANDIDATES 2u

static struct {
    uint64_t rtp_cur;
    uint64_t rtp_pend;
    uint64_t asked;                   // candidates
    uint8_t request_id[WIRE_ID_SIZE]; // of the last one
    bool is_beyond;                   // what the model has
    struct wire_digest hash[8];
    size_t size; // of the body that was shown last
    uint8_t body[CHAIN_BODY_MAX];
    uint64_t shown; // which candidate that is
    uint64_t signs; // the one whose signatures go out
    uint64_t tags;
} last;

static uint64_t number_of(const struct wire_digest *hash)
{
    for (uint64_t i = 1; i <= last.asked && i < COUNT_OF(last.hash); i++) {
        if (wire_digest_equal(&last.hash[i], hash)) {
            return i;
        }
    }
    return 0;
}

static void ap_durable(struct sim_device *device)
{
    const struct enclave_state *now = &device->enclave.state;
    const struct enclave_state *next = &device->enclave.next;
    const struct wire_order *cur = &next->cur.facts.order;
    const struct wire_order *pending = &next->pending.facts.order;
    if (cur->incarnation != now->cur.facts.order.incarnation) {
        trace_print("P3R", cur->epoch, 0);
    } else if (cur->epoch != now->cur.facts.order.epoch) {
        trace_print("P3", cur->epoch, 0);
    } else if (next->pending.is_used &&
               pending->incarnation != cur->incarnation) {
        trace_print("P1R", number_of(&next->pending.facts.body_hash), 0);
    } else if (next->pending.is_used) {
        trace_print("P1", pending->epoch, 0);
    }
}

static void rtp_durable(struct sim_device *device)
{
    const struct rtp_state *state = trace_rtp_state(device);
    const struct chain_trust *trust = &state->trust;
    bool is_of_rotation = !chain_trust_is_empty(&state->pend) &&
                          state->pend.order.incarnation == 0;
    uint64_t pend = is_of_rotation ? state->pend.order.epoch : 0;
    if (pend != 0 && pend != last.rtp_pend) {
        trace_print("R1", pend, 0);
    }
    if (trust->order.epoch != last.rtp_cur) {
        trace_print(trust->order.incarnation == 0 ? "R2" : "R2R",
                    trust->order.epoch, 0);
    }
    last.rtp_pend = pend;
    last.rtp_cur = trust->order.epoch;
}

static void count_candidate(const struct sim_device *device,
                            const struct wire_header *header)
{
    bool is_new = memcmp(last.request_id, header->request_id,
                         sizeof last.request_id) != 0;
    memcpy(last.request_id, header->request_id, sizeof last.request_id);
    last.asked += is_new ? 1 : 0;
    last.is_beyond = last.is_beyond || last.asked > CANDIDATES ||
                     device->enclave.state.cur.facts.order.incarnation != 0;
}

static void frame_to_ap(struct sim_device *device,
                        const struct wire_header *header)
{
    uint8_t type = header->type;
    const struct rtp_state *state = &device->rtp.state;
    if (type == WIRE_ROTATE) {
        trace_print("ROTATE", state->intent.from_epoch + 1, 0);
    } else if (type == WIRE_ROT_COMMIT) {
        trace_print("COMMIT", state->pend.order.epoch, 0);
    } else if (type == WIRE_RECOVER) {
        count_candidate(device, header);
        trace_print("RECOVER", last.asked, 0);
    } else if (type == WIRE_RECOVER_SIGNED) {
        trace_print("SIGNED", last.signs, 0);
    }
}

static void frame_to_rtp(struct sim_device *device,
                         const struct wire_header *header)
{
    uint8_t type = header->type;
    const struct enclave *enclave = &device->enclave;
    bool is_first = enclave->state.cur.facts.order.incarnation == 0;
    if (type == WIRE_ROT_PREPARED) {
        trace_print("PREPARED", enclave->state.pending.facts.order.epoch, 0);
    } else if (type == WIRE_ROT_DONE && is_first) {
        trace_print("DONE", header->epoch, 0);
    } else if (type == WIRE_RECOVER_BODY) {
        if (last.asked < COUNT_OF(last.hash)) {
            last.hash[last.asked] = enclave->candidate.facts.body_hash;
        }
        trace_print("BODY", last.asked, 0);
    }
}

static const struct trace_eyes EYES = {ap_durable, rtp_durable, frame_to_ap,
                                       frame_to_rtp};

static void observe(struct sim_device *device, enum sim_step step,
                    const struct wire_header *header)
{
    trace_show(&EYES, device, step, header);
}

// ---- the operator ----------------------------------------------------------

static void take(const struct rtp_completion *completion)
{
    struct wire_recover_body reply;
    if (completion->code == WIRE_CLIENT_OK &&
        wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY, completion->payload,
                            &reply) == ROTOR_OK) {
        memcpy(last.body, reply.body.data, reply.body.size);
        last.size = reply.body.size;
        last.shown = last.asked;
    }
}

static void submit(struct sim_device *device, uint64_t op,
                   const struct rotor_room *payload)
{
    const struct rtp_request request = {
        .op = op, .payload = bytes_in(payload), .tag = ++last.tags};
    // One that is refused was not made.
    (void)!rtp_submit(&device->rtp, device->now_ms, &request);
}

static void ask_for_body(struct sim_device *device)
{
    uint8_t bytes[2048];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_recover order = {
        .ra_set = bytes_of(ra.bytes, ra.size), .with_old = 1};
    trace_must(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload));
    submit(device, WIRE_OP_RECOVER, &payload);
}

static void send_signatures(struct sim_device *device)
{
    static uint8_t bytes[RTP_REQUEST_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    struct wire_recover_signed message = {.log_id =
                                              device->rtp.state.trust.log_id};
    sign_with(bytes_of(last.body, last.size), 2, &message);
    trace_must(
        wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &message, &payload));
    last.signs = last.shown;
    submit(device, WIRE_OP_RECOVERED, &payload);
}

static struct sim_cut any_cut(uint64_t *random)
{
    static const struct trace_place PLACES[] = {
        {SIM_STEP_NONE,     0                  },
        {SIM_AP_WRITE_NEXT, 0                  },
        {SIM_AP_ANCHOR,     0                  },
        {SIM_AP_RENAME,     0                  },
        {SIM_AP_ATTACH,     0                  },
        {SIM_AP_RECOVER,    0                  },
        {SIM_RTP_STATE,     0                  },
        {SIM_FRAME_TO_AP,   WIRE_ROT_COMMIT    },
        {SIM_FRAME_TO_AP,   WIRE_RECOVER       },
        {SIM_FRAME_TO_AP,   WIRE_RECOVER_SIGNED},
        {SIM_FRAME_TO_RTP,  WIRE_ROT_PREPARED  },
        {SIM_FRAME_TO_RTP,  WIRE_ROT_DONE      },
        {SIM_FRAME_TO_RTP,  WIRE_RECOVER_BODY  },
        {SIM_FRAME_TO_RTP,  WIRE_LOG_ENTRIES   },
    };
    return trace_cut_at(PLACES, COUNT_OF(PLACES), random);
}

static void act(struct sim_device *device, uint64_t *random)
{
    uint32_t what = trace_draw(random, 8);
    if ((what & 1u) != 0 && last.rtp_cur < EPOCHS) {
        sim_wish_rotation(device);
    }
    // What comes next meets the rotation anywhere on its way.
    for (uint32_t i = trace_draw(random, 16);
         i > 0 && !device->is_cut && sim_round(device); i--) {
    }
    if ((what & 2u) != 0 && last.asked < CANDIDATES) {
        ask_for_body(device);
    }
    if ((what & 4u) != 0 && last.size != 0) {
        send_signatures(device);
    }
}

static void run_device(uint64_t seed)
{
    uint64_t random = seed;
    struct sim_device *device = trace_new(seed);
    memset(&last, 0, sizeof last);
    make_authority(&device->config.policy.ra);
    trace_begin(device);
    device->observe = observe;
    for (unsigned i = 0;
         device->rtp.state.trust.order.incarnation == 0 && i < 40; i++) {
        device->cut = any_cut(&random);
        act(device, &random);
        trace_settle(device, sim_is_steady, take);
        device->cut = (struct sim_cut){0};
    }
    // At rest nothing is prepared and nothing pending.
    bool is_over = device->rtp.state.trust.order.incarnation == 1;
    if (is_over && (device->enclave.state.pending.is_used ||
                    !chain_trust_is_empty(&device->rtp.state.pend))) {
        trace_must(ROTOR_CORRUPT);
    }
    trace_end(device, is_over && !last.is_beyond);
}

int main(int count, char **arguments)
{
    return trace_main(count, arguments, run_device);
}
