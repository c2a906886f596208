// SPDX-License-Identifier: Apache-2.0
#include "boot/dice.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

// Salts that the Open Profile fixes.
static const uint8_t key_salt[64] = {
    0x63, 0xb6, 0xa0, 0x4d, 0x2c, 0x07, 0x7f, 0xc1, 0x0f, 0x63, 0x9f,
    0x21, 0xda, 0x79, 0x38, 0x44, 0x35, 0x6c, 0xc2, 0xb0, 0xb4, 0x41,
    0xb3, 0xa7, 0x71, 0x24, 0x03, 0x5c, 0x03, 0xf8, 0xe1, 0xbe, 0x60,
    0x35, 0xd3, 0x1f, 0x28, 0x28, 0x21, 0xa7, 0x45, 0x0a, 0x02, 0x22,
    0x2a, 0xb1, 0xb3, 0xcf, 0xf1, 0x67, 0x9b, 0x05, 0xab, 0x1c, 0xa5,
    0xd1, 0xaf, 0xfb, 0x78, 0x9c, 0xcd, 0x2b, 0x0b, 0x3b,
};
static const uint8_t id_salt[64] = {
    0xdb, 0xdb, 0xae, 0xbc, 0x80, 0x20, 0xda, 0x9f, 0xf0, 0xdd, 0x5a,
    0x24, 0xc8, 0x3a, 0xa5, 0xa5, 0x42, 0x86, 0xdf, 0xc2, 0x63, 0x03,
    0x1e, 0x32, 0x9b, 0x4d, 0xa1, 0x48, 0x43, 0x06, 0x59, 0xfe, 0x62,
    0xcd, 0xb5, 0xb7, 0xe1, 0xe0, 0x0f, 0xc6, 0x80, 0x30, 0x67, 0x11,
    0xeb, 0x44, 0x4a, 0xf7, 0x72, 0x09, 0x35, 0x94, 0x96, 0xfc, 0xff,
    0x1d, 0xb9, 0x52, 0x0b, 0xa5, 0x1c, 0x7b, 0x29, 0xea,
};

struct kdf_input {
    struct rotor_bytes salt;
    struct rotor_bytes ikm;
    struct rotor_bytes info;
};

// KDF(length, ikm, salt, info) of the Open Profile: HKDF-SHA-512.
static enum rotor_status kdf(const struct kdf_input *input, uint8_t *out,
                             size_t size)
{
    uint8_t prk[CRYPTO_HASH_MAX];
    struct rotor_room okm = {out, size, 0};
    enum rotor_status status =
        crypto_extract(CRYPTO_SHA512, input->salt, input->ikm, prk);
    if (status == ROTOR_OK) {
        status = crypto_expand(CRYPTO_SHA512, prk, input->info, &okm);
    }
    secret_wipe(prk, sizeof prk);
    return status;
}

// ---- CDIs ------------------------------------------------------------------

void boot_dice_init(struct boot_cdis *cdis, const uint8_t uds[BOOT_UDS_SIZE])
{
    memcpy(cdis->attest, uds, BOOT_CDI_SIZE);
    memcpy(cdis->seal, uds, BOOT_CDI_SIZE);
}

// salt = SHA-512(code || configuration || authority || mode || hidden)
// next = KDF(32, current, salt, "CDI_Attest")
static enum rotor_status derive_attest(const struct boot_cdis *current,
                                       const struct boot_inputs *inputs,
                                       struct boot_cdis *next)
{
    const uint8_t mode[] = {(uint8_t)inputs->mode};
    struct rotor_bytes all[] = {
        BYTES_OF(inputs->code_hash),      BYTES_OF(inputs->configuration),
        BYTES_OF(inputs->authority_hash), BYTES_OF(mode),
        BYTES_OF(inputs->hidden),
    };
    uint8_t salt[64]; // a hash of public values, unless hidden is set; then
                      // still no secret without the CDI
    TRY(crypto_hash(CRYPTO_SHA512, all, COUNT_OF(all), salt));
    struct kdf_input input = {BYTES_OF(salt), BYTES_OF(current->attest),
                              LABEL("CDI_Attest")};
    return kdf(&input, next->attest, sizeof next->attest);
}

// salt = SHA-512(authority || mode || hidden)
// next = KDF(32, current, salt, "CDI_Seal")
static enum rotor_status derive_seal(const struct boot_cdis *current,
                                     const struct boot_inputs *inputs,
                                     struct boot_cdis *next)
{
    const uint8_t mode[] = {(uint8_t)inputs->mode};
    struct rotor_bytes some[] = {BYTES_OF(inputs->authority_hash),
                                 BYTES_OF(mode), BYTES_OF(inputs->hidden)};
    uint8_t salt[64]; // as above
    TRY(crypto_hash(CRYPTO_SHA512, some, COUNT_OF(some), salt));
    struct kdf_input input = {BYTES_OF(salt), BYTES_OF(current->seal),
                              LABEL("CDI_Seal")};
    return kdf(&input, next->seal, sizeof next->seal);
}

enum rotor_status boot_dice_derive(const struct boot_cdis *current,
                                   const struct boot_inputs *inputs,
                                   struct boot_cdis *next)
{
    struct boot_cdis derived;
    enum rotor_status status = derive_attest(current, inputs, &derived);
    if (status == ROTOR_OK) {
        status = derive_seal(current, inputs, &derived);
    }
    if (status == ROTOR_OK) {
        *next = derived;
    }
    secret_wipe(&derived, sizeof derived);
    return status;
}

// ---- keys ------------------------------------------------------------------

// Everything secret on the way from a CDI to a key.
struct key_secrets {
    uint8_t seed[32];
    uint8_t k[64]; // K and V of HMAC_DRBG, RFC 6979 3.2 with SHA-512
    uint8_t v[64];
};

// K = HMAC(K, V || separator || seed); V = HMAC(K, V)
static enum rotor_status update(struct key_secrets *s, uint8_t separator,
                                struct rotor_bytes seed)
{
    struct rotor_bytes parts[] = {BYTES_OF(s->v), bytes_of(&separator, 1),
                                  seed};
    uint8_t *k = s->k;
    TRY(crypto_hmac(CRYPTO_SHA512, BYTES_OF(s->k), parts, COUNT_OF(parts), k));
    return crypto_hmac(CRYPTO_SHA512, BYTES_OF(s->k), parts, 1, s->v);
}

// Candidates for a scalar in the order of the Open Profile's P-256 and P-384
// forms; the first in 1..order-1 is the key.
static enum rotor_status derive_scalar(struct key_secrets *s,
                                       enum crypto_scheme scheme,
                                       struct crypto_key *key)
{
    struct rotor_bytes v = BYTES_OF(s->v);
    struct rotor_bytes nothing = bytes_of(NULL, 0);
    memset(s->k, 0, sizeof s->k);
    memset(s->v, 1, sizeof s->v);
    TRY(update(s, 0, BYTES_OF(s->seed)));
    TRY(update(s, 1, BYTES_OF(s->seed)));
    // A candidate misses with probability below 2^-32: 8 misses are a fault.
    for (unsigned i = 0; i < 8; i++) {
        TRY(crypto_hmac(CRYPTO_SHA512, BYTES_OF(s->k), &v, 1, s->v));
        enum rotor_status status = crypto_key_import(
            key, scheme, bytes_of(s->v, crypto_sizes(scheme).private_key));
        if (status != ROTOR_MALFORMED) {
            return status;
        }
        TRY(update(s, 0, nothing));
    }
    return ROTOR_PORT_FAILED;
}

static enum rotor_status derive_key(struct key_secrets *s,
                                    const uint8_t cdi_attest[BOOT_CDI_SIZE],
                                    enum crypto_scheme scheme,
                                    struct crypto_key *key)
{
    struct kdf_input input = {BYTES_OF(key_salt),
                              bytes_of(cdi_attest, BOOT_CDI_SIZE),
                              LABEL("Key Pair")};
    TRY(kdf(&input, s->seed, sizeof s->seed));
    if (scheme == CRYPTO_ED25519) {
        return crypto_key_derive(key, scheme, s->seed);
    }
    return derive_scalar(s, scheme, key);
}

enum rotor_status boot_dice_key(const uint8_t cdi_attest[BOOT_CDI_SIZE],
                                enum crypto_scheme scheme,
                                struct crypto_key *key)
{
    if (scheme != CRYPTO_P256 && scheme != CRYPTO_P384 &&
        scheme != CRYPTO_ED25519) {
        return ROTOR_INVALID;
    }
    struct key_secrets secrets;
    enum rotor_status status = derive_key(&secrets, cdi_attest, scheme, key);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

enum rotor_status boot_dice_id(struct rotor_bytes public_key,
                               uint8_t id[BOOT_DICE_ID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t raw[BOOT_DICE_ID_SIZE / 2];
    struct kdf_input input = {BYTES_OF(id_salt), public_key, LABEL("ID")};
    TRY(kdf(&input, raw, sizeof raw));
    raw[0] &= 0x7f; // a positive serial number in the X.509 form
    for (size_t i = 0; i < sizeof raw; i++) {
        id[2 * i] = (uint8_t)hex[raw[i] >> 4];
        id[2 * i + 1] = (uint8_t)hex[raw[i] & 15];
    }
    return ROTOR_OK;
}
