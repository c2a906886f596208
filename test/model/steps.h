// SPDX-License-Identifier: Apache-2.0
// The list for replay.pml, compiled into spin's program: numbers, one a line,
// of the file `steps`.
#ifndef ROTOR_TEST_MODEL_STEPS_H
#define ROTOR_TEST_MODEL_STEPS_H

#include <stdio.h>
#include <stdlib.h>

static int steps[1u << 16];
static int step_count;
static int furthest;

static void __attribute__((constructor)) read_steps(void)
{
    const int most = sizeof steps / sizeof *steps;
    FILE *list = fopen("steps", "r");
    while (list != NULL && step_count < most &&
           fscanf(list, "%d", &steps[step_count]) == 1) {
        step_count++;
    }
    if (list == NULL || !feof(list) || step_count == 0) {
        fprintf(stderr, "steps: missing, empty or too long\n");
        exit(3);
    }
    fclose(list);
}

// -1 behind the last one.
static int step_at(int at)
{
    furthest = at > furthest ? at : furthest;
    return at < step_count ? steps[at] : -1;
}

static void __attribute__((destructor)) say(void)
{
    printf("furthest %d of %d\n", furthest, step_count);
}

#endif
