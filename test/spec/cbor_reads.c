// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"

// ---- typed reads -----------------------------------------------------------

struct open_reader {
    uint8_t bytes[512];
    struct cbor_reader in;
};

static struct cbor_reader *reading(struct open_reader *open, const char *hex)
{
    cbor_reader_init(&open->in, from_hex(hex, open->bytes));
    return &open->in;
}

SPEC("each kind is read as what it is and refused as anything else")
{
    static const char *const items[] = {
        [CBOR_UINT] = "05",   [CBOR_NEGATIVE] = "24", [CBOR_BYTES] = "4101",
        [CBOR_TEXT] = "6161", [CBOR_ARRAY] = "80",    [CBOR_MAP] = "a0",
        [CBOR_NIL] = "f6",
    };
    for (unsigned kind = CBOR_UINT; kind <= CBOR_NIL; kind++) {
        struct open_reader r;
        assert_int_equal(cbor_peek_kind(reading(&r, items[kind])), kind);
        uint64_t number = cbor_read_uint(reading(&r, items[kind]));
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_UINT);
        assert_int_equal(number, kind == CBOR_UINT ? 5 : 0);
        int64_t integer = cbor_read_int(reading(&r, items[kind]));
        assert_int_equal(cbor_finished(&r.in), kind <= CBOR_NEGATIVE);
        assert_int_equal(integer, kind == CBOR_UINT       ? 5
                                  : kind == CBOR_NEGATIVE ? -5
                                                          : 0);
        assert_int_equal(cbor_read_bytes(reading(&r, items[kind])).size,
                         kind == CBOR_BYTES);
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_BYTES);
        assert_int_equal(cbor_read_text(reading(&r, items[kind])).size,
                         kind == CBOR_TEXT);
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_TEXT);
        cbor_read_array(reading(&r, items[kind]));
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_ARRAY);
        cbor_read_map(reading(&r, items[kind]));
        cbor_end_map(&r.in);
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_MAP);
        cbor_read_nil(reading(&r, items[kind]));
        assert_int_equal(cbor_finished(&r.in), kind == CBOR_NIL);
    }
}

SPEC("numbers, sizes and counts are held to their bounds")
{
    struct open_reader r;
    assert_int_equal(cbor_read_uint_max(reading(&r, "18ff"), 255), 255);
    assert_true(cbor_finished(&r.in));
    assert_int_equal(cbor_read_uint_max(reading(&r, "190100"), 255), 0);
    assert_true(cbor_has_failed(&r.in));
    assert_true(cbor_read_int(reading(&r, "3b7fffffffffffffff")) == INT64_MIN);
    assert_true(cbor_read_int(reading(&r, "1b7fffffffffffffff")) == INT64_MAX);
    assert_true(cbor_finished(&r.in));
    assert_int_equal(cbor_read_int(reading(&r, "1b8000000000000000")), 0);
    assert_true(cbor_has_failed(&r.in));
    assert_true(cbor_read_uint(reading(&r, "1bffffffffffffffff")) ==
                UINT64_MAX);
    for (size_t size = 0; size < 5; size++) {
        reading(&r, "43010203");
        size_t got = cbor_read_bytes_sized(&r.in, 3, size).size;
        assert_int_equal(got, size >= 3 ? 3 : 0);
        reading(&r, "43010203");
        got = cbor_read_bytes_sized(&r.in, size, 3).size;
        assert_int_equal(got, size <= 3 ? 3 : 0);
        uint8_t copy[5] = {9, 9, 9, 9, 9};
        cbor_read_bytes_into(reading(&r, "43010203"), copy, size);
        assert_int_equal(cbor_finished(&r.in), size == 3);
        assert_int_equal(copy[0], size == 0 ? 9 : size == 3);
        assert_int_equal(copy[size], 9);
        cbor_read_array_of(reading(&r, "83010203"), size);
        assert_int_equal(cbor_has_failed(&r.in), size != 3);
    }
}

SPEC("after the first fault every read gives nothing and nothing moves")
{
    struct open_reader r;
    reading(&r, "8b0203044100616180a0f6a10102f680");
    cbor_read_array(&r.in);
    cbor_read_bytes(&r.in); // a number stands there
    size_t position = r.in.position;
    int64_t key = 77;
    uint8_t copy[2] = {9, 9};
    assert_int_equal(cbor_read_uint(&r.in), 0);
    assert_int_equal(cbor_read_int(&r.in), 0);
    assert_int_equal(cbor_read_bytes(&r.in).size, 0);
    assert_int_equal(cbor_read_text(&r.in).size, 0);
    assert_int_equal(cbor_read_array(&r.in), 0);
    assert_int_equal(cbor_read_map(&r.in), 0);
    assert_int_equal(cbor_read_item(&r.in).size, 0);
    assert_false(cbor_map_next(&r.in, &key));
    assert_false(cbor_take_key(&r.in, 1));
    cbor_read_bytes_into(&r.in, copy, sizeof copy);
    assert_int_equal(copy[0] | copy[1], 0);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_NOTHING);
    assert_int_equal(key, 77);
    assert_int_equal(r.in.position, position);
    assert_false(cbor_finished(&r.in));
}

SPEC("a read that fails gives no view, not an empty one into the input")
{
    struct open_reader r;
    assert_null(cbor_read_bytes(reading(&r, "05")).data);
    assert_null(cbor_read_text(reading(&r, "61ff")).data);
    assert_null(cbor_read_item(reading(&r, "f4")).data);
    assert_null(cbor_read_bytes_sized(reading(&r, "4101"), 2, 3).data);
}

SPEC("a count is never more than the bytes that are left can hold")
{
    struct open_reader r;
    assert_int_equal(cbor_read_array(reading(&r, "83000000")), 3);
    assert_int_equal(cbor_read_array(reading(&r, "840000")), 0);
    assert_true(cbor_has_failed(&r.in));
    assert_int_equal(cbor_read_array(reading(&r, "9affffffff00")), 0);
    assert_int_equal(cbor_read_map(reading(&r, "a201000200")), 2);
    assert_int_equal(cbor_read_map(reading(&r, "a3010002")), 0);
    assert_true(cbor_has_failed(&r.in));
}

SPEC("a peek tells what comes next, also inside")
{
    struct open_reader r;
    cbor_read_array(reading(&r, "83a1014100026161"));
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_MAP);
    cbor_read_map(&r.in);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_UINT);
    cbor_read_key(&r.in, 1);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_BYTES);
    cbor_read_bytes(&r.in);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_NOTHING);
    cbor_end_map(&r.in);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_UINT);
    cbor_read_uint(&r.in);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_TEXT);
    cbor_read_text(&r.in);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_NOTHING);
    assert_true(cbor_finished(&r.in));
}

SPEC("an optional key is absent where no key can be, and nothing fails")
{
    struct open_reader r;
    // [{1: 10}, 3]: behind the map's last pair comes no key 3.
    cbor_read_array(reading(&r, "82a1010a03"));
    cbor_read_map(&r.in);
    cbor_read_key(&r.in, 1);
    assert_false(cbor_take_key(&r.in, 10));
    assert_int_equal(cbor_read_uint(&r.in), 10);
    assert_false(cbor_take_key(&r.in, 3));
    cbor_end_map(&r.in);
    assert_false(cbor_take_key(&r.in, 3));
    assert_int_equal(cbor_read_uint(&r.in), 3);
    assert_true(cbor_finished(&r.in));
    // A byte string of one byte is not the integer -2.
    cbor_read_map(reading(&r, "a1410100"));
    assert_false(cbor_take_key(&r.in, -2));
    cbor_read_map(reading(&r, "a11b800000000000000000"));
    assert_false(cbor_take_key(&r.in, INT64_MIN));
    assert_false(cbor_has_failed(&r.in));
}

SPEC("refuse makes a well-formed whole fail")
{
    struct open_reader r;
    assert_int_equal(cbor_read_uint(reading(&r, "05")), 5);
    assert_true(cbor_finished(&r.in));
    cbor_refuse(&r.in);
    assert_false(cbor_finished(&r.in));
}

SPEC("a map is walked key by key and closed behind the last")
{
    struct open_reader r;
    int64_t key = 0;
    // {1: 10, 5: {2: []}, -1: [3, {}]} and then a number, in an array.
    reading(&r, "82a3010a05a10280208203a007");
    assert_int_equal(cbor_read_array(&r.in), 2);
    assert_int_equal(cbor_read_map(&r.in), 3);
    assert_true(cbor_map_next(&r.in, &key));
    assert_int_equal(key, 1);
    assert_int_equal(cbor_read_uint(&r.in), 10);
    assert_true(cbor_map_next(&r.in, &key));
    assert_int_equal(key, 5);
    assert_int_equal(cbor_read_map(&r.in), 1);
    assert_true(cbor_map_next(&r.in, &key));
    assert_int_equal(cbor_read_array(&r.in), 0);
    assert_int_equal(cbor_peek_kind(&r.in), CBOR_NOTHING);
    assert_false(cbor_map_next(&r.in, &key));
    assert_int_equal(key, 2);
    assert_true(cbor_take_key(&r.in, -1));
    assert_int_equal(cbor_read_array(&r.in), 2);
    assert_int_equal(cbor_read_int(&r.in), 3);
    assert_int_equal(cbor_read_item(&r.in).size, 1);
    assert_false(cbor_map_next(&r.in, &key));
    assert_false(cbor_finished(&r.in));
    assert_int_equal(cbor_read_uint(&r.in), 7);
    assert_true(cbor_finished(&r.in));
}

SPEC("a wanted key must be next, an optional one may be absent")
{
    struct open_reader r;
    cbor_read_map(reading(&r, "a2010a030b"));
    assert_false(cbor_take_key(&r.in, 0));
    cbor_read_key(&r.in, 1);
    cbor_read_uint(&r.in);
    assert_false(cbor_take_key(&r.in, 2));
    assert_true(cbor_take_key(&r.in, 3));
    cbor_read_uint(&r.in);
    assert_false(cbor_take_key(&r.in, 4));
    cbor_end_map(&r.in);
    assert_true(cbor_finished(&r.in));

    cbor_read_map(reading(&r, "a2010a030b"));
    cbor_read_key(&r.in, 3);
    assert_true(cbor_has_failed(&r.in));
}

SPEC("a key is no value and a value is no key")
{
    struct open_reader r;
    int64_t key;
    cbor_read_map(reading(&r, "a1010a"));
    assert_int_equal(cbor_read_uint(&r.in), 0);
    assert_true(cbor_has_failed(&r.in));
    cbor_read_map(reading(&r, "a1010a"));
    assert_int_equal(cbor_read_item(&r.in).size, 0);
    assert_true(cbor_has_failed(&r.in));
    cbor_read_map(reading(&r, "a2010a030b"));
    assert_true(cbor_map_next(&r.in, &key));
    assert_false(cbor_take_key(&r.in, 10));
    assert_false(cbor_map_next(&r.in, &key));
    assert_true(cbor_has_failed(&r.in));
    assert_false(cbor_map_next(reading(&r, "01"), &key));
    assert_true(cbor_has_failed(&r.in));
    cbor_read_array(reading(&r, "8101"));
    assert_false(cbor_take_key(&r.in, 1));
    assert_false(cbor_map_next(&r.in, &key));
    assert_true(cbor_has_failed(&r.in));
}

SPEC("a key that is not an int64 is not read as one")
{
    static const char *const maps[] = {"a1410100", "a1616100",
                                       "a11b800000000000000000"};
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        struct open_reader r;
        int64_t key = 77;
        reading(&r, maps[i]);
        cbor_read_item(&r.in);
        assert_true(cbor_finished(&r.in));
        cbor_read_map(reading(&r, maps[i]));
        assert_false(cbor_map_next(&r.in, &key));
        assert_int_equal(key, 77);
        assert_true(cbor_has_failed(&r.in));
    }
}

SPEC("a map is closed only at its end, and finished asks for that")
{
    struct open_reader r;
    cbor_read_map(reading(&r, "a1010a"));
    cbor_end_map(&r.in);
    assert_true(cbor_has_failed(&r.in));
    cbor_read_map(reading(&r, "a1010a"));
    cbor_read_key(&r.in, 1);
    cbor_end_map(&r.in);
    assert_true(cbor_has_failed(&r.in));
    cbor_read_map(reading(&r, "a1010a"));
    cbor_read_key(&r.in, 1);
    cbor_read_uint(&r.in);
    assert_false(cbor_finished(&r.in));
    cbor_end_map(&r.in);
    assert_true(cbor_finished(&r.in));
    cbor_end_map(&r.in);
    assert_true(cbor_has_failed(&r.in));
}

SPEC("unknown keys from 64 on are ignored, smaller and negative ones are not")
{
    static const struct {
        const char *map;
        bool is_taken;
    } cases[] = {
        {"a1010a",                       true },
        {"a2010a184000",                 true },
        {"a3010a184081a1616180190100f6", true },
        {"a2010a184081818181818180",     true },
        {"a2010a18408181818181818180",   false},
        {"a2010a0200",                   false},
        {"a2010a183f00",                 false},
        {"a2010a2000",                   false},
        {"a3010a1840002000",             false},
        {"a2010a410000",                 false},
        {"a3010a184100184000",           false},
        {"a2010a1840f4",                 false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct open_reader r;
        cbor_read_map(reading(&r, cases[i].map));
        cbor_read_key(&r.in, 1);
        assert_int_equal(cbor_read_uint(&r.in), 10);
        cbor_end_map_ignoring(&r.in);
        assert_int_equal(cbor_finished(&r.in), cases[i].is_taken);
    }
}

SPEC("an item is the exact bytes that encode it")
{
    struct open_reader r;
    reading(&r, "8401a20182f640187f61610243616263");
    cbor_read_array(&r.in);
    cbor_read_uint(&r.in);
    struct rotor_bytes item = cbor_read_item(&r.in);
    assert_ptr_equal(item.data, r.bytes + 2);
    assert_int_equal(item.size, 9);
    assert_int_equal(cbor_read_uint(&r.in), 2);
    item = cbor_read_item(&r.in);
    assert_ptr_equal(item.data, r.bytes + 12);
    assert_int_equal(item.size, 4);
    assert_true(cbor_finished(&r.in));
}

// ---- writer ----------------------------------------------------------------

static void write_sample(struct cbor_writer *out)
{
    static const uint8_t bytes[300] = {1, 2, 3};
    static const int64_t numbers[] = {
        0,         23, 24,  255, 256,  65535, 65536,  4294967295, 4294967296,
        INT64_MAX, -1, -24, -25, -256, -257,  -65536, -65537,     INT64_MIN,
    };
    cbor_write_map(out, 5);
    cbor_write_uint(out, 1);
    cbor_write_array(out, COUNT_OF(numbers) + 1);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        cbor_write_int(out, numbers[i]);
    }
    cbor_write_uint(out, UINT64_MAX);
    cbor_write_uint(out, 2);
    cbor_write_bytes(out, BYTES_OF(bytes));
    cbor_write_uint(out, 3);
    cbor_write_text(out, LABEL("text"));
    cbor_write_uint(out, 4);
    cbor_write_bytes_head(out, 2);
    cbor_write_raw(out, bytes_of(bytes, 2));
    cbor_write_int(out, -1);
    cbor_write_nil(out);
}

SPEC("what the writer makes is what the reader takes")
{
    uint8_t bytes[512];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    write_sample(&out);
    assert_ok(cbor_writer_finish(&out));
    assert_int_equal(room.used, cbor_writer_size(&out));
    struct cbor_reader in;
    cbor_reader_init(&in, bytes_in(&room));
    assert_int_equal(cbor_read_item(&in).size, room.used);
    assert_true(cbor_finished(&in));
}

SPEC("a full writer counts on, tells the size and leaves nothing behind")
{
    uint8_t bytes[512];
    struct rotor_room none = {NULL, 0, 0};
    struct cbor_writer out;
    cbor_writer_init(&out, &none);
    write_sample(&out);
    assert_int_equal(cbor_writer_finish(&out), ROTOR_TOO_SMALL);
    size_t needed = cbor_writer_size(&out);
    for (size_t size = 0; size <= needed; size++) {
        memset(bytes, 0xee, sizeof bytes);
        struct rotor_room room = {bytes, size, 3};
        cbor_writer_init(&out, &room);
        write_sample(&out);
        bool fits = size == needed;
        assert_int_equal(cbor_writer_finish(&out),
                         fits ? ROTOR_OK : ROTOR_TOO_SMALL);
        assert_int_equal(room.used, fits ? needed : 0);
        assert_int_equal(cbor_writer_size(&out), needed);
        assert_int_equal(bytes[size], 0xee);
        for (size_t i = 0; i < size && !fits; i++) {
            assert_int_equal(bytes[i], 0);
        }
    }
}

SPEC("a size beyond counting stays too large")
{
    uint8_t bytes[16];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_raw(&out, bytes_of(bytes, SIZE_MAX));
    cbor_write_nil(&out);
    assert_int_equal(cbor_writer_size(&out), SIZE_MAX);
    assert_int_equal(cbor_writer_finish(&out), ROTOR_TOO_SMALL);
}
