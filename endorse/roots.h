// SPDX-License-Identifier: Apache-2.0
// Roots that are trusted because they are built in: AMD's and Intel's.
#ifndef ROTOR_ENDORSE_ROOTS_H
#define ROTOR_ENDORSE_ROOTS_H

#include <stdbool.h>

#include "endorse/set.h"

// Is it a certificate with the key of a root that a verifier holds as a
// constant?
bool endorse_is_known_root(const struct endorse_item *item);

#endif
