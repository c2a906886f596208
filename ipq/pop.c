// SPDX-License-Identifier: Apache-2.0
// The consuming end.  Every head is fetched once, every body is copied once;
// what is checked is the private copy.
#include "ipq/end.h"

static const struct rotor_ipq_slot *slot_at(const struct rotor_ipq *end,
                                            uint64_t position)
{
    return &end->fetched[position & end->mask];
}

static uint32_t fetch_head(const struct rotor_ipq *end, uint64_t position)
{
    // Pairs with the release in push: all slots of the frame are filled, and
    // of the batch that it begins.
    return atomic_load_explicit(&slot_at(end, position)->head,
                                memory_order_acquire);
}

static uint32_t stamp_in(uint32_t head)
{
    return head >> IPQ_STAMP_SHIFT;
}

// What the stamp at `position` is until the slot is filled in this lap.
static uint32_t stamp_before(const struct rotor_ipq *end, uint64_t position)
{
    return stamp_in(ipq_head_before(end, position));
}

void rotor_ipq_give_credit(struct rotor_ipq *end)
{
    bool is_news = end->published != end->cursor;
    if (end->role != IPQ_CONSUMER || !is_news) {
        return;
    }
    end->published = end->cursor;
    // Pairs with the acquire in fetch_credit: we are done with these slots.
    atomic_store_explicit(&end->given->credit, (uint32_t)end->cursor,
                          memory_order_release);
}

bool ipq_consumer_is_due(const struct rotor_ipq *end)
{
    uint32_t head = fetch_head(end, end->cursor);
    return stamp_in(head) != stamp_before(end, end->cursor);
}

// Reads the head of the next frame, once: its length, or why there is none.
static enum rotor_status read_head(struct rotor_ipq *end, uint64_t position,
                                   uint32_t *length)
{
    uint32_t head = fetch_head(end, position);
    uint32_t size = head - rotor_ipq_head(end, position, 0);
    bool is_here = size <= IPQ_LENGTH_MASK;
    if (!is_here && stamp_in(head) == stamp_before(end, position)) {
        return ROTOR_AGAIN;
    }
    if (!is_here) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_STAMP);
    }
    if (size == 0 || size > end->frame_max) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_LENGTH);
    }
    uint64_t not_given = position - end->published;
    if (ipq_span_of(size) + not_given > end->mask + 1) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_OVERRUN);
    }
    *length = size;
    return ROTOR_OK;
}

// Copies the `length` bytes of a frame, and looks at each head behind the
// first.
static enum rotor_status copy_frame(struct rotor_ipq *end, uint64_t position,
                                    uint8_t *to, uint32_t length)
{
    while (length > ROTOR_IPQ_BODY_SIZE) {
        ipq_copy_body(to, slot_at(end, position)->body);
        to += ROTOR_IPQ_BODY_SIZE;
        length -= ROTOR_IPQ_BODY_SIZE;
        position++;
        if (fetch_head(end, position) != rotor_ipq_head(end, position, 0)) {
            return ipq_condemn_end(end, ROTOR_IPQ_RULE_CONTINUE);
        }
    }
    __builtin_memcpy(to, slot_at(end, position)->body, length);
    return ROTOR_OK;
}

// Copies the frame at `*position`, which then is behind it.
static enum rotor_status pop_frame(struct rotor_ipq *end, uint64_t *position,
                                   struct rotor_room *frame)
{
    uint32_t length = 0;
    TRY(read_head(end, *position, &length));
    TRY(copy_frame(end, *position, frame->data, length));
    // The compiler may not read the slots again in place of the copy.
    atomic_signal_fence(memory_order_seq_cst);
    *position += ipq_span_of(length);
    frame->used = length;
    return ROTOR_OK;
}

// Moves on behind what was popped.  Credit goes out by the quarter, so that
// our line does not travel with every frame, and when the queue is empty, so
// that the producer never waits for credit that we forgot.
static void move_on(struct rotor_ipq *end, uint64_t position, bool is_empty)
{
    end->cursor = position;
    uint64_t not_given = end->cursor - end->published;
    if (is_empty || not_given > end->mask / 4) {
        rotor_ipq_give_credit(end);
    }
}

enum rotor_status rotor_ipq_pop_any(struct rotor_ipq *end,
                                    struct rotor_room *frame)
{
    frame->used = 0;
    if (end->role != IPQ_CONSUMER) {
        return ipq_refuse_call(end);
    }
    if (frame->capacity < end->frame_max) {
        return ROTOR_TOO_SMALL;
    }
    uint64_t position = end->cursor;
    enum rotor_status status = pop_frame(end, &position, frame);
    move_on(end, position, status == ROTOR_AGAIN);
    return status;
}

// The first frames of a batch, as long as each fills no more than one body: in
// few instructions, as in rotor_ipq_pop.  Returns how many.
static uint32_t pop_bodies(const struct rotor_ipq *end,
                           struct rotor_room *frames, uint32_t count)
{
    // A copy that no store to a frame can change: nothing of it is read twice.
    const struct rotor_ipq own = *end;
    if (!own.may_fetch) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = own.cursor + i;
        uint32_t head = fetch_head(&own, position);
        uint32_t length = head - rotor_ipq_head(&own, position, 0);
        bool is_whole = length - 1 < ROTOR_IPQ_BODY_SIZE;
        if (!is_whole || frames[i].capacity < own.frame_max) {
            return i;
        }
        ipq_copy_body(frames[i].data, slot_at(&own, position)->body);
        frames[i].used = length;
    }
    return count;
}

static bool rooms_are_large(const struct rotor_ipq *end,
                            const struct rotor_room *frames, uint32_t count)
{
    bool fits = true;
    for (uint32_t i = 0; i < count; i++) {
        fits = fits && frames[i].capacity >= end->frame_max;
    }
    return fits;
}

static enum rotor_status pop_batch(struct rotor_ipq *end,
                                   struct rotor_room *frames, uint32_t count,
                                   uint32_t *popped)
{
    if (end->role != IPQ_CONSUMER) {
        return ipq_refuse_call(end);
    }
    if (count == 0) {
        return ROTOR_INVALID;
    }
    // No frame of a slot each overruns while no more are taken at once than the
    // three quarters that were given back.
    uint32_t most = (end->mask + 1) / 2;
    uint32_t done = pop_bodies(end, frames, count < most ? count : most);
    // The compiler may not read the slots again in place of the copies.
    atomic_signal_fence(memory_order_seq_cst);
    if (!rooms_are_large(end, frames + done, count - done)) {
        return ROTOR_TOO_SMALL;
    }
    uint64_t position = end->cursor + done;
    enum rotor_status status = ROTOR_OK;
    while (done < count && status == ROTOR_OK) {
        status = pop_frame(end, &position, &frames[done]);
        done += status == ROTOR_OK;
    }
    move_on(end, position, status == ROTOR_AGAIN);
    *popped = done;
    return done > 0 ? ROTOR_OK : status;
}

enum rotor_status rotor_ipq_pop_batch(struct rotor_ipq *end,
                                      struct rotor_room *frames, uint32_t count,
                                      uint32_t *popped)
{
    *popped = 0;
    enum rotor_status status = pop_batch(end, frames, count, popped);
    for (uint32_t i = *popped; i < count; i++) {
        frames[i].used = 0;
    }
    return status;
}
