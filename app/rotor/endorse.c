// SPDX-License-Identifier: Apache-2.0
// rotor endorse: what vendors say of their chips, kept for rotor verify.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/rotor/endorsing.h"
#include "base/bytes.h"
#include "endorse/folder.h"
#include "endorse/roots.h"
#include "port/linux/folder.h"

struct import {
    unsigned fresh;
    unsigned known;
    unsigned foreign_roots;
};

// The folders on the way to the store.
static void make_parents(const char *folder)
{
    char path[ENDORSING_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s", folder);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(path, 0755); // what is wrong shows when it is opened
            *at = '/';
        }
    }
}

static bool put_items(const struct run *run, const char *folder,
                      const struct endorse_set *set, struct import *import,
                      int *code)
{
    int fd = -1;
    make_parents(folder);
    enum rotor_status status = linux_folder_open(folder, &fd);
    for (size_t i = 0; status == ROTOR_OK && i < set->count; i++) {
        struct endorse_facts facts;
        bool is_new = false;
        status = endorse_folder_put(fd, &set->items[i], &is_new);
        import->fresh += is_new ? 1 : 0;
        import->known += is_new ? 0 : 1;
        bool is_root = endorse_facts_read(&set->items[i], &facts) == ROTOR_OK &&
                       facts.is_root;
        import->foreign_roots +=
            is_root && !endorse_is_known_root(&set->items[i]);
    }
    if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", folder,
                     strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status == ROTOR_OK;
}

// A key that nothing vouches for is a root, and roots are not imported.
static bool has_only_statements(const struct run *run,
                                const struct endorse_set *set, int *code)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].kind == ENDORSE_KEY) {
            *code = fail(run, CAUSE_USAGE, "rotor verify --root FILE",
                         "a public key by itself is a root: it is trusted "
                         "where it is named, and not kept");
            return false;
        }
    }
    return true;
}

static int say_imported(const struct run *run, const char *folder,
                        const struct import *import)
{
    if (run->is_json) {
        struct json out;
        begin_json(&out, "endorse", true);
        json_text(&out, "folder", folder);
        json_number(&out, "imported", import->fresh);
        json_number(&out, "known", import->known);
        json_number(&out, "unknown_roots", import->foreign_roots);
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    printf("imported: %u new, %u known, into %s\n", import->fresh,
           import->known, folder);
    fflush(stdout);
    if (import->foreign_roots != 0) {
        fprintf(stderr,
                "rotor: warning: %u roots that are not built in: they count "
                "only where rotor verify --root names them\n",
                import->foreign_roots);
    }
    return EXIT_ACCEPTED;
}

static int import_files(const struct run *run, const char *folder, int count,
                        char **files)
{
    struct endorse_set set = {0};
    struct import import = {0};
    int code = EXIT_ACCEPTED;
    bool is_read = true;
    for (int i = 0; i < count && is_read; i++) {
        is_read = endorsing_load(run, files[i], &set, &code);
    }
    if (is_read && has_only_statements(run, &set, &code) &&
        put_items(run, folder, &set, &import, &code)) {
        code = say_imported(run, folder, &import);
    }
    endorse_set_close(&set);
    return code;
}

// ---- list ------------------------------------------------------------------

static void list_item(const struct run *run, struct json *out,
                      const struct endorse_set *set, size_t which)
{
    const struct endorse_item *item = &set->items[which];
    enum endorsing_state state =
        endorsing_state(set, which, (int64_t)time(NULL));
    struct endorse_facts facts;
    char name[ENDORSE_TEXT_SIZE];
    char until[TIME_SIZE] = "never";
    if (endorse_facts_read(item, &facts) != ROTOR_OK) {
        return;
    }
    if (facts.ends_s != INT64_MAX) {
        time_text((uint64_t)facts.ends_s, until);
    }
    bool is_root = facts.is_root;
    const char *root =
        endorse_is_known_root(item) ? "built in" : "not built in";
    endorse_name_text(item->name, name);
    if (!run->is_json) {
        const char *by = facts.issuer[0] != '\0' ? ", by " : "";
        printf("%-16s %-10s %-21s %.12s  %s%s%s\n",
               endorse_kind_name(item->kind), endorsing_state_name(state),
               until, name, facts.about, is_root ? ", a root that is " : by,
               is_root ? root : facts.issuer);
        return;
    }
    json_open_object(out, NULL);
    json_text(out, "kind", endorse_kind_name(item->kind));
    json_text(out, "sha256", name);
    json_text(out, "about", facts.about);
    json_text(out, "issuer", facts.issuer);
    json_text(out, "until", until);
    json_text(out, "state", endorsing_state_name(state));
    json_bool(out, "is_root", is_root);
    if (is_root) {
        json_bool(out, "is_built_in", endorse_is_known_root(item));
    }
    json_close(out);
}

static int list(const struct run *run, const char *folder)
{
    struct endorse_set set = {0};
    struct json out;
    int code = EXIT_ACCEPTED;
    if (access(folder, F_OK) == 0 &&
        !endorsing_load(run, folder, &set, &code)) {
        endorse_set_close(&set);
        return code;
    }
    if (run->is_json) {
        begin_json(&out, "endorse", true);
        json_text(&out, "folder", folder);
        json_open_list(&out, "endorsements");
    }
    for (size_t i = 0; i < set.count; i++) {
        list_item(run, &out, &set, i);
    }
    if (run->is_json) {
        json_end(&out);
    } else if (set.count == 0) {
        printf("none in %s\n", folder);
    }
    endorse_set_close(&set);
    return EXIT_ACCEPTED;
}

// ---- prune -----------------------------------------------------------------

// What a newer one replaces stays until its own end: nobody has verified the
// newer one, and a false list must not be able to push out a true one.
static enum rotor_status remove_ended(int fd, const struct endorse_set *set,
                                      unsigned *removed)
{
    int64_t now_s = (int64_t)time(NULL);
    for (size_t i = 0; i < set->count; i++) {
        struct endorse_facts facts;
        char name[ENDORSE_TEXT_SIZE];
        endorse_name_text(set->items[i].name, name);
        if (endorse_facts_read(&set->items[i], &facts) != ROTOR_OK ||
            facts.ends_s < now_s) {
            TRY(linux_folder_remove(fd, name));
            (*removed)++;
        }
    }
    return ROTOR_OK;
}

static int prune(const struct run *run, const char *folder)
{
    struct endorse_set set = {0};
    unsigned removed = 0;
    int code = EXIT_ACCEPTED;
    int fd = -1;
    if (!endorsing_load(run, folder, &set, &code)) {
        endorse_set_close(&set);
        return code;
    }
    enum rotor_status status = linux_folder_open(folder, &fd);
    if (status == ROTOR_OK) {
        status = remove_ended(fd, &set, &removed);
        (void)close(fd);
    }
    endorse_set_close(&set);
    if (status != ROTOR_OK) {
        return fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", folder,
                    strerror(errno));
    }
    if (run->is_json) {
        struct json out;
        begin_json(&out, "endorse", true);
        json_text(&out, "folder", folder);
        json_number(&out, "removed", removed);
        json_end(&out);
    } else {
        printf("removed: %u that ended, from %s\n", removed, folder);
    }
    return EXIT_ACCEPTED;
}

int main_endorse(struct run *run, int count, char **arguments)
{
    const char *given = NULL;
    char folder[ENDORSING_PATH_SIZE];
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--endorsements", "DIR", FLAG_TEXT, &given, "where they are kept"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    bool is_import = count > 1 && strcmp(arguments[0], "import") == 0;
    bool is_list = count == 1 && strcmp(arguments[0], "list") == 0;
    bool is_prune = count == 1 && strcmp(arguments[0], "prune") == 0;
    if (!is_import && !is_list && !is_prune) {
        return fail(run, CAUSE_USAGE, "rotor endorse import FILE...",
                    "expected import and files, list, or prune");
    }
    if (!endorsing_find(given, folder)) {
        return fail(run, CAUSE_USAGE, "--endorsements DIR",
                    "no folder for endorsements");
    }
    if (is_prune) {
        return prune(run, folder);
    }
    return is_import ? import_files(run, folder, count - 1, arguments + 1)
                     : list(run, folder);
}
