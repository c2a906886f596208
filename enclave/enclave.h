// SPDX-License-Identifier: Apache-2.0
// The AP: holds the keys of the root of trust and answers frames about them.
//
//     frame ----> enclave_serve ----> reply (one, or none: the frame is
//     dropped)
//                      |
//                      v
//      ops: entropy, store, anchor, clock, evidence
//
// Pure: it knows no queue, no file and no clock but those of its ops.  What it
// may answer in which state on which channel is one table in serve.c; what is
// not in it is refused.  Keys, messages, states: doc/PROTOCOL.rot.
//
// One thread at a time.  Contents of the structs are private; they hold
// secrets, so they belong into locked memory.
#ifndef ROTOR_ENCLAVE_H
#define ROTOR_ENCLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/entry.h"
#include "chain/recovery.h"
#include "chain/schedule.h"
#include "enclave/state.h"
#include "wire/frame.h"
#include "wire/message.h"

// ---- what the platform gives -----------------------------------------------

enum enclave_file {
    ENCLAVE_STATE,
    ENCLAVE_STATE_NEXT,
    ENCLAVE_ATTACH,
    ENCLAVE_RECOVER,
    ENCLAVE_FILES,
};

// n of an anchor whose cell cannot hold one: the state's own counts.
#define ENCLAVE_N_UNKNOWN UINT64_MAX

// One thing that the platform makes durable.
enum enclave_durable_kind {
    ENCLAVE_WRITE,   // store_write
    ENCLAVE_RENAME,  // store_rename
    ENCLAVE_REMOVE,  // store_remove
    ENCLAVE_ADVANCE, // anchor_advance
};

struct enclave_durable {
    enum enclave_durable_kind kind;
    enum enclave_file file;     // WRITE, REMOVE, RENAME: from
    enum enclave_file to;       // RENAME
    struct rotor_bytes content; // WRITE; stays as it is until the end
    uint8_t d[32];              // ADVANCE
};

struct enclave_ops {
    void *context; // passed back unchanged; may be NULL

    // Fills out[0..size), size <= 64, for one secret: fresh, health-tested,
    // conditioned.  ROTOR_AGAIN, ROTOR_PORT_FAILED: no key may be made now.
    enum rotor_status (*entropy)(void *context, uint8_t *out, size_t size);

    // Reads a whole file; content->used is 0 when there is none.
    //
    // ROTOR_TOO_SMALL  larger than the room: it is none of ours.
    enum rotor_status (*store_read)(void *context, enum enclave_file file,
                                    struct rotor_room *content);

    // After ROTOR_OK the file and its name survive a power cut.
    enum rotor_status (*store_write)(void *context, enum enclave_file file,
                                     struct rotor_bytes content);
    enum rotor_status (*store_rename)(void *context, enum enclave_file from,
                                      enum enclave_file to);
    enum rotor_status (*store_remove)(void *context, enum enclave_file file);

    // The cell that names the one valid state: v = SHA-256(v || d), n = n + 1.
    // v is 32 zero bytes and n 0 at first.
    enum rotor_status (*anchor_read)(void *context, uint64_t *n, uint8_t v[32]);
    enum rotor_status (*anchor_advance)(void *context, const uint8_t d[32]);

    // Milliseconds of a clock that never goes back.
    uint64_t (*now_ms)(void *context);

    // The platform's attester: Evidence over UD and claims (a wire_claims map,
    // exact bytes), at most WIRE_EVIDENCE_MAX bytes.
    enum rotor_status (*evidence)(void *context, const uint8_t ud[64],
                                  struct rotor_bytes claims,
                                  struct rotor_room *evidence);

    // Optional, both or neither: begins one durable thing beside the serving
    // thread, and says how it ended.  Never two at once.  Without them
    // enclave_serve waits for the disk.
    //
    // durable_end: ROTOR_AGAIN until it ended.
    enum rotor_status (*durable_begin)(void *context,
                                       const struct enclave_durable *what);
    enum rotor_status (*durable_end)(void *context);

    // Entropy for what passes, nonces and keys of one connection, where the
    // platform asks less for it: so that a device whose roots cannot be made
    // still attests and says why.  NULL: as `entropy`.
    enum rotor_status (*entropy_passing)(void *context, uint8_t *out,
                                         size_t size);
};

// What the platform says of this AP.
struct enclave_identity {
    uint8_t hw_secret[32]; // SECRET
    struct wire_digest measurement;
    uint64_t level;       // claim -70001: 0 process, 1 kvm, ...
    uint64_t anchor_kind; // 0 detect only, 1 TPM, 2 own flash, 3 counter
    uint64_t erasure;     // claim -70003
    uint64_t walls;       // bits of enum wire_wall that are up
    bool was_reset; // the launcher emptied the store: start over from this v
    struct rotor_bytes report; // for people, in STATUS; at most 512 bytes
};

// ---- channels --------------------------------------------------------------

// Which rules hold on the way that a frame came.
enum enclave_way {
    ENCLAVE_WAY_CLOSED = 0, // nothing but HELLO_RTP
    ENCLAVE_WAY_HALF,       // plaintext between HELLO_RTP and HELLO_FIN
    ENCLAVE_WAY_SEALED,     // paired under a log
    ENCLAVE_WAY_BARE,       // paired with an AP that had no log
    ENCLAVE_WAY_EMERGENCY,  // paired to commit what is prepared
    ENCLAVE_WAY_PROGRAM,    // a queue pair of a program: plaintext, never C
};

// One queue pair.  All zero is a control pair without a channel.
struct enclave_pair {
    enum enclave_way way;
    uint32_t channel_id;
    uint64_t next_in;  // sequence
    uint64_t next_out; // sequence
    struct wire_digest log_id;
    struct wire_digest control_kid;
    bool shows_log; // the RTP held a log when it paired
    struct crypto_aead open_in;
    struct crypto_aead seal_out;
    uint8_t iv_in[WIRE_IV_SIZE];  // SECRET
    uint8_t iv_out[WIRE_IV_SIZE]; // SECRET
};

// The pair over which the RTP commands: authenticated by HELLO.
void enclave_pair_init_control(struct enclave_pair *pair);

// The pair of a program; its frames are plaintext and carry `channel_id`.
void enclave_pair_init_program(struct enclave_pair *pair, uint32_t channel_id);

// Forgets the channel and its keys; the other side pairs again.
void enclave_pair_close(struct enclave_pair *pair);

#define ENCLAVE_HALF_OPEN_MAX   64u
#define ENCLAVE_HALF_OPEN_MS    10000u
#define ENCLAVE_HELLOS_A_SECOND 4u
#define ENCLAVE_CHANNEL_FRAMES  (1u << 24) // per direction

// A HELLO that waits for its HELLO_FIN.
struct enclave_half_open {
    bool is_used;
    uint32_t channel_id;
    uint64_t since_ms;
    uint64_t next_in;
    uint64_t next_out;
    uint32_t suite;
    struct wire_digest log_id;
    struct wire_digest control_kid;
    struct wire_digest t2;
    uint8_t sig_s[ENCLAVE_SIG_MAX];
    size_t sig_s_size;
    uint8_t ee[CRYPTO_SHARED_MAX]; // SECRET
    uint8_t es[CRYPTO_SHARED_MAX]; // SECRET
    size_t ee_size;
    size_t es_size; // 0: L zero bytes
    bool is_emergency;
    bool shows_log;
    struct wire_order shown; // the furthest place that the RTP showed
};

// ---- sessions --------------------------------------------------------------

#define ENCLAVE_SESSIONS_MAX 256u // pending; as many confirmed
#define ENCLAVE_SESSION_MS   3600000u

struct enclave_session {
    uint64_t epoch;
    uint64_t since_ms;
    uint64_t owner; // who asked: enclave_session_owner
    uint32_t suite;
    uint32_t mac_size;
    uint8_t mac_r[WIRE_DIGEST_MAX];    // SECRET until it comes
    struct chain_traffic r2a;          // SECRET
    struct chain_traffic a2r;          // SECRET
    uint8_t exporter[WIRE_DIGEST_MAX]; // SECRET
};

// A ring: the oldest makes room.  A sid of zeros is a free place.
struct enclave_sessions {
    uint8_t sids[ENCLAVE_SESSIONS_MAX][WIRE_ID_SIZE];
    struct enclave_session all[ENCLAVE_SESSIONS_MAX];
    size_t next;
};

// ---- work in steps ---------------------------------------------------------

// An order that was taken and is not answered yet.
struct enclave_work {
    struct wire_header header;   // of the frame that gave it; type 0: none did
    size_t step;                 // of the table in work.c
    bool has_more;               // the step goes on: it was one part of it
    struct chain_ra_tally tally; // RECOVER_SIGNED
    bool ends_sessions;
    struct enclave_signatures made; // until they are durable
};

enum enclave_saving_what {
    ENCLAVE_SAVING_NOTHING = 0,
    ENCLAVE_SAVING_NEXT,
    ENCLAVE_SAVING_SIGNATURES,
    ENCLAVE_SAVING_CANDIDATE,
};

// ---- the enclave -----------------------------------------------------------

// Keys of one slot, open in the back end.
struct enclave_keys {
    struct wire_digest body_hash; // of its entry
    struct crypto_key sign;       // S
    struct crypto_key agree;      // K
    struct crypto_key service;    // T
    struct wire_digest sign_kid;
    struct wire_digest service_kid;
    bool has_next_auth;          // made in this boot
    struct chain_auth next_auth; // public halves of A_{e+1}
};

// A write under way: save.c.
struct enclave_saving {
    enum enclave_saving_what what;
    size_t phase;
    bool in_background;
    bool is_out; // begun, and its end was not asked for
    enum rotor_status result;
    uint8_t d[32];
    uint8_t expected[32];     // v behind the advance
    struct enclave_keys keys; // of next.cur, if that changes
    struct enclave_signatures signatures[2];
};

enum enclave_fault {
    ENCLAVE_SOUND = 0,
    ENCLAVE_ROLLED_BACK, // the store is not the one that the anchor names
    ENCLAVE_APPROVED,    // it was not; RA's order ends it with P3
    ENCLAVE_STORE_FAULT, // a write ended in doubt: a restart will tell
};

// Storage for one AP, about 400 KiB.  All zero is dead.
struct enclave {
    bool is_open;
    struct enclave_ops ops;
    struct enclave_identity identity;
    struct enclave_state state; // what the anchor names
    struct enclave_state next;  // being built; zero otherwise
    struct enclave_signatures signatures[2];
    struct enclave_work work;
    struct enclave_saving saving;
    struct enclave_slot candidate; // waits for the recovery authority
    bool has_candidate_file;       // ENCLAVE_RECOVER is there, or may be
    enum enclave_fault fault;

    uint64_t anchor_n;
    uint8_t anchor_v[32];
    bool has_boot_id;
    uint8_t boot_id[WIRE_ID_SIZE];
    uint64_t boot_ms;
    uint64_t boot_running_s; // AP running time at boot
    uint64_t prepared_ms;    // P1 of this boot, or its start
    bool has_recovered;      // a RECOVER in this boot
    uint64_t recovered_ms;
    uint64_t signature_count; // by S in this boot
    uint64_t beside;          // attestations and heads of programs' pairs
    uint64_t pairs_over;      // of programs: bit i that of channel i + 1

    struct enclave_keys keys; // of cur
    struct enclave_keys made; // of the entry made last, until it is current
    struct wire_digest old_service_kid;
    struct chain_policy policy; // of state.policy
    uint8_t seal_mac[32];       // SECRET
    uint8_t seal_enc[32];       // SECRET
    size_t claims_size;
    uint8_t claims[512];

    struct enclave_half_open half_open[ENCLAVE_HALF_OPEN_MAX];
    uint64_t hello_ms[ENCLAVE_HELLOS_A_SECOND];
    size_t hello_next;
    struct enclave_sessions unconfirmed;
    struct enclave_sessions confirmed;

    // Why the message being served is refused: enum wire_error and detail.
    uint64_t refusal;
    uint64_t refusal_detail;

    uint8_t file[ENCLAVE_FILE_MAX];        // SECRET while in use
    uint8_t payload[WIRE_PAYLOAD_MAX];     // SECRET: an unsealed request
    uint8_t entries[2][WIRE_ENTRY_MAX];    // entries on their way out
    uint8_t list[2u * WIRE_ENTRY_MAX + 8]; // of LOG_ENTRIES
    uint8_t evidence[WIRE_EVIDENCE_MAX];
};

// Loads the state that the anchor names; finishes what a power cut left half
// done.  A store that the anchor does not know is no error: the AP is then
// HALTED and says so.  `ops` and what they point to must outlive the enclave.
//
// ROTOR_PORT_FAILED  store or anchor cannot be read; nothing was decided.
ROTOR_CALL enclave_open(struct enclave *enclave, const struct enclave_ops *ops,
                        const struct enclave_identity *identity);

// Answers one frame.  reply->used is 0 when the frame is dropped: of another
// pairing, not authentic, or no frame at all.
//
// ROTOR_TOO_SMALL  reply->capacity < WIRE_FRAME_MAX; the frame was not looked
//                  at.
// ROTOR_INVALID    the enclave is not open.
ROTOR_CALL enclave_serve(struct enclave *enclave, struct enclave_pair *pair,
                         struct rotor_bytes frame, struct rotor_room *reply);

// Whether an order is being worked on.  enclave_serve leaves it unanswered
// where ops.durable_begin is there.
bool enclave_has_work(const struct enclave *enclave);

// The next step of that work: bounded like one attestation.  Between two steps
// frames of every pair may be served; other orders are refused as busy.  `pair`
// is the one that gave the order; reply->used is not 0 when the answer to it is
// made.
//
// ROTOR_AGAIN      the disk is not done; the same call later goes on.
// ROTOR_TOO_SMALL  as for serve.
// ROTOR_INVALID    there is no work.
ROTOR_CALL enclave_step(struct enclave *enclave, struct enclave_pair *pair,
                        struct rotor_room *reply);

// The durable state as STATUS shows it.
enum wire_state enclave_state_code(const struct enclave *enclave);

// Whether only a restart helps: a write to store or anchor ended in doubt.
bool enclave_must_restart(const struct enclave *enclave);

// The pairs of programs that the RTP took back, bit i that of channel i + 1:
// the caller closes them and serves them no more.
uint64_t enclave_pairs_over(const struct enclave *enclave);

// Replaces the text for people in STATUS; a view that must outlive its use.
void enclave_report(struct enclave *enclave, struct rotor_bytes report);

// The machine was copied or slept: nothing half open, no session survives.
// The caller closes its pairs and reseeds.
void enclave_resume(struct enclave *enclave);

// Erases every secret and closes every key.  Safe twice.
void enclave_wipe(struct enclave *enclave);

#endif
