// SPDX-License-Identifier: Apache-2.0
// A file without a name, for what is too much for memory: gone with the
// process, however that ends.
#ifndef ROTOR_APP_ROTOR_SCRATCH_H
#define ROTOR_APP_ROTOR_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In TMPDIR, else in /var/tmp: /tmp may be memory.  -1: errno says why.
int scratch_open(void);

// All of it or nothing; errno says why.
bool scratch_read(int fd, void *bytes, size_t size, uint64_t offset);
bool scratch_write(int fd, const void *bytes, size_t size, uint64_t offset);

#endif
