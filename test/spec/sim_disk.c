// SPDX-License-Identifier: Apache-2.0
// The disk of the power-cut simulator keeps its word: what folder.c synced
// lasts, and nothing else has to.
#include "test/sim/disk.h"

#include <fcntl.h>
#include <string.h>

#include "base/bytes.h"
#include "port/linux/disk.h"
#include "port/linux/folder.h"
#include "test/spec.h"

#define FOLDER 7

static struct sim_disk disk;

static const struct sim_fate LOST = {.kind = SIM_FATE_LOST};
static const struct sim_fate KEPT = {.kind = SIM_FATE_KEPT};

static void begin(void)
{
    sim_disk_init(&disk);
    sim_disk_mount(FOLDER, &disk);
}

static void expect(const char *name, const char *content)
{
    struct rotor_bytes there = sim_disk_look(&disk, name);
    assert_true((content == NULL) == (there.data == NULL));
    assert_true(content == NULL ||
                bytes_equal(there, bytes_of(content, strlen(content))));
}

static struct rotor_bytes text(const char *content)
{
    return bytes_of(content, strlen(content));
}

// A file that was written and not synced; its descriptor.
static int write_only(const char *name, struct rotor_bytes content)
{
    int fd = disk_open(FOLDER, name, O_WRONLY | O_CREAT | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(disk_write(FOLDER, fd, content), content.size);
    return fd;
}

SPEC("what folder.c wrote lasts whatever fate says")
{
    begin();
    assert_ok(linux_folder_write(FOLDER, "a", text("one")));
    assert_ok(linux_folder_replace(FOLDER, "b", text("two")));
    assert_ok(linux_folder_replace(FOLDER, "b", text("three")));
    assert_ok(linux_folder_write_at(FOLDER, "c", 0, text("12345")));
    assert_ok(linux_folder_write_at(FOLDER, "c", 2, text("x")));
    assert_ok(linux_folder_write(FOLDER, "d", text("gone")));
    assert_ok(linux_folder_remove(FOLDER, "d"));
    assert_false(sim_disk_owes_names(&disk));
    assert_false(sim_disk_owes_bytes(&disk));
    sim_disk_settle(&disk, &LOST);
    expect("a", "one");
    expect("b", "three");
    expect("b.new", NULL);
    expect("c", "12x");
    expect("d", NULL);
    sim_disk_close(&disk);
}

SPEC("without a sync of the file its bytes may be lost, and its name stay")
{
    begin();
    (void)write_only("a", text("one"));
    assert_ok(disk_sync(FOLDER, FOLDER));
    sim_disk_settle(&disk, &LOST);
    expect("a", "");
    sim_disk_close(&disk);
}

SPEC("without a sync of the folder a name may be lost, and a rename undone")
{
    begin();
    assert_ok(disk_sync(FOLDER, write_only("a", text("one"))));
    expect("a", "one");
    sim_disk_settle(&disk, &LOST);
    expect("a", NULL);
    assert_ok(linux_folder_write(FOLDER, "a", text("old")));
    assert_ok(linux_folder_write(FOLDER, "b", text("new")));
    assert_ok(disk_rename(FOLDER, "b", "a"));
    expect("a", "new");
    sim_disk_settle(&disk, &LOST);
    expect("a", "old");
    expect("b", "new");
    sim_disk_close(&disk);
}

SPEC("what was not synced may last all the same")
{
    begin();
    (void)write_only("a", text("one"));
    sim_disk_settle(&disk, &KEPT);
    expect("a", "one");
    sim_disk_close(&disk);
}

static enum sim_outcome next_outcome;

static enum sim_outcome meet(void *context, enum sim_call call, size_t size)
{
    (void)context;
    (void)size;
    bool is_it = call == SIM_WRITE || call == SIM_SYNC;
    enum sim_outcome outcome = is_it ? next_outcome : SIM_DONE;
    next_outcome = is_it ? SIM_DONE : next_outcome;
    return outcome;
}

SPEC("behind a sync that failed a later one covers only what is written again")
{
    begin();
    disk.meet = meet;
    assert_ok(linux_folder_write(FOLDER, "a", text("old")));
    int fd = write_only("a", text("new"));
    next_outcome = SIM_REFUSED;
    assert_int_equal(disk_sync(FOLDER, fd), -1);
    assert_ok(disk_sync(FOLDER, fd));
    expect("a", "new");
    sim_disk_settle(&disk, &LOST);
    expect("a", "old");
    fd = write_only("a", text("new"));
    next_outcome = SIM_REFUSED;
    assert_int_equal(disk_sync(FOLDER, fd), -1);
    assert_ok(linux_folder_write(FOLDER, "a", text("newer")));
    sim_disk_settle(&disk, &LOST);
    expect("a", "newer");
    sim_disk_close(&disk);
}

SPEC("a write in flight is on the disk up to a sector, or from it on")
{
    static uint8_t content[3 * SIM_SECTOR];
    static const enum sim_fate_kind KINDS[] = {SIM_FATE_HEAD, SIM_FATE_TAIL};
    memset(content, 'x', sizeof content);
    for (size_t i = 0; i < 2; i++) {
        const struct sim_fate torn = {.kind = KINDS[i], .sectors = 1};
        begin();
        disk.meet = meet;
        assert_ok(linux_folder_write(FOLDER, "a", text("")));
        int fd = disk_open(FOLDER, "a", O_WRONLY);
        next_outcome = SIM_POWERLESS;
        assert_int_equal(disk_write(FOLDER, fd, BYTES_OF(content)), -1);
        sim_disk_settle(&disk, &torn);
        struct rotor_bytes there = sim_disk_look(&disk, "a");
        assert_int_equal(there.size, i == 0 ? SIM_SECTOR : sizeof content);
        assert_int_equal(there.data[0], i == 0 ? 'x' : 0);
        assert_int_equal(there.data[there.size - 1], 'x');
        sim_disk_close(&disk);
    }
}
