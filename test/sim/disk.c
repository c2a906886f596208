// SPDX-License-Identifier: Apache-2.0
#include "test/sim/disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/sim/dice.h"
#include "test/sim/medium.h"

// ---- bytes of a file -------------------------------------------------------

static void resize(struct sim_content *file, size_t size)
{
    if (size > file->capacity) {
        size_t capacity = size * 2u;
        uint8_t *bytes = realloc(file->bytes, capacity);
        if (bytes == NULL) {
            abort();
        }
        file->bytes = bytes;
        file->capacity = capacity;
    }
    if (size > file->size) {
        memset(file->bytes + file->size, 0, size - file->size);
    }
    file->size = size;
}

void medium_put(struct sim_content *file, size_t at, struct rotor_bytes bytes)
{
    if (at + bytes.size > file->size) {
        resize(file, at + bytes.size);
    }
    if (bytes.size != 0) {
        memcpy(file->bytes + at, bytes.data, bytes.size);
    }
}

static void copy_file(struct sim_content *to, const struct sim_content *from)
{
    to->size = 0;
    medium_put(to, 0, bytes_of(from->bytes, from->size));
}

static void free_file(struct sim_content *file)
{
    free(file->bytes);
    *file = (struct sim_content){0};
}

// ---- names -----------------------------------------------------------------

static struct sim_name *name_of(struct sim_names *names, const char *text)
{
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        if (names->all[i].file >= 0 && strcmp(names->all[i].text, text) == 0) {
            return &names->all[i];
        }
    }
    return NULL;
}

int medium_file_of(const struct sim_names *names, const char *text)
{
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        if (names->all[i].file >= 0 && strcmp(names->all[i].text, text) == 0) {
            return names->all[i].file;
        }
    }
    return -1;
}

// file -1: the name goes.
static void set_name(struct sim_names *names, const char *text, int file)
{
    struct sim_name *name = name_of(names, text);
    for (size_t i = 0; name == NULL && i < SIM_DISK_FILES; i++) {
        name = names->all[i].file < 0 ? &names->all[i] : NULL;
    }
    if (name == NULL) {
        abort();
    }
    memset(name->text, 0, sizeof name->text);
    strncpy(name->text, text, sizeof name->text - 1u);
    name->file = file;
}

static bool is_named(const struct sim_names *names, int file)
{
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        if (names->all[i].file == file) {
            return true;
        }
    }
    return false;
}

// ---- promises --------------------------------------------------------------

static bool is_of_folder(const struct sim_promise *promise)
{
    return promise->kind == SIM_PROMISE_NAME ||
           promise->kind == SIM_PROMISE_RENAME;
}

struct sim_promise *medium_promise(struct sim_disk *disk,
                                   enum sim_promise_kind kind, int file)
{
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity * 2u + 16u;
        disk->promises =
            realloc(disk->promises, disk->capacity * sizeof *disk->promises);
        if (disk->promises == NULL) {
            abort();
        }
    }
    struct sim_promise *made = &disk->promises[disk->count++];
    *made = (struct sim_promise){.kind = kind, .file = file};
    return made;
}

static void drop(struct sim_disk *disk, size_t index)
{
    free_file(&disk->promises[index].bytes);
    disk->count--;
    memmove(&disk->promises[index], &disk->promises[index + 1u],
            (disk->count - index) * sizeof *disk->promises);
}

static void keep_name(struct sim_names *names,
                      const struct sim_promise *promise)
{
    set_name(names, promise->name,
             promise->kind == SIM_PROMISE_NAME ? promise->file : -1);
    if (promise->kind == SIM_PROMISE_RENAME) {
        set_name(names, promise->to, promise->file);
    }
}

void medium_keep(struct sim_names *names, struct sim_content files[],
                 const struct sim_promise *promise)
{
    struct sim_content *file = promise->file < 0 ? NULL : &files[promise->file];
    switch (promise->kind) {
    case SIM_PROMISE_NAME:
    case SIM_PROMISE_RENAME:
        keep_name(names, promise);
        break;
    case SIM_PROMISE_SIZE:
        resize(file, promise->at);
        break;
    case SIM_PROMISE_BYTES:
        medium_put(file, promise->at,
                   bytes_of(promise->bytes.bytes, promise->bytes.size));
        break;
    }
}

static bool is_covered(const struct sim_promise *promise, bool folder, int file)
{
    return folder ? is_of_folder(promise)
                  : !is_of_folder(promise) && promise->file == file;
}

// What a failed sync left is gone where later ones have cut the file.
static void forget_stale(struct sim_disk *disk, int file, size_t from)
{
    for (size_t i = disk->count; i-- > 0;) {
        const struct sim_promise *old = &disk->promises[i];
        if (old->is_stale && old->file == file && old->at >= from) {
            drop(disk, i);
        }
    }
}

void medium_make_safe(struct sim_disk *disk, bool folder, int file)
{
    for (size_t i = 0; i < disk->count;) {
        struct sim_promise *old = &disk->promises[i];
        if (old->is_stale || !is_covered(old, folder, file)) {
            i++;
            continue;
        }
        medium_keep(&disk->safe_names, disk->safe, old);
        if (old->kind == SIM_PROMISE_SIZE) {
            size_t before = disk->count;
            forget_stale(disk, file, old->at);
            i -= before - disk->count; // all of them were older
        }
        drop(disk, i);
    }
}

void medium_make_stale(struct sim_disk *disk, int file)
{
    for (size_t i = 0; i < disk->count; i++) {
        if (is_covered(&disk->promises[i], false, file)) {
            disk->promises[i].is_stale = true;
        }
    }
}

static bool is_mentioned(const struct sim_disk *disk, int file)
{
    for (size_t i = 0; i < disk->count; i++) {
        if (disk->promises[i].file == file) {
            return true;
        }
    }
    return is_named(&disk->names, file) || is_named(&disk->safe_names, file);
}

int medium_new_file(struct sim_disk *disk)
{
    for (int i = 0; i < (int)SIM_DISK_FILES; i++) {
        if (!is_mentioned(disk, i)) {
            disk->now[i].size = 0;
            disk->safe[i].size = 0;
            return i;
        }
    }
    abort();
}

// ---- power -----------------------------------------------------------------

// Sectors of `promise` that `takes` says lie on the disk.
static void keep_sectors(struct sim_disk *disk,
                         const struct sim_promise *promise,
                         bool (*takes)(void *context, unsigned sector),
                         void *context)
{
    size_t size = promise->bytes.size;
    for (size_t done = 0; done < size;) {
        size_t at = promise->at + done;
        size_t left = SIM_SECTOR - at % SIM_SECTOR;
        size_t part = left < size - done ? left : size - done;
        unsigned sector =
            (unsigned)(at / SIM_SECTOR - promise->at / SIM_SECTOR);
        if (takes(context, sector)) {
            medium_put(&disk->safe[promise->file], at,
                       bytes_of(promise->bytes.bytes + done, part));
        }
        done += part;
    }
}

static bool is_in_head(void *context, unsigned sector)
{
    return sector < ((const struct sim_fate *)context)->sectors;
}

static bool is_in_tail(void *context, unsigned sector)
{
    return sector >= ((const struct sim_fate *)context)->sectors;
}

static bool falls_well(void *context, unsigned sector)
{
    (void)sector;
    return dice_throw(context, 2) == 0;
}

// Room for the bytes, and zeros in it.
static void keep_room(struct sim_disk *disk, const struct sim_promise *promise)
{
    struct sim_content *file = &disk->safe[promise->file];
    if (promise->at + promise->bytes.size > file->size) {
        resize(file, promise->at + promise->bytes.size);
    }
}

static void throw_for(struct sim_disk *disk, const struct sim_promise *promise,
                      struct dice *dice)
{
    bool is_kept = dice_throw(dice, 2) == 0;
    if (promise->kind != SIM_PROMISE_BYTES) {
        if (is_kept) {
            medium_keep(&disk->safe_names, disk->safe, promise);
        }
        return;
    }
    if (is_kept) {
        keep_room(disk, promise);
    }
    keep_sectors(disk, promise, falls_well, dice);
}

static void settle_one(struct sim_disk *disk, const struct sim_promise *promise,
                       const struct sim_fate *fate, struct dice *dice)
{
    struct sim_fate copy = *fate;
    bool is_torn = promise->is_in_flight && promise->kind == SIM_PROMISE_BYTES;
    switch (fate->kind) {
    case SIM_FATE_LOST:
        return;
    case SIM_FATE_DICE:
        throw_for(disk, promise, dice);
        return;
    case SIM_FATE_HEAD:
    case SIM_FATE_TAIL:
        if (is_torn) {
            keep_sectors(disk, promise,
                         fate->kind == SIM_FATE_HEAD ? is_in_head : is_in_tail,
                         &copy);
            return;
        }
        break;
    case SIM_FATE_NAMES:
        if (promise->kind == SIM_PROMISE_BYTES && !promise->is_in_flight) {
            keep_room(disk, promise);
            return;
        }
        break;
    case SIM_FATE_BYTES:
        if (is_of_folder(promise)) {
            return;
        }
        break;
    case SIM_FATE_KEPT:
    case SIM_FATE_OPEN:
        break;
    }
    if (!promise->is_in_flight) {
        medium_keep(&disk->safe_names, disk->safe, promise);
    }
}

// What is safe is all there is; files without a name are gone.
static void forget_the_rest(struct sim_disk *disk)
{
    while (disk->count != 0) {
        drop(disk, disk->count - 1u);
    }
    disk->names = disk->safe_names;
    for (int i = 0; i < (int)SIM_DISK_FILES; i++) {
        if (!is_named(&disk->names, i)) {
            disk->safe[i].size = 0;
        }
        copy_file(&disk->now[i], &disk->safe[i]);
    }
    medium_close_files(disk);
}

void sim_disk_settle(struct sim_disk *disk, const struct sim_fate *fate)
{
    if (fate->kind == SIM_FATE_OPEN) {
        medium_close_files(disk);
        return;
    }
    struct dice dice = {fate->dice};
    for (size_t i = 0; i < disk->count; i++) {
        settle_one(disk, &disk->promises[i], fate, &dice);
    }
    forget_the_rest(disk);
}

bool sim_disk_owes_names(const struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        if (is_of_folder(&disk->promises[i])) {
            return true;
        }
    }
    return false;
}

bool sim_disk_owes_bytes(const struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        if (!is_of_folder(&disk->promises[i])) {
            return true;
        }
    }
    return false;
}

// ---- the disk as a thing ---------------------------------------------------

void sim_disk_init(struct sim_disk *disk)
{
    *disk = (struct sim_disk){0};
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        disk->names.all[i].file = -1;
    }
    disk->safe_names = disk->names;
}

void sim_disk_close(struct sim_disk *disk)
{
    forget_the_rest(disk);
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        free_file(&disk->now[i]);
        free_file(&disk->safe[i]);
    }
    free(disk->promises);
    disk->promises = NULL;
    disk->capacity = 0;
}

struct rotor_bytes sim_disk_look(const struct sim_disk *disk, const char *name)
{
    int file = medium_file_of(&disk->names, name);
    if (file < 0) {
        return bytes_of(NULL, 0);
    }
    return bytes_of(disk->now[file].bytes, disk->now[file].size);
}

void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from)
{
    forget_the_rest(to);
    to->safe_names = from->names;
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        copy_file(&to->safe[i], &from->now[i]);
    }
    forget_the_rest(to);
}
