// SPDX-License-Identifier: Apache-2.0
#include "rtp/rtp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "rtp/machine.h"
#include "wire/cbor_text.h"

// ---- small things ----------------------------------------------------------

void rtp_sound(struct rtp *rtp, const struct rtp_alarm *alarm)
{
    struct rotor_bytes text = rtp_text(alarm->text);
    size_t most = sizeof rtp->alarm_text - 1u;
    size_t size = cbor_text_whole(
        bytes_of(alarm->text, text.size < most ? text.size : most));
    memmove(rtp->alarm_text, text.data, size);
    rtp->alarm_text[size] = 0;
    if (rtp->ops.alarm != NULL) {
        rtp->ops.alarm(rtp->ops.context, alarm);
    }
}

void rtp_raise(struct rtp *rtp, enum rtp_alarm_kind kind, const char *text)
{
    const struct rtp_alarm alarm = {.kind = kind, .text = text};
    rtp_sound(rtp, &alarm);
}

static enum rotor_status draw(struct rtp *rtp, uint8_t *out, size_t size)
{
    if (rtp->randoms_left < size) {
        TRY(rtp->ops.random(rtp->ops.context, rtp->randoms,
                            sizeof rtp->randoms));
        rtp->randoms_left = sizeof rtp->randoms;
    }
    rtp->randoms_left -= size;
    memcpy(out, rtp->randoms + rtp->randoms_left, size);
    return ROTOR_OK;
}

uint32_t rtp_random(struct rtp *rtp)
{
    uint8_t bytes[4] = {0};
    // For jitter only: no harm without.
    return draw(rtp, bytes, sizeof bytes) == ROTOR_OK ? bytes_be32(bytes) : 0;
}

enum rotor_status rtp_make_id(struct rtp *rtp, uint8_t id[WIRE_ID_SIZE])
{
    return draw(rtp, id, WIRE_ID_SIZE);
}

bool rtp_is_attested(const struct rtp *rtp)
{
    return rtp->is_attested && !chain_trust_is_empty(&rtp->state.trust);
}

void rtp_start_epoch(struct rtp *rtp, uint64_t now_ms, uint64_t passed_ms)
{
    const struct rtp_life life = {
        .now_ms = now_ms,
        .passed_ms = passed_ms,
        .cryptoperiod_s = rtp->state.trust.policy.cryptoperiod_s,
        .jitter_percent = rtp->config.jitter_percent,
        .random = rtp_random(rtp),
    };
    rtp_schedule_start(&rtp->schedule, &life);
    rtp->is_overdue = false;
}

// ---- enclave comes and goes ------------------------------------------------

void rtp_wipe(struct rtp *rtp)
{
    crypto_aead_close(&rtp->channel.seal);
    crypto_aead_close(&rtp->channel.unseal);
    crypto_key_close(&rtp->channel.ephemeral);
    crypto_key_close(&rtp->control);
    secret_wipe(rtp, sizeof *rtp);
}

void rtp_enclave_up(struct rtp *rtp, uint64_t now_ms)
{
    if (rtp->channel.link != RTP_LINK_DOWN) {
        rtp_enclave_lost(rtp, now_ms);
    }
    rtp->channel.link = RTP_LINK_IDLE;
    rtp->hello_at_ms = now_ms;
    rtp->pairs_over = 0;
    rtp->pairs_told = 0;
    if (rtp->state.phase != RTP_QUAR) {
        rtp->unavailable = NULL;
    }
}

void rtp_enclave_lost(struct rtp *rtp, uint64_t now_ms)
{
    rtp_reset(rtp, now_ms, false);
    rtp->channel.link = RTP_LINK_DOWN;
}

// ---- time ------------------------------------------------------------------

static uint64_t oldest_sent_ms(const struct rtp *rtp)
{
    uint64_t oldest = rtp->order.is_sent ? rtp->order.sent_ms : RTP_NEVER;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct rtp_slot *slot = &rtp->slots.slot[i];
        if (slot->is_owed && slot->sent_ms < oldest) {
            oldest = slot->sent_ms;
        }
    }
    return oldest;
}

// When the enclave has been silent for too long.
static uint64_t silent_at_ms(const struct rtp *rtp)
{
    if (rtp->channel.is_asked) {
        return rtp->channel.asked_ms + rtp->config.hello_ms;
    }
    uint64_t oldest = oldest_sent_ms(rtp);
    return oldest == RTP_NEVER ? RTP_NEVER : oldest + rtp->config.silence_ms;
}

bool rtp_awaits_frame(const struct rtp *rtp)
{
    return silent_at_ms(rtp) != RTP_NEVER;
}

static void watch_enclave(struct rtp *rtp, uint64_t now_ms)
{
    if (now_ms < silent_at_ms(rtp)) {
        return;
    }
    const struct rtp_alarm alarm = {.kind = RTP_ALARM_SILENT,
                                    .text = "the enclave does not answer"};
    rtp_sound(rtp, &alarm);
    rtp_reset(rtp, now_ms, true);
}

// No rotation is under way or asked for.  A job may be R0 of one.
static bool may_begin(const struct rtp *rtp)
{
    return rtp->state.phase == RTP_CUR && !rtp->wish.is_wanted &&
           rtp_job_is_free(rtp);
}

// An epoch that another one is meant to follow.
static bool ages(const struct rtp *rtp)
{
    return !chain_trust_is_empty(&rtp->state.trust) &&
           !wire_digest_is_empty(&rtp->state.trust.next_commit);
}

static void watch_epoch(struct rtp *rtp, uint64_t now_ms)
{
    const struct rtp_schedule *schedule = &rtp->schedule;
    if (!ages(rtp)) {
        return;
    }
    bool is_due = now_ms >= schedule->due_ms;
    uint64_t limit = rtp->config.usage_limit;
    bool is_used = schedule->answers >= limit ||
                   schedule->beside >= limit - schedule->answers;
    if ((is_due || is_used) && may_begin(rtp)) {
        const struct rtp_wish wish = {.reason = is_due ? WIRE_REASON_SCHEDULED
                                                       : WIRE_REASON_USAGE,
                                      .kind = CHAIN_ROTATE};
        rtp_wish_for(rtp, &wish);
    }
    if (now_ms >= schedule->overdue_ms && !rtp->is_overdue) {
        const struct rtp_alarm alarm = {
            .kind = RTP_ALARM_OVERDUE,
            .text = "the rotation is overdue by a whole period"};
        rtp->is_overdue = true;
        rtp_sound(rtp, &alarm);
    }
}

static uint64_t late_at_ms(const struct rtp *rtp)
{
    bool is_timed =
        rtp->rotation_since_ms != RTP_NEVER && !rtp->rotation_is_late;
    return is_timed ? rtp->rotation_since_ms + rtp->config.rotation_ms
                    : RTP_NEVER;
}

static void watch_rotation(struct rtp *rtp, uint64_t now_ms)
{
    if (now_ms < late_at_ms(rtp)) {
        return;
    }
    const struct rtp_alarm alarm = {.kind = RTP_ALARM_ROTATION_LATE,
                                    .text = "a rotation takes too long"};
    rtp->rotation_is_late = true;
    rtp_sound(rtp, &alarm);
}

void rtp_tick(struct rtp *rtp, uint64_t now_ms)
{
    watch_enclave(rtp, now_ms);
    watch_epoch(rtp, now_ms);
    watch_rotation(rtp, now_ms);
    rtp_serve_tick(rtp, now_ms);
    rtp_pursue(rtp, now_ms);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t rtp_wakeup(const struct rtp *rtp)
{
    uint64_t at = least(silent_at_ms(rtp), late_at_ms(rtp));
    if (rtp->channel.link == RTP_LINK_IDLE) {
        at = least(at, rtp->hello_at_ms);
    }
    bool is_to_begin =
        rtp->wish.is_wanted && rtp->channel.scope == RTP_SCOPE_FULL;
    bool is_to_retry = rtp->channel.link == RTP_LINK_OPEN &&
                       rtp->channel.scope != RTP_SCOPE_NONE &&
                       rtp->unavailable == NULL &&
                       (rtp->state.phase != RTP_CUR || is_to_begin) &&
                       rtp->order.type == WIRE_NONE && rtp_job_is_free(rtp);
    if (is_to_retry) {
        at = least(at, rtp->order_at_ms);
    }
    if (ages(rtp) && may_begin(rtp)) {
        at = least(at, rtp->schedule.due_ms);
    }
    if (ages(rtp) && !rtp->is_overdue) {
        at = least(at, rtp->schedule.overdue_ms);
    }
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct rtp_slot *slot = &rtp->slots.slot[i];
        at = rtp_slot_has_deadline(slot) ? least(at, slot->deadline_ms) : at;
    }
    return at;
}

void rtp_take_event(struct rtp *rtp, uint64_t now_ms, uint32_t reason,
                    const char *text)
{
    const struct rtp_alarm alarm = {
        .kind = RTP_ALARM_EVENT, .text = text, .a = reason};
    // A key that is compromised now makes void what it signs from now on.
    const struct rtp_wish wish = {.reason = reason,
                                  .kind = CHAIN_ROTATE,
                                  .distrust_from =
                                      rtp->state.trust.order.epoch};
    rtp_sound(rtp, &alarm);
    rtp_wish_for(rtp, &wish);
    rtp_pursue(rtp, now_ms);
}

enum rotor_status rtp_event(struct rtp *rtp, uint64_t now_ms, uint32_t reason,
                            const char *text)
{
    bool is_event = reason == WIRE_REASON_SECURITY_EVENT ||
                    reason == WIRE_REASON_KEY_COMPROMISE ||
                    reason == WIRE_REASON_FIRMWARE;
    if (!is_event) {
        return ROTOR_INVALID;
    }
    rtp_take_event(rtp, now_ms, reason, text);
    return ROTOR_OK;
}

// ---- jobs ------------------------------------------------------------------

bool rtp_job_is_free(const struct rtp *rtp)
{
    return !rtp->job_is_wanted && !rtp->job_is_out;
}

// Another enclave may bring other measurements while a job is out.
static void copy_reference(struct rtp_job *job,
                           const struct verify_reference *reference)
{
    size_t count = reference->measurement_count < RTP_MEASUREMENTS_MAX
                       ? reference->measurement_count
                       : RTP_MEASUREMENTS_MAX;
    job->reference = *reference;
    job->reference.measurements = job->measurements;
    job->reference.measurement_count = count;
    for (size_t i = 0; i < count; i++) {
        job->measurements[i] = reference->measurements[i];
    }
}

struct rtp_job *rtp_job_start(struct rtp *rtp, enum rtp_job_kind kind)
{
    struct rtp_job *job = &rtp->job;
    const struct rtp_state *state = &rtp->state;
    bool has_pend = !chain_trust_is_empty(&state->pend);
    job->kind = kind;
    job->ops = rtp->ops;
    copy_reference(job, rtp->config.reference);
    job->seen = &rtp->seen;
    job->log = &rtp->log;
    job->next = *state;
    job->input_size = 0;
    job->is_logged =
        has_pend &&
        chain_order_compare(&rtp->log.last, &state->pend.order) == 0 &&
        wire_digest_equal(&rtp->log.last_hash, &state->pend.body_hash);
    job->log_offset = rtp->log.size;
    job->hello.log_id = rtp->config.log_id;
    job->ap_was_prepared = false;
    job->has_done = false;
    job->is_our_request = false;
    job->is_reported = false;
    rtp->job_is_wanted = true;
    rtp->job_pairing = rtp->counts.resets;
    return job;
}

struct rtp_job *rtp_job_next(struct rtp *rtp)
{
    if (!rtp->job_is_wanted || rtp->job_is_out) {
        return NULL;
    }
    rtp->job_is_wanted = false;
    rtp->job_is_out = true;
    return &rtp->job;
}

// Rule 9 knows the new keys from now on.  A full set starts again from the
// last entries.
static void note_keys(struct rtp *rtp, const struct chain_fingerprints *all)
{
    if (!rtp->seen_is_short &&
        chain_seen_add_all(&rtp->seen, all) == ROTOR_OK) {
        return;
    }
    rtp->seen_is_short = rtp_fill_seen(rtp) != ROTOR_OK;
    if (chain_seen_add_all(&rtp->seen, all) != ROTOR_OK || rtp->seen_is_short) {
        rtp_raise(rtp, RTP_ALARM_LOG, "the log could not be read again");
    }
}

void rtp_adopt(struct rtp *rtp, uint64_t now_ms, const struct rtp_job *job)
{
    bool is_current = job->kind != RTP_JOB_ACCEPT;
    bool is_pend = job->kind == RTP_JOB_ADVANCE;
    size_t entry_size = is_pend ? rtp->state.entry_size : job->input_size;
    uint64_t before = rtp->state.trust.order.incarnation;
    if (is_current && !job->is_logged) {
        rtp_log_note(&rtp->log, &job->next.trust, entry_size);
    }
    if (!is_pend) { // those of a pending entry are known since R1
        note_keys(rtp, &job->new_seen);
    }
    rtp->state = job->next;
    if (!is_current) {
        return;
    }
    rtp->channel.has_progressed = true;
    rtp->prune.has_failed = false;
    rtp->counts.rotations += rtp->state.trust.order.epoch == 0 ? 0 : 1u;
    rtp_start_epoch(rtp, now_ms, 0);
    if (rtp->state.trust.order.incarnation != before) {
        // What was refused and waited for its next try is void.
        rtp->order_at_ms = now_ms;
        rtp->is_rate_limited = false;
        rtp_backoff_init(&rtp->order_backoff, rtp->config.retry_first_ms,
                         rtp->config.retry_last_ms);
        const struct rtp_alarm alarm = {
            .kind = RTP_ALARM_RECOVERED,
            .text = "the recovery authority superseded an entry",
            .a = rtp->state.trust.order.incarnation};
        rtp_sound(rtp, &alarm);
        rtp_recover_settle(rtp);
    }
}

// The log has the entry, and the state may be of the same opinion: a write that
// failed may be done.  So the next try does not cut the log again.
static void note_appended(struct rtp *rtp, const struct rtp_job *job)
{
    if (job->status != ROTOR_OK && job->log_offset > rtp->log.size) {
        size_t record = (size_t)(job->log_offset - rtp->log.size);
        rtp_log_note(&rtp->log, &job->next.trust, record - RTP_LOG_HEAD);
    }
}

void rtp_job_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (job != &rtp->job || !rtp->job_is_out) {
        return;
    }
    rtp->job_is_out = false;
    note_appended(rtp, job);
    bool is_of_pairing = rtp->job_pairing == rtp->counts.resets;
    bool is_hello = job->kind == RTP_JOB_HELLO;
    if (is_hello && !is_of_pairing) {
        crypto_key_close(&job->hello.ephemeral);
    }
    bool is_pairing = is_hello || job->kind == RTP_JOB_CATCH_UP;
    if (job->kind == RTP_JOB_JUDGE) {
        rtp_judged(rtp, now_ms, job);
    } else if (job->kind == RTP_JOB_PRUNE) {
        rtp_prune_done(rtp, job);
    } else if (is_pairing && (is_of_pairing || !is_hello)) {
        rtp_pair_done(rtp, now_ms, job);
    } else if (!is_pairing) {
        rtp_order_done(rtp, now_ms, job);
    }
    secret_wipe(&job->hello.keys, sizeof job->hello.keys);
    job->hello.ephemeral = (struct crypto_key){0};
    job->hello.control = (struct crypto_key){0};
    rtp_pursue(rtp, now_ms);
}

void rtp_pursue(struct rtp *rtp, uint64_t now_ms)
{
    // Session keys among others: they stay as long as somebody may view them.
    if (!rtp->inbox_is_full && rtp->inbox_size != 0) {
        secret_wipe(rtp->inbox, rtp->inbox_size);
        rtp->inbox_size = 0;
    }
    rtp_pair_pursue(rtp, now_ms);
    rtp_order_pursue(rtp, now_ms);
    rtp_report_pursue(rtp);
    rtp_prune_pursue(rtp);
}
