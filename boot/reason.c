// SPDX-License-Identifier: Apache-2.0
#include "boot/reason.h"

static const char *const texts[BOOT_REASONS] = {
    [BOOT_UNDECIDED] = "not judged",
    [BOOT_GENUINE] = "genuine",
    [BOOT_TRUNCATED] = "the file is shorter than its header says",
    [BOOT_OVERSIZED] = "bytes follow the image",
    [BOOT_BAD_MAGIC] = "not a rotor image",
    [BOOT_BAD_FORMAT] = "unknown version of the image format",
    [BOOT_BAD_COMPONENT] = "unknown component",
    [BOOT_BAD_FLAGS] = "unknown flag",
    [BOOT_BAD_SCHEME] = "unknown signature scheme",
    [BOOT_BAD_IMAGE_SIZE] = "image size is zero or too large",
    [BOOT_BAD_LMS_FIELDS] = "the LMS fields contradict each other",
    [BOOT_BAD_PADDING] = "a byte that must be zero is not",
    [BOOT_UNKNOWN_SIGNER] = "signed by a key that is not in the keyring",
    [BOOT_LMS_MISSING] = "the keyring asks for an LMS signature too",
    [BOOT_UNKNOWN_LMS_SIGNER] = "the LMS key is not the paired one",
    [BOOT_BAD_ECDSA_SIGNATURE] = "the ECDSA signature does not verify",
    [BOOT_BAD_LMS_SIGNATURE] = "the LMS signature does not verify",
    [BOOT_BAD_DIGEST] = "the image bytes are not the signed ones",
    [BOOT_WRONG_COMPONENT] = "an image of another component",
    [BOOT_BELOW_FLOOR] = "security version below the rollback floor",
    [BOOT_FAULT] = "two rounds of checks disagree",
    [BOOT_IMAGE_CHANGED] = "not the image that was installed in this slot",
    [BOOT_TRIES_SPENT] = "no boot of the trial was confirmed",
    [BOOT_NOT_ATTESTED] = "the image ran, its evidence was refused",
    [BOOT_BY_OPERATOR] = "taken back by the operator",
    [BOOT_NOT_STARTED] = "the image could not be started",
};

const char *boot_reason_text(enum boot_reason reason)
{
    if ((unsigned)reason >= BOOT_REASONS) {
        return "unknown reason";
    }
    return texts[reason];
}
