// SPDX-License-Identifier: Apache-2.0
// Signs foreign tokens for tests, from claims in diagnostic notation.
#ifndef ROTOR_TEST_SPEC_TOKEN_MAKER_H
#define ROTOR_TEST_SPEC_TOKEN_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "verify/cose_foreign.h"
#include "verify/token.h"

#define TOKEN_MAX 16384u // bytes

struct token_maker {
    struct crypto_key key; // private
    struct verify_public public_key;
    struct verify_cose_key verifier;
    uint8_t token_memory[TOKEN_MAX];
    struct rotor_room token;
    uint8_t scratch_memory[TOKEN_MAX];
    struct rotor_room scratch;
};

// The key that `seed` names, on P-256, P-384 or Ed25519.
void token_maker_open(struct token_maker *m, enum crypto_scheme scheme,
                      uint8_t seed);
void token_maker_close(struct token_maker *m);

// COSE_Sign1 with its tag: the token is then in m->token.
void token_maker_sign(struct token_maker *m, struct rotor_bytes payload);

// The same for claims in diagnostic notation.
void token_maker_sign_diag(struct token_maker *m, const char *claims);

// COSE_Sign1 with headers of the caller's choice, written as they are.
struct token_form {
    bool is_tagged;
    struct rotor_bytes protected_header;   // content of the byte string
    struct rotor_bytes unprotected_header; // a map
};
void token_maker_sign_as(struct token_maker *m, const struct token_form *form,
                         struct rotor_bytes payload);

// COSE_Mac0 with HMAC 256/256 under `secret`; m->verifier is then that key.
void token_maker_mac(struct token_maker *m, struct rotor_bytes secret,
                     struct rotor_bytes payload);

// A question about m->token under m's key.
struct verify_token_question token_maker_question(struct token_maker *m);

// Prints the rows of a verdict: for a failing sentence.
void token_print(const struct verify_verdict *verdict);

#endif
