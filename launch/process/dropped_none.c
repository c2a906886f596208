// SPDX-License-Identifier: Apache-2.0
#include "launch/process/wall.h"

const uint64_t wall_dropped = 0;
