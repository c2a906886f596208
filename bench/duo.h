// SPDX-License-Identifier: Apache-2.0
// Two threads pinned to two cores: each sample runs a near side on this one and
// a far side on the other.
#ifndef ROTOR_BENCH_DUO_H
#define ROTOR_BENCH_DUO_H

#include <stdatomic.h>
#include <stdint.h>

// What every queue here moves.
struct message {
    _Alignas(64) uint8_t bytes[64];
};

// A word that two cores pass to each other, with nothing beside it.
struct line {
    _Alignas(128) _Atomic uint64_t value;
};

// One side of a sample: `count` frames, or trips there and back.
typedef void duo_side(uint32_t count);

void duo_open(void);
void duo_close(void);

// Runs both sides; returns ns from start to the end of the later one.
double duo_sample(duo_side *near, duo_side *far, uint32_t count);

// ns of a trip there and back of a word, with nothing else.  This is what the
// machine takes for it at the moment.
double duo_raw(uint32_t trips);

// The sides of the same over the slots of a ring, one after the other, in pages
// that the reader may not write: what no ring between strangers can undercut.
// Some processors hand over a line that stays in place, and may be written by
// both, much faster.
void duo_slots_near(uint32_t count);
void duo_slots_far(uint32_t count);

// The sides of the same, with 64 bytes in a line of their own beside the word.
void duo_payload_near(uint32_t count);
void duo_payload_far(uint32_t count);

// ns of each trip of duo_raw, timed one by one.
void duo_raw_times(double *times_ns, uint32_t trips);

// The memory at `bytes` was read, or written by somebody: without this the
// compiler drops the copy, and with it the very transfer that is measured.
static inline void duo_use(const void *bytes)
{
    __asm__ volatile("" ::"r"(bytes) : "memory");
}

#endif
