// SPDX-License-Identifier: Apache-2.0
// A policy as text.  The first byte says whether it is an included one.
//
// What is refused has its line and a clean sentence.  What is taken keeps the
// bounds of its lists, reads the same twice, and judges a verdict that was
// accepted without healing one that was not.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/command.h"
#include "app/rotor/policy_text.h"
#include "base/bytes.h"
#include "test/fuzz/fuzz.h"

// The program's table: not reached from here.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

static struct policy_file first;
static struct policy_file second;

static enum rotor_status read(struct rotor_bytes content, bool is_included,
                              struct policy_text *text,
                              struct policy_file *policy)
{
    *policy = (struct policy_file){0};
    *text = (struct policy_text){.path = "folder/a.policy",
                                 .is_included = is_included};
    return policy_text_read(text, content, policy);
}

static void check_fault(const struct policy_text *text)
{
    FUZZ_CHECK(text->line >= 1 && text->fault[0] != '\0');
    for (const char *c = text->fault; *c != '\0'; c++) {
        FUZZ_CHECK((uint8_t)*c >= ' ' && *c != 0x7f);
    }
}

static void check_bounds(const struct policy_file *policy)
{
    FUZZ_CHECK(policy->measurements.count <= POLICY_LIST_MAX);
    FUZZ_CHECK(policy->signers.count <= POLICY_LIST_MAX);
    FUZZ_CHECK(policy->instances.count <= POLICY_LIST_MAX);
    FUZZ_CHECK(policy->policy.tcb_word_count <= POLICY_WORDS_MAX);
    FUZZ_CHECK(policy->include_count <= POLICY_INCLUDES_MAX);
    for (size_t i = 0; i < policy->include_count; i++) {
        FUZZ_CHECK(policy->includes[i][0] != '\0');
        FUZZ_CHECK(strcmp(policy->includes[i], "-") != 0);
    }
}

static void check_judging(struct policy_file *policy, bool is_accepted)
{
    static struct verify_verdict verdict;
    const struct verify_policy_times times = {1764108665, 1764000000};
    const struct verify_row row = {.check = "quote signature", .why = "bad"};
    policy_file_settle(policy);
    verify_begin(&verdict, VERIFY_BACKEND_TDX);
    verify_check(&verdict, is_accepted, &row);
    verify_conclude(&verdict);
    verify_policy_judge(&policy->policy, &times, &verdict);
    FUZZ_CHECK(is_accepted || !verify_verdict_is_accepted(&verdict));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct rotor_bytes content = bytes_of(data + 1, size - 1);
    struct policy_text text;
    enum rotor_status status = read(content, data[0] & 1, &text, &first);
    FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_MALFORMED);
    check_bounds(&first);
    if (status != ROTOR_OK) {
        check_fault(&text);
        return 0;
    }
    FUZZ_CHECK(read(content, data[0] & 1, &text, &second) == ROTOR_OK);
    FUZZ_CHECK(memcmp(&first, &second, sizeof first) == 0);
    check_judging(&first, true);
    check_judging(&first, false);
    return 0;
}
