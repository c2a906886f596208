// SPDX-License-Identifier: Apache-2.0
// The producing end.  It reads one shared word: the peer's credit.
#include "ipq/end.h"

// Slots that are fetched for writing ahead of their use, so that the miss is
// over when their turn comes.
#define AHEAD_SLOTS 8u

// Stores one slot behind the first of a run; the run's first stamp publishes
// it.
static void fill_slot(const struct rotor_ipq *end, uint64_t position,
                      uint32_t extent, struct rotor_bytes part)
{
    struct rotor_ipq_slot *slot = &end->filled[position & end->mask];
    if (part.size >= ROTOR_IPQ_PAYLOAD_SIZE) {
        ipq_copy_payload(slot->payload, part.data);
    } else {
        ipq_copy_part(slot->payload, part.data, part.size);
    }
    atomic_store_explicit(&slot->extent, extent, memory_order_relaxed);
    atomic_store_explicit(&slot->stamp, ipq_stamp_of(end, position),
                          memory_order_relaxed);
}

// Fills the slots of a frame behind its first.
static void fill_rest(const struct rotor_ipq *end, uint64_t position,
                      struct rotor_bytes frame)
{
    while (frame.size > ROTOR_IPQ_PAYLOAD_SIZE) {
        frame.data += ROTOR_IPQ_PAYLOAD_SIZE;
        frame.size -= ROTOR_IPQ_PAYLOAD_SIZE;
        position++;
        fill_slot(end, position, 0, frame);
    }
}

// Fills the first slot of a run and publishes all of it.
static void publish_run(const struct rotor_ipq *end, struct rotor_bytes frame,
                        uint32_t run)
{
    struct rotor_ipq_slot *slot = &end->filled[end->cursor & end->mask];
    if (frame.size >= ROTOR_IPQ_PAYLOAD_SIZE) {
        ipq_copy_payload(slot->payload, frame.data);
    } else {
        ipq_copy_part(slot->payload, frame.data, frame.size);
    }
    uint32_t extent = (uint32_t)frame.size | run << IPQ_RUN_SHIFT;
    atomic_store_explicit(&slot->extent, extent, memory_order_relaxed);
    // Pairs with the acquire in pop: all slots of the run are filled.
    atomic_store_explicit(&slot->stamp, ipq_stamp_of(end, end->cursor),
                          memory_order_release);
}

static uint32_t free_slots(const struct rotor_ipq *end)
{
    return (uint32_t)(end->limit - end->cursor);
}

// Slots that the peer gave back since we last looked.
static uint32_t fetch_credit(const struct rotor_ipq *end)
{
    // Pairs with the release in rotor_ipq_give_credit: the slots that we are
    // about to overwrite have been read.
    uint32_t credit =
        atomic_load_explicit(&end->credit->credit, memory_order_acquire);
    return credit - (uint32_t)(end->limit - end->mask - 1);
}

// Slots that are filled and, as far as we know, not read.
static uint32_t slots_in_flight(const struct rotor_ipq *end)
{
    return end->mask + 1 - free_slots(end);
}

// Takes what credit there is.  Off the fast path: most pushes find room.
static enum rotor_status take_credit(struct rotor_ipq *end)
{
    uint32_t credit = fetch_credit(end);
    if (credit > slots_in_flight(end)) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_CREDIT);
    }
    end->limit += credit;
    return ROTOR_OK;
}

static enum rotor_status make_room(struct rotor_ipq *end, uint32_t slots)
{
    TRY(take_credit(end));
    if (slots > free_slots(end)) {
        end->needed = slots;
        return ROTOR_AGAIN;
    }
    return ROTOR_OK;
}

bool ipq_producer_is_due(const struct rotor_ipq *end)
{
    uint32_t free = free_slots(end);
    if (free >= end->needed) {
        return true;
    }
    uint32_t credit = fetch_credit(end);
    return credit > slots_in_flight(end) || free + credit >= end->needed;
}

static void prefetch_ahead(const struct rotor_ipq *end)
{
    __builtin_prefetch(&end->filled[(end->cursor + AHEAD_SLOTS) & end->mask],
                       1);
}

static bool is_allowed(const struct rotor_ipq *end, struct rotor_bytes frame)
{
    return frame.size >= 1 && frame.size <= end->frame_max;
}

// Out of line, so that the commonest frame costs no saved registers.
__attribute__((noinline)) static enum rotor_status
push_any(struct rotor_ipq *end, struct rotor_bytes frame)
{
    uint32_t span = ipq_span_of((uint32_t)frame.size);
    if (span > free_slots(end)) {
        TRY(make_room(end, span));
    }
    fill_rest(end, end->cursor, frame);
    publish_run(end, frame, span);
    end->cursor += span;
    prefetch_ahead(end);
    return ROTOR_OK;
}

// Every store counts here, also one to private memory: the processor keeps a
// few dozen of them waiting, in order, and behind each slot there is a miss.
enum rotor_status rotor_ipq_push(struct rotor_ipq *end,
                                 struct rotor_bytes frame)
{
    if (end->role != IPQ_PRODUCER) {
        return ipq_refuse_call(end);
    }
    if (!is_allowed(end, frame)) {
        return ROTOR_INVALID;
    }
    bool is_short = frame.size <= ROTOR_IPQ_PAYLOAD_SIZE;
    if (!is_short || free_slots(end) == 0) {
        return push_any(end, frame);
    }
    publish_run(end, frame, 1);
    end->cursor++;
    prefetch_ahead(end);
    return ROTOR_OK;
}

// How many of the first frames fit, and how many slots they take together.
static uint32_t count_fitting(const struct rotor_ipq *end,
                              const struct rotor_bytes *frames, uint32_t count,
                              uint32_t *slots)
{
    uint32_t free = free_slots(end);
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t span = ipq_span_of((uint32_t)frames[i].size);
        if (span > free - used) {
            *slots = used;
            return i;
        }
        used += span;
    }
    *slots = used;
    return count;
}

// Fills all slots of the frames but the first one, which publishes them.
static void fill_batch(const struct rotor_ipq *end,
                       const struct rotor_bytes *frames, uint32_t count)
{
    uint64_t position = end->cursor;
    fill_rest(end, position, frames[0]);
    for (uint32_t i = 1; i < count; i++) {
        position += ipq_span_of((uint32_t)frames[i - 1].size);
        fill_rest(end, position, frames[i]);
        fill_slot(end, position, (uint32_t)frames[i].size, frames[i]);
    }
}

enum rotor_status rotor_ipq_push_batch(struct rotor_ipq *end,
                                       const struct rotor_bytes *frames,
                                       uint32_t count, uint32_t *pushed)
{
    *pushed = 0;
    if (end->role != IPQ_PRODUCER) {
        return ipq_refuse_call(end);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_allowed(end, frames[i])) {
            return ROTOR_INVALID;
        }
    }
    if (count == 0) {
        return ROTOR_INVALID;
    }
    uint32_t slots = 0;
    uint32_t fitting = count_fitting(end, frames, count, &slots);
    if (fitting < count) {
        TRY(take_credit(end));
        fitting = count_fitting(end, frames, count, &slots);
    }
    if (fitting < count) {
        end->needed = ipq_span_of((uint32_t)frames[fitting].size);
    }
    if (fitting == 0) {
        return ROTOR_AGAIN;
    }
    fill_batch(end, frames, fitting);
    publish_run(end, frames[0], slots);
    end->cursor += slots;
    prefetch_ahead(end);
    *pushed = fitting;
    return ROTOR_OK;
}
