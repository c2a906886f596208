// SPDX-License-Identifier: Apache-2.0
// Where the endorsements of this party lie, and how they are read.
#ifndef ROTOR_APP_ROTOR_ENDORSING_H
#define ROTOR_APP_ROTOR_ENDORSING_H

#include <stdbool.h>

#include "app/rotor/command.h"
#include "endorse/facts.h"
#include "endorse/set.h"

#define ENDORSING_PATH_SIZE 512u

// The store: `given`, or the one of this user.  False: there is no place.
bool endorsing_find(const char *given, char folder[ENDORSING_PATH_SIZE]);

// Adds what a file or a folder holds.  Damaged files are named on standard
// error and passed over.  False: said why.
bool endorsing_load(const struct run *run, const char *path,
                    struct endorse_set *set, int *code);

enum endorsing_state {
    ENDORSING_GOOD = 0,
    ENDORSING_SOON, // it ends soon
    ENDORSING_ENDED,
    ENDORSING_EARLY,    // it has not begun
    ENDORSING_REPLACED, // the set has a newer one of the same
};
enum endorsing_state endorsing_state(const struct endorse_set *set,
                                     size_t which, int64_t now_s);
const char *endorsing_state_name(enum endorsing_state state);

#endif
