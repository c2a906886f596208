// SPDX-License-Identifier: Apache-2.0
// The producing end.  It reads one shared word: the peer's credit.
#include "ipq/end.h"

// Bodies lie side by side: a frame is one piece, or two where the ring begins
// anew.
static void fill_bodies(const struct rotor_ipq *end, uint64_t position,
                        struct rotor_bytes frame)
{
    uint64_t slot = position & end->mask;
    size_t straight = (end->mask + 1 - slot) * ROTOR_IPQ_BODY_SIZE;
    size_t first = frame.size < straight ? frame.size : straight;
    __builtin_memcpy(end->filled_bodies[slot].bytes, frame.data, first);
    if (frame.size > first) {
        __builtin_memcpy(end->filled_bodies[0].bytes, frame.data + first,
                         frame.size - first);
    }
}

// A head behind the first one of a frame or of a batch: published by that one.
static void fill_head(const struct rotor_ipq *end, uint64_t position,
                      uint32_t length)
{
    atomic_store_explicit(&end->filled_heads[position & end->mask],
                          rotor_ipq_head(end, position, length),
                          memory_order_relaxed);
}

// All heads of a frame but its first.
static void fill_rest(const struct rotor_ipq *end, uint64_t position,
                      uint32_t span)
{
    for (uint32_t i = 1; i < span; i++) {
        fill_head(end, position + i, 0);
    }
}

// Publishes the frame at the cursor, and with it what was filled behind.
static void publish(const struct rotor_ipq *end, uint32_t length)
{
    uint32_t head = rotor_ipq_head(end, end->cursor, length);
    // Pairs with the acquire in pop: all that lies behind is filled.
    atomic_store_explicit(&end->filled_heads[end->cursor & end->mask], head,
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

static bool is_allowed(const struct rotor_ipq *end, struct rotor_bytes frame)
{
    return frame.size >= 1 && frame.size <= end->frame_max;
}

enum rotor_status rotor_ipq_push_any(struct rotor_ipq *end,
                                     struct rotor_bytes frame)
{
    if (end->role != IPQ_PRODUCER) {
        return ipq_refuse_call(end);
    }
    if (!is_allowed(end, frame)) {
        return ROTOR_INVALID;
    }
    uint32_t span = ipq_span_of((uint32_t)frame.size);
    if (span > free_slots(end)) {
        TRY(make_room(end, span));
    }
    fill_bodies(end, end->cursor, frame);
    fill_rest(end, end->cursor, span);
    publish(end, (uint32_t)frame.size);
    end->cursor += span;
    rotor_ipq_fetch_ahead(end, end->cursor);
    return ROTOR_OK;
}

// Slots of all frames together; 0 when one of them is not allowed.
static uint64_t count_slots(const struct rotor_ipq *end,
                            const struct rotor_bytes *frames, uint32_t count)
{
    uint64_t slots = 0;
    bool are_allowed = true;
    for (uint32_t i = 0; i < count; i++) {
        are_allowed = are_allowed && is_allowed(end, frames[i]);
        slots += ipq_span_of((uint32_t)frames[i].size);
    }
    return are_allowed ? slots : 0;
}

// How many of the first frames fit, and how many slots they take together.
static uint32_t count_fitting(const struct rotor_ipq *end,
                              const struct rotor_bytes *frames, uint32_t count,
                              uint64_t *slots)
{
    uint32_t free = free_slots(end);
    uint32_t used = 0;
    uint32_t fitting = 0;
    for (; fitting < count; fitting++) {
        uint32_t span = ipq_span_of((uint32_t)frames[fitting].size);
        if (span > free - used) {
            break;
        }
        used += span;
    }
    *slots = used;
    return fitting;
}

// Fills all slots of the frames but the first head, which publishes them.
static void fill_batch(const struct rotor_ipq *end,
                       const struct rotor_bytes *frames, uint32_t count)
{
    // A copy that no store to a slot can change: nothing of it is read twice.
    const struct rotor_ipq own = *end;
    uint64_t position = own.cursor;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)frames[i].size;
        rotor_ipq_fetch_ahead(&own, position);
        if (i > 0) {
            fill_head(&own, position, size);
        }
        if (size == ROTOR_IPQ_BODY_SIZE) {
            ipq_copy_body(own.filled_bodies[position & own.mask].bytes,
                          frames[i].data);
            position++;
            continue;
        }
        fill_bodies(end, position, frames[i]);
        uint32_t span = ipq_span_of(size);
        fill_rest(end, position, span);
        position += span;
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
    uint64_t slots = count_slots(end, frames, count);
    if (slots == 0) {
        return ROTOR_INVALID;
    }
    uint32_t fitting = count;
    if (slots > free_slots(end)) {
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
    publish(end, (uint32_t)frames[0].size);
    end->cursor += slots;
    *pushed = fitting;
    return ROTOR_OK;
}
