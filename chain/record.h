// SPDX-License-Identifier: Apache-2.0
// Records of a session: be64 i || type || ciphertext || tag.
//
// One direction per struct.  i starts at 0 and rises by one; a gap or a
// repetition ends the direction.  doc/PROTOCOL.chain 7.3.
#ifndef ROTOR_CHAIN_RECORD_H
#define ROTOR_CHAIN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/schedule.h"

#define CHAIN_RECORD_OVERHEAD 25u         // bytes: i, type and tag
#define CHAIN_RECORD_LIMIT    0x01000000u // records per direction

enum chain_record_type {
    CHAIN_RECORD_DATA = 0,
    CHAIN_RECORD_CLOSE = 1,
};

// All zero is closed.  Contents are private.
struct chain_records {
    struct crypto_aead aead;
    uint8_t iv[WIRE_IV_SIZE]; // SECRET
    uint8_t sid[WIRE_ID_SIZE];
    uint64_t next;
    bool is_open;
};

// `sid` is WIRE_ID_SIZE bytes.  The caller still wipes `traffic`.
//
// ROTOR_INVALID  the suite is not known.
ROTOR_CALL chain_records_open(struct chain_records *records, uint32_t suite,
                              const struct chain_traffic *traffic,
                              const uint8_t sid[WIRE_ID_SIZE]);
void chain_records_close(struct chain_records *records);

// ROTOR_FORBIDDEN  closed, or the limit is reached: make a new session.
ROTOR_CALL chain_record_seal(struct chain_records *records,
                             enum chain_record_type type,
                             struct rotor_bytes plaintext,
                             struct rotor_room *record);

// Records must come in order.  A CLOSE record, or any fault but TOO_SMALL,
// closes the direction.
//
// ROTOR_MALFORMED  out of order, cut, altered, or of an unknown type.
// ROTOR_FORBIDDEN  closed before.
ROTOR_CALL chain_record_unseal(struct chain_records *records,
                               struct rotor_bytes record,
                               enum chain_record_type *type,
                               struct rotor_room *plaintext);

#endif
