// SPDX-License-Identifier: Apache-2.0
// Test build: a disk that fails by order.
//
// An order is a line in the file `faults` of the folder that is written:
//
//     CALL N KIND      open write sync truncate rename unlink, any
//                      the N-th such call from now on, once; N+: and all later
//                      EIO ENOSPC EROFS short exit
//
// `short` writes half, which is no failure: the caller has to go on.  At `exit`
// the process ends before the call.  Each failure is said on stderr; an order
// for once is removed when it was carried out, so that a program that starts
// over does not meet it again.
#include "port/linux/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER_SIZE 64u

static struct {
    char order[ORDER_SIZE];
    unsigned calls; // since the order was given
} disk;

struct fault {
    bool is_due;
    bool is_short;
    bool is_end;
    int cause;
};

static int cause_of(const char *kind)
{
    static const struct {
        const char *name;
        int cause;
    } causes[] = {
        {"EIO",    EIO   },
        {"ENOSPC", ENOSPC},
        {"EROFS",  EROFS }
    };
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (strcmp(causes[i].name, kind) == 0) {
            return causes[i].cause;
        }
    }
    return 0;
}

static bool read_order(int folder)
{
    char order[ORDER_SIZE] = {0};
    int fd = openat(folder, "faults", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, order, sizeof order - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (got <= 0) {
        disk.order[0] = '\0';
        return false;
    }
    if (strcmp(order, disk.order) != 0) {
        memcpy(disk.order, order, sizeof order);
        disk.calls = 0;
    }
    return true;
}

// What is ordered for this call; counts it.  `name` is for the message.
static struct fault meet(int folder, const char *call, const char *name)
{
    char wanted[16];
    char kind[16];
    unsigned n = 0;
    char more[2] = {0};
    struct fault fault = {0};
    int cause = errno;
    bool is_ordered =
        read_order(folder) &&
        (sscanf(disk.order, "%15s %u%1[+] %15s", wanted, &n, more, kind) == 4 ||
         sscanf(disk.order, "%15s %u %15s", wanted, &n, kind) == 3) &&
        (strcmp(wanted, call) == 0 || strcmp(wanted, "any") == 0);
    if (is_ordered) {
        disk.calls++;
        fault.is_due = more[0] == '+' ? disk.calls >= n : disk.calls == n;
        fault.is_short = strcmp(kind, "short") == 0;
        fault.is_end = strcmp(kind, "exit") == 0;
        fault.cause = cause_of(kind);
    }
    if (fault.is_due) {
        fprintf(stderr, "disk: %s %u %s fails by order: %s\n", call, disk.calls,
                name, kind);
    }
    if (fault.is_due && more[0] != '+') {
        (void)unlinkat(folder, "faults", 0);
    }
    if (fault.is_due && fault.is_end) {
        _exit(137); // as who was killed
    }
    errno = cause;
    return fault;
}

// True: the call fails; errno says why.
static bool fails(int folder, const char *call, const char *name)
{
    struct fault fault = meet(folder, call, name);
    bool is_failing = fault.is_due && !fault.is_short;
    if (is_failing) {
        errno = fault.cause;
    }
    return is_failing;
}

int disk_open(int folder, const char *name, int how)
{
    return fails(folder, "open", name) ? -1 : openat(folder, name, how, 0600);
}

static ssize_t write_some(int folder, int fd, struct rotor_bytes bytes,
                          const off_t *offset)
{
    struct fault fault = meet(folder, "write", "");
    if (fault.is_due && fault.is_short) {
        bytes.size = (bytes.size + 1) / 2;
    } else if (fault.is_due) {
        errno = fault.cause;
        return -1;
    }
    return offset == NULL ? write(fd, bytes.data, bytes.size)
                          : pwrite(fd, bytes.data, bytes.size, *offset);
}

ssize_t disk_write(int folder, int fd, struct rotor_bytes bytes)
{
    return write_some(folder, fd, bytes, NULL);
}

ssize_t disk_write_at(int folder, int fd, struct rotor_bytes bytes,
                      uint64_t offset)
{
    const off_t at = (off_t)offset;
    return write_some(folder, fd, bytes, &at);
}

int disk_sync(int folder, int fd)
{
    return fails(folder, "sync", "") ? -1 : fsync(fd);
}

int disk_truncate(int folder, int fd, uint64_t size)
{
    return fails(folder, "truncate", "") ? -1 : ftruncate(fd, (off_t)size);
}

int disk_rename(int folder, const char *from, const char *to)
{
    return fails(folder, "rename", from) ? -1
                                         : renameat(folder, from, folder, to);
}

int disk_unlink(int folder, const char *name)
{
    return fails(folder, "unlink", name) ? -1 : unlinkat(folder, name, 0);
}
