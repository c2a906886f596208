// SPDX-License-Identifier: Apache-2.0
// Ephemerals and the channel.  doc/PROTOCOL.chain 6.
#include "chain/schedule.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/expand.h"
#include "crypto/suite.h"

#define UNCOMPRESSED 0x04u

// ---- ephemerals ------------------------------------------------------------

static bool is_curve(enum crypto_scheme scheme)
{
    return scheme == CRYPTO_P256 || scheme == CRYPTO_P384;
}

enum rotor_status chain_point_encode(const struct crypto_key *key,
                                     struct rotor_room *point)
{
    uint8_t bytes[CHAIN_POINT_MAX] = {UNCOMPRESSED};
    size_t head = is_curve(key->scheme) ? 1 : 0;
    struct rotor_room raw = {bytes + head, sizeof bytes - head, 0};
    point->used = 0;
    TRY(crypto_key_public(key, &raw));
    return bytes_copy(point, bytes_of(bytes, head + raw.used));
}

static enum rotor_status agree(const struct crypto_key *key,
                               struct rotor_bytes raw,
                               struct rotor_room *shared)
{
    size_t size = crypto_sizes(key->scheme).shared;
    shared->used = 0;
    if (size == 0) {
        return ROTOR_INVALID;
    }
    if (shared->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    TRY(crypto_agree(key, raw, shared->data));
    shared->used = size;
    return ROTOR_OK;
}

enum rotor_status chain_agree(const struct crypto_key *key,
                              struct rotor_bytes point,
                              struct rotor_room *shared)
{
    size_t head = is_curve(key->scheme) ? 1 : 0;
    shared->used = 0;
    if (point.size != head + crypto_sizes(key->scheme).public_key ||
        (head == 1 && point.data[0] != UNCOMPRESSED)) {
        return ROTOR_MALFORMED;
    }
    return agree(key, bytes_of(point.data + head, point.size - head), shared);
}

enum rotor_status chain_agree_static(const struct crypto_key *key,
                                     const struct wire_key *peer,
                                     struct rotor_room *shared)
{
    shared->used = 0;
    if (wire_key_scheme(peer->type) != key->scheme) {
        return ROTOR_MALFORMED;
    }
    return agree(key, wire_key_bytes(peer), shared);
}

// ---- transcripts -----------------------------------------------------------

enum rotor_status chain_channel_t1(enum crypto_hash alg,
                                   const struct chain_hello *hello,
                                   struct wire_digest *t1)
{
    uint8_t header[WIRE_HEADER_SIZE];
    uint8_t sizes[3][4];
    if (hello->ap_header.size != sizeof header) {
        return ROTOR_INVALID;
    }
    memcpy(header, hello->ap_header.data, sizeof header);
    memset(header + 8, 0, 4); // payload length: Evidence is not made yet
    bytes_put_be32(sizes[0], (uint32_t)hello->hello_rtp.size);
    bytes_put_be32(sizes[1], (uint32_t)sizeof header);
    bytes_put_be32(sizes[2], (uint32_t)hello->core.size);
    const struct rotor_bytes parts[] = {
        BYTES_OF(sizes[0]), hello->hello_rtp,   BYTES_OF(sizes[1]),
        BYTES_OF(header),   BYTES_OF(sizes[2]), hello->core,
    };
    return wire_digest_make(t1, alg, LABEL("rotor1 chan1"), parts,
                            COUNT_OF(parts));
}

enum rotor_status chain_channel_t2(const struct wire_digest *t1,
                                   struct rotor_bytes evidence,
                                   struct wire_digest *t2)
{
    return chain_extend(t1, LABEL("rotor1 chan2"), evidence, t2);
}

enum rotor_status chain_channel_t3(const struct wire_digest *t2,
                                   struct rotor_bytes sig_s,
                                   struct rotor_bytes control_key,
                                   struct wire_digest *t3)
{
    return chain_extend_by_two(
        t2, LABEL("rotor1 chan3"),
        (const struct rotor_bytes[2]){sig_s, control_key}, t3);
}

// ---- keys ------------------------------------------------------------------

struct channel_secrets {
    uint8_t ck1[CRYPTO_HASH_MAX];
    uint8_t ck2[CRYPTO_HASH_MAX];
};

static enum rotor_status derive_with(struct channel_secrets *s,
                                     const struct crypto_suite *suite,
                                     const struct chain_channel_input *input,
                                     struct chain_channel_keys *keys)
{
    static const uint8_t ZEROS[CRYPTO_HASH_MAX] = {0};
    struct rotor_bytes es = input->es;
    if (bytes_are_empty(es)) {
        es = bytes_of(ZEROS, crypto_hash_size(suite->hash));
    }
    struct wire_digest salt;
    uint8_t id[2];
    bytes_put_be16(id, suite->id);
    const struct rotor_bytes parts[] = {BYTES_OF(id),
                                        wire_digest_bytes(&input->log_id)};
    TRY(wire_digest_make(&salt, suite->hash, LABEL("rotor1 channel"), parts,
                         COUNT_OF(parts)));
    TRY(crypto_extract(suite->hash, wire_digest_bytes(&salt), input->ee,
                       s->ck1));
    TRY(chain_next_stage(suite->hash, s->ck1, es, s->ck2));
    const struct chain_expander expander = {
        suite->hash, s->ck2, LABEL("rotor1 c/"), wire_digest_bytes(&input->t3)};
    TRY(chain_expand_traffic(&expander, CHAIN_R2A, &keys->r2a));
    return chain_expand_traffic(&expander, CHAIN_A2R, &keys->a2r);
}

enum rotor_status chain_channel_derive(const struct chain_channel_input *input,
                                       struct chain_channel_keys *keys)
{
    const struct crypto_suite *suite = crypto_suite_of(input->suite);
    if (suite == NULL || input->t3.alg != suite->hash) {
        return ROTOR_INVALID;
    }
    struct channel_secrets secrets;
    enum rotor_status status = derive_with(&secrets, suite, input, keys);
    if (status != ROTOR_OK) {
        secret_wipe(keys, sizeof *keys);
    }
    secret_wipe(&secrets, sizeof secrets);
    return status;
}
