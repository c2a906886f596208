// SPDX-License-Identifier: Apache-2.0
// ROTATE and ROT_COMMIT as work in steps: between two of them others are
// served.  doc/PROTOCOL.rot 7.5.
#ifndef ROTOR_ENCLAVE_WORK_H
#define ROTOR_ENCLAVE_WORK_H

#include "enclave/serve.h"

// Takes the order of `request`; enclave_step goes on.  `is_made`: of a ROTATE,
// that enclave->next holds what P1 has to write.
void enclave_work_begin(struct enclave *enclave,
                        const struct enclave_request *request,
                        enum enclave_work_kind kind, bool is_made);

// The next step; *is_done when `answer` holds what to send.
//
// Another status than ROTOR_OK and ROTOR_AGAIN: it failed, the work is over.
ROTOR_CALL enclave_work_step(struct enclave *enclave,
                             const struct enclave_request *request,
                             struct enclave_answer *answer, bool *is_done);

#endif
