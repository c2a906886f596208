// SPDX-License-Identifier: Apache-2.0
// A message as a table of its fields.
//
// A layout is the decoder, the encoder and the bounds check of one CBOR map:
// the tables stand in message.c (RTP and AP) and client.c (programs and RTP).
// Keys stand in their encoded order, as deterministic CBOR wants them.
// For the tables only: everyone else sees layouts through wire_message_decode
// and wire_message_encode.
#ifndef ROTOR_WIRE_LAYOUT_H
#define ROTOR_WIRE_LAYOUT_H

#include "base/bytes.h"
#include "wire/message.h"

enum wire_field_kind {
    WIRE_FIELD_UINT,    // uint64_t, at most `high`
    WIRE_FIELD_BYTES,   // struct rotor_bytes, `low`..`high` bytes, or `sizes`
    WIRE_FIELD_TEXT,    // the same, UTF-8
    WIRE_FIELD_ITEM,    // the same, one whole CBOR item
    WIRE_FIELD_DIGEST,  // struct wire_digest
    WIRE_FIELD_MDIGEST, // struct wire_digest, may be empty
    WIRE_FIELD_HEAD,    // struct wire_head
    WIRE_FIELD_ORDER,   // struct wire_order
    WIRE_FIELD_SUITES,  // struct wire_suites
    WIRE_FIELD_LIMITS,  // struct wire_limits
    WIRE_FIELD_MARK,    // struct wire_mark
};

struct wire_field {
    int64_t key;
    enum wire_field_kind kind;
    size_t offset;         // of the member
    size_t has;            // offset of its has_ flag; 0: always there
    uint64_t low, high;    // bounds
    const uint16_t *sizes; // bytes allowed, ended by WIRE_ANY_SIZE; or NULL
};

struct wire_layout {
    uint64_t type; // WIRE_NONE: a map without keys 0 (type) and 1 (log_id)
    bool ignores_unknown;
    size_t size; // of the struct
    const struct wire_field *fields;
    size_t count;
};

#define WIRE_ANY_SIZE 0xffffu

// clang-format off
#define UINT(key, s, member, max) \
    {key, WIRE_FIELD_UINT, offsetof(struct s, member), 0, 0, max, NULL}
#define BYTES(key, s, member, min, max) \
    {key, WIRE_FIELD_BYTES, offsetof(struct s, member), 0, min, max, NULL}
#define TEXT(key, s, member, max) \
    {key, WIRE_FIELD_TEXT, offsetof(struct s, member), 0, 0, max, NULL}
#define ITEM(key, s, member, max) \
    {key, WIRE_FIELD_ITEM, offsetof(struct s, member), 0, 1, max, NULL}
#define SIZED(key, s, member, sizes) \
    {key, WIRE_FIELD_BYTES, offsetof(struct s, member), 0, 0, 0, sizes}
#define OF(kind, key, s, member) \
    {key, WIRE_FIELD_##kind, offsetof(struct s, member), 0, 0, 0, NULL}

// The same for a field that may be missing: the struct has a has_ flag.
#define OPTIONAL(kind, key, s, member, min, max) \
    {key, WIRE_FIELD_##kind, offsetof(struct s, member), \
     offsetof(struct s, has_##member), min, max, NULL}

#define LAYOUT(NAME, TYPE, s, fields) \
    const struct wire_layout WIRE_LAYOUT_##NAME = { \
        TYPE, false, sizeof(struct s), fields, COUNT_OF(fields)}
// clang-format on

#endif
