// SPDX-License-Identifier: Apache-2.0
// Who remembers what every power cut makes the device forget: what A has
// signed, which epochs were current, what must be gone from the disks.
#ifndef ROTOR_TEST_POWERCUT_WITNESS_H
#define ROTOR_TEST_POWERCUT_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enclave/enclave.h"

struct machine;

#define WITNESS_BODIES 24u
#define WITNESS_SECRET (ENCLAVE_AUTH_SIZE + ENCLAVE_SEAL_SIZE)

enum witness_secret_kind {
    WITNESS_S = 0,
    WITNESS_K,
    WITNESS_CHAIN,
    WITNESS_D,
    WITNESS_A,      // under its own seal, which is the same each time
    WITNESS_NEXT_A, // the same
    WITNESS_SECRETS,
};

// A body that the AP had in memory.
struct witness_body {
    struct wire_order order;
    struct wire_digest hash;
    bool has_auth;
    struct wire_key auth; // the LM-OTS half of A
    bool is_signed;       // A or S signed it
    uint8_t ots[32];      // SHA-256 of the LM-OTS signature
    bool has_ots;
    struct {
        size_t size;
        uint8_t bytes[WITNESS_SECRET];
    } secrets[WITNESS_SECRETS];
};

struct witness {
    struct wire_digest log_id; // empty until one is current
    struct wire_order ap;      // furthest cur
    struct wire_order rtp;
    bool has_rtp; // one was current
    size_t count;
    struct witness_body bodies[WITNESS_BODIES];
};

// Behind whatever the AP did: one body for each place, one for each A.
void witness_see_ap(struct machine *machine);

// The same for the RTP; and when it started over what its disk kept.
void witness_see_rtp(struct machine *machine);
void witness_see_rtp_start(struct machine *machine);

// At the end: RTP and AP agree, the RTP's log verifies from its first entry
// and holds what was signed, no secret of a dropped epoch lies on a disk.
void witness_judge(struct machine *machine);

#endif
