// SPDX-License-Identifier: Apache-2.0
// The tour's first steps: images, walls, root, limits.
#include "app/rotor/tour.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/walls.h"

// ---- images ----------------------------------------------------------------

static bool run_image(struct tour *tour, const char *const *arguments,
                      struct tour_output *output)
{
    char message[256] = "";
    tour_run(tour, arguments, output);
    if (output->code == EXIT_ACCEPTED) {
        return true;
    }
    (void)tour_find_text(output->text, "message", message, sizeof message);
    return tour_fail(tour, "rotor image %s: exit code %d %s", arguments[1],
                     output->code, message);
}

struct signing {
    const char *component;
    const char *program;
    const char *version;
    const char *security_version;
    const char *image;
};

static bool sign(struct tour *tour, const struct signing *signing)
{
    static struct tour_output output;
    char program[TOUR_PATH_MAX];
    tour_path(tour, program, "bin/%s", signing->program);
    const char *const arguments[] = {"image",
                                     "sign",
                                     "--key",
                                     "key.pem",
                                     "--component",
                                     signing->component,
                                     "--version",
                                     signing->version,
                                     "--security-version",
                                     signing->security_version,
                                     "--out",
                                     signing->image,
                                     program,
                                     NULL};
    return run_image(tour, arguments, &output);
}

static bool sign_all(struct tour *tour)
{
    static const struct signing all[] = {
        {"rtp",     "rotor-rtp",     "1.1.0", "2", "rtp.img"    },
        {"enclave", "rotor-enclave", "1.1.0", "2", "enclave.img"},
        {"enclave", "rotor-enclave", "1.0.0", "1", "old.img"    },
    };
    static const char *const keygen[] = {"image", "keygen", "--out", "key.pem",
                                         NULL};
    static const char *const keyring[] = {"image",   "keyring", "--out",
                                          "keyring", "key.pem", NULL};
    static struct tour_output output;
    bool is_good =
        run_image(tour, keygen, &output) && run_image(tour, keyring, &output);
    for (size_t i = 0; is_good && i < COUNT_OF(all); i++) {
        is_good = sign(tour, &all[i]);
    }
    return is_good;
}

static bool install(struct tour *tour, const struct tour_device *device)
{
    static const char *const images[] = {"rtp.img", "enclave.img"};
    static struct tour_output output;
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        const char *const arguments[] = {"image",       "install",   "--state",
                                         device->state, "--keyring", "keyring",
                                         "--activate",  images[i],   NULL};
        if (!run_image(tour, arguments, &output)) {
            return false;
        }
    }
    return true;
}

static bool show_image(struct tour *tour, const char *image, const char *name)
{
    static struct tour_output output;
    char verdict[64] = "";
    char version[32] = "";
    char key[40];
    char digest[160] = "";
    uint64_t size = 0;
    const char *const arguments[] = {"image",   "inspect", "--keyring",
                                     "keyring", image,     NULL};
    bool is_said =
        run_image(tour, arguments, &output) &&
        tour_find_text(output.text, "verdict", verdict, sizeof verdict) &&
        tour_find_text(output.text, "version", version, sizeof version) &&
        tour_find_text(output.text, "sha512", digest, sizeof digest) &&
        tour_find_number(output.text, "size", &size);
    if (!is_said || strcmp(verdict, "genuine") != 0) {
        return tour->why[0] != '\0' ? false
                                    : tour_fail(tour, "%s: %s", image, verdict);
    }
    (void)snprintf(key, sizeof key, "%s_sha512", name);
    tour_text(tour, key, digest);
    (void)snprintf(key, sizeof key, "%s_bytes", name);
    tour_number(tour, key, size);
    tour_say(tour,
             "%-8s version %s, security version 2, %.1f MiB, ECDSA "
             "P-256 signature verified",
             name, version, (double)size / 1048576);
    return true;
}

bool tour_images(struct tour *tour)
{
    // Says so in a file: nothing of this machine's own settings counts.
    static const char policy[] = "; the default policy\n";
    static struct tour_status status;
    char text[FINGERPRINT_SIZE];
    if (!sign_all(tour) ||
        !tour_device_init(tour, &tour->strict, "strict", policy) ||
        !install(tour, &tour->strict) || !show_image(tour, "rtp.img", "rtp") ||
        !show_image(tour, "enclave.img", "enclave") ||
        !tour_device_start(tour, &tour->strict, NULL) ||
        !tour_device_status(tour, &tour->strict, &status)) {
        return false;
    }
    if (status.is.images != (2ull << 32 | 2)) {
        return tour_fail(tour, "the running images are not the signed ones");
    }
    fingerprint(&status.is.measurement, text);
    tour_text(tour, "measurement", text);
    tour_say(tour, "measured by stage 0 and attested: %s", text);
    tour_say(tour, "run from sealed memory: exactly the bytes that were "
                   "measured");
    return true;
}

// ---- walls -----------------------------------------------------------------

static void wall_words(uint64_t walls, char words[512])
{
    size_t used = 0;
    words[0] = '\0';
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        if ((walls & WIRE_WALL_BIT(i)) != 0 && used < 440) {
            used += (size_t)snprintf(words + used, 512 - used, "%s%s",
                                     used == 0 ? "" : " ", wire_wall_name(i));
        }
    }
}

// Words over several lines, broken at spaces.
static void say_words(struct tour *tour, const char *name, const char *words)
{
    const size_t width = 64;
    while (words[0] != '\0') {
        size_t size = strlen(words);
        if (size > width) {
            size = width;
            while (size > 1 && words[size] != ' ') {
                size--;
            }
        }
        tour_say(tour, "%-9s %.*s", name, (int)size, words);
        name = "";
        words += size;
        words += strspn(words, " ");
    }
}

// A number of /proc/PID/status; -1: not there.
static long kernel_says(pid_t pid, const char *name)
{
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    if (!tour_line_with(path, name, line, sizeof line)) {
        return -1;
    }
    return strtol(line + strlen(name), NULL, 10);
}

// The queue's seals, through a descriptor of rotord's; 0: not found.
static int queue_seals(pid_t rotord)
{
    char path[64];
    int seals = 0;
    const struct dirent *entry = NULL;
    (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)rotord);
    DIR *folder = opendir(path);
    while (folder != NULL && seals == 0 && (entry = readdir(folder)) != NULL) {
        char target[128];
        ssize_t size =
            readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[size > 0 ? size : 0] = '\0';
        if (strncmp(target, "/memfd:", 7) != 0) {
            continue;
        }
        int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
        seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : 0;
        if (fd >= 0) {
            close(fd);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return seals > 0 ? seals : 0;
}

bool tour_walls(struct tour *tour)
{
    static struct tour_status status;
    char up[512];
    char missing[512];
    char path[64];
    struct stat state = {0};
    if (!tour_device_status(tour, &tour->strict, &status)) {
        return false;
    }
    pid_t enclave = tour_child_of(tour->strict.rotord, "rotor-enclave");
    wall_words(status.is.walls, up);
    wall_words(status.is.walls_missing, missing);
    tour_words(tour, "up", up);
    tour_words(tour, "missing", missing);
    say_words(tour, "up", up);
    say_words(tour, "missing", missing[0] != '\0' ? missing : "none");

    // Files there are root's when the process is not dumpable.
    (void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)enclave);
    long seccomp = kernel_says(enclave, "Seccomp:");
    long no_new_privs = kernel_says(enclave, "NoNewPrivs:");
    bool is_hidden = enclave > 0 && stat(path, &state) == 0 &&
                     state.st_uid == 0 && getuid() != 0;
    int seals = queue_seals(tour->strict.rotord);
    bool is_sealed = (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) ==
                     (F_SEAL_SHRINK | F_SEAL_GROW);
    tour_number(tour, "kernel_seccomp", seccomp > 0 ? (uint64_t)seccomp : 0);
    tour_flag(tour, "kernel_no_new_privs", no_new_privs == 1);
    tour_flag(tour, "kernel_non_dumpable", is_hidden);
    tour_flag(tour, "kernel_sealed_queue", is_sealed);
    tour_say(tour,
             "the kernel agrees: seccomp filter %s, no-new-privs %s, "
             "non-dumpable %s, queue sealed %s",
             seccomp == 2 ? "yes" : "NO", no_new_privs == 1 ? "yes" : "NO",
             is_hidden ? "yes" : "NO", is_sealed ? "yes" : "NO");
    if ((status.is.walls & WIRE_WALLS_REQUIRED) != WIRE_WALLS_REQUIRED) {
        return tour_fail(tour, "a required wall is not up");
    }
    return (seccomp == 2 && no_new_privs == 1 && is_hidden && is_sealed) ||
           tour_fail(tour, "the kernel does not confirm a required wall");
}

// ---- root ------------------------------------------------------------------

static void say_entropy(struct tour *tour, struct rotor_bytes report)
{
    char words[512];
    clean_text(report, words, sizeof words);
    size_t begin = 0;
    size_t used = 0;
    for (size_t i = 0; i < report.size && i < sizeof words; i++) {
        if (report.data[i] != '\n') {
            continue;
        }
        char line[120];
        clean_text(bytes_of(report.data + begin, i - begin), line, sizeof line);
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s",
                                 used == 0 ? "" : "; ", line);
        begin = i + 1;
        if (used >= sizeof words - sizeof line) {
            break;
        }
    }
    tour_text(tour, "entropy", words);
    say_words(tour, "entropy", words);
}

bool tour_root(struct tour *tour)
{
    static struct tour_status status;
    char log[FINGERPRINT_SIZE];
    char root[FINGERPRINT_SIZE];
    if (!tour_device_status(tour, &tour->strict, &status)) {
        return false;
    }
    fingerprint(&status.is.log_id, log);
    fingerprint(&status.is.sign_kid, root);
    tour_text(tour, "log_id", log);
    tour_text(tour, "fingerprint", root);
    tour_number(tour, "epoch", status.is.epoch);
    tour_text(tour, "suite", suite_name(status.is.suite));
    tour_text(tour, "level", level_name(status.is.level));
    tour_text(tour, "anchor", anchor_name(status.is.anchor_kind));
    tour_say(tour, "log       %s", log);
    tour_say(tour, "root      %s, epoch %" PRIu64 ", suite %s", root,
             status.is.epoch, suite_name(status.is.suite));
    tour_say(tour, "level     %s; anchor %s", level_name(status.is.level),
             anchor_name(status.is.anchor_kind));
    say_entropy(tour, status.is.report);
    bool is_healthy = bytes_are_empty(status.is.report) == false &&
                      memmem(status.is.report.data, status.is.report.size,
                             ": healthy", 9) != NULL;
    if (!is_healthy) {
        return tour_fail(tour, "no entropy source is healthy");
    }
    return (!wire_digest_is_empty(&status.is.log_id) && status.is.epoch == 0) ||
           tour_fail(tour, "no root of epoch 0");
}

// ---- limits ----------------------------------------------------------------

bool tour_rate_limit(struct tour *tour)
{
    static struct tour_output output;
    const char *const arguments[] = {"rotate", "--state", tour->strict.state,
                                     NULL};
    char message[256];
    uint64_t seconds = 0;
    uint64_t granted = 0;
    bool is_refused = false;
    // The first one may still be within the budget.
    for (int i = 0; i < 2 && !is_refused; i++) {
        tour_run(tour, arguments, &output);
        is_refused = tour_was_refused(&output, "RATE_LIMIT", "", message);
        granted += output.code == EXIT_ACCEPTED ? 1 : 0;
    }
    (void)tour_find_number(output.text, "retry_s", &seconds);
    tour->rotations += granted;
    tour_number(tour, "granted", granted);
    tour_number(tour, "retry_s", seconds);
    tour_text(tour, "reason", message);
    tour_device_stop(&tour->strict);
    if (!is_refused) {
        return tour_fail(tour,
                         "two rotations at once were not refused: exit "
                         "code %d %s",
                         output.code, message);
    }
    tour_say(tour, "rotor rotate, %s: %s",
             granted == 0 ? "right behind the first root" : "the second one",
             message);
    return seconds > 0 || tour_fail(tour, "no word of when to come back");
}

bool tour_no_limits(struct tour *tour)
{
    static const char policy[] = "; for the tour only: no limits\n"
                                 "[rotation]\n"
                                 "min-interval = 0\n"
                                 "max-per-day = 0\n";
    static struct tour_status status;
    char store[TOUR_PATH_MAX + 16];
    char old[TOUR_PATH_MAX];
    if (!tour_device_init(tour, &tour->plain, "plain", policy) ||
        !install(tour, &tour->plain) ||
        !tour_device_start(tour, &tour->plain, NULL) ||
        !tour_device_status(tour, &tour->plain, &status)) {
        return false;
    }
    fingerprint(&status.is.log_id, tour->log_id);
    fingerprint(&status.is.measurement, tour->measurement);
    fingerprint(&status.is.instance, tour->instance);
    tour_text(tour, "log_id", tour->log_id);
    tour_text(tour, "instance", tour->instance);
    tour_number(tour, "min_interval_s", status.is.limits.min_interval_s);
    tour_number(tour, "max_per_day", status.is.limits.max_per_day);
    tour_say(tour, "limits    none: test limits, not for production; its "
                   "evidence says so");
    tour_say(tour, "log       %s", tour->log_id);
    tour_say(tour, "device    %s", tour->instance);
    // For the step that puts the store back.
    (void)snprintf(store, sizeof store, "%s/enclave", tour->plain.state);
    tour_path(tour, old, "enclave.old");
    if (!tour_copy_folder(store, old)) {
        return tour_fail(tour, "%s: %s", old, strerror(errno));
    }
    return (status.is.limits.min_interval_s == 0 &&
            status.is.limits.max_per_day == 0) ||
           tour_fail(tour, "the policy has limits");
}
