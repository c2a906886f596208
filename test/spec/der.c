// SPDX-License-Identifier: Apache-2.0
// DER in its one form, and the extension that names a platform.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"
#include "test/spec/dcap_pki.h"
#include "test/spec/hex.h"
#include "verify/der.h"

// From the heap, of exactly that size.
static struct rotor_bytes exact(struct rotor_bytes bytes, uint8_t **kept)
{
    *kept = malloc(bytes.size == 0 ? 1 : bytes.size);
    assert_non_null(*kept);
    memcpy(*kept, bytes.data, bytes.size);
    return (struct rotor_bytes){*kept, bytes.size};
}

static enum rotor_status next(const char *hex,
                              struct verify_der_element *element, size_t *left)
{
    uint8_t bytes[512];
    uint8_t *kept = NULL;
    struct rotor_bytes rest = exact(from_hex(hex, bytes), &kept);
    enum rotor_status status = verify_der_next(&rest, element);
    *left = rest.size;
    free(kept);
    return status;
}

SPEC("an element is taken with its tag, its content and what follows")
{
    static const struct {
        const char *hex;
        uint8_t tag;
        size_t head, size, left;
    } rows[] = {
        {"0500",         0x05, 2, 0, 0},
        {"040201020304", 0x04, 2, 2, 2},
        {"3003020101",   0x30, 2, 3, 0},
        {"a0020500ff",   0xa0, 2, 2, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct verify_der_element element;
        size_t left = 0;
        assert_ok(next(rows[i].hex, &element, &left));
        assert_int_equal(element.tag, rows[i].tag);
        assert_int_equal(element.content.size, rows[i].size);
        assert_int_equal(element.whole.size, rows[i].head + rows[i].size);
        assert_int_equal(left, rows[i].left);
    }
}

SPEC("lengths of two and three bytes are taken where shorter ones are too few")
{
    static const struct {
        uint8_t head[6];
        size_t head_size, size;
    } rows[] = {
        {{0x04, 0x7f},                   2, 127  },
        {{0x04, 0x81, 0x80},             3, 128  },
        {{0x04, 0x81, 0xff},             3, 255  },
        {{0x04, 0x82, 0x01, 0x00},       4, 256  },
        {{0x04, 0x83, 0x01, 0x00, 0x00}, 5, 65536},
    };
    static uint8_t bytes[65536 + 6];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct verify_der_element element;
        memcpy(bytes, rows[i].head, rows[i].head_size);
        struct rotor_bytes rest = {bytes, rows[i].head_size + rows[i].size};
        assert_ok(verify_der_next(&rest, &element));
        assert_int_equal(element.content.size, rows[i].size);
        rest = bytes_of(bytes, rows[i].head_size + rows[i].size - 1);
        assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
        assert_int_equal(rest.size, rows[i].head_size + rows[i].size - 1);
    }
}

SPEC("a length in a longer form than needed, without end, or past the end is "
     "refused")
{
    static const char *const rows[] = {
        "",           "04",           "0401",           "0402ff",
        "0480",       "04800000",     "048100",         "04817f",
        "0481",       "0482",         "048201",         "04820001ff",
        "048200ff00", "0483000100ff", "04840000000100", "04ff",
        "1f0100",     "3f0100",       "bf8101",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct verify_der_element element;
        size_t left = 0;
        assert_int_equal(next(rows[i], &element, &left), ROTOR_MALFORMED);
        assert_int_equal(left, strlen(rows[i]) / 2);
    }
    // Long enough, but for the form of the length.
    static uint8_t bytes[300] = {0x04, 0x82, 0x00, 0xff};
    struct rotor_bytes rest = BYTES_OF(bytes);
    struct verify_der_element element;
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
    static uint8_t short_one[200] = {0x04, 0x81, 0x10};
    rest = BYTES_OF(short_one);
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
    static uint8_t four[300] = {0x04, 0x84, 0x00, 0x00, 0x01, 0x00};
    rest = BYTES_OF(four);
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
    static uint8_t much[300] = {0x04, 0x84, 0x01, 0x00, 0x00, 0x10};
    rest = BYTES_OF(much);
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
    static uint8_t wrapped[300] = {0x04, 0x89, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x90};
    rest = BYTES_OF(wrapped);
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
    static uint8_t endless[300] = {0x30, 0x80};
    rest = BYTES_OF(endless);
    assert_int_equal(verify_der_next(&rest, &element), ROTOR_MALFORMED);
}

SPEC("an element of another tag stays where it is")
{
    static const uint8_t bytes[] = {0x02, 0x01, 0x07};
    struct rotor_bytes rest = BYTES_OF(bytes);
    struct rotor_bytes content;
    assert_int_equal(verify_der_take(&rest, VERIFY_DER_OCTETS, &content),
                     ROTOR_MALFORMED);
    assert_int_equal(rest.size, 3);
    assert_ok(verify_der_take(&rest, VERIFY_DER_INTEGER, &content));
    assert_int_equal(rest.size, 0);
}

SPEC("a number is not negative, not padded and has 32 bits")
{
    static const struct {
        const char *hex;
        uint32_t number;
    } good[] = {
        {"00",         0         },
        {"7f",         127       },
        {"0080",       128       },
        {"0100",       256       },
        {"7fffffff",   INT32_MAX },
        {"00ffffffff", UINT32_MAX},
    };
    static const char *const bad[] = {
        "",     "80",         "ff",           "0000",       "007f",
        "8000", "0100000000", "0000ffffffff", "00000000ff",
    };
    uint8_t bytes[8];
    uint32_t number = 0;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_ok(verify_der_number(from_hex(good[i].hex, bytes), &number));
        assert_int_equal(number, good[i].number);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(verify_der_number(from_hex(bad[i], bytes), &number),
                         ROTOR_MALFORMED);
    }
}

// ---- the extension ---------------------------------------------------------

SPEC("the platform of a PCK is read out of its extension")
{
    struct dcap_plan plan;
    struct verify_dcap_platform platform;
    uint8_t bytes[1024];
    dcap_plan_sgx(&plan);
    for (uint8_t i = 0; i < 16; i++) {
        plan.platform.components[i] = (uint8_t)(250 - 7 * i);
        plan.platform.cpusvn[i] = i;
    }
    plan.platform.pcesvn = 0xfffe;
    size_t size = dcap_pki_platform(&plan, bytes);
    assert_ok(verify_dcap_platform_read(bytes_of(bytes, size), &platform));
    assert_memory_equal(&platform, &plan.platform, sizeof platform);
}

// A changed copy of a good extension must be read as another platform, with
// what was changed in it, or not at all.
SPEC("an extension with one byte changed is another one or none")
{
    struct dcap_plan plan;
    uint8_t bytes[1024];
    dcap_plan_sgx(&plan);
    size_t size = dcap_pki_platform(&plan, bytes);
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct verify_dcap_platform platform = {.pcesvn = 1};
            bytes[at] ^= (uint8_t)(1u << bit);
            bool is_read = verify_dcap_platform_read(bytes_of(bytes, size),
                                                     &platform) == ROTOR_OK;
            bool is_same =
                memcmp(&platform, &plan.platform, sizeof platform) == 0;
            assert_false(is_read && is_same);
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
}

SPEC("an extension that is cut, or goes on behind its end, is refused")
{
    struct dcap_plan plan;
    struct verify_dcap_platform platform;
    uint8_t bytes[1024];
    dcap_plan_sgx(&plan);
    size_t size = dcap_pki_platform(&plan, bytes);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *kept = NULL;
        struct rotor_bytes part = exact(bytes_of(bytes, cut), &kept);
        assert_int_equal(verify_dcap_platform_read(part, &platform),
                         ROTOR_MALFORMED);
        free(kept);
    }
    bytes[size] = 0;
    assert_int_equal(
        verify_dcap_platform_read(bytes_of(bytes, size + 1), &platform),
        ROTOR_MALFORMED);
}

// Replaces `from` by `to`, both of the same size, in a good extension.
static enum rotor_status read_with(const char *from, const char *to)
{
    struct dcap_plan plan;
    struct verify_dcap_platform platform;
    uint8_t bytes[1024];
    uint8_t wanted[64];
    uint8_t replacement[64];
    dcap_plan_sgx(&plan);
    size_t size = dcap_pki_platform(&plan, bytes);
    struct rotor_bytes old = from_hex(from, wanted);
    struct rotor_bytes new = from_hex(to, replacement);
    assert_int_equal(old.size, new.size);
    uint8_t *at = memmem(bytes, size, old.data, old.size);
    assert_non_null(at);
    memcpy(at, new.data, new.size);
    return verify_dcap_platform_read(bytes_of(bytes, size), &platform);
}

// FMSPC is the last field: four bytes of it are cut off, and every length is
// made to fit.
SPEC("a shorter FMSPC with lengths that fit is refused")
{
    struct dcap_plan plan;
    struct verify_dcap_platform platform;
    uint8_t bytes[1024];
    dcap_plan_sgx(&plan);
    size_t size = dcap_pki_platform(&plan, bytes);
    assert_int_equal(bytes[1], 0x82);
    assert_int_equal(bytes[size - 7], 6);
    bytes[size - 7] = 2;                                // the octets
    bytes[size - 21] = (uint8_t)(bytes[size - 21] - 4); // the pair
    bytes_put_be16(bytes + 2, (uint16_t)(size - 4 - 4));
    assert_int_equal(
        verify_dcap_platform_read(bytes_of(bytes, size - 4), &platform),
        ROTOR_MALFORMED);
}

SPEC("fields of the extension have one type and size")
{
    static const struct {
        const char *from, *to;
    } rows[] = {
  // Component 1 is 0x86: beyond an octet, negative, octets, twice, not
  // there, and a byte behind the number.
        {"0d01020102020086", "0d01020102020186"},
        {"0d01020102020086", "0d0102010202ff86"},
        {"0d01020102020086", "0d01020104020086"},
        {"0d01020102020086", "0d01020202020086"},
        {"0d01020102020086", "0d01021e02020086"},
        {"0d01020102020086", "0d01020102010605"},
 // PCESVN 13, CPUSVN, PPID, PCEID, FMSPC of another type.
        {"0d01021102010d",   "0d01021102018d"  },
        {"0d0102120410",     "0d0102120210"    },
        {"0d01010410",       "0d01010310"      },
        {"0d010304020000",   "0d010302020000"  },
        {"0d0104040600a1",   "0d0104020600a1"  },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(read_with(rows[i].from, rows[i].to), ROTOR_MALFORMED);
    }
}
