// SPDX-License-Identifier: Apache-2.0
// How long a side that waits looks for news before it sleeps: as long as news
// took of late.  A sleeper of a virtual machine is back in 30 to 100 us, and
// costs its waker a system call; a spin that finds nothing costs a core.
#ifndef ROTOR_PORT_LINUX_SPIN_H
#define ROTOR_PORT_LINUX_SPIN_H

#include <stdint.h>

struct spin {
    uint64_t least_ns; // worth no system call, whatever was seen of late
    uint64_t most_ns;  // where news takes longer, spinning is wasted
    uint64_t gap_ns;   // how long news took: a running mean
};

// Of CLOCK_MONOTONIC.
uint64_t spin_now_ns(void);

// Thrice the mean catches most news; `least_ns` where the mean is beyond what a
// spin may last.
uint64_t spin_budget_ns(const struct spin *spin);

// News took `took_ns` since somebody began to wait for it.
void spin_note(struct spin *spin, uint64_t took_ns);

// Before others are let run: news that is on its way comes within this time.
#define SPIN_ALONE_NS 2000u

// Lets whoever waits for this processor run, who may be the one with the news.
// Returns how long that took: from SPIN_WANTED_NS on there is more to do here
// than to spin, and to sleep is better.
uint64_t spin_give_way(void);
#define SPIN_WANTED_NS 100000u

// Leaves this processor for another one, if the caller may run on any: the one
// whom it waits for needs this.
void spin_move_away(void);

// Between two looks: easy on the memory, and on a thread beside this one.
static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
