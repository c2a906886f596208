// SPDX-License-Identifier: Apache-2.0
// When to rotate and when to try again.  Pure arithmetic on a monotonic clock.
//
// Source: doc/PROTOCOL.rot, sections 5.3 and 8.3.
#ifndef ROTOR_RTP_SCHEDULE_H
#define ROTOR_RTP_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define RTP_NEVER UINT64_MAX

// A wait that doubles.
struct rtp_backoff {
    uint32_t first_ms;
    uint32_t last_ms;
    uint32_t wait_ms; // of the next failure; 0: first_ms
};

// The time of the next try after a failure at `now`: the wait, +-25 % by
// `random`; the wait then doubles up to last_ms.
uint64_t rtp_backoff_next(struct rtp_backoff *backoff, uint64_t now_ms,
                          uint32_t random);
void rtp_backoff_init(struct rtp_backoff *backoff, uint32_t first_ms,
                      uint32_t last_ms);

// The life of the current epoch.
struct rtp_schedule {
    uint64_t since_ms;   // R2, or the start minus what had passed before it
    uint64_t due_ms;     // scheduled rotation
    uint64_t overdue_ms; // twice the period
    uint64_t answers;    // attestations and heads under this epoch
    uint64_t beside;     // more of them, over programs' own queue pairs
};

struct rtp_life {
    uint64_t now_ms;
    uint64_t passed_ms;      // of the period, before now
    uint32_t cryptoperiod_s; // of the log's policy
    uint32_t jitter_percent; // the rotation falls into the last so many percent
    uint32_t random;
};
void rtp_schedule_start(struct rtp_schedule *schedule,
                        const struct rtp_life *life);

#endif
