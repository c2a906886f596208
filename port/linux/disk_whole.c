// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/bytes.h"
#include "port/linux/disk.h"

bool disk_read_whole(int fd, uint64_t offset, struct rotor_room *content)
{
    content->used = 0;
    while (content->used < content->capacity) {
        ssize_t got = disk_read_at(fd, content, offset + content->used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            content->used = 0;
            return false;
        }
        if (got == 0) {
            break;
        }
        content->used += (size_t)got;
    }
    return true;
}

// What is left of `content` behind `put` bytes; false: the disk took none.
static bool go_on(struct rotor_bytes *content, ssize_t put)
{
    if (put < 0 && errno == EINTR) {
        return true;
    }
    if (put <= 0) {
        return false;
    }
    *content = bytes_of(content->data + put, content->size - (size_t)put);
    return true;
}

bool disk_write_whole(int folder, int fd, struct rotor_bytes content)
{
    while (content.size != 0) {
        if (!go_on(&content, disk_write(folder, fd, content))) {
            return false;
        }
    }
    return true;
}

bool disk_write_whole_at(int folder, int fd, struct rotor_bytes content,
                         uint64_t offset)
{
    uint64_t end = offset + content.size;
    while (content.size != 0) {
        uint64_t at = end - content.size;
        if (!go_on(&content, disk_write_at(folder, fd, content, at))) {
            return false;
        }
    }
    return true;
}
