// SPDX-License-Identifier: Apache-2.0
// Far sides of the device: who attests it, who talks to it.
#include "app/rotor/tour.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bytes.h"

#define EXCHANGE_SIZE ((size_t)64 << 20) // bytes, each way

// ---- attest ----------------------------------------------------------------

static bool was_accepted(struct tour *tour, const struct tour_output *output,
                         uint64_t *epoch, uint64_t *entries)
{
    char message[256];
    char log_id[FINGERPRINT_SIZE] = "";
    bool is_accepted =
        output->code == EXIT_ACCEPTED &&
        tour_find_number(output->text, "epoch", epoch) &&
        tour_find_number(output->text, "entries_verified", entries) &&
        tour_find_text(output->text, "log_id", log_id, sizeof log_id) &&
        strcmp(log_id, tour->log_id) == 0;
    if (!is_accepted) {
        (void)tour_was_refused(output, "", "", message);
        return tour_fail(tour, "rotor verify: exit code %d %s", output->code,
                         message);
    }
    return true;
}

bool tour_attest(struct tour *tour)
{
    static struct tour_output output;
    uint64_t epoch = 0;
    uint64_t entries = 0;
    uint64_t begun = tour_now_ms();
    // This store is not used again until the step of the sleeper.
    tour_verify(tour, &tour->plain, "sleeper", &output);
    if (!was_accepted(tour, &output, &epoch, &entries)) {
        return false;
    }
    tour_text(tour, "address", tour->plain.address);
    tour_text(tour, "log_id", tour->log_id);
    tour_text(tour, "measurement", tour->measurement);
    tour_number(tour, "epoch", epoch);
    tour_number(tour, "entries_verified", entries);
    tour_say(tour,
             "rotor verify %s: accepted, epoch %" PRIu64
             ", whole process %" PRIu64 " ms",
             tour->plain.address, epoch, tour_now_ms() - begun);
    tour_say(tour, "it pins the log, the measurement and the device's key, "
                   "and has a store of its own");
    return epoch == 0 && entries == 1
               ? true
               : tour_fail(tour, "epoch %" PRIu64 ", %" PRIu64 " entries",
                           epoch, entries);
}

bool tour_catch_up(struct tour *tour)
{
    static struct tour_output output;
    static struct tour_status status;
    uint64_t epoch = 0;
    uint64_t entries = 0;
    uint64_t begun = tour_now_ms();
    tour_verify(tour, &tour->plain, "sleeper", &output);
    uint64_t took_ms = tour_now_ms() - begun;
    if (!was_accepted(tour, &output, &epoch, &entries) ||
        !tour_device_status(tour, &tour->plain, &status)) {
        return false;
    }
    tour_number(tour, "entries_verified", entries);
    tour_number(tour, "epoch", epoch);
    tour_number(tour, "verify_ms", took_ms);
    tour_say(tour,
             "it knew epoch 0; %" PRIu64 " entries verified one by one "
             "in %" PRIu64 " ms, now epoch %" PRIu64,
             entries, took_ms, epoch);
    return epoch == status.is.epoch && entries == epoch && entries >= 100
               ? true
               : tour_fail(tour, "%" PRIu64 " entries for epoch %" PRIu64,
                           entries, epoch);
}

// ---- session ---------------------------------------------------------------

// Bytes without a pattern: xorshift64*, seeded by the kernel.
static bool make_content(const char *path)
{
    uint64_t state = 0;
    bool is_made = getrandom(&state, sizeof state, 0) == sizeof state;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t *content = MAP_FAILED;
    state |= 1;
    if (fd >= 0 && ftruncate(fd, (off_t)EXCHANGE_SIZE) == 0) {
        content = mmap(NULL, EXCHANGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                       fd, 0);
    }
    is_made = is_made && content != MAP_FAILED;
    for (size_t i = 0; is_made && i < EXCHANGE_SIZE / sizeof *content; i++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        content[i] = state * 0x2545f4914f6cdd1du;
    }
    if (content != MAP_FAILED) {
        (void)munmap(content, EXCHANGE_SIZE);
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_made;
}

static bool checksum(const char *path, uint8_t digest[32])
{
    bool is_done = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    void *content =
        size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0)
                 : MAP_FAILED;
    if (content != MAP_FAILED) {
        struct rotor_bytes bytes = bytes_of(content, (size_t)size);
        is_done = crypto_hash(CRYPTO_SHA256, &bytes, 1, digest) == ROTOR_OK;
        (void)munmap(content, (size_t)size);
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_done;
}

struct side {
    char sent[TOUR_PATH_MAX];
    char received[TOUR_PATH_MAX];
    int in, out;
    pid_t pid;
    int code;
};

static bool open_side(const struct tour *tour, struct side *side,
                      const char *name)
{
    tour_path(tour, side->sent, "%s.sent", name);
    tour_path(tour, side->received, "%s.received", name);
    side->in = -1;
    side->out = -1;
    if (make_content(side->sent)) {
        side->in = open(side->sent, O_RDONLY | O_CLOEXEC);
        side->out = open(side->received,
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    return side->in >= 0 && side->out >= 0;
}

static void close_side(struct side *side)
{
    if (side->in >= 0) {
        close(side->in);
    }
    if (side->out >= 0) {
        close(side->out);
    }
    (void)unlink(side->sent);
    (void)unlink(side->received);
}

static pid_t start_side(const struct tour *tour, const struct side *side,
                        const char *const *arguments)
{
    const struct tour_command command = {"rotor",   arguments, side->in,
                                         side->out, -1,        NULL};
    return tour_spawn(tour, &command);
}

// The listener may need a moment until its port is there.  Connections of
// others that are over hold the same number for a minute, on either side.
static bool wait_for_port(const char *address)
{
    char entry[32];
    unsigned port = 0;
    uint64_t end = tour_now_ms() + 5000;
    (void)sscanf(strrchr(address, ':') + 1, "%5u", &port);
    (void)snprintf(entry, sizeof entry, ":%04X 00000000:0000 0A", port);
    while (tour_now_ms() < end) {
        if (tour_file_has("/proc/net/tcp", entry)) {
            return true;
        }
        (void)usleep(2000);
    }
    return false;
}

static bool exchange(struct tour *tour, struct side *device, struct side *far,
                     const char *address, uint64_t *took_ms)
{
    char store[TOUR_PATH_MAX];
    const char *const listen[] = {"session", "listen",          address,
                                  "--state", tour->plain.state, NULL};
    tour_path(tour, store, "talker");
    const char *const connect[] = {
        "session",         "connect",    address,
        "--log-id",        tour->log_id, "--measurement",
        tour->measurement, "--instance", tour->instance,
        "--trust",         store,        NULL};
    device->pid = start_side(tour, device, listen);
    if (device->pid < 0 || !wait_for_port(address)) {
        return tour_fail(tour, "rotor session listen does not listen");
    }
    uint64_t begun = tour_now_ms();
    far->pid = start_side(tour, far, connect);
    far->code = tour_wait(far->pid, 20000);
    device->code = tour_wait(device->pid, 5000);
    *took_ms = tour_now_ms() - begun;
    return (far->code == EXIT_ACCEPTED && device->code == EXIT_ACCEPTED) ||
           tour_fail(tour,
                     "rotor session: exit codes %d (listen), %d "
                     "(connect)",
                     device->code, far->code);
}

static bool compare(struct tour *tour, const struct side *from,
                    const struct side *to, const char *key)
{
    struct wire_digest sent = {.alg = CRYPTO_SHA256};
    struct wire_digest received = {.alg = CRYPTO_SHA256};
    char text[FINGERPRINT_SIZE];
    bool is_equal = checksum(from->sent, sent.bytes) &&
                    checksum(to->received, received.bytes) &&
                    wire_digest_equal(&sent, &received);
    fingerprint(&sent, text);
    tour_text(tour, key, text);
    tour_say(tour, "%-12s %s %s", key, text,
             is_equal ? "on both sides" : "DIFFERS");
    return is_equal || tour_fail(tour, "%s: checksums differ", key);
}

static bool talk(struct tour *tour, struct side *device, struct side *far)
{
    struct tour_device port; // for a free address
    uint64_t took_ms = 0;
    if (!tour_device_init(tour, &port, "session", "")) {
        return false;
    }
    if (!open_side(tour, device, "device") || !open_side(tour, far, "far")) {
        return tour_fail(tour, "content: %s", strerror(errno));
    }
    if (!exchange(tour, device, far, port.address, &took_ms)) {
        return false;
    }
    double rate =
        2.0 * (double)EXCHANGE_SIZE / 1e3 / (double)(took_ms > 0 ? took_ms : 1);
    tour_number(tour, "bytes_each_way", EXCHANGE_SIZE);
    tour_number(tour, "exchange_ms", took_ms);
    tour_real(tour, "megabytes_per_second", rate);
    tour_say(tour,
             "handshake and 2 x 64 MiB in %" PRIu64 " ms: %.0f MB/s, "
             "both ways together",
             took_ms, rate);
    return compare(tour, far, device, "to_device") &&
           compare(tour, device, far, "from_device");
}

bool tour_session(struct tour *tour)
{
    struct side device = {.in = -1, .out = -1};
    struct side far = {.in = -1, .out = -1};
    bool is_good = talk(tour, &device, &far);
    close_side(&device);
    close_side(&far);
    return is_good;
}
