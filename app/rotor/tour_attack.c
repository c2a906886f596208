// SPDX-License-Identifier: Apache-2.0
// A process of the same user against the enclave's memory: every way that the
// kernel offers, first on a process that does not defend itself, so that a
// refusal means something.
#include "app/rotor/tour.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

// Where the undefended process keeps its secret; a fork has it there too.
static volatile uint8_t bait[32] = "a secret of the undefended one";

// Each gives 0, or the errno that it was refused with.

static int read_mem_file(pid_t pid)
{
    char path[64];
    uint8_t taken[sizeof bait];
    (void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    ssize_t got = pread(fd, taken, sizeof taken, (off_t)(uintptr_t)bait);
    int cause = got == (ssize_t)sizeof taken ? 0 : errno;
    close(fd);
    return cause;
}

static int read_remotely(pid_t pid)
{
    uint8_t taken[sizeof bait];
    struct iovec here = {taken, sizeof taken};
    struct iovec there = {(void *)(uintptr_t)bait, sizeof taken};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) ==
                   (ssize_t)sizeof taken
               ? 0
               : errno;
}

static int read_map(pid_t pid)
{
    char path[64];
    char text[16];
    (void)snprintf(path, sizeof path, "/proc/%ld/maps", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int cause = read(fd, text, sizeof text) > 0 ? 0 : errno;
    close(fd);
    return cause;
}

static int trace(pid_t pid)
{
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) {
        return errno;
    }
    (void)waitpid(pid, NULL, __WALL);
    (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return 0;
}

static int take_descriptor(pid_t pid)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    int taken = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, 2, 0);
    int cause = taken >= 0 ? 0 : errno;
    if (taken >= 0) {
        close(taken);
    }
    if (process >= 0) {
        close(process);
    }
    return cause;
}

static const struct way {
    const char *name; // in JSON
    const char *title;
    int (*run)(pid_t pid);
} WAYS[] = {
    {"proc_mem", "read /proc/PID/mem",  read_mem_file  },
    {"vm_readv", "process_vm_readv",    read_remotely  },
    {"maps",     "read /proc/PID/maps", read_map       },
    {"ptrace",   "ptrace attach",       trace          },
    {"getfd",    "pidfd_getfd",         take_descriptor},
};

#define WAY_COUNT COUNT_OF(WAYS)

struct findings {
    int undefended[WAY_COUNT];
    int enclave[WAY_COUNT];
    int rtp[WAY_COUNT];
    long uds_size; // bytes that it could read of the file
    long state_size;
};

static void try_all(pid_t pid, int found[WAY_COUNT])
{
    for (size_t i = 0; i < WAY_COUNT; i++) {
        found[i] = WAYS[i].run(pid);
    }
}

// A process of our own that anybody of this user may trace.
static pid_t open_undefended(void)
{
    pid_t pid = tour_fork();
    if (pid == 0) {
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    (void)waitpid(pid, NULL, WUNTRACED); // it has dropped its guard
    return pid;
}

static long size_of_what_is_read(const struct tour *tour, const char *file)
{
    char path[TOUR_PATH_MAX + 32];
    char content[16384];
    (void)snprintf(path, sizeof path, "%s/%s", tour->strict.state, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, content, sizeof content) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return (long)got;
}

static _Noreturn void attack(const struct tour *tour, pid_t enclave, pid_t rtp,
                             int report)
{
    struct findings found;
    pid_t undefended = open_undefended();
    try_all(undefended, found.undefended);
    (void)kill(undefended, SIGKILL);
    try_all(enclave, found.enclave);
    try_all(rtp, found.rtp);
    found.uds_size = size_of_what_is_read(tour, "uds");
    found.state_size = size_of_what_is_read(tour, "enclave/state");
    ssize_t put = write(report, &found, sizeof found);
    _exit(put == (ssize_t)sizeof found ? 0 : 1);
}

static const char *outcome(int cause)
{
    return cause == 0 ? "succeeds" : strerrorname_np(cause);
}

static bool judge(struct tour *tour, const struct findings *found)
{
    unsigned refused = 0;
    unsigned controls = 0;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        bool is_refused =
            found->enclave[i] == EPERM || found->enclave[i] == EACCES;
        bool rtp_is_refused = found->rtp[i] == EPERM || found->rtp[i] == EACCES;
        refused += is_refused && rtp_is_refused ? 1 : 0;
        controls += found->undefended[i] == 0 ? 1 : 0;
        tour_text(tour, WAYS[i].name, outcome(found->enclave[i]));
        tour_say(tour,
                 "%-20s enclave: %-9s RTP: %-9s a process without "
                 "walls: %s",
                 WAYS[i].title, outcome(found->enclave[i]),
                 outcome(found->rtp[i]), outcome(found->undefended[i]));
    }
    tour_number(tour, "ways", WAY_COUNT);
    tour_number(tour, "refused", refused);
    tour_number(tour, "succeed_without_walls", controls);
    tour_flag(tour, "same_user_reads_files",
              found->uds_size > 0 && found->state_size > 0);
    tour_say(tour,
             "known limit: it does read the user's files: uds %ld "
             "bytes, enclave/state %ld bytes",
             found->uds_size, found->state_size);
    tour_say(tour, "             (a service runs the enclave as a user of its "
                   "own)");
    return refused == WAY_COUNT ||
           tour_fail(tour, "an attack on the enclave's memory was not refused");
}

bool tour_memory(struct tour *tour)
{
    struct findings found;
    int ends[2];
    pid_t enclave = tour_child_of(tour->strict.rotord, "rotor-enclave");
    pid_t rtp = tour_child_of(tour->strict.rotord, "rotor-rtp");
    if (enclave == 0 || rtp == 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return tour_fail(tour, "no enclave to attack");
    }
    pid_t attacker = tour_fork();
    if (attacker == 0) {
        attack(tour, enclave, rtp, ends[1]);
    }
    close(ends[1]);
    int code = attacker > 0 ? tour_wait(attacker, 10000) : -1;
    ssize_t got = read(ends[0], &found, sizeof found);
    close(ends[0]);
    if (code != 0 || got != (ssize_t)sizeof found) {
        return tour_fail(tour, "the attacker did not report");
    }
    bool is_alive =
        tour_child_of(tour->strict.rotord, "rotor-enclave") == enclave;
    return judge(tour, &found) &&
           (is_alive || tour_fail(tour, "the enclave did not survive it"));
}
