// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/seen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/scratch.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

#define MAGIC       0x524f5453u // "ROTS"
#define VERSION     3u
#define HEAD_SIZE   4096u // bytes; slots are aligned to pages behind it
#define HEAD_USED   80u   // of them, without the SHA-256
#define SLOTS_FIRST 8192u
#define SLOTS_MOST  (UINT64_C(1) << 40)
#define WINDOW      128u // slots that are read and written at a time: a page

static bool is_free(const struct chain_fingerprint *slot)
{
    static const struct chain_fingerprint FREE = {{0}};
    return memcmp(slot, &FREE, sizeof FREE) == 0;
}

static uint64_t offset_of(uint64_t slot)
{
    return HEAD_SIZE + slot * sizeof(struct chain_fingerprint);
}

// ---- the set ---------------------------------------------------------------

// The part of the table that is in memory.
struct window {
    bool is_open;
    uint64_t first; // slot
    size_t from;    // of `slots`, [from, to) are not written yet
    size_t to;
    struct chain_fingerprint slots[WINDOW];
};

static enum rotor_status write_window(const struct seen_file *file,
                                      struct window *window)
{
    if (window->from < window->to &&
        !scratch_write(file->fd, &window->slots[window->from],
                       (window->to - window->from) * sizeof window->slots[0],
                       offset_of(window->first + window->from))) {
        return ROTOR_PORT_FAILED;
    }
    window->from = WINDOW;
    window->to = 0;
    return ROTOR_OK;
}

static enum rotor_status move_window(const struct seen_file *file,
                                     struct window *window, uint64_t slot)
{
    uint64_t first = slot - slot % WINDOW;
    if (window->is_open && window->first == first) {
        return ROTOR_OK;
    }
    TRY(write_window(file, window));
    window->is_open = scratch_read(file->fd, window->slots,
                                   sizeof window->slots, offset_of(first));
    window->first = first;
    return window->is_open ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// Fingerprints in ascending order have ascending slots: who adds or copies
// them so reads and writes each page once.
static uint64_t home_of(const struct seen_file *file,
                        const struct chain_fingerprint *fingerprint)
{
    int bits = __builtin_ctzll(file->slots);
    return bytes_be64(fingerprint->bytes) >> (64 - bits);
}

// The window at the slot where a fingerprint is, or would be.
//
// ROTOR_CORRUPT  there is no free slot, and there should be: somebody else
//                wrote it.
static enum rotor_status find(const struct seen_file *file,
                              const struct chain_fingerprint *fingerprint,
                              struct window *window, size_t *at, bool *found)
{
    uint64_t slot = home_of(file, fingerprint);
    for (uint64_t looked = 0; looked < file->slots; looked++) {
        TRY(move_window(file, window, slot));
        *at = slot % WINDOW;
        *found =
            memcmp(&window->slots[*at], fingerprint, sizeof *fingerprint) == 0;
        if (*found || is_free(&window->slots[*at])) {
            return ROTOR_OK;
        }
        slot = (slot + 1) & (file->slots - 1);
    }
    return ROTOR_CORRUPT;
}

enum rotor_status seen_file_has(const struct seen_file *file,
                                const struct chain_fingerprint *fingerprint,
                                bool *has)
{
    if (file->used == 0) {
        *has = false;
        return ROTOR_OK;
    }
    struct window window = {0};
    size_t at = 0;
    return find(file, fingerprint, &window, &at, has);
}

static enum rotor_status put(struct seen_file *file,
                             const struct chain_fingerprint *fingerprint,
                             struct window *window)
{
    size_t at = 0;
    bool found = false;
    TRY(find(file, fingerprint, window, &at, &found));
    file->used++; // too many rather than too few: there must be free slots
    if (!found) {
        window->slots[at] = *fingerprint;
        window->from = at < window->from ? at : window->from;
        window->to = at < window->to ? window->to : at + 1;
    }
    return ROTOR_OK;
}

// Free slots among them are passed over.
static enum rotor_status put_all(struct seen_file *file,
                                 const struct chain_fingerprint *all,
                                 size_t count, struct window *window)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_free(&all[i])) {
            TRY(put(file, &all[i], window));
        }
    }
    return ROTOR_OK;
}

// ---- head ------------------------------------------------------------------

static enum rotor_status write_head(const struct seen_file *file)
{
    uint8_t head[HEAD_SIZE] = {0};
    bytes_put_be32(head, MAGIC);
    bytes_put_be32(head + 4, VERSION);
    bytes_put_be64(head + 8, file->slots);
    bytes_put_be64(head + 16, file->used);
    bytes_put_be64(head + 24, file->mark.entries);
    memcpy(head + 32, file->mark.sum, SEEN_FILE_SUM);
    bytes_put_be64(head + 64, file->most);
    bytes_put_be64(head + 72, file->mark.log_size);
    const struct rotor_bytes part = bytes_of(head, HEAD_USED);
    TRY(crypto_hash(CRYPTO_SHA256, &part, 1, head + HEAD_USED));
    return scratch_write(file->fd, head, sizeof head, 0) ? ROTOR_OK
                                                         : ROTOR_PORT_FAILED;
}

static bool read_head(struct seen_file *file)
{
    uint8_t head[HEAD_SIZE];
    uint8_t sum[32];
    const struct rotor_bytes part = bytes_of(head, HEAD_USED);
    bool is_head = scratch_read(file->fd, head, sizeof head, 0) &&
                   crypto_hash(CRYPTO_SHA256, &part, 1, sum) == ROTOR_OK &&
                   memcmp(sum, head + HEAD_USED, sizeof sum) == 0 &&
                   bytes_be32(head) == MAGIC && bytes_be32(head + 4) == VERSION;
    if (!is_head) {
        return false;
    }
    file->slots = bytes_be64(head + 8);
    file->used = bytes_be64(head + 16);
    file->mark.entries = bytes_be64(head + 24);
    memcpy(file->mark.sum, head + 32, SEEN_FILE_SUM);
    file->most = bytes_be64(head + 64);
    file->mark.log_size = bytes_be64(head + 72);
    off_t size = lseek(file->fd, 0, SEEK_END);
    bool is_table = file->slots >= SLOTS_FIRST && file->slots <= SLOTS_MOST &&
                    (file->slots & (file->slots - 1)) == 0 &&
                    file->used <= file->slots / 2;
    return is_table && size >= 0 && (uint64_t)size == offset_of(file->slots);
}

enum rotor_status seen_file_expect(struct seen_file *file, uint64_t most)
{
    if (most <= file->most) {
        return ROTOR_OK;
    }
    file->most = most;
    return write_head(file);
}

// What goes with the process is not made to last.
static bool make_last(const struct seen_file *file)
{
    return file->name == NULL || fdatasync(file->fd) == 0;
}

static enum rotor_status sync_all(struct seen_file *file,
                                  const struct seen_mark *mark)
{
    if (!make_last(file)) {
        return ROTOR_PORT_FAILED;
    }
    file->mark = *mark;
    TRY(write_head(file));
    return make_last(file) ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// A system that could not write forgets what it had to: asked again it says
// that all is well.  So the file goes, and is made anew from the log.
static void give_up(const struct seen_file *file)
{
    int cause = errno;
    if (file->name != NULL) {
        (void)unlinkat(file->folder, file->name, 0);
    }
    errno = cause;
}

enum rotor_status seen_file_sync(struct seen_file *file,
                                 const struct seen_mark *mark)
{
    enum rotor_status status = sync_all(file, mark);
    if (status != ROTOR_OK) {
        give_up(file);
    }
    return status;
}

// ---- growing ---------------------------------------------------------------

static int make(const struct seen_file *file, const char *name, uint64_t slots)
{
    int fd =
        name == NULL
            ? scratch_open()
            : openat(file->folder, name,
                     O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, (off_t)offset_of(slots)) != 0) {
        int cause = errno;
        (void)close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static enum rotor_status copy_all(const struct seen_file *from,
                                  struct seen_file *to)
{
    struct window window = {0};
    struct window copy = {0};
    for (uint64_t at = 0; at < from->slots; at += WINDOW) {
        TRY(move_window(from, &window, at));
        TRY(put_all(to, window.slots, WINDOW, &copy));
    }
    return write_window(to, &copy);
}

// Twice the slots, in another file that takes the place of this one.  It counts
// what this one's head counts.
static enum rotor_status grow(struct seen_file *file)
{
    char fresh[80];
    bool has_name = file->name != NULL;
    (void)snprintf(fresh, sizeof fresh, "%s.new", has_name ? file->name : "");
    struct seen_file grown = *file;
    grown.slots = 2 * file->slots;
    grown.used = 0;
    grown.fd = make(file, has_name ? fresh : NULL, grown.slots);
    if (grown.fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    enum rotor_status status = copy_all(file, &grown);
    if (status == ROTOR_OK) {
        status = seen_file_sync(&grown, &file->mark);
    }
    if (status == ROTOR_OK && has_name &&
        renameat(file->folder, fresh, file->folder, file->name) != 0) {
        status = ROTOR_PORT_FAILED;
    }
    int old = status == ROTOR_OK ? file->fd : grown.fd;
    int cause = errno;
    (void)close(old);
    errno = cause;
    if (status == ROTOR_OK) {
        *file = grown;
    }
    return status;
}

// ---- adding ----------------------------------------------------------------

static int in_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct chain_fingerprint));
}

static enum rotor_status add_sorted(struct seen_file *file,
                                    const struct chain_fingerprint *sorted,
                                    size_t count)
{
    struct window window = {0};
    while (file->used + count > file->slots / 2) {
        TRY(grow(file));
    }
    TRY(put_all(file, sorted, count, &window));
    return write_window(file, &window);
}

enum rotor_status seen_file_add(struct seen_file *file,
                                const struct chain_fingerprint *all,
                                size_t count)
{
    struct chain_fingerprint *sorted = calloc(count + 1, sizeof *sorted);
    size_t used = 0;
    if (sorted == NULL) {
        return ROTOR_PORT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_free(&all[i])) {
            sorted[used++] = all[i];
        }
    }
    qsort(sorted, used, sizeof *sorted, in_order);
    enum rotor_status status = add_sorted(file, sorted, used);
    int cause = errno;
    free(sorted);
    errno = cause;
    return status;
}

// ---- open ------------------------------------------------------------------

enum rotor_status seen_file_clear(struct seen_file *file)
{
    static const struct seen_mark NOTHING = {0};
    seen_file_close(file);
    file->slots = SLOTS_FIRST;
    file->used = 0;
    file->most = 0;
    file->fd = make(file, file->name, SLOTS_FIRST);
    return file->fd < 0 ? ROTOR_PORT_FAILED : seen_file_sync(file, &NOTHING);
}

enum rotor_status seen_file_open(struct seen_file *file, int folder,
                                 const char *name)
{
    *file = (struct seen_file){.folder = folder, .name = name, .fd = -1};
    if (name == NULL) {
        return seen_file_clear(file);
    }
    file->fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (file->fd < 0 && errno != ENOENT) {
        return ROTOR_PORT_FAILED;
    }
    if (file->fd >= 0 && read_head(file)) {
        return ROTOR_OK;
    }
    return seen_file_clear(file);
}

void seen_file_close(struct seen_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}
