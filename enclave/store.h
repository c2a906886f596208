// SPDX-License-Identifier: Apache-2.0
// The files of the AP and the anchor that names the one valid state:
// doc/PROTOCOL.rot 7.1 and 7.2.
#ifndef ROTOR_ENCLAVE_STORE_H
#define ROTOR_ENCLAVE_STORE_H

#include "enclave/enclave.h"
#include "enclave/seal.h"

// Reads what the anchor names.  enclave->fault says when nothing is.
//
// ROTOR_PORT_FAILED  store or anchor cannot be read.
ROTOR_CALL enclave_store_load(struct enclave *enclave);

// Reads anew what is cached of the state: the policy, the kid of the old T.
ROTOR_CALL enclave_store_settle(struct enclave *enclave);

// ---- a file on its way out -------------------------------------------------

// Room for the plain content of a file, inside enclave->file.
struct rotor_room enclave_store_plain(struct enclave *enclave);

// Seals what lies in enclave_store_plain in place: enclave->file is then the
// file.
ROTOR_CALL enclave_store_seal(struct enclave *enclave,
                              enum enclave_seal_kind kind, uint32_t suite,
                              const struct rotor_room *plain,
                              struct rotor_bytes *file);

// The suite whose AEAD seals that state.
uint32_t enclave_store_suite(const struct enclave_state *state);

// Whether the anchor names a number only.
bool enclave_anchor_counts(const struct enclave *enclave);

// next = SHA-256(v || d), d = SHA-256(core).
ROTOR_CALL enclave_anchor_follow(const uint8_t v[32], struct rotor_bytes core,
                                 uint8_t d[32], uint8_t next[32]);

// ---- data key --------------------------------------------------------------

// The data key under the D of `slot`.
ROTOR_CALL enclave_data_key_seal(const struct enclave *enclave,
                                 const uint8_t key[ENCLAVE_SECRET],
                                 const struct enclave_slot *slot,
                                 struct enclave_state *state);
ROTOR_CALL enclave_data_key_unseal(const struct enclave *enclave,
                                   const struct enclave_slot *slot,
                                   const struct enclave_state *state,
                                   uint8_t key[ENCLAVE_SECRET]);

// ---- the core as bytes, state.c --------------------------------------------

ROTOR_CALL enclave_state_encode(const struct enclave_state *state,
                                struct rotor_room *core);

// ROTOR_MALFORMED  not a core; `state` is wiped.
ROTOR_CALL enclave_state_decode(struct rotor_bytes core,
                                struct enclave_state *state);

ROTOR_CALL enclave_slot_encode(const struct enclave_slot *slot,
                               struct rotor_room *bytes);
ROTOR_CALL enclave_slot_decode(struct rotor_bytes bytes,
                               struct enclave_slot *slot);

#define ENCLAVE_SIGNATURES_COUNT 2u // of cur and of the pending entry

ROTOR_CALL enclave_signatures_encode(const struct enclave_signatures *all,
                                     struct rotor_room *bytes);
ROTOR_CALL enclave_signatures_decode(struct rotor_bytes bytes,
                                     struct enclave_signatures *all);

#endif
