// SPDX-License-Identifier: Apache-2.0
// The thread for slow work: entry verification and fsync, beside the loop.
#ifndef ROTOR_APP_RTP_WORKER_H
#define ROTOR_APP_RTP_WORKER_H

#include <stdbool.h>

#include "rtp/rtp.h"

// Starts the thread.  *done becomes readable when a job is finished.
bool worker_open(int *done);

// Hands one job over; none may be out.
void worker_begin(struct rtp_job *job);

// The finished job, or NULL.  Empties `done`.
struct rtp_job *worker_finished(void);

// Waits for the job that is out, if one is: its memory may be wiped then.
void worker_settle(void);

#endif
