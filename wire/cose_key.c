// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/bytes.h"
#include "wire/cose.h"

// ---- digest ----------------------------------------------------------------

// COSE algorithms of hashes (RFC 9054).
enum {
    COSE_SHA256 = -16,
    COSE_SHA384 = -43,
};

bool wire_digest_is_empty(const struct wire_digest *digest)
{
    return digest->alg == CRYPTO_HASH_NONE;
}

struct rotor_bytes wire_digest_bytes(const struct wire_digest *digest)
{
    return bytes_of(digest->bytes, crypto_hash_size(digest->alg));
}

bool wire_digest_equal(const struct wire_digest *a, const struct wire_digest *b)
{
    return a->alg == b->alg &&
           bytes_equal(wire_digest_bytes(a), wire_digest_bytes(b));
}

static bool names_digest(enum crypto_hash alg)
{
    return alg == CRYPTO_SHA256 || alg == CRYPTO_SHA384;
}

enum rotor_status wire_digest_make(struct wire_digest *digest,
                                   enum crypto_hash alg,
                                   struct rotor_bytes label,
                                   const struct rotor_bytes *parts,
                                   size_t count)
{
    static const uint8_t zero[1] = {0};
    if (!names_digest(alg) || count > WIRE_LABELLED_PARTS) {
        return ROTOR_INVALID;
    }
    struct rotor_bytes all[2 + WIRE_LABELLED_PARTS] = {label, BYTES_OF(zero)};
    for (size_t i = 0; i < count; i++) {
        all[2 + i] = parts[i];
    }
    struct wire_digest made = {.alg = alg};
    TRY(crypto_hash(alg, all, 2 + count, made.bytes));
    *digest = made;
    return ROTOR_OK;
}

void wire_read_digest(struct cbor_reader *in, struct wire_digest *digest)
{
    *digest = (struct wire_digest){0};
    cbor_read_array_of(in, 2);
    int64_t alg = cbor_read_int(in);
    if (alg == COSE_SHA256) {
        digest->alg = CRYPTO_SHA256;
    } else if (alg == COSE_SHA384) {
        digest->alg = CRYPTO_SHA384;
    } else {
        cbor_refuse(in);
    }
    cbor_read_bytes_into(in, digest->bytes, crypto_hash_size(digest->alg));
    if (cbor_has_failed(in)) {
        *digest = (struct wire_digest){0};
    }
}

void wire_read_mdigest(struct cbor_reader *in, struct wire_digest *digest)
{
    if (cbor_peek_kind(in) != CBOR_BYTES) {
        wire_read_digest(in, digest);
        return;
    }
    *digest = (struct wire_digest){0};
    cbor_read_bytes_sized(in, 0, 0);
}

void wire_write_digest(struct cbor_writer *out,
                       const struct wire_digest *digest)
{
    if (wire_digest_is_empty(digest)) {
        cbor_write_bytes(out, bytes_of(NULL, 0));
        return;
    }
    cbor_write_array(out, 2);
    cbor_write_int(out,
                   digest->alg == CRYPTO_SHA256 ? COSE_SHA256 : COSE_SHA384);
    cbor_write_bytes(out, wire_digest_bytes(digest));
}

// ---- COSE_Key --------------------------------------------------------------

// Labels of COSE_Key (RFC 9052 7, RFC 9053 7).
enum {
    KEY_KTY = 1,
    KEY_CRV = -1,
    KEY_X = -2,
    KEY_Y = -3,
    KEY_LMOTS_PUB = -1,
};

enum {
    KTY_OKP = 1,
    KTY_EC2 = 2,
    KTY_LMOTS = -65537, // private use, PROTOCOL.rot 3
};

// What makes each type of key differ.
struct form {
    enum crypto_scheme scheme;
    int kty;
    int crv;
    size_t coordinate_size; // bytes
    size_t coordinates;
};

static const struct form forms[] = {
    [WIRE_KEY_NONE] = {CRYPTO_SCHEME_NONE, 0,         0, 0,                   0},
    [WIRE_KEY_ED25519] = {CRYPTO_ED25519,     KTY_OKP,   6, 32,                  1},
    [WIRE_KEY_X25519] = {CRYPTO_X25519,      KTY_OKP,   4, 32,                  1},
    [WIRE_KEY_P256] = {CRYPTO_P256,        KTY_EC2,   1, 32,                  2},
    [WIRE_KEY_P384] = {CRYPTO_P384,        KTY_EC2,   2, 48,                  2},
    [WIRE_KEY_LMOTS] = {CRYPTO_SCHEME_NONE, KTY_LMOTS, 0, CRYPTO_LMOTS_PUBLIC,
                       1                                                       },
};

static const struct form *form_of(enum wire_key_type type)
{
    return &forms[(size_t)type < COUNT_OF(forms) ? type : WIRE_KEY_NONE];
}

struct rotor_bytes wire_key_bytes(const struct wire_key *key)
{
    const struct form *form = form_of(key->type);
    return bytes_of(key->bytes, form->coordinate_size * form->coordinates);
}

bool wire_key_equal(const struct wire_key *a, const struct wire_key *b)
{
    return a->type == b->type &&
           bytes_equal(wire_key_bytes(a), wire_key_bytes(b));
}

enum crypto_scheme wire_key_scheme(enum wire_key_type type)
{
    return form_of(type)->scheme;
}

enum wire_key_type wire_key_type_of(enum crypto_scheme scheme)
{
    switch (scheme) {
    case CRYPTO_ED25519:
        return WIRE_KEY_ED25519;
    case CRYPTO_X25519:
        return WIRE_KEY_X25519;
    case CRYPTO_P256:
        return WIRE_KEY_P256;
    case CRYPTO_P384:
        return WIRE_KEY_P384;
    case CRYPTO_SCHEME_NONE:
        break;
    }
    return WIRE_KEY_NONE;
}

static enum wire_key_type type_of_curve(int64_t kty, int64_t crv)
{
    for (size_t type = WIRE_KEY_ED25519; type < WIRE_KEY_LMOTS; type++) {
        if (forms[type].kty == kty && forms[type].crv == crv) {
            return (enum wire_key_type)type;
        }
    }
    return WIRE_KEY_NONE;
}

static void read_lmots(struct cbor_reader *in, struct wire_key *key)
{
    key->type = WIRE_KEY_LMOTS;
    cbor_read_key(in, KEY_LMOTS_PUB);
    cbor_read_bytes_into(in, key->bytes, CRYPTO_LMOTS_PUBLIC);
}

static void read_curve(struct cbor_reader *in, int64_t kty,
                       struct wire_key *key)
{
    cbor_read_key(in, KEY_CRV);
    key->type = type_of_curve(kty, cbor_read_int(in));
    if (key->type == WIRE_KEY_NONE) {
        cbor_refuse(in);
        return;
    }
    const struct form *form = form_of(key->type);
    cbor_read_key(in, KEY_X);
    cbor_read_bytes_into(in, key->bytes, form->coordinate_size);
    if (form->coordinates == 2) {
        cbor_read_key(in, KEY_Y);
        cbor_read_bytes_into(in, key->bytes + form->coordinate_size,
                             form->coordinate_size);
    }
}

void wire_read_key(struct cbor_reader *in, struct wire_key *key)
{
    *key = (struct wire_key){0};
    cbor_read_map(in);
    cbor_read_key(in, KEY_KTY);
    int64_t kty = cbor_read_int(in);
    if (kty == KTY_LMOTS) {
        read_lmots(in, key);
    } else {
        read_curve(in, kty, key);
    }
    cbor_end_map(in);
    if (cbor_has_failed(in)) {
        *key = (struct wire_key){0};
    }
}

void wire_write_key(struct cbor_writer *out, const struct wire_key *key)
{
    const struct form *form = form_of(key->type);
    bool is_lmots = key->type == WIRE_KEY_LMOTS;
    cbor_write_map(out, is_lmots ? 2 : 2 + form->coordinates);
    cbor_write_int(out, KEY_KTY);
    cbor_write_int(out, form->kty);
    if (is_lmots) {
        cbor_write_int(out, KEY_LMOTS_PUB);
        cbor_write_bytes(out, wire_key_bytes(key));
        return;
    }
    cbor_write_int(out, KEY_CRV);
    cbor_write_int(out, form->crv);
    cbor_write_int(out, KEY_X);
    cbor_write_bytes(out, bytes_of(key->bytes, form->coordinate_size));
    if (form->coordinates == 2) {
        cbor_write_int(out, KEY_Y);
        cbor_write_bytes(out, bytes_of(key->bytes + form->coordinate_size,
                                       form->coordinate_size));
    }
}

enum rotor_status wire_key_decode(struct wire_key *key,
                                  struct rotor_bytes bytes)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    wire_read_key(&in, key);
    if (!cbor_finished(&in)) {
        *key = (struct wire_key){0};
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

enum rotor_status wire_key_encode(const struct wire_key *key,
                                  struct rotor_room *bytes)
{
    bytes->used = 0;
    if (form_of(key->type)->kty == 0) {
        return ROTOR_INVALID;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    wire_write_key(&out, key);
    return cbor_writer_finish(&out);
}

enum rotor_status wire_key_of(const struct crypto_key *key,
                              struct wire_key *public_key)
{
    struct wire_key made = {.type = wire_key_type_of(key->scheme)};
    if (made.type == WIRE_KEY_NONE) {
        return ROTOR_INVALID;
    }
    struct rotor_room room = ROOM_OF(made.bytes);
    TRY(crypto_key_public(key, &room));
    *public_key = made;
    return ROTOR_OK;
}

enum rotor_status wire_key_of_lmots(const uint8_t id[CRYPTO_LMOTS_ID],
                                    const uint8_t seed[CRYPTO_LMOTS_SEED],
                                    struct wire_key *public_key)
{
    struct wire_key made = {.type = WIRE_KEY_LMOTS};
    TRY(crypto_lmots_public(id, seed, made.bytes));
    *public_key = made;
    return ROTOR_OK;
}

enum rotor_status wire_key_open(const struct wire_key *public_key,
                                struct crypto_key *key)
{
    enum crypto_scheme scheme = wire_key_scheme(public_key->type);
    if (scheme == CRYPTO_SCHEME_NONE) {
        return ROTOR_INVALID;
    }
    return crypto_key_import_public(key, scheme, wire_key_bytes(public_key));
}

enum rotor_status wire_key_id(const struct wire_key *key,
                              struct wire_digest *kid)
{
    uint8_t encoded[WIRE_KEY_ENCODED_MAX];
    struct rotor_room room = ROOM_OF(encoded);
    TRY(wire_key_encode(key, &room));
    enum crypto_hash alg =
        key->type == WIRE_KEY_P384 ? CRYPTO_SHA384 : CRYPTO_SHA256;
    struct rotor_bytes cose_key = bytes_in(&room);
    return wire_digest_make(kid, alg, LABEL("rotor1 key"), &cose_key, 1);
}
