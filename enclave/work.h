// SPDX-License-Identifier: Apache-2.0
// Orders, which write, as work in steps: between two of them others are served.
// doc/PROTOCOL.rot 7.5.
#ifndef ROTOR_ENCLAVE_WORK_H
#define ROTOR_ENCLAVE_WORK_H

#include "enclave/serve.h"

// Whether messages of `type` are orders.  While one is worked on others are
// busy.
bool enclave_is_order(uint8_t type);

// Takes the order of `request`; enclave_step goes on.  `has_p1`: P1 is durable
// already.  Otherwise enclave->next, or the candidate, is what to write.
void enclave_work_begin(struct enclave *enclave,
                        const struct enclave_request *request, bool has_p1);

// The next step; *is_done when it was the last and `answer` holds what to send.
//
// Another status than ROTOR_OK and ROTOR_AGAIN: it failed, the work is over.
ROTOR_CALL enclave_work_step(struct enclave *enclave,
                             const struct enclave_request *request,
                             struct enclave_answer *answer, bool *is_done);

#endif
