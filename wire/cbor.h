// SPDX-License-Identifier: Apache-2.0
// Strict deterministic CBOR (RFC 8949 4.2.1): a reader and a writer that
// allocate nothing.
//
// The reader rejects instead of normalising: definite lengths only, shortest
// integers, map keys strictly ascending in bytewise order of the encoded key,
// text that is valid UTF-8, at most CBOR_NESTING_MAX open containers, no
// floats, no tags, no simple value but nil, no trailing bytes.  What it
// accepts has exactly one encoding.  Source: doc/PROTOCOL.rot, section 4.
//
// Both sides are sticky.  A decoder reads like the format and asks once:
//
//     cbor_reader_init(&in, bytes);
//     cbor_read_map(&in);
//     cbor_read_key(&in, 1);
//     epoch = cbor_read_uint(&in);
//     if (cbor_take_key(&in, 2)) {
//         nonce = cbor_read_bytes_sized(&in, 32, 32);
//     }
//     cbor_end_map(&in);
//     if (!cbor_finished(&in)) {
//         return ROTOR_MALFORMED;
//     }
//
// After the first fault every read gives 0, nothing or false, so loops over
// counts and keys end.
#ifndef ROTOR_WIRE_CBOR_H
#define ROTOR_WIRE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define CBOR_NESTING_MAX 8u // open arrays and maps

// Keys from this one on may be ignored where doc/PROTOCOL.rot lets a reader
// meet keys that it does not know; smaller and negative ones may not.
#define CBOR_KEY_IGNORABLE 64

// What comes next.
enum cbor_kind {
    CBOR_NOTHING = 0, // the end, or a fault, or something that is refused
    CBOR_UINT,
    CBOR_NEGATIVE,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_NIL,
};

// One open container.  Fields are not for callers.
struct cbor_level {
    size_t left;            // items to come; a map counts keys and values
    struct rotor_bytes key; // last key, encoded; empty before the first
    bool is_map;
    bool expects_key;
};

// Views `bytes`; they must outlive the reader and what was read from it.
// Fields are not for callers.
struct cbor_reader {
    struct rotor_bytes input;
    size_t position; // bytes
    size_t depth;    // open containers
    bool has_failed;
    struct cbor_level levels[CBOR_NESTING_MAX];
};

void cbor_reader_init(struct cbor_reader *in, struct rotor_bytes bytes);

// Whether everything was well formed and of the asked kind, every container
// was read to its end and no byte is left.
bool cbor_finished(const struct cbor_reader *in);

// Whether a fault was met.  For loops with effects; the verdict over the
// whole is cbor_finished.
bool cbor_has_failed(const struct cbor_reader *in);

// Makes the reader fail: a decoder met a value that its format forbids.
void cbor_refuse(struct cbor_reader *in);

// The kind of the next item; reads nothing.  At the end of a map or between
// a map's keys it is the key's kind or CBOR_NOTHING.
enum cbor_kind cbor_peek_kind(const struct cbor_reader *in);

uint64_t cbor_read_uint(struct cbor_reader *in);

// The same; fails above `max`.
uint64_t cbor_read_uint_max(struct cbor_reader *in, uint64_t max);

// Either sign; fails outside int64_t.
int64_t cbor_read_int(struct cbor_reader *in);

// A view into the input.
struct rotor_bytes cbor_read_bytes(struct cbor_reader *in);

// The same; fails unless min <= size <= max, in bytes.
struct rotor_bytes cbor_read_bytes_sized(struct cbor_reader *in, size_t min,
                                         size_t max);

// Copies a byte string of exactly `size` bytes to `out`; zeros on a fault.
void cbor_read_bytes_into(struct cbor_reader *in, uint8_t *out, size_t size);

struct rotor_bytes cbor_read_text(struct cbor_reader *in);
void cbor_read_nil(struct cbor_reader *in);

// Opens an array and gives the number of its items, never more than there
// are bytes left.  It closes itself behind its last item.
size_t cbor_read_array(struct cbor_reader *in);

// The same; fails unless there are exactly `count` items.
void cbor_read_array_of(struct cbor_reader *in, size_t count);

// Opens a map and gives the number of its pairs.  A map is closed by
// cbor_map_next, cbor_end_map or cbor_end_map_ignoring, also an empty one.
size_t cbor_read_map(struct cbor_reader *in);

// Reads the next integer key of the innermost map, to be followed by one read
// of its value.  False, and *key unchanged, behind the last pair (the map is
// then closed) or on a fault.
bool cbor_map_next(struct cbor_reader *in, int64_t *key);

// Reads the next key; fails unless it is `key`.
void cbor_read_key(struct cbor_reader *in, int64_t key);

// Reads the next key if it is `key`; otherwise reads nothing and is false.
bool cbor_take_key(struct cbor_reader *in, int64_t key);

// Closes the innermost map; fails unless all pairs were read.
void cbor_end_map(struct cbor_reader *in);

// The same, skipping pairs whose keys are integers >= CBOR_KEY_IGNORABLE;
// any other key fails.
void cbor_end_map_ignoring(struct cbor_reader *in);

// One whole item, checked by all rules, as the bytes that encode it.  Its map
// keys may be integers, byte strings or text.  A key of the enclosing map is
// not an item: it is read by the functions above.
struct rotor_bytes cbor_read_item(struct cbor_reader *in);

// Writes into a room that outlives it.  Counts on when the room is full.
// Fields are not for callers.
struct cbor_writer {
    struct rotor_room *room;
    size_t size; // bytes wanted so far; SIZE_MAX: more than can be counted
};

// Replaces what `room` holds; room->used is 0 until cbor_writer_finish.
// A room of capacity 0 makes a writer that counts.
void cbor_writer_init(struct cbor_writer *out, struct rotor_room *room);

// The bytes that all writes so far need.
size_t cbor_writer_size(const struct cbor_writer *out);

// Sets room->used.  The writer trusts its caller with the order of map keys
// and the number of items.
//
// ROTOR_TOO_SMALL  room->used is 0; cbor_writer_size tells what is needed.
ROTOR_CALL cbor_writer_finish(const struct cbor_writer *out);

void cbor_write_uint(struct cbor_writer *out, uint64_t value);
void cbor_write_int(struct cbor_writer *out, int64_t value);
void cbor_write_bytes(struct cbor_writer *out, struct rotor_bytes bytes);
void cbor_write_text(struct cbor_writer *out, struct rotor_bytes text);
void cbor_write_nil(struct cbor_writer *out);

// `count` items or pairs follow.
void cbor_write_array(struct cbor_writer *out, size_t count);
void cbor_write_map(struct cbor_writer *out, size_t count);

// A byte string of `size` bytes whose content follows by other writes.
void cbor_write_bytes_head(struct cbor_writer *out, size_t size);

// Bytes as they are: whole items, or content announced by a head.
void cbor_write_raw(struct cbor_writer *out, struct rotor_bytes bytes);

#endif
