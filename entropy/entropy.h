// SPDX-License-Identifier: Apache-2.0
// The entropy front: raw bytes of several sources in, bytes for keys out.
//
//     source --raw--> health tests --+
//     source --raw--> health tests --+--> HMAC --> DRBG --> out
//     source --raw--> health tests --+
//
// Every draw takes fresh bytes from every healthy source, so two copies of a
// snapshot part ways at the next draw.  The DRBG carries what earlier draws
// brought, so a source that dies later leaves the output unpredictable.  The
// bytes enter the HMAC one after the other, each under its source's name and
// length: no source can cancel another one.
//
// A source is used after its start-up test of 1024 samples, which are thrown
// away.  A source that fails a test is out until entropy_retest() finds it
// sound.  The front fails closed: without enough assessed entropy there is no
// output at all, without a source that is required none for a key that lasts.
//
// One caller at a time.  The front holds secrets: entropy_wipe() at the end.
#ifndef ROTOR_ENTROPY_H
#define ROTOR_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "entropy/drbg.h"
#include "entropy/health.h"
#include "entropy/source.h"

#define ENTROPY_SOURCES_MAX     8u
#define ENTROPY_DRAW_MAX        64u   // bytes of one draw
#define ENTROPY_STARTUP_SAMPLES 1024u // SP 800-90B 4.3, requirement 4

// Twice the security strength of the DRBG, bits: what one draw takes in.
#define ENTROPY_CREDIT_BITS 512u

enum entropy_stage {
    ENTROPY_OUT = 0, // failed or absent; the fault says which
    ENTROPY_TESTING, // in a start-up test or a re-test; not used
    ENTROPY_HEALTHY, // used by every draw
};

// Why the last draw gave nothing.
enum entropy_refusal {
    ENTROPY_NOT_REFUSED = 0,
    ENTROPY_NO_HEALTHY_SOURCE, // assessed entropy under ENTROPY_CREDIT_BITS
    ENTROPY_REQUIRED_SOURCE,   // a required source failed or is absent
    ENTROPY_WAITING,           // a source is slow, or still in its test
    ENTROPY_BACK_END,          // the crypto back end refused
};

// A sentence for people, e.g. "no healthy source"; never NULL.
const char *entropy_refusal_text(enum entropy_refusal refusal);

// One source as the front sees it.  Fields are not for callers.
struct entropy_slot {
    struct entropy_source source;
    struct entropy_limits limits;
    struct entropy_health health;
    enum entropy_stage stage;
    enum entropy_fault fault; // of the last failure, until a test passes
    bool was_used;            // it passed a test since entropy_init
    uint32_t test_samples;    // left of the start-up test
    uint32_t wait_count;      // empty answers in a row
    uint64_t tested_count;    // samples
    uint8_t block_digest[32]; // of the last block; zeros: there was none
};

// Fields are not for callers.
struct entropy_front {
    struct entropy_slot slots[ENTROPY_SOURCES_MAX];
    size_t count;
    size_t turn; // of entropy_step
    enum entropy_refusal refusal;
    struct entropy_drbg drbg;
};

// Takes copies of `sources`; their contexts and names must outlive the front.
// Reads nothing yet.
//
// ROTOR_INVALID  no source, more than 8, two of one name, or a source whose
//                sizes and claims contradict what source.h says of them.
ROTOR_CALL entropy_init(struct entropy_front *front,
                        const struct entropy_source *sources, size_t count);

// Runs the start-up test of every required source as far as it has bytes.
// The others join through entropy_step.
void entropy_start(struct entropy_front *front);

// Bounded work for one source that is in its test: one block.  Any time
// between two draws; nothing to do is no error.
void entropy_step(struct entropy_front *front);

// True while a source is in its test: entropy_step has something to do.
bool entropy_is_testing(const struct entropy_front *front);

// On demand: starts the test of every source anew, then works as
// entropy_start does.  The only way back for a source that failed.
void entropy_retest(struct entropy_front *front);

// Fills out[0..size) with bytes for one secret; 1..64 bytes.
//
// ROTOR_AGAIN        a source that is needed is in its test or has no bytes.
// ROTOR_PORT_FAILED  no key may be made now; entropy_last_refusal says why.
// ROTOR_INVALID      size.
ROTOR_CALL entropy_draw(struct entropy_front *front, uint8_t *out, size_t size);

// What the bytes become.
enum entropy_use {
    ENTROPY_FOR_ROOT = 0, // keys that last
    ENTROPY_FOR_PASSING,  // nonces, keys of one connection: a source that is
                          // required may be missing, assessed entropy may not
};

// The same by use.  The bytes are as fresh and as much conditioned.
ROTOR_CALL entropy_draw_for(struct entropy_front *front, enum entropy_use use,
                            uint8_t *out, size_t size);

enum entropy_refusal entropy_last_refusal(const struct entropy_front *front);

// What may be told about one source.
struct entropy_report {
    const char *name;
    enum entropy_stage stage;
    enum entropy_fault fault; // also while a failed source is in its re-test
    bool was_used;            // roots may hang on it
    uint64_t tested_count;    // samples, since entropy_init
    uint32_t credit_millibits;
    bool is_required;
};

// False when there is no source `index`; *report is then unchanged.
bool entropy_report(const struct entropy_front *front, size_t index,
                    struct entropy_report *report);

void entropy_wipe(struct entropy_front *front);

#endif
