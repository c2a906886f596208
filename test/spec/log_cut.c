// SPDX-License-Identifier: Apache-2.0
// A log that is cut at its beginning, over a disk that loses what was not
// synced: power goes at every call, with every fate, and each call fails.
#include "port/linux/log.h"

#include <string.h>

#include "base/bytes.h"
#include "test/sim/disk.h"
#include "test/spec.h"

#define FOLDER 7
#define SIZE   40000u // bytes of the log
#define START  1000u
#define DROP   21000u

static struct sim_disk disk;
static uint8_t content[SIZE];

// The `call`th call from now on meets `outcome`; 0: none does.
static struct {
    unsigned call;
    unsigned seen;
    enum sim_outcome outcome;
    bool is_dark;
} cut;

static enum sim_outcome meet(void *context, enum sim_call call, size_t size)
{
    (void)context;
    (void)call;
    (void)size;
    if (cut.is_dark) {
        return SIM_REFUSED;
    }
    if (++cut.seen != cut.call) {
        return SIM_DONE;
    }
    cut.is_dark = cut.outcome == SIM_POWERLESS;
    return cut.outcome;
}

static void begin(void)
{
    memset(&cut, 0, sizeof cut);
    for (size_t i = 0; i < SIZE; i++) {
        content[i] = (uint8_t)(i * 13 + i / 509 + 1);
    }
    sim_disk_init(&disk);
    sim_disk_mount(FOLDER, &disk);
    disk.meet = meet;
    assert_ok(linux_log_append(FOLDER, "log", 0, BYTES_OF(content)));
    assert_ok(linux_log_drop(FOLDER, "log", START));
    cut.seen = 0;
}

// The log starts at one of two places, and from there on it is whole.
static uint64_t check(void)
{
    static uint8_t back[SIZE];
    struct rotor_room room = ROOM_OF(back);
    uint64_t start = 0;
    memset(&cut, 0, sizeof cut);
    assert_ok(linux_log_open(FOLDER, "log", &start));
    assert_true(start == START || start == DROP);
    assert_ok(linux_log_read(FOLDER, "log", start, &room));
    assert_int_equal(room.used, SIZE - start);
    assert_memory_equal(back, content + start, room.used);
    assert_null(sim_disk_look(&disk, "log.new").data);
    return start;
}

// What is there goes on, and can be cut again.
static void go_on(void)
{
    uint8_t back[8];
    struct rotor_room room = ROOM_OF(back);
    assert_ok(linux_log_append(FOLDER, "log", SIZE, LABEL("more")));
    assert_ok(linux_log_drop(FOLDER, "log", DROP));
    assert_ok(linux_log_read(FOLDER, "log", SIZE, &room));
    assert_int_equal(room.used, 4);
    assert_memory_equal(back, "more", 4);
}

static unsigned calls_of_a_drop(void)
{
    begin();
    assert_ok(linux_log_drop(FOLDER, "log", DROP));
    unsigned calls = cut.seen;
    assert_int_equal(check(), DROP);
    sim_disk_close(&disk);
    return calls;
}

SPEC("power that goes at any call of a drop, with any fate, leaves the log "
     "before "
     "it or the one behind it, whole")
{
    static const struct sim_fate FATES[] = {
        {SIM_FATE_LOST,  0, 0},
        {SIM_FATE_KEPT,  0, 0},
        {SIM_FATE_NAMES, 0, 0},
        {SIM_FATE_BYTES, 0, 0},
        {SIM_FATE_HEAD,  1, 0},
        {SIM_FATE_TAIL,  1, 0},
        {SIM_FATE_DICE,  0, 1},
        {SIM_FATE_DICE,  0, 2},
        {SIM_FATE_DICE,  0, 3},
    };
    unsigned calls = calls_of_a_drop();
    unsigned old = 0;
    unsigned fresh = 0;
    assert_true(calls >= 6);
    for (unsigned call = 1; call <= calls; call++) {
        for (size_t i = 0; i < COUNT_OF(FATES); i++) {
            begin();
            cut.call = call;
            cut.outcome = SIM_POWERLESS;
            assert_int_equal(linux_log_drop(FOLDER, "log", DROP),
                             ROTOR_PORT_FAILED);
            sim_disk_settle(&disk, &FATES[i]);
            bool is_old = check() == START;
            old += is_old ? 1u : 0;
            fresh += is_old ? 0 : 1u;
            go_on();
            sim_disk_close(&disk);
        }
    }
    print_message("%u calls, %u cuts: %u before, %u behind\n", calls,
                  old + fresh, old, fresh);
    assert_true(old != 0 && fresh != 0);
}

SPEC("a call of a drop that fails, or is done and said to have failed, loses "
     "nothing")
{
    static const enum sim_outcome OUTCOMES[] = {SIM_REFUSED, SIM_DOUBTED,
                                                SIM_SHORT};
    unsigned calls = calls_of_a_drop();
    for (unsigned call = 1; call <= calls; call++) {
        for (size_t i = 0; i < COUNT_OF(OUTCOMES); i++) {
            begin();
            cut.call = call;
            cut.outcome = OUTCOMES[i];
            (void)!linux_log_drop(FOLDER, "log", DROP);
            (void)check();
            go_on();
            sim_disk_close(&disk);
        }
    }
}

SPEC("a disk that does not sync is caught: the sentences above can fail")
{
    unsigned losses = 0;
    unsigned calls = calls_of_a_drop();
    for (unsigned call = 1; call <= calls; call++) {
        uint64_t start = 0;
        static uint8_t back[SIZE];
        struct rotor_room room = ROOM_OF(back);
        begin();
        disk.betrayal = SIM_NO_SYNC;
        cut.call = call;
        cut.outcome = SIM_POWERLESS;
        (void)!linux_log_drop(FOLDER, "log", DROP);
        sim_disk_settle(&disk, &(struct sim_fate){.kind = SIM_FATE_NAMES});
        memset(&cut, 0, sizeof cut);
        bool is_read = linux_log_open(FOLDER, "log", &start) == ROTOR_OK &&
                       linux_log_read(FOLDER, "log", start, &room) == ROTOR_OK;
        bool is_whole = is_read && start < SIZE && room.used == SIZE - start &&
                        memcmp(back, content + start, room.used) == 0;
        losses += is_whole ? 0 : 1u;
        sim_disk_close(&disk);
    }
    assert_true(losses != 0);
}

// The writer ends at any call of an append, power stays: what is there to read
// once the log was opened is there behind a power cut, too.
SPEC("what an opened log has lasts, though its writer never synced it")
{
    const struct sim_fate ended = {.kind = SIM_FATE_OPEN};
    const struct sim_fate lost = {.kind = SIM_FATE_LOST};
    unsigned kept = 0;
    for (unsigned call = 1; call <= 5; call++) {
        uint8_t before[8];
        uint8_t behind[8];
        struct rotor_room seen = ROOM_OF(before);
        struct rotor_room left = ROOM_OF(behind);
        begin();
        cut.call = call;
        cut.outcome = SIM_UNHEARD;
        (void)!linux_log_append(FOLDER, "log", SIZE, LABEL("more"));
        sim_disk_settle(&disk, &ended);
        uint64_t start = 0;
        memset(&cut, 0, sizeof cut);
        assert_ok(linux_log_open(FOLDER, "log", &start));
        assert_ok(linux_log_read(FOLDER, "log", SIZE, &seen));
        sim_disk_settle(&disk, &lost);
        assert_ok(linux_log_read(FOLDER, "log", SIZE, &left));
        assert_true(bytes_equal(bytes_in(&seen), bytes_in(&left)));
        kept += seen.used == 4 ? 1u : 0;
        sim_disk_close(&disk);
    }
    assert_true(kept != 0);
}
