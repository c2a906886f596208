// SPDX-License-Identifier: Apache-2.0
// Evidence of the process backend.  doc/PROTOCOL.chain 8.
#include "verify/evidence.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "boot/certificate.h"
#include "chain/eat.h"

#define LEVEL_PROCESS 0u

// What is found on the way.
struct evidence {
    struct rotor_bytes bytes;
    const uint8_t *ud; // that it must carry
    struct verify_record *record;
    const struct verify_reference *reference;
    struct chain_evidence envelope;
    struct chain_process_report report;
    struct wire_key uds_key;
    struct boot_vouched vouched;
    struct chain_eat eat;
    struct wire_digest measurements[2]; // in both hashes
};

static enum verify_finding found(bool passed)
{
    return passed ? VERIFY_PASSED : VERIFY_FAILED;
}

static enum rotor_status check_format(struct evidence *e,
                                      enum verify_finding *finding)
{
    if (chain_evidence_decode(e->bytes, &e->envelope) != ROTOR_OK) {
        return ROTOR_OK;
    }
    e->record->backend = e->envelope.backend;
    bool is_readable =
        e->envelope.backend == CHAIN_BACKEND_PROCESS &&
        chain_process_report_decode(e->envelope.report, &e->report) ==
            ROTOR_OK &&
        wire_key_decode(&e->uds_key, e->report.uds_key) == ROTOR_OK;
    *finding = found(is_readable);
    return ROTOR_OK;
}

static enum rotor_status measure(struct evidence *e)
{
    const struct boot_claims *claims = &e->vouched.claims;
    TRY(boot_measure(CRYPTO_SHA256, claims->code_hash, claims->configuration,
                     &e->measurements[0]));
    return boot_measure(CRYPTO_SHA384, claims->code_hash, claims->configuration,
                        &e->measurements[1]);
}

static enum rotor_status check_certificate(struct evidence *e,
                                           enum verify_finding *finding)
{
    const struct boot_certificate_check check = {
        e->report.certificate, e->uds_key, BOOT_USAGE_EVIDENCE};
    uint32_t verdict = BOOT_REJECTED;
    enum rotor_status status =
        boot_certificate_verify(&check, &verdict, &e->vouched);
    if (status == ROTOR_MALFORMED) {
        return ROTOR_OK;
    }
    TRY(status);
    if (!boot_verdict_is_accepted(&verdict)) {
        return ROTOR_OK;
    }
    TRY(measure(e));
    struct wire_digest instance = {.alg = CRYPTO_SHA256};
    TRY(crypto_hash(CRYPTO_SHA256, &e->report.uds_key, 1, instance.bytes));
    e->record->level = LEVEL_PROCESS;
    e->record->instance = instance;
    e->record->measurement = e->measurements[0];
    memcpy(e->record->authority, e->vouched.claims.authority_hash,
           sizeof e->record->authority);
    e->record->mode = e->vouched.claims.mode;
    e->record->version = e->vouched.descriptor.version;
    e->record->security_version = e->vouched.descriptor.security_version;
    *finding = VERIFY_PASSED;
    return ROTOR_OK;
}

static enum rotor_status check_signature(struct evidence *e,
                                         enum verify_finding *finding)
{
    bool valid = false;
    enum rotor_status status = chain_eat_verify(&e->vouched.claims.key,
                                                e->report.eat, &e->eat, &valid);
    if (status == ROTOR_MALFORMED) {
        return ROTOR_OK;
    }
    TRY(status);
    if (valid) {
        e->record->claims = e->eat.claims;
    }
    *finding = found(valid);
    return ROTOR_OK;
}

static enum rotor_status check_binding(struct evidence *e,
                                       enum verify_finding *finding)
{
    e->record->is_bound = secret_equal(e->eat.ud, e->ud, CHAIN_UD_SIZE);
    *finding = found(e->record->is_bound);
    return ROTOR_OK;
}

static enum rotor_status check_component(struct evidence *e,
                                         enum verify_finding *finding)
{
    *finding = found(e->vouched.descriptor.component == BOOT_ENCLAVE);
    return ROTOR_OK;
}

// A claim may repeat what the root says; it may not say more.
static enum rotor_status check_claims(struct evidence *e,
                                      enum verify_finding *finding)
{
    const struct wire_digest *claimed = &e->eat.claims.measurement;
    bool is_measured = wire_digest_equal(claimed, &e->measurements[0]) ||
                       wire_digest_equal(claimed, &e->measurements[1]);
    *finding = found(is_measured && e->eat.claims.level == e->record->level);
    return ROTOR_OK;
}

static enum rotor_status check_instance(struct evidence *e,
                                        enum verify_finding *finding)
{
    const struct verify_reference *reference = e->reference;
    if (reference->instance_count == 0) {
        *finding = VERIFY_NOT_ASKED;
        return ROTOR_OK;
    }
    for (size_t i = 0; i < reference->instance_count; i++) {
        if (wire_digest_equal(&reference->instances[i], &e->record->instance)) {
            e->record->instance_is_pinned = true;
        }
    }
    *finding = found(e->record->instance_is_pinned);
    return ROTOR_OK;
}

static enum rotor_status check_measurement(struct evidence *e,
                                           enum verify_finding *finding)
{
    if (e->reference->any_measurement) {
        *finding = VERIFY_NOT_ASKED;
        return ROTOR_OK;
    }
    bool is_wanted =
        verify_measurement_is_wanted(e->reference, &e->measurements[0]) ||
        verify_measurement_is_wanted(e->reference, &e->measurements[1]);
    *finding = found(is_wanted);
    return ROTOR_OK;
}

static enum rotor_status check_authority(struct evidence *e,
                                         enum verify_finding *finding)
{
    const struct verify_reference *reference = e->reference;
    if (reference->authority_count == 0) {
        *finding = VERIFY_NOT_ASKED;
        return ROTOR_OK;
    }
    bool is_wanted = false;
    for (size_t i = 0; i < reference->authority_count; i++) {
        is_wanted |= bytes_equal(BYTES_OF(reference->authorities[i]),
                                 BYTES_OF(e->record->authority));
    }
    *finding = found(is_wanted);
    return ROTOR_OK;
}

static enum rotor_status check_security_version(struct evidence *e,
                                                enum verify_finding *finding)
{
    *finding = found(e->record->security_version >=
                     e->reference->security_version_min);
    return ROTOR_OK;
}

static enum rotor_status check_debug(struct evidence *e,
                                     enum verify_finding *finding)
{
    bool is_normal = e->record->mode == BOOT_MODE_NORMAL;
    bool is_allowed =
        e->reference->debug_allowed && e->record->mode == BOOT_MODE_DEBUG;
    *finding = found(is_normal || is_allowed);
    return ROTOR_OK;
}

// ---- the list --------------------------------------------------------------

struct check {
    enum rotor_status (*run)(struct evidence *e, enum verify_finding *finding);
    const char *fault;
};

// In the order of enum verify_check; each may lean on those before it.
static const struct check CHECKS[VERIFY_CHECK_COUNT] = {
    [VERIFY_CHECK_FORMAT] = {check_format,           "not Evidence that is known here"  },
    [VERIFY_CHECK_CERTIFICATE] = {check_certificate,
                             "the device does not vouch for the key"                    },
    [VERIFY_CHECK_SIGNATURE] = {check_signature,        "token is not signed"              },
    [VERIFY_CHECK_BINDING] = {check_binding,
                             "bound to another question or key"                         },
    [VERIFY_CHECK_COMPONENT] = {check_component,        "not from an enclave"              },
    [VERIFY_CHECK_CLAIMS] = {check_claims,           "claims contradict the certificate"},
    [VERIFY_CHECK_INSTANCE] = {check_instance,         "not the pinned device"            },
    [VERIFY_CHECK_MEASUREMENT] = {check_measurement,
                             "measurement is not a reference value"                     },
    [VERIFY_CHECK_AUTHORITY] = {check_authority,
                             "image signed by another authority"                        },
    [VERIFY_CHECK_SECURITY_VERSION] = {check_security_version,
                             "security version below the floor"                         },
    [VERIFY_CHECK_DEBUG] = {check_debug,            "not in normal mode"               },
};

static enum rotor_status run_all(struct evidence *e, size_t *passed)
{
    struct verify_record *record = e->record;
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        enum verify_finding finding = VERIFY_FAILED;
        TRY(CHECKS[i].run(e, &finding));
        record->checks[i] = finding;
        if (finding != VERIFY_PASSED && finding != VERIFY_NOT_ASKED) {
            record->reason = CHECKS[i].fault;
            return ROTOR_OK;
        }
        (*passed)++;
    }
    return ROTOR_OK;
}

enum rotor_status verify_evidence(struct rotor_bytes evidence,
                                  const uint8_t ud[CHAIN_UD_SIZE],
                                  const struct verify_reference *reference,
                                  struct verify_record *record)
{
    struct evidence e = {
        .bytes = evidence, .ud = ud, .record = record, .reference = reference};
    size_t passed = 0;
    *record = (struct verify_record){.outcome = CHAIN_REJECTED,
                                     .reason = "not judged"};
    TRY(run_all(&e, &passed));
    if (passed == COUNT_OF(CHECKS)) {
        record->reason = "accepted";
        record->outcome = CHAIN_ACCEPTED;
    }
    return ROTOR_OK;
}

bool verify_record_is_accepted(const struct verify_record *record)
{
    const volatile uint32_t *outcome = &record->outcome;
    return *outcome == CHAIN_ACCEPTED && ~*outcome == CHAIN_REJECTED;
}

bool verify_measurement_is_wanted(const struct verify_reference *reference,
                                  const struct wire_digest *measurement)
{
    bool is_wanted = false;
    for (size_t i = 0; i < reference->measurement_count; i++) {
        is_wanted |=
            wire_digest_equal(&reference->measurements[i], measurement);
    }
    return is_wanted;
}

// ---- the common verdict ----------------------------------------------------

// What the check looked at, where that is a value.
static struct verify_shown seen_by(const struct verify_record *record,
                                   unsigned check)
{
    switch (check) {
    case VERIFY_CHECK_INSTANCE:
        return verify_bytes(wire_digest_bytes(&record->instance));
    case VERIFY_CHECK_MEASUREMENT:
        return verify_bytes(wire_digest_bytes(&record->measurement));
    case VERIFY_CHECK_AUTHORITY:
        return verify_bytes(BYTES_OF(record->authority));
    case VERIFY_CHECK_SECURITY_VERSION:
        return verify_number(record->security_version);
    case VERIFY_CHECK_DEBUG:
        return verify_text(record->mode == BOOT_MODE_NORMAL  ? "normal"
                           : record->mode == BOOT_MODE_DEBUG ? "debug"
                                                             : "another");
    default:
        return (struct verify_shown){0};
    }
}

static void describe(const struct verify_record *record,
                     struct verify_verdict *verdict)
{
    if (record->checks[VERIFY_CHECK_CERTIFICATE] != VERIFY_PASSED) {
        return;
    }
    verdict->level = (enum verify_level)record->level;
    verdict->security_version = record->security_version;
    verdict->debug = record->mode == BOOT_MODE_NORMAL ? VERIFY_NO : VERIFY_YES;
    verify_value_set(&verdict->instance, wire_digest_bytes(&record->instance));
    verify_value_set(&verdict->measurement,
                     wire_digest_bytes(&record->measurement));
    verify_value_set(&verdict->signer, BYTES_OF(record->authority));
    if (record->checks[VERIFY_CHECK_BINDING] != VERIFY_NOT_REACHED) {
        verdict->bound = record->is_bound ? VERIFY_YES : VERIFY_NO;
        verdict->fresh = verdict->bound;
    }
}

void verify_record_verdict(const struct verify_record *record,
                           struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_PROCESS);
    describe(record, verdict);
    for (unsigned i = 0; i < VERIFY_CHECK_COUNT; i++) {
        enum verify_finding finding = record->checks[i];
        struct verify_row row = {.check = verify_check_name(i),
                                 .why = record->reason};
        // Nothing after the first failed check was looked at.
        bool is_reached = finding == VERIFY_PASSED || finding == VERIFY_FAILED;
        if (is_reached || finding == VERIFY_NOT_ASKED) {
            row.seen = seen_by(record, i);
        }
        if (finding == VERIFY_NOT_ASKED) {
            verify_skip(verdict, &row);
        } else if (is_reached) {
            (void)verify_check(verdict, finding == VERIFY_PASSED, &row);
        }
    }
    // The record's own outcome stands: its rows alone accept nothing.
    if (verify_record_is_accepted(record)) {
        verify_conclude(verdict);
    } else {
        verdict->reason = record->reason;
    }
}

// ---- rule 11 ---------------------------------------------------------------

enum rotor_status
verify_entry_evidence(void *context,
                      const struct chain_evidence_question *question, bool *ok,
                      const char **why)
{
    struct verify_entry_context *entry = context;
    const struct verify_reference *reference = entry->reference;
    *ok = false;
    entry->record = (struct verify_record){.outcome = CHAIN_REJECTED,
                                           .reason = "no Evidence"};
    if (!reference->any_measurement &&
        !verify_measurement_is_wanted(reference,
                                      &question->body->measurement)) {
        *why = "measurement of the entry is not a reference value";
        return ROTOR_OK;
    }
    if (bytes_are_empty(question->evidence)) {
        *ok = entry->evidence_is_optional;
        *why = entry->record.reason;
        return ROTOR_OK;
    }
    TRY(verify_evidence(question->evidence, question->ud, reference,
                        &entry->record));
    *ok = verify_record_is_accepted(&entry->record);
    *why = entry->record.reason;
    return ROTOR_OK;
}
