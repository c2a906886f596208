// SPDX-License-Identifier: Apache-2.0
// A queue pair that the program owns: requests go to the enclave itself.
//
//     rotord's socket --- the pair, once; its end gives the pair back
//     queue ------------- frames, plain, in order; the RTP never sees them
#ifndef ROTOR_CLIENT_QUEUE_H
#define ROTOR_CLIENT_QUEUE_H

#include <rotor/client.h>

#include "port/linux/doorbell.h"
#include "port/linux/shared_queue.h"
#include "wire/client.h"
#include "wire/frame.h"

enum queue_state {
    QUEUE_ASKED = 0, // waits for its answer
    QUEUE_CANCELLED, // the program is told next
    QUEUE_TOLD,      // the program was told; the answer is still to come
};

struct queue_request {
    uint64_t id;
    uint64_t op;
    enum wire_type reply; // that answers it, but for ERROR
    int64_t deadline_ms;
    enum queue_state state;
};

struct client_queue {
    struct shared_queue memory;
    struct doorbell bell;
    int bell_fd; // -1: none; hangs up when the enclave ends the pair
    bool is_armed;
    bool is_lost;
    uint32_t channel;
    uint64_t next_out; // sequence
    uint64_t next_in;  // sequence
    uint64_t epoch;    // of the last answer: it never goes back
    uint32_t empty_looks;
    struct queue_request requests[ROTOR_CLIENT_OUTSTANDING];
    size_t first; // the oldest; answers come in this order
    size_t count;
    uint8_t in[WIRE_FRAME_MAX];
    uint8_t out[WIRE_FRAME_MAX];
};

// Takes the pair that a reply of WIRE_OP_QUEUE describes; `fds` are its memfd,
// which is closed, and its bell, which is kept.
//
// ROTOR_MALFORMED    the description, or the memory, is not one.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL client_queue_open(struct client_queue *queue,
                             struct rotor_bytes description, const int fds[2]);
void client_queue_close(struct client_queue *queue);

// As the calls of rotor/client.h; `id` is chosen by the caller, rising.
ROTOR_CALL client_queue_submit(struct client_queue *queue,
                               const struct rotor_request *request,
                               uint64_t id);
ROTOR_CALL client_queue_cancel(struct client_queue *queue, uint64_t id);
ROTOR_CALL client_queue_poll(struct client_queue *queue,
                             struct rotor_completion *completion);

// Sleeps until poll has something to say, at most `timeout_ms`.
//
// ROTOR_PORT_FAILED  the pair is gone.
ROTOR_CALL client_queue_sleep(struct client_queue *queue, uint32_t timeout_ms);
bool client_queue_arm(struct client_queue *queue);

int64_t client_now_ms(void);

#endif
