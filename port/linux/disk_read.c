// SPDX-License-Identifier: Apache-2.0
#include "port/linux/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_open_read(int folder, const char *name)
{
    return openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int disk_size(int fd, uint64_t *size)
{
    struct stat state;
    if (fstat(fd, &state) != 0) {
        return -1;
    }
    if (!S_ISREG(state.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    *size = (uint64_t)state.st_size;
    return 0;
}

ssize_t disk_read_at(int fd, const struct rotor_room *room, uint64_t offset)
{
    return pread(fd, room->data + room->used, room->capacity - room->used,
                 (off_t)offset);
}

int disk_close(int fd)
{
    return close(fd);
}
