// SPDX-License-Identifier: Apache-2.0
// What a long verification shows on standard error.
#ifndef ROTOR_APP_ROTOR_PROGRESS_H
#define ROTOR_APP_ROTOR_PROGRESS_H

#include <stdbool.h>

#include "app/rotor/relying.h"

// A line for each entry.
void progress_lines(const struct relying_progress *progress);

// A bar, for terminals: drawn ten times a second, from the second half second
// on.
void progress_bar(const struct relying_progress *progress);

// Ends the line that either left open.
void progress_end(void);

#endif
