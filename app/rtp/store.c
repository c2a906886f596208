// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "launch/birth.h"
#include "port/linux/folder.h"

static const char *const FILES[RTP_FILE_COUNT] = {
    [RTP_FILE_STATE] = "state",
    [RTP_FILE_CONTROL] = "control.key",
    [RTP_FILE_FORK] = "fork",
};
static const char LOG[] = "log";

// Why a file could not be written, for the operator; errno is its cause.
static enum rotor_status complain(const char *file)
{
    fprintf(stderr, "rtp: warning: STATE/rtp/%s: %s\n", file, strerror(errno));
    return ROTOR_PORT_FAILED;
}

static enum rotor_status store_read(void *context, enum rtp_file file,
                                    struct rotor_room *room)
{
    (void)context;
    bool found = false;
    return linux_folder_read(LAUNCH_FD_STORE, FILES[file], room, &found);
}

static enum rotor_status store_write(void *context, enum rtp_file file,
                                     struct rotor_bytes bytes)
{
    (void)context;
    enum rotor_status status =
        linux_folder_replace(LAUNCH_FD_STORE, FILES[file], bytes);
    return status == ROTOR_PORT_FAILED ? complain(FILES[file]) : status;
}

static bool write_at(int fd, uint64_t offset, struct rotor_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = pwrite(fd, bytes.data + done, bytes.size - done,
                             (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

static enum rotor_status log_append(void *context, uint64_t offset,
                                    struct rotor_bytes bytes)
{
    (void)context;
    int fd = openat(LAUNCH_FD_STORE, LOG,
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return complain(LOG);
    }
    bool is_first = offset == 0;
    bool is_done = ftruncate(fd, (off_t)offset) == 0 &&
                   write_at(fd, offset, bytes) && fsync(fd) == 0 &&
                   (!is_first || fsync(LAUNCH_FD_STORE) == 0);
    int cause = errno;
    bool is_closed = close(fd) == 0;
    if (!is_done) {
        errno = cause;
    }
    return is_closed && is_done ? ROTOR_OK : complain(LOG);
}

static enum rotor_status log_read(void *context, uint64_t offset,
                                  struct rotor_room *room)
{
    (void)context;
    return linux_folder_read_at(LAUNCH_FD_STORE, LOG, offset, room);
}

static enum rotor_status draw(void *context, uint8_t *out, size_t size)
{
    (void)context;
    return getrandom(out, size, 0) == (ssize_t)size ? ROTOR_OK
                                                    : ROTOR_PORT_FAILED;
}

static uint64_t wall_s(void *context)
{
    (void)context;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

void store_ops(struct rtp_ops *ops)
{
    ops->store_read = store_read;
    ops->store_write = store_write;
    ops->log_append = log_append;
    ops->log_read = log_read;
    ops->random = draw;
    ops->wall_s = wall_s;
}
