// SPDX-License-Identifier: Apache-2.0
// The walls around a process enclave, as bits of claim -70007 and of status.
//
// Each is probed when the enclave starts: a bit says that the wall stands,
// not that it was asked for.  What each one stops: doc/THREATS.md.
#ifndef ROTOR_WIRE_WALLS_H
#define ROTOR_WIRE_WALLS_H

#include <stdint.h>

enum wire_wall {
    WIRE_WALL_SECCOMP,       // system calls: an allow-list, the rest kills
    WIRE_WALL_NO_NEW_PRIVS,  // no exec can gain privileges
    WIRE_WALL_NON_DUMPABLE,  // no ptrace, no /proc/PID/mem, no core
    WIRE_WALL_SEALED_QUEUE,  // the shared memory cannot shrink under us
    WIRE_WALL_SECRET_MEMORY, // keys in memfd_secret, its descriptor closed
    WIRE_WALL_LOCKED_MEMORY, // keys never reach swap
    WIRE_WALL_NO_CORE,       // core dumps off by limit
    WIRE_WALL_LANDLOCK,      // files: the store folder and nothing else
    WIRE_WALL_NO_NEW_CODE,   // memory cannot become executable (MDWE)
    WIRE_WALL_PARENT_DEATH,  // dies with its launcher
    WIRE_WALL_OWN_USER,      // another uid than the RTP
    WIRE_WALL_NO_CAPABILITIES,
    WIRE_WALL_PID_NAMESPACE,
    WIRE_WALL_NET_NAMESPACE,
    WIRE_WALL_IPC_NAMESPACE,
    WIRE_WALL_UTS_NAMESPACE,
    WIRE_WALL_MOUNT_NAMESPACE,
    WIRE_WALL_COUNT,
};

#define WIRE_WALL_BIT(wall) ((uint64_t)1 << (wall))

// Without these an enclave does not start.
#define WIRE_WALLS_REQUIRED                                                    \
    (WIRE_WALL_BIT(WIRE_WALL_SECCOMP) |                                        \
     WIRE_WALL_BIT(WIRE_WALL_NO_NEW_PRIVS) |                                   \
     WIRE_WALL_BIT(WIRE_WALL_NON_DUMPABLE) |                                   \
     WIRE_WALL_BIT(WIRE_WALL_SEALED_QUEUE))

// Lower-case words, e.g. "no-new-privs"; never NULL.
const char *wire_wall_name(uint64_t wall);

#endif
