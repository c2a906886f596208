// SPDX-License-Identifier: Apache-2.0
// Why an image was refused, or why a trial ended: for the local log and for
// `rotor image`.  The numbers are stored in slot records and never reused.
#ifndef ROTOR_BOOT_REASON_H
#define ROTOR_BOOT_REASON_H

enum boot_reason {
    BOOT_UNDECIDED = 0, // nothing was judged yet
    BOOT_GENUINE = 1,   // every check passed

    // The file has not the form of doc/PROTOCOL.boot 1.
    BOOT_TRUNCATED = 2,
    BOOT_OVERSIZED = 3, // bytes after the image
    BOOT_BAD_MAGIC = 4,
    BOOT_BAD_FORMAT = 5, // header version or size
    BOOT_BAD_COMPONENT = 6,
    BOOT_BAD_FLAGS = 7,
    BOOT_BAD_SCHEME = 8,
    BOOT_BAD_IMAGE_SIZE = 9,
    BOOT_BAD_LMS_FIELDS = 10, // flag, size and key id do not fit together
    BOOT_BAD_PADDING = 11,    // a byte that must be zero is not

    // The signatures do not make it ours.
    BOOT_UNKNOWN_SIGNER = 12,
    BOOT_LMS_MISSING = 13,        // the keyring asks for LMS too
    BOOT_UNKNOWN_LMS_SIGNER = 14, // signed by LMS, but not with the paired key
    BOOT_BAD_ECDSA_SIGNATURE = 15,
    BOOT_BAD_LMS_SIGNATURE = 16,
    BOOT_BAD_DIGEST = 17, // header genuine, image bytes are not

    // Genuine, but not here and now.
    BOOT_WRONG_COMPONENT = 18,
    BOOT_BELOW_FLOOR = 19,

    BOOT_FAULT = 20, // two rounds of the same checks disagree

    // Of slots.
    BOOT_IMAGE_CHANGED = 21, // not the bytes that were installed
    BOOT_TRIES_SPENT = 22,   // no boot of the trial was confirmed
    BOOT_NOT_ATTESTED = 23,  // it ran, but its evidence was refused
    BOOT_BY_OPERATOR = 24,
    BOOT_NOT_STARTED = 25, // it could not be executed, or died at once

    BOOT_REASONS = 26, // count
};

// A lower-case sentence without full stop; "unknown reason" past the table.
const char *boot_reason_text(enum boot_reason reason);

#endif
