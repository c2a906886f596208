// SPDX-License-Identifier: Apache-2.0
#include "verify/token.h"

#include "base/bytes.h"

bool verify_token_claims(struct verify_verdict *verdict,
                         struct rotor_bytes payload,
                         struct cbor_foreign *claims)
{
    struct cbor_foreign item;
    *claims = (struct cbor_foreign){0};
    bool is_map = cbor_foreign_open(payload, &item) &&
                  cbor_foreign_kind(&item) == CBOR_FOREIGN_MAP;
    if (is_map) {
        *claims = item;
    }
    return verify_check(verdict, is_map,
                        &(struct verify_row){
                            .check = "claims-set",
                            .why = "what is signed is not a map of claims",
                        });
}

// A message that can be a token: one signer or MAC, payload inside, and an
// algorithm that an attacker cannot choose.
static const char *envelope_fault(const struct verify_cose *cose)
{
    if (cose->kind != VERIFY_COSE_SIGN1 && cose->kind != VERIFY_COSE_MAC0) {
        return "not supported: a token that is not COSE_Sign1 or COSE_Mac0";
    }
    if (cose->is_detached) {
        return "not supported: a token without its payload";
    }
    return NULL;
}

static const char *algorithm_fault(const struct verify_cose *cose)
{
    const char *why = verify_cose_algorithm_fault(cose);
    if (why == NULL && !cose->algorithm_is_protected) {
        return "algorithm is not in the protected header";
    }
    if (why == NULL && cose->signature.size < 32) {
        return "MAC of fewer than 32 bytes";
    }
    return why;
}

static const char *alg_text(int64_t algorithm)
{
    static const struct {
        int64_t id;
        const char *name;
    } names[] = {
        {-7,  "ES256"   },
        {-35, "ES384"   },
        {-36, "ES512"   },
        {-8,  "EdDSA"   },
        {-37, "PS256"   },
        {-38, "PS384"   },
        {-39, "PS512"   },
        {4,   "HS256/64"},
        {5,   "HS256"   },
        {6,   "HS384"   },
        {7,   "HS512"   },
        {-46, "HSS-LMS" },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].id == algorithm) {
            return names[i].name;
        }
    }
    return "another";
}

enum rotor_status
verify_token_open(const struct verify_token_question *question,
                  struct verify_verdict *verdict, struct cbor_foreign *claims,
                  bool *is_good)
{
    struct verify_cose cose;
    bool valid = false;
    *claims = (struct cbor_foreign){0};
    *is_good = false;
    const char *why = verify_cose_open(question->token, &cose);
    why = why != NULL ? why : envelope_fault(&cose);
    if (!verify_check(verdict, why == NULL,
                      &(struct verify_row){.check = "envelope", .why = why})) {
        return ROTOR_OK;
    }
    why = algorithm_fault(&cose);
    if (!verify_check(
            verdict, why == NULL,
            &(struct verify_row){.check = "algorithm",
                                 .seen = verify_text(alg_text(cose.algorithm)),
                                 .why = why})) {
        return ROTOR_OK;
    }
    TRY(verify_cose_check(
        &cose, question->key,
        &(struct verify_cose_input){.scratch = question->scratch}, &valid));
    *is_good =
        verify_check(verdict, valid,
                     &(struct verify_row){
                         .check = "signature",
                         .why = "signature does not verify under the key"}) &&
        verify_token_claims(verdict, cose.payload, claims);
    return ROTOR_OK;
}
