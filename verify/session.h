// SPDX-License-Identifier: Apache-2.0
// The requester's end of a session: from an accepted answer of purpose 6 to
// keys that both ends confirmed.  doc/PROTOCOL.chain 7.2.
#ifndef ROTOR_VERIFY_SESSION_H
#define ROTOR_VERIFY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/schedule.h"
#include "chain/trust.h"
#include "verify/attest.h"

// Contents are SECRET.
struct verify_session {
    uint32_t suite;
    uint8_t sid[WIRE_ID_SIZE];
    struct wire_head head;          // the RoT that it hangs on
    struct chain_session_keys keys; // records: chain/record.h
};

// Derives the keys from `ephemeral`, the private half of the request's e_r,
// checks mac_a and writes the payload of SESSION_FIN.  *confirmed is false
// unless mac_a verifies; `session` and `fin` are then unchanged and empty.
// The caller closes `ephemeral` right after and wipes `session` in the end.
//
// ROTOR_FORBIDDEN  `answer` was not accepted, or is not of purpose 6.
// ROTOR_MALFORMED  e_a is not a point.
ROTOR_CALL verify_session_confirm(const struct verify_answer *answer,
                                  const struct crypto_key *ephemeral,
                                  struct verify_session *session,
                                  struct rotor_room *fin, bool *confirmed);

void verify_session_wipe(struct verify_session *session);

#endif
