// SPDX-License-Identifier: Apache-2.0
// A long log, read and checked ahead on all processors, judged in order.
//
// Signatures and Evidence are functions of an entry and of the key before it,
// so they may be checked in any order.  Threads do that for entries that were
// read and are not judged yet; the judge asks for the answers.  What was not
// checked ahead, or under another key than the judge holds, is checked then:
// a verdict is never another one than without threads.
//
//     read --> FILLED --> checked by a thread --> CHECKED --> judged --> free
//
// Memory is a fixed number of blocks.  All functions belong to one thread.
#ifndef ROTOR_APP_ROTOR_AHEAD_H
#define ROTOR_APP_ROTOR_AHEAD_H

#include <stdbool.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/rules.h"
#include "verify/evidence.h"

// Where entries come from, one after the other.
struct ahead_source {
    void *context;
    // A view, good until the next call.
    //
    // ROTOR_AGAIN  there are no more.
    // others       why not; the source is not asked again.
    enum rotor_status (*next)(void *context, struct rotor_bytes *entry);
};

struct ahead; // on the heap

// `before` is the S that the first entry's sig_old is checked under.
// `threads` 0: as many as there are processors; 1: nothing is checked ahead.
//
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL ahead_open(struct ahead **made, const struct ahead_source *source,
                      const struct wire_key *before,
                      const struct verify_entry_context *evidence,
                      unsigned threads);
void ahead_close(struct ahead *ahead); // NULL is fine

// The next entry, in order; its answers are asked for until the next call.
// Statuses as the source's.
ROTOR_CALL ahead_next(struct ahead *ahead, struct rotor_bytes *entry);

// Ports of the judge, for the entry that is current.
ROTOR_CALL
ahead_check_signature(const struct ahead *ahead,
                      const struct chain_signature_question *question,
                      bool *valid);
// False: it was not checked ahead.
bool ahead_knows_evidence(const struct ahead *ahead,
                          const struct chain_evidence_question *question,
                          bool *ok, const char **why);

#endif
