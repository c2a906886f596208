// SPDX-License-Identifier: Apache-2.0
#include "bench/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t tally_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tally_expect(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "rotor: error: bench: %s\n", what);
        exit(3);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *values, int count, double share)
{
    double sorted[TALLY_ROUNDS_MAX];
    if (count == 0) {
        return 0;
    }
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return sorted[(int)(share * (count - 1) + 0.5)];
}

double tally_median(const double *values, int count)
{
    return quantile(values, count, 0.5);
}

static double spread(const double *values, int count)
{
    return quantile(values, count, 0.75) - quantile(values, count, 0.25);
}

void tally_add(struct tally *tally, double ours, double theirs)
{
    tally_expect(tally->rounds < TALLY_ROUNDS_MAX, "too many rounds");
    tally->ours[tally->rounds] = ours;
    tally->theirs[tally->rounds] = theirs;
    tally->ratios[tally->rounds] = theirs > 0 ? ours / theirs : 0;
    tally->rounds++;
}

static bool is_met(const struct tally *tally)
{
    double ratio = tally_median(tally->ratios, tally->rounds);
    switch (tally->kind) {
    case TALLY_RATIO_AT_MOST:
        return ratio <= tally->goal;
    case TALLY_RATIO_AT_LEAST:
        return ratio >= tally->goal;
    case TALLY_VALUE_AT_MOST:
        return tally_median(tally->ours, tally->rounds) <= tally->goal;
    case TALLY_NO_GOAL:
        break;
    }
    return true;
}

void tally_print(const struct tally *tally)
{
    int rounds = tally->rounds;
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"value\":%.2f,",
           tally->bench, tally->name, tally->unit,
           tally_median(tally->ours, rounds));
    if (tally->reference != NULL) {
        printf("\"reference\":\"%s\",\"reference_value\":%.2f,"
               "\"ratio\":%.3f,\"spread\":%.3f,",
               tally->reference, tally_median(tally->theirs, rounds),
               tally_median(tally->ratios, rounds),
               spread(tally->ratios, rounds));
    } else {
        printf("\"reference\":null,\"reference_value\":null,\"ratio\":null,"
               "\"spread\":%.3f,",
               spread(tally->ours, rounds));
    }
    if (tally->kind == TALLY_NO_GOAL) {
        printf("\"goal\":null,\"rounds\":%d}\n", rounds);
    } else {
        printf("\"goal\":%.2f,\"met\":%s,\"rounds\":%d}\n", tally->goal,
               is_met(tally) ? "true" : "false", rounds);
    }
    (void)fflush(stdout);
}
