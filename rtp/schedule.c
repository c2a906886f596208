// SPDX-License-Identifier: Apache-2.0
#include "rtp/schedule.h"

void rtp_backoff_init(struct rtp_backoff *backoff, uint32_t first_ms,
                      uint32_t last_ms)
{
    backoff->first_ms = first_ms;
    backoff->last_ms = last_ms;
    backoff->wait_ms = 0;
}

uint64_t rtp_backoff_next(struct rtp_backoff *backoff, uint64_t now_ms,
                          uint32_t random)
{
    uint64_t wait =
        backoff->wait_ms == 0 ? backoff->first_ms : backoff->wait_ms;
    uint64_t doubled = wait * 2u;
    backoff->wait_ms =
        (uint32_t)(doubled < backoff->last_ms ? doubled : backoff->last_ms);
    uint64_t spread = wait / 2u; // -25 % .. +25 %
    return now_ms + wait - spread / 2u + random % (spread + 1u);
}

void rtp_schedule_start(struct rtp_schedule *schedule,
                        const struct rtp_life *life)
{
    uint64_t period = (uint64_t)life->cryptoperiod_s * 1000u;
    uint64_t jitter = period / 100u * life->jitter_percent;
    uint64_t early = jitter == 0 ? 0 : life->random % (jitter + 1u);
    uint64_t passed = life->passed_ms < period ? life->passed_ms : period;
    uint64_t left = period - passed;
    schedule->since_ms = life->now_ms;
    schedule->due_ms = life->now_ms + (left > early ? left - early : 0);
    schedule->overdue_ms = life->now_ms + left + period;
    schedule->answers = 0;
    schedule->beside = 0;
}
