// SPDX-License-Identifier: Apache-2.0
// ATTESTATION_REPORT: AMD 56860, section 7.3; and the certificates beside it.
#include "verify/snp.h"

#include "base/bytes.h"

#define VERSION_MIN         2u
#define VERSION_CPU         3u // family, model and stepping from here on
#define VERSION_MITIGATIONS 4u
#define VERSION_MAX         5u

#define FLAG_AUTHOR_KEY  (1u << 0)
#define FLAG_MASKED_KEY  (1u << 1)
#define SIGNING_KEY_AT   2
#define SIGNING_KEY_MASK 7u
#define FLAGS_USED       0x1fu

// Bytes without a meaning, by the version that first gave them one.
static const struct {
    uint16_t from;
    uint16_t to; // the byte behind
    uint16_t until_version;
} reserved[] = {
    {0x04c, 0x050, VERSION_MAX + 1    },
    {0x188, 0x18b, VERSION_CPU        },
    {0x18b, 0x1a0, VERSION_MAX + 1    },
    {0x1eb, 0x1ec, VERSION_MAX + 1    },
    {0x1ef, 0x1f0, VERSION_MAX + 1    },
    {0x1f8, 0x208, VERSION_MITIGATIONS},
    {0x208, 0x2a0, VERSION_MAX + 1    },
    {0x330, 0x4a0, VERSION_MAX + 1    },
};

#define TABLE_ENTRY 24u // bytes: GUID, offset, size

static bool is_zero(const uint8_t *from, const uint8_t *to)
{
    uint8_t any = 0;
    while (from < to) {
        any |= *from++;
    }
    return any == 0;
}

static bool is_reserved_zero(const uint8_t *r, uint32_t version)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        if (version < reserved[i].until_version &&
            !is_zero(r + reserved[i].from, r + reserved[i].to)) {
            return false;
        }
    }
    return (bytes_le32(r + 0x048) & ~FLAGS_USED) == 0;
}

// Firmware versions stand as build, minor, major.
static void read_version(const uint8_t *in, uint8_t version[3])
{
    version[0] = in[2];
    version[1] = in[1];
    version[2] = in[0];
}

static void read_newer(const uint8_t *r, struct verify_snp_report *report)
{
    if (report->version >= VERSION_CPU) {
        report->cpu_family = r[0x188];
        report->cpu_model = r[0x189];
        report->cpu_stepping = r[0x18a];
    }
    if (report->version >= VERSION_MITIGATIONS) {
        report->launch_mitigations = bytes_le64(r + 0x1f8);
        report->current_mitigations = bytes_le64(r + 0x200);
    }
}

enum rotor_status verify_snp_read(struct rotor_bytes bytes,
                                  struct verify_snp_report *report)
{
    *report = (struct verify_snp_report){0};
    const uint8_t *r = bytes.data;
    if (bytes.size != VERIFY_SNP_REPORT_SIZE) {
        return ROTOR_MALFORMED;
    }
    uint32_t version = bytes_le32(r);
    if (version < VERSION_MIN || version > VERSION_MAX) {
        return ROTOR_MALFORMED;
    }
    uint32_t flags = bytes_le32(r + 0x048);
    *report = (struct verify_snp_report){
        .version = version,
        .guest_svn = bytes_le32(r + 0x004),
        .policy = bytes_le64(r + 0x008),
        .family_id = bytes_of(r + 0x010, 16),
        .image_id = bytes_of(r + 0x020, 16),
        .vmpl = bytes_le32(r + 0x030),
        .algorithm = bytes_le32(r + 0x034),
        .current_tcb = bytes_of(r + 0x038, VERIFY_SNP_TCB_SIZE),
        .platform = bytes_le64(r + 0x040),
        .has_author_key = (flags & FLAG_AUTHOR_KEY) != 0,
        .is_chip_key_masked = (flags & FLAG_MASKED_KEY) != 0,
        .signing_key = flags >> SIGNING_KEY_AT & SIGNING_KEY_MASK,
        .report_data = bytes_of(r + 0x050, 64),
        .measurement = bytes_of(r + 0x090, 48),
        .host_data = bytes_of(r + 0x0c0, 32),
        .id_key_digest = bytes_of(r + 0x0e0, 48),
        .author_key_digest = bytes_of(r + 0x110, 48),
        .report_id = bytes_of(r + 0x140, 32),
        .migration_report_id = bytes_of(r + 0x160, 32),
        .reported_tcb = bytes_of(r + 0x180, VERIFY_SNP_TCB_SIZE),
        .chip_id = bytes_of(r + 0x1a0, 64),
        .committed_tcb = bytes_of(r + 0x1e0, VERIFY_SNP_TCB_SIZE),
        .launch_tcb = bytes_of(r + 0x1f0, VERIFY_SNP_TCB_SIZE),
        .signed_part = bytes_of(r, VERIFY_SNP_SIGNED_SIZE),
        .signature = bytes_of(r + VERIFY_SNP_SIGNED_SIZE,
                              VERIFY_SNP_REPORT_SIZE - VERIFY_SNP_SIGNED_SIZE),
        .is_reserved_zero = is_reserved_zero(r, version),
    };
    read_version(r + 0x1e8, report->current_version);
    read_version(r + 0x1ec, report->committed_version);
    read_newer(r, report);
    return ROTOR_OK;
}

enum rotor_status verify_snp_read_table(struct rotor_bytes bytes,
                                        struct verify_snp_table *table)
{
    struct verify_snp_table read = {0};
    *table = read;
    for (size_t at = 0;; at += TABLE_ENTRY) {
        if (bytes.size < at + TABLE_ENTRY) {
            return ROTOR_MALFORMED;
        }
        const uint8_t *entry = bytes.data + at;
        if (is_zero(entry, entry + TABLE_ENTRY)) {
            break;
        }
        uint32_t offset = bytes_le32(entry + 16);
        uint32_t size = bytes_le32(entry + 20);
        if (read.count == VERIFY_SNP_TABLE_MAX || offset > bytes.size ||
            size > bytes.size - offset) {
            return ROTOR_MALFORMED;
        }
        read.entries[read.count++] = bytes_of(bytes.data + offset, size);
    }
    *table = read;
    return ROTOR_OK;
}
