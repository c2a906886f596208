// SPDX-License-Identifier: Apache-2.0
// The queue beside what the machine and other libraries can do: two threads,
// pinned to two cores, every round runs ours and the references in turn.
// Prints one JSON line for each case; the ratio is the median over rounds.
#include <ck_ring.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"
#include <rotor/ipq.h>

#define ROUNDS_DEFAULT 21
#define ROUNDS_MAX     201
#define TRIPS          20000u
#define FRAMES         200000u
#define BATCH          32u

struct message {
    uint8_t bytes[64];
};

CK_RING_PROTOTYPE(message, message)

struct line {
    _Alignas(128) _Atomic uint64_t value;
};

// One sample: `near` runs on this core, `far` on the other.
struct rig {
    struct line ping, pong;
    ck_ring_t ck_there, ck_back;
    struct message *ck_slots_there, *ck_slots_back;
    // In life these lie in two processes: here, in lines of their own.
    _Alignas(256) struct shared_queue rtp;
    struct doorbell bell_rtp;
    _Alignas(256) struct shared_queue ap;
    struct doorbell bell_ap;
    _Alignas(256) uint32_t size; // of a frame
    struct line go, done;
    void *(*far)(struct rig *);
    _Atomic bool stop;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        fprintf(stderr, "ipq: cannot pin to core %d\n", core);
    }
}

// The message was read: without this the compiler drops the copy out of an
// inlined ring, and with it the very transfer that is measured.
static void use(const void *message)
{
    __asm__ volatile("" ::"r"(message) : "memory");
}

static void expect(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "ipq: %s\n", what);
        exit(3);
    }
}

// --- Round trips ------------------------------------------------------------

static void *raw_far(struct rig *rig)
{
    for (uint64_t i = 1; i <= TRIPS; i++) {
        while (atomic_load_explicit(&rig->ping.value, memory_order_acquire) !=
               i) {
        }
        atomic_store_explicit(&rig->pong.value, i, memory_order_release);
    }
    return NULL;
}

static void raw_near(struct rig *rig)
{
    for (uint64_t i = 1; i <= TRIPS; i++) {
        atomic_store_explicit(&rig->ping.value, i, memory_order_release);
        while (atomic_load_explicit(&rig->pong.value, memory_order_acquire) !=
               i) {
        }
    }
}

static void *ck_far(struct rig *rig)
{
    struct message m;
    for (uint32_t i = 0; i < TRIPS; i++) {
        while (!ck_ring_dequeue_spsc_message(&rig->ck_there,
                                             rig->ck_slots_there, &m)) {
        }
        use(&m);
        while (!ck_ring_enqueue_spsc_message(&rig->ck_back, rig->ck_slots_back,
                                             &m)) {
        }
    }
    return NULL;
}

static void ck_near(struct rig *rig)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < TRIPS; i++) {
        while (!ck_ring_enqueue_spsc_message(&rig->ck_there,
                                             rig->ck_slots_there, &m)) {
        }
        while (!ck_ring_dequeue_spsc_message(&rig->ck_back, rig->ck_slots_back,
                                             &m)) {
        }
        use(&m);
    }
}

static void send_one(struct rotor_ipq_channel *channel,
                     struct doorbell *doorbell, struct rotor_bytes frame)
{
    enum rotor_status status = rotor_ipq_push(&channel->out, frame);
    while (status == ROTOR_AGAIN) {
        status = rotor_ipq_push(&channel->out, frame);
    }
    expect(status == ROTOR_OK && doorbell_ring(doorbell) == ROTOR_OK, "push");
}

// Once is no wait: the frame is most often a few looks away.
static void receive_one(struct rotor_ipq_channel *channel,
                        struct doorbell *doorbell, struct rotor_room *room)
{
    enum rotor_status status = rotor_ipq_pop(&channel->in, room);
    while (status == ROTOR_AGAIN) {
        expect(doorbell_wait(doorbell, ROTOR_IPQ_FRAMES, 1000000000u) !=
                   ROTOR_CORRUPT,
               "wait");
        status = rotor_ipq_pop(&channel->in, room);
    }
    expect(status == ROTOR_OK, "pop");
}

static void *ipq_far(struct rig *rig)
{
    uint8_t frame[64];
    struct rotor_room room = {frame, sizeof frame, 0};
    for (uint32_t i = 0; i < TRIPS; i++) {
        receive_one(&rig->ap.channel, &rig->bell_ap, &room);
        send_one(&rig->ap.channel, &rig->bell_ap,
                 (struct rotor_bytes){frame, room.used});
    }
    return NULL;
}

static void ipq_near(struct rig *rig)
{
    uint8_t frame[64] = {1};
    struct rotor_room room = {frame, sizeof frame, 0};
    for (uint32_t i = 0; i < TRIPS; i++) {
        send_one(&rig->rtp.channel, &rig->bell_rtp,
                 (struct rotor_bytes){frame, rig->size});
        receive_one(&rig->rtp.channel, &rig->bell_rtp, &room);
    }
}

// --- One way ----------------------------------------------------------------

static void *ck_sink(struct rig *rig)
{
    struct message m;
    for (uint32_t i = 0; i < FRAMES; i++) {
        while (!ck_ring_dequeue_spsc_message(&rig->ck_there,
                                             rig->ck_slots_there, &m)) {
        }
        use(&m);
    }
    return NULL;
}

static void ck_source(struct rig *rig)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < FRAMES; i++) {
        while (!ck_ring_enqueue_spsc_message(&rig->ck_there,
                                             rig->ck_slots_there, &m)) {
        }
    }
}

static void *ipq_sink(struct rig *rig)
{
    struct message m;
    struct rotor_room room = {m.bytes, sizeof m.bytes, 0};
    for (uint32_t i = 0; i < FRAMES; i++) {
        while (rotor_ipq_pop(&rig->ap.channel.in, &room) == ROTOR_AGAIN) {
        }
        use(&m);
    }
    expect(rotor_ipq_broken_rule(&rig->ap.channel.in) == ROTOR_IPQ_UNBROKEN,
           "a rule was broken");
    return NULL;
}

static void ipq_source(struct rig *rig)
{
    struct message m = {{1}};
    struct rotor_bytes frame = {m.bytes, rig->size};
    for (uint32_t i = 0; i < FRAMES; i++) {
        while (rotor_ipq_push(&rig->rtp.channel.out, frame) == ROTOR_AGAIN) {
        }
        expect(doorbell_ring(&rig->bell_rtp) == ROTOR_OK, "ring");
    }
}

static void *ipq_sink_batch(struct rig *rig)
{
    struct message m[BATCH];
    struct rotor_room rooms[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        rooms[i] = (struct rotor_room){m[i].bytes, sizeof m[i].bytes, 0};
    }
    uint32_t done = 0;
    while (done < FRAMES) {
        uint32_t popped = 0;
        enum rotor_status status =
            rotor_ipq_pop_batch(&rig->ap.channel.in, rooms, BATCH, &popped);
        expect(status != ROTOR_CORRUPT, "pop");
        use(m);
        done += popped;
    }
    return NULL;
}

static void ipq_source_batch(struct rig *rig)
{
    static struct message m[BATCH];
    struct rotor_bytes frames[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        frames[i] = (struct rotor_bytes){m[i].bytes, rig->size};
    }
    uint32_t done = 0;
    while (done < FRAMES) {
        uint32_t pushed = 0;
        uint32_t left = FRAMES - done;
        enum rotor_status status =
            rotor_ipq_push_batch(&rig->rtp.channel.out, frames,
                                 left < BATCH ? left : BATCH, &pushed);
        expect(status != ROTOR_CORRUPT, "push");
        done += pushed;
        expect(doorbell_ring(&rig->bell_rtp) == ROTOR_OK, "ring");
    }
}

// --- Rounds -----------------------------------------------------------------

static void *far_side(void *argument)
{
    struct rig *rig = argument;
    pin(1);
    for (uint64_t turn = 1;; turn++) {
        while (atomic_load(&rig->go.value) != turn) {
        }
        if (atomic_load(&rig->stop)) {
            return NULL;
        }
        rig->far(rig);
        atomic_store(&rig->done.value, turn);
    }
}

static double sample(struct rig *rig, void (*near)(struct rig *),
                     void *(*far)(struct rig *))
{
    uint64_t turn = atomic_load(&rig->go.value) + 1;
    atomic_store(&rig->ping.value, 0);
    atomic_store(&rig->pong.value, 0);
    rig->far = far;
    atomic_store(&rig->go.value, turn);
    uint64_t start = now_ns();
    near(rig);
    while (atomic_load(&rig->done.value) != turn) {
    }
    return (double)(now_ns() - start);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *values, int count, double share)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return sorted[(int)(share * (count - 1) + 0.5)];
}

struct track {
    const char *name, *unit, *reference;
    void (*near)(struct rig *);
    void *(*far)(struct rig *);
    void (*near_reference)(struct rig *);
    void *(*far_reference)(struct rig *);
    uint32_t size;
    double goal;
    bool is_rate;
    double value[ROUNDS_MAX], other[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

static void run_track(struct rig *rig, struct track *track, int round)
{
    rig->size = track->size;
    double other = sample(rig, track->near_reference, track->far_reference);
    double ours = sample(rig, track->near, track->far);
    double count = track->is_rate ? FRAMES : TRIPS;
    // Rates are in million frames per second, times in ns.
    track->value[round] = track->is_rate ? count / ours * 1e3 : ours / count;
    track->other[round] = track->is_rate ? count / other * 1e3 : other / count;
    track->ratio[round] = track->value[round] / track->other[round];
}

static void print_track(const struct track *track, int rounds)
{
    printf("{\"bench\":\"ipq\",\"case\":\"%s\",\"unit\":\"%s\",\"value\":%.2f,"
           "\"reference\":\"%s\",\"reference_value\":%.2f,\"ratio\":%.3f,"
           "\"spread\":%.3f,\"goal\":%.2f}\n",
           track->name, track->unit, quantile(track->value, rounds, 0.5),
           track->reference, quantile(track->other, rounds, 0.5),
           quantile(track->ratio, rounds, 0.5),
           quantile(track->ratio, rounds, 0.75) -
               quantile(track->ratio, rounds, 0.25),
           track->goal);
}

static void rig_open(struct rig *rig)
{
    static const struct rotor_ipq_plan plan = {1024, 64, 42};
    int fd = -1;
    expect(shared_queue_create(&plan, &fd) == ROTOR_OK, "no memfd");
    expect(shared_queue_open(&rig->rtp, &plan, fd, ROTOR_IPQ_RTP) == ROTOR_OK,
           "no mapping");
    expect(shared_queue_open(&rig->ap, &plan, fd, ROTOR_IPQ_AP) == ROTOR_OK,
           "no mapping");
    (void)close(fd);
    doorbell_init(&rig->bell_rtp, &rig->rtp.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
    doorbell_init(&rig->bell_ap, &rig->ap.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
    ck_ring_init(&rig->ck_there, 1024);
    ck_ring_init(&rig->ck_back, 1024);
    size_t size = 1024 * sizeof(struct message);
    rig->ck_slots_there = aligned_alloc(4096, size);
    rig->ck_slots_back = aligned_alloc(4096, size);
    expect(rig->ck_slots_there && rig->ck_slots_back, "no memory");
    memset(rig->ck_slots_there, 0, size);
    memset(rig->ck_slots_back, 0, size);
}

int main(int count, char **words)
{
    static struct rig rig;
    // clang-format off
    static struct track tracks[] = {
        {.name = "rtt-mean-56", .unit = "ns", .reference = "raw ping-pong",
         .near = ipq_near, .far = ipq_far, .near_reference = raw_near,
         .far_reference = raw_far, .size = 56, .goal = 1.0},
        {.name = "rtt-mean-64", .unit = "ns", .reference = "raw ping-pong",
         .near = ipq_near, .far = ipq_far, .near_reference = raw_near,
         .far_reference = raw_far, .size = 64, .goal = 1.0},
        {.name = "rtt-ck", .unit = "ns", .reference = "raw ping-pong",
         .near = ck_near, .far = ck_far, .near_reference = raw_near,
         .far_reference = raw_far, .size = 64, .goal = 0},
        {.name = "single-56", .unit = "M/s", .reference = "ck_ring 64",
         .near = ipq_source, .far = ipq_sink, .near_reference = ck_source,
         .far_reference = ck_sink, .size = 56, .goal = 2.0, .is_rate = true},
        {.name = "single-64", .unit = "M/s", .reference = "ck_ring 64",
         .near = ipq_source, .far = ipq_sink, .near_reference = ck_source,
         .far_reference = ck_sink, .size = 64, .goal = 2.0, .is_rate = true},
        {.name = "batch32-56", .unit = "M/s", .reference = "ck_ring 64",
         .near = ipq_source_batch, .far = ipq_sink_batch,
         .near_reference = ck_source, .far_reference = ck_sink, .size = 56,
         .goal = 0, .is_rate = true},
        {.name = "batch32-64", .unit = "M/s", .reference = "ck_ring 64",
         .near = ipq_source_batch, .far = ipq_sink_batch,
         .near_reference = ck_source, .far_reference = ck_sink, .size = 64,
         .goal = 0, .is_rate = true},
    };
    // clang-format on
    int rounds = count > 1 ? atoi(words[1]) : ROUNDS_DEFAULT;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: ipq [rounds, 1..%d]\n", ROUNDS_MAX);
        return 2;
    }
    rig_open(&rig);
    pin(0);
    pthread_t far;
    expect(pthread_create(&far, NULL, far_side, &rig) == 0, "no thread");
    size_t tracks_count = sizeof tracks / sizeof tracks[0];
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < tracks_count; i++) {
            run_track(&rig, &tracks[i], round);
        }
    }
    for (size_t i = 0; i < tracks_count; i++) {
        print_track(&tracks[i], rounds);
    }
    atomic_store(&rig.stop, true);
    atomic_fetch_add(&rig.go.value, 1);
    (void)pthread_join(far, NULL);
    return 0;
}
