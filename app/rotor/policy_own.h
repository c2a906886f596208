// SPDX-License-Identifier: Apache-2.0
// A policy over rotor's own evidence: the answer of a device as a verdict.
#ifndef ROTOR_APP_ROTOR_POLICY_OWN_H
#define ROTOR_APP_ROTOR_POLICY_OWN_H

#include "app/rotor/policy_file.h"
#include "app/rotor/reliance.h"
#include "app/rotor/relying.h"

// Adds the policy's measurements to what may answer.  False: said why.
bool policy_own_settle(const struct run *run, const struct policy_file *file,
                       struct reliance *reliance, int *code);

// Judges an accepted answer.  The verdict points into file and report; false
// is a refusal with its reason.
bool policy_own_judge(const struct policy_file *file,
                      const struct relying_report *report,
                      struct verify_verdict *verdict);

// The record as a verdict that was not concluded: no row yet.
void policy_own_verdict(const struct verify_record *record,
                        struct verify_verdict *verdict);

#endif
