// SPDX-License-Identifier: Apache-2.0
// The policy of a log: body key 18 (doc/PROTOCOL.chain 1.2).
//
// It is set by genesis and changed by the recovery authority only: every
// entry of kind 1 and 4 repeats its predecessor's bytes.  Compare the bytes,
// read the struct.
#ifndef ROTOR_CHAIN_POLICY_H
#define ROTOR_CHAIN_POLICY_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "wire/cose.h"

#define CHAIN_POLICY_MAX 256u // bytes, encoded

struct chain_policy {
    uint32_t cryptoperiod_s;
    uint32_t grace_s;
    uint32_t suite_floor; // 1..3; never decreases
    uint32_t min_interval_s;
    uint32_t max_per_day;       // 0 = unlimited
    struct wire_digest ra;      // of the recovery authority's set
    struct wire_digest control; // kid of C
    uint32_t hold_down_s;       // a remote party waits this long on kind 2, 3
};

// The defaults; ra and control are empty and must be given before encoding.
void chain_policy_init(struct chain_policy *policy);

// ROTOR_INVALID  the floor is no suite, or a digest is empty.
ROTOR_CALL chain_policy_encode(const struct chain_policy *policy,
                               struct rotor_room *bytes);

// ROTOR_MALFORMED  not exactly the eight keys, or a value out of its range.
ROTOR_CALL chain_policy_decode(struct rotor_bytes bytes,
                               struct chain_policy *policy);

#endif
