// SPDX-License-Identifier: Apache-2.0
// The enclave's folder over a disk that keeps what was synced and nothing else.
#include "app/enclave/platform.h"

#include <string.h>

#include "base/bytes.h"
#include "launch/birth.h"
#include "test/sim/disk.h"
#include "test/spec.h"

static struct sim_disk disk;
static struct platform platform;
static struct enclave_ops ops;
static unsigned refused; // syncs of the folder, from the next one on
static bool is_dark;     // power goes when a file is synced
static bool is_ended;    // the program ends then

static enum sim_outcome meet(void *context, enum sim_call call, size_t size)
{
    (void)context;
    (void)size;
    if ((is_dark || is_ended) && call == SIM_SYNC) {
        return is_dark ? SIM_POWERLESS : SIM_UNHEARD;
    }
    if (call != SIM_SYNC_FOLDER || refused == 0) {
        return SIM_DONE;
    }
    refused--;
    return SIM_REFUSED;
}

static const struct sim_fate lost = {.kind = SIM_FATE_LOST};

static void begin(void)
{
    sim_disk_init(&disk);
    sim_disk_mount(LAUNCH_FD_STORE, &disk);
    disk.meet = meet;
    refused = 0;
    is_dark = is_ended = false;
    platform = (struct platform){0};
    platform_store_ops(&platform, &ops);
}

static enum rotor_status write_next(const char *content)
{
    return ops.store_write(&platform, ENCLAVE_STATE_NEXT,
                           bytes_of(content, strlen(content)));
}

static enum rotor_status rename_next(void)
{
    return ops.store_rename(&platform, ENCLAVE_STATE_NEXT, ENCLAVE_STATE);
}

static bool holds(const char *name, const char *content)
{
    return bytes_equal(sim_disk_look(&disk, name),
                       bytes_of(content, strlen(content)));
}

SPEC("a state whose rename may not last is not lost to the next one")
{
    for (uint64_t dice = 0; dice < 64; dice++) {
        const struct sim_fate fate = {.kind = SIM_FATE_DICE, .dice = dice};
        begin();
        assert_ok(write_next("one"));
        refused = 1;
        assert_int_equal(rename_next(), ROTOR_PORT_FAILED);
        is_dark = true;
        assert_int_equal(write_next("two"), ROTOR_PORT_FAILED);
        sim_disk_settle(&disk, &fate);
        assert_true(holds("state", "one"));
        sim_disk_close(&disk);
    }
}

SPEC("while a name may not last, nothing is written")
{
    begin();
    assert_ok(write_next("one"));
    refused = 2;
    assert_int_equal(rename_next(), ROTOR_PORT_FAILED);
    assert_int_equal(write_next("two"), ROTOR_PORT_FAILED);
    assert_true(holds("state", "one"));
    assert_null(sim_disk_look(&disk, "state.next").data);
    sim_disk_close(&disk);
}

SPEC("a file that was removed and may come back is settled before the next "
     "write")
{
    begin();
    assert_ok(write_next("one"));
    refused = 1;
    assert_int_equal(ops.store_remove(&platform, ENCLAVE_STATE_NEXT),
                     ROTOR_PORT_FAILED);
    is_dark = true;
    assert_int_equal(ops.store_write(&platform, ENCLAVE_ATTACH, LABEL("other")),
                     ROTOR_PORT_FAILED);
    sim_disk_settle(&disk, &lost);
    assert_null(sim_disk_look(&disk, "state.next").data);
    sim_disk_close(&disk);
}

SPEC("a start makes the names last that it sees")
{
    const struct sim_fate ended = {.kind = SIM_FATE_OPEN};
    begin();
    assert_ok(write_next("one"));
    refused = 1;
    assert_int_equal(rename_next(), ROTOR_PORT_FAILED);
    sim_disk_settle(&disk, &ended);
    platform = (struct platform){0};
    assert_ok(platform_settle_store(&platform));
    sim_disk_settle(&disk, &lost);
    assert_true(holds("state", "one"));
    sim_disk_close(&disk);
}

SPEC("a start makes the bytes last that it sees")
{
    const struct sim_fate ended = {.kind = SIM_FATE_OPEN};
    static const enum enclave_file ALL[] = {ENCLAVE_STATE, ENCLAVE_STATE_NEXT,
                                            ENCLAVE_ATTACH, ENCLAVE_RECOVER};
    static const char *const NAMES[] = {"state", "state.next", "attach",
                                        "recover"};
    for (size_t i = 0; i < COUNT_OF(ALL); i++) {
        begin();
        is_ended = true;
        assert_int_equal(ops.store_write(&platform, ALL[i], LABEL("one")),
                         ROTOR_PORT_FAILED);
        sim_disk_settle(&disk, &ended);
        is_ended = false;
        assert_ok(platform_settle_store(&platform));
        sim_disk_settle(&disk, &lost);
        assert_true(holds(NAMES[i], "one"));
        sim_disk_close(&disk);
    }
}

SPEC("a start that cannot make them last is none")
{
    begin();
    refused = 1;
    assert_int_equal(platform_settle_store(&platform), ROTOR_PORT_FAILED);
    refused = 0;
    assert_ok(write_next("one"));
    is_ended = true;
    assert_int_equal(platform_settle_store(&platform), ROTOR_PORT_FAILED);
    sim_disk_close(&disk);
}
