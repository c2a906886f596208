// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the input is what a hostile peer writes, word by word,
// between the calls of two honest ends.  Memory has its exact size, so that
// ASan sees every look beside it.
//
//     byte 0        geometry
//     then, again and again, one step: kind, where, value (32 bits)
#include <string.h>

#include <rotor/ipq.h>

#include "test/fuzz/fuzz.h"

#define PAGE 512u

struct input {
    const uint8_t *data;
    size_t size;
};

struct bench {
    struct rotor_ipq_plan plan;
    size_t half_size;
    uint8_t *halves[2];
    struct rotor_ipq_channel sides[2];
    struct rotor_room rooms[3];
    uint8_t *frame;
};

static void *exact(size_t alignment, size_t size)
{
    void *memory = aligned_alloc(alignment, size);
    FUZZ_CHECK(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

static uint32_t take(struct input *in, size_t bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) {
        value = value << 8 | (in->size > 0 ? *in->data : 0);
        in->data += in->size > 0;
        in->size -= in->size > 0;
    }
    return value;
}

static void bench_open(struct bench *b, uint32_t geometry)
{
    static const struct rotor_ipq_plan plans[] = {
        {2,   60,    0         },
        {2,   120,   1         },
        {4,   20,    0x7fffffff},
        {8,   61,    7         },
        {8,   480,   99        },
        {16,  500,   12        },
        {64,  3000,  5         },
        {512, 16464, 6         },
    };
    b->plan = plans[geometry % 8];
    b->half_size = rotor_ipq_half_size(&b->plan, PAGE);
    for (int i = 0; i < 2; i++) {
        b->halves[i] = exact(PAGE, b->half_size);
    }
    for (int i = 0; i < 2; i++) {
        struct rotor_room mine = {b->halves[i], b->half_size, 0};
        struct rotor_bytes theirs = {b->halves[!i], b->half_size};
        FUZZ_CHECK(rotor_ipq_channel_init(&b->sides[i], &b->plan, PAGE, mine,
                                          theirs) == ROTOR_OK);
    }
    for (int i = 0; i < 3; i++) {
        b->rooms[i] = (struct rotor_room){malloc(b->plan.frame_max),
                                          b->plan.frame_max, 0};
    }
    b->frame = malloc(b->plan.frame_max);
    memset(b->frame, 0x5a, b->plan.frame_max);
}

static void bench_close(struct bench *b)
{
    for (int i = 0; i < 3; i++) {
        free(b->rooms[i].data);
    }
    free(b->frame);
    free(b->halves[0]);
    free(b->halves[1]);
}

// A status, a dead end and its rule belong together.
static void check_end(const struct rotor_ipq *end, enum rotor_status status)
{
    int is_dead = rotor_ipq_broken_rule(end) != ROTOR_IPQ_UNBROKEN;
    FUZZ_CHECK(status != ROTOR_CORRUPT || is_dead);
    FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_AGAIN ||
               status == ROTOR_CORRUPT);
}

static void pop_one(struct bench *b, struct rotor_ipq *in)
{
    enum rotor_status status = rotor_ipq_pop(in, &b->rooms[0]);
    check_end(in, status);
    FUZZ_CHECK((b->rooms[0].used > 0) == (status == ROTOR_OK));
    FUZZ_CHECK(b->rooms[0].used <= b->plan.frame_max);
}

static void pop_three(struct bench *b, struct rotor_ipq *in)
{
    uint32_t popped = 9;
    check_end(in, rotor_ipq_pop_batch(in, b->rooms, 3, &popped));
    FUZZ_CHECK(popped <= 3);
    for (uint32_t i = 0; i < 3; i++) {
        FUZZ_CHECK((b->rooms[i].used > 0) == (i < popped));
        FUZZ_CHECK(b->rooms[i].used <= b->plan.frame_max);
    }
}

static void push_some(struct bench *b, struct rotor_ipq *out, uint32_t value)
{
    struct rotor_bytes frames[3];
    for (uint32_t i = 0; i < 3; i++) {
        size_t size = 1 + (value >> 8 * i) % b->plan.frame_max;
        frames[i] = (struct rotor_bytes){b->frame, size};
    }
    uint32_t pushed = 9;
    if (value >> 31 == 0) {
        check_end(out, rotor_ipq_push(out, frames[0]));
        return;
    }
    check_end(out, rotor_ipq_push_batch(out, frames, 3, &pushed));
    FUZZ_CHECK(pushed <= 3);
}

static void ring_and_sleep(struct rotor_ipq_channel *side, uint32_t value)
{
    uint32_t wake = 0;
    enum rotor_status status = rotor_ipq_channel_ring(side, &wake);
    check_end(&side->out, status);
    FUZZ_CHECK(wake < 8);
    uint32_t reasons = 1 + value % 3;
    (void)rotor_ipq_channel_announce(side, reasons);
    (void)rotor_ipq_channel_is_due(side, reasons);
    rotor_ipq_channel_awake(side);
}

// Writes one word of either half, whoever it belongs to.
static void scribble(struct bench *b, uint32_t kind, uint32_t where,
                     uint32_t value)
{
    uint8_t *half = b->halves[kind & 1];
    uint32_t at = where * 4 % (uint32_t)b->half_size;
    memcpy(half + at, &value, sizeof value);
}

// Writes a head with its legal stamp where the consumer looks next.
static void forge(struct bench *b, const struct rotor_ipq *in, uint32_t kind,
                  uint32_t value)
{
    uint64_t position = in->cursor + (kind >> 4 & 3);
    struct rotor_ipq_slot *slots = (void *)(uintptr_t)in->fetched;
    slots[position % b->plan.slots].head =
        rotor_ipq_head(in, position, value & 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct bench b;
    bench_open(&b, take(&in, 1));
    while (in.size > 0) {
        uint32_t kind = take(&in, 1);
        struct rotor_ipq_channel *side = &b.sides[kind >> 3 & 1];
        switch (kind & 7) {
        case 0:
        case 1: {
            uint32_t where = take(&in, 2);
            scribble(&b, kind, where, take(&in, 4));
            break;
        }
        case 2:
            forge(&b, &side->in, kind, take(&in, 4));
            break;
        case 3:
        case 4:
            push_some(&b, &side->out, take(&in, 4));
            break;
        case 5:
            pop_three(&b, &side->in);
            break;
        case 6:
            ring_and_sleep(side, kind >> 4);
            break;
        default:
            pop_one(&b, &side->in);
            break;
        }
    }
    bench_close(&b);
    return 0;
}
