// SPDX-License-Identifier: Apache-2.0
// Status codes: did the call do what its name says?
//
// A status is never a verdict.  "The signature is bad" is the result of a
// successful verification and is reported through an output, not here.
// Each code is named by what the caller does next.
#ifndef ROTOR_STATUS_H
#define ROTOR_STATUS_H

#if defined(__GNUC__)
#define ROTOR_MUST_USE __attribute__((warn_unused_result))
#define ROTOR_PUBLIC   __attribute__((visibility("default")))
#define ROTOR_RARE     __attribute__((cold)) // keep callers' registers for the rest
#else
#define ROTOR_MUST_USE
#define ROTOR_PUBLIC
#define ROTOR_RARE
#endif

enum rotor_status {
    ROTOR_OK = 0,
    ROTOR_AGAIN,       // nothing to do yet: the same call may succeed later
    ROTOR_INVALID,     // the caller broke the contract: fix the call
    ROTOR_TOO_SMALL,   // the output does not fit: bring more room
    ROTOR_MALFORMED,   // bytes from the peer do not parse: drop them
    ROTOR_FORBIDDEN,   // well formed, but not allowed in this state
    ROTOR_CORRUPT,     // an invariant broke: the object is dead, wipe it
    ROTOR_PORT_FAILED, // hardware, OS or crypto back end refused: report it
};

// Declares a function that returns a status the caller must look at.
#define ROTOR_CALL ROTOR_MUST_USE enum rotor_status

// The lower-case name of `status`, e.g. "too-small"; never NULL.
ROTOR_PUBLIC const char *rotor_status_name(enum rotor_status status);

#endif
