// SPDX-License-Identifier: Apache-2.0
// A world for the enclave: a platform that can lose power at any step, and a
// peer that plays the RTP by the text of doc/PROTOCOL.rot.
#ifndef ROTOR_TEST_SPEC_ENCLAVE_WORLD_H
#define ROTOR_TEST_SPEC_ENCLAVE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "chain/entry.h"
#include "chain/hash.h"
#include "chain/recovery.h"
#include "chain/rules.h"
#include "chain/schedule.h"
#include "chain/sign.h"
#include "chain/trust.h"
#include "crypto/suite.h"
#include "enclave/enclave.h"
#include "test/spec.h"
#include "wire/frame.h"
#include "wire/message.h"

// ---- platform --------------------------------------------------------------

enum fault_mode {
    FAULT_NONE = 0,
    FAULT_KILL_BEFORE, // power goes before the step
    FAULT_KILL_AFTER,  // right behind it
    FAULT_TEAR,        // in the middle of a write: `tear` bytes are new
    FAULT_REFUSE,      // the step fails and changes nothing; life goes on
    FAULT_DOUBT,       // the step is done and reported as failed
};

struct file {
    bool exists;
    size_t size;
    uint8_t bytes[ENCLAVE_FILE_MAX];
};

struct platform {
    struct file files[ENCLAVE_FILES];
    uint64_t n;
    uint8_t v[32];
    bool hides_n;
    uint64_t now_ms;

    // A cell elsewhere instead of n and v; it holds no number.
    void *cell;
    enum rotor_status (*cell_read)(void *cell, uint8_t v[32]);
    enum rotor_status (*cell_advance)(void *cell, const uint8_t d[32]);

    unsigned steps; // durable steps so far: write, rename, remove, advance
    unsigned fault_at;
    enum fault_mode fault;
    size_t tear;
    bool is_dead; // power is gone: nothing works until the next start

    bool refuses_attach;
    bool refuses_anchor_read;
    bool lies_after_advance; // the read-back differs
    bool loses_count;        // n stays while v moves
    bool has_no_entropy;
    uint64_t draws;
    struct {
        size_t size;
        uint8_t bytes[64];
    } drawn[64]; // the last ones, a ring
    unsigned evidence_count;

    // Where durable things are done beside the serving thread.
    struct enclave_durable out;
    bool is_out;
    unsigned polls; // durable_end so far for what is out
};

// Worlds that start from now on write beside the serving thread; each thing
// takes `world_lag` looks before it is done.
extern bool world_writes_beside;
extern unsigned world_lag;

// ---- the world -------------------------------------------------------------

struct world {
    struct platform platform;
    struct enclave enclave;
    struct enclave_identity identity;
};

void world_init(struct world *world);

// Starts the enclave anew, as after a kill: memory is lost, files stay.
void world_start(struct world *world);
enum rotor_status world_try_start(struct world *world);
void world_close(struct world *world);

// ---- the peer --------------------------------------------------------------

struct peer {
    struct world *world;
    struct enclave_pair pair;
    enum { PEER_CLOSED, PEER_PLAIN, PEER_SEALED } mode;
    uint32_t channel_id;
    uint64_t next_out;
    uint64_t next_in;
    struct wire_digest log_id;
    struct crypto_aead seal_out;
    struct crypto_aead open_in;
    uint8_t iv_out[WIRE_IV_SIZE];
    uint8_t iv_in[WIRE_IV_SIZE];

    struct crypto_key control;
    struct wire_key control_key;
    struct wire_digest control_kid;
    uint32_t suite; // offered first
    bool shows_cur;
    bool shows_pend;
    struct wire_head cur;
    struct wire_head pend;
    struct wire_order floor;
    struct wire_key sign_key; // S that HELLO_AP must be signed by

    uint64_t id_count;
    uint8_t request_id[WIRE_ID_SIZE]; // of the last request
    bool keeps_id;                    // the next request repeats it
    bool only_gives;                  // the next order is left to peer_step
    size_t flip_at; // a byte of the next payload to change, for fuzzing
    uint8_t flip;   // by this
    struct wire_status status;     // of the last STATUS or HELLO_AP
    struct wire_header header;     // of the last reply
    uint8_t frame[WIRE_FRAME_MAX]; // last request
    size_t frame_size;
    uint8_t reply[WIRE_FRAME_MAX];
    size_t reply_size;
    struct rotor_bytes payload; // of the last reply, opened in place
};

void peer_init(struct peer *peer, struct world *world);
void peer_init_program(struct peer *peer, struct world *world);
void peer_close(struct peer *peer);

// Sends payload as it is and opens the reply: its type, or WIRE_NONE.
enum wire_type peer_send(struct peer *peer, uint8_t type,
                         struct rotor_bytes payload);

// The same, but stops where the enclave leaves the rest to enclave_step.
enum wire_type peer_give(struct peer *peer, uint8_t type,
                         struct rotor_bytes payload);

// Its two halves, for a way of its own: the request into peer->frame; what lies
// in peer->reply opened, its type or WIRE_NONE.
void peer_make(struct peer *peer, uint8_t type, struct rotor_bytes payload);
enum wire_type peer_take(struct peer *peer, const struct rotor_room *reply);

// One step of what it left: the answer's type, or WIRE_NONE.
enum wire_type peer_step(struct peer *peer);

// Encodes `message` under the channel's log_id, which is its first member.
enum wire_type peer_ask(struct peer *peer, uint8_t type,
                        const struct wire_layout *layout, void *message);

// HELLO_RTP alone, FIN alone, and both.  False: refused or dropped.
bool peer_hello(struct peer *peer);
bool peer_fin(struct peer *peer);
bool peer_pair(struct peer *peer);

// Code of the ERROR that came last; 0: it was none.
uint64_t peer_error(const struct peer *peer);
uint64_t peer_error_detail(const struct peer *peer);

void peer_decode(const struct peer *peer, const struct wire_layout *layout,
                 void *message);

// ---- orders with usual content ---------------------------------------------

struct asks {
    uint32_t suite;
    uint32_t min_interval_s;
    uint32_t max_per_day;
    uint32_t grace_s;
};
extern const struct asks USUAL; // suite 2, no limits

void make_policy(const struct peer *peer, const struct asks *asks,
                 struct rotor_room *policy);
enum wire_type ask_generate(struct peer *peer, const struct asks *asks);
enum wire_type ask_accept0(struct peer *peer, const struct wire_digest *hash);
enum wire_type ask_rotate(struct peer *peer, uint64_t from, uint64_t reason);
enum wire_type ask_rotate_as(struct peer *peer, struct wire_rotate *order);
enum wire_type ask_commit(struct peer *peer, uint64_t epoch,
                          const struct wire_digest *hash);
enum wire_type ask_attest(struct peer *peer, uint64_t purpose);
enum wire_type ask_status(struct peer *peer);
enum wire_type ask_log(struct peer *peer, uint32_t incarnation, uint64_t from);

// The entry of ROT_AVAILABLE or ROT_PREPARED.
void peer_entry(const struct peer *peer, struct chain_entry *entry);

// The entry accepted by the rules of chain/; Evidence by its UD.
bool entry_follows(const struct chain_trust *trust, struct rotor_bytes entry,
                   struct chain_trust *next);
bool evidence_is_for(struct rotor_bytes evidence, const uint8_t ud[64]);

// The recovery authority: 2 of 3.
struct authority {
    struct chain_ra_set set;
    uint8_t set_bytes[1024];
    struct rotor_room set_room;
    struct crypto_key keys[3];
};
void authority_init(struct authority *authority, uint8_t byte);
void authority_close(struct authority *authority);

struct recovery {
    uint64_t kind;
    uint64_t incarnation;
    uint64_t epoch;
    struct wire_head supersedes;
    struct wire_digest log_id;
    uint64_t with_old;
    struct asks asks;
    struct authority *authority; // that will rule
};
enum wire_type ask_recover(struct peer *peer, const struct recovery *order);

// Signs the body of RECOVER_BODY with `count` keys of `by`; `sets` in order.
enum wire_type ask_recover_signed(struct peer *peer, struct rotor_bytes body,
                                  struct authority *by, size_t count);

// From nothing to cur 0, paired under S_0; `trust` is entry 0.
void world_at_cur(struct world *world, struct peer *peer,
                  const struct asks *asks, struct chain_trust *trust);

// The same on a platform that was made already.
void world_to_cur(struct world *world, struct peer *peer,
                  const struct asks *asks, struct chain_trust *trust);

// One rotation to the end; trust moves on.
void world_rotate(struct peer *peer, uint64_t reason,
                  struct chain_trust *trust);

#endif
