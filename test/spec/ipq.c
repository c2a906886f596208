// SPDX-License-Identifier: Apache-2.0
// The queue between two honest ends.
#include "test/spec/ipq_pair.h"

static struct rotor_bytes frame_of(const void *data, size_t size)
{
    return (struct rotor_bytes){data, size};
}

static enum rotor_status push_text(struct pair *pair, const char *text)
{
    return rotor_ipq_push(&pair->producer, frame_of(text, strlen(text)));
}

static void expect_text(struct pair *pair, const char *text)
{
    assert_ok(rotor_ipq_pop(&pair->consumer, &pair->room));
    assert_int_equal(pair->room.used, strlen(text));
    assert_memory_equal(pair->room.data, text, strlen(text));
}

SPEC("frames come out as they went in, in order")
{
    struct pair pair = pair_open(8, 100, 1);
    assert_ok(push_text(&pair, "one"));
    assert_ok(push_text(&pair, "two"));
    expect_text(&pair, "one");
    assert_ok(push_text(&pair, "three"));
    expect_text(&pair, "two");
    expect_text(&pair, "three");
    pair_close(&pair);
}

SPEC("an empty queue says again and reports no bytes")
{
    struct pair pair = pair_open(2, 56, 1);
    pair.room.used = 7;
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    assert_int_equal(pair.room.used, 0);
    pair_close(&pair);
}

SPEC("a full queue refuses a frame and keeps what it has")
{
    struct pair pair = pair_open(4, 56, 1);
    assert_ok(push_text(&pair, "a"));
    assert_ok(push_text(&pair, "b"));
    assert_ok(push_text(&pair, "c"));
    assert_ok(push_text(&pair, "d"));
    assert_int_equal(push_text(&pair, "e"), ROTOR_AGAIN);
    expect_text(&pair, "a");
    expect_text(&pair, "b");
    assert_ok(push_text(&pair, "f"));
    expect_text(&pair, "c");
    expect_text(&pair, "d");
    expect_text(&pair, "f");
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    pair_close(&pair);
}

SPEC("an empty or overlong frame is refused and nothing is queued")
{
    struct pair pair = pair_open(8, 100, 1);
    uint8_t frame[101] = {0};
    assert_int_equal(rotor_ipq_push(&pair.producer, frame_of(frame, 0)),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push(&pair.producer, frame_of(frame, 101)),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    assert_ok(rotor_ipq_push(&pair.producer, frame_of(frame, 100)));
    pair_close(&pair);
}

SPEC("a frame that fills a slot is overlong where frames are shorter")
{
    struct pair pair = pair_open(8, 59, 1);
    uint8_t frame[60] = {0};
    struct rotor_bytes whole = frame_of(frame, 60);
    uint32_t pushed = 9;
    assert_int_equal(rotor_ipq_push(&pair.producer, whole), ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, &whole, 1, &pushed),
                     ROTOR_INVALID);
    assert_int_equal(pushed, 0);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    pair_close(&pair);
}

SPEC("a room below frame_max is refused and the frame stays")
{
    struct pair pair = pair_open(8, 100, 1);
    assert_ok(push_text(&pair, "stays"));
    struct rotor_room small = {pair.room.data, 99, 5};
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &small), ROTOR_TOO_SMALL);
    assert_int_equal(small.used, 0);
    expect_text(&pair, "stays");
    pair_close(&pair);
}

SPEC("an end works one way only, and all zeros is no end")
{
    struct pair pair = pair_open(8, 100, 1);
    struct rotor_ipq none = {0};
    struct rotor_bytes frame = frame_of("x", 1);
    assert_int_equal(rotor_ipq_push(&pair.consumer, frame), ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop(&pair.producer, &pair.room), ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push(&none, frame), ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop(&none, &pair.room), ROTOR_INVALID);
    assert_ok(rotor_ipq_push(&pair.producer, frame));
    uint8_t whole[60] = {0};
    assert_int_equal(rotor_ipq_push(&pair.consumer, frame_of(whole, 60)),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push(&none, frame_of(whole, 60)), ROTOR_INVALID);
    uint32_t count = 9;
    assert_int_equal(rotor_ipq_push_batch(&pair.consumer, &frame, 1, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop_batch(&pair.producer, &pair.room, 1, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push_batch(&none, &frame, 1, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop_batch(&none, &pair.room, 1, &count),
                     ROTOR_INVALID);
    // Also an end that has moved, so that its cursor is not where it began.
    assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
    assert_int_equal(rotor_ipq_push(&pair.consumer, frame_of(whole, 60)),
                     ROTOR_INVALID);
    rotor_ipq_give_credit(&none);
    rotor_ipq_give_credit(&pair.producer);
    assert_int_equal(pair.control->credit, 0);
    pair_close(&pair);
}

SPEC("a plan that no queue can have is refused")
{
    static const struct rotor_ipq_plan bad[] = {
        {0,     56,                      1},
        {1,     56,                      1},
        {3,     56,                      1},
        {65536, 56,                      1},
        {4,     0,                       1},
        {512,   ROTOR_IPQ_FRAME_MAX + 1, 1},
        {4,     241,                     1},
        {256,   ROTOR_IPQ_FRAME_MAX,     1},
    };
    struct rotor_ipq end = {0};
    static _Alignas(64) uint8_t slots[512 * 64];
    static struct rotor_ipq_control control;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rotor_room room = {slots, rotor_ipq_slots_size(&bad[i]), 0};
        struct rotor_bytes bytes = {slots, rotor_ipq_slots_size(&bad[i])};
        assert_int_equal(room.capacity, 0);
        assert_int_equal(rotor_ipq_producer(&end, &bad[i], room, &control),
                         ROTOR_INVALID);
        assert_int_equal(rotor_ipq_consumer(&end, &bad[i], bytes, &control),
                         ROTOR_INVALID);
        assert_int_equal(rotor_ipq_half_size(&bad[i], 4096), 0);
    }
    static const struct rotor_ipq_plan good[] = {
        {2,   120,                 0         },
        {4,   240,                 1         },
        {512, ROTOR_IPQ_FRAME_MAX, UINT32_MAX}
    };
    static const size_t sizes[] = {2 * 64, 4 * 64, 512 * 64};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct rotor_room room = {slots, sizes[i], 0};
        assert_ok(rotor_ipq_producer(&end, &good[i], room, &control));
    }
}

SPEC("slots of another size, not aligned or not there are refused")
{
    static const struct rotor_ipq_plan plan = {16, 100, 1};
    static _Alignas(64) uint8_t slots[17 * 64];
    static struct rotor_ipq_control control;
    struct rotor_ipq end = {0};
    const struct rotor_bytes bad[] = {
        {slots,      16 * 64 - 1},
        {slots,      16 * 64 + 1},
        {slots + 32, 16 * 64    },
        {NULL,       16 * 64    },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rotor_room room = {(uint8_t *)(uintptr_t)bad[i].data,
                                  bad[i].size, 0};
        assert_int_equal(rotor_ipq_producer(&end, &plan, room, &control),
                         ROTOR_INVALID);
        assert_int_equal(rotor_ipq_consumer(&end, &plan, bad[i], &control),
                         ROTOR_INVALID);
        assert_int_equal(end.role, 0);
    }
}

SPEC("every size up to the largest frame arrives whole, from every slot")
{
    struct pair pair = pair_open(512, ROTOR_IPQ_FRAME_MAX, 0x7fffff00);
    uint8_t *frame = malloc(ROTOR_IPQ_FRAME_MAX);
    for (uint32_t size = 1; size <= ROTOR_IPQ_FRAME_MAX;
         size += size < 600 ? 1 : 97) {
        frame_fill(frame, size, size);
        assert_ok(rotor_ipq_push(&pair.producer, frame_of(frame, size)));
        assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
        assert_true(frame_is(&pair.room, size, size));
        rotor_ipq_give_credit(&pair.consumer);
    }
    frame_fill(frame, ROTOR_IPQ_FRAME_MAX, 1);
    assert_ok(
        rotor_ipq_push(&pair.producer, frame_of(frame, ROTOR_IPQ_FRAME_MAX)));
    assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
    assert_true(frame_is(&pair.room, ROTOR_IPQ_FRAME_MAX, 1));
    free(frame);
    pair_close(&pair);
}

SPEC("the stamp may pass its largest value and the positions go on")
{
    // 5 stamps before the largest, then some laps of 16 bits beyond it.
    struct pair pair = pair_open(4, 60, 0x7ffe);
    uint8_t frame[60], popped[60];
    struct rotor_room room = {popped, sizeof popped, 0};
    for (uint32_t i = 0; i < 3 * 0x10000u; i++) {
        frame_fill(frame, 60, i);
        assert_ok(rotor_ipq_push(&pair.producer, frame_of(frame, 60)));
        assert_int_equal(*head_at(&pair, i & 3) >> 16, (0x7fff + i) & 0xffff);
        assert_ok(rotor_ipq_pop(&pair.consumer, &room));
        assert_true(frame_is(&room, 60, i));
        assert_int_equal(rotor_ipq_pop(&pair.consumer, &room), ROTOR_AGAIN);
    }
    pair_close(&pair);
}

SPEC("the credit may pass its largest value and the positions go on")
{
    struct pair pair = pair_open(4, 64, 1);
    uint64_t far = ((uint64_t)1 << 32) - 6;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t before = (pair.producer.base + (uint32_t)far + i - 4) << 16;
        *head_at(&pair, (far + i) & 3) = before;
    }
    pair.control->credit = (uint32_t)far;
    pair.producer.cursor = pair.consumer.cursor = far;
    pair.consumer.published = far;
    pair.producer.limit = far + 4;
    for (int i = 0; i < 20; i++) {
        assert_ok(push_text(&pair, "x"));
        assert_ok(push_text(&pair, "y"));
        expect_text(&pair, "x");
        expect_text(&pair, "y");
        assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room),
                         ROTOR_AGAIN);
    }
    pair_close(&pair);
}

SPEC("a look ahead tells how many frames are there")
{
    struct pair pair = pair_open(8, 64, 1);
    for (uint32_t i = 0; i < 30; i++) {
        assert_false(rotor_ipq_holds(&pair.consumer, 1));
        assert_ok(push_text(&pair, "x"));
        assert_ok(push_text(&pair, "y"));
        assert_true(rotor_ipq_holds(&pair.consumer, 1));
        assert_true(rotor_ipq_holds(&pair.consumer, 2));
        assert_false(rotor_ipq_holds(&pair.consumer, 3));
        expect_text(&pair, "x");
        expect_text(&pair, "y");
        assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room),
                         ROTOR_AGAIN);
    }
    pair_close(&pair);
}

SPEC("a batch pushes what fits and tells how much that was")
{
    struct pair pair = pair_open(8, 112, 1);
    uint8_t big[112] = {1};
    struct rotor_bytes frames[6];
    for (int i = 0; i < 6; i++) {
        frames[i] = frame_of(big, 112);
    }
    uint32_t pushed = 9;
    assert_ok(rotor_ipq_push_batch(&pair.producer, frames, 6, &pushed));
    assert_int_equal(pushed, 4);
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, frames, 1, &pushed),
                     ROTOR_AGAIN);
    assert_int_equal(pushed, 0);
    pair_close(&pair);
}

SPEC("a batch with one bad frame or no frame is refused whole")
{
    struct pair pair = pair_open(8, 112, 1);
    struct rotor_bytes frames[2] = {frame_of("a", 1), frame_of("b", 0)};
    uint32_t count = 9;
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, frames, 2, &count),
                     ROTOR_INVALID);
    assert_int_equal(count, 0);
    uint8_t whole[60] = {0};
    struct rotor_bytes more[2] = {frame_of(whole, 60), frame_of(whole, 113)};
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, more, 2, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, frames, 0, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, &pair.room, 0, &count),
                     ROTOR_INVALID);
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, &pair.room, 1, &count),
                     ROTOR_AGAIN);
    struct rotor_room rooms[2] = {
        pair.room, {pair.room.data, 111, 3}
    };
    assert_ok(push_text(&pair, "stays"));
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, rooms, 2, &count),
                     ROTOR_TOO_SMALL);
    assert_int_equal(count, 0);
    assert_int_equal(rooms[1].used, 0);
    assert_ok(push_text(&pair, "so does"));
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, rooms, 2, &count),
                     ROTOR_TOO_SMALL);
    assert_int_equal(count, 0);
    expect_text(&pair, "stays");
    expect_text(&pair, "so does");
    pair_close(&pair);
}

SPEC("nothing of a batch that is refused comes to light with the next frame")
{
    struct pair pair = pair_open(8, 112, 1);
    uint8_t whole[60] = {0};
    struct rotor_bytes frames[4] = {frame_of(whole, 60), frame_of(whole, 60),
                                    frame_of(whole, 60), frame_of(whole, 0)};
    uint32_t count = 9;
    for (int lap = 0; lap < 20; lap++) {
        assert_int_equal(
            rotor_ipq_push_batch(&pair.producer, frames, 4, &count),
            ROTOR_INVALID);
        assert_ok(push_text(&pair, "next"));
        assert_true(rotor_ipq_holds(&pair.consumer, 1));
        assert_false(rotor_ipq_holds(&pair.consumer, 2));
        expect_text(&pair, "next");
        assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room),
                         ROTOR_AGAIN);
    }
    pair_close(&pair);
}

SPEC("a batch is seen whole or not at all")
{
    struct pair pair = pair_open(8, 56, 1);
    struct rotor_bytes frames[3] = {frame_of("a", 1), frame_of("b", 1),
                                    frame_of("c", 1)};
    uint32_t pushed = 0;
    assert_ok(rotor_ipq_push_batch(&pair.producer, frames, 3, &pushed));
    // Unpublish the first stamp: what lies behind it must not show.
    uint32_t head = atomic_exchange(head_at(&pair, 0), 0);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    *head_at(&pair, 0) = head;
    expect_text(&pair, "a");
    expect_text(&pair, "b");
    expect_text(&pair, "c");
    pair_close(&pair);
}

SPEC("credit is given when the queue runs empty, and by the quarter")
{
    struct pair pair = pair_open(16, 56, 1);
    for (int i = 0; i < 6; i++) {
        assert_ok(push_text(&pair, "x"));
    }
    for (int i = 0; i < 3; i++) {
        expect_text(&pair, "x");
        assert_int_equal(pair.control->credit, 0);
    }
    expect_text(&pair, "x");
    assert_int_equal(pair.control->credit, 4);
    expect_text(&pair, "x");
    expect_text(&pair, "x");
    assert_int_equal(pair.control->credit, 4);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_AGAIN);
    assert_int_equal(pair.control->credit, 6);
    pair_close(&pair);
}

// --- A plain list of frames, which the queue has to agree with --------------

#define LIST_MAX 4096

struct list {
    uint32_t sizes[LIST_MAX]; // frame n has size sizes[n % LIST_MAX]
    uint32_t first, next;     // frame numbers
    uint32_t slots;           // that the frames in the list take
};

static uint32_t slots_for(uint32_t size)
{
    uint32_t slots = 0;
    for (uint32_t done = 0; done < size; done += 60) {
        slots++;
    }
    return slots;
}

static void list_add(struct list *list, uint32_t size)
{
    list->sizes[list->next++ % LIST_MAX] = size;
    list->slots += slots_for(size);
}

static void list_take(struct list *list, const struct rotor_room *frame)
{
    assert_true(list->first < list->next);
    uint32_t size = list->sizes[list->first % LIST_MAX];
    assert_true(frame_is(frame, size, list->first));
    list->slots -= slots_for(size);
    list->first++;
}

// A refusal is right only if the frame might not fit: up to a quarter of the
// queue may be read but not given back.
static void expect_full(const struct pair *pair, const struct list *list,
                        uint32_t size)
{
    uint32_t held_back = (pair->plan.slots + 3) / 4;
    assert_true(list->slots + slots_for(size) + held_back > pair->plan.slots);
}

static void expect_fit(const struct pair *pair, const struct list *list)
{
    assert_true(list->slots <= pair->plan.slots);
}

#define BATCH_MAX 9

struct exercise {
    struct pair pair;
    struct list list;
    uint64_t dice;
    uint8_t *frames; // BATCH_MAX of frame_max
    struct rotor_room rooms[BATCH_MAX];
};

// All frames of a batch fill a slot each, or none need to.
static uint32_t any_size(struct exercise *e, bool fills_slot)
{
    uint32_t most = e->pair.plan.frame_max;
    if (fills_slot) {
        return most < 60 ? most : 60;
    }
    uint32_t cap = dice_below(&e->dice, 3) == 0 ? most : most < 66 ? most : 66;
    return 1 + dice_below(&e->dice, cap);
}

static void push_some(struct exercise *e)
{
    struct rotor_bytes frames[BATCH_MAX];
    uint32_t count = 1 + dice_below(&e->dice, BATCH_MAX);
    bool fill_slots = dice_below(&e->dice, 3) == 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *frame = e->frames + i * e->pair.plan.frame_max;
        uint32_t size = any_size(e, fill_slots);
        frame_fill(frame, size, e->list.next + i);
        frames[i] = frame_of(frame, size);
    }
    uint32_t pushed = 0;
    enum rotor_status status = ROTOR_OK;
    if (dice_below(&e->dice, 2) == 0) {
        count = 1;
        status = rotor_ipq_push(&e->pair.producer, frames[0]);
        pushed = status == ROTOR_OK;
    } else {
        status =
            rotor_ipq_push_batch(&e->pair.producer, frames, count, &pushed);
    }
    for (uint32_t i = 0; i < pushed; i++) {
        list_add(&e->list, (uint32_t)frames[i].size);
    }
    assert_true(status == (pushed > 0 ? ROTOR_OK : ROTOR_AGAIN));
    expect_fit(&e->pair, &e->list);
    if (pushed < count) {
        expect_full(&e->pair, &e->list, (uint32_t)frames[pushed].size);
    }
}

static void pop_some(struct exercise *e)
{
    uint32_t count = 1 + dice_below(&e->dice, BATCH_MAX);
    uint32_t popped = 0;
    enum rotor_status status = ROTOR_OK;
    if (dice_below(&e->dice, 2) == 0) {
        count = 1;
        status = rotor_ipq_pop(&e->pair.consumer, &e->rooms[0]);
        popped = status == ROTOR_OK;
    } else {
        status =
            rotor_ipq_pop_batch(&e->pair.consumer, e->rooms, count, &popped);
    }
    assert_true(status == (popped > 0 ? ROTOR_OK : ROTOR_AGAIN));
    for (uint32_t i = 0; i < popped; i++) {
        list_take(&e->list, &e->rooms[i]);
    }
    for (uint32_t i = popped; i < count; i++) {
        assert_int_equal(e->rooms[i].used, 0);
    }
    assert_true(popped == count || e->list.first == e->list.next);
}

static void run_exercise(uint32_t slots, uint32_t frame_max, uint32_t seed,
                         int steps)
{
    struct exercise e = {.pair = pair_open(slots, frame_max, seed),
                         .dice = 88172645463325252u + seed + slots};
    e.frames = malloc((size_t)BATCH_MAX * frame_max);
    for (int i = 0; i < BATCH_MAX; i++) {
        e.rooms[i] = (struct rotor_room){malloc(frame_max), frame_max, 0};
    }
    for (int i = 0; i < steps; i++) {
        // Tides: long stretches near full, then near empty.
        bool flood = (i / 500) % 2 == 0;
        bool push = dice_below(&e.dice, 3) != 0 ? flood : !flood;
        push ? push_some(&e) : pop_some(&e);
    }
    for (int i = 0; i < BATCH_MAX; i++) {
        free(e.rooms[i].data);
    }
    free(e.frames);
    pair_close(&e.pair);
}

SPEC("under any sequence of calls the queue agrees with a plain list")
{
    static const struct rotor_ipq_plan plans[] = {
        {2,   1,                   0         },
        {2,   120,                 1         },
        {2,   60,                  1         },
        {4,   59,                  7         },
        {4,   240,                 99        },
        {8,   61,                  12345     },
        {16,  800,                 0x7fffffff},
        {64,  60,                  3         },
        {64,  3000,                5         },
        {512, ROTOR_IPQ_FRAME_MAX, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        run_exercise(plans[i].slots, plans[i].frame_max, plans[i].seed, 20000);
    }
}
