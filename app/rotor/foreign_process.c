// SPDX-License-Identifier: Apache-2.0
// rotor's Evidence of a process enclave by itself: a DICE certificate and what
// its key signed, without the answer that it belongs to.
#include "app/rotor/foreign.h"
#include "app/rotor/policy_own.h"
#include "base/bytes.h"

static bool is_of_form(const struct verify_record *record)
{
    return record->checks[VERIFY_CHECK_FORMAT] == VERIFY_PASSED;
}

static void add_rows(struct verify_verdict *verdict,
                     const struct verify_record *record)
{
    for (int i = 0; i < VERIFY_CHECK_COUNT; i++) {
        struct verify_row row = {.check =
                                     verify_check_name((enum verify_check)i),
                                 .why = record->reason};
        if (record->checks[i] == VERIFY_NOT_ASKED) {
            verify_skip(verdict, &row);
        } else if (record->checks[i] != VERIFY_NOT_REACHED) {
            (void)verify_check(verdict, record->checks[i] == VERIFY_PASSED,
                               &row);
        }
    }
}

bool foreign_judge_process(struct foreign *f)
{
    static struct verify_record record;
    // What runs there, the policy judges.
    const struct verify_reference reference = {.any_measurement = true,
                                               .debug_allowed = true};
    if (f->asked.report_data.size != CHAIN_UD_SIZE) {
        return foreign_undecided(f, CAUSE_USAGE,
                                 "rotor attest --json prints it",
                                 "%s: Evidence of a process is judged over 64 "
                                 "bytes of --report-data",
                                 f->target);
    }
    enum rotor_status status = verify_evidence(
        f->evidence, f->asked.report_data.data, &reference, &record);
    if (status != ROTOR_OK || !is_of_form(&record)) {
        return foreign_undecided(f, CAUSE_UNPARSABLE, NULL, "%s: %s", f->target,
                                 record.reason);
    }
    policy_own_verdict(&record, &f->verdict);
    add_rows(&f->verdict, &record);
    verify_conclude(&f->verdict);
    bool is_consistent = verify_record_is_accepted(&record) ==
                         verify_verdict_is_accepted(&f->verdict);
    return is_consistent || foreign_undecided(f, CAUSE_PLATFORM, NULL, "%s: %s",
                                              f->target, record.reason);
}
