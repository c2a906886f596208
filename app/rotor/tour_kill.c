// SPDX-License-Identifier: Apache-2.0
// kill -9 of the enclave while it rotates, at four places of the way.
#include "app/rotor/tour.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/bytes.h"

// What is seen in the enclave's store from outside, in this order.
static const struct place {
    uint32_t event; // inotify
    const char *file;
    unsigned times; // the how manieth such event
    const char *name;
} PLACES[] = {
    {IN_CREATE,      "state.next", 1, "the next state is being written"      },
    {IN_MOVED_TO,    "state",      1, "prepared, not yet signed"             },
    {IN_CLOSE_WRITE, "attach",     1, "signed, not yet accepted"             },
    {IN_CREATE,      "state.next", 2, "accepted, the switch is being written"},
};

struct watch {
    int events;
    size_t size;
    size_t taken;
    _Alignas(struct inotify_event) char memory[4096];
};

// False: nothing came in time.
static bool next_event(struct watch *watch, const struct inotify_event **event)
{
    struct pollfd watched = {watch->events, POLLIN, 0};
    if (watch->taken == watch->size) {
        if (poll(&watched, 1, 5000) <= 0) {
            return false;
        }
        ssize_t got = read(watch->events, watch->memory, sizeof watch->memory);
        watch->size = got > 0 ? (size_t)got : 0;
        watch->taken = 0;
        if (watch->size == 0) {
            return false;
        }
    }
    *event = (const struct inotify_event *)(const void *)(watch->memory +
                                                          watch->taken);
    watch->taken += sizeof **event + (*event)->len;
    return true;
}

static bool wait_for(struct watch *watch, const struct place *place)
{
    const struct inotify_event *event = NULL;
    for (unsigned seen = 0; seen < place->times;) {
        if (!next_event(watch, &event)) {
            return false;
        }
        bool is_it = (event->mask & place->event) != 0 && event->len != 0 &&
                     strcmp(event->name, place->file) == 0;
        seen += is_it ? 1 : 0;
    }
    return true;
}

struct murder {
    const struct place *place;
    uint64_t epoch; // that the rotation must reach
    uint64_t took_ms;
};

// The request is sent before and its answer read after the death.
static bool kill_while(struct tour *tour, struct rotor_client *client,
                       struct watch *watch, struct murder *murder)
{
    const struct wire_client_rotate wish = {.reason = WIRE_REASON_OPERATOR};
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    struct wire_head head = {0};
    uint64_t id = 0;
    pid_t enclave = tour_child_of(tour->plain.rotord, "rotor-enclave");
    enum rotor_status status =
        wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &wish, &payload);
    const struct rotor_request request = {.op = WIRE_OP_ROTATE,
                                          .payload = bytes_in(&payload)};
    if (status == ROTOR_OK) {
        status = rotor_client_submit(client, &request, &id);
    }
    if (enclave == 0 || status != ROTOR_OK) {
        return tour_fail(tour, "%s: no rotation begins", murder->place->name);
    }
    bool is_there = wait_for(watch, murder->place);
    (void)kill(enclave, SIGKILL);
    uint64_t begun = tour_now_ms();
    if (!is_there) {
        return tour_fail(tour, "%s: not seen", murder->place->name);
    }
    status = rotor_client_wait(client, id, 12000, &answer);
    murder->took_ms = tour_now_ms() - begun;
    bool is_done = status == ROTOR_OK && answer.code == WIRE_CLIENT_OK &&
                   wire_message_decode(&WIRE_LAYOUT_CLIENT_HEAD, answer.payload,
                                       &head) == ROTOR_OK;
    tour->rotations += is_done ? 1 : 0;
    return (is_done && head.epoch == murder->epoch &&
            tour_child_of(tour->plain.rotord, "rotor-enclave") != enclave) ||
           tour_fail(tour, "%s: the rotation did not roll forward",
                     murder->place->name);
}

static bool open_watch(struct tour *tour, struct watch *watch)
{
    char store[TOUR_PATH_MAX + 16];
    (void)snprintf(store, sizeof store, "%s/enclave", tour->plain.state);
    watch->size = 0;
    watch->taken = 0;
    watch->events = inotify_init1(IN_CLOEXEC);
    return (watch->events >= 0 &&
            inotify_add_watch(watch->events, store,
                              IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE) >= 0) ||
           tour_fail(tour, "%s: %s", store, strerror(errno));
}

static bool kill_everywhere(struct tour *tour, struct rotor_client *client,
                            uint64_t epoch)
{
    for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
        static struct watch watch;
        struct murder murder = {.place = &PLACES[i], .epoch = epoch + i + 1};
        bool is_good = open_watch(tour, &watch) &&
                       kill_while(tour, client, &watch, &murder);
        if (watch.events >= 0) {
            close(watch.events);
        }
        if (!is_good) {
            return false;
        }
        tour_say(tour, "%-39s epoch %" PRIu64 " after %" PRIu64 " ms",
                 murder.place->name, murder.epoch, murder.took_ms);
    }
    return true;
}

static bool verify_after(struct tour *tour, uint64_t expected)
{
    static struct tour_output output;
    uint64_t epoch = 0;
    char log_id[FINGERPRINT_SIZE] = "";
    tour_verify(tour, &tour->plain, "sleeper", &output);
    bool is_good =
        output.code == EXIT_ACCEPTED &&
        tour_find_number(output.text, "epoch", &epoch) &&
        tour_find_text(output.text, "log_id", log_id, sizeof log_id) &&
        strcmp(log_id, tour->log_id) == 0 && epoch == expected;
    tour_number(tour, "epoch", epoch);
    tour_text(tour, "log_id", log_id);
    tour_say(tour, "the same log, verified: epoch %" PRIu64, epoch);
    return is_good || tour_fail(tour,
                                "rotor verify: exit code %d, epoch "
                                "%" PRIu64,
                                output.code, epoch);
}

bool tour_killed(struct tour *tour)
{
    static struct tour_status status;
    struct rotor_client *client = NULL;
    if (!tour_device_status(tour, &tour->plain, &status) ||
        !tour_device_connect(tour, &tour->plain, &client)) {
        return false;
    }
    uint64_t epoch = status.is.epoch;
    bool is_good = kill_everywhere(tour, client, epoch);
    rotor_client_close(client);
    tour_number(tour, "kills", COUNT_OF(PLACES));
    is_good = is_good && verify_after(tour, epoch + COUNT_OF(PLACES));
    tour_device_stop(&tour->plain);
    return is_good;
}
