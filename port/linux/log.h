// SPDX-License-Identifier: Apache-2.0
// A file that grows at its end and is cut at its beginning; a place in it keeps
// its number.
//
//     "ROTL" || be32 1 || be64 start || bytes from place `start` on
//     bytes from place 0 on                     as long as nothing was dropped
//
// What is dropped is gone at once and for good: after a cut the file is the one
// before or the one behind.  Dropping and reading may go on side by side: a
// read is of one of the two files.  The first byte of the log itself is not
// 'R'. ROTOR_PORT_FAILED leaves the cause in errno.
#ifndef ROTOR_PORT_LINUX_LOG_H
#define ROTOR_PORT_LINUX_LOG_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Where the log starts; 0 when there is none.  Makes what is there last, and
// the names of the folder; takes away what a drop that was cut left behind.
ROTOR_CALL linux_log_open(int folder, const char *name, uint64_t *start);

// Fills `content` from `place` on, up to its capacity; less at the end, nothing
// before the start.
ROTOR_CALL linux_log_read(int folder, const char *name, uint64_t place,
                          struct rotor_room *content);

// Writes at `place`, forgets what lies behind, and syncs.
//
// ROTOR_INVALID  before the start.
ROTOR_CALL linux_log_append(int folder, const char *name, uint64_t place,
                            struct rotor_bytes content);

// Drops what lies before `place`.  Nothing to drop is no error.
ROTOR_CALL linux_log_drop(int folder, const char *name, uint64_t place);

#endif
