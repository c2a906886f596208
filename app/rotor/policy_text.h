// SPDX-License-Identifier: Apache-2.0
// A policy as text, in the form of rotord.conf.  An unknown section, key or
// word is an error with its line, since a mistyped demand must not be passed
// over in silence.  rotor-policy(5).
#ifndef ROTOR_APP_ROTOR_POLICY_TEXT_H
#define ROTOR_APP_ROTOR_POLICY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

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

// One text, and where it stands wrong.
struct policy_text {
    const char *path; // files that it includes are named from there
    bool is_included; // lists of values are all that it may have
    int line;         // the last one that was read
    char fault[256];  // what is wrong with it; clean text
};

// Adds what `content` says to `policy`; the files that it includes are listed
// there and not read.
//
// ROTOR_MALFORMED    text->line and text->fault say why.
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL policy_text_read(struct policy_text *text,
                            struct rotor_bytes content,
                            struct policy_file *policy);

// Points `policy` to the lists, when they were changed.
void policy_file_settle(struct policy_file *file);

// A fingerprint, or 16 to 64 bytes in hex.
bool policy_value_parse(const char *text, struct verify_value *value);

#endif
