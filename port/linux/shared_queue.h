// SPDX-License-Identifier: Apache-2.0
// The memory of one channel on Linux: a memfd that nobody can resize, mapped
// so that each side can write its own half only.
//
//     launcher                     RTP                      AP
//     shared_queue_create -> fd -> shared_queue_open(RTP) shared_queue_open(AP)
//
// The read-only mapping stops a confused side, not a hostile one: who holds the
// file descriptor can map all of it.  The queue's rules are for that one.
#ifndef ROTOR_PORT_LINUX_SHARED_QUEUE_H
#define ROTOR_PORT_LINUX_SHARED_QUEUE_H

#include <rotor/ipq.h>

// One side's mapping of a channel.
struct shared_queue {
    struct rotor_ipq_channel channel;
    struct rotor_room mine;    // our half, writable
    struct rotor_bytes theirs; // the peer's half, read-only
};

// Makes the memory, zeroed and sealed against any change of size.  The caller
// closes `fd`; it is close-on-exec.
//
// ROTOR_INVALID      the plan is not allowed.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL shared_queue_create(const struct rotor_ipq_plan *plan, int *fd);

// Maps the two halves and takes one side's ends.  `fd` is only borrowed, and
// may come from a stranger: its size and seals are checked.  `queue` must not
// move afterwards if a doorbell refers to its channel.
//
// ROTOR_INVALID      the plan is not allowed.
// ROTOR_FORBIDDEN    `fd` is not that memory: wrong size, or not sealed.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL shared_queue_open(struct shared_queue *queue,
                             const struct rotor_ipq_plan *plan, int fd,
                             enum rotor_ipq_side side);

// Unmaps.  Safe on all zeros, and twice.
void shared_queue_close(struct shared_queue *queue);

#endif
