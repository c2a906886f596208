// SPDX-License-Identifier: Apache-2.0
// LMS signing, for the operator's image tool only.  Which leaf signs next is
// the caller's state: a leaf that signs twice lets others forge, so the caller
// makes the next index durable before it calls crypto_lms_sign.
#ifndef ROTOR_CRYPTO_LMS_SIGN_H
#define ROTOR_CRYPTO_LMS_SIGN_H

#include "crypto/lmots.h"
#include "crypto/lms.h"

#define CRYPTO_LMS_SIGN_HEIGHT_MAX 10u

struct crypto_lms_key {
    const struct crypto_lms_type *type;
    const struct crypto_lmots_type *one_time; // of the same hash size
    uint8_t id[CRYPTO_LMOTS_ID];
    uint8_t seed[CRYPTO_LMOTS_SEED]; // SECRET
};

// Bytes of all nodes of a tree: 2^(h+1) hashes; 64 KiB for H10 and m = 32.
// 0: the types do not fit together, or the tree is higher than this code signs
// with.
size_t crypto_lms_tree_size(const struct crypto_lms_key *key);

// Bytes of one signature; 0 as above.
size_t crypto_lms_signature_size(const struct crypto_lms_key *key);

// Makes every leaf and every node; `tree->used` becomes the tree's size.  The
// tree is public.  H10 with W8 is some nine million hashes: seconds.
//
// ROTOR_INVALID    crypto_lms_tree_size is 0
// ROTOR_TOO_SMALL  room->capacity is below it
ROTOR_CALL crypto_lms_make_tree(const struct crypto_lms_key *key,
                                struct rotor_room *tree);

// be32(type) || be32(ots) || I || T[1].
ROTOR_CALL crypto_lms_public(const struct crypto_lms_key *key,
                             struct rotor_bytes tree,
                             struct rotor_room *public_key);

// Signs with leaf `index`, and verifies before it gives the signature out.
//
// ROTOR_INVALID      no such leaf, or `tree` has another size
// ROTOR_PORT_FAILED  the signature does not verify: `tree` is not of this key
ROTOR_CALL crypto_lms_sign(const struct crypto_lms_key *key,
                           struct rotor_bytes tree, uint32_t index,
                           struct rotor_bytes message,
                           struct rotor_room *signature);

#endif
