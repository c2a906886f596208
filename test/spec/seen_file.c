// SPDX-License-Identifier: Apache-2.0
// Rule 9 on disk, for a log of any length.
#include "app/rotor/seen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/folder.h"
#include "test/spec.h"

static struct chain_fingerprint number(uint32_t i)
{
    struct chain_fingerprint made;
    uint8_t bytes[4];
    bytes_put_be32(bytes, i);
    const struct rotor_bytes part = BYTES_OF(bytes);
    assert_ok(crypto_hash(CRYPTO_SHA256, &part, 1, made.bytes));
    return made;
}

static void expect(const struct seen_file *file, uint32_t from, uint32_t to,
                   bool wanted)
{
    for (uint32_t i = from; i < to; i++) {
        struct chain_fingerprint one = number(i);
        bool has = !wanted;
        assert_ok(seen_file_has(file, &one, &has));
        assert_int_equal(has, wanted);
    }
}

// A disk that fails once, and a system that then takes what it could not write
// for written.  Of the file as the disk has it a power cut leaves `kept`.
static struct {
    bool fails_next;
    bool has_failed;
    uint8_t at_failure[1 << 20];
    uint8_t kept[1 << 20];
    size_t size;
} disk;

#define PAGE 4096u

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    static uint8_t now[1 << 20];
    ssize_t size = pread(fd, now, sizeof now, 0);
    if (size < 0 || (size_t)size == sizeof now) {
        return __real_fdatasync(fd);
    }
    if (disk.fails_next) {
        disk.fails_next = false;
        disk.has_failed = true;
        memcpy(disk.at_failure, now, (size_t)size);
        errno = EIO;
        return -1;
    }
    for (size_t at = 0; at < (size_t)size; at += PAGE) {
        bool is_clean = disk.has_failed &&
                        memcmp(now + at, disk.at_failure + at, PAGE) == 0;
        if (!is_clean) {
            memcpy(disk.kept + at, now + at, PAGE);
        }
    }
    disk.size = (size_t)size;
    return 0;
}

static void add(struct seen_file *file, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct chain_fingerprint one = number(i);
        assert_ok(seen_file_add(file, &one, 1));
    }
}

SPEC("the set on disk has what was added and nothing else, however it grows")
{
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    struct seen_file file;
    int at = -1;
    const struct seen_mark mark = {4000, 12345678, {7}};
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    assert_ok(seen_file_open(&file, at, "set"));
    add(&file, 0, 20000);
    assert_true(file.slots >= 40000);
    expect(&file, 0, 20000, true);
    expect(&file, 20000, 22000, false);
    assert_ok(seen_file_sync(&file, &mark));
    add(&file, 20000, 20100);
    seen_file_close(&file); // cut: not synced
    assert_ok(seen_file_open(&file, at, "set"));
    assert_int_equal(file.mark.entries, mark.entries);
    assert_int_equal(file.mark.log_size, mark.log_size);
    assert_memory_equal(file.mark.sum, mark.sum, sizeof mark.sum);
    add(&file, 20000, 21000);
    expect(&file, 0, 21000, true);
    expect(&file, 21000, 23000, false);
    assert_ok(seen_file_clear(&file));
    expect(&file, 0, 100, false);
    seen_file_close(&file);
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}

SPEC(
    "many added at once are what they are one by one, in any order, across the "
    "end of the table")
{
    static struct chain_fingerprint all[3000];
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    struct seen_file file;
    int at = -1;
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    assert_ok(seen_file_open(&file, at, "set"));
    for (uint32_t i = 0; i < COUNT_OF(all); i++) {
        all[i] = number(i);
        if (i % 3 == 0) {
            memset(all[i].bytes, 0xff, 8); // all begin at the last slot
        }
    }
    memset(all[7].bytes, 0, sizeof all[7].bytes); // as a free slot
    assert_ok(seen_file_add(&file, all, 1000));
    assert_ok(seen_file_add(&file, all, COUNT_OF(all))); // and grows
    assert_ok(seen_file_add(&file, all, 0));
    for (uint32_t i = 0; i < COUNT_OF(all); i++) {
        bool has = i == 7;
        assert_ok(i == 7 ? ROTOR_OK : seen_file_has(&file, &all[i], &has));
        assert_true(has);
    }
    expect(&file, 3000, 6000, false);
    expect(&file, 7, 8, false);
    seen_file_close(&file);
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}

// A head as the program writes it, of a table that it never makes.
static void claim(int folder, uint64_t slots, uint64_t used, off_t size)
{
    uint8_t head[4096];
    int fd = openat(folder, "set", O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, head, sizeof head, 0), sizeof head);
    bytes_put_be64(head + 8, slots);
    bytes_put_be64(head + 16, used);
    bytes_put_be64(head + 24, 77); // entries
    const struct rotor_bytes part = bytes_of(head, 80);
    assert_ok(crypto_hash(CRYPTO_SHA256, &part, 1, head + 80));
    assert_int_equal(pwrite(fd, head, sizeof head, 0), sizeof head);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

SPEC("a head that somebody wrote for a table that cannot be is made anew")
{
    static const struct {
        uint64_t slots, used;
        off_t size;
    } CASES[] = {
        {0,                 0,    4096            },
        {1,                 0,    4096 + 32       },
        {UINT64_C(1) << 59, 0,    4096            }, // comes around
        {8192 + 128,        0,    4096 + 8320 * 32},
        {8192,              4097, 4096 + 8192 * 32},
    };
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    int at = -1;
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct seen_file file;
        assert_ok(seen_file_open(&file, at, "set"));
        seen_file_close(&file);
        claim(at, CASES[i].slots, CASES[i].used, CASES[i].size);
        assert_ok(seen_file_open(&file, at, "set"));
        assert_int_equal(file.mark.entries, 0);
        add(&file, 0, 100);
        expect(&file, 0, 100, true);
        seen_file_close(&file);
    }
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}

SPEC("a table without a free slot, which nobody here makes, is no endless "
     "search")
{
    static uint8_t full[8192 * 32];
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    struct seen_file file;
    int at = -1;
    bool has = true;
    const struct chain_fingerprint one = number(1);
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    assert_ok(seen_file_open(&file, at, "set"));
    add(&file, 0, 1);
    memset(full, 0x5a, sizeof full);
    assert_int_equal(pwrite(file.fd, full, sizeof full, 4096), sizeof full);
    assert_int_equal(seen_file_has(&file, &one, &has), ROTOR_CORRUPT);
    seen_file_close(&file);
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}

SPEC("what a failed sync left behind is not taken for written by the next run")
{
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    int at = -1;
    struct seen_file file;
    const struct seen_mark mark = {600, 5000, {9}};
    memset(&disk, 0, sizeof disk);
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    assert_ok(seen_file_open(&file, at, "set"));
    add(&file, 0, 3000);
    disk.fails_next = true;
    assert_int_equal(seen_file_sync(&file, &mark), ROTOR_PORT_FAILED);
    int before = dup(file.fd);
    seen_file_close(&file);
    assert_ok(seen_file_open(&file, at, "set"));
    assert_int_equal(file.mark.entries, 0);
    // Another file has other pages: nothing of it counts as written before.
    struct stat old;
    struct stat now;
    assert_int_equal(fstat(before, &old) | fstat(file.fd, &now), 0);
    disk.has_failed = old.st_ino == now.st_ino;
    close(before);
    add(&file, 0, 3000);
    assert_ok(seen_file_sync(&file, &mark));
    seen_file_close(&file);
    int fd = openat(at, "set", O_WRONLY);
    assert_int_equal(pwrite(fd, disk.kept, disk.size, 0), disk.size);
    close(fd);
    assert_ok(seen_file_open(&file, at, "set"));
    assert_int_equal(file.mark.entries, 600);
    expect(&file, 0, 3000, true);
    seen_file_close(&file);
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}
