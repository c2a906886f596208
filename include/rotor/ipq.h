// SPDX-License-Identifier: Apache-2.0
// IPQ: a one-way queue of frames between two parties that share memory and
// do not trust each other.
//
// One producer, one consumer, no locks, no allocation, no system calls.
// Two queues back to back make a channel.  IPQ moves opaque frames; what
// they mean is wire/wire.h's business.  Going to sleep and waking the other
// side up is the port's business; the words for it are here (doorbell).
//
//                 slots, written by the producer alone
//     producer -------------------------------------------> consumer
//              <-------------------------------------------
//                 credit, written by the consumer alone
//
//     slot    body  | 60 bytes
//             head  | length 2 | stamp 2 |     together a cache line
//
// A slot is published by its own stamp, stored last: there is no shared index.
// The stamp of position p is seed + p, so at any moment a slot may hold one of
// two values: the one of this lap or the one of the lap before.  A frame that
// fits one slot travels in one line; a longer one goes on in the slots behind.
// A batch is filled from its second head on; the first head, stored last,
// publishes all of it.
//
// Trust: everything in shared memory is hostile input.  Geometry is taken from
// the caller and never read back; nothing that this side wrote is ever read
// back; whatever the peer wrote is fetched once into private memory and then
// checked; what is impossible condemns the end, it is never clamped.
//
// Layout and proof obligations: doc/PROTOCOL.ipq
#ifndef ROTOR_IPQ_H
#define ROTOR_IPQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Bytes of a slot, a cache line, and those of a frame that it carries.
#define ROTOR_IPQ_SLOT_SIZE 64u
#define ROTOR_IPQ_BODY_SIZE 60u

// Largest frame that a queue may be built for, in bytes: a message of
// 16384 bytes, its header of 64, its tag of 16.
#define ROTOR_IPQ_FRAME_MAX (16384u + 64u + 16u)

// Most slots of a queue: a stamp of 16 bits tells two laps apart.
#define ROTOR_IPQ_SLOTS_MAX 32768u

// What both sides agree on before either touches the memory; settled at build
// or launch time, never negotiated through the queue.
struct rotor_ipq_plan {
    uint32_t slots;     // a power of two, room for one frame at least
    uint32_t frame_max; // bytes, 1..ROTOR_IPQ_FRAME_MAX
    uint32_t seed;      // fresh per session; its low 15 bits count; no secret
};

// In pages that the producer alone writes.
struct rotor_ipq_slot {
    _Alignas(ROTOR_IPQ_SLOT_SIZE) uint8_t body[ROTOR_IPQ_BODY_SIZE];
    _Atomic uint32_t head; // length | stamp << 16; length 0: goes on
};

// One side's words, in a page that this side alone writes.  Each has two cache
// lines of its own, since processors fetch lines in pairs.
struct rotor_ipq_control {
    _Alignas(128) _Atomic uint32_t credit; // slots read of the peer's queue
    _Alignas(128) _Atomic uint32_t sleep;  // ticket << 4 | what it sleeps for
    _Alignas(128) _Atomic uint32_t bell;   // moved to wake the peer
};

// Which rule of the queue the peer broke.
enum rotor_ipq_rule {
    ROTOR_IPQ_UNBROKEN = 0,
    ROTOR_IPQ_RULE_STAMP,    // a stamp of neither this lap nor the last one
    ROTOR_IPQ_RULE_LENGTH,   // a frame that is empty or too long
    ROTOR_IPQ_RULE_OVERRUN,  // a frame over slots that were not given back yet
    ROTOR_IPQ_RULE_CONTINUE, // a slot within a frame that does not go on
    ROTOR_IPQ_RULE_CREDIT,   // credit for slots that were never filled
    ROTOR_IPQ_RULE_SLEEP,    // a sleeper that waits for the unknown
};

// One side's private end of a queue.  Lives in private memory, owns nothing:
// the shared memory must outlive it.  All zeros is an end that refuses every
// call.  Fields are not for callers.
struct rotor_ipq {
    struct rotor_ipq_slot *filled;          // producer: the slots
    const struct rotor_ipq_slot *fetched;   // consumer: the slots
    struct rotor_ipq_control *given;        // consumer: our credit
    const struct rotor_ipq_control *credit; // producer: the peer's credit
    uint64_t cursor;    // true position: shared memory may lie
    uint64_t limit;     // producer: first position that is not ours to fill
    uint64_t published; // consumer: position that the peer was told
    uint32_t mask;      // slots - 1
    uint32_t base;      // stamp of position 0
    uint32_t frame_max; // bytes
    uint32_t needed;    // producer: slots that the last refused frame needs
    bool may_fill;      // producer, alive, whose frames may fill a body
    bool may_fetch;     // the same of a consumer
    uint8_t role;       // producer, consumer, or neither: dead
    enum rotor_ipq_rule broken;
};

// Bytes of the slots of one queue.  0 if the plan is not allowed.
size_t rotor_ipq_slots_size(const struct rotor_ipq_plan *plan);

// Takes the producing end: `slots` are ours to write, `theirs` is the
// consumer's page.  The memory must be zeroed before either end is taken.
//
// ROTOR_INVALID  the plan is not allowed, or `slots` is not
// rotor_ipq_slots_size
//                bytes from a multiple of 64 on.
ROTOR_CALL rotor_ipq_producer(struct rotor_ipq *end,
                              const struct rotor_ipq_plan *plan,
                              struct rotor_room slots,
                              const struct rotor_ipq_control *theirs);

// Takes the consuming end: `slots` are the producer's, `mine` is our page.
//
// ROTOR_INVALID  as for rotor_ipq_producer.
ROTOR_CALL rotor_ipq_consumer(struct rotor_ipq *end,
                              const struct rotor_ipq_plan *plan,
                              struct rotor_bytes slots,
                              struct rotor_ipq_control *mine);

// Copies `frame` into the queue; the consumer sees all of it or none.
// Producer only.  Never blocks.
//
// ROTOR_AGAIN    the queue has no room for it.
// ROTOR_INVALID  the frame is empty or longer than frame_max.
// ROTOR_CORRUPT  the peer broke a rule; this end is dead ever after.
static inline ROTOR_CALL rotor_ipq_push(struct rotor_ipq *end,
                                        struct rotor_bytes frame);

// Copies up to `count` frames and publishes them at once; `pushed` tells how
// many: the first ones, as far as there is room.  Producer only.  Never blocks.
//
// ROTOR_AGAIN    no room even for the first.
// ROTOR_INVALID  `count` is 0, or one of the frames is empty or too long.
// ROTOR_CORRUPT  as for push.
ROTOR_CALL rotor_ipq_push_batch(struct rotor_ipq *end,
                                const struct rotor_bytes *frames,
                                uint32_t count, uint32_t *pushed);

// Copies the oldest frame into `frame` and removes it.
// Consumer only.  Never blocks.  Bytes behind `used` are undefined.
//
// ROTOR_AGAIN      the queue is empty.
// ROTOR_TOO_SMALL  frame->capacity < frame_max; nothing is removed.
// ROTOR_CORRUPT    the peer broke a rule; this end is dead ever after.
static inline ROTOR_CALL rotor_ipq_pop(struct rotor_ipq *end,
                                       struct rotor_room *frame);

// Copies up to `count` frames, each into a room of its own; `popped` tells how
// many.  Consumer only.  Never blocks.  When the peer breaks a rule behind
// some good frames, those are delivered; the next call says ROTOR_CORRUPT.
//
// ROTOR_AGAIN      the queue is empty.
// ROTOR_INVALID    `count` is 0.
// ROTOR_TOO_SMALL  a room has less than frame_max; nothing is removed.
// ROTOR_CORRUPT    as for pop.
ROTOR_CALL rotor_ipq_pop_batch(struct rotor_ipq *end, struct rotor_room *frames,
                               uint32_t count, uint32_t *popped);

// Tells the producer of everything popped so far.  Pop does so when the queue
// runs empty or a quarter of it was read; who stops popping earlier calls this.
void rotor_ipq_give_credit(struct rotor_ipq *end);

// Looks whether `count` frames of a slot each, or more, may be there to pop.
// Consumer only, and only while it is alive.  A hint: the peer may lie.
static inline bool rotor_ipq_holds(const struct rotor_ipq *end, uint32_t count);

// The rule for which this end is dead; ROTOR_IPQ_UNBROKEN while it is not.
enum rotor_ipq_rule rotor_ipq_broken_rule(const struct rotor_ipq *end);

// What the rule says, as a clause for a log line; never NULL.
const char *rotor_ipq_rule_text(enum rotor_ipq_rule rule);

// --- Channel: two queues, and the words to sleep by -------------------------
//
// One memory in two halves, each written by one side and mapped read-only by
// the other:
//
//     half of the RTP:  control page | slots RTP -> AP
//     half of the AP:   control page | slots AP -> RTP
//
// Doorbell.  Sending costs no fence; the sleeper pays:
//
//     sleeper                              sender
//     b = bell of the peer                 push, or give credit
//     sleep = ticket, reason               sleep of the peer set?
//     BARRIER in both (port)                 no, or rung already: done
//     queue changed?  then awake             yes: bell = bell + 1, then wake
//     wait while bell of the peer is b
//
// Each side waits on a word that the other one writes, so read-only mappings
// suffice.  The wait has a bound: a peer that never rings costs time, not life.

enum rotor_ipq_side {
    ROTOR_IPQ_RTP, // the first half of the memory is ours
    ROTOR_IPQ_AP,  // the second
};

// Reasons to sleep, and how to be woken; or-ed together.
#define ROTOR_IPQ_FRAMES 1u // until a frame can be popped
#define ROTOR_IPQ_ROOM   2u // until the frame that was refused can be pushed
#define ROTOR_IPQ_EVENT  4u // woken by the port's event, not by the bell word

#define ROTOR_IPQ_REASON_MASK 15u // bits of a sleep word; above, the ticket

// Bytes of one side's half, or 0 if the plan is not allowed or `page_size` is
// not a power of two from 512 on.  The channel's memory is two halves.
size_t rotor_ipq_half_size(const struct rotor_ipq_plan *plan, size_t page_size);
size_t rotor_ipq_channel_size(const struct rotor_ipq_plan *plan,
                              size_t page_size);

// One side of a channel.  Private memory; owns nothing.  `out` and `in` may be
// used with every call above; a channel is finished when either is dead.
struct rotor_ipq_channel {
    struct rotor_ipq out;
    struct rotor_ipq in;
    struct rotor_ipq_control *mine;
    const struct rotor_ipq_control *theirs;
    uint32_t ticket;   // of our latest sleep
    uint32_t rung;     // the peer's sleep word that was last answered
    uint32_t bell;     // our bell's true value
    uint64_t credited; // in.published when we last looked at a sleeper
};

// Takes one side: `mine` is the half that this side writes, `theirs` the other
// one.  Both are zeroed before either side starts, page aligned, and exactly
// rotor_ipq_half_size(plan, page_size) bytes.
//
// ROTOR_INVALID  plan, size or alignment is not allowed.
ROTOR_CALL rotor_ipq_channel_init(struct rotor_ipq_channel *channel,
                                  const struct rotor_ipq_plan *plan,
                                  size_t page_size, struct rotor_room mine,
                                  struct rotor_bytes theirs);

// Called after pushing or popping: moves our bell if the peer sleeps and there
// is something for it.  `wake` becomes 0: nobody is to be woken; or the reasons
// and the way that the sleeper announced: the port wakes it.
//
// ROTOR_CORRUPT  the peer's announcement is impossible; `out` is dead.
ROTOR_CALL rotor_ipq_channel_ring(struct rotor_ipq_channel *channel,
                                  uint32_t *wake);

// Is the peer awake, so that there is nobody to ring?  The one look that a
// frame costs while both sides are busy: no store, no fence.
static inline bool
rotor_ipq_channel_peer_is_awake(const struct rotor_ipq_channel *channel)
{
    // The compiler may not look at the sleeper before it stores what we
    // pushed.  The processor may: the sleeper's barrier answers for that.
    atomic_signal_fence(memory_order_seq_cst);
    uint32_t sleep =
        atomic_load_explicit(&channel->theirs->sleep, memory_order_relaxed);
    return (sleep & ROTOR_IPQ_REASON_MASK) == 0;
}

// Says that this side goes to sleep for `reasons` and gives all credit first.
// Returns the value of the peer's bell to wait on.  Before waiting the port
// passes a barrier on both sides and asks is_due again.
uint32_t rotor_ipq_channel_announce(struct rotor_ipq_channel *channel,
                                    uint32_t reasons);

// Is there something to do for one of `reasons`?  A dead end is: to be seen.
bool rotor_ipq_channel_is_due(const struct rotor_ipq_channel *channel,
                              uint32_t reasons);

// Takes the announcement back.
void rotor_ipq_channel_awake(struct rotor_ipq_channel *channel);

// --- The commonest frame ----------------------------------------------------
//
// A frame that fills one slot, in as few instructions and stores as will do:
// the fewer there are, the more slots the processor works on at once, while
// their lines are on the way.  Every other frame, and whatever is wrong, is for
// the calls behind, which look at everything anew.

// Push and pop for all that the short way leaves out.  Whoever waits comes by
// pop_any each time: it is not rare.
ROTOR_RARE ROTOR_CALL rotor_ipq_push_any(struct rotor_ipq *end,
                                         struct rotor_bytes frame);
ROTOR_CALL rotor_ipq_pop_any(struct rotor_ipq *end, struct rotor_room *frame);

// Slots that are fetched for writing ahead of their use, so that the miss is
// over when their turn comes.
#define ROTOR_IPQ_AHEAD_SLOTS 16u

// What the head of a slot is when a frame of `length` begins there.
static inline uint32_t rotor_ipq_head(const struct rotor_ipq *end,
                                      uint64_t position, uint32_t length)
{
    return (end->base + (uint32_t)position) << 16 | length;
}

static inline void rotor_ipq_fetch_ahead(const struct rotor_ipq *end,
                                         uint64_t position)
{
    uint64_t ahead = (position + ROTOR_IPQ_AHEAD_SLOTS) & end->mask;
    __builtin_prefetch(&end->filled[ahead], 1);
}

static inline enum rotor_status rotor_ipq_push(struct rotor_ipq *end,
                                               struct rotor_bytes frame)
{
    uint64_t position = end->cursor;
    bool is_whole = frame.size == ROTOR_IPQ_BODY_SIZE && end->may_fill;
    if (!is_whole || position == end->limit) {
        return rotor_ipq_push_any(end, frame);
    }
    rotor_ipq_fetch_ahead(end, position);
    struct rotor_ipq_slot *slot = &end->filled[position & end->mask];
    // All stores to the slot in one go: a store to another line in between
    // takes one more of the few places that wait for lines of the other
    // processor.
    __builtin_memcpy(slot->body, frame.data, ROTOR_IPQ_BODY_SIZE);
    // Pairs with the acquire in pop: the body is filled.
    atomic_store_explicit(&slot->head,
                          rotor_ipq_head(end, position, ROTOR_IPQ_BODY_SIZE),
                          memory_order_release);
    end->cursor = position + 1;
    return ROTOR_OK;
}

static inline enum rotor_status rotor_ipq_pop(struct rotor_ipq *end,
                                              struct rotor_room *frame)
{
    if (!end->may_fetch || frame->capacity < end->frame_max) {
        return rotor_ipq_pop_any(end, frame);
    }
    uint64_t position = end->cursor;
    const struct rotor_ipq_slot *slot = &end->fetched[position & end->mask];
    // Pairs with the release in push: the body is filled.
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_acquire);
    // Anything but this lap's stamp and a length within a body is beyond it.
    uint32_t length = head - rotor_ipq_head(end, position, 0);
    if (length - 1 >= ROTOR_IPQ_BODY_SIZE) {
        return rotor_ipq_pop_any(end, frame);
    }
    __builtin_memcpy(frame->data, slot->body, ROTOR_IPQ_BODY_SIZE);
    // The compiler may not read the slot again in place of the copy.
    atomic_signal_fence(memory_order_seq_cst);
    frame->used = length;
    end->cursor = position + 1;
    if (end->cursor - end->published > end->mask / 4) {
        rotor_ipq_give_credit(end);
    }
    return ROTOR_OK;
}

static inline bool rotor_ipq_holds(const struct rotor_ipq *end, uint32_t count)
{
    uint64_t position = end->cursor + count - 1;
    uint32_t head = atomic_load_explicit(
        &end->fetched[position & end->mask].head, memory_order_relaxed);
    return (head ^ rotor_ipq_head(end, position, 0)) >> 16 == 0;
}

_Static_assert(sizeof(struct rotor_ipq_slot) == ROTOR_IPQ_SLOT_SIZE, "layout");
_Static_assert(offsetof(struct rotor_ipq_slot, head) == 60, "layout");
_Static_assert(sizeof(struct rotor_ipq_control) == 384, "layout");
_Static_assert(offsetof(struct rotor_ipq_control, sleep) == 128, "layout");
_Static_assert(offsetof(struct rotor_ipq_control, bell) == 256, "layout");
_Static_assert(sizeof(_Atomic uint32_t) == 4, "an atomic is its word");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomics need no lock");

#endif
