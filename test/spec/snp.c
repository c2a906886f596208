// SPDX-License-Identifier: Apache-2.0
// Reports with one thing wrong each, signed again by the key of a test chain:
// the reason names the field's check.
#include "test/spec.h"
#include "test/spec/snp_maker.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/vectors.h"

static struct verify_verdict verdict;

static void expect_accepted(const struct made *made)
{
    made_judge(made, &verdict);
    assert_string_equal(verdict.reason, "accepted");
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.level, VERIFY_LEVEL_HARDWARE);
}

// Rejected, and the first row that failed is `check`.
static void expect_rejected_by(const char *check)
{
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.level, VERIFY_LEVEL_NONE);
    for (size_t i = 0; i < verdict.row_count; i++) {
        if (verdict.rows[i].finding == VERIFY_FAILED) {
            assert_string_equal(verdict.rows[i].check, check);
            assert_string_equal(verdict.reason, verdict.rows[i].why);
            return;
        }
    }
    fail_msg("no row failed, not %s", check);
}

static void open_milan(struct made *made)
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    made_open(made, VERIFY_SNP_MILAN, &leaf);
}

// ---- what is good ----------------------------------------------------------

SPEC("every version of a report of every product is accepted under its key")
{
    for (unsigned p = VERIFY_SNP_MILAN; p < VERIFY_SNP_PRODUCTS; p++) {
        enum verify_snp_product product = (enum verify_snp_product)p;
        struct made_leaf leaf = made_leaf_of(product, VERIFY_SNP_VCEK);
        struct made made;
        made_open(&made, product, &leaf);
        for (uint32_t version = 2; version <= 5; version++) {
            made_report_of(&made, product, version);
            made_sign(&made);
            expect_accepted(&made);
        }
        made_close(&made);
    }
}

SPEC("the verdict says which machine, what runs, who signed it and at what TCB")
{
    struct made made;
    open_milan(&made);
    bytes_put_le64(made.report + 0x008,
                   VERIFY_SNP_POLICY_ONE | VERIFY_SNP_POLICY_DEBUG);
    made_sign(&made);
    expect_accepted(&made);
    assert_int_equal(verdict.backend, VERIFY_BACKEND_SNP);
    assert_int_equal(verdict.instance.size, 64);
    assert_memory_equal(verdict.instance.bytes, made.report + 0x1a0, 64);
    assert_int_equal(verdict.measurement.size, 48);
    assert_memory_equal(verdict.measurement.bytes, made.report + 0x090, 48);
    assert_int_equal(verdict.signer.size, 48);
    assert_memory_equal(verdict.signer.bytes, made.report + 0x0e0, 48);
    assert_int_equal(verdict.tcb.size, 8);
    assert_memory_equal(verdict.tcb.bytes, made.report + 0x180, 8);
    assert_string_equal(verdict.tcb_status, "Current");
    assert_int_equal(verdict.security_version, 3);
    assert_int_equal(verdict.debug, VERIFY_YES);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    made_close(&made);
}

SPEC("an author key is the signer where there is one; without an ID key nobody")
{
    struct made made;
    open_milan(&made);
    made.report[0x048] = 1;
    memset(made.report + 0x110, 0x11, 48);
    made_sign(&made);
    expect_accepted(&made);
    assert_memory_equal(verdict.signer.bytes, made.report + 0x110, 48);
    made.report[0x048] = 0;
    memset(made.report + 0x110, 0, 48);
    memset(made.report + 0x0e0, 0, 48);
    made_sign(&made);
    expect_accepted(&made);
    assert_int_equal(verdict.signer.size, 0);
    made_close(&made);
}

SPEC("a masked chip id is not asked for, and the VCEK says which chip")
{
    struct made made;
    open_milan(&made);
    uint8_t chip[64];
    memcpy(chip, made.report + 0x1a0, 64);
    memset(made.report + 0x1a0, 0, 64);
    made_sign(&made);
    expect_accepted(&made);
    assert_int_equal(verify_row_named(&verdict, "chip id")->finding,
                     VERIFY_NOT_ASKED);
    assert_memory_equal(verdict.instance.bytes, chip, 64);
    made_close(&made);
}

SPEC("a VLEK vouches for a report that names it, and for no chip")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_GENOA, VERIFY_SNP_VLEK);
    struct made made;
    made_open(&made, VERIFY_SNP_GENOA, &leaf);
    expect_accepted(&made);
    assert_int_equal(verify_row_named(&verdict, "chip id")->finding,
                     VERIFY_NOT_ASKED);
    // The report's own word, since the VLEK has none.
    assert_memory_equal(verdict.instance.bytes, made.report + 0x1a0, 64);
    memset(made.report + 0x1a0, 0, 64);
    made_sign(&made);
    expect_accepted(&made);
    assert_int_equal(verdict.instance.size, 0);
    made_close(&made);
}

SPEC("a TCB that is lowered or that can be put back has its word")
{
    struct made made;
    open_milan(&made);
    made.report[0x038 + 7]++; // current
    made_sign(&made);
    expect_accepted(&made);
    assert_string_equal(verdict.tcb_status, "Provisional");
    made.report[0x1e0 + 7]++; // committed
    made_sign(&made);
    expect_accepted(&made);
    assert_string_equal(verdict.tcb_status, "Lowered");
    made_close(&made);
}

SPEC("the report data is bound to what was asked, or to nothing")
{
    struct made made;
    open_milan(&made);
    uint8_t wanted[64];
    memset(wanted, 0x50, sizeof wanted);
    const struct verify_snp_endorsements endorsements = {
        .certificates = made.pool,
        .certificate_count = 2,
        .anchors = &made.root,
        .anchor_count = 1,
    };
    struct verify_asked asked = {.report_data = BYTES_OF(wanted),
                                 .now_s = MADE_TIME};
    assert_ok(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict));
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(verdict.fresh, VERIFY_YES);
    wanted[63] ^= 1;
    assert_ok(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict));
    expect_rejected_by("report data");
    assert_int_equal(verdict.bound, VERIFY_NO);
    made_close(&made);
}

// ---- the report ------------------------------------------------------------

struct field_case {
    const char *check; // that must fail
    size_t at;
    uint8_t value;
};

// In the order of the report.
static const struct field_case field_cases[] = {
    {"report version",      0x000, 1     },
    {"report version",      0x000, 6     },
    {"report version",      0x001, 1     },
    {"policy",              0x00a, 0     }, // bit 17 gone
    {"policy",              0x00b, 4     }, // bit 26
    {"policy",              0x00f, 0x80  },
    {"asked by the guest",  0x030, 4     },
    {"asked by the guest",  0x033, 0xff  },
    {"signature algorithm", 0x034, 2     },
    {"signature algorithm", 0x034, 0     },
    {"signing key",         0x048, 2 << 2},
    {"signing key",         0x048, 7 << 2},
    {"kind of key",         0x048, 1 << 2},
    {"reserved bytes",      0x048, 0x20  },
    {"reserved bytes",      0x04b, 1     },
    {"reserved bytes",      0x04c, 1     },
    {"reserved bytes",      0x04f, 1     },
    {"author key",          0x110, 1     },
    {"author key",          0x13f, 1     },
    {"reported tcb",        0x180, 5     },
    {"reported tcb",        0x187, 218   },
    {"tcb boot loader",     0x180, 3     },
    {"tcb tee",             0x181, 1     },
    {"tcb snp",             0x186, 23    },
    {"tcb microcode",       0x187, 216   },
    {"cpu",                 0x188, 0x1a  },
    {"cpu",                 0x188, 0x17  },
    {"cpu",                 0x189, 0x11  },
    {"reserved bytes",      0x18b, 1     },
    {"reserved bytes",      0x19f, 1     },
    {"chip id",             0x1a0, 0     },
    {"chip id",             0x1df, 0     },
    {"committed tcb",       0x1e0, 5     },
    {"committed tcb",       0x1e7, 218   },
    {"reserved bytes",      0x1eb, 1     },
    {"firmware version",    0x1ec, 30    },
    {"firmware version",    0x1ee, 2     },
    {"reserved bytes",      0x1ef, 1     },
    {"reserved bytes",      0x1f8, 1     },
    {"reserved bytes",      0x207, 1     },
    {"reserved bytes",      0x208, 1     },
    {"reserved bytes",      0x29f, 1     },
};

SPEC("a report with one field wrong, signed again, is refused by its check")
{
    struct made made;
    open_milan(&made);
    for (size_t i = 0; i < COUNT_OF(field_cases); i++) {
        const struct field_case *c = &field_cases[i];
        made_report_of(&made, VERIFY_SNP_MILAN, 3);
        made.report[c->at] = c->value;
        made_sign(&made);
        made_judge(&made, &verdict);
        expect_rejected_by(c->check);
    }
    made_close(&made);
}

SPEC("a chip id of eight bytes has zeros behind it")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_TURIN, VERIFY_SNP_VCEK);
    struct made made;
    made_open(&made, VERIFY_SNP_TURIN, &leaf);
    made.report[0x1a0 + 8] = 1;
    made_sign(&made);
    made_judge(&made, &verdict);
    expect_rejected_by("chip id");
    made_close(&made);
}

SPEC("middle bytes of a TCB are compared too")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_TURIN, VERIFY_SNP_VCEK);
    struct made made;
    made_open(&made, VERIFY_SNP_TURIN, &leaf);
    static const char *const checks[8] = {
        "tcb fmc",    "tcb boot loader", "tcb tee",    "tcb snp",
        "tcb byte 4", "tcb byte 5",      "tcb byte 6", "tcb microcode"};
    for (size_t i = 0; i < 8; i++) {
        made_report_of(&made, VERIFY_SNP_TURIN, 5);
        made.report[0x038 + i]++; // what runs may be newer
        made.report[0x180 + i]++;
        made_sign(&made);
        made_judge(&made, &verdict);
        expect_rejected_by(checks[i]);
    }
    made_close(&made);
}

SPEC("bytes that a later version has a meaning for are reserved before it")
{
    static const struct {
        uint32_t version;
        size_t at;
        bool is_reserved;
    } cases[] = {
        {2, 0x18a, true },
        {3, 0x18a, false},
        {3, 0x1f8, true },
        {4, 0x1f8, false},
        {5, 0x207, false},
        {5, 0x208, true },
    };
    struct made made;
    open_milan(&made);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        made_report_of(&made, VERIFY_SNP_MILAN, cases[i].version);
        made.report[cases[i].at] ^= 1;
        made_sign(&made);
        made_judge(&made, &verdict);
        if (cases[i].is_reserved) {
            expect_rejected_by("reserved bytes");
        } else {
            assert_true(verify_verdict_is_accepted(&verdict));
        }
    }
    made_close(&made);
}

SPEC("a report with one bit of any byte changed is refused")
{
    struct made made;
    open_milan(&made);
    for (size_t i = 0; i < sizeof made.report; i++) {
        made.report[i] ^= (uint8_t)(1u << i % 8);
        made_judge(&made, &verdict);
        assert_false(verify_verdict_is_accepted(&verdict));
        if (i >= VERIFY_SNP_SIGNED_SIZE) {
            bool is_signature = i < VERIFY_SNP_SIGNED_SIZE + 144;
            expect_rejected_by(is_signature ? "report signature"
                                            : "reserved bytes");
        }
        made.report[i] ^= (uint8_t)(1u << i % 8);
    }
    expect_accepted(&made);
    made_close(&made);
}

SPEC("a half of the signature with a number above it is refused")
{
    struct made made;
    open_milan(&made);
    for (size_t i = 0; i < 24; i++) {
        made.report[VERIFY_SNP_SIGNED_SIZE + 48 + i] = 1;
        made_judge(&made, &verdict);
        expect_rejected_by("report signature");
        made.report[VERIFY_SNP_SIGNED_SIZE + 48 + i] = 0;
    }
    made_close(&made);
}

SPEC("any other size is no report")
{
    struct made made;
    open_milan(&made);
    const struct verify_snp_endorsements none = {0};
    const struct verify_asked asked = {.now_s = MADE_TIME};
    static const size_t sizes[] = {0, 1, 4, 672, 1183, 1185, 4096};
    static uint8_t longer[4096];
    memcpy(longer, made.report, sizeof made.report);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_ok(
            verify_snp(bytes_of(longer, sizes[i]), &none, &asked, &verdict));
        expect_rejected_by("report size");
    }
    made_close(&made);
}

// ---- the certificate -------------------------------------------------------

struct leaf_case {
    const char *check;
    const char *oid;
    uint8_t value[6];
    size_t size;
};

#define OID "1.3.6.1.4.1.3704.1."

static const struct leaf_case leaf_cases[] = {
    {"certificate extensions", OID "3.1", {2, 2, 0, 4}, 4}, // not shortest
    {"certificate extensions", OID "3.1", {2, 1, 0x84}, 3}, // negative
    {"certificate extensions", OID "3.1", {2, 2, 1, 4}, 4}, // too large
    {"certificate extensions", OID "3.1", {4, 1, 4},    3},
    {"certificate extensions", OID "3.1", {2, 1, 4, 0}, 4},
    {"certificate extensions", OID "3.1", {2, 2, 4},    3},
    {"certificate extensions", OID "3.1", {2},          1},
    {"certificate extensions", OID "4",   {1, 2, 3},    3},
    {"tcb boot loader",        OID "3.1", {2, 1, 5},    3},
    {"tcb tee",                OID "3.2", {2, 1, 5},    3},
    {"tcb snp",                OID "3.3", {2, 1, 5},    3},
    {"tcb byte 2",             OID "3.4", {2, 1, 5},    3},
    {"tcb byte 3",             OID "3.5", {2, 1, 5},    3},
    {"tcb byte 4",             OID "3.6", {2, 1, 5},    3},
    {"tcb byte 5",             OID "3.7", {2, 1, 5},    3},
    {"tcb microcode",          OID "3.8", {2, 1, 5},    3},
};

SPEC("a leaf with one extension wrong is refused by its check")
{
    for (size_t i = 0; i < COUNT_OF(leaf_cases); i++) {
        const struct leaf_case *c = &leaf_cases[i];
        struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
        struct made_extension *extension = made_find(&leaf, c->oid);
        memcpy(extension->value, c->value, sizeof c->value);
        extension->size = c->size;
        struct made made;
        made_open(&made, VERIFY_SNP_MILAN, &leaf);
        made_judge(&made, &verdict);
        expect_rejected_by(c->check);
        made_close(&made);
    }
}

SPEC("a leaf that lacks an extension, or has one twice, is refused")
{
    struct made_leaf whole = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    for (size_t i = 1; i < whole.count; i++) { // the first is the product
        for (int twice = 0; twice < 2; twice++) {
            struct made_leaf leaf = whole;
            leaf.extensions[i].is_left_out = twice == 0;
            leaf.extensions[i].is_twice = twice == 1;
            struct made made;
            made_open(&made, VERIFY_SNP_MILAN, &leaf);
            made_judge(&made, &verdict);
            expect_rejected_by("certificate extensions");
            made_close(&made);
        }
    }
}

SPEC("a VCEK that names a cloud, and a VLEK that names a chip, are refused")
{
    for (unsigned key = VERIFY_SNP_VCEK; key <= VERIFY_SNP_VLEK; key++) {
        struct made_leaf leaf =
            made_leaf_of(VERIFY_SNP_MILAN, (enum verify_snp_key)key);
        struct made_leaf other =
            made_leaf_of(VERIFY_SNP_MILAN, (enum verify_snp_key)(1 - key));
        leaf.extensions[leaf.count++] = other.extensions[other.count - 1];
        struct made made;
        made_open(&made, VERIFY_SNP_MILAN, &leaf);
        made_judge(&made, &verdict);
        expect_rejected_by("certificate extensions");
        made_close(&made);
    }
}

SPEC("a chip id in an OCTET STRING of its own is the same chip id")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    struct made_extension *chip = made_find(&leaf, OID "4");
    memmove(chip->value + 2, chip->value, 64);
    chip->value[0] = 0x04;
    chip->value[1] = 64;
    chip->size = 66;
    struct made made;
    made_open(&made, VERIFY_SNP_MILAN, &leaf);
    expect_accepted(&made);
    made_close(&made);
}

SPEC("a leaf of another product than its root, or of none, is refused")
{
    static const char *const names[] = {"Genoa",  "Turin",  "Rome",
                                        "Milano", "-Milan", ""};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
        struct made_extension *product = made_find(&leaf, OID "2");
        product->value[1] = (uint8_t)strlen(names[i]);
        memcpy(product->value + 2, names[i], strlen(names[i]));
        product->size = 2 + strlen(names[i]);
        struct made made;
        made_open(&made, VERIFY_SNP_MILAN, &leaf);
        made_judge(&made, &verdict);
        assert_false(verify_verdict_is_accepted(&verdict));
        assert_int_equal(verify_row_named(&verdict, "product")->finding,
                         VERIFY_FAILED);
        made_close(&made);
    }
}

SPEC("a product that nobody knows is not the product of a root that has none")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    struct made made;
    memcpy(made_find(&leaf, OID "2")->value + 2, "Rome-", 5);
    made_open(&made, VERIFY_SNP_NO_PRODUCT, &leaf);
    made_report_of(&made, VERIFY_SNP_MILAN, 2);
    made_sign(&made);
    made_judge(&made, &verdict);
    expect_rejected_by("product");
    made_close(&made);
}

SPEC("a leaf whose name is of no key that signs reports is none")
{
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    struct made made;
    leaf.common_name = "SEV-CEK";
    made_open(&made, VERIFY_SNP_MILAN, &leaf);
    made_judge(&made, &verdict);
    expect_rejected_by("certificate");
    made_close(&made);
}

SPEC("of several leaves the one of the report's chip and TCB is chosen")
{
    struct made one;
    struct made two;
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    made_open(&one, VERIFY_SNP_MILAN, &leaf);
    made_find(&leaf, OID "4")->value[5] ^= 1;
    made_open(&two, VERIFY_SNP_MILAN, &leaf);
    const struct crypto_certificate anchors[] = {two.root, one.root};
    const struct crypto_certificate pool[] = {two.pool[1], two.pool[0],
                                              one.pool[1], one.pool[0]};
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool,
        .certificate_count = 4,
        .anchors = anchors,
        .anchor_count = 2,
    };
    const struct verify_asked asked = {.now_s = MADE_TIME};
    assert_ok(
        verify_snp(BYTES_OF(one.report), &endorsements, &asked, &verdict));
    assert_string_equal(verdict.reason, "accepted");
    made_close(&one);
    made_close(&two);
}

SPEC("of a VCEK and a VLEK the one that the report names is chosen")
{
    struct made chip;
    struct made cloud;
    struct made_leaf leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VCEK);
    made_open(&chip, VERIFY_SNP_MILAN, &leaf);
    leaf = made_leaf_of(VERIFY_SNP_MILAN, VERIFY_SNP_VLEK);
    made_open(&cloud, VERIFY_SNP_MILAN, &leaf);
    const struct crypto_certificate anchors[] = {chip.root, cloud.root};
    const struct crypto_certificate pool[] = {chip.pool[0], chip.pool[1],
                                              cloud.pool[0], cloud.pool[1]};
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool,
        .certificate_count = 4,
        .anchors = anchors,
        .anchor_count = 2,
    };
    const struct verify_asked asked = {.now_s = MADE_TIME};
    assert_ok(
        verify_snp(BYTES_OF(cloud.report), &endorsements, &asked, &verdict));
    assert_string_equal(verdict.reason, "accepted");
    made_close(&chip);
    made_close(&cloud);
}

// ---- the chain -------------------------------------------------------------

SPEC("a root that only came along vouches for nothing")
{
    struct made made;
    open_milan(&made);
    const struct crypto_certificate pool[] = {made.pool[0], made.pool[1],
                                              made.root};
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool, .certificate_count = 3};
    const struct verify_asked asked = {.now_s = MADE_TIME};
    assert_ok(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict));
    expect_rejected_by("certificate chain");
    assert_string_equal(verdict.reason, "leads to no trusted root");
    made_close(&made);
}

SPEC("a chain that is expired at the given time is refused")
{
    struct made made;
    open_milan(&made);
    const struct verify_snp_endorsements endorsements = {
        .certificates = made.pool,
        .certificate_count = 2,
        .anchors = &made.root,
        .anchor_count = 1,
    };
    struct verify_asked asked = {.now_s = MADE_TIME + 1001};
    assert_ok(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict));
    expect_rejected_by("certificate chain");
    assert_string_equal(verdict.reason, "expired");
    asked.now_s = MADE_TIME - 1001;
    assert_ok(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict));
    assert_string_equal(verdict.reason, "not yet valid");
    made_close(&made);
}

SPEC("a report that another leaf of the same chain signed is refused")
{
    struct made made;
    open_milan(&made);
    EVP_PKEY *right = made.leaf_key;
    made.leaf_key = made.issuer_key;
    made_sign(&made);
    made.leaf_key = right;
    made_judge(&made, &verdict);
    expect_rejected_by("report signature");
    made_close(&made);
}

SPEC("more endorsements than are taken are the caller's mistake")
{
    struct made made;
    open_milan(&made);
    const struct verify_snp_endorsements endorsements = {
        .certificates = made.pool, .certificate_count = 61};
    const struct verify_asked asked = {.now_s = MADE_TIME};
    assert_int_equal(
        verify_snp(BYTES_OF(made.report), &endorsements, &asked, &verdict),
        ROTOR_INVALID);
    assert_false(verify_verdict_is_accepted(&verdict));
    made_close(&made);
}

SPEC("families and models name their products")
{
    static const struct {
        uint8_t family;
        uint8_t model;
        enum verify_snp_product product;
    } cases[] = {
        {0x19, 0x00, VERIFY_SNP_MILAN},
        {0x19, 0x0f, VERIFY_SNP_MILAN},
        {0x19, 0x10, VERIFY_SNP_GENOA},
        {0x19, 0x1f, VERIFY_SNP_GENOA},
        {0x19, 0xa0, VERIFY_SNP_GENOA},
        {0x19, 0xaf, VERIFY_SNP_GENOA},
        {0x1a, 0x00, VERIFY_SNP_TURIN},
        {0x1a, 0x1f, VERIFY_SNP_TURIN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum verify_snp_product product = cases[i].product;
        struct made_leaf leaf = made_leaf_of(product, VERIFY_SNP_VCEK);
        struct made made;
        made_open(&made, product, &leaf);
        made.report[0x188] = cases[i].family;
        made.report[0x189] = cases[i].model;
        made_sign(&made);
        expect_accepted(&made);
        made_close(&made);
    }
}

// ---- the host's table ------------------------------------------------------

static size_t put_entry(uint8_t *table, size_t index, uint32_t offset,
                        uint32_t size)
{
    memset(table + 24 * index, (int)(index + 1), 16);
    bytes_put_le32(table + 24 * index + 16, offset);
    bytes_put_le32(table + 24 * index + 20, size);
    return index + 1;
}

SPEC("certificates that a host hands out are found where its table says")
{
    uint8_t bytes[200] = {0};
    struct verify_snp_table table;
    size_t count = put_entry(bytes, 0, 72, 100);
    put_entry(bytes, count, 172, 28);
    assert_ok(verify_snp_read_table(BYTES_OF(bytes), &table));
    assert_int_equal(table.count, 2);
    assert_ptr_equal(table.entries[0].data, bytes + 72);
    assert_int_equal(table.entries[0].size, 100);
    assert_ptr_equal(table.entries[1].data, bytes + 172);
    assert_int_equal(table.entries[1].size, 28);
    // The bytes as they are, and no table at all.
    memset(bytes, 0, sizeof bytes);
    assert_ok(verify_snp_read_table(BYTES_OF(bytes), &table));
    assert_int_equal(table.count, 0);
    assert_int_equal(verify_snp_read_table(bytes_of(bytes, 23), &table),
                     ROTOR_MALFORMED);
    assert_int_equal(verify_snp_read_table(bytes_of(bytes, 0), &table),
                     ROTOR_MALFORMED);
}

SPEC("a table without an end, with an entry outside or with too many is none")
{
    static uint8_t bytes[24 * 18];
    struct verify_snp_table table;
    static const uint32_t outside[][2] = {
        {433,        0         },
        {432,        1         },
        {0,          433       },
        {0xffffffff, 1         },
        {1,          0xffffffff}
    };
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        memset(bytes, 0, sizeof bytes);
        put_entry(bytes, 0, outside[i][0], outside[i][1]);
        assert_int_equal(verify_snp_read_table(BYTES_OF(bytes), &table),
                         ROTOR_MALFORMED);
    }
    memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < 16; i++) {
        put_entry(bytes, i, 0, 1);
    }
    assert_ok(verify_snp_read_table(BYTES_OF(bytes), &table));
    assert_int_equal(table.count, 16);
    assert_int_equal(verify_snp_read_table(bytes_of(bytes, 24 * 16), &table),
                     ROTOR_MALFORMED);
    put_entry(bytes, 16, 0, 1);
    assert_int_equal(verify_snp_read_table(BYTES_OF(bytes), &table),
                     ROTOR_MALFORMED);
    assert_int_equal(table.count, 0);
}
