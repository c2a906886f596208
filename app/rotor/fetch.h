// SPDX-License-Identifier: Apache-2.0
// Inside of the relying party: entries of a device's log.
#ifndef ROTOR_APP_ROTOR_FETCH_H
#define ROTOR_APP_ROTOR_FETCH_H

#include "app/rotor/relying.h"
#include "wire/cbor.h"

// The entries of one LOG_ENTRIES, one after the other; views party->reply.
struct fetch_batch {
    struct cbor_reader in;
    size_t left;
};

// Asks for `max` entries from `from` on.  False: said why.
bool fetch_batch(struct relying *party, const struct relying_device *device,
                 const struct wire_order *from, uint64_t max,
                 struct fetch_batch *batch, struct relying_outcome *outcome);

// False: there are no more, or what comes is no item.
bool fetch_next(struct fetch_batch *batch, struct rotor_bytes *entry);

// body_hash of the device's entry at an order, empty when it has none there.
// The entry itself goes to `entry`.
bool relying_fetch_one(struct relying *party,
                       const struct relying_device *device,
                       const struct wire_order *order, struct rotor_room *entry,
                       struct wire_digest *hash,
                       struct relying_outcome *outcome);

// Where the device's log begins: devices drop their oldest entries.  *found is
// false when it has none.
bool fetch_start(struct relying *party, const struct relying_device *device,
                 struct wire_order *start, bool *found,
                 struct relying_outcome *outcome);

// What is said when it begins behind what is missing.  False, for `return`.
bool fetch_say_dropped(const struct relying *party,
                       const struct wire_order *start,
                       struct relying_outcome *outcome);

#endif
