// SPDX-License-Identifier: Apache-2.0
// The RTP in words and numbers, for people and their programs.
#include "base/bytes.h"
#include "rtp/machine.h"

const char *rtp_alarm_name(enum rtp_alarm_kind kind)
{
    static const char *const names[] = {
        [RTP_ALARM_NONE] = "none",
        [RTP_ALARM_EVIDENCE] = "evidence",
        [RTP_ALARM_FOREIGN_AP] = "foreign enclave",
        [RTP_ALARM_PEER] = "peer",
        [RTP_ALARM_SILENT] = "silent enclave",
        [RTP_ALARM_REFUSED] = "refused",
        [RTP_ALARM_ENTRY] = "entry refused",
        [RTP_ALARM_AP_BEHIND] = "enclave rolled back",
        [RTP_ALARM_AP_LOST] = "enclave state lost",
        [RTP_ALARM_RTP_BEHIND] = "trust store rolled back",
        [RTP_ALARM_LOG] = "log damaged",
        [RTP_ALARM_FORK] = "fork",
        [RTP_ALARM_DUPLICITY] = "duplicity",
        [RTP_ALARM_RECOVERED] = "recovered",
        [RTP_ALARM_OVERDUE] = "rotation overdue",
        [RTP_ALARM_ROTATION_LATE] = "rotation late",
        [RTP_ALARM_STORE] = "trust store",
        [RTP_ALARM_EVENT] = "security event",
    };
    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}

struct rotor_bytes rtp_text(const char *text)
{
    size_t size = 0;
    while (text[size] != 0) {
        size++;
    }
    return bytes_of(text, size);
}

static void describe_log(const struct rtp *rtp,
                         struct wire_client_status *status)
{
    const struct chain_trust *trust = &rtp->state.trust;
    status->log_id = trust->log_id;
    status->incarnation = trust->order.incarnation;
    status->epoch = trust->order.epoch;
    status->body_hash = trust->body_hash;
    status->suite = trust->suite;
    status->sign_kid = (struct wire_digest){0};
    status->limits = (struct wire_limits){trust->policy.min_interval_s,
                                          trust->policy.max_per_day};
    bool has_log = !chain_trust_is_empty(trust);
    if (has_log && wire_key_id(&trust->sign, &status->sign_kid) != ROTOR_OK) {
        status->sign_kid = (struct wire_digest){0};
    }
}

static void describe_enclave(const struct rtp *rtp,
                             struct wire_client_status *status)
{
    status->ap_state = rtp->ap.state;
    status->enclave_is_up = rtp->channel.link == RTP_LINK_OPEN ? 1 : 0;
    status->level = rtp->claims.level;
    status->anchor_kind = rtp->claims.anchor_kind;
    status->walls = rtp->claims.walls;
    status->measurement = rtp->claims.measurement;
    status->instance = rtp->instance;
    status->report = rtp->ap.report;
    status->rotation_tokens = rtp->ap.rotation_tokens;
    status->n = rtp->ap.n;
}

void rtp_end_pair(struct rtp *rtp, uint32_t channel)
{
    rtp->pairs_over |= UINT64_C(1) << (channel - 1u);
}

void rtp_look(struct rtp *rtp)
{
    rtp->status_is_wanted = true;
}

void rtp_describe(const struct rtp *rtp, uint64_t now_ms,
                  struct wire_client_status *status)
{
    const struct rtp_schedule *schedule = &rtp->schedule;
    describe_log(rtp, status);
    describe_enclave(rtp, status);
    bool is_scheduled = schedule->due_ms != RTP_NEVER &&
                        !wire_digest_is_empty(&rtp->state.trust.next_commit);
    uint64_t left_ms =
        schedule->due_ms > now_ms ? schedule->due_ms - now_ms : 0;
    status->phase = rtp_text(rtp_phase_name(rtp->state.phase));
    status->has_next_rotation = is_scheduled ? 1 : 0;
    status->next_rotation_s = is_scheduled ? left_ms / 1000u : 0;
    status->is_overdue = rtp->is_overdue ? 1 : 0;
    status->attestations = rtp->counts.attestations;
    status->rotations = rtp->counts.rotations;
    status->refused = rtp->counts.refused;
    status->alarm = rtp_text(rtp->alarm_text);
    status->queue_depth = rtp_slots_in_flight(&rtp->slots);
}
