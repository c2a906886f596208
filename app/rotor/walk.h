// SPDX-License-Identifier: Apache-2.0
// A whole log of any length, verified from its first entry: for `rotor chain`
// and doctor.
#ifndef ROTOR_APP_ROTOR_WALK_H
#define ROTOR_APP_ROTOR_WALK_H

#include "app/rotor/ahead.h"
#include "app/rotor/bundle.h"
#include "chain/rules.h"

#define WALK_NEEDS_ROOM                                                        \
    "a long log needs memory, and room in TMPDIR or else in /var/tmp"

struct walk_step {
    struct chain_entry entry;     // all zero but its kind if it did not parse
    struct chain_verdict verdict; // of this step
    struct chain_trust trust;     // after it, when accepted
    size_t size;                  // bytes
    bool is_start; // the log begins here, later than at genesis: not judged
};

// Sees every step until the first refused one.
struct walk_taker {
    void *context;
    void (*take)(void *context, const struct walk_step *step);
};

// Verifies `entries` in order, the first as genesis.  Measurements are not
// judged.
//
// ROTOR_PORT_FAILED  no memory, or the crypto library.
ROTOR_CALL walk_log(const struct bundle_entry *entries, size_t count,
                    const struct walk_taker *taker, bool *is_whole);

// The same where entries may begin later than at genesis: the first is taken as
// what the next one must follow.
ROTOR_CALL walk_late(const struct bundle_entry *entries, size_t count,
                     const struct walk_taker *taker, bool *is_whole);

// walk_log of any length, read as it is walked, on all processors.
//
// ROTOR_PORT_FAILED  also: no room for a file (app/rotor/scratch.h), errno says
//                    why.
// others             what the source said; what was taken until then counts.
ROTOR_CALL walk_stream(const struct ahead_source *source,
                       const struct walk_taker *taker, bool *is_whole);

// The same for what a device holds, which may begin later than at genesis.
ROTOR_CALL walk_held(const struct ahead_source *source,
                     const struct walk_taker *taker, bool *is_whole);

#endif
