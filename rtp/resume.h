// SPDX-License-Identifier: Apache-2.0
// What to do after a crash of either side: a table over two durable states.
//
// Nothing else decides it.  The states are exchanged in HELLO and STATUS.
// Source: doc/PROTOCOL.rot, section 7.4.
#ifndef ROTOR_RTP_RESUME_H
#define ROTOR_RTP_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/message.h"

// Durable states of the RTP: doc/PROTOCOL.rot 7.3.
enum rtp_phase {
    RTP_NEW = 0, // reference values only
    RTP_INTENT0, // R0 of GENERATE
    RTP_ACC0,    // R1 of entry 0
    RTP_CUR,     // cur e
    RTP_INTENT,  // cur e, R0 of ROTATE
    RTP_PEND,    // accepts {e, e+1}
    RTP_PENDX,   // emergency: accepts {e+1}, e for one HELLO
    RTP_QUAR,    // duplicity was seen: nothing new is trusted
};
#define RTP_PHASE_COUNT 8u

// Words of `rotor status`, e.g. "current"; never NULL.
const char *rtp_phase_name(enum rtp_phase phase);

// The durable state of the RTP, as far as the table reads it.
struct rtp_standing {
    enum rtp_phase phase;
    bool has_cur;
    uint32_t incarnation;
    struct wire_head cur; // e; in ACC0 there is none yet
    bool has_pend;
    struct wire_head pend;   // entry 0 in ACC0, e+1 in PEND and PENDX
    struct wire_order floor; // highest that ever was current here
};

enum rtp_action {
    RTP_ACTION_NONE = 0,  // no row: nothing is safe to do
    RTP_ACTION_STEADY,    // both agree
    RTP_ACTION_GENERATE,  // R0 of GENERATE if there is none, then send it
    RTP_ACTION_ACCEPT0,   // send ROT_ACCEPT0
    RTP_ACTION_ROTATE,    // R0 of ROTATE if there is none, then send it
    RTP_ACTION_COMMIT,    // send ROT_COMMIT
    RTP_ACTION_EMERGENCY, // HELLO exception, then ROT_COMMIT and nothing else
    RTP_ACTION_ADVANCE,   // the AP switched: R2
    RTP_ACTION_CATCH_UP,  // the AP is ahead: read its log
    RTP_ACTION_WITHDRAW,  // the intent was fulfilled: delete it
    RTP_ACTION_RESET,     // the AP holds an entry 0 that nobody asked for
    RTP_ACTION_AP_BEHIND, // show it our head: it halts
    RTP_ACTION_JUDGE,     // two bodies for one place: read the AP's, judge
    RTP_ACTION_RECOVER,   // the AP has no usable state: RA is needed
    RTP_ACTION_ATTEST,    // BURNT or CLOSED: no rotation, answers go on
    RTP_ACTION_WAIT,      // REC: the AP answers nothing else until 26
    RTP_ACTION_APPEAL,    // in quarantine, and the AP holds our log: 24 and 26
    RTP_ACTION_QUARANTINED,
};
const char *rtp_action_name(enum rtp_action action);

// The row that fits, or RTP_ACTION_NONE.
enum rtp_action rtp_resume(const struct rtp_standing *rtp,
                           const struct wire_status *ap);

#endif
