// SPDX-License-Identifier: Apache-2.0
// The calls that folder.c, log.c and slots.c make of a disk, and nothing around
// them: so that a test build can make each that changes something fail
// (disk_failing.c), and a simulator can be the whole disk, where the release
// asks the kernel (disk.c, disk_read.c).  The build chooses; no release has
// another one.
//
// Results and errno are those of the call of the same name.  `folder` is the
// folder that the file lies in.
#ifndef ROTOR_PORT_LINUX_DISK_H
#define ROTOR_PORT_LINUX_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rotor/bytes.h>

// For writing, mode 0600 where `how` makes the file.
int disk_open(int folder, const char *name, int how);

// May write less than all, as the kernel may.
ssize_t disk_write(int folder, int fd, struct rotor_bytes bytes);
ssize_t disk_write_at(int folder, int fd, struct rotor_bytes bytes,
                      uint64_t offset);

// `fd` may be the folder itself.
int disk_sync(int folder, int fd);
int disk_truncate(int folder, int fd, uint64_t size);
int disk_rename(int folder, const char *from, const char *to);
int disk_unlink(int folder, const char *name);

// ---- what changes nothing ---------------------------------------------------

// For reading.  Follows no link and waits on no pipe.
int disk_open_read(int folder, const char *name);

// Bytes of a regular file; EINVAL where it is something else.
int disk_size(int fd, uint64_t *size);

// Behind what `room` holds already, from `offset` of the file on; adds nothing
// to room->used.
ssize_t disk_read_at(int fd, const struct rotor_room *room, uint64_t offset);

int disk_close(int fd);

// ---- with as many calls as it takes (disk_whole.c) --------------------------
//
// False: errno says why.

// Fills `content`, or reads to the end of the file.
bool disk_read_whole(int fd, uint64_t offset, struct rotor_room *content);

bool disk_write_whole(int folder, int fd, struct rotor_bytes content);
bool disk_write_whole_at(int folder, int fd, struct rotor_bytes content,
                         uint64_t offset);

#endif
