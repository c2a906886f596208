// SPDX-License-Identifier: Apache-2.0
// The rule of one step.  Every refusal here is of an entry that all other
// rules would take: whoever signs is right, only the one thing is wrong.
#include <string.h>

#include "base/bytes.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

struct attempt {
    struct maker_log log;
    struct maker_bundle own;   // of the entry to come
    struct maker_bundle other; // of nobody
    struct maker_draft draft;
    struct maker_entry entry;
    struct chain_verdict verdict;
    struct chain_trust next;
};

static struct attempt a;

static void begin(uint32_t suite)
{
    memset(&a, 0, sizeof a);
    maker_log_open(&a.log, suite);
    maker_log_rotate(&a.log, suite, 1);
    maker_bundle_open(&a.own, suite, 50);
    maker_bundle_open(&a.other, suite, 60);
    maker_draft_next(&a.draft, &a.log.trust, &a.log.head, &a.own);
}

static void end(void)
{
    maker_bundle_close(&a.own);
    maker_bundle_close(&a.other);
    maker_log_close(&a.log);
}

static void judge(void)
{
    memset(&a.next, 0xee, sizeof a.next);
    assert_ok(chain_accept_next(&a.log.trust, maker_bytes(&a.entry),
                                &a.log.party.ports, &a.verdict, &a.next));
}

static void assert_refused(uint32_t rule, uint32_t outcome)
{
    struct chain_trust untouched;
    memset(&untouched, 0xee, sizeof untouched);
    if (a.verdict.outcome != outcome || a.verdict.rule != rule) {
        fail_msg("wanted rule %u, got rule %u: %s", rule, a.verdict.rule,
                 a.verdict.reason);
    }
    assert_false(chain_verdict_is_accepted(&a.verdict));
    assert_int_equal(a.verdict.rules, CHAIN_RULES_NEXT);
    assert_non_null(a.verdict.reason);
    assert_memory_equal(&a.next, &untouched, sizeof untouched);
}

static void refuse(uint32_t rule, void (*change)(void))
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin(suite);
        change();
        maker_finish(&a.draft, &a.entry);
        judge();
        assert_refused(rule, CHAIN_REJECTED);
        end();
    }
}

static enum crypto_hash other_hash(void)
{
    enum crypto_hash own = crypto_suite_of(a.own.suite)->hash;
    return own == CRYPTO_SHA256 ? CRYPTO_SHA384 : CRYPTO_SHA256;
}

// A suite with other keys than the attempt's.
static uint32_t other_suite(void)
{
    return a.own.suite == 1 ? 2 : 1;
}

SPEC("an entry that follows is accepted and becomes what is held")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin(suite);
        maker_finish(&a.draft, &a.entry);
        judge();
        assert_true(chain_verdict_is_accepted(&a.verdict));
        assert_int_equal(a.verdict.rule, 0);
        assert_int_equal(a.next.order.epoch, 2);
        assert_int_equal(a.next.order.incarnation, 0);
        assert_true(wire_digest_equal(&a.next.log_id, &a.log.trust.log_id));
        assert_true(wire_key_equal(&a.next.sign, &a.own.sign.public_key));
        assert_true(wire_key_equal(&a.next.agree, &a.own.agree.public_key));
        assert_true(wire_digest_equal(&a.next.next_commit, &a.own.commit));
        assert_int_equal(a.next.n, a.draft.body.n);
        end();
    }
}

// ---- rule 1 ----------------------------------------------------------------

static void in_another_log(void)
{
    a.draft.body.log_id.bytes[0] ^= 1;
}

SPEC("rule 1: an entry of another log is refused")
{
    refuse(1, in_another_log);
}

SPEC("rule 1: recovery and genesis are not steps")
{
    struct chain_policy policy;
    begin(2);
    maker_draft_recovery(&a.draft, &a.log.trust, &a.log.trust, &a.own,
                         &a.log.ra);
    maker_finish(&a.draft, &a.entry);
    judge();
    assert_refused(1, CHAIN_REJECTED);
    policy = maker_policy(&a.log.ra);
    maker_draft_genesis(&a.draft, &a.own, &policy);
    maker_finish(&a.draft, &a.entry);
    judge();
    assert_refused(1, CHAIN_REJECTED);
    end();
}

SPEC("rule 1: what is not exactly an entry is refused")
{
    begin(2);
    maker_finish(&a.draft, &a.entry);
    a.entry.bytes[a.entry.size++] = 0;
    judge();
    assert_refused(1, CHAIN_REJECTED);
    a.entry.size -= 2;
    judge();
    assert_refused(1, CHAIN_REJECTED);
    end();
}

// ---- rule 2 ----------------------------------------------------------------

static void one_epoch_too_far(void)
{
    a.draft.body.epoch++;
}

static void same_epoch_again(void)
{
    a.draft.body.epoch--;
}

static void other_incarnation(void)
{
    a.draft.body.incarnation++;
}

static void other_prev(void)
{
    a.draft.body.prev.bytes[31] ^= 1;
}

static void other_old_kid(void)
{
    assert_ok(wire_key_id(&a.other.sign.public_key, &a.draft.body.old_kid));
}

SPEC("rule 2: only the next epoch of this incarnation, after this body and "
     "this key")
{
    refuse(2, one_epoch_too_far);
    refuse(2, same_epoch_again);
    refuse(2, other_incarnation);
    refuse(2, other_prev);
    refuse(2, other_old_kid);
}

SPEC("rule 2: nothing follows the last epoch there is")
{
    begin(2);
    a.log.trust.order.epoch = UINT64_MAX;
    maker_finish(&a.draft, &a.entry);
    judge();
    assert_refused(2, CHAIN_REJECTED);
    end();
}

// ---- rule 3 ----------------------------------------------------------------

static void same_anchor(void)
{
    a.draft.body.n = a.log.trust.n;
}

static void lower_anchor(void)
{
    a.draft.body.n = a.log.trust.n - 1;
}

SPEC("rule 3: the number of the anchor must rise")
{
    refuse(3, same_anchor);
    refuse(3, lower_anchor);
}

// ---- rule 4 ----------------------------------------------------------------

SPEC("rule 4: a suite below the floor is refused, one on the floor is not")
{
    begin(2);
    a.log.trust.policy.suite_floor = 3;
    maker_finish(&a.draft, &a.entry);
    judge();
    assert_refused(4, CHAIN_REJECTED);
    a.log.trust.policy.suite_floor = 2;
    judge();
    assert_true(chain_verdict_is_accepted(&a.verdict));
    end();
}

static void sign_of_other_suite(void)
{
    struct maker_bundle foreign;
    maker_bundle_open(&foreign, other_suite(), 70);
    maker_bundle_close(&a.other);
    a.other = foreign;
    a.draft.body.sign = a.other.sign.public_key;
    a.draft.pop = &a.other.sign.key;
}

static void agree_of_other_suite(void)
{
    struct maker_bundle foreign;
    maker_bundle_open(&foreign, other_suite(), 70);
    a.draft.body.agree = foreign.agree.public_key;
    maker_bundle_close(&foreign);
}

static void commit_of_other_hash(void)
{
    assert_ok(
        chain_hash_auth(other_hash(), &a.own.auth, &a.draft.body.next_commit));
}

static void auth_of_other_suite(void)
{
    // The commitment names a pair whose second half is of another scheme.
    struct maker_bundle foreign;
    maker_bundle_open(&foreign, other_suite(), 70);
    maker_bundle_close(&a.other);
    a.other = foreign;
    a.draft.body.auth = a.other.auth;
    a.draft.auth_ots = &a.other.ots;
    a.draft.auth_sign = &a.other.auth_sign.key;
    assert_ok(chain_hash_auth(crypto_suite_of(a.own.suite)->hash, &a.other.auth,
                              &a.log.trust.next_commit));
}

SPEC("rule 4: S, K, A and the commitment are of their suites")
{
    refuse(4, sign_of_other_suite);
    refuse(4, agree_of_other_suite);
    refuse(4, commit_of_other_hash);
    refuse(4, auth_of_other_suite);
}

static void edit_body(int64_t key, struct rotor_bytes item)
{
    static uint8_t memory[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    maker_finish(&a.draft, &a.entry);
    maker_split(maker_bytes(&a.entry), &body, &attachments);
    maker_edit_map(body, key, item, &room);
    maker_join(bytes_in(&room), attachments, &a.entry);
}

SPEC("rule 4: a suite of a later version is unsupported, not an attack")
{
    static const uint8_t FOUR[] = {0x04};
    begin(2);
    edit_body(6, BYTES_OF(FOUR));
    judge();
    assert_refused(4, CHAIN_UNSUPPORTED);
    end();
}

SPEC("rule 4: keys of a later suite need not parse")
{
    static const uint8_t FOUR[] = {0x04};
    static const uint8_t TWO_KEYS[] = {0x82, 0xa0, 0xa0};
    static uint8_t memory[3][CHAIN_BODY_MAX];
    struct rotor_room rooms[3] = {ROOM_OF(memory[0]), ROOM_OF(memory[1]),
                                  ROOM_OF(memory[2])};
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    begin(2);
    maker_finish(&a.draft, &a.entry);
    maker_split(maker_bytes(&a.entry), &body, &attachments);
    maker_edit_map(body, 6, BYTES_OF(FOUR), &rooms[0]);
    maker_edit_map(bytes_in(&rooms[0]), 7, BYTES_OF(TWO_KEYS), &rooms[1]);
    maker_edit_map(attachments, 3, BYTES_OF(TWO_KEYS), &rooms[2]);
    maker_join(bytes_in(&rooms[1]), bytes_in(&rooms[2]), &a.entry);
    judge();
    assert_refused(4, CHAIN_UNSUPPORTED);
    end();
}

// ---- rule 5 ----------------------------------------------------------------

static void auth_not_committed(void)
{
    a.draft.body.auth = a.other.auth;
    a.draft.auth_ots = &a.other.ots;
    a.draft.auth_sign = &a.other.auth_sign.key;
}

static void commitment_of_other_hash(void)
{
    assert_ok(chain_hash_auth(other_hash(), &a.log.head.auth,
                              &a.log.trust.next_commit));
}

static void nothing_committed(void)
{
    a.log.trust.next_commit = (struct wire_digest){0};
}

static void last_byte_of_commitment(void)
{
    struct wire_digest *commit = &a.log.trust.next_commit;
    commit->bytes[crypto_hash_size(commit->alg) - 1] ^= 1;
}

SPEC("rule 5: only the pair A that the predecessor committed to")
{
    refuse(5, auth_not_committed);
    refuse(5, commitment_of_other_hash);
    refuse(5, nothing_committed);
    refuse(5, last_byte_of_commitment);
}

// ---- rule 6 ----------------------------------------------------------------

static void ots_by_other(void)
{
    a.draft.auth_ots = &a.other.ots;
}

static void auth_by_other(void)
{
    a.draft.auth_sign = &a.other.auth_sign.key;
}

static void auth_by_old(void)
{
    a.draft.auth_sign = &a.log.head.sign.key;
}

static void auth_in_old_context(void)
{
    a.draft.auth_context = LABEL(WIRE_CONTEXT_ENTRY_OLD);
}

SPEC("rule 6: both halves of A sign, each itself and in its context")
{
    refuse(6, ots_by_other);
    refuse(6, auth_by_other);
    refuse(6, auth_by_old);
    refuse(6, auth_in_old_context);
}

static void swap_attachment(int64_t key, struct rotor_bytes item)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    static uint8_t body_memory[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct rotor_room body_room = ROOM_OF(body_memory);
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    maker_split(maker_bytes(&a.entry), &body, &attachments);
    maker_edit_map(attachments, key, item, &room);
    assert_ok(bytes_copy(&body_room, body));
    maker_join(bytes_in(&body_room), bytes_in(&room), &a.entry);
}

static void put_auth(struct rotor_bytes first, struct rotor_bytes second)
{
    static uint8_t memory[2 * WIRE_SIGN1_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, first);
    cbor_write_bytes(&out, second);
    assert_ok(cbor_writer_finish(&out));
    swap_attachment(2, bytes_in(&room));
}

SPEC("rule 6: one good half twice, or both in the wrong places, is not both")
{
    struct chain_entry entry;
    begin(2);
    maker_finish(&a.draft, &a.entry);
    assert_ok(chain_entry_decode(maker_bytes(&a.entry), &entry));
    put_auth(entry.sig_auth[1], entry.sig_auth[0]);
    judge();
    assert_refused(6, CHAIN_REJECTED);
    maker_finish(&a.draft, &a.entry);
    assert_ok(chain_entry_decode(maker_bytes(&a.entry), &entry));
    put_auth(entry.sig_auth[0], entry.sig_auth[0]);
    judge();
    assert_refused(6, CHAIN_REJECTED);
    maker_finish(&a.draft, &a.entry);
    assert_ok(chain_entry_decode(maker_bytes(&a.entry), &entry));
    put_auth(entry.sig_auth[1], entry.sig_auth[1]);
    judge();
    assert_refused(6, CHAIN_REJECTED);
    end();
}

// A key with another q is one of many; it may have signed before.
SPEC("rule 6: an LM-OTS key with q other than 0 authorises nothing")
{
    static const uint8_t PROTECTED[] = {0xa1, 0x01, 0x3a, 0x00,
                                        0x01, 0x00, 0x00};
    static const char AAD[] = WIRE_CONTEXT_ENTRY_AUTH;
    struct crypto_lmots_key key = {.type = crypto_lmots_type_of(3), .q = 1};
    uint8_t k[32];
    uint8_t message[CHAIN_BODY_MAX + 128];
    uint8_t signature[CRYPTO_LMOTS_SIGNATURE];
    uint8_t sign1[WIRE_SIGN1_MAX];
    struct rotor_room message_room = ROOM_OF(message);
    struct rotor_room sign1_room = ROOM_OF(sign1);
    struct chain_entry entry;
    begin(2);
    memcpy(key.id, a.log.head.ots.id, sizeof key.id);
    memcpy(key.seed, a.log.head.ots.seed, sizeof key.seed);
    assert_ok(crypto_lmots_make(&key, k));
    uint8_t *public_key = a.draft.body.auth.ots.bytes;
    bytes_put_be32(public_key + 20, 1);
    memcpy(public_key + 24, k, sizeof k);
    assert_ok(chain_hash_auth(CRYPTO_SHA256, &a.draft.body.auth,
                              &a.log.trust.next_commit));
    maker_finish(&a.draft, &a.entry);
    assert_ok(chain_entry_decode(maker_bytes(&a.entry), &entry));
    assert_ok(wire_cose_signed_bytes(BYTES_OF(PROTECTED),
                                     bytes_of(AAD, sizeof AAD),
                                     entry.body.bytes, &message_room));
    assert_ok(crypto_lmots_sign_with(&key, bytes_in(&message_room), signature));
    struct cbor_writer out;
    cbor_writer_init(&out, &sign1_room);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, BYTES_OF(PROTECTED));
    cbor_write_map(&out, 0);
    cbor_write_nil(&out);
    cbor_write_bytes(&out, BYTES_OF(signature));
    assert_ok(cbor_writer_finish(&out));
    put_auth(bytes_in(&sign1_room), entry.sig_auth[1]);
    judge();
    assert_refused(6, CHAIN_REJECTED);
    end();
}

// ---- rules 7 and 8 ---------------------------------------------------------

static void old_by_other(void)
{
    a.draft.old = &a.other.sign.key;
}

static void old_by_new(void)
{
    a.draft.old = &a.own.sign.key;
}

static void old_in_pop_context(void)
{
    a.draft.old_context = LABEL(WIRE_CONTEXT_ENTRY_POP);
}

SPEC("rule 7: the RoT before signs, in its context")
{
    refuse(7, old_by_other);
    refuse(7, old_by_new);
    refuse(7, old_in_pop_context);
}

static void pop_by_other(void)
{
    a.draft.pop = &a.other.sign.key;
}

static void pop_by_old(void)
{
    a.draft.pop = &a.log.head.sign.key;
}

static void pop_in_old_context(void)
{
    a.draft.pop_context = LABEL(WIRE_CONTEXT_ENTRY_OLD);
}

SPEC("rule 8: the new RoT shows that it has its key, in its context")
{
    refuse(8, pop_by_other);
    refuse(8, pop_by_old);
    refuse(8, pop_in_old_context);
}

SPEC("rules 7 and 8: no signature stands for another")
{
    static const uint8_t JUNK[] = {0x43, 1, 2, 3};
    begin(2);
    maker_finish(&a.draft, &a.entry);
    swap_attachment(1, BYTES_OF(JUNK));
    judge();
    assert_refused(7, CHAIN_REJECTED);
    maker_finish(&a.draft, &a.entry);
    swap_attachment(3, BYTES_OF(JUNK));
    judge();
    assert_refused(8, CHAIN_REJECTED);
    end();
}

// ---- rule 9 ----------------------------------------------------------------

static void see_key(const struct wire_key *key)
{
    struct chain_fingerprint fingerprint;
    assert_ok(chain_fingerprint_key(key, &fingerprint));
    assert_ok(chain_seen_add(&a.log.party.seen, &fingerprint));
}

static void sign_seen(void)
{
    see_key(&a.own.sign.public_key);
}

static void agree_seen(void)
{
    see_key(&a.own.agree.public_key);
}

static void ots_seen(void)
{
    see_key(&a.log.head.auth.ots);
}

static void auth_seen(void)
{
    see_key(&a.log.head.auth.sign);
}

static void commit_seen(void)
{
    struct chain_fingerprint fingerprint;
    assert_ok(chain_fingerprint_commit(&a.own.commit, &fingerprint));
    assert_ok(chain_seen_add(&a.log.party.seen, &fingerprint));
}

static void commit_of_before(void)
{
    a.draft.body.next_commit = a.log.trust.next_commit;
}

static void old_sign_again(void)
{
    a.draft.body.sign = a.log.head.sign.public_key;
    a.draft.pop = &a.log.head.sign.key;
}

static void sign_is_auth(void)
{
    a.draft.body.sign = a.log.head.auth.sign;
    a.draft.pop = &a.log.head.auth_sign.key;
}

SPEC("rule 9: every key and commitment is new")
{
    refuse(9, sign_seen);
    refuse(9, agree_seen);
    refuse(9, ots_seen);
    refuse(9, auth_seen);
    refuse(9, commit_seen);
    refuse(9, commit_of_before);
    refuse(9, old_sign_again);
    refuse(9, sign_is_auth);
}

SPEC("rule 9: one key is not S and K at once")
{
    for (uint32_t suite = 2; suite <= 3; suite++) {
        begin(suite);
        a.draft.body.agree = a.draft.body.sign;
        maker_finish(&a.draft, &a.entry);
        judge();
        assert_refused(9, CHAIN_REJECTED);
        end();
    }
}

SPEC("rule 9: all five fingerprints of an accepted body are seen after it")
{
    begin(2);
    maker_finish(&a.draft, &a.entry);
    judge();
    struct chain_entry entry;
    assert_ok(chain_entry_decode(maker_bytes(&a.entry), &entry));
    size_t before = a.log.party.seen.count;
    assert_ok(chain_seen_add_body(&a.log.party.seen, &entry.body));
    assert_int_equal(a.log.party.seen.count, before + CHAIN_SEEN_PER_ENTRY);
    judge();
    assert_refused(9, CHAIN_REJECTED);
    end();
}

// ---- rule 10 ---------------------------------------------------------------

static void policy_changed(void)
{
    a.draft.policy.max_per_day++;
}

static void floor_raised(void)
{
    a.draft.policy.suite_floor = 3;
}

SPEC("rule 10: a step does not change the policy, not even for the better")
{
    refuse(10, policy_changed);
    refuse(10, floor_raised);
}

// ---- rule 11 ---------------------------------------------------------------

static void bad_evidence(void)
{
    a.log.party.evidence_is_good = false;
}

SPEC("rule 11: no step without Evidence that the party takes")
{
    refuse(11, bad_evidence);
}

SPEC("rule 11: Evidence is asked for UD of purpose 3 over this very body")
{
    begin(3);
    a.draft.evidence = LABEL("evidence");
    maker_finish(&a.draft, &a.entry);
    judge();
    const struct chain_evidence_question *asked = &a.log.party.question;
    uint8_t ud[CHAIN_UD_SIZE];
    assert_int_equal(asked->report.purpose, 3);
    assert_int_equal(asked->report.head.epoch, 2);
    assert_true(wire_digest_equal(&asked->report.log_id, &a.log.trust.log_id));
    assert_true(
        wire_digest_equal(&asked->report.head.body_hash, &a.next.body_hash));
    assert_int_equal(asked->report.nonce.size, 0);
    assert_int_equal(asked->report.bind.size, 0);
    assert_ok(chain_ud(&asked->report, ud));
    assert_memory_equal(ud, asked->ud, sizeof ud);
    assert_int_equal(asked->evidence.size, 8);
    end();
}

SPEC("a party without ports takes nothing")
{
    struct chain_ports ports;
    begin(2);
    maker_finish(&a.draft, &a.entry);
    ports = a.log.party.ports;
    ports.check_evidence = NULL;
    assert_int_equal(chain_accept_next(&a.log.trust, maker_bytes(&a.entry),
                                       &ports, &a.verdict, &a.next),
                     ROTOR_INVALID);
    assert_int_equal(a.verdict.outcome, CHAIN_REJECTED);
    ports = a.log.party.ports;
    ports.has_seen = NULL;
    assert_int_equal(chain_accept_next(&a.log.trust, maker_bytes(&a.entry),
                                       &ports, &a.verdict, &a.next),
                     ROTOR_INVALID);
    static const struct chain_trust NOBODY;
    assert_int_equal(chain_accept_next(&NOBODY, maker_bytes(&a.entry),
                                       &a.log.party.ports, &a.verdict, &a.next),
                     ROTOR_INVALID);
    assert_int_equal(a.verdict.outcome, CHAIN_REJECTED);
    end();
}

static enum rotor_status fails(void *context __attribute__((unused)),
                               const struct chain_fingerprint *fingerprint
                               __attribute__((unused)),
                               bool *seen)
{
    *seen = false;
    return ROTOR_PORT_FAILED;
}

SPEC("a port that fails is no acceptance")
{
    begin(2);
    a.log.party.ports.has_seen = fails;
    maker_finish(&a.draft, &a.entry);
    assert_int_equal(chain_accept_next(&a.log.trust, maker_bytes(&a.entry),
                                       &a.log.party.ports, &a.verdict, &a.next),
                     ROTOR_PORT_FAILED);
    assert_int_equal(a.verdict.outcome, CHAIN_REJECTED);
    end();
}

SPEC("only one value of a verdict is acceptance")
{
    struct chain_verdict verdict = {.outcome = 0};
    for (unsigned bit = 0; bit < 32; bit++) {
        verdict.outcome = CHAIN_ACCEPTED ^ (UINT32_C(1) << bit);
        assert_false(chain_verdict_is_accepted(&verdict));
    }
    verdict.outcome = CHAIN_ACCEPTED;
    assert_true(chain_verdict_is_accepted(&verdict));
}
