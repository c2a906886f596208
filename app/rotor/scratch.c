// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int scratch_open(void)
{
    char path[512];
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0') {
        folder = "/var/tmp";
    }
    int size = snprintf(path, sizeof path, "%s/rotor-XXXXXX", folder);
    if (size < 0 || (size_t)size >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

bool scratch_read(int fd, void *bytes, size_t size, uint64_t offset)
{
    ssize_t got = -1;
    do {
        got = pread(fd, bytes, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got >= 0 && (size_t)got != size) {
        errno = EIO;
    }
    return got >= 0 && (size_t)got == size;
}

bool scratch_write(int fd, const void *bytes, size_t size, uint64_t offset)
{
    ssize_t put = -1;
    do {
        put = pwrite(fd, bytes, size, (off_t)offset);
    } while (put < 0 && errno == EINTR);
    if (put >= 0 && (size_t)put != size) {
        errno = ENOSPC;
    }
    return put >= 0 && (size_t)put == size;
}
