// SPDX-License-Identifier: Apache-2.0
// A whole log, verified from its first entry: for `rotor chain` and doctor.
#ifndef ROTOR_APP_ROTOR_WALK_H
#define ROTOR_APP_ROTOR_WALK_H

#include "app/rotor/bundle.h"
#include "chain/rules.h"

struct walk_step {
    struct chain_entry entry;     // all zero but its kind if it did not parse
    struct chain_verdict verdict; // of this step
    struct chain_trust trust;     // after it, when accepted
    size_t size;                  // bytes
    bool is_start; // the log begins here, later than at genesis: not judged
};

// Verifies `entries` in order, the first as genesis; `take` sees every step
// until the first refused one.  Measurements are not judged.
//
// ROTOR_PORT_FAILED  no memory, or the crypto library.
ROTOR_CALL walk_log(const struct bundle_entry *entries, size_t count,
                    void (*take)(void *context, const struct walk_step *step),
                    void *context, bool *is_whole);

// The same for what a device holds: where that begins later than at genesis,
// the first entry is taken as what the next one must follow.
ROTOR_CALL walk_held(const struct bundle_entry *entries, size_t count,
                     void (*take)(void *context, const struct walk_step *step),
                     void *context, bool *is_whole);

#endif
