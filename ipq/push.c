// SPDX-License-Identifier: Apache-2.0
// The producing end.  It reads one shared word: the peer's credit.
#include "ipq/end.h"

static struct rotor_ipq_slot *slot_at(const struct rotor_ipq *end,
                                      uint64_t position)
{
    return &end->filled[position & end->mask];
}

// A head behind the first one of a frame or of a batch: published by that one.
static void fill_head(const struct rotor_ipq *end, uint64_t position,
                      uint32_t length)
{
    atomic_store_explicit(&slot_at(end, position)->head,
                          rotor_ipq_head(end, position, length),
                          memory_order_relaxed);
}

// Fills all of a frame but its first head; returns the slots that it took.
static uint32_t fill_frame(const struct rotor_ipq *end, uint64_t position,
                           struct rotor_bytes frame)
{
    uint32_t span = 1;
    while (frame.size > ROTOR_IPQ_BODY_SIZE) {
        rotor_ipq_fetch_ahead(end, position);
        ipq_copy_body(slot_at(end, position)->body, frame.data);
        frame.data += ROTOR_IPQ_BODY_SIZE;
        frame.size -= ROTOR_IPQ_BODY_SIZE;
        position++;
        span++;
        fill_head(end, position, 0);
    }
    rotor_ipq_fetch_ahead(end, position);
    __builtin_memcpy(slot_at(end, position)->body, frame.data, frame.size);
    return span;
}

// Publishes the frame at the cursor, and with it what was filled behind.
static void publish(const struct rotor_ipq *end, uint32_t length)
{
    uint32_t head = rotor_ipq_head(end, end->cursor, length);
    // Pairs with the acquire in pop: all that lies behind is filled.
    atomic_store_explicit(&slot_at(end, end->cursor)->head, head,
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
    (void)fill_frame(end, end->cursor, frame);
    publish(end, (uint32_t)frame.size);
    end->cursor += span;
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
    uint64_t position = end->cursor;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            fill_head(end, position, (uint32_t)frames[i].size);
        }
        position += fill_frame(end, position, frames[i]);
    }
}

// Heads that were filled and not published: the next frame must not bring them
// to light.
static void take_back(const struct rotor_ipq *end, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t position = end->cursor + i;
        atomic_store_explicit(&slot_at(end, position)->head,
                              ipq_head_before(end, position),
                              memory_order_relaxed);
    }
}

// The same for a batch of frames that fill a slot each, if there is room for
// all of them.  False: it is another batch, and all heads are as they were.
static bool fill_slots(const struct rotor_ipq *end,
                       const struct rotor_bytes *frames, uint32_t count)
{
    // A copy that no store to a slot can change: nothing of it is read twice.
    const struct rotor_ipq own = *end;
    if (!own.may_fill || count > free_slots(&own)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = own.cursor + i;
        if (frames[i].size != ROTOR_IPQ_BODY_SIZE) {
            take_back(&own, i);
            return false;
        }
        rotor_ipq_fetch_ahead(&own, position);
        ipq_copy_body(slot_at(&own, position)->body, frames[i].data);
        if (i > 0) {
            fill_head(&own, position, ROTOR_IPQ_BODY_SIZE);
        }
    }
    return true;
}

static enum rotor_status push_batch(struct rotor_ipq *end,
                                    const struct rotor_bytes *frames,
                                    uint32_t count, uint32_t *pushed)
{
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

enum rotor_status rotor_ipq_push_batch(struct rotor_ipq *end,
                                       const struct rotor_bytes *frames,
                                       uint32_t count, uint32_t *pushed)
{
    *pushed = 0;
    if (end->role != IPQ_PRODUCER) {
        return ipq_refuse_call(end);
    }
    if (count > free_slots(end)) {
        TRY(take_credit(end));
    }
    if (count == 0 || !fill_slots(end, frames, count)) {
        return push_batch(end, frames, count, pushed);
    }
    publish(end, ROTOR_IPQ_BODY_SIZE);
    end->cursor += count;
    *pushed = count;
    return ROTOR_OK;
}
