// SPDX-License-Identifier: Apache-2.0
// rotor verify: one judgement, over TCP or of a file.
#ifndef ROTOR_APP_ROTOR_VERIFY_H
#define ROTOR_APP_ROTOR_VERIFY_H

#include "app/rotor/foreign.h"
#include "app/rotor/leaf.h"
#include "app/rotor/policy_own.h"
#include "app/rotor/reliance.h"
#include "app/rotor/relying.h"

struct verification {
    struct run *run;
    const char *target; // HOST:PORT, FILE or -; NULL: the log of `chain` alone
    const char *chain;  // exported log that is taken first; NULL: none
    const char *nonce_text;
    uint8_t nonce[WIRE_NONCE_SIZE];
    bool explains;
    bool shows_progress;
    bool is_leaf; // the evidence came in a certificate
    struct leaf_content leaf;
    bool has_platform; // evidence of the platform, beside the enclave's own
    struct rotor_bytes platform; // a view into the file; empty: out of reach
    struct reliance reliance;
    struct foreign_flags flags;
    struct policy_file policy;     // counts when flags.policy is given
    struct verify_verdict verdict; // by the policy
    struct relying_options options;
    struct relying party;
    struct relying_report report;
    char device[FINGERPRINT_SIZE];
};

// What may answer, of flags and policy.  False: said why.
bool verification_settle(struct verification *v, int *code);

// Does a flag say that the file is no evidence of rotor?
bool verification_is_foreign(const struct verification *v);

// Opens the party and takes the exported log, if there is one.  False: said
// why.
bool verification_open(struct verification *v);

// Judges v->target, a file or "-".  Returns the exit code.
int verification_of_file(struct verification *v);

// Says what came of rotor's own evidence.  Returns the exit code.
int verification_conclude(struct verification *v, bool is_accepted);

#endif
