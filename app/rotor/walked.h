// SPDX-License-Identifier: Apache-2.0
// What a walk remembers of the entries behind it: their keys for rule 9, and
// what a recovery may supersede.  The last ones in memory, all others in files
// without a name: memory does not grow with the log.
#ifndef ROTOR_APP_ROTOR_WALKED_H
#define ROTOR_APP_ROTOR_WALKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/status.h>

#include "app/rotor/seen_file.h"
#include "chain/trust.h"

#define WALKED_IN_MEMORY 1024u // entries

struct walked {
    struct chain_trust *trusts; // of the last entries
    size_t count;
    struct chain_seen seen; // of them
    struct chain_fingerprint *slots;
    uint64_t filed; // entries that came before them
    int file;       // their struct chain_trust; -1: there is none yet
    struct seen_file seen_file;
};

// ROTOR_PORT_FAILED  errno says why; also of all below.
ROTOR_CALL walked_open(struct walked *walked);
void walked_close(struct walked *walked);

// An accepted entry, of that body and what is held of it.
ROTOR_CALL walked_add(struct walked *walked, const struct chain_body *body,
                      const struct chain_trust *trust);

ROTOR_CALL walked_has_seen(const struct walked *walked,
                           const struct chain_fingerprint *fingerprint,
                           bool *seen);

// The last one that is `head`, void or not.
ROTOR_CALL walked_find(const struct walked *walked,
                       const struct wire_head *head, struct chain_trust *at,
                       bool *found);

#endif
