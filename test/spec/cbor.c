// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"

// Reads from a copy of exact size, so that a read past the end is caught by
// the sanitiser.
static bool is_taken(struct rotor_bytes bytes)
{
    uint8_t *copy = malloc(bytes.size == 0 ? 1 : bytes.size);
    assert_non_null(copy);
    if (bytes.size != 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    struct cbor_reader in;
    cbor_reader_init(&in, bytes_of(copy, bytes.size));
    struct rotor_bytes item = cbor_read_item(&in);
    bool taken = cbor_finished(&in);
    assert_true(in.position <= bytes.size);
    assert_int_equal(item.size, cbor_has_failed(&in) ? 0 : in.position);
    free(copy);
    return taken;
}

static void assert_taken(const char *hex, bool expected)
{
    uint8_t bytes[512];
    if (is_taken(from_hex(hex, bytes)) != expected) {
        fail_msg("%s should be %s", hex, expected ? "taken" : "refused");
    }
}

#define EACH_IS(expected, ...)                                                 \
    do {                                                                       \
        static const char *const rows[] = {__VA_ARGS__};                       \
        for (size_t i = 0; i < COUNT_OF(rows); i++) {                          \
            assert_taken(rows[i], expected);                                   \
        }                                                                      \
    } while (0)
#define TAKEN(...)   EACH_IS(true, __VA_ARGS__)
#define REFUSED(...) EACH_IS(false, __VA_ARGS__)

SPEC("the examples of RFC 8949 appendix A that the subset has are taken")
{
    TAKEN("00", "01", "0a", "17", "1818", "1819", "1864", "1903e8",
          "1a000f4240", "1b000000e8d4a51000", "1bffffffffffffffff", "20", "29",
          "3863", "3903e7", "f6", "40", "4401020304", "60", "6161",
          "6449455446", "62225c", "62c3bc", "63e6b0b4", "64f0908591", "80",
          "83010203", "8301820203820405",
          "98190102030405060708090a0b0c0d0e0f101112131415161718181819", "a0",
          "a201020304", "a26161016162820203", "826161a161626163",
          "a56161614161626142616361436164614461656145");
}

SPEC("the other examples of RFC 8949 appendix A are refused")
{
    // Bignums and what is below int64, floats, simple values, tags.
    REFUSED("c249010000000000000000", "3bffffffffffffffff",
            "c349010000000000000000", "f90000", "f98000", "f93c00",
            "fb3ff199999999999a", "f93e00", "f97bff", "fa47c35000",
            "fa7f7fffff", "fb7e37e43c8800759c", "f90001", "f90400", "f9c400",
            "fbc010666666666666", "f97c00", "f97e00", "f9fc00", "fa7f800000",
            "fa7fc00000", "faff800000", "fb7ff0000000000000",
            "fb7ff8000000000000", "fbfff0000000000000", "f4", "f5", "f7", "f0",
            "f8ff", "c074323031332d30332d32315432303a30343a30305a",
            "c11a514b67b0", "c1fb41d452d9e8200000", "d74401020304",
            "d818456449455446", "d82076687474703a2f2f7777772e657861");
    // Indefinite lengths.
    REFUSED("5f42010243030405ff", "7f657374726561646d696e67ff", "9fff",
            "9f018202039f0405ffff", "9f01820203820405ff", "83018202039f0405ff",
            "83019f0203ff820405", "bf61610161629f0203ffff",
            "826161bf61626163ff", "bf6346756ef563416d7421ff", "ff", "81ff",
            "a1ff", "a101ff");
}

SPEC("an integer or length in a wider form than it needs is refused")
{
    TAKEN("17", "1818", "18ff", "190100", "19ffff", "1a00010000", "1affffffff",
          "1b0000000100000000", "37", "3818", "390100", "3a00010000",
          "3b0000000100000000");
    REFUSED("1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff",
            "1b0000000000000000", "1b00000000ffffffff", "3817", "3900ff",
            "3a0000ffff", "3b00000000ffffffff", "5800", "5801ff", "59000100",
            "7800", "780161", "9800", "980101", "990000", "b800", "b8010101",
            "bb0000000000000000", "f816", "f90016");
}

SPEC("the smallest negative integer is that of int64")
{
    TAKEN("3b7fffffffffffffff");
    REFUSED("3b8000000000000000");
}

SPEC("keys ascend in the bytewise order of their encoding, none twice")
{
    TAKEN("a201000200", "a21700181800", "a318ff0019010000200a", "a200002000",
          "a220002100", "a21864002000", "a220004000", "a24000410000",
          "a241ff0042000000", "a2420000006000", "a26000616100",
          "a261620062616100");
    REFUSED("a202000100", "a201000100", "a220000000", "a221002000",
            "a220002000", "a240002000", "a240004000", "a24200000041ff00",
            "a260004000", "a262616100616200", "a3000001000100",
            "a3010002000100");
}

SPEC("a key is an integer, a byte string or text")
{
    REFUSED("a1f600", "a18000", "a1a000", "a1810000", "a1c10000", "a1f400");
}

SPEC("order starts anew in each map")
{
    TAKEN("a201a2010002000200", "a201a105000200", "82a10500a10100");
    REFUSED("a201a2020001000200", "a202a105000100");
}

SPEC("eight open containers are taken, nine are refused")
{
    TAKEN("818181818181818100", "8181818181818180",
          "a101a101a101a101a101a101a101a10100");
    REFUSED("818181818181818180", "81818181818181818100",
            "a101a101a101a101a101a101a101a101a0",
            "a101a101a101a101a101a101a101a101a10100");
}

SPEC("a megabyte of opening brackets ends at the ninth")
{
    static uint8_t bomb[1 << 20];
    for (unsigned opening = 0x81; opening <= 0xa1; opening += 0x20) {
        memset(bomb, (int)opening, sizeof bomb);
        struct cbor_reader in;
        cbor_reader_init(&in, BYTES_OF(bomb));
        cbor_read_item(&in);
        assert_true(cbor_has_failed(&in));
        assert_true(in.position <= 2 * (CBOR_NESTING_MAX + 1));
    }
}

SPEC("a length or count beyond the bytes that are left is refused")
{
    REFUSED("41", "4201", "58ff00", "590100", "5affffffff00",
            "5bffffffffffffffff", "5b7fffffffffffffff00", "5b8000000000000000",
            "61", "7bffffffffffffffff61", "81", "8200", "9affffffff00",
            "9bffffffffffffffff00", "9b8000000000000000", "a1", "a100",
            "a2000001", "bb7fffffffffffffff0000", "bb8000000000000000",
            "bb80000000000000010000", "bbffffffffffffffff0000");
}

SPEC("bytes behind the item are refused")
{
    REFUSED("0000", "f6f6", "4000", "8000", "a0a0", "8100ff", "");
}

SPEC("an item cut short anywhere is refused")
{
    uint8_t room[64];
    struct rotor_bytes whole =
        from_hex("a4011903e80282616183f641314018643a0001000020a0", room);
    assert_true(is_taken(whole));
    for (size_t size = 0; size < whole.size; size++) {
        assert_false(is_taken(bytes_of(whole.data, size)));
    }
}

// ---- text ------------------------------------------------------------------

// Decodes to numbers, then asks for their ranges (RFC 3629 3).
static bool is_utf8_by_numbers(const uint8_t *text, size_t size)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < size;) {
        size_t length = text[i] < 0x80             ? 1
                        : (text[i] & 0xe0) == 0xc0 ? 2
                        : (text[i] & 0xf0) == 0xe0 ? 3
                        : (text[i] & 0xf8) == 0xf0 ? 4
                                                   : 0;
        if (length == 0 || i + length > size) {
            return false;
        }
        uint32_t point = length == 1 ? text[i] : text[i] & (0x7fu >> length);
        for (size_t j = 1; j < length; j++) {
            if ((text[i + j] & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (text[i + j] & 0x3f);
        }
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        if (point < least[length] || point > 0x10ffff || is_surrogate) {
            return false;
        }
        i += length;
    }
    return true;
}

static void compare_text(const uint8_t *text, size_t size)
{
    uint8_t item[8] = {(uint8_t)(0x60 | size)};
    memcpy(item + 1, text, size);
    struct cbor_reader in;
    cbor_reader_init(&in, bytes_of(item, size + 1));
    cbor_read_text(&in);
    if (cbor_finished(&in) != is_utf8_by_numbers(text, size)) {
        fail_msg("text %02x %02x %02x %02x", text[0], text[1], text[2],
                 text[3]);
    }
}

SPEC("text is taken exactly when it is UTF-8")
{
    static const uint8_t ends[] = {0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90,
                                   0x9f, 0xa0, 0xbf, 0xc0, 0xf4, 0xff};
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        uint8_t text[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, 0, 0};
        compare_text(text, 1);
        compare_text(text, 2);
        for (size_t i = 0; i < COUNT_OF(ends); i++) {
            text[2] = ends[i];
            compare_text(text, 3);
            for (size_t j = 0; j < COUNT_OF(ends); j++) {
                text[3] = ends[j];
                compare_text(text, 4);
            }
        }
    }
}

// ---- libcbor as oracle -----------------------------------------------------

// libcbor allocates and clears what a hostile head announces: let that fail.
// Under the sanitiser by its own limit, else by one on the address space.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

__attribute__((constructor)) static void limit_memory(void)
{
    static const struct rlimit limit = {256u << 20, 256u << 20};
    if (!ROTOR_SANITISED) {
        setrlimit(RLIMIT_AS, &limit);
    }
}

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % bound;
}

static bool once_in(uint32_t count)
{
    return random_below(count) == 0;
}

static struct rotor_bytes serialised(const cbor_item_t *item)
{
    unsigned char *bytes = NULL;
    size_t capacity = 0;
    size_t size = cbor_serialize_alloc(item, &bytes, &capacity);
    assert_int_not_equal(size, 0);
    return bytes_of(bytes, size);
}

static bool is_shortest(const cbor_item_t *item)
{
    static const uint64_t least[] = {
        [CBOR_INT_8] = 0,
        [CBOR_INT_16] = 1u << 8,
        [CBOR_INT_32] = 1u << 16,
        [CBOR_INT_64] = (uint64_t)1 << 32,
    };
    return cbor_get_int(item) >= least[cbor_int_get_width(item)];
}

static bool is_strict(const cbor_item_t *item, size_t depth);

static bool is_strict_map(const cbor_item_t *map, size_t depth)
{
    const struct cbor_pair *pairs = cbor_map_handle(map);
    bool strict = cbor_map_is_definite(map);
    for (size_t i = 0; i < cbor_map_size(map); i++) {
        strict = strict && is_strict(pairs[i].key, depth) &&
                 is_strict(pairs[i].value, depth) &&
                 !cbor_isa_array(pairs[i].key) && !cbor_isa_map(pairs[i].key) &&
                 !cbor_isa_float_ctrl(pairs[i].key);
        if (strict && i != 0) {
            struct rotor_bytes last = serialised(pairs[i - 1].key);
            struct rotor_bytes key = serialised(pairs[i].key);
            strict = bytes_compare(last, key) < 0;
            free((void *)(uintptr_t)last.data);
            free((void *)(uintptr_t)key.data);
        }
    }
    return strict;
}

// The rules of PROTOCOL.rot 4 once more, over libcbor's tree.
static bool is_strict(const cbor_item_t *item, size_t depth)
{
    switch (cbor_typeof(item)) {
    case CBOR_TYPE_UINT:
        return is_shortest(item);
    case CBOR_TYPE_NEGINT:
        return is_shortest(item) && cbor_get_int(item) <= INT64_MAX;
    case CBOR_TYPE_BYTESTRING:
        return cbor_bytestring_is_definite(item);
    case CBOR_TYPE_STRING:
        return cbor_string_is_definite(item) &&
               is_utf8_by_numbers(cbor_string_handle(item),
                                  cbor_string_length(item));
    case CBOR_TYPE_ARRAY:
        if (depth == CBOR_NESTING_MAX || !cbor_array_is_definite(item)) {
            return false;
        }
        for (size_t i = 0; i < cbor_array_size(item); i++) {
            if (!is_strict(cbor_array_handle(item)[i], depth + 1)) {
                return false;
            }
        }
        return true;
    case CBOR_TYPE_MAP:
        return depth < CBOR_NESTING_MAX && is_strict_map(item, depth + 1);
    case CBOR_TYPE_TAG:
        return false;
    case CBOR_TYPE_FLOAT_CTRL:
        return cbor_float_ctrl_is_ctrl(item) && cbor_is_null(item);
    }
    return false;
}

// libcbor reads all of it, writes the same bytes again, and the tree is
// within the rules.
static bool is_taken_by_oracle(struct rotor_bytes bytes)
{
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(bytes.data, bytes.size, &result);
    if (item == NULL) {
        return false;
    }
    struct rotor_bytes again = serialised(item);
    bool taken = bytes_equal(bytes, again) && is_strict(item, 0);
    free((void *)(uintptr_t)again.data);
    cbor_decref(&item);
    return taken;
}

static cbor_item_t *random_int(bool is_strict_wanted)
{
    uint64_t value = (uint64_t)random_below(UINT32_MAX) << 32;
    value = (value | random_below(UINT32_MAX)) >> random_below(64);
    unsigned width = value <= UINT8_MAX    ? 0
                     : value <= UINT16_MAX ? 1
                     : value <= UINT32_MAX ? 2
                                           : 3;
    if (!is_strict_wanted && width < 3) {
        width++;
    }
    cbor_item_t *item = width == 0   ? cbor_build_uint8((uint8_t)value)
                        : width == 1 ? cbor_build_uint16((uint16_t)value)
                        : width == 2 ? cbor_build_uint32((uint32_t)value)
                                     : cbor_build_uint64(value);
    if (once_in(3)) {
        cbor_mark_negint(item);
    }
    return item;
}

static cbor_item_t *random_string(bool is_text)
{
    static const char *const pieces[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "z",
                                         "\xf0\x9f\x94\x91"};
    char text[512] = "";
    uint32_t count = random_below(once_in(8) ? 100 : 6);
    for (uint32_t i = 0; i < count; i++) {
        strcat(text, pieces[random_below(COUNT_OF(pieces))]);
    }
    if (once_in(40)) {
        strcat(text, "\xed\xa0\x80"); // a surrogate
    }
    return is_text ? cbor_build_string(text)
                   : cbor_build_bytestring((const uint8_t *)text, strlen(text));
}

static cbor_item_t *random_oddity(void)
{
    switch (random_below(6)) {
    case 0:
        return cbor_build_bool(true);
    case 1:
        return cbor_build_float4(1.5f);
    case 2:
        return cbor_new_undef();
    case 3:
        return cbor_build_tag(18, cbor_move(cbor_build_uint8(1)));
    case 4:
        return cbor_new_indefinite_array();
    default:
        return random_int(false);
    }
}

static cbor_item_t *random_item(unsigned depth);

static cbor_item_t *random_map(unsigned depth)
{
    uint32_t count = random_below(5);
    cbor_item_t *map = cbor_new_definite_map(count);
    uint32_t key = 0;
    for (uint32_t i = 0; i < count; i++) {
        key += random_below(100) + !once_in(100);
        uint32_t shown = once_in(60) ? key / 2 : key;
        cbor_item_t *name = shown < 256 ? cbor_build_uint8((uint8_t)shown)
                                        : cbor_build_uint16((uint16_t)shown);
        bool is_late = i + 1 == count;
        if (is_late && once_in(3)) {
            cbor_mark_negint(name);
        } else if (is_late && once_in(3)) {
            cbor_decref(&name);
            name = random_item(depth + 1);
        }
        assert_true(cbor_map_add(
            map, (struct cbor_pair){cbor_move(name),
                                    cbor_move(random_item(depth + 1))}));
    }
    return map;
}

static cbor_item_t *random_item(unsigned depth)
{
    if (once_in(30)) {
        return random_oddity();
    }
    switch (random_below(depth < 10 ? 8 : 4)) {
    case 0:
        return random_string(true);
    case 1:
        return random_string(false);
    case 2:
        return cbor_new_null();
    case 3:
    case 4:
        return random_int(true);
    case 5:
        return random_map(depth);
    default:
        break;
    }
    uint32_t count = random_below(4);
    cbor_item_t *array = cbor_new_definite_array(count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(cbor_array_push(array, cbor_move(random_item(depth + 1))));
    }
    return array;
}

// Around the limit of nesting.
static cbor_item_t *random_tower(void)
{
    cbor_item_t *item = cbor_build_uint8(1);
    for (uint32_t i = 6 + random_below(5); i != 0; i--) {
        cbor_item_t *outer = cbor_new_definite_array(1);
        assert_true(cbor_array_push(outer, cbor_move(item)));
        item = outer;
    }
    return item;
}

static bool compare_with_oracle(struct rotor_bytes bytes)
{
    bool taken = is_taken(bytes);
    if (taken != is_taken_by_oracle(bytes)) {
        for (size_t i = 0; i < bytes.size; i++) {
            print_error("%02x", bytes.data[i]);
        }
        fail_msg(": %s", taken ? "only we take this" : "only libcbor does");
    }
    return taken;
}

SPEC("of what libcbor makes, exactly the deterministic is taken")
{
    unsigned taken = 0;
    for (unsigned i = 0; i < 20000; i++) {
        cbor_item_t *item = once_in(20) ? random_tower() : random_map(0);
        struct rotor_bytes bytes = serialised(item);
        taken += compare_with_oracle(bytes);
        // One byte changed, then one byte gone.
        uint8_t *changed = (uint8_t *)(uintptr_t)bytes.data;
        changed[random_below((uint32_t)bytes.size)] =
            (uint8_t)random_below(256);
        compare_with_oracle(bytes);
        compare_with_oracle(bytes_of(bytes.data, bytes.size - 1));
        free(changed);
        cbor_decref(&item);
    }
    assert_in_range(taken, 5000, 18000);
}

SPEC("of all strings of up to two bytes the same are taken as by libcbor")
{
    uint8_t bytes[2];
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        bytes[0] = (uint8_t)(pair >> 8);
        bytes[1] = (uint8_t)pair;
        compare_with_oracle(bytes_of(bytes, 1));
        compare_with_oracle(bytes_of(bytes, 2));
    }
}
