// SPDX-License-Identifier: Apache-2.0
#include "port/linux/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "port/linux/disk.h"
#include "port/linux/folder.h"

#define MAGIC         0x524f544cu // "ROTL"
#define VERSION       1u
#define HEAD_SIZE     16u
#define FILE_NAME_MAX 64u
#define COPY_SIZE     16384u // bytes at a time

// An open log: its place `start` lies at `head` of the file.
struct opened {
    int fd;
    uint64_t start;
    uint64_t head;
};

static enum rotor_status end(const struct opened *log, bool is_good)
{
    int cause = errno;
    (void)disk_close(log->fd);
    errno = cause;
    return is_good ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// *found false: there is no such file.
static enum rotor_status open_log(int folder, const char *name,
                                  struct opened *log, bool *found)
{
    uint8_t head[HEAD_SIZE];
    struct rotor_room room = ROOM_OF(head);
    *log = (struct opened){.fd = disk_open_read(folder, name)};
    *found = log->fd >= 0;
    if (!*found) {
        return errno == ENOENT ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    if (!disk_read_whole(log->fd, 0, &room)) {
        return end(log, false);
    }
    bool has_head = room.used == HEAD_SIZE && bytes_be32(head) == MAGIC &&
                    bytes_be32(head + 4) == VERSION;
    if (has_head) {
        log->start = bytes_be64(head + 8);
        log->head = HEAD_SIZE;
    }
    return ROTOR_OK;
}

enum rotor_status linux_log_read(int folder, const char *name, uint64_t place,
                                 struct rotor_room *content)
{
    struct opened log;
    bool found = false;
    content->used = 0;
    TRY(open_log(folder, name, &log, &found));
    if (!found) {
        return ROTOR_OK;
    }
    bool is_held = place >= log.start;
    return end(&log,
               !is_held || disk_read_whole(log.fd, place - log.start + log.head,
                                           content));
}

static bool name_fresh(const char *name, char fresh[FILE_NAME_MAX])
{
    int size = snprintf(fresh, FILE_NAME_MAX, "%s.new", name);
    return size > 0 && (size_t)size < FILE_NAME_MAX;
}

// Where it starts, and the size of its head.
static enum rotor_status measure(int folder, const char *name,
                                 struct opened *log)
{
    bool found = false;
    enum rotor_status status = open_log(folder, name, log, &found);
    if (status == ROTOR_OK && found) {
        (void)disk_close(log->fd);
    }
    return status;
}

// What is left of a drop that was cut.  A disk that takes no write keeps it.
static void remove_fresh(int folder, const char *fresh)
{
    int fd = disk_open_read(folder, fresh);
    if (fd >= 0) {
        (void)disk_close(fd);
        (void)disk_unlink(folder, fresh);
    }
}

enum rotor_status linux_log_open(int folder, const char *name, uint64_t *start)
{
    char fresh[FILE_NAME_MAX];
    struct opened log;
    if (!name_fresh(name, fresh)) {
        return ROTOR_INVALID;
    }
    TRY(linux_folder_settle_file(folder, name));
    TRY(linux_folder_settle(folder));
    TRY(measure(folder, name, &log));
    *start = log.start;
    remove_fresh(folder, fresh);
    return ROTOR_OK;
}

enum rotor_status linux_log_append(int folder, const char *name, uint64_t place,
                                   struct rotor_bytes content)
{
    struct opened log;
    TRY(measure(folder, name, &log));
    if (place < log.start) {
        return ROTOR_INVALID;
    }
    return linux_folder_write_at(folder, name, place - log.start + log.head,
                                 content);
}

// All of the log from `place` on, behind a head that says so.
static bool copy_from(int folder, const struct opened *log, uint64_t place,
                      int fd)
{
    uint8_t memory[COPY_SIZE];
    struct rotor_room room = ROOM_OF(memory);
    uint64_t offset = place - log->start + log->head;
    bytes_put_be32(memory, MAGIC);
    bytes_put_be32(memory + 4, VERSION);
    bytes_put_be64(memory + 8, place);
    if (!disk_write_whole(folder, fd, bytes_of(memory, HEAD_SIZE))) {
        return false;
    }
    do {
        if (!disk_read_whole(log->fd, offset, &room) ||
            !disk_write_whole(folder, fd, bytes_in(&room))) {
            return false;
        }
        offset += room.used;
    } while (room.used == COPY_SIZE);
    return disk_sync(folder, fd) == 0;
}

static enum rotor_status write_rest(int folder, const struct opened *log,
                                    uint64_t place, const char *fresh)
{
    int fd = disk_open(folder, fresh,
                       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    const struct opened made = {.fd = fd};
    enum rotor_status status = end(&made, copy_from(folder, log, place, fd));
    if (status != ROTOR_OK) {
        int cause = errno;
        (void)disk_unlink(folder, fresh);
        errno = cause;
    }
    return status;
}

enum rotor_status linux_log_drop(int folder, const char *name, uint64_t place)
{
    char fresh[FILE_NAME_MAX];
    struct opened log;
    bool found = false;
    if (!name_fresh(name, fresh)) {
        return ROTOR_INVALID;
    }
    TRY(open_log(folder, name, &log, &found));
    if (!found) {
        return ROTOR_OK;
    }
    enum rotor_status status = ROTOR_OK;
    if (place > log.start) {
        status = write_rest(folder, &log, place, fresh);
    }
    (void)end(&log, true);
    return status == ROTOR_OK && place > log.start
               ? linux_folder_rename(folder, fresh, name)
               : status;
}
