// SPDX-License-Identifier: Apache-2.0
// ASan maps and unmaps memory as it goes: no filter of system calls.
#include "launch/process/wall.h"

#include "wire/walls.h"

const uint64_t wall_dropped = WIRE_WALL_BIT(WIRE_WALL_SECCOMP);
