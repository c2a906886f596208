// SPDX-License-Identifier: Apache-2.0
// Who stands outside of the device: a program that wants attestations, the
// operator who orders, the recovery authority.  They ask the RTP as programs
// do, and ask again when an answer does not come.
#ifndef ROTOR_TEST_POWERCUT_OPERATOR_H
#define ROTOR_TEST_POWERCUT_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/rtp.h"
#include "test/sim/dice.h"
#include "wire/client.h"

struct machine;

struct operator
{
    struct dice dice;
    uint64_t tags;

    uint64_t attest_tag; // of the attestation that is open; 0: none
    size_t attest_size;
    uint8_t attest[512]; // payload, for judging
    unsigned answered;

    uint64_t order_tag; // of the order that is open; 0: none
    bool order_failed;  // the last one
    bool has_proposed;  // the last order of a recovery was RECOVER
    size_t body_size;   // that the AP proposed
    uint8_t body[2048];
};

void operator_init(struct operator* operator, uint64_t seed);

// The RTP is gone, and with it what it was asked.
void operator_lose_rtp(struct operator* operator);

// The digest of the authority, for the policy of entry 0.
const struct wire_digest *operator_authority(void);

// Begins an attestation unless one is open.
void operator_attest(struct machine *machine);

// Orders a rotation unless an order is open.
void operator_rotate(struct machine *machine, uint32_t reason);

// Orders the log to be cut to OPERATOR_KEEP entries unless an order is open.
#define OPERATOR_KEEP 32u
void operator_prune(struct machine *machine);

// The next step of a recovery, unless an order is open: lets the AP propose,
// has the authority sign, hands it back.
void operator_recover(struct machine *machine);

// Takes what the RTP answered; an attestation is judged as a relying party
// would.  True: something was answered.
bool operator_collect(struct machine *machine);

#endif
