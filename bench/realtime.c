// SPDX-License-Identifier: Apache-2.0
// The claim of the whole idea: an I/O loop that keeps its slots while the root
// of trust is at work.
//
// Every 20 us a slot: 4 KiB are read and their CRC32C is computed.  A slot is
// missed when that is not done within it.  Four ways, slice by slice in turn:
//
//     alone      the loop does nothing else
//     offload    it is also the RTP: attestations with key agreement without a
//                pause and a rotation every 100 ms, through the queue; between
//                two slots one pass of the RTP's machine, which waits for
//                nobody
//     inline     the same number of them computed in the loop: the same calls
//                to the crypto port, the same writes and fsyncs
//     blocking   the same number asked of the enclave, each waited for
//
// The loop has a processor of its own and, where the system lets it, real-time
// priority for the length of a slice, in all four ways; enclave, its second
// thread and the RTP's worker share the other processor.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/calls.h"
#include "bench/histogram.h"
#include "bench/machine.h"
#include "bench/rig.h"
#include "bench/tally.h"
#include "bench/turnover.h"

#define SLOT_NS     20000u
#define SLICE_NS    300000000u
#define PAUSE_NS    30000000
#define ROTATION_NS 100000000u
#define READ_SIZE   4096u
#define FILE_BLOCKS 4096u // 16 MiB
#define IN_FLIGHT   2u
#define REQUESTS    64u

enum way { ALONE, OFFLOAD, INLINE, BLOCKING, WAYS };
static const char *const NAMES[WAYS] = {"alone", "offload", "inline",
                                        "blocking"};

// What one slice did.
struct slice {
    struct histogram latency;
    uint64_t missed;
    uint64_t attestations;
    uint64_t rotations;
};

static struct rig rig;
static struct party party;
static struct calls calls;
static struct turnover turnover;
static struct slice slice;
static struct histogram totals[WAYS];
static struct {
    size_t size;
    uint8_t bytes[512];
} requests[REQUESTS];
static struct {
    uint64_t submitted;
    uint64_t completed;
    uint64_t rotation_tag; // 0: none is under way
    uint64_t next_rotation_ns;
} work;
static int file;
static uint32_t sums[FILE_BLOCKS]; // that each block of it has

// ---- input and output ------------------------------------------------------

__attribute__((target("sse4.2"))) static uint32_t crc32c(const uint8_t *bytes,
                                                         size_t size)
{
    uint64_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    return ~(uint32_t)crc;
}

static void make_file(const struct place *place)
{
    static uint8_t block[READ_SIZE];
    char path[300];
    int size = snprintf(path, sizeof path, "%s/realtime.data", place->work);
    tally_expect(size > 0 && (size_t)size < sizeof path, "path");
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    tally_expect(file >= 0, "file");
    for (size_t i = 0; i < FILE_BLOCKS; i++) {
        memset(block, (int)i, sizeof block);
        sums[i] = crc32c(block, sizeof block);
        tally_expect(write(file, block, sizeof block) == sizeof block, "write");
    }
}

static void read_block(void)
{
    static uint8_t block[READ_SIZE];
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    size_t i = state / (UINT32_MAX / FILE_BLOCKS + 1);
    bool is_read = pread(file, block, sizeof block, (off_t)(i * READ_SIZE)) ==
                   sizeof block;
    tally_expect(is_read && crc32c(block, sizeof block) == sums[i], "read");
}

// ---- the work --------------------------------------------------------------

static struct rotor_bytes next_request(void)
{
    size_t i = work.submitted % REQUESTS;
    return bytes_of(requests[i].bytes, requests[i].size);
}

static void encode_order(struct rotor_room *payload)
{
    const struct wire_client_rotate order = {.reason = WIRE_REASON_OPERATOR};
    tally_expect(wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &order,
                                     payload) == ROTOR_OK,
                 "ROTATE");
}

// The request of a rotation, when one is due and none is under way.
static void submit_rotation(uint64_t now)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    if (now < work.next_rotation_ns || work.rotation_tag != 0) {
        return;
    }
    work.next_rotation_ns += ROTATION_NS;
    encode_order(&payload);
    work.rotation_tag = rig_submit(&rig, WIRE_OP_ROTATE, bytes_in(&payload));
}

static void complete_all(void)
{
    struct rtp_completion done;
    while (rig_complete(&rig, &done)) {
        tally_expect(done.code == WIRE_CLIENT_OK, done.text);
        if (done.tag == work.rotation_tag) {
            work.rotation_tag = 0;
            slice.rotations++;
        } else {
            work.completed++;
            slice.attestations++;
        }
    }
}

static void offload(uint64_t now)
{
    if (work.submitted - work.completed < IN_FLIGHT) {
        (void)rig_submit(&rig, WIRE_OP_ATTEST, next_request());
        work.submitted++;
    }
    submit_rotation(now);
    (void)rig_turn(&rig);
    complete_all();
}

static void drain(void)
{
    while (work.submitted != work.completed || work.rotation_tag != 0) {
        (void)rig_turn(&rig);
        complete_all();
    }
}

static void compute_attestation(bool is_inline)
{
    struct rtp_completion done;
    if (is_inline) {
        calls_attest(&calls);
    } else {
        rig_ask(&rig, WIRE_OP_ATTEST, next_request(), &done);
        work.submitted++;
        work.completed++;
    }
    slice.attestations++;
}

static void compute_rotation(bool is_inline)
{
    uint64_t spent_ns[TURNOVER_PARTS];
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rtp_completion done;
    if (is_inline) {
        turnover_run(&turnover, spent_ns);
    } else {
        encode_order(&payload);
        rig_ask(&rig, WIRE_OP_ROTATE, bytes_in(&payload), &done);
    }
    slice.rotations++;
}

// One piece of work at most, if one is due.
static void compute(bool is_inline, uint64_t now, uint64_t start,
                    uint64_t pace_ns)
{
    if (now >= work.next_rotation_ns) {
        work.next_rotation_ns += ROTATION_NS;
        compute_rotation(is_inline);
    } else if (now - start >= slice.attestations * pace_ns) {
        compute_attestation(is_inline);
    }
}

// ---- one slice -------------------------------------------------------------

static void note(uint64_t latency_ns)
{
    histogram_add(&slice.latency, latency_ns);
    slice.missed += latency_ns > SLOT_NS ? 1 : 0;
}

// What is done between two slots.  `pace_ns`: one attestation in that time.
static void between(enum way way, uint64_t start, uint64_t pace_ns)
{
    uint64_t now = tally_now_ns();
    if (way == OFFLOAD) {
        offload(now);
    } else if (way != ALONE) {
        compute(way == INLINE, now, start, pace_ns);
    }
}

// Others run between two slices, so that none of them starves.
static void set_priority(bool is_high)
{
    static bool is_told;
    const struct sched_param high = {.sched_priority = 50};
    const struct sched_param none = {0};
    const struct timespec pause = {0, PAUSE_NS};
    if (!is_high) {
        (void)sched_setscheduler(0, SCHED_OTHER, &none);
        (void)nanosleep(&pause, NULL);
    } else if (sched_setscheduler(0, SCHED_FIFO, &high) != 0 && !is_told) {
        is_told = true;
        fputs("rotor: warning: no real-time priority: other programs interrupt "
              "the loop\n",
              stderr);
    }
}

static void run_slice(enum way way, uint64_t pace_ns)
{
    slice = (struct slice){0};
    set_priority(true);
    uint64_t start = tally_now_ns() + SLOT_NS;
    uint64_t due = start;
    work.next_rotation_ns = start;
    uint64_t end = start + SLICE_NS;
    while (due < end) {
        while (tally_now_ns() < due) {
            __builtin_ia32_pause();
        }
        read_block();
        note(tally_now_ns() - due);
        due += SLOT_NS;
        between(way, start, pace_ns);
        // Slots that passed meanwhile: as late as the loop came back to them.
        uint64_t now = tally_now_ns();
        for (; due < end && now >= due + SLOT_NS; due += SLOT_NS) {
            note(now - due);
        }
    }
    set_priority(false);
    if (way == OFFLOAD) {
        drain();
    }
    histogram_merge(&totals[way], &slice.latency);
}

// ---- rounds ----------------------------------------------------------------

enum figure { P50, P99, P999, MISSED, DONE, FIGURES };
static struct tally figures[WAYS][FIGURES];
static char case_names[WAYS][FIGURES][32];

static void name_figures(void)
{
    static const char *const what[FIGURES] = {"p50", "p99", "p99.9", "missed",
                                              "attestations"};
    for (size_t way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < FIGURES; i++) {
            (void)snprintf(case_names[way][i], sizeof case_names[way][i],
                           "%s-%s", NAMES[way], what[i]);
            figures[way][i] = (struct tally){
                .bench = "realtime",
                .name = case_names[way][i],
                .unit = i < MISSED    ? "us"
                        : i == MISSED ? "slots a slice"
                                      : "a slice",
            };
        }
    }
}

static void add_figures(enum way way, double values[FIGURES])
{
    values[P50] = (double)histogram_quantile(&slice.latency, 0.5) / 1e3;
    values[P99] = (double)histogram_quantile(&slice.latency, 0.99) / 1e3;
    values[P999] = (double)histogram_quantile(&slice.latency, 0.999) / 1e3;
    values[MISSED] = (double)slice.missed;
    values[DONE] = (double)slice.attestations;
    for (size_t i = 0; i < FIGURES; i++) {
        tally_add(&figures[way][i], values[i], 0);
    }
}

static struct tally offload_p99 = {
    .bench = "realtime",
    .name = "offload-p99",
    .unit = "us",
    .reference = "p99 of the same loop alone, in the slice beside it",
    .kind = TALLY_RATIO_AT_MOST,
    .goal = 1.1};
static struct tally offload_missed = {
    .bench = "realtime",
    .name = "missed",
    .unit = "slots a slice",
    .reference = "slots that the loop alone missed, in the slice beside it",
    .kind = TALLY_RATIO_AT_MOST,
    .goal = 1.1};

static void run_round(int round)
{
    double values[WAYS][FIGURES];
    // Which of the pair comes first changes from round to round.
    enum way first = round % 2 == 0 ? ALONE : OFFLOAD;
    enum way second = first == ALONE ? OFFLOAD : ALONE;
    const enum way order[WAYS] = {first, second, INLINE, BLOCKING};
    uint64_t pace_ns = 0;
    for (size_t i = 0; i < WAYS; i++) {
        run_slice(order[i], pace_ns);
        add_figures(order[i], values[order[i]]);
        if (order[i] == OFFLOAD && slice.attestations != 0) {
            pace_ns = SLICE_NS / slice.attestations;
        }
    }
    tally_add(&offload_p99, values[OFFLOAD][P99], values[ALONE][P99]);
    // A slice of the loop alone that missed none counts as one slot.
    double alone = values[ALONE][MISSED] < 1 ? 1 : values[ALONE][MISSED];
    tally_add(&offload_missed, values[OFFLOAD][MISSED], alone);
}

static void print_all(void)
{
    for (size_t way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < FIGURES; i++) {
            if (way != ALONE || i != DONE) {
                tally_print(&figures[way][i]);
            }
        }
        char name[32];
        (void)snprintf(name, sizeof name, "%s-max", NAMES[way]);
        struct tally worst = {.bench = "realtime", .name = name, .unit = "us"};
        tally_add(&worst, (double)totals[way].max_ns / 1e3, 0);
        tally_print(&worst);
    }
    tally_print(&offload_p99);
    tally_print(&offload_missed);
}

// For the plot: a latency in us, then of each way the share of slots above it.
static void write_distributions(const struct place *place)
{
    char path[300];
    uint64_t above[WAYS];
    (void)snprintf(path, sizeof path, "%s/realtime.tsv", place->work);
    FILE *out = fopen(path, "w");
    tally_expect(out != NULL, "realtime.tsv");
    for (size_t way = 0; way < WAYS; way++) {
        above[way] = totals[way].count;
    }
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        fprintf(out, "%.3f", (double)histogram_floor(i) / 1e3);
        for (size_t way = 0; way < WAYS; way++) {
            above[way] -= totals[way].buckets[i];
            fprintf(out, "\t%.9f",
                    (double)above[way] / (double)totals[way].count);
        }
        fputc('\n', out);
    }
    tally_expect(fclose(out) == 0, "realtime.tsv");
}

// ---- start -----------------------------------------------------------------

static void prepare(struct calls_sizes *sizes)
{
    static struct party_exchange exchange;
    struct rtp_completion done;
    struct wire_attest_rsp response;
    for (size_t i = 0; i < REQUESTS; i++) {
        party_ask(&party, &exchange);
        memcpy(requests[i].bytes, exchange.request, exchange.request_size);
        requests[i].size = exchange.request_size;
    }
    rig_ask(&rig, WIRE_OP_ATTEST, next_request(), &done);
    tally_expect(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, done.payload,
                                     &response) == ROTOR_OK,
                 "the first answer");
    *sizes = (struct calls_sizes){
        .request = requests[0].size,
        .response = done.payload.size,
        .core = response.core.size,
        .evidence = response.evidence.size,
        .fin = 64,
        .status = 64,
    };
    party_close(&exchange);
}

int main(int count, char **words)
{
    struct place place;
    struct calls_sizes sizes;
    char state[256];
    place_read(&place, count, words);
    machine_make(&place, "rig", state, sizeof state);
    rig_open(&rig, state);
    party_init(&party);
    party_trust(&party, &rig.rtp.state.trust);
    machine_make(&place, "reference", state, sizeof state);
    turnover_open(&turnover, state);
    make_file(&place);
    rig_pin(&rig);
    prepare(&sizes);
    calls_open(&calls, &sizes);
    name_figures();
    run_slice(ALONE, 0); // to get warm
    run_slice(OFFLOAD, 0);
    memset(totals, 0, sizeof totals);
    for (int round = 0; round < place.rounds; round++) {
        run_round(round);
    }
    print_all();
    write_distributions(&place);
    calls_close(&calls);
    turnover_close(&turnover);
    rig_close(&rig);
    return 0;
}
