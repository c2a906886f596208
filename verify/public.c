// SPDX-License-Identifier: Apache-2.0
#include "verify/public.h"

#include <string.h>

#include "base/bytes.h"

// RFC 9052 7, RFC 9053 7, RFC 8230 4.
enum {
    KEY_KTY = 1,
    KEY_ALG = 3,
    KEY_OPS = 4,
    KEY_CRV = -1,
    KEY_X = -2,
    KEY_Y = -3,
    KEY_N = -1, // of RSA
    KEY_E = -2,
    KEY_K = -1,   // of a MAC key
    KEY_PUB = -1, // of HSS

    KTY_OKP = 1,
    KTY_EC2 = 2,
    KTY_RSA = 3,
    KTY_SYMMETRIC = 4,
    KTY_HSS = 5,

    CRV_P256 = 1,
    CRV_P384 = 2,
    CRV_P521 = 3,
    CRV_ED25519 = 6,

    OPS_VERIFY = 2,
    OPS_MAC_VERIFY = 10,
};

#define ED25519_SIZE 32u // bytes

size_t verify_public_coordinate(enum verify_public_kind kind)
{
    switch (kind) {
    case VERIFY_PUBLIC_P256:
        return 32;
    case VERIFY_PUBLIC_P384:
        return 48;
    case VERIFY_PUBLIC_P521:
        return 66;
    case VERIFY_PUBLIC_NONE:
    case VERIFY_PUBLIC_ED25519:
    case VERIFY_PUBLIC_RSA:
    case VERIFY_PUBLIC_HSS:
    case VERIFY_PUBLIC_SECRET:
        break;
    }
    return 0;
}

// ---- COSE_Key --------------------------------------------------------------

static bool integer_at(const struct cbor_foreign *map, int64_t key,
                       int64_t *value)
{
    struct cbor_foreign item;
    return cbor_foreign_find(map, key, &item) && cbor_foreign_int(&item, value);
}

static bool bytes_at(const struct cbor_foreign *map, int64_t key,
                     struct rotor_bytes *value)
{
    struct cbor_foreign item;
    return cbor_foreign_find(map, key, &item) &&
           cbor_foreign_bytes(&item, value);
}

static bool is_verifying(int64_t ops)
{
    return ops == OPS_VERIFY || ops == OPS_MAC_VERIFY;
}

// key_ops, if there, allow to verify.  Android 14 may write one integer where
// COSE has an array.
static bool may_verify(const struct cbor_foreign *cose_key)
{
    struct cbor_foreign ops;
    struct cbor_foreign each;
    struct cbor_foreign_walk walk;
    int64_t value = 0;
    if (!cbor_foreign_find(cose_key, KEY_OPS, &ops)) {
        return true;
    }
    if (cbor_foreign_int(&ops, &value)) {
        return is_verifying(value);
    }
    bool is_found = false;
    cbor_foreign_walk(&ops, &walk);
    while (cbor_foreign_next(&walk, &each)) {
        is_found |= cbor_foreign_int(&each, &value) && is_verifying(value);
    }
    return is_found;
}

// Right-aligned in a coordinate: leading zeros may be missing.
static bool put_coordinate(struct rotor_bytes from, size_t size, uint8_t *to)
{
    if (from.size == 0 || from.size > size) {
        return false;
    }
    memcpy(to + (size - from.size), from.data, from.size);
    return true;
}

static const char *decode_ec(const struct cbor_foreign *cose_key,
                             struct verify_public *key)
{
    static const enum verify_public_kind kinds[] = {
        [CRV_P256] = VERIFY_PUBLIC_P256,
        [CRV_P384] = VERIFY_PUBLIC_P384,
        [CRV_P521] = VERIFY_PUBLIC_P521,
    };
    struct rotor_bytes x;
    struct rotor_bytes y;
    struct cbor_foreign sign;
    int64_t curve = 0;
    if (!integer_at(cose_key, KEY_CRV, &curve) || curve < CRV_P256 ||
        curve > CRV_P521) {
        return "not supported: a curve that is not P-256, P-384 or P-521";
    }
    enum cbor_foreign_kind y_kind = cbor_foreign_find(cose_key, KEY_Y, &sign)
                                        ? cbor_foreign_kind(&sign)
                                        : CBOR_FOREIGN_NOTHING;
    if (y_kind == CBOR_FOREIGN_TRUE || y_kind == CBOR_FOREIGN_FALSE) {
        return "not supported: a compressed point";
    }
    size_t size = verify_public_coordinate(kinds[curve]);
    if (!bytes_at(cose_key, KEY_X, &x) || !bytes_at(cose_key, KEY_Y, &y) ||
        !put_coordinate(x, size, key->bytes) ||
        !put_coordinate(y, size, key->bytes + size)) {
        return "key has no point";
    }
    key->size = 2 * size;
    key->kind = kinds[curve];
    return NULL;
}

static const char *decode_okp(const struct cbor_foreign *cose_key,
                              struct verify_public *key)
{
    struct rotor_bytes x;
    int64_t curve = 0;
    if (!integer_at(cose_key, KEY_CRV, &curve) || curve != CRV_ED25519) {
        return "not supported: an Edwards curve that is not Ed25519";
    }
    if (!bytes_at(cose_key, KEY_X, &x) || x.size != ED25519_SIZE) {
        return "key has no point";
    }
    memcpy(key->bytes, x.data, x.size);
    key->size = x.size;
    key->kind = VERIFY_PUBLIC_ED25519;
    return NULL;
}

static const char *decode_hss(const struct cbor_foreign *cose_key,
                              struct verify_public *key)
{
    struct rotor_bytes pub;
    if (!bytes_at(cose_key, KEY_PUB, &pub) || pub.size == 0 ||
        pub.size > VERIFY_PUBLIC_MAX) {
        return "HSS key without its bytes";
    }
    memcpy(key->bytes, pub.data, pub.size);
    key->size = pub.size;
    key->kind = VERIFY_PUBLIC_HSS;
    return NULL;
}

static const char *decode_kind(const struct cbor_foreign *cose_key, int64_t kty,
                               struct verify_public *key)
{
    switch (kty) {
    case KTY_OKP:
        return decode_okp(cose_key, key);
    case KTY_EC2:
        return decode_ec(cose_key, key);
    case KTY_HSS:
        return decode_hss(cose_key, key);
    case KTY_RSA:
        if (!bytes_at(cose_key, KEY_N, &key->modulus) ||
            !bytes_at(cose_key, KEY_E, &key->exponent)) {
            return "RSA key without modulus or exponent";
        }
        key->kind = VERIFY_PUBLIC_RSA;
        return NULL;
    case KTY_SYMMETRIC:
        if (!bytes_at(cose_key, KEY_K, &key->secret) || key->secret.size == 0) {
            return "MAC key without its bytes";
        }
        key->kind = VERIFY_PUBLIC_SECRET;
        return NULL;
    default:
        return "not supported: a key of another type";
    }
}

const char *verify_public_decode(const struct cbor_foreign *cose_key,
                                 struct verify_public *key)
{
    struct verify_public decoded = {0};
    struct cbor_foreign algorithm;
    int64_t kty = 0;
    *key = decoded;
    if (!integer_at(cose_key, KEY_KTY, &kty)) {
        return "not a COSE_Key";
    }
    if (cbor_foreign_find(cose_key, KEY_ALG, &algorithm) &&
        !cbor_foreign_int(&algorithm, &decoded.algorithm)) {
        return "not supported: a key for an algorithm with a name";
    }
    if (!may_verify(cose_key)) {
        return "key is not for verifying";
    }
    const char *why = decode_kind(cose_key, kty, &decoded);
    if (why == NULL) {
        *key = decoded;
    }
    return why;
}

// ---- SubjectPublicKeyInfo --------------------------------------------------

// Everything before the key's own bytes is fixed (RFC 5480, RFC 8410).
static const uint8_t SPKI_P256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
                                    0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
                                    0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t SPKI_P384[] = {
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
static const uint8_t SPKI_P521[] = {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07,
                                    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                    0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23,
                                    0x03, 0x81, 0x86, 0x00, 0x04};
static const uint8_t SPKI_ED25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct spki_form {
    struct rotor_bytes prefix;
    enum verify_public_kind kind;
    size_t size; // of the key's own bytes
};

static const struct spki_form SPKI_FORMS[] = {
    {{SPKI_P256, sizeof SPKI_P256},       VERIFY_PUBLIC_P256,    64          },
    {{SPKI_P384, sizeof SPKI_P384},       VERIFY_PUBLIC_P384,    96          },
    {{SPKI_P521, sizeof SPKI_P521},       VERIFY_PUBLIC_P521,    132         },
    {{SPKI_ED25519, sizeof SPKI_ED25519}, VERIFY_PUBLIC_ED25519, ED25519_SIZE},
};

const char *verify_public_decode_spki(struct rotor_bytes spki,
                                      struct verify_public *key)
{
    *key = (struct verify_public){0};
    for (size_t i = 0; i < COUNT_OF(SPKI_FORMS); i++) {
        const struct spki_form *form = &SPKI_FORMS[i];
        if (spki.size == form->prefix.size + form->size &&
            bytes_equal(bytes_of(spki.data, form->prefix.size), form->prefix)) {
            memcpy(key->bytes, spki.data + form->prefix.size, form->size);
            key->size = form->size;
            key->kind = form->kind;
            return NULL;
        }
    }
    return "not supported: a key that is not P-256, P-384, P-521 or Ed25519";
}

// ---- open ------------------------------------------------------------------

static enum rotor_status open_ec(const struct verify_public *key,
                                 enum crypto_curve curve,
                                 struct crypto_verifier *verifier)
{
    size_t size = key->size / 2;
    return crypto_verifier_open_ec(verifier, curve, bytes_of(key->bytes, size),
                                   bytes_of(key->bytes + size, size));
}

static enum rotor_status open_ed25519(const struct verify_public *key,
                                      struct crypto_verifier *verifier)
{
    uint8_t spki[sizeof SPKI_ED25519 + ED25519_SIZE];
    memcpy(spki, SPKI_ED25519, sizeof SPKI_ED25519);
    memcpy(spki + sizeof SPKI_ED25519, key->bytes, ED25519_SIZE);
    return crypto_verifier_open(verifier, BYTES_OF(spki));
}

enum rotor_status verify_public_open(const struct verify_public *key,
                                     struct crypto_verifier *verifier)
{
    switch (key->kind) {
    case VERIFY_PUBLIC_P256:
        return open_ec(key, CRYPTO_CURVE_P256, verifier);
    case VERIFY_PUBLIC_P384:
        return open_ec(key, CRYPTO_CURVE_P384, verifier);
    case VERIFY_PUBLIC_P521:
        return open_ec(key, CRYPTO_CURVE_P521, verifier);
    case VERIFY_PUBLIC_ED25519:
        return open_ed25519(key, verifier);
    case VERIFY_PUBLIC_RSA:
        return crypto_verifier_open_rsa(verifier, key->modulus, key->exponent);
    case VERIFY_PUBLIC_NONE:
    case VERIFY_PUBLIC_HSS:
    case VERIFY_PUBLIC_SECRET:
        break;
    }
    return ROTOR_INVALID;
}

bool verify_public_equal(const struct verify_public *a,
                         const struct verify_public *b)
{
    return a->size != 0 && a->kind == b->kind &&
           bytes_equal(bytes_of(a->bytes, a->size),
                       bytes_of(b->bytes, b->size));
}
