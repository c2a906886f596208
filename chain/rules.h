// SPDX-License-Identifier: Apache-2.0
// May this entry follow?  The rule of one step, in the order of the text.
//
// Whoever keeps a chain calls this: RTP, relying party, a tool over a file.
// Nothing is kept here: the caller makes *next durable (rule 12: write,
// fsync, rename, fsync the directory), then adds the body to its seen set
// (chain_seen_add_body), then uses it.  doc/PROTOCOL.chain 3.
#ifndef ROTOR_CHAIN_RULES_H
#define ROTOR_CHAIN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/entry.h"
#include "chain/hash.h"
#include "chain/trust.h"
#include "chain/verdict.h"

// What rule 11 asks: does `evidence` prove that the AP holds this body?
struct chain_evidence_question {
    struct chain_report report; // purpose, log_id, head
    uint8_t ud[CHAIN_UD_SIZE];  // of report
    const struct chain_body *body;
    struct rotor_bytes evidence; // empty: the entry has none
};

// What rules 6, 7 and 8 ask: is this a signature of `key` over the body?
struct chain_signature_question {
    const struct wire_key *key; // stored: it says the algorithm
    struct rotor_bytes context; // of the signature
    struct rotor_bytes body;
    struct rotor_bytes sign1;
};

// The answer.  What is no signature, or is one of a key that signs nothing, is
// not valid.
ROTOR_CALL
chain_signature_check(const struct chain_signature_question *question,
                      bool *valid);

// What the party knows and decides.  A status other than OK ends the call; the
// verdict is then a rejection.
struct chain_ports {
    void *context;

    // Rule 9: was this key or commitment in any entry before?
    enum rotor_status (*has_seen)(void *context,
                                  const struct chain_fingerprint *fingerprint,
                                  bool *seen);

    // Rule 11.  *ok starts false; *why are words when it stays so.  An RP whose
    // policy needs no Evidence says so by setting *ok itself.
    enum rotor_status (*check_evidence)(
        void *context, const struct chain_evidence_question *question, bool *ok,
        const char **why);

    // Recovery only: the party's own live chain (not void entries) at `head`.
    // *found starts false.  NULL: only the head itself can be superseded.
    enum rotor_status (*find)(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found);

    // Recovery only, remote parties: for how long this party has known the
    // body.  NULL: the party does not wait (the RTP).
    enum rotor_status (*held_s)(void *context,
                                const struct wire_digest *body_hash,
                                uint64_t *seconds);

    uint32_t hold_down_s; // the party's own; the longer one of two counts

    // In place of chain_signature_check, whose answer it must give: for a party
    // that has checked ahead.  *valid starts false.  NULL: nothing was.
    enum rotor_status (*check_signature)(
        void *context, const struct chain_signature_question *question,
        bool *valid);
};

// What a party expects of a log's first entry.  Empty members are not asked.
struct chain_expected {
    struct wire_digest log_id;       // a pinned one
    struct rotor_bytes policy_bytes; // the RTP's own: also C kid and RA digest
    struct wire_digest request_hash;
};

// `next` changes only when the verdict is CHAIN_ACCEPTED.
//
// ROTOR_INVALID  a port is missing, or `trust` is empty.
ROTOR_CALL chain_accept_next(const struct chain_trust *trust,
                             struct rotor_bytes entry,
                             const struct chain_ports *ports,
                             struct chain_verdict *verdict,
                             struct chain_trust *next);

ROTOR_CALL chain_accept_genesis(const struct chain_expected *expected,
                                struct rotor_bytes entry,
                                const struct chain_ports *ports,
                                struct chain_verdict *verdict,
                                struct chain_trust *first);

// By the entry's kind: the rule of one step, or that of recovery.  For a party
// that catches up; it takes entries in the order that LOG_ENTRIES has.
ROTOR_CALL chain_accept(const struct chain_trust *trust,
                        struct rotor_bytes entry,
                        const struct chain_ports *ports,
                        struct chain_verdict *verdict,
                        struct chain_trust *next);

// A has_seen port over a set: context is a struct chain_seen.
ROTOR_CALL chain_seen_port(void *seen,
                           const struct chain_fingerprint *fingerprint,
                           bool *has_seen);

#endif
