// SPDX-License-Identifier: Apache-2.0
// Which platform a PCK certificate was issued to: its extension
// 1.2.840.113741.1.13.1.
#ifndef ROTOR_VERIFY_DCAP_PLATFORM_H
#define ROTOR_VERIFY_DCAP_PLATFORM_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define VERIFY_DCAP_COMPONENTS 16u // SVNs that make a TCB
#define VERIFY_DCAP_PPID_SIZE  16u
#define VERIFY_DCAP_FMSPC_SIZE 6u
#define VERIFY_DCAP_PCEID_SIZE 2u

struct verify_dcap_platform {
    uint8_t ppid[VERIFY_DCAP_PPID_SIZE];
    uint8_t components[VERIFY_DCAP_COMPONENTS];
    uint16_t pcesvn;
    uint8_t cpusvn[16];
    uint8_t pceid[VERIFY_DCAP_PCEID_SIZE];
    uint8_t fmspc[VERIFY_DCAP_FMSPC_SIZE];
};

// Content bytes of the OBJECT IDENTIFIER.
extern const struct rotor_bytes verify_dcap_platform_oid;

// Each of the fields exactly once, in any order; further ones are skipped.
//
// ROTOR_MALFORMED  not strict DER, or a field is missing, twice or too large.
ROTOR_CALL verify_dcap_platform_read(struct rotor_bytes extension,
                                     struct verify_dcap_platform *platform);

#endif
