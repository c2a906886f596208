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
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "wire/client.h"

_Static_assert(ROTOR_CLIENT_MESSAGE_MAX == WIRE_CLIENT_MAX, "one size");

#define CONNECT_MS 5000

struct rotor_client {
    int fd;
    bool is_stream; // TCP: messages behind a length
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
    (void)close(client->fd);
    secret_wipe(client, sizeof *client); // answers may hold session keys
    free(client);
}

int rotor_client_fd(const struct rotor_client *client)
{
    return client->fd;
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

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum rotor_status rotor_client_wait(struct rotor_client *client, uint64_t id,
                                    uint32_t timeout_ms,
                                    struct rotor_completion *completion)
{
    int64_t end = now_ms() + timeout_ms;
    for (;;) {
        enum rotor_status status = rotor_client_poll(client, completion);
        if (status == ROTOR_OK && completion->id == id) {
            return ROTOR_OK;
        }
        if (status != ROTOR_OK && status != ROTOR_AGAIN) {
            return status;
        }
        int64_t left = end - now_ms();
        struct pollfd readable = {client->fd, POLLIN, 0};
        if (left <= 0) {
            return ROTOR_AGAIN;
        }
        if (poll(&readable, 1, (int)left) < 0 && errno != EINTR) {
            return ROTOR_PORT_FAILED;
        }
    }
}
