// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"

#define STEPS 128u // of each octave

static size_t bucket_of(uint64_t ns)
{
    if (ns < 2 * STEPS) {
        return (size_t)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 7u;
    size_t bucket = shift * STEPS + (size_t)(ns >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_floor(size_t bucket)
{
    if (bucket < 2 * STEPS) {
        return bucket;
    }
    size_t shift = bucket / STEPS - 1;
    return (uint64_t)(bucket - shift * STEPS) << shift;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->buckets[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max_ns) {
        histogram->max_ns = ns;
    }
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
    into->count += from->count;
    if (from->max_ns > into->max_ns) {
        into->max_ns = from->max_ns;
    }
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen != 0 && (double)seen >= wanted) {
            return histogram_floor(i);
        }
    }
    return 0;
}
