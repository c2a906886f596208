// SPDX-License-Identifier: Apache-2.0
// The messages between RTP and AP: doc/PROTOCOL.rot, section 5.
//
// A payload is one deterministic CBOR map; key 0 repeats the type, key 1 is
// the log_id of the channel.  Every message is described by a table of its
// fields (message.c): the table is the decoder, the encoder and the bounds
// check.  Decoded messages are views into the payload: it must outlive them.
// In the struct of every message that has keys 0 and 1, log_id comes first.
#ifndef ROTOR_WIRE_MESSAGE_H
#define ROTOR_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "wire/cose.h"

enum wire_type {
    WIRE_NONE = 0,
    WIRE_HELLO_RTP = 0x01,
    WIRE_HELLO_AP = 0x02,
    WIRE_HELLO_FIN = 0x03,
    WIRE_GENERATE = 0x10,
    WIRE_ROT_AVAILABLE = 0x11,
    WIRE_ROT_ACCEPT0 = 0x12,
    WIRE_ROTATE = 0x20,
    WIRE_ROT_PREPARED = 0x21,
    WIRE_ROT_COMMIT = 0x22,
    WIRE_ROT_DONE = 0x23,
    WIRE_RECOVER = 0x24,
    WIRE_RECOVER_BODY = 0x25,
    WIRE_RECOVER_SIGNED = 0x26,
    WIRE_ATTEST_REQ = 0x30,
    WIRE_ATTEST_RSP = 0x31,
    WIRE_SESSION_FIN = 0x32,
    WIRE_SESSION_KEY = 0x34,   // the RTP asks for the keys of a session
    WIRE_SESSION_KEYED = 0x35, // that it confirmed
    WIRE_LOG_GET = 0x40,
    WIRE_LOG_ENTRIES = 0x41,
    WIRE_HEAD_PROOF = 0x42, // request and reply differ: WIRE_HEAD_REPLY
    WIRE_STATUS = 0x50,     // the same: WIRE_STATUS_REPLY
    WIRE_PAIRS_OVER = 0x51, // answered with STATUS
    WIRE_ERROR = 0x5f,
    WIRE_SIGN = 0x60,
    WIRE_SIGNED = 0x61,
};

// Codes of ERROR, section 5.3.
enum wire_error {
    WIRE_E_NONE = 0,
    WIRE_E_MALFORMED = 1,
    WIRE_E_TYPE = 2,
    WIRE_E_STATE = 3, // detail = state code
    WIRE_E_EPOCH = 4, // detail = the AP's current epoch
    WIRE_E_EXISTS = 5,
    WIRE_E_SUITE = 6, // detail = suite wanted
    WIRE_E_RATE = 7,  // detail = seconds to wait
    WIRE_E_ENTROPY = 8,
    WIRE_E_STORE = 9,
    WIRE_E_ROLLED_BACK = 10,
    WIRE_E_POLICY = 11,
    WIRE_E_SIGNATURE = 12,
    WIRE_E_HASH = 13,
    WIRE_E_BUSY = 14,
    WIRE_E_NOT_FOUND = 15,
    WIRE_E_DUPLICITY = 16,
};

// Lower-case words for people, e.g. "rate limit"; never NULL.
const char *wire_error_name(uint64_t code);
const char *wire_type_name(uint64_t type);

// Why a rotation is asked for: body key 12.
enum wire_reason {
    WIRE_REASON_INITIAL = 0,
    WIRE_REASON_SCHEDULED = 1,
    WIRE_REASON_USAGE = 2,
    WIRE_REASON_SECURITY_EVENT = 3,
    WIRE_REASON_KEY_COMPROMISE = 4,
    WIRE_REASON_ALGORITHM = 5,
    WIRE_REASON_FIRMWARE = 6,
    WIRE_REASON_OPERATOR = 7,
    WIRE_REASON_RECOVERY = 8,
};

// Words of `rotor event` and `rotor chain`, e.g. "key-compromise"; never NULL.
const char *wire_reason_name(uint64_t reason);

// Durable states of the AP: section 7.3.
enum wire_state {
    WIRE_STATE_EMPTY = 0,
    WIRE_STATE_PREP0 = 1,
    WIRE_STATE_CUR = 2,
    WIRE_STATE_PREP = 3,
    WIRE_STATE_REC = 4,
    WIRE_STATE_CLOSED = 5,
    WIRE_STATE_BURNT = 6,
    WIRE_STATE_HALTED = 7,
};
const char *wire_state_name(uint64_t state);

// Purposes that Evidence and ATTEST_REQ name: section 8.2.
enum wire_purpose {
    WIRE_PURPOSE_HELLO = 1,
    WIRE_PURPOSE_GENESIS = 2,
    WIRE_PURPOSE_ROTATE = 3,
    WIRE_PURPOSE_RECOVER = 4,
    WIRE_PURPOSE_ATTEST = 5,
    WIRE_PURPOSE_SESSION = 6,
    WIRE_PURPOSE_HEAD = 7,
};

#define WIRE_NONCE_SIZE   32u // bytes
#define WIRE_ID_SIZE      16u // bytes: request id, sid, boot id
#define WIRE_EVIDENCE_MAX 8192u
#define WIRE_ENTRY_MAX    16384u
#define WIRE_SUITES_MAX   4u

// Where a body stands: [epoch, body_hash].
struct wire_head {
    uint64_t epoch;
    struct wire_digest body_hash;
};

// What epochs are ordered by: [incarnation, epoch].
struct wire_order {
    uint32_t incarnation;
    uint64_t epoch;
};

struct wire_suites {
    size_t count;
    uint64_t id[WIRE_SUITES_MAX];
};

// ---- pairing, 5.2 ----------------------------------------------------------

struct wire_hello_rtp {
    struct wire_digest log_id;
    struct rotor_bytes nonce;
    struct rotor_bytes e_r; // wire form: 32, or 0x04 || x || y
    struct wire_suites suites;
    struct wire_digest control_kid; // kid of C
    bool has_cur;
    struct wire_head cur;
    bool has_pend;
    struct wire_head pend;
    struct wire_order floor;
};

struct wire_hello_ap {
    struct wire_digest log_id;
    struct rotor_bytes core; // a wire_hello_core
    struct rotor_bytes evidence;
    struct rotor_bytes sig_s; // empty before genesis
};

// Status of the AP: in HELLO_AP's core and in STATUS.
struct wire_status {
    uint64_t state; // enum wire_state
    uint64_t incarnation;
    bool has_cur;
    struct wire_head cur;
    bool has_prepared;
    struct wire_head prepared;
    uint64_t n; // number of the anchor
    uint64_t anchor_kind;
    struct rotor_bytes boot_id;
    uint64_t rotation_tokens; // left
    uint64_t emergency_token; // 0 or 1: reason 4 has one of its own
    bool has_candidate;
    struct wire_digest candidate; // body_hash of the recovery candidate
    bool has_report;
    struct rotor_bytes report; // key 64: walls and entropy, for people
    bool has_beside;
    uint64_t beside; // key 65: attestations and heads that the RTP did not see
};

struct wire_hello_core {
    struct rotor_bytes nonce;
    struct rotor_bytes e_a;
    uint64_t suite;
    struct rotor_bytes status; // a wire_status, exact bytes
};

struct wire_hello_fin {
    struct wire_digest log_id;
    struct rotor_bytes control_key; // COSE_Key, exact bytes
    struct rotor_bytes sig_c;
};

// ---- generate and rotate, 7.3 ----------------------------------------------

struct wire_generate {
    struct wire_digest log_id;
    struct rotor_bytes seed;
    uint64_t seed_src;
    uint64_t suite;
    struct wire_digest control_kid;
    struct rotor_bytes policy; // map, exact bytes: chain_policy_decode
};

struct wire_entry { // ROT_AVAILABLE, ROT_PREPARED
    struct wire_digest log_id;
    struct rotor_bytes entry; // exact bytes: chain_entry_decode
};

struct wire_accept0 {
    struct wire_digest log_id;
    struct wire_digest body_hash;
};

struct wire_rotate {
    struct wire_digest log_id;
    uint64_t from_epoch;
    struct rotor_bytes seed;
    uint64_t seed_src;
    uint64_t reason;
    bool has_suite;
    uint64_t suite;
    bool has_distrust_from;
    uint64_t distrust_from;
    bool has_kind;
    uint64_t kind;
};

struct wire_commit {
    struct wire_digest log_id;
    uint64_t epoch;
    struct wire_digest body_hash;
};

struct wire_done {
    struct wire_digest log_id;
    uint64_t epoch;
    struct wire_digest body_hash;
    uint64_t n;
    struct rotor_bytes sig; // "rotor1 done"
};

struct wire_recover {
    struct wire_digest log_id;
    uint64_t kind;
    uint64_t incarnation;
    uint64_t epoch;
    struct wire_head supersedes;
    uint64_t suite;
    struct rotor_bytes seed;
    uint64_t seed_src;
    struct rotor_bytes ra_set; // exact bytes
    struct wire_digest control_kid;
    struct rotor_bytes policy; // map, exact bytes
    uint64_t with_old;
    struct wire_digest order_log_id; // key 13
};

struct wire_recover_body {
    struct wire_digest log_id;
    struct rotor_bytes body;
    struct rotor_bytes evidence;
};

struct wire_recover_signed {
    struct wire_digest log_id;
    struct wire_digest body_hash;
    struct rotor_bytes sig_ra;  // array, exact bytes
    struct rotor_bytes ra_sets; // array, exact bytes
};

// ---- attest and session, 8.1 -----------------------------------------------

struct wire_attest_req {
    struct wire_digest log_id;
    struct rotor_bytes sid;
    struct rotor_bytes nonce;
    struct rotor_bytes e_r; // the far side's seed value; empty without session
    struct wire_suites suites;
    uint64_t purpose;
    struct rotor_bytes peer_binding;
    uint64_t min_epoch;
    bool has_trusted_head;
    struct wire_head trusted_head;
    struct wire_digest id;
    uint64_t want_evidence;
};

struct wire_attest_rsp {
    struct wire_digest log_id;
    struct rotor_bytes core; // a wire_attest_core
    struct rotor_bytes evidence;
    struct rotor_bytes sig_s;
    struct rotor_bytes mac_a;
};

// Where the AP stood when it answered.
struct wire_mark {
    uint64_t n;                 // number of the anchor
    struct rotor_bytes boot_id; // random at each start of the AP
    uint64_t signatures;        // by S in this boot
};

struct wire_attest_core {
    struct rotor_bytes sid;
    struct wire_digest log_id;
    uint64_t epoch;
    struct wire_digest body_hash;
    uint64_t suite;
    struct rotor_bytes nonce;
    struct rotor_bytes e_a;
    struct rotor_bytes claims; // a wire_claims, exact bytes
    struct wire_mark mark;
};

// Rotation limits of the policy; 0, 0 = test limits, which must be shown.
struct wire_limits {
    uint32_t min_interval_s;
    uint32_t max_per_day;
};

// Claims of ATTEST_RSP and of the EAT in process evidence.
struct wire_claims {
    uint64_t level;       // -70001: 0 process, 1 kvm, 2 TrustZone, 3 SNP/SGX
    uint64_t anchor_kind; // -70002
    uint64_t erasure;     // -70003
    struct rotor_bytes service_kids; // -70004, array of digests, exact bytes
    struct wire_limits limits;       // -70005
    struct wire_digest measurement;  // -70006
    uint64_t walls; // -70007: bits of enum rotor_wall that are up
};

struct wire_session_fin {
    struct wire_digest log_id;
    struct rotor_bytes sid;
    struct rotor_bytes mac_r;
};

struct wire_session_key {
    struct wire_digest log_id;
    struct rotor_bytes sid; // the key handle
};

// Traffic keys of one confirmed session: SECRET, sealed channel only.
struct wire_session_keyed {
    struct wire_digest log_id;
    struct rotor_bytes sid;
    uint64_t suite;
    uint64_t epoch;
    struct rotor_bytes r2a_key;
    struct rotor_bytes r2a_iv;
    struct rotor_bytes a2r_key;
    struct rotor_bytes a2r_iv;
    struct rotor_bytes exporter;
};

// ---- log, head, service key, error -----------------------------------------

struct wire_log_get {
    struct wire_digest log_id;
    struct wire_order from;
    uint64_t max;
};

struct wire_log_entries {
    struct wire_digest log_id;
    struct rotor_bytes entries; // array, exact bytes
    bool has_head;
    struct wire_head head;
};

struct wire_head_proof {
    struct wire_digest log_id;
    struct rotor_bytes nonce;
};

struct wire_head_reply {
    struct wire_digest log_id;
    struct rotor_bytes nonce;
    uint64_t epoch;
    struct wire_digest body_hash;
    uint64_t n;
    struct rotor_bytes sig;
};

struct wire_status_request {
    struct wire_digest log_id;
};

struct wire_status_reply {
    struct wire_digest log_id;
    struct rotor_bytes status; // a wire_status, exact bytes
};

// The queue pairs of programs that are over: bit i that of channel i + 1.
struct wire_pairs_over {
    struct wire_digest log_id;
    uint64_t set;
};

struct wire_error_reply {
    struct wire_digest log_id;
    uint64_t code;
    uint64_t detail;
};

struct wire_sign {
    struct wire_digest log_id;
    struct wire_digest service_kid;
    struct rotor_bytes input;
};

struct wire_signed {
    struct wire_digest log_id;
    struct rotor_bytes service_key; // COSE_Key, exact bytes
    struct rotor_bytes signature;
};

// ---- encode and decode -----------------------------------------------------

// One per struct above; the name says which.
extern const struct wire_layout WIRE_LAYOUT_HELLO_RTP;
extern const struct wire_layout WIRE_LAYOUT_HELLO_AP;
extern const struct wire_layout WIRE_LAYOUT_HELLO_CORE;
extern const struct wire_layout WIRE_LAYOUT_HELLO_FIN;
extern const struct wire_layout WIRE_LAYOUT_STATUS_MAP;
extern const struct wire_layout WIRE_LAYOUT_GENERATE;
extern const struct wire_layout WIRE_LAYOUT_ROT_AVAILABLE;
extern const struct wire_layout WIRE_LAYOUT_ROT_ACCEPT0;
extern const struct wire_layout WIRE_LAYOUT_ROTATE;
extern const struct wire_layout WIRE_LAYOUT_ROT_PREPARED;
extern const struct wire_layout WIRE_LAYOUT_ROT_COMMIT;
extern const struct wire_layout WIRE_LAYOUT_ROT_DONE;
extern const struct wire_layout WIRE_LAYOUT_RECOVER;
extern const struct wire_layout WIRE_LAYOUT_RECOVER_BODY;
extern const struct wire_layout WIRE_LAYOUT_RECOVER_SIGNED;
extern const struct wire_layout WIRE_LAYOUT_ATTEST_REQ;
extern const struct wire_layout WIRE_LAYOUT_ATTEST_RSP;
extern const struct wire_layout WIRE_LAYOUT_ATTEST_CORE;
extern const struct wire_layout WIRE_LAYOUT_CLAIMS;
extern const struct wire_layout WIRE_LAYOUT_SESSION_FIN;
extern const struct wire_layout WIRE_LAYOUT_SESSION_KEY;
extern const struct wire_layout WIRE_LAYOUT_SESSION_KEYED;
extern const struct wire_layout WIRE_LAYOUT_LOG_GET;
extern const struct wire_layout WIRE_LAYOUT_LOG_ENTRIES;
extern const struct wire_layout WIRE_LAYOUT_HEAD_PROOF;
extern const struct wire_layout WIRE_LAYOUT_HEAD_REPLY;
extern const struct wire_layout WIRE_LAYOUT_STATUS;
extern const struct wire_layout WIRE_LAYOUT_STATUS_REPLY;
extern const struct wire_layout WIRE_LAYOUT_PAIRS_OVER;
extern const struct wire_layout WIRE_LAYOUT_ERROR;
extern const struct wire_layout WIRE_LAYOUT_SIGN;
extern const struct wire_layout WIRE_LAYOUT_SIGNED;

// Decodes `payload` into the struct that belongs to `layout`.
//
// ROTOR_MALFORMED  not deterministic CBOR, wrong type, a key missing, unknown
//                  or out of bounds; `message` is all zero.
ROTOR_CALL wire_message_decode(const struct wire_layout *layout,
                               struct rotor_bytes payload, void *message);

// Encodes `message`; `payload` must not overlap what it points to.
//
// ROTOR_TOO_SMALL  no room.
// ROTOR_INVALID    a field is out of its bounds.
ROTOR_CALL wire_message_encode(const struct wire_layout *layout,
                               const void *message, struct rotor_room *payload);

#endif
