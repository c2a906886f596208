// SPDX-License-Identifier: Apache-2.0
// The log stays bounded: its oldest entries go when there are a quarter too
// many, or when an operator says so.
#include "base/bytes.h"
#include "rtp/machine.h"

// How many entries too many there may be.
static uint64_t slack_of(uint64_t keep)
{
    return keep / 4u;
}

// One job at a time: R0 to R2 go first.  In CUR no order is out whose answer
// needs the job's memory.
static bool may_prune(const struct rtp *rtp)
{
    return rtp_job_is_free(rtp) && rtp->state.phase == RTP_CUR;
}

void rtp_prune_pursue(struct rtp *rtp)
{
    uint64_t keep = rtp->prune.keep;
    bool is_due =
        rtp->log.count >= keep + slack_of(keep) && !rtp->prune.has_failed;
    if (!(is_due || rtp->prune.is_wanted) || !may_prune(rtp)) {
        return;
    }
    const struct rtp_log_mark *mark = rtp_log_mark_keeping(&rtp->log, keep);
    if (mark == NULL && !rtp->prune.is_wanted) {
        return;
    }
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_PRUNE);
    job->prune = (struct rtp_prune_work){
        .keep = (uint32_t)keep,
        .from = rtp->log.start,
        .to = mark == NULL ? rtp->log.start : mark->offset,
    };
    rtp->prune.is_wanted = false;
    if (mark != NULL) { // from now on nobody reads what is dropped
        job->prune.count = (rtp->log.count + mark->number) - rtp->log.number;
        rtp_log_note_drop(&rtp->log, mark);
    }
}

void rtp_prune_done(struct rtp *rtp, const struct rtp_job *job)
{
    bool is_done = job->status == ROTOR_OK;
    rtp->prune.has_failed = !is_done;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        if (slot->state == RTP_SLOT_WAITING && slot->op == WIRE_OP_PRUNE) {
            rtp_slot_finish(slot, is_done ? WIRE_CLIENT_OK : WIRE_CLIENT_FAILED,
                            is_done ? "" : "the log could not be cut");
        }
    }
    // Marks of a longer log lie too far apart for a short one.
    if (is_done && rtp->log.stride <= slack_of(rtp->prune.keep)) {
        return;
    }
    if (!is_done) {
        rtp_raise(rtp, RTP_ALARM_STORE, "the log could not be cut");
    }
    rtp_read_log_again(rtp, RTP_LOG_WHOLE);
}

void rtp_prune_submit(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot)
{
    struct wire_client_prune prune;
    bool is_good = wire_message_decode(&WIRE_LAYOUT_CLIENT_PRUNE,
                                       bytes_of(slot->payload, slot->size),
                                       &prune) == ROTOR_OK &&
                   prune.keep >= RTP_LOG_KEEP_MIN;
    if (!is_good) {
        rtp_slot_finish(slot, WIRE_CLIENT_MALFORMED,
                        "fewer entries than the log must hold");
        return;
    }
    // A rotation under way is over soon; one that waits may wait for an hour.
    if (rtp->state.phase == RTP_INTENT && now_ms < rtp->order_at_ms) {
        rtp_slot_finish(slot, WIRE_CLIENT_BUSY,
                        "a rotation waits for its next try: ask again when it "
                        "is done");
        return;
    }
    rtp->prune.keep = (uint32_t)prune.keep;
    rtp->prune.is_wanted = true;
    slot->state = RTP_SLOT_WAITING;
    slot->round = UINT64_MAX; // for no rotation
}
