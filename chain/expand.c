// SPDX-License-Identifier: Apache-2.0
#include "chain/expand.h"

#include "base/bytes.h"
#include "base/secret.h"

enum rotor_status chain_extend(const struct wire_digest *from,
                               struct rotor_bytes label,
                               struct rotor_bytes item, struct wire_digest *to)
{
    uint8_t size[4];
    bytes_put_be32(size, (uint32_t)item.size);
    const struct rotor_bytes parts[] = {wire_digest_bytes(from), BYTES_OF(size),
                                        item};
    return wire_digest_make(to, from->alg, label, parts, COUNT_OF(parts));
}

enum rotor_status chain_extend_by_two(const struct wire_digest *from,
                                      struct rotor_bytes label,
                                      const struct rotor_bytes items[2],
                                      struct wire_digest *to)
{
    uint8_t sizes[2][4];
    bytes_put_be32(sizes[0], (uint32_t)items[0].size);
    bytes_put_be32(sizes[1], (uint32_t)items[1].size);
    const struct rotor_bytes parts[] = {wire_digest_bytes(from),
                                        BYTES_OF(sizes[0]), items[0],
                                        BYTES_OF(sizes[1]), items[1]};
    return wire_digest_make(to, from->alg, label, parts, COUNT_OF(parts));
}

static enum rotor_status next_with(uint8_t salt[CRYPTO_HASH_MAX],
                                   enum crypto_hash alg, const uint8_t *stage,
                                   struct rotor_bytes ikm, uint8_t *next)
{
    struct rotor_room room = {salt, crypto_hash_size(alg), 0};
    TRY(crypto_expand(alg, stage, LABEL("rotor1 derived"), &room));
    return crypto_extract(alg, bytes_in(&room), ikm, next);
}

enum rotor_status chain_next_stage(enum crypto_hash alg, const uint8_t *stage,
                                   struct rotor_bytes ikm,
                                   uint8_t next[CRYPTO_HASH_MAX])
{
    uint8_t salt[CRYPTO_HASH_MAX];
    enum rotor_status status = next_with(salt, alg, stage, ikm, next);
    secret_wipe(salt, sizeof salt);
    return status;
}

enum rotor_status chain_expand(const struct chain_expander *expander,
                               struct rotor_bytes label, struct rotor_room *key)
{
    static const uint8_t ZERO[1] = {0};
    uint8_t info[96]; // not secret, not wiped
    struct rotor_room room = ROOM_OF(info);
    key->used = 0;
    TRY(bytes_append(&room, expander->prefix));
    TRY(bytes_append(&room, label));
    TRY(bytes_append(&room, BYTES_OF(ZERO)));
    TRY(bytes_append(&room, expander->transcript));
    return crypto_expand(expander->alg, expander->stage, bytes_in(&room), key);
}

enum rotor_status chain_expand_traffic(const struct chain_expander *expander,
                                       enum chain_direction direction,
                                       struct chain_traffic *traffic)
{
    bool is_r2a = direction == CHAIN_R2A;
    struct rotor_room key = ROOM_OF(traffic->key);
    struct rotor_room iv = ROOM_OF(traffic->iv);
    TRY(chain_expand(expander, is_r2a ? LABEL("r2a key") : LABEL("a2r key"),
                     &key));
    return chain_expand(expander, is_r2a ? LABEL("r2a iv") : LABEL("a2r iv"),
                        &iv);
}
