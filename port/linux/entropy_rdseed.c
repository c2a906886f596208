// SPDX-License-Identifier: Apache-2.0
#include "port/linux/entropy_rdseed.h"

#include <string.h>

#include "base/secret.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define RDSEED_BIT (1u << 18) // CPUID leaf 7, EBX

bool rdseed_is_offered(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 1 &&
           (ebx & RDSEED_BIT) != 0;
}

bool rdseed_execute(uint64_t *word)
{
    uint64_t value;
    uint8_t carry;
    __asm__ volatile("rdseed %0\n\tsetc %1"
                     : "=r"(value), "=qm"(carry)
                     :
                     : "cc");
    if (carry == 0) {
        return false;
    }
    *word = value;
    return true;
}
#else
bool rdseed_is_offered(void)
{
    return false;
}

bool rdseed_execute(uint64_t *word)
{
    (void)word;
    return false;
}
#endif

static bool try_for_word(rdseed_instruction *instruction, uint64_t *word)
{
    for (unsigned i = 0; i < RDSEED_TRIES; i++) {
        if (instruction(word)) {
            return true;
        }
    }
    return false;
}

enum rotor_status rdseed_fill(rdseed_instruction *instruction,
                              struct rotor_room *raw)
{
    uint64_t word = 0;
    raw->used = 0;
    while (raw->capacity - raw->used >= sizeof word &&
           try_for_word(instruction, &word)) {
        memcpy(raw->data + raw->used, &word, sizeof word);
        raw->used += sizeof word;
    }
    secret_wipe(&word, sizeof word);
    return raw->used > 0 ? ROTOR_OK : ROTOR_AGAIN;
}
