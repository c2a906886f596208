// SPDX-License-Identifier: Apache-2.0
// The calls that change what a disk keeps, and nothing around them: so that a
// test build can make each of them fail (disk_failing.c) where the release
// asks the kernel (disk.c).  The build chooses; no release has the other one.
//
// Results and errno are those of the call of the same name.  `folder` is the
// folder that the file lies in.
#ifndef ROTOR_PORT_LINUX_DISK_H
#define ROTOR_PORT_LINUX_DISK_H

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

#endif
