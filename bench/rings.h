// SPDX-License-Identifier: Apache-2.0
// Other people's queues, each moving messages of 64 bytes between two threads:
// as their makers' headers have them, compiled for this very processor and
// without our hardening.
#ifndef ROTOR_BENCH_RINGS_H
#define ROTOR_BENCH_RINGS_H

#include "bench/duo.h"

#define RINGS_SLOTS 1024u
#define RINGS_BATCH 32u

// One way to use a ring: frames one way, or trips there and back.
struct ring {
    const char *name;
    duo_side *source, *sink; // frames
    duo_side *near, *far;    // trips; NULL: not this way
    void (*reset)(void);     // empties it
};

// Each ring comes in several ways of waiting for the next frame: looking at
// once, or after so many pauses.  Which is fastest depends on the machine, so
// all are run and the best counts.
extern const struct ring ck_rings[3];
extern const struct ring rte_rings[3];
extern const struct ring rte_batches[2];
extern const struct ring rte_zero_copies[2];

// A trip through the kernel: pipe, eventfd, SOCK_SEQPACKET.
struct kernel_way {
    const char *name;
    duo_side *near, *far;
};
extern const struct kernel_way kernel_ways[3];

void ck_open(void);
void dpdk_open(void);
void kernel_open(void); // file descriptors

// Two threads that sleep on a futex each in turn, with the time-outs of a
// doorbell.  Each gives the other `settle_ns` to fall asleep before it wakes
// it.
void futex_near(uint32_t count);
void futex_far(uint32_t count);
void futex_reset(uint64_t settle_ns);

// From telling to being awake, of all trips since the reset.
uint64_t futex_awake_ns(void);

#endif
