// SPDX-License-Identifier: Apache-2.0
// Both ends as threads of one process, with doorbells: nothing is lost, nobody
// oversleeps.  Built with TSan this shows data races as well.
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"

#include "test/spec/ipq_pair.h"

#define FRAMES 30000u

// Far above any honest wait here, far below a test's patience.
#define WAIT_NS 20000000000u

struct party {
    struct shared_queue queue;
    struct doorbell doorbell;
    uint64_t dice;
    uint32_t pace; // one in so many calls pauses, 0: none
    bool polls;    // sleeps in poll
};

struct duo {
    struct party rtp, ap;
    int event;
};

static void duo_open(struct duo *duo, const struct rotor_ipq_plan *plan)
{
    int fd = -1;
    assert_ok(shared_queue_create(plan, &fd));
    assert_ok(shared_queue_open(&duo->rtp.queue, plan, fd, ROTOR_IPQ_RTP));
    assert_ok(shared_queue_open(&duo->ap.queue, plan, fd, ROTOR_IPQ_AP));
    assert_int_equal(close(fd), 0);
    duo->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(duo->event >= 0);
    doorbell_init(&duo->rtp.doorbell, &duo->rtp.queue.channel, duo->event,
                  DOORBELL_NO_EVENT);
    doorbell_init(&duo->ap.doorbell, &duo->ap.queue.channel, DOORBELL_NO_EVENT,
                  duo->event);
}

static void duo_close(struct duo *duo)
{
    shared_queue_close(&duo->rtp.queue);
    shared_queue_close(&duo->ap.queue);
    assert_int_equal(close(duo->event), 0);
}

static void must(bool claim, const char *what)
{
    // Threads other than cmocka's own cannot fail a test softly.
    if (!claim) {
        print_error("%s\n", what);
        abort();
    }
}

static void pause_at_times(struct party *party)
{
    if (party->pace > 0 && dice_below(&party->dice, party->pace) == 0) {
        struct timespec moment = {0, (long)dice_below(&party->dice, 200000)};
        (void)nanosleep(&moment, NULL);
    }
}

static void wait_for(struct party *party, uint32_t reasons)
{
    if (!party->polls) {
        must(doorbell_wait(&party->doorbell, reasons, WAIT_NS) == ROTOR_OK,
             "overslept");
        return;
    }
    if (doorbell_arm(&party->doorbell, reasons)) {
        struct pollfd event = {party->doorbell.event_mine, POLLIN, 0};
        (void)poll(&event, 1, DOORBELL_LOOK_NS / 1000000);
    }
    doorbell_disarm(&party->doorbell);
}

static void send_numbers(struct party *party)
{
    uint8_t frame[300];
    struct rotor_ipq *out = &party->queue.channel.out;
    for (uint32_t number = 0; number < FRAMES; number++) {
        uint32_t size = 4 + number % 297;
        frame_fill(frame, size, number);
        memcpy(frame, &number, 4);
        struct rotor_bytes bytes = {frame, size};
        enum rotor_status status = rotor_ipq_push(out, bytes);
        while (status == ROTOR_AGAIN) {
            wait_for(party, ROTOR_IPQ_ROOM);
            status = rotor_ipq_push(out, bytes);
        }
        must(status == ROTOR_OK, "push");
        must(doorbell_ring(&party->doorbell) == ROTOR_OK, "ring");
        pause_at_times(party);
    }
}

static void check_number(struct rotor_room *room, uint32_t number)
{
    uint32_t got = 0;
    must(room->used >= 4, "short frame");
    memcpy(&got, room->data, 4);
    must(got == number, "wrong number");
    // Puts back what the number overwrote: then all bytes follow from it.
    frame_fill(room->data, 4, number);
    must(frame_is(room, 4 + number % 297, number), "wrong bytes");
}

static void receive_numbers(struct party *party)
{
    static _Thread_local uint8_t bytes[4][300];
    struct rotor_room rooms[4];
    for (int i = 0; i < 4; i++) {
        rooms[i] = (struct rotor_room){bytes[i], 300, 0};
    }
    struct rotor_ipq *in = &party->queue.channel.in;
    for (uint32_t number = 0; number < FRAMES;) {
        uint32_t popped = 0;
        enum rotor_status status = rotor_ipq_pop_batch(in, rooms, 4, &popped);
        must(status == ROTOR_OK || status == ROTOR_AGAIN, "pop");
        for (uint32_t i = 0; i < popped; i++) {
            check_number(&rooms[i], number++);
        }
        must(doorbell_ring(&party->doorbell) == ROTOR_OK, "ring");
        if (status == ROTOR_AGAIN) {
            wait_for(party, ROTOR_IPQ_FRAMES);
        }
        pause_at_times(party);
    }
}

static void *send_thread(void *party)
{
    send_numbers(party);
    return NULL;
}

static void *receive_thread(void *party)
{
    receive_numbers(party);
    return NULL;
}

static void run_pace(uint32_t sender_pace, uint32_t receiver_pace, bool polls)
{
    const struct rotor_ipq_plan plan = {16, 300, sender_pace + 1};
    struct duo duo = {
        .rtp = {.dice = 5, .pace = sender_pace, .polls = polls},
        .ap = {.dice = 6,         .pace = receiver_pace                   }
    };
    duo_open(&duo, &plan);
    pthread_t sender, receiver;
    assert_int_equal(pthread_create(&sender, NULL, send_thread, &duo.rtp), 0);
    assert_int_equal(pthread_create(&receiver, NULL, receive_thread, &duo.ap),
                     0);
    assert_int_equal(pthread_join(sender, NULL), 0);
    assert_int_equal(pthread_join(receiver, NULL), 0);
    duo_close(&duo);
}

SPEC("frames cross between two threads that never pause")
{
    run_pace(0, 0, false);
}

SPEC("a slow sender and a slow receiver wake each other")
{
    run_pace(40, 0, false);
    run_pace(0, 40, false);
    run_pace(60, 60, false);
}

SPEC("an event loop wakes when there is room again")
{
    run_pace(0, 60, true);
}

static void *reply_thread(void *argument)
{
    struct party *party = argument;
    struct rotor_ipq_channel *channel = &party->queue.channel;
    uint8_t bytes[60];
    struct rotor_room room = {bytes, sizeof bytes, 0};
    for (uint32_t i = 0; i < 2000; i++) {
        while (rotor_ipq_pop(&channel->in, &room) == ROTOR_AGAIN) {
            wait_for(party, ROTOR_IPQ_FRAMES);
        }
        pause_at_times(party);
        must(rotor_ipq_push(&channel->out, (struct rotor_bytes){bytes, 60}) ==
                 ROTOR_OK,
             "push");
        must(doorbell_ring(&party->doorbell) == ROTOR_OK, "ring");
    }
    return NULL;
}

static void ask(struct party *party)
{
    struct rotor_ipq_channel *channel = &party->queue.channel;
    uint8_t bytes[60] = {0};
    struct rotor_room room = {bytes, sizeof bytes, 0};
    for (uint32_t i = 0; i < 2000; i++) {
        must(rotor_ipq_push(&channel->out, (struct rotor_bytes){bytes, 60}) ==
                 ROTOR_OK,
             "push");
        must(doorbell_ring(&party->doorbell) == ROTOR_OK, "ring");
        while (rotor_ipq_pop(&channel->in, &room) == ROTOR_AGAIN) {
            wait_for(party, ROTOR_IPQ_FRAMES);
        }
        pause_at_times(party);
    }
}

static void run_questions(bool polls, uint32_t pace)
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {
        .rtp = {.dice = 7, .pace = pace, .polls = polls},
        .ap = {.dice = 8,         .pace = pace            }
    };
    duo_open(&duo, &plan);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, reply_thread, &duo.ap), 0);
    ask(&duo.rtp);
    assert_int_equal(pthread_join(thread, NULL), 0);
    duo_close(&duo);
}

SPEC("question and answer, with both sides asleep in between")
{
    run_questions(false, 0);
    run_questions(false, 3);
}

SPEC("question and answer, with the asker in an event loop")
{
    run_questions(true, 0);
    run_questions(true, 3);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note_often(struct spin *spin, uint64_t took_ns)
{
    for (int i = 0; i < 100; i++) {
        spin_note(spin, took_ns);
    }
}

SPEC("a spin lasts thrice what news took of late, within its bounds")
{
    struct spin spin = {2000, 200000, 0, 0};
    note_often(&spin, 50000);
    assert_in_range(spin_budget_ns(&spin), 149000, 151000);
    note_often(&spin, 100000);
    assert_int_equal(spin_budget_ns(&spin), 200000);
}

SPEC("news that is quick is waited for as long as its sender's tick takes")
{
    struct spin spin = {2000, 200000, 0, 0};
    assert_int_equal(spin_budget_ns(&spin), SPIN_TICK_NS);
    note_often(&spin, 10000);
    assert_int_equal(spin_budget_ns(&spin), SPIN_TICK_NS);
    spin.most_ns = SPIN_TICK_NS / 2;
    assert_int_equal(spin_budget_ns(&spin), spin.most_ns);
}

SPEC("where news takes longer than a spin may last, it is not spun for")
{
    struct spin spin = {2000, 200000, 0, 0};
    note_often(&spin, 250000);
    assert_int_equal(spin_budget_ns(&spin), 2000);
}

SPEC("one long silence does not outweigh the busy time before it")
{
    struct spin spin = {2000, 200000, 0, 0};
    note_often(&spin, 10000);
    spin_note(&spin, 3600000000000u);
    assert_int_equal(spin_budget_ns(&spin), 200000);
    note_often(&spin, 50000);
    assert_in_range(spin_budget_ns(&spin), 149000, 151000);
}

SPEC("who is alone on a processor asks seldom whether others want it")
{
    struct spin spin = {2000, 200000, 0, SPIN_ALONE_NS};
    uint64_t alone_ns = SPIN_ALONE_NS;
    for (int i = 0; i < 4; i++) {
        spin_note_lent(&spin, SPIN_SHARED_NS - 1);
        alone_ns *= 2;
        assert_int_equal(spin.alone_ns, alone_ns);
    }
    spin_note_lent(&spin, 0);
    assert_int_equal(spin.alone_ns, SPIN_ALONE_MAX_NS);
    spin_note_lent(&spin, SPIN_SHARED_NS);
    assert_int_equal(spin.alone_ns, SPIN_ALONE_NS);
}

SPEC("silences end spinning one by one, quick news brings it back at once")
{
    struct spin spin = {2000, 200000, 0, 0};
    note_often(&spin, 10000);
    spin_note(&spin, 3600000000000u);
    spin_note(&spin, 3600000000000u);
    spin_note(&spin, 3600000000000u);
    assert_int_equal(spin_budget_ns(&spin), 2000);
    spin_note(&spin, 10000);
    assert_int_equal(spin_budget_ns(&spin), 200000);
}

SPEC("who moves away runs on another processor and may still run on all")
{
    cpu_set_t home;
    cpu_set_t after;
    assert_int_equal(sched_getaffinity(0, sizeof home, &home), 0);
    int here = sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((unsigned)here, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    spin_move_away(); // nowhere to go
    assert_int_equal(sched_getcpu(), here);
    assert_int_equal(sched_setaffinity(0, sizeof home, &home), 0);
    if (CPU_COUNT(&home) < 2) {
        skip();
    }
    // Another thread may take us back at any time, but hardly every time.
    int moved = 0;
    for (int i = 0; i < 100; i++) {
        int before = sched_getcpu();
        spin_move_away();
        moved += sched_getcpu() != before;
    }
    assert_in_range(moved, 1, 100);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&home, &after));
}

SPEC("a wait ends in time when the peer never rings")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    uint64_t start = now_ns();
    assert_int_equal(
        doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, 30000000u),
        ROTOR_AGAIN);
    uint64_t waited = now_ns() - start;
    assert_true(waited >= 30000000u);
    assert_true(waited < 3000000000u);
    assert_int_equal(doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, 0),
                     ROTOR_AGAIN);
    duo_close(&duo);
}

static void *push_silently(void *argument)
{
    struct party *party = argument;
    struct timespec moment = {0, 30000000};
    (void)nanosleep(&moment, NULL);
    must(rotor_ipq_push(&party->queue.channel.out,
                        (struct rotor_bytes){(const uint8_t *)"x", 1}) ==
             ROTOR_OK,
         "push");
    return NULL;
}

SPEC("a frame is found although the peer never rings")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, push_silently, &duo.ap), 0);
    uint64_t start = now_ns();
    assert_ok(doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, WAIT_NS));
    assert_true(now_ns() - start < WAIT_NS / 4);
    assert_int_equal(pthread_join(thread, NULL), 0);
    duo_close(&duo);
}

SPEC("who waited in vain is not taken for asleep")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    assert_int_equal(
        doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, 1000000u),
        ROTOR_AGAIN);
    assert_true(rotor_ipq_channel_peer_is_awake(&duo.ap.queue.channel));
    duo_close(&duo);
}

static _Atomic bool is_over;

// Rings three tickets for nothing, once each, then pushes a frame.
static void *ring_for_nothing(void *argument)
{
    struct party *party = argument;
    struct rotor_ipq_channel *channel = &party->queue.channel;
    uint32_t rung = 0;
    for (uint32_t rings = 0; rings < 3 && !atomic_load(&is_over);) {
        uint32_t sleep = atomic_load(&channel->theirs->sleep);
        if ((sleep & ROTOR_IPQ_REASON_MASK) != 0 && sleep != rung) {
            rung = sleep;
            rings++;
            atomic_fetch_add(&channel->mine->bell, 1);
        }
    }
    must(rotor_ipq_push(&channel->out,
                        (struct rotor_bytes){(const uint8_t *)"x", 1}) ==
             ROTOR_OK,
         "push");
    return NULL;
}

SPEC("a sleeper that was rung for nothing can be rung again")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ring_for_nothing, &duo.ap),
                     0);
    enum rotor_status status =
        doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, WAIT_NS);
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(status);
    assert_true(duo.rtp.queue.channel.ticket >= 3);
    duo_close(&duo);
}

SPEC("a peer that lies about its sleep ends the wait with a name")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    duo.ap.queue.channel.mine->sleep = 0xff;
    assert_int_equal(
        doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, WAIT_NS),
        ROTOR_CORRUPT);
    assert_false(doorbell_arm(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES));
    assert_int_equal(rotor_ipq_broken_rule(&duo.rtp.queue.channel.out),
                     ROTOR_IPQ_RULE_SLEEP);
    duo_close(&duo);
}

SPEC("an event loop does not fall asleep over a frame that is there")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    assert_true(doorbell_arm(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES));
    doorbell_disarm(&duo.rtp.doorbell);
    struct rotor_bytes x = {(const uint8_t *)"x", 1};
    assert_ok(rotor_ipq_push(&duo.ap.queue.channel.out, x));
    assert_ok(doorbell_ring(&duo.ap.doorbell));
    assert_false(doorbell_arm(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES));
    struct pollfd event = {duo.event, POLLIN, 0};
    assert_int_equal(poll(&event, 1, 0), 0);

    uint8_t bytes[60];
    struct rotor_room room = {bytes, sizeof bytes, 0};
    assert_ok(rotor_ipq_pop(&duo.rtp.queue.channel.in, &room));
    assert_true(doorbell_arm(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES));
    assert_ok(rotor_ipq_push(&duo.ap.queue.channel.out, x));
    assert_ok(doorbell_ring(&duo.ap.doorbell));
    assert_int_equal(poll(&event, 1, 0), 1);
    doorbell_disarm(&duo.rtp.doorbell);
    assert_int_equal(poll(&event, 1, 0), 0);
    duo_close(&duo);
}

static void *toggle_sleep(void *argument)
{
    struct party *party = argument;
    for (uint32_t i = 0; i < 200000; i++) {
        party->queue.channel.mine->sleep = i << 4 | ROTOR_IPQ_FRAMES;
        party->queue.channel.mine->bell = i;
    }
    return NULL;
}

SPEC("a flood of sleeps and bells costs the honest side time only")
{
    const struct rotor_ipq_plan plan = {4, 60, 9};
    struct duo duo = {0};
    duo_open(&duo, &plan);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, toggle_sleep, &duo.ap), 0);
    struct rotor_room room = {(uint8_t[60]){0}, 60, 0};
    for (int i = 0; i < 2000; i++) {
        struct rotor_bytes x = {(const uint8_t *)"x", 1};
        assert_ok(rotor_ipq_push(&duo.rtp.queue.channel.out, x));
        assert_ok(doorbell_ring(&duo.rtp.doorbell));
        (void)!doorbell_wait(&duo.rtp.doorbell, ROTOR_IPQ_FRAMES, 20000);
        assert_ok(rotor_ipq_pop(&duo.ap.queue.channel.in, &room));
        rotor_ipq_give_credit(&duo.ap.queue.channel.in);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    duo_close(&duo);
}
