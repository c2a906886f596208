// SPDX-License-Identifier: Apache-2.0
// A session between two machines as a pipe: stdin to their stdout, and back.
//
//     frame    be32 size || kind || content       size counts kind and content
//     RECORD   a record of chain/record.h; its plaintext is kind || content
//
// Once keys are there, every frame is a RECORD, handshakes of new keys too: a
// stranger on the way cannot put a session of his own in place of this one.
// Two threads: one reads stdin and sends, one receives and writes stdout.
// Handshake frames come between the records: a new session replaces the keys
// under way; what comes in is not held up by it.  doc/PROTOCOL.session.
#ifndef ROTOR_APP_ROTOR_PIPE_H
#define ROTOR_APP_ROTOR_PIPE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/record.h"

#define PIPE_CHUNK         65536u // bytes of stdin in one record
#define PIPE_FRAME_MAX     (2u + CHAIN_RECORD_OVERHEAD + PIPE_CHUNK)
#define PIPE_HANDSHAKE_MAX 17408u // bytes of a frame that is no record

enum pipe_kind {
    PIPE_REQUEST = 1,     // ATTEST_REQ, from the requester
    PIPE_RESPONSE = 2,    // ATTEST_RSP
    PIPE_FIN = 3,         // SESSION_FIN; the requester's records change keys
    PIPE_RECORD = 4,      // inside a record: data
    PIPE_LOG_GET = 5,     // LOG_GET, from the requester
    PIPE_LOG_ENTRIES = 6, // LOG_ENTRIES
    PIPE_FAILED = 7,      // text for people; the connection ends
    PIPE_SWITCH = 8,      // the listener's records change keys
    PIPE_DONE = 9,        // no more data from this side
};

struct pipe;

// What the two ends do differently.
struct pipe_side {
    void *context;
    // Receiver's thread: a handshake frame.  False: broken.
    bool (*take)(void *context, struct pipe *pipe, enum pipe_kind kind,
                 struct rotor_bytes content);
    // Sender's thread: enough was sent or received under one session; asks for
    // the next one and waits for it.  NULL on the side that does not begin.
    bool (*renew)(void *context, struct pipe *pipe);
    // Receiver's thread: nothing comes any more.  May be NULL.
    void (*over)(void *context);
};

struct pipe_count {
    uint64_t bytes_out;
    uint64_t bytes_in;
    uint64_t sessions; // keys used, one after the other
};

struct pipe {
    int fd;
    const struct pipe_side *side;
    uint64_t renew_after;    // records in either direction; 0: never
    uint32_t renew_every_ms; // age of the keys; 0: never
    uint64_t switched_ms;
    pthread_mutex_t sending;
    struct chain_records out; // under `sending`
    bool has_keys;            // `out` counts; under `sending`
    struct chain_records in;  // the receiver's own
    struct pipe_count count;
    int wake;                    // eventfd: the receiver wants the sender
    atomic_bool renew_is_asked;  // by the receiver, of this session
    atomic_bool peer_is_done;    // it sent DONE
    atomic_bool peer_has_closed; // it sent CLOSE: both are done
    atomic_bool has_closed;      // we did
    const char *why;             // the receiver gave up
    atomic_bool is_broken;
    size_t received; // bytes in receive_memory
    size_t taken;    // of them
    uint8_t send_memory[4 + PIPE_FRAME_MAX];
    uint8_t receive_memory[4 * (4 + PIPE_FRAME_MAX)];
    uint8_t
        sealed_memory[4 + PIPE_FRAME_MAX]; // of a handshake; under `sending`
    uint8_t handshake[PIPE_HANDSHAKE_MAX];
};

void pipe_init(struct pipe *pipe, int fd, const struct pipe_side *side);

// Sends one handshake frame.
bool pipe_send(struct pipe *pipe, enum pipe_kind kind,
               struct rotor_bytes content);

// Waits for the next handshake frame; records that come before it are unsealed
// and written to stdout.  *content is good until the next call.  False: the
// peer closed (peer_has_closed), is gone, or does not speak this (why).
bool pipe_receive(struct pipe *pipe, enum pipe_kind *kind,
                  struct rotor_bytes *content);

// Sends `kind` (FIN or SWITCH) and changes the keys of what is sent after it.
// Takes `records` over.
bool pipe_switch_out(struct pipe *pipe, enum pipe_kind kind,
                     struct rotor_bytes content, struct chain_records *records);

// Changes the keys of what is received from now on.  Receiver only.
void pipe_switch_in(struct pipe *pipe, struct chain_records *records);

// Pipes until both sides said that they are done.  False: cut off or altered
// on the way; *why tells.
bool pipe_run(struct pipe *pipe, const char **why);

void pipe_close(struct pipe *pipe);

#endif
