// SPDX-License-Identifier: Apache-2.0
// rte_ring of DPDK: one producer, one consumer; elements, bursts, and bursts
// that are written and read in place.  The ring needs nothing of DPDK's start.
#include "bench/rings.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>
#include <stdlib.h>
#include <string.h>

#include "bench/tally.h"
#include "port/linux/spin.h"

#define SIZE ((unsigned)sizeof(struct message))

static struct rte_ring *there, *back;

static struct rte_ring *ring_of_messages(void)
{
    ssize_t size = rte_ring_get_memsize_elem(SIZE, RINGS_SLOTS);
    tally_expect(size > 0, "no ring");
    struct rte_ring *ring =
        aligned_alloc(4096, ((size_t)size + 4095) / 4096 * 4096);
    tally_expect(ring != NULL, "no memory");
    return ring;
}

void dpdk_open(void)
{
    there = ring_of_messages();
    back = ring_of_messages();
}

static void reset(void)
{
    unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
    tally_expect(rte_ring_init(there, "there", RINGS_SLOTS, flags) == 0 &&
                     rte_ring_init(back, "back", RINGS_SLOTS, flags) == 0,
                 "no ring");
}

static inline void pause_times(unsigned pauses)
{
    for (unsigned pause = 0; pause < pauses; pause++) {
        spin_pause();
    }
}

// --- Element by element -----------------------------------------------------

static void source(uint32_t count)
{
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        duo_use(&m);
        while (rte_ring_sp_enqueue_elem(there, &m, SIZE) != 0) {
            spin_pause();
        }
    }
}

static inline void sink(uint32_t count, unsigned pauses)
{
    struct message m;
    for (uint32_t i = 0; i < count; i++) {
        while (rte_ring_sc_dequeue_elem(there, &m, SIZE) != 0) {
            pause_times(pauses);
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
        while (rte_ring_sp_enqueue_elem(there, &m, SIZE) != 0) {
        }
        while (rte_ring_sc_dequeue_elem(back, &m, SIZE) != 0) {
        }
        duo_use(&m);
    }
}

static void far(uint32_t count)
{
    struct message m;
    for (uint32_t i = 0; i < count; i++) {
        while (rte_ring_sc_dequeue_elem(there, &m, SIZE) != 0) {
        }
        duo_use(&m);
        while (rte_ring_sp_enqueue_elem(back, &m, SIZE) != 0) {
        }
    }
}

const struct ring rte_rings[3] = {
    {"rte_ring", source, sink_0,  near, far, reset},
    {"rte_ring", source, sink_6,  near, far, reset},
    {"rte_ring", source, sink_20, near, far, reset},
};

// --- Bursts of elements -----------------------------------------------------

static uint32_t burst_of(uint32_t left)
{
    return left < RINGS_BATCH ? left : RINGS_BATCH;
}

static void burst_source(uint32_t count)
{
    struct message m[RINGS_BATCH] = {{{1}}};
    for (uint32_t done = 0; done < count;) {
        duo_use(m);
        uint32_t sent = rte_ring_sp_enqueue_burst_elem(
            there, m, SIZE, burst_of(count - done), NULL);
        pause_times(sent == 0);
        done += sent;
    }
}

static inline void burst_sink(uint32_t count, unsigned pauses)
{
    struct message m[RINGS_BATCH];
    for (uint32_t done = 0; done < count;) {
        uint32_t got =
            rte_ring_sc_dequeue_burst_elem(there, m, SIZE, RINGS_BATCH, NULL);
        duo_use(m);
        pause_times(got == 0 ? pauses : 0);
        done += got;
    }
}

static void burst_sink_0(uint32_t count)
{
    burst_sink(count, 0);
}

static void burst_sink_1(uint32_t count)
{
    burst_sink(count, 1);
}

const struct ring rte_batches[2] = {
    {"rte_ring burst", burst_source, burst_sink_0, NULL, NULL, reset},
    {"rte_ring burst", burst_source, burst_sink_1, NULL, NULL, reset},
};

// --- Bursts in place: what a user writes and reads is a copy of the message
// ---

static void in_place_source(uint32_t count)
{
    struct message m[RINGS_BATCH] = {{{1}}};
    for (uint32_t done = 0; done < count;) {
        struct rte_ring_zc_data room;
        duo_use(m);
        uint32_t sent = rte_ring_enqueue_zc_burst_elem_start(
            there, SIZE, burst_of(count - done), &room, NULL);
        if (sent == 0) {
            spin_pause();
            continue;
        }
        memcpy(room.ptr1, m, SIZE * room.n1);
        if (sent > room.n1) {
            memcpy(room.ptr2, m + room.n1, SIZE * (sent - room.n1));
        }
        rte_ring_enqueue_zc_finish(there, sent);
        done += sent;
    }
}

static inline void in_place_sink(uint32_t count, unsigned pauses)
{
    struct message m[RINGS_BATCH];
    for (uint32_t done = 0; done < count;) {
        struct rte_ring_zc_data found;
        uint32_t got = rte_ring_dequeue_zc_burst_elem_start(
            there, SIZE, RINGS_BATCH, &found, NULL);
        if (got == 0) {
            pause_times(pauses);
            continue;
        }
        memcpy(m, found.ptr1, SIZE * found.n1);
        if (got > found.n1) {
            memcpy(m + found.n1, found.ptr2, SIZE * (got - found.n1));
        }
        duo_use(m);
        rte_ring_dequeue_zc_finish(there, got);
        done += got;
    }
}

static void in_place_sink_0(uint32_t count)
{
    in_place_sink(count, 0);
}

static void in_place_sink_1(uint32_t count)
{
    in_place_sink(count, 1);
}

const struct ring rte_zero_copies[2] = {
    {"rte_ring zero-copy", in_place_source, in_place_sink_0, NULL, NULL, reset},
    {"rte_ring zero-copy", in_place_source, in_place_sink_1, NULL, NULL, reset},
};
