// SPDX-License-Identifier: Apache-2.0
// A policy as a file, in the form of rotord.conf: what a relying party
// accepts.  An unknown section, key or word is an error with its line, since a
// mistyped demand must not be passed over in silence.  rotor-policy(5).
#ifndef ROTOR_APP_ROTOR_POLICY_FILE_H
#define ROTOR_APP_ROTOR_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/rotor/command.h"
#include "verify/policy.h"

#define POLICY_LIST_MAX     128u // values of one kind
#define POLICY_WORDS_MAX    16u
#define POLICY_WORD_SIZE    48u
#define POLICY_INCLUDES_MAX 16u
#define POLICY_PATH_SIZE    512u

struct policy_list {
    struct verify_value values[POLICY_LIST_MAX];
    size_t count;
};

// Stays where it is: `policy` points into it.
struct policy_file {
    struct policy_list measurements;
    struct policy_list signers;
    struct policy_list instances;
    char words[POLICY_WORDS_MAX][POLICY_WORD_SIZE];
    const char *word_views[POLICY_WORDS_MAX];
    uint32_t given; // bits of the keys that may stand once, in their order
    char includes[POLICY_INCLUDES_MAX][POLICY_PATH_SIZE];
    size_t include_count;
    struct verify_policy policy;
};

// Reads the file and what it includes.  False: said why, *code is the exit
// code: 2 for what stands in the file, 3 when it cannot be read.
bool policy_file_read(const struct run *run, struct policy_file *file,
                      const char *path, int *code);

// Points `policy` to the lists, when they were changed.
void policy_file_settle(struct policy_file *file);

// A fingerprint, or 16 to 64 bytes in hex.
bool policy_value_parse(const char *text, struct verify_value *value);

#endif
