// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/message.h"

#define WINDOW      (16u * WIRE_ENTRY_MAX) // bytes
#define TITLE_BYTES (1u + 11u)             // encoded

// ---- reading ---------------------------------------------------------------

// Fills the window unless an entry of the largest size is in it.
static enum rotor_status fill(struct log_stream *file)
{
    if (file->is_read || file->used - file->from >= WIRE_ENTRY_MAX) {
        return ROTOR_OK;
    }
    file->used -= file->from;
    memmove(file->window, file->window + file->from, file->used);
    file->from = 0;
    while (!file->is_read && file->used < WINDOW) {
        ssize_t got =
            read(file->fd, file->window + file->used, WINDOW - file->used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return ROTOR_PORT_FAILED;
        }
        file->is_read = got == 0;
        file->used += (size_t)got;
    }
    return ROTOR_OK;
}

static struct rotor_bytes in_window(const struct log_stream *file)
{
    return bytes_of(file->window + file->from, file->used - file->from);
}

static void pass(struct log_stream *file, size_t size)
{
    file->from += size;
    file->passed += size;
}

// What comes in front of the array of entries, where there is one.
static bool read_head(struct log_stream *file, struct cbor_reader *in)
{
    size_t parts = cbor_read_array(in);
    struct rotor_bytes title = cbor_read_text(in);
    if (parts == 2) {
        return bytes_equal(title, LOG_OLD_TITLE);
    }
    (void)cbor_read_bytes(in); // the request
    (void)cbor_read_bytes(in); // the response
    file->has_tail = parts == 5;
    return (parts == 4 && bytes_equal(title, BUNDLE_TITLE)) ||
           (parts == 5 && bytes_equal(title, BUNDLE_TITLE_2));
}

static enum rotor_status read_title(struct log_stream *file)
{
    struct cbor_reader in;
    TRY(fill(file));
    cbor_reader_init(&in, in_window(file));
    if (cbor_peek_kind(&in) == CBOR_TEXT) {
        bool is_log = bytes_equal(cbor_read_text(&in), LOG_TITLE);
        pass(file, is_log ? in.position : 0);
        return is_log ? ROTOR_OK : ROTOR_MALFORMED;
    }
    bool is_known = read_head(file, &in);
    file->left = cbor_read_array(&in);
    file->is_counted = true;
    if (!is_known || cbor_has_failed(&in)) {
        return ROTOR_MALFORMED;
    }
    pass(file, in.position);
    return ROTOR_OK;
}

static enum rotor_status open_path(struct log_stream *file, const char *path)
{
    struct stat state;
    bool is_stdin = strcmp(path, "-") == 0;
    *file = (struct log_stream){
        .fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    file->window = malloc(WINDOW);
    if (file->fd < 0 || file->window == NULL) {
        int cause = errno;
        log_stream_close(file);
        errno = cause;
        return ROTOR_PORT_FAILED;
    }
    if (fstat(file->fd, &state) == 0 && S_ISREG(state.st_mode)) {
        file->size = (uint64_t)state.st_size;
    }
    return ROTOR_OK;
}

static enum rotor_status or_close(struct log_stream *file,
                                  enum rotor_status status)
{
    if (status != ROTOR_OK) {
        int cause = errno;
        log_stream_close(file);
        errno = cause;
    }
    return status;
}

enum rotor_status log_stream_open(struct log_stream *file, const char *path)
{
    TRY(open_path(file, path));
    return or_close(file, read_title(file));
}

enum rotor_status
log_stream_open_behind(struct log_stream *file, const char *path,
                       bool (*head)(void *context, struct cbor_reader *in),
                       void *context)
{
    struct cbor_reader in;
    TRY(open_path(file, path));
    enum rotor_status status = fill(file);
    if (status == ROTOR_OK) {
        cbor_reader_init(&in, in_window(file));
        status = head(context, &in) ? ROTOR_OK : ROTOR_MALFORMED;
        pass(file, in.position);
    }
    return or_close(file, status);
}

void log_stream_close(struct log_stream *file)
{
    free(file->window);
    if (file->fd > STDIN_FILENO) {
        (void)close(file->fd);
    }
    *file = (struct log_stream){.fd = -1};
}

static bool is_over(const struct log_stream *file)
{
    return file->is_counted ? file->left == 0
                            : file->is_read && file->from == file->used;
}

enum rotor_status log_stream_next(struct log_stream *file,
                                  struct rotor_bytes *entry)
{
    struct cbor_reader in;
    TRY(fill(file));
    if (is_over(file)) {
        bool is_clean =
            file->has_tail || (file->is_read && file->from == file->used);
        return is_clean ? ROTOR_AGAIN : ROTOR_MALFORMED;
    }
    cbor_reader_init(&in, in_window(file));
    struct rotor_bytes item = cbor_read_item(&in);
    if (cbor_has_failed(&in) || item.size > WIRE_ENTRY_MAX) {
        return ROTOR_MALFORMED;
    }
    file->left -= file->is_counted ? 1 : 0;
    pass(file, item.size);
    *entry = item;
    return ROTOR_OK;
}

// ---- writing ---------------------------------------------------------------

static enum rotor_status put(struct log_writer *writer,
                             struct rotor_bytes bytes)
{
    writer->size += bytes.size;
    return fwrite(bytes.data, 1, bytes.size, writer->stream) == bytes.size
               ? ROTOR_OK
               : ROTOR_PORT_FAILED;
}

// A pipe or a device is written in place.
static bool is_to_replace(const char *path)
{
    struct stat state;
    return stat(path, &state) != 0 || S_ISREG(state.st_mode);
}

static void *open_stream(struct log_writer *writer)
{
    if (strcmp(writer->path, "-") == 0) {
        return stdout;
    }
    if (!is_to_replace(writer->path)) {
        return fopen(writer->path, "we");
    }
    int size =
        snprintf(writer->fresh, sizeof writer->fresh, "%s.new", writer->path);
    if (size < 0 || (size_t)size >= sizeof writer->fresh) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(writer->fresh, "we");
}

enum rotor_status log_writer_open_with(struct log_writer *writer,
                                       const char *path,
                                       struct rotor_bytes head)
{
    *writer = (struct log_writer){.path = path};
    writer->stream = open_stream(writer);
    return writer->stream == NULL ? ROTOR_PORT_FAILED : put(writer, head);
}

enum rotor_status log_writer_open(struct log_writer *writer, const char *path)
{
    uint8_t memory[TITLE_BYTES];
    struct rotor_room title = ROOM_OF(memory);
    struct cbor_writer out;
    *writer = (struct log_writer){.path = path};
    cbor_writer_init(&out, &title);
    cbor_write_text(&out, LOG_TITLE);
    TRY(cbor_writer_finish(&out));
    return log_writer_open_with(writer, path, bytes_in(&title));
}

enum rotor_status log_writer_add(struct log_writer *writer,
                                 struct rotor_bytes entry)
{
    writer->count++;
    return put(writer, entry);
}

enum rotor_status log_writer_close(struct log_writer *writer, bool is_whole)
{
    FILE *stream = writer->stream;
    if (stream == NULL) {
        return ROTOR_PORT_FAILED;
    }
    bool is_file = writer->fresh[0] != '\0';
    bool is_written = is_whole && fflush(stream) == 0 &&
                      (!is_file || fsync(fileno(stream)) == 0);
    int cause = errno;
    writer->stream = NULL;
    if (stream != stdout && fclose(stream) != 0 && is_written) {
        is_written = false;
        cause = errno;
    }
    if (!is_file) {
        errno = cause;
        return is_written ? ROTOR_OK : ROTOR_PORT_FAILED;
    }
    if (is_written && rename(writer->fresh, writer->path) == 0) {
        return ROTOR_OK;
    }
    errno = is_written ? errno : cause;
    cause = errno;
    (void)unlink(writer->fresh);
    errno = cause;
    return ROTOR_PORT_FAILED;
}
