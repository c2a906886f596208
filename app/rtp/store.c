// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/bytes.h"
#include "launch/birth.h"
#include "port/linux/folder.h"
#include "port/linux/log.h"

static const char *const FILES[RTP_FILE_COUNT] = {
    [RTP_FILE_STATE] = "state",
    [RTP_FILE_CONTROL] = "control.key",
    [RTP_FILE_FORK] = "fork",
    [RTP_FILE_DROPPED] = "dropped",
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

static enum rotor_status log_open(void *context, uint64_t *start)
{
    (void)context;
    return linux_log_open(LAUNCH_FD_STORE, LOG, start);
}

static enum rotor_status log_append(void *context, uint64_t offset,
                                    struct rotor_bytes bytes)
{
    (void)context;
    enum rotor_status status =
        linux_log_append(LAUNCH_FD_STORE, LOG, offset, bytes);
    return status == ROTOR_PORT_FAILED ? complain(LOG) : status;
}

static enum rotor_status log_read(void *context, uint64_t offset,
                                  struct rotor_room *room)
{
    (void)context;
    return linux_log_read(LAUNCH_FD_STORE, LOG, offset, room);
}

static enum rotor_status log_drop(void *context, uint64_t offset)
{
    (void)context;
    enum rotor_status status = linux_log_drop(LAUNCH_FD_STORE, LOG, offset);
    return status == ROTOR_PORT_FAILED ? complain(LOG) : status;
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
    ops->log_open = log_open;
    ops->log_append = log_append;
    ops->log_read = log_read;
    ops->log_drop = log_drop;
    ops->random = draw;
    ops->wall_s = wall_s;
}
