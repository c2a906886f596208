// SPDX-License-Identifier: Apache-2.0
#include "port/linux/folder.h"
#include "base/bytes.h"
#include "test/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t memory[64];

static int fresh_folder(char path[static 32])
{
    int folder = -1;
    snprintf(path, 32, "/tmp/rotor-spec-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_ok(linux_folder_open(path, &folder));
    return folder;
}

static void expect(int folder, const char *name, const char *content)
{
    struct rotor_room room = ROOM_OF(memory);
    bool found = false;
    assert_ok(linux_folder_read(folder, name, &room, &found));
    assert_true(found == (content != NULL));
    if (content != NULL) {
        assert_true(
            bytes_equal(bytes_in(&room), bytes_of(content, strlen(content))));
    }
}

static void leave(int folder, const char *path)
{
    (void)unlinkat(folder, "state", 0);
    (void)unlinkat(folder, "other", 0);
    close(folder);
    assert_int_equal(rmdir(path), 0);
}

SPEC("a file is written, replaced, grown, cut, renamed and removed")
{
    char path[32];
    int folder = fresh_folder(path);
    expect(folder, "state", NULL);
    assert_ok(linux_folder_write(folder, "state", LABEL("one")));
    expect(folder, "state", "one");
    assert_ok(linux_folder_replace(folder, "state", LABEL("two")));
    expect(folder, "state", "two");
    assert_ok(linux_folder_append(folder, "state", LABEL("-three")));
    expect(folder, "state", "two-three");
    assert_ok(linux_folder_truncate(folder, "state", 3));
    expect(folder, "state", "two");
    assert_ok(linux_folder_rename(folder, "state", "other"));
    expect(folder, "state", NULL);
    expect(folder, "other", "two");
    assert_ok(linux_folder_remove(folder, "other"));
    assert_ok(linux_folder_remove(folder, "other"));
    leave(folder, path);
}

SPEC("a file larger than the room is refused and nothing is cut off")
{
    char path[32];
    int folder = fresh_folder(path);
    uint8_t large[sizeof memory + 1] = {0};
    struct rotor_room room = ROOM_OF(memory);
    bool found = true;
    assert_ok(linux_folder_write(folder, "state", BYTES_OF(large)));
    assert_int_equal(linux_folder_read(folder, "state", &room, &found),
                     ROTOR_TOO_SMALL);
    assert_false(found);
    assert_int_equal(room.used, 0);
    leave(folder, path);
}

SPEC("a link, a pipe or a folder in place of a file is refused at once")
{
    char path[32];
    int folder = fresh_folder(path);
    struct rotor_room room = ROOM_OF(memory);
    bool found = true;
    assert_int_equal(symlinkat("/etc/hostname", folder, "state"), 0);
    assert_int_equal(linux_folder_read(folder, "state", &room, &found),
                     ROTOR_PORT_FAILED);
    assert_int_equal(linux_folder_write(folder, "state", LABEL("x")),
                     ROTOR_PORT_FAILED);
    assert_int_equal(unlinkat(folder, "state", 0), 0);
    assert_int_equal(mkfifoat(folder, "state", 0600), 0);
    assert_int_equal(linux_folder_read(folder, "state", &room, &found),
                     ROTOR_PORT_FAILED);
    assert_int_equal(linux_folder_write(folder, "state", LABEL("x")),
                     ROTOR_PORT_FAILED);
    assert_int_equal(linux_folder_append(folder, "state", LABEL("x")),
                     ROTOR_PORT_FAILED);
    leave(folder, path);
}

SPEC("a replacement that cannot be written leaves the old content")
{
    char path[32];
    int folder = fresh_folder(path);
    assert_ok(linux_folder_write(folder, "state", LABEL("old")));
    assert_int_equal(mkdirat(folder, "state.new", 0700), 0);
    assert_int_equal(linux_folder_replace(folder, "state", LABEL("new")),
                     ROTOR_PORT_FAILED);
    assert_int_equal(errno, EISDIR);
    expect(folder, "state", "old");
    assert_int_equal(unlinkat(folder, "state.new", AT_REMOVEDIR), 0);
    leave(folder, path);
}

SPEC("reading from an offset tells how much there was")
{
    char path[32];
    int folder = fresh_folder(path);
    struct rotor_room room = {memory, 4, 0};
    assert_ok(linux_folder_write(folder, "state", LABEL("abcdef")));
    assert_ok(linux_folder_read_at(folder, "state", 1, &room));
    assert_true(bytes_equal(bytes_in(&room), LABEL("bcde")));
    assert_ok(linux_folder_read_at(folder, "state", 5, &room));
    assert_true(bytes_equal(bytes_in(&room), LABEL("f")));
    assert_ok(linux_folder_read_at(folder, "state", 9, &room));
    assert_int_equal(room.used, 0);
    leave(folder, path);
}

SPEC("what is seen in a folder is made to last, where anything can be")
{
    char path[32];
    int folder = fresh_folder(path);
    assert_ok(linux_folder_settle(folder));
    assert_ok(linux_folder_settle_file(folder, "state"));
    assert_ok(linux_folder_write(folder, "state", LABEL("one")));
    assert_ok(linux_folder_settle_file(folder, "state"));
    leave(folder, path);
    int fixed = open("/proc", O_RDONLY | O_DIRECTORY);
    assert_int_equal(fsync(fixed), -1);
    assert_ok(linux_folder_settle(fixed));
    close(fixed);
    assert_int_equal(linux_folder_settle(fixed), ROTOR_PORT_FAILED);
}
