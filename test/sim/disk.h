// SPDX-License-Identifier: Apache-2.0
// A disk in memory behind port/linux/disk.h: what folder.c and slots.c of the
// release write to where nobody can pull the plug on a real one.
//
// What was not synced is only promised.  A file's bytes and sizes are promised
// until the file is synced, names until the folder is; when power goes, fate
// decides which promises were kept, in any combination:
//
//     open, write, truncate --> promises of the file   --sync(file)--->  lasts
//     create, rename, unlink -> promises of the folder --sync(folder)->  lasts
//
// A sync that fails leaves the file's promises as Linux leaves dirty pages: a
// later sync that succeeds does not cover them; they have to be written again.
#ifndef ROTOR_TEST_SIM_DISK_H
#define ROTOR_TEST_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#define SIM_SECTOR     512u // bytes: the disk writes one wholly or not at all
#define SIM_DISK_FILES 16u
#define SIM_NAME_MAX   32u

enum sim_call {
    SIM_OPEN, // for writing
    SIM_WRITE,
    SIM_SYNC,
    SIM_SYNC_FOLDER,
    SIM_TRUNCATE,
    SIM_RENAME,
    SIM_UNLINK,
};

// What becomes of a call.
enum sim_outcome {
    SIM_DONE = 0,
    SIM_REFUSED, // nothing was done: EIO
    SIM_DOUBTED, // it was done: EIO all the same
    SIM_SHORT,   // half a write was done
    SIM_POWERLESS,
    SIM_UNHEARD, // whoever made it has ended: nothing was done
};

// Asked before each call that changes something; `size` is of a write.
typedef enum sim_outcome sim_disk_meet(void *context, enum sim_call call,
                                       size_t size);

struct sim_content {
    size_t size;
    size_t capacity;
    uint8_t *bytes;
};

struct sim_name {
    char text[SIM_NAME_MAX];
    int file; // -1: no such name
};

struct sim_names {
    struct sim_name all[SIM_DISK_FILES];
};

enum sim_promise_kind {
    SIM_PROMISE_NAME,   // `name` is `file`, or nothing
    SIM_PROMISE_RENAME, // `name` becomes `to`
    SIM_PROMISE_SIZE,
    SIM_PROMISE_BYTES,
};

struct sim_promise {
    enum sim_promise_kind kind;
    int file;
    char name[SIM_NAME_MAX];
    char to[SIM_NAME_MAX];
    size_t at; // size, or offset of the bytes
    struct sim_content bytes;
    bool is_stale;     // a sync of it failed: no later one covers it
    bool is_in_flight; // power went while it was made
};

// Ways in which a disk betrays who relies on it: each must be seen as a loss.
enum sim_betrayal {
    SIM_HONEST = 0,
    SIM_NO_SYNC,        // syncing a file does nothing
    SIM_NO_FOLDER_SYNC, // syncing the folder does nothing
    SIM_NO_ORDER,       // neither does anything
    SIM_TORN_RENAME,    // both names are gone in between
};

struct sim_disk {
    sim_disk_meet *meet; // NULL: every call is done
    void *context;
    enum sim_betrayal betrayal;
    struct sim_content now[SIM_DISK_FILES]; // what reading sees
    struct sim_content safe[SIM_DISK_FILES];
    struct sim_names names;
    struct sim_names safe_names;
    size_t count;
    size_t capacity;
    struct sim_promise *promises;
};

// Which promises are kept.
enum sim_fate_kind {
    SIM_FATE_LOST,  // none
    SIM_FATE_KEPT,  // all but the call in flight
    SIM_FATE_NAMES, // names and sizes; where bytes should be there are zeros
    SIM_FATE_BYTES, // bytes and sizes, no names
    SIM_FATE_HEAD,  // all; of the write in flight the first `sectors`
    SIM_FATE_TAIL,  // all; of the write in flight all but the first `sectors`
    SIM_FATE_DICE,  // each by a throw, bytes by the sector
    SIM_FATE_OPEN,  // power stays, the program ends: all are still promises
};

struct sim_fate {
    enum sim_fate_kind kind;
    unsigned sectors;
    uint64_t dice; // seed
};

void sim_disk_init(struct sim_disk *disk);
void sim_disk_close(struct sim_disk *disk);

// From now on `folder` lies on this disk, for every caller.
void sim_disk_mount(int folder, struct sim_disk *disk);

// Power goes: fate decides; what is left is all there is.  Or, SIM_FATE_OPEN,
// who wrote is gone, and what was written is still promised.
void sim_disk_settle(struct sim_disk *disk, const struct sim_fate *fate);

// Whether anything is promised that a cut may lose: names, other things.
bool sim_disk_owes_names(const struct sim_disk *disk);
bool sim_disk_owes_bytes(const struct sim_disk *disk);

// What is there for who reads; data is NULL where there is no such file.
struct rotor_bytes sim_disk_look(const struct sim_disk *disk, const char *name);

// `to` becomes what `from` is for who reads, all of it safe.
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from);

#endif
