// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "wire/cose.h"

// Labels of COSE headers (RFC 9052 3.1).
enum {
    HEADER_ALG = 1,
    HEADER_KID = 4,
};

// COSE algorithms of signatures; 0 is none of them.
enum {
    ALG_NONE = 0,
    ALG_ES256 = -7,
    ALG_EDDSA = -8,
    ALG_ES384 = -35,
    ALG_LMOTS = -65537, // private use, PROTOCOL.rot 3
};

#define KID_MIN 32u // bytes, SHA-256
#define KID_MAX WIRE_DIGEST_MAX

#define PROTECTED_MAX 64u // bytes, {1: alg, 4: kid of SHA-384}
#define CONTEXT_MAX   64u // bytes, above any of PROTOCOL.rot 3
// Four heads, "Signature1", the protected header and the context.
#define PREFIX_MAX (32u + PROTECTED_MAX + CONTEXT_MAX)

enum form {
    PLAIN,  // {1: alg}
    BY_KID, // {1: alg, 4: kid}
};

struct sign1 {
    struct rotor_bytes protected_header;
    int64_t alg;
    struct rotor_bytes kid;
    struct rotor_bytes signature;
};

static int64_t alg_of(enum wire_key_type type)
{
    switch (type) {
    case WIRE_KEY_ED25519:
        return ALG_EDDSA;
    case WIRE_KEY_P256:
        return ALG_ES256;
    case WIRE_KEY_P384:
        return ALG_ES384;
    case WIRE_KEY_LMOTS:
        return ALG_LMOTS;
    case WIRE_KEY_X25519:
    case WIRE_KEY_NONE:
        break;
    }
    return ALG_NONE;
}

// ---- decode and encode -----------------------------------------------------

static bool read_protected(enum form form, struct sign1 *read)
{
    struct cbor_reader in;
    cbor_reader_init(&in, read->protected_header);
    cbor_read_map(&in);
    cbor_read_key(&in, HEADER_ALG);
    read->alg = cbor_read_int(&in);
    if (form == BY_KID) {
        cbor_read_key(&in, HEADER_KID);
        read->kid = cbor_read_bytes_sized(&in, KID_MIN, KID_MAX);
    }
    cbor_end_map(&in);
    return cbor_finished(&in);
}

static enum rotor_status decode(struct rotor_bytes bytes, enum form form,
                                struct sign1 *sign1)
{
    struct sign1 read = {.alg = ALG_NONE};
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 4);
    read.protected_header = cbor_read_bytes(&in);
    cbor_read_map(&in);
    cbor_end_map(&in);
    cbor_read_nil(&in);
    read.signature = cbor_read_bytes(&in);
    if (!cbor_finished(&in) || !read_protected(form, &read)) {
        return ROTOR_MALFORMED;
    }
    *sign1 = read;
    return ROTOR_OK;
}

static enum rotor_status encode_protected(int64_t alg, struct rotor_bytes kid,
                                          struct rotor_room *protected_header)
{
    bool has_kid = !bytes_are_empty(kid);
    struct cbor_writer out;
    cbor_writer_init(&out, protected_header);
    cbor_write_map(&out, has_kid ? 2 : 1);
    cbor_write_int(&out, HEADER_ALG);
    cbor_write_int(&out, alg);
    if (has_kid) {
        cbor_write_int(&out, HEADER_KID);
        cbor_write_bytes(&out, kid);
    }
    return cbor_writer_finish(&out);
}

static enum rotor_status encode(struct rotor_bytes protected_header,
                                struct rotor_bytes signature,
                                struct rotor_room *sign1)
{
    struct cbor_writer out;
    cbor_writer_init(&out, sign1);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, protected_header);
    cbor_write_map(&out, 0);
    cbor_write_nil(&out);
    cbor_write_bytes(&out, signature);
    return cbor_writer_finish(&out);
}

enum rotor_status wire_cose_kid(struct rotor_bytes sign1,
                                struct rotor_bytes *kid)
{
    *kid = bytes_of(NULL, 0);
    struct sign1 read;
    TRY(decode(sign1, BY_KID, &read));
    *kid = read.kid;
    return ROTOR_OK;
}

// ---- what is signed --------------------------------------------------------

enum rotor_status wire_cose_signed_bytes(struct rotor_bytes protected_header,
                                         struct rotor_bytes external_aad,
                                         struct rotor_bytes payload,
                                         struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 4);
    cbor_write_text(&out, LABEL("Signature1"));
    cbor_write_bytes(&out, protected_header);
    cbor_write_bytes(&out, external_aad);
    cbor_write_bytes(&out, payload);
    return cbor_writer_finish(&out);
}

// A statement as the bytes that are signed, with the header that they name.
struct signable {
    struct rotor_room protected_header;
    struct rotor_room message;
    uint8_t protected_bytes[PROTECTED_MAX];
    uint8_t message_bytes[PREFIX_MAX + WIRE_SIGNED_MAX];
};

static bool is_signable(const struct wire_statement *statement)
{
    return statement->context.size <= CONTEXT_MAX &&
           statement->payload.size <= WIRE_SIGNED_MAX;
}

// external_aad = context || 0, so that no context is a prefix of another.
static enum rotor_status make_message(struct rotor_bytes protected_header,
                                      const struct wire_statement *statement,
                                      struct signable *made)
{
    static const uint8_t zero[1] = {0};
    uint8_t context[CONTEXT_MAX + sizeof zero];
    struct rotor_room external_aad = ROOM_OF(context);
    TRY(bytes_copy(&external_aad, statement->context));
    TRY(bytes_append(&external_aad, BYTES_OF(zero)));
    made->message = ROOM_OF(made->message_bytes);
    return wire_cose_signed_bytes(protected_header, bytes_in(&external_aad),
                                  statement->payload, &made->message);
}

// ---- sign ------------------------------------------------------------------

static enum rotor_status begin_sign(enum wire_key_type type,
                                    struct rotor_bytes kid,
                                    const struct wire_statement *statement,
                                    struct signable *made)
{
    int64_t alg = alg_of(type);
    if (alg == ALG_NONE || !is_signable(statement)) {
        return ROTOR_INVALID;
    }
    made->protected_header = ROOM_OF(made->protected_bytes);
    TRY(encode_protected(alg, kid, &made->protected_header));
    return make_message(bytes_in(&made->protected_header), statement, made);
}

static enum rotor_status sign(const struct crypto_key *key,
                              struct rotor_bytes kid,
                              const struct wire_statement *statement,
                              struct rotor_room *sign1)
{
    sign1->used = 0;
    struct signable made;
    TRY(begin_sign(wire_key_type_of(key->scheme), kid, statement, &made));
    uint8_t signature_bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room signature = ROOM_OF(signature_bytes);
    TRY(crypto_sign(key, bytes_in(&made.message), &signature));
    return encode(bytes_in(&made.protected_header), bytes_in(&signature),
                  sign1);
}

enum rotor_status wire_cose_sign(const struct crypto_key *key,
                                 const struct wire_statement *statement,
                                 struct rotor_room *sign1)
{
    return sign(key, bytes_of(NULL, 0), statement, sign1);
}

enum rotor_status wire_cose_sign_ra(const struct crypto_key *key,
                                    const struct wire_statement *statement,
                                    struct rotor_room *sign1)
{
    sign1->used = 0;
    struct wire_key public_key;
    struct wire_digest kid;
    TRY(wire_key_of(key, &public_key));
    TRY(wire_key_id(&public_key, &kid));
    return sign(key, wire_digest_bytes(&kid), statement, sign1);
}

enum rotor_status wire_cose_sign_lmots(const uint8_t id[CRYPTO_LMOTS_ID],
                                       const uint8_t seed[CRYPTO_LMOTS_SEED],
                                       const struct wire_statement *statement,
                                       struct rotor_room *sign1)
{
    sign1->used = 0;
    struct signable made;
    TRY(begin_sign(WIRE_KEY_LMOTS, bytes_of(NULL, 0), statement, &made));
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    TRY(crypto_lmots_sign(id, seed, bytes_in(&made.message), signature));
    return encode(bytes_in(&made.protected_header), BYTES_OF(signature), sign1);
}

// ---- verify ----------------------------------------------------------------

// The bytes that `sign1` claims were signed by a key of `type`; nothing when
// its header names another algorithm.  The algorithm is the stored key's: the
// header may only repeat it.
static enum rotor_status begin_verify(enum wire_key_type type,
                                      const struct wire_statement *statement,
                                      const struct sign1 *sign1,
                                      struct signable *made)
{
    made->message.used = 0;
    int64_t alg = alg_of(type);
    if (alg == ALG_NONE) {
        return ROTOR_INVALID;
    }
    if (!is_signable(statement)) {
        return ROTOR_MALFORMED;
    }
    if (sign1->alg != alg) {
        return ROTOR_OK;
    }
    return make_message(sign1->protected_header, statement, made);
}

static enum rotor_status verify_open(const struct crypto_key *key,
                                     const struct wire_statement *statement,
                                     const struct sign1 *sign1, bool *valid)
{
    struct signable made;
    TRY(begin_verify(wire_key_type_of(key->scheme), statement, sign1, &made));
    if (made.message.used == 0) {
        return ROTOR_OK;
    }
    return crypto_verify(key, bytes_in(&made.message), sign1->signature, valid);
}

static enum rotor_status verify_lmots(const struct wire_key *key,
                                      const struct wire_statement *statement,
                                      const struct sign1 *sign1, bool *valid)
{
    struct signable made;
    TRY(begin_verify(WIRE_KEY_LMOTS, statement, sign1, &made));
    if (made.message.used == 0) {
        return ROTOR_OK;
    }
    return crypto_lmots_verify(key->bytes, bytes_in(&made.message),
                               sign1->signature, valid);
}

static enum rotor_status verify_stored(const struct wire_key *key,
                                       const struct wire_statement *statement,
                                       const struct sign1 *sign1, bool *valid)
{
    struct crypto_key open = {0};
    enum rotor_status status = wire_key_open(key, &open);
    if (status == ROTOR_OK) {
        status = verify_open(&open, statement, sign1, valid);
    }
    crypto_key_close(&open);
    return status;
}

enum rotor_status wire_cose_verify(const struct wire_key *key,
                                   const struct wire_statement *statement,
                                   struct rotor_bytes sign1, bool *valid)
{
    *valid = false;
    struct sign1 read;
    TRY(decode(sign1, PLAIN, &read));
    if (key->type == WIRE_KEY_LMOTS) {
        return verify_lmots(key, statement, &read, valid);
    }
    return verify_stored(key, statement, &read, valid);
}

enum rotor_status wire_cose_verify_ra(const struct wire_key *key,
                                      const struct wire_statement *statement,
                                      struct rotor_bytes sign1, bool *valid)
{
    *valid = false;
    struct sign1 read;
    struct wire_digest kid;
    TRY(decode(sign1, BY_KID, &read));
    TRY(wire_key_id(key, &kid));
    if (!bytes_equal(wire_digest_bytes(&kid), read.kid)) {
        return ROTOR_OK;
    }
    return verify_stored(key, statement, &read, valid);
}

enum rotor_status wire_cose_verify_with(const struct crypto_key *key,
                                        const struct wire_statement *statement,
                                        struct rotor_bytes sign1, bool *valid)
{
    *valid = false;
    struct sign1 read;
    TRY(decode(sign1, PLAIN, &read));
    return verify_open(key, statement, &read, valid);
}
