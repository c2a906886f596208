// SPDX-License-Identifier: Apache-2.0
#include "chain/sign.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

// Sig_structure of a body: its heads, the context and the body.
#define SIGNED_BYTES_MAX (WIRE_SIGNED_MAX + 128u)

enum rotor_status chain_ots_public(const struct chain_ots *key,
                                   struct wire_key *public_key)
{
    struct wire_key made = {.type = WIRE_KEY_LMOTS};
    TRY(crypto_lmots_public(key->id, key->seed, made.bytes));
    *public_key = made;
    return ROTOR_OK;
}

static enum rotor_status sign_in(const struct crypto_key *key,
                                 struct rotor_bytes context,
                                 struct rotor_bytes body,
                                 struct rotor_room *sign1)
{
    const struct wire_statement statement = {context, body};
    return wire_cose_sign(key, &statement, sign1);
}

enum rotor_status chain_sign_old(const struct crypto_key *key,
                                 struct rotor_bytes body,
                                 struct rotor_room *sign1)
{
    return sign_in(key, LABEL(WIRE_CONTEXT_ENTRY_OLD), body, sign1);
}

enum rotor_status chain_sign_auth_ots(const struct chain_ots *key,
                                      struct rotor_bytes body,
                                      struct rotor_room *sign1)
{
    static const uint8_t PROTECTED[] = {0xa1, 0x01, 0x3a, 0x00,
                                        0x01, 0x00, 0x00}; // {1: -65537}
    // The constant's own final zero is the one that follows a context.
    static const char AAD[] = WIRE_CONTEXT_ENTRY_AUTH;
    uint8_t signed_bytes[SIGNED_BYTES_MAX];
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    struct rotor_room room = ROOM_OF(signed_bytes);
    sign1->used = 0;
    TRY(wire_cose_signed_bytes(BYTES_OF(PROTECTED), bytes_of(AAD, sizeof AAD),
                               body, &room));
    TRY(crypto_lmots_sign(key->id, key->seed, bytes_in(&room), signature));
    struct cbor_writer out;
    cbor_writer_init(&out, sign1);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, BYTES_OF(PROTECTED));
    cbor_write_map(&out, 0);
    cbor_write_nil(&out);
    cbor_write_bytes(&out, BYTES_OF(signature));
    return cbor_writer_finish(&out);
}

enum rotor_status chain_sign_auth(const struct crypto_key *key,
                                  struct rotor_bytes body,
                                  struct rotor_room *sign1)
{
    return sign_in(key, LABEL(WIRE_CONTEXT_ENTRY_AUTH), body, sign1);
}

enum rotor_status chain_sign_pop(const struct crypto_key *key,
                                 struct rotor_bytes body,
                                 struct rotor_room *sign1)
{
    return sign_in(key, LABEL(WIRE_CONTEXT_ENTRY_POP), body, sign1);
}

enum rotor_status chain_sign_ra(const struct crypto_key *key,
                                struct rotor_bytes body,
                                struct rotor_room *sign1)
{
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ENTRY_RA),
                                             body};
    return wire_cose_sign_ra(key, &statement, sign1);
}
