// SPDX-License-Identifier: Apache-2.0
#include "enclave/seal.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"

#define AD_SIZE   8u
#define SALT_SIZE 32u
#define INFO_SIZE (sizeof LABEL_SEAL + SALT_SIZE) // label || 0 || salt

static const char LABEL_SEAL[] = "rotor1 seal"; // its final zero is the 0

// What sealing and unsealing must leave nothing of.
struct seal_secrets {
    uint8_t key[CRYPTO_AEAD_KEY];
    uint8_t salt[SALT_SIZE];
    struct crypto_aead aead;
};

static void make_ad(const struct enclave_seal *seal, uint8_t ad[AD_SIZE])
{
    memcpy(ad, "ROTS", 4);
    ad[4] = 1;
    ad[5] = (uint8_t)seal->kind;
    bytes_put_be16(ad + 6, (uint16_t)seal->suite);
}

// salt = HMAC(k_mac, lp4(ad) || plaintext)
static enum rotor_status make_salt(const struct enclave_seal *seal,
                                   struct rotor_bytes plaintext,
                                   uint8_t salt[SALT_SIZE])
{
    uint8_t ad[4 + AD_SIZE];
    bytes_put_be32(ad, AD_SIZE);
    make_ad(seal, ad + 4);
    struct rotor_bytes parts[] = {BYTES_OF(ad), plaintext};
    return crypto_hmac(CRYPTO_SHA256, bytes_of(seal->mac, 32), parts,
                       COUNT_OF(parts), salt);
}

// key = Expand(k_enc, "rotor1 seal" || 0 || salt, 32)
static enum rotor_status open_aead(const struct enclave_seal *seal,
                                   const uint8_t salt[SALT_SIZE],
                                   struct seal_secrets *s)
{
    const struct crypto_suite *suite = crypto_suite_of(seal->suite);
    if (suite == NULL) {
        return ROTOR_MALFORMED;
    }
    uint8_t info[INFO_SIZE];
    memcpy(info, LABEL_SEAL, sizeof LABEL_SEAL);
    memcpy(info + sizeof LABEL_SEAL, salt, SALT_SIZE);
    struct rotor_room key = ROOM_OF(s->key);
    TRY(crypto_expand(CRYPTO_SHA256, seal->enc, BYTES_OF(info), &key));
    return crypto_aead_open(&s->aead, suite->aead, s->key);
}

static enum rotor_status seal_with(struct seal_secrets *s,
                                   const struct enclave_seal *seal,
                                   struct rotor_bytes plaintext,
                                   struct rotor_room *sealed)
{
    static const uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    TRY(make_salt(seal, plaintext, s->salt));
    TRY(open_aead(seal, s->salt, s));
    uint8_t ad[AD_SIZE];
    make_ad(seal, ad);
    size_t size = plaintext.size + ENCLAVE_SEAL_HEAD + CRYPTO_AEAD_TAG;
    TRY(crypto_seal(&s->aead, nonce, BYTES_OF(ad), plaintext,
                    sealed->data + ENCLAVE_SEAL_HEAD));
    memcpy(sealed->data, ad, AD_SIZE);
    memcpy(sealed->data + AD_SIZE, s->salt, SALT_SIZE);
    sealed->used = size;
    return ROTOR_OK;
}

enum rotor_status enclave_seal(const struct enclave_seal *seal,
                               struct rotor_bytes plaintext,
                               struct rotor_room *sealed)
{
    sealed->used = 0;
    if (sealed->capacity < ENCLAVE_SEAL_HEAD + CRYPTO_AEAD_TAG ||
        sealed->capacity - ENCLAVE_SEAL_HEAD - CRYPTO_AEAD_TAG <
            plaintext.size) {
        return ROTOR_TOO_SMALL;
    }
    struct seal_secrets secrets = {0};
    enum rotor_status status = seal_with(&secrets, seal, plaintext, sealed);
    crypto_aead_close(&secrets.aead);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

static enum rotor_status unseal_with(struct seal_secrets *s,
                                     const struct enclave_seal *seal,
                                     struct rotor_bytes sealed,
                                     struct rotor_room *plaintext)
{
    static const uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    uint8_t stored[SALT_SIZE];
    uint8_t ad[AD_SIZE];
    memcpy(stored, sealed.data + AD_SIZE, SALT_SIZE);
    make_ad(seal, ad);
    TRY(open_aead(seal, stored, s));
    struct rotor_bytes ciphertext = {sealed.data + ENCLAVE_SEAL_HEAD,
                                     sealed.size - ENCLAVE_SEAL_HEAD};
    size_t size = ciphertext.size - CRYPTO_AEAD_TAG;
    TRY(crypto_unseal(&s->aead, nonce, BYTES_OF(ad), ciphertext,
                      plaintext->data));
    TRY(make_salt(seal, bytes_of(plaintext->data, size), s->salt));
    if (!secret_equal(s->salt, stored, SALT_SIZE)) {
        return ROTOR_MALFORMED;
    }
    plaintext->used = size;
    return ROTOR_OK;
}

enum rotor_status enclave_unseal(struct enclave_seal *seal,
                                 struct rotor_bytes sealed,
                                 struct rotor_room *plaintext)
{
    plaintext->used = 0;
    if (sealed.size < ENCLAVE_SEAL_HEAD + CRYPTO_AEAD_TAG) {
        return ROTOR_MALFORMED;
    }
    size_t size = sealed.size - ENCLAVE_SEAL_HEAD - CRYPTO_AEAD_TAG;
    if (plaintext->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    struct enclave_seal theirs = *seal;
    theirs.suite = bytes_be16(sealed.data + 6);
    uint8_t ad[AD_SIZE];
    make_ad(&theirs, ad);
    if (memcmp(ad, sealed.data, AD_SIZE) != 0) {
        return ROTOR_MALFORMED;
    }
    struct seal_secrets secrets = {0};
    enum rotor_status status =
        unseal_with(&secrets, &theirs, sealed, plaintext);
    crypto_aead_close(&secrets.aead);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        secret_wipe(plaintext->data, size);
        return status;
    }
    seal->suite = theirs.suite;
    return ROTOR_OK;
}
