// SPDX-License-Identifier: Apache-2.0
// The RTP image: one loop that waits for nobody.
//
//     starter socket --- queue of a new enclave, events ---.
//     clients' sockets --- requests ----------------------.|
//     bell of the queue --- frames ----------------------.||
//     worker --- finished jobs -------------------------.|||
//                                                  poll, then rtp/rtp.h
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/rtp/clients.h"
#include "app/rtp/starter.h"
#include "app/rtp/store.h"
#include "app/rtp/vigil.h"
#include "app/rtp/watch.h"
#include "app/rtp/worker.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "launch/birth.h"
#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"
#include "rtp/rtp.h"
#include "wire/walls.h"

#define VERSION "0.1.0"

// A pass of the loop takes this many frames at most; clients come between.
#define FRAMES_A_PASS 16u

static struct {
    struct rtp rtp;
    struct clients clients;
    struct shared_queue queue;
    struct doorbell bell;
    bool has_queue;
    int queue_fd;
    int bell_fd;
    int worker_fd;
    int signals;
    struct verify_reference reference;
    struct wire_digest measurements[2]; // running, and of the current entry
    struct wire_digest instance;
    uint64_t enclave_security_version;
    uint8_t birth_memory[LAUNCH_BIRTH_MAX];
    struct launch_birth birth;
    uint8_t frame[WIRE_FRAME_MAX];
    size_t frame_size; // a frame that the queue had no room for
    struct vigil vigil;
    struct watch watch;
    bool is_ending;
} app;

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ms(void)
{
    return now_ns() / 1000000;
}

// ---- rotord ----------------------------------------------------------------

static void alarm_raised(void *context, const struct rtp_alarm *alarm)
{
    (void)context;
    fprintf(stderr, "rtp: alarm: %s: %s\n", rtp_alarm_name(alarm->kind),
            alarm->text);
    if (alarm->kind == RTP_ALARM_EVIDENCE) {
        // It is paired with again, and refused again.
        (void)starter_tell(LAUNCH_REFUSED, alarm->text);
    }
}

static void drop_queue(void)
{
    if (!app.has_queue) {
        return;
    }
    app.has_queue = false;
    app.frame_size = 0;
    shared_queue_close(&app.queue);
    close(app.queue_fd);
    close(app.bell_fd);
    pairs_drop(&app.clients.pairs);
    rtp_enclave_lost(&app.rtp, now_ms());
}

// What may attest: the image that stage 0 measured just now, and the one that
// made the current entry.
static void refer(const struct launch_record *record)
{
    app.measurements[0] = record->reference;
    app.enclave_security_version = record->security_version;
    app.reference.measurement_count = 1;
    const struct wire_digest *current = &app.rtp.state.trust.measurement;
    if (!wire_digest_is_empty(current)) {
        app.measurements[1] = *current;
        app.reference.measurement_count = 2;
    }
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static void take_queue(const struct launch_record *record,
                       const int fds[LAUNCH_UP_FDS])
{
    const struct rotor_ipq_plan plan = {LAUNCH_QUEUE_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        record->value};
    drop_queue();
    enum rotor_status status =
        shared_queue_open(&app.queue, &plan, fds[0], ROTOR_IPQ_RTP);
    if (status != ROTOR_OK) {
        fprintf(stderr, "rtp: error: queue: %s\n", rotor_status_name(status));
        close_all(fds, LAUNCH_UP_FDS);
        return;
    }
    pairs_take(&app.clients.pairs, record->value, fds + 2);
    app.queue_fd = fds[0];
    app.bell_fd = fds[1];
    app.has_queue = true;
    starter_speak_of(record->value);
    watch_new_enclave(&app.watch);
    doorbell_init(&app.bell, &app.queue.channel, app.bell_fd,
                  DOORBELL_NO_EVENT);
    vigil_open(&app.vigil);
    refer(record);
    rtp_enclave_up(&app.rtp, now_ms());
}

static void take_notice(void)
{
    struct launch_record record;
    int fds[LAUNCH_UP_FDS];
    enum starter_said said = starter_hear(&record, fds);
    app.is_ending = app.is_ending || said == STARTER_GONE;
    if (said != STARTER_RECORD) {
        return;
    }
    switch (record.notice) {
    case LAUNCH_ENCLAVE_UP:
        take_queue(&record, fds);
        break;
    case LAUNCH_ENCLAVE_DOWN:
        drop_queue();
        break;
    case LAUNCH_EVENT:
        if (rtp_event(&app.rtp, now_ms(), record.value, record.text) !=
            ROTOR_OK) {
            fputs("rtp: warning: unknown kind of event\n", stderr);
        }
        break;
    default:
        break;
    }
}

static void want_retest(void)
{
    (void)starter_tell(LAUNCH_RETEST, ""); // those that wait are as good
}

// ---- what others are told --------------------------------------------------

static void describe(struct wire_client_status *status)
{
    status->version = LABEL(VERSION);
    status->walls_missing =
        (WIRE_WALL_BIT(WIRE_WALL_COUNT) - 1) & ~status->walls;
    status->pairs_left = pairs_count(&app.clients.pairs, PAIR_FREE);
    status->pairs_out = pairs_count(&app.clients.pairs, PAIR_OUT);
    status->images =
        app.birth.security_version << 32 | app.enclave_security_version;
    if (wire_digest_is_empty(&status->instance)) {
        status->instance = app.instance;
    }
}

// ---- the loop --------------------------------------------------------------

// False: the queue is dead.  *moved: something left.
static bool give_frames(uint64_t now, bool *moved)
{
    for (unsigned i = 0; i < FRAMES_A_PASS; i++) {
        struct rotor_room room = ROOM_OF(app.frame);
        if (app.frame_size == 0) {
            if (rtp_next(&app.rtp, now, &room) != ROTOR_OK) {
                break;
            }
            app.frame_size = room.used;
        }
        enum rotor_status status = rotor_ipq_push(
            &app.queue.channel.out, bytes_of(app.frame, app.frame_size));
        if (status == ROTOR_AGAIN) {
            break; // it stays the next one
        }
        if (status != ROTOR_OK) {
            return false;
        }
        app.frame_size = 0;
        *moved = true;
    }
    return doorbell_ring(&app.bell) == ROTOR_OK;
}

// False: the queue is dead.  *moved: something came.
static bool take_frames(uint64_t now, bool *moved)
{
    static uint8_t memory[WIRE_FRAME_MAX];
    for (unsigned i = 0; i < FRAMES_A_PASS; i++) {
        struct rotor_room frame = ROOM_OF(memory);
        enum rotor_status status = rotor_ipq_pop(&app.queue.channel.in, &frame);
        if (status == ROTOR_AGAIN) {
            break;
        }
        if (status != ROTOR_OK) {
            return false;
        }
        vigil_end(&app.vigil);
        clients_answer(&app.clients, now); // the RTP keeps one answer at a time
        status = rtp_take(&app.rtp, now, bytes_in(&frame));
        if (status != ROTOR_OK) {
            return false; // a frame went lost: pair again
        }
        *moved = true;
    }
    return true;
}

// True: one was taken back or handed out.
static bool move_jobs(uint64_t now)
{
    struct rtp_job *done = worker_finished();
    if (done != NULL) {
        rtp_job_done(&app.rtp, now, done);
    }
    struct rtp_job *next = rtp_job_next(&app.rtp);
    if (next != NULL) {
        worker_begin(next);
    }
    return done != NULL || next != NULL;
}

// True: something moved, which may let more move: not the time to sleep.
static bool turn(void)
{
    uint64_t now = now_ms();
    bool moved = false;
    rtp_tick(&app.rtp, now);
    if (app.has_queue &&
        !(take_frames(now, &moved) && give_frames(now, &moved))) {
        fprintf(
            stderr, "rtp: error: the enclave broke the queue: %s\n",
            rotor_ipq_rule_text(rotor_ipq_broken_rule(&app.queue.channel.in)));
        watch_refuse(&app.watch, "it broke the queue");
        drop_queue();
    }
    clients_answer(&app.clients, now);
    moved = move_jobs(now) || moved;
    watch_turn(&app.watch, app.has_queue ? &app.clients.pairs : NULL, now);
    return moved;
}

// True when an answer came while spinning.
static bool spin(void)
{
    return app.has_queue && vigil_keep(&app.vigil, &app.queue.channel,
                                       rtp_slots_awaited(&app.rtp.slots));
}

enum { AT_STARTER, AT_SIGNALS, AT_BELL, AT_WORKER, AT_CLIENTS };

static int patience(void)
{
    uint64_t now = now_ms();
    uint64_t due = rtp_wakeup(&app.rtp);
    uint64_t wait = due == RTP_NEVER ? 1000 : due > now ? due - now : 0;
    uint64_t look = DOORBELL_LOOK_NS / 1000000u;
    if (wait > 1000) {
        wait = 1000;
    }
    bool is_awaited =
        app.has_queue && (app.frame_size != 0 || rtp_awaits_frame(&app.rtp));
    if (is_awaited && wait > look) {
        wait = look;
    }
    return (int)wait;
}

static void wait_and_serve(bool is_busy)
{
    static struct pollfd watched[AT_CLIENTS + CLIENTS_POLL_MAX];
    bool may_sleep = !is_busy;
    bool is_armed = false;
    if (may_sleep && app.has_queue && rtp_awaits_frame(&app.rtp)) {
        is_armed = doorbell_arm(&app.bell, ROTOR_IPQ_FRAMES);
        may_sleep = is_armed;
    }
    watched[AT_STARTER] = (struct pollfd){LAUNCH_FD_STARTER, POLLIN, 0};
    watched[AT_SIGNALS] = (struct pollfd){app.signals, POLLIN, 0};
    watched[AT_BELL] =
        (struct pollfd){app.has_queue ? app.bell_fd : -1, POLLIN, 0};
    watched[AT_WORKER] = (struct pollfd){app.worker_fd, POLLIN, 0};
    size_t count = clients_watch(&app.clients, watched + AT_CLIENTS);
    int ready = poll(watched, AT_CLIENTS + count, may_sleep ? patience() : 0);
    if (is_armed) {
        doorbell_disarm(&app.bell);
    }
    if (ready <= 0) {
        return;
    }
    if (watched[AT_STARTER].revents != 0) {
        take_notice();
    }
    if (watched[AT_SIGNALS].revents != 0) {
        app.is_ending = true;
    }
    clients_serve(&app.clients, watched + AT_CLIENTS, count, now_ms());
}

// ---- start -----------------------------------------------------------------

static bool failed(const char *what, enum rotor_status status)
{
    fprintf(stderr, "rtp: error: %s: %s\n", what, rotor_status_name(status));
    return false;
}

static bool be_born(void)
{
    static const uint8_t zeros[LAUNCH_BIRTH_MAX];
    ssize_t size =
        pread(LAUNCH_FD_BIRTH, app.birth_memory, LAUNCH_BIRTH_MAX, 0);
    bool is_gone =
        size > 0 && pwrite(LAUNCH_FD_BIRTH, zeros, (size_t)size, 0) == size;
    close(LAUNCH_FD_BIRTH);
    if (!is_gone) {
        fputs("rtp: error: started without a birth envelope\n"
              "rtp: hint: rotord starts the RTP\n",
              stderr);
        return false;
    }
    enum rotor_status status = wire_message_decode(
        &LAUNCH_LAYOUT_BIRTH, bytes_of(app.birth_memory, (size_t)size),
        &app.birth);
    // The RTP signs nothing with its CDIs.
    secret_wipe((void *)(uintptr_t)app.birth.cdi_attest.data,
                app.birth.cdi_attest.size);
    secret_wipe((void *)(uintptr_t)app.birth.cdi_seal.data,
                app.birth.cdi_seal.size);
    return status == ROTOR_OK && app.birth.component == BOOT_RTP
               ? true
               : failed("birth envelope", ROTOR_MALFORMED);
}

// Without an authority of the operator's no recovery entry can ever be good:
// nobody knows keys of which this is the hash.
static enum rotor_status no_authority(struct wire_digest *ra)
{
    return wire_digest_make(ra, CRYPTO_SHA256, LABEL("rotor1 no authority"),
                            NULL, 0);
}

static enum rotor_status configure(struct rtp_config *config)
{
    struct launch_settings settings;
    TRY(wire_message_decode(&LAUNCH_LAYOUT_SETTINGS, app.birth.settings,
                            &settings));
    rtp_config_init(config);
    app.instance.alg = CRYPTO_SHA256;
    TRY(crypto_hash(CRYPTO_SHA256, &app.birth.uds_key, 1, app.instance.bytes));
    app.reference = (struct verify_reference){
        .measurements = app.measurements,
        .instances = &app.instance,
        .instance_count = 1,
    };
    config->reference = &app.reference;
    config->suite = (uint32_t)settings.suite;
    config->jitter_percent = (uint32_t)settings.jitter_percent;
    config->usage_limit = settings.usage_limit;
    config->seed_src = 1;
    config->policy.cryptoperiod_s = (uint32_t)settings.cryptoperiod_s;
    config->policy.grace_s = (uint32_t)settings.grace_s;
    config->policy.min_interval_s = (uint32_t)settings.min_interval_s;
    config->policy.max_per_day = (uint32_t)settings.max_per_day;
    config->policy.ra = settings.authority;
    return wire_digest_is_empty(&config->policy.ra)
               ? no_authority(&config->policy.ra)
               : ROTOR_OK;
}

static bool prepare(void)
{
    struct rtp_config config;
    struct rtp_ops ops = {.alarm = alarm_raised};
    sigset_t wanted;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    app.signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    if (!be_born()) {
        return false;
    }
    store_ops(&ops);
    enum rotor_status status = configure(&config);
    if (status != ROTOR_OK) {
        return failed("settings", status);
    }
    status = rtp_open(&app.rtp, &ops, &config, now_ms());
    if (status == ROTOR_CORRUPT) {
        fputs("rtp: error: the trust store is damaged or of another key\n"
              "rtp: hint: restore STATE/rtp from a backup; the enclave holds "
              "the root\n",
              stderr);
        return false;
    }
    if (status != ROTOR_OK) {
        return failed("trust store", status);
    }
    return worker_open(&app.worker_fd) || failed("worker", ROTOR_PORT_FAILED);
}

int main(void)
{
    if (!prepare()) {
        return 3;
    }
    clients_init(&app.clients, &app.rtp, LAUNCH_FD_CLIENTS,
                 fcntl(LAUNCH_FD_REMOTE, F_GETFD) >= 0 ? LAUNCH_FD_REMOTE : -1);
    app.clients.retest = want_retest;
    app.clients.describe = describe;
    watch_init(&app.watch, &app.rtp, &app.measurements[0]);
    while (!app.is_ending) {
        bool moved = turn();
        wait_and_serve(moved || spin());
    }
    // What a job writes lies in its memory: wiped before, zeros are written.
    worker_settle();
    rtp_wipe(&app.rtp);
    return 0;
}
