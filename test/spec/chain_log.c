// SPDX-License-Identifier: Apache-2.0
// Logs as they grow: genesis, changes of suite, closing, forks, what is held.
#include <string.h>

#include "base/bytes.h"
#include "chain/forks.h"
#include "crypto/scalar.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

static struct maker_log chain;
static struct maker_entry entry;
static struct maker_entry other;

// ---- genesis ---------------------------------------------------------------

struct first {
    struct maker_party party;
    struct maker_ra ra;
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_expected expected;
    struct chain_verdict verdict;
    struct chain_trust trust;
};

static struct first f;

static void begin_first(uint32_t suite)
{
    memset(&f, 0, sizeof f);
    maker_party_open(&f.party);
    maker_ra_open(&f.ra, 2, 3, 0);
    maker_bundle_open(&f.own, suite, 3);
    struct chain_policy policy = maker_policy(&f.ra);
    maker_draft_genesis(&f.draft, &f.own, &policy);
}

static void end_first(void)
{
    maker_bundle_close(&f.own);
    maker_ra_close(&f.ra);
}

static void judge_first(void)
{
    assert_ok(chain_accept_genesis(&f.expected, maker_bytes(&entry),
                                   &f.party.ports, &f.verdict, &f.trust));
}

static void assert_first_refused(uint32_t rule)
{
    if (f.verdict.rule != rule || f.verdict.outcome != CHAIN_REJECTED) {
        fail_msg("wanted rule %u, got %u: %s", rule, f.verdict.rule,
                 f.verdict.reason);
    }
    assert_int_equal(f.verdict.rules, CHAIN_RULES_GENESIS);
    assert_true(chain_trust_is_empty(&f.trust));
}

SPEC("genesis names the log: its body_hash is the log_id")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin_first(suite);
        maker_finish(&f.draft, &entry);
        judge_first();
        assert_true(chain_verdict_is_accepted(&f.verdict));
        assert_true(wire_digest_equal(&f.trust.log_id, &f.trust.body_hash));
        assert_int_equal(f.trust.order.epoch, 0);
        assert_int_equal(f.party.question.report.purpose, 2);
        assert_true(wire_digest_equal(&f.party.question.report.log_id,
                                      &f.trust.log_id));
        end_first();
    }
}

SPEC("genesis: rules 1, 4, 8, 9 and 11 refuse")
{
    begin_first(2);
    maker_log_open(&chain, 2);
    maker_draft_next(&f.draft, &chain.trust, &chain.head, &f.own);
    maker_finish(&f.draft, &entry);
    judge_first();
    assert_first_refused(1);
    maker_log_close(&chain);
    end_first();

    begin_first(2);
    f.draft.policy.suite_floor = 3;
    maker_finish(&f.draft, &entry);
    judge_first();
    assert_first_refused(4);
    end_first();

    begin_first(2);
    f.draft.pop = &f.own.auth_sign.key;
    maker_finish(&f.draft, &entry);
    judge_first();
    assert_first_refused(8);
    end_first();

    begin_first(2);
    f.draft.body.agree = f.draft.body.sign;
    maker_finish(&f.draft, &entry);
    judge_first();
    assert_first_refused(9);
    end_first();

    begin_first(2);
    f.party.evidence_is_good = false;
    maker_finish(&f.draft, &entry);
    judge_first();
    assert_first_refused(11);
    end_first();
}

SPEC("genesis is what was pinned and asked for, or nothing")
{
    begin_first(2);
    maker_finish(&f.draft, &entry);
    judge_first();
    struct chain_trust pinned = f.trust;
    struct chain_entry decoded;
    assert_ok(chain_entry_decode(maker_bytes(&entry), &decoded));

    f.expected.log_id = pinned.log_id;
    f.expected.policy_bytes = decoded.body.policy_bytes;
    f.expected.request_hash = decoded.body.request_hash;
    memset(&f.trust, 0, sizeof f.trust);
    judge_first();
    assert_true(chain_verdict_is_accepted(&f.verdict));

    memset(&f.trust, 0, sizeof f.trust);
    f.expected.log_id.bytes[0] ^= 1;
    judge_first();
    assert_first_refused(12);
    f.expected.log_id = pinned.log_id;
    f.expected.request_hash.bytes[0] ^= 1;
    judge_first();
    assert_first_refused(12);
    f.expected.request_hash = decoded.body.request_hash;
    f.expected.policy_bytes.size--;
    judge_first();
    assert_first_refused(12);
    end_first();
}

// ---- sequences -------------------------------------------------------------

SPEC("a log grows by fifty entries and what is held survives a file each time")
{
    maker_log_open(&chain, 2);
    for (unsigned i = 1; i <= 50; i++) {
        uint8_t bytes[CHAIN_TRUST_MAX];
        struct rotor_room room = ROOM_OF(bytes);
        struct chain_trust read;
        maker_log_rotate(&chain, 2, i);
        assert_int_equal(chain.trust.order.epoch, i);
        assert_ok(chain_trust_encode(&chain.trust, &room));
        assert_ok(chain_trust_decode(bytes_in(&room), &read));
        uint8_t again[CHAIN_TRUST_MAX];
        struct rotor_room again_room = ROOM_OF(again);
        assert_ok(chain_trust_encode(&read, &again_room));
        assert_true(bytes_equal(bytes_in(&room), bytes_in(&again_room)));
        chain.trust = read;
    }
    // Two for genesis' S and K and one commitment, five for each other entry.
    assert_int_equal(chain.party.seen.count, 3 + 50 * 5);
    maker_log_close(&chain);
}

SPEC("the chain is the agility: suites 2, 1, 3 and 2 follow each other")
{
    static const uint32_t SUITES[] = {1, 3, 2, 3, 1, 2};
    maker_log_open(&chain, 2);
    struct wire_digest log_id = chain.trust.log_id;
    for (unsigned i = 0; i < COUNT_OF(SUITES); i++) {
        maker_log_rotate(&chain, SUITES[i], i + 1);
        assert_int_equal(chain.trust.suite, SUITES[i]);
        assert_int_equal(chain.trust.body_hash.alg,
                         crypto_suite_of(SUITES[i])->hash);
        assert_true(wire_digest_equal(&chain.trust.log_id, &log_id));
    }
    maker_log_close(&chain);
}

static void close_log(struct maker_log *log)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, 40);
    maker_draft_next(&draft, &log->trust, &log->head, &own);
    draft.body.kind = CHAIN_CLOSE;
    draft.body.next_commit = (struct wire_digest){0};
    maker_log_take(log, &draft, &own);
}

SPEC("nothing of kind 1 or 4 follows kind 4; a recovery does")
{
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_verdict verdict;
    struct chain_trust next;
    maker_log_open(&chain, 2);
    close_log(&chain);
    assert_int_equal(chain.trust.kind, CHAIN_CLOSE);
    maker_bundle_open(&own, 2, 41);
    for (unsigned closing = 0; closing <= 1; closing++) {
        maker_draft_next(&draft, &chain.trust, &chain.head, &own);
        if (closing == 1) {
            draft.body.kind = CHAIN_CLOSE;
            draft.body.next_commit = (struct wire_digest){0};
        }
        maker_finish(&draft, &entry);
        assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                               &chain.party.ports, &verdict, &next));
        assert_int_equal(verdict.outcome, CHAIN_REJECTED);
        assert_int_equal(verdict.rule, 5);
        assert_string_equal(verdict.reason, "the log is closed");
    }
    maker_draft_recovery(&draft, &chain.trust, &chain.trust, &own, &chain.ra);
    maker_log_take(&chain, &draft, &own);
    assert_int_equal(chain.trust.order.incarnation, 1);
    maker_log_rotate(&chain, 2, 42);
    maker_log_close(&chain);
}

SPEC("a stolen S with A safe: rotation for reason 4 names what is void")
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_log_open(&chain, 2);
    maker_log_rotate(&chain, 2, 1);
    maker_bundle_open(&own, 2, 2);
    maker_draft_next(&draft, &chain.trust, &chain.head, &own);
    draft.body.reason = WIRE_REASON_KEY_COMPROMISE;
    draft.body.has_distrust_from = true;
    draft.body.distrust_from = 1;
    maker_log_take(&chain, &draft, &own);
    assert_true(chain.trust.has_distrust_from);
    assert_int_equal(chain.trust.distrust_from, 1);
    uint8_t bytes[CHAIN_TRUST_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_trust read;
    assert_ok(chain_trust_encode(&chain.trust, &room));
    assert_ok(chain_trust_decode(bytes_in(&room), &read));
    assert_true(read.has_distrust_from);
    assert_int_equal(read.distrust_from, 1);
    maker_log_close(&chain);
}

SPEC("a thief of the present S alone makes no successor")
{
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_verdict verdict;
    struct chain_trust next;
    maker_log_open(&chain, 2);
    maker_bundle_open(&own, 2, 7); // the thief's own pair A
    maker_draft_next(&draft, &chain.trust, &own, &own);
    draft.old = &chain.head.sign.key;
    maker_finish(&draft, &entry);
    assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                           &chain.party.ports, &verdict, &next));
    assert_int_equal(verdict.rule, 5);
    maker_bundle_close(&own);
    maker_log_close(&chain);
}

// ---- what is held, as bytes ------------------------------------------------

SPEC("a damaged trust file is refused or says something else")
{
    uint8_t bytes[CHAIN_TRUST_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_trust read;
    maker_log_open(&chain, 3);
    maker_log_rotate(&chain, 3, 1);
    assert_ok(chain_trust_encode(&chain.trust, &room));
    for (size_t size = 0; size < room.used; size++) {
        assert_int_equal(chain_trust_decode(bytes_of(bytes, size), &read),
                         ROTOR_MALFORMED);
        assert_true(chain_trust_is_empty(&read));
    }
    for (size_t i = 0; i < room.used; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            if (chain_trust_decode(bytes_in(&room), &read) == ROTOR_OK) {
                uint8_t again[CHAIN_TRUST_MAX];
                struct rotor_room again_room = ROOM_OF(again);
                assert_ok(chain_trust_encode(&read, &again_room));
                assert_true(
                    bytes_equal(bytes_in(&again_room), bytes_in(&room)));
            } else {
                assert_true(chain_trust_is_empty(&read));
            }
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    maker_log_close(&chain);
}

SPEC("an empty trust is not written, and no other suite or version is read")
{
    uint8_t bytes[CHAIN_TRUST_MAX];
    uint8_t edited[CHAIN_TRUST_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rotor_room edited_room = ROOM_OF(edited);
    struct chain_trust read;
    static const struct chain_trust NOBODY;
    assert_int_equal(chain_trust_encode(&NOBODY, &room), ROTOR_INVALID);
    maker_log_open(&chain, 2);
    assert_ok(chain_trust_encode(&chain.trust, &room));
    maker_edit_map(bytes_in(&room), 5, LABEL("\x04"), &edited_room);
    assert_int_equal(chain_trust_decode(bytes_in(&edited_room), &read),
                     ROTOR_MALFORMED);
    maker_edit_map(bytes_in(&room), 5, LABEL("\x03"), &edited_room);
    assert_int_equal(chain_trust_decode(bytes_in(&edited_room), &read),
                     ROTOR_MALFORMED);
    // S alone, and K alone, of another suite.
    for (int64_t key = 6; key <= 7; key++) {
        uint8_t item[WIRE_KEY_ENCODED_MAX];
        struct rotor_room item_room = ROOM_OF(item);
        struct wire_key foreign = {.type = key == 6 ? WIRE_KEY_ED25519
                                                    : WIRE_KEY_X25519};
        assert_ok(wire_key_encode(&foreign, &item_room));
        maker_edit_map(bytes_in(&room), key, bytes_in(&item_room),
                       &edited_room);
        assert_int_equal(chain_trust_decode(bytes_in(&edited_room), &read),
                         ROTOR_MALFORMED);
    }
    maker_edit_map(bytes_in(&room), 0, LABEL("\x02"), &edited_room);
    assert_int_equal(chain_trust_decode(bytes_in(&edited_room), &read),
                     ROTOR_MALFORMED);
    maker_edit_map(bytes_in(&room), 64, LABEL("\x02"), &edited_room);
    assert_int_equal(chain_trust_decode(bytes_in(&edited_room), &read),
                     ROTOR_MALFORMED);
    maker_log_close(&chain);
}

// ---- keys seen -------------------------------------------------------------

static struct chain_fingerprint fingerprint_of(uint32_t number, uint8_t place)
{
    struct chain_fingerprint fingerprint = {{0}};
    fingerprint.bytes[7] = place; // all collide
    bytes_put_be32(fingerprint.bytes + 8, number + 1);
    return fingerprint;
}

SPEC("a set of fingerprints has what was added and nothing else, until it is "
     "three quarters full")
{
    struct chain_fingerprint slots[64];
    struct chain_fingerprint more[128];
    struct chain_seen seen;
    struct chain_seen larger;
    assert_ok(chain_seen_init(&seen, slots, 64));
    for (uint32_t i = 0; i < 48; i++) {
        struct chain_fingerprint fingerprint = fingerprint_of(i, 60);
        assert_false(chain_seen_has(&seen, &fingerprint));
        assert_ok(chain_seen_add(&seen, &fingerprint));
        assert_ok(chain_seen_add(&seen, &fingerprint)); // again: no matter
        assert_int_equal(seen.count, i + 1);
        for (uint32_t j = 0; j < 48; j++) {
            struct chain_fingerprint asked = fingerprint_of(j, 60);
            assert_int_equal(chain_seen_has(&seen, &asked), j <= i);
        }
    }
    struct chain_fingerprint last = fingerprint_of(48, 60);
    assert_int_equal(chain_seen_add(&seen, &last), ROTOR_TOO_SMALL);
    assert_false(chain_seen_has(&seen, &last));
    assert_ok(chain_seen_init(&larger, more, 128));
    assert_ok(chain_seen_merge(&larger, &seen));
    assert_int_equal(larger.count, 48);
    for (uint32_t i = 0; i < 48; i++) {
        struct chain_fingerprint asked = fingerprint_of(i, 60);
        assert_true(chain_seen_has(&larger, &asked));
    }
    assert_int_equal(chain_seen_init(&seen, slots, 48), ROTOR_INVALID);
    assert_int_equal(chain_seen_init(&seen, slots, 8), ROTOR_INVALID);
    assert_int_equal(chain_seen_init(&seen, slots, 0), ROTOR_INVALID);
}

SPEC("a body that no longer fits is not added in part")
{
    struct chain_fingerprint slots[16];
    struct chain_seen seen;
    struct chain_entry decoded;
    maker_log_open(&chain, 2);
    maker_log_rotate(&chain, 2, 1);
    assert_ok(chain_entry_decode(maker_bytes(&chain.entry), &decoded));
    assert_ok(chain_seen_init(&seen, slots, 16));
    for (uint32_t i = 0; i < 8; i++) {
        struct chain_fingerprint fingerprint = fingerprint_of(i, 0);
        assert_ok(chain_seen_add(&seen, &fingerprint));
    }
    assert_int_equal(chain_seen_add_body(&seen, &decoded.body),
                     ROTOR_TOO_SMALL);
    assert_int_equal(seen.count, 8);
    maker_log_close(&chain);
}

// ---- forks -----------------------------------------------------------------

static struct maker_log fork_log;
static struct maker_bundle fork_own;
static struct maker_bundle fork_thief;

static enum chain_fork judge_other(void)
{
    enum chain_fork fork;
    assert_ok(chain_judge_fork(&fork_log.before, maker_bytes(&fork_log.entry),
                               maker_bytes(&other), &fork));
    return fork;
}

// The parent's keys again: the log closed them when it rotated.
static void begin_fork(struct maker_bundle *parent, struct maker_draft *draft)
{
    maker_log_open(&fork_log, 2);
    maker_log_rotate(&fork_log, 2, 1);
    maker_bundle_open(parent, 2, 0);
    maker_bundle_open(&fork_own, 2, 30);
    maker_bundle_open(&fork_thief, 2, 31);
    maker_draft_next(draft, &fork_log.before, parent, &fork_own);
}

static void end_fork(struct maker_bundle *parent)
{
    maker_bundle_close(parent);
    maker_bundle_close(&fork_own);
    maker_bundle_close(&fork_thief);
    maker_log_close(&fork_log);
}

SPEC("two bodies signed by S and A for one place are duplicity")
{
    struct maker_bundle parent;
    struct maker_draft draft;
    begin_fork(&parent, &draft);
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_DUPLICITY);
    draft.body.kind = CHAIN_CLOSE;
    draft.body.next_commit = (struct wire_digest){0};
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_DUPLICITY);
    end_fork(&parent);
}

SPEC("A alone is A misuse, S alone is noise, neither is nothing")
{
    struct maker_bundle parent;
    struct maker_draft draft;
    begin_fork(&parent, &draft);
    draft.old = &fork_thief.sign.key;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_A_MISUSE);
    draft.auth_sign = &fork_thief.auth_sign.key;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NONE);
    draft.old = &parent.sign.key;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NOISE);
    draft.auth_sign = &parent.auth_sign.key;
    draft.auth_ots = &fork_thief.ots;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NOISE);
    // The thief's own pair, which nobody committed to.
    draft.body.auth = fork_thief.auth;
    draft.auth_sign = &fork_thief.auth_sign.key;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NOISE);
    end_fork(&parent);
}

SPEC("where nothing was accepted: S alone is noise, both are a successor")
{
    struct maker_bundle parent;
    struct maker_draft draft;
    enum chain_fork fork;
    begin_fork(&parent, &draft);
    maker_finish(&draft, &other);
    assert_ok(chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork));
    assert_int_equal(fork, CHAIN_FORK_SUCCESSOR);
    draft.auth_ots = &fork_thief.ots;
    maker_finish(&draft, &other);
    assert_ok(chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork));
    assert_int_equal(fork, CHAIN_FORK_NOISE);
    draft.old = &fork_thief.sign.key;
    maker_finish(&draft, &other);
    assert_ok(chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork));
    assert_int_equal(fork, CHAIN_FORK_NONE);
    draft.auth_ots = &parent.ots;
    maker_finish(&draft, &other);
    assert_ok(chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork));
    assert_int_equal(fork, CHAIN_FORK_A_MISUSE);
    draft.old = &parent.sign.key;
    draft.body.epoch++;
    maker_finish(&draft, &other);
    assert_ok(chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork));
    assert_int_equal(fork, CHAIN_FORK_NONE);
    other.size--;
    assert_int_equal(
        chain_judge_stray(&fork_log.before, maker_bytes(&other), &fork),
        ROTOR_MALFORMED);
    assert_int_equal(fork, CHAIN_FORK_UNJUDGED);
    end_fork(&parent);
}

SPEC("a body of another place is no fork")
{
    struct maker_bundle parent;
    struct maker_draft draft;
    begin_fork(&parent, &draft);
    draft.body.epoch++;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NONE);
    draft.body.epoch--;
    draft.body.incarnation++;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NONE);
    draft.body.incarnation--;
    draft.body.log_id.bytes[0] ^= 1;
    maker_finish(&draft, &other);
    assert_int_equal(judge_other(), CHAIN_FORK_NONE);
    end_fork(&parent);
}

SPEC("forks are judged only from an entry that was rightly accepted")
{
    struct maker_bundle parent;
    struct maker_draft draft;
    enum chain_fork fork;
    begin_fork(&parent, &draft);
    maker_finish(&draft, &other);
    draft.old = &fork_thief.sign.key;
    static struct maker_entry unsigned_entry;
    maker_finish(&draft, &unsigned_entry);
    assert_int_equal(chain_judge_fork(&fork_log.before,
                                      maker_bytes(&unsigned_entry),
                                      maker_bytes(&other), &fork),
                     ROTOR_INVALID);
    assert_int_equal(fork, CHAIN_FORK_UNJUDGED);
    assert_int_equal(chain_judge_fork(&fork_log.trust,
                                      maker_bytes(&fork_log.entry),
                                      maker_bytes(&other), &fork),
                     ROTOR_INVALID);
    // Rightly signed, but not for the place behind the parent.
    draft.old = &parent.sign.key;
    draft.body.epoch++;
    maker_finish(&draft, &unsigned_entry);
    assert_int_equal(chain_judge_fork(&fork_log.before,
                                      maker_bytes(&unsigned_entry),
                                      maker_bytes(&other), &fork),
                     ROTOR_INVALID);
    other.size--;
    assert_int_equal(chain_judge_fork(&fork_log.before,
                                      maker_bytes(&fork_log.entry),
                                      maker_bytes(&other), &fork),
                     ROTOR_MALFORMED);
    assert_int_equal(fork, CHAIN_FORK_UNJUDGED);
    end_fork(&parent);
}

// s' = order - s verifies as well as s.
static void negate(uint8_t *s, size_t size, const uint8_t *order)
{
    int borrow = 0;
    for (size_t i = size; i-- > 0;) {
        int difference = order[i] - s[i] - borrow;
        borrow = difference < 0 ? 1 : 0;
        s[i] = (uint8_t)(difference + 256 * borrow);
    }
}

SPEC("a malleated s is accepted and makes no fork")
{
    for (uint32_t suite = 2; suite <= 3; suite++) {
        enum crypto_scheme scheme = crypto_suite_of(suite)->sign;
        size_t half = crypto_sizes(scheme).signature / 2;
        struct chain_entry decoded;
        struct chain_verdict verdict;
        struct chain_trust next;
        enum chain_fork fork;
        maker_log_open(&chain, suite);
        maker_log_rotate(&chain, suite, 1);
        other = chain.entry;
        assert_ok(chain_entry_decode(maker_bytes(&other), &decoded));
        const struct rotor_bytes signatures[] = {
            decoded.sig_old, decoded.sig_auth[1], decoded.sig_pop};
        for (size_t i = 0; i < COUNT_OF(signatures); i++) {
            size_t at = (size_t)(signatures[i].data - other.bytes) +
                        signatures[i].size - half;
            negate(other.bytes + at, half, crypto_scalar_order(scheme));
        }
        assert_memory_not_equal(other.bytes, chain.entry.bytes, other.size);
        struct maker_party fresh;
        maker_party_open(&fresh);
        assert_ok(chain_accept(&chain.before, maker_bytes(&other), &fresh.ports,
                               &verdict, &next));
        assert_true(chain_verdict_is_accepted(&verdict));
        assert_true(wire_digest_equal(&next.body_hash, &chain.trust.body_hash));
        assert_ok(chain_judge_fork(&chain.before, maker_bytes(&chain.entry),
                                   maker_bytes(&other), &fork));
        assert_int_equal(fork, CHAIN_FORK_SAME);
        maker_log_close(&chain);
    }
}

SPEC("names of forks are words")
{
    assert_string_equal(chain_fork_name(CHAIN_FORK_DUPLICITY), "duplicity");
    assert_string_equal(chain_fork_name((enum chain_fork)99), "unknown");
}
