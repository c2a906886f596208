// SPDX-License-Identifier: Apache-2.0
// Two copies of slot state on a medium that can lose power.
#ifndef ROTOR_TEST_SPEC_BOOT_STORAGE_H
#define ROTOR_TEST_SPEC_BOOT_STORAGE_H

#include <string.h>

#include "base/bytes.h"
#include "boot/slots.h"
#include "test/spec.h"

struct storage {
    uint8_t copy[BOOT_SLOTS_COPIES][BOOT_SLOTS_RECORD_SIZE];
    size_t size[BOOT_SLOTS_COPIES];
};

// How a write ends: the first `whole` bytes are new, `rest` of the old ones
// stay (or become 0xff, an erased cell).
struct cut {
    size_t whole;
    bool is_erased;
};

static const struct cut no_cut = {BOOT_SLOTS_RECORD_SIZE, false};

static inline void write_copy(struct storage *s, size_t copy,
                              const uint8_t *record, struct cut cut)
{
    size_t rest = BOOT_SLOTS_RECORD_SIZE - cut.whole;
    memcpy(s->copy[copy], record, cut.whole);
    if (cut.is_erased) {
        memset(s->copy[copy] + cut.whole, 0xff, rest);
        s->size[copy] = BOOT_SLOTS_RECORD_SIZE;
    } else if (s->size[copy] < cut.whole) {
        s->size[copy] = cut.whole;
    }
}

static inline enum rotor_status load(const struct storage *s,
                                     struct boot_slots *slots, bool *found)
{
    struct rotor_bytes copies[] = {bytes_of(s->copy[0], s->size[0]),
                                   bytes_of(s->copy[1], s->size[1])};
    return boot_slots_decode(copies, BOOT_ENCLAVE, slots, found);
}

static inline void store(struct storage *s, struct boot_slots *slots,
                         struct cut cut)
{
    uint8_t record[BOOT_SLOTS_RECORD_SIZE];
    size_t copy = 9;
    assert_ok(boot_slots_encode(slots, record, &copy));
    write_copy(s, copy, record, cut);
    boot_slots_commit(slots);
}

static inline struct boot_header header_of(uint32_t security_version)
{
    struct boot_header header = {
        .component = BOOT_ENCLAVE,
        .version = 100 + security_version,
        .security_version = security_version,
    };
    memset(header.digest, (int)security_version, sizeof header.digest);
    return header;
}

#endif
