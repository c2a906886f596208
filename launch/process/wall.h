// SPDX-License-Identifier: Apache-2.0
// The wall of a process enclave: what the enclave does to itself before it
// answers its first frame.  Every wall is tried, then probed; a wall that the
// kernel does not offer is reported as missing, never assumed.
//
//     launcher              uid, capabilities, namespaces, limits   (start.h)
//     enclave, first line   non-dumpable, no new privileges, parent death
//     enclave, all open     landlock, then its second thread, no new code,
//                           seccomp last, for both threads
#ifndef ROTOR_LAUNCH_PROCESS_WALL_H
#define ROTOR_LAUNCH_PROCESS_WALL_H

#include <stdint.h>

#include <rotor/status.h>

// Before any secret is in memory.
void wall_raise_first(void);

// After every file is open.  `store_fd` is the one folder whose files may still
// be opened, written, renamed and removed.  Threads started from now on are
// held by it, earlier ones are not.
void wall_raise_files(int store_fd, uint64_t *walls);

// After every algorithm is loaded and every thread runs.  `queue_fd` must be
// sealed against shrinking, growing and new seals.
// *walls gets what stands, as bits of enum wire_wall, read back from the
// kernel where the kernel tells.
//
// ROTOR_FORBIDDEN  a required wall does not stand: do not serve.
//
// A sanitised build cannot live behind every wall: wall_dropped names those
// that it does without, and says so on stderr.
extern const uint64_t wall_dropped;
ROTOR_CALL wall_raise_last(int queue_fd, uint64_t *walls);

#endif
