// SPDX-License-Identifier: Apache-2.0
// Evidence as a file: a request, its answer, and the log that leads there.
//
//     dCBOR ["rotor attest/1", request bstr, response bstr, [* entry]]
//     dCBOR ["rotor attest/2", request bstr, response bstr, [* entry],
//            Evidence bstr]
//
// doc/PROTOCOL.client 5.  A bundle is as hostile as a network.
#ifndef ROTOR_APP_ROTOR_BUNDLE_H
#define ROTOR_APP_ROTOR_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/relying.h"

#define BUNDLE_MAX (16u * 1024u * 1024u) // bytes

struct bundle_entry {
    struct rotor_bytes bytes;
    struct wire_order order;
};

// Views into the file.
struct bundle {
    struct rotor_bytes request;
    struct rotor_bytes response;
    struct rotor_bytes platform;  // Evidence; empty: there is none
    struct bundle_entry *entries; // on the heap
    size_t count;
};

// ROTOR_MALFORMED    not a bundle.
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL bundle_decode(struct bundle *bundle, struct rotor_bytes bytes);
void bundle_close(struct bundle *bundle);

struct bundle_content {
    struct rotor_bytes request;
    struct rotor_bytes response;
    struct rotor_bytes entries; // whole items one after the other
    size_t count;               // of entries
    struct rotor_bytes platform;
};
ROTOR_CALL bundle_encode(const struct bundle_content *content,
                         struct rotor_room *bytes);

// A device that answers LOG_GET from the bundle and nothing else.
struct relying_device bundle_device(struct bundle *bundle);

// ---- from a device ---------------------------------------------------------

// The entries of a device, one after the other, reply by reply.
struct entry_reader {
    const struct relying_device *device;
    struct wire_order from;   // the next one is here or behind
    enum rotor_status failed; // OK: nothing did; AGAIN: no answer in time
    struct relying_refusal refusal;
    bool is_over;
    struct cbor_reader in; // views reply
    size_t left;
    uint8_t reply[WIRE_CLIENT_MAX];
};

// A view, good until the next call; context is a struct entry_reader with
// `device` and `from`, and else zeros.  It parses and its order rises.
//
// ROTOR_AGAIN  the log ends here.
// others       see `failed` and `refusal`; not asked again.
ROTOR_CALL entry_reader_next(void *context, struct rotor_bytes *entry);

// ---- the way into a bundle -------------------------------------------------

// Where fetched entries go, one after the other, as they came.
struct entry_sink {
    void *context;
    enum rotor_status (*take)(void *context, struct rotor_bytes entry);
    const struct wire_digest *last; // body_hash of the last; NULL: all
};

// Fetches from `from` on.
//
// ROTOR_FORBIDDEN    refused: see `refusal`.
// ROTOR_MALFORMED    what came is not a log.
// others             what the sink said.
ROTOR_CALL entries_fetch(const struct relying_device *device,
                         const struct wire_order *from,
                         const struct entry_sink *sink,
                         struct relying_refusal *refusal);

// Entries in memory, as many as a bundle may hold.
struct entry_list {
    uint8_t *memory; // on the heap
    size_t size;     // bytes
    size_t room;
    size_t count;
};

void entry_list_close(struct entry_list *list);

// ROTOR_TOO_SMALL    more than a bundle may hold.
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL entry_list_append(struct entry_list *list, struct rotor_bytes entry);

// Fetches from `from` to the end, or up to the entry of `last` (NULL: all).
//
// ROTOR_FORBIDDEN    refused: see `refusal`.
// ROTOR_TOO_SMALL    more than a bundle may hold.
// ROTOR_MALFORMED    what came is not a log.
ROTOR_CALL entry_list_fetch(struct entry_list *list,
                            const struct relying_device *device,
                            const struct wire_order *from,
                            const struct wire_digest *last,
                            struct relying_refusal *refusal);

#endif
