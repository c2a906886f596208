// SPDX-License-Identifier: Apache-2.0
#include "verify/eat.h"

#include "base/bytes.h"
#include "verify/claims.h"
#include "verify/eat_claims.h"

// ---- bundles ---------------------------------------------------------------

const char *verify_eat_unbundle(struct rotor_bytes bytes,
                                struct verify_eat_bundle *bundle)
{
    struct cbor_foreign item;
    struct cbor_foreign array;
    struct cbor_foreign_walk walk;
    uint64_t tag = 0;
    *bundle = (struct verify_eat_bundle){.token = bytes};
    if (!cbor_foreign_open(bytes, &item) ||
        !cbor_foreign_tag(&item, &tag, &array) ||
        tag != VERIFY_EAT_TAG_BUNDLE) {
        return NULL;
    }
    cbor_foreign_walk(&array, &walk);
    if (cbor_foreign_kind(&array) != CBOR_FOREIGN_ARRAY ||
        cbor_foreign_count(&array) != 2 || !cbor_foreign_next(&walk, &item)) {
        return "not a bundle of a token and claims-sets";
    }
    if (cbor_foreign_kind(&item) == CBOR_FOREIGN_TEXT) {
        return "not supported: a bundle around a JSON token";
    }
    if (!cbor_foreign_bytes(&item, &bundle->token) ||
        !cbor_foreign_next(&walk, &bundle->detached) ||
        cbor_foreign_kind(&bundle->detached) != CBOR_FOREIGN_MAP ||
        cbor_foreign_count(&bundle->detached) == 0) {
        return "not a bundle of a token and claims-sets";
    }
    return NULL;
}

static enum crypto_hash hash_of(const struct cbor_foreign *algorithm)
{
    int64_t id = 0;
    (void)cbor_foreign_int(algorithm, &id);
    return id == -16   ? CRYPTO_SHA256
           : id == -43 ? CRYPTO_SHA384
           : id == -44 ? CRYPTO_SHA512
                       : CRYPTO_HASH_NONE;
}

// Whether `submodule` is the digest of `content`.
static enum rotor_status has_digest_of(const struct cbor_foreign *submodule,
                                       struct rotor_bytes content, bool *is_it)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    struct cbor_foreign_walk walk;
    struct cbor_foreign algorithm;
    struct cbor_foreign value;
    struct rotor_bytes expected;
    *is_it = false;
    cbor_foreign_walk(submodule, &walk);
    if (!verify_eat_is_digest(submodule) ||
        !cbor_foreign_next(&walk, &algorithm) ||
        !cbor_foreign_next(&walk, &value) ||
        !cbor_foreign_bytes(&value, &expected) ||
        hash_of(&algorithm) == CRYPTO_HASH_NONE) {
        return ROTOR_OK;
    }
    enum crypto_hash hash = hash_of(&algorithm);
    TRY(crypto_hash(hash, &content, 1, digest));
    *is_it = bytes_equal(expected, bytes_of(digest, crypto_hash_size(hash)));
    return ROTOR_OK;
}

// One claims-set of a bundle against the submodule of its name.
static enum rotor_status check_detached(const struct cbor_foreign *submodules,
                                        const struct cbor_foreign *name,
                                        const struct cbor_foreign *wrapped,
                                        bool *is_good)
{
    struct cbor_foreign submodule;
    struct cbor_foreign claims;
    struct rotor_bytes content;
    *is_good = false;
    if (!cbor_foreign_find_like(submodules, name, &submodule) ||
        !cbor_foreign_bytes(wrapped, &content) ||
        !cbor_foreign_open(content, &claims) ||
        cbor_foreign_kind(&claims) != CBOR_FOREIGN_MAP ||
        !verify_eat_is_submodule(&claims, 0)) {
        return ROTOR_OK;
    }
    return has_digest_of(&submodule, content, is_good);
}

enum rotor_status verify_eat_detached(struct verify_verdict *verdict,
                                      const struct cbor_foreign *claims,
                                      const struct cbor_foreign *detached,
                                      bool *is_good)
{
    struct cbor_foreign submodules = {0};
    struct cbor_foreign_walk walk;
    struct cbor_foreign name;
    struct cbor_foreign wrapped;
    *is_good = true;
    (void)cbor_foreign_find(claims, VERIFY_EAT_SUBMODULES, &submodules);
    cbor_foreign_walk(detached, &walk);
    while (*is_good && cbor_foreign_next(&walk, &name)) {
        (void)cbor_foreign_next(&walk, &wrapped);
        TRY(check_detached(&submodules, &name, &wrapped, is_good));
    }
    (void)verify_check(
        verdict, *is_good,
        &(struct verify_row){
            .check = "detached claims",
            .why = "a detached claims-set is not the one of its digest"});
    return ROTOR_OK;
}

// ---- token -----------------------------------------------------------------

static bool check_times(struct verify_verdict *verdict,
                        const struct cbor_foreign *claims, int64_t now_s)
{
    struct cbor_foreign value;
    int64_t at = 0;
    if (cbor_foreign_find(claims, VERIFY_EAT_EXPIRATION, &value) &&
        cbor_foreign_seconds(&value, &at) &&
        !verify_check(verdict, now_s < at,
                      &(struct verify_row){.check = "not expired",
                                           .expected = verify_time(now_s),
                                           .seen = verify_time(at),
                                           .why = "claim exp is past"})) {
        return false;
    }
    return !cbor_foreign_find(claims, VERIFY_EAT_NOT_BEFORE, &value) ||
           !cbor_foreign_seconds(&value, &at) ||
           verify_check(verdict, at <= now_s,
                        &(struct verify_row){.check = "valid already",
                                             .expected = verify_time(now_s),
                                             .seen = verify_time(at),
                                             .why = "claim nbf is to come"});
}

static enum rotor_status describe(const struct cbor_foreign *claims,
                                  struct verify_verdict *verdict)
{
    struct cbor_foreign value;
    uint8_t digest[32];
    verify_value_set(&verdict->instance,
                     verify_claim_bytes(claims, VERIFY_EAT_UEID));
    verdict->tcb_status = "not known";
    if (cbor_foreign_find(claims, VERIFY_EAT_DEBUG_STATUS, &value)) {
        verdict->debug =
            verify_claim_integer(claims, VERIFY_EAT_DEBUG_STATUS) == 0
                ? VERIFY_YES
                : VERIFY_NO;
    }
    if (cbor_foreign_find(claims, VERIFY_EAT_MEASUREMENTS, &value)) {
        TRY(crypto_hash(CRYPTO_SHA256, &value.bytes, 1, digest));
        verify_value_set(&verdict->measurement, BYTES_OF(digest));
    }
    return ROTOR_OK;
}

static enum rotor_status judge(const struct verify_token_question *question,
                               enum verify_level level,
                               struct verify_verdict *verdict)
{
    struct verify_eat_bundle bundle;
    struct verify_token_question inner = *question;
    struct cbor_foreign claims;
    bool is_good = false;
    const char *why = verify_eat_unbundle(question->token, &bundle);
    if (why != NULL) {
        (void)verify_check(verdict, false,
                           &(struct verify_row){.check = "bundle", .why = why});
        return ROTOR_OK;
    }
    inner.token = bundle.token;
    TRY(verify_token_open(&inner, verdict, &claims, &is_good));
    if (!is_good || !verify_eat_claims(verdict, &claims) ||
        !check_times(verdict, &claims, question->asked.now_s)) {
        return ROTOR_OK;
    }
    if (bundle.detached.bytes.size != 0) {
        TRY(verify_eat_detached(verdict, &claims, &bundle.detached, &is_good));
        if (!is_good) {
            return ROTOR_OK;
        }
    }
    verdict->level = level;
    TRY(describe(&claims, verdict));
    (void)verify_check_report_data(
        verdict, &question->asked,
        verify_claim_bytes(&claims, VERIFY_EAT_NONCE));
    return ROTOR_OK;
}

enum rotor_status verify_eat(const struct verify_token_question *question,
                             enum verify_level level,
                             struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_EAT);
    TRY(judge(question, level, verdict));
    verify_conclude(verdict);
    return ROTOR_OK;
}
