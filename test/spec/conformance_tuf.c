// SPDX-License-Identifier: Apache-2.0
// The root rotations of python-tuf (test_updater_key_rotations): literally on
// the recovery authority, and on the chain, whose keys are S and A; and what
// else others ask of sets of keys.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

#define POOL_KEYS    10u
#define VERSIONS_MAX 4u

// Keys are digits.  Who signs the first version is of no account here: a party
// has it from the pin.
struct version {
    const char *keys;
    uint32_t threshold;
    const char *signers;
};

struct rotation {
    size_t count;
    struct version versions[VERSIONS_MAX];
};

struct set {
    uint8_t memory[2048];
    struct rotor_bytes bytes;
    struct wire_digest digest;
};

static struct maker_log chain;
static struct maker_key pool[POOL_KEYS];
static struct set sets[VERSIONS_MAX];
static struct maker_bundle own;
static struct maker_bundle stranger;
static struct maker_draft draft;
static struct maker_entry entry;

static void begin(const struct rotation *rotation)
{
    static const enum crypto_scheme SCHEMES[] = {CRYPTO_ED25519, CRYPTO_P256,
                                                 CRYPTO_P384};
    maker_log_open(&chain, 2);
    for (unsigned i = 0; i < POOL_KEYS; i++) {
        maker_key_open(&pool[i], SCHEMES[i % COUNT_OF(SCHEMES)], 20000 + i);
    }
    for (size_t i = 0; i < rotation->count; i++) {
        const struct version *version = &rotation->versions[i];
        struct chain_ra_set set = {.k = version->threshold,
                                   .count = strlen(version->keys)};
        for (size_t j = 0; j < set.count; j++) {
            set.keys[j] = pool[version->keys[j] - '0'].public_key;
        }
        struct rotor_room room = ROOM_OF(sets[i].memory);
        assert_ok(chain_ra_set_encode(&set, &room));
        sets[i].bytes = bytes_in(&room);
        assert_ok(
            chain_hash_ra_set(CRYPTO_SHA256, sets[i].bytes, &sets[i].digest));
    }
    chain.trust.policy.ra = sets[0].digest;
}

static void end(void)
{
    for (unsigned i = 0; i < POOL_KEYS; i++) {
        crypto_key_close(&pool[i].key);
    }
    maker_log_close(&chain);
}

static void sign_by(const char *signers)
{
    draft.ra_count = strlen(signers);
    for (size_t i = 0; i < draft.ra_count; i++) {
        draft.ra[i] = &pool[signers[i] - '0'].key;
    }
}

// The entry that brings version `i`.
static void draft_version(const struct rotation *rotation, size_t i)
{
    maker_bundle_open(&own, 2, 20 + (unsigned)i);
    maker_draft_recovery(&draft, &chain.trust, &chain.trust, &own, &chain.ra);
    draft.policy.ra = sets[i].digest;
    draft.ra_sets[0] = sets[i - 1].bytes;
    draft.ra_sets[1] = sets[i].bytes;
    draft.ra_set_count =
        wire_digest_equal(&sets[i - 1].digest, &sets[i].digest) ? 1 : 2;
    sign_by(rotation->versions[i].signers);
}

static void take_until(const struct rotation *rotation, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        draft_version(rotation, i);
        maker_log_take(&chain, &draft, &own);
        assert_int_equal(chain.trust.order.incarnation, i);
        assert_true(wire_digest_equal(&chain.trust.policy.ra, &sets[i].digest));
    }
}

static void assert_refused(uint32_t rule)
{
    struct chain_verdict verdict;
    struct chain_trust next;
    struct chain_trust untouched;
    memset(&next, 0xee, sizeof next);
    memset(&untouched, 0xee, sizeof untouched);
    maker_finish(&draft, &entry);
    assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                           &chain.party.ports, &verdict, &next));
    if (verdict.outcome != CHAIN_REJECTED || verdict.rule != rule) {
        fail_msg("wanted rule %u, got rule %u: %s", rule, verdict.rule,
                 verdict.reason);
    }
    assert_memory_equal(&next, &untouched, sizeof next);
}

static void succeeds(const struct rotation *rotation)
{
    begin(rotation);
    take_until(rotation, rotation->count);
    end();
}

// Every version is accepted but the last.
static void fails(const struct rotation *rotation)
{
    begin(rotation);
    take_until(rotation, rotation->count - 1);
    draft_version(rotation, rotation->count - 1);
    assert_refused(6);
    maker_bundle_close(&own);
    end();
}

// ---- on the recovery authority ---------------------------------------------

static const struct rotation ONE_KEY = {
    3, {{"1", 1, ""}, {"2", 1, "21"}, {"2", 1, "2"}}
};
static const struct rotation UNUSED = {
    3, {{"1", 1, ""}, {"2", 1, "3214"}, {"2", 1, "324"}}
};
static const struct rotation WITHOUT_OLD = {
    2, {{"1", 1, ""}, {"2", 1, "234"}}
};
static const struct rotation WITHOUT_NEW = {
    2, {{"1", 1, ""}, {"2", 1, "134"}}
};
static const struct rotation COMBINATIONS = {
    4,
    {{"01234", 3, ""},
      {"01234", 3, "041"},
      {"01234", 3, "013"},
      {"01234", 3, "013"}}
};
static const struct rotation ONE_OF_FIVE = {
    2, {{"01234", 3, ""}, {"01345", 3, "041"}}
};
static const struct rotation WITHOUT_THREE_NEW = {
    2, {{"01234", 3, ""}, {"01345", 3, "024"}}
};
static const struct rotation WITHOUT_THREE_OLD = {
    2, {{"01234", 3, ""}, {"01345", 3, "045"}}
};
static const struct rotation ONE_OF_FIVE_STEPWISE = {
    3, {{"01234", 3, ""}, {"01345", 3, "0245"}, {"01345", 3, "045"}}
};
static const struct rotation ALL_OF_FIVE = {
    3, {{"01234", 3, ""}, {"56789", 3, "024567"}, {"56789", 3, "567"}}
};
static const struct rotation RAISED = {
    2, {{"123", 1, ""}, {"123", 2, "12"}}
};
static const struct rotation RAISED_WITHOUT_NEW = {
    2, {{"123", 1, ""}, {"123", 2, "2"}}
};
static const struct rotation LOWERED = {
    3, {{"123", 2, ""}, {"123", 1, "12"}, {"123", 1, "1"}}
};
static const struct rotation LOWERED_WITHOUT_OLD = {
    2, {{"123", 2, ""}, {"123", 1, "1"}}
};
static const struct rotation KEY_ADDED = {
    2, {{"1", 1, ""}, {"12", 2, "12"}}
};

SPEC("TUF root rotation 1: signed by the old and the new key: accepted")
{
    succeeds(&ONE_KEY);
}

SPEC("TUF root rotation 2: signatures of strangers beside them are ignored")
{
    succeeds(&UNUSED);
}

SPEC("TUF root rotation 3: not signed with the old key: fails, state stays")
{
    fails(&WITHOUT_OLD);
}

SPEC("TUF root rotation 4: not signed with the new key: fails, state stays")
{
    fails(&WITHOUT_NEW);
}

SPEC("TUF root rotation 5: 3 of 5, signed by different combinations")
{
    succeeds(&COMBINATIONS);
}

SPEC("TUF root rotation 6: 3 of 5, one key rotated")
{
    succeeds(&ONE_OF_FIVE);
}

SPEC("TUF root rotation 7: 3 of 5, not signed with 3 new keys: fails")
{
    fails(&WITHOUT_THREE_NEW);
}

SPEC("TUF root rotation 8: 3 of 5, not signed with 3 old keys: fails")
{
    fails(&WITHOUT_THREE_OLD);
}

SPEC("TUF root rotation 9: 3 of 5, one key rotated, the new set signs alone "
     "next")
{
    succeeds(&ONE_OF_FIVE_STEPWISE);
}

SPEC("TUF root rotation 10: 3 of 5, all keys rotated, the new set signs alone "
     "next")
{
    succeeds(&ALL_OF_FIVE);
}

SPEC("TUF root rotation 11: threshold raised from 1 to 2 of 3")
{
    succeeds(&RAISED);
}

SPEC("TUF root rotation 12: threshold raised, the new one not reached: fails")
{
    fails(&RAISED_WITHOUT_NEW);
}

SPEC("TUF root rotation 13: threshold lowered from 2 to 1 of 3, one signs next")
{
    succeeds(&LOWERED);
}

SPEC("TUF root rotation 14: threshold lowered, the old one not reached: fails")
{
    fails(&LOWERED_WITHOUT_OLD);
}

SPEC("TUF root rotation 15: a key added and the threshold raised to 2 of 2")
{
    succeeds(&KEY_ADDED);
}

SPEC("TUF root rotation 16: after a failure the root before it goes on")
{
    static const struct rotation *const FAILING[] = {
        &WITHOUT_OLD,       &WITHOUT_NEW,        &WITHOUT_THREE_NEW,
        &WITHOUT_THREE_OLD, &RAISED_WITHOUT_NEW, &LOWERED_WITHOUT_OLD};
    for (size_t i = 0; i < COUNT_OF(FAILING); i++) {
        const struct rotation *rotation = FAILING[i];
        begin(rotation);
        draft_version(rotation, 1);
        assert_refused(6);
        // The very body that was refused, rightly signed.
        sign_by("0123456789");
        maker_log_take(&chain, &draft, &own);
        assert_true(wire_digest_equal(&chain.trust.policy.ra, &sets[1].digest));
        end();
    }
}

// ---- on the chain ----------------------------------------------------------

#define OLD_S     1u
#define A_OTS     2u
#define A_SIGN    4u
#define NEW_S     8u
#define ALL_RIGHT 15u

static uint32_t rule_that_refuses(unsigned right)
{
    if ((right & A_OTS) == 0 || (right & A_SIGN) == 0) {
        return 6;
    }
    return (right & OLD_S) == 0 ? 7 : 8;
}

// Slots that are not `right` are signed by keys of somebody else.
static void sign_rightly(unsigned right)
{
    const struct maker_bundle *head = &chain.head;
    draft.old = (right & OLD_S) != 0 ? &head->sign.key : &stranger.sign.key;
    draft.auth_ots = (right & A_OTS) != 0 ? &head->ots : &stranger.ots;
    draft.auth_sign =
        (right & A_SIGN) != 0 ? &head->auth_sign.key : &stranger.auth_sign.key;
    draft.pop = (right & NEW_S) != 0 ? &own.sign.key : &stranger.sign.key;
}

static void begin_step(uint32_t suite)
{
    maker_log_open(&chain, suite);
    maker_bundle_open(&own, suite, 20);
    maker_bundle_open(&stranger, suite, 30);
    maker_draft_next(&draft, &chain.trust, &chain.head, &own);
}

SPEC("TUF root rotations on the chain: of all sets of signers only old S, both "
     "halves of A and new S together rotate; after each failure the state "
     "stays")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        begin_step(suite);
        for (unsigned right = 0; right < ALL_RIGHT; right++) {
            sign_rightly(right);
            assert_refused(rule_that_refuses(right));
        }
        sign_rightly(ALL_RIGHT);
        maker_log_take(&chain, &draft, &own);
        assert_int_equal(chain.trust.order.epoch, 1);
        maker_bundle_close(&stranger);
        maker_log_close(&chain);
    }
}

SPEC("TUF root rotation 2 on the chain: what lies beside the signatures, from "
     "key 64 on, is ignored")
{
    static uint8_t memory[2][WIRE_ENTRY_MAX];
    struct rotor_room body_room = ROOM_OF(memory[0]);
    struct rotor_room room = ROOM_OF(memory[1]);
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    struct chain_verdict verdict;
    struct chain_trust plain;
    struct chain_trust beside;
    begin_step(2);
    maker_finish(&draft, &entry);
    assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                           &chain.party.ports, &verdict, &plain));
    assert_true(chain_verdict_is_accepted(&verdict));
    maker_split(maker_bytes(&entry), &body, &attachments);
    maker_edit_map(attachments, 64, LABEL("\x45other"), &room);
    assert_ok(bytes_copy(&body_room, body));
    maker_join(bytes_in(&body_room), bytes_in(&room), &entry);
    assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                           &chain.party.ports, &verdict, &beside));
    assert_true(chain_verdict_is_accepted(&verdict));
    assert_true(wire_digest_equal(&plain.body_hash, &beside.body_hash));
    maker_bundle_close(&own);
    maker_bundle_close(&stranger);
    maker_log_close(&chain);
}

// ---- tuf-conformance -------------------------------------------------------

// Spoils signature `i` of the authority in `entry`: its last byte, or all.
static void spoil(size_t i, bool all)
{
    struct chain_entry decoded;
    struct cbor_reader in;
    struct rotor_bytes signature = {NULL, 0};
    assert_ok(chain_entry_decode(maker_bytes(&entry), &decoded));
    cbor_reader_init(&in, decoded.sig_ra);
    assert_true(cbor_read_array(&in) > i);
    for (size_t at = 0; at <= i; at++) {
        signature = cbor_read_bytes(&in);
    }
    assert_false(cbor_has_failed(&in));
    uint8_t *bytes = entry.bytes + (signature.data - entry.bytes);
    bytes[signature.size - 1] ^= 1;
    if (all) {
        memset(bytes, 0xff, signature.size);
    }
}

static bool is_accepted_with(unsigned spoiled, bool all)
{
    struct chain_verdict verdict;
    struct chain_trust next;
    maker_finish(&draft, &entry);
    for (size_t i = 0; i < 3; i++) {
        if ((spoiled >> i & 1u) != 0) {
            spoil(i, all);
        }
    }
    assert_ok(chain_accept(&chain.trust, maker_bytes(&entry),
                           &chain.party.ports, &verdict, &next));
    assert_int_equal(verdict.rule, chain_verdict_is_accepted(&verdict) ? 0 : 6);
    return chain_verdict_is_accepted(&verdict);
}

SPEC("tuf-conformance: an invalid signature beside a threshold of valid ones "
     "does no harm, and does not count")
{
    static const struct rotation ROTATION = {
        2, {{"123", 2, ""}, {"123", 2, "123"}}
    };
    begin(&ROTATION);
    draft_version(&ROTATION, 1);
    for (unsigned spoiled = 0; spoiled < 8; spoiled++) {
        unsigned valid =
            3 - (spoiled & 1u) - (spoiled >> 1 & 1u) - (spoiled >> 2 & 1u);
        assert_int_equal(is_accepted_with(spoiled, false), valid >= 2);
        assert_int_equal(is_accepted_with(spoiled, true), valid >= 2);
    }
    maker_bundle_close(&own);
    end();
}

SPEC("tuf-conformance: a valid signature counts behind an invalid one of the "
     "same key, and once")
{
    static const struct rotation ROTATION = {
        2, {{"123", 2, ""}, {"123", 2, "112"}}
    };
    begin(&ROTATION);
    draft_version(&ROTATION, 1);
    assert_true(is_accepted_with(1, false));
    assert_true(is_accepted_with(2, false));
    assert_false(is_accepted_with(4, false));
    assert_false(is_accepted_with(3, false));
    maker_bundle_close(&own);
    end();
}

// ---- RFC 5011 --------------------------------------------------------------

SPEC("RFC 5011 10key: a set of ten keys that must all sign, and nine are not "
     "enough")
{
    static const struct rotation ALL_TEN = {
        2, {{"0123456789", 10, ""}, {"0123456789", 10, "0123456789"}}
    };
    static const struct rotation NINE = {
        2, {{"0123456789", 10, ""}, {"0123456789", 10, "012345678"}}
    };
    succeeds(&ALL_TEN);
    fails(&NINE);
}
