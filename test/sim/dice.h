// SPDX-License-Identifier: Apache-2.0
// splitmix64: repeatable, and good enough for what a test throws.
#ifndef ROTOR_TEST_SIM_DICE_H
#define ROTOR_TEST_SIM_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state; // any seed
};

static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t z = (dice->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// One of 0..sides-1.
static inline unsigned dice_throw(struct dice *dice, unsigned sides)
{
    return (unsigned)((dice_next(dice) >> 32) % sides);
}

#endif
