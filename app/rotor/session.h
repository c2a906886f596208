// SPDX-License-Identifier: Apache-2.0
// `rotor session`: what its two ends share.
#ifndef ROTOR_APP_ROTOR_SESSION_H
#define ROTOR_APP_ROTOR_SESSION_H

#include "app/rotor/command.h"
#include "app/rotor/pipe.h"

// The relying party's end, session_connect.c.
int session_connect(struct run *run, int count, char **arguments);

// stdout carries data: with --json the object goes to stderr.
int session_end(const struct run *run, const struct pipe *pipe);
int session_fail(const struct run *run, enum cause cause, const char *hint,
                 const char *message);

#endif
