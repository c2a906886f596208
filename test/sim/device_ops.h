// SPDX-License-Identifier: Apache-2.0
// Between device.c, which runs the two sides, and device_ops.c, which they are
// given.
#ifndef ROTOR_TEST_SIM_DEVICE_OPS_H
#define ROTOR_TEST_SIM_DEVICE_OPS_H

#include "test/sim/device.h"

// Counts a step.  True: it does not take place any more.
bool sim_step_is_cut(struct sim_device *device, enum sim_step step,
                     uint8_t type);

struct enclave_ops sim_ap_ops(struct sim_device *device);
struct rtp_ops sim_rtp_ops(struct sim_device *device);

#endif
