// SPDX-License-Identifier: Apache-2.0
// A relying party and its AP: answers, true and false, and sessions.
#include "verify/attest.h"

#include "base/secret.h"
#include "chain/record.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"
#include "verify/session.h"

// What the AP makes of a request; a test changes it before it is sealed.
struct talk {
    struct maker_log log;
    struct device device;
    struct verify_reference reference;

    struct wire_attest_req request;
    uint8_t request_bytes[1024];
    struct rotor_room request_room;
    struct crypto_key e_r;
    uint8_t e_r_bytes[CHAIN_POINT_MAX];
    struct rotor_room e_r_room;

    struct wire_attest_core core;
    uint8_t claims_bytes[512];
    struct rotor_room claims;
    struct crypto_key e_a;
    uint8_t e_a_bytes[CHAIN_POINT_MAX];
    struct rotor_room e_a_room;
    enum wire_purpose evidence_purpose; // 0: the request's
    uint8_t evidence_nonce_flip;
    bool without_evidence;
    const struct crypto_key *signer;       // NULL: S
    const struct rotor_bytes *sig_context; // NULL: the right one
    struct chain_session_keys keys;        // of the AP
    struct wire_digest th2;
    struct wire_attest_rsp response; // log_id only
    uint8_t mac_a_flip;
    struct rotor_bytes forced_mac_a; // empty: the right one
    bool without_mac_a;
    uint8_t mac_a_bytes[64];
    struct rotor_room mac_a;

    uint8_t response_bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room response_room;
    struct verify_answer answer;
};

static struct talk t;
static const uint8_t SID[WIRE_ID_SIZE] = {1, 2};
static const uint8_t BOOT[WIRE_ID_SIZE] = {3, 4};
static const uint8_t NONCE_V[WIRE_NONCE_SIZE] = {5, 6};
static const uint8_t NONCE_A[WIRE_NONCE_SIZE] = {7, 8};
static const uint8_t BINDING[32] = {9};

static void open_ephemeral(struct crypto_key *key, uint8_t number,
                           struct rotor_room *point)
{
    uint8_t seed[CRYPTO_SEED_MAX] = {number, 200};
    enum crypto_scheme scheme = crypto_suite_of(t.log.trust.suite)->agree;
    assert_ok(crypto_key_derive(key, scheme, seed));
    assert_ok(chain_point_encode(key, point));
}

static void begin(uint32_t suite, enum wire_purpose purpose)
{
    memset(&t, 0, sizeof t);
    maker_log_open(&t.log, suite);
    maker_log_rotate(&t.log, suite, 1);
    device_open(&t.device, &GENUINE);
    t.reference.measurements = &t.device.measurement;
    t.reference.measurement_count = 1;
    t.e_r_room = ROOM_OF(t.e_r_bytes);
    t.e_a_room = ROOM_OF(t.e_a_bytes);
    if (purpose == WIRE_PURPOSE_SESSION) {
        open_ephemeral(&t.e_r, 1, &t.e_r_room);
        open_ephemeral(&t.e_a, 2, &t.e_a_room);
    }
    t.request = (struct wire_attest_req){
        .log_id = t.log.trust.log_id,
        .sid = BYTES_OF(SID),
        .nonce = BYTES_OF(NONCE_V),
        .e_r = bytes_in(&t.e_r_room),
        .suites = {2, {suite, suite == 1 ? 2 : 1}},
        .purpose = purpose,
        .peer_binding = BYTES_OF(BINDING),
        .min_epoch = 1,
        .want_evidence = 1,
    };
    t.claims = ROOM_OF(t.claims_bytes);
    device_claims(&t.device, &t.claims);
    t.core = (struct wire_attest_core){
        .sid = BYTES_OF(SID),
        .log_id = t.log.trust.log_id,
        .epoch = t.log.trust.order.epoch,
        .body_hash = t.log.trust.body_hash,
        .suite = suite,
        .nonce = BYTES_OF(NONCE_A),
        .e_a = bytes_in(&t.e_a_room),
        .claims = bytes_in(&t.claims),
        .mark = {5, BYTES_OF(BOOT), 1},
    };
    t.response.log_id = t.log.trust.log_id;
}

static void end(void)
{
    crypto_key_close(&t.e_r);
    crypto_key_close(&t.e_a);
    device_close(&t.device);
    maker_log_close(&t.log);
}

static void make_request(void)
{
    t.request_room = ROOM_OF(t.request_bytes);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &t.request,
                                  &t.request_room));
}

// The AP's end of the schedule, from its own private keys.
static void make_keys(void)
{
    uint8_t shared[2][CRYPTO_SHARED_MAX];
    struct rotor_room ee = ROOM_OF(shared[0]);
    struct rotor_room es = ROOM_OF(shared[1]);
    assert_ok(chain_agree(&t.e_a, t.request.e_r, &ee));
    assert_ok(chain_agree(&t.log.head.agree.key, t.request.e_r, &es));
    const struct chain_session_input input = {
        .ee = bytes_in(&ee),
        .es = bytes_in(&es),
        .suite = t.log.trust.suite,
        .log_id = t.core.log_id,
        .head = {t.core.epoch, t.core.body_hash},
        .id_rtp = t.request.id,
        .sid = t.request.sid,
        .nonce_v = t.request.nonce,
        .nonce_a = t.core.nonce,
        .purpose = t.request.purpose,
        .peer_binding = t.request.peer_binding,
        .th2 = t.th2,
    };
    assert_ok(chain_session_derive(&input, &t.keys));
}

static void make_response(void)
{
    uint8_t core_bytes[2048];
    uint8_t evidence_bytes[4096];
    uint8_t sig_bytes[256];
    uint8_t ud[CHAIN_UD_SIZE];
    uint8_t nonce[WIRE_NONCE_SIZE];
    struct rotor_room core = ROOM_OF(core_bytes);
    struct rotor_room evidence = ROOM_OF(evidence_bytes);
    struct rotor_room sig_s = ROOM_OF(sig_bytes);
    struct wire_digest th1;
    struct wire_digest th1e;
    enum crypto_hash alg = crypto_suite_of(t.log.trust.suite)->hash;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &t.core, &core));
    assert_ok(chain_session_th1(alg, bytes_in(&t.request_room), bytes_in(&core),
                                &th1));
    memcpy(nonce, t.request.nonce.data, sizeof nonce);
    nonce[0] ^= t.evidence_nonce_flip;
    const struct chain_report report = {
        .purpose = t.evidence_purpose != 0
                       ? t.evidence_purpose
                       : (enum wire_purpose)t.request.purpose,
        .log_id = t.core.log_id,
        .head = {t.core.epoch, t.core.body_hash},
        .nonce = BYTES_OF(nonce),
        .bind = wire_digest_bytes(&th1),
    };
    assert_ok(chain_ud(&report, ud));
    if (!t.without_evidence) {
        device_attest(&t.device, ud, &evidence);
    }
    assert_ok(chain_session_th1e(&th1, bytes_in(&evidence), &th1e));
    const struct wire_statement statement = {
        t.sig_context != NULL ? *t.sig_context : LABEL(WIRE_CONTEXT_ATTEST),
        wire_digest_bytes(&th1e)};
    assert_ok(wire_cose_sign(t.signer != NULL ? t.signer : &t.log.head.sign.key,
                             &statement, &sig_s));
    assert_ok(
        chain_session_th2(&th1, bytes_in(&evidence), bytes_in(&sig_s), &t.th2));
    t.mac_a = ROOM_OF(t.mac_a_bytes);
    if (!bytes_are_empty(t.core.e_a) && !bytes_are_empty(t.request.e_r)) {
        make_keys();
        assert_ok(chain_session_mac_a(&t.keys, &t.th2, &t.mac_a));
        t.mac_a_bytes[0] ^= t.mac_a_flip;
    }
    t.response.core = bytes_in(&core);
    t.response.evidence = bytes_in(&evidence);
    t.response.sig_s = bytes_in(&sig_s);
    t.response.mac_a =
        bytes_are_empty(t.forced_mac_a) ? bytes_in(&t.mac_a) : t.forced_mac_a;
    if (t.without_mac_a) {
        t.response.mac_a = bytes_of(NULL, 0);
    }
    t.response_room = ROOM_OF(t.response_bytes);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &t.response,
                                  &t.response_room));
}

static void judge(void)
{
    const struct verify_question question = {&t.log.trust, &t.reference,
                                             bytes_in(&t.request_room),
                                             bytes_in(&t.response_room)};
    assert_ok(verify_attest(&question, &t.answer));
}

static void exchange(void)
{
    make_request();
    make_response();
    judge();
}

static void assert_accepted(void)
{
    if (!verify_answer_is_accepted(&t.answer)) {
        fail_msg("%s: %s", t.answer.reason, t.answer.record.reason);
    }
}

static void assert_refused(const char *reason)
{
    assert_false(verify_answer_is_accepted(&t.answer));
    assert_int_equal(t.answer.outcome, CHAIN_REJECTED);
    assert_string_equal(t.answer.reason, reason);
}

static const enum wire_purpose PURPOSES[] = {
    WIRE_PURPOSE_ATTEST, WIRE_PURPOSE_SESSION, WIRE_PURPOSE_HEAD};

SPEC("a true answer is accepted, for each suite and purpose")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        for (size_t i = 0; i < COUNT_OF(PURPOSES); i++) {
            begin(suite, PURPOSES[i]);
            exchange();
            assert_accepted();
            assert_true(t.answer.has_evidence);
            assert_int_equal(t.answer.core.mark.n, 5);
            assert_true(verify_record_is_accepted(&t.answer.record));
            end();
        }
    }
}

SPEC("an answer to another nonce, sid or byte of the request is refused")
{
    static const uint8_t OTHER[WIRE_NONCE_SIZE] = {0xff};
    begin(2, WIRE_PURPOSE_ATTEST);
    exchange();
    t.request.nonce = BYTES_OF(OTHER); // replay to a fresh challenge
    make_request();
    judge();
    assert_refused("signature of the RoT does not verify");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.core.sid = bytes_of(OTHER, sizeof SID);
    exchange();
    assert_refused("answer to another request");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    exchange();
    t.request.peer_binding = bytes_of(OTHER, 32); // relay
    make_request();
    judge();
    assert_refused("signature of the RoT does not verify");
    end();
}

SPEC("Evidence over another nonce or purpose is refused though S signs it")
{
    begin(2, WIRE_PURPOSE_SESSION);
    t.evidence_nonce_flip = 1;
    exchange();
    assert_refused("Evidence refused");
    assert_int_equal(t.answer.record.checks[VERIFY_CHECK_BINDING],
                     VERIFY_FAILED);
    end();
    for (unsigned purpose = 1; purpose <= 7; purpose++) {
        begin(2, WIRE_PURPOSE_SESSION);
        t.evidence_purpose = (enum wire_purpose)purpose;
        exchange();
        if (purpose == WIRE_PURPOSE_SESSION) {
            assert_accepted();
        } else {
            assert_refused("Evidence refused");
        }
        end();
    }
}

SPEC("only S of the head signs, in its context")
{
    static struct rotor_bytes wrong;
    struct maker_bundle other;
    begin(2, WIRE_PURPOSE_ATTEST);
    maker_bundle_open(&other, 2, 99);
    t.signer = &other.sign.key;
    exchange();
    assert_refused("signature of the RoT does not verify");
    t.signer = NULL;
    wrong = LABEL(WIRE_CONTEXT_HEAD);
    t.sig_context = &wrong;
    exchange();
    assert_refused("signature of the RoT does not verify");
    t.sig_context = NULL;
    exchange();
    assert_accepted();
    maker_bundle_close(&other);
    end();
}

SPEC("what S signed covers the Evidence: no other may be put there")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    exchange();
    struct rotor_room kept = ROOM_OF(t.response_bytes);
    struct wire_attest_rsp mixed;
    static uint8_t copy[WIRE_PAYLOAD_MAX];
    memcpy(copy, t.response_bytes, t.response_room.used);
    assert_ok(wire_message_decode(
        &WIRE_LAYOUT_ATTEST_RSP, bytes_of(copy, t.response_room.used), &mixed));
    mixed.evidence = bytes_of(NULL, 0);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &mixed, &kept));
    t.response_room = kept;
    judge();
    assert_refused("signature of the RoT does not verify");
    end();
}

SPEC("a head that is not held is not judged: catch up first")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    exchange();
    struct chain_trust now = t.log.trust;
    t.log.trust = t.log.before; // a party that is behind
    judge();
    assert_int_equal(t.answer.outcome, VERIFY_UNKNOWN_HEAD);
    assert_false(verify_answer_is_accepted(&t.answer));
    t.log.trust = now;
    judge();
    assert_accepted();
    t.log.trust.body_hash.bytes[0] ^= 1; // same epoch, another body
    judge();
    assert_int_equal(t.answer.outcome, VERIFY_UNKNOWN_HEAD);
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.request.want_evidence = 0;
    t.without_evidence = true;
    t.core.epoch = 99; // over the right body
    exchange();
    assert_int_equal(t.answer.outcome, VERIFY_UNKNOWN_HEAD);
    end();
}

SPEC("an answer of another log, an older epoch than asked or a suite not "
     "offered is refused")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    t.core.log_id.bytes[0] ^= 1;
    exchange();
    assert_refused("answer of another log");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.response.log_id.bytes[0] ^= 1;
    exchange();
    assert_refused("answer of another log");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.request.min_epoch = 2;
    exchange();
    assert_refused("answer to another request");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.request.suites = (struct wire_suites){
        2, {1, 3}
    };
    exchange();
    assert_refused("suite was not offered or is not the head's");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.core.suite = 1;
    exchange();
    assert_refused("suite was not offered or is not the head's");
    end();
}

SPEC("a head or a request that wants Evidence is nothing without")
{
    begin(2, WIRE_PURPOSE_HEAD);
    t.request.want_evidence = 0;
    t.without_evidence = true;
    exchange();
    assert_refused("Evidence is missing"); // freeze by a thief of S
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.without_evidence = true;
    exchange();
    assert_refused("Evidence is missing");
    end();
    begin(2, WIRE_PURPOSE_ATTEST);
    t.request.want_evidence = 0;
    t.without_evidence = true;
    exchange();
    assert_accepted();
    assert_false(t.answer.has_evidence);
    assert_false(verify_record_is_accepted(&t.answer.record));
    end();
}

SPEC("Evidence that came unasked is judged too")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    t.request.want_evidence = 0;
    t.evidence_nonce_flip = 1;
    exchange();
    assert_refused("Evidence refused");
    end();
}

SPEC("Evidence of another device or image is refused")
{
    struct device_traits traits = GENUINE;
    struct wire_digest pin;
    begin(2, WIRE_PURPOSE_ATTEST);
    pin = t.device.instance;
    t.reference.instances = &pin;
    t.reference.instance_count = 1;
    device_close(&t.device);
    traits.uds_byte = 77;
    struct wire_digest wanted = t.device.measurement;
    device_open(&t.device, &traits);
    t.reference.measurements = &wanted;
    exchange();
    assert_refused("Evidence refused");
    assert_int_equal(t.answer.record.checks[VERIFY_CHECK_INSTANCE],
                     VERIFY_FAILED);
    end();
}

SPEC("keys where none belong, or none where they do, are refused")
{
    static const char WORDS[] = "keys where none belong, or none where they do";
    begin(2, WIRE_PURPOSE_SESSION);
    t.request.purpose = WIRE_PURPOSE_ATTEST; // with both ephemerals
    exchange();
    assert_refused(WORDS);
    end();
    begin(2, WIRE_PURPOSE_SESSION);
    t.core.e_a = bytes_of(NULL, 0);
    exchange();
    assert_refused(WORDS);
    end();
}

SPEC("each of e_r, e_a and mac_a alone is one too many")
{
    static const char WORDS[] = "keys where none belong, or none where they do";
    static const uint8_t MAC[32] = {1};
    for (unsigned which = 0; which < 4; which++) {
        begin(2, WIRE_PURPOSE_SESSION); // for its ephemerals
        struct rotor_bytes none = bytes_of(NULL, 0);
        t.request.purpose = WIRE_PURPOSE_ATTEST;
        t.request.e_r = which == 1 ? t.request.e_r : none;
        t.core.e_a = which == 2 ? t.core.e_a : none;
        t.forced_mac_a = which == 3 ? BYTES_OF(MAC) : none;
        exchange();
        if (which == 0) {
            assert_accepted();
        } else {
            assert_refused(WORDS);
        }
        end();
    }
}

SPEC("a session without any one of e_r, e_a and mac_a is none")
{
    static const char WORDS[] = "keys where none belong, or none where they do";
    static const uint8_t MAC[32] = {1};
    for (unsigned which = 0; which < 3; which++) {
        begin(2, WIRE_PURPOSE_SESSION);
        struct rotor_bytes none = bytes_of(NULL, 0);
        t.request.e_r = which == 0 ? none : t.request.e_r;
        t.core.e_a = which == 1 ? none : t.core.e_a;
        t.forced_mac_a = BYTES_OF(MAC);
        t.without_mac_a = which == 2;
        exchange();
        assert_refused(WORDS);
        end();
    }
}

SPEC("junk is no answer, and no request is no question")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    exchange();
    t.response_room.used--;
    judge();
    assert_refused("answer does not parse");
    t.response_room.used++;
    struct verify_question question = {&t.log.trust, &t.reference,
                                       bytes_in(&t.request_room),
                                       bytes_in(&t.response_room)};
    question.request.size--;
    assert_int_equal(verify_attest(&question, &t.answer), ROTOR_INVALID);
    assert_int_equal(t.answer.outcome, CHAIN_REJECTED);
    static const struct chain_trust NOBODY;
    question.request.size++;
    question.trust = &NOBODY;
    assert_int_equal(verify_attest(&question, &t.answer), ROTOR_INVALID);
    end();
}

SPEC("no flipped byte of an answer is accepted")
{
    begin(1, WIRE_PURPOSE_ATTEST);
    exchange();
    for (size_t i = 0; i < t.response_room.used; i++) {
        t.response_bytes[i] ^= 0x10;
        judge();
        assert_false(verify_answer_is_accepted(&t.answer));
        t.response_bytes[i] ^= 0x10;
    }
    end();
}

// ---- sessions --------------------------------------------------------------

SPEC("both ends confirm one set of keys and talk under them")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct verify_session session;
        struct wire_session_fin fin;
        uint8_t fin_bytes[256];
        uint8_t mac[CRYPTO_HASH_MAX];
        struct rotor_room fin_room = ROOM_OF(fin_bytes);
        struct rotor_room mac_r = ROOM_OF(mac);
        bool confirmed = false;
        begin(suite, WIRE_PURPOSE_SESSION);
        exchange();
        assert_accepted();
        assert_ok(verify_session_confirm(&t.answer, &t.e_r, &session, &fin_room,
                                         &confirmed));
        assert_true(confirmed);
        assert_memory_equal(&session.keys.r2a, &t.keys.r2a, sizeof t.keys.r2a);
        assert_memory_equal(session.keys.exporter, t.keys.exporter,
                            sizeof t.keys.exporter);
        assert_int_equal(session.head.epoch, 1);
        // The AP checks mac_r.
        assert_ok(wire_message_decode(&WIRE_LAYOUT_SESSION_FIN,
                                      bytes_in(&fin_room), &fin));
        assert_ok(
            chain_session_mac_r(&t.keys, &t.th2, bytes_in(&t.mac_a), &mac_r));
        assert_true(bytes_equal(fin.mac_r, bytes_in(&mac_r)));
        assert_true(bytes_equal(fin.sid, BYTES_OF(SID)));
        // One record each way.
        struct chain_records ours;
        struct chain_records theirs;
        uint8_t record[64];
        uint8_t plain[64];
        struct rotor_room record_room = ROOM_OF(record);
        struct rotor_room plain_room = ROOM_OF(plain);
        enum chain_record_type type;
        assert_ok(
            chain_records_open(&ours, suite, &session.keys.r2a, session.sid));
        assert_ok(chain_records_open(&theirs, suite, &t.keys.r2a, SID));
        assert_ok(chain_record_seal(&ours, CHAIN_RECORD_DATA, LABEL("hello"),
                                    &record_room));
        assert_ok(chain_record_unseal(&theirs, bytes_in(&record_room), &type,
                                      &plain_room));
        assert_true(bytes_equal(bytes_in(&plain_room), LABEL("hello")));
        chain_records_close(&ours);
        chain_records_close(&theirs);
        verify_session_wipe(&session);
        end();
    }
}

SPEC("without mac_a there is no session, no fin and no key")
{
    struct verify_session session;
    struct verify_session untouched;
    uint8_t fin_bytes[256];
    struct rotor_room fin = ROOM_OF(fin_bytes);
    bool confirmed = true;
    begin(2, WIRE_PURPOSE_SESSION);
    t.mac_a_flip = 1;
    exchange();
    assert_accepted(); // mac_a is judged with the keys
    memset(&session, 0xaa, sizeof session);
    untouched = session;
    assert_ok(
        verify_session_confirm(&t.answer, &t.e_r, &session, &fin, &confirmed));
    assert_false(confirmed);
    assert_int_equal(fin.used, 0);
    assert_memory_equal(&session, &untouched, sizeof session);
    end();
}

SPEC("a thief of S without K confirms nothing")
{
    struct verify_session session;
    uint8_t fin_bytes[256];
    struct rotor_room fin = ROOM_OF(fin_bytes);
    struct maker_key stolen = {0};
    bool confirmed = true;
    begin(2, WIRE_PURPOSE_SESSION);
    maker_key_open(&stolen, CRYPTO_P256, 4711);
    struct crypto_key k = t.log.head.agree.key;
    t.log.head.agree.key = stolen.key; // the thief's own K
    exchange();
    assert_accepted();
    assert_ok(
        verify_session_confirm(&t.answer, &t.e_r, &session, &fin, &confirmed));
    assert_false(confirmed);
    t.log.head.agree.key = k;
    crypto_key_close(&stolen.key);
    end();
}

SPEC("a shorter or longer mac_a is none, and one of another hash neither")
{
    struct verify_session session;
    uint8_t fin_bytes[256];
    struct rotor_room fin = ROOM_OF(fin_bytes);
    bool confirmed = true;
    begin(3, WIRE_PURPOSE_SESSION);
    exchange();
    assert_accepted();
    t.answer.response.mac_a.size = 32;
    assert_ok(
        verify_session_confirm(&t.answer, &t.e_r, &session, &fin, &confirmed));
    assert_false(confirmed);
    end();
}

SPEC("no session grows from a refused answer or one of another purpose")
{
    struct verify_session session;
    uint8_t fin_bytes[256];
    struct rotor_room fin = ROOM_OF(fin_bytes);
    bool confirmed = true;
    begin(2, WIRE_PURPOSE_SESSION);
    t.evidence_nonce_flip = 1;
    exchange();
    assert_int_equal(
        verify_session_confirm(&t.answer, &t.e_r, &session, &fin, &confirmed),
        ROTOR_FORBIDDEN);
    assert_false(confirmed);
    end();
    begin(2, WIRE_PURPOSE_HEAD);
    exchange();
    assert_accepted();
    assert_int_equal(
        verify_session_confirm(&t.answer, &t.e_r, &session, &fin, &confirmed),
        ROTOR_FORBIDDEN);
    end();
}

// ---- which answers still count ---------------------------------------------

SPEC("grace is for the one predecessor, routine reasons and a day")
{
    begin(2, WIRE_PURPOSE_ATTEST);
    struct chain_trust newer = t.log.trust;
    const struct chain_trust *older = &t.log.before;
    assert_true(verify_has_grace(&newer, older, 0));
    assert_true(verify_has_grace(&newer, older, 86399));
    assert_false(verify_has_grace(&newer, older, 86400));
    for (uint32_t reason = 1; reason <= 8; reason++) {
        newer.reason = reason;
        bool is_routine = reason != 3 && reason != 4 && reason != 8;
        assert_int_equal(verify_has_grace(&newer, older, 0), is_routine);
    }
    newer = t.log.trust;
    assert_false(verify_has_grace(older, &newer, 0));
    assert_false(verify_has_grace(&newer, &newer, 0));
    newer.order.epoch++;
    assert_false(verify_has_grace(&newer, older, 0));
    newer = t.log.trust;
    newer.order.incarnation++;
    assert_false(verify_has_grace(&newer, older, 0));
    newer = t.log.trust;
    newer.log_id.bytes[0] ^= 1;
    assert_false(verify_has_grace(&newer, older, 0));
    end();
}

SPEC("distrust_from voids epochs from there up to the one that says so")
{
    struct chain_trust trust = {
        .order = {0, 9},
          .has_distrust_from = true, .distrust_from = 6
    };
    for (uint64_t epoch = 0; epoch < 12; epoch++) {
        assert_int_equal(verify_is_distrusted(&trust, epoch),
                         6 <= epoch && epoch < 9);
    }
    trust.has_distrust_from = false;
    assert_false(verify_is_distrusted(&trust, 7));
}
