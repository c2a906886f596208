// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/endorsing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "endorse/folder.h"

#define DAY 86400

bool endorsing_find(const char *given, char folder[ENDORSING_PATH_SIZE])
{
    const char *home = getenv("HOME");
    int size = 0;
    if (given != NULL) {
        size = snprintf(folder, ENDORSING_PATH_SIZE, "%s", given);
    } else if (geteuid() == 0) {
        size = snprintf(folder, ENDORSING_PATH_SIZE,
                        "/var/lib/rotor-verify/endorsements");
    } else if (home != NULL && home[0] == '/') {
        size = snprintf(folder, ENDORSING_PATH_SIZE,
                        "%s/.local/share/rotor/endorsements", home);
    }
    return size > 0 && (size_t)size < ENDORSING_PATH_SIZE;
}

static bool say_status(const struct run *run, const char *path,
                       enum rotor_status status, int *code)
{
    if (status == ROTOR_MALFORMED) {
        *code = fail(run, CAUSE_UNPARSABLE,
                     "DER, PEM, or JSON as Intel's service hands it out",
                     "%s: not certificates, revocation lists, TCB info or QE "
                     "identity",
                     path);
    } else if (status == ROTOR_TOO_SMALL) {
        *code = fail(run, CAUSE_UNPARSABLE, NULL,
                     "%s: more than %u endorsements", path, ENDORSE_ITEMS_MAX);
    } else {
        *code = fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path,
                     errno != 0 ? strerror(errno) : "cannot be read");
    }
    return false;
}

static bool load_folder(const struct run *run, const char *path,
                        struct endorse_set *set, int *code)
{
    struct endorse_load load;
    errno = 0;
    enum rotor_status status = endorse_folder_load(path, set, &load);
    if (status != ROTOR_OK) {
        return say_status(run, path, status, code);
    }
    if (load.damaged + load.passed != 0) {
        fprintf(stderr,
                "rotor: warning: %s: %u damaged files and %u others passed "
                "over, %s first\n",
                path, load.damaged, load.passed, load.first);
    }
    return true;
}

bool endorsing_load(const struct run *run, const char *path,
                    struct endorse_set *set, int *code)
{
    struct rotor_bytes content;
    struct stat state;
    if (stat(path, &state) == 0 && S_ISDIR(state.st_mode)) {
        return load_folder(run, path, set, code);
    }
    if (!read_file(run, path, ENDORSE_FILE_MAX, &content, code)) {
        return false;
    }
    errno = 0;
    enum rotor_status status = endorse_set_read(set, content);
    free((void *)(uintptr_t)content.data);
    return status == ROTOR_OK || say_status(run, path, status, code);
}

// ---- how long they are good ------------------------------------------------

static bool is_same_subject(const struct endorse_item *a,
                            const struct endorse_facts *left,
                            const struct endorse_item *b,
                            const struct endorse_facts *right)
{
    return a->kind == b->kind && a->kind != ENDORSE_CERTIFICATE &&
           strcmp(left->about, right->about) == 0 &&
           strcmp(left->issuer, right->issuer) == 0;
}

static bool is_replaced(const struct endorse_set *set, size_t which,
                        const struct endorse_facts *facts)
{
    for (size_t i = 0; i < set->count; i++) {
        struct endorse_facts other;
        bool is_newer =
            i != which &&
            endorse_facts_read(&set->items[i], &other) == ROTOR_OK &&
            is_same_subject(&set->items[which], facts, &set->items[i],
                            &other) &&
            other.ends_s > facts->ends_s;
        if (is_newer) {
            return true;
        }
    }
    return false;
}

enum endorsing_state endorsing_state(const struct endorse_set *set,
                                     size_t which, int64_t now_s)
{
    const struct endorse_item *item = &set->items[which];
    struct endorse_facts facts;
    if (endorse_facts_read(item, &facts) != ROTOR_OK) {
        return ENDORSING_ENDED;
    }
    if (is_replaced(set, which, &facts)) {
        return ENDORSING_REPLACED;
    }
    // Lists and JSON live for a month, certificates for years.
    int64_t soon = item->kind == ENDORSE_CERTIFICATE ? 30 * DAY : 7 * DAY;
    if (facts.ends_s < now_s) {
        return ENDORSING_ENDED;
    }
    if (facts.begins_s > now_s) {
        return ENDORSING_EARLY;
    }
    return facts.ends_s - now_s < soon ? ENDORSING_SOON : ENDORSING_GOOD;
}

const char *endorsing_state_name(enum endorsing_state state)
{
    static const char *const names[] = {
        [ENDORSING_GOOD] = "good",         [ENDORSING_SOON] = "ends soon",
        [ENDORSING_ENDED] = "ended",       [ENDORSING_EARLY] = "not yet",
        [ENDORSING_REPLACED] = "replaced",
    };
    return (size_t)state < COUNT_OF(names) ? names[state] : "unknown";
}
