// SPDX-License-Identifier: Apache-2.0
// The queue beside what the machine and other libraries can do: two threads,
// pinned to two cores; every round runs ours and the references in turn, each
// sample between two of a raw ping-pong.  One JSON line for each case.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/queue.h"
#include "bench/rings.h"
#include "bench/tally.h"

#define TRIPS        5000u
#define TRIPS_RAW    1000u // before and after each sample
#define TRIPS_KERNEL 100u
#define FRAMES       100000u
#define SEALED       5000u
#define PACED        2000u
#define TRIES        20 // of a sample that was disturbed
#define IDLE_MS      300u

// What the raw ping-pong took, ns: around the last sample, of late, and over a
// round.  A host moves processors about: the best of times is of another place.
#define LOOKS 24u
static struct {
    double around;
    double recent[LOOKS];
    size_t looks;
    double before, after; // sums
    int samples;
    unsigned long taken, repeated; // samples of the whole run
} raw;

static double look_at_machine(void)
{
    double ns = duo_raw(TRIPS_RAW);
    raw.recent[raw.looks++ % LOOKS] = ns;
    return ns;
}

// Somebody else had one of the two cores.
static bool is_disturbed(double raw_ns)
{
    double least = raw_ns;
    for (size_t i = 0; i < LOOKS && i < raw.looks; i++) {
        least = raw.recent[i] < least ? raw.recent[i] : least;
    }
    return raw_ns > 1.5 * least;
}

// A sample between two raw ones; ns for each of `count`.  Ours or theirs, it is
// taken again when the raw ones tell that the machine was busy, but not for
// ever: then it counts as it is.
static double sample(duo_side *near, duo_side *far, uint32_t count)
{
    double ns = 0, before = 0, after = 0;
    for (int i = 0; i < TRIES; i++) {
        before = look_at_machine();
        ns = duo_sample(near, far, count) / count;
        after = look_at_machine();
        raw.taken++;
        if (!is_disturbed(before) && !is_disturbed(after)) {
            break;
        }
        raw.repeated++;
    }
    raw.around = (before + after) / 2;
    raw.before += before;
    raw.after += after;
    raw.samples++;
    return ns;
}

static void begin_round(void)
{
    raw.before = raw.after = 0;
    raw.samples = 0;
}

static double per_us(double ns)
{
    return 1000 / ns; // million per second
}

// The fastest of several ways to wait, M/s.
static double best_of(const struct ring *rings, int count)
{
    double best = 0;
    for (int i = 0; i < count; i++) {
        rings[i].reset();
        double rate = per_us(sample(rings[i].source, rings[i].sink, FRAMES));
        best = rate > best ? rate : best;
    }
    return best;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, uint32_t count, double share)
{
    qsort(values, count, sizeof *values, by_value);
    return values[(uint32_t)(share * (count - 1) + 0.5)];
}

// --- The cases --------------------------------------------------------------

#define CASE(word, unit_, reference_, kind_, goal_)                            \
    {                                                                          \
        .bench = "ipq", .name = (word), .unit = (unit_),                       \
        .reference = (reference_), .kind = (kind_), .goal = (goal_)            \
    }

enum which {
    RAW,
    RTT_MEAN,
    RTT_SLOTS,
    RTT_PAYLOAD,
    RTT_64,
    RTT_TAIL,
    RTT_CK,
    RTT_RTE,
    RTT_PIPE, // and the other ways of the kernel
    RTT_EVENTFD,
    RTT_SEQPACKET,
    SINGLE,
    SINGLE_CK,
    SINGLE_RTE,
    SINGLE_64,
    BATCH,
    BATCH_RTE,
    BATCH_64,
    SEALED_FRAMES,
    SEALED_BATCH,
    SLEEP,
    WAKE,
    IDLE,
    CASES,
};

static struct tally tallies[CASES] = {
    [RAW] = CASE("raw", "ns", "the same after the samples", TALLY_NO_GOAL, 0),
    [RTT_MEAN] =
        CASE("rtt-mean", "ns", "raw ping-pong", TALLY_RATIO_AT_MOST, 1.0),
    [RTT_SLOTS] = CASE("rtt-slots", "ns", "raw ping-pong over walled slots",
                       TALLY_NO_GOAL, 0),
    [RTT_PAYLOAD] = CASE("rtt-payload", "ns", "raw ping-pong with 64 bytes",
                         TALLY_NO_GOAL, 0),
    [RTT_64] = CASE("rtt-64", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [RTT_TAIL] = CASE("rtt-tail", "p99.9/p50", "the same of the raw ping-pong",
                      TALLY_RATIO_AT_MOST, 1.1),
    [RTT_CK] = CASE("rtt-ck", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [RTT_RTE] = CASE("rtt-rte", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [RTT_PIPE] = CASE("rtt-pipe", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [RTT_EVENTFD] =
        CASE("rtt-eventfd", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [RTT_SEQPACKET] =
        CASE("rtt-seqpacket", "ns", "raw ping-pong", TALLY_NO_GOAL, 0),
    [SINGLE] = CASE("single", "M/s", "the better of ck_ring and rte_ring",
                    TALLY_RATIO_AT_LEAST, 2.0),
    [SINGLE_CK] = CASE("single-ck", "M/s", "ck_ring", TALLY_NO_GOAL, 0),
    [SINGLE_RTE] = CASE("single-rte", "M/s", "rte_ring", TALLY_NO_GOAL, 0),
    [SINGLE_64] = CASE("single-64", "M/s", "the better of ck_ring and rte_ring",
                       TALLY_NO_GOAL, 0),
    [BATCH] =
        CASE("batch32", "M/s", "rte_ring zero-copy", TALLY_RATIO_AT_LEAST, 1.1),
    [BATCH_RTE] =
        CASE("batch32-rte", "M/s", "rte_ring burst", TALLY_NO_GOAL, 0),
    [BATCH_64] =
        CASE("batch32-64", "M/s", "rte_ring zero-copy", TALLY_NO_GOAL, 0),
    [SEALED_FRAMES] = CASE("sealed", "M/s", "AES-256-GCM seal alone",
                           TALLY_RATIO_AT_LEAST, 0.8),
    [SEALED_BATCH] = CASE("sealed-batch32", "M/s", "AES-256-GCM seal alone",
                          TALLY_RATIO_AT_LEAST, 0.8),
    [SLEEP] = CASE("sleep", "ns", "futex ping-pong, same time-outs",
                   TALLY_RATIO_AT_MOST, 1.05),
    [WAKE] = CASE("wake", "us", "a receiver that only looks",
                  TALLY_VALUE_AT_MOST, 0.3),
    [IDLE] = CASE("idle", "%", NULL, TALLY_VALUE_AT_MOST, 0.5),
};

// The same sides with as many bytes in a frame as the others' messages have.
static double sample_64(duo_side *near, duo_side *far, uint32_t count)
{
    queue_frame(QUEUE_MESSAGE);
    double ns = sample(near, far, count);
    queue_frame(QUEUE_SLOT);
    return ns;
}

static void run_trips(void)
{
    double ours = sample(queue_near, queue_far, TRIPS);
    tally_add(&tallies[RTT_MEAN], ours, raw.around);
    tally_add(&tallies[RTT_SLOTS], ours,
              sample(duo_slots_near, duo_slots_far, TRIPS));
    tally_add(&tallies[RTT_PAYLOAD], ours,
              sample(duo_payload_near, duo_payload_far, TRIPS));
    double whole = sample_64(queue_near, queue_far, TRIPS);
    tally_add(&tallies[RTT_64], whole, raw.around);
    ck_rings[0].reset();
    double ck = sample(ck_rings[0].near, ck_rings[0].far, TRIPS);
    tally_add(&tallies[RTT_CK], ck, raw.around);
    rte_rings[0].reset();
    double rte = sample(rte_rings[0].near, rte_rings[0].far, TRIPS);
    tally_add(&tallies[RTT_RTE], rte, raw.around);
    for (int i = 0; i < 3; i++) {
        double kernel =
            sample(kernel_ways[i].near, kernel_ways[i].far, TRIPS_KERNEL);
        tally_add(&tallies[RTT_PIPE + i], kernel, raw.around);
    }
}

static double tail(double *times_ns)
{
    return quantile(times_ns, TRIPS, 0.999) / quantile(times_ns, TRIPS, 0.5);
}

static void run_tail(void)
{
    static double times_ns[TRIPS];
    for (int i = 0; i < TRIES; i++) {
        double before = look_at_machine();
        duo_raw_times(times_ns, TRIPS);
        if (!is_disturbed(before) && !is_disturbed(look_at_machine())) {
            break;
        }
    }
    double theirs = tail(times_ns);
    queue_times(times_ns);
    (void)sample(queue_near_timed, queue_far_timed, TRIPS);
    tally_add(&tallies[RTT_TAIL], tail(times_ns), theirs);
}

static void run_rates(void)
{
    double ck = best_of(ck_rings, 3);
    double single = per_us(sample(queue_source, queue_sink, FRAMES));
    double rte = best_of(rte_rings, 3);
    double whole = per_us(sample_64(queue_source, queue_sink, FRAMES));
    tally_add(&tallies[SINGLE], single, ck > rte ? ck : rte);
    tally_add(&tallies[SINGLE_64], whole, ck > rte ? ck : rte);
    tally_add(&tallies[SINGLE_CK], single, ck);
    tally_add(&tallies[SINGLE_RTE], single, rte);
    double batch = per_us(sample(queue_source_batch, queue_sink_batch, FRAMES));
    double wholes =
        per_us(sample_64(queue_source_batch, queue_sink_batch, FRAMES));
    double in_place = best_of(rte_zero_copies, 2);
    tally_add(&tallies[BATCH], batch, in_place);
    tally_add(&tallies[BATCH_64], wholes, in_place);
    tally_add(&tallies[BATCH_RTE], batch, best_of(rte_batches, 2));
}

static void nothing(uint32_t count)
{
    (void)count;
}

static void run_sealed(void)
{
    double alone = per_us(sample(queue_seal_alone, nothing, SEALED));
    double ours =
        per_us(sample(queue_source_sealed, queue_sink_sealed, SEALED));
    double batch = per_us(
        sample(queue_source_sealed_batch, queue_sink_sealed_batch, SEALED));
    tally_add(&tallies[SEALED_FRAMES], ours, alone);
    tally_add(&tallies[SEALED_BATCH], batch, alone);
}

static double asleep(void)
{
    queue_spin(false);
    queue_awake_ns = 0;
    (void)duo_sample(queue_near_asleep, queue_far_asleep, TRIPS_KERNEL);
    queue_spin(true);
    return (double)queue_awake_ns / TRIPS_KERNEL;
}

static double asleep_on_futex(void)
{
    futex_reset(QUEUE_SETTLE_NS);
    (void)duo_sample(futex_near, futex_far, TRIPS_KERNEL);
    return (double)futex_awake_ns() / TRIPS_KERNEL;
}

static void run_sleepers(void)
{
    static double times_ns[PACED];
    double ours = asleep();
    tally_add(&tallies[SLEEP], ours, asleep_on_futex());
    queue_times(times_ns);
    (void)sample(queue_source_paced, queue_sink_looking, PACED);
    double looking = quantile(times_ns, PACED, 0.99) / 1000;
    (void)sample(queue_source_paced, queue_sink_paced, PACED);
    tally_add(&tallies[WAKE], quantile(times_ns, PACED, 0.99) / 1000, looking);
    queue_idle_ns = 0;
    (void)duo_sample(queue_idle_near, queue_idle_far, IDLE_MS);
    tally_add(&tallies[IDLE], 100.0 * (double)queue_idle_ns / (IDLE_MS * 1e6),
              0);
}

int main(int count, char **words)
{
    int rounds = count > 1 ? atoi(words[1]) : TALLY_ROUNDS;
    if (rounds < 1 || rounds > TALLY_ROUNDS_MAX) {
        fprintf(stderr, "usage: bench-ipq [rounds, 1..%d]\n", TALLY_ROUNDS_MAX);
        return 2;
    }
    ck_open();
    dpdk_open();
    kernel_open();
    queue_open();
    duo_open();
    for (int i = 0; i < 100; i++) {
        (void)look_at_machine();
    }
    for (int round = 0; round < rounds; round++) {
        begin_round();
        run_trips();
        run_tail();
        run_rates();
        run_sealed();
        run_sleepers();
        tally_add(&tallies[RAW], raw.before / raw.samples,
                  raw.after / raw.samples);
    }
    for (int i = 0; i < CASES; i++) {
        tally_print(&tallies[i]);
    }
    duo_close();
    fprintf(stderr, "ipq: %lu of %lu samples were disturbed\n", raw.repeated,
            raw.taken);
    return 0;
}
