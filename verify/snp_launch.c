// SPDX-License-Identifier: Apache-2.0
// Launch digest: AMD 56860, 8.17.2.  Tables of OVMF: OvmfPkg/ResetVector of
// EDK II.
#include "verify/snp_launch.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#define TOP           (UINT64_C(1) << 32)      // the image ends here
#define IMAGE_MAX     (64u << 20)              // bytes
#define VMSA_ADDRESS  UINT64_C(0xfffffffff000) // of every VMSA
#define INFO_SIZE     0x70u
#define TABLE_END     32u // bytes behind the tables: the reset vector
#define ENTRY_HEAD    18u // bytes: size, GUID
#define METADATA_HEAD 16u // bytes
#define SECTION_SIZE  12u // bytes
// Longer sections are nobody's and would take long to measure.
#define SECTION_BYTES_MAX (16u << 20)

#define GUID_SIZE 16u
static const uint8_t guid_tables[GUID_SIZE] = {
    0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
    0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
static const uint8_t guid_metadata[GUID_SIZE] = {
    0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
    0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc};
static const uint8_t guid_hashes[GUID_SIZE] = {
    0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
    0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54};
static const uint8_t guid_reset[GUID_SIZE] = {
    0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
    0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e};

// ---- tables ----------------------------------------------------------------

static bool read_sections(struct verify_snp_firmware *firmware,
                          uint32_t from_end)
{
    struct rotor_bytes image = firmware->image;
    if (from_end > image.size || from_end < METADATA_HEAD) {
        return false;
    }
    const uint8_t *head = image.data + image.size - from_end;
    uint32_t size = bytes_le32(head + 4);
    uint32_t count = bytes_le32(head + 12);
    if (memcmp(head, "ASEV", 4) != 0 || bytes_le32(head + 8) != 1 ||
        count > VERIFY_SNP_SECTIONS_MAX ||
        size != METADATA_HEAD + count * SECTION_SIZE || size > from_end) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = head + METADATA_HEAD + (size_t)i * SECTION_SIZE;
        firmware->sections[i] = (struct verify_snp_section){
            bytes_le32(at), bytes_le32(at + 4), bytes_le32(at + 8)};
        if (firmware->sections[i].size > SECTION_BYTES_MAX) {
            return false;
        }
    }
    firmware->section_count = count;
    return true;
}

static bool read_entry(struct verify_snp_firmware *firmware,
                       const uint8_t *guid, struct rotor_bytes data)
{
    if (memcmp(guid, guid_metadata, GUID_SIZE) == 0) {
        return data.size == 4 && firmware->section_count == 0 &&
               read_sections(firmware, bytes_le32(data.data));
    }
    if (memcmp(guid, guid_hashes, GUID_SIZE) == 0 && data.size == 8) {
        firmware->hashes_address = bytes_le32(data.data);
        firmware->hashes_size = bytes_le32(data.data + 4);
    }
    if (memcmp(guid, guid_reset, GUID_SIZE) == 0 && data.size == 4) {
        firmware->reset_eip = bytes_le32(data.data);
    }
    return true;
}

// Entries stand one before the other and are read from the last: data, size of
// the entry, GUID.
static bool read_entries(struct verify_snp_firmware *firmware,
                         struct rotor_bytes entries)
{
    size_t left = entries.size;
    while (left > 0) {
        if (left < ENTRY_HEAD) {
            return false;
        }
        const uint8_t *end = entries.data + left;
        size_t size = bytes_le16(end - ENTRY_HEAD);
        if (size < ENTRY_HEAD || size > left ||
            !read_entry(firmware, end - GUID_SIZE,
                        bytes_of(end - size, size - ENTRY_HEAD))) {
            return false;
        }
        left -= size;
    }
    return true;
}

enum rotor_status verify_snp_read_firmware(struct rotor_bytes image,
                                           struct verify_snp_firmware *firmware)
{
    *firmware = (struct verify_snp_firmware){0};
    if (image.size < TABLE_END + ENTRY_HEAD) {
        return ROTOR_MALFORMED;
    }
    const uint8_t *end = image.data + image.size - TABLE_END;
    size_t size = bytes_le16(end - ENTRY_HEAD);
    if (memcmp(end - GUID_SIZE, guid_tables, GUID_SIZE) != 0 ||
        size < ENTRY_HEAD || size > image.size - TABLE_END) {
        return ROTOR_MALFORMED;
    }
    struct verify_snp_firmware read = {.image = image};
    if (!read_entries(&read, bytes_of(end - size, size - ENTRY_HEAD))) {
        return ROTOR_MALFORMED;
    }
    *firmware = read;
    return ROTOR_OK;
}

// ---- digest ----------------------------------------------------------------

static bool holds_bytes(enum verify_snp_page_kind kind)
{
    return kind == VERIFY_SNP_PAGE_NORMAL || kind == VERIFY_SNP_PAGE_VMSA;
}

// PAGE_INFO, whose hash is the next digest.
static enum rotor_status add_page(struct verify_snp_launch *launch,
                                  enum verify_snp_page_kind kind,
                                  uint64_t address, const uint8_t *page)
{
    uint8_t info[INFO_SIZE] = {0}; // not secret, not wiped
    uint8_t digest[CRYPTO_HASH_MAX];
    memcpy(info, launch->digest, sizeof launch->digest);
    if (holds_bytes(kind)) {
        const struct rotor_bytes bytes = bytes_of(page, VERIFY_SNP_PAGE);
        TRY(crypto_hash(CRYPTO_SHA384, &bytes, 1, digest));
        memcpy(info + 48, digest, 48);
    }
    bytes_put_le16(info + 96, INFO_SIZE);
    info[98] = (uint8_t)kind;
    bytes_put_le64(info + 104, address);
    const struct rotor_bytes all = BYTES_OF(info);
    TRY(crypto_hash(CRYPTO_SHA384, &all, 1, digest));
    memcpy(launch->digest, digest, sizeof launch->digest);
    return ROTOR_OK;
}

enum rotor_status verify_snp_launch_add(struct verify_snp_launch *launch,
                                        enum verify_snp_page_kind kind,
                                        uint64_t address,
                                        struct rotor_bytes bytes)
{
    if (bytes.size % VERIFY_SNP_PAGE != 0 || address % VERIFY_SNP_PAGE != 0) {
        return ROTOR_INVALID;
    }
    struct verify_snp_launch next = *launch;
    for (size_t at = 0; at < bytes.size; at += VERIFY_SNP_PAGE) {
        const uint8_t *page = holds_bytes(kind) ? bytes.data + at : NULL;
        TRY(add_page(&next, kind, address + at, page));
    }
    *launch = next;
    return ROTOR_OK;
}

static enum rotor_status add_hashes(struct verify_snp_launch *launch,
                                    const struct verify_snp_section *section,
                                    struct rotor_bytes hashes)
{
    struct rotor_bytes place = {NULL, section->size};
    if (bytes_are_empty(hashes)) {
        return verify_snp_launch_add(launch, VERIFY_SNP_PAGE_ZERO,
                                     section->address, place);
    }
    if (hashes.size != section->size) {
        return ROTOR_INVALID;
    }
    return verify_snp_launch_add(launch, VERIFY_SNP_PAGE_NORMAL,
                                 section->address, hashes);
}

static enum rotor_status add_section(struct verify_snp_launch *launch,
                                     const struct verify_snp_section *section,
                                     struct rotor_bytes hashes)
{
    struct rotor_bytes place = {NULL, section->size};
    switch (section->kind) {
    case VERIFY_SNP_SECTION_MEMORY:
    case VERIFY_SNP_SECTION_CALLING_AREA:
        return verify_snp_launch_add(launch, VERIFY_SNP_PAGE_ZERO,
                                     section->address, place);
    case VERIFY_SNP_SECTION_SECRETS:
        return verify_snp_launch_add(launch, VERIFY_SNP_PAGE_SECRETS,
                                     section->address, place);
    case VERIFY_SNP_SECTION_CPUID:
        return verify_snp_launch_add(launch, VERIFY_SNP_PAGE_CPUID,
                                     section->address, place);
    case VERIFY_SNP_SECTION_HASHES:
        return add_hashes(launch, section, hashes);
    default:
        return ROTOR_MALFORMED;
    }
}

static bool has_place_for_hashes(const struct verify_snp_firmware *firmware)
{
    for (size_t i = 0; i < firmware->section_count; i++) {
        if (firmware->sections[i].kind == VERIFY_SNP_SECTION_HASHES) {
            return true;
        }
    }
    return false;
}

enum rotor_status verify_snp_measure(const struct verify_snp_guest *guest,
                                     struct verify_snp_launch *launch)
{
    const struct verify_snp_firmware *firmware = guest->firmware;
    struct verify_snp_launch next = {{0}};
    *launch = next;
    if (firmware->image.size > IMAGE_MAX ||
        (!bytes_are_empty(guest->hashes) && !has_place_for_hashes(firmware))) {
        return ROTOR_INVALID;
    }
    TRY(verify_snp_launch_add(&next, VERIFY_SNP_PAGE_NORMAL,
                              TOP - firmware->image.size, firmware->image));
    for (size_t i = 0; i < firmware->section_count; i++) {
        TRY(add_section(&next, &firmware->sections[i], guest->hashes));
    }
    for (size_t i = 0; i < guest->vmsa_count; i++) {
        if (guest->vmsas[i].size != VERIFY_SNP_PAGE) {
            return ROTOR_INVALID;
        }
        TRY(verify_snp_launch_add(&next, VERIFY_SNP_PAGE_VMSA, VMSA_ADDRESS,
                                  guest->vmsas[i]));
    }
    *launch = next;
    return ROTOR_OK;
}
