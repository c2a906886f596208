// SPDX-License-Identifier: Apache-2.0
// Between the files of this folder only.
//
//     link.c    frames: numbered, sealed, matched to what was asked
//     pair.c    HELLO to STATUS as messages
//     meet.c    what HELLO_AP turned out to be; reading the AP's log
//     orders.c  generate, rotate, commit: what the durable phase wants next
//     report.c  a second body for a place of the log, and what follows
//     recover.c orders of the recovery authority
//     prune.c   what the log drops
//     serve.c   requests of programs; answer.c and reply.c: their answers
#ifndef ROTOR_RTP_MACHINE_H
#define ROTOR_RTP_MACHINE_H

#include "rtp/rtp.h"

// A view of a string without its final zero.
struct rotor_bytes rtp_text(const char *text);

// ---- rtp.c -----------------------------------------------------------------

void rtp_sound(struct rtp *rtp, const struct rtp_alarm *alarm);
void rtp_raise(struct rtp *rtp, enum rtp_alarm_kind kind, const char *text);
uint32_t rtp_random(struct rtp *rtp);
ROTOR_CALL rtp_make_id(struct rtp *rtp, uint8_t id[WIRE_ID_SIZE]);

// Alarm and rotation for a reason of a security event: 3, 4 or 6.
void rtp_take_event(struct rtp *rtp, uint64_t now_ms, uint32_t reason,
                    const char *text);

// Looks what is to be done next and begins it.  After everything that changed
// something.
void rtp_pursue(struct rtp *rtp, uint64_t now_ms);

// Whether the job's memory may be filled.
bool rtp_job_is_free(const struct rtp *rtp);
// Fills what every job has; the caller adds the rest.
struct rtp_job *rtp_job_start(struct rtp *rtp, enum rtp_job_kind kind);

// Takes over what a job made durable; an entry that became current gets its
// place in log and seen set, and its epoch a schedule.
void rtp_adopt(struct rtp *rtp, uint64_t now_ms, const struct rtp_job *job);

// A new epoch begins: its schedule.
void rtp_start_epoch(struct rtp *rtp, uint64_t now_ms, uint64_t passed_ms);

// ---- open.c ----------------------------------------------------------------

// Rule 9 from the log, and from what is pending.
ROTOR_CALL rtp_fill_seen(struct rtp *rtp);

// Looks again what the log has, up to `end`.  Where that fails, what was known
// of it stays: who takes it for empty writes over it.
void rtp_read_log_again(struct rtp *rtp, uint64_t end);

// ---- link.c ----------------------------------------------------------------

// Drops the channel.  Requests go back into the queue.  The next HELLO is at
// once, or after a wait that doubles.
void rtp_reset(struct rtp *rtp, uint64_t now_ms, bool waits);

// Writes a frame in the order of the channel: plaintext or sealed.
struct rtp_frame {
    uint8_t type;
    const uint8_t *id;
    struct rotor_bytes payload;
};
ROTOR_CALL rtp_send_plain(struct rtp *rtp, const struct rtp_frame *frame,
                          struct rotor_room *room);
ROTOR_CALL rtp_send_sealed(struct rtp *rtp, const struct rtp_frame *frame,
                           struct rotor_room *room);

// The AP broke a rule: alarm and reset.
void rtp_condemn(struct rtp *rtp, uint64_t now_ms, const char *text);

// ---- pair.c ----------------------------------------------------------------

ROTOR_CALL rtp_pair_next(struct rtp *rtp, uint64_t now_ms,
                         struct rotor_room *room);
void rtp_pair_take(struct rtp *rtp, uint64_t now_ms,
                   const struct wire_header *header, struct rotor_bytes payload,
                   struct rotor_bytes frame);
void rtp_pair_take_status(struct rtp *rtp, uint64_t now_ms,
                          const struct wire_header *header,
                          struct rotor_bytes payload);
// Where our knowledge ends; for judging: where the AP's own entries begin.
struct wire_order rtp_first_missing(const struct rtp *rtp);
void rtp_keep_status(struct rtp *rtp, const struct wire_status *status);
// Keeps what a STATUS_REPLY says; another status: it is none, nothing is kept.
ROTOR_CALL rtp_read_status(struct rtp *rtp, struct rotor_bytes payload);

// ---- meet.c ----------------------------------------------------------------

// Makes the job that pairing waits for, if it can be made now.
void rtp_pair_pursue(struct rtp *rtp, uint64_t now_ms);
void rtp_pair_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job);

// ---- orders.c --------------------------------------------------------------

ROTOR_CALL rtp_order_next(struct rtp *rtp, uint64_t now_ms,
                          struct rotor_room *room);
void rtp_order_take(struct rtp *rtp, uint64_t now_ms,
                    const struct wire_header *header,
                    struct rotor_bytes payload);
void rtp_order_pursue(struct rtp *rtp, uint64_t now_ms);
void rtp_order_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job);
void rtp_wish_for(struct rtp *rtp, const struct rtp_wish *wish);

// ---- serve.c ---------------------------------------------------------------

ROTOR_CALL rtp_serve_next(struct rtp *rtp, uint64_t now_ms,
                          struct rotor_room *room);
void rtp_slot_refuse(struct rtp *rtp, struct rtp_slot *slot, uint64_t error,
                     uint64_t detail);

// ---- report.c --------------------------------------------------------------

// Makes the job that judges the oldest report, if it can be made now.
void rtp_report_pursue(struct rtp *rtp);
void rtp_judged(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job);

// ---- recover.c -------------------------------------------------------------

bool rtp_is_recovery(uint64_t op);
// False: it supersedes what is not in the live chain that is held.
bool rtp_recover_is_possible(struct rtp *rtp, const struct rtp_slot *slot);
ROTOR_CALL rtp_recover_encode(struct rtp *rtp, const struct rtp_slot *slot,
                              struct rotor_room *payload);
bool rtp_recover_is_proposal(struct rotor_bytes payload);
// The AP switched, it says: pair again and read its log.
void rtp_recover_done(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot);
// Somebody waits for an entry that the AP has switched to.
bool rtp_recover_is_awaited(const struct rtp *rtp);
// Answers who waited for the entry that is current now.
void rtp_recover_settle(struct rtp *rtp);

// ---- prune.c ---------------------------------------------------------------

// Makes the job that drops what is beyond the bound, if it can be made now.
void rtp_prune_pursue(struct rtp *rtp);
void rtp_prune_done(struct rtp *rtp, const struct rtp_job *job);
void rtp_prune_submit(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot);

// ---- answer.c --------------------------------------------------------------

void rtp_serve_take(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot,
                    const struct wire_header *header,
                    struct rotor_bytes payload);

// ---- serve.c ---------------------------------------------------------------

void rtp_serve_tick(struct rtp *rtp, uint64_t now_ms);
// Answers all who wait for a rotation that began.
void rtp_serve_rotated(struct rtp *rtp);
void rtp_serve_refused(struct rtp *rtp, uint64_t error, uint64_t detail);
void rtp_serve_failed(struct rtp *rtp, const char *text);
// What they wait for is not the rotation under way but the one behind it.
void rtp_serve_postpone(struct rtp *rtp);

#endif
