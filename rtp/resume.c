// SPDX-License-Identifier: Apache-2.0
#include "rtp/resume.h"

#include "base/bytes.h"
#include "chain/entry.h"

// Where a head of the AP lies, seen from what we hold.
enum place {
    NOWHERE = 1,     // the AP names none
    BEFORE = 2,      // below our cur
    AT_CUR = 4,      // our cur
    OTHER_CUR = 8,   // the place of our cur, another body
    AT_PEND = 16,    // our pending entry
    OTHER_PEND = 32, // its place, another body
    BEYOND = 64,     // above all that we hold
};
#define ANYWHERE 127u
#define OTHER    ((unsigned)OTHER_CUR | OTHER_PEND)
#define NO_OTHER (ANYWHERE & ~OTHER)
#define OURS     ((unsigned)AT_CUR | AT_PEND)

#define AP(state)    (1u << WIRE_STATE_##state)
#define RTP(phase)   (1u << RTP_##phase)
#define ANY_AP       0xffu
#define ANY_RTP      0xffu
#define AP_SIGNS     (AP(CUR) | AP(PREP) | AP(CLOSED) | AP(BURNT))
#define AP_IS_STUCK  (AP(CLOSED) | AP(BURNT))
#define AP_IS_LOST   (AP(EMPTY) | AP(PREP0) | AP(HALTED))
#define RTP_HAS_PEND (RTP(PEND) | RTP(PENDX))

// The crash table.  The first row that fits decides; none fits: nothing is
// safe to do.  Columns: the AP's state, our phase, where the AP's cur and its
// prepared entry lie.
struct row {
    unsigned ap;
    unsigned rtp;
    unsigned cur;
    unsigned prepared;
    enum rtp_action action;
};
// clang-format off
static const struct row ROWS[] = {
    // Before there is a log.
    {AP(EMPTY), RTP(NEW),     NOWHERE, NOWHERE,  RTP_ACTION_GENERATE},
    {AP(EMPTY), RTP(INTENT0), NOWHERE, NOWHERE,  RTP_ACTION_GENERATE},
    {AP(PREP0), RTP(INTENT0), NOWHERE, ANYWHERE, RTP_ACTION_GENERATE},
    {AP(PREP0), RTP(NEW),     NOWHERE, ANYWHERE, RTP_ACTION_RESET},
    {AP(PREP0), RTP(ACC0),    NOWHERE, AT_PEND,  RTP_ACTION_ACCEPT0},
    {AP(PREP0), RTP(ACC0),    NOWHERE, ANYWHERE, RTP_ACTION_RESET},
    {AP_SIGNS,  RTP(ACC0),    AT_PEND, ANYWHERE, RTP_ACTION_ADVANCE},

    // No usable state where we hold a log.
    {AP_IS_LOST, ANY_RTP, ANYWHERE, ANYWHERE, RTP_ACTION_RECOVER},
    {AP(REC),    ANY_RTP, ANYWHERE, ANYWHERE, RTP_ACTION_WAIT},

    // Quarantine ends by the recovery authority alone: the job sees to that.
    {AP_SIGNS, RTP(QUAR), BEYOND,   ANYWHERE, RTP_ACTION_CATCH_UP},
    {AP_SIGNS, RTP(QUAR), OURS,     NO_OTHER, RTP_ACTION_APPEAL},
    {ANY_AP,   RTP(QUAR), ANYWHERE, ANYWHERE, RTP_ACTION_QUARANTINED},

    // The AP is elsewhere than we are.
    {AP_SIGNS, ANY_RTP,      BEYOND,  ANYWHERE, RTP_ACTION_CATCH_UP},
    {AP_SIGNS, ANY_RTP,      BEFORE,  ANYWHERE, RTP_ACTION_AP_BEHIND},
    {AP_SIGNS, ANY_RTP,      OTHER,   ANYWHERE, RTP_ACTION_JUDGE},
    {AP_SIGNS, RTP_HAS_PEND, AT_PEND, ANYWHERE, RTP_ACTION_ADVANCE},

    // The same cur, between R1 and R2.
    {AP_SIGNS, RTP(PEND),    AT_CUR, AT_PEND, RTP_ACTION_COMMIT},
    {AP_SIGNS, RTP(PENDX),   AT_CUR, AT_PEND, RTP_ACTION_EMERGENCY},
    {AP_SIGNS, RTP_HAS_PEND, AT_CUR, OTHER,   RTP_ACTION_JUDGE},
    {AP_SIGNS, RTP_HAS_PEND, AT_CUR, NOWHERE, RTP_ACTION_AP_BEHIND},

    // The same cur, nothing accepted beyond it.
    {AP_IS_STUCK, RTP(INTENT), AT_CUR, ANYWHERE, RTP_ACTION_WITHDRAW},
    {AP_IS_STUCK, RTP(CUR),    AT_CUR, ANYWHERE, RTP_ACTION_ATTEST},
    {AP(CUR),     RTP(INTENT), AT_CUR, NOWHERE,  RTP_ACTION_ROTATE},
    {AP(PREP),    RTP(INTENT), AT_CUR, BEYOND,   RTP_ACTION_ROTATE},
    {AP(PREP),    RTP(CUR),    AT_CUR, BEYOND,   RTP_ACTION_ROTATE},
    {AP(CUR),     RTP(CUR),    AT_CUR, NOWHERE,  RTP_ACTION_STEADY},
};
// clang-format on

static int compare(const struct wire_order *a, uint32_t incarnation,
                   uint64_t epoch)
{
    const struct wire_order b = {incarnation, epoch};
    return chain_order_compare(a, &b);
}

static enum place place_of(const struct rtp_standing *rtp, uint32_t incarnation,
                           bool has, const struct wire_head *head)
{
    if (!has) {
        return NOWHERE;
    }
    const struct wire_order at = {incarnation, head->epoch};
    if (rtp->has_pend) {
        int order = compare(&at, rtp->incarnation, rtp->pend.epoch);
        bool same = wire_digest_equal(&head->body_hash, &rtp->pend.body_hash);
        if (order == 0) {
            return same ? AT_PEND : OTHER_PEND;
        }
    }
    if (!rtp->has_cur) {
        return BEYOND;
    }
    int order = compare(&at, rtp->incarnation, rtp->cur.epoch);
    if (order == 0) {
        bool same = wire_digest_equal(&head->body_hash, &rtp->cur.body_hash);
        return same ? AT_CUR : OTHER_CUR;
    }
    return order < 0 ? BEFORE : BEYOND;
}

// Whether something that was current here lies beyond all that the AP has.
static bool floor_is_beyond(const struct rtp_standing *rtp,
                            const struct wire_status *ap)
{
    const struct wire_head *reach = ap->has_prepared ? &ap->prepared : &ap->cur;
    return ap->has_cur && rtp->has_cur &&
           compare(&rtp->floor, (uint32_t)ap->incarnation, reach->epoch) > 0;
}

enum rtp_action rtp_resume(const struct rtp_standing *rtp,
                           const struct wire_status *ap)
{
    uint32_t incarnation = (uint32_t)ap->incarnation;
    unsigned cur = place_of(rtp, incarnation, ap->has_cur, &ap->cur);
    unsigned prepared =
        place_of(rtp, incarnation, ap->has_prepared, &ap->prepared);
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *row = &ROWS[i];
        bool fits = (row->ap >> ap->state & 1u) != 0 &&
                    (row->rtp >> rtp->phase & 1u) != 0 &&
                    (row->cur & cur) != 0 && (row->prepared & prepared) != 0;
        if (!fits) {
            continue;
        }
        bool goes_on = row->action != RTP_ACTION_QUARANTINED &&
                       row->action != RTP_ACTION_RECOVER &&
                       row->action != RTP_ACTION_WAIT;
        return goes_on && floor_is_beyond(rtp, ap) ? RTP_ACTION_AP_BEHIND
                                                   : row->action;
    }
    return RTP_ACTION_NONE;
}

const char *rtp_phase_name(enum rtp_phase phase)
{
    static const char *const names[] = {
        [RTP_NEW] = "new",
        [RTP_INTENT0] = "generating",
        [RTP_ACC0] = "accepted first",
        [RTP_CUR] = "current",
        [RTP_INTENT] = "rotating",
        [RTP_PEND] = "switching",
        [RTP_PENDX] = "emergency switch",
        [RTP_QUAR] = "quarantine",
    };
    return (size_t)phase < COUNT_OF(names) ? names[phase] : "unknown";
}

const char *rtp_action_name(enum rtp_action action)
{
    static const char *const names[] = {
        [RTP_ACTION_NONE] = "none",
        [RTP_ACTION_STEADY] = "steady",
        [RTP_ACTION_GENERATE] = "generate",
        [RTP_ACTION_ACCEPT0] = "accept the first entry",
        [RTP_ACTION_ROTATE] = "rotate",
        [RTP_ACTION_COMMIT] = "commit",
        [RTP_ACTION_EMERGENCY] = "emergency commit",
        [RTP_ACTION_ADVANCE] = "advance",
        [RTP_ACTION_CATCH_UP] = "catch up",
        [RTP_ACTION_WITHDRAW] = "withdraw the intent",
        [RTP_ACTION_RESET] = "wait for a factory reset",
        [RTP_ACTION_AP_BEHIND] = "halt the enclave",
        [RTP_ACTION_JUDGE] = "judge two bodies",
        [RTP_ACTION_RECOVER] = "wait for recovery",
        [RTP_ACTION_ATTEST] = "attest only",
        [RTP_ACTION_WAIT] = "wait for the recovery authority",
        [RTP_ACTION_APPEAL] = "quarantine, until the recovery authority rules",
        [RTP_ACTION_QUARANTINED] = "quarantine",
    };
    return (size_t)action < COUNT_OF(names) ? names[action] : "unknown";
}
