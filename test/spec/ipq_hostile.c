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
    uint32_t base; // stamp of position 0
    uint64_t at;   // next position
    uint64_t told; // position that the credit says
    uint32_t run;  // slots of the run still to come
};

static struct reader reader_of(const struct rotor_ipq_plan *plan)
{
    return (struct reader){*plan, (plan->seed & 0x7fffffffu) | 1, 0, 0, 0};
}

static struct verdict broken(enum rotor_ipq_rule rule)
{
    return (struct verdict){.status = ROTOR_CORRUPT, .rule = rule};
}

static const uint8_t *slot_bytes(const struct rotor_ipq_slot *slots,
                                 const struct reader *r, uint64_t position)
{
    return (const uint8_t *)&slots[position % r->plan.slots];
}

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint32_t half_at(const uint8_t *bytes)
{
    uint16_t half = 0;
    memcpy(&half, bytes, sizeof half);
    return half;
}

// Reads the layout: stamp at 0, length at 4, run at 6, payload from 8 on.
static struct verdict foresee(struct reader *r,
                              const struct rotor_ipq_slot *slots)
{
    const uint8_t *head = slot_bytes(slots, r, r->at);
    uint32_t want = r->base + (uint32_t)r->at;
    uint32_t last = r->at < r->plan.slots ? 0 : want - r->plan.slots;
    uint32_t stamp = word_at(head);
    uint32_t length = half_at(head + 4);
    uint32_t run = half_at(head + 6);
    if (r->run > 0 && stamp != want) {
        return broken(ROTOR_IPQ_RULE_PROMISE);
    }
    if (stamp == last) {
        return (struct verdict){.status = ROTOR_AGAIN};
    }
    if (stamp != want) {
        return broken(ROTOR_IPQ_RULE_STAMP);
    }
    if ((r->run == 0 && run == 0) || (r->run > 0 && run > 0)) {
        return broken(ROTOR_IPQ_RULE_RUN);
    }
    if (run > r->plan.slots - (r->at - r->told)) {
        return broken(ROTOR_IPQ_RULE_OVERRUN);
    }
    if (length == 0 || length > r->plan.frame_max) {
        return broken(ROTOR_IPQ_RULE_LENGTH);
    }
    uint32_t available = r->run > 0 ? r->run : run;
    uint32_t span = 1;
    while (span * 56 < length) {
        span++;
    }
    if (span > available) {
        return broken(ROTOR_IPQ_RULE_SPAN);
    }
    struct verdict good = {.status = ROTOR_OK, .length = length};
    for (uint32_t i = 0; i < span; i++) {
        const uint8_t *slot = slot_bytes(slots, r, r->at + i);
        bool goes_on = word_at(slot) == want + i && word_at(slot + 4) == 0;
        if (i > 0 && !goes_on) {
            return broken(ROTOR_IPQ_RULE_CONTINUE);
        }
        uint32_t part = length - 56 * i < 56 ? length - 56 * i : 56;
        memcpy(good.frame + (size_t)56 * i, slot + 8, part);
    }
    r->run = available - span;
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

// Rewrites one word of a slot close to where the consumer reads.
static void spoil_slot(struct pair *pair, uint64_t *dice_state)
{
    uint32_t slots = pair->plan.slots;
    uint64_t near = pair->consumer.cursor + dice_below(dice_state, 4);
    struct rotor_ipq_slot *slot = &pair->slots[near % slots];
    uint32_t legal = pair->consumer.seed + (uint32_t)near;
    uint32_t length = 1 + dice_below(dice_state, pair->plan.frame_max + 2);
    uint32_t run = dice_below(dice_state, slots + 2);
    switch (dice_below(dice_state, 5)) {
    case 0:
        slot->stamp = nasty_word(dice_state, slot->stamp);
        break;
    case 1:
        slot->extent = nasty_word(dice_state, slot->extent);
        break;
    case 2:
        slot->stamp = legal;
        break;
    case 3:
        slot->extent = length | run << 16;
        break;
    default:
        slot->stamp = legal;
        slot->extent = length | run << 16;
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
        {2,  56,   3         },
        {2,  112,  0x7fffffff},
        {4,  200,  9         },
        {8,  40,   1         },
        {16, 500,  77        },
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
    uint32_t extent;
};

// The honest frames before the lie: three in a run, 40 bytes each.
static void tell(const struct lie *lie)
{
    struct pair pair = pair_open(8, 112, 5);
    uint8_t frame[112] = {0};
    struct rotor_bytes frames[3] = {
        {frame, 40 },
        {frame, 112},
        {frame, 40 }
    };
    uint32_t pushed = 0;
    assert_ok(rotor_ipq_push_batch(&pair.producer, frames, 3, &pushed));
    pair.slots[lie->slot].stamp += lie->stamp;
    pair.slots[lie->slot].extent = lie->extent;
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
        {"a stamp one ahead",             ROTOR_IPQ_RULE_STAMP,    0, 0, 1,       0x40028      },
        {"a stamp two laps old",          ROTOR_IPQ_RULE_STAMP,    0, 0, 0u - 16, 0x40028      },
        {"a run of nothing",              ROTOR_IPQ_RULE_RUN,      0, 0, 0,       40           },
        {"a run within a run",            ROTOR_IPQ_RULE_RUN,      1, 1, 0,       112 | 2 << 16},
        {"a run beyond the ring",         ROTOR_IPQ_RULE_OVERRUN,  0, 0, 0,       0x90028      },
        {"a promise not kept",            ROTOR_IPQ_RULE_PROMISE,  1, 1, 0u - 8,  112          },
        {"an empty frame",                ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       0x40000      },
        {"a frame one too long",          ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       0x40071      },
        {"a frame far too long",          ROTOR_IPQ_RULE_LENGTH,   0, 0, 0,       0x4ffff      },
        {"a frame beyond its run",        ROTOR_IPQ_RULE_SPAN,     0, 0, 0,       0x10039      },
        {"the last frame beyond its run", ROTOR_IPQ_RULE_SPAN,     2, 3, 0,       57           },
        {"a slot that does not go on",    ROTOR_IPQ_RULE_CONTINUE, 1, 2, 1,       0            },
        {"a slot that begins anew",       ROTOR_IPQ_RULE_CONTINUE, 1, 2, 0,       40           },
        {"a slot that begins a run",      ROTOR_IPQ_RULE_CONTINUE, 1, 2, 0,       1 << 16      },
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        tell(&lies[i]);
    }
}

SPEC("a run into slots that were read but not given back is an overrun")
{
    struct pair pair = pair_open(16, 56, 5);
    struct rotor_bytes frame = {(const uint8_t *)"x", 1};
    assert_ok(rotor_ipq_push(&pair.producer, frame));
    assert_ok(rotor_ipq_push(&pair.producer, frame));
    assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
    // One slot is read and not given back: 15 are the producer's.
    pair.slots[1].extent = 1 | 15 << 16;
    for (uint32_t i = 2; i < 16; i++) {
        pair.slots[i].stamp = pair.consumer.seed + i;
        pair.slots[i].extent = 1;
    }
    struct pair copy = pair;
    assert_ok(rotor_ipq_pop(&copy.consumer, &copy.room));
    pair.slots[1].extent = 1 | 16 << 16;
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(rotor_ipq_broken_rule(&pair.consumer),
                     ROTOR_IPQ_RULE_OVERRUN);
    pair_close(&pair);
}

SPEC("good frames before a lie are delivered by a batch, the next call is dead")
{
    struct pair pair = pair_open(8, 56, 5);
    struct rotor_bytes frame = {(const uint8_t *)"x", 1};
    for (int i = 0; i < 3; i++) {
        assert_ok(rotor_ipq_push(&pair.producer, frame));
    }
    pair.slots[2].extent = 0;
    uint8_t bytes[4][56];
    struct rotor_room rooms[4];
    for (int i = 0; i < 4; i++) {
        rooms[i] = (struct rotor_room){bytes[i], 56, 9};
    }
    uint32_t popped = 0;
    assert_ok(rotor_ipq_pop_batch(&pair.consumer, rooms, 4, &popped));
    assert_int_equal(popped, 2);
    assert_int_equal(rooms[2].used, 0);
    assert_int_equal(rotor_ipq_pop_batch(&pair.consumer, rooms, 4, &popped),
                     ROTOR_CORRUPT);
    assert_int_equal(popped, 0);
    assert_int_equal(rotor_ipq_pop(&pair.consumer, &pair.room), ROTOR_CORRUPT);
    assert_int_equal(rotor_ipq_broken_rule(&pair.consumer), ROTOR_IPQ_RULE_RUN);
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
    struct pair pair = pair_open(8, 56, 1);
    struct rotor_bytes frame = {(const uint8_t *)"x", 1};
    for (uint32_t i = 0; i < 100; i++) {
        assert_ok(rotor_ipq_push(&pair.producer, frame));
        struct rotor_ipq_slot kept = pair.slots[i % 8];
        memset(pair.slots, 0xee, 8 * sizeof kept);
        pair.slots[i % 8] = kept;
        assert_ok(rotor_ipq_pop(&pair.consumer, &pair.room));
        // Only the slot behind matters to the consumer: it is of the last lap.
        uint32_t next = pair.consumer.seed + i + 1;
        pair.slots[(i + 1) % 8].stamp = i + 1 < 8 ? 0 : next - 8;
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
            pair.slots[i].stamp = pair.consumer.seed + i;
            pair.slots[i].extent = i == 0 ? 300 | 6 << 16 : i < 6 ? 0 : 1;
        }
        racer.words = (void *)pair.slots;
        racer.count = plan.slots * sizeof *pair.slots / 4;
        atomic_store(&racer.stop, false);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
        for (int i = 0; i < 3000; i++) {
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
