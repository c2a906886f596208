// SPDX-License-Identifier: Apache-2.0
// Rotations under load: two relying parties, each a process of its own, ask
// without pause and verify every answer.
#include "app/rotor/tour.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define CLIENTS     2u
#define ROTATIONS   100u
#define IDLE_MS     1500u
#define SAMPLES_MAX 200000u // a phase of a client

enum phase { PHASE_WAIT, PHASE_IDLE, PHASE_ROTATING, PHASE_END, PHASES };

// In memory that the clients share with the tour.
struct client {
    _Atomic uint32_t is_ready;
    _Atomic uint32_t requests;
    _Atomic uint32_t accepted;
    _Atomic uint32_t refused; // by the device, or an answer that is not good
    uint64_t entries;         // taken on the way
    char why[256];            // of the first refusal
    uint32_t count[PHASES];
    uint32_t latency_us[PHASES][SAMPLES_MAX];
};

struct load {
    _Atomic int phase;
    struct client client[CLIENTS];
};

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// ---- a client --------------------------------------------------------------

// The device behind a stopwatch.
struct timed {
    struct relying_device device;
    struct load *load;
    struct client *client;
};

static enum rotor_status ask(void *context, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_room *reply,
                             struct relying_refusal *refusal)
{
    struct timed *timed = context;
    struct client *client = timed->client;
    int phase = atomic_load(&timed->load->phase);
    uint64_t begun = now_us();
    enum rotor_status status =
        timed->device.ask(timed->device.context, op, payload, reply, refusal);
    if (op == WIRE_OP_ATTEST && client->count[phase] < SAMPLES_MAX) {
        client->latency_us[phase][client->count[phase]++] =
            (uint32_t)(now_us() - begun);
    }
    return status;
}

static void attest_without_pause(struct tour_party *party, struct timed *timed)
{
    const struct relying_device device = {timed, ask};
    const struct relying_wish wish = {0};
    struct client *client = timed->client;
    while (atomic_load(&timed->load->phase) != PHASE_END) {
        party->report = (struct relying_report){.steps = 0};
        atomic_fetch_add(&client->requests, 1);
        bool is_good =
            relying_attest(&party->party, &device, &wish, &party->report) &&
            party->report.outcome.is_accepted &&
            verify_answer_is_accepted(&party->report.answer);
        client->entries += party->report.steps;
        if (is_good) {
            atomic_fetch_add(&client->accepted, 1);
        } else if (atomic_fetch_add(&client->refused, 1) == 0) {
            (void)snprintf(client->why, sizeof client->why, "%.250s",
                           party->report.outcome.reason);
        }
        atomic_store(&client->is_ready, 1);
    }
}

static _Noreturn void be_client(struct tour *tour, struct load *load,
                                size_t index)
{
    static struct tour_party party;
    struct rotor_client *connection = NULL;
    char trust[32];
    struct timed timed = {.load = load, .client = &load->client[index]};
    (void)snprintf(trust, sizeof trust, "client-%zu", index + 1);
    if (!tour_party_open(tour, &party, trust) ||
        rotor_client_connect(&connection, tour->plain.address) != ROTOR_OK) {
        (void)snprintf(timed.client->why, sizeof timed.client->why, "%.250s",
                       tour->why[0] != '\0' ? tour->why : strerror(errno));
        _exit(1);
    }
    timed.device = relying_device_of(connection);
    attest_without_pause(&party, &timed);
    rotor_client_close(connection);
    relying_close(&party.party);
    _exit(0);
}

// ---- figures ---------------------------------------------------------------

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct figures {
    size_t count;
    double p50_ms, p99_ms, most_ms;
};

static double at(const uint32_t *sorted, size_t count, size_t percent)
{
    size_t index = count * percent / 100;
    return count == 0
               ? 0
               : (double)sorted[index < count ? index : count - 1] / 1000;
}

// Both clients together.
static struct figures figures_of(const struct load *load, enum phase phase)
{
    struct figures figures = {0};
    uint32_t *all = calloc((size_t)CLIENTS * SAMPLES_MAX, sizeof *all);
    if (all == NULL) {
        return figures;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *client = &load->client[i];
        memcpy(all + figures.count, client->latency_us[phase],
               client->count[phase] * sizeof *all);
        figures.count += client->count[phase];
    }
    qsort(all, figures.count, sizeof *all, by_size);
    figures.p50_ms = at(all, figures.count, 50);
    figures.p99_ms = at(all, figures.count, 99);
    figures.most_ms = at(all, figures.count, 100);
    free(all);
    return figures;
}

static void say_figures(struct tour *tour, const char *name,
                        const struct figures *figures)
{
    char key[40];
    tour_say(tour,
             "%-9s %6zu answers, p50 %.2f ms, p99 %.2f ms, longest "
             "%.1f ms",
             name, figures->count, figures->p50_ms, figures->p99_ms,
             figures->most_ms);
    (void)snprintf(key, sizeof key, "%s_requests", name);
    tour_number(tour, key, figures->count);
    (void)snprintf(key, sizeof key, "%s_p50_ms", name);
    tour_real(tour, key, figures->p50_ms);
    (void)snprintf(key, sizeof key, "%s_p99_ms", name);
    tour_real(tour, key, figures->p99_ms);
}

// ---- the step --------------------------------------------------------------

static void pause_ms(uint64_t ms)
{
    const struct timespec wait = {(time_t)(ms / 1000),
                                  (long)(ms % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}

static bool all_are_ready(struct tour *tour, struct load *load)
{
    uint64_t end = tour_now_ms() + 10000;
    for (size_t i = 0; i < CLIENTS;) {
        if (atomic_load(&load->client[i].is_ready) != 0) {
            i++;
        } else if (tour_now_ms() > end) {
            return tour_fail(tour, "client %zu does not get going: %.200s",
                             i + 1, load->client[i].why);
        } else {
            pause_ms(2);
        }
    }
    return true;
}

static bool rotate_all(struct tour *tour, struct load *load)
{
    struct rotor_client *client = NULL;
    struct wire_head head = {0};
    uint64_t done = 0;
    if (!tour_device_connect(tour, &tour->plain, &client)) {
        return false;
    }
    atomic_store(&load->phase, PHASE_ROTATING);
    uint64_t begun = tour_now_ms();
    while (done < ROTATIONS && tour_rotate(tour, client, &head)) {
        done++;
    }
    double each_ms =
        (double)(tour_now_ms() - begun) / (double)(done > 0 ? done : 1);
    rotor_client_close(client);
    tour_number(tour, "rotations", done);
    tour_number(tour, "epoch", head.epoch);
    tour_real(tour, "rotation_ms", each_ms);
    tour_say(tour, "%" PRIu64 " rotations, %.1f ms each, now epoch %" PRIu64,
             done, each_ms, head.epoch);
    return done == ROTATIONS;
}

static bool run_load(struct tour *tour, struct load *load)
{
    if (!all_are_ready(tour, load)) {
        return false;
    }
    atomic_store(&load->phase, PHASE_IDLE);
    pause_ms(IDLE_MS);
    return rotate_all(tour, load);
}

static bool conclude(struct tour *tour, struct load *load)
{
    uint64_t requests = 0;
    uint64_t refused = 0;
    uint64_t entries = 0;
    const char *why = "";
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *client = &load->client[i];
        requests += atomic_load(&client->requests);
        refused += atomic_load(&client->refused);
        entries += client->entries;
        why = client->why[0] != '\0' ? client->why : why;
    }
    const struct figures idle = figures_of(load, PHASE_IDLE);
    const struct figures busy = figures_of(load, PHASE_ROTATING);
    tour->requests += requests;
    tour->refused += refused;
    tour_number(tour, "requests", requests);
    tour_number(tour, "refused", refused);
    say_figures(tour, "idle", &idle);
    say_figures(tour, "rotating", &busy);
    tour_say(tour,
             "%" PRIu64 " attestations asked for and verified, %" PRIu64
             " refused; %" PRIu64 " entries taken on the way",
             requests - refused, refused, entries);
    return refused == 0 ||
           tour_fail(tour, "%" PRIu64 " refused, first: %s", refused, why);
}

bool tour_rotations(struct tour *tour)
{
    pid_t clients[CLIENTS] = {0};
    int codes = 0;
    struct load *load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load == MAP_FAILED) {
        return tour_fail(tour, "shared memory: %s", strerror(errno));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = tour_fork();
        if (clients[i] == 0) {
            be_client(tour, load, i);
        }
    }
    bool is_good = run_load(tour, load);
    atomic_store(&load->phase, PHASE_END);
    for (size_t i = 0; i < CLIENTS; i++) {
        codes |= clients[i] > 0 ? tour_wait(clients[i], 15000) : -1;
    }
    is_good = is_good && conclude(tour, load);
    (void)munmap(load, sizeof *load);
    return is_good && (codes == 0 || tour_fail(tour, "a client broke off"));
}
