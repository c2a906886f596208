// SPDX-License-Identifier: Apache-2.0
// One thread that sleeps on many channels: woken by each of them, by room, by
// its own word and by a dead end; never asleep over what is there already.
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/doorbells.h"
#include "port/linux/shared_queue.h"

#include "test/spec.h"

#define CHANNELS 5u
#define FRAMES   2000u // of each channel
#define WAIT_NS  20000000000u

static const struct rotor_ipq_plan plan = {512, ROTOR_IPQ_FRAME_MAX, 7};

static struct shared_queue ours[CHANNELS];   // the sleeper's ends
static struct shared_queue theirs[CHANNELS]; // of those who ring
static struct doorbell our_bells[CHANNELS];
static struct doorbell their_bells[CHANNELS];
static struct doorbells bells;
static uint8_t room_bytes[ROTOR_IPQ_FRAME_MAX];

static void begin(uint32_t reasons)
{
    doorbells_init(&bells);
    for (size_t i = 0; i < CHANNELS; i++) {
        int fd = -1;
        assert_ok(shared_queue_create(&plan, &fd));
        assert_ok(shared_queue_open(&ours[i], &plan, fd, ROTOR_IPQ_AP));
        assert_ok(shared_queue_open(&theirs[i], &plan, fd, ROTOR_IPQ_RTP));
        close(fd);
        doorbell_init(&our_bells[i], &ours[i].channel, DOORBELL_NO_EVENT,
                      DOORBELL_NO_EVENT);
        doorbell_init(&their_bells[i], &theirs[i].channel, DOORBELL_NO_EVENT,
                      DOORBELL_NO_EVENT);
        assert_ok(doorbells_add(&bells, &our_bells[i], reasons));
    }
}

static void end(void)
{
    for (size_t i = 0; i < CHANNELS; i++) {
        shared_queue_close(&ours[i]);
        shared_queue_close(&theirs[i]);
    }
}

static void push(size_t i, uint32_t number)
{
    struct rotor_bytes frame = {(const uint8_t *)&number, sizeof number};
    while (rotor_ipq_push(&theirs[i].channel.out, frame) == ROTOR_AGAIN) {
        enum rotor_status waited =
            doorbell_wait(&their_bells[i], ROTOR_IPQ_ROOM, WAIT_NS);
        (void)waited;
    }
    enum rotor_status status = doorbell_ring(&their_bells[i]);
    (void)status;
}

// Each ringer sends one frame after the answer to the last one, or all at once.
static void *ring_and_wait(void *argument)
{
    size_t i = (size_t)(uintptr_t)argument;
    uint8_t bytes[ROTOR_IPQ_FRAME_MAX];
    for (uint32_t n = 0; n < FRAMES; n++) {
        struct rotor_room room = {bytes, sizeof bytes, 0};
        push(i, n);
        while (rotor_ipq_pop(&theirs[i].channel.in, &room) == ROTOR_AGAIN) {
            if (doorbell_wait(&their_bells[i], ROTOR_IPQ_FRAMES, WAIT_NS) !=
                ROTOR_OK) {
                return (void *)1;
            }
        }
    }
    return NULL;
}

SPEC("a sleeper is woken by any of its channels, and misses none")
{
    pthread_t ringers[CHANNELS];
    uint32_t next[CHANNELS] = {0};
    uint32_t left = CHANNELS * FRAMES;
    begin(ROTOR_IPQ_FRAMES);
    for (size_t i = 0; i < CHANNELS; i++) {
        assert_ok(pthread_create(&ringers[i], NULL, ring_and_wait,
                                 (void *)(uintptr_t)i));
    }
    while (left > 0) {
        bool moved = false;
        for (size_t i = 0; i < CHANNELS; i++) {
            struct rotor_room room = {room_bytes, sizeof room_bytes, 0};
            if (rotor_ipq_pop(&ours[i].channel.in, &room) != ROTOR_OK) {
                continue;
            }
            assert_int_equal(room.used, sizeof next[i]);
            assert_memory_equal(room.data, &next[i], sizeof next[i]);
            next[i]++;
            left--;
            moved = true;
            struct rotor_bytes reply = {room.data, room.used};
            assert_ok(rotor_ipq_push(&ours[i].channel.out, reply));
            assert_ok(doorbell_ring(&our_bells[i]));
        }
        if (!moved) {
            assert_ok(doorbells_wait(&bells, WAIT_NS));
        }
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        void *failed = NULL;
        assert_ok(pthread_join(ringers[i], &failed));
        assert_null(failed);
    }
    end();
}

SPEC("what is there already keeps nobody asleep; with nothing there the bound "
     "holds")
{
    begin(ROTOR_IPQ_FRAMES);
    push(3, 1);
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    bells.entries[3].reasons = 0; // not watched: as if it were silent
    assert_int_equal(doorbells_wait(&bells, 1000000), ROTOR_AGAIN);
    end();
}

static _Atomic uint32_t word;

static void *move_word(void *unused)
{
    const struct timespec pause = {0, 2000000};
    (void)unused;
    (void)nanosleep(&pause, NULL);
    atomic_store(&word, 1);
    return NULL;
}

SPEC("a word of its own wakes it, or is seen within the next look")
{
    pthread_t mover;
    begin(ROTOR_IPQ_FRAMES);
    bells.word = &word;
    bells.word_value = 0;
    assert_ok(pthread_create(&mover, NULL, move_word, NULL));
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    assert_ok(pthread_join(mover, NULL));
    assert_int_equal(atomic_load(&word), 1);
    assert_ok(doorbells_wait(&bells, WAIT_NS)); // it still differs
    end();
}

SPEC("a sleeper on room is woken by credit")
{
    static const uint8_t frame[ROTOR_IPQ_FRAME_MAX] = {1};
    struct rotor_room room = {room_bytes, sizeof room_bytes, 0};
    begin(ROTOR_IPQ_ROOM);
    struct rotor_bytes large = {frame, sizeof frame};
    assert_ok(rotor_ipq_push(&ours[2].channel.out, large));
    assert_int_equal(rotor_ipq_push(&ours[2].channel.out, large), ROTOR_AGAIN);
    for (size_t i = 0; i < CHANNELS; i++) {
        bells.entries[i].reasons = i == 2 ? ROTOR_IPQ_ROOM : 0;
    }
    assert_int_equal(doorbells_wait(&bells, 1000000), ROTOR_AGAIN);
    assert_ok(rotor_ipq_pop(&theirs[2].channel.in, &room));
    rotor_ipq_give_credit(&theirs[2].channel.in);
    assert_ok(doorbell_ring(&their_bells[2]));
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    end();
}

SPEC("nonsense of one peer is seen as a dead end, not slept over")
{
    begin(ROTOR_IPQ_FRAMES);
    atomic_store(&theirs[1].channel.mine->sleep, 15);
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    assert_int_equal(rotor_ipq_broken_rule(&ours[1].channel.out),
                     ROTOR_IPQ_RULE_SLEEP);
    end();
}

SPEC("no more bells than there is room for; none at all is a nap")
{
    begin(ROTOR_IPQ_FRAMES);
    while (bells.count < DOORBELLS_MAX) {
        assert_ok(doorbells_add(&bells, &our_bells[0], ROTOR_IPQ_FRAMES));
    }
    assert_int_equal(doorbells_add(&bells, &our_bells[0], ROTOR_IPQ_FRAMES),
                     ROTOR_INVALID);
    for (size_t i = 0; i < bells.count; i++) {
        bells.entries[i].reasons = 0;
    }
    assert_int_equal(doorbells_wait(&bells, 1000000), ROTOR_AGAIN);
    end();
}

SPEC("where the kernel sleeps on one word only, the others are looked at")
{
    begin(ROTOR_IPQ_FRAMES);
    bells.has_waitv = false;
    assert_int_equal(doorbells_wait(&bells, 3000000), ROTOR_AGAIN);
    push(4, 1);
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    end();
}

SPEC("an announcement stands for a whole wait, and is taken back behind it")
{
    begin(ROTOR_IPQ_FRAMES);
    assert_int_equal(doorbells_wait(&bells, 200000000), ROTOR_AGAIN);
    for (size_t i = 0; i < CHANNELS; i++) {
        assert_int_equal(ours[i].channel.ticket, 1);
        assert_true(rotor_ipq_channel_peer_is_awake(&theirs[i].channel));
    }
    end();
}

SPEC("a bell that is not watched need not be one")
{
    struct doorbell none = {0};
    begin(ROTOR_IPQ_FRAMES);
    bells.entries[2] = (struct doorbells_entry){&none, 0};
    assert_int_equal(doorbells_wait(&bells, 100000000), ROTOR_AGAIN);
    push(4, 1);
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    end();
}

// Moves the bell without any news, as a hostile or hasty peer does; ends the
// wait when the sleeper has announced itself anew, or in ten seconds.
static void *ring_for_nothing(void *nothing)
{
    (void)nothing;
    struct rotor_ipq_channel *channel = &theirs[0].channel;
    const struct timespec nap = {0, 1000000};
    while (rotor_ipq_channel_peer_is_awake(channel)) {
        (void)nanosleep(&nap, NULL);
    }
    uint32_t announced = atomic_load(&channel->theirs->sleep);
    channel->bell++;
    atomic_store(&channel->mine->bell, channel->bell);
    bool is_anew = false;
    for (unsigned i = 0; i < 10000 && !is_anew; i++) {
        (void)nanosleep(&nap, NULL);
        is_anew = atomic_load(&channel->theirs->sleep) != announced;
    }
    push(0, 1);
    return is_anew ? NULL : (void *)1;
}

SPEC("an announcement that was answered for nothing is made anew")
{
    pthread_t ringer;
    void *failed = NULL;
    begin(ROTOR_IPQ_FRAMES);
    assert_ok(pthread_create(&ringer, NULL, ring_for_nothing, NULL));
    assert_ok(doorbells_wait(&bells, WAIT_NS));
    assert_ok(pthread_join(ringer, &failed));
    assert_null(failed);
    end();
}
