// SPDX-License-Identifier: Apache-2.0
// What a real relying party does that was away, with a real device whose log
// grows meanwhile, as the steps of offline.pml:
//
//     offline-trace FIRST-SEED COUNT
//
// Each run of the party is a process of its own, that ends at any of its
// writes or questions; what it asks comes here, where the device is.  Writes
// are seen where they reach port/linux (linked with --wrap).
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/rotor/relying.h"
#include "base/bytes.h"
#include "port/linux/folder.h"
#include "rtp/machine.h"
#include "test/model/trace.h"

#define EPOCHS 6u // what the model is run with: GROWS
#define CYCLE  2u

// words.c needs what only the program has.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

enum ending { ACCEPTED = 0, REFUSED = 1, KILLED = 2 };

// From the party to the device, and back.
struct said {
    char step[16];  // that was taken; empty: a question
    uint64_t epoch; // of it
    uint64_t op;
    enum rotor_status status; // of the answer
    uint32_t size;
    uint8_t bytes[WIRE_CLIENT_MAX];
};

// ---- the party, in its own process -----------------------------------------

static struct {
    int way;           // to the device
    uint32_t kill_in;  // places from here on; 0: never
    struct relying it; // the party
    struct relying_report report;
} party;

static void may_be_killed(void)
{
    if (party.kill_in != 0 && --party.kill_in == 0) {
        _exit(KILLED);
    }
}

static void say(const struct said *said)
{
    size_t size = offsetof(struct said, bytes) + said->size;
    if (send(party.way, said, size, 0) != (ssize_t)size) {
        _exit(3);
    }
}

static void show(const char *step, uint64_t epoch)
{
    struct said said = {.epoch = epoch};
    strcpy(said.step, step);
    say(&said);
    may_be_killed();
}

static enum rotor_status ask(void *context, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_room *reply,
                             struct relying_refusal *refusal)
{
    static struct said said;
    (void)context;
    said = (struct said){.op = op, .size = (uint32_t)payload.size};
    memcpy(said.bytes, payload.data, payload.size);
    may_be_killed();
    say(&said);
    if (recv(party.way, &said, sizeof said, 0) <= 0) {
        _exit(3);
    }
    may_be_killed();
    *refusal = (struct relying_refusal){.code = WIRE_CLIENT_UNAVAILABLE};
    return said.status != ROTOR_OK
               ? said.status
               : bytes_copy(reply, bytes_of(said.bytes, said.size));
}

static void taken(const struct relying_progress *progress)
{
    show("TAKE", progress->epoch);
}

static bool is_named(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    return size > strlen(suffix) &&
           strcmp(name + size - strlen(suffix), suffix) == 0;
}

static enum rotor_status written(enum rotor_status status, const char *step)
{
    if (status == ROTOR_OK) {
        show(step, party.it.store.trust.order.epoch);
    }
    return status;
}

enum rotor_status __real_linux_folder_truncate(int folder, const char *name,
                                               uint64_t size);
enum rotor_status __wrap_linux_folder_truncate(int folder, const char *name,
                                               uint64_t size);
enum rotor_status __real_linux_folder_append(int folder, const char *name,
                                             struct rotor_bytes content);
enum rotor_status __wrap_linux_folder_append(int folder, const char *name,
                                             struct rotor_bytes content);
enum rotor_status __real_linux_folder_replace(int folder, const char *name,
                                              struct rotor_bytes content);
enum rotor_status __wrap_linux_folder_replace(int folder, const char *name,
                                              struct rotor_bytes content);

enum rotor_status __wrap_linux_folder_truncate(int folder, const char *name,
                                               uint64_t size)
{
    may_be_killed();
    return written(__real_linux_folder_truncate(folder, name, size), "CUT");
}

enum rotor_status __wrap_linux_folder_append(int folder, const char *name,
                                             struct rotor_bytes content)
{
    may_be_killed();
    return written(__real_linux_folder_append(folder, name, content),
                   "ENTRIES");
}

// The log is replaced once, by its first entries: before the list begins.
enum rotor_status __wrap_linux_folder_replace(int folder, const char *name,
                                              struct rotor_bytes content)
{
    may_be_killed();
    enum rotor_status status =
        __real_linux_folder_replace(folder, name, content);
    return is_named(name, ".trust") ? written(status, "HEAD") : status;
}

static enum ending be_party(const struct relying_options *options)
{
    const struct relying_device device = {NULL, ask};
    const struct relying_wish wish = {0};
    struct relying_report *report = &party.report;
    bool is_open = relying_open(&party.it, options, &report->outcome);
    party.it.store.cycle = CYCLE;
    bool is_accepted =
        is_open && relying_attest(&party.it, &device, &wish, report);
    if (is_accepted) {
        show("USE", report->trust.order.epoch);
    }
    relying_close(&party.it);
    return is_accepted ? ACCEPTED : REFUSED;
}

// ---- the device ------------------------------------------------------------

static struct {
    struct sim_device *device;
    uint64_t random;
    uint64_t tag;
    bool is_silent; // what follows is not of the list
    bool has_luck;  // nothing is lost, nothing grows
} world;

static uint64_t log_epoch(void)
{
    return world.device->rtp.state.trust.order.epoch;
}

static void print(const char *step, uint64_t epoch)
{
    if (!world.is_silent) {
        trace_print(step, epoch, 0);
    }
}

static bool has_grown(const struct sim_device *device)
{
    return sim_is_steady(device) && !device->rtp.wish.is_wanted;
}

static void grow(void)
{
    if (log_epoch() == EPOCHS) {
        return;
    }
    uint64_t before = log_epoch();
    sim_wish_rotation(world.device);
    if (!sim_run_until(world.device, 60000, has_grown) ||
        log_epoch() != before + 1) {
        trace_must(ROTOR_CORRUPT);
    }
    print("GROW", log_epoch());
}

static bool has_luck(uint32_t odds)
{
    return world.has_luck || trace_draw(&world.random, odds) != 0;
}

static void answer(struct said *said)
{
    struct rtp_completion done;
    const struct rtp_request request = {
        .op = said->op,
        .payload = bytes_of(said->bytes, said->size),
        .tag = ++world.tag,
    };
    struct rtp *rtp = &world.device->rtp;
    trace_must(rtp_submit(rtp, world.device->now_ms, &request));
    while (rtp_complete(rtp, world.device->now_ms, &done) != ROTOR_OK) {
        if (!sim_round(world.device)) {
            trace_must(ROTOR_AGAIN);
        }
    }
    if (done.code != WIRE_CLIENT_OK) {
        trace_must(ROTOR_FORBIDDEN);
    }
    said->status = ROTOR_OK;
    said->size = (uint32_t)done.payload.size;
    memcpy(said->bytes, done.payload.data, done.payload.size);
}

static void print_head(const struct said *said)
{
    struct wire_attest_rsp response;
    struct wire_attest_core core;
    trace_must(wire_message_decode(
        &WIRE_LAYOUT_ATTEST_RSP, bytes_of(said->bytes, said->size), &response));
    trace_must(
        wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, response.core, &core));
    print("ASK", core.epoch);
}

// A server that leaves one entry out, not the first.
static void leave_out(struct said *said)
{
    static uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room array = ROOM_OF(memory);
    struct wire_log_entries content;
    struct cbor_reader in;
    struct cbor_writer out;
    struct rotor_bytes payload = bytes_of(said->bytes, said->size);
    trace_must(
        wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &content));
    cbor_reader_init(&in, content.entries);
    size_t count = cbor_read_array(&in);
    if (count < 3) {
        return;
    }
    size_t left_out = 1 + trace_draw(&world.random, (uint32_t)count - 1);
    cbor_writer_init(&out, &array);
    cbor_write_array(&out, count - 1);
    for (size_t i = 0; i < count; i++) {
        struct rotor_bytes entry = cbor_read_item(&in);
        if (i != left_out) {
            cbor_write_raw(&out, entry);
        }
    }
    trace_must(cbor_writer_finish(&out));
    content.entries = bytes_in(&array);
    struct rotor_room made = ROOM_OF(said->bytes);
    trace_must(wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &content, &made));
    said->size = (uint32_t)made.used;
}

static void serve(struct said *said)
{
    if (!has_luck(4)) {
        grow();
    }
    if (!has_luck(6)) {
        *said = (struct said){.status = ROTOR_FORBIDDEN};
        return;
    }
    answer(said);
    if (said->op == WIRE_OP_ATTEST) {
        print_head(said);
    } else if (!has_luck(4)) {
        leave_out(said);
    }
}

// ---- a run of the party ----------------------------------------------------

static enum ending attend(int way, pid_t pid)
{
    static struct said said;
    int status = 0;
    while (recv(way, &said, sizeof said, 0) > 0) {
        if (said.step[0] != '\0') {
            print(said.step, said.epoch);
            continue;
        }
        serve(&said);
        (void)!send(way, &said, offsetof(struct said, bytes) + said.size,
                    MSG_NOSIGNAL);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) > KILLED) {
        trace_must(ROTOR_PORT_FAILED);
    }
    return (enum ending)WEXITSTATUS(status);
}

static enum ending run_party(const struct relying_options *options,
                             uint32_t kill_in)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        trace_must(ROTOR_PORT_FAILED);
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        party.way = ends[1];
        party.kill_in = kill_in;
        _exit((int)be_party(options));
    }
    close(ends[1]);
    enum ending ending = attend(ends[0], pid);
    close(ends[0]);
    if (ending != ACCEPTED) {
        print(ending == KILLED ? "KILL" : "GIVE_UP", 0);
    }
    return ending;
}

static void run_with(const struct relying_options *options)
{
    world.is_silent = true;
    world.has_luck = true;
    if (run_party(options, 0) != ACCEPTED) {
        trace_must(ROTOR_CORRUPT);
    }
    world.is_silent = false;
    for (unsigned i = 0; i < 4; i++) {
        world.has_luck = false;
        for (uint32_t n = trace_draw(&world.random, 4); n > 0; n--) {
            grow();
        }
        (void)run_party(options, trace_draw(&world.random, 2) *
                                     (1 + trace_draw(&world.random, 24)));
    }
    world.has_luck = true;
    if (run_party(options, 0) != ACCEPTED) {
        trace_must(ROTOR_CORRUPT);
    }
}

static void run_device(uint64_t seed)
{
    char folder[] = "/tmp/rotor-offline-XXXXXX";
    char command[64];
    memset(&world, 0, sizeof world);
    world.random = seed;
    world.device = trace_new(seed);
    world.device->config.policy.min_interval_s = 0;
    world.device->config.policy.max_per_day = 0;
    trace_begin(world.device);
    if (mkdtemp(folder) == NULL) {
        trace_must(ROTOR_PORT_FAILED);
    }
    const struct relying_options options = {
        .folder = folder,
        .log_id = world.device->rtp.state.trust.log_id,
        .reference = &world.device->reference,
        .threads = 1,
        .progress = taken,
    };
    run_with(&options);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) {
        trace_must(ROTOR_PORT_FAILED);
    }
    trace_end(world.device, true);
}

int main(int count, char **arguments)
{
    return trace_main(count, arguments, run_device);
}
