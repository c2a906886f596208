// SPDX-License-Identifier: Apache-2.0
// A policy as a file, with the files that it includes.
#ifndef ROTOR_APP_ROTOR_POLICY_FILE_H
#define ROTOR_APP_ROTOR_POLICY_FILE_H

#include <stdbool.h>

#include "app/rotor/command.h"
#include "app/rotor/policy_text.h"

// Reads the file and what it includes.  False: said why, *code is the exit
// code: 2 for what stands in the file, 3 when it cannot be read.
bool policy_file_read(const struct run *run, struct policy_file *file,
                      const char *path, int *code);

#endif
