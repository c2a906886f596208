// SPDX-License-Identifier: Apache-2.0
#include "port/linux/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/entropy_rdseed.h"

// Half of what their makers say of both (8 bits a byte).
#define CONDITIONED_MILLIBITS 4000u

// 128 bytes at 4 bits each: getrandom alone meets what a draw needs.
#define GETRANDOM_BLOCK 128u

// Four words.  A word may take 30 us where the processor mostly refuses.
#define RDSEED_BLOCK 32u

// What virtio-rng hands out at once; it makes about 9 KiB/s.
#define SLOW_BLOCK 64u

// How long that takes.  Asking sooner makes a virtual machine leave its
// processor, in the middle of an answer, and mostly for nothing.
#define SLOW_BLOCK_MS 10u

// The pool is empty only early in boot, long before there is an enclave.
#define GETRANDOM_PATIENCE 16u

// In a row, each of RDSEED_TRIES tries.
#define RDSEED_PATIENCE 16u

// EINTR is "again" too: the front asks once more.
static enum rotor_status outcome(ssize_t size, struct rotor_room *raw)
{
    raw->used = size > 0 ? (size_t)size : 0;
    if (size > 0) {
        return ROTOR_OK;
    }
    bool is_empty = size < 0 && (errno == EAGAIN || errno == EINTR);
    return is_empty ? ROTOR_AGAIN : ROTOR_PORT_FAILED;
}

static enum rotor_status read_getrandom(void *context, struct rotor_room *raw)
{
    (void)context;
    return outcome(getrandom(raw->data, raw->capacity, GRND_NONBLOCK), raw);
}

static enum rotor_status read_rdseed(void *context, struct rotor_room *raw)
{
    (void)context;
    return rdseed_fill(rdseed_execute, raw);
}

static enum rotor_status read_descriptor(void *context, struct rotor_room *raw)
{
    const int *fd = context;
    return outcome(read(*fd, raw->data, raw->capacity), raw);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static enum rotor_status read_hwrng(void *context, struct rotor_room *raw)
{
    struct linux_entropy *linux_entropy = context;
    uint64_t now = now_ms();
    if (now - linux_entropy->hwrng_asked_ms < SLOW_BLOCK_MS) {
        return ROTOR_AGAIN;
    }
    linux_entropy->hwrng_asked_ms = now;
    return read_descriptor(&linux_entropy->hwrng_fd, raw);
}

// 8-bit samples of 4 bits each, words of 64 bits; the rest is the source's own.
static struct entropy_source *add(struct linux_entropy *linux_entropy,
                                  const char *name)
{
    struct entropy_source *source =
        &linux_entropy->sources[linux_entropy->count++];
    *source = (struct entropy_source){
        .name = name,
        .block_size = SLOW_BLOCK,
        .word_size = sizeof(uint64_t),
        .sample_bits = 8,
        .sample_millibits = CONDITIONED_MILLIBITS,
    };
    return source;
}

static void add_getrandom(struct linux_entropy *linux_entropy)
{
    struct entropy_source *source = add(linux_entropy, "getrandom");
    source->read = read_getrandom;
    source->block_size = GETRANDOM_BLOCK;
    source->credit_millibits = CONDITIONED_MILLIBITS;
    source->patience_count = GETRANDOM_PATIENCE;
    source->is_required = true;
}

static void add_rdseed(struct linux_entropy *linux_entropy,
                       const char *cpuinfo_path)
{
    struct entropy_source *source = add(linux_entropy, "rdseed");
    source->block_size = RDSEED_BLOCK;
    source->credit_millibits = CONDITIONED_MILLIBITS;
    source->patience_count = RDSEED_PATIENCE;
    if (rdseed_is_offered() && linux_cpuinfo_has_flag(cpuinfo_path, "rdseed")) {
        source->read = read_rdseed;
    }
}

static const char *or_default(const char *path, const char *standard)
{
    return path != NULL ? path : standard;
}

static void add_hwrng(struct linux_entropy *linux_entropy,
                      const struct linux_entropy_options *options)
{
    struct entropy_source *source = add(linux_entropy, "hwrng");
    linux_entropy->hwrng_fd =
        options->hwrng_fd > 0
            ? fcntl(options->hwrng_fd, F_DUPFD_CLOEXEC, 0)
            : open(or_default(options->hwrng_path, "/dev/hwrng"),
                   O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (linux_entropy->hwrng_fd >= 0) {
        source->read = read_hwrng;
        source->context = linux_entropy;
    }
}

static bool make_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void add_plugged(struct linux_entropy *linux_entropy,
                        const struct linux_entropy_options *options)
{
    struct entropy_source *source = add(linux_entropy, options->plugged_name);
    linux_entropy->plugged_fd = options->plugged_fd;
    source->read = read_descriptor;
    source->context = &linux_entropy->plugged_fd;
    source->is_required = options->plugged_is_required;
}

enum rotor_status
linux_entropy_open(struct linux_entropy *linux_entropy,
                   const struct linux_entropy_options *options)
{
    *linux_entropy = (struct linux_entropy){.hwrng_fd = -1, .plugged_fd = -1};
    bool is_plugged = options->plugged_name != NULL;
    if (is_plugged && !make_non_blocking(options->plugged_fd)) {
        return ROTOR_INVALID;
    }
    add_getrandom(linux_entropy);
    add_rdseed(linux_entropy,
               or_default(options->cpuinfo_path, "/proc/cpuinfo"));
    add_hwrng(linux_entropy, options);
    if (is_plugged) {
        add_plugged(linux_entropy, options);
    }
    return ROTOR_OK;
}

void linux_entropy_close(struct linux_entropy *linux_entropy)
{
    if (linux_entropy->hwrng_fd >= 0) {
        (void)close(linux_entropy->hwrng_fd);
    }
    *linux_entropy = (struct linux_entropy){.hwrng_fd = -1, .plugged_fd = -1};
}

// ---- /proc/cpuinfo ---------------------------------------------------------

// Cuts `line` into words, the first of which is "flags".
static bool line_names(char *line, const char *flag)
{
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t:\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t:\n", &rest)) {
        if (strcmp(word, flag) == 0) {
            return true;
        }
    }
    return false;
}

bool linux_cpuinfo_has_flag(const char *path, const char *flag)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    char *line = NULL;
    size_t capacity = 0;
    bool is_named = false;
    while (getline(&line, &capacity, file) > 0) {
        if (strncmp(line, "flags", 5) == 0) {
            is_named = line_names(line, flag);
            break;
        }
    }
    free(line);
    (void)fclose(file);
    return is_named;
}
