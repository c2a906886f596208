// SPDX-License-Identifier: Apache-2.0
// What `rotor doctor` looks at: one function for each line.
#ifndef ROTOR_APP_ROTOR_DOCTOR_H
#define ROTOR_APP_ROTOR_DOCTOR_H

#include <stdbool.h>

#include "app/rotor/command.h"

enum health { HEALTH_OK = 0, HEALTH_WARN, HEALTH_FAIL, HEALTH_SKIPPED };

// Prints one line: what was looked at, how it is, and how to mend it (NULL
// when there is nothing to mend).
struct doctor;
void doctor_say(struct doctor *doctor, enum health health, const char *check,
                const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

const struct run *doctor_run(const struct doctor *doctor);

// doctor_files.c: everything that needs no daemon.  False: the state folder
// cannot be read, so nothing behind it was looked at.
bool doctor_look_at_folder(struct doctor *doctor);
void doctor_look_at_secrets(struct doctor *doctor);
void doctor_look_at_storage(struct doctor *doctor);
void doctor_look_at_images(struct doctor *doctor);
void doctor_look_at_clock(struct doctor *doctor);

// doctor_endorsements.c: `given` is a folder, NULL the one of this user.
void doctor_look_at_endorsements(struct doctor *doctor, const char *given);

#endif
