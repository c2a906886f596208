// SPDX-License-Identifier: Apache-2.0
#include "bench/duo.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench/processor.h"
#include "bench/tally.h"
#include "bench/wall.h"
#include "port/linux/spin.h"

// As many as a ring has, each a line of its own.
#define DUO_SLOTS 1024u
struct slot {
    _Alignas(64) _Atomic uint64_t value;
};

static struct {
    struct line go, done, ping, pong;
    _Alignas(128) struct message there;
    _Alignas(128) struct message back;
    _Alignas(128) duo_side *far;
    uint32_t count;
    double *times_ns;
    pthread_t thread;
    struct wall there_slots, back_slots;
    uint64_t trips; // over the slots, of the near side
    _Alignas(128) uint64_t far_trips;
} duo;

static void *far_side(void *nothing)
{
    processor_bind(0, 1);
    for (uint64_t turn = 1;; turn++) {
        while (atomic_load(&duo.go.value) != turn) {
            spin_pause();
        }
        if (duo.far == NULL) {
            return nothing;
        }
        duo.far(duo.count);
        atomic_store(&duo.done.value, turn);
    }
}

void duo_open(void)
{
    duo.there_slots = wall_open(DUO_SLOTS * sizeof(struct slot));
    duo.back_slots = wall_open(DUO_SLOTS * sizeof(struct slot));
    processor_bind(0, 0);
    tally_expect(pthread_create(&duo.thread, NULL, far_side, NULL) == 0,
                 "no thread");
}

static uint64_t start(duo_side *far, uint32_t count)
{
    uint64_t turn = atomic_load(&duo.go.value) + 1;
    duo.far = far;
    duo.count = count;
    atomic_store(&duo.go.value, turn);
    return turn;
}

void duo_close(void)
{
    (void)start(NULL, 0);
    (void)pthread_join(duo.thread, NULL);
}

double duo_sample(duo_side *near, duo_side *far, uint32_t count)
{
    uint64_t turn = start(far, count);
    uint64_t begin = tally_now_ns();
    near(count);
    while (atomic_load(&duo.done.value) != turn) {
    }
    return (double)(tally_now_ns() - begin);
}

// --- What the machine can do ------------------------------------------------

static void await(const struct line *line, uint64_t value)
{
    while (atomic_load_explicit(&line->value, memory_order_acquire) != value) {
    }
}

static void tell(struct line *line, uint64_t value)
{
    atomic_store_explicit(&line->value, value, memory_order_release);
}

static void raw_near(uint32_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        tell(&duo.ping, i);
        await(&duo.pong, i);
    }
}

static void raw_far(uint32_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        await(&duo.ping, i);
        tell(&duo.pong, i);
    }
}

static void tell_slot(const struct wall *wall, uint64_t value)
{
    struct slot *slots = wall->written;
    atomic_store_explicit(&slots[value % DUO_SLOTS].value, value,
                          memory_order_release);
}

static void await_slot(const struct wall *wall, uint64_t value)
{
    const struct slot *slots = wall->read;
    const struct slot *slot = &slots[value % DUO_SLOTS];
    while (atomic_load_explicit(&slot->value, memory_order_acquire) != value) {
    }
}

void duo_slots_near(uint32_t count)
{
    uint64_t first = duo.trips + 1;
    for (uint64_t i = first; i < first + count; i++) {
        tell_slot(&duo.there_slots, i);
        await_slot(&duo.back_slots, i);
    }
    duo.trips += count;
}

void duo_slots_far(uint32_t count)
{
    uint64_t first = duo.far_trips + 1;
    for (uint64_t i = first; i < first + count; i++) {
        await_slot(&duo.there_slots, i);
        tell_slot(&duo.back_slots, i);
    }
    duo.far_trips += count;
}

void duo_payload_near(uint32_t count)
{
    struct message m = {{1}};
    uint64_t last = atomic_load(&duo.pong.value);
    for (uint64_t i = last + 1; i <= last + count; i++) {
        memcpy(&duo.there, &m, sizeof m);
        tell(&duo.ping, i);
        await(&duo.pong, i);
        memcpy(&m, &duo.back, sizeof m);
        duo_use(&m);
    }
}

void duo_payload_far(uint32_t count)
{
    struct message m;
    uint64_t last = atomic_load(&duo.pong.value);
    for (uint64_t i = last + 1; i <= last + count; i++) {
        await(&duo.ping, i);
        memcpy(&m, &duo.there, sizeof m);
        duo_use(&m);
        memcpy(&duo.back, &m, sizeof m);
        tell(&duo.pong, i);
    }
}

static void timed_near(uint32_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t begin = tally_now_ns();
        tell(&duo.ping, i);
        await(&duo.pong, i);
        duo.times_ns[i - 1] = (double)(tally_now_ns() - begin);
    }
}

static double sample_raw(duo_side *near, duo_side *far, uint32_t trips)
{
    atomic_store(&duo.ping.value, 0);
    atomic_store(&duo.pong.value, 0);
    return duo_sample(near, far, trips) / trips;
}

double duo_raw(uint32_t trips)
{
    return sample_raw(raw_near, raw_far, trips);
}

void duo_raw_times(double *times_ns, uint32_t trips)
{
    duo.times_ns = times_ns;
    (void)sample_raw(timed_near, raw_far, trips);
}
