// SPDX-License-Identifier: Apache-2.0
// Devices of the tour: set up, started, copied, asked.
#include "app/rotor/tour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

#define START_MS 15000u

// ---- names -----------------------------------------------------------------

bool tour_find_port(uint16_t port, char address[32])
{
    const int yes = 1;
    struct sockaddr_in local = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof local;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_found =
        fd >= 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, (struct sockaddr *)&local, sizeof local) == 0 &&
        getsockname(fd, (struct sockaddr *)&local, &size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    (void)snprintf(address, 32, "127.0.0.1:%u", ntohs(local.sin_port));
    return is_found;
}

bool tour_device_init(struct tour *tour, struct tour_device *device,
                      const char *name, const char *policy)
{
    *device = (struct tour_device){0};
    (void)snprintf(device->name, sizeof device->name, "%s", name);
    tour_path(tour, device->state, "%s", name);
    tour_path(tour, device->config, "%s.conf", name);
    tour_path(tour, device->log, "%s.log", name);
    return (tour_find_port(0, device->address) &&
            tour_write(device->config, policy)) ||
           tour_fail(tour, "%s: %s", device->config, strerror(errno));
}

bool tour_device_copy(struct tour *tour, const struct tour_device *from,
                      struct tour_device *copy, const char *name)
{
    *copy = (struct tour_device){0};
    (void)snprintf(copy->name, sizeof copy->name, "%s", name);
    tour_path(tour, copy->state, "%s", name);
    tour_path(tour, copy->log, "%s.log", name);
    memcpy(copy->config, from->config, sizeof copy->config);
    return (tour_find_port(0, copy->address) &&
            tour_copy_folder(from->state, copy->state)) ||
           tour_fail(tour, "%s: %s", copy->state, strerror(errno));
}

// ---- start and stop --------------------------------------------------------

// An end of the channel to a service manager, which is what we are to rotord.
static int open_notify(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.107s", path);
    (void)unlink(path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool was_told(int notify)
{
    char words[256];
    ssize_t got = recv(notify, words, sizeof words - 1, MSG_DONTWAIT);
    words[got > 0 ? got : 0] = '\0';
    return strstr(words, "READY=1") != NULL;
}

static bool has_ended(struct tour_device *device)
{
    if (waitpid(device->rotord, NULL, WNOHANG) == device->rotord) {
        device->rotord = 0;
    }
    return device->rotord == 0;
}

static bool wait_until(struct tour_device *device, int notify,
                       const char *words)
{
    uint64_t end = tour_now_ms() + START_MS;
    bool is_there = false;
    while (!is_there && tour_now_ms() < end) {
        struct pollfd watched = {notify, POLLIN, 0};
        bool was_there = words != NULL && tour_file_has(device->log, words);
        bool is_over = has_ended(device); // the log was looked at before
        (void)poll(&watched, 1, 5);
        is_there = words != NULL ? was_there : was_told(notify);
        if (is_over && !is_there) {
            return words != NULL && tour_file_has(device->log, words);
        }
    }
    return is_there;
}

static bool say_why(struct tour *tour, const struct tour_device *device)
{
    char line[256];
    bool is_said = tour_line_with(device->log, "error: ", line, sizeof line) ||
                   tour_line_with(device->log, "warning: ", line, sizeof line);
    return tour_fail(tour, "rotord of %s: %s", device->name,
                     is_said ? line : "not ready in time");
}

bool tour_device_start(struct tour *tour, struct tour_device *device,
                       const char *words)
{
    char path[TOUR_PATH_MAX];
    tour_path(tour, path, "%s.notify", device->name);
    FILE *log = fopen(device->log, "we");
    int notify = open_notify(path);
    if (log == NULL || notify < 0) {
        return tour_fail(tour, "%s: %s", device->log, strerror(errno));
    }
    const char *const arguments[] = {
        "--config", device->config,  "--state", device->state,
        "--listen", device->address, NULL};
    const struct tour_command command = {"rotord",    arguments,   -1,
                                         fileno(log), fileno(log), path};
    device->rotord = tour_spawn(tour, &command);
    bool is_good = device->rotord > 0 && wait_until(device, notify, words);
    (void)fclose(log);
    close(notify);
    if (!is_good) {
        tour_device_stop(device);
        return say_why(tour, device);
    }
    return true;
}

void tour_device_stop(struct tour_device *device)
{
    if (device->rotord > 0) {
        (void)kill(device->rotord, SIGTERM);
        (void)tour_wait(device->rotord, 5000);
        device->rotord = 0;
    }
}

// ---- ask -------------------------------------------------------------------

bool tour_device_connect(struct tour *tour, const struct tour_device *device,
                         struct rotor_client **client)
{
    char path[TOUR_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/control.sock", device->state);
    return rotor_client_open(client, path) == ROTOR_OK ||
           tour_fail(tour, "%s: %s", path, strerror(errno));
}

static bool ask(struct tour *tour, struct rotor_client *client,
                const struct rotor_request *request,
                struct rotor_completion *answer)
{
    uint64_t id = 0;
    enum rotor_status status = rotor_client_submit(client, request, &id);
    if (status == ROTOR_OK) {
        status = rotor_client_wait(client, id, 12000, answer);
    }
    if (status != ROTOR_OK) {
        return tour_fail(tour, "rotord: %s", rotor_status_name(status));
    }
    if (answer->code != WIRE_CLIENT_OK) {
        char text[256];
        clean_text(answer->text, text, sizeof text);
        return tour_fail(tour, "rotord refused: %s: %s",
                         answer->code == WIRE_CLIENT_REFUSED
                             ? wire_error_name(answer->error)
                             : wire_client_code_name(answer->code),
                         text);
    }
    return true;
}

bool tour_device_status(struct tour *tour, const struct tour_device *device,
                        struct tour_status *status)
{
    const struct rotor_request request = {.op = WIRE_OP_STATUS};
    struct rotor_room room = ROOM_OF(status->memory);
    struct rotor_completion answer;
    struct rotor_client *client = NULL;
    if (!tour_device_connect(tour, device, &client)) {
        return false;
    }
    bool is_answered = ask(tour, client, &request, &answer);
    bool is_good =
        is_answered && bytes_copy(&room, answer.payload) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_CLIENT_STATUS, bytes_in(&room),
                            &status->is) == ROTOR_OK;
    rotor_client_close(client);
    return is_good || !is_answered
               ? is_good
               : tour_fail(tour, "the status does not parse");
}

bool tour_rotate(struct tour *tour, struct rotor_client *client,
                 struct wire_head *head)
{
    const struct wire_client_rotate wish = {.reason = WIRE_REASON_OPERATOR};
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    if (wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &wish, &payload) !=
        ROTOR_OK) {
        return tour_fail(tour, "the request cannot be made");
    }
    const struct rotor_request request = {.op = WIRE_OP_ROTATE,
                                          .payload = bytes_in(&payload)};
    if (!ask(tour, client, &request, &answer)) {
        return false;
    }
    tour->rotations++;
    return wire_message_decode(&WIRE_LAYOUT_CLIENT_HEAD, answer.payload,
                               head) == ROTOR_OK ||
           tour_fail(tour, "the answer to a rotation does not parse");
}

// ---- relying parties -------------------------------------------------------

void tour_verify(const struct tour *tour, const struct tour_device *device,
                 const char *trust, struct tour_output *output)
{
    char folder[TOUR_PATH_MAX];
    tour_path(tour, folder, "%s", trust);
    const char *const arguments[] = {"verify",
                                     device->address,
                                     "--log-id",
                                     tour->log_id,
                                     "--instance",
                                     tour->instance,
                                     "--measurement",
                                     tour->measurement,
                                     "--trust",
                                     folder,
                                     NULL};
    tour_run(tour, arguments, output);
}

bool tour_party_open(struct tour *tour, struct tour_party *party,
                     const char *trust)
{
    *party = (struct tour_party){0};
    tour_path(tour, party->folder, "%s", trust);
    bool is_read = parse_digest(tour->measurement, &party->measurement) &&
                   parse_digest(tour->instance, &party->instance) &&
                   parse_digest(tour->log_id, &party->options.log_id);
    party->reference = (struct verify_reference){
        .measurements = &party->measurement,
        .measurement_count = 1,
        .instances = &party->instance,
        .instance_count = 1,
    };
    party->options.folder = party->folder;
    party->options.reference = &party->reference;
    if (!is_read ||
        !relying_open(&party->party, &party->options, &party->report.outcome)) {
        return tour_fail(tour, "trust store: %s",
                         is_read ? party->report.outcome.reason
                                 : "nothing to pin");
    }
    return true;
}
