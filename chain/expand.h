// SPDX-License-Identifier: Apache-2.0
// Steps that channel and session share; private to chain/.
#ifndef ROTOR_CHAIN_EXPAND_H
#define ROTOR_CHAIN_EXPAND_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/schedule.h"

// H(label || 0 || from || lp4(item)), and with two items; H is that of `from`.
ROTOR_CALL chain_extend(const struct wire_digest *from,
                        struct rotor_bytes label, struct rotor_bytes item,
                        struct wire_digest *to);
ROTOR_CALL chain_extend_by_two(const struct wire_digest *from,
                               struct rotor_bytes label,
                               const struct rotor_bytes items[2],
                               struct wire_digest *to);

// next = Extract(salt = Expand(stage, "rotor1 derived", L), ikm).  SECRET.
ROTOR_CALL chain_next_stage(enum crypto_hash alg, const uint8_t *stage,
                            struct rotor_bytes ikm,
                            uint8_t next[CRYPTO_HASH_MAX]);

// K(label) = Expand(stage, prefix || label || 0 || transcript, size).
struct chain_expander {
    enum crypto_hash alg;
    const uint8_t *stage; // SECRET
    struct rotor_bytes prefix;
    struct rotor_bytes transcript;
};
ROTOR_CALL chain_expand(const struct chain_expander *expander,
                        struct rotor_bytes label, struct rotor_room *key);

enum chain_direction {
    CHAIN_R2A,
    CHAIN_A2R,
};
ROTOR_CALL chain_expand_traffic(const struct chain_expander *expander,
                                enum chain_direction direction,
                                struct chain_traffic *traffic);

#endif
