// SPDX-License-Identifier: Apache-2.0
// Numbers of claims, and what the parts of verify/eat.h share.
#ifndef ROTOR_VERIFY_EAT_CLAIMS_H
#define ROTOR_VERIFY_EAT_CLAIMS_H

#include <stdbool.h>

#include "wire/cbor_foreign.h"

// IANA CWT Claims: RFC 8392, RFC 9711.
enum {
    VERIFY_EAT_ISSUER = 1,
    VERIFY_EAT_SUBJECT = 2,
    VERIFY_EAT_AUDIENCE = 3,
    VERIFY_EAT_EXPIRATION = 4,
    VERIFY_EAT_NOT_BEFORE = 5,
    VERIFY_EAT_ISSUED_AT = 6,
    VERIFY_EAT_CWT_ID = 7,
    VERIFY_EAT_NONCE = 10,
    VERIFY_EAT_UEID = 256,
    VERIFY_EAT_SUEIDS = 257,
    VERIFY_EAT_OEMID = 258,
    VERIFY_EAT_HARDWARE_MODEL = 259,
    VERIFY_EAT_HARDWARE_VERSION = 260,
    VERIFY_EAT_UPTIME = 261,
    VERIFY_EAT_OEM_BOOT = 262,
    VERIFY_EAT_DEBUG_STATUS = 263,
    VERIFY_EAT_LOCATION = 264,
    VERIFY_EAT_PROFILE = 265,
    VERIFY_EAT_SUBMODULES = 266,
    VERIFY_EAT_BOOT_COUNT = 267,
    VERIFY_EAT_BOOT_SEED = 268,
    VERIFY_EAT_DLOAS = 269,
    VERIFY_EAT_SOFTWARE_NAME = 270,
    VERIFY_EAT_SOFTWARE_VERSION = 271,
    VERIFY_EAT_MANIFESTS = 272,
    VERIFY_EAT_MEASUREMENTS = 273,
    VERIFY_EAT_MEASUREMENT_RESULTS = 274,
    VERIFY_EAT_INTENDED_USE = 275,

};

#define VERIFY_EAT_TAG_BUNDLE 602u

// A claims-set, a token, or the digest of a claims-set.
bool verify_eat_is_submodule(const struct cbor_foreign *value, unsigned depth);

// [hash algorithm, digest]
bool verify_eat_is_digest(const struct cbor_foreign *value);

#endif
