// SPDX-License-Identifier: Apache-2.0
#include "test/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/bytes.h"
#include "entropy/entropy.h"
#include "port/linux/entropy.h"
#include "port/linux/entropy_rdseed.h"

enum { GETRANDOM, RDSEED, HWRNG, PLUGGED };

static const struct linux_entropy_options standard;

// A file of our own in the folder for temporary files; the caller unlinks it.
struct scratch {
    char path[64];
};

static struct scratch scratch_with(const void *bytes, size_t size)
{
    struct scratch scratch = {"/tmp/rotor-spec-XXXXXX"};
    int fd = mkstemp(scratch.path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    return scratch;
}

static struct entropy_report report_of(const struct entropy_front *front,
                                       size_t index)
{
    struct entropy_report report;
    assert_true(entropy_report(front, index, &report));
    return report;
}

static void start(struct entropy_front *front,
                  const struct linux_entropy *sources)
{
    assert_ok(entropy_init(front, sources->sources, sources->count));
    entropy_start(front);
}

// ---- this machine ----------------------------------------------------------

SPEC("on this machine getrandom passes its test and a draw works at once")
{
    struct linux_entropy sources;
    assert_ok(linux_entropy_open(&sources, &standard));
    assert_int_equal(sources.count, 3);
    struct entropy_front front;
    start(&front, &sources);
    assert_string_equal(report_of(&front, GETRANDOM).name, "getrandom");
    assert_string_equal(report_of(&front, RDSEED).name, "rdseed");
    assert_string_equal(report_of(&front, HWRNG).name, "hwrng");
    assert_int_equal(report_of(&front, GETRANDOM).stage, ENTROPY_HEALTHY);
    uint8_t first[48];
    uint8_t second[48];
    assert_ok(entropy_draw(&front, first, sizeof first));
    assert_ok(entropy_draw(&front, second, sizeof second));
    assert_memory_not_equal(first, second, sizeof first);
    entropy_wipe(&front);
    linux_entropy_close(&sources);
}

SPEC("rdseed is read exactly where CPU and kernel both offer it")
{
    struct linux_entropy sources;
    assert_ok(linux_entropy_open(&sources, &standard));
    bool is_offered = rdseed_is_offered() &&
                      linux_cpuinfo_has_flag("/proc/cpuinfo", "rdseed");
    assert_int_equal(sources.sources[RDSEED].read != NULL, is_offered);
    if (!is_offered) {
        linux_entropy_close(&sources);
        SKIP("no rdseed here");
    }
    struct entropy_front front;
    start(&front, &sources);
    for (unsigned i = 0;
         i < 2000 && report_of(&front, RDSEED).stage == ENTROPY_TESTING; i++) {
        entropy_step(&front);
    }
    assert_int_equal(report_of(&front, RDSEED).stage, ENTROPY_HEALTHY);
    assert_in_range(report_of(&front, RDSEED).tested_count, 1024, 1024 + 32);
    linux_entropy_close(&sources);
}

// ---- rdseed ----------------------------------------------------------------

SPEC("a flag that the kernel took away switches rdseed off")
{
    static const char with[] = "processor\t: 0\nvmx flags\t: rdseed\n"
                               "flags\t\t: fpu aes rdseed adx\nbugs\t: x\n";
    static const char without[] = "flags\t\t: fpu aes rdseedx xrdseed adx\n"
                                  "bugs\t\t: rdseed\n"
                                  "flags\t\t: rdseed\n";
    struct scratch a = scratch_with(with, sizeof with - 1);
    struct scratch b = scratch_with(without, sizeof without - 1);
    assert_true(linux_cpuinfo_has_flag(a.path, "rdseed"));
    assert_true(linux_cpuinfo_has_flag(a.path, "adx"));
    assert_false(linux_cpuinfo_has_flag(b.path, "rdseed"));
    assert_false(linux_cpuinfo_has_flag("/nonexistent", "rdseed"));
    struct linux_entropy sources;
    struct linux_entropy_options options = {.cpuinfo_path = b.path};
    assert_ok(linux_entropy_open(&sources, &options));
    assert_null(sources.sources[RDSEED].read);
    linux_entropy_close(&sources);
    options.cpuinfo_path = a.path;
    assert_ok(linux_entropy_open(&sources, &options));
    assert_int_equal(sources.sources[RDSEED].read != NULL, rdseed_is_offered());
    linux_entropy_close(&sources);
    unlink(a.path);
    unlink(b.path);
}

static unsigned instruction_count;

static bool always_refuses(uint64_t *word)
{
    (void)word;
    instruction_count++;
    return false;
}

static bool works_at_the_last_try(uint64_t *word)
{
    instruction_count++;
    *word = instruction_count;
    return instruction_count % RDSEED_TRIES == 0;
}

static bool works_twice(uint64_t *word)
{
    instruction_count++;
    *word = instruction_count;
    return instruction_count <= 2;
}

static bool says_all_ones(uint64_t *word)
{
    *word = UINT64_MAX;
    return true;
}

static bool says_zero(uint64_t *word)
{
    *word = 0;
    return true;
}

static bool says_one_word(uint64_t *word)
{
    *word = 0x0123456789abcdef;
    return true;
}

SPEC("a processor without a number is asked a bounded number of times")
{
    uint8_t bytes[32];
    struct rotor_room raw = ROOM_OF(bytes);
    instruction_count = 0;
    assert_int_equal(rdseed_fill(always_refuses, &raw), ROTOR_AGAIN);
    assert_int_equal(raw.used, 0);
    assert_int_equal(instruction_count, RDSEED_TRIES);
    instruction_count = 0;
    assert_ok(rdseed_fill(works_at_the_last_try, &raw));
    assert_int_equal(raw.used, 32);
    assert_int_equal(instruction_count, 4 * RDSEED_TRIES);
    instruction_count = 0;
    assert_ok(rdseed_fill(works_twice, &raw));
    assert_int_equal(raw.used, 16);
    uint8_t small[15];
    raw = ROOM_OF(small);
    assert_ok(rdseed_fill(says_one_word, &raw));
    assert_int_equal(raw.used, 8);
}

struct broken_cpu {
    rdseed_instruction *instruction;
};

static enum rotor_status read_broken_cpu(void *context, struct rotor_room *raw)
{
    const struct broken_cpu *cpu = context;
    return rdseed_fill(cpu->instruction, raw);
}

SPEC("a generator that says 0, all ones or one number for ever is thrown out")
{
    static const struct {
        rdseed_instruction *instruction;
        enum entropy_fault fault;
    } rows[] = {
        {says_zero,      ENTROPY_ZERO   },
        {says_all_ones,  ENTROPY_ONES   },
        {says_one_word,  ENTROPY_REPEAT },
        {always_refuses, ENTROPY_TIMEOUT},
    };
    struct linux_entropy sources;
    assert_ok(linux_entropy_open(&sources, &standard));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct broken_cpu cpu = {rows[i].instruction};
        struct entropy_source source = sources.sources[RDSEED];
        source.read = read_broken_cpu;
        source.context = &cpu;
        struct entropy_front front;
        assert_ok(entropy_init(&front, &source, 1));
        for (unsigned j = 0; j < 16; j++) {
            entropy_step(&front);
        }
        assert_int_equal(report_of(&front, 0).stage, ENTROPY_OUT);
        assert_int_equal(report_of(&front, 0).fault, rows[i].fault);
    }
    linux_entropy_close(&sources);
}

// ---- /dev/hwrng ------------------------------------------------------------

SPEC("a machine without a hardware generator says absent and goes on")
{
    struct linux_entropy sources;
    struct linux_entropy_options options = {.hwrng_path = "/nonexistent"};
    assert_ok(linux_entropy_open(&sources, &options));
    struct entropy_front front;
    start(&front, &sources);
    assert_int_equal(report_of(&front, HWRNG).stage, ENTROPY_OUT);
    assert_int_equal(report_of(&front, HWRNG).fault, ENTROPY_ABSENT);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    linux_entropy_close(&sources);
}

SPEC("a hardware generator that has nothing yet never delays a draw")
{
    struct scratch fifo = scratch_with("", 0);
    unlink(fifo.path);
    assert_int_equal(mkfifo(fifo.path, 0600), 0);
    int keep = open(fifo.path, O_RDWR | O_NONBLOCK);
    assert_true(keep >= 0);
    struct linux_entropy sources;
    struct linux_entropy_options options = {.hwrng_path = fifo.path};
    assert_ok(linux_entropy_open(&sources, &options));
    struct entropy_front front;
    start(&front, &sources);
    for (unsigned i = 0; i < 100; i++) {
        entropy_step(&front);
    }
    assert_int_equal(report_of(&front, HWRNG).stage, ENTROPY_TESTING);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    linux_entropy_close(&sources);
    close(keep);
    unlink(fifo.path);
}

SPEC("a hardware generator is asked once in ten milliseconds at most")
{
    struct linux_entropy sources;
    struct linux_entropy_options options = {.hwrng_path = "/dev/urandom"};
    assert_ok(linux_entropy_open(&sources, &options));
    struct entropy_source *hwrng = &sources.sources[HWRNG];
    uint8_t raw[64];
    struct rotor_room room = ROOM_OF(raw);
    assert_ok(hwrng->read(hwrng->context, &room));
    assert_int_equal(room.used, sizeof raw);
    assert_int_equal(hwrng->read(hwrng->context, &room), ROTOR_AGAIN);
    assert_int_equal(usleep(11000), 0);
    assert_ok(hwrng->read(hwrng->context, &room));
    linux_entropy_close(&sources);
}

SPEC("closing closes what open opened, and only that")
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct linux_entropy sources;
    struct linux_entropy_options options = {.hwrng_path = "/dev/zero",
                                            .plugged_name = "test",
                                            .plugged_fd = fds[0]};
    assert_ok(linux_entropy_open(&sources, &options));
    int hwrng_fd = sources.hwrng_fd;
    linux_entropy_close(&sources);
    assert_int_equal(fcntl(hwrng_fd, F_GETFD), -1);
    assert_true(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    close(fds[1]);
}

// ---- a plugged source ------------------------------------------------------

static struct entropy_front plug(struct linux_entropy *sources, int fd,
                                 bool is_required)
{
    struct linux_entropy_options options = {.plugged_name = "plugged",
                                            .plugged_fd = fd,
                                            .plugged_is_required = is_required};
    assert_ok(linux_entropy_open(sources, &options));
    assert_int_equal(sources->count, 4);
    struct entropy_front front;
    start(&front, sources);
    return front;
}

SPEC("a plugged source that is stuck is named, and the draw goes on")
{
    int fd = open("/dev/zero", O_RDONLY);
    struct linux_entropy sources;
    struct entropy_front front = plug(&sources, fd, false);
    for (unsigned i = 0; i < 8; i++) {
        entropy_step(&front);
    }
    assert_string_equal(report_of(&front, PLUGGED).name, "plugged");
    assert_int_equal(report_of(&front, PLUGGED).fault, ENTROPY_ZERO);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    linux_entropy_close(&sources);
    close(fd);
}

SPEC("a plugged source that is required and stuck stops every draw")
{
    int fd = open("/dev/zero", O_RDONLY);
    struct linux_entropy sources;
    struct entropy_front front = plug(&sources, fd, true);
    uint8_t out[48];
    assert_int_equal(entropy_draw(&front, out, sizeof out), ROTOR_PORT_FAILED);
    assert_int_equal(entropy_last_refusal(&front), ENTROPY_REQUIRED_SOURCE);
    linux_entropy_close(&sources);
    close(fd);
}

SPEC("an empty pipe is waited for, a closed one is absent")
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct linux_entropy sources;
    struct entropy_front front = plug(&sources, fds[0], true);
    uint8_t out[48];
    assert_int_equal(entropy_draw(&front, out, sizeof out), ROTOR_AGAIN);
    close(fds[1]);
    entropy_start(&front);
    assert_int_equal(report_of(&front, PLUGGED).fault, ENTROPY_ABSENT);
    assert_int_equal(entropy_draw(&front, out, sizeof out), ROTOR_PORT_FAILED);
    linux_entropy_close(&sources);
    close(fds[0]);
}

SPEC("getrandom and rdseed bring credit, what a host or a test says does not")
{
    static const uint32_t credits[] = {4000, 4000, 0, 0};
    int fd = open("/dev/zero", O_RDONLY);
    struct linux_entropy sources;
    struct entropy_front front = plug(&sources, fd, false);
    for (size_t i = 0; i < COUNT_OF(credits); i++) {
        assert_int_equal(report_of(&front, i).credit_millibits, credits[i]);
        assert_int_equal(report_of(&front, i).is_required, i == GETRANDOM);
    }
    linux_entropy_close(&sources);
    close(fd);
}

SPEC("a plugged number that is no descriptor is refused")
{
    struct linux_entropy sources;
    struct linux_entropy_options options = {.plugged_name = "plugged",
                                            .plugged_fd = -1};
    assert_int_equal(linux_entropy_open(&sources, &options), ROTOR_INVALID);
}

// ---- behind the wall -------------------------------------------------------

// Every call but getrandom, read and what memory and leaving need kills.
static bool close_the_wall(void)
{
    static const int allowed[] = {
        SCMP_SYS(getrandom), SCMP_SYS(read),   SCMP_SYS(brk),
        SCMP_SYS(mmap),      SCMP_SYS(munmap), SCMP_SYS(exit_group),
    };
    scmp_filter_ctx wall = seccomp_init(SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < COUNT_OF(allowed); i++) {
        if (seccomp_rule_add(wall, SCMP_ACT_ALLOW, allowed[i], 0) != 0) {
            return false;
        }
    }
    return seccomp_load(wall) == 0;
}

static int draw_behind_the_wall(void)
{
    struct linux_entropy sources;
    struct entropy_front front;
    uint8_t out[48];
    if (linux_entropy_open(&sources, &standard) != ROTOR_OK ||
        entropy_init(&front, sources.sources, sources.count) != ROTOR_OK) {
        return 2;
    }
    entropy_start(&front); // the crypto back end makes its contexts
    if (entropy_draw(&front, out, sizeof out) != ROTOR_OK ||
        !close_the_wall()) {
        return 3;
    }
    entropy_retest(&front);
    for (unsigned i = 0; i < 100; i++) {
        entropy_step(&front);
    }
    return entropy_draw(&front, out, sizeof out) == ROTOR_OK ? 0 : 4;
}

SPEC("after open, sources need getrandom and read and no other system call")
{
    if (ROTOR_SANITISED) {
        SKIP("a sanitiser makes system calls of its own");
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(draw_behind_the_wall());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
