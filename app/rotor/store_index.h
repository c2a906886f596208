// SPDX-License-Identifier: Apache-2.0
// Inside of the store: where each entry lies, from one pass over HEX.log.
#ifndef ROTOR_APP_ROTOR_STORE_INDEX_H
#define ROTOR_APP_ROTOR_STORE_INDEX_H

#include "app/rotor/store.h"

// Notes the next entry, which lies at `offset`, and adds it to the log's sum.
//
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL store_index_add(struct store *store, uint64_t offset,
                           struct rotor_bytes entry);

// Reads `count` entries, store->log_size bytes, and adds to HEX.seen what its
// head does not count.
//
// ROTOR_CORRUPT  that is not what the log has.
ROTOR_CALL store_index(struct store *store, uint64_t count);

#endif
