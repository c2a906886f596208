// SPDX-License-Identifier: Apache-2.0
#include "port/linux/spin.h"

#include <sched.h>
#include <time.h>

uint64_t spin_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t spin_budget_ns(const struct spin *spin)
{
    if (spin->gap_ns > spin->most_ns) {
        return spin->least_ns;
    }
    uint64_t thrice = 3 * spin->gap_ns;
    uint64_t wanted = thrice < SPIN_TICK_NS ? SPIN_TICK_NS : thrice;
    return wanted < spin->most_ns ? wanted : spin->most_ns;
}

// Silences make the mean long one by one, each as if it were four times what a
// spin may last; quick news makes it short at once.
void spin_note(struct spin *spin, uint64_t took_ns)
{
    uint64_t most = 4 * spin->most_ns;
    uint64_t took = took_ns < most ? took_ns : most;
    if (took < spin->gap_ns) {
        spin->gap_ns -= (spin->gap_ns - took) / 2;
    } else {
        spin->gap_ns += (took - spin->gap_ns) / 8;
    }
}

uint64_t spin_give_way(void)
{
    uint64_t start = spin_now_ns();
    (void)sched_yield();
    return spin_now_ns() - start;
}

void spin_note_lent(struct spin *spin, uint64_t lent_ns)
{
    uint64_t twice = 2 * spin->alone_ns;
    if (lent_ns >= SPIN_SHARED_NS) {
        spin->alone_ns = SPIN_ALONE_NS;
    } else {
        spin->alone_ns = twice < SPIN_ALONE_MAX_NS ? twice : SPIN_ALONE_MAX_NS;
    }
}

bool spin_goes_on(struct spin *spin, uint64_t waited_ns)
{
    if (waited_ns <= spin->alone_ns) {
        return true;
    }
    uint64_t lent = spin_give_way();
    spin_note_lent(spin, lent);
    return lent < SPIN_WANTED_NS;
}

void spin_move_away(void)
{
    cpu_set_t home;
    int here = sched_getcpu();
    if (here < 0 || sched_getaffinity(0, sizeof home, &home) != 0) {
        return;
    }
    cpu_set_t others = home;
    CPU_CLR((unsigned)here, &others);
    if (CPU_COUNT(&others) != 0 &&
        sched_setaffinity(0, sizeof others, &others) == 0) {
        (void)sched_setaffinity(0, sizeof home, &home);
    }
}
