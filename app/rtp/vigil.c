// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/vigil.h"

// A wake-up costs a tenth of an attestation and more.
#define SPIN_MAX_NS 1000000u
#define SPIN_MIN_NS 20000u

#define LOOKS_PER_READING 64u

// So often in a row it is no chance, and to move costs less than to stay.
#define SHARED_WAITS 8u

void vigil_open(struct vigil *vigil)
{
    *vigil = (struct vigil){0};
    for (size_t op = 0; op < WIRE_OP_COUNT; op++) {
        vigil->spins[op] =
            (struct spin){SPIN_MIN_NS, SPIN_MAX_NS, 0, SPIN_ALONE_NS};
    }
}

static bool look(const struct rotor_ipq_channel *channel)
{
    for (unsigned i = 0; i < LOOKS_PER_READING; i++) {
        if (rotor_ipq_channel_is_due(channel, ROTOR_IPQ_FRAMES)) {
            return true;
        }
        spin_pause();
    }
    return false;
}

// False: the processor is wanted for longer than it pays to spin.
static bool give_way(struct vigil *vigil)
{
    uint64_t lent = spin_give_way();
    vigil->is_shared = vigil->is_shared || lent >= SPIN_SHARED_NS;
    return lent < SPIN_WANTED_NS;
}

bool vigil_keep(struct vigil *vigil, const struct rotor_ipq_channel *channel,
                uint64_t op)
{
    uint64_t now = spin_now_ns();
    if (op == 0) {
        vigil->op = 0;
        return false;
    }
    if (vigil->op == 0) {
        vigil->op = op;
        vigil->since_ns = now;
        vigil->is_shared = false;
    }
    uint64_t end = vigil->since_ns + spin_budget_ns(&vigil->spins[op]);
    bool is_worth_it = true;
    for (; now < end && is_worth_it; now = spin_now_ns()) {
        if (look(channel)) {
            return true;
        }
        is_worth_it = now - vigil->since_ns < SPIN_ALONE_NS || give_way(vigil);
    }
    return false;
}

void vigil_end(struct vigil *vigil)
{
    if (vigil->op == 0) {
        return;
    }
    spin_note(&vigil->spins[vigil->op], spin_now_ns() - vigil->since_ns);
    vigil->op = 0;
    vigil->sharing = vigil->is_shared ? vigil->sharing + 1 : 0;
    if (vigil->sharing == SHARED_WAITS) {
        vigil->sharing = 0;
        spin_move_away();
    }
}
