// SPDX-License-Identifier: Apache-2.0
#include "port/linux/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int disk_open(int folder, const char *name, int how)
{
    return openat(folder, name, how, 0600);
}

ssize_t disk_write(int folder, int fd, struct rotor_bytes bytes)
{
    (void)folder;
    return write(fd, bytes.data, bytes.size);
}

ssize_t disk_write_at(int folder, int fd, struct rotor_bytes bytes,
                      uint64_t offset)
{
    (void)folder;
    return pwrite(fd, bytes.data, bytes.size, (off_t)offset);
}

int disk_sync(int folder, int fd)
{
    (void)folder;
    return fsync(fd);
}

int disk_truncate(int folder, int fd, uint64_t size)
{
    (void)folder;
    return ftruncate(fd, (off_t)size);
}

int disk_rename(int folder, const char *from, const char *to)
{
    return renameat(folder, from, folder, to);
}

int disk_unlink(int folder, const char *name)
{
    return unlinkat(folder, name, 0);
}
