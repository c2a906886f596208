// SPDX-License-Identifier: Apache-2.0
// The messages between programs and the RTP: doc/PROTOCOL.client.
//
// One message is one CBOR map: a record of the Unix socket (SEQPACKET), or
// behind a 4-byte big-endian length on TCP.  Requests may be in flight side by
// side; a reply carries the id of its request.  The messages of wire/message.h
// travel inside `payload` as they are.
#ifndef ROTOR_WIRE_CLIENT_H
#define ROTOR_WIRE_CLIENT_H

#include "wire/message.h"

// Largest message: a payload of the queue and its envelope.
#define WIRE_CLIENT_MAX 17408u // bytes

enum wire_op {
    WIRE_OP_NONE = 0,
    WIRE_OP_STATUS = 1,      // reply: wire_client_status
    WIRE_OP_ATTEST = 2,      // ATTEST_REQ -> ATTEST_RSP
    WIRE_OP_SESSION_FIN = 3, // SESSION_FIN -> nothing
    WIRE_OP_SESSION_KEY = 4, // SESSION_KEY -> SESSION_KEYED
    WIRE_OP_LOG_GET = 5,     // LOG_GET -> LOG_ENTRIES, from the RTP's log
    WIRE_OP_HEAD_PROOF = 6,  // HEAD_PROOF -> its reply
    WIRE_OP_ROTATE = 7,      // wire_client_rotate -> wire_head when done
    WIRE_OP_EVENT = 8,       // wire_client_event -> wire_head when done
    WIRE_OP_RETEST = 9,      // entropy: on-demand health test
    WIRE_OP_SIGN = 10,       // SIGN -> SIGNED
    WIRE_OP_CANCEL = 11,     // wire_client_cancel -> nothing
    WIRE_OP_QUEUE = 12,      // -> wire_client_queue and two descriptors
    WIRE_OP_REPORT = 13,     // wire_client_report -> wire_client_finding
    WIRE_OP_PRUNE = 14,      // wire_client_prune -> nothing, when it is done
    WIRE_OP_RECOVER = 16,    // wire_client_recover -> RECOVER_BODY
    WIRE_OP_RECOVERED = 17,  // RECOVER_SIGNED -> wire_head when it is current
};
#define WIRE_OP_COUNT 18u // one more than the last

// Why a request was not served.  The names are the closed list of `code` in
// JSON errors (doc/rotor.1): wire_client_code_name.
enum wire_client_code {
    WIRE_CLIENT_OK = 0,
    WIRE_CLIENT_MALFORMED = 1, // the request does not parse
    WIRE_CLIENT_DENIED = 2,    // not for this peer or this transport
    WIRE_CLIENT_BUSY = 3,      // too many in flight: retry
    WIRE_CLIENT_TIMEOUT = 4,   // the deadline passed: retry
    WIRE_CLIENT_CANCELLED = 5,
    WIRE_CLIENT_REFUSED = 6,     // by the enclave: see `error` and `detail`
    WIRE_CLIENT_UNAVAILABLE = 7, // no root of trust yet, or the enclave is down
    WIRE_CLIENT_UNSUPPORTED = 8,
    WIRE_CLIENT_FAILED = 9, // the platform failed: see the text
};
const char *wire_client_code_name(uint64_t code);

struct wire_client_request {
    uint64_t op;
    uint64_t id; // the program's own, unique among its requests in flight
    bool has_deadline_ms;
    uint64_t deadline_ms; // from arrival; default and maximum: 10,000
    bool has_payload;
    struct rotor_bytes payload;
};

struct wire_client_reply {
    uint64_t op;
    uint64_t id;
    uint64_t code; // enum wire_client_code
    bool has_payload;
    struct rotor_bytes payload;
    bool has_text; // for people
    struct rotor_bytes text;
    bool has_error;
    uint64_t error; // enum wire_error, with WIRE_CLIENT_REFUSED
    bool has_detail;
    uint64_t detail;
};

struct wire_client_rotate {
    uint64_t reason; // enum wire_reason
    bool has_suite;
    uint64_t suite;
    bool has_kind;
    uint64_t kind; // 1 rotate, 4 close
    bool has_distrust_from;
    uint64_t distrust_from; // only with WIRE_REASON_KEY_COMPROMISE
};

struct wire_client_event {
    uint64_t reason; // 3, 4 or 6
    struct rotor_bytes text;
};

// An entry that somebody else showed for a place of this log.
struct wire_client_report {
    struct rotor_bytes entry;
};

struct wire_client_finding {
    uint64_t fork;    // enum chain_fork
    uint64_t epoch;   // that the entry is for; 0: it is no entry
    uint64_t rotates; // 0 or 1: the root is replaced because of it
};

// The RTP adds what is its own: place, superseded head, policy, C and seed.
struct wire_client_recover {
    struct rotor_bytes ra_set; // the authority from then on, exact bytes
    bool has_suite;            // else the current one
    uint64_t suite;
    bool has_supersedes; // else the head
    struct wire_head supersedes;
    uint64_t with_old; // 0 or 1: the superseded root signs too, if it is there
};

// The RTP's log: so many entries are held from now on, the oldest go.
struct wire_client_prune {
    uint64_t keep; // at least 32
};

struct wire_client_cancel {
    uint64_t id;
};

// A queue pair that the program owns from now on; with it come the memfd of the
// queue and the reading end of its bell.
struct wire_client_queue {
    uint64_t channel; // id that frames carry
    uint64_t seed;    // of struct rotor_ipq_plan
    uint64_t slots;   // of it
    uint64_t left;    // pairs that others may have
};

struct wire_client_status {
    struct rotor_bytes version; // text
    struct wire_digest log_id;  // empty before genesis
    uint64_t incarnation;
    uint64_t epoch;
    struct wire_digest body_hash;
    uint64_t suite;
    struct wire_digest sign_kid; // kid of the current S
    uint64_t ap_state;           // enum wire_state
    struct rotor_bytes phase;    // the RTP's, text
    uint64_t enclave_is_up;      // 0 or 1
    uint64_t level;
    uint64_t anchor_kind;
    uint64_t walls;            // bits that are up
    uint64_t walls_missing;    // bits that were probed and are missing
    struct rotor_bytes report; // text: store, entropy sources; one a line
    uint64_t has_next_rotation;
    uint64_t next_rotation_s;
    uint64_t is_overdue;
    uint64_t attestations;
    uint64_t rotations;
    uint64_t refused;
    struct wire_limits limits;
    uint64_t rotation_tokens;
    struct wire_digest measurement;
    struct wire_digest instance; // fingerprint of the UDS key
    uint64_t n;
    struct rotor_bytes alarm; // text, the last one; empty
    uint64_t queue_depth;     // requests in flight
    uint64_t images;          // security versions: rtp << 32 | enclave
    uint64_t pairs_left;      // queue pairs that programs may still have
    uint64_t pairs_out;       // that they have
};

extern const struct wire_layout WIRE_LAYOUT_CLIENT_REQUEST;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_REPLY;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_ROTATE;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_EVENT;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_PRUNE;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_CANCEL;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_QUEUE;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_REPORT;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_FINDING;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_RECOVER;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_STATUS;
extern const struct wire_layout WIRE_LAYOUT_CLIENT_HEAD; // a wire_head

#endif
