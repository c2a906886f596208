// SPDX-License-Identifier: Apache-2.0
// What is secret, told to Valgrind's memcheck: it takes a secret for memory
// that was never written, and reports each branch and each address that depends
// on one.  Cryptography itself is not looked at: it is the library's.  What it
// gives back is secret or public as the port says, border.c.
#ifndef ROTOR_TEST_SECRETS_BORDER_H
#define ROTOR_TEST_SECRETS_BORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A life is lived twice, from the same seed.  The first time everything random
// or derived is written down, and what becomes public is shown to the border;
// the second time all of it is hidden that the world never saw.
enum border_life { BORDER_REHEARSAL, BORDER_HIDDEN };
void border_begin(enum border_life life);

// Fresh random bytes: hidden, but for what will be shown.
void border_draw(uint8_t *bytes, size_t size);

// Bytes that left for the world in the clear.  Counts in the rehearsal.
void border_show(const uint8_t *bytes, size_t size);

// A secret whatever is shown.
void border_hide(void *secret, size_t size);

// What was secret is told to the test itself.
void border_tell(void *bytes, size_t size);

// Chunks that the second life has hidden.
unsigned long border_hidden(void);

// Reports of memcheck so far.
unsigned long border_reports(void);

#endif
