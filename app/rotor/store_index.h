// SPDX-License-Identifier: Apache-2.0
// Inside of the store: what is read of HEX.log, and the sum over it.
#ifndef ROTOR_APP_ROTOR_STORE_INDEX_H
#define ROTOR_APP_ROTOR_STORE_INDEX_H

#include "app/rotor/store.h"

// Adds the next entry to the sum.
ROTOR_CALL store_index_sum(uint8_t sum[SEEN_FILE_SUM],
                           struct rotor_bytes entry);

// From the mark of HEX.seen to the head of `count` entries, store->log_size
// bytes and that sum; HEX.seen gets what it lacks.
//
// ROTOR_CORRUPT  that is not what the log has.
ROTOR_CALL store_index_open(struct store *store, uint64_t count,
                            const uint8_t sum[SEEN_FILE_SUM]);

// Reads all that is committed, once, and notes where each entry lies.
//
// ROTOR_CORRUPT  the sum over it is another one; store->is_damaged is set.
ROTOR_CALL store_index_all(struct store *store);

// What is staged is being committed.
ROTOR_CALL store_index_commit(struct store *store);

#endif
