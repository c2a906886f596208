// SPDX-License-Identifier: Apache-2.0
// The channel and the words to sleep by, without any sleeping: each step of
// both sides is taken by hand.
#include <stdbool.h>

#include "test/spec/ipq_pair.h"

#define PAGE 4096u

struct both {
    uint8_t *memory; // two halves
    size_t half_size;
    struct rotor_ipq_channel rtp, ap;
};

static const struct rotor_ipq_plan plan = {16, 100, 1};

static struct both both_open(void)
{
    struct both both = {.half_size = rotor_ipq_half_size(&plan, PAGE)};
    both.memory = zeroed(PAGE, 2 * both.half_size);
    uint8_t *first = both.memory, *second = both.memory + both.half_size;
    struct rotor_room first_room = {first, both.half_size, 0};
    struct rotor_room second_room = {second, both.half_size, 0};
    struct rotor_bytes first_bytes = {first, both.half_size};
    struct rotor_bytes second_bytes = {second, both.half_size};
    assert_ok(rotor_ipq_channel_init(&both.rtp, &plan, PAGE, first_room,
                                     second_bytes));
    assert_ok(rotor_ipq_channel_init(&both.ap, &plan, PAGE, second_room,
                                     first_bytes));
    return both;
}

static void both_close(struct both *both)
{
    free(both->memory);
}

static const struct rotor_bytes word = {(const uint8_t *)"word", 4};

static void push(struct rotor_ipq_channel *channel)
{
    assert_ok(rotor_ipq_push(&channel->out, word));
}

static void pop(struct rotor_ipq_channel *channel)
{
    uint8_t bytes[100];
    struct rotor_room room = {bytes, sizeof bytes, 0};
    assert_ok(rotor_ipq_pop(&channel->in, &room));
    assert_int_equal(room.used, 4);
    assert_memory_equal(bytes, word.data, 4);
}

static uint32_t ring(struct rotor_ipq_channel *channel)
{
    uint32_t wake = 77;
    assert_ok(rotor_ipq_channel_ring(channel, &wake));
    return wake;
}

static uint32_t bell_of(const struct rotor_ipq_channel *channel)
{
    return channel->mine->bell;
}

SPEC("a channel carries frames both ways")
{
    struct both both = both_open();
    for (int i = 0; i < 100; i++) {
        push(&both.rtp);
        pop(&both.ap);
        push(&both.ap);
        pop(&both.rtp);
        rotor_ipq_give_credit(&both.rtp.in);
        rotor_ipq_give_credit(&both.ap.in);
    }
    both_close(&both);
}

SPEC("each side writes its own half and nothing else")
{
    struct both both = both_open();
    uint8_t *first = both.memory, *second = first + both.half_size;
    uint8_t *kept = malloc(both.half_size);
    memcpy(kept, second, both.half_size);
    push(&both.rtp);
    (void)rotor_ipq_channel_announce(&both.rtp, ROTOR_IPQ_FRAMES);
    assert_int_equal(ring(&both.rtp), 0);
    assert_memory_equal(kept, second, both.half_size);
    memcpy(kept, first, both.half_size);
    pop(&both.ap);
    push(&both.ap);
    rotor_ipq_give_credit(&both.ap.in);
    assert_int_equal(ring(&both.ap), ROTOR_IPQ_FRAMES);
    assert_memory_equal(kept, first, both.half_size);
    free(kept);
    both_close(&both);
}

SPEC("memory of another size, or not aligned, is no channel")
{
    struct both both = both_open();
    struct rotor_ipq_channel channel = {0};
    size_t size = both.half_size;
    uint8_t *a = both.memory, *b = a + size;
    const struct {
        struct rotor_room mine;
        struct rotor_bytes theirs;
        size_t page;
    } bad[] = {
        {{a, size - 1, 0},  {b, size},      PAGE},
        {{a, size, 0},      {b, size + 1},  PAGE},
        {{a + 64, size, 0}, {b, size},      PAGE},
        {{a, size, 0},      {b + 64, size}, PAGE},
        {{NULL, size, 0},   {b, size},      PAGE},
        {{a, size, 0},      {NULL, size},   PAGE},
        {{a, size, 0},      {b, size},      100 },
        {{a, size, 0},      {b, size},      256 },
        {{a, size, 0},      {b, size},      0   },
        {{a, size, 0},      {b, size},      8192},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(rotor_ipq_channel_init(&channel, &plan, bad[i].page,
                                                bad[i].mine, bad[i].theirs),
                         ROTOR_INVALID);
        assert_null(channel.mine);
    }
    assert_int_equal(rotor_ipq_channel_size(&plan, PAGE), 4 * PAGE);
    assert_int_equal(rotor_ipq_channel_size(&plan, 512), 2 * 3 * 512);
    assert_int_equal(rotor_ipq_channel_size(&plan, 256), 0);
    assert_int_equal(rotor_ipq_channel_size(&plan, 768), 0);
    assert_int_equal(rotor_ipq_channel_size(&plan, 0), 0);
    both_close(&both);
}

SPEC("nobody asleep, nobody rung, and the bell does not move")
{
    struct both both = both_open();
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), 0);
    assert_int_equal(bell_of(&both.rtp), 0);
    both_close(&both);
}

SPEC("a sleeper is rung once for each sleep")
{
    struct both both = both_open();
    uint32_t bell = rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_FRAMES);
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), ROTOR_IPQ_FRAMES);
    assert_int_not_equal(bell_of(&both.rtp), bell);
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), 0);
    rotor_ipq_channel_awake(&both.ap);
    assert_int_equal(both.ap.mine->sleep, 1 << 4);
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), 0);
    bell = rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_FRAMES);
    assert_int_equal(bell, bell_of(&both.rtp));
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), ROTOR_IPQ_FRAMES);
    assert_int_not_equal(bell_of(&both.rtp), bell);
    both_close(&both);
}

SPEC("a sleeper is rung for what it waits for and for nothing else")
{
    struct both both = both_open();
    push(&both.ap);
    pop(&both.rtp);
    (void)rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_FRAMES);
    rotor_ipq_give_credit(&both.rtp.in);
    assert_int_equal(ring(&both.rtp), 0);
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), ROTOR_IPQ_FRAMES);

    (void)rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_ROOM);
    push(&both.rtp);
    assert_int_equal(ring(&both.rtp), 0);
    push(&both.ap);
    pop(&both.rtp);
    assert_int_equal(ring(&both.rtp), 0);
    rotor_ipq_give_credit(&both.rtp.in);
    assert_int_equal(ring(&both.rtp), ROTOR_IPQ_ROOM);
    both_close(&both);
}

SPEC("the ringer learns how the sleeper wants to be woken")
{
    struct both both = both_open();
    uint32_t reasons = ROTOR_IPQ_FRAMES | ROTOR_IPQ_ROOM | ROTOR_IPQ_EVENT;
    (void)rotor_ipq_channel_announce(&both.rtp, reasons);
    push(&both.ap);
    assert_int_equal(ring(&both.ap), reasons);
    both_close(&both);
}

SPEC("who goes to sleep has given all credit")
{
    struct both both = both_open();
    push(&both.rtp);
    pop(&both.ap);
    assert_int_equal(both.ap.mine->credit, 0);
    (void)rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_FRAMES);
    assert_int_equal(both.ap.mine->credit, 1);
    both_close(&both);
}

SPEC("a frame is due from when it is pushed until it is popped")
{
    struct both both = both_open();
    assert_false(rotor_ipq_channel_is_due(&both.ap, ROTOR_IPQ_FRAMES));
    struct rotor_bytes two[2] = {word, word};
    uint32_t pushed = 0;
    assert_ok(rotor_ipq_push_batch(&both.rtp.out, two, 2, &pushed));
    for (int i = 0; i < 2; i++) {
        assert_true(rotor_ipq_channel_is_due(&both.ap, ROTOR_IPQ_FRAMES));
        assert_false(rotor_ipq_channel_is_due(&both.ap, 0));
        pop(&both.ap);
    }
    assert_false(rotor_ipq_channel_is_due(&both.ap, ROTOR_IPQ_FRAMES));
    both_close(&both);
}

SPEC("room is due when the refused frame fits, not before")
{
    struct both both = both_open();
    uint8_t big[100] = {0};
    struct rotor_bytes two_slots = {big, 100};
    for (int i = 0; i < 15; i++) {
        push(&both.rtp);
    }
    assert_int_equal(rotor_ipq_push(&both.rtp.out, two_slots), ROTOR_AGAIN);
    assert_false(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    push(&both.rtp);
    assert_int_equal(rotor_ipq_push(&both.rtp.out, two_slots), ROTOR_AGAIN);
    pop(&both.ap);
    rotor_ipq_give_credit(&both.ap.in);
    assert_false(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    pop(&both.ap);
    rotor_ipq_give_credit(&both.ap.in);
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    assert_ok(rotor_ipq_push(&both.rtp.out, two_slots));
    both_close(&both);
}

SPEC("after part of a batch, room is due when the next frame of it fits")
{
    struct both both = both_open();
    struct rotor_bytes frames[17];
    for (int i = 0; i < 17; i++) {
        frames[i] = word;
    }
    uint32_t pushed = 0;
    assert_ok(rotor_ipq_push_batch(&both.rtp.out, frames, 17, &pushed));
    assert_int_equal(pushed, 16);
    assert_false(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    pop(&both.ap);
    rotor_ipq_give_credit(&both.ap.in);
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both_close(&both);
}

SPEC("a lie is due, so that whoever sleeps comes to see it")
{
    struct both both = both_open();
    for (int i = 0; i < 16; i++) {
        push(&both.rtp);
    }
    assert_int_equal(rotor_ipq_push(&both.rtp.out, word), ROTOR_AGAIN);
    both.ap.mine->credit = 17;
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both.ap.mine->credit = 0;
    assert_false(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both.ap.out.filled[0].head = 99 << 16;
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_FRAMES));
    uint8_t bytes[100];
    struct rotor_room room = {bytes, sizeof bytes, 0};
    assert_int_equal(rotor_ipq_pop(&both.rtp.in, &room), ROTOR_CORRUPT);
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_FRAMES));
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both_close(&both);
}

SPEC("a lie that adds up to less than is needed is due as well")
{
    struct both both = both_open();
    for (int i = 0; i < 15; i++) {
        push(&both.rtp);
    }
    uint8_t big[100] = {0};
    struct rotor_bytes two_slots = {big, 100};
    assert_int_equal(rotor_ipq_push(&both.rtp.out, two_slots), ROTOR_AGAIN);
    assert_false(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both.ap.mine->credit = UINT32_MAX;
    assert_true(rotor_ipq_channel_is_due(&both.rtp, ROTOR_IPQ_ROOM));
    both_close(&both);
}

SPEC("a sleeper that waits for the unknown is condemned")
{
    for (uint32_t reasons = 0; reasons < 16; reasons++) {
        struct both both = both_open();
        both.ap.mine->sleep = 5 << 4 | reasons;
        push(&both.rtp);
        bool known = reasons < 8 && reasons != 4;
        uint32_t wake = 9;
        enum rotor_status status = rotor_ipq_channel_ring(&both.rtp, &wake);
        assert_int_equal(status, known ? ROTOR_OK : ROTOR_CORRUPT);
        assert_int_equal(wake, known && (reasons & 1) != 0 ? reasons : 0);
        if (!known) {
            assert_int_equal(rotor_ipq_broken_rule(&both.rtp.out),
                             ROTOR_IPQ_RULE_SLEEP);
            assert_int_equal(rotor_ipq_push(&both.rtp.out, word),
                             ROTOR_CORRUPT);
        }
        both_close(&both);
    }
}

SPEC("our own bell is not read back")
{
    struct both both = both_open();
    both.rtp.mine->bell = 1000;
    (void)rotor_ipq_channel_announce(&both.ap, ROTOR_IPQ_FRAMES);
    push(&both.rtp);
    (void)ring(&both.rtp);
    assert_int_equal(bell_of(&both.rtp), 1);
    both.rtp.mine->sleep = 0xffffffff;
    (void)rotor_ipq_channel_announce(&both.rtp, ROTOR_IPQ_FRAMES);
    assert_int_equal(both.rtp.mine->sleep, 1 << 4 | ROTOR_IPQ_FRAMES);
    both_close(&both);
}

SPEC("every rule has a text, and what is no rule has one, too")
{
    for (int rule = -1; rule <= ROTOR_IPQ_RULE_SLEEP + 1; rule++) {
        const char *text = rotor_ipq_rule_text((enum rotor_ipq_rule)rule);
        assert_non_null(text);
        assert_true(strlen(text) > 5);
    }
}
