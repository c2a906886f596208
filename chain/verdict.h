// SPDX-License-Identifier: Apache-2.0
// A verdict over an entry: one of a few far-apart constants, and why.
//
// Any value that is not named here is a fault and counts as a rejection;
// zeroed memory is no verdict.
#ifndef ROTOR_CHAIN_VERDICT_H
#define ROTOR_CHAIN_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#define CHAIN_ACCEPTED    0x5a3c96e1u
#define CHAIN_REJECTED    0xa5c3691eu // the complement
#define CHAIN_UNSUPPORTED 0xa5c396e1u // a suite of a later version: keep t
#define CHAIN_HELD        0x5a3c691eu // recovery: hold-down has not passed

// Which list of rules `rule` counts in.
enum chain_rules {
    CHAIN_RULES_NONE = 0,
    CHAIN_RULES_GENESIS,  // doc/PROTOCOL.chain 3.3, numbers of 3.2
    CHAIN_RULES_NEXT,     // 3.2
    CHAIN_RULES_RECOVERY, // 5.2
};

struct chain_verdict {
    uint32_t outcome;
    enum chain_rules rules;
    uint32_t rule;      // the one that refused, 1..12; 0: none
    const char *reason; // words for people and logs; never NULL
};

// Reads the outcome twice and compares it in two forms.
static inline bool
chain_verdict_is_accepted(const volatile struct chain_verdict *verdict)
{
    return verdict->outcome == CHAIN_ACCEPTED &&
           ~verdict->outcome == CHAIN_REJECTED;
}

#endif
