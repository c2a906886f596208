// SPDX-License-Identifier: Apache-2.0
// Health tests of SP 800-90B section 4.4 on raw samples, and four of our own
// on raw words.
//
// On sources that the hardware or the kernel has already conditioned they
// catch total failure only.
#ifndef ROTOR_ENTROPY_HEALTH_H
#define ROTOR_ENTROPY_HEALTH_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Why a source is not used.
enum entropy_fault {
    ENTROPY_NO_FAULT = 0,
    ENTROPY_RCT,      // one sample value too often in a row
    ENTROPY_APT,      // one sample value too often in a window
    ENTROPY_STUCK,    // a word is one byte repeated
    ENTROPY_ZERO,     // a word is all zeros
    ENTROPY_ONES,     // a word is all ones
    ENTROPY_REPEAT,   // a word or a block equals the one before it
    ENTROPY_TIMEOUT,  // too many empty answers in a row
    ENTROPY_ABSENT,   // the platform does not have it, or lost it
    ENTROPY_UNTESTED, // the crypto back end refused while testing
};

// "rct", "apt", "stuck", ...; "none" for ENTROPY_NO_FAULT; never NULL.
const char *entropy_fault_name(enum entropy_fault fault);

// The count at which each test fails.
struct entropy_limits {
    uint32_t repetition; // samples
    uint32_t proportion; // samples in one window
    uint32_t window;     // samples
};

// Cut-offs for alpha = 2^-20.  A claim between two eighths of a bit counts as
// the lower one in the proportion test.
//
// ROTOR_INVALID  width is not 1 or 8, or H is under 1/8 bit or over the width.
ROTOR_CALL entropy_limits_of(uint32_t sample_bits, uint32_t sample_millibits,
                             struct entropy_limits *limits);

// Where both tests stand between two samples.
struct entropy_health {
    struct entropy_limits limits;
    uint32_t run_count;    // of run_value, up to now
    uint32_t window_count; // of window_value, in this window
    uint32_t window_used;  // samples seen of this window; 0: none begun
    uint8_t run_value;
    uint8_t window_value;
};

void entropy_health_init(struct entropy_health *health,
                         const struct entropy_limits *limits);

// Shows one sample to both tests.  After a fault the object must be made anew.
enum entropy_fault entropy_health_take(struct entropy_health *health,
                                       uint8_t sample);

// The same for every sample of `raw`: bytes, or bits when sample_bits is 1.
enum entropy_fault entropy_health_take_all(struct entropy_health *health,
                                           uint32_t sample_bits,
                                           struct rotor_bytes raw);

// Tests on words of `word_size` bytes: all zeros, all ones, one repeated byte,
// equal to the word before it in `raw`.
enum entropy_fault entropy_words_check(struct rotor_bytes raw,
                                       uint32_t word_size);

#endif
