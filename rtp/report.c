// SPDX-License-Identifier: Apache-2.0
// A second body for a place of the log: what it shows, and what follows.  It
// is the AP's own, or somebody brought it.  doc/PROTOCOL.chain 4.
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"

// ---- what follows ----------------------------------------------------------

static void quarantine(struct rtp *rtp, uint64_t now_ms,
                       const struct rtp_job *job)
{
    rtp->state = job->next;
    rtp->unavailable = "quarantine: two bodies for one place in the log";
    rtp_raise(rtp, RTP_ALARM_DUPLICITY, rtp->unavailable);
    rtp_reset(rtp, now_ms, true);
}

// A rotation that voids what the present S signs is under way or awaited.
static bool is_voiding(const struct rtp *rtp)
{
    const struct rtp_intent *intent = &rtp->state.intent;
    bool is_under_way = rtp->state.has_intent &&
                        intent->reason == WIRE_REASON_KEY_COMPROMISE &&
                        intent->from_epoch == rtp->state.trust.order.epoch;
    bool is_awaited =
        rtp->wish.is_wanted && rtp->wish.reason == WIRE_REASON_KEY_COMPROMISE;
    return is_under_way || is_awaited;
}

// Once for an epoch, and only for the present one: a body behind our head was
// signed by an S that is gone.  No quarantine: whoever stole S could order it.
static bool voids_current(const struct rtp *rtp, const struct rtp_job *job)
{
    return job->status == ROTOR_OK && job->fork == CHAIN_FORK_NOISE &&
           job->rival_epoch == rtp->state.trust.order.epoch + 1u &&
           !is_voiding(rtp);
}

static void alarm(struct rtp *rtp, enum chain_fork fork)
{
    bool is_finding = fork == CHAIN_FORK_NOISE || fork == CHAIN_FORK_A_MISUSE ||
                      fork == CHAIN_FORK_SUCCESSOR;
    if (is_finding) {
        const struct rtp_alarm alarm = {
            .kind = RTP_ALARM_FORK, .text = chain_fork_name(fork), .a = fork};
        rtp_sound(rtp, &alarm);
    }
}

// ---- reports of programs ---------------------------------------------------

void rtp_report_pursue(struct rtp *rtp)
{
    struct rtp_slot *slot = rtp_slots_oldest(&rtp->slots, RTP_SLOT_REPORTED);
    struct wire_client_report report;
    // The answer to an order needs the job's memory when it comes.
    if (slot == NULL || !rtp_job_is_free(rtp) || rtp->order.type != WIRE_NONE) {
        return;
    }
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_REPORT,
                            bytes_of(slot->payload, slot->size),
                            &report) != ROTOR_OK) {
        rtp_slot_finish(slot, WIRE_CLIENT_MALFORMED, "not a report");
        return;
    }
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_JUDGE);
    memcpy(job->input, report.entry.data, report.entry.size);
    job->input_size = report.entry.size;
    job->is_reported = true;
    job->report_tag = slot->tag;
}

// Whoever brought it may be gone by now; what follows does not depend on it.
static void answer(struct rtp *rtp, const struct rtp_job *job, bool rotates)
{
    struct rtp_slot *slot = job->is_reported
                                ? rtp_slots_of_tag(&rtp->slots, job->report_tag)
                                : NULL;
    if (slot == NULL) {
        return;
    }
    if (job->status != ROTOR_OK) {
        rtp_slot_finish(slot, WIRE_CLIENT_FAILED,
                        rotor_status_name(job->status));
        return;
    }
    slot->finding = (struct wire_client_finding){
        .fork = job->fork, .epoch = job->rival_epoch, .rotates = rotates};
    rtp_slot_finish(slot, WIRE_CLIENT_OK, "");
}

void rtp_judged(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    bool rotates = voids_current(rtp, job);
    // First: what follows may begin the next job, in the same memory.
    answer(rtp, job, rotates);
    if (job->status != ROTOR_OK) {
        rtp_raise(rtp, RTP_ALARM_STORE, rotor_status_name(job->status));
    } else if (job->is_accepted) {
        quarantine(rtp, now_ms, job);
        if (!job->is_kept) {
            rtp_raise(rtp, RTP_ALARM_STORE,
                      "the proof of two bodies was not kept");
        }
    } else {
        alarm(rtp, job->fork);
    }
    if (rotates) {
        rtp_take_event(rtp, now_ms, WIRE_REASON_KEY_COMPROMISE,
                       "S misuse: the root signed an entry that nobody asked "
                       "for");
    }
}
