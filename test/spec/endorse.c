// SPDX-License-Identifier: Apache-2.0
// Endorsements: taken apart, opened, and one vendor's picked out; and what a
// file of evidence is by its content.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign_detect.h"
#include "base/bytes.h"
#include "endorse/facts.h"
#include "endorse/opened.h"
#include "endorse/set.h"
#include "test/spec.h"
#include "test/spec/vectors.h"

static struct endorse_set set;

static bool read_vector(const char *path)
{
    struct vectors v;
    struct rotor_bytes content;
    if (!vectors_open_bytes(&v, path, &content)) {
        return false;
    }
    assert_ok(endorse_set_read(&set, content));
    vectors_close(&v);
    return true;
}

static size_t count_of(enum endorse_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < set.count; i++) {
        count += set.items[i].kind == kind ? 1 : 0;
    }
    return count;
}

SPEC("a time has one form, and the 29th of February comes in leap years only")
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0         },
        {"2026-11-25T22:11:05Z", 1795644665},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2000-02-29T00:00:00Z", 951782400 },
        {"2049-12-31T23:59:59Z", 2524607999},
    };
    static const char *const bad[] = {
        "",
        "2026-11-25",
        "2026-11-25T22:11:05",
        "2026-11-25 22:11:05Z",
        "2026-11-25T22:11:05z",
        "2026-11-25T22:11:05+01:00",
        "2026-11-25T22:11:05ZZ",
        "2026-13-25T22:11:05Z",
        "2026-00-25T22:11:05Z",
        "2026-11-31T22:11:05Z",
        "2026-11-00T22:11:05Z",
        "2025-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-25T24:00:00Z",
        "2026-11-25T22:60:05Z",
        "2026-11-25T22:11:60Z",
        "1969-12-31T23:59:59Z",
        "26-11-25T22:11:05Z",
        "-026-11-25T22:11:05Z",
        "2026- 1-25T22:11:05Z",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t seconds = -1;
        assert_ok(endorse_time_read(good[i].text, &seconds));
        assert_int_equal(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t seconds = -1;
        if (endorse_time_read(bad[i], &seconds) != ROTOR_MALFORMED) {
            fail_msg("%s", bad[i]);
        }
    }
}

SPEC("a statement that is there twice is one, and a file that is half good "
     "leaves the set as it was")
{
    if (!read_vector("snp/amd-roots/ask_ark_milan.pem")) {
        SKIP("no vectors");
    }
    assert_int_equal(set.count, 2);
    assert_true(read_vector("snp/amd-roots/ask_ark_milan.pem"));
    assert_int_equal(set.count, 2);
    struct vectors v;
    struct rotor_bytes pem;
    assert_true(
        vectors_open_bytes(&v, "snp/amd-roots/ask_ark_genoa.pem", &pem));
    for (size_t cut = 10; cut < pem.size; cut += 97) {
        assert_int_equal(
            endorse_set_read(&set, bytes_of(pem.data, pem.size - cut)),
            ROTOR_MALFORMED);
        assert_int_equal(set.count, 2);
    }
    vectors_close(&v);
    endorse_set_close(&set);
}

SPEC("a collection of Intel's library comes apart into what it is made of, "
     "each statement as Intel signed it")
{
    if (!read_vector("sgx-tdx/phala-dcap-qvl/tdx_quote_collateral.json")) {
        SKIP("no vectors");
    }
    assert_int_equal(count_of(ENDORSE_CERTIFICATE), 3);
    assert_int_equal(count_of(ENDORSE_CRL), 2);
    assert_int_equal(count_of(ENDORSE_TCB_INFO), 1);
    assert_int_equal(count_of(ENDORSE_QE_IDENTITY), 1);
    struct endorse_opened opened;
    assert_ok(endorse_open(&set, 1750809600, &opened));
    assert_int_equal(opened.tcb_info_count, 1);
    assert_int_equal(opened.qe_identity_count, 1);
    endorse_opened_close(&opened);
    endorse_set_keep(&set, ENDORSE_CERTIFICATE);
    assert_int_equal(count_of(ENDORSE_CERTIFICATE), 3);
    assert_int_equal(set.count, 3);
    endorse_set_close(&set);
}

SPEC("of several statements on one platform the one that is current is taken, "
     "else the newest")
{
    if (!read_vector("sgx-tdx/phala-dcap-qvl/tdx_quote_collateral.json") ||
        !read_vector("sgx-tdx/phala-dcap-qvl/near_quote_collateral.json") ||
        !read_vector(
            "sgx-tdx/phala-dcap-qvl/tdx_quote_outdated_collateral.json")) {
        SKIP("no vectors");
    }
    static const struct {
        int64_t now_s;
        const char *issued; // the QE identity of TDs
    } rows[] = {
        {1750809600, "2025-06-19T10:32:27Z"}, // 2025-06-25
        {1757462400, "2025-09-02T07:10:03Z"}, // 2025-09-10
        {1772323200, "2026-02-18T10:42:15Z"}, // 2026-03-01
        {1900000000, "2026-02-18T10:42:15Z"}, // behind all of them
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct endorse_opened opened;
        int64_t issued_s = 0;
        assert_ok(endorse_time_read(rows[i].issued, &issued_s));
        assert_ok(endorse_open(&set, rows[i].now_s, &opened));
        assert_int_equal(opened.qe_identity_count, 1);
        assert_int_equal(opened.qe_identities[0].statement.issued_s, issued_s);
        endorse_opened_close(&opened);
    }
    endorse_set_close(&set);
}

SPEC("a family is what leads to its roots by name; lists of others stay out")
{
    if (!read_vector("sgx-tdx/phala-dcap-qvl/sgx_quote_collateral.json") ||
        !read_vector("snp/amd-roots/ask_ark_milan.pem") ||
        !read_vector("snp/amd-roots/ask_ark_genoa_vlek.pem")) {
        SKIP("no vectors");
    }
    struct endorse_opened opened;
    struct endorse_family family;
    assert_ok(endorse_open(&set, 1750809600, &opened));
    const struct endorse_lineage amd = {.issuer = "Advanced Micro Devices"};
    endorse_family_of(&opened, &amd, &family);
    assert_int_equal(family.certificate_count, 4);
    assert_int_equal(family.crl_count, 0);
    const struct endorse_lineage intel = {.issuer = "Intel SGX"};
    endorse_family_of(&opened, &intel, &family);
    assert_int_equal(family.certificate_count, 3);
    assert_int_equal(family.crl_count, 2);
    assert_true(family.oldest_s > 0 && family.oldest_s < 1750809600);
    const struct endorse_lineage nobody = {.issuer = "Nobody"};
    endorse_family_of(&opened, &nobody, &family);
    assert_int_equal(family.certificate_count, 0);
    assert_int_equal(family.crl_count, 0);
    endorse_opened_close(&opened);
    endorse_set_close(&set);
}

// ---- evidence --------------------------------------------------------------

SPEC("hex is taken for the bytes that it stands for, blanks and 0x aside; "
     "anything else stays as it is")
{
    static const struct {
        const char *before, *behind; // around 40 times "c3"
        size_t used;                 // 0: as it was
    } rows[] = {
        {"",     "",     40},
        {"",     "\n",   40},
        {"0x",   "",     40},
        {"0X",   "\r\n", 40},
        {" \t",  " ",    40},
        {"0A ",  "fF",   42},
        {"a",    "",     0 },
        {"g",    "0",    0 },
        {"0x0x", "",     0 },
        {"",     ";",    0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s", rows[i].before);
        for (int n = 0; n < 40; n++) {
            strcat(text, "c3");
        }
        strcat(text, rows[i].behind);
        struct rotor_room room = {(uint8_t *)text, sizeof text, strlen(text)};
        size_t before = room.used;
        foreign_untext(&room);
        assert_int_equal(room.used, rows[i].used != 0 ? rows[i].used : before);
        if (rows[i].used == 40) {
            for (size_t n = 0; n < 40; n++) {
                assert_int_equal(room.data[n], 0xc3);
            }
        }
    }
    char few[] = "00112233";
    struct rotor_room room = {(uint8_t *)few, 8, 8};
    foreign_untext(&room);
    assert_int_equal(room.used, 8);
}

SPEC("a kind of evidence has a name, and the name the kind")
{
    for (int i = FOREIGN_ROTOR; i < FOREIGN_FORMAT_COUNT; i++) {
        enum foreign_format format = FOREIGN_UNKNOWN;
        assert_true(foreign_format_named(
            foreign_format_name((enum foreign_format)i), &format));
        assert_int_equal(format, i);
    }
    enum foreign_format format = FOREIGN_UNKNOWN;
    assert_false(foreign_format_named("unknown", &format));
    assert_false(foreign_format_named("", &format));
}
