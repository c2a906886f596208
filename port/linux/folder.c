// SPDX-License-Identifier: Apache-2.0
#include "port/linux/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/disk.h"

#define NAME_MAX_SIZE 80u

enum rotor_status linux_folder_open(const char *path, int *folder)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return ROTOR_PORT_FAILED;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    *folder = fd;
    return ROTOR_OK;
}

// Closes `fd` and keeps the errno of what went before.
static enum rotor_status finished(int fd, bool is_good)
{
    int cause = errno;
    bool is_closed = disk_close(fd) == 0;
    if (!is_good) {
        errno = cause;
    }
    return is_good && is_closed ? ROTOR_OK : ROTOR_PORT_FAILED;
}

enum rotor_status linux_folder_read(int folder, const char *name,
                                    struct rotor_room *content, bool *found)
{
    content->used = 0;
    *found = false;
    int fd = disk_open_read(folder, name);
    if (fd < 0) {
        return errno == ENOENT ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    uint64_t size = 0;
    if (disk_size(fd, &size) != 0) {
        return finished(fd, false);
    }
    if (size > content->capacity) {
        (void)disk_close(fd);
        return ROTOR_TOO_SMALL;
    }
    enum rotor_status status = finished(fd, disk_read_whole(fd, 0, content));
    *found = status == ROTOR_OK;
    return status;
}

enum rotor_status linux_folder_read_at(int folder, const char *name,
                                       uint64_t offset,
                                       struct rotor_room *content)
{
    content->used = 0;
    int fd = disk_open_read(folder, name);
    if (fd < 0) {
        return errno == ENOENT ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    return finished(fd, disk_read_whole(fd, offset, content));
}

static enum rotor_status store(int folder, const char *name, int how,
                               struct rotor_bytes content)
{
    int fd = disk_open(folder, name,
                       O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
                           O_CLOEXEC | how);
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    return finished(fd, disk_write_whole(folder, fd, content) &&
                            disk_sync(folder, fd) == 0);
}

static enum rotor_status sync_folder(int folder)
{
    return disk_sync(folder, folder) == 0 ? ROTOR_OK : ROTOR_PORT_FAILED;
}

enum rotor_status linux_folder_write(int folder, const char *name,
                                     struct rotor_bytes content)
{
    enum rotor_status status = store(folder, name, O_TRUNC, content);
    return status == ROTOR_OK ? sync_folder(folder) : status;
}

enum rotor_status linux_folder_append(int folder, const char *name,
                                      struct rotor_bytes content)
{
    enum rotor_status status = store(folder, name, O_APPEND, content);
    return status == ROTOR_OK ? sync_folder(folder) : status;
}

enum rotor_status linux_folder_replace(int folder, const char *name,
                                       struct rotor_bytes content)
{
    char fresh[NAME_MAX_SIZE];
    int size = snprintf(fresh, sizeof fresh, "%s.new", name);
    if (size < 0 || (size_t)size >= sizeof fresh) {
        return ROTOR_INVALID;
    }
    enum rotor_status status = store(folder, fresh, O_TRUNC, content);
    if (status != ROTOR_OK) {
        int cause = errno;
        (void)disk_unlink(folder, fresh);
        errno = cause;
        return status;
    }
    return linux_folder_rename(folder, fresh, name);
}

enum rotor_status linux_folder_truncate(int folder, const char *name,
                                        uint64_t size)
{
    int fd =
        disk_open(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    return finished(fd, disk_truncate(folder, fd, size) == 0 &&
                            disk_sync(folder, fd) == 0);
}

enum rotor_status linux_folder_write_at(int folder, const char *name,
                                        uint64_t offset,
                                        struct rotor_bytes content)
{
    int fd = disk_open(
        folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    bool is_first = offset == 0;
    return finished(fd, disk_truncate(folder, fd, offset) == 0 &&
                            disk_write_whole_at(folder, fd, content, offset) &&
                            disk_sync(folder, fd) == 0 &&
                            (!is_first || disk_sync(folder, folder) == 0));
}

enum rotor_status linux_folder_rename(int folder, const char *from,
                                      const char *to)
{
    if (disk_rename(folder, from, to) != 0) {
        return ROTOR_PORT_FAILED;
    }
    return sync_folder(folder);
}

enum rotor_status linux_folder_remove(int folder, const char *name)
{
    if (disk_unlink(folder, name) != 0) {
        return errno == ENOENT ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    return sync_folder(folder);
}

// A file system that cannot be synced takes no writes either.
static bool has_settled(int folder, int fd)
{
    return disk_sync(folder, fd) == 0 || errno == EINVAL;
}

enum rotor_status linux_folder_settle_file(int folder, const char *name)
{
    int fd = disk_open_read(folder, name);
    if (fd < 0) {
        return errno == ENOENT ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    return finished(fd, has_settled(folder, fd));
}

enum rotor_status linux_folder_settle(int folder)
{
    return has_settled(folder, folder) ? ROTOR_OK : ROTOR_PORT_FAILED;
}
