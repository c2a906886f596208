// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor_foreign.h"

#include "base/bytes.h"
#include "wire/cbor_foreign_head.h"
#include "wire/cbor_text.h"

struct level {
    size_t left; // items to come; SIZE_MAX: until the break
    bool is_map;
    bool expects_key;
    size_t first_key; // in the scan's list
};

struct scan {
    struct rotor_bytes input;
    size_t position;
    size_t depth;
    bool is_done;
    size_t key_count;
    struct level levels[CBOR_FOREIGN_NESTING];
    uint32_t *keys; // positions, of the open maps; NULL: checked before
};

static struct rotor_bytes scan_rest(const struct scan *scan)
{
    return bytes_of(scan->input.data + scan->position,
                    scan->input.size - scan->position);
}

static bool take_key(struct scan *scan, struct level *level)
{
    struct rotor_bytes key = scan_rest(scan);
    for (size_t i = level->first_key; i < scan->key_count; i++) {
        struct rotor_bytes other = bytes_of(scan->input.data + scan->keys[i],
                                            scan->input.size - scan->keys[i]);
        if (cbor_foreign_keys_equal(key, other)) {
            return false;
        }
    }
    if (scan->key_count == CBOR_FOREIGN_KEYS) {
        return false;
    }
    scan->keys[scan->key_count++] = (uint32_t)scan->position;
    return true;
}

// Called behind each whole item: what is full is closed, which makes another
// whole item.
static void close_full(struct scan *scan)
{
    while (scan->depth != 0) {
        struct level *level = &scan->levels[scan->depth - 1];
        if (level->left != SIZE_MAX) {
            level->left--;
        }
        level->expects_key = level->is_map && !level->expects_key;
        if (level->left != 0) {
            return;
        }
        scan->key_count = level->first_key;
        scan->depth--;
    }
    scan->is_done = true;
}

static bool open_level(struct scan *scan, const struct cbor_foreign_head *head)
{
    if (scan->depth == CBOR_FOREIGN_NESTING) {
        return false;
    }
    bool is_map = head->major == MAJOR_MAP;
    size_t count =
        head->major == MAJOR_TAG ? 1 : (size_t)head->argument << is_map;
    if (cbor_foreign_is_endless(head)) {
        count = SIZE_MAX;
    }
    if (count == 0) {
        close_full(scan);
        return true;
    }
    scan->levels[scan->depth++] = (struct level){.left = count,
                                                 .is_map = is_map,
                                                 .expects_key = is_map,
                                                 .first_key = scan->key_count};
    return true;
}

// A break ends a container without a length, between items or pairs.
static bool take_break(struct scan *scan)
{
    if (scan->depth == 0) {
        return false;
    }
    struct level *level = &scan->levels[scan->depth - 1];
    if (level->left != SIZE_MAX || (level->is_map && !level->expects_key)) {
        return false;
    }
    scan->position++;
    scan->key_count = level->first_key;
    scan->depth--;
    close_full(scan);
    return true;
}

static bool take_string(struct scan *scan, const struct cbor_foreign_head *head)
{
    struct rotor_bytes content;
    size_t size;
    bool is_judged = scan->keys != NULL && head->major == MAJOR_TEXT;
    if (!cbor_foreign_string(scan_rest(scan), head, &content, &size) ||
        (is_judged && !cbor_text_is_utf8(content))) {
        return false;
    }
    scan->position += size;
    close_full(scan);
    return true;
}

// One step: a scalar, an opened container, or the end of one.
static bool step(struct scan *scan)
{
    struct rotor_bytes rest = scan_rest(scan);
    struct cbor_foreign_head head;
    if (rest.size != 0 && rest.data[0] == BREAK) {
        return take_break(scan);
    }
    if (!cbor_foreign_head(rest, &head)) {
        return false;
    }
    bool opens = cbor_foreign_is_container(&head) || head.major == MAJOR_TAG;
    struct level *level =
        scan->depth == 0 ? NULL : &scan->levels[scan->depth - 1];
    bool is_key = level != NULL && level->expects_key;
    if (is_key && scan->keys != NULL && (opens || !take_key(scan, level))) {
        return false;
    }
    if (cbor_foreign_is_string(&head)) {
        return take_string(scan, &head);
    }
    scan->position += head.size;
    if (opens) {
        return open_level(scan, &head);
    }
    close_full(scan);
    return true;
}

// Each step takes a byte, so this ends.
static bool run(struct scan *scan, struct rotor_bytes input, uint32_t *keys)
{
    scan->input = input;
    scan->position = 0;
    scan->depth = 0;
    scan->is_done = false;
    scan->key_count = 0;
    scan->keys = keys;
    while (!scan->is_done) {
        if (!step(scan)) {
            return false;
        }
    }
    return true;
}

bool cbor_foreign_open_first(struct rotor_bytes bytes,
                             struct cbor_foreign *item,
                             struct rotor_bytes *rest)
{
    struct scan scan;
    uint32_t keys[CBOR_FOREIGN_KEYS];
    *item = (struct cbor_foreign){0};
    *rest = bytes_of(NULL, 0);
    size_t size = bytes.size > CBOR_FOREIGN_MAX ? CBOR_FOREIGN_MAX : bytes.size;
    if (!run(&scan, bytes_of(bytes.data, size), keys)) {
        return false;
    }
    item->bytes = bytes_of(bytes.data, scan.position);
    *rest = bytes_of(bytes.data + scan.position, bytes.size - scan.position);
    return true;
}

bool cbor_foreign_open(struct rotor_bytes bytes, struct cbor_foreign *item)
{
    struct rotor_bytes rest;
    if (!cbor_foreign_open_first(bytes, item, &rest) || rest.size != 0) {
        *item = (struct cbor_foreign){0};
        return false;
    }
    return true;
}

size_t cbor_foreign_size(struct rotor_bytes bytes)
{
    struct scan scan;
    struct cbor_foreign_head head;
    if (cbor_foreign_head(bytes, &head) && !cbor_foreign_is_endless(&head) &&
        !cbor_foreign_is_container(&head) && head.major != MAJOR_TAG) {
        return head.size +
               (cbor_foreign_is_string(&head) ? (size_t)head.argument : 0);
    }
    return run(&scan, bytes, NULL) ? scan.position : bytes.size;
}
