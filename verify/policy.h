// SPDX-License-Identifier: Apache-2.0
// What a relying party accepts, judged as further rows of a verdict.
//
// A verifier says what is true; a policy says what is wanted.  Where a policy
// gives a list, what is not on it is refused, and so is evidence that does not
// say.  All zero asks for nothing but a level that was verified, no debugging
// and no revoked TCB.  doc/PROTOCOL.evidence, Policies.
#ifndef ROTOR_VERIFY_POLICY_H
#define ROTOR_VERIFY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/status.h>

#include "verify/verdict.h"

// Values of one kind; none: not asked.
struct verify_policy_list {
    const struct verify_value *values;
    size_t count;
};

enum verify_policy_debug {
    VERIFY_DEBUG_UNSEEN = 0, // refused where the evidence says that it is on
    VERIFY_DEBUG_OFF,        // the evidence must say that it is off
    VERIFY_DEBUG_ANY,
};

// Lists and words are the caller's and outlive every verdict that they judge.
struct verify_policy {
    uint32_t backends; // VERIFY_POLICY_BACKEND bits; 0: any
    enum verify_level level_min;
    struct verify_policy_list measurements;
    struct verify_policy_list signers;
    struct verify_policy_list instances;
    // Versions that those of `tcb` must reach, each; size 0: not asked.
    struct verify_value tcb_floors[VERIFY_BACKEND_COUNT];
    const char *const *tcb_words; // allowed tcb_status; none: all but Revoked
    size_t tcb_word_count;
    enum verify_policy_debug debug;
    bool needs_binding;            // `bound` and `fresh` must be yes
    uint64_t security_version_min; // 0: not asked
    uint64_t age_max_s;            // of what the verdict rests on; 0: not asked
};

#define VERIFY_POLICY_BACKEND(backend) (UINT32_C(1) << (unsigned)(backend))

// When what the verdict rests on was said.
struct verify_policy_times {
    int64_t now_s;  // the party's clock, seconds since 1970
    int64_t made_s; // of the oldest statement in use; 0: not known
};

// Adds a row for every demand to an accepted verdict and concludes anew; a
// rejection stays as it is.  The verdict stays where it is: rows point into it.
void verify_policy_judge(const struct verify_policy *policy,
                         const struct verify_policy_times *times,
                         struct verify_verdict *verdict);

#endif
