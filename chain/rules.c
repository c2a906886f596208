// SPDX-License-Identifier: Apache-2.0
// The rule of one step, as its list.  doc/PROTOCOL.chain 3.2 and 3.3; the
// numbers are those of the text.
#include "chain/rules.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/judge.h"
#include "chain/recovery.h"
#include "crypto/suite.h"

// ---- kind 1 and 4 ----------------------------------------------------------

static enum rotor_status is_step(struct chain_judge *judge)
{
    if (!chain_judge_parse(judge)) {
        return chain_judge_pass(judge, false, "not an entry");
    }
    const struct chain_body *body = &judge->entry.body;
    if (body->kind != CHAIN_ROTATE && body->kind != CHAIN_CLOSE) {
        return chain_judge_pass(judge, false, "not of kind 1 or 4");
    }
    bool is_ours = wire_digest_equal(&body->log_id, &judge->trust->log_id);
    return chain_judge_pass(judge, is_ours, "of another log");
}

static enum rotor_status follows(struct chain_judge *judge)
{
    const struct chain_body *body = &judge->entry.body;
    const struct chain_trust *trust = judge->trust;
    struct wire_digest old_kid;
    TRY(wire_key_id(&trust->sign, &old_kid));
    if (body->epoch != trust->order.epoch + 1) {
        return chain_judge_pass(judge, false, "not the next epoch");
    }
    if (body->incarnation != trust->order.incarnation) {
        return chain_judge_pass(judge, false, "of another incarnation");
    }
    if (!wire_digest_equal(&body->prev, &trust->body_hash)) {
        return chain_judge_pass(judge, false, "follows another body");
    }
    bool names_old = wire_digest_equal(&body->old_kid, &old_kid);
    return chain_judge_pass(judge, names_old, "follows another key");
}

static enum rotor_status anchor_rises(struct chain_judge *judge)
{
    return chain_judge_pass(judge, judge->entry.body.n > judge->trust->n,
                            "anchor number does not rise");
}

static enum rotor_status suite_fits(struct chain_judge *judge)
{
    TRY(chain_check_suite(judge, judge->trust->policy.suite_floor));
    if (judge->fault != NULL) {
        return ROTOR_OK;
    }
    // A was committed to in the predecessor's suite.
    const struct crypto_suite *before = crypto_suite_of(judge->trust->suite);
    bool fits =
        before != NULL &&
        wire_key_scheme(judge->entry.body.auth.sign.type) == before->sign;
    return chain_judge_pass(judge, fits, "A is not of the suite before");
}

static enum rotor_status reveals_commitment(struct chain_judge *judge)
{
    const struct wire_digest *commit = &judge->trust->next_commit;
    const struct crypto_suite *before = crypto_suite_of(judge->trust->suite);
    if (wire_digest_is_empty(commit)) {
        return chain_judge_pass(judge, false, "the log is closed");
    }
    if (before == NULL || commit->alg != before->hash) {
        return chain_judge_pass(judge, false, "commitment of another hash");
    }
    struct wire_digest revealed;
    TRY(chain_hash_auth(commit->alg, &judge->entry.body.auth, &revealed));
    bool is_revealed = secret_equal(revealed.bytes, commit->bytes,
                                    crypto_hash_size(commit->alg));
    return chain_judge_pass(judge, is_revealed, "A was not committed to");
}

// The first half is of type 3 with q = 0: crypto_lmots_verify refuses others.
static enum rotor_status is_authorised(struct chain_judge *judge)
{
    const struct chain_auth *auth = &judge->entry.body.auth;
    bool first = false;
    bool second = false;
    TRY(chain_check_signature(judge, &auth->ots, LABEL(WIRE_CONTEXT_ENTRY_AUTH),
                              judge->entry.sig_auth[0], &first));
    TRY(chain_check_signature(judge, &auth->sign,
                              LABEL(WIRE_CONTEXT_ENTRY_AUTH),
                              judge->entry.sig_auth[1], &second));
    return chain_judge_pass(judge, first && second, "sig_auth does not verify");
}

static enum rotor_status old_key_agrees(struct chain_judge *judge)
{
    bool valid = false;
    TRY(chain_check_signature(judge, &judge->trust->sign,
                              LABEL(WIRE_CONTEXT_ENTRY_OLD),
                              judge->entry.sig_old, &valid));
    return chain_judge_pass(judge, valid, "sig_old does not verify");
}

static enum rotor_status policy_stays(struct chain_judge *judge)
{
    struct rotor_bytes policy =
        bytes_of(judge->trust->policy_bytes, judge->trust->policy_size);
    bool stays = bytes_equal(judge->entry.body.policy_bytes, policy);
    return chain_judge_pass(judge, stays, "policy changed without recovery");
}

static const struct chain_check NEXT[] = {
    {1,  is_step             },
    {2,  follows             },
    {3,  anchor_rises        },
    {4,  suite_fits          },
    {5,  reveals_commitment  },
    {6,  is_authorised       },
    {7,  old_key_agrees      },
    {8,  chain_check_pop     },
    {9,  chain_check_new_keys},
    {10, policy_stays        },
    {11, chain_check_evidence},
    {12, chain_check_adopt   },
};

enum rotor_status chain_accept_next(const struct chain_trust *trust,
                                    struct rotor_bytes entry,
                                    const struct chain_ports *ports,
                                    struct chain_verdict *verdict,
                                    struct chain_trust *next)
{
    static const struct chain_list LIST = {CHAIN_RULES_NEXT, NEXT,
                                           COUNT_OF(NEXT)};
    struct chain_judge judge = {.trust = trust, .ports = ports, .bytes = entry};
    if (chain_trust_is_empty(trust)) {
        judge.ports = NULL;
    }
    return chain_judge_run(&judge, &LIST, verdict, next);
}

// ---- kind 0 ----------------------------------------------------------------

static enum rotor_status is_genesis(struct chain_judge *judge)
{
    bool is_first =
        chain_judge_parse(judge) && judge->entry.body.kind == CHAIN_GENESIS;
    return chain_judge_pass(judge, is_first, "not a genesis entry");
}

static enum rotor_status first_suite_fits(struct chain_judge *judge)
{
    return chain_check_suite(judge, judge->entry.body.policy.suite_floor);
}

static enum rotor_status is_expected(struct chain_judge *judge)
{
    const struct chain_expected *expected = judge->expected;
    const struct chain_body *body = &judge->entry.body;
    TRY(chain_check_adopt(judge));
    if (!wire_digest_is_empty(&expected->log_id) &&
        !wire_digest_equal(&expected->log_id, &judge->next.log_id)) {
        return chain_judge_pass(judge, false, "not the pinned log");
    }
    if (!bytes_are_empty(expected->policy_bytes) &&
        !bytes_equal(expected->policy_bytes, body->policy_bytes)) {
        return chain_judge_pass(judge, false, "not the policy asked for");
    }
    bool is_asked_for =
        wire_digest_is_empty(&expected->request_hash) ||
        wire_digest_equal(&expected->request_hash, &body->request_hash);
    return chain_judge_pass(judge, is_asked_for, "not what was asked for");
}

static const struct chain_check GENESIS[] = {
    {1,  is_genesis          },
    {4,  first_suite_fits    },
    {8,  chain_check_pop     },
    {9,  chain_check_new_keys},
    {11, chain_check_evidence},
    {12, is_expected         },
};

enum rotor_status chain_accept_genesis(const struct chain_expected *expected,
                                       struct rotor_bytes entry,
                                       const struct chain_ports *ports,
                                       struct chain_verdict *verdict,
                                       struct chain_trust *first)
{
    static const struct chain_list LIST = {CHAIN_RULES_GENESIS, GENESIS,
                                           COUNT_OF(GENESIS)};
    struct chain_judge judge = {
        .expected = expected, .ports = ports, .bytes = entry};
    return chain_judge_run(&judge, &LIST, verdict, first);
}

// ---- any kind but 0 --------------------------------------------------------

enum rotor_status chain_accept(const struct chain_trust *trust,
                               struct rotor_bytes entry,
                               const struct chain_ports *ports,
                               struct chain_verdict *verdict,
                               struct chain_trust *next)
{
    struct chain_entry decoded;
    bool is_readable = chain_entry_decode(entry, &decoded) == ROTOR_OK;
    if (is_readable && chain_kind_is_recovery(decoded.body.kind)) {
        return chain_accept_recovery(trust, entry, ports, verdict, next);
    }
    return chain_accept_next(trust, entry, ports, verdict, next);
}
