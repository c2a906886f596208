// SPDX-License-Identifier: Apache-2.0
// How a SEV-SNP guest is launched: what its owner signed, and how the firmware
// measures what is put into its memory.
//
// A report names the measurement and the owner's keys; this is what they are
// compared with.  doc/PROTOCOL.evidence 2.5.  Source: AMD 56860, 8.14 to 8.18.
#ifndef ROTOR_VERIFY_SNP_LAUNCH_H
#define ROTOR_VERIFY_SNP_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/verdict.h"

// ---- what the owner signed -------------------------------------------------

#define VERIFY_SNP_ID_BLOCK_SIZE 96u   // bytes
#define VERIFY_SNP_ID_AUTH_SIZE  4096u // bytes

// Judges an ID block and its authentication: the ID key signed the block, and
// an author key, if there is one, signed the ID key.  The verdict's signer is
// the digest that a report has of the author key, else of the ID key.  Its
// level stays NONE: an owner speaks here, no processor.
ROTOR_CALL verify_snp_identity(struct rotor_bytes id_block,
                               struct rotor_bytes id_auth,
                               struct verify_verdict *verdict);

// ---- what firmware says about itself ---------------------------------------

enum verify_snp_section_kind {
    VERIFY_SNP_SECTION_MEMORY = 1,
    VERIFY_SNP_SECTION_SECRETS = 2,
    VERIFY_SNP_SECTION_CPUID = 3,
    VERIFY_SNP_SECTION_CALLING_AREA = 4, // of an SVSM
    VERIFY_SNP_SECTION_HASHES = 0x10,    // of kernel, initrd and command line
};

struct verify_snp_section {
    uint32_t address; // in the guest
    uint32_t size;    // bytes
    uint32_t kind;    // enum verify_snp_section_kind
};

#define VERIFY_SNP_SECTIONS_MAX 16u

// Views are into the image.
struct verify_snp_firmware {
    struct rotor_bytes image;
    uint32_t reset_eip;      // where further processors begin; 0: not said
    uint32_t hashes_address; // 0: no table of hashes
    uint32_t hashes_size;
    struct verify_snp_section sections[VERIFY_SNP_SECTIONS_MAX];
    size_t section_count;
};

// Reads the tables at the end of an OVMF image, or of its last part.
//
// ROTOR_MALFORMED  no such tables, or tables that contradict the size.
ROTOR_CALL verify_snp_read_firmware(struct rotor_bytes image,
                                    struct verify_snp_firmware *firmware);

// ---- the launch digest -----------------------------------------------------

#define VERIFY_SNP_PAGE 4096u // bytes

enum verify_snp_page_kind {
    VERIFY_SNP_PAGE_NORMAL = 1,
    VERIFY_SNP_PAGE_VMSA = 2,
    VERIFY_SNP_PAGE_ZERO = 3,
    VERIFY_SNP_PAGE_UNMEASURED = 4,
    VERIFY_SNP_PAGE_SECRETS = 5,
    VERIFY_SNP_PAGE_CPUID = 6,
};

// All zero is the state before the first page.
struct verify_snp_launch {
    uint8_t digest[48];
};

// Adds pages from `address` on.  `bytes` is what NORMAL and VMSA pages hold;
// the others are measured by their place alone and take bytes.size from it.
//
// ROTOR_INVALID  not whole pages.
ROTOR_CALL verify_snp_launch_add(struct verify_snp_launch *launch,
                                 enum verify_snp_page_kind kind,
                                 uint64_t address, struct rotor_bytes bytes);

// What QEMU puts into a guest: the image below 4 GiB, its sections in their
// order, a page of hashes (empty: none is given), then one VMSA a processor.
struct verify_snp_guest {
    const struct verify_snp_firmware *firmware;
    struct rotor_bytes hashes; // one page, or empty
    const struct rotor_bytes *vmsas;
    size_t vmsa_count;
};

// ROTOR_INVALID    pages of another size, or hashes that have no place.
// ROTOR_MALFORMED  a section of a kind that is not known here.
ROTOR_CALL verify_snp_measure(const struct verify_snp_guest *guest,
                              struct verify_snp_launch *launch);

#endif
