// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/device.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/rotord/notify.h"
#include "base/bytes.h"
#include "port/linux/shared_queue.h"
#include "port/linux/slots.h"
#include "wire/frame.h"
#include "wire/walls.h"

// A child that lived this long starts again at once, others wait: doubling.
#define GOOD_LIFE_MS   10000u
#define BACKOFF_MIN_MS 50u
#define BACKOFF_MAX_MS 5000u

// A trial that is not attested by then has failed: a program that hangs must
// not keep its slot.
#define TRIAL_MS 20000u

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void warn(const char *what, const char *why)
{
    fprintf(stderr, "rotord: warning: %s: %s\n", what, why);
}

// ---- starting --------------------------------------------------------------

// Namespaces of its own for the enclave, when we are root.  An unprivileged
// user namespace is not used: its creator, any process of our uid, would hold
// every capability over the enclave, ptrace included.
static const struct {
    unsigned long flag;
    enum wire_wall wall;
} NAMESPACES[] = {
    {CLONE_NEWPID, WIRE_WALL_PID_NAMESPACE  },
    {CLONE_NEWNET, WIRE_WALL_NET_NAMESPACE  },
    {CLONE_NEWIPC, WIRE_WALL_IPC_NAMESPACE  },
    {CLONE_NEWUTS, WIRE_WALL_UTS_NAMESPACE  },
    {CLONE_NEWNS,  WIRE_WALL_MOUNT_NAMESPACE},
};

static pid_t fork_with(unsigned long flags)
{
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static pid_t fork_enclave(uint64_t *walls)
{
    unsigned long flags = 0;
    uint64_t up = 0;
    for (size_t i = 0; i < COUNT_OF(NAMESPACES); i++) {
        flags |= NAMESPACES[i].flag;
        up |= WIRE_WALL_BIT(NAMESPACES[i].wall);
    }
    *walls |= up; // the child reads it
    pid_t pid = geteuid() == 0 ? fork_with(flags) : -1;
    if (pid < 0) {
        *walls &= ~up;
        pid = fork_with(0);
    }
    return pid;
}

static void reset_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void plan_for(const struct device *device, struct child *child,
                     struct stage0_plan *plan)
{
    bool is_rtp = child->component == BOOT_RTP;
    *plan = (struct stage0_plan){
        .component = child->component,
        .state_folder = device->state_folder,
        .boot_folder = device->boot_folder,
        .uid = is_rtp ? device->rtp_uid : device->enclave_uid,
        .gid = is_rtp ? device->rtp_gid : device->enclave_gid,
        .queue_seed = device->queue_seed,
        .settings = bytes_of(device->settings, device->settings_size),
    };
    for (int i = 0; i < LAUNCH_FD_END; i++) {
        plan->fds[i] = -1;
    }
    plan->fds[LAUNCH_FD_STORE] =
        is_rtp ? device->rtp_store : device->enclave_store;
    if (is_rtp) {
        plan->fds[LAUNCH_FD_CLIENTS] = device->clients;
        plan->fds[LAUNCH_FD_REMOTE] = device->remote;
    } else {
        plan->fds[LAUNCH_FD_QUEUE] = device->queue;
        plan->fds[LAUNCH_FD_BELL] = device->bell_end;
        plan->fds[LAUNCH_FD_PLUGGED] = device->plugged;
        plan->fds[LAUNCH_FD_HWRNG] = device->hwrng;
        for (int i = 0; i < (int)LAUNCH_PAIRS; i++) {
            plan->fds[LAUNCH_FD_PAIRS + i] = device->pairs[i];
            plan->fds[LAUNCH_FD_PAIR_BELLS + i] = device->pair_bell_ends[i];
        }
        if (device->enclave_uid != device->rtp_uid) {
            plan->walls = WIRE_WALL_BIT(WIRE_WALL_OWN_USER);
        }
    }
}

static void later(struct child *child)
{
    uint64_t lived = now_ms() - child->started_ms;
    child->pid = 0;
    child->is_measured = false;
    if (lived >= GOOD_LIFE_MS) {
        child->backoff_ms = 0;
    }
    child->restart_ms = now_ms() + child->backoff_ms;
    child->backoff_ms =
        child->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * child->backoff_ms;
    if (child->backoff_ms > BACKOFF_MAX_MS) {
        child->backoff_ms = BACKOFF_MAX_MS;
    }
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

// Opened anew for each enclave: what one left behind in the TPM goes with its
// descriptor.  A socket is a TPM in software.
static bool open_anchor(const struct config *config, int *fd)
{
    struct stat facts;
    const char *path = config->anchor_tpm;
    *fd = -1;
    if (path[0] == '\0') {
        return true;
    }
    bool is_socket = stat(path, &facts) == 0 && S_ISSOCK(facts.st_mode);
    *fd = is_socket ? connect_to(path) : open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
        fprintf(stderr,
                "rotord: error: [anchor] tpm %s: %s: the enclave does not "
                "start without it\n"
                "rotord: hint: bring that TPM back, it is asked again; if it "
                "is gone for good, so is the store: rotor recover, or rotord "
                "--factory-reset, with another [anchor]\n",
                path, strerror(errno));
    }
    return *fd >= 0;
}

// `starter` is the RTP's end of its socket; -1 for the enclave.
static void start(struct device *device, struct child *child, int starter)
{
    int report[2];
    int anchor = -1;
    struct stage0_plan plan;
    child->restart_ms = 0;
    child->started_ms = now_ms();
    if (child->component == BOOT_ENCLAVE &&
        !open_anchor(device->config, &anchor)) {
        later(child);
        return;
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        warn("pipe", strerror(errno));
        close_if_open(anchor);
        later(child);
        return;
    }
    plan_for(device, child, &plan);
    plan.report = report[1];
    if (anchor >= 0) {
        plan.fds[LAUNCH_FD_ANCHOR] = anchor;
    }
    if (starter >= 0) {
        plan.fds[LAUNCH_FD_STARTER] = starter;
    }
    child->pid = child->component == BOOT_ENCLAVE ? fork_enclave(&plan.walls)
                                                  : fork_with(0);
    if (child->pid == 0) {
        reset_signals();
        stage0_become(&plan);
    }
    close(report[1]);
    close_if_open(anchor);
    if (child->pid < 0) {
        warn("fork", strerror(errno));
        close(report[0]);
        later(child);
        return;
    }
    child->report = report[0];
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void start_rtp(struct device *device)
{
    int ends[2];
    close_fd(&device->starter);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        warn("socketpair", strerror(errno));
        later(&device->rtp);
        return;
    }
    device->starter = ends[0];
    start(device, &device->rtp, ends[1]);
    close(ends[1]);
}

static void close_pairs(struct device *device)
{
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        close_fd(&device->pairs[i]);
        close_fd(&device->pair_bells[i]);
        close_fd(&device->pair_bell_ends[i]);
    }
}

// A pipe, not an eventfd: the enclave alone writes, at an end that whoever
// reads does not have: neither RTP nor program can fill it or make it block.
static bool make_bell(int *reading, int *writing)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return false;
    }
    *reading = ends[0];
    *writing = ends[1];
    return true;
}

static bool make_pairs(struct device *device)
{
    close_pairs(device);
    for (uint32_t i = 0; i < LAUNCH_PAIRS; i++) {
        const struct rotor_ipq_plan plan = {
            LAUNCH_PAIR_SLOTS, ROTOR_IPQ_FRAME_MAX,
            launch_pair_seed(device->queue_seed, i)};
        if (shared_queue_create(&plan, &device->pairs[i]) != ROTOR_OK ||
            !make_bell(&device->pair_bells[i], &device->pair_bell_ends[i])) {
            return false;
        }
    }
    return true;
}

static void start_enclave(struct device *device)
{
    close_fd(&device->queue);
    close_fd(&device->bell);
    close_fd(&device->bell_end); // till now: a hang-up would keep the RTP awake
    if (getrandom(&device->queue_seed, sizeof device->queue_seed, 0) !=
        (ssize_t)sizeof device->queue_seed) {
        warn("getrandom", strerror(errno));
    }
    const struct rotor_ipq_plan queue = {
        LAUNCH_QUEUE_SLOTS, ROTOR_IPQ_FRAME_MAX, device->queue_seed};
    if (!make_bell(&device->bell, &device->bell_end) ||
        shared_queue_create(&queue, &device->queue) != ROTOR_OK ||
        !make_pairs(device)) {
        warn("queue", strerror(errno));
        later(&device->enclave);
        return;
    }
    start(device, &device->enclave, -1);
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        // Its own alone: a program sees by the hang-up that the enclave ended.
        close_fd(&device->pair_bell_ends[i]);
    }
}

// When there is something to do for it; 0: nothing waits.
static uint64_t due_ms(const struct child *child)
{
    bool is_on_trial =
        child->pid > 0 && child->is_measured && child->running.is_trial;
    return is_on_trial ? child->started_ms + TRIAL_MS : child->restart_ms;
}

static int due_in(const struct child *child, int soonest)
{
    uint64_t due = due_ms(child);
    if (due == 0) {
        return soonest;
    }
    uint64_t now = now_ms();
    int wait = due > now ? (int)(due - now) : 0;
    return soonest < 0 || wait < soonest ? wait : soonest;
}

static void watch_trial(struct child *child)
{
    if (child->pid <= 0 || due_ms(child) == 0 || due_ms(child) > now_ms()) {
        return;
    }
    warn(linux_component_name(child->component),
         "the image on trial was not attested in time");
    child->running.is_trial = false; // once
    (void)kill(child->pid, SIGKILL);
}

int device_start_due(struct device *device)
{
    if (device->is_ending) {
        return -1;
    }
    uint64_t now = now_ms();
    bool first = device->rtp.started_ms == 0;
    if (first ||
        (device->rtp.restart_ms != 0 && device->rtp.restart_ms <= now)) {
        start_rtp(device);
    }
    if (first || (device->enclave.restart_ms != 0 &&
                  device->enclave.restart_ms <= now)) {
        start_enclave(device);
    }
    watch_trial(&device->rtp);
    watch_trial(&device->enclave);
    return due_in(&device->enclave, due_in(&device->rtp, -1));
}

// ---- talking to the RTP ----------------------------------------------------

static void tell(const struct device *device,
                 const struct launch_record *record, const int *fds,
                 size_t count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(LAUNCH_UP_FDS * sizeof(int))];
    } control;
    struct iovec content = {(void *)(uintptr_t)record, sizeof *record};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    if (count != 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    if (device->starter >= 0 &&
        sendmsg(device->starter, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        warn("telling the RTP", strerror(errno));
    }
}

static void tell_enclave_up(struct device *device)
{
    int fds[LAUNCH_UP_FDS] = {device->queue, device->bell};
    memcpy(fds + 2, device->pairs, sizeof device->pairs);
    memcpy(fds + 2 + LAUNCH_PAIRS, device->pair_bells,
           sizeof device->pair_bells);
    const struct launch_record record = {
        .notice = LAUNCH_ENCLAVE_UP,
        .value = device->queue_seed,
        .reference = device->enclave.running.measurement,
        .security_version = device->enclave.running.security_version,
    };
    // Without pairs it is one that was told of and that ends with its RTP.
    bool is_new = device->pairs[0] >= 0;
    if (is_new && device->enclave.is_measured && device->rtp.is_measured) {
        tell(device, &record, fds, COUNT_OF(fds));
        close_pairs(device); // the RTP hands them out, each once
    }
}

void device_event(struct device *device, uint32_t reason, const char *text)
{
    struct launch_record record = {.notice = LAUNCH_EVENT, .value = reason};
    (void)snprintf(record.text, sizeof record.text, "%s", text);
    tell(device, &record, NULL, 0);
}

void device_take_report(struct device *device, struct child *child)
{
    struct stage0_report report;
    ssize_t got = read(child->report, &report, sizeof report);
    close_fd(&child->report);
    if (got != (ssize_t)sizeof report) {
        return; // stage 0 failed and said why; waitpid comes next
    }
    child->running = report;
    child->is_measured = true;
    fprintf(stderr,
            "rotord: %s: version %u.%u.%u, security version %u, slot %c\n",
            linux_component_name(child->component), report.version >> 24,
            report.version >> 16 & 0xff, report.version & 0xffff,
            report.security_version, report.slot == 0 ? 'a' : 'b');
    tell_enclave_up(device);
}

static void change_slot(struct device *device, const struct child *child,
                        bool is_attested)
{
    int lock = -1;
    if (!child->is_measured ||
        linux_slots_lock(device->boot_folder, &lock) != ROTOR_OK) {
        return;
    }
    const struct linux_running running = {(uint8_t)child->running.slot,
                                          child->running.security_version};
    enum rotor_status status = linux_slots_judge(
        device->boot_folder, child->component, &running, is_attested);
    if (status != ROTOR_OK && is_attested) {
        warn(linux_component_name(child->component),
             "the running slot could not be confirmed");
    }
    close(lock);
}

// What the RTP said of an enclave before it heard that there is another.
static bool is_outdated(const struct device *device,
                        const struct launch_record *record)
{
    bool is_of_enclave = record->notice == LAUNCH_ATTESTED ||
                         record->notice == LAUNCH_REFUSED ||
                         record->notice == LAUNCH_RENEW;
    return is_of_enclave && record->value != device->queue_seed;
}

void device_take_record(struct device *device)
{
    struct launch_record record;
    char line[sizeof record.text + 32];
    ssize_t got = recv(device->starter, &record, sizeof record, MSG_DONTWAIT);
    if (got != (ssize_t)sizeof record) {
        if (got == 0) {
            close_fd(&device->starter);
        }
        return;
    }
    record.text[sizeof record.text - 1] = '\0';
    if (is_outdated(device, &record)) {
        return;
    }
    switch (record.notice) {
    case LAUNCH_ATTESTED:
        change_slot(device, &device->rtp, true);
        change_slot(device, &device->enclave, true);
        device->rtp.running.is_trial = false;
        device->enclave.running.is_trial = false;
        break;
    case LAUNCH_REFUSED:
        warn("enclave refused", record.text);
        change_slot(device, &device->enclave, false);
        if (device->enclave.pid > 0) {
            (void)kill(device->enclave.pid, SIGKILL);
        }
        break;
    case LAUNCH_RENEW:
        warn("the enclave is started anew", record.text);
        if (device->enclave.pid > 0) {
            (void)kill(device->enclave.pid, SIGKILL);
        }
        break;
    case LAUNCH_RETEST:
        if (device->enclave.pid > 0) {
            (void)kill(device->enclave.pid, SIGUSR1);
        }
        break;
    case LAUNCH_STATUS:
        (void)snprintf(line, sizeof line, "%sSTATUS=%s",
                       device->is_ready ? "" : "READY=1\n", record.text);
        if (!device->is_ready) {
            fprintf(stderr, "rotord: ready: %s\n", record.text);
        }
        device->is_ready = true;
        notify(line);
        break;
    default:
        break;
    }
}

// ---- ending ----------------------------------------------------------------

static void say_how_it_ended(const struct child *child, int status)
{
    const char *name = linux_component_name(child->component);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "rotord: warning: %s ended by signal %d (%s)\n", name,
                WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != STAGE0_FAILED) {
        fprintf(stderr, "rotord: warning: %s ended with code %d\n", name,
                WEXITSTATUS(status));
    }
}

void device_child_ended(struct device *device, pid_t pid, int status)
{
    const struct launch_record down = {.notice = LAUNCH_ENCLAVE_DOWN};
    struct child *child = pid == device->rtp.pid       ? &device->rtp
                          : pid == device->enclave.pid ? &device->enclave
                                                       : NULL;
    if (child == NULL) {
        return;
    }
    if (!device->is_ending) {
        say_how_it_ended(child, status);
    }
    close_fd(&child->report);
    later(child);
    if (child->component == BOOT_ENCLAVE) {
        tell(device, &down, NULL, 0);
    } else if (device->enclave.pid > 0) {
        (void)kill(device->enclave.pid, SIGKILL);
    }
    if (device->is_ending && device->enclave.pid > 0 && device->rtp.pid == 0) {
        (void)kill(device->enclave.pid, SIGKILL);
    }
}

void device_reload(struct device *device)
{
    // The RTP may have a new image too; its end takes the enclave along.
    device->rtp.backoff_ms = 0;
    device->enclave.backoff_ms = 0;
    device->is_ready = false; // the next status says READY=1 again
    if (device->rtp.pid > 0) {
        (void)kill(device->rtp.pid, SIGTERM);
    }
}

void device_end(struct device *device)
{
    device->is_ending = true;
    if (device->rtp.pid > 0) {
        (void)kill(device->rtp.pid, SIGTERM);
    } else if (device->enclave.pid > 0) {
        (void)kill(device->enclave.pid, SIGKILL);
    }
}
