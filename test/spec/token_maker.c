// SPDX-License-Identifier: Apache-2.0
#include "test/spec/token_maker.h"

#include <string.h>

#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/diag.h"
#include "wire/cbor.h"
#include "wire/cose.h"

void token_maker_open(struct token_maker *m, enum crypto_scheme scheme,
                      uint8_t seed)
{
    uint8_t bytes[CRYPTO_SEED_MAX];
    memset(m, 0, sizeof *m);
    memset(bytes, seed, sizeof bytes);
    m->token = ROOM_OF(m->token_memory);
    m->scratch = ROOM_OF(m->scratch_memory);
    assert_ok(crypto_key_derive(&m->key, scheme, bytes));
    struct rotor_room room = ROOM_OF(m->public_key.bytes);
    assert_ok(crypto_key_public(&m->key, &room));
    m->public_key.size = room.used;
    m->public_key.kind = scheme == CRYPTO_P256   ? VERIFY_PUBLIC_P256
                         : scheme == CRYPTO_P384 ? VERIFY_PUBLIC_P384
                                                 : VERIFY_PUBLIC_ED25519;
    assert_ok(verify_cose_key_open(&m->verifier, &m->public_key));
}

void token_maker_close(struct token_maker *m)
{
    crypto_key_close(&m->key);
    verify_cose_key_close(&m->verifier);
}

static void put_head(struct rotor_room *room, uint8_t byte)
{
    assert_ok(bytes_append(room, bytes_of(&byte, 1)));
}

static void put_bytes(struct rotor_room *room, struct rotor_bytes bytes)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room item = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &item);
    cbor_write_bytes(&out, bytes);
    assert_ok(cbor_writer_finish(&out));
    assert_ok(bytes_append(room, bytes_in(&item)));
}

static struct rotor_bytes protected_of(int64_t alg, struct rotor_room *room)
{
    struct cbor_writer out;
    cbor_writer_init(&out, room);
    cbor_write_map(&out, 1);
    cbor_write_int(&out, 1);
    cbor_write_int(&out, alg);
    assert_ok(cbor_writer_finish(&out));
    return bytes_in(room);
}

// ["Signature1", protected, h'', payload]
static void put_signed(struct rotor_room *room, const char *context,
                       struct rotor_bytes protected_header,
                       struct rotor_bytes payload)
{
    struct cbor_writer out;
    cbor_writer_init(&out, room);
    cbor_write_array(&out, 4);
    cbor_write_text(&out, bytes_of(context, strlen(context)));
    cbor_write_bytes(&out, protected_header);
    cbor_write_bytes(&out, bytes_of(NULL, 0));
    cbor_write_bytes(&out, payload);
    assert_ok(cbor_writer_finish(&out));
}

void token_maker_sign_as(struct token_maker *m, const struct token_form *form,
                         struct rotor_bytes payload)
{
    uint8_t message_memory[TOKEN_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    struct rotor_bytes as_signed = form->protected_header;
    if (bytes_equal(as_signed, LABEL("\xa0"))) {
        as_signed.size = 0;
    }
    put_signed(&message, "Signature1", as_signed, payload);
    assert_ok(crypto_sign(&m->key, bytes_in(&message), &signature));
    m->token.used = 0;
    if (form->is_tagged) {
        put_head(&m->token, 0xd2);
    }
    put_head(&m->token, 0x84);
    put_bytes(&m->token, form->protected_header);
    assert_ok(bytes_append(&m->token, form->unprotected_header));
    put_bytes(&m->token, payload);
    put_bytes(&m->token, bytes_in(&signature));
}

void token_maker_sign(struct token_maker *m, struct rotor_bytes payload)
{
    uint8_t memory[16];
    struct rotor_room room = ROOM_OF(memory);
    struct token_form form = {
        .is_tagged = true,
        .protected_header =
            protected_of(crypto_cose_of_scheme(m->key.scheme), &room),
        .unprotected_header = LABEL("\xa0"),
    };
    token_maker_sign_as(m, &form, payload);
}

void token_maker_sign_diag(struct token_maker *m, const char *claims)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    assert_true(diag_encode(claims, &payload));
    token_maker_sign(m, bytes_in(&payload));
}

void token_maker_mac(struct token_maker *m, struct rotor_bytes secret,
                     struct rotor_bytes payload)
{
    uint8_t memory[16];
    uint8_t message_memory[TOKEN_MAX];
    uint8_t mac[32];
    struct rotor_room header = ROOM_OF(memory);
    struct rotor_room message = ROOM_OF(message_memory);
    struct rotor_bytes protected_header = protected_of(5, &header);
    put_signed(&message, "MAC0", protected_header, payload);
    struct rotor_bytes view = bytes_in(&message);
    assert_ok(crypto_hmac(CRYPTO_SHA256, secret, &view, 1, mac));
    m->token.used = 0;
    put_head(&m->token, 0xd1);
    put_head(&m->token, 0x84);
    put_bytes(&m->token, protected_header);
    put_head(&m->token, 0xa0);
    put_bytes(&m->token, payload);
    put_bytes(&m->token, BYTES_OF(mac));
    verify_cose_key_close(&m->verifier);
    m->verifier.secret = secret;
}

struct verify_token_question token_maker_question(struct token_maker *m)
{
    return (struct verify_token_question){.token = bytes_in(&m->token),
                                          .key = &m->verifier,
                                          .asked = {.now_s = 1700000000},
                                          .scratch = &m->scratch};
}

void token_print(const struct verify_verdict *verdict)
{
    for (size_t i = 0; i < verdict->row_count; i++) {
        const struct verify_row *row = &verdict->rows[i];
        print_message("  %-36s %s %s\n", row->check,
                      verify_finding_name(row->finding),
                      row->why == NULL ? "" : row->why);
    }
    print_message("  => %s\n", verdict->reason);
}
