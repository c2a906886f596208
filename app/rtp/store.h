// SPDX-License-Identifier: Apache-2.0
// The RTP's ops on a folder: trust store, log, control key.
#ifndef ROTOR_APP_RTP_STORE_H
#define ROTOR_APP_RTP_STORE_H

#include "rtp/ops.h"

// All of rtp_ops but `alarm`, on the folder at LAUNCH_FD_STORE.
void store_ops(struct rtp_ops *ops);

#endif
