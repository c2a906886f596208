// SPDX-License-Identifier: Apache-2.0
// A claims-set as a table of good values and bad ones, so that each claim can
// be left out and spoilt in its turn.
#ifndef ROTOR_TEST_SPEC_TOKEN_CLAIMS_H
#define ROTOR_TEST_SPEC_TOKEN_CLAIMS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "test/spec.h"

#define BYTES_8  "0011223344556677"
#define BYTES_32 BYTES_8 BYTES_8 BYTES_8 BYTES_8
#define BYTES_64 BYTES_32 BYTES_32

#define CLAIM_BAD_MAX 10u

struct claim_case {
    const char *label; // in diagnostic notation
    const char *name;  // in reasons
    const char *good;
    bool is_optional;
    const char *bad[CLAIM_BAD_MAX];
};

struct claim_cases {
    const struct claim_case *list;
    size_t count;
    size_t first; // that is tried: those before are judged another way
};

// Writes all claims, with `value` for the one at `index`; NULL leaves it out.
static inline void claims_write(const struct claim_cases *cases, size_t index,
                                const char *value, char *text, size_t capacity)
{
    size_t used = (size_t)snprintf(text, capacity, "{");
    for (size_t i = 0; i < cases->count; i++) {
        const char *written = i == index ? value : cases->list[i].good;
        if (written != NULL) {
            used += (size_t)snprintf(text + used, capacity - used, "%s: %s,",
                                     cases->list[i].label, written);
        }
        assert_true(used < capacity);
    }
    snprintf(text + used, capacity - used, "}");
}

// The reason that a token with these claims is refused for; NULL: accepted.
typedef const char *(*claims_judge)(const char *claims);

// Each claim left out, and with each bad value, is refused by its name.
static inline void claims_try_all(const struct claim_cases *cases,
                                  claims_judge judge)
{
    static char text[8192];
    char expected[128];
    claims_write(cases, SIZE_MAX, NULL, text, sizeof text);
    const char *why = judge(text);
    if (why != NULL) {
        fail_msg("good claims: %s", why);
    }
    for (size_t i = cases->first; i < cases->count; i++) {
        const struct claim_case *claim = &cases->list[i];
        claims_write(cases, i, NULL, text, sizeof text);
        why = judge(text);
        snprintf(expected, sizeof expected, "claim %s is missing", claim->name);
        bool is_right = claim->is_optional
                            ? why == NULL
                            : why != NULL && strcmp(why, expected) == 0;
        if (!is_right) {
            fail_msg("without %s: %s", claim->name,
                     why == NULL ? "accepted" : why);
        }
        for (size_t j = 0; j < CLAIM_BAD_MAX && claim->bad[j] != NULL; j++) {
            claims_write(cases, i, claim->bad[j], text, sizeof text);
            why = judge(text);
            snprintf(expected, sizeof expected, "claim %s ", claim->name);
            if (why == NULL || strncmp(why, expected, strlen(expected)) != 0) {
                fail_msg("%s of %s: %s", claim->name, claim->bad[j],
                         why == NULL ? "accepted" : why);
            }
        }
    }
}

#endif
