// SPDX-License-Identifier: Apache-2.0
// Cases of unbound (testdata/autotrust_*) and keripy that no other sentence
// shows: logs out of order, again, beside each other.
#include <string.h>

#include "base/bytes.h"
#include "chain/forks.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"

#define LAST 5u // epoch of the head

static struct maker_log chain;
static struct maker_entry entries[LAST + 1];
static struct chain_trust held[LAST + 1]; // after each
static struct maker_bundle own;
static struct maker_bundle other;
static struct maker_draft draft;
static struct maker_entry entry;
static struct chain_verdict verdict;
static struct chain_trust next;

static void keep(unsigned epoch)
{
    entries[epoch] = chain.entry;
    held[epoch] = chain.trust;
}

static void begin(void)
{
    maker_log_open(&chain, 2);
    keep(0);
    for (unsigned epoch = 1; epoch <= LAST; epoch++) {
        maker_log_rotate(&chain, 2, epoch);
        keep(epoch);
    }
    maker_bundle_open(&own, 2, 50);
    maker_bundle_open(&other, 2, 60);
}

static void end(void)
{
    maker_bundle_close(&own);
    maker_bundle_close(&other);
    maker_log_close(&chain);
}

// Against `trust`, with what `party` has seen.
static void judge(struct maker_party *party, const struct chain_trust *trust,
                  const struct maker_entry *candidate)
{
    memset(&next, 0xee, sizeof next);
    assert_ok(chain_accept(trust, maker_bytes(candidate), &party->ports,
                           &verdict, &next));
}

static void assert_refused(uint32_t rule)
{
    struct chain_trust untouched;
    memset(&untouched, 0xee, sizeof untouched);
    if (verdict.outcome != CHAIN_REJECTED || verdict.rule != rule) {
        fail_msg("wanted rule %u, got rule %u: %s", rule, verdict.rule,
                 verdict.reason);
    }
    assert_memory_equal(&next, &untouched, sizeof next);
}

static void assert_accepted(void)
{
    if (!chain_verdict_is_accepted(&verdict)) {
        fail_msg("rule %u: %s", verdict.rule, verdict.reason);
    }
}

// A party that has seen nothing but entry 0.
static void open_party(struct maker_party *party, struct chain_trust *trust)
{
    struct chain_entry decoded;
    struct chain_expected expected = {.log_id = held[0].log_id};
    maker_party_open(party);
    assert_ok(chain_accept_genesis(&expected, maker_bytes(&entries[0]),
                                   &party->ports, &verdict, trust));
    assert_accepted();
    assert_ok(chain_entry_decode(maker_bytes(&entries[0]), &decoded));
    assert_ok(chain_seen_add_body(&party->seen, &decoded.body));
}

// The party takes what was just judged.
static void adopt(struct maker_party *party, struct chain_trust *trust,
                  const struct maker_entry *candidate)
{
    struct chain_entry decoded;
    assert_accepted();
    assert_ok(chain_entry_decode(maker_bytes(candidate), &decoded));
    assert_ok(chain_seen_add_body(&party->seen, &decoded.body));
    *trust = next;
}

// ---- RFC 5011 --------------------------------------------------------------

SPEC("RFC 5011 revoked_with_invalid: a rotation that voids epochs voids none "
     "while any of its signatures is wrong")
{
    begin();
    maker_draft_next(&draft, &chain.trust, &chain.head, &own);
    draft.body.reason = WIRE_REASON_KEY_COMPROMISE;
    draft.body.has_distrust_from = true;
    draft.body.distrust_from = 0;
    struct maker_draft right = draft;
    draft.old = &other.sign.key;
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(7);
    draft = right;
    draft.auth_ots = &other.ots;
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(6);
    draft = right;
    draft.auth_sign = &other.auth_sign.key;
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(6);
    draft = right;
    draft.pop = &other.sign.key;
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(8);
    assert_false(chain.trust.has_distrust_from);
    maker_finish(&right, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_accepted();
    assert_true(next.has_distrust_from);
    end();
}

SPEC("RFC 5011 missing_returns: a root that was rotated away never returns, by "
     "a rotation or by a recovery")
{
    for (unsigned epoch = 0; epoch <= LAST; epoch++) {
        struct maker_bundle old;
        begin();
        maker_bundle_open(&old, 2, epoch);
        maker_draft_next(&draft, &chain.trust, &chain.head, &own);
        draft.body.sign = old.sign.public_key;
        draft.pop = &old.sign.key;
        maker_finish(&draft, &entry);
        judge(&chain.party, &chain.trust, &entry);
        assert_refused(9);
        maker_draft_recovery(&draft, &chain.trust, &chain.trust, &own,
                             &chain.ra);
        draft.body.sign = old.sign.public_key;
        draft.pop = &old.sign.key;
        maker_finish(&draft, &entry);
        judge(&chain.party, &chain.trust, &entry);
        assert_refused(9);
        maker_bundle_close(&old);
        end();
    }
}

// ---- keripy ----------------------------------------------------------------

SPEC(
    "KERI out of order: an entry that comes too early is refused and not kept, "
    "and accepted in its turn")
{
    static struct maker_party party;
    struct chain_trust trust;
    begin();
    open_party(&party, &trust);
    for (unsigned epoch = 1; epoch <= LAST; epoch++) {
        for (unsigned early = epoch + 1; early <= LAST; early++) {
            judge(&party, &trust, &entries[early]);
            assert_refused(2);
        }
        judge(&party, &trust, &entries[epoch]);
        adopt(&party, &trust, &entries[epoch]);
    }
    assert_true(wire_digest_equal(&trust.body_hash, &chain.trust.body_hash));
    end();
}

SPEC(
    "KERI replay: a whole log again changes nothing, entry by entry, and gives "
    "a new party the same head")
{
    static struct maker_party party;
    struct chain_trust trust;
    uint8_t bytes[2][CHAIN_TRUST_MAX];
    struct rotor_room rooms[] = {ROOM_OF(bytes[0]), ROOM_OF(bytes[1])};
    begin();
    open_party(&party, &trust);
    for (unsigned epoch = 1; epoch <= LAST; epoch++) {
        judge(&party, &trust, &entries[epoch]);
        adopt(&party, &trust, &entries[epoch]);
        for (unsigned again = 1; again <= epoch; again++) {
            judge(&party, &trust, &entries[again]);
            assert_refused(2);
        }
        judge(&party, &trust, &entries[0]);
        assert_refused(1);
    }
    assert_ok(chain_trust_encode(&trust, &rooms[0]));
    assert_ok(chain_trust_encode(&chain.trust, &rooms[1]));
    assert_true(bytes_equal(bytes_in(&rooms[0]), bytes_in(&rooms[1])));
    end();
}

SPEC("KERI rule A1: a rotation does not replace a rotation, though S and A "
     "signed it; it proves duplicity")
{
    static struct maker_party party;
    struct chain_trust trust;
    struct maker_bundle parent;
    enum chain_fork fork;
    begin();
    open_party(&party, &trust);
    for (unsigned epoch = 1; epoch < LAST; epoch++) {
        judge(&party, &trust, &entries[epoch]);
        adopt(&party, &trust, &entries[epoch]);
    }
    maker_bundle_open(&parent, 2, LAST - 1);
    maker_draft_next(&draft, &held[LAST - 1], &parent, &own);
    maker_finish(&draft, &entry);
    judge(&party, &trust, &entry);
    assert_accepted(); // by who has not seen the other one
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(2);
    assert_ok(chain_judge_fork(&held[LAST - 1], maker_bytes(&entries[LAST]),
                               maker_bytes(&entry), &fork));
    assert_int_equal(fork, CHAIN_FORK_DUPLICITY);
    maker_bundle_close(&parent);
    end();
}

SPEC("KERI superseding recovery: what a recovery voided neither goes on nor is "
     "superseded; a recovery supersedes a recovery")
{
    struct maker_bundle thief;
    struct chain_trust live[4];
    begin();
    memcpy(live, held, sizeof live); // epochs 0 to 2, and the recovery
    chain.party.held = held;
    chain.party.held_count = LAST + 1;
    maker_draft_recovery(&draft, &chain.trust, &held[2], &own, &chain.ra);
    maker_log_take(&chain, &draft, &own);
    live[3] = chain.trust;
    chain.party.held = live;
    chain.party.held_count = COUNT_OF(live);
    maker_bundle_open(&thief, 2, LAST);
    maker_bundle_open(&own, 2, 51);
    maker_draft_next(&draft, &held[LAST], &thief, &own);
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(2);
    maker_draft_recovery(&draft, &chain.trust, &held[4], &own, &chain.ra);
    maker_finish(&draft, &entry);
    judge(&chain.party, &chain.trust, &entry);
    assert_refused(3);
    maker_draft_recovery(&draft, &chain.trust, &live[3], &own, &chain.ra);
    maker_log_take(&chain, &draft, &own);
    memset(&own, 0, sizeof own);
    assert_int_equal(chain.trust.order.incarnation, 2);
    maker_bundle_close(&thief);
    end();
}
