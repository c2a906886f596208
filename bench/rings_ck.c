// SPDX-License-Identifier: Apache-2.0
// ck_ring of Concurrency Kit: one producer, one consumer.
#include "bench/rings.h"

#include <ck_ring.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/tally.h"
#include "port/linux/spin.h"

CK_RING_PROTOTYPE(message, message)

static struct {
    _Alignas(256) ck_ring_t there;
    _Alignas(256) ck_ring_t back;
    struct message *slots_there, *slots_back;
} ck;

void ck_open(void)
{
    size_t size = RINGS_SLOTS * sizeof(struct message);
    ck.slots_there = aligned_alloc(4096, size);
    ck.slots_back = aligned_alloc(4096, size);
    tally_expect(ck.slots_there && ck.slots_back, "no memory");
}

static void reset(void)
{
    ck_ring_init(&ck.there, RINGS_SLOTS);
    ck_ring_init(&ck.back, RINGS_SLOTS);
}

static bool put(ck_ring_t *ring, struct message *slots, struct message *m)
{
    return ck_ring_enqueue_spsc_message(ring, slots, m);
}

static bool take(ck_ring_t *ring, struct message *slots, struct message *m)
{
    return ck_ring_dequeue_spsc_message(ring, slots, m);
}

static void source(uint32_t count)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        duo_use(&m);
        while (!put(&ck.there, ck.slots_there, &m)) {
            spin_pause();
        }
    }
}

static inline void sink(uint32_t count, unsigned pauses)
{
    struct message m;
    for (uint32_t i = 0; i < count; i++) {
        while (!take(&ck.there, ck.slots_there, &m)) {
            for (unsigned pause = 0; pause < pauses; pause++) {
                spin_pause();
            }
        }
        duo_use(&m);
    }
}

static void sink_0(uint32_t count)
{
    sink(count, 0);
}

static void sink_6(uint32_t count)
{
    sink(count, 6);
}

static void sink_20(uint32_t count)
{
    sink(count, 20);
}

static void near(uint32_t count)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        while (!put(&ck.there, ck.slots_there, &m)) {
        }
        while (!take(&ck.back, ck.slots_back, &m)) {
        }
        duo_use(&m);
    }
}

static void far(uint32_t count)
{
    struct message m;
    for (uint32_t i = 0; i < count; i++) {
        while (!take(&ck.there, ck.slots_there, &m)) {
        }
        duo_use(&m);
        while (!put(&ck.back, ck.slots_back, &m)) {
        }
    }
}

const struct ring ck_rings[3] = {
    {"ck_ring", source, sink_0,  near, far, reset},
    {"ck_ring", source, sink_6,  near, far, reset},
    {"ck_ring", source, sink_20, near, far, reset},
};
