// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/store_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "port/linux/folder.h"

#define WINDOW (16u * WIRE_ENTRY_MAX) // bytes that are read at a time

// What the head says of the log's bytes: each entry is hashed in.
enum rotor_status store_index_sum(uint8_t sum[SEEN_FILE_SUM],
                                  struct rotor_bytes entry)
{
    const struct rotor_bytes parts[] = {bytes_of(sum, SEEN_FILE_SUM), entry};
    uint8_t next[SEEN_FILE_SUM];
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), next));
    memcpy(sum, next, SEEN_FILE_SUM);
    return ROTOR_OK;
}

// ---- one pass --------------------------------------------------------------

struct pass {
    struct store *store;
    char name[56];
    uint64_t offset; // of the window
    struct rotor_room window;
    size_t at;
    uint8_t sum[SEEN_FILE_SUM]; // of all up to here
};

static enum rotor_status begin(struct pass *pass, struct store *store,
                               const struct seen_mark *from)
{
    *pass = (struct pass){
        .store = store,
        .offset = from->log_size,
        .window = {malloc(WINDOW), WINDOW, 0}
    };
    (void)snprintf(pass->name, sizeof pass->name, "%s.log", store->name);
    memcpy(pass->sum, from->sum, sizeof pass->sum);
    if (pass->window.data == NULL) {
        errno = ENOMEM;
        return ROTOR_PORT_FAILED;
    }
    return ROTOR_OK;
}

static void end(struct pass *pass)
{
    free(pass->window.data);
    pass->window.data = NULL;
}

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

static uint64_t place(const struct pass *pass)
{
    return pass->offset + pass->at;
}

static enum rotor_status next_entry(struct pass *pass,
                                    struct rotor_bytes *entry)
{
    TRY(next_record(pass, entry));
    pass->at += 4 + entry->size;
    return store_index_sum(pass->sum, *entry);
}

// Did it end where the head says, with what the head says?
static bool is_at_head(const struct pass *pass,
                       const uint8_t sum[SEEN_FILE_SUM])
{
    return place(pass) == pass->store->log_size &&
           memcmp(pass->sum, sum, SEEN_FILE_SUM) == 0;
}

// ---- opening ---------------------------------------------------------------

static enum rotor_status add_seen(struct store *store, struct rotor_bytes bytes)
{
    struct chain_entry entry;
    struct chain_fingerprints all;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        return ROTOR_CORRUPT;
    }
    TRY(chain_fingerprints_of(&entry.body, &all));
    return seen_file_add(&store->seen_file, all.each, all.count);
}

static enum rotor_status read_on(struct pass *pass, uint64_t count,
                                 const uint8_t sum[SEEN_FILE_SUM])
{
    struct store *store = pass->store;
    TRY(seen_file_expect(&store->seen_file, count));
    for (uint64_t i = store->seen_file.mark.entries; i < count; i++) {
        struct rotor_bytes entry;
        TRY(next_entry(pass, &entry));
        TRY(add_seen(store, entry));
    }
    return is_at_head(pass, sum) ? ROTOR_OK : ROTOR_CORRUPT;
}

static enum rotor_status read_from_mark(struct store *store, uint64_t count,
                                        const uint8_t sum[SEEN_FILE_SUM])
{
    struct pass pass;
    enum rotor_status status = begin(&pass, store, &store->seen_file.mark);
    if (status == ROTOR_OK) {
        status = read_on(&pass, count, sum);
    }
    end(&pass);
    return status;
}

// Bytes that nobody reads now must be there.
static bool is_long_enough(const struct store *store)
{
    char name[56];
    struct stat state;
    (void)snprintf(name, sizeof name, "%s.log", store->name);
    return fstatat(store->folder, name, &state, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(state.st_mode) && state.st_size >= 0 &&
           (uint64_t)state.st_size >= store->log_size;
}

enum rotor_status store_index_open(struct store *store, uint64_t count,
                                   const uint8_t sum[SEEN_FILE_SUM])
{
    if (!is_long_enough(store)) {
        return ROTOR_CORRUPT;
    }
    // A log that has fewer entries than were counted was put back.
    bool is_behind = count < store->seen_file.most;
    enum rotor_status status =
        is_behind ? ROTOR_CORRUPT : read_from_mark(store, count, sum);
    if (status == ROTOR_CORRUPT && store->seen_file.most != 0) {
        // HEX.seen may be at fault: without it
        TRY(seen_file_clear(&store->seen_file));
        status = read_from_mark(store, count, sum);
    }
    TRY(status);
    store->count = count;
    store->committed = count;
    memcpy(store->log_sum, sum, SEEN_FILE_SUM);
    memcpy(store->committed_sum, sum, SEEN_FILE_SUM);
    return ROTOR_OK;
}

// ---- all of it -------------------------------------------------------------

static enum rotor_status note(struct store *store, uint64_t offset)
{
    if (store->indexed == store->offset_room) {
        size_t room = store->offset_room == 0 ? 256 : 2 * store->offset_room;
        uint64_t *grown = realloc(store->offsets, room * sizeof *grown);
        if (grown == NULL) {
            errno = ENOMEM;
            return ROTOR_PORT_FAILED;
        }
        store->offsets = grown;
        store->offset_room = room;
    }
    store->offsets[store->indexed++] = offset;
    return ROTOR_OK;
}

static enum rotor_status read_all(struct pass *pass)
{
    struct store *store = pass->store;
    store->indexed = 0;
    while (store->indexed < store->committed) {
        struct rotor_bytes entry;
        TRY(note(store, place(pass)));
        TRY(next_entry(pass, &entry));
    }
    return is_at_head(pass, store->committed_sum) ? ROTOR_OK : ROTOR_CORRUPT;
}

enum rotor_status store_index_all(struct store *store)
{
    static const struct seen_mark START = {0};
    struct pass pass;
    if (store->indexed == store->committed && store->indexed != 0) {
        return ROTOR_OK;
    }
    enum rotor_status status = begin(&pass, store, &START);
    if (status == ROTOR_OK) {
        status = read_all(&pass);
    }
    end(&pass);
    store->is_damaged = status == ROTOR_CORRUPT;
    store->indexed = status == ROTOR_OK ? store->indexed : 0;
    return status;
}

enum rotor_status store_index_commit(struct store *store)
{
    bool is_kept = store->indexed != 0;
    for (uint64_t i = store->committed; is_kept && i < store->count; i++) {
        TRY(note(store,
                 store->log_size + store->staged_at[i - store->committed]));
    }
    memcpy(store->committed_sum, store->log_sum, SEEN_FILE_SUM);
    return ROTOR_OK;
}
