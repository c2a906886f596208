// SPDX-License-Identifier: Apache-2.0
// An entry from P1 on: sign it, show it, switch to it.  doc/PROTOCOL.rot 7.3.
#ifndef ROTOR_ENCLAVE_ENTRY_H
#define ROTOR_ENCLAVE_ENTRY_H

#include "enclave/serve.h"

enum enclave_place {
    ENCLAVE_CUR = 0,
    ENCLAVE_PENDING = 1,
};

// P2: signs the pending entry unless that was done, makes the signatures
// durable, and lets A go from memory.  P3: the pending entry becomes cur.
//
// Each: begin, enclave_save_step until it does not say ROTOR_AGAIN, then its
// end.
//
// sign_begin: ROTOR_AGAIN when there is nothing to sign any more.
ROTOR_CALL enclave_entry_sign_begin(struct enclave *enclave,
                                    bool in_background);
void enclave_entry_sign_end(struct enclave *enclave, enum rotor_status saved);
ROTOR_CALL enclave_entry_switch_begin(struct enclave *enclave,
                                      bool in_background);
void enclave_entry_switch_end(struct enclave *enclave);

// All of it in one piece: nobody is served meanwhile.
ROTOR_CALL enclave_entry_sign(struct enclave *enclave);
ROTOR_CALL enclave_entry_switch(struct enclave *enclave);

// Encodes an entry with Evidence made now; entry->used is 0 when its
// signatures were lost.
ROTOR_CALL enclave_entry_emit(struct enclave *enclave, enum enclave_place place,
                              struct rotor_room *entry);

// Answers with the pending entry: ROT_AVAILABLE or ROT_PREPARED.
ROTOR_CALL enclave_answer_entry(struct enclave *enclave,
                                const struct enclave_request *request,
                                enum wire_type type,
                                struct enclave_answer *answer);

// Answers with ROT_DONE of cur; accept: to ROT_ACCEPT0.
ROTOR_CALL enclave_answer_done(struct enclave *enclave,
                               const struct enclave_request *request,
                               struct enclave_answer *answer);
ROTOR_CALL enclave_answer_accept(struct enclave *enclave,
                                 const struct enclave_request *request,
                                 struct enclave_answer *answer);

#endif
