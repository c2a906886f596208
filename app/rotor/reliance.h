// SPDX-License-Identifier: Apache-2.0
// What the user of a relying party trusts, as flags.
#ifndef ROTOR_APP_ROTOR_RELIANCE_H
#define ROTOR_APP_ROTOR_RELIANCE_H

#include "app/rotor/command.h"
#include "app/rotor/relying.h"

#define RELIANCE_DIGESTS_MAX 64u

struct reliance {
    const char *trust;
    const char *log_id;
    struct flag_list measurements;
    const char *reference_file;
    bool any_measurement;
    struct flag_list instances;
    uint64_t security_version_min;
    uint64_t hold_down_s;
    bool trusts_first_use;

    // What they come to.
    char folder[512];
    struct wire_digest wanted[RELIANCE_DIGESTS_MAX];
    size_t wanted_count;
    struct wire_digest pinned[FLAG_LIST_MAX];
    struct verify_reference reference;
};

// For a flag table: `r` is a pointer to a struct reliance.
// clang-format off
#define RELIANCE_FLAGS(r) \
    {"--log-id", "FINGERPRINT", FLAG_TEXT, &(r)->log_id, \
     "the log that is expected"}, \
    {"--trust-on-first-use", NULL, FLAG_SWITCH, &(r)->trusts_first_use, \
     "expect the log that is shown now, from now on"}, \
    {"--measurement", "DIGEST", FLAG_LIST, &(r)->measurements, \
     "of an image that may answer; repeatable"}, \
    {"--reference", "FILE", FLAG_TEXT, &(r)->reference_file, \
     "measurements, one a line"}, \
    {"--any-measurement", NULL, FLAG_SWITCH, &(r)->any_measurement, \
     "show it, do not judge it"}, \
    {"--instance", "FINGERPRINT", FLAG_LIST, &(r)->instances, \
     "of the device's own key; repeatable"}, \
    {"--min-security-version", "N", FLAG_NUMBER, &(r)->security_version_min, \
     "of the image"}, \
    {"--hold-down", "SECONDS", FLAG_NUMBER, &(r)->hold_down_s, \
     "wait before a recovered log is believed"}, \
    {"--trust", "DIR", FLAG_TEXT, &(r)->trust, "own trust store"}
// clang-format on

// One more measurement that may answer.  False: said why.
bool reliance_want(const struct run *run, struct reliance *reliance,
                   const struct wire_digest *digest, int *code);

// Fills `folder`: what --trust says, or the user's own.  False: said why.
bool reliance_choose_folder(const struct run *run, struct reliance *reliance,
                            int *code);

// Reads digests and files.  False: said why, *code is the exit code.  Fills
// folder, log_id, trusts_first_use, reference and hold_down_s of `options`.
bool reliance_settle(const struct run *run, struct reliance *reliance,
                     struct relying_options *options, int *code);

#endif
