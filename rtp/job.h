// SPDX-License-Identifier: Apache-2.0
// Slow work as a thing to hand over: checks of signatures and Evidence, and
// durable writes.  A job reads and writes its own memory only, besides the
// files and what it is told is not changed while it is out.
#ifndef ROTOR_RTP_JOB_H
#define ROTOR_RTP_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/forks.h"
#include "chain/rules.h"
#include "chain/schedule.h"
#include "rtp/dropped.h"
#include "rtp/ops.h"
#include "rtp/store.h"
#include "verify/evidence.h"
#include "wire/frame.h"

enum rtp_job_kind {
    RTP_JOB_NONE = 0,
    RTP_JOB_HELLO,    // Evidence and signature of HELLO_AP; makes HELLO_FIN
    RTP_JOB_WRITE,    // the state as it is: R0, or an intent withdrawn
    RTP_JOB_ACCEPT,   // an entry that we asked for: 6.2, then R1
    RTP_JOB_ADVANCE,  // ROT_DONE, or HELLO under e+1: R2
    RTP_JOB_CATCH_UP, // an entry that we missed: 6.2 or 6.5, then R1 and R2
    RTP_JOB_JUDGE,    // a second body for a place of the log: 6.4
    RTP_JOB_PRUNE,    // the log drops its oldest entries
};

// What a HELLO_AP turned out to be.
enum rtp_hello {
    RTP_HELLO_REFUSED = 0,
    RTP_HELLO_BEHIND, // genuine; its epoch is not ours: read its log
    RTP_HELLO_PAIRED, // genuine and signed: send HELLO_FIN
};

struct rtp_hello_work {
    uint8_t hello_rtp[1024]; // whole frame; HELLO_AP's is `input`
    size_t hello_rtp_size;
    struct wire_digest log_id; // pinned; or empty
    struct crypto_key ephemeral;
    struct crypto_key control;
    struct wire_key control_key;

    enum rtp_hello outcome;
    enum rtp_action action;
    bool is_foreign;
    bool is_evidence; // it was the Evidence that was refused
    const char *reason;
    struct wire_status ap; // report and boot_id: views into `input`
    struct verify_record record;
    enum crypto_aead_algorithm aead;
    struct chain_channel_keys keys; // SECRET
    struct wire_digest log_id_of_ap;
    uint8_t fin[512];
    size_t fin_size;
};

struct rtp_prune_work {
    uint32_t keep;  // from now on
    uint64_t from;  // offsets in the log
    uint64_t to;    // that of `from`: nothing is dropped
    uint64_t count; // entries between them
};

#define RTP_MEASUREMENTS_MAX 4u

struct rtp_job {
    enum rtp_job_kind kind;
    struct rtp_ops ops;
    struct verify_reference reference; // as it was when the job was made
    struct wire_digest measurements[RTP_MEASUREMENTS_MAX]; // of it
    const struct chain_seen *seen;      // not changed while a job is out
    struct chain_fingerprints new_seen; // out: of the entry in `input`
    const struct rtp_log *log;          // the same

    struct rtp_state next; // the state before; written when the job succeeds
    uint8_t input[WIRE_FRAME_MAX]; // HELLO_AP, entry, or payload of ROT_DONE
    size_t input_size;
    bool is_logged;      // the log has the entry already
    uint64_t own_offset; // CATCH_UP from our own log: of its record there
    uint64_t log_offset;
    struct rtp_hello_work hello;
    struct rtp_prune_work prune;
    bool ap_was_prepared;
    bool has_done; // ADVANCE: `input` is ROT_DONE, to be verified
    uint8_t done_id[WIRE_ID_SIZE];
    uint32_t channel_id;
    bool is_reported; // JUDGE: by the request of this tag
    uint64_t report_tag;

    // Outcome.
    enum rotor_status status; // of the platform
    bool is_accepted;
    struct chain_verdict verdict;
    enum chain_fork fork;
    uint64_t rival_epoch; // JUDGE: of the second body; 0: it is none
    bool is_kept;         // JUDGE: the proof of both bodies
    uint64_t n;           // of ROT_DONE
    bool is_our_request;

    uint8_t file[RTP_STATE_MAX];
    uint8_t record[WIRE_ENTRY_MAX + RTP_LOG_HEAD];
    uint8_t fork_file[2u * WIRE_ENTRY_MAX + 16u];
    uint8_t dropped_file[RTP_DROPPED_SIZE];
};

// Does the work.  Any thread; one job at a time.
void rtp_job_run(struct rtp_job *job);

#endif
