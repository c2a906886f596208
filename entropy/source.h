// SPDX-License-Identifier: Apache-2.0
// What a noise source is to rotor: a name, a way to read raw bytes, and two
// claims about them.  Ports make sources; entropy/entropy.h uses them.
#ifndef ROTOR_ENTROPY_SOURCE_H
#define ROTOR_ENTROPY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define ENTROPY_NAME_MAX  31u  // bytes of a source's name, without the zero
#define ENTROPY_BLOCK_MAX 128u // bytes that one draw takes from one source

struct entropy_source {
    // Tags the source's bytes and names it in reports; unique in one front,
    // must outlive it.
    const char *name;
    void *context;

    // Puts raw bytes in front of room->capacity and sets room->used to their
    // number, at least 1; bytes that do not fill a word are dropped.  NULL:
    // the platform does not have this source.  Never waits for long.  The
    // front keeps no raw bytes between two calls: a source whose credit a draw
    // needs collects its block itself.
    //
    // ROTOR_AGAIN  none yet.  Any other refusal: the source is gone.
    ROTOR_CALL (*read)(void *context, struct rotor_room *raw);

    // What one draw, and one step of the start-up test, takes; bytes.
    uint32_t block_size;

    // The unit that must not be all zeros, all ones, one repeated byte, or
    // equal to the unit before it; bytes, divides block_size.  Its claimed
    // min-entropy is at least 32 bits, so that a good source does not trip.
    uint32_t word_size;

    // Width of one sample of the health tests: 8, or 1 (eight samples a byte,
    // most significant first).
    uint32_t sample_bits;

    // H of SP 800-90B, times 1000: the min-entropy of one sample that the
    // health tests hold the source to.  125 at least.
    uint32_t sample_millibits;

    // Assessed min-entropy per byte, times 1000: what a draw counts.  0 when
    // nobody assessed it; the bytes are mixed in all the same.
    uint32_t credit_millibits;

    // ROTOR_AGAIN answers in a row that count as a timeout; 0: never.
    uint32_t patience_count;

    // Without this source there is no draw at all.
    bool is_required;
};

#endif
