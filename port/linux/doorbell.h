// SPDX-License-Identifier: Apache-2.0
// Doorbell: how one side of a channel sleeps until the other has news, and
// wakes it.  The words and their order are in rotor/ipq.h; here are the
// waits of Linux.
//
// A side sleeps in one of two ways:
//   - doorbell_wait: spins for as long as news usually takes, then sleeps on
//     the peer's bell word (a futex that works through a read-only mapping);
//   - doorbell_arm, then poll or epoll on a descriptor that the peer rings:
//     an eventfd, or a pipe where one side must not touch the other's end.
// Each has a bound: a peer that never rings costs time, not life.
#ifndef ROTOR_PORT_LINUX_DOORBELL_H
#define ROTOR_PORT_LINUX_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

#include "port/linux/spin.h"
#include <rotor/ipq.h>

// No event loop on that side.
#define DOORBELL_NO_EVENT (-1)

// The longest that a sleeper goes without looking for itself, in ns.  An event
// loop that armed the doorbell looks again after this time, too.
#define DOORBELL_LOOK_NS 50000000u

// A wait's first sleep, in ns: what a peer pushed while we fell asleep may not
// be seen yet where no barrier reached it.
#define DOORBELL_FIRST_SLEEP_NS 50000u

// The sleep after one of `ns`.  Four times as long: each sleep for nothing
// costs some 40 us of a virtual machine's processor.
static inline uint64_t doorbell_next_sleep_ns(uint64_t ns)
{
    return 4 * ns < DOORBELL_LOOK_NS ? 4 * ns : DOORBELL_LOOK_NS;
}

// Private to one thread, like the channel that it belongs to.
struct doorbell {
    struct rotor_ipq_channel *channel; // must outlive the doorbell
    int event_mine;    // what the peer rings while armed, or none
    int event_of_peer; // what rings the peer, or none; does not block
    bool has_barrier;  // the kernel passes barriers on every registered side
    struct spin spin;
    uint64_t seen; // position of channel->in at the last wait
};

// Both sides call this in their own process, before seccomp: it registers the
// process for the barriers of the other.  Where the kernel refuses, sleepers
// look again sooner instead.  The file descriptors stay the caller's.
void doorbell_init(struct doorbell *doorbell, struct rotor_ipq_channel *channel,
                   int event_mine, int event_of_peer);

// Called after pushing or popping, once per batch: wakes the peer if it sleeps
// for that.  One load when it does not.  Never blocks.
//
// ROTOR_CORRUPT  the peer's announcement is impossible; the channel is dead.
static inline ROTOR_CALL doorbell_ring(struct doorbell *doorbell);

// Called when there was nothing to do, or less than was asked for.
// Returns when there is something to do for `reasons` (ROTOR_IPQ_FRAMES,
// ROTOR_IPQ_ROOM), or a dead end to be seen.  Rings the peer first.
//
// ROTOR_AGAIN        `timeout_ns` is over.
// ROTOR_CORRUPT      as for doorbell_ring.
// ROTOR_PORT_FAILED  the kernel refuses to wait.
ROTOR_CALL doorbell_wait(struct doorbell *doorbell, uint32_t reasons,
                         uint64_t timeout_ns);

// Before an event loop sleeps: rings the peer, then asks to be rung by
// event_mine.  True if the loop may sleep now, until that is readable but
// at most DOORBELL_LOOK_NS; false if there is something to do first.
bool doorbell_arm(struct doorbell *doorbell, uint32_t reasons);

// After the loop woke, whatever woke it.  Takes one ring.
void doorbell_disarm(struct doorbell *doorbell);

// What is left of doorbell_ring when the peer sleeps.
ROTOR_CALL doorbell_ring_sleeper(struct doorbell *doorbell);

static inline enum rotor_status doorbell_ring(struct doorbell *doorbell)
{
    bool is_awake = rotor_ipq_channel_peer_is_awake(doorbell->channel);
    return is_awake ? ROTOR_OK : doorbell_ring_sleeper(doorbell);
}

#endif
