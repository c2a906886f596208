// SPDX-License-Identifier: Apache-2.0
// DICE certificate chains: the Open Profile for DICE in X.509 and in CBOR, and
// the Android Profile for DICE.
//
//     root key --signs--> certificate --key signs--> certificate ... leaf
//
// A chain is written from the root's side on: DER certificates or COSE_Sign1
// one after the other, or Android's array [COSE_Key, COSE_Sign1 ...], whose
// first key must be the root's.  TCG's own DICE extensions are not supported.
//
// instance: SHA-256 of the root key's bytes.  measurement: code hash of the
// leaf.  signer: its authority hash.  debug: yes if any stage was.  The level
// is what the caller says of the holder of the root key.
// doc/PROTOCOL.tokens 7.
#ifndef ROTOR_VERIFY_DICE_H
#define ROTOR_VERIFY_DICE_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/dice.h"
#include "verify/public.h"
#include "verify/verdict.h"

#define VERIFY_DICE_CHAIN_MAX 8u // certificates

struct verify_dice_question {
    struct rotor_bytes chain;
    struct verify_public root; // trusted
    bool root_is_authority;    // of a maker, with a name of its own choice
    uint32_t modes_taken;      // bits 1 << enum boot_mode besides normal
    uint32_t leaf_usage;       // bits of X.509 KeyUsage; 0: not asked
    enum verify_level level;
    struct verify_asked asked;

    // For what is signed: the largest certificate and 128 bytes are enough.
    struct rotor_room *scratch;
};

// Judges a chain.  `leaf` is the key that it ends in, and of no kind unless
// the verdict is an acceptance.
ROTOR_CALL verify_dice(const struct verify_dice_question *question,
                       struct verify_verdict *verdict,
                       struct verify_public *leaf);

#endif
