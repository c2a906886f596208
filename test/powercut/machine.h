// SPDX-License-Identifier: Apache-2.0
// A device whose stores are those of the release, app/enclave/platform_store.c
// and app/rtp/store.c, over disks that lose what was not synced; and the power
// switch.
//
//        rtp/  app/rtp/store.c                   enclave/  platform_store.c
//          |        |            queues            |            |
//          |   port/linux/folder.c  <-- frames --> |   port/linux/folder.c
//          |        |                              |            |
//          |   disk of the RTP                     |   disk of the AP, anchor
//       stage 0: app/rotord/choose.c, disk of the boot folder
//
// The RTP's power carries its store and the boot folder.
#ifndef ROTOR_TEST_POWERCUT_MACHINE_H
#define ROTOR_TEST_POWERCUT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/enclave/platform.h"
#include "boot/slots.h"
#include "port/linux/slots.h"
#include "test/powercut/operator.h"
#include "test/powercut/trial.h"
#include "test/powercut/witness.h"

enum machine_disk {
    DISK_AP = 0,
    DISK_RTP,
    DISK_BOOT,
    DISKS,
};

#define BOOT_FOLDER 900 // descriptor of the boot folder, mounted by the machine

// A point where power may go, as it was met.
struct point {
    enum sim_side side;
    bool is_frame; // else a call that can fail
    uint8_t type;  // of a frame
    bool is_advance;
    enum sim_call call;
    size_t size;                   // of a write
    bool owes_names[1 + SIM_BOTH]; // by victim: a cut here may lose names,
    bool owes_bytes[1 + SIM_BOTH]; // or other things
};
#define POINTS_MAX 1024u

enum verdict {
    VERDICT_WHOLE = 0,
    VERDICT_LOSS, // not served, not at its end, not what was promised
    VERDICT_FORK, // two bodies, A twice, a key that the chain does not name
    VERDICT_LEFT, // a secret of a dropped epoch
};

struct machine;

// What is to be reached, and who asks for it.
struct machine_goal {
    void (*pursue)(struct machine *machine);
    bool (*is_over)(const struct machine *machine);
};

// All that lasts, where a story begins.
struct machine_start {
    struct sim_disk disks[DISKS];
    uint8_t cell[32];
    struct wire_order order; // of cur
};

struct machine {
    struct sim_device *device;
    struct sim_disk disks[DISKS];
    enum trial_anchor anchor;
    uint8_t cell[32]; // v of an anchor that no disk holds
    uint8_t safe_cell[32];
    bool cell_forgets; // planted: an advance lasts until power goes

    struct platform platform; // context of the AP's ops
    struct enclave_ops ap;    // of the release
    struct rtp_ops rtp;
    bool advance_is_done; // durable_begin did it already
    enum rotor_status advanced;

    bool has_boot; // images come out of the boot folder
    struct linux_running running;
    uint64_t boot_sequence; // of the newest boot record that was acted upon
    uint8_t running_code;   // which image
    bool is_on_trial;       // and nothing was decided about it yet
    bool is_judged;         // since its start
    uint64_t started_ms;
    unsigned refused_before; // alarms about Evidence, at its start

    const struct trial *trial;
    const struct machine_goal *goal;
    uint64_t target; // of the goal: an epoch, or a count
    size_t next;     // event
    unsigned point;  // of this life
    unsigned told;   // points of this life when the story was over
    bool is_loud;    // says every point on stdout
    unsigned lives;
    struct sim_fate fate; // of the last cut
    struct point trace[POINTS_MAX];

    struct operator operator;
    struct witness witness;
    enum verdict verdict;
    char why[160];
};

// NULL: no memory.  `start` may be NULL: a device that never ran.
struct machine *machine_new(const struct trial *trial,
                            const struct machine_start *start);
void machine_free(struct machine *machine);

void machine_keep(const struct machine *machine, struct machine_start *start);
void machine_start_init(struct machine_start *start);
void machine_start_close(struct machine_start *start);

// A point in words: "ap write 3541", "to rtp rot-done".
void machine_name_point(const struct point *point, char text[48]);

// Starts whatever is down; after a cut, over what the disks kept.
void machine_raise(struct machine *machine);

// A way in which all three disks, or the cell, deceive.
void machine_betray(struct machine *machine, enum sim_betrayal betrayal);

// Lives until something is to be decided: a cut, an answer, an idle moment.
void machine_live(struct machine *machine);

bool machine_is_up(const struct machine *machine);

// The first word counts.
__attribute__((format(printf, 3, 4))) void
machine_condemn(struct machine *machine, enum verdict verdict,
                const char *format, ...);

// What happens at a point: called before anything is done.
enum sim_outcome machine_meet(struct machine *machine,
                              const struct point *point);

// ports.c: the stores of the release, each over its own disk; and what the AP
// does to its own at a start.
void machine_furnish(struct machine *machine);
bool machine_settle_ap(struct machine *machine);

// beside.c: work that was begun and not ended is gone.
void machine_forget_beside(void);

#endif
