// SPDX-License-Identifier: Apache-2.0
// The lenient reader: what it takes, what it refuses, and libcbor's opinion.
#include "wire/cbor_foreign.h"

#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"

#define MEMORY 4096u

static bool opens(const char *hex, struct cbor_foreign *item)
{
    static uint8_t memory[MEMORY];
    return cbor_foreign_open(from_hex(hex, memory), item);
}

static void assert_opens(const char *hex, bool taken)
{
    struct cbor_foreign item;
    if (opens(hex, &item) != taken) {
        fail_msg("%s is %s", hex, taken ? "refused" : "taken");
    }
    if (!taken) {
        assert_int_equal(item.bytes.size, 0);
    }
}

SPEC("what the strict reader refuses and others write is taken")
{
    static const char *const taken[] = {
        "1801",   // 1, longer than needed
        "5801aa", // a byte string with a long head
        "c100",   // a tag
        "d83dd28443a10126a04040",
        "f93c00",             // 1.0
        "fa3f800000",         // 1.0
        "fb3ff0000000000000", // 1.0
        "f4",
        "f5",
        "f6",
        "f7",
        "f0",
        "f8ff",
        "9f0102ff", // an array without a length
        "bf0102ff", // a map without a length
        "bfff",
        "9fff",
        "5f41aaff", // a byte string of one piece
        "5fff",
        "7f6161ff",
        "a203000200",   // keys that descend
        "a1f401",       // a key that is false
        "81c1a101c2f6", // tags inside
    };
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_opens(taken[i], true);
    }
}

SPEC("duplicate keys are refused however they are encoded and wherever")
{
    static const char *const refused[] = {
        "a201000100",     // 1, 1
        "a20100180100",   // 1, 1 in two bytes
        "a2010019000100", // 1, 1 in three bytes
        "a22000380000",   // -1, -1 in two bytes
        "bf01000100ff",   // without a length
        "a2616100616100", // "a", "a"
        "a261610078016100",
        "a26161007f6161ff00", // in a piece
        "a2416100416100",     "a2f400f400",
        "81a201000100", // inside
        "a105a201000100",     "a101c1a202000200",
    };
    static const char *const taken[] = {
        "a201002000",         // 1, -1
        "a2616100416100",     // text and bytes
        "82a10100a10100",     // the same key in two maps
        "a201a1010002a10100", // in an outer and an inner one
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_opens(refused[i], false);
    }
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_opens(taken[i], true);
    }
}

SPEC("what is no CBOR, or cut, or goes on, is refused")
{
    static const char *const refused[] = {
        "",
        "18",
        "1900",
        "41",
        "4200",
        "616100",
        "0000",
        "81",
        "8201",
        "a1",
        "a101",
        "c1",
        "ff",
        "81ff",
        "a1ff",
        "a101ff",
        "9f01",
        "bf01",
        "bf01ff",
        "bf0102",
        "9f",
        "5f",
        "5f41",
        "5f41aa",
        "1c",
        "1d",
        "1e",
        "1f",
        "3f",
        "df",
        "fc",
        "fd",
        "fe",
        "f800",
        "f81f",
        "5c00",
        "5f6161ff",
        "7f4161ff",
        "5f5f41aaffff",
        "5f41aa41aaff",
        "c1ff",
        "9bffffffffffffffff",
        "bb7fffffffffffffff",
        "5bffffffffffffffff",
        "a18001",
        "a1a001",
        "a1c10001",
        "61ff",
        "62c080",
        "63eda080",
        "64f4908080",
        "7f61ffff",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_opens(refused[i], false);
    }
}

SPEC("nesting, keys and size have bounds")
{
    uint8_t deep[CBOR_FOREIGN_NESTING + 2];
    struct cbor_foreign item;
    memset(deep, 0x81, sizeof deep);
    deep[CBOR_FOREIGN_NESTING] = 0;
    assert_true(
        cbor_foreign_open(bytes_of(deep, CBOR_FOREIGN_NESTING + 1), &item));
    deep[CBOR_FOREIGN_NESTING] = 0x81;
    deep[CBOR_FOREIGN_NESTING + 1] = 0;
    assert_false(
        cbor_foreign_open(bytes_of(deep, CBOR_FOREIGN_NESTING + 2), &item));

    static uint8_t keys[8 * CBOR_FOREIGN_KEYS];
    for (unsigned more = 0; more < 2; more++) {
        size_t count = CBOR_FOREIGN_KEYS + more;
        keys[0] = 0xb9;
        bytes_put_be16(keys + 1, (uint16_t)count);
        for (size_t i = 0; i < count; i++) {
            keys[3 + 4 * i] = 0x19;
            bytes_put_be16(keys + 4 + 4 * i, (uint16_t)i);
            keys[6 + 4 * i] = 0;
        }
        assert_int_equal(
            cbor_foreign_open(bytes_of(keys, 3 + 4 * count), &item), more == 0);
    }

    static uint8_t large[CBOR_FOREIGN_MAX + 1];
    large[0] = 0x5a;
    bytes_put_be32(large + 1, CBOR_FOREIGN_MAX - 5);
    assert_true(cbor_foreign_open(bytes_of(large, CBOR_FOREIGN_MAX), &item));
    bytes_put_be32(large + 1, CBOR_FOREIGN_MAX - 4);
    assert_false(
        cbor_foreign_open(bytes_of(large, CBOR_FOREIGN_MAX + 1), &item));
}

SPEC("values are given to the question that fits them and to no other")
{
    struct cbor_foreign item;
    struct rotor_bytes bytes = {NULL, 77};
    uint64_t number = 77;
    int64_t integer = 77;
    assert_true(opens("1903e8", &item));
    assert_true(cbor_foreign_uint(&item, &number));
    assert_int_equal(number, 1000);
    assert_true(cbor_foreign_int(&item, &integer));
    assert_int_equal(integer, 1000);
    assert_false(cbor_foreign_bytes(&item, &bytes));
    assert_false(cbor_foreign_text(&item, &bytes));
    assert_int_equal(bytes.size, 77);
    assert_true(opens("3903e7", &item));
    assert_true(cbor_foreign_int(&item, &integer));
    assert_int_equal(integer, -1000);
    assert_false(cbor_foreign_uint(&item, &number));
    assert_true(opens("3bffffffffffffffff", &item));
    assert_false(cbor_foreign_int(&item, &integer));
    assert_true(opens("3b7fffffffffffffff", &item));
    assert_true(cbor_foreign_int(&item, &integer));
    assert_true(integer == INT64_MIN);
    assert_true(opens("1b8000000000000000", &item));
    assert_false(cbor_foreign_int(&item, &integer));
    assert_true(opens("5f42abcdff", &item));
    assert_true(cbor_foreign_bytes(&item, &bytes));
    assert_true(bytes_equal(bytes, LABEL("\xab\xcd")));
    assert_false(cbor_foreign_text(&item, &bytes));
    assert_true(opens("626869", &item));
    assert_true(cbor_foreign_text(&item, &bytes));
    assert_true(bytes_equal(bytes, LABEL("hi")));
}

SPEC("time is an integer, or a float rounded down")
{
    static const struct {
        const char *hex;
        int64_t seconds;
    } cases[] = {
        {"1a56109a00",         1443928576 },
        {"fb41d584367c200000", 1443944944 },
        {"fbc1d584367c200000", -1443944945},
        {"f93c00",             1          },
        {"f93800",             0          }, // 0.5
        {"f9b800",             -1         }, // -0.5
        {"f98000",             0          }, // -0
        {"f9bc00",             -1         },
        {"fa4f000000",         2147483648 },
        {"20",                 -1         },
    };
    static const char *const none[] = {"f97e00", "f97c00", "fb7fefffffffffffff",
                                       "6161", "f6"};
    struct cbor_foreign item;
    int64_t seconds = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(opens(cases[i].hex, &item));
        assert_true(cbor_foreign_seconds(&item, &seconds));
        if (seconds != cases[i].seconds) {
            fail_msg("%s is %lld", cases[i].hex, (long long)seconds);
        }
    }
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_true(opens(none[i], &item));
        assert_false(cbor_foreign_seconds(&item, &seconds));
    }
}

SPEC("containers are walked and searched, with and without a length")
{
    static const char *const maps[] = {
        "a30a011a0000010002200a",
        "bf0a0119010002200aff",
    };
    struct cbor_foreign map;
    struct cbor_foreign value;
    uint64_t number = 0;
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        assert_true(opens(maps[i], &map));
        assert_int_equal(cbor_foreign_count(&map), 3);
        assert_true(cbor_foreign_find(&map, 256, &value));
        assert_true(cbor_foreign_uint(&value, &number));
        assert_int_equal(number, 2);
        assert_true(cbor_foreign_find(&map, -1, &value));
        assert_true(cbor_foreign_uint(&value, &number));
        assert_int_equal(number, 10);
        assert_false(cbor_foreign_find(&map, 2, &value));
        assert_int_equal(value.bytes.size, 0);
    }
    assert_true(opens("84019f0203ff5f41aaffc1a10405", &map));
    assert_int_equal(cbor_foreign_count(&map), 4);
    struct cbor_foreign_walk walk;
    static const size_t sizes[] = {1, 4, 4, 4};
    cbor_foreign_walk(&map, &walk);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_true(cbor_foreign_next(&walk, &value));
        assert_int_equal(value.bytes.size, sizes[i]);
    }
    assert_false(cbor_foreign_next(&walk, &value));
    assert_false(cbor_foreign_find(&map, 1, &value));
}

SPEC("the items of a sequence are taken one by one")
{
    static uint8_t memory[MEMORY];
    struct cbor_foreign item;
    struct rotor_bytes rest = from_hex("018102a0ff", memory);
    assert_true(cbor_foreign_open_first(rest, &item, &rest));
    assert_int_equal(item.bytes.size, 1);
    assert_true(cbor_foreign_open_first(rest, &item, &rest));
    assert_int_equal(item.bytes.size, 2);
    assert_true(cbor_foreign_open_first(rest, &item, &rest));
    assert_false(cbor_foreign_open_first(rest, &item, &rest));
}

// What is taken, libcbor takes too, as one whole item.
static void compare_with_libcbor(const uint8_t *bytes, size_t size)
{
    struct cbor_foreign item;
    struct cbor_load_result result;
    if (!cbor_foreign_open(bytes_of(bytes, size), &item)) {
        return;
    }
    cbor_item_t *loaded = cbor_load(bytes, size, &result);
    assert_non_null(loaded);
    assert_int_equal(result.read, size);
    bool is_map = cbor_foreign_kind(&item) == CBOR_FOREIGN_MAP;
    if (is_map) {
        assert_int_equal(cbor_map_size(loaded), cbor_foreign_count(&item));
    }
    assert_int_equal(is_map, cbor_isa_map(loaded));
    cbor_decref(&loaded);
}

SPEC("of 300000 random items none is taken that libcbor refuses")
{
    uint8_t bytes[24];
    uint64_t random = 1;
    for (unsigned i = 0; i < 300000; i++) {
        size_t size = 1 + i % sizeof bytes;
        for (size_t j = 0; j < size; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            // Heads of small containers and strings more often than not.
            static const uint8_t heads[] = {0x81, 0x82, 0xa1, 0xa2, 0x9f, 0xbf,
                                            0xff, 0x41, 0x61, 0x5f, 0xc1, 0x01};
            uint8_t any = (uint8_t)(random >> 56);
            // Simple values and short tags without a name, which libcbor does
            // not read.
            bool is_simple = (any >= 0xe0 && any < 0xf4) || any == 0xf8;
            any = is_simple || (any >= 0xc6 && any < 0xd5) ? 0xf4 : any;
            bytes[j] = (random >> 40) % 3 == 0
                           ? any
                           : heads[(random >> 48) % COUNT_OF(heads)];
        }
        compare_with_libcbor(bytes, size);
    }
}
