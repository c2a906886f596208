// SPDX-License-Identifier: Apache-2.0
// Evidence: each check refuses what all others take.
#include "verify/evidence.h"

#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"
#include "wire/cbor.h"

struct attempt {
    struct device device;
    struct verify_reference reference;
    uint8_t ud[CHAIN_UD_SIZE];
    uint8_t memory[WIRE_EVIDENCE_MAX];
    struct rotor_room evidence;
    struct verify_record record;
};

static struct attempt e;

static void begin_with(const struct device_traits *traits)
{
    memset(&e, 0, sizeof e);
    device_open(&e.device, traits);
    memset(e.ud, 0x5e, sizeof e.ud);
    e.reference.measurements = &e.device.measurement;
    e.reference.measurement_count = 1;
    e.reference.security_version_min = 3;
    e.evidence = ROOM_OF(e.memory);
    device_attest(&e.device, e.ud, &e.evidence);
}

static void begin(void)
{
    begin_with(&GENUINE);
}

static void end(void)
{
    device_close(&e.device);
}

static void judge(void)
{
    assert_ok(
        verify_evidence(bytes_in(&e.evidence), e.ud, &e.reference, &e.record));
}

static void assert_accepted(void)
{
    if (!verify_record_is_accepted(&e.record)) {
        fail_msg("%s", e.record.reason);
    }
}

static void assert_failed(enum verify_check check)
{
    assert_false(verify_record_is_accepted(&e.record));
    assert_int_equal(e.record.outcome, CHAIN_REJECTED);
    for (unsigned i = 0; i < VERIFY_CHECK_COUNT; i++) {
        enum verify_finding finding = e.record.checks[i];
        if (i < (unsigned)check) {
            assert_true(finding == VERIFY_PASSED ||
                        finding == VERIFY_NOT_ASKED);
        }
        if (i == (unsigned)check && finding != VERIFY_FAILED) {
            fail_msg("%s: %s (%s)", verify_check_name((enum verify_check)i),
                     verify_finding_name(finding), e.record.reason);
        }
        if (i > (unsigned)check) {
            assert_int_equal(finding, VERIFY_NOT_REACHED);
        }
    }
}

SPEC("true Evidence is accepted and says what was found")
{
    begin();
    judge();
    assert_accepted();
    assert_int_equal(e.record.backend, CHAIN_BACKEND_PROCESS);
    assert_int_equal(e.record.level, 0);
    assert_true(wire_digest_equal(&e.record.instance, &e.device.instance));
    assert_false(e.record.instance_is_pinned);
    assert_int_equal(e.record.checks[VERIFY_CHECK_INSTANCE], VERIFY_NOT_ASKED);
    assert_true(
        wire_digest_equal(&e.record.measurement, &e.device.measurement));
    assert_memory_equal(e.record.authority, e.device.inputs.authority_hash,
                        sizeof e.record.authority);
    assert_int_equal(e.record.mode, BOOT_MODE_NORMAL);
    assert_int_equal(e.record.security_version, 3);
    assert_int_equal(e.record.version, 0x01020000);
    assert_true(e.record.is_bound);
    assert_int_equal(e.record.claims.limits.max_per_day, 24);
    end();
}

SPEC("format: other backends and junk are refused")
{
    begin();
    e.memory[1] = 0x04; // SEV-SNP: software Evidence never parses as that
    judge();
    assert_failed(VERIFY_CHECK_FORMAT);
    assert_int_equal(e.record.backend, 4);
    e.memory[1] = 0x00;
    judge();
    assert_failed(VERIFY_CHECK_FORMAT);
    e.memory[1] = 0x01;
    e.evidence.used--;
    judge();
    assert_failed(VERIFY_CHECK_FORMAT);
    e.evidence.used = 0;
    judge();
    assert_failed(VERIFY_CHECK_FORMAT);
    end();
}

static void attest_as(const struct chain_attester *attester)
{
    uint8_t memory[512];
    struct rotor_room claims = ROOM_OF(memory);
    device_claims(&e.device, &claims);
    assert_ok(chain_attest(attester, e.ud, bytes_in(&claims), &e.evidence));
}

SPEC("certificate: the device named vouches for the key, and no other")
{
    struct device foreign;
    struct device_traits traits = GENUINE;
    begin();
    traits.uds_byte = 10;
    device_open(&foreign, &traits);
    // Another device's name over this device's certificate.
    struct chain_attester mixed = {&e.device.attest,
                                   bytes_in(&foreign.uds_room),
                                   bytes_in(&e.device.certificate)};
    attest_as(&mixed);
    judge();
    assert_failed(VERIFY_CHECK_CERTIFICATE);
    // A key that cannot sign in the place of the device's.
    static const uint8_t X25519[] = {
        0xa3, 0x01, 0x01, 0x20, 0x04, 0x21, 0x58, 0x20, 1,  2,  3,  4,  5,  6,
        7,    8,    9,    10,   11,   12,   13,   14,   15, 16, 17, 18, 19, 20,
        21,   22,   23,   24,   25,   26,   27,   28,   29, 30, 31, 32};
    mixed.uds_key = BYTES_OF(X25519);
    attest_as(&mixed);
    judge();
    assert_failed(VERIFY_CHECK_CERTIFICATE);
    mixed.uds_key = bytes_in(&e.device.uds_room);
    mixed.certificate.size--;
    attest_as(&mixed);
    judge();
    assert_failed(VERIFY_CHECK_CERTIFICATE);
    device_close(&foreign);
    end();
}

SPEC("signature: only the certified key signs the token")
{
    begin();
    const struct chain_attester by_uds = {&e.device.uds,
                                          bytes_in(&e.device.uds_room),
                                          bytes_in(&e.device.certificate)};
    attest_as(&by_uds);
    judge();
    assert_failed(VERIFY_CHECK_SIGNATURE);
    end();
}

SPEC("signature: no byte of Evidence may change")
{
    begin();
    for (size_t i = 0; i < e.evidence.used; i++) {
        e.memory[i] ^= 0x01;
        judge();
        assert_false(verify_record_is_accepted(&e.record));
        e.memory[i] ^= 0x01;
    }
    judge();
    assert_accepted();
    end();
}

SPEC("binding: another UD is another question")
{
    begin();
    for (size_t i = 0; i < sizeof e.ud; i++) {
        e.ud[i] ^= 0x80;
        judge();
        assert_failed(VERIFY_CHECK_BINDING);
        assert_false(e.record.is_bound);
        e.ud[i] ^= 0x80;
    }
    end();
}

SPEC("component: what was certified is an enclave, not an RTP")
{
    struct device_traits traits = GENUINE;
    traits.component = BOOT_RTP;
    begin_with(&traits);
    judge();
    assert_failed(VERIFY_CHECK_COMPONENT);
    end();
}

SPEC("claims: they may not contradict what the root says")
{
    begin();
    e.device.claims.level = 3; // SEV-SNP, says the process
    device_attest(&e.device, e.ud, &e.evidence);
    judge();
    assert_failed(VERIFY_CHECK_CLAIMS);
    e.device.claims.level = 0;
    e.device.claims.measurement.bytes[0] ^= 1;
    device_attest(&e.device, e.ud, &e.evidence);
    judge();
    assert_failed(VERIFY_CHECK_CLAIMS);
    end();
}

SPEC("claims: a measurement in SHA-384 is the same measurement")
{
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room descriptor = ROOM_OF(memory);
    const struct boot_descriptor described = {BOOT_ENCLAVE, 0x01020000, 3, {4}};
    begin();
    assert_ok(boot_descriptor_encode(&described, &descriptor));
    assert_ok(boot_measure(CRYPTO_SHA384, e.device.inputs.code_hash,
                           bytes_in(&descriptor),
                           &e.device.claims.measurement));
    device_attest(&e.device, e.ud, &e.evidence);
    judge();
    assert_accepted();
    e.reference.measurements = &e.device.claims.measurement;
    judge();
    assert_accepted();
    end();
}

SPEC("instance: a pinned device is the device, another one is not")
{
    struct device foreign;
    struct device_traits traits = GENUINE;
    struct wire_digest pins[2];
    begin();
    traits.uds_byte = 10;
    device_open(&foreign, &traits);
    pins[0] = foreign.instance;
    pins[1] = e.device.instance;
    e.reference.instances = pins;
    e.reference.instance_count = 1;
    judge();
    assert_failed(VERIFY_CHECK_INSTANCE); // diversion
    e.reference.instance_count = 2;
    judge();
    assert_accepted();
    assert_true(e.record.instance_is_pinned);
    device_close(&foreign);
    end();
}

SPEC("measurement: another image, or no reference at all, is refused")
{
    struct device_traits traits = GENUINE;
    struct wire_digest wanted;
    begin();
    wanted = e.device.measurement;
    end();
    traits.code_byte = 0x22;
    begin_with(&traits);
    e.reference.measurements = &wanted;
    judge();
    assert_failed(VERIFY_CHECK_MEASUREMENT);
    e.reference.measurement_count = 0;
    judge();
    assert_failed(VERIFY_CHECK_MEASUREMENT);
    e.reference.any_measurement = true;
    judge();
    assert_accepted();
    end();
}

SPEC("authority: the image's signers are the wanted ones, where it is asked")
{
    uint8_t authorities[2][VERIFY_AUTHORITY_SIZE];
    memset(authorities[0], 0x44, sizeof authorities[0]);
    memset(authorities[1], 0x43, sizeof authorities[1]);
    begin();
    e.reference.authorities =
        (const uint8_t(*)[VERIFY_AUTHORITY_SIZE])authorities;
    e.reference.authority_count = 1;
    judge();
    assert_failed(VERIFY_CHECK_AUTHORITY);
    e.reference.authority_count = 2;
    judge();
    assert_accepted();
    end();
}

SPEC("security version: below the floor is refused")
{
    begin();
    e.reference.security_version_min = 4;
    judge();
    assert_failed(VERIFY_CHECK_SECURITY_VERSION);
    end();
}

SPEC("debug: only the normal mode, unless debug is allowed")
{
    static const enum boot_mode MODES[] = {BOOT_MODE_DEBUG, BOOT_MODE_RECOVERY,
                                           BOOT_MODE_NOT_CONFIGURED};
    for (size_t i = 0; i < COUNT_OF(MODES); i++) {
        struct device_traits traits = GENUINE;
        traits.mode = MODES[i];
        begin_with(&traits);
        judge();
        assert_failed(VERIFY_CHECK_DEBUG);
        e.reference.debug_allowed = true;
        judge();
        if (MODES[i] == BOOT_MODE_DEBUG) {
            assert_accepted();
        } else {
            assert_failed(VERIFY_CHECK_DEBUG);
        }
        end();
    }
}

// ---- rule 11 ---------------------------------------------------------------

static struct maker_log the_log;
static struct maker_bundle own;
static struct maker_draft draft;
static struct maker_entry entry;
static struct verify_entry_context context;

static void begin_entry(void)
{
    begin();
    maker_log_open(&the_log, 2);
    maker_bundle_open(&own, 2, 9);
    maker_draft_next(&draft, &the_log.trust, &the_log.head, &own);
    draft.body.measurement = e.device.measurement;
    context = (struct verify_entry_context){.reference = &e.reference};
    the_log.party.ports.check_evidence = verify_entry_evidence;
}

static void end_entry(void)
{
    maker_bundle_close(&own);
    maker_log_close(&the_log);
    end();
}

static void attest_entry(enum wire_purpose purpose)
{
    struct chain_entry decoded;
    struct chain_report report;
    maker_finish(&draft, &entry);
    assert_ok(chain_entry_decode(maker_bytes(&entry), &decoded));
    assert_ok(chain_report_of(&decoded.body, &report));
    report.purpose = purpose;
    assert_ok(chain_ud(&report, e.ud));
    device_attest(&e.device, e.ud, &e.evidence);
    draft.evidence = bytes_in(&e.evidence);
}

// Both ports in one context: the set stands first.
struct both {
    struct verify_entry_context evidence;
    struct chain_seen *seen;
};

static enum rotor_status seen_port(void *port_context,
                                   const struct chain_fingerprint *fingerprint,
                                   bool *seen)
{
    struct both *both = port_context;
    return chain_seen_port(both->seen, fingerprint, seen);
}

static enum rotor_status
evidence_port(void *port_context,
              const struct chain_evidence_question *question, bool *ok,
              const char **why)
{
    struct both *both = port_context;
    return verify_entry_evidence(&both->evidence, question, ok, why);
}

static void judge_entry(struct chain_verdict *verdict)
{
    struct chain_trust next;
    struct both both = {context, &the_log.party.seen};
    const struct chain_ports ports = {.context = &both,
                                      .has_seen = seen_port,
                                      .check_evidence = evidence_port};
    maker_finish(&draft, &entry);
    assert_ok(chain_accept(&the_log.trust, maker_bytes(&entry), &ports, verdict,
                           &next));
    context = both.evidence;
}

SPEC("rule 11: an entry with true Evidence is accepted")
{
    struct chain_verdict verdict;
    begin_entry();
    attest_entry(WIRE_PURPOSE_ROTATE);
    judge_entry(&verdict);
    assert_true(chain_verdict_is_accepted(&verdict));
    assert_true(verify_record_is_accepted(&context.record));
    end_entry();
}

SPEC("rule 11: Evidence of another purpose or an old body is refused")
{
    struct chain_verdict verdict;
    begin_entry();
    attest_entry(WIRE_PURPOSE_RECOVER);
    judge_entry(&verdict);
    assert_int_equal(verdict.outcome, CHAIN_REJECTED);
    assert_int_equal(verdict.rule, 11);
    assert_int_equal(context.record.checks[VERIFY_CHECK_BINDING],
                     VERIFY_FAILED);
    attest_entry(WIRE_PURPOSE_ROTATE);
    draft.body.tick_s++; // another body than the one attested
    judge_entry(&verdict);
    assert_int_equal(verdict.rule, 11);
    end_entry();
}

SPEC("rule 11: key 16 must be a reference value too, and may differ")
{
    struct chain_verdict verdict;
    struct wire_digest wanted[2];
    begin_entry();
    wanted[0] = e.device.measurement;
    wanted[1] = e.device.measurement;
    wanted[1].bytes[5] ^= 1;
    draft.body.measurement = wanted[1];
    e.reference.measurements = wanted;
    attest_entry(WIRE_PURPOSE_ROTATE);
    judge_entry(&verdict);
    assert_int_equal(verdict.rule, 11);
    e.reference.measurement_count = 2;
    judge_entry(&verdict);
    assert_true(chain_verdict_is_accepted(&verdict));
    end_entry();
}

SPEC("rule 11: Evidence is mandatory unless the party says otherwise")
{
    struct chain_verdict verdict;
    begin_entry();
    judge_entry(&verdict);
    assert_int_equal(verdict.rule, 11);
    context.evidence_is_optional = true;
    judge_entry(&verdict);
    assert_true(chain_verdict_is_accepted(&verdict));
    // What is there must be good all the same.
    attest_entry(WIRE_PURPOSE_GENESIS);
    judge_entry(&verdict);
    assert_int_equal(verdict.rule, 11);
    end_entry();
}

// ---- bytes -----------------------------------------------------------------

SPEC("a token carries what was claimed, and claims of private use only")
{
    struct chain_eat eat;
    uint8_t memory[2048];
    uint8_t claims_memory[512];
    struct rotor_room room = ROOM_OF(memory);
    struct rotor_room claims = ROOM_OF(claims_memory);
    struct wire_key key;
    bool valid = false;
    begin();
    device_claims(&e.device, &claims);
    assert_ok(chain_eat_sign(&e.device.attest, e.ud, bytes_in(&claims), &room));
    assert_ok(wire_key_of(&e.device.attest, &key));
    assert_ok(chain_eat_verify(&key, bytes_in(&room), &eat, &valid));
    assert_true(valid);
    assert_memory_equal(eat.ud, e.ud, sizeof e.ud);
    assert_int_equal(eat.claims.limits.min_interval_s, 60);
    assert_ok(
        chain_eat_verify(&e.device.uds_key, bytes_in(&room), &eat, &valid));
    assert_false(valid);
    static const uint8_t NONCE_AGAIN[] = {0xa1, 0x0a, 0x41, 0x00};
    assert_int_equal(
        chain_eat_sign(&e.device.attest, e.ud, BYTES_OF(NONCE_AGAIN), &room),
        ROTOR_MALFORMED);
    assert_int_equal(room.used, 0);
    end();
}

static void sign_payload(struct rotor_bytes payload, struct rotor_room *eat)
{
    static const uint8_t PROTECTED[] = {0xa1, 0x01, 0x26}; // ES256
    const struct wire_statement statement = {LABEL(CHAIN_EAT_CONTEXT), payload};
    uint8_t memory[256];
    struct rotor_room detached = ROOM_OF(memory);
    struct cbor_writer out;
    assert_ok(wire_cose_sign(&e.device.attest, &statement, &detached));
    cbor_writer_init(&out, eat);
    cbor_write_array(&out, 4);
    cbor_write_bytes(&out, BYTES_OF(PROTECTED));
    cbor_write_map(&out, 0);
    cbor_write_bytes(&out, payload);
    cbor_write_bytes(&out, bytes_of(detached.data + detached.used - 64, 64));
    assert_ok(cbor_writer_finish(&out));
}

SPEC("a token of another profile is no token of ours")
{
    uint8_t memory[3][2048];
    struct rotor_room claims = ROOM_OF(memory[0]);
    struct rotor_room payload = ROOM_OF(memory[1]);
    struct rotor_room eat = ROOM_OF(memory[2]);
    struct chain_eat decoded;
    struct wire_key key;
    bool valid = false;
    begin();
    assert_ok(wire_key_of(&e.device.attest, &key));
    device_claims(&e.device, &claims);
    for (unsigned is_other = 0; is_other <= 1; is_other++) {
        struct cbor_writer out;
        cbor_writer_init(&out, &payload);
        cbor_write_map(&out, 2u + (memory[0][0] & 0x1fu));
        cbor_write_uint(&out, 10);
        cbor_write_bytes(&out, BYTES_OF(e.ud));
        cbor_write_uint(&out, 265);
        cbor_write_text(&out, is_other ? LABEL("tag:rotor,2026:process/2")
                                       : LABEL("tag:rotor,2026:process/1"));
        cbor_write_raw(&out, bytes_of(claims.data + 1, claims.used - 1));
        assert_ok(cbor_writer_finish(&out));
        sign_payload(bytes_in(&payload), &eat);
        assert_int_equal(
            chain_eat_verify(&key, bytes_in(&eat), &decoded, &valid),
            is_other ? ROTOR_MALFORMED : ROTOR_OK);
        assert_int_equal(valid, !is_other);
    }
    end();
}

SPEC("a token without payload is no token")
{
    static const uint8_t DETACHED[] = {0x84, 0x43, 0xa1, 0x01, 0x26,
                                       0xa0, 0xf6, 0x41, 0x00};
    struct chain_eat decoded;
    bool valid = true;
    begin();
    assert_int_equal(chain_eat_verify(&e.device.uds_key, BYTES_OF(DETACHED),
                                      &decoded, &valid),
                     ROTOR_MALFORMED);
    assert_false(valid);
    end();
}

SPEC("Evidence in its parts is Evidence as a whole")
{
    struct chain_evidence envelope;
    struct chain_process_report report;
    uint8_t memory[2][WIRE_EVIDENCE_MAX];
    struct rotor_room inner = ROOM_OF(memory[0]);
    struct rotor_room outer = ROOM_OF(memory[1]);
    begin();
    assert_ok(chain_evidence_decode(bytes_in(&e.evidence), &envelope));
    assert_ok(chain_process_report_decode(envelope.report, &report));
    assert_true(bytes_equal(report.uds_key, bytes_in(&e.device.uds_room)));
    assert_true(
        bytes_equal(report.certificate, bytes_in(&e.device.certificate)));
    assert_ok(chain_process_report_encode(&report, &inner));
    envelope.report = bytes_in(&inner);
    assert_ok(chain_evidence_encode(&envelope, &outer));
    assert_true(bytes_equal(bytes_in(&outer), bytes_in(&e.evidence)));
    memory[1][1] = 0; // no such backend
    assert_int_equal(chain_evidence_decode(bytes_in(&outer), &envelope),
                     ROTOR_MALFORMED);
    memory[1][1] = 9; // reserved for another root
    assert_ok(chain_evidence_decode(bytes_in(&outer), &envelope));
    end();
}

SPEC("checks and findings have names")
{
    for (unsigned i = 0; i < VERIFY_CHECK_COUNT; i++) {
        assert_non_null(verify_check_name((enum verify_check)i));
    }
    assert_string_equal(verify_check_name(VERIFY_CHECK_DEBUG), "debug");
    assert_string_equal(verify_check_name(VERIFY_CHECK_COUNT), "unknown");
    assert_string_equal(verify_finding_name(VERIFY_PASSED), "passed");
    assert_string_equal(verify_finding_name((enum verify_finding)9), "unknown");
}

// ---- the common verdict ----------------------------------------------------

SPEC("Evidence of rotor's own has the verdict that all evidence has")
{
    struct verify_verdict verdict;
    begin();
    judge();
    verify_record_verdict(&e.record, &verdict);
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.backend, VERIFY_BACKEND_PROCESS);
    assert_int_equal(verdict.level, VERIFY_LEVEL_PROCESS);
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(verdict.fresh, VERIFY_YES);
    assert_int_equal(verdict.security_version, 3);
    assert_int_equal(verdict.row_count, VERIFY_CHECK_COUNT);
    assert_memory_equal(verdict.measurement.bytes, e.device.measurement.bytes,
                        32);
    assert_memory_equal(verdict.instance.bytes, e.device.instance.bytes, 32);
    assert_int_equal(verdict.signer.size, 64);
    end();
}

SPEC("a record that was refused is a verdict that refuses for the same reason")
{
    struct verify_verdict verdict;
    begin();
    e.ud[0] ^= 1;
    judge();
    assert_failed(VERIFY_CHECK_BINDING);
    verify_record_verdict(&e.record, &verdict);
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_string_equal(verdict.reason, e.record.reason);
    assert_int_equal(verdict.bound, VERIFY_NO);
    assert_int_equal(verdict.row_count, VERIFY_CHECK_BINDING + 1u);
    end();

    // A record that says accepted in rows alone is none.
    begin();
    judge();
    e.record.outcome = CHAIN_REJECTED;
    verify_record_verdict(&e.record, &verdict);
    assert_false(verify_verdict_is_accepted(&verdict));
    memset(&e.record, 0, sizeof e.record);
    e.record.reason = "not judged";
    verify_record_verdict(&e.record, &verdict);
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.level, VERIFY_LEVEL_NONE);
    end();
}
