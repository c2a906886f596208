// SPDX-License-Identifier: Apache-2.0
// What stage 0 starts.
#ifndef ROTOR_BOOT_COMPONENT_H
#define ROTOR_BOOT_COMPONENT_H

enum boot_component {
    BOOT_COMPONENT_NONE = 0,
    BOOT_RTP = 1,
    BOOT_ENCLAVE = 2,
};

#endif
