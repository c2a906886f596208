// SPDX-License-Identifier: Apache-2.0
// The files of the AP and the anchor that names the one valid state:
// doc/PROTOCOL.rot 7.1 and 7.2.
#ifndef ROTOR_ENCLAVE_STORE_H
#define ROTOR_ENCLAVE_STORE_H

#include "enclave/enclave.h"

// Reads what the anchor names.  enclave->fault says when nothing is.
//
// ROTOR_PORT_FAILED  store or anchor cannot be read.
ROTOR_CALL enclave_store_load(struct enclave *enclave);

// Makes enclave->next what the anchor names, by an anchored write, and adopts
// it: state, keys, policy, claims.  enclave->next is wiped in any case.
//
// ROTOR_FORBIDDEN  not written, or in doubt: the refusal is set, and in doubt
//                  the fault too.
ROTOR_CALL enclave_store_next(struct enclave *enclave);

// Writes the signatures of cur and of the pending entry.
ROTOR_CALL enclave_store_signatures(struct enclave *enclave);

// Writes enclave->candidate.
ROTOR_CALL enclave_store_candidate(struct enclave *enclave);

// Reads anew what is cached of the state: the policy, the kid of the old T.
ROTOR_CALL enclave_store_settle(struct enclave *enclave);

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
