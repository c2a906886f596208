// SPDX-License-Identifier: Apache-2.0
// Event logs made by hand, field by field as the TCG's text has them.
#ifndef ROTOR_TEST_EVENTLOG_MAKER_H
#define ROTOR_TEST_EVENTLOG_MAKER_H

#include <string.h>

#include "base/bytes.h"
#include "verify/pcr.h"

struct made_log {
    uint8_t bytes[8192];
    size_t size;
};

static inline void add_raw(struct made_log *log, const void *bytes, size_t size)
{
    if (size != 0) {
        memcpy(log->bytes + log->size, bytes, size);
    }
    log->size += size;
}

static inline void add_u8(struct made_log *log, uint8_t value)
{
    add_raw(log, &value, 1);
}

static inline void add_le16(struct made_log *log, uint16_t value)
{
    uint8_t bytes[2];
    bytes_put_le16(bytes, value);
    add_raw(log, bytes, sizeof bytes);
}

static inline void add_le32(struct made_log *log, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_le32(bytes, value);
    add_raw(log, bytes, sizeof bytes);
}

static inline void add_fill(struct made_log *log, uint8_t value, size_t size)
{
    memset(log->bytes + log->size, value, size);
    log->size += size;
}

// An event of the SHA-1 format whose digest is 20 times `fill`.
static inline void add_sha1_event(struct made_log *log, uint32_t pcr,
                                  uint32_t type, uint8_t fill,
                                  struct rotor_bytes data)
{
    add_le32(log, pcr);
    add_le32(log, type);
    add_fill(log, fill, 20);
    add_le32(log, (uint32_t)data.size);
    add_raw(log, data.data, data.size);
}

struct made_bank {
    uint16_t algorithm;
    uint16_t size;
};

// The first event of a crypto-agile log.
static inline void add_spec_id(struct made_log *log,
                               const struct made_bank *banks, size_t count,
                               struct rotor_bytes vendor)
{
    struct made_log spec = {.size = 0};
    add_raw(&spec, "Spec ID Event03", 16);
    add_le32(&spec, 0);
    add_raw(&spec, "\x00\x02\x00\x02", 4);
    add_le32(&spec, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        add_le16(&spec, banks[i].algorithm);
        add_le16(&spec, banks[i].size);
    }
    add_u8(&spec, (uint8_t)vendor.size);
    add_raw(&spec, vendor.data, vendor.size);
    add_sha1_event(log, 0, 3, 0, bytes_of(spec.bytes, spec.size));
}

// A crypto-agile event; the digest of each bank is filled with `fill`.
static inline void add_event(struct made_log *log, const uint32_t pcr_type[2],
                             const struct made_bank *banks, size_t count,
                             uint8_t fill)
{
    add_le32(log, pcr_type[0]);
    add_le32(log, pcr_type[1]);
    add_le32(log, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        add_le16(log, banks[i].algorithm);
        add_fill(log, fill, banks[i].size);
    }
    add_le32(log, 0);
}

static inline void add_locality(struct made_log *log,
                                const struct made_bank *banks, size_t count,
                                uint8_t locality)
{
    add_event(log, (const uint32_t[2]){0, 3}, banks, count, 0);
    log->size -= 4;
    add_le32(log, 17);
    add_raw(log, "StartupLocality", 16);
    add_u8(log, locality);
}

static inline struct rotor_bytes made(const struct made_log *log)
{
    return bytes_of(log->bytes, log->size);
}

#endif
