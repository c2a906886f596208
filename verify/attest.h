// SPDX-License-Identifier: Apache-2.0
// A relying party's whole judgement of an answer to its challenge.
//
// The party made the request itself, with a fresh nonce that it uses once,
// and holds a verified head (chain/trust.h).  doc/PROTOCOL.chain 7.
#ifndef ROTOR_VERIFY_ATTEST_H
#define ROTOR_VERIFY_ATTEST_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/trust.h"
#include "chain/verdict.h"
#include "verify/evidence.h"
#include "wire/message.h"

// The answer names a head that `trust` is not: fetch the log from there, take
// it by chain_accept, then judge the same answer again.  Still unknown after
// that: a rejection.
#define VERIFY_UNKNOWN_HEAD 0x3ca5965au

struct verify_question {
    const struct chain_trust *trust;
    const struct verify_reference *reference;
    struct rotor_bytes request;  // payload of ATTEST_REQ, exact bytes
    struct rotor_bytes response; // payload of ATTEST_RSP, exact bytes
};

// Views are into request and response; `trust` is the question's own.
struct verify_answer {
    uint32_t outcome; // CHAIN_ACCEPTED, CHAIN_REJECTED, VERIFY_UNKNOWN_HEAD
    const char *reason;
    const struct chain_trust *trust; // that it was judged by
    struct wire_attest_req request;
    struct wire_attest_rsp response;
    struct wire_attest_core core;
    struct wire_digest th1;
    struct wire_digest th2;
    struct wire_claims claims; // signed by S
    bool has_evidence;         // record counts only then
    struct verify_record record;
};

// Purpose 7, and a request that wants Evidence, are never accepted without.
// Purpose 6: accepted means the AP may be talked to; the session is confirmed
// by verify_session_confirm.
//
// ROTOR_INVALID  `request` is not a request, or `trust` is empty.
ROTOR_CALL verify_attest(const struct verify_question *question,
                         struct verify_answer *answer);

bool verify_answer_is_accepted(const struct verify_answer *answer);

// May a party that holds `newer` since `since_s` (its own clock) still accept
// answers under `older`, its predecessor?  Only for a routine reason and
// within the grace of the policy.
bool verify_has_grace(const struct chain_trust *newer,
                      const struct chain_trust *older, uint64_t since_s);

// Is what was signed under `epoch` void by what `trust` says (reason 4)?
bool verify_is_distrusted(const struct chain_trust *trust, uint64_t epoch);

#endif
