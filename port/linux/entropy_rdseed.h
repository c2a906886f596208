// SPDX-License-Identifier: Apache-2.0
// RDSEED, 64-bit form only: the 16- and 32-bit forms of some processors
// answer 0 and call it a success (CVE-2025-62626).
#ifndef ROTOR_PORT_LINUX_ENTROPY_RDSEED_H
#define ROTOR_PORT_LINUX_ENTROPY_RDSEED_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Tries for one word.  A processor under load may refuse 15 of 16 times; all
// of 256 then fails less than once in 10^7 words.
#define RDSEED_TRIES 256u

// False: the processor has no number now, *word is unchanged.
typedef bool rdseed_instruction(uint64_t *word);

// False on any machine but x86-64 with the feature bit.
bool rdseed_is_offered(void);

rdseed_instruction rdseed_execute;

// Fills `raw` with whole words.  Words are not judged here, so that a dead
// generator reaches the health tests and is named.
//
// ROTOR_AGAIN  not one word in RDSEED_TRIES.
ROTOR_CALL rdseed_fill(rdseed_instruction *instruction, struct rotor_room *raw);

#endif
