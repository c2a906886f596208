// SPDX-License-Identifier: Apache-2.0
#include "bench/rig.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/rtp/store.h"
#include "app/rtp/worker.h"
#include "base/bytes.h"
#include "bench/processor.h"
#include "bench/tally.h"
#include "crypto/suite.h"
#include "port/linux/folder.h"

#define OPEN_MS 12000u
#define SEED    42u
#define WAIT_NS 1000000u

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void alarm_raised(void *context, const struct rtp_alarm *alarm)
{
    (void)context;
    fprintf(stderr, "rtp: alarm: %s: %s\n", rtp_alarm_name(alarm->kind),
            alarm->text);
}

// ---- the enclave -----------------------------------------------------------

static int open_folder(int below, const char *name)
{
    (void)mkdirat(below, name, 0700);
    int fd = openat(below, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tally_expect(fd >= 0, name);
    return fd;
}

static size_t encode_settings(struct rig *rig)
{
    const struct launch_settings settings = {
        .suite = CRYPTO_SUITE_DEFAULT,
        .cryptoperiod_s = 86400,
        .jitter_percent = 10,
        .usage_limit = 1u << 20,
        .grace_s = 86400,
    };
    struct rotor_room room = ROOM_OF(rig->settings);
    tally_expect(wire_message_encode(&LAUNCH_LAYOUT_SETTINGS, &settings,
                                     &room) == ROTOR_OK,
                 "settings");
    return room.used;
}

static void start_enclave(struct rig *rig, int state, int queue, int bell)
{
    int report[2];
    struct stage0_plan plan = {
        .component = BOOT_ENCLAVE,
        .state_folder = state,
        .boot_folder = open_folder(state, "boot"),
        .uid = geteuid(),
        .gid = getegid(),
        .queue_seed = SEED,
        .settings = bytes_of(rig->settings, encode_settings(rig)),
    };
    tally_expect(pipe2(report, O_CLOEXEC) == 0, "pipe");
    for (int i = 0; i < LAUNCH_FD_END; i++) {
        plan.fds[i] = -1;
    }
    plan.fds[LAUNCH_FD_QUEUE] = queue;
    plan.fds[LAUNCH_FD_BELL] = bell;
    plan.fds[LAUNCH_FD_STORE] = open_folder(state, "enclave");
    plan.fds[LAUNCH_FD_HWRNG] =
        open("/dev/hwrng", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    plan.report = report[1];
    rig->enclave = fork();
    if (rig->enclave == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        stage0_become(&plan);
    }
    (void)close(report[1]);
    tally_expect(read(report[0], &rig->report, sizeof rig->report) ==
                     (ssize_t)sizeof rig->report,
                 "stage 0 refused the enclave");
    (void)close(report[0]);
}

static void open_queue(struct rig *rig, int state)
{
    const struct rotor_ipq_plan plan = {LAUNCH_QUEUE_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        SEED};
    int queue = -1;
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tally_expect(bell >= 0 && shared_queue_create(&plan, &queue) == ROTOR_OK &&
                     shared_queue_open(&rig->queue, &plan, queue,
                                       ROTOR_IPQ_RTP) == ROTOR_OK,
                 "queue");
    doorbell_init(&rig->bell, &rig->queue.channel, bell, DOORBELL_NO_EVENT);
    start_enclave(rig, state, queue, bell);
    (void)close(queue);
}

// ---- the RTP ---------------------------------------------------------------

static void configure(struct rig *rig, struct rtp_config *config)
{
    rtp_config_init(config);
    rig->reference = (struct verify_reference){
        .measurements = &rig->report.measurement,
        .measurement_count = 1,
    };
    config->reference = &rig->reference;
    config->suite = CRYPTO_SUITE_DEFAULT;
    config->seed_src = 1;
    config->policy.min_interval_s = 0;
    config->policy.max_per_day = 0;
    tally_expect(wire_digest_make(&config->policy.ra, CRYPTO_SHA256,
                                  LABEL("rotor1 no authority"), NULL,
                                  0) == ROTOR_OK,
                 "authority");
}

static void mark(struct rig *rig, uint8_t type)
{
    static const struct {
        enum wire_type type;
        enum rig_mark mark;
    } marks[] = {
        {WIRE_ROTATE,       RIG_ROTATE  },
        {WIRE_ROT_PREPARED, RIG_PREPARED},
        {WIRE_ROT_COMMIT,   RIG_COMMIT  },
        {WIRE_ROT_DONE,     RIG_DONE    },
    };
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (marks[i].type == type) {
            rig->marks_ns[marks[i].mark] = tally_now_ns();
        }
    }
}

static bool take_frame(struct rig *rig, uint64_t now)
{
    struct rotor_room room = ROOM_OF(rig->frame);
    enum rotor_status status = rotor_ipq_pop(&rig->queue.channel.in, &room);
    if (status == ROTOR_AGAIN) {
        return false;
    }
    tally_expect(status == ROTOR_OK, "the queue is dead");
    mark(rig, rig->frame[5]);
    rig->received_size = room.used;
    tally_expect(rtp_take(&rig->rtp, now, bytes_in(&room)) == ROTOR_OK,
                 "a frame was not taken");
    return true;
}

static bool give_frame(struct rig *rig, uint64_t now)
{
    struct rotor_room room = ROOM_OF(rig->frame);
    if (rtp_next(&rig->rtp, now, &room) != ROTOR_OK) {
        return false;
    }
    mark(rig, rig->frame[5]);
    rig->sent_size = room.used;
    tally_expect(rotor_ipq_push(&rig->queue.channel.out, bytes_in(&room)) ==
                         ROTOR_OK &&
                     doorbell_ring(&rig->bell) == ROTOR_OK,
                 "the queue is full");
    return true;
}

static bool move_jobs(struct rig *rig, uint64_t now)
{
    struct rtp_job *next = rtp_job_next(&rig->rtp);
    struct rtp_job *done = NULL;
    if (next != NULL) {
        worker_begin(next);
    }
    if (rig->rtp.job_is_out) {
        done = worker_finished();
    }
    if (done != NULL) {
        rtp_job_done(&rig->rtp, now, done);
    }
    return next != NULL || done != NULL;
}

// Spins for the answer to a request, as the RTP's loop does; sleeps while a
// job runs or the enclave is at an order, and leaves the processor to them.
static void await_news(struct rig *rig)
{
    if (rig->rtp.job_is_out) {
        struct pollfd finished = {rig->worker, POLLIN, 0};
        (void)poll(&finished, 1, 1);
        return;
    }
    if (rtp_slots_owed(&rig->rtp.slots) == 0) {
        tally_expect(doorbell_wait(&rig->bell, ROTOR_IPQ_FRAMES, WAIT_NS) !=
                         ROTOR_CORRUPT,
                     "the queue is dead");
        return;
    }
    for (unsigned i = 0; i < 64; i++) {
        if (rotor_ipq_channel_is_due(&rig->queue.channel, ROTOR_IPQ_FRAMES)) {
            return;
        }
        __builtin_ia32_pause();
    }
}

bool rig_turn(struct rig *rig)
{
    uint64_t now = now_ms();
    rtp_tick(&rig->rtp, now);
    bool is_moved = give_frame(rig, now);
    is_moved = take_frame(rig, now) || is_moved;
    return move_jobs(rig, now) || is_moved;
}

static void turn(struct rig *rig)
{
    if (!rig_turn(rig)) {
        await_news(rig);
    }
}

uint64_t rig_submit(struct rig *rig, uint64_t op, struct rotor_bytes payload)
{
    const struct rtp_request request = {
        .op = op, .payload = payload, .tag = ++rig->last_tag};
    tally_expect(rtp_submit(&rig->rtp, now_ms(), &request) == ROTOR_OK,
                 "the RTP takes no request");
    return request.tag;
}

bool rig_complete(struct rig *rig, struct rtp_completion *completion)
{
    return rtp_complete(&rig->rtp, now_ms(), completion) == ROTOR_OK;
}

void rig_ask(struct rig *rig, uint64_t op, struct rotor_bytes payload,
             struct rtp_completion *completion)
{
    rig->marks_ns[RIG_ASKED] = tally_now_ns();
    (void)rig_submit(rig, op, payload);
    do {
        turn(rig);
    } while (!rig_complete(rig, completion));
    rig->marks_ns[RIG_ANSWERED] = tally_now_ns();
    tally_expect(completion->code == WIRE_CLIENT_OK, completion->text);
}

void rig_open(struct rig *rig, const char *state)
{
    struct rtp_config config;
    struct rtp_ops ops = {.alarm = alarm_raised};
    int folder = -1;
    tally_expect(fcntl(LAUNCH_FD_STORE, F_GETFD) < 0, "descriptor 5 is taken");
    tally_expect(linux_folder_open(state, &folder) == ROTOR_OK &&
                     stage0_provision(folder) == ROTOR_OK,
                 "state folder");
    int store = open_folder(folder, "rtp");
    tally_expect(store == LAUNCH_FD_STORE ||
                     dup2(store, LAUNCH_FD_STORE) == LAUNCH_FD_STORE,
                 "descriptor 5");
    open_queue(rig, folder);
    store_ops(&ops);
    configure(rig, &config);
    tally_expect(rtp_open(&rig->rtp, &ops, &config, now_ms()) == ROTOR_OK &&
                     worker_open(&rig->worker),
                 "rtp_open");
    rtp_enclave_up(&rig->rtp, now_ms());
    uint64_t end = now_ms() + OPEN_MS;
    while (!rtp_is_attested(&rig->rtp) ||
           rig->rtp.channel.scope != RTP_SCOPE_FULL) {
        tally_expect(now_ms() < end, "no root came");
        turn(rig);
    }
}

void rig_pin(struct rig *rig)
{
    rig->home = processor_home();
    rig->is_pinned = true;
    if (processor_has_pair()) {
        processor_bind(0, RIG_RTP_PROCESSOR);
        processor_bind_all(getpid(), gettid(), RIG_ENCLAVE_PROCESSOR);
        processor_bind_all(rig->enclave, 0, RIG_ENCLAVE_PROCESSOR);
    }
}

void rig_close(struct rig *rig)
{
    int status = 0;
    (void)kill(rig->enclave, SIGKILL);
    tally_expect(waitpid(rig->enclave, &status, 0) == rig->enclave,
                 "the enclave did not end");
    if (rig->is_pinned) { // who is started from here on is not to be
        processor_release(&rig->home);
    }
    rtp_wipe(&rig->rtp);
}
