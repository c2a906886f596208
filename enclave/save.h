// SPDX-License-Identifier: Apache-2.0
// What has to be durable before the AP goes on, in steps: each waits for one
// write, rename or advance, and while the disk works others are served.
//
//     begin -> step -> step -> ... -> step
//              AGAIN   AGAIN          OK, or why not
//
// doc/PROTOCOL.rot 7.1.
#ifndef ROTOR_ENCLAVE_SAVE_H
#define ROTOR_ENCLAVE_SAVE_H

#include "enclave/enclave.h"

// Begins to make enclave->next what the anchor names.  `in_background`: by
// ops.durable_begin, where there is one.
//
// Another status than ROTOR_OK: nothing was begun, enclave->next is wiped.
ROTOR_CALL enclave_save_next(struct enclave *enclave, bool in_background);

// Begins to write the signatures of cur, and `made` as those of the pending
// entry.
ROTOR_CALL enclave_save_signatures(struct enclave *enclave,
                                   const struct enclave_signatures *made,
                                   bool in_background);

// Begins to write enclave->candidate, by ops.durable_begin where there is one.
ROTOR_CALL enclave_save_candidate(struct enclave *enclave);

// Goes on with what was begun.  After save_next and OK the new state is
// adopted: state, keys, policy, claims; enclave->next is wiped.
//
// ROTOR_AGAIN      one step further, or the disk is not done yet.
// ROTOR_FORBIDDEN  not written, or in doubt: the refusal is set, and in doubt
//                  the fault too.
ROTOR_CALL enclave_save_step(struct enclave *enclave);

// All steps of what was begun: nobody is served meanwhile.
ROTOR_CALL enclave_save_all(struct enclave *enclave);

#endif
