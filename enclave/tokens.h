// SPDX-License-Identifier: Apache-2.0
// How often may the RTP rotate?  doc/PROTOCOL.rot 5.3.
#ifndef ROTOR_ENCLAVE_TOKENS_H
#define ROTOR_ENCLAVE_TOKENS_H

#include "enclave/enclave.h"

#define ENCLAVE_TOKENS_UNLIMITED UINT32_MAX // shown when max_per_day is 0

// A full bucket for a policy, at the AP's running time.
struct enclave_tokens enclave_tokens_full(const struct enclave *enclave,
                                          const struct chain_policy *policy);

// What is left now: tokens that came back in the meantime are counted.
struct enclave_tokens enclave_tokens_now(const struct enclave *enclave);

// Takes the token for a rotation with `reason` out of *tokens, to be written
// by P1.  Reason 4 has one of its own, which waits for nothing.
//
// ROTOR_FORBIDDEN  too soon, or none is left: refused with ERROR rate.
ROTOR_CALL enclave_tokens_spend(struct enclave *enclave, uint64_t reason,
                                struct enclave_tokens *tokens);

// The interval between two RECOVER of one boot.
ROTOR_CALL enclave_tokens_recover(struct enclave *enclave);

#endif
