// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/pairs.h"

#include <unistd.h>

static void close_free(struct pairs *pairs, size_t i)
{
    if (pairs->pair[i].state == PAIR_FREE) {
        close(pairs->pair[i].queue);
        close(pairs->pair[i].bell);
    }
}

void pairs_take(struct pairs *pairs, uint32_t queue_seed,
                const int fds[2 * LAUNCH_PAIRS])
{
    pairs_drop(pairs);
    pairs->queue_seed = queue_seed;
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        pairs->pair[i].state = PAIR_FREE;
        pairs->pair[i].queue = fds[i];
        pairs->pair[i].bell = fds[LAUNCH_PAIRS + i];
    }
}

void pairs_drop(struct pairs *pairs)
{
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        close_free(pairs, i);
    }
    *pairs = (struct pairs){0};
}

bool pairs_are_of(const struct pairs *pairs, size_t owner)
{
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        if (pairs->pair[i].state == PAIR_OUT && pairs->pair[i].owner == owner) {
            return true;
        }
    }
    return false;
}

size_t pairs_find(const struct pairs *pairs, size_t owner)
{
    size_t i = 0;
    while (i < LAUNCH_PAIRS && pairs->pair[i].state != PAIR_FREE) {
        i++;
    }
    return pairs_are_of(pairs, owner) ? LAUNCH_PAIRS : i;
}

void pairs_hand_out(struct pairs *pairs, size_t i, size_t owner)
{
    close_free(pairs, i);
    pairs->pair[i].state = PAIR_OUT;
    pairs->pair[i].owner = owner;
}

uint32_t pairs_retire(struct pairs *pairs, size_t owner)
{
    for (uint32_t i = 0; i < LAUNCH_PAIRS; i++) {
        if (pairs->pair[i].state == PAIR_OUT && pairs->pair[i].owner == owner) {
            pairs->pair[i].state = PAIR_RETIRED;
            return launch_pair_channel(i);
        }
    }
    return 0;
}

size_t pairs_count(const struct pairs *pairs, enum pair_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        count += pairs->pair[i].state == state ? 1u : 0;
    }
    return count;
}
