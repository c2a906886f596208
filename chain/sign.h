// SPDX-License-Identifier: Apache-2.0
// Signatures over a body, each in its context.  For the AP, for the tool of
// the recovery authority and for tests.  doc/PROTOCOL.chain 2.3.
//
// Each call replaces what `sign1` holds.
#ifndef ROTOR_CHAIN_SIGN_H
#define ROTOR_CHAIN_SIGN_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/lmots.h"
#include "wire/cose.h"

// What an LM-OTS key is made of.  SECRET.
struct chain_ots {
    uint8_t id[CRYPTO_LMOTS_ID];
    uint8_t seed[CRYPTO_LMOTS_SEED];
};

// The public half, as body key 9 and next_commit take it.
ROTOR_CALL chain_ots_public(const struct chain_ots *key,
                            struct wire_key *public_key);

// S_{e-1}, or S of the superseded entry.
ROTOR_CALL chain_sign_old(const struct crypto_key *key, struct rotor_bytes body,
                          struct rotor_room *sign1);

// A_e, first half: LM-OTS.  The caller makes sure that this key signs one body
// only; the same body again gives the same bytes.
ROTOR_CALL chain_sign_auth_ots(const struct chain_ots *key,
                               struct rotor_bytes body,
                               struct rotor_room *sign1);

// A_e, second half.
ROTOR_CALL chain_sign_auth(const struct crypto_key *key,
                           struct rotor_bytes body, struct rotor_room *sign1);

// S_e: proof of possession.
ROTOR_CALL chain_sign_pop(const struct crypto_key *key, struct rotor_bytes body,
                          struct rotor_room *sign1);

// A key of the recovery authority.
ROTOR_CALL chain_sign_ra(const struct crypto_key *key, struct rotor_bytes body,
                         struct rotor_room *sign1);

#endif
