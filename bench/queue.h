// SPDX-License-Identifier: Apache-2.0
// The queue of rotor between two threads, as rotor uses it: a sealed memfd,
// each side's own mappings, all checks, and the doorbell's protocol in every
// frame.  One and the same queue, sender and receiver for all cases.
#ifndef ROTOR_BENCH_QUEUE_H
#define ROTOR_BENCH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/duo.h"
#include <rotor/ipq.h>

void queue_open(void);

// Both sides asleep between any two frames, or spinning as they do in life.
void queue_spin(bool may_spin);

// Bytes of each frame below that is not sealed: one that fills a slot, 64 bytes
// with its head; or one that carries what a message of the others does, in two
// slots.
#define QUEUE_SLOT    ROTOR_IPQ_BODY_SIZE
#define QUEUE_MESSAGE sizeof(struct message)
void queue_frame(size_t size);

// Trips of a frame there and back.
void queue_near(uint32_t count);
void queue_far(uint32_t count);

// The same, each timed: times_ns of queue_times.  One lap goes before, so that
// no page is new to a processor.
#define QUEUE_LAP 1024u
void queue_near_timed(uint32_t count);
void queue_far_timed(uint32_t count);
void queue_times(double *times_ns);

// Frames one at a time.
void queue_source(uint32_t count);
void queue_sink(uint32_t count);

// The same in batches of 32.
void queue_source_batch(uint32_t count);
void queue_sink_batch(uint32_t count);

// Each frame sealed by the one side and unsealed by the other, one by one and
// in batches of 32; and the sealing alone.
void queue_source_sealed(uint32_t count);
void queue_sink_sealed(uint32_t count);
void queue_source_sealed_batch(uint32_t count);
void queue_sink_sealed_batch(uint32_t count);
void queue_seal_alone(uint32_t count);

// A frame every QUEUE_PACE_NS; the receiver notes in times_ns what each took
// from push to pop.
#define QUEUE_PACE_NS 3000u
void queue_source_paced(uint32_t count);
void queue_sink_paced(uint32_t count);

// The same by a receiver that does nothing but look: what the machine's own
// noise does to the fastest there is.
void queue_sink_looking(uint32_t count);

// Trips there and back, each side asleep when its frame is sent: from push to
// pop, both ways, added to queue_awake_ns.
#define QUEUE_SETTLE_NS 30000u
void queue_near_asleep(uint32_t count);
void queue_far_asleep(uint32_t count);
extern _Atomic uint64_t queue_awake_ns;

// Waits `ms` for frames that do not come; adds the processor time that it took
// to queue_idle_ns.
void queue_idle_near(uint32_t ms);
void queue_idle_far(uint32_t ms);
extern _Atomic uint64_t queue_idle_ns;

#endif
