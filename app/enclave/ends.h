// SPDX-License-Identifier: Apache-2.0
// The AP's ends of all its queues: the RTP's first, then one for each pair of a
// program.  One thread serves them in turn, a frame each.
//
// A peer that breaks a rule loses its own end.  None can make the AP wait: an
// answer without room stays with its end, which is not served until it left.
#ifndef ROTOR_APP_ENCLAVE_ENDS_H
#define ROTOR_APP_ENCLAVE_ENDS_H

#include "enclave/enclave.h"
#include "launch/birth.h"
#include "port/linux/doorbells.h"
#include "port/linux/shared_queue.h"

#define ENDS_COUNT (1u + LAUNCH_PAIRS)
#define ENDS_RTP   0u

// Turns, one after the other: a few milliseconds of signing.
#define ENDS_TURNS_A_LOOK 16u

struct end {
    struct enclave_pair pair;
    struct shared_queue queue;
    struct doorbell bell;
    int bell_fd; // wakes the peer's event loop
    bool is_over;
    size_t reply_size; // of an answer that found no room
    uint8_t reply[WIRE_FRAME_MAX];
};

// Not movable once it is open.
struct ends {
    struct end end[ENDS_COUNT];
    struct doorbells bells;
    unsigned turns; // in a row, in which something moved
    uint8_t frame[WIRE_FRAME_MAX];
};

// Maps every queue and takes its AP end; `queue_seed` is that of the birth
// envelope.  Before the last wall.
ROTOR_CALL ends_open(struct ends *ends, uint32_t queue_seed);

// One turn: at most one frame of each end, and one step of the enclave's own
// work.  *moved: something was done, which may let more be done.
//
// ROTOR_CORRUPT  the RTP broke its queue: nothing goes on without it.
ROTOR_CALL ends_turn(struct ends *ends, struct enclave *enclave, bool *moved);

// After each turn, with what it said: is it time for what the caller does
// beside?  So when nothing moved; and every ENDS_TURNS_A_LOOK turns, since
// programs may never stop asking.
bool ends_leave_time(struct ends *ends, bool moved);

// Sleeps until there is something to do, at most `timeout_ns`.  `word`, if not
// NULL, wakes too when it is no longer `value`.
ROTOR_CALL ends_wait(struct ends *ends, uint64_t timeout_ns,
                     const _Atomic uint32_t *word, uint32_t value);

#endif
