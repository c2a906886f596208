// SPDX-License-Identifier: Apache-2.0
#include "crypto/lms_sign.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

static bool can_sign(const struct crypto_lms_key *key)
{
    return key->type != NULL && key->one_time != NULL &&
           key->type->hash_size == key->one_time->hash_size &&
           key->type->height <= CRYPTO_LMS_SIGN_HEIGHT_MAX;
}

size_t crypto_lms_tree_size(const struct crypto_lms_key *key)
{
    if (!can_sign(key)) {
        return 0;
    }
    return ((size_t)2 << key->type->height) * key->type->hash_size;
}

size_t crypto_lms_signature_size(const struct crypto_lms_key *key)
{
    if (!can_sign(key)) {
        return 0;
    }
    return 4 + crypto_lmots_signature_size(key->one_time) + 4 +
           (size_t)key->type->height * key->type->hash_size;
}

static struct crypto_lmots_key leaf_key(const struct crypto_lms_key *key,
                                        uint32_t index)
{
    struct crypto_lmots_key leaf = {.type = key->one_time, .q = index};
    memcpy(leaf.id, key->id, sizeof leaf.id);
    memcpy(leaf.seed, key->seed, sizeof leaf.seed);
    return leaf;
}

static enum rotor_status make_leaf(const struct crypto_lms_key *key,
                                   uint32_t index, uint8_t *out)
{
    uint8_t k[CRYPTO_LMOTS_HASH_MAX];
    struct crypto_lmots_key leaf = leaf_key(key, index);
    enum rotor_status status = crypto_lmots_make(&leaf, k);
    secret_wipe(&leaf, sizeof leaf);
    if (status != ROTOR_OK) {
        return status;
    }
    struct crypto_lms_node node = {key->type, key->id,
                                   ((uint32_t)1 << key->type->height) + index};
    return crypto_lms_leaf(&node, k, out);
}

// Node i stands at i * m; the slot of node 0 stays zero.
static enum rotor_status fill_tree(const struct crypto_lms_key *key,
                                   uint8_t *nodes)
{
    size_t size = key->type->hash_size;
    uint32_t leaves = (uint32_t)1 << key->type->height;
    memset(nodes, 0, size);
    for (uint32_t q = 0; q < leaves; q++) {
        TRY(make_leaf(key, q, nodes + (leaves + q) * size));
    }
    for (uint32_t i = leaves - 1; i >= 1; i--) {
        struct crypto_lms_node node = {key->type, key->id, i};
        TRY(crypto_lms_join(&node, nodes + 2 * i * size,
                            nodes + (2 * i + 1) * size, nodes + i * size));
    }
    return ROTOR_OK;
}

enum rotor_status crypto_lms_make_tree(const struct crypto_lms_key *key,
                                       struct rotor_room *tree)
{
    tree->used = 0;
    size_t size = crypto_lms_tree_size(key);
    if (size == 0) {
        return ROTOR_INVALID;
    }
    if (tree->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    TRY(fill_tree(key, tree->data));
    tree->used = size;
    return ROTOR_OK;
}

enum rotor_status crypto_lms_public(const struct crypto_lms_key *key,
                                    struct rotor_bytes tree,
                                    struct rotor_room *public_key)
{
    public_key->used = 0;
    if (tree.size == 0 || tree.size != crypto_lms_tree_size(key)) {
        return ROTOR_INVALID;
    }
    size_t size = key->type->hash_size;
    uint8_t made[CRYPTO_LMS_PUBLIC_MAX];
    bytes_put_be32(made, key->type->number);
    bytes_put_be32(made + 4, key->one_time->number);
    memcpy(made + 8, key->id, CRYPTO_LMOTS_ID);
    memcpy(made + 8 + CRYPTO_LMOTS_ID, tree.data + size, size);
    return bytes_copy(public_key, bytes_of(made, 8 + CRYPTO_LMOTS_ID + size));
}

// Writes q || LM-OTS signature || type || path.
static enum rotor_status put_signature(const struct crypto_lms_key *key,
                                       struct rotor_bytes tree, uint32_t index,
                                       struct rotor_bytes message, uint8_t *out)
{
    struct crypto_lmots_key leaf = leaf_key(key, index);
    enum rotor_status status = crypto_lmots_sign_with(&leaf, message, out + 4);
    secret_wipe(&leaf, sizeof leaf);
    if (status != ROTOR_OK) {
        return status;
    }
    size_t size = key->type->hash_size;
    uint8_t *path = out + 4 + crypto_lmots_signature_size(key->one_time) + 4;
    bytes_put_be32(out, index);
    bytes_put_be32(path - 4, key->type->number);
    size_t node = ((size_t)1 << key->type->height) + index;
    for (unsigned level = 0; level < key->type->height; level++) {
        memcpy(path + level * size, tree.data + (node ^ 1) * size, size);
        node /= 2;
    }
    return ROTOR_OK;
}

static enum rotor_status check_own(const struct crypto_lms_key *key,
                                   struct rotor_bytes tree,
                                   struct rotor_bytes message,
                                   struct rotor_bytes signature)
{
    uint8_t public_key[CRYPTO_LMS_PUBLIC_MAX];
    struct rotor_room room = ROOM_OF(public_key);
    bool valid = false;
    TRY(crypto_lms_public(key, tree, &room));
    TRY(crypto_lms_verify(bytes_in(&room), message, signature, &valid));
    return valid ? ROTOR_OK : ROTOR_PORT_FAILED;
}

enum rotor_status crypto_lms_sign(const struct crypto_lms_key *key,
                                  struct rotor_bytes tree, uint32_t index,
                                  struct rotor_bytes message,
                                  struct rotor_room *signature)
{
    signature->used = 0;
    size_t size = crypto_lms_signature_size(key);
    if (size == 0 || tree.size != crypto_lms_tree_size(key) ||
        index >> key->type->height != 0) {
        return ROTOR_INVALID;
    }
    if (signature->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    struct rotor_bytes made = {signature->data, size};
    enum rotor_status status =
        put_signature(key, tree, index, message, signature->data);
    if (status == ROTOR_OK) {
        status = check_own(key, tree, message, made);
    }
    if (status != ROTOR_OK) {
        secret_wipe(signature->data, size);
        return status;
    }
    signature->used = size;
    return ROTOR_OK;
}
