// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor_head.h"
#include "wire/cbor_text.h"

struct head {
    enum cbor_kind kind;
    uint64_t argument;
    size_t size; // bytes of the head itself
};

// ---- heads -----------------------------------------------------------------

static size_t bytes_left(const struct cbor_reader *in)
{
    return in->input.size - in->position;
}

static const uint8_t *next_bytes(const struct cbor_reader *in)
{
    return in->input.data + in->position;
}

// The argument of a head, or false: cut short, longer than needed, indefinite
// or reserved.
static bool argument_at(const struct cbor_reader *in, struct head *head)
{
    const uint8_t *at = next_bytes(in);
    unsigned info = at[0] & 0x1fu;
    if (info < INFO_ONE_BYTE) {
        head->argument = info;
        head->size = 1;
        return true;
    }
    if (info > INFO_EIGHT_BYTES) {
        return false;
    }
    size_t width = (size_t)1 << (info - INFO_ONE_BYTE);
    if (bytes_left(in) - 1 < width) {
        return false;
    }
    uint64_t argument = 0;
    for (size_t i = 1; i <= width; i++) {
        argument = argument << 8 | at[i];
    }
    // The half as wide form, or the head alone, would have held less.
    uint64_t least = width == 1 ? INFO_ONE_BYTE : (uint64_t)1 << (width * 4);
    if (argument < least) {
        return false;
    }
    head->argument = argument;
    head->size = 1 + width;
    return true;
}

// Whether an item with this head may stand here: what it announces must fit
// into the bytes that are left, an item taking one at least.
static bool announces_what_fits(struct head head, size_t left)
{
    if (head.kind == CBOR_NEGATIVE) {
        return head.argument <= INT64_MAX;
    }
    if (head.kind == CBOR_MAP) {
        return head.argument <= left / 2;
    }
    bool has_content = head.kind == CBOR_BYTES || head.kind == CBOR_TEXT ||
                       head.kind == CBOR_ARRAY;
    return !has_content || head.argument <= left;
}

// The head at the cursor; kind is CBOR_NOTHING unless it is one we take.
static struct head head_at(const struct cbor_reader *in)
{
    static const enum cbor_kind kinds[8] = {
        [MAJOR_UINT] = CBOR_UINT,   [MAJOR_NEGATIVE] = CBOR_NEGATIVE,
        [MAJOR_BYTES] = CBOR_BYTES, [MAJOR_TEXT] = CBOR_TEXT,
        [MAJOR_ARRAY] = CBOR_ARRAY, [MAJOR_MAP] = CBOR_MAP,
        [MAJOR_SIMPLE] = CBOR_NIL,
    };
    struct head nothing = {CBOR_NOTHING, 0, 0};
    struct head head = nothing;
    if (in->has_failed || bytes_left(in) == 0 || !argument_at(in, &head)) {
        return nothing;
    }
    head.kind = kinds[next_bytes(in)[0] >> 5];
    if (head.kind == CBOR_NIL && head.argument != SIMPLE_NIL) {
        return nothing;
    }
    if (!announces_what_fits(head, bytes_left(in) - head.size)) {
        return nothing;
    }
    return head;
}

static int64_t integer_of(struct head head)
{
    return head.kind == CBOR_UINT ? (int64_t)head.argument
                                  : -1 - (int64_t)head.argument;
}

static bool is_integer(struct head head)
{
    return (head.kind == CBOR_UINT || head.kind == CBOR_NEGATIVE) &&
           head.argument <= INT64_MAX;
}

// ---- containers ------------------------------------------------------------

static struct cbor_level *innermost(struct cbor_reader *in)
{
    return in->depth == 0 ? NULL : &in->levels[in->depth - 1];
}

void cbor_refuse(struct cbor_reader *in)
{
    in->has_failed = true;
}

// Called behind each whole item: an array closes itself behind its last.
static void close_full_arrays(struct cbor_reader *in)
{
    struct cbor_level *level = innermost(in);
    while (level != NULL && !level->is_map && level->left == 0) {
        in->depth--;
        level = innermost(in);
    }
}

// A full array has closed itself: what is full is a map.
static bool is_at_end_of_map(struct cbor_reader *in)
{
    struct cbor_level *level = innermost(in);
    return level != NULL && level->left == 0;
}

static bool may_key_come(struct cbor_reader *in)
{
    struct cbor_level *level = innermost(in);
    return level != NULL && level->expects_key && level->left != 0;
}

static void close_map(struct cbor_reader *in)
{
    if (!is_at_end_of_map(in)) {
        cbor_refuse(in);
        return;
    }
    in->depth--;
    close_full_arrays(in);
}

static void open_container(struct cbor_reader *in, struct head head)
{
    if (in->depth == CBOR_NESTING_MAX) {
        cbor_refuse(in);
        return;
    }
    bool is_map = head.kind == CBOR_MAP;
    size_t count = (size_t)head.argument;
    in->levels[in->depth++] = (struct cbor_level){
        .left = is_map ? 2 * count : count,
        .is_map = is_map,
        .expects_key = is_map,
    };
    close_full_arrays(in);
}

// Steps over the content that `head` announces; the cursor is behind the head.
static struct rotor_bytes take_content(struct cbor_reader *in, struct head head)
{
    struct rotor_bytes content =
        bytes_of(next_bytes(in), (size_t)head.argument);
    if (head.kind == CBOR_TEXT && !cbor_text_is_utf8(content)) {
        cbor_refuse(in);
        return bytes_of(NULL, 0);
    }
    in->position += content.size;
    return content;
}

static bool is_string(struct head head)
{
    return head.kind == CBOR_BYTES || head.kind == CBOR_TEXT;
}

// Takes the next key of the innermost map, which must be greater than the one
// before it.
static struct head take_any_key(struct cbor_reader *in)
{
    struct head nothing = {CBOR_NOTHING, 0, 0};
    struct head head = head_at(in);
    struct cbor_level *level = innermost(in);
    bool is_key =
        head.kind == CBOR_UINT || head.kind == CBOR_NEGATIVE || is_string(head);
    if (!may_key_come(in) || !is_key) {
        cbor_refuse(in);
        return nothing;
    }
    struct rotor_bytes key = bytes_of(next_bytes(in), head.size);
    in->position += head.size;
    if (is_string(head)) {
        key.size += take_content(in, head).size;
    }
    bool ascends =
        bytes_are_empty(level->key) || bytes_compare(level->key, key) < 0;
    if (in->has_failed || !ascends) {
        cbor_refuse(in);
        return nothing;
    }
    level->key = key;
    level->left--;
    level->expects_key = false;
    return head;
}

// Takes the head of the next item, which its container must have room for.
static struct head take_head(struct cbor_reader *in)
{
    struct head nothing = {CBOR_NOTHING, 0, 0};
    struct head head = head_at(in);
    struct cbor_level *level = innermost(in);
    bool key_is_due = level != NULL && level->expects_key;
    if (head.kind == CBOR_NOTHING || key_is_due) {
        cbor_refuse(in);
        return nothing;
    }
    if (level != NULL) {
        level->left--;
        level->expects_key = level->is_map;
    }
    in->position += head.size;
    return head;
}

static struct head take_head_of(struct cbor_reader *in, enum cbor_kind kind)
{
    struct head head = take_head(in);
    if (head.kind != kind) {
        cbor_refuse(in);
        return (struct head){CBOR_NOTHING, 0, 0};
    }
    return head;
}

// ---- reads -----------------------------------------------------------------

void cbor_reader_init(struct cbor_reader *in, struct rotor_bytes bytes)
{
    *in = (struct cbor_reader){.input = bytes};
}

bool cbor_finished(const struct cbor_reader *in)
{
    return !in->has_failed && in->depth == 0 && bytes_left(in) == 0;
}

bool cbor_has_failed(const struct cbor_reader *in)
{
    return in->has_failed;
}

enum cbor_kind cbor_peek_kind(const struct cbor_reader *in)
{
    if (in->depth != 0 && in->levels[in->depth - 1].left == 0) {
        return CBOR_NOTHING;
    }
    return head_at(in).kind;
}

uint64_t cbor_read_uint(struct cbor_reader *in)
{
    struct head head = take_head_of(in, CBOR_UINT);
    close_full_arrays(in);
    return head.argument;
}

uint64_t cbor_read_uint_max(struct cbor_reader *in, uint64_t max)
{
    uint64_t value = cbor_read_uint(in);
    if (value > max) {
        cbor_refuse(in);
        return 0;
    }
    return value;
}

int64_t cbor_read_int(struct cbor_reader *in)
{
    struct head head = take_head(in);
    if (!is_integer(head)) {
        cbor_refuse(in);
        return 0;
    }
    close_full_arrays(in);
    return integer_of(head);
}

static struct rotor_bytes read_string(struct cbor_reader *in,
                                      enum cbor_kind kind)
{
    struct head head = take_head_of(in, kind);
    if (in->has_failed) {
        return bytes_of(NULL, 0);
    }
    struct rotor_bytes content = take_content(in, head);
    close_full_arrays(in);
    return content;
}

struct rotor_bytes cbor_read_bytes(struct cbor_reader *in)
{
    return read_string(in, CBOR_BYTES);
}

struct rotor_bytes cbor_read_bytes_sized(struct cbor_reader *in, size_t min,
                                         size_t max)
{
    struct rotor_bytes bytes = cbor_read_bytes(in);
    if (bytes.size < min || bytes.size > max) {
        cbor_refuse(in);
        return bytes_of(NULL, 0);
    }
    return bytes;
}

void cbor_read_bytes_into(struct cbor_reader *in, uint8_t *out, size_t size)
{
    struct rotor_bytes bytes = cbor_read_bytes_sized(in, size, size);
    if (in->has_failed) {
        memset(out, 0, size);
        return;
    }
    if (size != 0) {
        memcpy(out, bytes.data, size);
    }
}

struct rotor_bytes cbor_read_text(struct cbor_reader *in)
{
    return read_string(in, CBOR_TEXT);
}

void cbor_read_nil(struct cbor_reader *in)
{
    take_head_of(in, CBOR_NIL);
    close_full_arrays(in);
}

static size_t read_container(struct cbor_reader *in, enum cbor_kind kind)
{
    struct head head = take_head_of(in, kind);
    if (in->has_failed) {
        return 0;
    }
    open_container(in, head);
    return in->has_failed ? 0 : (size_t)head.argument;
}

size_t cbor_read_array(struct cbor_reader *in)
{
    return read_container(in, CBOR_ARRAY);
}

void cbor_read_array_of(struct cbor_reader *in, size_t count)
{
    if (cbor_read_array(in) != count) {
        cbor_refuse(in);
    }
}

size_t cbor_read_map(struct cbor_reader *in)
{
    return read_container(in, CBOR_MAP);
}

bool cbor_map_next(struct cbor_reader *in, int64_t *key)
{
    if (is_at_end_of_map(in)) {
        close_map(in);
        return false;
    }
    struct head head = take_any_key(in);
    if (!is_integer(head)) {
        cbor_refuse(in);
        return false;
    }
    *key = integer_of(head);
    return true;
}

void cbor_read_key(struct cbor_reader *in, int64_t key)
{
    if (!cbor_take_key(in, key)) {
        cbor_refuse(in);
    }
}

bool cbor_take_key(struct cbor_reader *in, int64_t key)
{
    struct head head = head_at(in);
    bool is_next = is_integer(head) && integer_of(head) == key;
    if (!may_key_come(in) || !is_next) {
        return false;
    }
    return take_any_key(in).kind != CBOR_NOTHING;
}

void cbor_end_map(struct cbor_reader *in)
{
    close_map(in);
}

void cbor_end_map_ignoring(struct cbor_reader *in)
{
    int64_t key;
    while (cbor_map_next(in, &key)) {
        if (key < CBOR_KEY_IGNORABLE) {
            cbor_refuse(in);
        }
        cbor_read_item(in);
    }
}

// One step of walking an item: a scalar, an opened container or a map's key
// or end.
static void step_over(struct cbor_reader *in)
{
    struct cbor_level *level = innermost(in);
    if (is_at_end_of_map(in)) {
        close_map(in);
        return;
    }
    if (level != NULL && level->expects_key) {
        take_any_key(in);
        return;
    }
    struct head head = take_head(in);
    if (head.kind == CBOR_ARRAY || head.kind == CBOR_MAP) {
        open_container(in, head);
        return;
    }
    if (is_string(head)) {
        take_content(in, head);
    }
    close_full_arrays(in);
}

struct rotor_bytes cbor_read_item(struct cbor_reader *in)
{
    struct cbor_level *outer = innermost(in);
    if (outer != NULL && outer->expects_key) {
        cbor_refuse(in);
    }
    size_t start = in->position;
    size_t outer_depth = in->depth;
    // Each step takes a byte or closes a map, so this ends.
    do {
        step_over(in);
    } while (!in->has_failed && in->depth > outer_depth);
    if (in->has_failed) {
        return bytes_of(NULL, 0);
    }
    return bytes_of(in->input.data + start, in->position - start);
}
