// SPDX-License-Identifier: Apache-2.0
// Both ends of one queue in one process, in memory of its exact size, so that
// ASan sees whoever leaves it.
#ifndef ROTOR_TEST_IPQ_PAIR_H
#define ROTOR_TEST_IPQ_PAIR_H

#include <stdlib.h>
#include <string.h>

#include "test/spec.h"
#include <rotor/ipq.h>

struct pair {
    struct rotor_ipq_plan plan;
    uint8_t *slots;
    size_t slots_size;
    struct rotor_ipq_control *control; // the consumer's page
    struct rotor_ipq producer;
    struct rotor_ipq consumer;
    struct rotor_room room; // exactly frame_max
};

static inline void *zeroed(size_t alignment, size_t size)
{
    void *memory = aligned_alloc(alignment, size);
    assert_non_null(memory);
    memset(memory, 0, size);
    return memory;
}

static inline struct pair pair_open(uint32_t slots, uint32_t frame_max,
                                    uint32_t seed)
{
    struct pair pair = {
        .plan = {slots, frame_max, seed}
    };
    // By the layout, not by what the code says of it.
    pair.slots_size = (size_t)slots * 64;
    pair.slots = zeroed(64, pair.slots_size);
    pair.control = zeroed(128, sizeof *pair.control);
    pair.room = (struct rotor_room){malloc(frame_max), frame_max, 0};
    struct rotor_room ours = {pair.slots, pair.slots_size, 0};
    struct rotor_bytes theirs = {pair.slots, pair.slots_size};
    assert_ok(
        rotor_ipq_producer(&pair.producer, &pair.plan, ours, pair.control));
    assert_ok(
        rotor_ipq_consumer(&pair.consumer, &pair.plan, theirs, pair.control));
    return pair;
}

// The head of the slot at `position`: the last 4 of its 64 bytes.
static inline _Atomic uint32_t *head_at(const struct pair *pair,
                                        uint64_t position)
{
    size_t slot = position % pair->plan.slots;
    return (void *)(pair->slots + 64 * slot + 60);
}

static inline void pair_close(struct pair *pair)
{
    free(pair->slots);
    free(pair->control);
    free(pair->room.data);
}

// Small, fast, seeded: a failing run can be repeated.
static inline uint32_t dice(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static inline uint32_t dice_below(uint64_t *state, uint32_t bound)
{
    return dice(state) % bound;
}

// The `number`th frame: its size and all of its bytes follow from the number.
static inline void frame_fill(uint8_t *frame, uint32_t size, uint32_t number)
{
    for (uint32_t i = 0; i < size; i++) {
        frame[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
    }
}

static inline int frame_is(const struct rotor_room *room, uint32_t size,
                           uint32_t number)
{
    if (room->used != size) {
        return 0;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (room->data[i] != (uint8_t)(number * 31 + i * 7 + (i >> 8))) {
            return 0;
        }
    }
    return 1;
}

#endif
