// SPDX-License-Identifier: Apache-2.0
// A policy refuses what it does not name, and never heals a rejection.
#include "verify/policy.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"

#define DAY 86400

static const struct verify_value ONE = {
    4, {1, 2, 3, 4}
};
static const struct verify_value TWO = {
    4, {1, 2, 3, 5}
};
static const struct verify_value LONGER = {
    5, {1, 2, 3, 4, 0}
};

struct attempt {
    struct verify_policy policy;
    struct verify_policy_times times;
    struct verify_verdict verdict;
};
static struct attempt a;

// Good evidence of a machine that hides nothing, and a policy without demands.
static void begin(void)
{
    memset(&a, 0, sizeof a);
    a.times =
        (struct verify_policy_times){.now_s = 100 * DAY, .made_s = 99 * DAY};
    verify_begin(&a.verdict, VERIFY_BACKEND_SNP);
    a.verdict.level = VERIFY_LEVEL_HARDWARE;
    a.verdict.measurement = ONE;
    a.verdict.signer = ONE;
    a.verdict.instance = ONE;
    a.verdict.tcb = (struct verify_value){
        3, {3, 0, 200}
    };
    a.verdict.tcb_status = "UpToDate";
    a.verdict.debug = VERIFY_NO;
    a.verdict.security_version = 7;
    a.verdict.bound = VERIFY_YES;
    a.verdict.fresh = VERIFY_YES;
    assert_true(verify_check(&a.verdict, true,
                             &(struct verify_row){.check = "signature"}));
    verify_conclude(&a.verdict);
    assert_true(verify_verdict_is_accepted(&a.verdict));
}

static void judge(void)
{
    verify_policy_judge(&a.policy, &a.times, &a.verdict);
}

static void assert_accepted(void)
{
    judge();
    if (!verify_verdict_is_accepted(&a.verdict)) {
        fail_msg("%s", a.verdict.reason);
    }
}

// Refused by that row and by no other.
static void assert_refused(const char *check)
{
    judge();
    assert_false(verify_verdict_is_accepted(&a.verdict));
    for (size_t i = 0; i < a.verdict.row_count; i++) {
        const struct verify_row *row = &a.verdict.rows[i];
        bool is_it = strcmp(row->check, check) == 0;
        if ((row->finding == VERIFY_FAILED) != is_it) {
            fail_msg("%s: %s", row->check, verify_finding_name(row->finding));
        }
    }
    assert_string_equal(a.verdict.reason,
                        verify_row_named(&a.verdict, check)->why);
}

SPEC("a policy without demands takes good evidence and shows what it saw")
{
    begin();
    assert_accepted();
    const struct verify_row *row =
        verify_row_named(&a.verdict, "policy measurement");
    assert_int_equal(row->finding, VERIFY_NOT_ASKED);
    assert_int_equal(row->seen.kind, VERIFY_SHOWN_BYTES);
    assert_true(bytes_equal(row->seen.bytes, bytes_of(ONE.bytes, 4)));
}

SPEC("a policy whose every demand is met accepts")
{
    static const char *const words[] = {"SWHardeningNeeded", "UpToDate"};
    static const struct verify_value list[] = {
        {4, {9, 9, 9, 9}},
        {4, {1, 2, 3, 4}}
    };
    begin();
    a.policy.backends = VERIFY_POLICY_BACKEND(VERIFY_BACKEND_TDX) |
                        VERIFY_POLICY_BACKEND(VERIFY_BACKEND_SNP);
    a.policy.level_min = VERIFY_LEVEL_HARDWARE;
    a.policy.measurements = (struct verify_policy_list){list, 2};
    a.policy.signers = (struct verify_policy_list){list, 2};
    a.policy.instances = (struct verify_policy_list){list, 2};
    a.policy.tcb_floors[VERIFY_BACKEND_SNP] = (struct verify_value){
        3, {3, 0, 199}
    };
    a.policy.tcb_words = words;
    a.policy.tcb_word_count = 2;
    a.policy.debug = VERIFY_DEBUG_OFF;
    a.policy.needs_binding = true;
    a.policy.security_version_min = 7;
    a.policy.age_max_s = DAY;
    assert_accepted();
    for (size_t i = 0; i < a.verdict.row_count; i++) {
        assert_int_equal(a.verdict.rows[i].finding, VERIFY_PASSED);
    }
}

SPEC("zeroed memory, and a verdict that is no accepted one, stay rejections")
{
    begin();
    memset(&a.verdict, 0, sizeof a.verdict);
    judge();
    assert_false(verify_verdict_is_accepted(&a.verdict));
    begin();
    verify_begin(&a.verdict, VERIFY_BACKEND_SNP);
    a.verdict.level = VERIFY_LEVEL_HARDWARE;
    judge();
    assert_false(verify_verdict_is_accepted(&a.verdict));
    assert_string_equal(a.verdict.reason, "nothing was checked");
}

SPEC("what the verifier refused keeps its own reason")
{
    begin();
    (void)verify_check(
        &a.verdict, false,
        &(struct verify_row){.check = "chain", .why = "expired"});
    verify_conclude(&a.verdict);
    size_t rows = a.verdict.row_count;
    judge();
    assert_false(verify_verdict_is_accepted(&a.verdict));
    assert_string_equal(a.verdict.reason, "expired");
    assert_int_equal(a.verdict.row_count, rows);
}

SPEC("a backend that is not named is refused")
{
    begin();
    a.policy.backends = VERIFY_POLICY_BACKEND(VERIFY_BACKEND_TDX);
    assert_refused("policy backend");
    begin();
    a.verdict.backend = VERIFY_BACKEND_NONE;
    a.policy.backends = UINT32_MAX;
    assert_refused("policy backend");
    begin();
    a.verdict.backend = VERIFY_BACKEND_COUNT;
    a.policy.backends = UINT32_MAX;
    assert_refused("policy backend");
}

SPEC("a level below the wanted one, and one that nobody verified, are refused")
{
    begin();
    a.policy.level_min = VERIFY_LEVEL_KVM;
    a.verdict.level = VERIFY_LEVEL_PROCESS;
    assert_refused("policy level");
    begin();
    a.verdict.level = VERIFY_LEVEL_NONE;
    assert_refused("policy level");
}

static void refuse_unlisted(struct verify_policy_list *list,
                            struct verify_value *seen, const char *check)
{
    static const struct verify_value NONE = {0};
    static const struct verify_value TOO_LONG = {.size = 65};
    static const struct verify_value LISTED[] = {
        {4, {1, 2, 3, 5}   },
        {5, {1, 2, 3, 4, 0}},
        {0, {1, 2, 3, 4}   },
    };
    static const struct verify_value *const SEEN[] = {&ONE, &NONE, &TOO_LONG};
    for (size_t i = 0; i < COUNT_OF(SEEN); i++) {
        begin();
        *list = (struct verify_policy_list){LISTED, COUNT_OF(LISTED)};
        *seen = *SEEN[i];
        assert_refused(check);
    }
    begin();
    *list = (struct verify_policy_list){&TWO, 1};
    assert_refused(check);
    assert_true(bytes_equal(verify_row_named(&a.verdict, check)->expected.bytes,
                            bytes_of(TWO.bytes, 4)));
    begin();
    *list = (struct verify_policy_list){&LONGER, 1};
    assert_refused(check);
}

SPEC("a measurement, signer or instance that is not listed, or that the "
     "evidence does not have, is refused")
{
    refuse_unlisted(&a.policy.measurements, &a.verdict.measurement,
                    "policy measurement");
    refuse_unlisted(&a.policy.signers, &a.verdict.signer, "policy signer");
    refuse_unlisted(&a.policy.instances, &a.verdict.instance,
                    "policy instance");
}

SPEC("one component below its floor is refused, whatever the others are")
{
    static const struct verify_value FLOORS[] = {
        {3,  {4, 0, 0}  },
        {3,  {0, 1, 0}  },
        {3,  {3, 0, 201}},
        {2,  {0, 0}     },
        {4,  {0, 0, 0}  },
        {65, {0}        },
    };
    for (size_t i = 0; i < COUNT_OF(FLOORS); i++) {
        begin();
        a.policy.tcb_floors[VERIFY_BACKEND_SNP] = FLOORS[i];
        assert_refused("policy TCB floor");
    }
    begin();
    a.policy.tcb_floors[VERIFY_BACKEND_TDX] = FLOORS[0];
    assert_accepted(); // of another backend
    begin();
    a.policy.tcb_floors[VERIFY_BACKEND_SNP] = FLOORS[1];
    a.verdict.tcb.size = 0;
    assert_refused("policy TCB floor");
}

SPEC("PCESVN of SGX and TDX is one number of two bytes")
{
    static const enum verify_backend backends[] = {VERIFY_BACKEND_SGX,
                                                   VERIFY_BACKEND_TDX};
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        begin();
        a.verdict.backend = backends[i];
        a.verdict.tcb = (struct verify_value){
            18, {[16] = 1, [17] = 0}
        };
        a.policy.tcb_floors[backends[i]] = (struct verify_value){
            18, {[16] = 0, [17] = 255}
        };
        assert_accepted();
        begin();
        a.verdict.backend = backends[i];
        a.verdict.tcb = (struct verify_value){
            18, {[16] = 0, [17] = 255}
        };
        a.policy.tcb_floors[backends[i]] = (struct verify_value){
            18, {[16] = 1, [17] = 0}
        };
        assert_refused("policy TCB floor");
    }
}

SPEC("a TCB status that is not listed is refused, and Revoked by every policy "
     "that does not list it")
{
    static const char *const words[] = {"UpToDate", "Up"};
    static const char *const seen[] = {"OutOfDate", "UpToDat", "UpToDate2", ""};
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        begin();
        a.policy.tcb_words = words;
        a.policy.tcb_word_count = 2;
        a.verdict.tcb_status = seen[i];
        assert_refused("policy TCB status");
    }
    begin();
    a.verdict.tcb_status = "Revoked";
    assert_refused("policy TCB status");
    begin();
    a.verdict.tcb_status = "OutOfDate";
    assert_accepted();
}

SPEC("debugging is refused unless the policy allows it")
{
    begin();
    a.verdict.debug = VERIFY_YES;
    assert_refused("policy debug");
    begin();
    a.verdict.debug = VERIFY_YES;
    a.policy.debug = VERIFY_DEBUG_ANY;
    assert_accepted();
    begin();
    a.verdict.debug = VERIFY_NOT_CHECKED;
    assert_accepted();
    begin();
    a.verdict.debug = VERIFY_NOT_CHECKED;
    a.policy.debug = VERIFY_DEBUG_OFF;
    assert_refused("policy debug");
}

SPEC("a security version below the floor is refused")
{
    begin();
    a.policy.security_version_min = 8;
    assert_refused("policy security version");
}

SPEC("a policy that wants binding refuses what answers no challenge")
{
    static const enum verify_ternary found[] = {VERIFY_NO, VERIFY_NOT_CHECKED};
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        begin();
        a.policy.needs_binding = true;
        a.verdict.bound = found[i];
        assert_refused("policy binding");
        begin();
        a.policy.needs_binding = true;
        a.verdict.fresh = found[i];
        assert_refused("policy binding");
    }
}

SPEC("what is too old, has no date, or comes from the future is refused")
{
    static const int64_t made[] = {100 * DAY - 3601, 0,        -1, INT64_MIN,
                                   100 * DAY + 1,    INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        begin();
        a.policy.age_max_s = 3600;
        a.times.made_s = made[i];
        assert_refused("policy age");
    }
    begin();
    a.policy.age_max_s = 3600;
    a.times.made_s = 100 * DAY - 3600;
    assert_accepted();
}
