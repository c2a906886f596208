// SPDX-License-Identifier: Apache-2.0
// One sleeper behind many doorbells: how a single thread that serves several
// channels sleeps until any of them has news.
//
// Where the kernel offers futex_waitv (Linux 5.16) the thread sleeps on all
// bell words at once; elsewhere it sleeps on the first one and looks at the
// others every millisecond.  Either way liveness depends on nobody's bell.
#ifndef ROTOR_PORT_LINUX_DOORBELLS_H
#define ROTOR_PORT_LINUX_DOORBELLS_H

#include <stdatomic.h>
#include <stddef.h>

#include "port/linux/doorbell.h"

#define DOORBELLS_MAX 32u

// A channel to watch and what for; reasons 0: not watched at all.
struct doorbells_entry {
    struct doorbell *bell;
    uint32_t reasons; // ROTOR_IPQ_FRAMES, ROTOR_IPQ_ROOM
};

struct doorbells {
    struct doorbells_entry entries[DOORBELLS_MAX];
    size_t count;
    struct spin spin;
    bool has_waitv; // the kernel sleeps on many words

    // A word of our own that moves when there is news; NULL: none.
    const _Atomic uint32_t *word;
    uint32_t word_value; // as it was when we last looked at the news
};

// No doorbells yet; asks the kernel what it offers.  Before seccomp.
void doorbells_init(struct doorbells *bells);

// Adds one; its place is the number of those before it.
//
// ROTOR_INVALID  there are DOORBELLS_MAX already.
ROTOR_CALL doorbells_add(struct doorbells *bells, struct doorbell *bell,
                         uint32_t reasons);

// Returns when there is something to do for one of them, or a dead end to be
// seen.  Spins first: port/linux/spin.h.
//
// ROTOR_AGAIN        `timeout_ns` is over.
// ROTOR_PORT_FAILED  the kernel refuses to wait.
ROTOR_CALL doorbells_wait(struct doorbells *bells, uint64_t timeout_ns);

#endif
