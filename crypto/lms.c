// SPDX-License-Identifier: Apache-2.0
#include "crypto/lms.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "crypto/lmots.h"

#define D_LEAF 0x8282u
#define D_INTR 0x8383u

#define HASH_MAX 32u // bytes, m

static const struct crypto_lms_type types[] = {
    {5,  32, 5 },
    {6,  32, 10},
    {7,  32, 15},
    {8,  32, 20},
    {9,  32, 25},
    {10, 24, 5 },
    {11, 24, 10},
    {12, 24, 15},
    {13, 24, 20},
    {14, 24, 25},
};

const struct crypto_lms_type *crypto_lms_type_of(uint32_t number)
{
    bool known = number >= 5 && number < 5 + COUNT_OF(types);
    return known ? &types[number - 5] : NULL;
}

// ---- nodes -----------------------------------------------------------------

static enum rotor_status hash_node(const struct crypto_lms_node *node,
                                   uint16_t kind, const uint8_t *left,
                                   const uint8_t *right, uint8_t *out)
{
    size_t size = node->type->hash_size;
    uint8_t head[CRYPTO_LMOTS_ID + 4 + 2];
    memcpy(head, node->id, CRYPTO_LMOTS_ID);
    bytes_put_be32(head + CRYPTO_LMOTS_ID, node->number);
    bytes_put_be16(head + CRYPTO_LMOTS_ID + 4, kind);
    struct rotor_bytes parts[] = {
        BYTES_OF(head), {left,  size                    },
         {right, right == NULL ? 0 : size}
    };
    uint8_t digest[HASH_MAX];
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), digest));
    memcpy(out, digest, size);
    return ROTOR_OK;
}

enum rotor_status crypto_lms_leaf(const struct crypto_lms_node *node,
                                  const uint8_t *k, uint8_t *out)
{
    return hash_node(node, D_LEAF, k, NULL, out);
}

enum rotor_status crypto_lms_join(const struct crypto_lms_node *node,
                                  const uint8_t *left, const uint8_t *right,
                                  uint8_t *out)
{
    return hash_node(node, D_INTR, left, right, out);
}

// ---- parsing ---------------------------------------------------------------

// Views into a public key.
struct key {
    const struct crypto_lms_type *type;
    const struct crypto_lmots_type *one_time;
    const uint8_t *id;
    const uint8_t *root;
};

// be32(q) || LM-OTS signature || be32(type) || path.
struct signature {
    uint32_t q;
    struct rotor_bytes one_time;
    uint32_t type;
    const uint8_t *path;
};

static size_t key_size(const struct crypto_lms_type *type)
{
    return 4u + 4u + CRYPTO_LMOTS_ID + type->hash_size;
}

static size_t signature_size(const struct key *key)
{
    return 4u + crypto_lmots_signature_size(key->one_time) + 4u +
           (size_t)key->type->height * key->type->hash_size;
}

// Takes `size` bytes off the front of `in`.  The view is empty when there are
// not so many.
static struct rotor_bytes take(struct rotor_bytes *in, size_t size)
{
    if (in->size < size) {
        return (struct rotor_bytes){0};
    }
    struct rotor_bytes taken = {in->data, size};
    in->data += size;
    in->size -= size;
    return taken;
}

// Takes one public key off `in`.
static bool take_key(struct rotor_bytes *in, struct key *key)
{
    if (in->size < 8) {
        return false;
    }
    key->type = crypto_lms_type_of(bytes_be32(in->data));
    key->one_time = crypto_lmots_type_of(bytes_be32(in->data + 4));
    // SP 800-208: both trees and chains use the same hash.
    if (key->type == NULL || key->one_time == NULL ||
        key->type->hash_size != key->one_time->hash_size) {
        return false;
    }
    struct rotor_bytes whole = take(in, key_size(key->type));
    if (bytes_are_empty(whole)) {
        return false;
    }
    key->id = whole.data + 8;
    key->root = whole.data + 8 + CRYPTO_LMOTS_ID;
    return true;
}

// Takes the signature that `key` calls for off `in`.
static bool take_signature(struct rotor_bytes *in, const struct key *key,
                           struct signature *signature)
{
    struct rotor_bytes whole = take(in, signature_size(key));
    if (bytes_are_empty(whole)) {
        return false;
    }
    size_t one_time = crypto_lmots_signature_size(key->one_time);
    signature->q = bytes_be32(whole.data);
    signature->one_time = bytes_of(whole.data + 4, one_time);
    signature->type = bytes_be32(whole.data + 4 + one_time);
    signature->path = whole.data + 4 + one_time + 4;
    bool in_tree = signature->q < (uint32_t)1 << key->type->height;
    bool same_types =
        signature->type == key->type->number &&
        bytes_be32(signature->one_time.data) == key->one_time->number;
    return in_tree && same_types;
}

// ---- verification ----------------------------------------------------------

// RFC 8554 algorithm 6a: climbs from the leaf that signed to a root.
static enum rotor_status climb(const struct key *key,
                               const struct signature *signature,
                               struct rotor_bytes message,
                               uint8_t root[HASH_MAX])
{
    size_t size = key->type->hash_size;
    struct crypto_lmots_key one_time = {.type = key->one_time,
                                        .q = signature->q};
    memcpy(one_time.id, key->id, sizeof one_time.id);
    uint8_t k[HASH_MAX];
    TRY(crypto_lmots_candidate(&one_time, message, signature->one_time, k));
    struct crypto_lms_node node = {
        key->type, key->id, ((uint32_t)1 << key->type->height) + signature->q};
    TRY(crypto_lms_leaf(&node, k, root));
    for (unsigned level = 0; level < key->type->height; level++) {
        const uint8_t *sibling = signature->path + level * size;
        bool is_right = node.number % 2 == 1;
        node.number /= 2;
        TRY(crypto_lms_join(&node, is_right ? sibling : root,
                            is_right ? root : sibling, root));
    }
    return ROTOR_OK;
}

static enum rotor_status verify(const struct key *key,
                                const struct signature *signature,
                                struct rotor_bytes message, bool *valid)
{
    uint8_t root[HASH_MAX];
    *valid = false;
    TRY(climb(key, signature, message, root));
    *valid = memcmp(root, key->root, key->type->hash_size) == 0;
    return ROTOR_OK;
}

enum rotor_status crypto_lms_verify(struct rotor_bytes public_key,
                                    struct rotor_bytes message,
                                    struct rotor_bytes signature, bool *valid)
{
    *valid = false;
    struct key key;
    struct signature parsed;
    if (!take_key(&public_key, &key) || !bytes_are_empty(public_key) ||
        !take_signature(&signature, &key, &parsed) ||
        !bytes_are_empty(signature)) {
        return ROTOR_OK;
    }
    return verify(&key, &parsed, message, valid);
}

// Checks one level of the hierarchy: `key` signs the key below it, which takes
// its place.
static enum rotor_status descend(struct rotor_bytes *in, struct key *key,
                                 bool *valid)
{
    struct signature signature;
    struct key below;
    *valid = false;
    if (!take_signature(in, key, &signature)) {
        return ROTOR_OK;
    }
    const uint8_t *start = in->data;
    if (!take_key(in, &below)) {
        return ROTOR_OK;
    }
    TRY(verify(key, &signature, bytes_of(start, key_size(below.type)), valid));
    *key = below;
    return ROTOR_OK;
}

static enum rotor_status verify_levels(struct key *key, uint32_t levels,
                                       struct rotor_bytes message,
                                       struct rotor_bytes in, bool *valid)
{
    *valid = false;
    for (uint32_t level = 1; level < levels; level++) {
        bool signed_below = false;
        TRY(descend(&in, key, &signed_below));
        if (!signed_below) {
            return ROTOR_OK;
        }
    }
    struct signature last;
    if (!take_signature(&in, key, &last) || !bytes_are_empty(in)) {
        return ROTOR_OK;
    }
    return verify(key, &last, message, valid);
}

enum rotor_status crypto_hss_verify(struct rotor_bytes public_key,
                                    struct rotor_bytes message,
                                    struct rotor_bytes signature, bool *valid)
{
    *valid = false;
    struct rotor_bytes levels = take(&public_key, 4);
    struct rotor_bytes below = take(&signature, 4);
    struct key key;
    if (bytes_are_empty(levels) || bytes_are_empty(below) ||
        !take_key(&public_key, &key) || !bytes_are_empty(public_key)) {
        return ROTOR_OK;
    }
    uint32_t count = bytes_be32(levels.data);
    bool counts_agree = count >= 1 && count <= CRYPTO_HSS_LEVELS_MAX &&
                        bytes_be32(below.data) == count - 1;
    if (!counts_agree) {
        return ROTOR_OK;
    }
    return verify_levels(&key, count, message, signature, valid);
}
