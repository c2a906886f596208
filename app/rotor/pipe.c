// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/pipe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"

#define FRAME_HEAD   5u // be32 size, kind
#define RECORD_HEAD  9u // be64 i, type
#define CHUNK_OFFSET (FRAME_HEAD + RECORD_HEAD)

void pipe_init(struct pipe *pipe, int fd, const struct pipe_side *side)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->fd = fd;
    pipe->side = side;
    pipe->renew_every_ms = -1;
    (void)pthread_mutex_init(&pipe->sending, NULL);
    pipe->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void pipe_close(struct pipe *pipe)
{
    chain_records_close(&pipe->out);
    chain_records_close(&pipe->in);
    (void)pthread_mutex_destroy(&pipe->sending);
    (void)close(pipe->wake);
    secret_wipe(pipe->send_memory, sizeof pipe->send_memory);
    secret_wipe(pipe->receive_memory, sizeof pipe->receive_memory);
}

static bool send_all(int fd, struct rotor_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put =
            send(fd, bytes.data + done, bytes.size - done, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

// ---- sending ---------------------------------------------------------------

// Under `sending`, or before the threads run.
static bool send_frame(struct pipe *pipe, enum pipe_kind kind,
                       struct rotor_bytes content)
{
    uint8_t head[FRAME_HEAD];
    if (content.size + 1 > PIPE_FRAME_MAX) {
        return false;
    }
    bytes_put_be32(head, (uint32_t)content.size + 1);
    head[4] = (uint8_t)kind;
    return send_all(pipe->fd, BYTES_OF(head)) && send_all(pipe->fd, content);
}

bool pipe_send(struct pipe *pipe, enum pipe_kind kind,
               struct rotor_bytes content)
{
    (void)pthread_mutex_lock(&pipe->sending);
    bool sent = send_frame(pipe, kind, content);
    (void)pthread_mutex_unlock(&pipe->sending);
    return sent;
}

bool pipe_switch_out(struct pipe *pipe, enum pipe_kind kind,
                     struct rotor_bytes content, struct chain_records *records)
{
    (void)pthread_mutex_lock(&pipe->sending);
    bool sent = send_frame(pipe, kind, content);
    chain_records_close(&pipe->out);
    pipe->out = *records;
    pipe->count.sessions++;
    (void)pthread_mutex_unlock(&pipe->sending);
    *records = (struct chain_records){0};
    return sent;
}

void pipe_switch_in(struct pipe *pipe, struct chain_records *records)
{
    chain_records_close(&pipe->in);
    pipe->in = *records;
    pipe->renew_is_asked = false;
    *records = (struct chain_records){0};
}

// `size` bytes stand at CHUNK_OFFSET and are sealed where they are.
static bool send_record(struct pipe *pipe, enum chain_record_type type,
                        size_t size, uint64_t *records)
{
    struct rotor_room record = {pipe->send_memory + FRAME_HEAD,
                                CHAIN_RECORD_OVERHEAD + PIPE_CHUNK, 0};
    (void)pthread_mutex_lock(&pipe->sending);
    bool is_sealed =
        chain_record_seal(&pipe->out, type,
                          bytes_of(pipe->send_memory + CHUNK_OFFSET, size),
                          &record) == ROTOR_OK;
    bytes_put_be32(pipe->send_memory, (uint32_t)record.used + 1);
    pipe->send_memory[4] = PIPE_RECORD;
    bool sent = is_sealed &&
                send_all(pipe->fd,
                         bytes_of(pipe->send_memory, FRAME_HEAD + record.used));
    *records = pipe->out.next;
    (void)pthread_mutex_unlock(&pipe->sending);
    return sent;
}

// Reads a chunk of stdin and sends it; *is_open is false behind its end.
static bool pump_chunk(struct pipe *pipe, bool *is_open)
{
    uint64_t records = 0;
    ssize_t got =
        read(STDIN_FILENO, pipe->send_memory + CHUNK_OFFSET, PIPE_CHUNK);
    if (got < 0 && errno == EINTR) {
        return true;
    }
    *is_open = got > 0;
    enum chain_record_type type =
        got > 0 ? CHAIN_RECORD_DATA : CHAIN_RECORD_CLOSE;
    if (!send_record(pipe, type, got > 0 ? (size_t)got : 0, &records)) {
        return false;
    }
    pipe->count.bytes_out += got > 0 ? (uint64_t)got : 0;
    bool is_due = pipe->side->renew != NULL && pipe->renew_after != 0 &&
                  records >= pipe->renew_after && got > 0;
    return !is_due || pipe->side->renew(pipe->side->context, pipe);
}

static bool pump(struct pipe *pipe, bool *is_open)
{
    struct pollfd ready[] = {
        {pipe->wake,                   POLLIN, 0},
        {*is_open ? STDIN_FILENO : -1, POLLIN, 0}
    };
    uint64_t count = 0;
    int count_ready = poll(ready, COUNT_OF(ready), pipe->renew_every_ms);
    if (count_ready < 0) {
        return errno == EINTR;
    }
    bool is_woken =
        ready[0].revents != 0 &&
        read(pipe->wake, &count, sizeof count) == (ssize_t)sizeof count;
    bool is_due = (is_woken || count_ready == 0) && !pipe->peer_is_done &&
                  pipe->side->renew != NULL;
    if (is_due && !pipe->side->renew(pipe->side->context, pipe)) {
        return false;
    }
    return ready[1].revents == 0 || pump_chunk(pipe, is_open);
}

static void *pump_out(void *context)
{
    struct pipe *pipe = context;
    bool is_open = true;
    while (is_open || !pipe->peer_is_done) {
        if (!pump(pipe, &is_open)) {
            pipe->is_broken = true;
            (void)shutdown(pipe->fd, SHUT_RDWR); // wakes the receiver
            break;
        }
    }
    return NULL;
}

static void wake_sender(struct pipe *pipe)
{
    const uint64_t one = 1;
    if (write(pipe->wake, &one, sizeof one) != (ssize_t)sizeof one) {
        pipe->is_broken = true;
    }
}

// ---- receiving -------------------------------------------------------------

static bool give_up(struct pipe *pipe, const char *why)
{
    if (pipe->why == NULL) {
        pipe->why = why;
    }
    return false;
}

static bool fill(struct pipe *pipe)
{
    ssize_t got = 0;
    pipe->received -= pipe->taken;
    memmove(pipe->receive_memory, pipe->receive_memory + pipe->taken,
            pipe->received);
    pipe->taken = 0;
    do {
        got = recv(pipe->fd, pipe->receive_memory + pipe->received,
                   sizeof pipe->receive_memory - pipe->received, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return give_up(pipe, "the connection ended before the peer said that "
                             "it was done");
    }
    pipe->received += (size_t)got;
    return true;
}

// The next frame: kind and content, where they lie.
static bool take_frame(struct pipe *pipe, struct rotor_bytes *frame)
{
    for (;;) {
        const uint8_t *at = pipe->receive_memory + pipe->taken;
        size_t left = pipe->received - pipe->taken;
        uint32_t size = left >= 4 ? bytes_be32(at) : 0;
        bool is_bad = left >= 4 && (size == 0 || size > PIPE_FRAME_MAX);
        if (is_bad) {
            return give_up(pipe, "the peer does not speak this protocol");
        }
        if (left >= 4 && left - 4 >= size) {
            *frame = bytes_of(at + 4, size);
            pipe->taken += 4 + (size_t)size;
            return true;
        }
        if (!fill(pipe)) {
            return false;
        }
    }
}

static bool write_all(struct rotor_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put =
            write(STDOUT_FILENO, bytes.data + done, bytes.size - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

// One record, unsealed where it lies.
static bool take_record(struct pipe *pipe, struct rotor_bytes record)
{
    enum chain_record_type type = CHAIN_RECORD_DATA;
    struct rotor_room plaintext = {
        (uint8_t *)(uintptr_t)record.data + RECORD_HEAD, record.size, 0};
    if (chain_record_unseal(&pipe->in, record, &type, &plaintext) != ROTOR_OK) {
        return give_up(pipe,
                       "a record was altered, lost or repeated on the way");
    }
    pipe->count.bytes_in += plaintext.used;
    if (!write_all(bytes_in(&plaintext))) {
        return give_up(pipe, "stdout cannot be written");
    }
    if (type == CHAIN_RECORD_CLOSE) {
        pipe->peer_is_done = true;
        wake_sender(pipe);
    } else if (pipe->renew_after != 0 && pipe->in.next >= pipe->renew_after &&
               !pipe->renew_is_asked) {
        pipe->renew_is_asked = true;
        wake_sender(pipe);
    }
    return true;
}

bool pipe_receive(struct pipe *pipe, enum pipe_kind *kind,
                  struct rotor_bytes *content)
{
    struct rotor_bytes frame;
    while (!pipe->peer_is_done && take_frame(pipe, &frame)) {
        struct rotor_bytes rest = bytes_of(frame.data + 1, frame.size - 1);
        if (frame.data[0] == PIPE_RECORD) {
            if (!take_record(pipe, rest)) {
                return false;
            }
            continue;
        }
        if (rest.size > sizeof pipe->handshake) {
            return give_up(pipe, "the peer does not speak this protocol");
        }
        // A copy: the handler may receive further frames.
        memcpy(pipe->handshake, rest.data, rest.size);
        *kind = (enum pipe_kind)frame.data[0];
        *content = bytes_of(pipe->handshake, rest.size);
        return true;
    }
    return false;
}

bool pipe_run(struct pipe *pipe, const char **why)
{
    pthread_t sender;
    enum pipe_kind kind = PIPE_RECORD;
    struct rotor_bytes content;
    pipe->why = NULL;
    if (pthread_create(&sender, NULL, pump_out, pipe) != 0) {
        *why = "no thread";
        return false;
    }
    while (pipe_receive(pipe, &kind, &content)) {
        if (!pipe->side->take(pipe->side->context, pipe, kind, content)) {
            (void)give_up(pipe, "the handshake of new keys failed");
            break;
        }
    }
    if (pipe->side->over != NULL) {
        pipe->side->over(pipe->side->context);
    }
    if (!pipe->peer_is_done || pipe->why != NULL) {
        // The sender may wait for stdin for ever: it ends with the process.
        (void)pthread_detach(sender);
        *why = pipe->why;
        return false;
    }
    (void)pthread_join(sender, NULL);
    *why = "the peer stopped listening";
    return !pipe->is_broken;
}
