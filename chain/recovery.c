// SPDX-License-Identifier: Apache-2.0
// Entries of the recovery authority: doc/PROTOCOL.chain 5.2, (1) to (12).
#include "chain/recovery.h"

#include "base/bytes.h"
#include "chain/judge.h"
#include "crypto/suite.h"

static enum rotor_status is_recovery(struct chain_judge *judge)
{
    if (!chain_judge_parse(judge)) {
        return chain_judge_pass(judge, false, "not an entry");
    }
    const struct chain_body *body = &judge->entry.body;
    if (body->kind != CHAIN_RECOVER && body->kind != CHAIN_REINCEPT) {
        return chain_judge_pass(judge, false, "not of kind 2 or 3");
    }
    bool is_ours = wire_digest_equal(&body->log_id, &judge->trust->log_id);
    return chain_judge_pass(judge, is_ours, "of another log");
}

static enum rotor_status is_next_incarnation(struct chain_judge *judge)
{
    const struct chain_body *body = &judge->entry.body;
    uint32_t own = judge->trust->order.incarnation;
    if (own == UINT32_MAX || body->incarnation != own + 1) {
        return chain_judge_pass(judge, false, "not the next incarnation");
    }
    bool agree = wire_digest_equal(&body->prev, &body->supersedes.body_hash);
    return chain_judge_pass(judge, agree, "follows what it does not supersede");
}

static bool is_head(const struct chain_trust *trust,
                    const struct wire_head *head)
{
    return trust->order.epoch == head->epoch &&
           wire_digest_equal(&trust->body_hash, &head->body_hash);
}

static enum rotor_status supersedes_own(struct chain_judge *judge)
{
    const struct wire_head *head = &judge->entry.body.supersedes;
    bool found = false;
    if (is_head(judge->trust, head)) {
        judge->superseded = *judge->trust;
        return chain_judge_pass(judge, true, NULL);
    }
    if (judge->ports->find != NULL) {
        TRY(judge->ports->find(judge->ports->context, head, &judge->superseded,
                               &found));
    }
    // What the port found is what was asked for.
    bool is_it = found && is_head(&judge->superseded, head);
    return chain_judge_pass(judge, is_it, "supersedes what is not held");
}

static enum rotor_status epoch_rises(struct chain_judge *judge)
{
    const struct chain_body *body = &judge->entry.body;
    return chain_judge_pass(judge, body->epoch > body->supersedes.epoch,
                            "epoch does not rise");
}

// Kind 3 starts over: the AP lost its store.
static enum rotor_status anchor_rises(struct chain_judge *judge)
{
    const struct chain_body *body = &judge->entry.body;
    bool rises = body->kind == CHAIN_REINCEPT || body->n > judge->superseded.n;
    return chain_judge_pass(judge, rises, "anchor number does not rise");
}

static enum rotor_status approves(const struct chain_judge *judge,
                                  const struct wire_digest *ra, bool *approved)
{
    const struct chain_ra_proof proof = {judge->entry.sig_ra,
                                         judge->entry.ra_sets};
    enum rotor_status status =
        chain_ra_check(ra, judge->entry.body.bytes, &proof, approved);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status is_ordered(struct chain_judge *judge)
{
    const struct wire_digest *old_ra = &judge->superseded.policy.ra;
    const struct wire_digest *new_ra = &judge->entry.body.policy.ra;
    bool by_old = false;
    bool by_new = false;
    TRY(approves(judge, old_ra, &by_old));
    if (!by_old) {
        return chain_judge_pass(judge, false, "k of the RA did not sign");
    }
    if (wire_digest_equal(old_ra, new_ra)) {
        return chain_judge_pass(judge, true, NULL);
    }
    TRY(approves(judge, new_ra, &by_new));
    return chain_judge_pass(judge, by_new, "k of the new RA did not sign");
}

static enum rotor_status old_key_agrees(struct chain_judge *judge)
{
    if (bytes_are_empty(judge->entry.sig_old)) {
        return chain_judge_pass(judge, true, NULL);
    }
    bool valid = false;
    TRY(chain_check_signature(judge, &judge->superseded.sign,
                              LABEL(WIRE_CONTEXT_ENTRY_OLD),
                              judge->entry.sig_old, &valid));
    return chain_judge_pass(judge, valid, "sig_old does not verify");
}

// The proof of possession of a suite that is not known cannot be judged.
static enum rotor_status possesses(struct chain_judge *judge)
{
    if (!judge->entry.body.suite_is_known) {
        judge->outcome = CHAIN_UNSUPPORTED;
        return chain_judge_pass(judge, false, "suite not known here");
    }
    return chain_check_pop(judge);
}

static enum rotor_status suite_and_keys_fit(struct chain_judge *judge)
{
    uint32_t floor = judge->superseded.policy.suite_floor;
    TRY(chain_check_suite(judge, floor));
    if (judge->fault != NULL) {
        return ROTOR_OK;
    }
    if (judge->entry.body.policy.suite_floor < floor) {
        return chain_judge_pass(judge, false, "the floor sinks");
    }
    return chain_check_new_keys(judge);
}

static enum rotor_status was_held(struct chain_judge *judge)
{
    const struct chain_ports *ports = judge->ports;
    uint32_t by_policy = judge->superseded.policy.hold_down_s;
    uint32_t wanted =
        by_policy > ports->hold_down_s ? by_policy : ports->hold_down_s;
    if (ports->held_s == NULL || wanted == 0) {
        return chain_judge_pass(judge, true, NULL);
    }
    struct wire_digest body_hash;
    uint64_t held_s = 0;
    TRY(chain_body_hash(&judge->entry.body, &body_hash));
    TRY(ports->held_s(ports->context, &body_hash, &held_s));
    judge->outcome = CHAIN_HELD;
    return chain_judge_pass(judge, held_s >= wanted, "hold-down");
}

static const struct chain_check RECOVERY[] = {
    {1,  is_recovery         },
    {2,  is_next_incarnation },
    {3,  supersedes_own      },
    {4,  epoch_rises         },
    {5,  anchor_rises        },
    {6,  is_ordered          },
    {7,  old_key_agrees      },
    {8,  possesses           },
    {9,  suite_and_keys_fit  },
    {10, chain_check_evidence},
    {11, was_held            },
    {12, chain_check_adopt   },
};

enum rotor_status chain_accept_recovery(const struct chain_trust *trust,
                                        struct rotor_bytes entry,
                                        const struct chain_ports *ports,
                                        struct chain_verdict *verdict,
                                        struct chain_trust *next)
{
    static const struct chain_list LIST = {CHAIN_RULES_RECOVERY, RECOVERY,
                                           COUNT_OF(RECOVERY)};
    struct chain_judge judge = {.trust = trust, .ports = ports, .bytes = entry};
    if (chain_trust_is_empty(trust)) {
        judge.ports = NULL;
    }
    return chain_judge_run(&judge, &LIST, verdict, next);
}
