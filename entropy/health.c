// SPDX-License-Identifier: Apache-2.0
#include "entropy/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

// -log2 of the chance that a test fails a good source, per sample or window.
#define ALPHA_BITS 20u

// SP 800-90B 4.4.2: 512 samples, 1024 of a binary source.
#define WINDOW        512u
#define WINDOW_BINARY 1024u

// 1 + CRITBINOM(window, 2^-H, 1 - 2^-20), row i for H = (i + 1) / 8 bits.
// The test computes every row anew.
#define STEP_MILLIBITS 125u
static const uint16_t proportion_bytes[] = {
    497, 468, 439, 410, 383, 357, 333, 311, 290, 270, 251, 234, 219,
    204, 190, 177, 165, 154, 144, 135, 126, 118, 110, 103, 97,  90,
    85,  80,  75,  70,  66,  62,  58,  55,  52,  49,  46,  43,  41,
    39,  37,  35,  33,  31,  30,  28,  27,  25,  24,  23,  22,  21,
    20,  19,  18,  18,  17,  16,  15,  15,  14,  14,  13,  13,
};
static const uint16_t proportion_bits[] = {
    979, 915, 853, 793, 737, 684, 635, 589,
};

static const char *const fault_names[] = {
    [ENTROPY_NO_FAULT] = "none", [ENTROPY_RCT] = "rct",
    [ENTROPY_APT] = "apt",       [ENTROPY_STUCK] = "stuck",
    [ENTROPY_ZERO] = "zero",     [ENTROPY_ONES] = "ones",
    [ENTROPY_REPEAT] = "repeat", [ENTROPY_TIMEOUT] = "timeout",
    [ENTROPY_ABSENT] = "absent", [ENTROPY_UNTESTED] = "untested",
};

const char *entropy_fault_name(enum entropy_fault fault)
{
    size_t row = (size_t)fault;
    return row < COUNT_OF(fault_names) ? fault_names[row] : "unknown";
}

enum rotor_status entropy_limits_of(uint32_t sample_bits,
                                    uint32_t sample_millibits,
                                    struct entropy_limits *limits)
{
    bool is_binary = sample_bits == 1;
    bool width_is_known = is_binary || sample_bits == 8;
    if (!width_is_known || sample_millibits < STEP_MILLIBITS ||
        sample_millibits > 1000 * sample_bits) {
        return ROTOR_INVALID;
    }
    const uint16_t *row = is_binary ? proportion_bits : proportion_bytes;
    *limits = (struct entropy_limits){
        // 1 + ceil(20 / H)
        .repetition =
            1 + (ALPHA_BITS * 1000 + sample_millibits - 1) / sample_millibits,
        .proportion = row[sample_millibits / STEP_MILLIBITS - 1],
        .window = is_binary ? WINDOW_BINARY : WINDOW,
    };
    return ROTOR_OK;
}

void entropy_health_init(struct entropy_health *health,
                         const struct entropy_limits *limits)
{
    secret_wipe(health, sizeof *health);
    health->limits = *limits;
}

// SP 800-90B 4.4.1
static bool repeats_too_often(struct entropy_health *health, uint8_t sample)
{
    bool goes_on = health->run_count > 0 && sample == health->run_value;
    health->run_count = goes_on ? health->run_count + 1 : 1;
    health->run_value = sample;
    return health->run_count >= health->limits.repetition;
}

// SP 800-90B 4.4.2
static bool fills_the_window(struct entropy_health *health, uint8_t sample)
{
    if (health->window_used == 0) {
        health->window_value = sample;
        health->window_count = 0;
    }
    if (sample == health->window_value) {
        health->window_count++;
    }
    health->window_used = (health->window_used + 1) % health->limits.window;
    return health->window_count >= health->limits.proportion;
}

enum entropy_fault entropy_health_take(struct entropy_health *health,
                                       uint8_t sample)
{
    bool in_a_row = repeats_too_often(health, sample);
    bool in_a_window = fills_the_window(health, sample);
    if (in_a_row) {
        return ENTROPY_RCT;
    }
    return in_a_window ? ENTROPY_APT : ENTROPY_NO_FAULT;
}

enum entropy_fault entropy_health_take_all(struct entropy_health *health,
                                           uint32_t sample_bits,
                                           struct rotor_bytes raw)
{
    uint8_t mask = (uint8_t)((1u << sample_bits) - 1);
    for (size_t i = 0; i < raw.size; i++) {
        for (uint32_t used = sample_bits; used <= 8; used += sample_bits) {
            uint8_t sample = (uint8_t)(raw.data[i] >> (8 - used)) & mask;
            enum entropy_fault fault = entropy_health_take(health, sample);
            if (fault != ENTROPY_NO_FAULT) {
                return fault;
            }
        }
    }
    return ENTROPY_NO_FAULT;
}

static bool is_one_byte_repeated(const uint8_t *word, uint32_t word_size)
{
    for (uint32_t i = 1; i < word_size; i++) {
        if (word[i] != word[0]) {
            return false;
        }
    }
    return true;
}

static enum entropy_fault judge_word(const uint8_t *word, uint32_t word_size)
{
    if (!is_one_byte_repeated(word, word_size)) {
        return ENTROPY_NO_FAULT;
    }
    if (word[0] == 0x00) {
        return ENTROPY_ZERO;
    }
    return word[0] == 0xff ? ENTROPY_ONES : ENTROPY_STUCK;
}

enum entropy_fault entropy_words_check(struct rotor_bytes raw,
                                       uint32_t word_size)
{
    for (size_t at = 0; at + word_size <= raw.size; at += word_size) {
        const uint8_t *word = raw.data + at;
        enum entropy_fault fault = judge_word(word, word_size);
        if (fault != ENTROPY_NO_FAULT) {
            return fault;
        }
        if (at > 0 && memcmp(word, word - word_size, word_size) == 0) {
            return ENTROPY_REPEAT;
        }
    }
    return ENTROPY_NO_FAULT;
}
