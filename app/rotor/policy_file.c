// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/policy_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_FILE_MAX (1024u * 1024u) // bytes

static size_t count_values(const struct policy_file *file)
{
    return file->measurements.count + file->signers.count +
           file->instances.count;
}

static bool read_one(const struct run *run, struct policy_file *file,
                     struct policy_text *text, int *code)
{
    struct rotor_bytes content;
    if (!read_file(run, text->path, POLICY_FILE_MAX, &content, code)) {
        return false;
    }
    enum rotor_status status = policy_text_read(text, content, file);
    free((void *)(uintptr_t)content.data);
    if (status == ROTOR_MALFORMED) {
        *code = fail(run, CAUSE_USAGE, "rotor-policy(5) names every key",
                     "%s: line %d: %s", text->path, text->line, text->fault);
    } else if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "%s: %s", text->path,
                     strerror(errno));
    }
    return status == ROTOR_OK;
}

// A list that was cut off, or commented out, must not demand nothing.
static bool read_included(const struct run *run, struct policy_file *file,
                          const char *path, int *code)
{
    struct policy_text text = {.path = path, .is_included = true};
    const size_t before = count_values(file);
    if (!read_one(run, file, &text, code)) {
        return false;
    }
    if (count_values(file) == before) {
        *code = fail(run, CAUSE_USAGE, "without it any program is accepted",
                     "%s: no value in it", path);
        return false;
    }
    return true;
}

bool policy_file_read(const struct run *run, struct policy_file *file,
                      const char *path, int *code)
{
    *file = (struct policy_file){0};
    struct policy_text text = {.path = path};
    if (!read_one(run, file, &text, code)) {
        return false;
    }
    for (size_t i = 0; i < file->include_count; i++) {
        if (!read_included(run, file, file->includes[i], code)) {
            return false;
        }
    }
    policy_file_settle(file);
    return true;
}
