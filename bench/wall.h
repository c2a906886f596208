// SPDX-License-Identifier: Apache-2.0
// Memory as a channel has it: the side that reads it may not write it.
#ifndef ROTOR_BENCH_WALL_H
#define ROTOR_BENCH_WALL_H

#include <stddef.h>

// One memory, mapped twice.
struct wall {
    void *written;
    const void *read;
};

// Zeroed; rounded up to pages.  Stays until the program ends.
struct wall wall_open(size_t size);

#endif
