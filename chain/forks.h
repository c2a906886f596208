// SPDX-License-Identifier: Apache-2.0
// Two bodies for one place: what does that prove?  doc/PROTOCOL.chain 4.
#ifndef ROTOR_CHAIN_FORKS_H
#define ROTOR_CHAIN_FORKS_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/trust.h"

enum chain_fork {
    CHAIN_FORK_UNJUDGED = 0,
    CHAIN_FORK_SAME,      // the same body: other signature bytes are no fork
    CHAIN_FORK_NONE,      // the second one proves nothing, or is of elsewhere
    CHAIN_FORK_NOISE,     // sig_old alone: S misuse; discard, never quarantine
    CHAIN_FORK_A_MISUSE,  // sig_auth alone: A leaked; alarm and rotate
    CHAIN_FORK_DUPLICITY, // both on both bodies: store both, quarantine, alarm
    CHAIN_FORK_SUCCESSOR, // both, where nothing was accepted yet
};

// Judges a second entry of kind 1 or 4 for the place of `accepted`.  `parent`
// is the trust that `accepted` was judged by, one epoch below.
//
// ROTOR_MALFORMED  one of the two is not an entry; *fork stays unjudged.
// ROTOR_INVALID    `accepted` is not of kind 1 or 4 or does not follow
//                  `parent`.
ROTOR_CALL chain_judge_fork(const struct chain_trust *parent,
                            struct rotor_bytes accepted,
                            struct rotor_bytes other, enum chain_fork *fork);

// Judges an entry for the place behind `head`, where nothing was accepted yet:
// NOISE, A_MISUSE, SUCCESSOR, or NONE.
//
// ROTOR_MALFORMED  not an entry; *fork stays unjudged.
ROTOR_CALL chain_judge_stray(const struct chain_trust *head,
                             struct rotor_bytes other, enum chain_fork *fork);

// Words for alarms, e.g. "duplicity"; never NULL.
const char *chain_fork_name(enum chain_fork fork);

#endif
