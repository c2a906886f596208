// SPDX-License-Identifier: Apache-2.0
// The consuming end.  Every word of a slot is fetched once; what is checked is
// the private copy.
#include "ipq/end.h"

static const struct rotor_ipq_slot *slot_at(const struct rotor_ipq *end,
                                            uint64_t position)
{
    return &end->fetched[position & end->mask];
}

// What the stamp at `position` is until the slot is filled in this lap.
static uint32_t stamp_before(const struct rotor_ipq *end, uint64_t position)
{
    uint32_t slots = end->mask + 1;
    return position < slots ? 0 : ipq_stamp_of(end, position) - slots;
}

void rotor_ipq_give_credit(struct rotor_ipq *end)
{
    bool is_news = end->published != end->cursor;
    if (end->role != IPQ_CONSUMER || !is_news) {
        return;
    }
    end->published = end->cursor;
    // Pairs with the acquire in take_credit: we are done with these slots.
    atomic_store_explicit(&end->given->credit, (uint32_t)end->cursor,
                          memory_order_release);
}

bool ipq_consumer_is_due(const struct rotor_ipq *end)
{
    // Pairs with the release in publish_run.
    uint32_t stamp = atomic_load_explicit(&slot_at(end, end->cursor)->stamp,
                                          memory_order_acquire);
    return end->run > 0 || stamp != stamp_before(end, end->cursor);
}

// Where pop stands: moved on in private memory, committed when all is checked.
struct walk {
    uint64_t cursor;
    uint32_t run; // slots left of the current run
};

// No new run begins here: nothing was filled yet, or the peer lies.
static enum rotor_status find_nothing(struct rotor_ipq *end, uint64_t position,
                                      uint32_t stamp)
{
    if (stamp != stamp_before(end, position)) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_STAMP);
    }
    return ROTOR_AGAIN;
}

// Reads the head of the next frame: its slot's stamp and extent, once each.
static enum rotor_status read_head(struct rotor_ipq *end, struct walk *walk,
                                   uint32_t *length)
{
    const struct rotor_ipq_slot *slot = slot_at(end, walk->cursor);
    // Pairs with the release in publish_run: the slots of the run are filled.
    uint32_t stamp = atomic_load_explicit(&slot->stamp, memory_order_acquire);
    bool is_here = stamp == ipq_stamp_of(end, walk->cursor);
    if (!is_here && walk->run == 0) {
        return find_nothing(end, walk->cursor, stamp);
    }
    if (!is_here) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_PROMISE);
    }
    uint32_t extent = atomic_load_explicit(&slot->extent, memory_order_relaxed);
    uint32_t run = extent >> IPQ_RUN_SHIFT;
    bool begins_run = walk->run == 0;
    if (begins_run != (run > 0)) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_RUN);
    }
    uint64_t not_given = walk->cursor - end->published;
    if (run + not_given > end->mask + 1) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_OVERRUN);
    }
    walk->run += run; // one of the two is 0
    *length = extent & IPQ_LENGTH_MASK;
    return ROTOR_OK;
}

// Copies the slots of a frame behind its first.  `frame` has room for it.
static enum rotor_status copy_rest(struct rotor_ipq *end, uint64_t position,
                                   uint8_t *frame, uint32_t length)
{
    uint32_t done = ROTOR_IPQ_PAYLOAD_SIZE;
    while (done < length) {
        position++;
        const struct rotor_ipq_slot *slot = slot_at(end, position);
        uint32_t stamp =
            atomic_load_explicit(&slot->stamp, memory_order_relaxed);
        uint32_t extent =
            atomic_load_explicit(&slot->extent, memory_order_relaxed);
        if (stamp != ipq_stamp_of(end, position) || extent != 0) {
            return ipq_condemn_end(end, ROTOR_IPQ_RULE_CONTINUE);
        }
        uint32_t left = length - done;
        if (left >= ROTOR_IPQ_PAYLOAD_SIZE) {
            ipq_copy_payload(frame + done, slot->payload);
        } else {
            ipq_copy_part(frame + done, slot->payload, left);
        }
        done += ROTOR_IPQ_PAYLOAD_SIZE;
    }
    return ROTOR_OK;
}

// Copies the frame at `walk` and moves `walk` behind it.
static enum rotor_status pop_frame(struct rotor_ipq *end, struct walk *walk,
                                   struct rotor_room *frame)
{
    uint32_t length = 0;
    TRY(read_head(end, walk, &length));
    if (length == 0 || length > end->frame_max) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_LENGTH);
    }
    uint32_t span = ipq_span_of(length);
    if (span > walk->run) {
        return ipq_condemn_end(end, ROTOR_IPQ_RULE_SPAN);
    }
    const struct rotor_ipq_slot *slot = slot_at(end, walk->cursor);
    if (length >= ROTOR_IPQ_PAYLOAD_SIZE) {
        ipq_copy_payload(frame->data, slot->payload);
    } else {
        ipq_copy_part(frame->data, slot->payload, length);
    }
    TRY(copy_rest(end, walk->cursor, frame->data, length));
    // The compiler may not read the slot again in place of the copy.
    atomic_signal_fence(memory_order_seq_cst);
    walk->cursor += span;
    walk->run -= span;
    frame->used = length;
    return ROTOR_OK;
}

// Moves on behind what was popped.  Credit goes out by the quarter, so that
// our line does not travel with every frame, and when the queue is empty, so
// that the producer never waits for credit that we forgot.
static void commit_walk(struct rotor_ipq *end, const struct walk *walk,
                        bool is_empty)
{
    end->cursor = walk->cursor;
    end->run = walk->run;
    uint64_t not_given = end->cursor - end->published;
    if (is_empty || not_given > end->mask / 4) {
        rotor_ipq_give_credit(end);
    }
}

// Out of line, so that rotor_ipq_pop needs no stack frame.
__attribute__((noinline)) static enum rotor_status
pop_one(struct rotor_ipq *end, struct rotor_room *frame)
{
    struct walk walk = {end->cursor, end->run};
    enum rotor_status status = pop_frame(end, &walk, frame);
    commit_walk(end, &walk, status == ROTOR_AGAIN);
    return status;
}

// The commonest frame, for which few instructions suffice: the fewer there are,
// the more slots the processor fetches at once.  It fits one slot, is a run of
// its own, and the room takes a whole payload.  Its run of 1 cannot overrun:
// three quarters of the queue were given back.  All else, and whatever is
// wrong, is for pop_one, which fetches and checks everything anew.
enum rotor_status rotor_ipq_pop(struct rotor_ipq *end, struct rotor_room *frame)
{
    frame->used = 0;
    if (end->role != IPQ_CONSUMER) {
        return ipq_refuse_call(end);
    }
    if (frame->capacity < end->frame_max) {
        return ROTOR_TOO_SMALL;
    }
    const struct rotor_ipq_slot *slot = slot_at(end, end->cursor);
    // Pairs with the release in publish_run: the slot is filled.
    uint32_t stamp = atomic_load_explicit(&slot->stamp, memory_order_acquire);
    uint32_t extent = atomic_load_explicit(&slot->extent, memory_order_relaxed);
    uint32_t length = extent - (1u << IPQ_RUN_SHIFT);
    bool is_new = stamp == ipq_stamp_of(end, end->cursor) && end->run == 0;
    if (!is_new || length - 1 >= end->short_max) {
        return pop_one(end, frame);
    }
    ipq_copy_payload(frame->data, slot->payload);
    // The compiler may not read the slot again in place of the copy.
    atomic_signal_fence(memory_order_seq_cst);
    frame->used = length;
    end->cursor++;
    if (end->cursor - end->published > end->mask / 4) {
        rotor_ipq_give_credit(end);
    }
    return ROTOR_OK;
}

enum rotor_status rotor_ipq_pop_batch(struct rotor_ipq *end,
                                      struct rotor_room *frames, uint32_t count,
                                      uint32_t *popped)
{
    *popped = 0;
    bool fits = true;
    for (uint32_t i = 0; i < count; i++) {
        frames[i].used = 0;
        fits = fits && frames[i].capacity >= end->frame_max;
    }
    if (end->role != IPQ_CONSUMER) {
        return ipq_refuse_call(end);
    }
    if (count == 0) {
        return ROTOR_INVALID;
    }
    if (!fits) {
        return ROTOR_TOO_SMALL;
    }
    enum rotor_status status = ROTOR_OK;
    uint32_t done = 0;
    struct walk walk = {end->cursor, end->run};
    while (done < count && status == ROTOR_OK) {
        status = pop_frame(end, &walk, &frames[done]);
        done += status == ROTOR_OK;
    }
    commit_walk(end, &walk, status == ROTOR_AGAIN);
    *popped = done;
    return done > 0 ? ROTOR_OK : status;
}
