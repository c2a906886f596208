// SPDX-License-Identifier: Apache-2.0
// RTP: the enclave's one client.  Pairs with it, provisions and rotates the
// root of trust, keeps the trust store, passes the requests of programs on.
//
// A pure state machine: no I/O but through rtp_ops, no clock but `now_ms`, and
// no call waits for the enclave or for the disk.  The app moves things:
//
//     enclave --frame--> rtp_take        rtp_next --frame--> enclave
//     program --request--> rtp_submit    rtp_complete --answer--> program
//     worker  <--job-- rtp_job_next      rtp_job_run, then rtp_job_done
//
// One loop, in any order, until all four have nothing more:
//
//     rtp_tick; rtp_take every frame, rtp_complete every answer behind each;
//     rtp_next; rtp_job_next; then sleep until rtp_wakeup or an event.
//
// All calls belong to one thread, but rtp_job_run: it may run on another while
// the loop goes on.  Source: doc/PROTOCOL.rot, sections 5 to 7.
#ifndef ROTOR_RTP_H
#define ROTOR_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/trust.h"
#include "rtp/job.h"
#include "rtp/ops.h"
#include "rtp/resume.h"
#include "rtp/schedule.h"
#include "rtp/slots.h"
#include "rtp/store.h"
#include "verify/evidence.h"
#include "wire/client.h"
#include "wire/frame.h"

struct rtp_config {
    // Must outlive the RTP.  Its measurements, RTP_MEASUREMENTS_MAX at most,
    // may be others from call to call; the rest of it may not.
    const struct verify_reference *reference;

    // Of entry 0.  `control` is filled in: the kid of our C.  `ra` must be
    // given.  A log that exists keeps its own policy.
    struct chain_policy policy;
    uint32_t suite;            // of entry 0
    struct wire_digest log_id; // pinned; empty: taken at genesis

    uint32_t seed_src;       // what rtp_ops.random is: 1 TRNG, 2 external, 3
    uint32_t jitter_percent; // of the period: rotate that much early, at most
    uint64_t usage_limit;    // attestations and heads per epoch
    bool stops_when_overdue; // refuse ATTEST beyond twice the period

    uint32_t retry_first_ms; // 5.3: 2 s, doubling to 60 s, +-25 %
    uint32_t retry_last_ms;
    uint32_t hello_ms;           // answer to HELLO: 5 s
    uint32_t silence_ms;         // answer to a sealed frame: 10 s
    uint32_t rotation_ms;        // rotation deadline: 10 s, then an alarm
    uint32_t request_ms;         // default and maximum deadline of a request
    uint64_t frames_per_channel; // 2^24

    // What op STATUS says of the program: version, walls_missing, images.
    struct wire_client_status status;
};

// The values of section 5.3 and 8.3.  `reference` and policy.ra are the
// caller's to fill in.
void rtp_config_init(struct rtp_config *config);

// Where the channel stands.
enum rtp_link {
    RTP_LINK_DOWN = 0, // no enclave
    RTP_LINK_IDLE,     // HELLO at hello_at_ms
    RTP_LINK_HELLO,    // HELLO_AP is awaited
    RTP_LINK_JUDGING,  // a job looks at it
    RTP_LINK_LOG,      // LOG_ENTRIES in plaintext are awaited
    RTP_LINK_FIN,      // HELLO_FIN sent or to be sent: STATUS is awaited
    RTP_LINK_OPEN,
};

// How much an open channel is good for.
enum rtp_scope {
    RTP_SCOPE_NONE = 0,
    RTP_SCOPE_ORDERS, // before genesis, emergency, no usable state
    RTP_SCOPE_FULL,   // requests of programs too
};

// One side of one pairing.
struct rtp_channel {
    enum rtp_link link;
    enum rtp_scope scope;
    uint32_t id;
    struct wire_digest log_id; // of the pairing
    uint64_t sent;             // next sequence out
    uint64_t received;         // next sequence in
    bool is_asked;             // HELLO, LOG_GET or HELLO_FIN is on its way
    uint64_t asked_ms;
    uint8_t asked_id[WIRE_ID_SIZE];
    struct crypto_aead seal;
    struct crypto_aead unseal;
    uint8_t seal_iv[WIRE_IV_SIZE];   // SECRET
    uint8_t unseal_iv[WIRE_IV_SIZE]; // SECRET
    struct crypto_key ephemeral;
    enum rtp_action action; // what resuming says
    size_t entries_read;    // of LOG_ENTRIES
    bool has_read_log;      // LOG_GET was sent in this pairing
    bool has_progressed;    // an entry was accepted since HELLO was judged
};

// One order to the AP at a time: GENERATE, ROT_ACCEPT0, ROTATE, ROT_COMMIT,
// PAIRS_OVER, STATUS.
struct rtp_order {
    uint8_t type; // enum wire_type; 0: none
    bool is_sent;
    uint8_t id[WIRE_ID_SIZE];
    uint64_t sent_ms;
    uint64_t pairs_over; // PAIRS_OVER: the set that was sent
};

// A rotation that somebody wants and nobody has begun.
struct rtp_wish {
    bool is_wanted;
    uint32_t reason; // enum wire_reason
    uint32_t suite;  // 0: the current one
    uint32_t kind;   // CHAIN_ROTATE or CHAIN_CLOSE
    uint64_t distrust_from;
};

// How much of the log is held, and that somebody wants the rest gone.
struct rtp_prune {
    uint32_t keep; // entries
    bool is_wanted;
    bool has_failed; // in this epoch: again in the next one
};

struct rtp_counts {
    uint64_t attestations; // since the start
    uint64_t rotations;
    uint64_t refused; // answers that a program did not get
    uint64_t dropped; // frames that were not ours or not whole
    uint64_t resets;  // of the channel
    uint64_t reissued;
};

// About 970 KiB; the caller provides it.  Contents are private.
struct rtp {
    struct rtp_ops ops;
    struct rtp_config config;
    struct rtp_state state; // durable, as last written
    struct rtp_log log;
    struct rtp_log reread; // only while it is read again
    struct rtp_prune prune;
    struct chain_seen seen;
    bool seen_is_short; // the log could not be read: again with the next entry
    struct chain_fingerprint seen_slots[CHAIN_SEEN_DEFAULT];
    struct crypto_key control; // C
    struct wire_key control_key;
    struct wire_digest control_kid;

    struct rtp_channel channel;
    struct rtp_backoff backoff; // of HELLO
    uint64_t hello_at_ms;
    uint32_t hello_suite; // 0, or what the AP wants e_r to be of
    struct rtp_order order;
    uint64_t order_at_ms; // not before
    bool is_rate_limited; // order_at_ms is the AP's word
    struct rtp_backoff order_backoff;
    bool status_is_wanted;
    bool status_goes_first; // before any order: what we know of the AP is old
    uint64_t pairs_over;    // of this enclave: bit i that of channel i + 1
    uint64_t pairs_told;    // those of which it knows
    struct rtp_wish wish;
    uint64_t rotation_since_ms; // R0; RTP_NEVER: none in flight
    bool rotation_is_late;
    const char *unavailable; // why no program is served; NULL: it is
    struct rtp_schedule schedule;
    bool is_overdue;
    bool is_attested;

    struct rtp_slots slots;
    struct rtp_job job;
    bool job_is_wanted;
    bool job_is_out;
    uint64_t job_pairing; // counts.resets when the job was made

    struct wire_status ap; // last seen; its views point here:
    uint8_t ap_boot[WIRE_ID_SIZE];
    uint8_t ap_report[512];
    struct wire_claims claims; // of the last Evidence
    struct wire_digest instance;
    char alarm_text[RTP_ALARM_TEXT];
    struct rtp_counts counts;

    uint8_t hello_rtp[1024]; // our HELLO, whole frame
    size_t hello_rtp_size;
    uint8_t hello_ap[WIRE_FRAME_MAX]; // its answer
    size_t hello_ap_size;
    uint8_t fin[512]; // payload of HELLO_FIN
    size_t fin_size;
    uint8_t entries[WIRE_PAYLOAD_MAX]; // array of LOG_ENTRIES
    size_t entries_size;

    uint8_t inbox[WIRE_PAYLOAD_MAX]; // payload of the last frame. SECRET
    size_t inbox_size;
    bool inbox_is_full;             // a completion views it
    uint8_t reply[WIRE_CLIENT_MAX]; // payloads that we make ourselves
    uint8_t entries_out[WIRE_PAYLOAD_MAX];
    uint8_t scratch[WIRE_PAYLOAD_MAX];
    uint8_t randoms[256];
    size_t randoms_left;
};

// Reads the trust store and the control key (makes one on first start).
// `ops` and `config` are copied.  On any error `rtp` is wiped.
//
// ROTOR_INVALID      the config is not usable.
// ROTOR_CORRUPT      the state file is damaged, or is of another C.
// ROTOR_PORT_FAILED  the store or the random source.
ROTOR_CALL rtp_open(struct rtp *rtp, const struct rtp_ops *ops,
                    const struct rtp_config *config, uint64_t now_ms);

// Erases every secret.  No job may be out.
void rtp_wipe(struct rtp *rtp);

// The enclave is there, with empty queues; it is gone, and so are the queues.
// Requests wait meanwhile, each until its own deadline.
void rtp_enclave_up(struct rtp *rtp, uint64_t now_ms);
void rtp_enclave_lost(struct rtp *rtp, uint64_t now_ms);

// The next frame for the enclave.  Whoever takes it must deliver it or report
// the enclave lost: frames are numbered.
//
// ROTOR_AGAIN      there is none.
// ROTOR_TOO_SMALL  room->capacity < WIRE_FRAME_MAX.
ROTOR_CALL rtp_next(struct rtp *rtp, uint64_t now_ms, struct rotor_room *room);

// Takes a frame from the enclave.  Whatever it holds, that is no error.
//
// ROTOR_AGAIN  nothing was taken: pop the completions first.
ROTOR_CALL rtp_take(struct rtp *rtp, uint64_t now_ms, struct rotor_bytes frame);

// Deadlines, retries, the rotation that is due.
void rtp_tick(struct rtp *rtp, uint64_t now_ms);

// Whether the enclave owes a frame: unasked it says nothing, and nobody need
// listen for its bell.
bool rtp_awaits_frame(const struct rtp *rtp);

// When rtp_tick is wanted next; RTP_NEVER: an event comes first.
uint64_t rtp_wakeup(const struct rtp *rtp);

// ---- programs --------------------------------------------------------------

struct rtp_request {
    uint64_t op;                // enum wire_op
    struct rotor_bytes payload; // copied
    uint64_t tag;               // comes back; unique among those in flight
    uint64_t deadline_ms;       // from now; 0: the default
};

// A finished request.  `payload` and `text` are views, good until the next
// call that takes `rtp`.
struct rtp_completion {
    uint64_t op;
    uint64_t tag;
    enum wire_client_code code;
    struct rotor_bytes payload; // empty: none
    const char *text;           // for people; never NULL
    uint64_t error;             // enum wire_error, with WIRE_CLIENT_REFUSED
    uint64_t detail;            // of it, e.g. seconds to wait
};

// Takes a request; rtp_complete gives its one answer, at the latest at its
// deadline.  CANCEL is not an op here: rtp_cancel.
//
// ROTOR_AGAIN    the table is full: tell the program WIRE_CLIENT_BUSY.
// ROTOR_INVALID  unknown op or payload too long: WIRE_CLIENT_MALFORMED.
ROTOR_CALL rtp_submit(struct rtp *rtp, uint64_t now_ms,
                      const struct rtp_request *request);

// Ends a request with WIRE_CLIENT_CANCELLED; a rotation that it began goes on.
//
// ROTOR_INVALID  no request has this tag.
ROTOR_CALL rtp_cancel(struct rtp *rtp, uint64_t tag);

// Forgets a request without an answer: its program is gone.
void rtp_forget(struct rtp *rtp, uint64_t tag);

// ROTOR_AGAIN  nothing is finished.
ROTOR_CALL rtp_complete(struct rtp *rtp, uint64_t now_ms,
                        struct rtp_completion *completion);

// A security event from inside: signal, entropy source, changed image.
// Several before the rotation begins are one.  reason: 3, 4 or 6.
//
// ROTOR_INVALID  not such a reason.
ROTOR_CALL rtp_event(struct rtp *rtp, uint64_t now_ms, uint32_t reason,
                     const char *text);

// Asks the enclave how it is, once nothing else is to be asked: what it says of
// itself is otherwise as old as the last pairing or rotation.
void rtp_look(struct rtp *rtp);

// The program with the queue pair of `channel` (1 to 64) is gone: the enclave
// serves that pair no more, whoever holds its memory.
void rtp_end_pair(struct rtp *rtp, uint32_t channel);

// Fills what the RTP knows; version, walls_missing and images are left as
// they are.  Views into `rtp`.
void rtp_describe(const struct rtp *rtp, uint64_t now_ms,
                  struct wire_client_status *status);

// The enclave proved itself and its root of trust is current: trial images
// may be confirmed.
bool rtp_is_attested(const struct rtp *rtp);

// ---- slow work -------------------------------------------------------------

// The job that waits to be run, or NULL.  It stays the caller's until
// rtp_job_done; at most one is out.
struct rtp_job *rtp_job_next(struct rtp *rtp);

// Takes it back, run.
void rtp_job_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job);

#endif
