// SPDX-License-Identifier: Apache-2.0
// Programs on the Unix socket and relying parties on TCP: bytes in, requests
// to the RTP, answers back.
//
// Everything a peer sends is hostile: one message is at most WIRE_CLIENT_MAX
// bytes, a connection has at most CLIENT_IN_FLIGHT requests, and a peer that
// does not read its answers is cut off, not waited for.
//
// Whoever takes much leaves room for others: a source (an address on TCP, a
// process on the Unix socket) never has more requests in flight than are free,
// and where all places are taken the one with the most connections loses the
// one that was silent for longest.
#ifndef ROTOR_APP_RTP_CLIENTS_H
#define ROTOR_APP_RTP_CLIENTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/rtp/pairs.h"
#include "rtp/rtp.h"

#define CLIENTS_MAX        64u
#define REMOTES_MAX        32u // of them: strangers never take all places
#define CLIENT_IN_FLIGHT   32u
#define CLIENT_SOURCE_SIZE 17u                    // kind of address, address
#define CLIENT_FRAME_MAX   (4u + WIRE_CLIENT_MAX) // bytes on TCP
#define CLIENT_OUT_MAX     (4u * CLIENT_FRAME_MAX)

// A remote peer that ends no message for this long is cut off.
#define REMOTE_IDLE_MS 60000u

// Who is at the other end.
struct client_peer {
    bool is_remote;
    bool may_command; // rotate, events, keys: root or our own user
    uint8_t source[CLIENT_SOURCE_SIZE]; // equal for equal sources
};

struct client {
    int fd; // -1: free
    struct client_peer peer;
    uint32_t generation;
    uint32_t in_flight;
    uint64_t heard_ms; // the end of its last message
    size_t in_size;
    size_t out_size;
    uint8_t in[CLIENT_FRAME_MAX];
    uint8_t out[CLIENT_OUT_MAX]; // TCP only: what did not fit the socket
};

// A request that the RTP has.
struct in_flight {
    uint64_t tag;  // 0: free
    size_t client; // CLIENTS_MAX: gone; the slot is his until it is answered
    struct client_peer peer;
    uint64_t id; // the program's own
    uint64_t op;
};

struct clients {
    struct rtp *rtp;
    struct pairs pairs;
    int unix_listener; // -1: none
    int tcp_listener;  // -1: none
    uint64_t last_tag;
    struct client client[CLIENTS_MAX];
    struct in_flight in_flight[RTP_SLOTS];
    void (*retest)(void); // asks for an entropy re-test
    // Adds what only the program knows to a status.
    void (*describe)(struct wire_client_status *status);
};

#define CLIENTS_POLL_MAX (2u + CLIENTS_MAX)

void clients_init(struct clients *clients, struct rtp *rtp, int unix_listener,
                  int tcp_listener);

// Fills `watched` (CLIENTS_POLL_MAX); returns how many.
size_t clients_watch(const struct clients *clients, struct pollfd *watched);

// After poll: accepts, reads, submits.
void clients_serve(struct clients *clients, const struct pollfd *watched,
                   size_t count, uint64_t now_ms);

// Passes every finished request on to its program.
void clients_answer(struct clients *clients, uint64_t now_ms);

// Closes a connection; what it asked for goes on and is told to nobody.
void clients_cut_off(struct clients *clients, size_t index);

// Requests that wait for the enclave or the disk.
size_t clients_waiting(const struct clients *clients);

#endif
