// SPDX-License-Identifier: Apache-2.0
// The socket to rotord, which started us.
#ifndef ROTOR_APP_RTP_STARTER_H
#define ROTOR_APP_RTP_STARTER_H

#include <stdbool.h>

#include "launch/birth.h"

// Which enclave is spoken of from now on: by the seed of its queue.
void starter_speak_of(uint32_t queue_seed);

// False: rotord cannot take it now, and has not heard.
bool starter_tell(enum launch_notice notice, const char *text);

enum starter_said {
    STARTER_NOTHING = 0,
    STARTER_RECORD,
    STARTER_GONE, // rotord is
};

// Takes one record.  With LAUNCH_ENCLAVE_UP: `fds`, which are the caller's.
enum starter_said starter_hear(struct launch_record *record,
                               int fds[LAUNCH_UP_FDS]);

#endif
