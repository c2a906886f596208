// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/store_index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "port/linux/folder.h"

#define WINDOW (16u * WIRE_ENTRY_MAX) // bytes that are read at a time

static bool make_room(struct store *store)
{
    if (store->count < store->offset_room) {
        return true;
    }
    size_t room = store->offset_room == 0 ? 256 : 2 * store->offset_room;
    uint64_t *grown = realloc(store->offsets, room * sizeof *grown);
    if (grown == NULL) {
        errno = ENOMEM;
        return false;
    }
    store->offsets = grown;
    store->offset_room = room;
    return true;
}

// What the head says of the log's bytes: each entry is hashed in.
static enum rotor_status sum_up(uint8_t sum[SEEN_FILE_SUM],
                                struct rotor_bytes entry)
{
    const struct rotor_bytes parts[] = {bytes_of(sum, SEEN_FILE_SUM), entry};
    uint8_t next[SEEN_FILE_SUM];
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), next));
    memcpy(sum, next, SEEN_FILE_SUM);
    return ROTOR_OK;
}

enum rotor_status store_index_add(struct store *store, uint64_t offset,
                                  struct rotor_bytes entry)
{
    if (!make_room(store)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(sum_up(store->log_sum, entry));
    store->offsets[store->count++] = offset;
    return ROTOR_OK;
}

// ---- HEX.seen --------------------------------------------------------------

static enum rotor_status add_seen(struct store *store, struct rotor_bytes bytes)
{
    struct chain_entry entry;
    struct chain_fingerprints all;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        return ROTOR_CORRUPT;
    }
    TRY(chain_fingerprints_of(&entry.body, &all));
    for (size_t i = 0; i < all.count; i++) {
        TRY(seen_file_add(&store->seen_file, &all.each[i]));
    }
    return ROTOR_OK;
}

// Is what the file counts the beginning of this log?  Else it starts over.
static enum rotor_status check_seen(struct store *store)
{
    bool is_here = store->count == store->seen_file.entries;
    bool fits =
        memcmp(store->log_sum, store->seen_file.sum, SEEN_FILE_SUM) == 0;
    return is_here && !fits ? ROTOR_CORRUPT : ROTOR_OK;
}

// ---- one pass --------------------------------------------------------------

struct pass {
    struct store *store;
    char name[56];
    uint64_t offset; // of the window
    struct rotor_room window;
    size_t at;
};

// The record at pass->at, as a view; the window moves when it is not whole.
static enum rotor_status next_record(struct pass *pass,
                                     struct rotor_bytes *entry)
{
    struct rotor_room *window = &pass->window;
    for (int tries = 0; tries < 2; tries++) {
        size_t left = window->used - pass->at;
        const uint8_t *record = window->data + pass->at;
        uint32_t size = left >= 4 ? bytes_be32(record) : 0;
        if (left >= 4 && (size == 0 || size > WIRE_ENTRY_MAX)) {
            return ROTOR_CORRUPT;
        }
        if (left >= 4 && left - 4 >= size) {
            *entry = bytes_of(record + 4, size);
            return ROTOR_OK;
        }
        pass->offset += pass->at;
        pass->at = 0;
        TRY(linux_folder_read_at(pass->store->folder, pass->name, pass->offset,
                                 window));
    }
    return ROTOR_CORRUPT;
}

static enum rotor_status run(struct pass *pass, uint64_t count,
                             bool seen_is_good)
{
    struct store *store = pass->store;
    TRY(seen_file_expect(&store->seen_file, count));
    for (uint64_t i = 0; i < count; i++) {
        struct rotor_bytes entry;
        uint64_t offset = pass->offset + pass->at;
        TRY(next_record(pass, &entry));
        if (seen_is_good) {
            TRY(check_seen(store));
        }
        if (!seen_is_good || i >= store->seen_file.entries) {
            TRY(add_seen(store, entry));
        }
        TRY(store_index_add(store, offset, entry));
        pass->at += 4 + entry.size;
    }
    if (seen_is_good) {
        TRY(check_seen(store));
    }
    return pass->offset + pass->at == store->log_size ? ROTOR_OK
                                                      : ROTOR_CORRUPT;
}

static enum rotor_status start_over(struct store *store)
{
    store->count = 0;
    memset(store->log_sum, 0, sizeof store->log_sum);
    return seen_file_clear(&store->seen_file);
}

enum rotor_status store_index(struct store *store, uint64_t count)
{
    struct pass pass = {
        .store = store, .window = {malloc(WINDOW), WINDOW, 0}
    };
    (void)snprintf(pass.name, sizeof pass.name, "%s.log", store->name);
    if (pass.window.data == NULL) {
        errno = ENOMEM;
        return ROTOR_PORT_FAILED;
    }
    bool is_behind = count < store->seen_file.most;
    enum rotor_status status =
        is_behind ? ROTOR_CORRUPT : run(&pass, count, true);
    bool is_foreign = status == ROTOR_CORRUPT && store->seen_file.most != 0;
    if (is_foreign) { // HEX.seen may be at fault: without it
        pass.offset = 0;
        pass.at = 0;
        pass.window.used = 0;
        status = start_over(store);
        status = status == ROTOR_OK ? run(&pass, count, false) : status;
    }
    free(pass.window.data);
    store->committed = store->count;
    return status;
}
