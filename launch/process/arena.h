// SPDX-License-Identifier: Apache-2.0
// The enclave's only memory for secrets: its heap and its stack.
//
// memfd_secret where the kernel offers it (its pages leave the kernel's own
// map, no swap, no core, no passive read even by root), else locked pages that
// stay out of dumps.  The descriptor is closed once the pages are mapped.
#ifndef ROTOR_LAUNCH_PROCESS_ARENA_H
#define ROTOR_LAUNCH_PROCESS_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include <rotor/status.h>

struct arena_kind {
    bool is_secret; // memfd_secret
    bool is_locked; // never in swap; true for memfd_secret as well
};

// Maps `size` bytes.  Called once, before anything allocates.
//
// ROTOR_PORT_FAILED  no memory of either kind within RLIMIT_MEMLOCK.
ROTOR_CALL arena_open(size_t size, struct arena_kind *kind);

// malloc, realloc and free over the arena: powers of two, freed blocks wiped.
// NULL when the arena is full.  One thread at a time.
void *arena_allocate(size_t size);
void *arena_reallocate(void *block, size_t size);
void arena_free(void *block);

// Takes `size` bytes for good, aligned to 64.
void *arena_take(size_t size);

// Calls `body` on a stack of `size` bytes inside the arena.
void arena_call(void (*body)(void), size_t size);

#endif
