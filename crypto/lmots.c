// SPDX-License-Identifier: Apache-2.0
#include "crypto/lmots.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

// RFC 8554 section 4: what is hashed, told apart by 16 bits behind q.
#define D_PBLC 0x8080u
#define D_MESG 0x8181u

// Appendix A of RFC 8554: the secret of chain i, and the randomizer C as if it
// were chain 0xfffd, both with 0xff in the place of the step.
#define SECRET_STEP 0xffu
#define RANDOMIZER  0xfffdu

#define PREFIX (CRYPTO_LMOTS_ID + 4u) // I || be32(q)

// I || be32(q) || be16(i) || step || value: 55 bytes, one SHA-256 block.
struct link {
    uint8_t bytes[PREFIX + 2u + 1u + CRYPTO_LMOTS_HASH_MAX];
};

#define LINK_STEP  (PREFIX + 2u)
#define LINK_VALUE (PREFIX + 3u)

// SP 800-208 table 1; RFC 8554 table 1 is its first half.
static const struct crypto_lmots_type types[] = {
    {1, 32, 1, 265, 7},
    {2, 32, 2, 133, 6},
    {3, 32, 4, 67,  4},
    {4, 32, 8, 34,  0},
    {5, 24, 1, 200, 8},
    {6, 24, 2, 101, 6},
    {7, 24, 4, 51,  4},
    {8, 24, 8, 26,  0},
};

const struct crypto_lmots_type *crypto_lmots_type_of(uint32_t number)
{
    bool known = number >= 1 && number <= COUNT_OF(types);
    return known ? &types[number - 1] : NULL;
}

size_t crypto_lmots_signature_size(const struct crypto_lmots_type *type)
{
    return 4 + (size_t)type->hash_size * (1u + type->chains);
}

static void put_prefix(const struct crypto_lmots_key *key, uint8_t *out)
{
    memcpy(out, key->id, CRYPTO_LMOTS_ID);
    bytes_put_be32(out + CRYPTO_LMOTS_ID, key->q);
}

// The hash of the parts, cut to n bytes.
static enum rotor_status hash_cut(const struct crypto_lmots_type *type,
                                  const struct rotor_bytes *parts, size_t count,
                                  uint8_t *out)
{
    uint8_t digest[CRYPTO_LMOTS_HASH_MAX];
    enum rotor_status status = crypto_hash(CRYPTO_SHA256, parts, count, digest);
    if (status == ROTOR_OK) {
        memcpy(out, digest, type->hash_size);
    }
    secret_wipe(digest, sizeof digest);
    return status;
}

// ---- chains ----------------------------------------------------------------

// Takes the value in `link` from step `from` to step `to`.
static enum rotor_status advance(const struct crypto_lmots_type *type,
                                 struct link *link, unsigned from, unsigned to)
{
    struct rotor_bytes whole = {link->bytes, LINK_VALUE + type->hash_size};
    for (unsigned step = from; step < to; step++) {
        link->bytes[LINK_STEP] = (uint8_t)step;
        TRY(hash_cut(type, &whole, 1, link->bytes + LINK_VALUE));
    }
    return ROTOR_OK;
}

// Puts the secret of chain i into `link`: step 0 of the chain.
static enum rotor_status derive(const struct crypto_lmots_key *key,
                                struct link *link, unsigned chain)
{
    size_t size = key->type->hash_size;
    put_prefix(key, link->bytes);
    bytes_put_be16(link->bytes + PREFIX, (uint16_t)chain);
    link->bytes[LINK_STEP] = SECRET_STEP;
    memcpy(link->bytes + LINK_VALUE, key->seed, size);
    struct rotor_bytes whole = {link->bytes, LINK_VALUE + size};
    return hash_cut(key->type, &whole, 1, link->bytes + LINK_VALUE);
}

// Digit i of width w of `digits`, the first at the top of byte 0.
static unsigned digit_at(const uint8_t *digits, unsigned i, unsigned width)
{
    unsigned bit = i * width;
    unsigned shift = 8 - width - bit % 8;
    return (unsigned)digits[bit / 8] >> shift & ((1u << width) - 1);
}

// Q || checksum: what the chains encode.
struct digits {
    uint8_t bytes[CRYPTO_LMOTS_HASH_MAX + 2];
};

static enum rotor_status put_digits(const struct crypto_lmots_key *key,
                                    const uint8_t *randomizer,
                                    struct rotor_bytes message,
                                    struct digits *digits)
{
    const struct crypto_lmots_type *type = key->type;
    uint8_t head[PREFIX + 2];
    put_prefix(key, head);
    bytes_put_be16(head + PREFIX, D_MESG);
    struct rotor_bytes parts[] = {
        BYTES_OF(head), {randomizer, type->hash_size},
         message
    };
    TRY(hash_cut(type, parts, COUNT_OF(parts), digits->bytes));
    unsigned top = (1u << type->width) - 1;
    unsigned checksum = 0;
    for (unsigned i = 0; i < type->hash_size * 8u / type->width; i++) {
        checksum += top - digit_at(digits->bytes, i, type->width);
    }
    bytes_put_be16(digits->bytes + type->hash_size,
                   (uint16_t)(checksum << type->checksum_shift));
    return ROTOR_OK;
}

// K = H(I || be32(q) || D_PBLC || the ends of all chains).
static enum rotor_status close_chains(const struct crypto_lmots_key *key,
                                      const uint8_t *ends, uint8_t *k)
{
    uint8_t head[PREFIX + 2];
    put_prefix(key, head);
    bytes_put_be16(head + PREFIX, D_PBLC);
    struct rotor_bytes parts[] = {
        BYTES_OF(head),
        {ends, (size_t)key->type->chains * key->type->hash_size}
    };
    return hash_cut(key->type, parts, COUNT_OF(parts), k);
}

// ---- every type ------------------------------------------------------------

static enum rotor_status
make_with(struct link *link, const struct crypto_lmots_key *key, uint8_t *k)
{
    size_t size = key->type->hash_size;
    unsigned top = (1u << key->type->width) - 1;
    uint8_t ends[CRYPTO_LMOTS_CHAINS_MAX * CRYPTO_LMOTS_HASH_MAX]; // public
    for (unsigned i = 0; i < key->type->chains; i++) {
        TRY(derive(key, link, i));
        TRY(advance(key->type, link, 0, top));
        memcpy(ends + i * size, link->bytes + LINK_VALUE, size);
    }
    return close_chains(key, ends, k);
}

enum rotor_status crypto_lmots_make(const struct crypto_lmots_key *key,
                                    uint8_t *k)
{
    struct link link;
    enum rotor_status status = make_with(&link, key, k);
    secret_wipe(&link, sizeof link);
    return status;
}

static enum rotor_status sign_with(struct link *link,
                                   const struct crypto_lmots_key *key,
                                   struct rotor_bytes message,
                                   uint8_t *signature)
{
    size_t size = key->type->hash_size;
    struct digits digits;
    bytes_put_be32(signature, key->type->number);
    TRY(derive(key, link, RANDOMIZER));
    memcpy(signature + 4, link->bytes + LINK_VALUE, size);
    TRY(put_digits(key, signature + 4, message, &digits));
    uint8_t *value = signature + 4 + size;
    for (unsigned i = 0; i < key->type->chains; i++) {
        TRY(derive(key, link, i));
        TRY(advance(key->type, link, 0,
                    digit_at(digits.bytes, i, key->type->width)));
        memcpy(value + i * size, link->bytes + LINK_VALUE, size);
    }
    return ROTOR_OK;
}

enum rotor_status crypto_lmots_sign_with(const struct crypto_lmots_key *key,
                                         struct rotor_bytes message,
                                         uint8_t *signature)
{
    struct link link;
    enum rotor_status status = sign_with(&link, key, message, signature);
    secret_wipe(&link, sizeof link);
    if (status != ROTOR_OK) {
        secret_wipe(signature, crypto_lmots_signature_size(key->type));
    }
    return status;
}

enum rotor_status crypto_lmots_candidate(const struct crypto_lmots_key *key,
                                         struct rotor_bytes message,
                                         struct rotor_bytes signature,
                                         uint8_t *k)
{
    const struct crypto_lmots_type *type = key->type;
    if (signature.size != crypto_lmots_signature_size(type) ||
        bytes_be32(signature.data) != type->number) {
        return ROTOR_MALFORMED;
    }
    size_t size = type->hash_size;
    unsigned top = (1u << type->width) - 1;
    struct digits digits;
    TRY(put_digits(key, signature.data + 4, message, &digits));
    const uint8_t *value = signature.data + 4 + size;
    uint8_t ends[CRYPTO_LMOTS_CHAINS_MAX * CRYPTO_LMOTS_HASH_MAX];
    struct link link;
    put_prefix(key, link.bytes);
    for (unsigned i = 0; i < type->chains; i++) {
        bytes_put_be16(link.bytes + PREFIX, (uint16_t)i);
        memcpy(link.bytes + LINK_VALUE, value + i * size, size);
        TRY(advance(type, &link, digit_at(digits.bytes, i, type->width), top));
        memcpy(ends + i * size, link.bytes + LINK_VALUE, size);
    }
    return close_chains(key, ends, k);
}

// ---- rotor's rotation key --------------------------------------------------

static struct crypto_lmots_key rotation_key(const uint8_t *id)
{
    struct crypto_lmots_key key = {
        .type = crypto_lmots_type_of(CRYPTO_LMOTS_N32_W4)};
    memcpy(key.id, id, sizeof key.id);
    return key;
}

enum rotor_status crypto_lmots_public(const uint8_t id[CRYPTO_LMOTS_ID],
                                      const uint8_t seed[CRYPTO_LMOTS_SEED],
                                      uint8_t public_key[CRYPTO_LMOTS_PUBLIC])
{
    uint8_t k[CRYPTO_LMOTS_HASH_MAX];
    struct crypto_lmots_key key = rotation_key(id);
    memcpy(key.seed, seed, sizeof key.seed);
    enum rotor_status status = crypto_lmots_make(&key, k);
    secret_wipe(&key, sizeof key);
    if (status == ROTOR_OK) {
        bytes_put_be32(public_key, CRYPTO_LMOTS_N32_W4);
        memcpy(public_key + 4, id, CRYPTO_LMOTS_ID);
        bytes_put_be32(public_key + 20, 0);
        memcpy(public_key + 24, k, sizeof k);
    }
    return status;
}

enum rotor_status
crypto_lmots_verify(const uint8_t public_key[CRYPTO_LMOTS_PUBLIC],
                    struct rotor_bytes message, struct rotor_bytes signature,
                    bool *valid)
{
    *valid = false;
    bool is_ours = bytes_be32(public_key) == CRYPTO_LMOTS_N32_W4 &&
                   bytes_be32(public_key + 20) == 0;
    if (!is_ours || signature.size != CRYPTO_LMOTS_SIGNATURE ||
        bytes_be32(signature.data) != CRYPTO_LMOTS_N32_W4) {
        return ROTOR_OK;
    }
    struct crypto_lmots_key key = rotation_key(public_key + 4);
    uint8_t k[CRYPTO_LMOTS_HASH_MAX];
    TRY(crypto_lmots_candidate(&key, message, signature, k));
    *valid = memcmp(k, public_key + 24, sizeof k) == 0;
    return ROTOR_OK;
}

static enum rotor_status check_own(const uint8_t *id, const uint8_t *seed,
                                   struct rotor_bytes message,
                                   struct rotor_bytes signature)
{
    uint8_t public_key[CRYPTO_LMOTS_PUBLIC];
    bool valid = false;
    TRY(crypto_lmots_public(id, seed, public_key));
    TRY(crypto_lmots_verify(public_key, message, signature, &valid));
    return valid ? ROTOR_OK : ROTOR_PORT_FAILED;
}

enum rotor_status crypto_lmots_sign(const uint8_t id[CRYPTO_LMOTS_ID],
                                    const uint8_t seed[CRYPTO_LMOTS_SEED],
                                    struct rotor_bytes message,
                                    uint8_t signature[CRYPTO_LMOTS_SIGNATURE])
{
    uint8_t made[CRYPTO_LMOTS_SIGNATURE];
    struct crypto_lmots_key key = rotation_key(id);
    memcpy(key.seed, seed, sizeof key.seed);
    enum rotor_status status = crypto_lmots_sign_with(&key, message, made);
    secret_wipe(&key, sizeof key);
    if (status == ROTOR_OK) {
        status = check_own(id, seed, message, BYTES_OF(made));
    }
    if (status == ROTOR_OK) {
        memcpy(signature, made, sizeof made);
    }
    secret_wipe(made, sizeof made);
    return status;
}
