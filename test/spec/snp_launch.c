// SPDX-License-Identifier: Apache-2.0
// ID blocks and launch digests; the digests are those that virtee/sev expects
// in tests/measurement.rs (Apache-2.0) of the same images.
#include "verify/snp_launch.h"
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/vectors.h"

static struct verify_verdict verdict;

// ---- ID block --------------------------------------------------------------

static const char block_hex[] =
    "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd"
    "13d214b35c231715b38e263dc6059745"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "01000000000000000000030000000000";

struct identity {
    struct vectors v;
    uint8_t block[VERIFY_SNP_ID_BLOCK_SIZE];
    uint8_t auth[VERIFY_SNP_ID_AUTH_SIZE];
};

static bool open_identity(struct identity *identity)
{
    struct rotor_bytes auth;
    if (!vectors_open_bytes(&identity->v, "snp/virtee-sev/id_auth_block.bin",
                            &auth)) {
        return false;
    }
    struct rotor_bytes block = vectors_hex(&identity->v, block_hex);
    assert_int_equal(auth.size, sizeof identity->auth);
    assert_int_equal(block.size, sizeof identity->block);
    memcpy(identity->auth, auth.data, auth.size);
    memcpy(identity->block, block.data, block.size);
    vectors_close(&identity->v);
    return true;
}

static const char *judge(const struct identity *identity)
{
    assert_ok(verify_snp_identity(BYTES_OF(identity->block),
                                  BYTES_OF(identity->auth), &verdict));
    return verify_verdict_is_accepted(&verdict) ? "accepted" : verdict.reason;
}

SPEC("an ID block with one bit of any byte changed is not signed by the ID key")
{
    static struct identity identity;
    if (!open_identity(&identity)) {
        SKIP("no vectors");
    }
    assert_string_equal(judge(&identity), "accepted");
    assert_int_equal(verdict.level, VERIFY_LEVEL_NONE);
    assert_memory_equal(verdict.measurement.bytes, identity.block, 48);
    for (size_t i = 0; i < sizeof identity.block; i++) {
        identity.block[i] ^= (uint8_t)(1u << i % 8);
        assert_string_not_equal(judge(&identity), "accepted");
        assert_int_equal(
            verify_row_named(&verdict, "id block signature")->finding,
            VERIFY_FAILED);
        identity.block[i] ^= (uint8_t)(1u << i % 8);
    }
}

SPEC("an ID authentication with one bit of any byte changed is refused")
{
    static struct identity identity;
    if (!open_identity(&identity)) {
        SKIP("no vectors");
    }
    for (size_t i = 0; i < sizeof identity.auth; i++) {
        // Zeros are the same check again: every seventh is enough.
        if (identity.auth[i] == 0 && i % 7 != 0) {
            continue;
        }
        identity.auth[i] ^= (uint8_t)(1u << i % 8);
        assert_string_not_equal(judge(&identity), "accepted");
        identity.auth[i] ^= (uint8_t)(1u << i % 8);
    }
}

SPEC("without an author key the ID key is the signer")
{
    static struct identity identity;
    if (!open_identity(&identity)) {
        SKIP("no vectors");
    }
    memset(identity.auth + 0x004, 0, 4);
    assert_string_not_equal(judge(&identity), "accepted"); // a key, unused
    memset(identity.auth + 0x680, 0, 512);
    memset(identity.auth + 0x880, 0, 0x404);
    assert_string_equal(judge(&identity), "accepted");
    // The digest that virtee/sev expects of this ID key.
    static const uint8_t start[] = {0x59, 0xfb, 0x2c, 0x68};
    assert_memory_equal(verdict.signer.bytes, start, sizeof start);
}

SPEC("an ID block or authentication of another size is none")
{
    static struct identity identity;
    if (!open_identity(&identity)) {
        SKIP("no vectors");
    }
    for (size_t less = 1; less < 96; less += 19) {
        assert_ok(verify_snp_identity(bytes_of(identity.block, 96 - less),
                                      BYTES_OF(identity.auth), &verdict));
        assert_false(verify_verdict_is_accepted(&verdict));
        assert_ok(verify_snp_identity(BYTES_OF(identity.block),
                                      bytes_of(identity.auth, 4096 - less),
                                      &verdict));
        assert_false(verify_verdict_is_accepted(&verdict));
    }
}

// ---- launch digest ---------------------------------------------------------

// A segment of the save area: selector, attributes, limit, base.
static void put_segment(uint8_t *at, uint16_t selector, uint16_t attributes,
                        uint64_t base)
{
    bytes_put_le16(at, selector);
    bytes_put_le16(at + 2, attributes);
    bytes_put_le32(at + 4, 0xffff);
    bytes_put_le64(at + 8, base);
}

// The save area of a processor in QEMU: its state after reset, as CPU model
// EPYC-v4.  AMD 24593, appendix B; QEMU's reset.
static void fill_vmsa(uint8_t page[VERIFY_SNP_PAGE], uint32_t eip,
                      uint64_t features)
{
    memset(page, 0, VERIFY_SNP_PAGE);
    put_segment(page + 0x000, 0, 0x93, 0);                     // es
    put_segment(page + 0x010, 0xf000, 0x9b, eip & 0xffff0000); // cs
    for (size_t i = 2; i < 6; i++) {
        put_segment(page + 0x010 * i, 0, 0x93, 0); // ss ds fs gs
    }
    put_segment(page + 0x060, 0, 0, 0);       // gdtr
    put_segment(page + 0x070, 0, 0x82, 0);    // ldtr
    put_segment(page + 0x080, 0, 0, 0);       // idtr
    put_segment(page + 0x090, 0, 0x8b, 0);    // tr
    bytes_put_le64(page + 0x0d0, 0x1000);     // efer
    bytes_put_le64(page + 0x148, 0x40);       // cr4
    bytes_put_le64(page + 0x158, 0x10);       // cr0
    bytes_put_le64(page + 0x160, 0x400);      // dr7
    bytes_put_le64(page + 0x168, 0xffff0ff0); // dr6
    bytes_put_le64(page + 0x170, 2);          // rflags
    bytes_put_le64(page + 0x178, eip & 0xffff);
    bytes_put_le64(page + 0x268, 0x7040600070406); // pat
    bytes_put_le64(page + 0x310, 0x800f12);        // rdx: EPYC-v4
    bytes_put_le64(page + 0x3b0, features);
    bytes_put_le64(page + 0x3e8, 1);      // xcr0
    bytes_put_le32(page + 0x408, 0x1f80); // mxcsr
    bytes_put_le16(page + 0x410, 0x37f);  // x87 control word
}

struct launch_case {
    const char *image;
    uint64_t features;
    const char *digest;
};

static const struct launch_case launch_cases[] = {
    {"ovmf_AmdSev_suffix.bin",  0x01,
     "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ec"
     "abe033c48dd6f6db5d6d76e7c5df632d"},
    {"ovmf_AmdSev_suffix.bin",  0x21,
     "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf"
     "281a9278a4a2ebe0eed9f22adbcd0e2b"},
    {"ovmf_OvmfX64_suffix.bin", 0x01,
     "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df2"
     "1e5b49e21523a9ad993afdb6a30b4005"},
    {"ovmf_OvmfX64_suffix.bin", 0x21,
     "28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66"
     "f146aaae26ff291eed7b493d8a64c385"},
};

SPEC("a guest in QEMU has the launch digest that virtee/sev computes")
{
    for (size_t i = 0; i < COUNT_OF(launch_cases); i++) {
        const struct launch_case *c = &launch_cases[i];
        static uint8_t vmsa[VERIFY_SNP_PAGE];
        struct vectors v;
        struct rotor_bytes image;
        struct verify_snp_firmware firmware;
        struct verify_snp_launch launch;
        char path[128];
        snprintf(path, sizeof path, "snp/virtee-sev/%s", c->image);
        if (!vectors_open_bytes(&v, path, &image)) {
            SKIP("no vectors");
        }
        fill_vmsa(vmsa, 0xfffffff0, c->features);
        struct rotor_bytes page = BYTES_OF(vmsa);
        assert_ok(verify_snp_read_firmware(image, &firmware));
        const struct verify_snp_guest guest = {
            .firmware = &firmware, .vmsas = &page, .vmsa_count = 1};
        assert_ok(verify_snp_measure(&guest, &launch));
        struct rotor_bytes expected = vectors_hex(&v, c->digest);
        assert_memory_equal(launch.digest, expected.data, 48);
        vectors_close(&v);
    }
}

SPEC("hashes have a place in firmware that has a section for them, and only "
     "there")
{
    static uint8_t hashes[VERIFY_SNP_PAGE];
    static const char *const images[] = {"ovmf_AmdSev_suffix.bin",
                                         "ovmf_OvmfX64_suffix.bin"};
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        struct vectors v;
        struct rotor_bytes image;
        struct verify_snp_firmware firmware;
        struct verify_snp_launch with;
        struct verify_snp_launch without;
        char path[128];
        snprintf(path, sizeof path, "snp/virtee-sev/%s", images[i]);
        if (!vectors_open_bytes(&v, path, &image)) {
            SKIP("no vectors");
        }
        assert_ok(verify_snp_read_firmware(image, &firmware));
        struct verify_snp_guest guest = {.firmware = &firmware};
        assert_ok(verify_snp_measure(&guest, &without));
        guest.hashes = BYTES_OF(hashes);
        if (i == 0) {
            assert_ok(verify_snp_measure(&guest, &with));
            assert_memory_not_equal(with.digest, without.digest, 48);
            guest.hashes.size--;
        }
        assert_int_equal(verify_snp_measure(&guest, &with), ROTOR_INVALID);
        vectors_close(&v);
    }
}

SPEC("pages that are not whole are the caller's mistake")
{
    static uint8_t pages[2 * VERIFY_SNP_PAGE];
    struct verify_snp_launch launch = {{7}};
    const struct verify_snp_launch before = launch;
    assert_int_equal(verify_snp_launch_add(&launch, VERIFY_SNP_PAGE_NORMAL, 0,
                                           bytes_of(pages, 4097)),
                     ROTOR_INVALID);
    assert_int_equal(verify_snp_launch_add(&launch, VERIFY_SNP_PAGE_NORMAL, 1,
                                           BYTES_OF(pages)),
                     ROTOR_INVALID);
    assert_memory_equal(&launch, &before, sizeof launch);
}

SPEC("place, kind, contents and order of pages all count")
{
    static uint8_t pages[2 * VERIFY_SNP_PAGE];
    struct verify_snp_launch whole = {{0}};
    struct verify_snp_launch parts = {{0}};
    struct verify_snp_launch turned = {{0}};
    struct rotor_bytes one = bytes_of(pages, VERIFY_SNP_PAGE);
    struct rotor_bytes two = bytes_of(pages + VERIFY_SNP_PAGE, VERIFY_SNP_PAGE);
    pages[0] = 1;
    assert_ok(verify_snp_launch_add(&whole, VERIFY_SNP_PAGE_NORMAL, 0x1000,
                                    BYTES_OF(pages)));
    assert_ok(
        verify_snp_launch_add(&parts, VERIFY_SNP_PAGE_NORMAL, 0x1000, one));
    assert_ok(
        verify_snp_launch_add(&parts, VERIFY_SNP_PAGE_NORMAL, 0x2000, two));
    assert_memory_equal(&whole, &parts, sizeof whole);
    assert_ok(
        verify_snp_launch_add(&turned, VERIFY_SNP_PAGE_NORMAL, 0x2000, two));
    assert_ok(
        verify_snp_launch_add(&turned, VERIFY_SNP_PAGE_NORMAL, 0x1000, one));
    assert_memory_not_equal(&whole, &turned, sizeof whole);
    struct verify_snp_launch kinds[7] = {0};
    for (unsigned kind = 1; kind <= 6; kind++) {
        assert_ok(verify_snp_launch_add(
            &kinds[kind], (enum verify_snp_page_kind)kind, 0x1000, one));
        for (unsigned other = 0; other < kind; other++) {
            assert_memory_not_equal(&kinds[kind], &kinds[other],
                                    sizeof kinds[0]);
        }
    }
}

SPEC("firmware that is cut, or whose tables lie, is not read beyond its end")
{
    struct vectors v;
    struct rotor_bytes image;
    struct verify_snp_firmware firmware;
    if (!vectors_open_bytes(&v, "snp/virtee-sev/ovmf_AmdSev_suffix.bin",
                            &image)) {
        SKIP("no vectors");
    }
    static uint8_t copy[4096];
    // Cut before the tables, the metadata or all: refused.  ASan sees the rest.
    for (size_t size = 0; size < 4096; size += 1) {
        memcpy(copy, image.data + 4096 - size, size);
        enum rotor_status status =
            verify_snp_read_firmware(bytes_of(copy, size), &firmware);
        assert_int_equal(status, size >= 0x554 ? ROTOR_OK : ROTOR_MALFORMED);
    }
    memcpy(copy, image.data, sizeof copy);
    // The last four bytes before a size are an offset or an entry's size.
    for (size_t at = 0xf58; at < 0xfe0; at++) {
        for (unsigned value = 0; value < 256; value += 51) {
            copy[at] = (uint8_t)value;
            (void)!verify_snp_read_firmware(BYTES_OF(copy), &firmware);
        }
        copy[at] = image.data[at];
    }
    copy[4096 - 0x554] ^= 1; // "ASEV"
    assert_int_equal(verify_snp_read_firmware(BYTES_OF(copy), &firmware),
                     ROTOR_MALFORMED);
    vectors_close(&v);
}
