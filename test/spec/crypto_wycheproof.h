// SPDX-License-Identifier: Apache-2.0
// Walks a Wycheproof file.
#ifndef ROTOR_TEST_WYCHEPROOF_H
#define ROTOR_TEST_WYCHEPROOF_H

#include "test/spec.h"

#include <string.h>

#include "test/spec/vectors.h"

#define WYCHEPROOF "crypto/wycheproof/"

// Calls `check` for every test of every group.
typedef void check_function(struct vectors *v, const json_t *group,
                            const json_t *test);

static inline void run_all(const char *path, check_function *check)
{
    struct vectors v;
    if (!vectors_open(&v, path)) {
        SKIP("no vectors");
    }
    json_t *group;
    json_t *test;
    size_t g;
    size_t t;
    size_t count = 0;
    json_array_foreach(json_object_get(v.root, "testGroups"), g, group)
    {
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            check(&v, group, test);
            count++;
        }
    }
    assert_int_equal(count, vectors_number(v.root, "numberOfTests"));
    vectors_close(&v);
}

static inline bool is_marked(const json_t *test, const char *result)
{
    return strcmp(vectors_text(test, "result"), result) == 0;
}

static inline void fail_case(const json_t *test, const char *what)
{
    fail_msg("tcId %lld (%s): %s", (long long)vectors_number(test, "tcId"),
             vectors_text(test, "comment"), what);
}

#endif
