// SPDX-License-Identifier: Apache-2.0
// A whole log in the form of a file, doc/PROTOCOL.client 5, wherever it is.
#ifndef ROTOR_APP_ROTOR_LOG_FILE_H
#define ROTOR_APP_ROTOR_LOG_FILE_H

#include "app/rotor/bundle.h"
#include "app/rotor/command.h"

// Each: false: said why, *code is the exit code.  The caller frees file->data.

// *count: entries in it.
bool log_file_of_daemon(const struct run *run, struct rotor_bytes *file,
                        size_t *count, int *code);
bool log_file_of_store(const struct run *run, struct store *store,
                       struct rotor_bytes *file, int *code);

#endif
