// SPDX-License-Identifier: Apache-2.0
// A folder whose files survive a power cut: written whole or not at all.
//
// Every function works below an open descriptor, so that it goes on working
// behind a wall that hides the rest of the file system.  Names are plain: one
// component, no slash.  ROTOR_PORT_FAILED leaves the cause in errno.
#ifndef ROTOR_PORT_LINUX_FOLDER_H
#define ROTOR_PORT_LINUX_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Opens the folder; makes it (mode 0700) when it is missing.
ROTOR_CALL linux_folder_open(const char *path, int *folder);

// Reads the whole file.  *found is false when there is none.
//
// ROTOR_TOO_SMALL  the file is larger than `content`.
ROTOR_CALL linux_folder_read(int folder, const char *name,
                             struct rotor_room *content, bool *found);

// Writes the file (mode 0600) in place, then syncs file and folder.
ROTOR_CALL linux_folder_write(int folder, const char *name,
                              struct rotor_bytes content);

// Writes NAME.new, syncs it, renames it over `name`, syncs the folder.
ROTOR_CALL linux_folder_replace(int folder, const char *name,
                                struct rotor_bytes content);

// Adds to the end of the file, then syncs it.
ROTOR_CALL linux_folder_append(int folder, const char *name,
                               struct rotor_bytes content);

// Reads up to `content` from `offset`; content->used tells how much there was.
ROTOR_CALL linux_folder_read_at(int folder, const char *name, uint64_t offset,
                                struct rotor_room *content);

// Writes at `offset`, which makes the file where there is none; what lay behind
// is gone.  Then syncs it.
ROTOR_CALL linux_folder_write_at(int folder, const char *name, uint64_t offset,
                                 struct rotor_bytes content);

// Cuts the file to `size` bytes, then syncs it.
ROTOR_CALL linux_folder_truncate(int folder, const char *name, uint64_t size);

// Both sync the folder.  Removing what is not there is no error.
ROTOR_CALL linux_folder_rename(int folder, const char *from, const char *to);
ROTOR_CALL linux_folder_remove(int folder, const char *name);

// Makes last what is seen: the bytes of a file, if there is one; and the names
// of the folder.  Whoever wrote it may have ended before its own sync.  Called
// before anything is done by what was read.
ROTOR_CALL linux_folder_settle_file(int folder, const char *name);
ROTOR_CALL linux_folder_settle(int folder);

#endif
