// SPDX-License-Identifier: Apache-2.0
#include "port/linux/spin.h"

#include <time.h>

uint64_t spin_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t spin_budget_ns(const struct spin *spin)
{
    uint64_t thrice = 3 * spin->gap_ns;
    if (spin->gap_ns > spin->most_ns || thrice < spin->least_ns) {
        return spin->least_ns;
    }
    return thrice < spin->most_ns ? thrice : spin->most_ns;
}

void spin_note(struct spin *spin, uint64_t took_ns)
{
    // One long silence must not outweigh the busy time before it.
    uint64_t most = 4 * spin->most_ns;
    uint64_t gap = took_ns < most ? took_ns : most;
    spin->gap_ns += gap / 8 - spin->gap_ns / 8;
}
