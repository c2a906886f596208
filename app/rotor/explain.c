// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/walls.h"

#define CELL_SIZE 104u

struct row {
    const char *check;
    enum verify_finding finding;
    char expected[CELL_SIZE];
    char seen[CELL_SIZE];
};

#define ROWS_MAX 24u
struct table {
    size_t count;
    struct row rows[ROWS_MAX];
};

static struct row *add(struct table *table, const char *check,
                       enum verify_finding finding)
{
    struct row *row = &table->rows[table->count];
    table->count += table->count + 1 < ROWS_MAX ? 1 : 0;
    *row = (struct row){.check = check, .finding = finding};
    return row;
}

static void number(char cell[CELL_SIZE], uint64_t value)
{
    (void)snprintf(cell, CELL_SIZE, "%" PRIu64, value);
}

static void words(char cell[CELL_SIZE], const char *text)
{
    (void)snprintf(cell, CELL_SIZE, "%s", text);
}

// ---- the answer ------------------------------------------------------------

// The checks of verify_attest in their order, by the words of each refusal.
static const struct {
    const char *check;
    const char *fault;
} ANSWER[] = {
    {"answer",         "answer does not parse"                        },
    {"log",            "answer of another log"                        },
    {"request",        "answer to another request"                    },
    {"head",           "head is not known"                            },
    {"suite",          "suite was not offered or is not the head's"   },
    {"form",           "keys where none belong, or none where they do"},
    {"root-signature", "signature of the RoT does not verify"         },
    {"evidence",       "Evidence is missing"                          },
};
enum {
    ROW_ANSWER,
    ROW_LOG,
    ROW_REQUEST,
    ROW_HEAD,
    ROW_SUITE,
    ROW_FORM,
    ROW_SIGNATURE,
    ROW_EVIDENCE
};

static size_t passed_of(const struct verify_answer *answer)
{
    for (size_t i = 0; i < COUNT_OF(ANSWER); i++) {
        if (strcmp(answer->reason, ANSWER[i].fault) == 0) {
            return i;
        }
    }
    bool is_beyond = verify_answer_is_accepted(answer) || answer->has_evidence;
    return is_beyond ? COUNT_OF(ANSWER) : 0;
}

static void fill_answer_row(struct row *row, size_t which,
                            const struct relying_report *report)
{
    const struct verify_answer *answer = &report->answer;
    const struct chain_trust *trust = &report->trust;
    struct wire_digest kid;
    switch (which) {
    case ROW_LOG:
        fingerprint(&trust->log_id, row->expected);
        fingerprint(&answer->core.log_id, row->seen);
        break;
    case ROW_REQUEST:
        words(row->expected, "our nonce");
        break;
    case ROW_HEAD:
        number(row->expected, trust->order.epoch);
        number(row->seen, answer->core.epoch);
        break;
    case ROW_SUITE:
        words(row->expected, suite_name(trust->suite));
        words(row->seen, suite_name(answer->core.suite));
        break;
    case ROW_SIGNATURE:
        if (wire_key_id(&trust->sign, &kid) == ROTOR_OK) {
            fingerprint(&kid, row->expected);
        }
        break;
    default:
        break;
    }
}

static void add_answer(struct table *table, const struct relying_report *report)
{
    size_t passed = passed_of(&report->answer);
    for (size_t i = 0; i < COUNT_OF(ANSWER); i++) {
        enum verify_finding finding = i < passed    ? VERIFY_PASSED
                                      : i == passed ? VERIFY_FAILED
                                                    : VERIFY_NOT_REACHED;
        struct row *row = add(table, ANSWER[i].check, finding);
        if (i <= passed) {
            fill_answer_row(row, i, report);
        }
    }
}

// ---- the Evidence ----------------------------------------------------------

static void digests(char cell[CELL_SIZE], const struct wire_digest *list,
                    size_t count)
{
    char text[FINGERPRINT_SIZE];
    if (count == 0) {
        words(cell, "any");
        return;
    }
    fingerprint(&list[0], text);
    if (count == 1) {
        words(cell, text);
    } else {
        (void)snprintf(cell, CELL_SIZE, "%.60s or %zu more", text, count - 1);
    }
}

static void fill_evidence_row(struct row *row, size_t check,
                              const struct verify_record *record,
                              const struct verify_reference *reference)
{
    switch (check) {
    case VERIFY_CHECK_FORMAT:
        words(row->expected, "process");
        words(row->seen, record->backend == 1 ? "process" : "unknown backend");
        break;
    case VERIFY_CHECK_BINDING:
        words(row->expected, "purpose, root, nonce, channel");
        break;
    case VERIFY_CHECK_COMPONENT:
        words(row->expected, "enclave");
        break;
    case VERIFY_CHECK_INSTANCE:
        digests(row->expected, reference->instances, reference->instance_count);
        fingerprint(&record->instance, row->seen);
        break;
    case VERIFY_CHECK_MEASUREMENT:
        digests(row->expected, reference->measurements,
                reference->any_measurement ? 0 : reference->measurement_count);
        fingerprint(&record->measurement, row->seen);
        break;
    case VERIFY_CHECK_SECURITY_VERSION:
        (void)snprintf(row->expected, CELL_SIZE, "%" PRIu32 " or more",
                       reference->security_version_min);
        number(row->seen, record->security_version);
        break;
    case VERIFY_CHECK_DEBUG:
        words(row->expected, reference->debug_allowed ? "any" : "off");
        (void)snprintf(row->seen, CELL_SIZE, "mode %" PRIu32, record->mode);
        break;
    default:
        break;
    }
}

// The certificate is what instance, measurement and version are read from.
static bool is_seen(const struct verify_record *record, size_t check)
{
    return check == VERIFY_CHECK_FORMAT ||
           record->checks[VERIFY_CHECK_CERTIFICATE] == VERIFY_PASSED;
}

static void add_evidence(struct table *table,
                         const struct relying_report *report,
                         const struct verify_reference *reference)
{
    const struct verify_record *record = &report->answer.record;
    for (size_t i = 0; i < VERIFY_CHECK_COUNT; i++) {
        const char *name = i == VERIFY_CHECK_SIGNATURE
                               ? "evidence-signature"
                               : verify_check_name((enum verify_check)i);
        struct row *row = add(table, name, record->checks[i]);
        fill_evidence_row(row, i, record, reference);
        if (!is_seen(record, i)) {
            row->seen[0] = '\0';
        }
    }
}

static void tabulate(struct table *table, const struct relying_report *report,
                     const struct relying_options *options)
{
    table->count = 0;
    if (!report->is_judged) {
        return;
    }
    add_answer(table, report);
    if (report->answer.has_evidence) {
        add_evidence(table, report, options->reference);
    }
}

void explain_print(const struct relying_report *report,
                   const struct relying_options *options)
{
    struct table table;
    tabulate(&table, report, options);
    if (table.count == 0) {
        printf("no answer was judged\n");
        return;
    }
    printf("%-18s %-11s %-52s %s\n", "CHECK", "FINDING", "EXPECTED", "SEEN");
    for (size_t i = 0; i < table.count; i++) {
        const struct row *row = &table.rows[i];
        printf("%-18s %-11s %-52s %s\n", row->check,
               verify_finding_name(row->finding),
               row->expected[0] != '\0' ? row->expected : "-",
               row->seen[0] != '\0' ? row->seen : "-");
    }
}

void explain_json(struct json *out, const struct relying_report *report,
                  const struct relying_options *options)
{
    struct table table;
    tabulate(&table, report, options);
    json_open_list(out, "checks");
    for (size_t i = 0; i < table.count; i++) {
        const struct row *row = &table.rows[i];
        json_open_object(out, NULL);
        json_text(out, "check", row->check);
        json_text(out, "finding", verify_finding_name(row->finding));
        json_text(out, "expected", row->expected);
        json_text(out, "seen", row->seen);
        json_close(out);
    }
    json_close(out);
}

// ---- who answered ----------------------------------------------------------

static bool are_test_limits(const struct wire_limits *limits)
{
    return limits->min_interval_s == 0 && limits->max_per_day == 0;
}

static void print_digest(const char *name, const struct wire_digest *digest,
                         const char *remark)
{
    char text[FINGERPRINT_SIZE];
    fingerprint(digest, text);
    printf("  %-12s %s%s\n", name, text, remark);
}

static void print_walls(uint64_t walls)
{
    printf("  %-12s", "walls");
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        if ((walls & WIRE_WALL_BIT(i)) != 0) {
            printf(" %s", wire_wall_name(i));
        }
    }
    printf("\n");
}

static uint64_t recoveries_shown(const struct relying_report *report)
{
    return report->recoveries < RELYING_RECOVERIES_MAX ? report->recoveries
                                                       : RELYING_RECOVERIES_MAX;
}

void explain_recoveries(const struct relying_report *report)
{
    uint64_t shown = recoveries_shown(report);
    for (uint64_t i = 0; i < shown; i++) {
        const struct relying_recovery *recovery = &report->recovery[i];
        fprintf(stderr,
                "rotor: warning: epoch %" PRIu64 " was made by the recovery "
                "authority, in place of what followed epoch %" PRIu64
                "%s%s: ask why\n",
                recovery->epoch, recovery->superseded,
                recovery->has_new_authority ? ", with a new authority" : "",
                recovery->has_new_control ? ", with another RTP" : "");
    }
    if (report->recoveries > shown) {
        fprintf(stderr, "rotor: warning: and %" PRIu64 " more\n",
                report->recoveries - shown);
    }
}

void explain_recoveries_json(struct json *out,
                             const struct relying_report *report)
{
    uint64_t shown = recoveries_shown(report);
    json_number(out, "recoveries", report->recoveries);
    json_open_list(out, "recovered");
    for (uint64_t i = 0; i < shown; i++) {
        const struct relying_recovery *recovery = &report->recovery[i];
        json_open_object(out, NULL);
        json_number(out, "epoch", recovery->epoch);
        json_number(out, "incarnation", recovery->incarnation);
        json_number(out, "superseded_epoch", recovery->superseded);
        json_bool(out, "new_authority", recovery->has_new_authority);
        json_bool(out, "new_control", recovery->has_new_control);
        json_close(out);
    }
    json_close(out);
}

void explain_identity(const struct relying_report *report)
{
    const struct verify_record *record = &report->answer.record;
    const struct wire_claims *claims = &report->answer.claims;
    struct wire_digest kid = {0};
    if (wire_key_id(&report->trust.sign, &kid) != ROTOR_OK) {
        kid = (struct wire_digest){0};
    }
    bool is_judged = record->checks[VERIFY_CHECK_MEASUREMENT] == VERIFY_PASSED;
    print_digest("root", &kid, "");
    if (report->trust.order.incarnation != 0) {
        printf("  %-12s %" PRIu32 " times by its authority\n", "recovered",
               report->trust.order.incarnation);
    }
    printf("  %-12s %s\n", "level", level_name(record->level));
    printf("  %-12s %s\n", "anchor", anchor_name(claims->anchor_kind));
    print_digest("measurement", &record->measurement,
                 is_judged ? "" : " (not judged)");
    print_digest("instance", &record->instance,
                 record->instance_is_pinned ? "" : " (not pinned)");
    print_walls(claims->walls);
    if (are_test_limits(&claims->limits)) {
        printf("  %-12s none: test limits, not for production\n", "limits");
    }
    printf("  %-12s %" PRIu64 " entries verified now\n", "log", report->steps);
}

void explain_identity_json(struct json *out,
                           const struct relying_report *report)
{
    const struct verify_record *record = &report->answer.record;
    const struct wire_claims *claims = &report->answer.claims;
    struct wire_digest kid = {0};
    if (wire_key_id(&report->trust.sign, &kid) == ROTOR_OK) {
        json_digest(out, "fingerprint", &kid);
    }
    json_number(out, "suite", report->trust.suite);
    json_number(out, "level", record->level);
    json_text(out, "level_name", level_name(record->level));
    json_number(out, "anchor_kind", claims->anchor_kind);
    json_text(out, "anchor_name", anchor_name(claims->anchor_kind));
    json_digest(out, "measurement", &record->measurement);
    json_bool(out, "measurement_is_judged",
              record->checks[VERIFY_CHECK_MEASUREMENT] == VERIFY_PASSED);
    json_digest(out, "instance", &record->instance);
    json_bool(out, "instance_is_pinned", record->instance_is_pinned);
    json_number(out, "security_version", record->security_version);
    json_open_list(out, "walls_up");
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        if ((claims->walls & WIRE_WALL_BIT(i)) != 0) {
            json_text(out, NULL, wire_wall_name(i));
        }
    }
    json_close(out);
    json_bool(out, "are_test_limits", are_test_limits(&claims->limits));
}
