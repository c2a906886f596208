// SPDX-License-Identifier: Apache-2.0
// The verdict that every kind of evidence is turned into.
#include "verify/verdict.h"
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"

static struct verify_verdict v;

static bool add(bool passed, const char *check, const char *why)
{
    return verify_check(&v, passed,
                        &(struct verify_row){.check = check, .why = why});
}

SPEC("zeroed memory, a begun verdict and one without rows are rejections")
{
    memset(&v, 0, sizeof v);
    assert_false(verify_verdict_is_accepted(&v));
    verify_begin(&v, VERIFY_BACKEND_SNP);
    assert_false(verify_verdict_is_accepted(&v));
    assert_int_equal(v.level, VERIFY_LEVEL_NONE);
    assert_int_equal(v.backend, VERIFY_BACKEND_SNP);
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
    assert_string_equal(v.reason, "nothing was checked");
}

SPEC("a verdict is accepted if every check passed, and not before it concludes")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    assert_true(add(true, "one", "never"));
    assert_false(verify_verdict_is_accepted(&v));
    verify_conclude(&v);
    assert_true(verify_verdict_is_accepted(&v));
    assert_string_equal(v.reason, "accepted");
    assert_null(v.rows[0].why);
}

SPEC("one check that failed rejects, and the first one is the reason")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    add(true, "one", NULL);
    assert_false(add(false, "two", "the second is wrong"));
    add(false, "three", "the third is wrong");
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
    assert_string_equal(v.reason, "the second is wrong");
    assert_int_equal(verify_row_named(&v, "three")->finding, VERIFY_FAILED);
    assert_null(verify_row_named(&v, "thre"));
    assert_null(verify_row_named(&v, "threes"));
}

SPEC("a check that failed without a why has its name as the reason")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    add(false, "nameless", NULL);
    verify_conclude(&v);
    assert_string_equal(v.reason, "nameless");
}

SPEC("checks that nobody asked for make no verdict, and break none")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    verify_skip(&v, &(struct verify_row){.check = "shown"});
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
    add(true, "one", NULL);
    verify_conclude(&v);
    assert_true(verify_verdict_is_accepted(&v));
}

SPEC("a row that was not reached rejects")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    add(true, "one", NULL);
    add(true, "two", NULL);
    v.rows[1].finding = VERIFY_NOT_REACHED;
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
}

SPEC("rows that a policy adds afterwards count when it concludes again")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    add(true, "one", NULL);
    verify_conclude(&v);
    add(false, "policy", "debug is not allowed");
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
    assert_string_equal(v.reason, "debug is not allowed");
}

SPEC("an outcome with a bit flipped is no acceptance")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    add(true, "one", NULL);
    verify_conclude(&v);
    for (unsigned bit = 0; bit < 32; bit++) {
        v.outcome ^= 1u << bit;
        assert_false(verify_verdict_is_accepted(&v));
        v.outcome ^= 1u << bit;
    }
    assert_true(verify_verdict_is_accepted(&v));
}

SPEC("as many rows as there is room for pass; one more rejects")
{
    verify_begin(&v, VERIFY_BACKEND_TPM);
    for (size_t i = 0; i < VERIFY_ROWS_MAX; i++) {
        add(true, "row", NULL);
    }
    verify_conclude(&v);
    assert_true(verify_verdict_is_accepted(&v));
    add(true, "one more", NULL);
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
    assert_string_equal(v.reason, "more checks than a verdict has room for");
    verify_begin(&v, VERIFY_BACKEND_TPM);
    for (size_t i = 0; i < VERIFY_ROWS_MAX; i++) {
        add(true, "row", NULL);
    }
    verify_skip(&v, &(struct verify_row){.check = "one more"});
    verify_conclude(&v);
    assert_false(verify_verdict_is_accepted(&v));
}

SPEC("a value is kept up to 64 bytes; a longer one is none")
{
    uint8_t bytes[65];
    struct verify_value value;
    memset(bytes, 7, sizeof bytes);
    verify_value_set(&value, bytes_of(bytes, 64));
    assert_int_equal(value.size, 64);
    assert_memory_equal(value.bytes, bytes, 64);
    verify_value_set(&value, bytes_of(bytes, 65));
    assert_int_equal(value.size, 0);
    verify_value_set(&value, (struct rotor_bytes){0});
    assert_int_equal(value.size, 0);
}

// ---- report data -----------------------------------------------------------

struct data_case {
    size_t asked;
    size_t reported;
    enum verify_ternary bound; // where the bytes agree
};

static const struct data_case data_cases[] = {
    {64, 64, VERIFY_YES},
    {32, 64, VERIFY_YES}, // zeros behind
    {64, 32, VERIFY_NO }, // a TPM's: tpm.c asks for 32 then
    {32, 32, VERIFY_YES},
    {48, 64, VERIFY_NO },
    {31, 31, VERIFY_NO },
    {31, 64, VERIFY_NO },
    {64, 31, VERIFY_NO },
    {64, 0,  VERIFY_NO },
    {1,  1,  VERIFY_NO },
};

SPEC("report data binds if all of it is what was asked for, from 32 bytes on")
{
    for (size_t i = 0; i < COUNT_OF(data_cases); i++) {
        const struct data_case *c = &data_cases[i];
        uint8_t asked_bytes[64];
        uint8_t reported[64] = {0};
        memset(asked_bytes, 0xa5, sizeof asked_bytes);
        memcpy(reported, asked_bytes,
               c->asked < c->reported ? c->asked : c->reported);
        const struct verify_asked asked = {.report_data =
                                               bytes_of(asked_bytes, c->asked)};
        verify_begin(&v, VERIFY_BACKEND_SNP);
        bool passed = verify_check_report_data(&v, &asked,
                                               bytes_of(reported, c->reported));
        verify_conclude(&v);
        assert_int_equal(passed, c->bound == VERIFY_YES);
        assert_int_equal(v.bound, c->bound);
        assert_int_equal(v.fresh, c->bound);
        assert_int_equal(verify_verdict_is_accepted(&v), passed);
    }
}

SPEC(
    "one bit of the report data changed, or set behind 32 bytes, binds nothing")
{
    uint8_t asked_bytes[64];
    uint8_t reported[64];
    memset(asked_bytes, 0xa5, sizeof asked_bytes);
    for (size_t asked_size = 32; asked_size <= 64; asked_size += 32) {
        for (size_t i = 0; i < 64; i++) {
            memset(reported, 0, sizeof reported);
            memcpy(reported, asked_bytes, asked_size);
            reported[i] ^= 1;
            const struct verify_asked asked = {
                .report_data = bytes_of(asked_bytes, asked_size)};
            verify_begin(&v, VERIFY_BACKEND_SNP);
            assert_false(
                verify_check_report_data(&v, &asked, BYTES_OF(reported)));
            assert_int_equal(v.bound, VERIFY_NO);
        }
    }
}

SPEC("report data that nobody asked for is shown and stays unchecked")
{
    uint8_t reported[64] = {1};
    const struct verify_asked asked = {0};
    verify_begin(&v, VERIFY_BACKEND_SNP);
    assert_true(verify_check_report_data(&v, &asked, BYTES_OF(reported)));
    assert_int_equal(v.bound, VERIFY_NOT_CHECKED);
    assert_int_equal(v.fresh, VERIFY_NOT_CHECKED);
    const struct verify_row *row = verify_row_named(&v, "report data");
    assert_int_equal(row->finding, VERIFY_NOT_ASKED);
    assert_int_equal(row->seen.bytes.size, 64);
}

SPEC("every backend, finding and ternary has a word of its own")
{
    for (unsigned i = 0; i < VERIFY_BACKEND_COUNT; i++) {
        const char *name = verify_backend_name((enum verify_backend)i);
        assert_string_not_equal(name, "unknown");
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(
                name, verify_backend_name((enum verify_backend)j));
        }
    }
    assert_string_equal(verify_finding_name(VERIFY_NOT_ASKED), "not-asked");
    assert_string_equal(verify_ternary_name(VERIFY_YES), "yes");
}
