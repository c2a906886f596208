// SPDX-License-Identifier: Apache-2.0
// A rotation, from the order to ROT_DONE made durable.
//
//     total    a program orders it at the socket of a real rotord, and waits
//     intent, prepare, accept, commit, finish
//              where the time goes: the same at the RTP's own API, cut where
//              the frames pass; the reference cut at the same places
#include <string.h>

#include "base/bytes.h"
#include "bench/machine.h"
#include "bench/processor.h"
#include "bench/rig.h"
#include "bench/tally.h"
#include "bench/turnover.h"

static const char REFERENCE[] =
    "the same keys, signatures, checks, writes, fsyncs, renames and advances";

static struct rig rig;
static struct party party;
static struct party_exchange exchange;

static void encode_order(struct rotor_room *payload)
{
    const struct wire_client_rotate order = {.reason = WIRE_REASON_OPERATOR};
    tally_expect(wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &order,
                                     payload) == ROTOR_OK,
                 "ROTATE");
}

static double run_device(struct rotor_client *client)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    encode_order(&payload);
    uint64_t start = tally_now_ns();
    machine_ask(client, WIRE_OP_ROTATE, bytes_in(&payload), &answer);
    tally_expect(answer.code == WIRE_CLIENT_OK, "the device did not rotate");
    return (double)(tally_now_ns() - start) / 1e6;
}

static void run_rig(void)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rtp_completion done;
    encode_order(&payload);
    rig_ask(&rig, WIRE_OP_ROTATE, bytes_in(&payload), &done);
}

static void add_parts(struct tally parts[TURNOVER_PARTS],
                      const uint64_t theirs_ns[TURNOVER_PARTS])
{
    for (size_t i = 0; i < TURNOVER_PARTS; i++) {
        uint64_t ours_ns = rig.marks_ns[i + 1] - rig.marks_ns[i];
        tally_add(&parts[i], (double)ours_ns / 1e6, (double)theirs_ns[i] / 1e6);
    }
}

static double sum_ms(const uint64_t spent_ns[TURNOVER_PARTS])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TURNOVER_PARTS; i++) {
        sum += spent_ns[i];
    }
    return (double)sum / 1e6;
}

// Once on each processor, since ours uses both: the mean.
static void run_reference(struct turnover *turnover,
                          uint64_t mean_ns[TURNOVER_PARTS])
{
    unsigned runs = processor_has_pair() ? 2 : 1;
    cpu_set_t home = processor_home();
    uint64_t spent_ns[TURNOVER_PARTS];
    memset(mean_ns, 0, TURNOVER_PARTS * sizeof *mean_ns);
    for (unsigned run = 0; run < runs; run++) {
        processor_bind(0, run);
        turnover_run(turnover, spent_ns);
        for (size_t i = 0; i < TURNOVER_PARTS; i++) {
            mean_ns[i] += spent_ns[i] / runs;
        }
    }
    processor_release(&home);
}

static void run_rounds(const struct place *place, struct rotor_client *client,
                       struct turnover *turnover)
{
    static const char *const names[TURNOVER_PARTS] = {
        [TURNOVER_INTENT] = "intent", [TURNOVER_PREPARE] = "prepare",
        [TURNOVER_ACCEPT] = "accept", [TURNOVER_COMMIT] = "commit",
        [TURNOVER_FINISH] = "finish",
    };
    static struct tally parts[TURNOVER_PARTS];
    static struct tally total = {.bench = "rotate",
                                 .name = "total",
                                 .unit = "ms",
                                 .reference = REFERENCE,
                                 .kind = TALLY_RATIO_AT_MOST,
                                 .goal = 1.3};
    uint64_t spent_ns[TURNOVER_PARTS];
    for (size_t i = 0; i < TURNOVER_PARTS; i++) {
        parts[i] = (struct tally){.bench = "rotate",
                                  .name = names[i],
                                  .unit = "ms",
                                  .reference = REFERENCE};
    }
    for (int round = -1; round < place->rounds; round++) {
        run_reference(turnover, spent_ns);
        double ours = run_device(client);
        run_rig();
        if (round >= 0) { // one to get warm
            tally_add(&total, ours, sum_ms(spent_ns));
            add_parts(parts, spent_ns);
        }
    }
    tally_print(&total);
    for (size_t i = 0; i < TURNOVER_PARTS; i++) {
        tally_print(&parts[i]);
    }
}

int main(int count, char **words)
{
    static struct turnover turnover;
    struct machine machine;
    struct place place;
    char state[256];
    place_read(&place, count, words);
    machine_make(&place, "rig", state, sizeof state);
    rig_open(&rig, state);
    machine_make(&place, "reference", state, sizeof state);
    turnover_open(&turnover, state);
    machine_make(&place, "device", state, sizeof state);
    machine_start(&machine, &place, state);
    struct rotor_client *client = machine_connect(&machine);
    party_init(&party);
    machine_meet(client, &party);
    machine_attest(client, &party, &exchange);
    run_rounds(&place, client, &turnover);
    party_close(&exchange);
    rotor_client_close(client);
    machine_stop(&machine);
    turnover_close(&turnover);
    rig_close(&rig);
    return 0;
}
