// SPDX-License-Identifier: Apache-2.0
// Secrets are wiped and compared here and nowhere else.
#ifndef ROTOR_BASE_SECRET_H
#define ROTOR_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

// Overwrites `size` bytes with zeros; the compiler may not drop the writes.
void secret_wipe(void *secret, size_t size);

// Compares in time that depends on `size` only.
bool secret_equal(const void *a, const void *b, size_t size);

#endif
