// SPDX-License-Identifier: Apache-2.0
// The strict reader on any bytes.  What it takes whole it must also give item
// by item, and the writer must make the same bytes of that: one encoding for
// each value.  What it refuses whole must fail item by item too.
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "wire/cbor.h"
#include "wire/cose.h"

#define OUT_MAX 65536u

struct walk {
    struct cbor_reader in;
    struct cbor_writer out;
    bool has_other_key; // not an int64: only cbor_read_item takes it
};

static bool is_other_key(const struct cbor_reader *in)
{
    const uint8_t *at = in->input.data + in->position;
    switch (cbor_peek_kind(in)) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        return true;
    case CBOR_UINT:
        return at[0] == 0x1b && at[1] >= 0x80;
    case CBOR_NEGATIVE:
    case CBOR_ARRAY:
    case CBOR_MAP:
    case CBOR_NIL:
    case CBOR_NOTHING:
        break;
    }
    return false;
}

static void copy_item(struct walk *walk, unsigned depth);

static void copy_map(struct walk *walk, unsigned depth)
{
    int64_t key;
    int64_t last = 0;
    bool is_first = true;
    cbor_write_map(&walk->out, cbor_read_map(&walk->in));
    for (;;) {
        walk->has_other_key |= is_other_key(&walk->in);
        if (!cbor_map_next(&walk->in, &key)) {
            return;
        }
        bool ascends =
            (last >= 0) == (key >= 0) ? (key >= 0) == (key > last) : last >= 0;
        FUZZ_CHECK(is_first || (ascends && key != last));
        is_first = false;
        last = key;
        cbor_write_int(&walk->out, key);
        copy_item(walk, depth + 1);
    }
}

static void copy_item(struct walk *walk, unsigned depth)
{
    FUZZ_CHECK(depth <= CBOR_NESTING_MAX + 1);
    struct rotor_bytes string;
    switch (cbor_peek_kind(&walk->in)) {
    case CBOR_UINT:
        cbor_write_uint(&walk->out, cbor_read_uint(&walk->in));
        return;
    case CBOR_NEGATIVE:
        cbor_write_int(&walk->out, cbor_read_int(&walk->in));
        return;
    case CBOR_BYTES:
        string = cbor_read_bytes(&walk->in);
        cbor_write_bytes(&walk->out, string);
        return;
    case CBOR_TEXT:
        string = cbor_read_text(&walk->in);
        cbor_write_text(&walk->out, string);
        return;
    case CBOR_NIL:
        cbor_read_nil(&walk->in);
        cbor_write_nil(&walk->out);
        return;
    case CBOR_MAP:
        copy_map(walk, depth);
        return;
    case CBOR_ARRAY: {
        size_t count = cbor_read_array(&walk->in);
        cbor_write_array(&walk->out, count);
        for (size_t i = 0; i < count && !cbor_has_failed(&walk->in); i++) {
            copy_item(walk, depth + 1);
        }
        return;
    }
    case CBOR_NOTHING:
        break;
    }
    cbor_refuse(&walk->in);
}

static void read_known_forms(struct rotor_bytes bytes)
{
    static const struct wire_statement statement;
    struct wire_key key;
    struct wire_digest digest;
    struct rotor_bytes kid;
    struct cbor_reader in;
    uint8_t room_bytes[WIRE_KEY_ENCODED_MAX];
    struct rotor_room room = ROOM_OF(room_bytes);
    bool valid = true;
    if (wire_key_decode(&key, bytes) == ROTOR_OK) {
        FUZZ_CHECK(wire_key_encode(&key, &room) == ROTOR_OK);
        FUZZ_CHECK(bytes_equal(bytes_in(&room), bytes));
    }
    cbor_reader_init(&in, bytes);
    wire_read_mdigest(&in, &digest);
    FUZZ_CHECK(!cbor_has_failed(&in) || wire_digest_is_empty(&digest));
    if (wire_cose_kid(bytes, &kid) == ROTOR_OK) {
        FUZZ_CHECK(kid.size >= 32 && kid.size <= 48);
    }
    struct wire_key ots = {.type = WIRE_KEY_LMOTS};
    if (wire_cose_verify(&ots, &statement, bytes, &valid) != ROTOR_OK) {
        FUZZ_CHECK(!valid);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out_bytes[OUT_MAX];
    struct rotor_bytes bytes = bytes_of(data, size > OUT_MAX ? OUT_MAX : size);
    struct rotor_room out = ROOM_OF(out_bytes);
    struct cbor_reader whole;
    cbor_reader_init(&whole, bytes);
    struct rotor_bytes item = cbor_read_item(&whole);
    bool taken = cbor_finished(&whole);
    FUZZ_CHECK(!taken || bytes_equal(item, bytes) || bytes.size == 0);

    struct walk walk = {.has_other_key = false};
    cbor_reader_init(&walk.in, bytes);
    cbor_writer_init(&walk.out, &out);
    copy_item(&walk, 0);
    FUZZ_CHECK(walk.has_other_key || cbor_finished(&walk.in) == taken ||
               bytes.size == 0);
    if (cbor_finished(&walk.in)) {
        FUZZ_CHECK(taken);
        FUZZ_CHECK(cbor_writer_finish(&walk.out) == ROTOR_OK);
        FUZZ_CHECK(bytes_equal(bytes_in(&out), bytes));
    }
    read_known_forms(bytes);
    return 0;
}
