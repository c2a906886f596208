// SPDX-License-Identifier: Apache-2.0
#include "chain/judge.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/suite.h"

static bool ports_are_whole(const struct chain_ports *ports)
{
    return ports != NULL && ports->has_seen != NULL &&
           ports->check_evidence != NULL;
}

// Runs the checks; `passed` collects a mark for each.
static enum rotor_status run_all(struct chain_judge *judge,
                                 const struct chain_list *list,
                                 struct chain_verdict *verdict,
                                 uint32_t *passed)
{
    for (size_t i = 0; i < list->count; i++) {
        verdict->rule = list->checks[i].rule;
        judge->outcome = CHAIN_REJECTED;
        judge->fault = "not judged";
        TRY(list->checks[i].run(judge));
        if (judge->fault != NULL) {
            verdict->outcome = judge->outcome;
            verdict->reason = judge->fault;
            return ROTOR_OK;
        }
        *passed |= UINT32_C(1) << i;
    }
    return ROTOR_OK;
}

enum rotor_status chain_judge_run(struct chain_judge *judge,
                                  const struct chain_list *list,
                                  struct chain_verdict *verdict,
                                  struct chain_trust *next)
{
    *verdict = (struct chain_verdict){.outcome = CHAIN_REJECTED,
                                      .rules = list->rules,
                                      .reason = "not judged"};
    if (!ports_are_whole(judge->ports)) {
        return ROTOR_INVALID;
    }
    uint32_t passed = 0;
    TRY(run_all(judge, list, verdict, &passed));
    if (passed != (UINT32_C(1) << list->count) - 1) {
        return ROTOR_OK;
    }
    *next = judge->next;
    verdict->rule = 0;
    verdict->reason = "accepted";
    verdict->outcome = CHAIN_ACCEPTED;
    return ROTOR_OK;
}

enum rotor_status chain_judge_pass(struct chain_judge *judge, bool passed,
                                   const char *fault)
{
    judge->fault = passed ? NULL : fault;
    return ROTOR_OK;
}

bool chain_judge_parse(struct chain_judge *judge)
{
    return chain_entry_decode(judge->bytes, &judge->entry) == ROTOR_OK;
}

// ---- rule 4 ----------------------------------------------------------------

enum rotor_status chain_check_suite(struct chain_judge *judge, uint32_t floor)
{
    const struct chain_body *body = &judge->entry.body;
    if (body->suite < floor) {
        return chain_judge_pass(judge, false, "suite below the floor");
    }
    const struct crypto_suite *suite = crypto_suite_of(body->suite);
    if (suite == NULL) {
        judge->outcome = CHAIN_UNSUPPORTED;
        return chain_judge_pass(judge, false, "suite not known here");
    }
    bool commit_fits = wire_digest_is_empty(&body->next_commit) ||
                       body->next_commit.alg == suite->hash;
    bool fits = wire_key_scheme(body->sign.type) == suite->sign &&
                wire_key_scheme(body->agree.type) == suite->agree &&
                commit_fits;
    return chain_judge_pass(judge, fits, "key or digest is not of the suite");
}

// ---- rule 8 ----------------------------------------------------------------

enum rotor_status
chain_signature_check(const struct chain_signature_question *question,
                      bool *valid)
{
    *valid = false;
    const struct wire_statement statement = {question->context, question->body};
    bool verified = false;
    enum rotor_status status =
        wire_cose_verify(question->key, &statement, question->sign1, &verified);
    // Not a signature, or a key of a scheme that signs nothing.
    if (status == ROTOR_MALFORMED || status == ROTOR_INVALID) {
        return ROTOR_OK;
    }
    TRY(status);
    *valid = verified;
    return ROTOR_OK;
}

enum rotor_status chain_check_signature(const struct chain_judge *judge,
                                        const struct wire_key *key,
                                        struct rotor_bytes context,
                                        struct rotor_bytes sign1, bool *valid)
{
    const struct chain_signature_question question = {
        key, context, judge->entry.body.bytes, sign1};
    const struct chain_ports *ports = judge->ports;
    *valid = false;
    return ports->check_signature == NULL
               ? chain_signature_check(&question, valid)
               : ports->check_signature(ports->context, &question, valid);
}

enum rotor_status chain_check_pop(struct chain_judge *judge)
{
    bool valid = false;
    TRY(chain_check_signature(judge, &judge->entry.body.sign,
                              LABEL(WIRE_CONTEXT_ENTRY_POP),
                              judge->entry.sig_pop, &valid));
    return chain_judge_pass(judge, valid, "sig_pop does not verify");
}

// ---- rule 9 ----------------------------------------------------------------

struct fingerprints {
    struct chain_fingerprint of[CHAIN_SEEN_PER_ENTRY];
    size_t count;
};

static enum rotor_status make_fingerprints(const struct chain_body *body,
                                           struct fingerprints *made)
{
    const struct wire_key *keys[] = {&body->sign, &body->agree, &body->auth.ots,
                                     &body->auth.sign};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (keys[i]->type != WIRE_KEY_NONE) {
            TRY(chain_fingerprint_key(keys[i], &made->of[made->count]));
            made->count++;
        }
    }
    if (!wire_digest_is_empty(&body->next_commit)) {
        TRY(chain_fingerprint_commit(&body->next_commit,
                                     &made->of[made->count]));
        made->count++;
    }
    return ROTOR_OK;
}

static bool differ(const struct fingerprints *made)
{
    for (size_t i = 0; i < made->count; i++) {
        for (size_t j = i + 1; j < made->count; j++) {
            if (memcmp(&made->of[i], &made->of[j], sizeof made->of[i]) == 0) {
                return false;
            }
        }
    }
    return true;
}

enum rotor_status chain_check_new_keys(struct chain_judge *judge)
{
    struct fingerprints made = {.count = 0};
    TRY(make_fingerprints(&judge->entry.body, &made));
    if (!differ(&made)) {
        return chain_judge_pass(judge, false, "one key in two places");
    }
    for (size_t i = 0; i < made.count; i++) {
        bool seen = true;
        TRY(judge->ports->has_seen(judge->ports->context, &made.of[i], &seen));
        if (seen) {
            return chain_judge_pass(judge, false, "key or commitment seen");
        }
    }
    return chain_judge_pass(judge, true, NULL);
}

// ---- rules 11 and 12 -------------------------------------------------------

enum rotor_status chain_check_evidence(struct chain_judge *judge)
{
    struct chain_evidence_question question = {
        .body = &judge->entry.body, .evidence = judge->entry.evidence};
    TRY(chain_report_of(question.body, &question.report));
    TRY(chain_ud(&question.report, question.ud));
    bool ok = false;
    const char *why = "Evidence refused";
    TRY(judge->ports->check_evidence(judge->ports->context, &question, &ok,
                                     &why));
    return chain_judge_pass(judge, ok, why);
}

enum rotor_status chain_check_adopt(struct chain_judge *judge)
{
    TRY(chain_trust_of(&judge->entry.body, &judge->next));
    return chain_judge_pass(judge, true, NULL);
}
