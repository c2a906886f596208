// SPDX-License-Identifier: Apache-2.0
#include "bench/queue.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/rings.h"
#include "bench/tally.h"
#include "crypto/crypto.h"
#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"
#include "wire/frame.h"

#define WAIT_NS     1000000000u
#define SEALED_SIZE (sizeof(struct message) + CRYPTO_AEAD_TAG)

// In life the two lie in two processes: here, in lines of their own.
static struct party {
    _Alignas(256) struct shared_queue queue;
    struct doorbell bell;
} rtp, ap;

static struct {
    struct crypto_aead aead;
    uint8_t iv[WIRE_IV_SIZE];
    double *times_ns;
    size_t frame_size;
} bench = {.frame_size = QUEUE_SLOT};

_Atomic uint64_t queue_idle_ns, queue_awake_ns;

void queue_open(void)
{
    static const struct rotor_ipq_plan plan = {QUEUE_LAP, 80, 42};
    static const uint8_t key[CRYPTO_AEAD_KEY] = {7};
    int fd = -1;
    tally_expect(shared_queue_create(&plan, &fd) == ROTOR_OK &&
                     shared_queue_open(&rtp.queue, &plan, fd, ROTOR_IPQ_RTP) ==
                         ROTOR_OK &&
                     shared_queue_open(&ap.queue, &plan, fd, ROTOR_IPQ_AP) ==
                         ROTOR_OK,
                 "no queue");
    (void)close(fd);
    doorbell_init(&rtp.bell, &rtp.queue.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
    doorbell_init(&ap.bell, &ap.queue.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
    tally_expect(crypto_aead_open(&bench.aead, CRYPTO_AES256_GCM, key) ==
                     ROTOR_OK,
                 "no AES-256-GCM");
}

void queue_spin(bool may_spin)
{
    static const struct spin never = {0, 0, 0, 0};
    static struct spin in_life;
    if (in_life.most_ns == 0) {
        in_life = rtp.bell.spin;
    }
    rtp.bell.spin = ap.bell.spin = may_spin ? in_life : never;
}

void queue_frame(size_t size)
{
    bench.frame_size = size;
}

void queue_times(double *times_ns)
{
    bench.times_ns = times_ns;
}

// --- One frame --------------------------------------------------------------

// tally_expect, without a call for each frame.
static inline void must(bool claim, const char *what)
{
    if (!claim) {
        tally_expect(false, what);
    }
}

static void wait_for(struct party *party, uint32_t reasons)
{
    enum rotor_status status = doorbell_wait(&party->bell, reasons, WAIT_NS);
    tally_expect(status == ROTOR_OK, "wait");
}

static inline void send_frame(struct party *party, struct rotor_bytes frame)
{
    enum rotor_status status = rotor_ipq_push(&party->queue.channel.out, frame);
    while (status == ROTOR_AGAIN) {
        wait_for(party, ROTOR_IPQ_ROOM);
        status = rotor_ipq_push(&party->queue.channel.out, frame);
    }
    must(status == ROTOR_OK, "push");
    must(doorbell_ring(&party->bell) == ROTOR_OK, "ring");
}

static inline void receive_frame(struct party *party, struct rotor_room *room)
{
    enum rotor_status status = rotor_ipq_pop(&party->queue.channel.in, room);
    while (status == ROTOR_AGAIN) {
        wait_for(party, ROTOR_IPQ_FRAMES);
        status = rotor_ipq_pop(&party->queue.channel.in, room);
    }
    must(status == ROTOR_OK, "pop");
}

// --- There and back ---------------------------------------------------------

void queue_near(uint32_t count)
{
    uint8_t bytes[80] = {1};
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t i = 0; i < count; i++) {
        send_frame(&rtp, bytes_of(bytes, bench.frame_size));
        receive_frame(&rtp, &room);
    }
}

void queue_near_timed(uint32_t count)
{
    queue_near(QUEUE_LAP);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t begin = tally_now_ns();
        queue_near(1);
        bench.times_ns[i] = (double)(tally_now_ns() - begin);
    }
}

void queue_far_timed(uint32_t count)
{
    queue_far(QUEUE_LAP + count);
}

void queue_far(uint32_t count)
{
    uint8_t bytes[80];
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t i = 0; i < count; i++) {
        receive_frame(&ap, &room);
        send_frame(&ap, bytes_in(&room));
    }
}

// --- One way ----------------------------------------------------------------

void queue_source(uint32_t count)
{
    struct message m = {{1}};
    struct rotor_bytes frame = bytes_of(m.bytes, bench.frame_size);
    for (uint32_t left = count; left > 0; left--) {
        duo_use(&m);
        send_frame(&rtp, frame);
    }
}

void queue_sink(uint32_t count)
{
    uint8_t bytes[80];
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t i = 0; i < count; i++) {
        receive_frame(&ap, &room);
        duo_use(bytes);
    }
}

static void send_frames(struct party *party, const struct rotor_bytes *frames,
                        uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t pushed = 0;
        enum rotor_status status = rotor_ipq_push_batch(
            &party->queue.channel.out, frames + done, count - done, &pushed);
        must(doorbell_ring(&party->bell) == ROTOR_OK, "ring");
        must(status == ROTOR_OK || status == ROTOR_AGAIN, "push");
        if (status == ROTOR_AGAIN) {
            wait_for(party, ROTOR_IPQ_ROOM);
        }
        done += pushed;
    }
}

// What is there, up to a batch.
static inline uint32_t receive_frames(struct party *party,
                                      struct rotor_room *rooms)
{
    uint32_t popped = 0;
    enum rotor_status status = rotor_ipq_pop_batch(&party->queue.channel.in,
                                                   rooms, RINGS_BATCH, &popped);
    must(status == ROTOR_OK || status == ROTOR_AGAIN, "pop");
    return popped;
}

// Less came than was asked for, and there is more to come: we have caught up
// with the sender.
static inline void wait_if_short(struct party *party, uint32_t popped,
                                 uint32_t wanted)
{
    if (popped < RINGS_BATCH && popped < wanted) {
        wait_for(party, ROTOR_IPQ_FRAMES);
    }
}

static uint32_t batch_of(uint32_t left)
{
    return left < RINGS_BATCH ? left : RINGS_BATCH;
}

void queue_source_batch(uint32_t count)
{
    static struct message m[RINGS_BATCH];
    struct rotor_bytes frames[RINGS_BATCH];
    for (uint32_t i = 0; i < RINGS_BATCH; i++) {
        frames[i] = bytes_of(m[i].bytes, bench.frame_size);
    }
    for (uint32_t left = count; left > 0; left -= batch_of(left)) {
        duo_use(m);
        send_frames(&rtp, frames, batch_of(left));
    }
}

void queue_sink_batch(uint32_t count)
{
    static uint8_t bytes[RINGS_BATCH][80];
    struct rotor_room rooms[RINGS_BATCH];
    for (uint32_t i = 0; i < RINGS_BATCH; i++) {
        rooms[i] = ROOM_OF(bytes[i]);
    }
    for (uint32_t left = count; left > 0;) {
        uint32_t some = receive_frames(&ap, rooms);
        duo_use(bytes);
        wait_if_short(&ap, some, left);
        left -= some;
    }
}

// --- Sealed -----------------------------------------------------------------

static struct crypto_aead far_aead; // the receiver's: each side keys its own

static void seal(uint8_t sealed[SEALED_SIZE], uint64_t number,
                 const struct message *m)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    wire_nonce_make(nonce, bench.iv, number);
    tally_expect(crypto_seal(&bench.aead, nonce, bytes_of(NULL, 0),
                             bytes_of(m->bytes, sizeof m->bytes),
                             sealed) == ROTOR_OK,
                 "seal");
}

void queue_seal_alone(uint32_t count)
{
    uint8_t sealed[SEALED_SIZE];
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        seal(sealed, i, &m);
        duo_use(sealed);
    }
}

void queue_source_sealed(uint32_t count)
{
    uint8_t sealed[SEALED_SIZE];
    struct message m = {{1}};
    for (uint32_t i = 0; i < count; i++) {
        seal(sealed, i, &m);
        send_frame(&rtp, BYTES_OF(sealed));
    }
}

static void open_far_aead(struct crypto_aead *aead)
{
    static const uint8_t key[CRYPTO_AEAD_KEY] = {7};
    tally_expect(aead->impl != NULL ||
                     crypto_aead_open(aead, CRYPTO_AES256_GCM, key) == ROTOR_OK,
                 "no AES-256-GCM");
}

static void unseal(const struct crypto_aead *aead, uint64_t number,
                   const struct rotor_room *sealed)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    struct message m;
    wire_nonce_make(nonce, bench.iv, number);
    tally_expect(crypto_unseal(aead, nonce, bytes_of(NULL, 0), bytes_in(sealed),
                               m.bytes) == ROTOR_OK,
                 "a frame did not unseal");
}

void queue_sink_sealed(uint32_t count)
{
    uint8_t bytes[SEALED_SIZE];
    struct rotor_room room = ROOM_OF(bytes);
    open_far_aead(&far_aead);
    for (uint32_t i = 0; i < count; i++) {
        receive_frame(&ap, &room);
        unseal(&far_aead, i, &room);
    }
}

void queue_source_sealed_batch(uint32_t count)
{
    static uint8_t sealed[RINGS_BATCH][SEALED_SIZE];
    struct rotor_bytes frames[RINGS_BATCH];
    struct message m = {{1}};
    for (uint32_t done = 0; done < count;) {
        uint32_t some = batch_of(count - done);
        for (uint32_t i = 0; i < some; i++) {
            seal(sealed[i], done + i, &m);
            frames[i] = BYTES_OF(sealed[i]);
        }
        send_frames(&rtp, frames, some);
        done += some;
    }
}

void queue_sink_sealed_batch(uint32_t count)
{
    static uint8_t bytes[RINGS_BATCH][SEALED_SIZE];
    struct rotor_room rooms[RINGS_BATCH];
    for (uint32_t i = 0; i < RINGS_BATCH; i++) {
        rooms[i] = ROOM_OF(bytes[i]);
    }
    open_far_aead(&far_aead);
    for (uint32_t done = 0; done < count;) {
        uint32_t some = receive_frames(&ap, rooms);
        for (uint32_t i = 0; i < some; i++) {
            unseal(&far_aead, done + i, &rooms[i]);
        }
        wait_if_short(&ap, some, count - done);
        done += some;
    }
}

// --- While traffic flows, and while it does not -----------------------------

void queue_source_paced(uint32_t count)
{
    struct message m = {{1}};
    uint64_t next = tally_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        next += QUEUE_PACE_NS;
        uint64_t now = tally_now_ns();
        while (now < next) {
            now = tally_now_ns();
        }
        next = now - next > WAIT_NS / 1000 ? now : next;
        memcpy(m.bytes, &now, sizeof now);
        send_frame(&rtp, bytes_of(m.bytes, bench.frame_size));
    }
}

static void note_time(uint32_t i, const uint8_t *bytes)
{
    uint64_t now = tally_now_ns(), sent = 0;
    memcpy(&sent, bytes, sizeof sent);
    bench.times_ns[i] = (double)(now - sent);
}

void queue_sink_paced(uint32_t count)
{
    uint8_t bytes[80];
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t i = 0; i < count; i++) {
        receive_frame(&ap, &room);
        note_time(i, bytes);
    }
}

void queue_sink_looking(uint32_t count)
{
    uint8_t bytes[80];
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t i = 0; i < count; i++) {
        enum rotor_status status = ROTOR_AGAIN;
        while (status == ROTOR_AGAIN) {
            status = rotor_ipq_pop(&ap.queue.channel.in, &room);
            spin_pause();
        }
        must(status == ROTOR_OK, "pop");
        note_time(i, bytes);
    }
}

// Long enough that the other side is asleep, short of its first time-out.
static void let_sleep(void)
{
    uint64_t end = tally_now_ns() + QUEUE_SETTLE_NS;
    while (tally_now_ns() < end) {
        spin_pause();
    }
}

static void send_stamped(struct party *party)
{
    struct message m = {{0}};
    let_sleep();
    uint64_t now = tally_now_ns();
    memcpy(m.bytes, &now, sizeof now);
    send_frame(party, bytes_of(m.bytes, bench.frame_size));
}

static void receive_stamped(struct party *party)
{
    uint8_t bytes[80];
    struct rotor_room room = ROOM_OF(bytes);
    uint64_t sent = 0;
    receive_frame(party, &room);
    uint64_t now = tally_now_ns();
    memcpy(&sent, bytes, sizeof sent);
    queue_awake_ns += now - sent;
}

void queue_near_asleep(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        send_stamped(&rtp);
        receive_stamped(&rtp);
    }
}

void queue_far_asleep(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        receive_stamped(&ap);
        send_stamped(&ap);
    }
}

static uint64_t thread_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_in_vain(struct party *party, uint32_t ms)
{
    uint64_t begin = thread_ns();
    enum rotor_status status =
        doorbell_wait(&party->bell, ROTOR_IPQ_FRAMES, ms * UINT64_C(1000000));
    tally_expect(status == ROTOR_AGAIN, "a frame that nobody sent");
    queue_idle_ns += thread_ns() - begin;
}

void queue_idle_near(uint32_t ms)
{
    wait_in_vain(&rtp, ms);
}

void queue_idle_far(uint32_t ms)
{
    wait_in_vain(&ap, ms);
}
