// SPDX-License-Identifier: Apache-2.0
// The body of an entry that the AP makes.  For bundle.c.
#ifndef ROTOR_ENCLAVE_BODY_H
#define ROTOR_ENCLAVE_BODY_H

#include "enclave/bundle.h"

// What a generation made, public halves beside the slot.
struct enclave_made {
    struct enclave_slot *slot;
    struct wire_key sign;
    struct wire_key agree;
    struct chain_auth auth; // revealed; kind 1 and 4
    struct chain_auth next_auth;
    struct wire_digest next_commit; // to next_auth; empty: close
};

// Writes slot->body and settles the slot.
ROTOR_CALL enclave_body_make(const struct enclave *enclave,
                             const struct enclave_order *order,
                             const struct enclave_made *made);

#endif
