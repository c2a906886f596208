// SPDX-License-Identifier: Apache-2.0
// What comes of a HELLO_AP: the job that judges it, the entries that are
// missing between its log and ours, or a channel.
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"

// ---- jobs ------------------------------------------------------------------

static void start_hello_job(struct rtp *rtp)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_HELLO);
    struct rtp_hello_work *work = &job->hello;
    memcpy(job->input, rtp->hello_ap, rtp->hello_ap_size);
    job->input_size = rtp->hello_ap_size;
    memcpy(work->hello_rtp, rtp->hello_rtp, rtp->hello_rtp_size);
    work->hello_rtp_size = rtp->hello_rtp_size;
    work->ephemeral = rtp->channel.ephemeral;
    work->control = rtp->control;
    work->control_key = rtp->control_key;
}

// The item behind those that were looked at; false: there is none.
static bool next_entry(struct rtp *rtp, struct rotor_bytes *bytes)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes_of(rtp->entries, rtp->entries_size));
    size_t count = cbor_read_array(&in);
    if (rtp->channel.entries_read >= count) {
        return false;
    }
    for (size_t i = 0; i <= rtp->channel.entries_read; i++) {
        *bytes = cbor_read_item(&in);
    }
    rtp->channel.entries_read++;
    return !cbor_has_failed(&in);
}

static bool start_judging(struct rtp *rtp, struct rotor_bytes bytes)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_JUDGE);
    memcpy(job->input, bytes.data, bytes.size);
    job->input_size = bytes.size;
    return true;
}

// What lies at or below our cur needs no look, what the AP only prepared is
// not current; what is our pending entry was accepted at R1.
static bool start_reading(struct rtp *rtp, struct rotor_bytes bytes,
                          bool is_logged)
{
    const struct rtp_state *state = &rtp->state;
    struct chain_entry entry;
    struct chain_trust trust;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK ||
        chain_trust_of(&entry.body, &trust) != ROTOR_OK) {
        return false;
    }
    const struct wire_order last = {(uint32_t)rtp->ap.incarnation,
                                    rtp->ap.cur.epoch};
    bool is_known = !chain_trust_is_empty(&state->trust) &&
                    chain_order_compare(&trust.order, &state->trust.order) <= 0;
    if (is_known || chain_order_compare(&trust.order, &last) > 0) {
        return false;
    }
    bool is_pend = !chain_trust_is_empty(&state->pend) &&
                   wire_digest_equal(&trust.body_hash, &state->pend.body_hash);
    struct rtp_job *job =
        rtp_job_start(rtp, is_pend ? RTP_JOB_ADVANCE : RTP_JOB_CATCH_UP);
    memcpy(job->input, bytes.data, bytes.size);
    job->input_size = bytes.size;
    job->is_logged = job->is_logged || is_logged;
    return true;
}

// Our own log first: it may know more than the state that was rolled back.
static bool start_from_own_log(struct rtp *rtp)
{
    const struct wire_order from = rtp_first_missing(rtp);
    struct rotor_room room = ROOM_OF(rtp->scratch);
    uint64_t offset;
    struct rtp_log_entry record;
    bool has_begun =
        rtp_log_find(&rtp->log, &rtp->ops, &room, &from, &offset) == ROTOR_OK &&
        offset < rtp->log.size &&
        rtp_log_read(&rtp->ops, offset, &room, &record) == ROTOR_OK &&
        start_reading(rtp, record.bytes, true);
    if (has_begun) {
        rtp->job.own_offset = offset;
    }
    return has_begun;
}

static bool start_from_answer(struct rtp *rtp)
{
    struct rotor_bytes bytes;
    bool is_judged = rtp->channel.action == RTP_ACTION_JUDGE;
    while (next_entry(rtp, &bytes)) {
        bool has_begun = is_judged ? start_judging(rtp, bytes)
                                   : start_reading(rtp, bytes, false);
        if (has_begun) {
            return true;
        }
    }
    return false;
}

void rtp_pair_pursue(struct rtp *rtp, uint64_t now_ms)
{
    struct rtp_channel *channel = &rtp->channel;
    if (channel->link != RTP_LINK_JUDGING || !rtp_job_is_free(rtp)) {
        return;
    }
    if (rtp->entries_size == 0) {
        start_hello_job(rtp);
        return;
    }
    if (start_from_answer(rtp)) {
        return;
    }
    rtp->entries_size = 0;
    if (channel->action == RTP_ACTION_JUDGE || !channel->has_progressed) {
        rtp_raise(rtp, RTP_ALARM_FORK,
                  "the enclave's own entries do not explain its head");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    channel->has_progressed = false;
    start_hello_job(rtp);
}

// ---- the judgement ---------------------------------------------------------

static void refused(struct rtp *rtp, uint64_t now_ms,
                    const struct rtp_hello_work *work)
{
    enum rtp_alarm_kind kind = work->is_evidence  ? RTP_ALARM_EVIDENCE
                               : work->is_foreign ? RTP_ALARM_FOREIGN_AP
                                                  : RTP_ALARM_PEER;
    // What is known since quarantine began is not told again and again.
    if (rtp->state.phase != RTP_QUAR) {
        rtp_raise(rtp, kind, work->reason);
    }
    rtp_reset(rtp, now_ms, true);
}

static void read_its_log(struct rtp *rtp, uint64_t now_ms)
{
    if (rtp->channel.action == RTP_ACTION_CATCH_UP) {
        if (!rtp->channel.has_progressed && !rtp_recover_is_awaited(rtp)) {
            rtp_raise(rtp, RTP_ALARM_RTP_BEHIND,
                      "the enclave's epoch is beyond our trust store");
        }
        if (start_from_own_log(rtp)) {
            return;
        }
    }
    if (rtp->channel.has_read_log) {
        rtp_raise(rtp, RTP_ALARM_LOG,
                  "entries are missing between our log and the enclave's");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    rtp->channel.has_read_log = true;
    rtp->channel.link = RTP_LINK_LOG;
}

static void take_keys(struct rtp *rtp, uint64_t now_ms,
                      const struct rtp_hello_work *work)
{
    struct rtp_channel *channel = &rtp->channel;
    crypto_key_close(&channel->ephemeral);
    bool ok = crypto_aead_open(&channel->seal, work->aead,
                               work->keys.r2a.key) == ROTOR_OK &&
              crypto_aead_open(&channel->unseal, work->aead,
                               work->keys.a2r.key) == ROTOR_OK;
    if (!ok) {
        rtp_raise(rtp, RTP_ALARM_STORE, "the crypto back end refused a key");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    memcpy(channel->seal_iv, work->keys.r2a.iv, sizeof channel->seal_iv);
    memcpy(channel->unseal_iv, work->keys.a2r.iv, sizeof channel->unseal_iv);
    memcpy(rtp->fin, work->fin, work->fin_size);
    rtp->fin_size = work->fin_size;
    channel->link = RTP_LINK_FIN;
}

static void hello_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    struct rtp_hello_work *work = &job->hello;
    if (job->status != ROTOR_OK) {
        rtp_raise(rtp, RTP_ALARM_PEER, rotor_status_name(job->status));
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (work->outcome == RTP_HELLO_REFUSED) {
        refused(rtp, now_ms, work);
        return;
    }
    rtp_keep_status(rtp, &work->ap);
    rtp->claims = work->record.claims;
    rtp->claims.service_kids = (struct rotor_bytes){0};
    rtp->claims.level = work->record.level;
    rtp->instance = work->record.instance;
    rtp->channel.action = work->action;
    rtp->channel.log_id = work->log_id_of_ap;
    if (work->outcome == RTP_HELLO_BEHIND) {
        read_its_log(rtp, now_ms);
        return;
    }
    take_keys(rtp, now_ms, work);
}

// An entry of our own log that is refused was torn when it was appended: the
// log ends before it, and the AP's says how it goes on.
static void forget_torn(struct rtp *rtp, const struct rtp_job *job)
{
    rtp_read_log_again(rtp, job->own_offset);
}

static void entry_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (job->status != ROTOR_OK) {
        rtp_raise(rtp, RTP_ALARM_STORE, rotor_status_name(job->status));
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (!job->is_accepted) {
        const struct rtp_alarm alarm = {.kind = RTP_ALARM_ENTRY,
                                        .text = job->verdict.reason,
                                        .a = job->verdict.rule};
        rtp_sound(rtp, &alarm);
        if (job->is_logged) {
            forget_torn(rtp, job);
        }
        rtp_reset(rtp, now_ms, true);
        return;
    }
    rtp_adopt(rtp, now_ms, job);
    rtp->channel.has_progressed = true;
}

void rtp_pair_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    bool is_current = rtp->channel.link == RTP_LINK_JUDGING;
    if (job->kind == RTP_JOB_HELLO && is_current) {
        hello_done(rtp, now_ms, job);
    } else {
        entry_done(rtp, now_ms, job);
    }
}
