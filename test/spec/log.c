// SPDX-License-Identifier: Apache-2.0
#include "port/linux/log.h"
#include "base/bytes.h"
#include "port/linux/folder.h"
#include "test/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fresh_folder(char path[static 32])
{
    int folder = -1;
    snprintf(path, 32, "/tmp/rotor-spec-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_ok(linux_folder_open(path, &folder));
    return folder;
}

static void leave(int folder, const char *path)
{
    (void)unlinkat(folder, "log", 0);
    close(folder);
    assert_int_equal(rmdir(path), 0);
}

static void expect(int folder, uint64_t place, const char *content)
{
    uint8_t memory[64];
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(linux_log_read(folder, "log", place, &room));
    assert_int_equal(room.used, strlen(content));
    assert_memory_equal(room.data, content, room.used);
}

SPEC("a log that drops its beginning keeps the number of every place")
{
    char path[32];
    int folder = fresh_folder(path);
    uint64_t start = 9;
    assert_ok(linux_log_open(folder, "log", &start));
    assert_int_equal(start, 0);
    expect(folder, 0, "");
    assert_ok(linux_log_append(folder, "log", 0, LABEL("zero-one-two-")));
    expect(folder, 5, "one-two-");
    assert_ok(linux_log_drop(folder, "log", 5));
    expect(folder, 5, "one-two-");
    expect(folder, 9, "two-");
    expect(folder, 4, "");
    assert_ok(linux_log_append(folder, "log", 13, LABEL("three-")));
    expect(folder, 9, "two-three-");
    assert_ok(linux_log_drop(folder, "log", 9));
    assert_ok(linux_log_drop(folder, "log", 9));
    assert_ok(linux_log_drop(folder, "log", 3));
    assert_ok(linux_log_append(folder, "log", 13, LABEL("four")));
    expect(folder, 9, "two-four");
    assert_ok(linux_log_open(folder, "log", &start));
    assert_int_equal(start, 9);
    assert_int_equal(linux_log_append(folder, "log", 8, LABEL("x")),
                     ROTOR_INVALID);
    leave(folder, path);
}

SPEC("a log is dropped to its very end and goes on from there")
{
    char path[32];
    int folder = fresh_folder(path);
    uint64_t start = 0;
    assert_ok(linux_log_append(folder, "log", 0, LABEL("all of it")));
    assert_ok(linux_log_drop(folder, "log", 9));
    expect(folder, 9, "");
    assert_ok(linux_log_append(folder, "log", 9, LABEL("more")));
    expect(folder, 9, "more");
    assert_ok(linux_log_open(folder, "log", &start));
    assert_int_equal(start, 9);
    leave(folder, path);
}

SPEC("a drop copies what is longer than one piece, byte for byte")
{
    static uint8_t bytes[50000];
    static uint8_t back[50000];
    struct rotor_room room = ROOM_OF(back);
    char path[32];
    int folder = fresh_folder(path);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    assert_ok(linux_log_append(folder, "log", 0, BYTES_OF(bytes)));
    assert_ok(linux_log_drop(folder, "log", 101));
    assert_ok(linux_log_read(folder, "log", 101, &room));
    assert_int_equal(room.used, sizeof bytes - 101);
    assert_memory_equal(back, bytes + 101, room.used);
    leave(folder, path);
}

SPEC("what a drop that was cut left behind is taken away, the log stays")
{
    char path[32];
    int folder = fresh_folder(path);
    uint64_t start = 0;
    assert_ok(linux_log_append(folder, "log", 0, LABEL("whole")));
    assert_ok(linux_folder_write(folder, "log.new", LABEL("ROTL")));
    assert_ok(linux_log_open(folder, "log", &start));
    assert_int_equal(faccessat(folder, "log.new", F_OK, 0), -1);
    expect(folder, 0, "whole");
    leave(folder, path);
}
