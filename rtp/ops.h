// SPDX-License-Identifier: Apache-2.0
// What the RTP needs of its platform, and what it says when something is odd.
#ifndef ROTOR_RTP_OPS_H
#define ROTOR_RTP_OPS_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

enum rtp_file {
    RTP_FILE_STATE,   // the trust store: RTP_STATE_MAX bytes at most
    RTP_FILE_CONTROL, // SECRET: private half of C, scheme before it
    RTP_FILE_FORK,    // two bodies for one place: the proof of duplicity
    RTP_FILE_DROPPED, // checkpoint of what the log dropped: rtp/dropped.h
};
#define RTP_FILE_COUNT 4u

enum rtp_alarm_kind {
    RTP_ALARM_NONE = 0,
    RTP_ALARM_EVIDENCE,      // the enclave's Evidence was refused
    RTP_ALARM_FOREIGN_AP,    // it holds a log that is not ours
    RTP_ALARM_PEER,          // it said what it may not say: channel reset
    RTP_ALARM_SILENT,        // it does not answer: channel reset
    RTP_ALARM_REFUSED,       // ERROR to an order: a = code, b = detail
    RTP_ALARM_ENTRY,         // an entry was refused: a = rule
    RTP_ALARM_AP_BEHIND,     // the AP's store was rolled back
    RTP_ALARM_AP_LOST,       // the AP has no usable state: RA is needed
    RTP_ALARM_RTP_BEHIND,    // our own store was rolled back
    RTP_ALARM_LOG,           // our own log is damaged or ends early
    RTP_ALARM_FORK,          // a second body, no duplicity: a = enum chain_fork
    RTP_ALARM_DUPLICITY,     // quarantine
    RTP_ALARM_RECOVERED,     // an entry of kind 2 or 3 was accepted
    RTP_ALARM_OVERDUE,       // twice the period without a rotation
    RTP_ALARM_ROTATION_LATE, // the rotation deadline passed
    RTP_ALARM_STORE,         // a write of ours failed
    RTP_ALARM_EVENT,         // a security event: a = reason
};
const char *rtp_alarm_name(enum rtp_alarm_kind kind);

#define RTP_ALARM_TEXT 200u // bytes, with the final zero

struct rtp_alarm {
    enum rtp_alarm_kind kind;
    const char *text; // for people; good during the call
    uint64_t a;
    uint64_t b;
};

// store_read, store_write, log_append, log_drop and log_read are called by
// rtp_job_run, on its thread; log_read by the loop too, at the same time, below
// what was appended and behind what is dropped.
struct rtp_ops {
    void *context;

    // Replaces what `room` holds; used is 0 when there is no such file.
    enum rotor_status (*store_read)(void *context, enum rtp_file file,
                                    struct rotor_room *room);
    // Replaces the file at once and for good: write, fsync, rename, fsync of
    // the folder.  After a crash there is the old content or the new one.
    enum rotor_status (*store_write)(void *context, enum rtp_file file,
                                     struct rotor_bytes bytes);

    // The offset of the first byte that is held: 0 until something was dropped.
    enum rotor_status (*log_open)(void *context, uint64_t *start);
    // Writes at `offset`, forgets what lies behind, and syncs.
    enum rotor_status (*log_append)(void *context, uint64_t offset,
                                    struct rotor_bytes bytes);
    // Fills `room` from `offset` on, up to its capacity; less at the end.
    enum rotor_status (*log_read)(void *context, uint64_t offset,
                                  struct rotor_room *room);

    // Forgets what lies before `offset`, at once and for good; other offsets
    // stay.  After a crash all of it is there or none.
    enum rotor_status (*log_drop)(void *context, uint64_t offset);

    enum rotor_status (*random)(void *context, uint8_t *out, size_t size);
    uint64_t (*wall_s)(void *context); // seconds since 1970; 0: not known
    void (*alarm)(void *context, const struct rtp_alarm *alarm);
};

#endif
