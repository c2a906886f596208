// SPDX-License-Identifier: Apache-2.0
#include "client/queue.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"

#define DEADLINE_MS 10000 // as over the socket: default and maximum

// Looks at an empty queue between two looks whether the enclave is there.
#define LOOKS_A_CHECK 1024u

int64_t client_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- open ------------------------------------------------------------------

static enum rotor_status open_memory(struct client_queue *queue,
                                     struct rotor_bytes description, int memfd)
{
    struct wire_client_queue pair;
    TRY(wire_message_decode(&WIRE_LAYOUT_CLIENT_QUEUE, description, &pair));
    const struct rotor_ipq_plan plan = {
        (uint32_t)pair.slots, ROTOR_IPQ_FRAME_MAX, (uint32_t)pair.seed};
    enum rotor_status status =
        shared_queue_open(&queue->memory, &plan, memfd, ROTOR_IPQ_RTP);
    if (status != ROTOR_OK) {
        return status == ROTOR_PORT_FAILED ? status : ROTOR_MALFORMED;
    }
    queue->channel = (uint32_t)pair.channel;
    return ROTOR_OK;
}

enum rotor_status client_queue_open(struct client_queue *queue,
                                    struct rotor_bytes description,
                                    const int fds[2])
{
    *queue = (struct client_queue){.bell_fd = fds[1]};
    enum rotor_status status = open_memory(queue, description, fds[0]);
    (void)close(fds[0]);
    if (status == ROTOR_OK) {
        doorbell_init(&queue->bell, &queue->memory.channel, fds[1],
                      DOORBELL_NO_EVENT);
    }
    return status;
}

void client_queue_close(struct client_queue *queue)
{
    shared_queue_close(&queue->memory);
    if (queue->bell_fd >= 0) {
        (void)close(queue->bell_fd);
    }
    secret_wipe(queue, sizeof *queue);
    queue->bell_fd = -1;
}

// ---- requests --------------------------------------------------------------

struct route {
    enum wire_type request;
    enum wire_type reply;
    const struct wire_layout *layout; // of the request
};

// What the enclave answers a program: doc/PROTOCOL.rot 5.2.
static const struct route *route_of(uint64_t op)
{
    static const struct route routes[] = {
        [WIRE_OP_ATTEST] = {WIRE_ATTEST_REQ,  WIRE_ATTEST_RSP,
                            &WIRE_LAYOUT_ATTEST_REQ                              },
        [WIRE_OP_SESSION_FIN] = {WIRE_SESSION_FIN, WIRE_STATUS,
                            &WIRE_LAYOUT_SESSION_FIN                             },
        [WIRE_OP_LOG_GET] = {WIRE_LOG_GET,     WIRE_LOG_ENTRIES,
                            &WIRE_LAYOUT_LOG_GET                                 },
        [WIRE_OP_HEAD_PROOF] = {WIRE_HEAD_PROOF,  WIRE_HEAD_PROOF,
                            &WIRE_LAYOUT_HEAD_PROOF                              },
        [WIRE_OP_SIGN] = {WIRE_SIGN,        WIRE_SIGNED,      &WIRE_LAYOUT_SIGN},
    };
    bool is_known = op < COUNT_OF(routes) && routes[op].layout != NULL;
    return is_known ? &routes[op] : NULL;
}

static struct queue_request *request_at(struct client_queue *queue, size_t i)
{
    return &queue->requests[(queue->first + i) % ROTOR_CLIENT_OUTSTANDING];
}

// The AP cuts off a pair that sends what it cannot read: not our program's.
static bool is_well_formed(const struct route *route,
                           struct rotor_bytes payload)
{
    union {
        struct wire_attest_req attest;
        struct wire_session_fin fin;
        struct wire_log_get log;
        struct wire_head_proof head;
        struct wire_sign sign;
    } message;
    return payload.size <= WIRE_PAYLOAD_MAX &&
           wire_message_decode(route->layout, payload, &message) == ROTOR_OK;
}

static void disarm(struct client_queue *queue)
{
    if (queue->is_armed) {
        queue->is_armed = false;
        doorbell_disarm(&queue->bell);
    }
}

static enum rotor_status lost(struct client_queue *queue)
{
    queue->is_lost = true;
    errno = ECONNRESET;
    return ROTOR_PORT_FAILED;
}

static enum rotor_status push(struct client_queue *queue,
                              const struct wire_header *header,
                              struct rotor_bytes payload)
{
    struct rotor_room frame = ROOM_OF(queue->out);
    TRY(wire_frame_encode(header, payload, &frame));
    enum rotor_status status =
        rotor_ipq_push(&queue->memory.channel.out, bytes_in(&frame));
    if (status == ROTOR_OK) {
        status = doorbell_ring(&queue->bell);
    }
    return status == ROTOR_CORRUPT ? lost(queue) : status;
}

enum rotor_status client_queue_submit(struct client_queue *queue,
                                      const struct rotor_request *request,
                                      uint64_t id)
{
    const struct route *route = route_of(request->op);
    if (queue->is_lost) {
        return lost(queue);
    }
    if (route == NULL) {
        return ROTOR_FORBIDDEN;
    }
    if (!is_well_formed(route, request->payload)) {
        return ROTOR_INVALID;
    }
    if (queue->count == ROTOR_CLIENT_OUTSTANDING) {
        return ROTOR_AGAIN;
    }
    struct wire_header header = {
        .type = (uint8_t)route->request,
        .channel_id = queue->channel,
        .sequence = queue->next_out,
        .epoch = queue->epoch,
        .ack = queue->next_in == 0 ? 0 : queue->next_in - 1,
    };
    bytes_put_be64(header.request_id, id);
    TRY(push(queue, &header, request->payload));
    bool is_default =
        request->deadline_ms == 0 || request->deadline_ms > DEADLINE_MS;
    *request_at(queue, queue->count) = (struct queue_request){
        .id = id,
        .op = request->op,
        .reply = route->reply,
        .deadline_ms =
            client_now_ms() + (is_default ? DEADLINE_MS : request->deadline_ms),
    };
    queue->next_out++;
    queue->count++;
    return ROTOR_OK;
}

enum rotor_status client_queue_cancel(struct client_queue *queue, uint64_t id)
{
    for (size_t i = 0; i < queue->count; i++) {
        struct queue_request *request = request_at(queue, i);
        if (request->id == id && request->state == QUEUE_ASKED) {
            request->state = QUEUE_CANCELLED;
            return ROTOR_OK;
        }
    }
    return ROTOR_INVALID;
}

// ---- answers ---------------------------------------------------------------

static void complete(struct rotor_completion *completion,
                     const struct queue_request *request,
                     enum wire_client_code code, const char *text)
{
    *completion = (struct rotor_completion){
        .id = request->id,
        .op = request->op,
        .code = code,
        .text = bytes_of(text, strlen(text)),
    };
}

static enum rotor_status take_error(struct rotor_bytes payload,
                                    struct rotor_completion *completion)
{
    struct wire_error_reply error;
    TRY(wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error));
    const char *name = wire_error_name(error.code);
    completion->code = WIRE_CLIENT_REFUSED;
    completion->text = bytes_of(name, strlen(name));
    completion->error = error.code;
    completion->detail = error.detail;
    return ROTOR_OK;
}

// The one answer that may come now: to the oldest request, in order, under an
// epoch that is not behind the one seen before.
static bool is_next(struct client_queue *queue,
                    const struct wire_header *header)
{
    uint8_t id[WIRE_REQUEST_ID_SIZE] = {0};
    if (queue->count == 0) {
        return false;
    }
    const struct queue_request *request = request_at(queue, 0);
    bytes_put_be64(id, request->id);
    return header->channel_id == queue->channel &&
           header->sequence == queue->next_in &&
           header->epoch >= queue->epoch &&
           memcmp(header->request_id, id, sizeof id) == 0 &&
           (header->type == WIRE_ERROR || header->type == request->reply);
}

// *is_new: false when the program was told of this request before.
static enum rotor_status take_answer(struct client_queue *queue,
                                     struct rotor_bytes frame,
                                     struct rotor_completion *completion,
                                     bool *is_new)
{
    struct wire_header header;
    struct rotor_bytes payload;
    TRY(wire_frame_decode(frame, &header, &payload));
    if (!is_next(queue, &header)) {
        return ROTOR_MALFORMED;
    }
    const struct queue_request *request = request_at(queue, 0);
    complete(completion, request, WIRE_CLIENT_OK, "");
    if (header.type == WIRE_ERROR) {
        TRY(take_error(payload, completion));
    } else if (request->op != WIRE_OP_SESSION_FIN) {
        completion->payload = payload; // FIN: nothing, as over the socket
    }
    if (request->state == QUEUE_CANCELLED) {
        complete(completion, request, WIRE_CLIENT_CANCELLED, "cancelled");
    } else if (client_now_ms() >= request->deadline_ms) {
        complete(completion, request, WIRE_CLIENT_TIMEOUT,
                 "the enclave did not answer in time");
    }
    *is_new = request->state != QUEUE_TOLD;
    queue->epoch = header.epoch;
    queue->next_in++;
    queue->first = (queue->first + 1) % ROTOR_CLIENT_OUTSTANDING;
    queue->count--;
    return ROTOR_OK;
}

// A request that ends without its answer.
static bool find_ended(struct client_queue *queue,
                       struct rotor_completion *completion)
{
    int64_t now = queue->count != 0 ? client_now_ms() : 0;
    for (size_t i = 0; i < queue->count; i++) {
        struct queue_request *request = request_at(queue, i);
        bool is_cancelled = request->state == QUEUE_CANCELLED;
        bool is_late =
            request->state == QUEUE_ASKED && now >= request->deadline_ms;
        if (!is_cancelled && !is_late) {
            continue;
        }
        complete(completion, request,
                 is_late ? WIRE_CLIENT_TIMEOUT : WIRE_CLIENT_CANCELLED,
                 is_late ? "the enclave did not answer in time" : "cancelled");
        request->state = QUEUE_TOLD;
        return true;
    }
    return false;
}

static bool is_hung_up(const struct client_queue *queue)
{
    struct pollfd bell = {queue->bell_fd, 0, 0};
    return poll(&bell, 1, 0) == 1 && (bell.revents & (POLLHUP | POLLERR)) != 0;
}

// Nothing is there: is it still to come?
static enum rotor_status look_at_nothing(struct client_queue *queue)
{
    if (++queue->empty_looks < LOOKS_A_CHECK) {
        return ROTOR_AGAIN;
    }
    queue->empty_looks = 0;
    bool is_empty =
        !rotor_ipq_channel_is_due(&queue->memory.channel, ROTOR_IPQ_FRAMES);
    return is_empty && is_hung_up(queue) ? lost(queue) : ROTOR_AGAIN;
}

enum rotor_status client_queue_poll(struct client_queue *queue,
                                    struct rotor_completion *completion)
{
    disarm(queue);
    if (queue->is_lost) {
        return lost(queue);
    }
    for (;;) {
        struct rotor_room frame = ROOM_OF(queue->in);
        bool is_new = false;
        enum rotor_status status =
            rotor_ipq_pop(&queue->memory.channel.in, &frame);
        if (status == ROTOR_AGAIN) {
            return find_ended(queue, completion) ? ROTOR_OK
                                                 : look_at_nothing(queue);
        }
        if (status == ROTOR_OK) {
            status = take_answer(queue, bytes_in(&frame), completion, &is_new);
        }
        if (status != ROTOR_OK) {
            queue->is_lost = true;
            return ROTOR_MALFORMED;
        }
        if (is_new) {
            return ROTOR_OK;
        }
    }
}

// ---- sleep -----------------------------------------------------------------

// Until the next deadline or the next look at the bell, whichever is first.
static uint64_t patience_ns(struct client_queue *queue, uint32_t timeout_ms)
{
    uint64_t wait_ms = DOORBELL_LOOK_NS / 1000000u;
    int64_t now = client_now_ms();
    for (size_t i = 0; i < queue->count; i++) {
        const struct queue_request *request = request_at(queue, i);
        int64_t left = request->deadline_ms - now;
        if (request->state == QUEUE_ASKED && left < (int64_t)wait_ms) {
            wait_ms = left > 0 ? (uint64_t)left : 1;
        }
    }
    return (wait_ms < timeout_ms ? wait_ms : timeout_ms) * 1000000u;
}

enum rotor_status client_queue_sleep(struct client_queue *queue,
                                     uint32_t timeout_ms)
{
    enum rotor_status status = doorbell_wait(&queue->bell, ROTOR_IPQ_FRAMES,
                                             patience_ns(queue, timeout_ms));
    if (status == ROTOR_AGAIN) {
        queue->empty_looks = LOOKS_A_CHECK; // the next poll looks at the bell
        return ROTOR_OK;
    }
    return status == ROTOR_OK ? ROTOR_OK : lost(queue);
}

bool client_queue_arm(struct client_queue *queue)
{
    disarm(queue);
    queue->empty_looks = LOOKS_A_CHECK;
    queue->is_armed = doorbell_arm(&queue->bell, ROTOR_IPQ_FRAMES);
    return queue->is_armed;
}
