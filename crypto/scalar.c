// SPDX-License-Identifier: Apache-2.0
#include "crypto/scalar.h"

#include <stddef.h>

#include "base/bytes.h"
#include "base/secret.h"

// 12 limbs of 32 bits hold P-384.
#define LIMBS_MAX 12u

// SEC 2 (FIPS 186-4 D.1.2): order of P-256.
static const uint8_t order_p256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

// Order of P-384.
static const uint8_t order_p384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
    0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};

// Little-endian limbs of everything that the reduction touches.
struct reduction {
    size_t limbs;
    uint32_t modulus[LIMBS_MAX];
    uint32_t value[LIMBS_MAX];      // SECRET
    uint32_t difference[LIMBS_MAX]; // SECRET
};

const uint8_t *crypto_scalar_order(enum crypto_scheme scheme)
{
    if (scheme == CRYPTO_P256) {
        return order_p256;
    }
    return scheme == CRYPTO_P384 ? order_p384 : NULL;
}

static void load(uint32_t *limbs, size_t count, const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        limbs[i] = bytes_be32(bytes + 4 * (count - 1 - i));
    }
}

// Takes the modulus off `value` (with `carry` as its next higher bit) unless
// that would make it negative.
static void subtract_modulus(struct reduction *r, uint32_t carry)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < r->limbs; i++) {
        uint64_t step = (uint64_t)r->value[i] - r->modulus[i] - borrow;
        r->difference[i] = (uint32_t)step;
        borrow = step >> 63;
    }
    // All ones when the difference is to be kept.
    uint32_t keep = 0u - (carry | (uint32_t)(borrow ^ 1u));
    for (size_t i = 0; i < r->limbs; i++) {
        r->value[i] = (r->difference[i] & keep) | (r->value[i] & ~keep);
    }
}

// value = 2 value + bit; gives the bit that fell out.
static uint32_t shift_in(struct reduction *r, uint32_t bit)
{
    for (size_t i = 0; i < r->limbs; i++) {
        uint32_t out = r->value[i] >> 31;
        r->value[i] = r->value[i] << 1 | bit;
        bit = out;
    }
    return bit;
}

// Both moduli have their highest bit set, so the leading bytes of the seed
// need one subtraction and each of the 64 bits behind them one more.
static void reduce(struct reduction *r, const uint8_t *order,
                   const uint8_t *seed)
{
    load(r->modulus, r->limbs, order);
    r->modulus[0] -= 1; // both orders are odd: no borrow
    load(r->value, r->limbs, seed);
    subtract_modulus(r, 0);
    const uint8_t *tail = seed + 4 * r->limbs;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint32_t next = (uint32_t)tail[bit / 8] >> (7 - bit % 8) & 1u;
        uint32_t carry = shift_in(r, next);
        subtract_modulus(r, carry);
    }
}

enum rotor_status crypto_scalar_reduce(enum crypto_scheme scheme,
                                       const uint8_t *seed, uint8_t *scalar)
{
    const uint8_t *order = crypto_scalar_order(scheme);
    if (order == NULL) {
        return ROTOR_INVALID;
    }
    struct reduction r = {.limbs = crypto_sizes(scheme).private_key / 4};
    reduce(&r, order, seed);
    uint64_t carry = 1;
    for (size_t i = 0; i < r.limbs; i++) {
        carry += r.value[i];
        bytes_put_be32(scalar + 4 * (r.limbs - 1 - i), (uint32_t)carry);
        carry >>= 32;
    }
    secret_wipe(&r, sizeof r);
    return ROTOR_OK;
}

bool crypto_scalar_is_valid(enum crypto_scheme scheme, const uint8_t *scalar)
{
    const uint8_t *order = crypto_scalar_order(scheme);
    if (order == NULL) {
        return false;
    }
    uint32_t borrow = 0;
    uint32_t any = 0;
    for (size_t i = crypto_sizes(scheme).private_key; i-- > 0;) {
        borrow = ((uint32_t)scalar[i] - order[i] - borrow) >> 31;
        any |= scalar[i];
    }
    return borrow == 1 && any != 0;
}
