// SPDX-License-Identifier: Apache-2.0
#include "test/model/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "rtp/machine.h"

static struct {
    size_t used;
    char text[1u << 16];
} steps; // of one device

static void give_up(const char *why)
{
    fprintf(stderr, "trace: %s\n", why);
    exit(3);
}

void trace_print(const char *step, uint64_t epoch, uint64_t body)
{
    size_t room = sizeof steps.text - steps.used;
    int size = snprintf(steps.text + steps.used, room, "%s, %u, %u\n", step,
                        (unsigned)epoch, (unsigned)body);
    if (size < 0 || (size_t)size >= room) {
        give_up("one device takes too many steps");
    }
    steps.used += (size_t)size;
}

void trace_end(struct sim_device *device, bool is_kept)
{
    if (is_kept) {
        printf("%.*sRESET, 0, 0\n", (int)steps.used, steps.text);
    }
    steps.used = 0;
    sim_device_free(device);
}

uint32_t trace_draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*random >> 33) % below;
}

void trace_must(enum rotor_status status)
{
    if (status != ROTOR_OK) {
        give_up(rotor_status_name(status));
    }
}

void trace_show(const struct trace_eyes *eyes, struct sim_device *device,
                enum sim_step step, const struct wire_header *header)
{
    if (step == SIM_AP_ANCHOR) {
        eyes->ap_durable(device);
    } else if (step == SIM_RTP_STATE) {
        eyes->rtp_durable(device);
    } else if (step == SIM_FRAME_TO_AP) {
        eyes->frame_to_ap(device, header);
    } else if (step == SIM_FRAME_TO_RTP) {
        eyes->frame_to_rtp(device, header);
    }
}

void trace_ap_durable(struct trace_ap *ap)
{
    if (ap->is_prepared) {
        trace_print("P3", ++ap->cur, 0);
    } else {
        trace_print("P1", ap->cur + 1, 0);
    }
    ap->is_prepared = !ap->is_prepared;
}

const struct rtp_state *trace_rtp_state(const struct sim_device *device)
{
    static struct rtp_state state;
    const struct sim_file *file = &device->store.rtp[RTP_FILE_STATE];
    trace_must(rtp_state_decode(bytes_of(file->bytes, file->size), &state));
    return &state;
}

struct sim_cut trace_cut_at(const struct trace_place *places, size_t count,
                            uint64_t *random)
{
    const struct trace_place *place =
        &places[trace_draw(random, (uint32_t)count)];
    struct sim_cut cut = {
        .step = place->step,
        .type = place->type,
        .is_after = trace_draw(random, 2) == 1,
        .count = 1 + trace_draw(random, 2),
    };
    // A write dies with its side; a frame may be lost with either.
    if (cut.type != 0) {
        cut.victim = trace_draw(random, 2) == 1 ? SIM_RTP : SIM_AP;
    }
    return cut;
}

struct sim_cut trace_any_cut(uint64_t *random)
{
    static const struct trace_place PLACES[] = {
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
    return trace_cut_at(PLACES, COUNT_OF(PLACES), random);
}

struct sim_device *trace_new(uint64_t seed)
{
    struct sim_device *device = sim_device_new(seed);
    if (device == NULL) {
        give_up("no memory");
    }
    return device;
}

void trace_begin(struct sim_device *device)
{
    trace_must(sim_start_ap(device));
    trace_must(sim_start_rtp(device));
    if (!sim_run_until(device, 60000, sim_is_steady)) {
        give_up("never came to epoch 0");
    }
}

static void restart_victim(struct sim_device *device)
{
    enum sim_side dead = device->dead;
    device->is_cut = false;
    device->cut = (struct sim_cut){0};
    device->holds_jobs = false;
    trace_print(dead == SIM_AP ? "KILL_ENCLAVE" : "KILL_RTP", 0, 0);
    if (dead == SIM_AP) {
        sim_kill_ap(device);
        trace_must(sim_start_ap(device));
    } else {
        sim_kill_rtp(device);
        trace_must(sim_start_rtp(device));
    }
}

void trace_ask(struct sim_device *device, uint64_t tag)
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
    trace_must(
        wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request, &payload));
    const struct rtp_request submitted = {
        .op = WIRE_OP_ATTEST, .payload = bytes_in(&payload), .tag = tag};
    trace_must(rtp_submit(&device->rtp, device->now_ms, &submitted));
}

static bool take_answers(struct sim_device *device,
                         void (*take)(const struct rtp_completion *completion))
{
    struct rtp_completion completion;
    bool is_answered = false;
    while (rtp_complete(&device->rtp, device->now_ms, &completion) ==
           ROTOR_OK) {
        is_answered = true;
        if (take != NULL) {
            take(&completion);
        }
    }
    return is_answered;
}

void trace_settle(struct sim_device *device,
                  bool (*is_at_rest)(const struct sim_device *device),
                  void (*take)(const struct rtp_completion *completion))
{
    for (unsigned i = 0; i < 1000; i++) {
        (void)sim_run_until(device, 60000, is_at_rest);
        if (device->is_cut) {
            restart_victim(device);
            continue;
        }
        if (device->holds_jobs) {
            trace_ask(device, 1000 + i);
            while (!device->is_cut && sim_round(device)) {
            }
            device->holds_jobs = false;
            continue;
        }
        if (!take_answers(device, take) && is_at_rest(device)) {
            return;
        }
    }
    give_up("never came to rest");
}

int trace_main(int count, char **arguments, void (*run_device)(uint64_t seed))
{
    if (count != 3) {
        fprintf(stderr, "usage: trace FIRST-SEED COUNT\n");
        return 2;
    }
    uint64_t first = strtoull(arguments[1], NULL, 10);
    uint64_t devices = strtoull(arguments[2], NULL, 10);
    for (uint64_t i = 0; i < devices; i++) {
        run_device(first + i);
    }
    return fflush(stdout) == 0 ? 0 : 3;
}
