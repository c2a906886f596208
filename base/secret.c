// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <stdint.h>
#include <string.h>

void secret_wipe(void *secret, size_t size)
{
    if (size == 0) {
        return;
    }
    memset(secret, 0, size);
    // Tells the compiler that someone may read the zeros.
    __asm__ volatile("" : : "r"(secret) : "memory");
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference = (uint8_t)(difference | (x[i] ^ y[i]));
        // Keeps the loop from being turned into an early exit.
        __asm__ volatile("" : "+r"(difference));
    }
    return difference == 0;
}
