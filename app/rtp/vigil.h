// SPDX-License-Identifier: Apache-2.0
// How the RTP's loop waits for an answer that the enclave owes: it spins for as
// long as answers to such requests took of late, lets others run meanwhile, and
// leaves a processor on which the enclave itself had to wait for it.
#ifndef ROTOR_APP_RTP_VIGIL_H
#define ROTOR_APP_RTP_VIGIL_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/ipq.h>

#include "port/linux/spin.h"
#include "wire/client.h"

struct vigil {
    struct spin spins[WIRE_OP_COUNT];
    uint64_t op; // enum wire_op of the request that is waited for; 0: none
    uint64_t since_ns;
    bool is_shared;   // others ran here while it was waited for
    unsigned sharing; // waits of that kind, one after the other
};

// Of a new enclave: nothing is known of it.
void vigil_open(struct vigil *vigil);

// Spins while an answer to `op` is owed (0: none is) and worth spinning for.
// True: a frame came.
bool vigil_keep(struct vigil *vigil, const struct rotor_ipq_channel *channel,
                uint64_t op);

// A frame was taken: the wait is over.
void vigil_end(struct vigil *vigil);

#endif
