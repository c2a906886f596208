// SPDX-License-Identifier: Apache-2.0
// Rounds of one case, ours beside the reference, and the line that they make.
//
//     {"bench":"attest","case":"rtp","unit":"us","value":...,
//      "reference":"what","reference_value":...,"ratio":...,"spread":...,
//      "goal":...,"met":true}
//
// value and reference_value are medians; ratio is the median of the ratios of
// the rounds, spread the distance between their quartiles.  What has no
// reference or no goal has null there; spread is then that of value.
#ifndef ROTOR_BENCH_TALLY_H
#define ROTOR_BENCH_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define TALLY_ROUNDS_MAX 200
#define TALLY_ROUNDS     25 // of each case, unless told otherwise

enum tally_goal {
    TALLY_NO_GOAL = 0,
    TALLY_RATIO_AT_MOST,
    TALLY_RATIO_AT_LEAST,
    TALLY_VALUE_AT_MOST,
};

struct tally {
    const char *bench;
    const char *name;
    const char *unit;
    const char *reference; // what it is; NULL: there is none
    enum tally_goal kind;
    double goal;
    int rounds;
    double ours[TALLY_ROUNDS_MAX];
    double theirs[TALLY_ROUNDS_MAX];
    double ratios[TALLY_ROUNDS_MAX];
};

// Adds a round; `theirs` is 0 where there is no reference.
void tally_add(struct tally *tally, double ours, double theirs);

// Prints the line, on stdout.
void tally_print(const struct tally *tally);

double tally_median(const double *values, int count);

// Time as all of a machine's processes see it.
uint64_t tally_now_ns(void);

// Ends the program when a claim does not hold: what follows would measure
// something else.  `what` says which.
void tally_expect(bool claim, const char *what);

#endif
