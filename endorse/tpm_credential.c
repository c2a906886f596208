// SPDX-License-Identifier: Apache-2.0
#include "endorse/tpm_credential.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "verify/tpm_structures.h"

#define IDENTITY    "IDENTITY" // with its zero: the label of OAEP
#define TPM_AES     0x0006u
#define SEALED_SIZE (2u + ENDORSE_CREDENTIAL_SECRET)

// All that opens the credential, in one place, wiped once.
struct making {
    uint8_t seed[CRYPTO_HASH_MAX];
    uint8_t cipher_key[CRYPTO_HASH_MAX];
    uint8_t mac_key[CRYPTO_HASH_MAX];
    uint8_t plain[SEALED_SIZE];
};

struct target {
    struct verify_tpm_public area;
    enum crypto_hash hash;
    size_t hash_size;
    const EVP_CIPHER *cipher;
    const EVP_MD *md;
    EVP_PKEY *key;
};

// KDFa (part 1, 11.4.10.2): one block of HMAC is all that is needed here.
static enum rotor_status derive(const struct target *t, const uint8_t *seed,
                                struct rotor_bytes label,
                                struct rotor_bytes context, uint32_t bits,
                                uint8_t *key)
{
    static const uint8_t zero[1];
    uint8_t counter[4];
    uint8_t size[4];
    bytes_put_be32(counter, 1);
    bytes_put_be32(size, bits);
    const struct rotor_bytes parts[] = {
        BYTES_OF(counter), label, BYTES_OF(zero), context, BYTES_OF(size)};
    return crypto_hmac(t->hash, bytes_of(seed, t->hash_size), parts,
                       COUNT_OF(parts), key);
}

// AES in CFB mode under a key that is used once, so that its IV is zero.
static bool encrypt(const struct target *t, const struct making *m,
                    uint8_t out[SEALED_SIZE])
{
    static const uint8_t iv[16];
    int size = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool ok =
        context != NULL &&
        EVP_EncryptInit_ex2(context, t->cipher, m->cipher_key, iv, NULL) == 1 &&
        EVP_EncryptUpdate(context, out, &size, m->plain, SEALED_SIZE) == 1 &&
        size == (int)SEALED_SIZE;
    EVP_CIPHER_CTX_free(context);
    return ok;
}

static bool pad(EVP_PKEY_CTX *context, const struct target *t)
{
    // The context takes the label over and frees it.
    uint8_t *label = OPENSSL_memdup(IDENTITY, sizeof IDENTITY);
    if (label == NULL || EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, t->md) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, t->md) != 1 ||
        EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, sizeof IDENTITY) !=
            1) {
        OPENSSL_free(label);
        return false;
    }
    return true;
}

static bool wrap_seed(const struct target *t, const struct making *m,
                      struct endorse_tpm_credential *out)
{
    size_t size = sizeof out->secret - 2;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(t->key, NULL);
    bool ok = context != NULL && pad(context, t) &&
              EVP_PKEY_encrypt(context, out->secret + 2, &size, m->seed,
                               t->hash_size) == 1;
    EVP_PKEY_CTX_free(context);
    bytes_put_be16(out->secret, (uint16_t)size);
    out->secret_size = 2 + size;
    return ok;
}

static enum rotor_status seal(const struct target *t, struct making *m,
                              struct rotor_bytes name,
                              struct endorse_tpm_credential *out)
{
    uint32_t key_bits = t->area.symmetric_bits;
    uint32_t mac_bits = (uint32_t)t->hash_size * 8;
    struct rotor_bytes none = bytes_of(NULL, 0);
    TRY(derive(t, m->seed, LABEL("STORAGE"), name, key_bits, m->cipher_key));
    TRY(derive(t, m->seed, LABEL("INTEGRITY"), none, mac_bits, m->mac_key));
    uint8_t *mac = out->blob + 4;
    uint8_t *sealed = mac + t->hash_size;
    if (!encrypt(t, m, sealed)) {
        return ROTOR_PORT_FAILED;
    }
    const struct rotor_bytes parts[] = {bytes_of(sealed, SEALED_SIZE), name};
    TRY(crypto_hmac(t->hash, bytes_of(m->mac_key, t->hash_size), parts,
                    COUNT_OF(parts), mac));
    out->blob_size = 4 + t->hash_size + SEALED_SIZE;
    bytes_put_be16(out->blob, (uint16_t)(out->blob_size - 2));
    bytes_put_be16(out->blob + 2, (uint16_t)t->hash_size);
    return ROTOR_OK;
}

static enum rotor_status make_with(struct making *m, const struct target *t,
                                   struct rotor_bytes name,
                                   const uint8_t challenge[32],
                                   struct endorse_tpm_credential *out)
{
    bytes_put_be16(m->plain, ENDORSE_CREDENTIAL_SECRET);
    memcpy(m->plain + 2, challenge, ENDORSE_CREDENTIAL_SECRET);
    if (RAND_priv_bytes(m->seed, (int)t->hash_size) != 1 ||
        !wrap_seed(t, m, out)) {
        return ROTOR_PORT_FAILED;
    }
    return seal(t, m, name, out);
}

// ---- the EK ----------------------------------------------------------------

static bool name_is_one(struct rotor_bytes name)
{
    if (name.size < 2) {
        return false;
    }
    size_t size = crypto_hash_size(verify_hash_of_tpm(bytes_be16(name.data)));
    return size != 0 && name.size == 2 + size;
}

static enum rotor_status open_target(struct rotor_bytes ek_area,
                                     struct target *t)
{
    uint8_t memory[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(memory);
    TRY(verify_tpm_public_decode(ek_area, &t->area));
    TRY(verify_tpm_spki(&t->area, &spki));
    bool is_small = t->area.symmetric_bits == 128;
    bool is_sha256 = t->area.name_hash == VERIFY_TPM_SHA256;
    bool is_known = is_sha256 || t->area.name_hash == VERIFY_TPM_SHA384;
    if (t->area.type != VERIFY_TPM_RSA || !is_known ||
        t->area.symmetric != TPM_AES ||
        (!is_small && t->area.symmetric_bits != 256)) {
        return ROTOR_MALFORMED;
    }
    t->hash = verify_hash_of_tpm(t->area.name_hash);
    t->hash_size = crypto_hash_size(t->hash);
    t->cipher = is_small ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
    t->md = is_sha256 ? EVP_sha256() : EVP_sha384();
    const uint8_t *at = spki.data;
    t->key = d2i_PUBKEY(NULL, &at, (long)spki.used);
    ERR_clear_error();
    return t->key != NULL ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status
endorse_tpm_credential_make(struct rotor_bytes ek_area,
                            struct rotor_bytes ak_name,
                            const uint8_t challenge[ENDORSE_CREDENTIAL_SECRET],
                            struct endorse_tpm_credential *credential)
{
    struct target t = {.key = NULL};
    struct making making;
    if (!name_is_one(ak_name)) {
        return ROTOR_MALFORMED;
    }
    enum rotor_status status = open_target(ek_area, &t);
    if (status == ROTOR_OK) {
        status = make_with(&making, &t, ak_name, challenge, credential);
    }
    secret_wipe(&making, sizeof making);
    EVP_PKEY_free(t.key);
    ERR_clear_error();
    return status;
}
