// SPDX-License-Identifier: Apache-2.0
#include "endorse/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/folder.h"

void endorse_name_text(const uint8_t name[ENDORSE_NAME_SIZE],
                       char text[ENDORSE_TEXT_SIZE])
{
    for (size_t i = 0; i < ENDORSE_NAME_SIZE; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", name[i]);
    }
}

static bool is_hash(const char *name)
{
    return strlen(name) == ENDORSE_TEXT_SIZE - 1 &&
           strspn(name, "0123456789abcdef") == ENDORSE_TEXT_SIZE - 1;
}

// What a file brought into the set: what its name says, or anything.
static bool is_as_named(const struct endorse_set *read, const char *name)
{
    char text[ENDORSE_TEXT_SIZE];
    if (!is_hash(name)) {
        return true;
    }
    if (read->count != 1) {
        return false;
    }
    endorse_name_text(read->items[0].name, text);
    return strcmp(text, name) == 0;
}

static void note(struct endorse_load *load, unsigned *count, const char *name)
{
    if (load->damaged + load->passed == 0) {
        (void)snprintf(load->first, sizeof load->first, "%s", name);
    }
    (*count)++;
}

// Once by itself, to be compared with its name, then into the set.
static enum rotor_status take_content(struct endorse_set *set, const char *name,
                                      struct rotor_bytes content,
                                      struct endorse_load *load)
{
    struct endorse_set read = {0};
    enum rotor_status status = endorse_set_read(&read, content);
    bool is_good = status == ROTOR_OK && is_as_named(&read, name);
    endorse_set_close(&read);
    if (status == ROTOR_PORT_FAILED) {
        return status;
    }
    if (!is_good) {
        note(load, is_hash(name) ? &load->damaged : &load->passed, name);
        return ROTOR_OK;
    }
    return endorse_set_read(set, content);
}

static enum rotor_status take_file(int folder, const char *name,
                                   struct endorse_set *set,
                                   struct endorse_load *load)
{
    struct stat state;
    bool found = false;
    if (fstatat(folder, name, &state, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(state.st_mode)) {
        return ROTOR_OK; // gone, or no file
    }
    if (state.st_size <= 0 || state.st_size > (off_t)ENDORSE_FILE_MAX) {
        note(load, is_hash(name) ? &load->damaged : &load->passed, name);
        return ROTOR_OK;
    }
    size_t room = (size_t)state.st_size + 1;
    struct rotor_room content = {malloc(room), room, 0};
    if (content.data == NULL) {
        return ROTOR_PORT_FAILED;
    }
    enum rotor_status status =
        linux_folder_read(folder, name, &content, &found);
    if (status == ROTOR_OK && found) {
        status = take_content(set, name, bytes_in(&content), load);
    } else if (status == ROTOR_TOO_SMALL) {
        status = ROTOR_OK; // it grew just now: the next call sees it
    }
    free(content.data);
    return status;
}

// What a verifier sees must not depend on the order of a folder.
static int by_kind_and_name(const void *left, const void *right)
{
    const struct endorse_item *a = left;
    const struct endorse_item *b = right;
    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1)
                              : memcmp(a->name, b->name, sizeof a->name);
}

enum rotor_status endorse_folder_load(const char *path, struct endorse_set *set,
                                      struct endorse_load *load)
{
    *load = (struct endorse_load){0};
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return ROTOR_PORT_FAILED;
    }
    enum rotor_status status = ROTOR_OK;
    const struct dirent *entry = NULL;
    while (status == ROTOR_OK && (entry = readdir(folder)) != NULL) {
        // Half-written files of an import that was cut end in .new.
        size_t size = strlen(entry->d_name);
        bool is_half =
            size > 4 && strcmp(entry->d_name + size - 4, ".new") == 0;
        if (entry->d_name[0] != '.' && !is_half) {
            status = take_file(dirfd(folder), entry->d_name, set, load);
        }
    }
    (void)closedir(folder);
    if (set->count != 0) {
        qsort(set->items, set->count, sizeof *set->items, by_kind_and_name);
    }
    return status;
}

enum rotor_status
endorse_folder_put(int folder, const struct endorse_item *item, bool *is_new)
{
    char name[ENDORSE_TEXT_SIZE];
    struct stat state;
    endorse_name_text(item->name, name);
    *is_new = fstatat(folder, name, &state, 0) != 0 ||
              !S_ISREG(state.st_mode) ||
              (size_t)state.st_size != item->bytes.size;
    // Written again where it may be damaged: the name says what belongs there.
    return linux_folder_replace(folder, name, item->bytes);
}
