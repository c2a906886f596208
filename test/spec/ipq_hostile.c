// SPDX-License-Identifier: Apache-2.0
// The queue against a peer that writes whatever it likes, wherever it can.
//
// The oracle is a second reading of the rules, written from the layout alone:
// it looks at a snapshot of the memory before each call and says what an
// honest end must answer.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "test/spec/ipq_pair.h"

#define ROUNDS 4000

// --- The oracle --------------------------------------------------------------

struct verdict {
    enum rotor_status status;
    enum rotor_ipq_rule rule;
    uint32_t length;
    uint8_t frame[4096];
};

// What a consumer knows on its own, kept beside the end under test.
struct reader {
    struct rotor_ipq_plan plan;
    uint64_t at;   // next position
    uint64_t told; // position that the credit says
};

static struct reader reader_of(const struct rotor_ipq_plan *plan)
{
    return (struct reader){*plan, 0, 0};
}

static struct verdict broken(enum rotor_ipq_rule rule)
{
    return (struct verdict){.status = ROTOR_CORRUPT, .rule = rule};
}

static uint32_t half_at(const uint8_t *bytes)
{
    uint16_t half = 0;
    memcpy(&half, bytes, sizeof half);
    return half;
}

static uint32_t stamp_of(const struct rotor_ipq_plan *plan, uint64_t position)
{
    return (uint32_t)((plan->seed % 32768 + 1 + position) % 65536);
}

// Reads the layout: 64 bytes for each slot, 60 of a frame, length at 60, stamp
// at 62.
static struct verdict foresee(struct reader *r, const uint8_t *slots)
{
    uint32_t count = r->plan.slots;
    const uint8_t *head = slots + 64 * (r->at % count) + 60;
    uint32_t want = stamp_of(&r->plan, r->at);
    uint32_t last = r->at < count ? 0 : stamp_of(&r->plan, r->at - count);
    uint32_t length = half_at(head);
    uint32_t stamp = half_at(head + 2);
    if (stamp == last) {
        return (struct verdict){.status = ROTOR_AGAIN};
    }
    if (stamp != want) {
        return broken(ROTOR_IPQ_RULE_STAMP);
    }
    if (length == 0 || length > r->plan.frame_max) {
        return broken(ROTOR_IPQ_RULE_LENGTH);
    }
    uint32_t span = 1;
    while (span * 60 < length) {
        span++;
    }
    if (span > count - (r->at - r->told)) {
        return broken(ROTOR_IPQ_RULE_OVERRUN);
    }
    struct verdict good = {.status = ROTOR_OK, .length = length};
    for (uint32_t i = 0; i < span; i++) {
        const uint8_t *slot = slots + 64 * ((r->at + i) % count);
        bool goes_on = half_at(slot + 60) == 0 &&
                       half_at(slot + 62) == stamp_of(&r->plan, r->at + i);
        if (i > 0 && !goes_on) {
            return broken(ROTOR_IPQ_RULE_CONTINUE);
        }
        uint32_t part = length - 60 * i < 60 ? length - 60 * i : 60;
        memcpy(good.frame + (size_t)60 * i, slot, part);
    }
    r->at += span;
    return good;
}

static void compare_pop(struct pair *pair, struct reader *reader,
                        unsigned *seen)
{
    struct verdict expected = foresee(reader, pair->slots);
    enum rotor_status status = rotor_ipq_pop(&pair->consumer, &pair->room);
    assert_int_equal(status, expected.status);
    assert_int_equal(rotor_ipq_broken_rule(&pair->consumer), expected.rule);
    assert_int_equal(pair->room.used, expected.length);
    assert_memory_equal(pair->room.data, expected.frame, expected.length);
    reader->told = pair->consumer.published;
    seen[expected.rule]++;
    if (status == ROTOR_CORRUPT) {
        assert_int_equal(rotor_ipq_pop(&pair->consumer, &pair->room),
                         ROTOR_CORRUPT);
    }
}

// --- A hostile producer ------------------------------------------------------

// A word that is likely to matter: near what is legal, or an edge.
static uint32_t nasty_word(uint64_t *dice_state, uint32_t legal)
{
    static const uint32_t edges[] = {0,          1,          0xffffffff,
                                     0x80000000, 0x7fffffff, 0xffff0000,
                                     0x0000ffff, 0x00010000, 0x00010001};
    switch (dice_below(dice_state, 4)) {
    case 0:
        return dice(dice_state);
    case 1:
        return edges[dice_below(dice_state, sizeof edges / sizeof edges[0])];
    case 2:
        return legal + dice_below(dice_state, 5) - 2;
    default:
        return legal ^ 1u << dice_below(dice_state, 32);
    }
}

// Rewrites one head close to where the consumer reads.
static void spoil_slot(struct pair *pair, uint64_t *dice_state)
{
    uint64_t near = pair->consumer.cursor + dice_below(dice_state, 4);
    _Atomic uint32_t *head = head_at(pair, near);
    uint32_t legal = stamp_of(&pair->plan, near) << 16;
    uint32_t length = 1 + dice_below(dice_state, pair->plan.frame_max + 2);
    switch (dice_below(dice_state, 5)) {
    case 0:
        *head = nasty_word(dice_state, *head);
        break;
    case 1:
        *head = (*head & 0xffff0000) | (nasty_word(dice_state, *head) & 0xffff);
        break;
    case 2:
        *head = legal | (*head & 0xffff);
        break;
    case 3:
        *head = (*head & 0xffff0000) | length;
        break;
    default:
        *head = legal | length;
        break;
    }
}

static void push_honestly(struct pair *pair, uint64_t *dice_state)
{
    uint8_t frames[3][4096];
    struct rotor_bytes views[3];
    uint32_t count = 1 + dice_below(dice_state, 3);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = 1 + dice_below(dice_state, pair->plan.frame_max);
        frame_fill(frames[i], size, i);
        views[i] = (struct rotor_bytes){frames[i], size};
    }
    uint32_t pushed = 0;
    enum rotor_status status =
        rotor_ipq_push_batch(&pair->producer, views, count, &pushed);
    // After a forged frame was read, the credit condemns our honest helper.
    assert_true(status != ROTOR_INVALID);
}

static void spoil_and_pop(const struct rotor_ipq_plan *plan,
                          uint64_t *dice_state, unsigned *seen)
{
    struct pair pair = pair_open(plan->slots, plan->frame_max, plan->seed);
    struct reader reader = reader_of(plan);
    uint32_t calm = dice_below(dice_state, 60);
    for (uint32_t i = 0; i < 200; i++) {
        if (dice_below(dice_state, 2) == 0) {
            push_honestly(&pair, dice_state);
        }
        if (i >= calm && dice_below(dice_state, 3) == 0) {
            spoil_slot(&pair, dice_state);
        }
        compare_pop(&pair, &reader, seen);
        if (rotor_ipq_broken_rule(&pair.consumer) != ROTOR_IPQ_UNBROKEN) {
            break;
        }
    }
    pair_close(&pair);
}

SPEC("a consumer delivers what the rules allow and names the rule that broke")
{
    static const struct rotor_ipq_plan plans[] = {
        {2,  60,   3         },
        {2,  120,  0x7fffffff},
        {4,  200,  9         },
        {8,  40,   1         },
        {16, 960,  77        },
        {64, 3000, 0         },
    };
    unsigned seen[ROTOR_IPQ_RULE_SLEEP + 1] = {0};
    uint64_t luck = 0x1234567887654321u;
    for (int round = 0; round < ROUNDS; round++) {
        spoil_and_pop(&plans[round % 6], &luck, seen);
    }
    for (int rule = ROTOR_IPQ_RULE_STAMP; rule <= ROTOR_IPQ_RULE_CONTINUE;
         rule++) {
        print_message("rule %d broken %u times: %s\n", rule, seen[rule],
                      rotor_ipq_rule_text((enum rotor_ipq_rule)rule));
        assert_true(seen[rule] > 0);
    }
}

// --- Each rule alone ---------------------------------------------------------

struct lie {
    const char *what;
    enum rotor_ipq_rule rule;
    uint32_t popped;      // good frames before the lie
    uint32_t slot, stamp; // stamp: added to the legal one
    uint32_t length;
};

// The honest frames before the lie: three of a batch, the second of two slots.
static void tell(const struct lie *lie)
{
    struct pair pair = pair_open(8, 120, 5);
    uint8_t frame[120] = {0};
    struct rotor_bytes frames[3] = {
        {frame, 40 },
        {frame, 120},
        {frame, 60 }
    };
    uint32_t pushed = 0;
    assert_ok(rotor_ipq_push_batch(&pair.producer, frames, 3, &pushed));
    uint32_t stamp = (*head_at(&pair, lie->slot) >> 16) + lie->stamp;
    *head_at(&pair, lie->slot) = stamp << 16 | lie->length;
    for (uint32_t i = 0; i < lie->popped; i++) {
        assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
    }
    print_message("%s\n", lie->what);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(rotor_ipq_broken_rule(&pair.consumer), lie->rule);
    assert_int_equal(pair.room.used, 0);
    pair_close(&pair);
}

SPEC("every rule of a slot condemns by its own name")
{
    static const struct lie lies[] = {
        {"a stamp one ahead",          ROTOR_IPQ_RULE_STAMP,    0, 0, 1,       40    },
        {"a stamp two laps old",       ROTOR_IPQ_RULE_STAMP,    0, 0, 0u - 16, 40    },
        {"a later stamp one behind",   ROTOR_IPQ_RULE_STAMP,    2, 3, 0u - 1,  60    },
        {"an empty frame",             ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       0     },
        {"a frame one too long",       ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       121   },
        {"a frame far too long",       ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       0xffff},
        {"a later frame is empty",     ROTOR_IPQ_RULE_LENGTH,   2, 3, 0,       0     },
        {"a frame without its rest",   ROTOR_IPQ_RULE_CONTINUE, 0, 0, 0,       61    },
        {"a slot that does not go on", ROTOR_IPQ_RULE_CONTINUE, 1, 2, 1,       0     },
        {"a slot of the last lap",     ROTOR_IPQ_RULE_CONTINUE, 1, 2, 0u - 8,  0     },
        {"a slot that begins anew",    ROTOR_IPQ_RULE_CONTINUE, 1, 2, 0,       40    },
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        tell(&lies[i]);
    }
}

SPEC("a frame into slots that were read but not given back is an overrun")
{
    struct pair pair = pair_open(16, 960, 5);
    struct rotor_bytes frame = {(const uint8_t *)"x", 1};
    assert_ok(rotor_ipq_push(&pair.producer, frame));
    assert_ok(rotor_ipq_push(&pair.producer, frame));
    assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
    // One slot is read and not given back: 15 are the producer's.
    for (uint32_t i = 1; i < 17; i++) {
        *head_at(&pair, i) = stamp_of(&pair.plan, i) << 16;
    }
    *head_at(&pair, 1) |= 15 * 60;
    struct pair copy = pair;
    assert_ok(rotor_ipq_pop(&copy.consumer, &copy.room));
    *head_at(&pair, 1) = stamp_of(&pair.plan, 1) << 16 | (15 * 60 + 1);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(rotor_ipq_broken_rule(&pair.consumer),
                     ROTOR_IPQ_RULE_OVERRUN);
    pair_close(&pair);
}

SPEC("good frames before a lie are delivered by a batch, the next call is dead")
{
    struct pair pair = pair_open(8, 60, 5);
    struct rotor_bytes frame = {(const uint8_t *)"x", 1};
    for (int i = 0; i < 3; i++) {
        assert_ok(rotor_ipq_push(&pair.producer, frame));
    }
    *head_at(&pair, 2) &= 0xffff0000;
    uint8_t bytes[4][60];
    struct rotor_room rooms[4];
    for (int i = 0; i < 4; i++) {
        rooms[i] = (struct rotor_room){bytes[i], 60, 9};
    }
    uint32_t popped = 0;
    assert_ok(rotor_ipq_pop_batch(&pair.consumer, rooms, 4, &popped));
    assert_int_equal(popped, 2);
    assert_int_equal(rooms[2].used, 0);
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, rooms, 4, &popped),
                     ROTOR_CORRUPT);
    assert_int_equal(popped, 0);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(rotor_ipq_broken_rule(&pair.consumer),
                     ROTOR_IPQ_RULE_LENGTH);
    pair_close(&pair);
}

SPEC("a dead end stays dead when all looks well again")
{
    struct pair pair = pair_open(4, 60, 5);
    uint8_t frame[60] = {0};
    struct rotor_bytes bytes = {frame, sizeof frame};
    assert_ok(rotor_ipq_push(&pair.producer, bytes));
    uint32_t head = atomic_exchange(head_at(&pair, 0), 0xbeef003c);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    *head_at(&pair, 0) = head;
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(pair.room.used, 0);

    pair.control->credit = 2;
    struct rotor_bytes frames[5] = {bytes, bytes, bytes, bytes, bytes};
    uint32_t pushed = 0;
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, frames, 5, &pushed),
                     ROTOR_CORRUPT);
    // There are free slots: only its end keeps this frame from them.
    assert_int_equal(rotor_ipq_push(&pair.producer, bytes), ROTOR_CORRUPT);
    pair_close(&pair);
}

// --- A hostile consumer ------------------------------------------------------

SPEC("a producer takes credit for what was read, and condemns any other")
{
    uint64_t luck = 99;
    for (int round = 0; round < ROUNDS; round++) {
        struct pair pair = pair_open(8, 56, (uint32_t)round);
        struct rotor_bytes frame = {(const uint8_t *)"x", 1};
        uint32_t filled = 0, given = 0;
        for (int i = 0; i < 50; i++) {
            if (filled - given < 8) {
                assert_ok(rotor_ipq_push(&pair.producer, frame));
                filled++;
                continue;
            }
            uint32_t lie = given + dice_below(&luck, 11) - 1;
            if (dice_below(&luck, 40) == 0) {
                lie = dice(&luck);
            }
            pair.control->credit = lie;
            enum rotor_status status = rotor_ipq_push(&pair.producer, frame);
            if (lie == given) {
                assert_int_equal(status, ROTOR_AGAIN);
                continue;
            }
            if (lie - given > 8) {
                assert_int_equal(status, ROTOR_CORRUPT);
                assert_int_equal(rotor_ipq_broken_rule(&pair.producer),
                                 ROTOR_IPQ_RULE_CREDIT);
                pair.control->credit = given;
                assert_int_equal(rotor_ipq_push(&pair.producer, frame),
                                 ROTOR_CORRUPT);
                break;
            }
            assert_ok(status);
            given = lie;
            filled++;
        }
        pair_close(&pair);
    }
}

SPEC("a batch is refused, too, when the credit is a lie")
{
    struct pair pair = pair_open(2, 56, 1);
    struct rotor_bytes frames[3] = {
        {(const uint8_t *)"x", 1},
        {(const uint8_t *)"x", 1},
        {(const uint8_t *)"x", 1}
    };
    pair.control->credit = 1;
    uint32_t pushed = 7;
    assert_int_equal(rotor_ipq_push_batch(&pair.producer, frames, 3, &pushed),
                     ROTOR_CORRUPT);
    assert_int_equal(pushed, 0);
    pair_close(&pair);
}

SPEC("rewriting our own words in shared memory does not move us")
{
    struct pair pair = pair_open(8, 60, 1);
    uint8_t frame[60] = {7};
    struct rotor_bytes bytes = {frame, sizeof frame};
    for (uint32_t i = 0; i < 100; i++) {
        assert_ok(rotor_ipq_push(&pair.producer, bytes));
        uint8_t *slot = pair.slots + (size_t)64 * (i % 8);
        uint8_t filled[64];
        memcpy(filled, slot, sizeof filled);
        memset(pair.slots, 0xee, pair.slots_size);
        memcpy(slot, filled, sizeof filled);
        assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
        // Only the slot behind matters to the consumer: it is of the last lap.
        uint64_t next = i + 1;
        *head_at(&pair, next) =
            next < 8 ? 0 : stamp_of(&pair.plan, next - 8) << 16;
        pair.control->credit = 0xdeadbeef;
        assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room),
                         ROTOR_AGAIN);
        rotor_ipq_give_credit(&pair.consumer);
        pair.control->credit = i + 1;
    }
    pair_close(&pair);
}

// --- A peer that races ---------------------------------------------------

struct racer {
    _Atomic uint32_t *words;
    size_t count;
    _Atomic bool stop;
    _Atomic uint32_t writes;
    uint64_t dice;
};

// Races on purpose; TSan, which watches the honest ends elsewhere, may not
// look.
__attribute__((no_sanitize("thread"))) static void *race(void *argument)
{
    struct racer *racer = argument;
    while (!atomic_load(&racer->stop)) {
        size_t at = dice_below(&racer->dice, (uint32_t)racer->count);
        uint32_t legal = atomic_load(&racer->words[at]);
        atomic_store(&racer->words[at], nasty_word(&racer->dice, legal));
        atomic_fetch_add(&racer->writes, 1);
    }
    return NULL;
}

SPEC("a racing peer changes words between two looks, and gains nothing")
{
    const struct rotor_ipq_plan plan = {8, 300, 11};
    struct racer racer = {.dice = 4711};
    unsigned delivered = 0, condemned = 0;
    for (int round = 0; round < 60; round++) {
        struct pair pair = pair_open(plan.slots, plan.frame_max, plan.seed);
        // Legal frames everywhere, so that most looks begin well.
        for (uint32_t i = 0; i < plan.slots; i++) {
            *head_at(&pair, i) = stamp_of(&plan, i) << 16 | (i == 0  ? 300
                                                             : i < 5 ? 0
                                                                     : 1);
        }
        racer.words = (void *)pair.slots;
        racer.count = pair.slots_size / 4;
        atomic_store(&racer.stop, false);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
        atomic_store(&racer.writes, 0);
        while (atomic_load(&racer.writes) < 3000) {
            enum rotor_status status =
                rotor_ipq_pop(&pair.consumer, &pair.room);
            assert_true(pair.room.used <= plan.frame_max);
            assert_true((status == ROTOR_OK) == (pair.room.used > 0));
            delivered += status == ROTOR_OK;
            if (status == ROTOR_CORRUPT) {
                assert_true(rotor_ipq_broken_rule(&pair.consumer) !=
                            ROTOR_IPQ_UNBROKEN);
                condemned++;
                break;
            }
        }
        atomic_store(&racer.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pair_close(&pair);
    }
    print_message("delivered %u, condemned %u of 60\n", delivered, condemned);
    assert_true(condemned > 0);
}
