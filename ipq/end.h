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

// Extent of a slot: the length of the frame that begins here, and how many
// slots this stamp publishes; 0 within a run.  Both are 0 within a frame.
#define IPQ_RUN_SHIFT   16u
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

static inline uint32_t ipq_stamp_of(const struct rotor_ipq *end,
                                    uint64_t position)
{
    return end->seed + (uint32_t)position;
}

// Slots that a frame of `size` bytes takes.
static inline uint32_t ipq_span_of(uint32_t size)
{
    return (size + ROTOR_IPQ_PAYLOAD_SIZE - 1) / ROTOR_IPQ_PAYLOAD_SIZE;
}

// The compiler's own copy: a freestanding memcpy would be a call per slot.
static inline void ipq_copy_payload(uint8_t *to, const uint8_t *from)
{
    __builtin_memcpy(to, from, ROTOR_IPQ_PAYLOAD_SIZE);
}

// Copies up to one payload in two overlapping pieces of a fixed size, so that
// no call and no loop is needed.
static inline void ipq_copy_part(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 32) {
        __builtin_memcpy(to, from, 32);
        __builtin_memcpy(to + size - 32, from + size - 32, 32);
        return;
    }
    if (size >= 16) {
        __builtin_memcpy(to, from, 16);
        __builtin_memcpy(to + size - 16, from + size - 16, 16);
        return;
    }
    if (size >= 8) {
        __builtin_memcpy(to, from, 8);
        __builtin_memcpy(to + size - 8, from + size - 8, 8);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
}

#endif
