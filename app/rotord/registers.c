// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/registers.h"

#include <stdlib.h>

bool registers_parse(const char *text, uint32_t *registers)
{
    uint32_t all = 0;
    for (;;) {
        char *end;
        unsigned long first = strtoul(text, &end, 10);
        if (end == text || text[0] < '0' || text[0] > '9') {
            return false;
        }
        unsigned long last = first;
        if (*end == '-') {
            text = end + 1;
            last = strtoul(text, &end, 10);
        }
        if (end == text || last > 23 || first > last) {
            return false;
        }
        for (unsigned long pcr = first; pcr <= last; pcr++) {
            all |= 1u << pcr;
        }
        if (*end != ',') {
            *registers = all;
            return *end == '\0';
        }
        text = end + 1;
    }
}
