// SPDX-License-Identifier: Apache-2.0
// Registers (PCRs) of a TPM as people write them: "0-2,7".
#ifndef ROTOR_APP_ROTORD_REGISTERS_H
#define ROTOR_APP_ROTORD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

// Bit i: register i, 0 to 23.  False: no such list.
bool registers_parse(const char *text, uint32_t *registers);

#endif
