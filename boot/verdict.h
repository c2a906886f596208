// SPDX-License-Identifier: Apache-2.0
// A verdict is one of two far-apart constants; any other value is a fault.
//
// A glitch that skips an instruction or sets a register rarely makes exactly
// BOOT_ACCEPTED.  Zeroed memory is no verdict at all.
#ifndef ROTOR_BOOT_VERDICT_H
#define ROTOR_BOOT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#define BOOT_ACCEPTED 0x5a3c96e1u
#define BOOT_REJECTED 0xa5c3691eu // the complement

// Reads `verdict` twice and compares it in two forms.
static inline bool boot_verdict_is_accepted(const volatile uint32_t *verdict)
{
    return *verdict == BOOT_ACCEPTED && ~*verdict == BOOT_REJECTED;
}

#endif
