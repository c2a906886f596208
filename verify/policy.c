// SPDX-License-Identifier: Apache-2.0
#include "verify/policy.h"

#include "base/bytes.h"

static bool words_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static struct rotor_bytes view(const struct verify_value *value)
{
    return bytes_of(value->bytes,
                    value->size <= VERIFY_VALUE_MAX ? value->size : 0);
}

// A demand that was not made leaves a row that shows what was seen.
static void demand(struct verify_verdict *verdict, bool is_made, bool is_met,
                   const struct verify_row *row)
{
    if (is_made) {
        (void)verify_check(verdict, is_met, row);
    } else {
        verify_skip(verdict, row);
    }
}

// ---- what and where --------------------------------------------------------

static void judge_backend(const struct verify_policy *policy,
                          struct verify_verdict *verdict)
{
    bool is_known = verdict->backend > VERIFY_BACKEND_NONE &&
                    verdict->backend < VERIFY_BACKEND_COUNT;
    bool is_met = is_known && (policy->backends &
                               VERIFY_POLICY_BACKEND(verdict->backend)) != 0;
    demand(verdict, policy->backends != 0, is_met,
           &(struct verify_row){
               .check = "policy backend",
               .expected = verify_text("a backend of the policy"),
               .seen = verify_text(verify_backend_name(verdict->backend)),
               .why = "the policy does not take this kind of evidence"});
}

static void judge_level(const struct verify_policy *policy,
                        struct verify_verdict *verdict)
{
    bool is_met = verdict->level >= policy->level_min &&
                  verdict->level <= VERIFY_LEVEL_HARDWARE;
    (void)verify_check(
        verdict, is_met,
        &(struct verify_row){
            .check = "policy level",
            .expected = verify_text(verify_level_name(policy->level_min)),
            .seen = verify_text(verify_level_name(verdict->level)),
            .why = "what stands behind it is weaker than the policy asks"});
}

// ---- lists -----------------------------------------------------------------

static const struct verify_value *
find_value(const struct verify_policy_list *list,
           const struct verify_value *value)
{
    if (value->size == 0 || value->size > VERIFY_VALUE_MAX) {
        return NULL; // the evidence does not say
    }
    for (size_t i = 0; i < list->count; i++) {
        if (bytes_equal(view(&list->values[i]), view(value))) {
            return &list->values[i];
        }
    }
    return NULL;
}

static void judge_list(const struct verify_policy_list *list,
                       const struct verify_value *value, const char *check,
                       const char *why, struct verify_verdict *verdict)
{
    const struct verify_value *found = find_value(list, value);
    struct verify_row row = {
        .check = check, .seen = verify_bytes(view(value)), .why = why};
    if (found != NULL || list->count == 1) {
        row.expected =
            verify_bytes(view(found != NULL ? found : &list->values[0]));
    } else if (list->count != 0) {
        row.expected = verify_text("one of the policy's list");
    }
    demand(verdict, list->count != 0, found != NULL, &row);
}

static void judge_lists(const struct verify_policy *policy,
                        struct verify_verdict *verdict)
{
    judge_list(&policy->measurements, &verdict->measurement,
               "policy measurement", "another program runs there", verdict);
    judge_list(&policy->signers, &verdict->signer, "policy signer",
               "nobody of the policy vouches for what runs there", verdict);
    judge_list(&policy->instances, &verdict->instance, "policy instance",
               "another machine", verdict);
}

// ---- what is below ---------------------------------------------------------

// Behind the components of SGX and TDX stands PCESVN, two bytes, big-endian.
#define AT_PCESVN 16u

static bool reaches(const struct verify_value *tcb,
                    const struct verify_value *floor, bool has_pcesvn)
{
    if (floor->size > VERIFY_VALUE_MAX || tcb->size != floor->size) {
        return false;
    }
    for (size_t i = 0; i < floor->size; i++) {
        bool is_wide = has_pcesvn && i == AT_PCESVN && i + 1 < floor->size;
        uint32_t seen = tcb->bytes[i];
        uint32_t wanted = floor->bytes[i];
        if (is_wide) {
            i++;
            seen = seen << 8 | tcb->bytes[i];
            wanted = wanted << 8 | floor->bytes[i];
        }
        if (seen < wanted) {
            return false;
        }
    }
    return true;
}

static void judge_tcb(const struct verify_policy *policy,
                      struct verify_verdict *verdict)
{
    static const struct verify_value none = {0};
    bool is_known = verdict->backend < VERIFY_BACKEND_COUNT;
    const struct verify_value *floor =
        is_known ? &policy->tcb_floors[verdict->backend] : &none;
    bool has_pcesvn = verdict->backend == VERIFY_BACKEND_SGX ||
                      verdict->backend == VERIFY_BACKEND_TDX;
    demand(verdict, floor->size != 0, reaches(&verdict->tcb, floor, has_pcesvn),
           &(struct verify_row){
               .check = "policy TCB floor",
               .expected = verify_bytes(view(floor)),
               .seen = verify_bytes(view(&verdict->tcb)),
               .why = "a version below the policy's floor, or of another "
                      "form"});
}

static void judge_tcb_status(const struct verify_policy *policy,
                             struct verify_verdict *verdict)
{
    const char *seen =
        verdict->tcb_status != NULL ? verdict->tcb_status : "unknown";
    bool is_listed = false;
    for (size_t i = 0; i < policy->tcb_word_count; i++) {
        is_listed = is_listed || words_equal(policy->tcb_words[i], seen);
    }
    bool has_list = policy->tcb_word_count != 0;
    (void)verify_check(
        verdict, has_list ? is_listed : !words_equal(seen, "Revoked"),
        &(struct verify_row){
            .check = "policy TCB status",
            .expected = verify_text(has_list ? "a word of the policy"
                                             : "any but Revoked"),
            .seen = verify_text(seen),
            .why = "the vendor's word on this TCB is not one that the policy "
                   "takes"});
}

static void judge_debug(const struct verify_policy *policy,
                        struct verify_verdict *verdict)
{
    bool is_met = policy->debug == VERIFY_DEBUG_OFF
                      ? verdict->debug == VERIFY_NO
                      : verdict->debug != VERIFY_YES;
    demand(verdict, policy->debug != VERIFY_DEBUG_ANY, is_met,
           &(struct verify_row){
               .check = "policy debug",
               .expected = verify_text("no"),
               .seen = verify_text(verify_ternary_name(verdict->debug)),
               .why = "its owner can look inside, or the evidence does not "
                      "say"});
}

static void judge_security_version(const struct verify_policy *policy,
                                   struct verify_verdict *verdict)
{
    demand(verdict, policy->security_version_min != 0,
           verdict->security_version >= policy->security_version_min,
           &(struct verify_row){
               .check = "policy security version",
               .expected = verify_number(policy->security_version_min),
               .seen = verify_number(verdict->security_version),
               .why = "older than the policy's floor"});
}

// ---- when ------------------------------------------------------------------

static void judge_binding(const struct verify_policy *policy,
                          struct verify_verdict *verdict)
{
    bool is_met = verdict->bound == VERIFY_YES && verdict->fresh == VERIFY_YES;
    demand(verdict, policy->needs_binding, is_met,
           &(struct verify_row){
               .check = "policy binding",
               .expected = verify_text("yes"),
               .seen = verify_text(verify_ternary_name(verdict->bound)),
               .why = "it answers no challenge of this party"});
}

static void judge_age(const struct verify_policy *policy,
                      const struct verify_policy_times *times,
                      struct verify_verdict *verdict)
{
    // A statement of the future has no age: one of the clocks is wrong.
    bool has_age = times->made_s > 0 && times->made_s <= times->now_s;
    uint64_t age =
        has_age ? (uint64_t)times->now_s - (uint64_t)times->made_s : UINT64_MAX;
    struct verify_row row = {.check = "policy age",
                             .expected = verify_number(policy->age_max_s),
                             .why = "what it rests on is too old, or has no "
                                    "date"};
    if (has_age) {
        row.seen = verify_number(age);
    }
    demand(verdict, policy->age_max_s != 0, age <= policy->age_max_s, &row);
}

void verify_policy_judge(const struct verify_policy *policy,
                         const struct verify_policy_times *times,
                         struct verify_verdict *verdict)
{
    // Nothing was verified that a policy could act on, and rows that pass must
    // not heal a verdict that was none.
    if (!verify_verdict_is_accepted(verdict)) {
        verdict->outcome = CHAIN_REJECTED;
        return;
    }
    judge_backend(policy, verdict);
    judge_level(policy, verdict);
    judge_lists(policy, verdict);
    judge_tcb(policy, verdict);
    judge_tcb_status(policy, verdict);
    judge_debug(policy, verdict);
    judge_security_version(policy, verdict);
    judge_binding(policy, verdict);
    judge_age(policy, times, verdict);
    verify_conclude(verdict);
}
