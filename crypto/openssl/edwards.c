// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl/edwards.h"

#include <string.h>

// p = 2^255 - 19 and d = -121665/121666 mod p.
static const uint8_t prime[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xed,
};
static const uint8_t curve_d[32] = {
    0x52, 0x03, 0x6c, 0xee, 0x2b, 0x6f, 0xfe, 0x73, 0x8c, 0xc7, 0x40,
    0x79, 0x77, 0x79, 0xe8, 0x98, 0x00, 0x70, 0x0a, 0x4d, 0x41, 0x41,
    0xd8, 0xab, 0x75, 0xeb, 0x4d, 0xca, 0x13, 0x59, 0x78, 0xa3,
};

// The y of the points of order 8, up to its sign; those of order 4 have y = 0,
// and those of order 1 and 2 have x = 0.
static const uint8_t order_eight_y[32] = {
    0x7a, 0x03, 0xac, 0x92, 0x77, 0xfd, 0xc7, 0x4e, 0xc6, 0xcc, 0x39,
    0x2c, 0xfa, 0x53, 0x20, 0x2a, 0x0f, 0x67, 0x10, 0x0d, 0x76, 0x0b,
    0x3c, 0xba, 0x4f, 0xd8, 0x4d, 0x3d, 0x70, 0x6a, 0x17, 0xc7,
};

struct numbers {
    BN_CTX *pool;
    BIGNUM *p;
    BIGNUM *d;
    BIGNUM *y;
    BIGNUM *bad;
    BIGNUM *minus_y;
    BIGNUM *y2;
    BIGNUM *u;
    BIGNUM *v;
};

static bool take(struct numbers *n)
{
    BIGNUM **all[] = {&n->p,       &n->d,  &n->y, &n->bad,
                      &n->minus_y, &n->y2, &n->u, &n->v};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = BN_CTX_get(n->pool);
        if (*all[i] == NULL) {
            return false;
        }
    }
    return BN_bin2bn(prime, 32, n->p) != NULL &&
           BN_bin2bn(curve_d, 32, n->d) != NULL;
}

static bool has_order_4_or_8(struct numbers *n)
{
    if (BN_bin2bn(order_eight_y, 32, n->bad) == NULL ||
        BN_sub(n->minus_y, n->p, n->y) != 1) {
        return true;
    }
    return BN_is_zero(n->y) || BN_cmp(n->y, n->bad) == 0 ||
           BN_cmp(n->minus_y, n->bad) == 0;
}

// x^2 = (y^2 - 1) / (d y^2 + 1) has a root when numerator * denominator has
// one: 1, 0 or -1 by Kronecker, -2 when the library failed.
static int root_exists(struct numbers *n)
{
    bool ok = BN_mod_sqr(n->y2, n->y, n->p, n->pool) == 1 &&
              BN_mod_mul(n->v, n->d, n->y2, n->p, n->pool) == 1 &&
              BN_add_word(n->v, 1) == 1 &&
              BN_mod_sub(n->u, n->y2, BN_value_one(), n->p, n->pool) == 1 &&
              BN_mod_mul(n->u, n->u, n->v, n->p, n->pool) == 1;
    return ok ? BN_kronecker(n->u, n->p, n->pool) : -2;
}

static enum rotor_status check(struct numbers *n, const uint8_t encoded[32],
                               bool *is_point)
{
    uint8_t y[32];
    memcpy(y, encoded, sizeof y);
    y[31] &= 0x7f; // the sign of x
    if (!take(n) || BN_lebin2bn(y, sizeof y, n->y) == NULL) {
        return ROTOR_PORT_FAILED;
    }
    bool is_canonical = BN_cmp(n->y, n->p) < 0;
    if (!is_canonical || has_order_4_or_8(n)) {
        return ROTOR_OK;
    }
    // 0 is x = 0: the two points of order 1 and 2, with either sign.
    int root = root_exists(n);
    *is_point = root == 1;
    return root == -2 ? ROTOR_PORT_FAILED : ROTOR_OK;
}

enum rotor_status openssl_edwards_check(BN_CTX *numbers,
                                        const uint8_t encoded[32],
                                        bool *is_point)
{
    struct numbers n = {.pool = numbers};
    *is_point = false;
    BN_CTX_start(numbers);
    enum rotor_status status = check(&n, encoded, is_point);
    BN_CTX_end(numbers);
    return status;
}
