// SPDX-License-Identifier: Apache-2.0
#include "verify/verdict.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

void verify_begin(struct verify_verdict *verdict, enum verify_backend backend)
{
    *verdict = (struct verify_verdict){
        .outcome = CHAIN_REJECTED,
        .reason = "nothing was checked",
        .backend = backend,
        .level = VERIFY_LEVEL_NONE,
        .tcb_status = "unknown",
    };
}

static void add(struct verify_verdict *verdict, const struct verify_row *row,
                enum verify_finding finding)
{
    bool has_room = verdict->row_count < VERIFY_ROWS_MAX;
    // The last place tells of what had none.
    struct verify_row *at =
        &verdict->rows[has_room ? verdict->row_count++ : VERIFY_ROWS_MAX - 1];
    *at = *row;
    at->finding = has_room ? finding : VERIFY_FAILED;
    if (!has_room) {
        at->why = "more checks than a verdict has room for";
    } else if (finding == VERIFY_PASSED) {
        at->why = NULL;
    }
}

bool verify_check(struct verify_verdict *verdict, bool passed,
                  const struct verify_row *row)
{
    add(verdict, row, passed ? VERIFY_PASSED : VERIFY_FAILED);
    return passed;
}

void verify_skip(struct verify_verdict *verdict, const struct verify_row *row)
{
    add(verdict, row, VERIFY_NOT_ASKED);
}

static const char *reason_of(const struct verify_row *row)
{
    return row->why != NULL ? row->why : row->check;
}

void verify_conclude(struct verify_verdict *verdict)
{
    verdict->outcome = CHAIN_REJECTED;
    size_t passed = 0;
    for (size_t i = 0; i < verdict->row_count; i++) {
        const struct verify_row *row = &verdict->rows[i];
        if (row->finding == VERIFY_PASSED) {
            passed++;
        } else if (row->finding != VERIFY_NOT_ASKED) {
            verdict->reason = reason_of(row);
            return;
        }
    }
    if (passed == 0) {
        verdict->reason = "nothing was checked";
        return;
    }
    verdict->reason = "accepted";
    verdict->outcome = CHAIN_ACCEPTED;
}

bool verify_verdict_is_accepted(const struct verify_verdict *verdict)
{
    const volatile uint32_t *outcome = &verdict->outcome;
    return *outcome == CHAIN_ACCEPTED && ~*outcome == CHAIN_REJECTED;
}

static bool names_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct verify_row *verify_row_named(const struct verify_verdict *verdict,
                                          const char *check)
{
    for (size_t i = 0; i < verdict->row_count; i++) {
        if (names_equal(verdict->rows[i].check, check)) {
            return &verdict->rows[i];
        }
    }
    return NULL;
}

void verify_value_set(struct verify_value *value, struct rotor_bytes bytes)
{
    *value = (struct verify_value){0};
    if (bytes.size == 0 || bytes.size > VERIFY_VALUE_MAX) {
        return;
    }
    memcpy(value->bytes, bytes.data, bytes.size);
    value->size = bytes.size;
}

bool verify_check_report_data(struct verify_verdict *verdict,
                              const struct verify_asked *asked,
                              struct rotor_bytes reported)
{
    struct verify_row row = {.check = "report data",
                             .seen = verify_bytes(reported)};
    if (asked->report_data.size == 0) {
        verify_skip(verdict, &row);
        return true;
    }
    // All that was asked for, and fewer than 32 bytes bind nothing.
    size_t size = asked->report_data.size;
    bool is_bound = size >= 32 && size <= reported.size &&
                    (size == reported.size || size == 32) &&
                    secret_equal(asked->report_data.data, reported.data, size);
    // What stands behind the bytes that were asked for is zero.
    for (size_t i = size; is_bound && i < reported.size; i++) {
        is_bound = reported.data[i] == 0;
    }
    verdict->bound = is_bound ? VERIFY_YES : VERIFY_NO;
    verdict->fresh = verdict->bound;
    row.expected = verify_bytes(asked->report_data);
    row.why = "made for another key, challenge or channel";
    return verify_check(verdict, is_bound, &row);
}
