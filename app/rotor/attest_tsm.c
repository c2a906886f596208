// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/attest_tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

struct entry {
    char path[400];
    struct tsm_report *report;
};

static enum rotor_status blame(struct tsm_report *report, const char *what)
{
    bool is_denied = errno == EACCES || errno == EPERM;
    (void)snprintf(report->why, sizeof report->why, "%s: %s", what,
                   strerror(errno));
    return is_denied ? ROTOR_FORBIDDEN : ROTOR_PORT_FAILED;
}

static int open_attribute(const struct entry *entry, const char *name, int how)
{
    char path[sizeof entry->path + 32];
    (void)snprintf(path, sizeof path, "%s/%s", entry->path, name);
    return open(path, how | O_CLOEXEC);
}

// An attribute is one value: read until its end, whole or not at all.
static enum rotor_status read_attribute(const struct entry *entry,
                                        const char *name,
                                        struct rotor_room *value)
{
    int fd = open_attribute(entry, name, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : 1;
    value->used = 0;
    while (got > 0 && value->used < value->capacity) {
        got =
            read(fd, value->data + value->used, value->capacity - value->used);
        value->used += got > 0 ? (size_t)got : 0;
    }
    int cause = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = cause;
    if (got < 0) {
        value->used = 0;
        return ROTOR_PORT_FAILED;
    }
    return value->used < value->capacity ? ROTOR_OK : ROTOR_TOO_SMALL;
}

static enum rotor_status read_word(const struct entry *entry, const char *name,
                                   char word[TSM_WORD_SIZE])
{
    struct rotor_room room = {(uint8_t *)word, TSM_WORD_SIZE - 1, 0};
    enum rotor_status status = read_attribute(entry, name, &room);
    word[room.used] = '\0';
    word[strcspn(word, "\n")] = '\0';
    return status;
}

static enum rotor_status read_generation(const struct entry *entry,
                                         uint64_t *generation)
{
    char word[TSM_WORD_SIZE];
    char *end = NULL;
    if (read_word(entry, "generation", word) != ROTOR_OK) {
        return blame(entry->report, "generation");
    }
    errno = 0;
    *generation = strtoull(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno != 0) {
        errno = EPROTO;
        return blame(entry->report, "generation");
    }
    return ROTOR_OK;
}

// In one write: each write is one generation.
static enum rotor_status write_data(const struct entry *entry,
                                    const uint8_t data[TSM_DATA_SIZE])
{
    int fd = open_attribute(entry, "inblob", O_WRONLY);
    ssize_t put = fd < 0 ? -1 : write(fd, data, TSM_DATA_SIZE);
    int cause = errno;
    bool is_closed = fd >= 0 && close(fd) == 0;
    if (put == (ssize_t)TSM_DATA_SIZE && is_closed) {
        return ROTOR_OK;
    }
    errno = put < 0 ? cause : EIO;
    return blame(entry->report, "inblob");
}

static enum rotor_status read_blobs(const struct entry *entry)
{
    struct tsm_report *report = entry->report;
    struct rotor_room outblob = ROOM_OF(report->report);
    struct rotor_room auxblob = ROOM_OF(report->certificates);
    enum rotor_status status = read_attribute(entry, "outblob", &outblob);
    if (status != ROTOR_OK || outblob.used == 0) {
        errno = status == ROTOR_OK ? ENODATA : errno;
        // The kernel's word for a conflict.
        bool is_busy = errno == EBUSY || errno == EWOULDBLOCK;
        (void)blame(report, "outblob");
        return is_busy ? ROTOR_AGAIN : ROTOR_PORT_FAILED;
    }
    report->report_size = outblob.used;
    // Not every provider has one.
    status = read_attribute(entry, "auxblob", &auxblob);
    report->certificates_size = status == ROTOR_OK ? auxblob.used : 0;
    return ROTOR_OK;
}

static enum rotor_status ask(const struct entry *entry,
                             const uint8_t data[TSM_DATA_SIZE])
{
    struct tsm_report *report = entry->report;
    uint64_t before = 0;
    uint64_t after = 0;
    TRY(read_generation(entry, &before));
    TRY(write_data(entry, data));
    TRY(read_blobs(entry));
    if (read_word(entry, "provider", report->provider) != ROTOR_OK) {
        return blame(report, "provider");
    }
    TRY(read_generation(entry, &after));
    if (after != before + 1) {
        (void)snprintf(report->why, sizeof report->why,
                       "another process wrote to the entry");
        return ROTOR_AGAIN;
    }
    return ROTOR_OK;
}

enum rotor_status tsm_take(const char *folder,
                           const uint8_t data[TSM_DATA_SIZE],
                           struct tsm_report *report)
{
    struct entry entry = {.report = report};
    uint64_t chosen = 0;
    *report = (struct tsm_report){0};
    if (getrandom(&chosen, sizeof chosen, 0) != (ssize_t)sizeof chosen) {
        return blame(report, "random numbers");
    }
    // An entry of its own: nobody else's writes get in between.
    int size = snprintf(entry.path, sizeof entry.path, "%s/rotor-%016llx",
                        folder, (unsigned long long)chosen);
    if (size < 0 || (size_t)size >= sizeof entry.path) {
        errno = ENAMETOOLONG;
        return blame(report, folder);
    }
    if (mkdir(entry.path, 0700) != 0) {
        return blame(report, folder);
    }
    enum rotor_status status = ask(&entry, data);
    (void)rmdir(entry.path);
    return status;
}
