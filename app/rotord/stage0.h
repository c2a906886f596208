// SPDX-License-Identifier: Apache-2.0
// Stage 0: from the UDS to a measured program, in a process of its own.
//
//     read UDS -> choose slot -> verify image -> sealed memfd of exactly those
//     bytes -> derive CDIs, issue certificate -> forget the UDS -> become it
//
// rotord forks a child for each start; the child becomes the program, so that
// no running process keeps the UDS.  doc/PROTOCOL.boot, 4 and 6.
#ifndef ROTOR_APP_ROTORD_STAGE0_H
#define ROTOR_APP_ROTORD_STAGE0_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/component.h"
#include "launch/birth.h"

// What the child tells rotord before it becomes the program: one write.
struct stage0_report {
    uint32_t slot;
    uint32_t security_version;
    uint32_t version;
    struct wire_digest measurement;
    bool is_trial;
};

struct stage0_plan {
    enum boot_component component;
    int state_folder;
    int boot_folder;
    int report;             // stage0_report goes here
    int fds[LAUNCH_FD_END]; // by enum launch_fd; -1: none
    uid_t uid;              // 0 with keep_user: whoever runs us
    gid_t gid;
    uint64_t walls; // that the clone put up already
    uint32_t queue_seed;
    struct rotor_bytes settings; // launch_settings, exact bytes
};

// In the child.  Never returns: becomes the program, or says on stderr why it
// cannot and ends with STAGE0_FAILED.
#define STAGE0_FAILED 70
_Noreturn void stage0_become(const struct stage0_plan *plan);

// In a short-lived child, one at a time: makes the UDS of a new device, unless
// there is one.
ROTOR_CALL stage0_provision(int state_folder);

#endif
