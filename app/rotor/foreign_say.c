// SPDX-License-Identifier: Apache-2.0
// A verdict in words and in JSON.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/rotor/foreign.h"
#include "base/bytes.h"

#define CELL_SIZE 160u

// ---- rows ------------------------------------------------------------------

static void hex(char *cell, size_t size, struct rotor_bytes bytes)
{
    cell[0] = '\0';
    for (size_t i = 0; i < bytes.size && 2 * i + 3 <= size; i++) {
        (void)snprintf(cell + 2 * i, 3, "%02x", bytes.data[i]);
    }
}

static void show(char cell[CELL_SIZE], const struct verify_shown *shown)
{
    cell[0] = '\0';
    switch (shown->kind) {
    case VERIFY_SHOWN_BYTES:
        hex(cell, CELL_SIZE, shown->bytes);
        break;
    case VERIFY_SHOWN_NUMBER:
        (void)snprintf(cell, CELL_SIZE, "%" PRIu64, shown->number);
        break;
    case VERIFY_SHOWN_TIME:
        time_text(shown->number, cell);
        break;
    case VERIFY_SHOWN_TEXT:
        clean_text(bytes_of(shown->text, strlen(shown->text)), cell, CELL_SIZE);
        break;
    case VERIFY_SHOWN_NOTHING:
        break;
    }
}

// For the table: long values by their beginning.
static void shorten(char cell[CELL_SIZE])
{
    if (strlen(cell) > 40) {
        (void)snprintf(cell + 36, 4, "...");
    } else if (cell[0] == '\0') {
        (void)snprintf(cell, CELL_SIZE, "-");
    }
}

static void print_row(const struct verify_row *row)
{
    char expected[CELL_SIZE];
    char seen[CELL_SIZE];
    bool has_failed = row->finding == VERIFY_FAILED;
    show(expected, &row->expected);
    show(seen, &row->seen);
    if (has_failed) { // here every digit counts
        printf("%-32s %-11s %s\n", row->check,
               verify_finding_name(row->finding),
               row->why != NULL ? row->why : "");
        printf("%-32s expected    %s\n", "",
               expected[0] != '\0' ? expected : "-");
        printf("%-32s seen        %s\n", "", seen[0] != '\0' ? seen : "-");
        return;
    }
    shorten(expected);
    shorten(seen);
    printf("%-32s %-11s %-40s %s\n", row->check,
           verify_finding_name(row->finding), expected, seen);
}

void foreign_print_rows(const struct verify_verdict *verdict)
{
    printf("%-32s %-11s %-40s %s\n", "CHECK", "FINDING", "EXPECTED", "SEEN");
    for (size_t i = 0; i < verdict->row_count; i++) {
        print_row(&verdict->rows[i]);
    }
}

void foreign_json_rows(struct json *out, const char *key,
                       const struct verify_verdict *verdict)
{
    json_open_list(out, key);
    for (size_t i = 0; i < verdict->row_count; i++) {
        const struct verify_row *row = &verdict->rows[i];
        char cell[CELL_SIZE];
        json_open_object(out, NULL);
        json_text(out, "check", row->check);
        json_text(out, "finding", verify_finding_name(row->finding));
        show(cell, &row->expected);
        json_text(out, "expected", cell);
        show(cell, &row->seen);
        json_text(out, "seen", cell);
        if (row->finding == VERIFY_FAILED) {
            json_text(out, "why", row->why != NULL ? row->why : row->check);
        }
        json_close(out);
    }
    json_close(out);
}

// ---- the record ------------------------------------------------------------

static struct rotor_bytes view(const struct verify_value *value)
{
    return bytes_of(value->bytes, value->size);
}

static const char *ternary_words(enum verify_ternary value)
{
    static const char *const words[] = {
        [VERIFY_NOT_CHECKED] = "not checked",
        [VERIFY_NO] = "no",
        [VERIFY_YES] = "yes",
    };
    return (unsigned)value < COUNT_OF(words) ? words[value] : "unknown";
}

static void print_value(const char *name, const struct verify_value *value)
{
    char cell[CELL_SIZE];
    hex(cell, sizeof cell, view(value));
    printf("  %-16s %s\n", name, cell[0] != '\0' ? cell : "none");
}

static void print_record(const struct verify_verdict *verdict)
{
    print_value("measurement", &verdict->measurement);
    print_value("signer", &verdict->signer);
    print_value("instance", &verdict->instance);
    printf("  %-16s %" PRIu64 "\n", "security version",
           verdict->security_version);
    print_value("tcb", &verdict->tcb);
    printf("  %-16s %s\n", "tcb status", verdict->tcb_status);
    printf("  %-16s %s\n", "debug", ternary_words(verdict->debug));
    printf("  %-16s %s\n", "bound", ternary_words(verdict->bound));
}

static void json_value(struct json *out, const char *key,
                       const struct verify_value *value)
{
    if (value->size == 0) {
        json_null(out, key);
    } else {
        json_hex(out, key, view(value));
    }
}

static void json_record(struct json *out, const struct verify_verdict *verdict)
{
    json_open_object(out, "record");
    json_text(out, "backend", verify_backend_name(verdict->backend));
    json_text(out, "level", verify_level_name(verdict->level));
    json_value(out, "measurement", &verdict->measurement);
    json_value(out, "signer", &verdict->signer);
    json_value(out, "instance", &verdict->instance);
    json_number(out, "security_version", verdict->security_version);
    json_value(out, "tcb", &verdict->tcb);
    json_text(out, "tcb_status", verdict->tcb_status);
    json_text(out, "debug", ternary_words(verdict->debug));
    json_text(out, "fresh", ternary_words(verdict->fresh));
    json_text(out, "bound", ternary_words(verdict->bound));
    json_close(out);
}

// ---- all of it -------------------------------------------------------------

static void print_own(const struct foreign *f)
{
    char log[FINGERPRINT_SIZE];
    if (f->own != NULL) {
        fingerprint(&f->own->trust.log_id, log);
        printf("  %-16s epoch %" PRIu64 ", log %s\n", "over",
               f->own->trust.order.epoch, log);
    }
}

static int say_json(const struct foreign *f, bool is_accepted)
{
    const struct verify_verdict *verdict = &f->verdict;
    struct json out;
    begin_json(&out, "verify", is_accepted);
    json_text(&out, "verdict", is_accepted ? "accepted" : "refused");
    json_text(&out, "format", foreign_format_name(f->format));
    json_text(&out, "reason", verdict->reason);
    if (!is_accepted) {
        json_open_object(&out, "error");
        json_error(&out, f->run, CAUSE_EVIDENCE_REFUSED, NULL, verdict->reason);
        json_close(&out);
    }
    if (f->own != NULL) { // the answer that the report is over
        json_digest(&out, "log_id", &f->own->trust.log_id);
        json_number(&out, "epoch", f->own->trust.order.epoch);
        json_digest(&out, "body_hash", &f->own->trust.body_hash);
    }
    json_record(&out, verdict);
    foreign_json_rows(&out, "checks", verdict);
    json_end(&out);
    return is_accepted ? EXIT_ACCEPTED : EXIT_REFUSED;
}

static void warn(const struct foreign *f)
{
    const struct verify_policy *policy = &f->policy.policy;
    if (policy->measurements.count == 0 && policy->signers.count == 0) {
        fprintf(stderr, "rotor: warning: the measurement was not judged: any "
                        "program may run there\n");
    }
    bool has_measurement = policy->measurements.count != 0;
    if (has_measurement && f->format == FOREIGN_TPM &&
        f->selection.count == 0) {
        fprintf(stderr,
                "rotor: warning: whichever registers it is over: what runs "
                "there may have filled others alike; --pcr-selection\n");
    }
    if (f->verdict.bound != VERIFY_YES) {
        fprintf(stderr, "rotor: warning: no report data was asked for: it may "
                        "be a replay, and of another key\n");
    }
}

int foreign_say(struct foreign *f, bool explains)
{
    const struct verify_verdict *verdict = &f->verdict;
    bool is_accepted = verify_verdict_is_accepted(verdict);
    if (f->run->is_json) {
        return say_json(f, is_accepted);
    }
    if (is_accepted) {
        printf("accepted: %s, level %s\n",
               verify_backend_name(verdict->backend),
               verify_level_name(verdict->level));
        print_record(verdict);
        print_own(f);
    }
    if (explains) {
        foreign_print_rows(verdict);
    }
    if (!is_accepted) {
        return fail(f->run, CAUSE_EVIDENCE_REFUSED,
                    explains ? NULL : "--explain shows every check", "%s",
                    verdict->reason);
    }
    fflush(stdout);
    warn(f);
    return EXIT_ACCEPTED;
}
