// SPDX-License-Identifier: Apache-2.0
// How long a side that waits looks for news before it sleeps: as long as news
// took of late.  A sleeper of a virtual machine is back in 30 to 100 us, and
// costs its waker a system call; a spin that finds nothing costs a core.
#ifndef ROTOR_PORT_LINUX_SPIN_H
#define ROTOR_PORT_LINUX_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
    uint64_t least_ns; // worth no system call, however long news took of late
    uint64_t most_ns;  // where news takes longer, spinning is wasted
    uint64_t gap_ns;   // how long news took: a running mean
    uint64_t alone_ns; // until others are let run
};

// Of CLOCK_MONOTONIC.
uint64_t spin_now_ns(void);

// Thrice the mean catches most news, and no less than a tick catches what its
// sender was interrupted in; `least_ns` where the mean is beyond what a spin
// may last.
uint64_t spin_budget_ns(const struct spin *spin);

// A virtual machine's timer holds a sender up for 20 to 40 us, a thousand times
// a second.  Who falls asleep then is late for all that comes within the 50 us
// of waking up: with 20 us in place of these, p99 of a frame every 3 us was 46
// us, and is 3.
#define SPIN_TICK_NS 100000u

// News took `took_ns` since somebody began to wait for it.
void spin_note(struct spin *spin, uint64_t took_ns);

// The same with a time of 0: on the way of every frame that is met.
static inline void spin_note_at_once(struct spin *spin)
{
    spin->gap_ns -= spin->gap_ns / 2;
}

// Before others are let run: news that is on its way comes within this time.
#define SPIN_ALONE_NS 2000u

// Nobody else wanted the processor: they are asked after twice the time, until
// then as long as this at most.  A yield costs as much as ten looks.
#define SPIN_ALONE_MAX_NS 32000u

// False: this processor is wanted for longer than it pays to spin.  Lets others
// run once `waited_ns` is beyond alone_ns.
bool spin_goes_on(struct spin *spin, uint64_t waited_ns);

// Others ran for `lent_ns`: sets alone_ns.
void spin_note_lent(struct spin *spin, uint64_t lent_ns);

// Lets whoever waits for this processor run, who may be the one with the news.
// Returns how long that took: from SPIN_WANTED_NS on there is more to do here
// than to spin, and to sleep is better.
uint64_t spin_give_way(void);
#define SPIN_WANTED_NS 100000u

// From this on somebody ran: more than the system call itself takes.
#define SPIN_SHARED_NS 5000u

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
