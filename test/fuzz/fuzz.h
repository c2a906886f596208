// SPDX-License-Identifier: Apache-2.0
// One entry for libFuzzer and for replay.c, which runs it without clang.
#ifndef ROTOR_TEST_FUZZ_H
#define ROTOR_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the run: the property that `claim` states does not hold.
#define FUZZ_CHECK(claim)                                                      \
    do {                                                                       \
        if (!(claim)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim);        \
            abort();                                                           \
        }                                                                      \
    } while (0)

#endif
