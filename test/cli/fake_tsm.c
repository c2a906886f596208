// SPDX-License-Identifier: Apache-2.0
// Simulated configfs-tsm, for LD_PRELOAD: a folder that obeys the kernel's ABI.
//
// mkdir in FAKE_TSM makes an entry with its attributes; a write to inblob is
// one generation; outblob is made of inblob when it is opened.  Kind of
// provider, conflicts and refusals by FAKE_TSM_DOES.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int open_function(const char *, int, ...);

static int is_inside(const char *path)
{
    const char *folder = getenv("FAKE_TSM");
    return folder != NULL && strncmp(path, folder, strlen(folder)) == 0 &&
           path[strlen(folder)] == '/';
}

static int does(const char *what)
{
    const char *list = getenv("FAKE_TSM_DOES");
    return list != NULL && strstr(list, what) != NULL;
}

static int real_open(const char *path, int how)
{
    open_function *next = (open_function *)(size_t)dlsym(RTLD_NEXT, "open");
    return next(path, how, 0600);
}

static void put(const char *entry, const char *name, const void *data, size_t n)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", entry, name);
    int fd = real_open(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n || close(fd) != 0) {
        abort();
    }
}

static size_t get(const char *entry, const char *name, void *data, size_t n)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", entry, name);
    int fd = real_open(path, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, data, n);
    if (fd >= 0) {
        close(fd);
    }
    return size > 0 ? (size_t)size : 0;
}

int mkdir(const char *path, mode_t mode)
{
    int (*next)(const char *, mode_t) =
        (int (*)(const char *, mode_t))(size_t)dlsym(RTLD_NEXT, "mkdir");
    if (is_inside(path) && does("deny")) {
        errno = EACCES;
        return -1;
    }
    int result = next(path, mode);
    if (result == 0 && is_inside(path)) {
        const char *provider = does("tdx")   ? "tdx_guest\n"
                               : does("arm") ? "arm_cca_guest\n"
                                             : "sev_guest\n";
        put(path, "inblob", "", 0);
        put(path, "outblob", "", 0);
        put(path, "auxblob", "", 0);
        put(path, "generation", "0\n", 2);
        put(path, "provider", provider, strlen(provider));
    }
    return result;
}

// The kernel removes an entry with its attributes in it.
int rmdir(const char *path)
{
    static const char *const names[] = {"inblob", "outblob", "auxblob",
                                        "generation", "provider"};
    int (*next)(const char *) =
        (int (*)(const char *))(size_t)dlsym(RTLD_NEXT, "rmdir");
    for (size_t i = 0; is_inside(path) && i < sizeof names / sizeof *names;
         i++) {
        char name[600];
        snprintf(name, sizeof name, "%s/%s", path, names[i]);
        unlink(name);
    }
    return next(path);
}

// The report of FAKE_TSM_REPORT with the caller's 64 bytes where they belong.
static void answer(const char *entry)
{
    static unsigned char report[16384];
    unsigned char data[65];
    char generation[32] = {0};
    size_t at = does("tdx") ? 48 + 520 : 80;
    int fd = real_open(getenv("FAKE_TSM_REPORT"), O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, report, sizeof report);
    if (size < (ssize_t)at + 64 ||
        get(entry, "inblob", data, sizeof data) != 64) {
        abort();
    }
    close(fd);
    memcpy(report + at, data, 64);
    put(entry, "outblob", report, (size_t)size);
    if (getenv("FAKE_TSM_SIGN") != NULL) { // "command FOLDER": adds IN OUT
        char command[2000];
        snprintf(command, sizeof command, "%s '%s/outblob' '%s/outblob'",
                 getenv("FAKE_TSM_SIGN"), entry, entry);
        unsetenv("LD_PRELOAD");
        if (system(command) != 0) {
            abort();
        }
    }
    if (getenv("FAKE_TSM_TABLE") != NULL) {
        fd = real_open(getenv("FAKE_TSM_TABLE"), O_RDONLY);
        size = fd < 0 ? -1 : read(fd, report, sizeof report);
        close(fd);
        put(entry, "auxblob", report, size > 0 ? (size_t)size : 0);
    }
    snprintf(generation, sizeof generation, "%d\n", does("conflict") ? 2 : 1);
    put(entry, "generation", generation, strlen(generation));
}

static int attribute(const char *path, int how)
{
    char entry[600];
    const char *name = strrchr(path, '/') + 1;
    snprintf(entry, sizeof entry, "%.*s", (int)(name - 1 - path), path);
    if (strcmp(name, "outblob") == 0 && does("busy")) {
        errno = EBUSY;
        return -1;
    }
    if (strcmp(name, "outblob") == 0) {
        answer(entry);
    }
    return real_open(path, how);
}

int open(const char *path, int how, ...)
{
    va_list rest;
    va_start(rest, how);
    int mode = va_arg(rest, int);
    va_end(rest);
    open_function *next = (open_function *)(size_t)dlsym(RTLD_NEXT, "open");
    return is_inside(path) && (how & O_DIRECTORY) == 0 ? attribute(path, how)
                                                       : next(path, how, mode);
}

int open64(const char *path, int how, ...)
{
    va_list rest;
    va_start(rest, how);
    int mode = va_arg(rest, int);
    va_end(rest);
    return open(path, how, mode);
}

// What a hardened build calls instead.
int __open_2(const char *path, int how)
{
    return open(path, how, 0);
}

int __open64_2(const char *path, int how)
{
    return open(path, how, 0);
}
