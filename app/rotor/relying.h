// SPDX-License-Identifier: Apache-2.0
// The relying party: asks a device over its own nonce, catches up with the
// log entry by entry, makes that durable, then judges.
//
// The device is behind a function: a TCP connection, a Unix socket, a bundle
// in a file, or a test.  Nothing it says is believed before it is verified.
// doc/PROTOCOL.rot 6.3, doc/PROTOCOL.client 6.
#ifndef ROTOR_APP_ROTOR_RELYING_H
#define ROTOR_APP_ROTOR_RELYING_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/client.h>
#include <rotor/status.h>

#include "app/rotor/ahead.h"
#include "app/rotor/command.h"
#include "app/rotor/store.h"
#include "chain/forks.h"
#include "chain/rules.h"
#include "verify/attest.h"
#include "wire/client.h"

// Why a device did not answer as asked.
struct relying_refusal {
    uint64_t code;   // wire_client_code; 0 with a status other than FORBIDDEN
    uint64_t error;  // wire_error
    uint64_t detail; // of it
    char text[256];  // clean
};

struct relying_device {
    void *context;
    // One request, one answer: `reply` is the payload.
    //
    // ROTOR_FORBIDDEN    it refused: see `refusal`.
    // ROTOR_AGAIN        no answer in time.
    // ROTOR_PORT_FAILED  no connection.
    // ROTOR_MALFORMED    it does not speak this protocol.
    enum rotor_status (*ask)(void *context, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_room *reply,
                             struct relying_refusal *refusal);
};

// A device behind a connection of librotor; the caller keeps the client.
struct relying_device relying_device_of(struct rotor_client *client);

// How far a catch-up is: `done` of `all`, entries or bytes; all is 0 where it
// is not known.
struct relying_progress {
    uint64_t epoch; // of the head
    uint64_t steps;
    uint64_t done;
    uint64_t all;
};

struct relying_options {
    const char *folder;        // trust store
    struct wire_digest log_id; // pinned; empty: see trusts_first_use
    bool trusts_first_use;     // take the log that the device shows
    const struct verify_reference *reference; // must outlive the party
    uint32_t hold_down_s;                     // on recovery entries
    bool evidence_is_optional; // of old entries, never of an answer
    bool is_offline; // answers from a file: no mark is kept, grace counts

    // Threads that check ahead: 0 as many as there are processors, 1 none.
    unsigned threads;
    // Called behind each step; NULL: not.
    void (*progress)(const struct relying_progress *progress);
};

// How it ended.  `cause` counts only when it was not accepted.
struct relying_outcome {
    bool is_accepted;
    enum cause cause;
    char reason[400];
    const char *hint; // NULL: none
};

// A use of the recovery authority, as its entry says.
struct relying_recovery {
    uint64_t epoch;
    uint64_t incarnation;
    uint64_t superseded; // epoch that the log went back to
    bool has_new_authority;
    bool has_new_control; // C: another RTP
};
#define RELYING_RECOVERIES_MAX 8u

struct relying_report {
    struct relying_outcome outcome;
    bool is_first_contact;
    uint64_t steps;      // entries taken
    uint64_t recoveries; // among them: of the recovery authority
    struct relying_recovery recovery[RELYING_RECOVERIES_MAX]; // the first ones
    struct relying_progress progress;
    enum chain_fork fork;
    bool is_in_grace; // accepted under the root before the newest
    uint64_t age_s;   // then: since the newest root is known here

    bool is_judged; // `answer` counts; its views are into this struct
    struct verify_answer answer;
    struct chain_trust trust; // that it was judged by
    size_t request_size;
    size_t response_size;
    uint8_t request[1024];
    uint8_t response[WIRE_CLIENT_MAX];
};

// About 40 KiB; the caller provides it.  Contents are private but `store`,
// for reading.
struct relying {
    struct relying_options options;
    struct store store;
    struct verify_entry_context entry_context;
    struct chain_ports ports;
    struct wire_digest log_id; // of the log that is judged
    struct ahead *ahead;       // during a catch-up; or NULL
    uint8_t reply[WIRE_CLIENT_MAX];
    uint8_t entry[WIRE_ENTRY_MAX];
    uint8_t other[WIRE_ENTRY_MAX];
};

// False: *outcome says why.
bool relying_open(struct relying *party, const struct relying_options *options,
                  struct relying_outcome *outcome);
void relying_close(struct relying *party);

// Between two exchanges: others may use the trust store.  Resumes with what
// they left there.
void relying_rest(struct relying *party);
bool relying_resume(struct relying *party, struct relying_outcome *outcome);

// What is asked.  Zeros: purpose 7 (head) with Evidence.
struct relying_wish {
    uint64_t purpose;       // enum wire_purpose; 0: 7
    struct rotor_bytes e_r; // purpose 6
    uint32_t suite;         // offered first; 0: that of the own head
    struct rotor_bytes peer_binding;
};

// Makes sure that a log is selected: first contact fetches genesis.  The head
// is then party->store.trust, its suite the one for e_r.
bool relying_meet(struct relying *party, const struct relying_device *device,
                  struct relying_report *report);

// Asks with a fresh nonce, catches up, judges.  True: accepted.
bool relying_attest(struct relying *party, const struct relying_device *device,
                    const struct relying_wish *wish,
                    struct relying_report *report);

// Judges an answer that came otherwise (report->request and response are
// filled); entries are fetched from `device`.
bool relying_judge(struct relying *party, const struct relying_device *device,
                   struct relying_report *report);

#endif
