// SPDX-License-Identifier: Apache-2.0
#include "port/linux/doorbell.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

// A client that was woken by an answer asks again in about twice the time that
// waking took: whoever spins for so long meets it.
#define SPIN_MAX_NS 200000u
#define SPIN_MIN_NS 20000u // what a sleep and a wake-up cost

// Looks between two readings of the clock: about a microsecond of spinning.
#define LOOKS_PER_READING 32u

// Frames since the last wait from which on they are a stream.
#define STREAM_FRAMES 4u

// In a stream the receiver waits until so many frames are there, but for no
// more looks than these, each followed by a pause: one or two microseconds.
#define REST_FRAMES 256u
#define REST_LOOKS  64u

static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

void doorbell_init(struct doorbell *doorbell, struct rotor_ipq_channel *channel,
                   int event_mine, int event_of_peer)
{
    *doorbell = (struct doorbell){
        .channel = channel,
        .event_mine = event_mine,
        .event_of_peer = event_of_peer,
        .spin = {SPIN_MIN_NS, SPIN_MAX_NS, 0, SPIN_ALONE_NS},
        .has_barrier = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
    };
}

// Makes every store that a registered process did so far visible, and makes
// its later loads see ours: the fence that senders do not pay.  A peer that did
// not register is not reached; the first short sleep is for that one.
static void pass_barrier(struct doorbell *doorbell)
{
    if (doorbell->has_barrier) {
        doorbell->has_barrier = membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
    }
}

// The words are shared between processes, so no futex of ours is private.
static void wake_sleeper(_Atomic uint32_t *bell)
{
    // A failure leaves a sleeper that looks for itself in time.
    (void)syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void ring_event(int event)
{
    uint64_t one = 1;
    // A full counter is a loop that will wake anyway.
    ssize_t written = write(event, &one, sizeof one);
    (void)written;
}

enum rotor_status doorbell_ring_sleeper(struct doorbell *doorbell)
{
    struct rotor_ipq_channel *channel = doorbell->channel;
    uint32_t wake = 0;
    enum rotor_status status = rotor_ipq_channel_ring(channel, &wake);
    if (wake == 0) {
        return status;
    }
    bool by_event = (wake & ROTOR_IPQ_EVENT) != 0;
    if (!by_event) {
        wake_sleeper(&channel->mine->bell);
    } else if (doorbell->event_of_peer != DOORBELL_NO_EVENT) {
        ring_event(doorbell->event_of_peer);
    }
    return status;
}

// Sleeps until the peer's bell is no longer `bell`.  False if the kernel will
// not wait; every other return is a reason to look again.
static bool sleep_on_bell(const struct doorbell *doorbell, uint32_t bell,
                          uint64_t ns)
{
    struct timespec bound = {.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
    long result = syscall(SYS_futex, &doorbell->channel->theirs->bell,
                          FUTEX_WAIT, bell, &bound, NULL, 0);
    return result == 0 || errno == EAGAIN || errno == ETIMEDOUT ||
           errno == EINTR;
}

// Whoever has caught up with a stream does not look at once where the sender is
// writing: each look takes the line away in the middle of its work, and both
// sides then wait for lines to travel, frame by frame.  Looking ahead leaves
// the sender alone until there is a handful to read.
static void rest_in_stream(struct doorbell *doorbell)
{
    const struct rotor_ipq *in = &doorbell->channel->in;
    uint64_t came = in->cursor - doorbell->seen;
    doorbell->seen = in->cursor;
    if (came < STREAM_FRAMES) {
        return;
    }
    uint32_t half = in->mask / 2 + 1;
    uint32_t enough = half < REST_FRAMES ? half : REST_FRAMES;
    for (uint32_t i = 0; i < REST_LOOKS; i++) {
        if (rotor_ipq_holds(in, enough)) {
            return;
        }
        spin_pause();
    }
}

// One look after another for about a microsecond.  The pause is easy on a
// thread beside this one, and on a sender that writes the very line: a look
// takes it away, and the sender has to fetch it back.
static bool look_for_news(const struct doorbell *doorbell, uint32_t reasons)
{
    for (uint32_t i = 0; i < LOOKS_PER_READING; i++) {
        if (rotor_ipq_channel_is_due(doorbell->channel, reasons)) {
            return true;
        }
        spin_pause();
    }
    return false;
}

// The same for a frame of a peer that keeps the rules, in few instructions.
static bool look_for_frame(const struct doorbell *doorbell)
{
    for (uint32_t i = 0; i < LOOKS_PER_READING; i++) {
        if (rotor_ipq_holds(&doorbell->channel->in, 1)) {
            return true;
        }
        spin_pause();
    }
    return false;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// One wait's sleeps.  They share an announcement until it was answered: to look
// now and then costs no barrier.
struct nap {
    bool is_announced;
    uint32_t bell; // of the peer, when it was announced
};

static bool is_rung(const struct doorbell *doorbell, const struct nap *nap)
{
    // Pairs with the release in ring; what it rang for is looked at behind.
    return atomic_load_explicit(&doorbell->channel->theirs->bell,
                                memory_order_acquire) != nap->bell;
}

// Announces unless that still stands, looks once more, sleeps at most `ns`.
// False: the kernel refuses.
static bool sleep_once(struct doorbell *doorbell, struct nap *nap,
                       uint32_t reasons, uint64_t ns)
{
    struct rotor_ipq_channel *channel = doorbell->channel;
    if (!nap->is_announced || is_rung(doorbell, nap)) {
        nap->bell = rotor_ipq_channel_announce(channel, reasons);
        nap->is_announced = true;
        pass_barrier(doorbell);
    }
    return rotor_ipq_channel_is_due(channel, reasons) ||
           sleep_on_bell(doorbell, nap->bell, ns);
}

// Spins for as long as news took of late, then sleeps.  Adds to `waited_ns`.
static enum rotor_status wait_for_news(struct doorbell *doorbell,
                                       struct nap *nap, uint32_t reasons,
                                       uint64_t timeout_ns, uint64_t *waited_ns)
{
    uint64_t start = spin_now_ns();
    uint64_t spin = smaller(spin_budget_ns(&doorbell->spin), timeout_ns);
    uint64_t sleep = DOORBELL_FIRST_SLEEP_NS;
    uint64_t waited = 0;
    bool due = false;
    while (!due && waited < timeout_ns) {
        if (waited < spin) {
            due = look_for_news(doorbell, reasons);
            if (!due && !spin_goes_on(&doorbell->spin, waited)) {
                spin = 0;
            }
        } else {
            uint64_t left = timeout_ns - waited;
            if (!sleep_once(doorbell, nap, reasons, smaller(sleep, left))) {
                return ROTOR_PORT_FAILED;
            }
            sleep = doorbell_next_sleep_ns(sleep);
            due = rotor_ipq_channel_is_due(doorbell->channel, reasons);
        }
        waited = spin_now_ns() - start;
    }
    *waited_ns = waited;
    return due ? ROTOR_OK : ROTOR_AGAIN;
}

static enum rotor_status wait_long(struct doorbell *doorbell, uint32_t reasons,
                                   uint64_t timeout_ns)
{
    struct nap nap = {0};
    uint64_t waited = 0;
    enum rotor_status status =
        wait_for_news(doorbell, &nap, reasons, timeout_ns, &waited);
    if (nap.is_announced) {
        rotor_ipq_channel_awake(doorbell->channel);
    }
    if (status != ROTOR_PORT_FAILED) {
        spin_note(&doorbell->spin, waited);
    }
    return status;
}

enum rotor_status doorbell_wait(struct doorbell *doorbell, uint32_t reasons,
                                uint64_t timeout_ns)
{
    rotor_ipq_give_credit(&doorbell->channel->in);
    TRY(doorbell_ring(doorbell));
    if (reasons == ROTOR_IPQ_FRAMES) {
        rest_in_stream(doorbell);
        if (look_for_frame(doorbell)) {
            spin_note_at_once(&doorbell->spin);
            return ROTOR_OK;
        }
    }
    return wait_long(doorbell, reasons, timeout_ns);
}

bool doorbell_arm(struct doorbell *doorbell, uint32_t reasons)
{
    struct rotor_ipq_channel *channel = doorbell->channel;
    rotor_ipq_give_credit(&channel->in);
    if (doorbell_ring(doorbell) != ROTOR_OK) {
        return false;
    }
    (void)rotor_ipq_channel_announce(channel, reasons | ROTOR_IPQ_EVENT);
    pass_barrier(doorbell);
    if (rotor_ipq_channel_is_due(channel, reasons)) {
        rotor_ipq_channel_awake(channel);
        return false;
    }
    return true;
}

void doorbell_disarm(struct doorbell *doorbell)
{
    rotor_ipq_channel_awake(doorbell->channel);
    uint64_t rings = 0;
    // Nothing to read is as good: the loop woke for another reason.
    ssize_t got = doorbell->event_mine == DOORBELL_NO_EVENT
                      ? 0
                      : read(doorbell->event_mine, &rings, sizeof rings);
    (void)got;
}
