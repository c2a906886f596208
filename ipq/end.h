// SPDX-License-Identifier: Apache-2.0
// What push, pop and channel know of an end and of its slots.
#ifndef ROTOR_IPQ_END_H
#define ROTOR_IPQ_END_H

#include "base/bytes.h"
#include <rotor/ipq.h>

// What an end is.  All zeros is no end at all; a condemned one is none again.
enum ipq_role {
    IPQ_NONE = 0,
    IPQ_PRODUCER = 0x50,
    IPQ_CONSUMER = 0x43,
};

// A head: the length of the frame that begins in the slot, 0 within a frame;
// above it the stamp.
#define IPQ_STAMP_SHIFT 16u
#define IPQ_LENGTH_MASK 0xffffu

// A sleep word has its reasons in these low bits and the ticket above them.
#define IPQ_TICKET_SHIFT 4u

// Of the plan, or false: every geometry in use was checked by this.
bool ipq_plan_is_allowed(const struct rotor_ipq_plan *plan);

// Why an end refuses a call: it is dead, or it is not that kind of end.
ROTOR_CALL ipq_refuse_call(const struct rotor_ipq *end);

// The peer broke `rule`: the end is dead ever after.
ROTOR_CALL ipq_condemn_end(struct rotor_ipq *end, enum rotor_ipq_rule rule);

// Would the next call find something new?  Changes nothing; true also when it
// would condemn the peer.
bool ipq_producer_is_due(const struct rotor_ipq *end);
bool ipq_consumer_is_due(const struct rotor_ipq *end);

// A head with the stamp that the slot has until it is filled in this lap.
static inline uint32_t ipq_head_before(const struct rotor_ipq *end,
                                       uint64_t position)
{
    uint32_t slots = end->mask + 1;
    bool is_first_lap = position < slots;
    return is_first_lap ? 0 : rotor_ipq_head(end, position - slots, 0);
}

// Slots that a frame of `size` bytes takes.
static inline uint32_t ipq_span_of(uint32_t size)
{
    return (size + ROTOR_IPQ_BODY_SIZE - 1) / ROTOR_IPQ_BODY_SIZE;
}

// The compiler's own copy: a freestanding memcpy would be a call per slot.
static inline void ipq_copy_body(uint8_t *to, const uint8_t *from)
{
    __builtin_memcpy(to, from, ROTOR_IPQ_BODY_SIZE);
}

#endif
