// SPDX-License-Identifier: Apache-2.0
// Judges of published tokens: the verifiers' verdict against the one that
// SOURCES.tsv asks for.
#ifndef ROTOR_TEST_SPEC_TOKENS_JUDGE_H
#define ROTOR_TEST_SPEC_TOKENS_JUDGE_H

#include "test/spec/vectors.h"

enum judged_finding { JUDGED_NOT = 0, JUDGED_RIGHT, JUDGED_WRONG };

struct judged {
    enum judged_finding finding;
    const char *reason; // why not judged, or what was said instead
};

void tokens_judge(const char *path, const char *expected,
                  struct judged *judged);

// By kind of file; each leaves `judged` as it is for files of other kinds.
void tokens_judge_cose(const char *path, const char *expected,
                       struct judged *judged);
void tokens_judge_claims(const char *path, const char *expected,
                         struct judged *judged);
void tokens_judge_dice(const char *path, const char *expected,
                       struct judged *judged);

// RIGHT if `why`, NULL for acceptance, is what is expected.
void judge(struct judged *judged, bool is_valid, const char *why);

#endif
