// SPDX-License-Identifier: Apache-2.0
// Entries of the recovery authority: each refusal is of an entry that all
// other points would take.
#include <string.h>

#include "base/bytes.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

#define HELD 6u

// A log of epochs 0..5 in incarnation 0, a candidate for incarnation 1.
struct attempt {
    struct maker_log log;
    struct chain_trust held[HELD];
    struct maker_bundle own;
    struct maker_bundle other;
    struct maker_ra new_ra;
    struct maker_draft draft;
    struct maker_entry entry;
    struct chain_verdict verdict;
    struct chain_trust next;
};

static struct attempt r;

static void begin_at(uint32_t suite, size_t superseded)
{
    memset(&r, 0, sizeof r);
    maker_log_open(&r.log, suite);
    r.held[0] = r.log.trust;
    for (unsigned i = 1; i < HELD; i++) {
        maker_log_rotate(&r.log, suite, i);
        r.held[i] = r.log.trust;
    }
    r.log.party.held = r.held;
    r.log.party.held_count = HELD;
    maker_bundle_open(&r.own, suite, 50);
    maker_bundle_open(&r.other, suite, 60);
    maker_ra_open(&r.new_ra, 2, 3, 1);
    maker_draft_recovery(&r.draft, &r.log.trust, &r.held[superseded], &r.own,
                         &r.log.ra);
}

static void begin(void)
{
    begin_at(2, HELD - 1);
}

static void end(void)
{
    maker_bundle_close(&r.own);
    maker_bundle_close(&r.other);
    maker_ra_close(&r.new_ra);
    maker_log_close(&r.log);
}

static void judge(void)
{
    maker_finish(&r.draft, &r.entry);
    memset(&r.next, 0xee, sizeof r.next);
    assert_ok(chain_accept_recovery(&r.log.trust, maker_bytes(&r.entry),
                                    &r.log.party.ports, &r.verdict, &r.next));
}

static void assert_accepted(void)
{
    if (!chain_verdict_is_accepted(&r.verdict)) {
        fail_msg("rule %u: %s", r.verdict.rule, r.verdict.reason);
    }
}

static void assert_outcome(uint32_t rule, uint32_t outcome)
{
    struct chain_trust untouched;
    memset(&untouched, 0xee, sizeof untouched);
    if (r.verdict.outcome != outcome || r.verdict.rule != rule) {
        fail_msg("wanted rule %u, got rule %u: %s", rule, r.verdict.rule,
                 r.verdict.reason);
    }
    assert_int_equal(r.verdict.rules, CHAIN_RULES_RECOVERY);
    assert_memory_equal(&r.next, &untouched, sizeof untouched);
}

static void refuse(uint32_t rule, void (*change)(void))
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin_at(suite, HELD - 1);
        change();
        judge();
        assert_outcome(rule, CHAIN_REJECTED);
        end();
    }
}

// ---- the rows of the table of cases ----------------------------------------

SPEC("k of n restore a log whose S cannot sign, without sig_old")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin_at(suite, HELD - 1);
        judge();
        assert_accepted();
        assert_int_equal(r.next.order.incarnation, 1);
        assert_int_equal(r.next.order.epoch, HELD);
        assert_int_equal(r.next.kind, CHAIN_RECOVER);
        assert_true(wire_digest_equal(&r.next.log_id, &r.log.trust.log_id));
        assert_true(wire_digest_equal(&r.next.next_commit, &r.own.commit));
        end();
    }
}

SPEC("A lost with S there: sig_old may stand, and then counts")
{
    begin();
    r.draft.old = &r.log.head.sign.key;
    judge();
    assert_accepted();
    r.draft.old = &r.other.sign.key;
    judge();
    assert_outcome(7, CHAIN_REJECTED);
    end();
}

SPEC("S and A stolen: the last good entry is superseded, later ones are void")
{
    begin_at(2, 2);
    judge();
    assert_accepted();
    assert_int_equal(r.next.order.epoch, HELD);
    // The epoch need not pass those of the thief, only the superseded one.
    r.draft.body.epoch = 3;
    judge();
    assert_accepted();
    end();
}

SPEC("an AP that lost its store starts a new anchor with kind 3, log_id stays")
{
    begin();
    r.draft.body.kind = CHAIN_REINCEPT;
    r.draft.body.n = 1;
    judge();
    assert_accepted();
    assert_int_equal(r.next.n, 1);
    assert_true(wire_digest_equal(&r.next.log_id, &r.log.trust.log_id));
    end();
}

SPEC("a new C comes by a new policy of the recovery authority")
{
    begin();
    r.draft.policy.control.bytes[0] ^= 1;
    judge();
    assert_accepted();
    assert_memory_equal(r.next.policy.control.bytes,
                        r.draft.policy.control.bytes, WIRE_DIGEST_MAX);
    end();
}

SPEC("a chain goes on after a recovery")
{
    begin();
    maker_log_take(&r.log, &r.draft, &r.own);
    memset(&r.own, 0, sizeof r.own);
    maker_log_rotate(&r.log, 3, 70);
    maker_log_rotate(&r.log, 1, 71);
    assert_int_equal(r.log.trust.order.incarnation, 1);
    end();
}

// ---- (1) to (5) ------------------------------------------------------------

static void in_another_log(void)
{
    r.draft.body.log_id.bytes[0] ^= 1;
}

SPEC("(1) a recovery of another log is refused")
{
    refuse(1, in_another_log);
}

SPEC("(1) a step is not a recovery")
{
    struct maker_entry *entry = &r.entry;
    begin();
    maker_draft_next(&r.draft, &r.log.trust, &r.log.head, &r.own);
    maker_finish(&r.draft, entry);
    memset(&r.next, 0xee, sizeof r.next);
    assert_ok(chain_accept_recovery(&r.log.trust, maker_bytes(entry),
                                    &r.log.party.ports, &r.verdict, &r.next));
    assert_outcome(1, CHAIN_REJECTED);
    end();
}

static void same_incarnation(void)
{
    r.log.trust.order.incarnation++;
}

static void skipped_incarnation(void)
{
    r.draft.body.incarnation++;
}

static void follows_another(void)
{
    r.draft.body.prev.bytes[0] ^= 1;
}

SPEC("(2) the next incarnation, after the body that it supersedes")
{
    refuse(2, same_incarnation);
    refuse(2, skipped_incarnation);
    refuse(2, follows_another);
}

SPEC("(2) a second recovery of one incarnation, and any lower one, is refused "
     "for ever")
{
    begin();
    maker_finish(&r.draft, &r.entry);
    struct maker_entry first = r.entry;
    maker_log_take(&r.log, &r.draft, &r.own);
    memset(&r.own, 0, sizeof r.own);
    // Another body for incarnation 1, by a thief who fast-forwards epochs.
    maker_draft_recovery(&r.draft, &r.held[5], &r.held[5], &r.other, &r.log.ra);
    r.draft.body.epoch = UINT64_MAX - 1;
    r.draft.body.n = UINT64_MAX;
    judge();
    assert_outcome(2, CHAIN_REJECTED);
    assert_ok(chain_accept_recovery(&r.log.trust, maker_bytes(&first),
                                    &r.log.party.ports, &r.verdict, &r.next));
    assert_int_equal(r.verdict.rule, 2);
    end();
}

SPEC("(2) nothing follows the last incarnation there is")
{
    begin();
    r.log.trust.order.incarnation = UINT32_MAX;
    r.draft.body.incarnation = 0; // what wraps around
    judge();
    assert_outcome(2, CHAIN_REJECTED);
    end();
}

static void not_held(void)
{
    r.draft.body.supersedes.body_hash.bytes[0] ^= 1;
    r.draft.body.prev = r.draft.body.supersedes.body_hash;
}

static void held_at_another_epoch(void)
{
    r.draft.body.supersedes.epoch--;
}

SPEC("(3) what is superseded is held: this body at this epoch")
{
    refuse(3, not_held);
    refuse(3, held_at_another_epoch);
}

SPEC("(3) without a memory of its chain a party takes recovery at its head "
     "only")
{
    begin_at(2, 3);
    r.log.party.ports.find = NULL;
    judge();
    assert_outcome(3, CHAIN_REJECTED);
    end();
    begin();
    r.log.party.ports.find = NULL;
    judge();
    assert_accepted();
    end();
}

static enum rotor_status find_wrong(void *context,
                                    const struct wire_head *head
                                    __attribute__((unused)),
                                    struct chain_trust *at, bool *found)
{
    const struct maker_party *party = context;
    *at = party->held[1];
    *found = true;
    return ROTOR_OK;
}

SPEC("(3) a port that finds another entry finds nothing")
{
    begin_at(2, 3);
    r.log.party.ports.find = find_wrong;
    judge();
    assert_outcome(3, CHAIN_REJECTED);
    end();
}

static enum rotor_status find_nothing(void *context,
                                      const struct wire_head *head,
                                      struct chain_trust *at, bool *found)
{
    const struct maker_party *party = context;
    *at = party->held[head->epoch];
    *found = false;
    return ROTOR_OK;
}

SPEC("(3) what a port leaves behind is not what it found")
{
    begin_at(2, 3);
    r.log.party.ports.find = find_nothing;
    judge();
    assert_outcome(3, CHAIN_REJECTED);
    end();
}

static void same_epoch(void)
{
    r.draft.body.epoch = r.draft.body.supersedes.epoch;
}

SPEC("(4) the epoch rises over the superseded one")
{
    refuse(4, same_epoch);
}

static void same_anchor(void)
{
    r.draft.body.n = r.log.trust.n;
}

SPEC("(5) with kind 2 the anchor rises over the superseded entry's")
{
    refuse(5, same_anchor);
    begin_at(2, 2);
    r.draft.body.n = r.held[2].n + 1;
    judge();
    assert_accepted();
    end();
}

// ---- (6) -------------------------------------------------------------------

static void one_signature(void)
{
    r.draft.ra_count = 1;
}

static void one_key_twice(void)
{
    r.draft.ra[1] = r.draft.ra[0];
}

static void by_others(void)
{
    r.draft.ra[0] = &r.new_ra.keys[0].key;
    r.draft.ra[1] = &r.new_ra.keys[1].key;
}

static void wrong_set(void)
{
    r.draft.ra_sets[0] = r.new_ra.set;
    by_others();
}

static void one_and_a_stranger(void)
{
    r.draft.ra[1] = &r.new_ra.keys[1].key;
}

SPEC("(6) k different keys of the set that the superseded policy names")
{
    refuse(6, one_signature);
    refuse(6, one_key_twice);
    refuse(6, by_others);
    refuse(6, wrong_set);
    refuse(6, one_and_a_stranger);
}

SPEC("(6) strangers and repetitions beside a threshold do no harm")
{
    begin();
    r.draft.ra[0] = &r.new_ra.keys[0].key;
    r.draft.ra[1] = &r.log.ra.keys[1].key;
    r.draft.ra[2] = &r.log.ra.keys[1].key;
    r.draft.ra[3] = &r.log.ra.keys[2].key;
    r.draft.ra_count = 4;
    judge();
    assert_accepted();
    end();
}

static void set_policy_ra(void)
{
    r.draft.policy.ra = r.new_ra.digest;
    r.draft.ra_sets[1] = r.new_ra.set;
    r.draft.ra_set_count = 2;
}

static void new_set_without_new(void)
{
    set_policy_ra();
}

static void new_set_without_old(void)
{
    set_policy_ra();
    by_others();
}

static void new_set_with_one_new(void)
{
    set_policy_ra();
    r.draft.ra[2] = &r.new_ra.keys[0].key;
    r.draft.ra_count = 3;
}

static void new_set_not_shown(void)
{
    set_policy_ra();
    r.draft.ra[2] = &r.new_ra.keys[0].key;
    r.draft.ra[3] = &r.new_ra.keys[1].key;
    r.draft.ra_count = 4;
    r.draft.ra_set_count = 1;
}

SPEC("(6) a new set needs the threshold of the old one and its own")
{
    refuse(6, new_set_without_new);
    refuse(6, new_set_without_old);
    refuse(6, new_set_with_one_new);
    refuse(6, new_set_not_shown);
    begin();
    set_policy_ra();
    r.draft.ra[2] = &r.new_ra.keys[0].key;
    r.draft.ra[3] = &r.new_ra.keys[2].key;
    r.draft.ra_count = 4;
    judge();
    assert_accepted();
    assert_true(wire_digest_equal(&r.next.policy.ra, &r.new_ra.digest));
    end();
}

// An insider sets a policy of 1-of-1 in the same entry: it does not count.
SPEC("(6) the set of the superseded entry decides, not the one of the entry")
{
    struct maker_ra easy;
    begin();
    maker_ra_open(&easy, 1, 1, 2);
    r.draft.policy.ra = easy.digest;
    r.draft.ra_sets[0] = easy.set;
    r.draft.ra[0] = &easy.keys[0].key;
    r.draft.ra_count = 1;
    judge();
    assert_outcome(6, CHAIN_REJECTED);
    maker_ra_close(&easy);
    end();
}

SPEC("(6) a signature of the authority over another body is none")
{
    static struct maker_entry other;
    static uint8_t attachments_memory[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(attachments_memory);
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    struct rotor_bytes wrong_body;
    struct rotor_bytes wrong;
    begin();
    r.draft.body.tick_s++;
    maker_finish(&r.draft, &other);
    r.draft.body.tick_s--;
    maker_finish(&r.draft, &r.entry);
    maker_split(maker_bytes(&r.entry), &body, &attachments);
    maker_split(maker_bytes(&other), &wrong_body, &wrong);
    struct cbor_reader in;
    int64_t key = 0;
    struct rotor_bytes sig_ra = {NULL, 0};
    cbor_reader_init(&in, wrong);
    cbor_read_map(&in);
    while (cbor_map_next(&in, &key)) {
        struct rotor_bytes item = cbor_read_item(&in);
        sig_ra = key == 4 ? item : sig_ra;
    }
    maker_edit_map(attachments, 4, sig_ra, &room);
    uint8_t copy[CHAIN_BODY_MAX];
    struct rotor_room copy_room = ROOM_OF(copy);
    assert_ok(bytes_copy(&copy_room, body));
    maker_join(bytes_in(&copy_room), bytes_in(&room), &r.entry);
    memset(&r.next, 0xee, sizeof r.next);
    assert_ok(chain_accept_recovery(&r.log.trust, maker_bytes(&r.entry),
                                    &r.log.party.ports, &r.verdict, &r.next));
    assert_outcome(6, CHAIN_REJECTED);
    end();
}

SPEC("(6) a set that is no set approves nothing, though its digest is the one")
{
    // Keys out of order: the same keys, another digest, which the policy has.
    uint8_t bytes[2048];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_ra_set set;
    struct cbor_writer out;
    begin();
    assert_ok(chain_ra_set_decode(r.log.ra.set, &set));
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, 2);
    cbor_write_array(&out, 3);
    for (size_t i = 3; i-- > 0;) {
        wire_write_key(&out, &set.keys[i]);
    }
    assert_ok(cbor_writer_finish(&out));
    r.draft.ra_sets[0] = bytes_in(&room);
    assert_ok(chain_hash_ra_set(CRYPTO_SHA256, bytes_in(&room),
                                &r.log.trust.policy.ra));
    r.draft.policy.ra = r.log.trust.policy.ra;
    judge();
    assert_outcome(6, CHAIN_REJECTED);
    end();
}

// ---- (7) to (12) -----------------------------------------------------------

static void old_of_the_head(void)
{
    r.draft.old = &r.log.head.sign.key;
}

SPEC("(7) sig_old is of the superseded entry's S, not of the head's")
{
    begin_at(2, 2);
    old_of_the_head();
    judge();
    assert_outcome(7, CHAIN_REJECTED);
    struct maker_key superseded;
    maker_key_open(&superseded, CRYPTO_P256, 8 * 2);
    r.draft.old = &superseded.key;
    judge();
    assert_accepted();
    crypto_key_close(&superseded.key);
    end();
}

static void pop_by_other(void)
{
    r.draft.pop = &r.other.sign.key;
}

static void pop_in_another_context(void)
{
    r.draft.pop_context = LABEL(WIRE_CONTEXT_ENTRY_OLD);
}

SPEC("(8) the new RoT shows that it has its key")
{
    refuse(8, pop_by_other);
    refuse(8, pop_in_another_context);
}

SPEC("(8) a suite of a later version is unsupported")
{
    static uint8_t body_memory[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(body_memory);
    begin();
    maker_finish(&r.draft, &r.entry);
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    maker_split(maker_bytes(&r.entry), &body, &attachments);
    maker_edit_map(body, 6, LABEL("\x04"), &room);
    // Signed anew: the authority did order it.
    maker_finish_over(&r.draft, bytes_in(&room), &r.entry);
    maker_split(maker_bytes(&r.entry), &body, &attachments);
    memset(&r.next, 0xee, sizeof r.next);
    assert_ok(chain_accept_recovery(&r.log.trust, maker_bytes(&r.entry),
                                    &r.log.party.ports, &r.verdict, &r.next));
    assert_outcome(8, CHAIN_UNSUPPORTED);
    end();
}

static void old_sign_again(void)
{
    r.draft.body.sign = r.log.head.sign.public_key;
    r.draft.pop = &r.log.head.sign.key;
}

static void commit_again(void)
{
    r.draft.body.next_commit = r.log.trust.next_commit;
}

static void agree_of_another_suite(void)
{
    struct maker_bundle foreign;
    maker_bundle_open(&foreign, r.own.suite == 1 ? 2 : 1, 80);
    r.draft.body.agree = foreign.agree.public_key;
    maker_bundle_close(&foreign);
}

SPEC("(9) keys are new and of their suite")
{
    refuse(9, old_sign_again);
    refuse(9, commit_again);
    refuse(9, agree_of_another_suite);
}

SPEC("(9) the floor holds and does not sink")
{
    begin();
    r.log.trust.policy.suite_floor = 3;
    r.draft.policy.suite_floor = 3;
    judge();
    assert_outcome(9, CHAIN_REJECTED); // suite 2 under floor 3
    r.log.trust.policy.suite_floor = 2;
    r.draft.policy.suite_floor = 1;
    judge();
    assert_outcome(9, CHAIN_REJECTED);
    r.draft.policy.suite_floor = 2;
    judge();
    assert_accepted();
    end();
}

static void bad_evidence(void)
{
    r.log.party.evidence_is_good = false;
}

SPEC("(10) Evidence of purpose 4 must be good")
{
    refuse(10, bad_evidence);
    begin();
    judge();
    assert_int_equal(r.log.party.question.report.purpose, 4);
    assert_true(wire_digest_equal(&r.log.party.question.report.head.body_hash,
                                  &r.next.body_hash));
    end();
}

SPEC("(11) a remote party waits for the longer of two hold-downs")
{
    begin();
    r.log.party.ports.hold_down_s = 100;
    r.log.party.known_for_s = 99;
    judge();
    assert_outcome(11, CHAIN_HELD);
    r.log.party.known_for_s = 100;
    judge();
    assert_accepted();
    r.log.trust.policy.hold_down_s = 200;
    judge();
    assert_outcome(11, CHAIN_HELD);
    r.log.party.known_for_s = 200;
    judge();
    assert_accepted();
    // The new policy cannot shorten it.
    r.log.party.known_for_s = 199;
    r.draft.policy.hold_down_s = 0;
    judge();
    assert_outcome(11, CHAIN_HELD);
    // The RTP does not wait.
    r.log.party.ports.held_s = NULL;
    judge();
    assert_accepted();
    end();
}

// ---- sets ------------------------------------------------------------------

// The rotation cases of TUF (python-tuf, test_updater_key_rotations 5..10):
// threshold 3 of 5, literally.
SPEC("any three of five are enough, any two are not")
{
    struct maker_ra five;
    begin();
    maker_ra_open(&five, 3, 5, 3);
    r.log.trust.policy.ra = five.digest;
    r.draft.policy.ra = five.digest;
    r.draft.ra_sets[0] = five.set;
    for (unsigned mask = 1; mask < 32; mask++) {
        unsigned count = 0;
        for (unsigned i = 0; i < 5; i++) {
            if ((mask >> i & 1u) != 0) {
                r.draft.ra[count++] = &five.keys[i].key;
            }
        }
        r.draft.ra_count = count;
        judge();
        if (count >= 3) {
            assert_accepted();
        } else {
            assert_outcome(6, CHAIN_REJECTED);
        }
    }
    maker_ra_close(&five);
    end();
}

SPEC("a set is sorted by kid, has no key twice and asks for no more than it "
     "has")
{
    uint8_t bytes[2048];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_ra_set set;
    begin();
    assert_ok(chain_ra_set_decode(r.log.ra.set, &set));
    assert_int_equal(set.k, 2);
    assert_int_equal(set.count, 3);
    struct chain_ra_set twisted = set;
    twisted.keys[0] = set.keys[2];
    twisted.keys[2] = set.keys[0];
    assert_ok(chain_ra_set_encode(&twisted, &room));
    assert_true(bytes_equal(bytes_in(&room), r.log.ra.set));
    twisted.keys[1] = twisted.keys[0];
    assert_int_equal(chain_ra_set_encode(&twisted, &room), ROTOR_INVALID);
    twisted = set;
    twisted.count = CHAIN_RA_KEYS_MAX + 1;
    for (size_t i = 0; i < CHAIN_RA_KEYS_MAX; i++) {
        twisted.keys[i] = (struct wire_key){.type = WIRE_KEY_ED25519};
        twisted.keys[i].bytes[0] = (uint8_t)i;
    }
    assert_int_equal(chain_ra_set_encode(&twisted, &room), ROTOR_INVALID);
    twisted = set;
    twisted.k = 4;
    assert_int_equal(chain_ra_set_encode(&twisted, &room), ROTOR_INVALID);
    twisted.k = 0;
    assert_int_equal(chain_ra_set_encode(&twisted, &room), ROTOR_INVALID);
    twisted = set;
    twisted.keys[0] = (struct wire_key){.type = WIRE_KEY_X25519};
    assert_int_equal(chain_ra_set_encode(&twisted, &room), ROTOR_INVALID);
    end();
}

static void write_set(uint64_t k, const struct wire_key *keys, size_t count,
                      struct rotor_room *room)
{
    struct cbor_writer out;
    cbor_writer_init(&out, room);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, k);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        wire_write_key(&out, &keys[i]);
    }
    assert_ok(cbor_writer_finish(&out));
}

SPEC("a set out of order, with a key twice or a key that cannot sign is no set")
{
    uint8_t bytes[4096];
    struct rotor_room room = ROOM_OF(bytes);
    struct chain_ra_set set;
    struct chain_ra_set read;
    struct wire_key keys[17];
    begin();
    assert_ok(chain_ra_set_decode(r.log.ra.set, &set));
    keys[0] = set.keys[0];
    keys[1] = set.keys[1];
    write_set(2, keys, 2, &room);
    assert_ok(chain_ra_set_decode(bytes_in(&room), &read));
    keys[0] = set.keys[1];
    keys[1] = set.keys[0];
    write_set(2, keys, 2, &room);
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    keys[0] = set.keys[1];
    write_set(2, keys + 1, 1, &room); // k > n
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    keys[1] = keys[0];
    write_set(2, keys, 2, &room);
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    write_set(0, keys, 1, &room);
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    keys[0] = (struct wire_key){.type = WIRE_KEY_X25519};
    write_set(1, keys, 1, &room);
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    for (size_t i = 0; i < 17; i++) {
        keys[i] = (struct wire_key){.type = WIRE_KEY_ED25519};
        keys[i].bytes[0] = (uint8_t)i;
    }
    write_set(1, keys, 17, &room);
    assert_int_equal(chain_ra_set_decode(bytes_in(&room), &read),
                     ROTOR_MALFORMED);
    end();
}

SPEC("a recovery without a port or a trust is not judged")
{
    static const struct chain_trust NOBODY;
    begin();
    maker_finish(&r.draft, &r.entry);
    assert_int_equal(chain_accept_recovery(&NOBODY, maker_bytes(&r.entry),
                                           &r.log.party.ports, &r.verdict,
                                           &r.next),
                     ROTOR_INVALID);
    r.log.party.ports.check_evidence = NULL;
    assert_int_equal(chain_accept_recovery(&r.log.trust, maker_bytes(&r.entry),
                                           &r.log.party.ports, &r.verdict,
                                           &r.next),
                     ROTOR_INVALID);
    assert_int_equal(r.verdict.outcome, CHAIN_REJECTED);
    end();
}
