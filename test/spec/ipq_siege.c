// SPDX-License-Identifier: Apache-2.0
// The honest end of a channel against a process that owns the other one and has
// been taken over: it maps all of the memory for writing and follows a plan.
// Built with ASan this shows reads and writes out of bounds as well.
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"

#include "test/spec/ipq_pair.h"

#define SIEGES  12       // of each plan
#define ATTACKS 20000    // of a siege that breaks no rule
#define LIES    20000000 // at most, until a liar is condemned
#define WAIT_NS 200000u

// Far above any honest wait here, far below a test's patience.
#define LATE_NS 5000000000u

static const struct rotor_ipq_plan plan = {64, 1000, 77};

// --- The attacker ------------------------------------------------------------

struct attacker {
    uint8_t *memory; // both halves
    size_t half_size, page;
    int fd;
    _Atomic uint32_t *attacks; // done so far; the honest side counts on it
    uint64_t dice;
};

static _Atomic uint32_t *word_of(const struct attacker *a, size_t offset)
{
    return (_Atomic uint32_t *)(void *)(a->memory + offset);
}

// The RTP's page: what it has read, which tells where it looks next.
static uint32_t read_so_far(const struct attacker *a)
{
    return atomic_load(word_of(a, 0));
}

// The head of the slot `ahead` of where the RTP is likely to look.
static _Atomic uint32_t *head_ahead(const struct attacker *a, uint32_t ahead)
{
    uint32_t slot = (read_so_far(a) + ahead) % plan.slots;
    return word_of(a, a->half_size + a->page + 64 * (size_t)slot + 60);
}

static uint32_t stamp_ahead(const struct attacker *a, uint32_t ahead)
{
    return (plan.seed + 1 + read_so_far(a) + ahead) << 16;
}

static void anything(struct attacker *a)
{
    size_t words = 2 * a->half_size / 4;
    size_t at = dice_below(&a->dice, (uint32_t)words);
    *word_of(a, 4 * at) = dice(&a->dice);
}

static void stamps(struct attacker *a)
{
    uint32_t ahead = dice_below(&a->dice, 4);
    uint32_t lie = dice_below(&a->dice, 8) << 16;
    *head_ahead(a, ahead) = stamp_ahead(a, ahead) + lie + 60;
}

static void lengths(struct attacker *a)
{
    uint32_t length = dice_below(&a->dice, plan.frame_max + 10);
    bool is_short = dice_below(&a->dice, 3) > 0;
    *head_ahead(a, 0) = stamp_ahead(a, 0) | (is_short ? length % 62 : length);
}

static void credits(struct attacker *a)
{
    uint32_t lie = dice_below(&a->dice, 2 * plan.slots);
    *word_of(a, a->half_size) = lie;
}

static void sleeps_and_bells(struct attacker *a)
{
    *word_of(a, a->half_size + 128) = dice(&a->dice);
    *word_of(a, a->half_size + 256) = dice(&a->dice);
}

// Looks well asleep for ever: every ring costs the honest side a system call.
static void flood(struct attacker *a)
{
    uint32_t ticket = dice(&a->dice) << 4;
    *word_of(a, a->half_size + 128) = ticket | ROTOR_IPQ_FRAMES;
    *word_of(a, a->half_size + 256) = ticket;
}

// Between two looks of the honest side a short frame becomes a long one.
static void two_lengths(struct attacker *a)
{
    _Atomic uint32_t *head = head_ahead(a, 0);
    uint32_t stamp = stamp_ahead(a, 0);
    for (int i = 0; i < 20; i++) {
        *head = stamp | 1;
        *head = stamp | 0xffff;
        *head = stamp | plan.frame_max;
    }
}

static void nothing(struct attacker *a)
{
    struct timespec moment = {0, 1000 + (long)dice_below(&a->dice, 1000)};
    (void)nanosleep(&moment, NULL);
}

// Whatever the kernel lets the holder of the descriptor do to the memory.
static void cut(struct attacker *a)
{
    (void)!ftruncate(a->fd, (off_t)dice_below(&a->dice, 4096));
    (void)!ftruncate(a->fd, 1 << 24);
    (void)fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                    (off_t)(2 * a->half_size));
}

typedef void attack_fn(struct attacker *);

static _Noreturn void attack(struct attacker *a, attack_fn *step)
{
    for (;;) {
        step(a);
        atomic_fetch_add(a->attacks, 1);
    }
}

// --- The honest side ---------------------------------------------------------

struct honest {
    struct shared_queue queue;
    struct doorbell bell;
    struct rotor_room room; // exactly frame_max
    uint8_t *frame;
    uint64_t dice;
    unsigned delivered;
};

static uint64_t timed_wait(struct honest *h, uint32_t reasons)
{
    uint64_t begin = spin_now_ns();
    enum rotor_status status = doorbell_wait(&h->bell, reasons, WAIT_NS);
    assert_true(status == ROTOR_OK || status == ROTOR_AGAIN ||
                status == ROTOR_CORRUPT);
    return spin_now_ns() - begin;
}

static bool is_condemned(const struct honest *h)
{
    return rotor_ipq_broken_rule(&h->queue.channel.in) != ROTOR_IPQ_UNBROKEN ||
           rotor_ipq_broken_rule(&h->queue.channel.out) != ROTOR_IPQ_UNBROKEN;
}

static void check_status(enum rotor_status status, const struct rotor_ipq *end)
{
    assert_true(status == ROTOR_OK || status == ROTOR_AGAIN ||
                status == ROTOR_CORRUPT);
    bool is_broken = rotor_ipq_broken_rule(end) != ROTOR_IPQ_UNBROKEN;
    assert_true(status != ROTOR_CORRUPT || is_broken);
}

// What is delivered has the length that was checked: one of a frame.
static void pop_some(struct honest *h)
{
    struct rotor_ipq *in = &h->queue.channel.in;
    if (dice_below(&h->dice, 3) == 0) {
        uint32_t popped = 0;
        check_status(rotor_ipq_pop_batch(in, &h->room, 1, &popped), in);
        assert_true(popped == (h->room.used > 0));
    } else {
        enum rotor_status status = rotor_ipq_pop(in, &h->room);
        check_status(status, in);
        assert_true((status == ROTOR_OK) == (h->room.used > 0));
    }
    assert_true(h->room.used <= plan.frame_max);
    h->delivered += h->room.used > 0;
}

static void push_some(struct honest *h)
{
    struct rotor_ipq *out = &h->queue.channel.out;
    size_t size = dice_below(&h->dice, 2) ? 60 : plan.frame_max;
    struct rotor_bytes frame = {h->frame, size};
    check_status(rotor_ipq_push(out, frame), out);
    check_status(doorbell_ring(&h->bell), out);
}

static void live_on(struct honest *h)
{
    push_some(h);
    pop_some(h);
    if (dice_below(&h->dice, 50) == 0) {
        uint32_t reasons = 1 + dice_below(&h->dice, 3);
        assert_true(timed_wait(h, reasons) < LATE_NS);
    }
}

static void honest_open(struct honest *h, int fd)
{
    assert_ok(shared_queue_open(&h->queue, &plan, fd, ROTOR_IPQ_RTP));
    doorbell_init(&h->bell, &h->queue.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
    h->room = (struct rotor_room){malloc(plan.frame_max), plan.frame_max, 0};
    h->frame = zeroed(64, 1024);
}

static void honest_close(struct honest *h)
{
    shared_queue_close(&h->queue);
    free(h->room.data);
    free(h->frame);
}

// --- A siege -----------------------------------------------------------------

static pid_t send_attacker(struct attacker *a, attack_fn *step)
{
    a->page = (size_t)sysconf(_SC_PAGESIZE);
    a->half_size = rotor_ipq_half_size(&plan, a->page);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        a->memory = mmap(NULL, 2 * a->half_size, PROT_READ | PROT_WRITE,
                         MAP_SHARED, a->fd, 0);
        if (a->memory == MAP_FAILED) {
            _exit(1);
        }
        attack(a, step);
    }
    return child;
}

// Adds the rule that was broken to `broken`; returns what was delivered.
static unsigned siege(attack_fn *step, uint64_t luck, uint32_t most,
                      unsigned *broken)
{
    struct attacker a = {.dice = luck};
    struct honest h = {.dice = luck + 1};
    assert_ok(shared_queue_create(&plan, &a.fd));
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    a.attacks = shared;
    honest_open(&h, a.fd);
    pid_t child = send_attacker(&a, step);
    for (uint32_t calls = 0; !is_condemned(&h); calls++) {
        // Both sides had their turns, however busy the machine is.
        if (atomic_load(a.attacks) >= most && calls >= most / 8) {
            break;
        }
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        live_on(&h);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    enum rotor_ipq_rule in = rotor_ipq_broken_rule(&h.queue.channel.in);
    enum rotor_ipq_rule out = rotor_ipq_broken_rule(&h.queue.channel.out);
    broken[in != ROTOR_IPQ_UNBROKEN ? in : out]++;
    honest_close(&h);
    assert_int_equal(munmap(shared, 4096), 0);
    assert_int_equal(close(a.fd), 0);
    return h.delivered;
}

#define ONE_OF(rule) (1u << ROTOR_IPQ_RULE_##rule)

struct plan_of_attack {
    const char *what;
    attack_fn *step;
    uint32_t rules; // one of these is broken in each siege; 0: none ever
    uint32_t most;  // attacks
};

static void besiege(const struct plan_of_attack *attack_plan)
{
    unsigned broken[ROTOR_IPQ_RULE_SLEEP + 1] = {0};
    unsigned delivered = 0;
    for (uint64_t i = 0; i < SIEGES; i++) {
        delivered += siege(attack_plan->step, 0x9e3779b97f4a7c15u * (i + 1),
                           attack_plan->most, broken);
    }
    print_message("%s: %u frames were delivered\n", attack_plan->what,
                  delivered);
    uint32_t rules = attack_plan->rules == 0 ? 1 : attack_plan->rules;
    for (uint32_t rule = 0; rule <= ROTOR_IPQ_RULE_SLEEP; rule++) {
        if (broken[rule] > 0) {
            print_message("    %2u of %d: %s\n", broken[rule], SIEGES,
                          rotor_ipq_rule_text((enum rotor_ipq_rule)rule));
            assert_true((rules >> rule & 1) != 0);
        }
    }
}

SPEC("an end whose peer was taken over stays whole and says what was broken")
{
    const uint32_t any = ONE_OF(STAMP) | ONE_OF(LENGTH) | ONE_OF(OVERRUN) |
                         ONE_OF(CONTINUE) | ONE_OF(CREDIT) | ONE_OF(SLEEP);
    const uint32_t heads =
        ONE_OF(STAMP) | ONE_OF(LENGTH) | ONE_OF(OVERRUN) | ONE_OF(CONTINUE);
    const struct plan_of_attack plans[] = {
        {"any word",              anything,         any,            LIES},
        {"stamps",                stamps,           heads,          LIES},
        {"lengths",               lengths,          heads,          LIES},
        {"two lengths in a race", two_lengths,      heads,          LIES},
        {"credit",                credits,          ONE_OF(CREDIT), LIES},
        {"sleeps and bells",      sleeps_and_bells, ONE_OF(SLEEP),  LIES},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        besiege(&plans[i]);
    }
}

SPEC("a peer that stalls or floods the bell breaks nothing")
{
    static const struct plan_of_attack plans[] = {
        {"a stall", nothing, 0, ATTACKS / 100},
        {"a flood", flood,   0, ATTACKS      },
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        besiege(&plans[i]);
    }
}

SPEC("a peer that cuts the memory does not end us")
{
    // Pages that were punched out read as zeros: an old stamp, or empty.
    static const struct plan_of_attack plan_of_cutting = {
        "a cut", cut, 1 | ONE_OF(STAMP) | ONE_OF(CONTINUE), ATTACKS / 100};
    besiege(&plan_of_cutting);
}
