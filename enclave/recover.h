// SPDX-License-Identifier: Apache-2.0
// Recovery by RA: doc/PROTOCOL.rot 6.5.
#ifndef ROTOR_ENCLAVE_RECOVER_H
#define ROTOR_ENCLAVE_RECOVER_H

#include "enclave/enclave.h"

// Signs and switches: the state is REC.
ROTOR_CALL enclave_recover_finish(struct enclave *enclave);

// Forgets a candidate that was overtaken, and removes its file: after a start
// and after each switch.
void enclave_candidate_settle(struct enclave *enclave);

#endif
