// SPDX-License-Identifier: Apache-2.0
// Digests, hex and files, as people and scripts write them.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/rotor/command.h"
#include "base/bytes.h"

void fingerprint(const struct wire_digest *digest, char text[FINGERPRINT_SIZE])
{
    struct rotor_bytes bytes = wire_digest_bytes(digest);
    if (bytes.size == 0) {
        (void)snprintf(text, FINGERPRINT_SIZE, "none");
        return;
    }
    int head = snprintf(text, FINGERPRINT_SIZE, "SHA%zu:", bytes.size * 8);
    int size = EVP_EncodeBlock((unsigned char *)text + head, bytes.data,
                               (int)bytes.size);
    while (size > 0 && text[head + size - 1] == '=') {
        text[head + --size] = '\0';
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool parse_hex(const char *text, struct rotor_room *bytes)
{
    size_t size = strlen(text);
    bytes->used = 0;
    if (size % 2 != 0 || size / 2 > bytes->capacity) {
        return false;
    }
    for (size_t i = 0; i < size; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes->data[i / 2] = (uint8_t)(high << 4 | low);
    }
    bytes->used = size / 2;
    return true;
}

static bool digest_of(struct rotor_bytes bytes, struct wire_digest *digest)
{
    *digest = (struct wire_digest){0};
    if (bytes.size != 32 && bytes.size != 48) {
        return false;
    }
    digest->alg = bytes.size == 32 ? CRYPTO_SHA256 : CRYPTO_SHA384;
    memcpy(digest->bytes, bytes.data, bytes.size);
    return true;
}

bool parse_digest(const char *text, struct wire_digest *digest)
{
    uint8_t memory[64];
    struct rotor_room bytes = ROOM_OF(memory);
    bool is_256 = strncmp(text, "SHA256:", 7) == 0;
    bool is_384 = strncmp(text, "SHA384:", 7) == 0;
    if (!is_256 && !is_384) {
        return parse_hex(text, &bytes) && digest_of(bytes_in(&bytes), digest);
    }
    size_t wanted = is_256 ? 43 : 64;
    char padded[72];
    if (strlen(text + 7) != wanted) {
        return false;
    }
    (void)snprintf(padded, sizeof padded, "%s%s", text + 7, is_256 ? "=" : "");
    int size = EVP_DecodeBlock(memory, (const unsigned char *)padded,
                               (int)strlen(padded));
    return size > 0 && digest_of(bytes_of(memory, is_256 ? 32 : 48), digest);
}

// ---- words -----------------------------------------------------------------

void clean_text(struct rotor_bytes text, char *line, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size && used + 1 < size; i++) {
        uint8_t byte = text.data[i];
        // C1 controls are two bytes of UTF-8: 0xc2, 0x80..0x9f.
        bool is_c1 = byte == 0xc2 && i + 1 < text.size &&
                     text.data[i + 1] >= 0x80 && text.data[i + 1] < 0xa0;
        bool is_control = byte < 0x20 || byte == 0x7f || is_c1;
        line[used++] = is_control ? ' ' : (char)byte;
        i += is_c1 ? 1 : 0;
    }
    line[used] = '\0';
}

void duration_text(uint64_t seconds, char text[DURATION_SIZE])
{
    unsigned long long s = seconds;
    if (s < 60) {
        (void)snprintf(text, DURATION_SIZE, "%llus", s);
    } else if (s < 3600) {
        (void)snprintf(text, DURATION_SIZE, "%llum%02llus", s / 60, s % 60);
    } else if (s < 86400) {
        (void)snprintf(text, DURATION_SIZE, "%lluh%02llum", s / 3600,
                       s / 60 % 60);
    } else {
        (void)snprintf(text, DURATION_SIZE, "%llud%02lluh", s / 86400,
                       s / 3600 % 24);
    }
}

void time_text(uint64_t seconds, char text[TIME_SIZE])
{
    time_t at = (time_t)seconds;
    struct tm parts;
    if (seconds > INT64_MAX || gmtime_r(&at, &parts) == NULL ||
        strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(text, TIME_SIZE, "unknown");
    }
}

static const char *name_of(const char *const *names, size_t count,
                           uint64_t value)
{
    return value < count && names[value] != NULL ? names[value] : "unknown";
}

const char *suite_name(uint64_t suite)
{
    static const char *const names[] = {NULL, "Ed25519", "P-256", "P-384"};
    return name_of(names, COUNT_OF(names), suite);
}

const char *level_name(uint64_t level)
{
    static const char *const names[] = {"process: the host kernel is trusted",
                                        "virtual machine", "TrustZone",
                                        "hardware enclave"};
    return name_of(names, COUNT_OF(names), level);
}

const char *anchor_name(uint64_t kind)
{
    static const char *const names[] = {"file: detect only", "TPM", "own flash",
                                        "counter"};
    return name_of(names, COUNT_OF(names), kind);
}

bool parse_reason(const char *name, uint64_t *reason)
{
    for (uint64_t i = 0; i <= WIRE_REASON_RECOVERY; i++) {
        if (strcmp(wire_reason_name(i), name) == 0) {
            *reason = i;
            return true;
        }
    }
    return false;
}

void json_digest(struct json *out, const char *key,
                 const struct wire_digest *digest)
{
    char text[FINGERPRINT_SIZE];
    if (wire_digest_is_empty(digest)) {
        json_null(out, key);
        return;
    }
    fingerprint(digest, text);
    json_text(out, key, text);
}

void state_path(const struct run *run, const char *file, char path[512])
{
    (void)snprintf(path, 512, "%s/%s",
                   run->state != NULL ? run->state : "/var/lib/rotor", file);
}

// ---- files -----------------------------------------------------------------

static bool unreadable(const struct run *run, const char *path, const char *why,
                       int *code)
{
    *code = fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path, why);
    return false;
}

// A pipe whose other end says nothing must not hold the command up.
#define PIPE_PATIENCE_MS 5000

// Opens without waiting for a writer; NULL and *fd, or what is wrong.
static const char *open_input(const char *path, size_t max, int *fd)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat state;
    *fd =
        is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &state) != 0) {
        return strerror(errno);
    }
    if (S_ISDIR(state.st_mode)) {
        return "is a folder";
    }
    bool is_large = S_ISREG(state.st_mode) && (uint64_t)state.st_size > max;
    return is_large ? "is larger than such a file can be" : NULL;
}

static const char *read_some(int fd, struct rotor_room *content, bool *is_end)
{
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    int ready = fd == STDIN_FILENO ? 1 : poll(&waits, 1, PIPE_PATIENCE_MS);
    if (ready == 0) {
        return "nothing comes from there";
    }
    ssize_t got = read(fd, content->data + content->used,
                       content->capacity - content->used);
    if (got < 0) {
        return errno == EINTR || errno == EAGAIN ? NULL : strerror(errno);
    }
    content->used += (size_t)got;
    *is_end = got == 0;
    return NULL;
}

static const char *read_input(int fd, size_t max, struct rotor_room *content)
{
    const char *why = NULL;
    bool is_end = false;
    *content = (struct rotor_room){malloc(max + 1), max + 1, 0};
    if (content->data == NULL) {
        return "out of memory";
    }
    while (why == NULL && !is_end && content->used <= max) {
        why = read_some(fd, content, &is_end);
    }
    bool is_large = content->used > max;
    return why == NULL && is_large ? "is larger than such a file can be" : why;
}

bool read_file(const struct run *run, const char *path, size_t max,
               struct rotor_bytes *content, int *code)
{
    struct rotor_room room = {0};
    int fd = -1;
    const char *why = open_input(path, max, &fd);
    if (why == NULL) {
        why = read_input(fd, max, &room);
    }
    if (fd > STDIN_FILENO) {
        (void)close(fd);
    }
    if (why != NULL) {
        free(room.data);
        return unreadable(run, path, why, code);
    }
    *content = bytes_in(&room);
    return true;
}

// A file: what is written there is to last, and what is half written is to go.
// A pipe, a terminal or a device is none of the user's files.
static bool is_file(int fd)
{
    struct stat state;
    return fstat(fd, &state) == 0 && S_ISREG(state.st_mode);
}

bool write_file(const struct run *run, const char *path,
                struct rotor_bytes content, bool is_secret, int *code)
{
    if (strcmp(path, "-") == 0) {
        return fwrite(content.data, 1, content.size, stdout) == content.size &&
               fflush(stdout) == 0;
    }
    int how = O_WRONLY | O_CREAT | O_CLOEXEC | (is_secret ? O_EXCL : O_TRUNC);
    int fd = open(path, how, is_secret ? 0600 : 0644);
    if (fd < 0) {
        return unreadable(run, path, strerror(errno), code);
    }
    size_t done = 0;
    while (done < content.size) {
        ssize_t put = write(fd, content.data + done, content.size - done);
        if (put <= 0) {
            break;
        }
        done += (size_t)put;
    }
    bool is_regular = is_file(fd);
    bool is_done = done == content.size && (!is_regular || fsync(fd) == 0);
    int cause = errno;
    if (close(fd) != 0 || !is_done) {
        if (is_regular) {
            (void)unlink(path);
        }
        return unreadable(run, path, strerror(is_done ? errno : cause), code);
    }
    return true;
}
