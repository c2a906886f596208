// SPDX-License-Identifier: Apache-2.0
// A noise source that does what the test says, and what is asked of a front.
#ifndef ROTOR_TEST_ENTROPY_FAKE_H
#define ROTOR_TEST_ENTROPY_FAKE_H

#include "test/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "entropy/entropy.h"

enum fake_mood {
    FAKE_GOOD = 0,
    FAKE_ZERO,
    FAKE_ONES,
    FAKE_STUCK,  // one byte value
    FAKE_WORDS,  // each word twice
    FAKE_BLOCKS, // the same block at each read
    FAKE_RUNS,   // now and then one byte 7 times, never a whole word
    FAKE_BIASED, // every second byte is one value
    FAKE_EMPTY,  // ROTOR_AGAIN
    FAKE_GONE,   // ROTOR_PORT_FAILED, with bytes
    FAKE_LIAR,   // claims more bytes than it had room for
    FAKE_MUTE,   // ROTOR_OK and no byte
};

struct fake {
    enum fake_mood mood;
    uint64_t seed;
    size_t read_count;
    size_t read_max; // bytes at once; 0: as many as there is room for
    size_t left;     // bytes until it is empty; 0: endless
    uint8_t last[ENTROPY_BLOCK_MAX]; // what the last read gave
    size_t last_size;
};

static inline uint8_t fake_good_byte(struct fake *fake) // splitmix64
{
    uint64_t z = (fake->seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint8_t)(z >> 56);
}

static inline uint8_t fake_byte(struct fake *fake, size_t at)
{
    uint8_t good = fake_good_byte(fake);
    switch (fake->mood) {
    case FAKE_ZERO:
        return 0;
    case FAKE_ONES:
        return 0xff;
    case FAKE_STUCK:
        return 0x5a;
    case FAKE_WORDS:
        return at % 16 < 8 ? good : fake->last[at - 8];
    case FAKE_BLOCKS:
        return (uint8_t)(at * 7 + 1);
    case FAKE_RUNS:
        return at % 64 >= 4 && at % 64 < 11 ? 0x33 : good;
    case FAKE_BIASED:
        return at % 2 == 0 ? 0x44 : good;
    case FAKE_GOOD:
    case FAKE_EMPTY:
    case FAKE_GONE:
    case FAKE_LIAR:
    case FAKE_MUTE:
    default:
        return good;
    }
}

static inline enum rotor_status fake_read(void *context, struct rotor_room *raw)
{
    struct fake *fake = context;
    fake->read_count++;
    if (fake->mood == FAKE_EMPTY || fake->left == 1) {
        return ROTOR_AGAIN;
    }
    size_t size = raw->capacity;
    if (fake->read_max != 0 && size > fake->read_max) {
        size = fake->read_max;
    }
    if (fake->left != 0) {
        size = size < fake->left - 1 ? size : fake->left - 1;
        fake->left -= size;
    }
    for (size_t i = 0; i < size; i++) {
        fake->last[i] = fake_byte(fake, i);
    }
    fake->last_size = size;
    memcpy(raw->data, fake->last, size);
    raw->used = fake->mood == FAKE_LIAR   ? raw->capacity + 1
                : fake->mood == FAKE_MUTE ? 0
                                          : size;
    return fake->mood == FAKE_GONE ? ROTOR_PORT_FAILED : ROTOR_OK;
}

// 128 bytes at 4 bits: alone it meets what a draw needs.
static inline struct entropy_source fake_source(struct fake *fake,
                                                const char *name)
{
    return (struct entropy_source){
        .name = name,
        .context = fake,
        .read = fake_read,
        .block_size = 128,
        .word_size = 8,
        .sample_bits = 8,
        .sample_millibits = 4000,
        .credit_millibits = 4000,
        .is_required = true,
    };
}

// ---- helpers ---------------------------------------------------------------

static inline struct entropy_front started(const struct entropy_source *sources,
                                           size_t count)
{
    struct entropy_front front;
    assert_ok(entropy_init(&front, sources, count));
    entropy_start(&front);
    for (unsigned i = 0; entropy_is_testing(&front) && i < 1000; i++) {
        entropy_step(&front);
    }
    return front;
}

static inline struct entropy_report report_of(const struct entropy_front *front,
                                              size_t index)
{
    struct entropy_report report;
    assert_true(entropy_report(front, index, &report));
    return report;
}

static inline void expect_source(const struct entropy_front *front,
                                 size_t index, enum entropy_stage stage,
                                 enum entropy_fault fault)
{
    struct entropy_report report = report_of(front, index);
    assert_int_equal(report.stage, stage);
    assert_int_equal(report.fault, fault);
}

static inline void expect_refusal(struct entropy_front *front,
                                  enum rotor_status status,
                                  enum entropy_refusal refusal)
{
    uint8_t out[32];
    uint8_t before[32];
    memset(out, 0xa5, sizeof out);
    memcpy(before, out, sizeof out);
    assert_int_equal(entropy_draw(front, out, sizeof out), status);
    assert_int_equal(entropy_last_refusal(front), refusal);
    assert_memory_equal(out, before, sizeof out);
}

#endif
