// SPDX-License-Identifier: Apache-2.0
// Sessions by sid: those that wait for SESSION_FIN, and those confirmed.
#ifndef ROTOR_ENCLAVE_SESSION_H
#define ROTOR_ENCLAVE_SESSION_H

#include "enclave/enclave.h"

// Who asks by this pair: a program, or the RTP on whatever channel it paired.
uint64_t enclave_session_owner(const struct enclave_pair *pair);

// The session of `sid` that `owner` asked for and that has not expired; NULL:
// there is none.
struct enclave_session *enclave_session_find(struct enclave_sessions *sessions,
                                             uint64_t owner, const uint8_t *sid,
                                             uint64_t now_ms);

// A place for `sid`: the one that has it, or the oldest, which is lost.
struct enclave_session *enclave_session_place(struct enclave_sessions *sessions,
                                              const uint8_t *sid);

// Whether any pair holds a session of `sid`.
bool enclave_session_is_known(const struct enclave_sessions *sessions,
                              const uint8_t *sid);

// Moves a confirmed session; its old place is wiped.
void enclave_session_confirm(struct enclave *enclave, const uint8_t *sid);

#endif
