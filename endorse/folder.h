// SPDX-License-Identifier: Apache-2.0
// Endorsements on disk: one file for each statement, named by its SHA-256, so
// that two imports of one thing are one file and damage shows.
#ifndef ROTOR_ENDORSE_FOLDER_H
#define ROTOR_ENDORSE_FOLDER_H

#include <stdbool.h>

#include <rotor/status.h>

#include "endorse/set.h"

#define ENDORSE_TEXT_SIZE 65u // a name in hex, with its final zero
void endorse_name_text(const uint8_t name[ENDORSE_NAME_SIZE],
                       char text[ENDORSE_TEXT_SIZE]);

struct endorse_load {
    unsigned damaged; // files whose content is not what their name says
    unsigned passed;  // files that are no endorsements, and were passed over
    char first[256];  // the name of the first of either
};

// Adds the statements of every regular file in the folder.  Names do not
// matter but those that are hashes.
//
// ROTOR_PORT_FAILED  cause in errno.
ROTOR_CALL endorse_folder_load(const char *path, struct endorse_set *set,
                               struct endorse_load *load);

// Writes the statement durably, whole or not at all; *is_new is false when it
// was there.
ROTOR_CALL endorse_folder_put(int folder, const struct endorse_item *item,
                              bool *is_new);

#endif
