// SPDX-License-Identifier: Apache-2.0
// The queue pairs that programs may own: the RTP hands them out and is then off
// their way.
//
// One pair goes to one connection, once for each start of the enclave.  Its
// memory stays mapped by whoever had it, so a pair that came back would be read
// and written by a stranger: it is retired instead, and the enclave is told.
#ifndef ROTOR_APP_RTP_PAIRS_H
#define ROTOR_APP_RTP_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launch/birth.h"

enum pair_state { PAIR_NONE = 0, PAIR_FREE, PAIR_OUT, PAIR_RETIRED };

struct pairs {
    uint32_t queue_seed;
    struct {
        enum pair_state state;
        size_t owner; // OUT: which connection
        int queue;    // FREE: memfd
        int bell;     // FREE: reading end
    } pair[LAUNCH_PAIRS];
};

// Takes the descriptors of a new enclave's pairs over: memfds, then bells.
void pairs_take(struct pairs *pairs, uint32_t queue_seed,
                const int fds[2 * LAUNCH_PAIRS]);

// The enclave is gone, and its pairs with it.
void pairs_drop(struct pairs *pairs);

// The pair that `owner` may have: LAUNCH_PAIRS when none is left, or it had
// one.
size_t pairs_find(const struct pairs *pairs, size_t owner);

// Whether `owner` has one.
bool pairs_are_of(const struct pairs *pairs, size_t owner);

// It was sent: the RTP keeps nothing of it.
void pairs_hand_out(struct pairs *pairs, size_t i, size_t owner);

// The connection ended.  The channel of its pair, for the enclave to be told;
// 0: it had none.
uint32_t pairs_retire(struct pairs *pairs, size_t owner);

size_t pairs_count(const struct pairs *pairs, enum pair_state state);

#endif
