// SPDX-License-Identifier: Apache-2.0
#include "crypto/suite.h"

#include "base/bytes.h"

static const struct crypto_suite suites[] = {
    {1, CRYPTO_SHA256, CRYPTO_ED25519, CRYPTO_X25519, CRYPTO_CHACHA20_POLY1305},
    {2, CRYPTO_SHA256, CRYPTO_P256,    CRYPTO_P256,   CRYPTO_AES256_GCM       },
    {3, CRYPTO_SHA384, CRYPTO_P384,    CRYPTO_P384,   CRYPTO_AES256_GCM       },
};

static const struct crypto_sizes sizes[] = {
    [CRYPTO_SCHEME_NONE] = {0,  0,  0,  0,  0 },
    [CRYPTO_ED25519] = {32, 32, 32, 64, 0 },
    [CRYPTO_P256] = {40, 32, 64, 64, 32},
    [CRYPTO_P384] = {56, 48, 96, 96, 48},
    [CRYPTO_X25519] = {32, 32, 32, 0,  32},
};

static const size_t hash_sizes[] = {
    [CRYPTO_HASH_NONE] = 0, [CRYPTO_SHA256] = 32, [CRYPTO_SHA384] = 48,
    [CRYPTO_SHA512] = 64,   [CRYPTO_SHA1] = 20,
};

static const int64_t cose_of_scheme[] = {
    [CRYPTO_SCHEME_NONE] = 0, [CRYPTO_ED25519] = -8, [CRYPTO_P256] = -7,
    [CRYPTO_P384] = -35,      [CRYPTO_X25519] = 0,
};

static const int64_t cose_of_hash[] = {
    [CRYPTO_HASH_NONE] = 0, [CRYPTO_SHA256] = -16, [CRYPTO_SHA384] = -43,
    [CRYPTO_SHA512] = -44,  [CRYPTO_SHA1] = 0,
};

const struct crypto_suite *crypto_suite_of(uint64_t id)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        if (suites[i].id == id) {
            return &suites[i];
        }
    }
    return NULL;
}

struct crypto_sizes crypto_sizes(enum crypto_scheme scheme)
{
    bool known = (size_t)scheme < COUNT_OF(sizes);
    return sizes[known ? scheme : CRYPTO_SCHEME_NONE];
}

size_t crypto_hash_size(enum crypto_hash hash)
{
    bool known = (size_t)hash < COUNT_OF(hash_sizes);
    return hash_sizes[known ? hash : CRYPTO_HASH_NONE];
}

int64_t crypto_cose_of_scheme(enum crypto_scheme scheme)
{
    bool known = (size_t)scheme < COUNT_OF(cose_of_scheme);
    return known ? cose_of_scheme[scheme] : 0;
}

int64_t crypto_cose_of_hash(enum crypto_hash hash)
{
    bool known = (size_t)hash < COUNT_OF(cose_of_hash);
    return known ? cose_of_hash[hash] : 0;
}

enum crypto_scheme crypto_scheme_of_cose(int64_t algorithm)
{
    switch (algorithm) {
    case -8:
        return CRYPTO_ED25519;
    case -7:
        return CRYPTO_P256;
    case -35:
        return CRYPTO_P384;
    default:
        return CRYPTO_SCHEME_NONE;
    }
}

// SHA-512 makes no digest of the protocol, so its number is not taken.
enum crypto_hash crypto_hash_of_cose(int64_t algorithm)
{
    switch (algorithm) {
    case -16:
        return CRYPTO_SHA256;
    case -43:
        return CRYPTO_SHA384;
    default:
        return CRYPTO_HASH_NONE;
    }
}

enum crypto_hash crypto_hash_of_scheme(enum crypto_scheme scheme)
{
    return scheme == CRYPTO_P384 ? CRYPTO_SHA384 : CRYPTO_SHA256;
}
