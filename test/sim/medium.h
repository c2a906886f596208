// SPDX-License-Identifier: Apache-2.0
// Between disk.c, which keeps and loses, and disk_calls.c, which is called.
#ifndef ROTOR_TEST_SIM_MEDIUM_H
#define ROTOR_TEST_SIM_MEDIUM_H

#include "test/sim/disk.h"

// ---- disk.c ----------------------------------------------------------------

void medium_put(struct sim_content *file, size_t at, struct rotor_bytes bytes);

// -1: no such name.
int medium_file_of(const struct sim_names *names, const char *text);

// A file that nobody names or mentions.
int medium_new_file(struct sim_disk *disk);

// A promise to fill in, and then to keep: for who reads, at once.
struct sim_promise *medium_promise(struct sim_disk *disk,
                                   enum sim_promise_kind kind, int file);
void medium_keep(struct sim_names *names, struct sim_content files[],
                 const struct sim_promise *promise);

// What a sync covers lasts; or, where it failed, is covered by no other one.
void medium_make_safe(struct sim_disk *disk, bool folder, int file);
void medium_make_stale(struct sim_disk *disk, int file);

// ---- disk_calls.c ----------------------------------------------------------

// Nobody has a file of this disk open any more.
void medium_close_files(const struct sim_disk *disk);

#endif
