// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/policy_own.h"

#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "boot/dice.h"

bool policy_own_settle(const struct run *run, const struct policy_file *file,
                       struct reliance *reliance, int *code)
{
    for (size_t i = 0; i < file->measurements.count; i++) {
        const struct verify_value *value = &file->measurements.values[i];
        struct wire_digest digest = {0};
        if (value->size != 32 && value->size != 48) {
            continue; // of other kinds of evidence
        }
        digest.alg = value->size == 32 ? CRYPTO_SHA256 : CRYPTO_SHA384;
        memcpy(digest.bytes, value->bytes, value->size);
        if (!reliance_want(run, reliance, &digest, code)) {
            return false;
        }
    }
    return true;
}

static enum verify_ternary debug_of(uint32_t mode)
{
    return mode == BOOT_MODE_NORMAL ? VERIFY_NO : VERIFY_YES;
}

void policy_own_verdict(const struct verify_record *record,
                        struct verify_verdict *verdict)
{
    verify_begin(verdict, (enum verify_backend)record->backend);
    verdict->level = (enum verify_level)record->level;
    verify_value_set(&verdict->measurement,
                     wire_digest_bytes(&record->measurement));
    verify_value_set(&verdict->instance, wire_digest_bytes(&record->instance));
    verify_value_set(&verdict->signer, BYTES_OF(record->authority));
    verdict->security_version = record->security_version;
    verdict->debug = debug_of(record->mode);
    verdict->bound = record->is_bound ? VERIFY_YES : VERIFY_NO;
    verdict->fresh = verdict->bound;
}

bool policy_own_judge(const struct policy_file *file,
                      const struct relying_report *report,
                      struct verify_verdict *verdict)
{
    const struct verify_answer *answer = &report->answer;
    const struct verify_policy_times times = {.now_s = (int64_t)time(NULL)};
    bool is_judged = verify_answer_is_accepted(answer) &&
                     answer->has_evidence &&
                     verify_record_is_accepted(&answer->record);
    policy_own_verdict(&answer->record, verdict);
    (void)verify_check(
        verdict, is_judged,
        &(struct verify_row){.check = "answer",
                             .why = "the answer was not accepted"});
    verify_conclude(verdict);
    verify_policy_judge(&file->policy, &times, verdict);
    return verify_verdict_is_accepted(verdict);
}
