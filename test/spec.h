// SPDX-License-Identifier: Apache-2.0
// A test is a sentence:
//
//     SPEC("a full queue refuses a frame and keeps what it has")
//     {
//         assert_int_equal(...);
//     }
//
// Each test program is one or more files of such sentences linked with
// spec.c, which runs them through cmocka.  SKIP says why and ends the sentence.
#ifndef ROTOR_TEST_SPEC_H
#define ROTOR_TEST_SPEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

void spec_add(const char *sentence, void (*body)(void **state));

#define SPEC_JOIN2(a, b) a##b
#define SPEC_JOIN(a, b)  SPEC_JOIN2(a, b)
#define SPEC_AS(name, sentence)                                                \
    static void name(void **state);                                            \
    __attribute__((constructor)) static void SPEC_JOIN(add_, name)(void)       \
    {                                                                          \
        spec_add(sentence, name);                                              \
    }                                                                          \
    static void name(void **state __attribute__((unused)))
#define SPEC(sentence) SPEC_AS(SPEC_JOIN(spec_, __LINE__), sentence)

#define SKIP(reason)                                                           \
    do {                                                                       \
        print_message("skipped: %s\n", reason);                                \
        skip();                                                                \
    } while (0)

#define assert_ok(call) assert_int_equal((call), 0)

#endif
