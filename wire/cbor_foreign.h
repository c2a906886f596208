// SPDX-License-Identifier: Apache-2.0
// CBOR as others write it: a lenient reader with bounds, for foreign tokens
// only.  rotor's own messages are read by wire/cbor.h, which takes none of the
// liberties below; tool/layers.txt lets nobody but verify/ include this file.
//
// Taken here and not there: integers longer than needed, map keys in any
// order, tags, floats, simple values, arrays and maps without a length, and
// strings without one if they are of one piece at most.  Refused here too:
// duplicate keys, text that is not UTF-8, deep nesting, keys that are
// containers, reserved heads, trailing bytes, more than CBOR_FOREIGN_MAX.
//
// An item is opened once, which checks all of it, and then asked:
//
//     struct cbor_foreign claims;
//     struct cbor_foreign nonce;
//     struct rotor_bytes bytes;
//     if (cbor_foreign_open(payload, &claims) &&
//         cbor_foreign_find(&claims, 10, &nonce) &&
//         cbor_foreign_bytes(&nonce, &bytes)) { ... }
//
// doc/PROTOCOL.tokens 1.
#ifndef ROTOR_WIRE_CBOR_FOREIGN_H
#define ROTOR_WIRE_CBOR_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#define CBOR_FOREIGN_MAX     131072u // bytes of one item
#define CBOR_FOREIGN_NESTING 16u     // open arrays, maps and tags
#define CBOR_FOREIGN_KEYS    512u    // keys of the maps that are open at once

enum cbor_foreign_kind {
    CBOR_FOREIGN_NOTHING = 0,
    CBOR_FOREIGN_UINT,
    CBOR_FOREIGN_NEGATIVE,
    CBOR_FOREIGN_BYTES,
    CBOR_FOREIGN_TEXT,
    CBOR_FOREIGN_ARRAY,
    CBOR_FOREIGN_MAP,
    CBOR_FOREIGN_TAG,
    CBOR_FOREIGN_FALSE,
    CBOR_FOREIGN_TRUE,
    CBOR_FOREIGN_NULL,
    CBOR_FOREIGN_FLOAT,
    CBOR_FOREIGN_SIMPLE, // undefined and what has no name
};

// One item that was checked.  All zero is none: every question is then
// answered with false or CBOR_FOREIGN_NOTHING.
struct cbor_foreign {
    struct rotor_bytes bytes; // that encode it, a view
};

// Checks all of `bytes`.  False, and `item` is none, unless they are one item.
bool cbor_foreign_open(struct rotor_bytes bytes, struct cbor_foreign *item);

// The same for the first item of a sequence; `rest` is what follows it.
bool cbor_foreign_open_first(struct rotor_bytes bytes,
                             struct cbor_foreign *item,
                             struct rotor_bytes *rest);

enum cbor_foreign_kind cbor_foreign_kind(const struct cbor_foreign *item);

// ---- values: false, and the output unchanged, if it is of another kind -----

bool cbor_foreign_uint(const struct cbor_foreign *item, uint64_t *value);
bool cbor_foreign_int(const struct cbor_foreign *item, int64_t *value);

// An integer, or a finite float rounded down: time in seconds.
bool cbor_foreign_seconds(const struct cbor_foreign *item, int64_t *value);

// Views of content.
bool cbor_foreign_bytes(const struct cbor_foreign *item,
                        struct rotor_bytes *value);
bool cbor_foreign_text(const struct cbor_foreign *item,
                       struct rotor_bytes *value);

bool cbor_foreign_tag(const struct cbor_foreign *item, uint64_t *tag,
                      struct cbor_foreign *content);

// ---- containers ------------------------------------------------------------

// Items of an array, pairs of a map; 0 for everything else.
size_t cbor_foreign_count(const struct cbor_foreign *item);

// Where a walk over a container is.  Fields are not for callers.
struct cbor_foreign_walk {
    struct rotor_bytes rest;
    size_t left; // items; SIZE_MAX: until the break
};

// Begins; over nothing unless `item` is an array or a map.
void cbor_foreign_walk(const struct cbor_foreign *item,
                       struct cbor_foreign_walk *walk);

// The next item; in a map keys and values take turns.  False at the end.
bool cbor_foreign_next(struct cbor_foreign_walk *walk,
                       struct cbor_foreign *item);

// The value of a key of a map.  False, and `value` is none, if there is none.
bool cbor_foreign_find(const struct cbor_foreign *map, int64_t key,
                       struct cbor_foreign *value);

// The same for a key that stands in another map.
bool cbor_foreign_find_like(const struct cbor_foreign *map,
                            const struct cbor_foreign *key,
                            struct cbor_foreign *value);

#endif
