// SPDX-License-Identifier: Apache-2.0
// The RTP's half of the handshake: who is this AP, and may we talk to it?
// doc/PROTOCOL.rot, section 5.2.
#ifndef ROTOR_RTP_HELLO_H
#define ROTOR_RTP_HELLO_H

#include "rtp/job.h"

// Judges HELLO_AP (job->input): Evidence over our nonce and both ephemerals
// before anything else, then its place in the log, then sig_S.  Makes
// HELLO_FIN and the channel's keys.  job->hello.outcome is REFUSED unless all
// of it held.
ROTOR_CALL rtp_hello_run(struct rtp_job *job);

#endif
