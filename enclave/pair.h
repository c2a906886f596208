// SPDX-License-Identifier: Apache-2.0
// Which channel does a frame belong to, and is it the next one there?
#ifndef ROTOR_ENCLAVE_PAIR_H
#define ROTOR_ENCLAVE_PAIR_H

#include "enclave/serve.h"

// Finds the channel of request->frame, authenticates and counts it: header,
// payload and route are then set.  False: the frame is dropped.  A gap in the
// sequence ends the channel.
bool enclave_pair_admit(struct enclave *enclave, struct enclave_pair *pair,
                        struct enclave_request *request);

// The route of a frame that came by `pair` earlier.  False: that channel is
// closed by now.
bool enclave_pair_route(struct enclave_pair *pair,
                        struct enclave_request *request);

// Forgets every unfinished HELLO.
void enclave_half_open_wipe(struct enclave *enclave);

// Whether a plaintext request comes too soon behind the last ones; counts it
// when it does not.
bool enclave_is_flooded(struct enclave *enclave);

#endif
