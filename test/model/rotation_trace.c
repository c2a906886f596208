// SPDX-License-Identifier: Apache-2.0
// What the real RTP and the real enclave do in rotations that are cut anywhere,
// as the steps of rotation_atomic.pml:
//
//     rotation-trace FIRST-SEED COUNT
//
// One step a line, "STEP, epoch, body": body counts the bodies that left the
// enclave for that epoch, from 1; 0 is any.  "RESET" begins the next device.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"
#include "test/sim/device.h"

#define EPOCHS 3u // what the model is run with

static struct {
    bool enclave_is_prepared; // P1 is durable, P3 is not
    uint64_t enclave_cur;
    uint64_t rtp_cur;
    uint64_t rtp_pend;
    bool lingers; // R1 waits while attestations go on
    size_t bodies[EPOCHS + 2];
    struct wire_digest body[EPOCHS + 2][2];
} last;

static void print_step(const char *step, uint64_t epoch, size_t body)
{
    printf("%s, %u, %u\n", step, (unsigned)epoch, (unsigned)body);
}

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

// A core was named by the anchor.  Outside of recovery they alternate.
static void enclave_durable(void)
{
    if (last.enclave_is_prepared) {
        last.enclave_cur++;
    }
    print_step(
        last.enclave_is_prepared ? "P3" : "P1",
        last.enclave_is_prepared ? last.enclave_cur : last.enclave_cur + 1, 0);
    last.enclave_is_prepared = !last.enclave_is_prepared;
}

static void rtp_durable(const struct sim_device *device)
{
    static struct rtp_state state;
    const struct sim_file *file = &device->store.rtp[RTP_FILE_STATE];
    if (rtp_state_decode(bytes_of(file->bytes, file->size), &state) !=
        ROTOR_OK) {
        exit(3);
    }
    uint64_t pend =
        chain_trust_is_empty(&state.pend) ? 0 : state.pend.order.epoch;
    if (pend != 0 && pend != last.rtp_pend) {
        print_step("R1", pend, number_of(pend, &state.pend.body_hash));
    }
    if (state.trust.order.epoch != last.rtp_cur) {
        print_step("R2", state.trust.order.epoch, 0);
    }
    last.rtp_pend = pend;
    last.rtp_cur = state.trust.order.epoch;
}

static void frame_to_enclave(const struct sim_device *device, uint8_t type)
{
    const struct rtp_state *state = &device->rtp.state;
    if (type == WIRE_ROTATE) {
        print_step("ROTATE", state->intent.from_epoch + 1, 0);
    } else if (type == WIRE_ROT_COMMIT) {
        const struct rtp_job *job = &device->rtp.job;
        // Of R1, or of what is on its way to R1 where somebody is too early.
        const struct chain_trust *pend =
            chain_trust_is_empty(&state->pend) ? &job->next.pend : &state->pend;
        print_step("COMMIT", pend->order.epoch,
                   number_of(pend->order.epoch, &pend->body_hash));
    }
}

static void frame_to_rtp(struct sim_device *device, uint8_t type,
                         uint64_t epoch)
{
    const struct enclave_slot *pending = &device->enclave.state.pending;
    if (type == WIRE_ROT_PREPARED) {
        device->holds_jobs = last.lingers;
        print_step(
            "PREPARED", pending->facts.order.epoch,
            number_of(pending->facts.order.epoch, &pending->facts.body_hash));
    } else if (type == WIRE_ROT_DONE) {
        print_step("DONE", epoch, 0);
    } else if (type == WIRE_ATTEST_RSP) {
        print_step("EVIDENCE", epoch, 0);
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

// ---- schedules -------------------------------------------------------------

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*random >> 33) % below;
}

static void must(enum rotor_status status)
{
    if (status != ROTOR_OK) {
        fprintf(stderr, "rotation-trace: %s\n", rotor_status_name(status));
        exit(3);
    }
}

static struct sim_cut any_cut(uint64_t *random)
{
    static const struct {
        enum sim_step step;
        uint8_t type;
    } PLACES[] = {
        {SIM_STEP_NONE,     0                },
        {SIM_AP_WRITE_NEXT, 0                },
        {SIM_AP_ANCHOR,     0                },
        {SIM_AP_RENAME,     0                },
        {SIM_AP_ATTACH,     0                },
        {SIM_RTP_STATE,     0                },
        {SIM_FRAME_TO_AP,   WIRE_ROTATE      },
        {SIM_FRAME_TO_AP,   WIRE_ROT_COMMIT  },
        {SIM_FRAME_TO_RTP,  WIRE_ROT_PREPARED},
        {SIM_FRAME_TO_RTP,  WIRE_ROT_DONE    },
        {SIM_FRAME_TO_RTP,  WIRE_ATTEST_RSP  },
    };
    size_t at = draw(random, COUNT_OF(PLACES));
    struct sim_cut cut = {
        .step = PLACES[at].step,
        .type = PLACES[at].type,
        .is_after = draw(random, 2) == 1,
        .count = 1 + draw(random, 2),
    };
    // A write dies with its side; a frame may be lost with either.
    if (cut.type != 0) {
        cut.victim = draw(random, 2) == 1 ? SIM_RTP : SIM_AP;
    }
    return cut;
}

static void restart_victim(struct sim_device *device)
{
    enum sim_side dead = device->dead;
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    device->holds_jobs = false;
    print_step(dead == SIM_AP ? "KILL_ENCLAVE" : "KILL_RTP", 0, 0);
    if (dead == SIM_AP) {
        sim_kill_ap(device);
        must(sim_start_ap(device));
    } else {
        sim_kill_rtp(device);
        must(sim_start_rtp(device));
    }
}

static void ask(struct sim_device *device, uint64_t tag)
{
    uint8_t sid[WIRE_ID_SIZE];
    uint8_t nonce[WIRE_NONCE_SIZE];
    uint8_t bytes[512];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct chain_trust *trust = &device->rtp.state.trust;
    sim_random(device, sid, sizeof sid);
    sim_random(device, nonce, sizeof nonce);
    const struct wire_attest_req request = {
        .log_id = trust->log_id,
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .suites = {3, {2, 1, 3}},
        .purpose = WIRE_PURPOSE_ATTEST,
    };
    must(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request, &payload));
    const struct rtp_request submitted = {
        .op = WIRE_OP_ATTEST, .payload = bytes_in(&payload), .tag = tag};
    must(rtp_submit(&device->rtp, device->now_ms, &submitted));
}

// Everything that moves, until it is steady; at most one power cut.
static void settle(struct sim_device *device)
{
    struct rtp_completion completion;
    for (unsigned i = 0; i < 1000; i++) {
        (void)sim_run_until(device, 60000, sim_is_steady);
        if (device->is_cut) {
            restart_victim(device);
            continue;
        }
        if (device->holds_jobs) {
            ask(device, 1000 + i);
            while (!device->is_cut && sim_round(device)) {
            }
            device->holds_jobs = false;
            continue;
        }
        bool is_answered = false;
        while (rtp_complete(&device->rtp, device->now_ms, &completion) ==
               ROTOR_OK) {
            is_answered = true;
        }
        if (!is_answered && sim_is_steady(device)) {
            return;
        }
    }
    fprintf(stderr, "rotation-trace: never came to rest\n");
    exit(3);
}

static void run_device(uint64_t seed)
{
    uint64_t random = seed;
    struct sim_device *device = sim_device_new(seed);
    const struct rtp_wish wish = {.reason = WIRE_REASON_OPERATOR,
                                  .kind = CHAIN_ROTATE};
    if (device == NULL) {
        exit(3);
    }
    memset(&last, 0, sizeof last);
    must(sim_start_ap(device));
    must(sim_start_rtp(device));
    if (!sim_run_until(device, 60000, sim_is_steady)) {
        exit(3);
    }
    device->observe = observe;
    for (uint64_t tag = 1; device->rtp.state.trust.order.epoch < EPOCHS;
         tag++) {
        device->cut = any_cut(&random);
        last.lingers = draw(&random, 3) == 0;
        if (draw(&random, 2) == 1) {
            ask(device, tag);
        }
        if (draw(&random, 4) != 0) {
            rtp_wish_for(&device->rtp, &wish);
        }
        settle(device);
        device->cut = (struct sim_cut){0};
    }
    printf("RESET, 0, 0\n");
    sim_device_free(device);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: rotation-trace FIRST-SEED COUNT\n");
        return 2;
    }
    uint64_t first = strtoull(arguments[1], NULL, 10);
    uint64_t devices = strtoull(arguments[2], NULL, 10);
    for (uint64_t i = 0; i < devices; i++) {
        run_device(first + i);
    }
    return fflush(stdout) == 0 ? 0 : 3;
}
