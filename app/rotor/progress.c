// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/rotor/command.h"

#define BAR_WIDTH 30u
#define FIRST_MS  500u
#define EACH_MS   100u

static bool line_is_open;

void progress_lines(const struct relying_progress *progress)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    fprintf(stderr, "%sepoch %" PRIu64 ", %" PRIu64 " entries verified%s",
            is_terminal ? "\r" : "rotor: ", progress->epoch, progress->steps,
            is_terminal ? "" : "\n");
    line_is_open = is_terminal;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void draw(const struct relying_progress *progress, uint64_t passed_ms)
{
    char bar[BAR_WIDTH + 1];
    char left[DURATION_SIZE];
    uint64_t all = progress->all == 0 ? 1 : progress->all;
    uint64_t done = progress->done < all ? progress->done : all;
    size_t full = (size_t)(done * BAR_WIDTH / all);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full);
    bar[BAR_WIDTH] = '\0';
    duration_text(done == 0 ? 0 : passed_ms * (all - done) / done / 1000u,
                  left);
    fprintf(stderr,
            "\r[%s] %3" PRIu64 " %%, epoch %" PRIu64 ", %" PRIu64
            " entries a second, %s left  ",
            bar, done * 100u / all, progress->epoch,
            progress->steps * 1000u / passed_ms, left);
    line_is_open = true;
}

void progress_bar(const struct relying_progress *progress)
{
    static uint64_t begun_ms;
    static uint64_t drawn_ms;
    uint64_t now = now_ms();
    if (begun_ms == 0) {
        begun_ms = now;
    }
    if (now - begun_ms >= FIRST_MS && now - drawn_ms >= EACH_MS) {
        drawn_ms = now;
        draw(progress, now - begun_ms);
    }
}

void progress_end(void)
{
    if (line_is_open) {
        fputc('\n', stderr);
    }
    line_is_open = false;
}
