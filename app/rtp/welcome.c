// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/welcome.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Of those who wait at a door (the listeners do not block).
#define WELCOMES_A_PASS 8u

bool client_peer_is_same(const struct client_peer *a,
                         const struct client_peer *b)
{
    return a->is_remote == b->is_remote &&
           memcmp(a->source, b->source, sizeof a->source) == 0;
}

// CLIENTS_MAX: none.
static size_t free_place(const struct clients *clients, bool is_remote)
{
    size_t place = CLIENTS_MAX;
    size_t remotes = 0;
    for (size_t i = CLIENTS_MAX; i-- > 0;) {
        if (clients->client[i].fd < 0) {
            place = i;
        } else if (clients->client[i].peer.is_remote) {
            remotes++;
        }
    }
    return is_remote && remotes >= REMOTES_MAX ? CLIENTS_MAX : place;
}

static size_t connections_of(const struct clients *clients,
                             const struct client_peer *peer)
{
    size_t count = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &clients->client[i];
        count += client->fd >= 0 && client_peer_is_same(&client->peer, peer);
    }
    return count;
}

// Whose place may be taken: it waits for nothing and has no queue pair, which
// would end with it.
static bool is_idle(const struct clients *clients, size_t i, bool is_remote)
{
    const struct client *client = &clients->client[i];
    return client->fd >= 0 && client->in_flight == 0 &&
           client->peer.is_remote == is_remote &&
           !pairs_are_of(&clients->pairs, i);
}

// The idle connection that was silent for longest, of whoever has the most, at
// least two; of who may not command, where `rank` is set, at least one.
// CLIENTS_MAX: none.
static size_t find_idle(const struct clients *clients, bool is_remote,
                        bool rank)
{
    size_t place = CLIENTS_MAX;
    size_t most = rank ? 0 : 1;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &clients->client[i];
        bool counts = is_idle(clients, i, is_remote) &&
                      !(rank && client->peer.may_command);
        size_t count = counts ? connections_of(clients, &client->peer) : 0;
        bool is_older = count == most && place != CLIENTS_MAX &&
                        client->heard_ms < clients->client[place].heard_ms;
        if (count > most || is_older) {
            place = i;
            most = count;
        }
    }
    return place;
}

// Takes somebody's place; CLIENTS_MAX: none.  Who may command takes one of who
// may not: strangers with one connection each do not lock the operator out.
static size_t make_place(struct clients *clients,
                         const struct client_peer *peer)
{
    size_t place = find_idle(clients, peer->is_remote, false);
    if (place == CLIENTS_MAX && peer->may_command) {
        place = find_idle(clients, peer->is_remote, true);
    }
    if (place != CLIENTS_MAX) {
        clients_cut_off(clients, place);
    }
    return place;
}

static void identify_local(int fd, struct client_peer *peer)
{
    struct ucred user = {0};
    socklen_t size = sizeof user;
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) == 0;
    peer->may_command = is_known && (user.uid == 0 || user.uid == geteuid());
    memcpy(peer->source + 1, &user.pid, sizeof user.pid);
}

static void identify_remote(int fd, struct client_peer *peer)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {0};
    socklen_t size = sizeof address;
    if (getpeername(fd, &address.any, &size) != 0) {
        return;
    }
    peer->source[0] = (uint8_t)address.any.sa_family;
    if (address.any.sa_family == AF_INET6) {
        memcpy(peer->source + 1, &address.in6.sin6_addr, 8); // a site: a /64
    } else if (address.any.sa_family == AF_INET) {
        memcpy(peer->source + 1, &address.in.sin_addr, 4);
    }
}

// False: nobody waits at this door.
static bool welcome(struct clients *clients, int listener, bool is_remote,
                    uint64_t now_ms)
{
    struct client_peer peer = {.is_remote = is_remote};
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (is_remote) {
        identify_remote(fd, &peer);
    } else {
        identify_local(fd, &peer);
    }
    size_t index = free_place(clients, is_remote);
    if (index == CLIENTS_MAX) {
        index = make_place(clients, &peer);
    }
    if (index == CLIENTS_MAX) {
        close(fd);
        return true;
    }
    struct client *client = &clients->client[index];
    client->fd = fd;
    client->peer = peer;
    client->heard_ms = now_ms;
    return true;
}

void clients_welcome(struct clients *clients, int listener, bool is_remote,
                     uint64_t now_ms)
{
    unsigned count = 0;
    while (count < WELCOMES_A_PASS &&
           welcome(clients, listener, is_remote, now_ms)) {
        count++;
    }
}
