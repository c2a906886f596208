// SPDX-License-Identifier: Apache-2.0
#include <rotor/client.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "client/queue.h"
#include "wire/client.h"

_Static_assert(ROTOR_CLIENT_MESSAGE_MAX == WIRE_CLIENT_MAX, "one size");

#define CONNECT_MS 5000
#define QUEUE_MS   10000 // that the RTP may take to hand a pair out

struct rotor_client {
    int fd;
    bool is_stream;             // TCP: messages behind a length
    struct client_queue *queue; // a pair of our own; NULL: none
    uint64_t last_id;
    size_t size;  // bytes of `in` that were read
    size_t taken; // bytes of `in` whose views were given out
    uint8_t in[4 + WIRE_CLIENT_MAX];
    uint8_t out[4 + WIRE_CLIENT_MAX];
};

enum rotor_status rotor_client_adopt(struct rotor_client **client, int fd,
                                     bool is_stream)
{
    struct rotor_client *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ROTOR_PORT_FAILED;
    }
    made->fd = fd;
    made->is_stream = is_stream;
    *client = made;
    return ROTOR_OK;
}

// Keeps errno; -1 stays -1.
static void close_fd(int fd)
{
    int cause = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = cause;
}

enum rotor_status rotor_client_open(struct rotor_client **client,
                                    const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *wanted = path != NULL ? path : ROTOR_DEFAULT_SOCKET;
    if (strlen(wanted) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return ROTOR_PORT_FAILED;
    }
    memcpy(address.sun_path, wanted, strlen(wanted) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close_fd(fd);
        return ROTOR_PORT_FAILED;
    }
    return rotor_client_adopt(client, fd, false);
}

// ---- TCP -------------------------------------------------------------------

static bool connect_in_time(int fd, const struct addrinfo *address)
{
    int failure = 0;
    socklen_t size = sizeof failure;
    struct pollfd writable = {fd, POLLOUT, 0};
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        return true;
    }
    if (errno != EINPROGRESS) {
        return false;
    }
    if (poll(&writable, 1, CONNECT_MS) != 1) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
        return false;
    }
    errno = failure;
    return failure == 0;
}

static int connect_to(const struct addrinfo *address)
{
    const int yes = 1;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !connect_in_time(fd, address) || fcntl(fd, F_SETFL, 0) != 0) {
        close_fd(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

// "host:port", "[::1]:port"; cuts `text` in place.
static bool split_address(char *text, const char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0') {
        return false;
    }
    *colon = '\0';
    *port = colon + 1;
    *host = text;
    if (text[0] == '[') {
        if (colon == text + 1 || colon[-1] != ']') {
            return false;
        }
        colon[-1] = '\0';
        *host = text + 1;
    }
    return true;
}

enum rotor_status rotor_client_connect(struct rotor_client **client,
                                       const char *address)
{
    char text[256];
    const char *host = NULL;
    const char *port = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (strlen(address) >= sizeof text) {
        return ROTOR_INVALID;
    }
    memcpy(text, address, strlen(address) + 1);
    if (!split_address(text, &host, &port)) {
        return ROTOR_INVALID;
    }
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return ROTOR_PORT_FAILED;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0;
         at = at->ai_next) {
        fd = connect_to(at);
    }
    freeaddrinfo(found);
    return fd >= 0 ? rotor_client_adopt(client, fd, true) : ROTOR_PORT_FAILED;
}

void rotor_client_close(struct rotor_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->queue != NULL) {
        client_queue_close(client->queue);
        free(client->queue);
    }
    (void)close(client->fd);
    secret_wipe(client, sizeof *client); // answers may hold session keys
    free(client);
}

int rotor_client_fd(const struct rotor_client *client)
{
    return client->queue != NULL ? client->queue->bell_fd : client->fd;
}

bool rotor_client_arm(struct rotor_client *client)
{
    return client->queue == NULL || client_queue_arm(client->queue);
}

// ---- requests --------------------------------------------------------------

static enum rotor_status send_record(const struct rotor_client *client,
                                     struct rotor_bytes message)
{
    ssize_t put = send(client->fd, message.data, message.size,
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put == (ssize_t)message.size) {
        return ROTOR_OK;
    }
    return put < 0 && (errno == EAGAIN || errno == EINTR) ? ROTOR_AGAIN
                                                          : ROTOR_PORT_FAILED;
}

// A stream may be cut in mid-message only for good, so the rest is waited for.
static enum rotor_status send_stream(const struct rotor_client *client,
                                     struct rotor_bytes message)
{
    size_t done = 0;
    while (done < message.size) {
        ssize_t put = send(client->fd, message.data + done, message.size - done,
                           MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return ROTOR_PORT_FAILED;
        }
        done += (size_t)put;
    }
    return ROTOR_OK;
}

static enum rotor_status send_message(struct rotor_client *client,
                                      const struct wire_client_request *request)
{
    struct rotor_room message = {client->out + 4, WIRE_CLIENT_MAX, 0};
    enum rotor_status status =
        wire_message_encode(&WIRE_LAYOUT_CLIENT_REQUEST, request, &message);
    if (status != ROTOR_OK) {
        return ROTOR_INVALID;
    }
    if (!client->is_stream) {
        return send_record(client, bytes_in(&message));
    }
    bytes_put_be32(client->out, (uint32_t)message.used);
    return send_stream(client, bytes_of(client->out, 4 + message.used));
}

enum rotor_status rotor_client_submit(struct rotor_client *client,
                                      const struct rotor_request *request,
                                      uint64_t *id)
{
    if (client->queue != NULL) {
        TRY(client_queue_submit(client->queue, request, client->last_id + 1));
        *id = ++client->last_id;
        return ROTOR_OK;
    }
    const struct wire_client_request content = {
        .op = request->op,
        .id = client->last_id + 1,
        .has_deadline_ms = request->deadline_ms != 0,
        .deadline_ms = request->deadline_ms,
        .has_payload = request->payload.size != 0,
        .payload = request->payload,
    };
    TRY(send_message(client, &content));
    client->last_id++;
    *id = content.id;
    return ROTOR_OK;
}

enum rotor_status rotor_client_cancel(struct rotor_client *client, uint64_t id)
{
    if (client->queue != NULL) {
        return client_queue_cancel(client->queue, id);
    }
    uint8_t memory[16];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_client_cancel cancel = {id};
    TRY(wire_message_encode(&WIRE_LAYOUT_CLIENT_CANCEL, &cancel, &payload));
    const struct rotor_request request = {
        .op = WIRE_OP_CANCEL,
        .payload = bytes_in(&payload),
    };
    uint64_t own_id = 0;
    return rotor_client_submit(client, &request, &own_id);
}

// ---- answers ---------------------------------------------------------------

// Reads what is there, up to one message on a stream; *message is empty until
// a whole one came.
static enum rotor_status receive(struct rotor_client *client,
                                 struct rotor_bytes *message)
{
    size_t wanted = sizeof client->in;
    *message = bytes_of(NULL, 0);
    if (client->taken != 0) {
        client->size = 0; // one message at a time is read
        client->taken = 0;
    }
    if (client->is_stream) {
        wanted = 4;
        if (client->size >= 4) {
            wanted = 4 + (size_t)bytes_be32(client->in);
        }
        if (wanted > sizeof client->in) {
            return ROTOR_MALFORMED;
        }
    }
    ssize_t got = recv(client->fd, client->in + client->size,
                       wanted - client->size, MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? ROTOR_AGAIN
                                                 : ROTOR_PORT_FAILED;
    }
    if (got == 0) {
        errno = ECONNRESET;
        return ROTOR_PORT_FAILED;
    }
    client->size += (size_t)got;
    if (!client->is_stream) {
        *message = bytes_of(client->in, client->size);
    } else if (wanted > 4 && client->size == wanted) {
        *message = bytes_of(client->in + 4, wanted - 4);
    }
    client->taken = message->size;
    return ROTOR_OK;
}

enum rotor_status rotor_client_poll(struct rotor_client *client,
                                    struct rotor_completion *completion)
{
    if (client->queue != NULL) {
        return client_queue_poll(client->queue, completion);
    }
    struct rotor_bytes message = {NULL, 0};
    struct wire_client_reply reply;
    while (message.size == 0) {
        TRY(receive(client, &message));
    }
    TRY(wire_message_decode(&WIRE_LAYOUT_CLIENT_REPLY, message, &reply));
    *completion = (struct rotor_completion){
        .id = reply.id,
        .op = reply.op,
        .code = reply.code,
        .payload = reply.payload,
        .text = reply.text,
        .error = reply.error,
        .detail = reply.detail,
    };
    return ROTOR_OK;
}

static enum rotor_status sleep_for(struct rotor_client *client,
                                   uint32_t timeout_ms)
{
    if (client->queue != NULL) {
        return client_queue_sleep(client->queue, timeout_ms);
    }
    struct pollfd readable = {client->fd, POLLIN, 0};
    bool slept = poll(&readable, 1, (int)timeout_ms) >= 0 || errno == EINTR;
    return slept ? ROTOR_OK : ROTOR_PORT_FAILED;
}

enum rotor_status rotor_client_wait(struct rotor_client *client, uint64_t id,
                                    uint32_t timeout_ms,
                                    struct rotor_completion *completion)
{
    int64_t end = client_now_ms() + timeout_ms;
    for (;;) {
        enum rotor_status status = rotor_client_poll(client, completion);
        if (status == ROTOR_OK) {
            if (id == ROTOR_CLIENT_ANY || completion->id == id) {
                return ROTOR_OK;
            }
            continue;
        }
        if (status != ROTOR_AGAIN) {
            return status;
        }
        int64_t left = end - client_now_ms();
        if (left <= 0) {
            return ROTOR_AGAIN;
        }
        TRY(sleep_for(client, (uint32_t)left));
    }
}

// ---- a queue pair ----------------------------------------------------------

// One record and the two descriptors that come with it.
static enum rotor_status receive_pair(struct rotor_client *client, int fds[2],
                                      struct rotor_bytes *message)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec content = {client->in, sizeof client->in};
    struct msghdr record = {.msg_iov = &content,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    struct pollfd readable = {client->fd, POLLIN, 0};
    if (poll(&readable, 1, QUEUE_MS) != 1) {
        errno = ETIMEDOUT;
        return ROTOR_PORT_FAILED;
    }
    ssize_t got = recvmsg(client->fd, &record, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        return ROTOR_PORT_FAILED;
    }
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&record);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET &&
        rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(2 * sizeof(int))) {
        memcpy(fds, CMSG_DATA(rights), 2 * sizeof(int));
    }
    *message = bytes_of(client->in, (size_t)got);
    return ROTOR_OK;
}

static enum rotor_status why_no_pair(const struct wire_client_reply *reply)
{
    switch (reply->code) {
    case WIRE_CLIENT_DENIED:
        return ROTOR_FORBIDDEN;
    case WIRE_CLIENT_UNAVAILABLE:
    case WIRE_CLIENT_BUSY:
        return ROTOR_AGAIN;
    default:
        return ROTOR_MALFORMED; // an RTP that knows no pairs, too
    }
}

static enum rotor_status take_pair(struct rotor_client *client, int fds[2])
{
    struct rotor_bytes message;
    struct wire_client_reply reply;
    TRY(receive_pair(client, fds, &message));
    TRY(wire_message_decode(&WIRE_LAYOUT_CLIENT_REPLY, message, &reply));
    if (reply.code != WIRE_CLIENT_OK) {
        return why_no_pair(&reply);
    }
    if (fds[0] < 0 || reply.op != WIRE_OP_QUEUE) {
        return ROTOR_MALFORMED;
    }
    struct client_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        return ROTOR_PORT_FAILED;
    }
    const int taken[2] = {fds[0], fds[1]};
    fds[0] = -1; // the queue's from here on, also where it fails
    fds[1] = -1;
    client->queue = queue;
    return client_queue_open(queue, reply.payload, taken);
}

enum rotor_status rotor_client_open_queue(struct rotor_client **client,
                                          const char *path)
{
    int fds[2] = {-1, -1};
    struct rotor_client *made = NULL;
    const struct wire_client_request wanted = {.op = WIRE_OP_QUEUE};
    enum rotor_status status = rotor_client_open(&made, path);
    if (status != ROTOR_OK) {
        return status;
    }
    status = send_message(made, &wanted);
    if (status == ROTOR_OK) {
        status = take_pair(made, fds);
    }
    close_fd(fds[0]);
    close_fd(fds[1]);
    if (status != ROTOR_OK) {
        int cause = errno;
        rotor_client_close(made);
        errno = cause;
        return status;
    }
    *client = made;
    return ROTOR_OK;
}
