// SPDX-License-Identifier: Apache-2.0
// The hashes and signed payloads of the chain by name.  doc/PROTOCOL.chain 2.
//
// kid is wire_key_id; signature contexts are WIRE_CONTEXT_... in wire/cose.h.
#ifndef ROTOR_CHAIN_HASH_H
#define ROTOR_CHAIN_HASH_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/entry.h"
#include "wire/cose.h"
#include "wire/message.h"

// body_hash = H("rotor1 entry" || 0 || body); H of the entry's suite.
ROTOR_CALL chain_hash_body(enum crypto_hash alg, struct rotor_bytes body,
                           struct wire_digest *digest);

// next_commit = H("rotor1 next-auth" || 0 || dCBOR[LM-OTS key, S key]).
ROTOR_CALL chain_hash_auth(enum crypto_hash alg, const struct chain_auth *auth,
                           struct wire_digest *digest);

// RA digest = H(exact bytes of a ra-set).
ROTOR_CALL chain_hash_ra_set(enum crypto_hash alg, struct rotor_bytes ra_set,
                             struct wire_digest *digest);

// What asked for a key.  Genesis: from_epoch 0, reason 0.  Recovery: the
// superseded epoch, reason 8.
struct chain_request {
    uint8_t id[WIRE_ID_SIZE];
    uint64_t from_epoch;
    uint32_t suite; // also says which H
    uint32_t seed_src;
    uint32_t reason;
    uint64_t distrust_from; // 0 unless reason is 4
};

// ROTOR_INVALID  the suite is not known.
ROTOR_CALL chain_hash_request(const struct chain_request *request,
                              struct wire_digest *digest);

// ---- what Evidence is bound to ---------------------------------------------

#define CHAIN_UD_SIZE 64u // bytes

struct chain_report {
    enum wire_purpose purpose;
    struct wire_digest log_id;
    struct wire_head head;
    struct rotor_bytes nonce; // of the verifier, or empty
    struct rotor_bytes bind;  // raw bytes of T1 or TH1, or empty
};

// UD = SHA-512("rotor1 report" || 0 || dCBOR[purpose, log_id, epoch,
// body_hash, nonce, bind]).
ROTOR_CALL chain_ud(const struct chain_report *report,
                    uint8_t ud[CHAIN_UD_SIZE]);

// The report of an entry: purpose 2, 3 or 4, by its kind.
ROTOR_CALL chain_report_of(const struct chain_body *body,
                           struct chain_report *report);

// ---- payloads of short statements ------------------------------------------

#define CHAIN_STATEMENT_MAX 256u // bytes

struct chain_done {
    struct wire_head head;
    uint64_t n;
    uint8_t request_id[WIRE_ID_SIZE];
    uint32_t channel_id;
};

// Payload under "rotor1 done": dCBOR[epoch, body_hash, n, request id,
// channel id].
ROTOR_CALL chain_done_encode(const struct chain_done *done,
                             struct rotor_room *payload);

struct chain_head {
    struct wire_digest log_id;
    struct wire_head head;
    uint64_t n;
    struct rotor_bytes nonce; // WIRE_NONCE_SIZE
};

// Payload under "rotor1 head": dCBOR[log_id, epoch, body_hash, n, nonce].
ROTOR_CALL chain_head_encode(const struct chain_head *head,
                             struct rotor_room *payload);

#endif
