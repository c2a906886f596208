// SPDX-License-Identifier: Apache-2.0
// The keys of one entry and its body: doc/PROTOCOL.rot 2 and 6.
#ifndef ROTOR_ENCLAVE_BUNDLE_H
#define ROTOR_ENCLAVE_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/sign.h"
#include "enclave/enclave.h"

// Who asked for an entry, and what it is to say.
struct enclave_order {
    enum chain_kind kind;
    struct wire_order place;
    uint32_t suite;
    uint32_t reason;
    uint32_t seed_src;
    struct rotor_bytes seed; // SECRET
    uint64_t from_epoch;
    bool has_distrust_from;
    uint64_t distrust_from;
    struct rotor_bytes policy;
    struct wire_digest log_id; // empty: genesis
    struct wire_digest prev;
    struct wire_head supersedes;       // kind 2 and 3
    const struct enclave_slot *parent; // the entry of `prev`; NULL: not held
    uint8_t request_id[WIRE_ID_SIZE];
    uint64_t n; // body key 13
};

// Draws, derives and writes down: keys, sealed A_{e+1} and body of `slot`.
// Kind 1 and 4 reveal the parent's A, which moves into the slot.  On failure
// `slot` is wiped and enclave->refusal says why.
ROTOR_CALL enclave_bundle_make(struct enclave *enclave,
                               const struct enclave_order *order,
                               struct enclave_slot *slot);

// Reads enclave_slot.facts anew from the body.
//
// ROTOR_MALFORMED  not a body.
ROTOR_CALL enclave_slot_settle(struct enclave_slot *slot);

// A rotation key in the clear.  SECRET.
struct enclave_auth {
    uint32_t suite; // of the entry that committed to it
    struct chain_ots ots;
    struct crypto_key sign;
};

// Unseals a rotation key; closed by enclave_auth_close, also after a failure.
//
// ROTOR_CORRUPT  there is none, or not by this AP's seal.
ROTOR_CALL enclave_auth_open(const struct enclave *enclave,
                             const struct enclave_sealed_auth *sealed,
                             struct enclave_auth *auth);
void enclave_auth_close(struct enclave_auth *auth);

ROTOR_CALL enclave_auth_public(const struct enclave_auth *auth,
                               struct chain_auth *public_pair);

// Opens S, K and T of a slot.  `keys` is all zero on failure.
ROTOR_CALL enclave_keys_open(const struct enclave_slot *slot,
                             struct enclave_keys *keys);
// Those that are open since the entry was made, or opens them.
ROTOR_CALL enclave_keys_take(struct enclave *enclave,
                             const struct enclave_slot *slot,
                             struct enclave_keys *keys);
bool enclave_keys_are_of(const struct enclave_keys *keys,
                         const struct enclave_slot *slot);
// Key ids and hash of keys that are open.
ROTOR_CALL enclave_keys_name(const struct enclave_slot *slot,
                             struct enclave_keys *keys);
void enclave_keys_close(struct enclave_keys *keys);

// One private key out of the state.
ROTOR_CALL enclave_secret_open(const struct enclave_secret *secret,
                               enum crypto_scheme scheme,
                               struct crypto_key *key);

#endif
