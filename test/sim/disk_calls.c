// SPDX-License-Identifier: Apache-2.0
// port/linux/disk.h over disks in memory.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "port/linux/disk.h"
#include "test/sim/medium.h"

#define FIRST_FD   1000 // no descriptor of the process
#define OPEN_FILES 16u
#define FOLDERS    4u

// Descriptors and mounts are the process's, as a kernel would have them.
static struct {
    int folder;
    struct sim_disk *disk;
} mounts[FOLDERS];

static struct open_file {
    struct sim_disk *disk; // NULL: closed
    int file;
    bool appends;
} open_files[OPEN_FILES];

void sim_disk_mount(int folder, struct sim_disk *disk)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        if (mounts[i].disk == NULL || mounts[i].folder == folder) {
            mounts[i].folder = folder;
            mounts[i].disk = disk;
            return;
        }
    }
    abort();
}

void medium_close_files(const struct sim_disk *disk)
{
    for (size_t i = 0; i < OPEN_FILES; i++) {
        if (open_files[i].disk == disk) {
            open_files[i].disk = NULL;
        }
    }
}

static struct sim_disk *disk_at(int folder)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        if (mounts[i].disk != NULL && mounts[i].folder == folder) {
            return mounts[i].disk;
        }
    }
    abort();
}

static struct open_file *open_at(int fd)
{
    struct open_file *open = &open_files[fd - FIRST_FD];
    return open->disk == NULL ? NULL : open;
}

static enum sim_outcome ask(struct sim_disk *disk, enum sim_call call,
                            size_t size)
{
    return disk->meet == NULL ? SIM_DONE
                              : disk->meet(disk->context, call, size);
}

static bool is_undone(enum sim_outcome outcome)
{
    return outcome == SIM_REFUSED || outcome == SIM_UNHEARD;
}

// Of a call of which nothing or all is done.
static int said(enum sim_outcome outcome)
{
    errno = EIO;
    return outcome == SIM_DONE || outcome == SIM_SHORT ? 0 : -1;
}

static void make_promise(struct sim_disk *disk, struct sim_promise *made,
                         enum sim_outcome outcome)
{
    made->is_in_flight = outcome == SIM_POWERLESS;
    medium_keep(&disk->names, disk->now, made);
}

static int new_fd(struct sim_disk *disk, int file, bool appends)
{
    for (size_t i = 0; i < OPEN_FILES; i++) {
        if (open_files[i].disk == NULL) {
            open_files[i] = (struct open_file){disk, file, appends};
            return FIRST_FD + (int)i;
        }
    }
    abort();
}

static void promise_name(struct sim_disk *disk, const char *name, int file,
                         enum sim_outcome outcome)
{
    struct sim_promise *made = medium_promise(disk, SIM_PROMISE_NAME, file);
    strncpy(made->name, name, sizeof made->name - 1u);
    make_promise(disk, made, outcome);
}

static void promise_size(struct sim_disk *disk, int file, size_t size,
                         enum sim_outcome outcome)
{
    struct sim_promise *made = medium_promise(disk, SIM_PROMISE_SIZE, file);
    made->at = size;
    make_promise(disk, made, outcome);
}

int disk_open(int folder, const char *name, int how)
{
    struct sim_disk *disk = disk_at(folder);
    enum sim_outcome outcome = ask(disk, SIM_OPEN, 0);
    if (is_undone(outcome)) {
        return said(outcome);
    }
    int file = medium_file_of(&disk->names, name);
    if (file < 0 && (how & O_CREAT) == 0) {
        errno = ENOENT;
        return -1;
    }
    if (file < 0) {
        file = medium_new_file(disk);
        promise_name(disk, name, file, outcome);
    } else if ((how & O_TRUNC) != 0 && disk->now[file].size != 0) {
        promise_size(disk, file, 0, outcome);
    }
    return said(outcome) == 0 ? new_fd(disk, file, (how & O_APPEND) != 0) : -1;
}

static ssize_t write_bytes(int fd, struct rotor_bytes bytes, const size_t *at)
{
    struct open_file *open = open_at(fd);
    if (open == NULL) {
        errno = EBADF;
        return -1;
    }
    struct sim_disk *disk = open->disk;
    enum sim_outcome outcome = ask(disk, SIM_WRITE, bytes.size);
    if (is_undone(outcome)) {
        return said(outcome);
    }
    if (outcome == SIM_SHORT) {
        bytes.size = (bytes.size + 1u) / 2u;
    }
    struct sim_promise *made =
        medium_promise(disk, SIM_PROMISE_BYTES, open->file);
    made->at = at == NULL ? disk->now[open->file].size : *at;
    medium_put(&made->bytes, 0, bytes);
    make_promise(disk, made, outcome);
    return said(outcome) == 0 ? (ssize_t)bytes.size : -1;
}

// All who write without an offset write to the end: what was opened is empty
// or is appended to.
ssize_t disk_write(int folder, int fd, struct rotor_bytes bytes)
{
    (void)folder;
    return write_bytes(fd, bytes, NULL);
}

ssize_t disk_write_at(int folder, int fd, struct rotor_bytes bytes,
                      uint64_t offset)
{
    const size_t at = (size_t)offset;
    (void)folder;
    return write_bytes(fd, bytes, &at);
}

static bool honours(const struct sim_disk *disk, bool folder)
{
    enum sim_betrayal ignored = folder ? SIM_NO_FOLDER_SYNC : SIM_NO_SYNC;
    return disk->betrayal != ignored && disk->betrayal != SIM_NO_ORDER;
}

int disk_sync(int folder, int fd)
{
    bool is_folder = fd == folder;
    struct open_file *open = is_folder ? NULL : open_at(fd);
    struct sim_disk *disk = disk_at(folder);
    if (!is_folder && open == NULL) {
        errno = EBADF;
        return -1;
    }
    int file = is_folder ? -1 : open->file;
    enum sim_outcome outcome =
        ask(disk, is_folder ? SIM_SYNC_FOLDER : SIM_SYNC, 0);
    bool is_made = !is_undone(outcome) && outcome != SIM_POWERLESS;
    if (is_made && honours(disk, is_folder)) {
        medium_make_safe(disk, is_folder, file);
    }
    if (outcome == SIM_REFUSED && !is_folder) {
        medium_make_stale(disk, file);
    }
    return said(outcome);
}

int disk_truncate(int folder, int fd, uint64_t size)
{
    struct open_file *open = open_at(fd);
    (void)folder;
    if (open == NULL) {
        errno = EBADF;
        return -1;
    }
    enum sim_outcome outcome = ask(open->disk, SIM_TRUNCATE, 0);
    if (!is_undone(outcome) && open->disk->now[open->file].size != size) {
        promise_size(open->disk, open->file, (size_t)size, outcome);
    }
    return said(outcome);
}

int disk_rename(int folder, const char *from, const char *to)
{
    struct sim_disk *disk = disk_at(folder);
    enum sim_outcome outcome = ask(disk, SIM_RENAME, 0);
    int file = medium_file_of(&disk->names, from);
    if (file < 0) {
        errno = ENOENT;
        return -1;
    }
    if (is_undone(outcome)) {
        return said(outcome);
    }
    if (disk->betrayal == SIM_TORN_RENAME) {
        promise_name(disk, to, -1, SIM_DONE);
        promise_name(disk, from, -1, SIM_DONE);
        promise_name(disk, to, file, outcome);
        return said(outcome);
    }
    struct sim_promise *made = medium_promise(disk, SIM_PROMISE_RENAME, file);
    strncpy(made->name, from, sizeof made->name - 1u);
    strncpy(made->to, to, sizeof made->to - 1u);
    make_promise(disk, made, outcome);
    return said(outcome);
}

int disk_unlink(int folder, const char *name)
{
    struct sim_disk *disk = disk_at(folder);
    if (medium_file_of(&disk->names, name) < 0) {
        errno = ENOENT;
        return -1;
    }
    enum sim_outcome outcome = ask(disk, SIM_UNLINK, 0);
    if (!is_undone(outcome)) {
        promise_name(disk, name, -1, outcome);
    }
    return said(outcome);
}

int disk_open_read(int folder, const char *name)
{
    struct sim_disk *disk = disk_at(folder);
    int file = medium_file_of(&disk->names, name);
    if (file < 0) {
        errno = ENOENT;
        return -1;
    }
    return new_fd(disk, file, false);
}

int disk_size(int fd, uint64_t *size)
{
    const struct open_file *open = &open_files[fd - FIRST_FD];
    *size = open->disk->now[open->file].size;
    return 0;
}

ssize_t disk_read_at(int fd, const struct rotor_room *room, uint64_t offset)
{
    const struct open_file *open = &open_files[fd - FIRST_FD];
    const struct sim_content *file = &open->disk->now[open->file];
    size_t left = offset < file->size ? file->size - (size_t)offset : 0;
    size_t wanted = room->capacity - room->used;
    size_t got = wanted < left ? wanted : left;
    if (got != 0) {
        memcpy(room->data + room->used, file->bytes + offset, got);
    }
    return (ssize_t)got;
}

int disk_close(int fd)
{
    open_files[fd - FIRST_FD].disk = NULL;
    return 0;
}
