// SPDX-License-Identifier: Apache-2.0
// librotor's end of a queue pair against an enclave that was taken over.  The
// input is a list of moves; the first byte of each picks:
//
//     0  the program submits         3 x     it cancels request x
//     1  it polls                    4 n ..  a frame of n raw bytes comes
//     2  it sleeps for no time       5 t n ..  the next answer comes: type t,
//                                            n bytes of payload
//                                    6 p p b a byte of the enclave's half is b
#include <stdalign.h>
#include <string.h>

#include "base/bytes.h"
#include "client/queue.h"
#include "test/fuzz/fuzz.h"

#define PAGE  4096u
#define SLOTS 512u
#define ROOM  (PAGE + SLOTS * 128u) // for a half, at least

static alignas(4096) uint8_t of_program[ROOM];
static alignas(4096) uint8_t of_enclave[ROOM];
static struct client_queue queue;
static struct rotor_ipq_channel enclave;
static uint64_t submitted;
static bool is_told[1024];
static uint64_t answered; // frames that the enclave sent well
static bool is_lost;
static size_t half; // bytes

static void begin(void)
{
    const struct rotor_ipq_plan plan = {SLOTS, ROTOR_IPQ_FRAME_MAX, 9};
    half = rotor_ipq_half_size(&plan, PAGE);
    FUZZ_CHECK(half != 0 && half <= ROOM);
    const struct rotor_room program = {of_program, half, 0};
    const struct rotor_room other = {of_enclave, half, 0};
    memset(of_program, 0, sizeof of_program);
    memset(of_enclave, 0, sizeof of_enclave);
    memset(&queue, 0, sizeof queue);
    memset(is_told, 0, sizeof is_told);
    queue.bell_fd = -1;
    queue.channel = 1;
    submitted = 0;
    answered = 0;
    is_lost = false;
    FUZZ_CHECK(rotor_ipq_channel_init(&queue.memory.channel, &plan, PAGE,
                                      program,
                                      bytes_of(of_enclave, half)) == ROTOR_OK);
    FUZZ_CHECK(rotor_ipq_channel_init(&enclave, &plan, PAGE, other,
                                      bytes_of(of_program, half)) == ROTOR_OK);
    doorbell_init(&queue.bell, &queue.memory.channel, DOORBELL_NO_EVENT,
                  DOORBELL_NO_EVENT);
}

static void submit(void)
{
    uint8_t memory[128];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_log_get get = {.max = 1};
    if (submitted + 1 >= COUNT_OF(is_told)) {
        return;
    }
    FUZZ_CHECK(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload) ==
               ROTOR_OK);
    const struct rotor_request request = {WIRE_OP_LOG_GET, bytes_in(&payload),
                                          0};
    enum rotor_status status =
        client_queue_submit(&queue, &request, submitted + 1);
    FUZZ_CHECK(!is_lost || status == ROTOR_PORT_FAILED);
    submitted += status == ROTOR_OK ? 1 : 0;
    is_lost = is_lost || status == ROTOR_PORT_FAILED;
}

// Each request completes once, with an answer that the enclave sent in order.
static void poll_once(void)
{
    struct rotor_completion done;
    enum rotor_status status = client_queue_poll(&queue, &done);
    FUZZ_CHECK(!is_lost || status == ROTOR_PORT_FAILED);
    is_lost = is_lost || (status != ROTOR_OK && status != ROTOR_AGAIN);
    if (status != ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(done.id >= 1 && done.id <= submitted && !is_told[done.id]);
    is_told[done.id] = true;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < done.payload.size; i++) {
        sum = (uint8_t)(sum + done.payload.data[i]);
    }
}

static void push(struct rotor_bytes frame)
{
    if (frame.size != 0) {
        enum rotor_status status = rotor_ipq_push(&enclave.out, frame);
        (void)status;
    }
}

static void push_answer(uint8_t type, struct rotor_bytes payload)
{
    static uint8_t memory[WIRE_FRAME_MAX];
    struct rotor_room frame = ROOM_OF(memory);
    struct wire_header header = {
        .type = type, .channel_id = 1, .sequence = answered};
    answered++;
    bytes_put_be64(header.request_id, answered);
    FUZZ_CHECK(wire_frame_encode(&header, payload, &frame) == ROTOR_OK);
    push(bytes_in(&frame));
}

static uint8_t take_byte(struct rotor_bytes *input)
{
    if (input->size == 0) {
        return 0;
    }
    uint8_t byte = input->data[0];
    *input = bytes_of(input->data + 1, input->size - 1);
    return byte;
}

static struct rotor_bytes take_bytes(struct rotor_bytes *input)
{
    size_t size = take_byte(input);
    size = size < input->size ? size : input->size;
    struct rotor_bytes part = bytes_of(input->data, size);
    *input = bytes_of(input->data + size, input->size - size);
    return part;
}

static void move(struct rotor_bytes *input)
{
    uint8_t what = take_byte(input) % 7;
    size_t at = 0;
    enum rotor_status status = ROTOR_OK;
    switch (what) {
    case 0:
        submit();
        break;
    case 1:
        poll_once();
        break;
    case 2:
        status = client_queue_sleep(&queue, 0);
        is_lost = is_lost || status == ROTOR_PORT_FAILED;
        break;
    case 3:
        status = client_queue_cancel(&queue, take_byte(input));
        break;
    case 4:
        push(take_bytes(input));
        break;
    case 5:
        what = take_byte(input);
        push_answer(what, take_bytes(input));
        break;
    default:
        at = (size_t)take_byte(input) << 8;
        at = (at | take_byte(input)) % half;
        of_enclave[at] = take_byte(input);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rotor_bytes input = bytes_of(data, size);
    begin();
    while (input.size != 0) {
        move(&input);
    }
    return 0;
}
