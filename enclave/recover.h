// SPDX-License-Identifier: Apache-2.0
// Recovery by RA: doc/PROTOCOL.rot 6.5.
#ifndef ROTOR_ENCLAVE_RECOVER_H
#define ROTOR_ENCLAVE_RECOVER_H

#include "enclave/serve.h"

// Signs and switches in one piece: the state is REC, and nobody is served yet.
ROTOR_CALL enclave_recover_finish(struct enclave *enclave);

// Steps of RECOVER_SIGNED on what enclave->next holds.  k of the set that the
// AP holds, and k' of the one that comes: a signature a call, work->has_more
// while there are others.  Then, when P1 is durable, what follows from it.
ROTOR_CALL enclave_recover_check_held(struct enclave *enclave);
ROTOR_CALL enclave_recover_check_new(struct enclave *enclave);
void enclave_recover_approved(struct enclave *enclave);

// Answers with the body of the candidate.
ROTOR_CALL enclave_answer_body(struct enclave *enclave,
                               const struct enclave_request *request,
                               struct enclave_answer *answer);

void enclave_candidate_forget(struct enclave *enclave);

// Whether the file of a candidate that was overtaken has to go.
bool enclave_candidate_is_over(const struct enclave *enclave);

// Forgets a candidate that was overtaken, and removes its file: after a start
// and after each switch.
void enclave_candidate_settle(struct enclave *enclave);

#endif
