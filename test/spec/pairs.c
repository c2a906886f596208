// SPDX-License-Identifier: Apache-2.0
// The queue pairs of programs: the enclave's ends on one side, librotor on the
// other, with a real enclave between.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/enclave/ends.h"
#include "client/queue.h"
#include "test/spec/enclave_world.h"

#define SEED     0x5eedu
#define PROGRAMS 3u

static struct world world;
static struct peer peer;
static struct chain_trust trust;
static struct ends ends;
static struct shared_queue rtp;
static struct client_queue programs[PROGRAMS];
static int memfds[PROGRAMS]; // what a hostile program maps
static uint64_t last_id[PROGRAMS];

// ---- a device in one process -----------------------------------------------

static void place(int fd, int number)
{
    assert_true(fd >= 0);
    if (fd != number) {
        assert_int_equal(dup2(fd, number), number);
        close(fd);
    }
}

static void make_queue(const struct rotor_ipq_plan *plan, int number)
{
    int fd = -1;
    assert_ok(shared_queue_create(plan, &fd));
    place(fd, number);
}

static void make_pair(uint32_t i)
{
    uint8_t memory[64];
    struct rotor_room description = ROOM_OF(memory);
    int pipe_fds[2];
    const struct rotor_ipq_plan plan = {LAUNCH_PAIR_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        launch_pair_seed(SEED, i)};
    make_queue(&plan, (int)(LAUNCH_FD_PAIRS + i));
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    place(pipe_fds[1], (int)(LAUNCH_FD_PAIR_BELLS + i));
    if (i >= PROGRAMS) {
        close(pipe_fds[0]);
        return;
    }
    const int fds[2] = {fcntl((int)(LAUNCH_FD_PAIRS + i), F_DUPFD, 60),
                        pipe_fds[0]};
    const struct wire_client_queue pair = {
        .channel = launch_pair_channel(i),
        .seed = plan.seed,
        .slots = plan.slots,
    };
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_CLIENT_QUEUE, &pair, &description));
    memfds[i] = fcntl(fds[0], F_DUPFD, 60);
    assert_ok(client_queue_open(&programs[i], bytes_in(&description), fds));
    last_id[i] = 0;
}

static void begin(void)
{
    const struct rotor_ipq_plan plan = {LAUNCH_QUEUE_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        SEED};
    world_at_cur(&world, &peer, &USUAL, &trust);
    world_rotate(&peer, WIRE_REASON_SCHEDULED, &trust); // for a long entry
    // So that no number that is about to be given is in use.
    for (int i = LAUNCH_FD_BIRTH; i < LAUNCH_FD_END; i++) {
        close(i);
    }
    for (int i = LAUNCH_FD_BIRTH; i < LAUNCH_FD_END; i++) {
        place(open("/dev/null", O_RDWR), i);
    }
    make_queue(&plan, LAUNCH_FD_QUEUE);
    place(eventfd(0, EFD_NONBLOCK), LAUNCH_FD_BELL);
    for (uint32_t i = 0; i < LAUNCH_PAIRS; i++) {
        make_pair(i);
    }
    assert_ok(shared_queue_open(&rtp, &plan, LAUNCH_FD_QUEUE, ROTOR_IPQ_RTP));
    memset(&ends, 0, sizeof ends);
    assert_ok(ends_open(&ends, SEED));
    // The channel that the peer has paired moves to the end that serves it.
    ends.end[ENDS_RTP].pair = peer.pair;
    memset(&peer.pair, 0, sizeof peer.pair);
}

static void end(void)
{
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        client_queue_close(&programs[i]);
        close(memfds[i]);
    }
    for (size_t i = 0; i < ENDS_COUNT; i++) {
        enclave_pair_close(&ends.end[i].pair);
        shared_queue_close(&ends.end[i].queue);
    }
    shared_queue_close(&rtp);
    world_writes_beside = false;
    world_lag = 0;
    peer_close(&peer);
    world_close(&world);
}

static void turn(void)
{
    bool moved = false;
    assert_ok(ends_turn(&ends, &world.enclave, &moved));
}

// ---- what programs and RTP ask ---------------------------------------------

static enum rotor_status submit_attest(uint32_t i, uint32_t deadline_ms)
{
    static const uint8_t nonce[32] = {9};
    uint8_t sid[16] = {0};
    uint8_t memory[512];
    struct rotor_room payload = ROOM_OF(memory);
    bytes_put_be64(sid, last_id[i] + 1);
    const struct wire_attest_req content = {
        .log_id = trust.log_id,
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .suites = {1, {2}},
        .purpose = WIRE_PURPOSE_ATTEST,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &content, &payload));
    const struct rotor_request request = {WIRE_OP_ATTEST, bytes_in(&payload),
                                          deadline_ms};
    enum rotor_status status =
        client_queue_submit(&programs[i], &request, last_id[i] + 1);
    last_id[i] += status == ROTOR_OK ? 1 : 0;
    return status;
}

static enum rotor_status submit_log(uint32_t i)
{
    uint8_t memory[128];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_log_get content = {
        trust.log_id, {0, 0},
         16
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &content, &payload));
    const struct rotor_request request = {WIRE_OP_LOG_GET, bytes_in(&payload),
                                          0};
    enum rotor_status status =
        client_queue_submit(&programs[i], &request, last_id[i] + 1);
    last_id[i] += status == ROTOR_OK ? 1 : 0;
    return status;
}

// Answers that are there; each the next one.
static unsigned take_all(uint32_t i, uint64_t *next)
{
    struct rotor_completion done;
    unsigned count = 0;
    while (client_queue_poll(&programs[i], &done) == ROTOR_OK) {
        assert_int_equal(done.id, *next);
        assert_int_equal(done.code, WIRE_CLIENT_OK);
        (*next)++;
        count++;
    }
    return count;
}

static void rtp_push(uint8_t type, const struct wire_layout *layout,
                     void *message)
{
    uint8_t memory[512];
    struct rotor_room payload = ROOM_OF(memory);
    memcpy(message, &peer.log_id, sizeof peer.log_id);
    assert_ok(wire_message_encode(layout, message, &payload));
    peer_make(&peer, type, bytes_in(&payload));
    assert_ok(rotor_ipq_push(&rtp.channel.out,
                             bytes_of(peer.frame, peer.frame_size)));
}

static enum wire_type rtp_pop(void)
{
    struct rotor_room reply = ROOM_OF(peer.reply);
    return rotor_ipq_pop(&rtp.channel.in, &reply) == ROTOR_OK
               ? peer_take(&peer, &reply)
               : WIRE_NONE;
}

// ---- served in turn --------------------------------------------------------

SPEC("a turn answers one frame of each end, however many one of them sent")
{
    uint64_t next[PROGRAMS] = {1, 1, 1};
    begin();
    for (unsigned n = 0; n < 20; n++) {
        assert_ok(submit_attest(0, 0));
    }
    for (unsigned n = 0; n < 3; n++) {
        assert_ok(submit_attest(1, 0));
        assert_ok(submit_attest(2, 0));
    }
    struct wire_status_request ask = {0};
    rtp_push(WIRE_STATUS, &WIRE_LAYOUT_STATUS, &ask);
    turn();
    assert_int_equal(rtp_pop(), WIRE_STATUS);
    for (unsigned n = 0; n < 3; n++) {
        for (uint32_t i = 0; i < PROGRAMS; i++) {
            assert_int_equal(take_all(i, &next[i]), 1);
        }
        turn();
    }
    assert_int_equal(take_all(0, &next[0]), 1);
    assert_int_equal(take_all(1, &next[1]), 0);
    end();
}

SPEC("a rotation ends under programs that never stop asking, and none of them "
     "misses a turn")
{
    static const uint8_t seed[32] = {5, 1, 4};
    uint64_t next[PROGRAMS] = {1, 1, 1};
    unsigned turns = 0;
    world_writes_beside = true;
    world_lag = 2;
    begin();
    struct wire_rotate order = {
        .from_epoch = 1, .seed = BYTES_OF(seed), .seed_src = 1, .reason = 1};
    rtp_push(WIRE_ROTATE, &WIRE_LAYOUT_ROTATE, &order);
    enum wire_type answer = WIRE_NONE;
    while (answer == WIRE_NONE) {
        for (uint32_t i = 0; i < PROGRAMS; i++) {
            while (submit_attest(i, 0) == ROTOR_OK) {
            }
        }
        turn();
        turns++;
        for (uint32_t i = 0; i < PROGRAMS; i++) {
            assert_int_equal(take_all(i, &next[i]), 1);
        }
        assert_true(turns < 100);
        answer = rtp_pop();
    }
    assert_int_equal(answer, WIRE_ROT_PREPARED);
    // Six steps, and two looks more for each of four durable things; the
    // first step is done in the turn that takes the order.
    assert_int_equal(turns, 6 + 4 * 2);
    end();
}

SPEC("what the enclave does beside has its time under a program that never "
     "stops "
     "asking")
{
    uint64_t next = 1;
    unsigned looks = 0;
    begin();
    for (unsigned n = 0; n < 3 * ENDS_TURNS_A_LOOK; n++) {
        bool moved = false;
        while (submit_log(0) == ROTOR_OK) {
        }
        assert_ok(ends_turn(&ends, &world.enclave, &moved));
        assert_true(moved);
        looks += ends_leave_time(&ends, moved);
        assert_int_equal(take_all(0, &next), 1);
    }
    assert_int_equal(looks, 3);
    assert_true(ends_leave_time(&ends, false));
    end();
}

SPEC("a program that does not read its answers waits alone, and loses none")
{
    uint64_t next[PROGRAMS] = {1, 1, 1};
    begin();
    for (unsigned n = 0; n < ROTOR_CLIENT_OUTSTANDING; n++) {
        assert_ok(submit_log(0));
    }
    for (unsigned n = 0; n < 2 * ROTOR_CLIENT_OUTSTANDING; n++) {
        assert_ok(submit_attest(1, 0));
        turn();
        assert_int_equal(take_all(1, &next[1]), 1);
    }
    assert_true(ends.end[1].reply_size != 0); // no room for this one
    unsigned got = 0;
    for (unsigned n = 0; n < 2 * ROTOR_CLIENT_OUTSTANDING; n++) {
        got += take_all(0, &next[0]);
        turn();
    }
    assert_int_equal(got, ROTOR_CLIENT_OUTSTANDING);
    end();
}

// ---- condemned alone -------------------------------------------------------

static void assert_only_condemned(uint32_t bad)
{
    uint64_t next[PROGRAMS] = {last_id[0] + 1, last_id[1] + 1, last_id[2] + 1};
    struct wire_status_request ask = {0};
    assert_true(ends.end[1 + bad].is_over);
    rtp_push(WIRE_STATUS, &WIRE_LAYOUT_STATUS, &ask);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        if (i != bad) {
            assert_ok(submit_attest(i, 0));
        }
    }
    turn();
    assert_int_equal(rtp_pop(), WIRE_STATUS);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        assert_int_equal(i == bad ? 1 : take_all(i, &next[i]), 1);
    }
}

// A program that is told: its pair is gone.
static void assert_hung_up(uint32_t i)
{
    struct rotor_completion done;
    assert_false(client_queue_arm(&programs[i]) &&
                 client_queue_poll(&programs[i], &done) == ROTOR_OK);
    assert_int_equal(client_queue_poll(&programs[i], &done), ROTOR_PORT_FAILED);
    assert_int_equal(errno, ECONNRESET);
}

SPEC("a program that writes nonsense into its queue loses its pair alone, and "
     "the rule is named")
{
    const struct rotor_ipq_plan plan = {LAUNCH_PAIR_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        launch_pair_seed(SEED, 1)};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t half = rotor_ipq_half_size(&plan, page);
    begin();
    uint8_t *memory =
        mmap(NULL, half, PROT_READ | PROT_WRITE, MAP_SHARED, memfds[1], 0);
    assert_true(memory != MAP_FAILED);
    memset(memory + page, 0x5a, half - page);
    turn();
    assert_int_equal(rotor_ipq_broken_rule(&ends.end[2].queue.channel.in),
                     ROTOR_IPQ_RULE_STAMP);
    assert_only_condemned(1);
    assert_hung_up(1);
    assert_int_equal(munmap(memory, half), 0);
    end();
}

SPEC("a sleeper that waits for the unknown loses its pair alone")
{
    const struct rotor_ipq_plan plan = {LAUNCH_PAIR_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        launch_pair_seed(SEED, 0)};
    size_t half = rotor_ipq_half_size(&plan, (size_t)sysconf(_SC_PAGESIZE));
    begin();
    struct rotor_ipq_control *control =
        mmap(NULL, half, PROT_READ | PROT_WRITE, MAP_SHARED, memfds[0], 0);
    assert_true(control != MAP_FAILED);
    assert_ok(submit_attest(0, 0));
    atomic_store(&control->sleep, 15);
    turn();
    turn();
    assert_int_equal(rotor_ipq_broken_rule(&ends.end[1].queue.channel.out),
                     ROTOR_IPQ_RULE_SLEEP);
    assert_only_condemned(0);
    assert_int_equal(munmap(control, half), 0);
    end();
}

SPEC("a program that sends a frame of another pair, out of order, or none at "
     "all loses its pair alone")
{
    static const uint8_t noise[80] = {1, 2, 3};
    for (unsigned way = 0; way < 3; way++) {
        begin();
        if (way == 0) {
            programs[2].channel = launch_pair_channel(0);
            assert_ok(submit_attest(2, 0));
        } else if (way == 1) {
            programs[2].next_out = 7;
            assert_ok(submit_attest(2, 0));
        } else {
            assert_ok(rotor_ipq_push(&programs[2].memory.channel.out,
                                     BYTES_OF(noise)));
        }
        turn();
        assert_only_condemned(2);
        assert_hung_up(2);
        end();
    }
}

// The RTP says which pairs are over; the answer is a status.
static void tell_over(uint64_t set)
{
    struct wire_pairs_over over = {.set = set};
    rtp_push(WIRE_PAIRS_OVER, &WIRE_LAYOUT_PAIRS_OVER, &over);
    turn();
    assert_int_equal(rtp_pop(), WIRE_STATUS);
}

SPEC("a pair that the RTP takes back is served no more, in the very turn, "
     "though its memory is still written; others go on")
{
    begin();
    assert_ok(submit_attest(2, 0));
    tell_over(1u << 2);
    assert_only_condemned(2);
    assert_hung_up(2);
    end();
}

SPEC("a pair that was taken back stays so, and pairs that no enclave has may "
     "be named")
{
    begin();
    tell_over(1u << 1 | UINT64_C(1) << 63 | 1u << LAUNCH_PAIRS);
    tell_over(0);
    assert_true((enclave_pairs_over(&world.enclave) & 1u << 1) != 0);
    assert_only_condemned(1);
    tell_over(1u << 1);
    assert_only_condemned(1);
    assert_hung_up(1);
    end();
}

SPEC("a program may not command: what is not for it is refused by the enclave")
{
    static const uint8_t types[] = {
        WIRE_HELLO_RTP,   WIRE_GENERATE,       WIRE_ROTATE,
        WIRE_ROT_COMMIT,  WIRE_RECOVER,        WIRE_STATUS,
        WIRE_SESSION_KEY, WIRE_RECOVER_SIGNED, WIRE_PAIRS_OVER};
    begin();
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        uint8_t memory[WIRE_FRAME_MAX];
        struct rotor_room frame = ROOM_OF(memory);
        struct wire_header header = {.type = types[i],
                                     .channel_id = launch_pair_channel(0),
                                     .sequence = i};
        assert_ok(wire_frame_encode(&header, LABEL("\xa0"), &frame));
        assert_ok(
            rotor_ipq_push(&programs[0].memory.channel.out, bytes_in(&frame)));
        turn();
        frame.used = 0;
        struct rotor_bytes payload;
        struct wire_error_reply error;
        assert_ok(rotor_ipq_pop(&programs[0].memory.channel.in, &frame));
        assert_ok(wire_frame_decode(bytes_in(&frame), &header, &payload));
        assert_int_equal(header.type, WIRE_ERROR);
        assert_ok(wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error));
        assert_int_equal(error.code, WIRE_E_TYPE);
    }
    end();
}

SPEC("the RTP's own queue broken is the end")
{
    static const uint8_t noise[80] = {1};
    bool moved = false;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    begin();
    assert_ok(rotor_ipq_push(&rtp.channel.out, BYTES_OF(noise)));
    turn(); // a frame of nobody is dropped, as before
    assert_false(ends.end[ENDS_RTP].is_over);
    memset(rtp.mine.data + page, 0x5a, rtp.mine.capacity - page);
    assert_int_equal(ends_turn(&ends, &world.enclave, &moved), ROTOR_CORRUPT);
    end();
}

// ---- librotor --------------------------------------------------------------

SPEC("a request whose deadline passed is told so once, and its late answer is "
     "dropped")
{
    struct rotor_completion done;
    uint64_t next = 3;
    begin();
    assert_ok(submit_attest(0, 0));
    assert_ok(submit_attest(0, 1));
    enum rotor_status status = ROTOR_AGAIN;
    while (status == ROTOR_AGAIN) {
        assert_ok(client_queue_sleep(&programs[0], 5));
        status = client_queue_poll(&programs[0], &done);
    }
    assert_ok(status);
    assert_int_equal(done.id, 2);
    assert_int_equal(done.code, WIRE_CLIENT_TIMEOUT);
    assert_ok(submit_attest(0, 0));
    for (unsigned n = 0; n < 3; n++) {
        turn();
    }
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.id, 1);
    assert_int_equal(done.code, WIRE_CLIENT_OK);
    assert_int_equal(take_all(0, &next), 1);
    end();
}

SPEC("an answer that comes behind its deadline is a time-out")
{
    struct rotor_completion done;
    begin();
    assert_ok(submit_attest(0, 1));
    turn();
    int64_t until = client_now_ms() + 2;
    while (client_now_ms() < until) {
    }
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.code, WIRE_CLIENT_TIMEOUT);
    assert_int_equal(done.payload.size, 0);
    assert_int_equal(client_queue_poll(&programs[0], &done), ROTOR_AGAIN);
    end();
}

SPEC("a cancelled request completes as cancelled, once, whether its answer is "
     "there or not")
{
    struct rotor_completion done;
    uint64_t next = 3;
    begin();
    for (unsigned n = 0; n < 3; n++) {
        assert_ok(submit_attest(0, 0));
    }
    assert_ok(client_queue_cancel(&programs[0], 2));
    assert_int_equal(client_queue_cancel(&programs[0], 2), ROTOR_INVALID);
    assert_int_equal(client_queue_cancel(&programs[0], 9), ROTOR_INVALID);
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.id, 2);
    assert_int_equal(done.code, WIRE_CLIENT_CANCELLED);
    turn();
    assert_ok(client_queue_cancel(&programs[0], 1));
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.id, 1);
    assert_int_equal(done.code, WIRE_CLIENT_CANCELLED);
    turn();
    turn();
    assert_int_equal(take_all(0, &next), 1);
    end();
}

SPEC("no more than the limit is in flight")
{
    uint64_t next = 1;
    begin();
    for (unsigned n = 0; n < ROTOR_CLIENT_OUTSTANDING; n++) {
        assert_ok(submit_attest(0, 0));
    }
    assert_int_equal(submit_attest(0, 0), ROTOR_AGAIN);
    turn();
    assert_int_equal(take_all(0, &next), 1);
    assert_ok(submit_attest(0, 0));
    assert_int_equal(submit_attest(0, 0), ROTOR_AGAIN);
    end();
}

SPEC("librotor sends nothing that would cost the program its pair")
{
    static const uint8_t noise[20] = {1};
    struct rotor_request request = {WIRE_OP_ROTATE, BYTES_OF(noise), 0};
    begin();
    assert_int_equal(client_queue_submit(&programs[0], &request, 1),
                     ROTOR_FORBIDDEN);
    request.op = WIRE_OP_SESSION_KEY;
    assert_int_equal(client_queue_submit(&programs[0], &request, 1),
                     ROTOR_FORBIDDEN);
    request.op = 77;
    assert_int_equal(client_queue_submit(&programs[0], &request, 1),
                     ROTOR_FORBIDDEN);
    request.op = WIRE_OP_SIGN;
    assert_int_equal(client_queue_submit(&programs[0], &request, 1),
                     ROTOR_INVALID);
    end();
}

SPEC("what the enclave refuses comes with its code and detail")
{
    struct rotor_completion done;
    begin();
    trust.log_id.bytes[3] ^= 1; // another log
    assert_ok(submit_attest(0, 0));
    trust.log_id.bytes[3] ^= 1;
    turn();
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.code, WIRE_CLIENT_REFUSED);
    assert_int_equal(done.error, WIRE_E_HASH);
    end();
}

// The enclave as an enemy: it answers with `header` and an empty map.
static void lie(const struct wire_header *header)
{
    static uint8_t memory[WIRE_FRAME_MAX];
    struct rotor_room frame = ROOM_OF(memory);
    assert_ok(wire_frame_encode(header, LABEL("\xa0"), &frame));
    assert_ok(rotor_ipq_push(&ends.end[1].queue.channel.out, bytes_in(&frame)));
}

SPEC("an answer that is not the next one ends the pair on the program's side")
{
    for (unsigned way = 0; way < 7; way++) {
        struct rotor_completion done;
        begin();
        programs[0].epoch = 5;
        if (way != 6) {
            assert_ok(submit_attest(0, 0));
        }
        struct wire_header header = {.type = WIRE_ATTEST_RSP,
                                     .channel_id = launch_pair_channel(0),
                                     .epoch = 6};
        bytes_put_be64(header.request_id, 1);
        header.type = way == 1 ? WIRE_SIGNED : WIRE_ATTEST_RSP;
        header.channel_id += way == 2 ? 1 : 0;
        header.sequence += way == 3 ? 1 : 0;
        header.request_id[7] ^= way == 4 ? 2 : 0;
        header.epoch = way == 5 ? 4 : 6;
        lie(&header);
        if (way == 0) { // the same lie, told well
            assert_ok(client_queue_poll(&programs[0], &done));
            assert_int_equal(done.code, WIRE_CLIENT_OK);
        } else {
            assert_int_equal(client_queue_poll(&programs[0], &done),
                             ROTOR_MALFORMED);
            assert_int_equal(client_queue_poll(&programs[0], &done),
                             ROTOR_PORT_FAILED);
            assert_int_equal(submit_attest(0, 0), ROTOR_PORT_FAILED);
        }
        end();
    }
}

SPEC("an enclave that is gone is seen, behind the answers that it gave")
{
    struct rotor_completion done;
    begin();
    assert_ok(submit_attest(0, 0));
    assert_ok(submit_attest(0, 0));
    turn();
    close(LAUNCH_FD_PAIR_BELLS);
    assert_ok(client_queue_poll(&programs[0], &done));
    assert_int_equal(done.id, 1);
    enum rotor_status status = ROTOR_AGAIN;
    while (status == ROTOR_AGAIN) {
        assert_ok(client_queue_sleep(&programs[0], 20));
        status = client_queue_poll(&programs[0], &done);
    }
    assert_int_equal(status, ROTOR_PORT_FAILED);
    assert_int_equal(errno, ECONNRESET);
    end();
}

SPEC("a description that does not fit the memory is no pair")
{
    uint8_t memory[64];
    struct client_queue queue;
    begin();
    for (unsigned way = 0; way < 3; way++) {
        struct rotor_room description = ROOM_OF(memory);
        const struct wire_client_queue pair = {
            .channel = 1,
            .slots = way == 0   ? LAUNCH_PAIR_SLOTS
                     : way == 1 ? 2 * LAUNCH_PAIR_SLOTS
                                : 3,
        };
        int fds[2] = {fcntl(memfds[0], F_DUPFD, 60), -1};
        assert_ok(wire_message_encode(&WIRE_LAYOUT_CLIENT_QUEUE, &pair,
                                      &description));
        assert_int_equal(client_queue_open(&queue, bytes_in(&description), fds),
                         way == 0 ? ROTOR_OK : ROTOR_MALFORMED);
        client_queue_close(&queue);
    }
    end();
}
