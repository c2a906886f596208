// SPDX-License-Identifier: Apache-2.0
// Latencies in buckets of less than a percent, from a nanosecond to a minute.
#ifndef ROTOR_BENCH_HISTOGRAM_H
#define ROTOR_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 4096u

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

// The latency that `share` of all are not above, in ns; 0 without any.
uint64_t histogram_quantile(const struct histogram *histogram, double share);

// The latency that a bucket begins with, in ns.
uint64_t histogram_floor(size_t bucket);

#endif
