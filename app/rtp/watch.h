// SPDX-License-Identifier: Apache-2.0
// What the program notices beside requests: progress that rotord hears of, and
// what is a security event: another image, an entropy source that fails.
#ifndef ROTOR_APP_RTP_WATCH_H
#define ROTOR_APP_RTP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "app/rtp/pairs.h"
#include "rtp/rtp.h"

struct watch {
    struct rtp *rtp;
    const struct wire_digest *running; // measurement of the enclave
    bool is_compared;                  // that with the current entry's
    bool asked_renewal;                // of this enclave
    const char *refusal;               // of it, not told yet; NULL: none
    bool told_attested;
    bool has_told; // an epoch
    uint64_t told_epoch;
    uint64_t looked_ms;
    uint64_t asked_ms; // for the report
    char report[512];  // of the entropy sources, as last heard
};

// `rtp` and `running` must outlive it.
void watch_init(struct watch *watch, struct rtp *rtp,
                const struct wire_digest *running);

// Another enclave than before.
void watch_new_enclave(struct watch *watch);

// The enclave that runs is not to go on: rotord hears of it with the next turn
// that it has room for.
void watch_refuse(struct watch *watch, const char *why);

// Each turn of the loop.  `pairs`: of the enclave that runs; NULL: none does.
void watch_turn(struct watch *watch, const struct pairs *pairs,
                uint64_t now_ms);

// Whether an entropy source has failed by `report` and had not by `known`: a
// line each, "NAME: failed (WHY)".
bool watch_has_new_failure(const char *report, const char *known);

#endif
