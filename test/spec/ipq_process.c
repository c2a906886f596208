// SPDX-License-Identifier: Apache-2.0
// Both ends as processes of their own over one sealed memfd: the mappings, the
// seals, the wake-up across address spaces and privileges.
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"

#include "test/spec/ipq_pair.h"

#define WAIT_NS 20000000000u
#define NOBODY  65534

static const struct rotor_ipq_plan plan = {1024, ROTOR_IPQ_FRAME_MAX, 3};

// --- The AP: a child that returns every frame, complemented ------------------

static void serve_one(struct shared_queue *queue, struct doorbell *doorbell,
                      struct rotor_room *room)
{
    while (rotor_ipq_pop(&queue->channel.in, room) == ROTOR_AGAIN) {
        if (doorbell_wait(doorbell, ROTOR_IPQ_FRAMES, WAIT_NS) != ROTOR_OK) {
            _exit(11);
        }
    }
    for (size_t i = 0; i < room->used; i++) {
        room->data[i] = (uint8_t)~room->data[i];
    }
    struct rotor_bytes reply = {room->data, room->used};
    while (rotor_ipq_push(&queue->channel.out, reply) == ROTOR_AGAIN) {
        if (doorbell_wait(doorbell, ROTOR_IPQ_ROOM, WAIT_NS) != ROTOR_OK) {
            _exit(12);
        }
    }
    if (doorbell_ring(doorbell) != ROTOR_OK) {
        _exit(13);
    }
}

static void be_the_ap(int fd, int event, uint32_t frames)
{
    static uint8_t bytes[ROTOR_IPQ_FRAME_MAX];
    struct rotor_room room = {bytes, sizeof bytes, 0};
    struct shared_queue queue;
    struct doorbell doorbell;
    // Only root can become nobody; others stay who they are.
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        _exit(9);
    }
    if (shared_queue_open(&queue, &plan, fd, ROTOR_IPQ_AP) != ROTOR_OK) {
        _exit(10);
    }
    doorbell_init(&doorbell, &queue.channel, DOORBELL_NO_EVENT, event);
    for (uint32_t i = 0; i < frames; i++) {
        serve_one(&queue, &doorbell, &room);
    }
    _exit(0);
}

// --- The RTP: this process ---------------------------------------------------

struct rtp {
    struct shared_queue queue;
    struct doorbell doorbell;
    struct rotor_room room;
    int fd, event;
    pid_t child;
};

static void rtp_open(struct rtp *rtp, uint32_t frames)
{
    assert_ok(shared_queue_create(&plan, &rtp->fd));
    rtp->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(rtp->event >= 0);
    rtp->child = fork();
    assert_true(rtp->child >= 0);
    if (rtp->child == 0) {
        be_the_ap(rtp->fd, rtp->event, frames);
    }
    assert_ok(shared_queue_open(&rtp->queue, &plan, rtp->fd, ROTOR_IPQ_RTP));
    doorbell_init(&rtp->doorbell, &rtp->queue.channel, rtp->event,
                  DOORBELL_NO_EVENT);
    rtp->room = (struct rotor_room){malloc(ROTOR_IPQ_FRAME_MAX),
                                    ROTOR_IPQ_FRAME_MAX, 0};
}

static void rtp_close(struct rtp *rtp)
{
    int status = -1;
    assert_int_equal(waitpid(rtp->child, &status, 0), rtp->child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(rtp->room.data);
    shared_queue_close(&rtp->queue);
    shared_queue_close(&rtp->queue);
    assert_int_equal(close(rtp->fd), 0);
    assert_int_equal(close(rtp->event), 0);
}

static void ask(struct rtp *rtp, uint32_t size, uint32_t number)
{
    static uint8_t frame[ROTOR_IPQ_FRAME_MAX];
    struct rotor_ipq_channel *channel = &rtp->queue.channel;
    frame_fill(frame, size, number);
    assert_ok(rotor_ipq_push(&channel->out, (struct rotor_bytes){frame, size}));
    assert_ok(doorbell_ring(&rtp->doorbell));
    while (rotor_ipq_pop(&channel->in, &rtp->room) == ROTOR_AGAIN) {
        assert_ok(doorbell_wait(&rtp->doorbell, ROTOR_IPQ_FRAMES, WAIT_NS));
    }
    for (size_t i = 0; i < rtp->room.used; i++) {
        rtp->room.data[i] = (uint8_t)~rtp->room.data[i];
    }
    assert_true(frame_is(&rtp->room, size, number));
}

SPEC("two processes of different users talk, sleep and wake")
{
    struct rtp rtp = {0};
    rtp_open(&rtp, 600);
    for (uint32_t i = 0; i < 600; i++) {
        // Now and then both sides have fallen asleep by the time of a frame.
        struct timespec moment = {0, i % 50 == 0 ? 3000000 : 0};
        (void)nanosleep(&moment, NULL);
        ask(&rtp, i % 7 == 0 ? ROTOR_IPQ_FRAME_MAX : 1 + i, i);
    }
    rtp_close(&rtp);
}

// --- What the memory allows --------------------------------------------------

// Does a write to `at` kill a process?
static bool write_kills(uint8_t *at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        *(volatile uint8_t *)at = 1;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

SPEC("a side can write its own half and not the other one")
{
    int fd = -1;
    assert_ok(shared_queue_create(&plan, &fd));
    for (int side = ROTOR_IPQ_RTP; side <= ROTOR_IPQ_AP; side++) {
        struct shared_queue queue;
        assert_ok(
            shared_queue_open(&queue, &plan, fd, (enum rotor_ipq_side)side));
        assert_false(write_kills(queue.mine.data));
        assert_false(write_kills(queue.mine.data + queue.mine.capacity - 1));
        uint8_t *theirs = (uint8_t *)(uintptr_t)queue.theirs.data;
        assert_true(write_kills(theirs));
        assert_true(write_kills(theirs + queue.theirs.size - 1));
        shared_queue_close(&queue);
    }
    assert_int_equal(close(fd), 0);
}

SPEC("nobody can cut the memory short, extend it, or lift the seals")
{
    int fd = -1;
    assert_ok(shared_queue_create(&plan, &fd));
    assert_int_not_equal(ftruncate(fd, 0), 0);
    assert_int_not_equal(ftruncate(fd, 1 << 30), 0);
    assert_int_not_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_int_equal(close(fd), 0);
}

SPEC("memory that is not sealed, or of another size, is refused")
{
    struct shared_queue queue;
    size_t size = rotor_ipq_channel_size(&plan, 4096);
    int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(loose >= 0);
    assert_int_equal(ftruncate(loose, (off_t)size), 0);
    assert_int_equal(shared_queue_open(&queue, &plan, loose, ROTOR_IPQ_AP),
                     ROTOR_FORBIDDEN);
    assert_int_equal(fcntl(loose, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_int_equal(shared_queue_open(&queue, &plan, loose, ROTOR_IPQ_AP),
                     ROTOR_FORBIDDEN);
    assert_int_equal(fcntl(loose, F_ADD_SEALS, F_SEAL_SEAL), 0);
    if (sysconf(_SC_PAGESIZE) == 4096) {
        assert_ok(shared_queue_open(&queue, &plan, loose, ROTOR_IPQ_AP));
        shared_queue_close(&queue);
    }
    struct rotor_ipq_plan other = plan;
    other.slots *= 2;
    assert_int_equal(shared_queue_open(&queue, &other, loose, ROTOR_IPQ_AP),
                     ROTOR_FORBIDDEN);
    assert_int_equal(close(loose), 0);
    assert_int_equal(shared_queue_open(&queue, &plan, -1, ROTOR_IPQ_AP),
                     ROTOR_FORBIDDEN);
    other.slots = 3;
    assert_int_equal(shared_queue_open(&queue, &other, 0, ROTOR_IPQ_AP),
                     ROTOR_INVALID);
    int fd = 55;
    assert_int_equal(shared_queue_create(&other, &fd), ROTOR_INVALID);
    assert_int_equal(fd, 55);
}

SPEC("a peer that dies leaves a wait that ends in time")
{
    struct rtp rtp = {0};
    rtp_open(&rtp, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ask(&rtp, 100, i);
    }
    assert_int_equal(doorbell_wait(&rtp.doorbell, ROTOR_IPQ_FRAMES, 20000000u),
                     ROTOR_AGAIN);
    rtp_close(&rtp);
}
