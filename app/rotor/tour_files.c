// SPDX-License-Identifier: Apache-2.0
// Files of the tour: below its own folder, and gone with it.
#include "app/rotor/tour.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

void tour_path(const struct tour *tour, char path[TOUR_PATH_MAX],
               const char *format, ...)
{
    char name[96];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(name, sizeof name, format, values);
    va_end(values);
    (void)snprintf(path, TOUR_PATH_MAX, "%.94s/%s", tour->folder, name);
}

bool tour_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t size = (ssize_t)strlen(text);
    bool is_written = fd >= 0 && write(fd, text, (size_t)size) == size;
    return fd >= 0 && close(fd) == 0 && is_written;
}

bool tour_copy_file(const char *from, const char *to, mode_t mode)
{
    struct stat state;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return false;
    }
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool is_open = out >= 0 && fstat(in, &state) == 0;
    off_t left = is_open ? state.st_size : 0;
    ssize_t put = 1;
    while (left > 0 && put > 0) {
        put = sendfile(out, in, NULL, (size_t)left);
        left -= put > 0 ? put : 0;
    }
    int cause = errno;
    close(in);
    bool is_closed = out >= 0 && close(out) == 0;
    errno = cause;
    return is_open && is_closed && left == 0;
}

static bool is_transient(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strcmp(name, "lock") == 0 || strcmp(name, "control.sock") == 0;
}

// NOLINTNEXTLINE(misc-no-recursion): three levels of our own making
bool tour_copy_folder(const char *from, const char *to)
{
    const struct dirent *entry = NULL;
    bool is_good = mkdir(to, 0700) == 0 || errno == EEXIST;
    DIR *folder = is_good ? opendir(from) : NULL;
    if (folder == NULL) {
        return false;
    }
    while (is_good && (entry = readdir(folder)) != NULL) {
        char source[2 * TOUR_PATH_MAX];
        char target[2 * TOUR_PATH_MAX];
        struct stat state;
        if (is_transient(entry->d_name)) {
            continue;
        }
        (void)snprintf(source, sizeof source, "%.180s/%.180s", from,
                       entry->d_name);
        (void)snprintf(target, sizeof target, "%.180s/%.180s", to,
                       entry->d_name);
        is_good = lstat(source, &state) == 0 &&
                  (S_ISDIR(state.st_mode)
                       ? tour_copy_folder(source, target)
                       : tour_copy_file(source, target, state.st_mode & 0700));
    }
    (void)closedir(folder);
    return is_good;
}

static int remove_one(const char *path, const struct stat *state, int kind,
                      struct FTW *walk)
{
    (void)state;
    (void)kind;
    (void)walk;
    (void)remove(path); // what stays makes the folder's own removal fail
    return 0;
}

bool tour_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return access(path, F_OK) != 0;
}

bool tour_line_with(const char *path, const char *text, char *line, size_t size)
{
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, (int)size, file) != NULL) {
        found = strstr(line, text) != NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    line[found ? strcspn(line, "\n") : 0] = '\0';
    return found;
}

bool tour_file_has(const char *path, const char *text)
{
    char line[512];
    return tour_line_with(path, text, line, sizeof line);
}
