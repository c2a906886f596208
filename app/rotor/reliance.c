// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/reliance.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define REFERENCE_FILE_MAX (1024u * 1024u) // bytes

bool reliance_choose_folder(const struct run *run, struct reliance *r,
                            int *code)
{
    const char *home = getenv("HOME");
    int size = 0;
    if (r->trust != NULL) {
        size = snprintf(r->folder, sizeof r->folder, "%s", r->trust);
    } else if (geteuid() == 0) {
        size = snprintf(r->folder, sizeof r->folder, "/var/lib/rotor-verify");
    } else if (home != NULL && home[0] == '/') {
        size = snprintf(r->folder, sizeof r->folder,
                        "%s/.local/share/rotor/trust", home);
    }
    if (size <= 0 || (size_t)size >= sizeof r->folder) {
        *code = fail(run, CAUSE_USAGE, "--trust DIR",
                     "no folder for the trust store");
        return false;
    }
    return true;
}

static bool bad_digest(const struct run *run, const char *flag,
                       const char *text, int *code)
{
    *code =
        fail(run, CAUSE_USAGE, "SHA256: and 43 characters, or 64 hex digits",
             "%s %s: not a fingerprint", flag, text);
    return false;
}

bool reliance_want(const struct run *run, struct reliance *r,
                   const struct wire_digest *digest, int *code)
{
    if (r->wanted_count == RELIANCE_DIGESTS_MAX) {
        *code = fail(run, CAUSE_USAGE, NULL, "more than %u measurements",
                     RELIANCE_DIGESTS_MAX);
        return false;
    }
    r->wanted[r->wanted_count++] = *digest;
    return true;
}

// ---- the reference file ----------------------------------------------------

// A digest counts where it begins its line or follows the word measurement,
// so that files of `rotor image`, text or JSON, can be given as they are.
static bool is_measurement(const char *line, const char *digest)
{
    static const char word[] = "measurement";
    while (digest > line && strchr(" \t\"':=", digest[-1]) != NULL) {
        digest--;
    }
    size_t before = (size_t)(digest - line);
    size_t size = sizeof word - 1;
    return before == 0 ||
           (before >= size && strncmp(digest - size, word, size) == 0);
}

static bool take_line(const struct run *run, struct reliance *r, char *line,
                      int *code)
{
    char *comment = strchr(line, '#');
    if (comment != NULL) {
        *comment = '\0';
    }
    for (char *at = line; (at = strstr(at, "SHA")) != NULL; at++) {
        struct wire_digest digest;
        char text[FINGERPRINT_SIZE];
        size_t size =
            strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                       "uvwxyz0123456789+/:");
        if (size >= sizeof text) {
            continue;
        }
        memcpy(text, at, size);
        text[size] = '\0';
        if (parse_digest(text, &digest) && is_measurement(line, at) &&
            !reliance_want(run, r, &digest, code)) {
            return false;
        }
    }
    return true;
}

static bool take_file(const struct run *run, struct reliance *r, char *text,
                      int *code)
{
    size_t before = r->wanted_count;
    char *rest = text;
    char *line = NULL;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (!take_line(run, r, line, code)) {
            return false;
        }
    }
    if (r->wanted_count == before) {
        *code = fail(run, CAUSE_UNPARSABLE,
                     "one measurement a line: SHA256: and 43 characters",
                     "%s: no measurement in it", r->reference_file);
        return false;
    }
    return true;
}

static bool read_reference(const struct run *run, struct reliance *r, int *code)
{
    struct rotor_bytes content;
    if (r->reference_file == NULL) {
        return true;
    }
    if (!read_file(run, r->reference_file, REFERENCE_FILE_MAX, &content,
                   code)) {
        return false;
    }
    char *text = malloc(content.size + 1);
    bool is_done = false;
    if (text == NULL) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    } else {
        if (content.size != 0) {
            memcpy(text, content.data, content.size);
        }
        text[content.size] = '\0';
        is_done = take_file(run, r, text, code);
    }
    free(text);
    free((void *)(uintptr_t)content.data);
    return is_done;
}

// ---- all of it -------------------------------------------------------------

static bool read_digests(const struct run *run, struct reliance *r,
                         struct relying_options *options, int *code)
{
    struct wire_digest digest;
    for (size_t i = 0; i < r->measurements.count; i++) {
        const char *text = r->measurements.values[i];
        if (!parse_digest(text, &digest)) {
            return bad_digest(run, "--measurement", text, code);
        }
        if (!reliance_want(run, r, &digest, code)) {
            return false;
        }
    }
    for (size_t i = 0; i < r->instances.count; i++) {
        const char *text = r->instances.values[i];
        if (!parse_digest(text, &r->pinned[i])) {
            return bad_digest(run, "--instance", text, code);
        }
    }
    if (r->log_id != NULL && !parse_digest(r->log_id, &options->log_id)) {
        return bad_digest(run, "--log-id", r->log_id, code);
    }
    return read_reference(run, r, code);
}

static bool check_sense(const struct run *run, const struct reliance *r,
                        int *code)
{
    if (r->any_measurement && r->wanted_count != 0) {
        *code = fail(run, CAUSE_USAGE, NULL,
                     "--any-measurement and --measurement exclude each other");
        return false;
    }
    if (!r->any_measurement && r->wanted_count == 0) {
        *code = fail(run, CAUSE_USAGE,
                     "--measurement DIGEST, which rotor image prints for the "
                     "image that was installed; or --any-measurement",
                     "no measurement: cannot tell which program answers");
        return false;
    }
    if (r->security_version_min > UINT32_MAX || r->hold_down_s > UINT32_MAX) {
        *code = fail(run, CAUSE_USAGE, NULL, "a number is too large");
        return false;
    }
    return true;
}

bool reliance_settle(const struct run *run, struct reliance *r,
                     struct relying_options *options, int *code)
{
    if (!reliance_choose_folder(run, r, code) ||
        !read_digests(run, r, options, code) || !check_sense(run, r, code)) {
        return false;
    }
    r->reference = (struct verify_reference){
        .measurements = r->wanted,
        .measurement_count = r->wanted_count,
        .any_measurement = r->any_measurement,
        .instances = r->pinned,
        .instance_count = r->instances.count,
        .security_version_min = (uint32_t)r->security_version_min,
    };
    options->folder = r->folder;
    options->trusts_first_use = r->trusts_first_use;
    options->reference = &r->reference;
    options->hold_down_s = (uint32_t)r->hold_down_s;
    return true;
}
