// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor_foreign_head.h"

#include "base/bytes.h"

bool cbor_foreign_is_endless(const struct cbor_foreign_head *head)
{
    return head->info == INFO_INDEFINITE;
}

bool cbor_foreign_is_string(const struct cbor_foreign_head *head)
{
    return head->major == MAJOR_BYTES || head->major == MAJOR_TEXT;
}

bool cbor_foreign_is_container(const struct cbor_foreign_head *head)
{
    return head->major == MAJOR_ARRAY || head->major == MAJOR_MAP;
}

// What a head announces must fit into the `left` bytes behind it, an item
// taking one at least.
static bool announces_what_fits(const struct cbor_foreign_head *head,
                                size_t left)
{
    if (cbor_foreign_is_endless(head)) {
        return cbor_foreign_is_string(head) || cbor_foreign_is_container(head);
    }
    if (head->major == MAJOR_MAP) {
        return head->argument <= left / 2;
    }
    bool has_content =
        cbor_foreign_is_string(head) || head->major == MAJOR_ARRAY;
    bool is_short_simple = head->major == MAJOR_SIMPLE &&
                           head->info == INFO_ONE_BYTE &&
                           head->argument < SIMPLE_LEAST_LONG;
    return !is_short_simple && (!has_content || head->argument <= left);
}

bool cbor_foreign_head(struct rotor_bytes bytes, struct cbor_foreign_head *head)
{
    if (bytes.size == 0 || bytes.data[0] == BREAK) {
        return false;
    }
    *head = (struct cbor_foreign_head){
        .major = bytes.data[0] >> 5, .info = bytes.data[0] & 0x1fu, .size = 1};
    head->argument = head->info;
    if (head->info >= INFO_ONE_BYTE && head->info <= INFO_EIGHT_BYTES) {
        size_t width = (size_t)1 << (head->info - INFO_ONE_BYTE);
        if (bytes.size - 1 < width) {
            return false;
        }
        head->argument = 0;
        for (size_t i = 1; i <= width; i++) {
            head->argument = head->argument << 8 | bytes.data[i];
        }
        head->size += width;
    } else if (head->info > INFO_EIGHT_BYTES &&
               !cbor_foreign_is_endless(head)) {
        return false;
    }
    return announces_what_fits(head, bytes.size - head->size);
}

bool cbor_foreign_string(struct rotor_bytes bytes,
                         const struct cbor_foreign_head *head,
                         struct rotor_bytes *content, size_t *size)
{
    if (!cbor_foreign_is_endless(head)) {
        *content = bytes_of(bytes.data + head->size, (size_t)head->argument);
        *size = head->size + content->size;
        return true;
    }
    struct rotor_bytes rest = bytes_of(bytes.data + 1, bytes.size - 1);
    struct cbor_foreign_head piece;
    *content = bytes_of(NULL, 0);
    *size = 1;
    if (cbor_foreign_head(rest, &piece)) {
        if (piece.major != head->major || cbor_foreign_is_endless(&piece)) {
            return false;
        }
        *content = bytes_of(rest.data + piece.size, (size_t)piece.argument);
        *size += piece.size + content->size;
    }
    if (*size >= bytes.size || bytes.data[*size] != BREAK) {
        return false;
    }
    *size += 1;
    return true;
}

bool cbor_foreign_keys_equal(struct rotor_bytes a, struct rotor_bytes b)
{
    struct cbor_foreign_head first;
    struct cbor_foreign_head second;
    struct rotor_bytes first_content;
    struct rotor_bytes second_content;
    size_t size;
    if (!cbor_foreign_head(a, &first) || !cbor_foreign_head(b, &second) ||
        first.major != second.major) {
        return false;
    }
    if (cbor_foreign_is_string(&first)) {
        return cbor_foreign_string(a, &first, &first_content, &size) &&
               cbor_foreign_string(b, &second, &second_content, &size) &&
               bytes_equal(first_content, second_content);
    }
    bool is_same_width =
        first.major != MAJOR_SIMPLE || first.info == second.info;
    return is_same_width && first.argument == second.argument;
}
