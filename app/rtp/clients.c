// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/rtp/welcome.h"
#include "base/bytes.h"
#include "base/secret.h"

// Who may ask for what: deny by default.
enum door { DOOR_SHUT = 0, DOOR_COMMAND, DOOR_LOCAL, DOOR_ANYONE };
static const enum door DOORS[] = {
    [WIRE_OP_STATUS] = DOOR_LOCAL,       [WIRE_OP_ATTEST] = DOOR_ANYONE,
    [WIRE_OP_SESSION_FIN] = DOOR_ANYONE, [WIRE_OP_SESSION_KEY] = DOOR_COMMAND,
    [WIRE_OP_LOG_GET] = DOOR_ANYONE,     [WIRE_OP_HEAD_PROOF] = DOOR_ANYONE,
    [WIRE_OP_ROTATE] = DOOR_COMMAND,     [WIRE_OP_EVENT] = DOOR_COMMAND,
    [WIRE_OP_RETEST] = DOOR_COMMAND,     [WIRE_OP_SIGN] = DOOR_COMMAND,
    [WIRE_OP_CANCEL] = DOOR_ANYONE,      [WIRE_OP_RECOVER] = DOOR_COMMAND,
    [WIRE_OP_RECOVERED] = DOOR_COMMAND,  [WIRE_OP_QUEUE] = DOOR_COMMAND,
    [WIRE_OP_REPORT] = DOOR_COMMAND,     [WIRE_OP_PRUNE] = DOOR_COMMAND,
};

void clients_init(struct clients *clients, struct rtp *rtp, int unix_listener,
                  int tcp_listener)
{
    memset(clients, 0, sizeof *clients);
    clients->rtp = rtp;
    clients->unix_listener = unix_listener;
    clients->tcp_listener = tcp_listener;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        clients->client[i].fd = -1;
    }
}

size_t clients_waiting(const struct clients *clients)
{
    size_t waiting = 0;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        waiting += clients->in_flight[i].tag != 0;
    }
    return waiting;
}

// ---- answers ---------------------------------------------------------------

void clients_cut_off(struct clients *clients, size_t index)
{
    struct client *client = &clients->client[index];
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct in_flight *request = &clients->in_flight[i];
        if (request->tag != 0 && request->client == index) {
            request->client = CLIENTS_MAX;
        }
    }
    uint32_t channel = pairs_retire(&clients->pairs, index);
    if (channel != 0) {
        rtp_end_pair(clients->rtp, channel);
    }
    close(client->fd);
    secret_wipe(client->out, client->out_size); // may hold session keys
    client->fd = -1;
    client->generation++;
    client->in_size = 0;
    client->out_size = 0;
    client->in_flight = 0;
}

static bool flush(struct client *client)
{
    while (client->out_size != 0) {
        ssize_t put = send(client->fd, client->out, client->out_size,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        client->out_size -= (size_t)put;
        memmove(client->out, client->out + put, client->out_size);
    }
    return true;
}

static bool deliver(struct client *client, struct rotor_bytes message)
{
    if (!client->peer.is_remote) {
        return send(client->fd, message.data, message.size,
                    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)message.size;
    }
    if (4 + message.size > sizeof client->out - client->out_size) {
        return false;
    }
    bytes_put_be32(client->out + client->out_size, (uint32_t)message.size);
    memcpy(client->out + client->out_size + 4, message.data, message.size);
    client->out_size += 4 + message.size;
    return flush(client);
}

static void reply(struct clients *clients, size_t index,
                  const struct wire_client_reply *content)
{
    uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room message = ROOM_OF(memory);
    struct client *client = &clients->client[index];
    bool is_sent = wire_message_encode(&WIRE_LAYOUT_CLIENT_REPLY, content,
                                       &message) == ROTOR_OK &&
                   deliver(client, bytes_in(&message));
    secret_wipe(memory, message.used);
    if (!is_sent) {
        clients_cut_off(clients, index);
    }
}

static void refuse(struct clients *clients, size_t index, uint64_t op,
                   uint64_t id, enum wire_client_code code, const char *text)
{
    const struct wire_client_reply content = {
        .op = op,
        .id = id,
        .code = code,
        .has_text = true,
        .text = bytes_of(text, strlen(text)),
    };
    reply(clients, index, &content);
}

static struct in_flight *request_of(struct clients *clients, uint64_t tag)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        if (clients->in_flight[i].tag == tag) {
            return &clients->in_flight[i];
        }
    }
    return NULL;
}

void clients_answer(struct clients *clients, uint64_t now_ms)
{
    struct rtp_completion done;
    while (rtp_complete(clients->rtp, now_ms, &done) == ROTOR_OK) {
        struct in_flight *request = request_of(clients, done.tag);
        if (request == NULL || done.tag == 0) {
            continue;
        }
        const struct wire_client_reply content = {
            .op = request->op,
            .id = request->id,
            .code = done.code,
            .has_payload = done.payload.size != 0,
            .payload = done.payload,
            .has_text = done.text[0] != '\0',
            .text = bytes_of(done.text, strlen(done.text)),
            .has_error = done.code == WIRE_CLIENT_REFUSED,
            .error = done.error,
            .has_detail = done.code == WIRE_CLIENT_REFUSED,
            .detail = done.detail,
        };
        size_t index = request->client;
        request->tag = 0;
        if (index == CLIENTS_MAX) {
            continue;
        }
        clients->client[index].in_flight--;
        reply(clients, index, &content);
    }
}

// ---- queue pairs -----------------------------------------------------------

// A reply with the two descriptors of a pair; it is sent whole or not at all.
static bool send_pair(const struct client *client, struct rotor_bytes message,
                      const int fds[2])
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec content = {(void *)(uintptr_t)message.data, message.size};
    const struct msghdr record = {.msg_iov = &content,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(&control.header), fds, 2 * sizeof(int));
    return sendmsg(client->fd, &record, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)message.size;
}

static enum rotor_status encode_pair(const struct pairs *pairs, size_t i,
                                     const struct wire_client_request *request,
                                     struct rotor_room *message)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_client_queue queue = {
        .channel = launch_pair_channel((uint32_t)i),
        .seed = launch_pair_seed(pairs->queue_seed, (uint32_t)i),
        .slots = LAUNCH_PAIR_SLOTS,
        .left = pairs_count(pairs, PAIR_FREE) - 1,
    };
    TRY(wire_message_encode(&WIRE_LAYOUT_CLIENT_QUEUE, &queue, &payload));
    const struct wire_client_reply content = {
        .op = request->op,
        .id = request->id,
        .has_payload = true,
        .payload = bytes_in(&payload),
    };
    return wire_message_encode(&WIRE_LAYOUT_CLIENT_REPLY, &content, message);
}

static void hand_out(struct clients *clients, size_t index,
                     const struct wire_client_request *request)
{
    uint8_t memory[128];
    struct rotor_room message = ROOM_OF(memory);
    struct pairs *pairs = &clients->pairs;
    // Who is served nothing over the socket gets no way around it.
    if (clients->rtp->unavailable != NULL) {
        refuse(clients, index, request->op, request->id,
               WIRE_CLIENT_UNAVAILABLE, clients->rtp->unavailable);
        return;
    }
    if (!rtp_is_attested(clients->rtp)) {
        refuse(clients, index, request->op, request->id,
               WIRE_CLIENT_UNAVAILABLE, "the enclave has not attested yet");
        return;
    }
    size_t i = pairs_find(pairs, index);
    if (i == LAUNCH_PAIRS) {
        refuse(clients, index, request->op, request->id,
               WIRE_CLIENT_UNAVAILABLE,
               "no queue pair is left for this connection");
        return;
    }
    const int fds[2] = {pairs->pair[i].queue, pairs->pair[i].bell};
    if (encode_pair(pairs, i, request, &message) != ROTOR_OK ||
        !send_pair(&clients->client[index], bytes_in(&message), fds)) {
        clients_cut_off(clients, index);
        return;
    }
    pairs_hand_out(pairs, i, index);
}

// ---- requests --------------------------------------------------------------

static void answer_status(struct clients *clients, size_t index,
                          const struct wire_client_request *request,
                          uint64_t now_ms)
{
    uint8_t memory[4096];
    struct rotor_room payload = ROOM_OF(memory);
    struct wire_client_status status = {0};
    rtp_describe(clients->rtp, now_ms, &status);
    clients->describe(&status);
    if (wire_message_encode(&WIRE_LAYOUT_CLIENT_STATUS, &status, &payload) !=
        ROTOR_OK) {
        refuse(clients, index, request->op, request->id, WIRE_CLIENT_FAILED,
               "the status does not fit a reply");
        return;
    }
    const struct wire_client_reply content = {
        .op = request->op,
        .id = request->id,
        .has_payload = true,
        .payload = bytes_in(&payload),
    };
    reply(clients, index, &content);
}

static void cancel(struct clients *clients, size_t index,
                   const struct wire_client_request *request)
{
    struct wire_client_cancel wanted;
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_CANCEL, request->payload,
                            &wanted) != ROTOR_OK) {
        refuse(clients, index, request->op, request->id, WIRE_CLIENT_MALFORMED,
               "expected the id of a request");
        return;
    }
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct in_flight *other = &clients->in_flight[i];
        if (other->tag != 0 && other->client == index &&
            other->id == wanted.id) {
            enum rotor_status status = rtp_cancel(clients->rtp, other->tag);
            const struct wire_client_reply content = {
                .op = request->op,
                .id = request->id,
                .code = status == ROTOR_OK ? WIRE_CLIENT_OK : WIRE_CLIENT_BUSY,
            };
            reply(clients, index, &content);
            return;
        }
    }
    refuse(clients, index, request->op, request->id, WIRE_CLIENT_MALFORMED,
           "no such request in flight");
}

// A source may take as much as it leaves: one alone half of the table, the
// next one a quarter.
static bool is_greedy(const struct clients *clients, size_t index)
{
    const struct client *client = &clients->client[index];
    size_t free_count = 0;
    size_t own_count = 0;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct in_flight *request = &clients->in_flight[i];
        free_count += request->tag == 0;
        own_count += request->tag != 0 &&
                     client_peer_is_same(&request->peer, &client->peer);
    }
    return own_count >= free_count;
}

static void pass_on(struct clients *clients, size_t index,
                    const struct wire_client_request *request, uint64_t now_ms)
{
    struct client *client = &clients->client[index];
    struct in_flight *place = request_of(clients, 0);
    if (place == NULL || client->in_flight == CLIENT_IN_FLIGHT ||
        is_greedy(clients, index)) {
        refuse(clients, index, request->op, request->id, WIRE_CLIENT_BUSY,
               "too many requests in flight");
        return;
    }
    const struct rtp_request wanted = {
        .op = request->op,
        .payload = request->payload,
        .tag = clients->last_tag + 1,
        .deadline_ms = request->has_deadline_ms ? request->deadline_ms : 0,
    };
    enum rotor_status status = rtp_submit(clients->rtp, now_ms, &wanted);
    if (status != ROTOR_OK) {
        bool is_full = status == ROTOR_AGAIN;
        refuse(clients, index, request->op, request->id,
               is_full ? WIRE_CLIENT_BUSY : WIRE_CLIENT_MALFORMED,
               is_full ? "too many requests in flight"
                       : "unknown operation or bad payload");
        return;
    }
    clients->last_tag++;
    client->in_flight++;
    *place = (struct in_flight){wanted.tag, index, client->peer, request->id,
                                request->op};
}

static bool door_is_open(const struct client *client, uint64_t op)
{
    enum door door = op < COUNT_OF(DOORS) ? DOORS[op] : DOOR_SHUT;
    switch (door) {
    case DOOR_ANYONE:
        return true;
    case DOOR_LOCAL:
        return !client->peer.is_remote;
    case DOOR_COMMAND:
        return !client->peer.is_remote && client->peer.may_command;
    case DOOR_SHUT:
        break;
    }
    return false;
}

static void take_message(struct clients *clients, size_t index,
                         struct rotor_bytes message, uint64_t now_ms)
{
    struct wire_client_request request;
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_REQUEST, message, &request) !=
        ROTOR_OK) {
        refuse(clients, index, 0, 0, WIRE_CLIENT_MALFORMED,
               "not a request: see PROTOCOL.client");
        return;
    }
    if (!door_is_open(&clients->client[index], request.op)) {
        refuse(clients, index, request.op, request.id, WIRE_CLIENT_DENIED,
               "not for this peer");
        return;
    }
    switch (request.op) {
    case WIRE_OP_STATUS:
        answer_status(clients, index, &request, now_ms);
        break;
    case WIRE_OP_CANCEL:
        cancel(clients, index, &request);
        break;
    case WIRE_OP_QUEUE:
        hand_out(clients, index, &request);
        break;
    case WIRE_OP_RETEST: {
        const struct wire_client_reply content = {.op = request.op,
                                                  .id = request.id};
        clients->retest();
        reply(clients, index, &content);
        break;
    }
    default:
        pass_on(clients, index, &request, now_ms);
        break;
    }
}

// ---- sockets ---------------------------------------------------------------

// One record is one message; a longer one was cut by the kernel and is refused.
static bool read_record(struct clients *clients, size_t index, uint64_t now_ms)
{
    struct client *client = &clients->client[index];
    ssize_t got = recv(client->fd, client->in, sizeof client->in,
                       MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    size_t size = (size_t)got > sizeof client->in ? 0 : (size_t)got;
    client->heard_ms = now_ms;
    take_message(clients, index, bytes_of(client->in, size), now_ms);
    return true;
}

static bool read_stream(struct clients *clients, size_t index, uint64_t now_ms)
{
    struct client *client = &clients->client[index];
    ssize_t got = recv(client->fd, client->in + client->in_size,
                       sizeof client->in - client->in_size, MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    client->in_size += (size_t)got;
    uint32_t generation = client->generation;
    while (client->in_size >= 4) {
        uint32_t size = bytes_be32(client->in);
        if (size > WIRE_CLIENT_MAX) {
            return false;
        }
        if (client->in_size < 4 + (size_t)size) {
            break;
        }
        client->heard_ms = now_ms;
        take_message(clients, index, bytes_of(client->in + 4, size), now_ms);
        if (client->generation != generation) {
            return true; // it was cut off meanwhile
        }
        client->in_size -= 4 + (size_t)size;
        memmove(client->in, client->in + 4 + size, client->in_size);
    }
    return true;
}

size_t clients_watch(const struct clients *clients, struct pollfd *watched)
{
    watched[0] = (struct pollfd){clients->unix_listener, POLLIN, 0};
    watched[1] = (struct pollfd){clients->tcp_listener, POLLIN, 0};
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &clients->client[i];
        short events = client->out_size != 0 ? POLLIN | POLLOUT : POLLIN;
        watched[2 + i] = (struct pollfd){client->fd, events, 0};
    }
    return CLIENTS_POLL_MAX;
}

void clients_serve(struct clients *clients, const struct pollfd *watched,
                   size_t count, uint64_t now_ms)
{
    for (size_t i = 2; i < count; i++) {
        struct client *client = &clients->client[i - 2];
        bool is_idle = client->peer.is_remote && client->in_flight == 0 &&
                       now_ms - client->heard_ms > REMOTE_IDLE_MS;
        if (client->fd < 0 || watched[i].fd != client->fd) {
            continue;
        }
        bool goes_on = !is_idle;
        if ((watched[i].revents & POLLOUT) != 0) {
            goes_on = goes_on && flush(client);
        }
        if ((watched[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            uint32_t generation = client->generation;
            goes_on = goes_on && (client->peer.is_remote
                                      ? read_stream(clients, i - 2, now_ms)
                                      : read_record(clients, i - 2, now_ms));
            if (client->generation != generation) {
                continue;
            }
        }
        if (!goes_on) {
            clients_cut_off(clients, i - 2);
        }
    }
    if ((watched[0].revents & POLLIN) != 0) {
        clients_welcome(clients, clients->unix_listener, false, now_ms);
    }
    if ((watched[1].revents & POLLIN) != 0) {
        clients_welcome(clients, clients->tcp_listener, true, now_ms);
    }
}
