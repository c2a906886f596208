// SPDX-License-Identifier: Apache-2.0
// Asynchronous client of rotord: several requests in flight, each with a
// deadline, answers in any order.
//
//     rotor_client_open(&client, NULL);
//     rotor_client_submit(client, &request, &id);     // does not wait
//     ... poll() on rotor_client_fd(client) ...
//     rotor_client_poll(client, &completion);         // does not wait
//
// One thread per client.  Payloads are the messages of doc/PROTOCOL.client.
#ifndef ROTOR_CLIENT_H
#define ROTOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define ROTOR_CLIENT_MESSAGE_MAX 17408u // bytes
#define ROTOR_DEFAULT_SOCKET     "/var/lib/rotor/control.sock"

struct rotor_client; // made by open, freed by close

// Connects to the Unix socket `path`; NULL is ROTOR_DEFAULT_SOCKET.
//
// ROTOR_PORT_FAILED  errno says why, e.g. ECONNREFUSED: rotord does not run.
ROTOR_CALL rotor_client_open(struct rotor_client **client, const char *path);

// The same over TCP, for a relying party: only attestation, sessions, log and
// head are served there.  Connecting is bounded to five seconds.
//
// ROTOR_INVALID      `address` is not HOST:PORT.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL rotor_client_connect(struct rotor_client **client,
                                const char *address);

// Takes a connected TCP or Unix SEQPACKET socket over.
//
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL rotor_client_adopt(struct rotor_client **client, int fd,
                              bool is_stream);

// Unanswered requests are forgotten.  NULL is allowed.
void rotor_client_close(struct rotor_client *client);

// Readable when rotor_client_poll has something to do.
int rotor_client_fd(const struct rotor_client *client);

struct rotor_request {
    uint64_t op;                // wire_op: doc/PROTOCOL.client 2
    struct rotor_bytes payload; // empty: none
    uint32_t deadline_ms;       // 0: ten seconds, which is the maximum
};

// Sends a request; `id` names it in its completion.
//
// ROTOR_INVALID      payload too long.
// ROTOR_AGAIN        the socket is full: poll() for completions first.
// ROTOR_PORT_FAILED  the connection is gone.
ROTOR_CALL rotor_client_submit(struct rotor_client *client,
                               const struct rotor_request *request,
                               uint64_t *id);

// Asks for the end of a request; its completion comes all the same.
ROTOR_CALL rotor_client_cancel(struct rotor_client *client, uint64_t id);

// An answered request.  Views are good until the next call with this client.
struct rotor_completion {
    uint64_t id;
    uint64_t op;
    uint64_t code;              // 0 done; else wire_client_code
    struct rotor_bytes payload; // empty: none
    struct rotor_bytes text;    // for people; empty: none
    uint64_t error;             // of the enclave: wire_error
    uint64_t detail;            // of it
};

// ROTOR_AGAIN        no answer is there.
// ROTOR_MALFORMED    the other side does not speak this protocol: close.
// ROTOR_PORT_FAILED  the connection is gone.
ROTOR_CALL rotor_client_poll(struct rotor_client *client,
                             struct rotor_completion *completion);

// Waits for the answer to `id`, at most `timeout_ms`; answers to others that
// come meanwhile are dropped.  For programs with one request at a time.
//
// ROTOR_AGAIN  time is over; the request may still be answered.
ROTOR_CALL rotor_client_wait(struct rotor_client *client, uint64_t id,
                             uint32_t timeout_ms,
                             struct rotor_completion *completion);

#endif
