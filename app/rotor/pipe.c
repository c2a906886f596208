// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/pipe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"

#define FRAME_HEAD   5u // be32 size, kind
#define RECORD_HEAD  9u // be64 i, type
#define PLAIN_OFFSET (FRAME_HEAD + RECORD_HEAD)
#define CHUNK_OFFSET (PLAIN_OFFSET + 1u)

void pipe_init(struct pipe *pipe, int fd, const struct pipe_side *side)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->fd = fd;
    pipe->side = side;
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

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

// Seals kind || content, which stands at PLAIN_OFFSET of `memory`, where it is
// and sends it.  Under `sending`.
static bool send_sealed(struct pipe *pipe, uint8_t *memory,
                        enum chain_record_type type, size_t size)
{
    struct rotor_room record = {memory + FRAME_HEAD,
                                CHAIN_RECORD_OVERHEAD + 1 + PIPE_CHUNK, 0};
    if (chain_record_seal(&pipe->out, type,
                          bytes_of(memory + PLAIN_OFFSET, size),
                          &record) != ROTOR_OK) {
        return false;
    }
    bytes_put_be32(memory, (uint32_t)record.used + 1);
    memory[4] = PIPE_RECORD;
    return send_all(pipe->fd, bytes_of(memory, FRAME_HEAD + record.used));
}

// Under `sending`.
static bool send_frame(struct pipe *pipe, enum pipe_kind kind,
                       struct rotor_bytes content)
{
    uint8_t *memory = pipe->sealed_memory;
    if (content.size > PIPE_HANDSHAKE_MAX) {
        return false;
    }
    size_t at = pipe->has_keys ? PLAIN_OFFSET : 4;
    memory[at] = (uint8_t)kind;
    if (content.size != 0) {
        memcpy(memory + at + 1, content.data, content.size);
    }
    if (pipe->has_keys) {
        return send_sealed(pipe, memory, CHAIN_RECORD_DATA, content.size + 1);
    }
    bytes_put_be32(memory, (uint32_t)content.size + 1);
    return send_all(pipe->fd, bytes_of(memory, FRAME_HEAD + content.size));
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
    pipe->has_keys = true;
    pipe->switched_ms = now_ms();
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

// `size` bytes of data stand at CHUNK_OFFSET; *records tells how many went out
// under these keys.
static bool send_data(struct pipe *pipe, size_t size, uint64_t *records)
{
    pipe->send_memory[PLAIN_OFFSET] = PIPE_RECORD;
    (void)pthread_mutex_lock(&pipe->sending);
    bool sent =
        send_sealed(pipe, pipe->send_memory, CHAIN_RECORD_DATA, size + 1);
    *records = pipe->out.next;
    (void)pthread_mutex_unlock(&pipe->sending);
    return sent;
}

static bool send_close(struct pipe *pipe)
{
    (void)pthread_mutex_lock(&pipe->sending);
    bool sent = send_sealed(pipe, pipe->send_memory, CHAIN_RECORD_CLOSE, 0);
    pipe->has_closed = true;
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
    if (got <= 0) {
        return pipe_send(pipe, PIPE_DONE, bytes_of(NULL, 0));
    }
    if (!send_data(pipe, (size_t)got, &records)) {
        return false;
    }
    pipe->count.bytes_out += (uint64_t)got;
    bool is_due = pipe->side->renew != NULL && pipe->renew_after != 0 &&
                  records >= pipe->renew_after;
    return !is_due || pipe->side->renew(pipe->side->context, pipe);
}

static bool pump(struct pipe *pipe, bool *is_open)
{
    struct pollfd ready[] = {
        {pipe->wake,                   POLLIN, 0},
        {*is_open ? STDIN_FILENO : -1, POLLIN, 0}
    };
    uint64_t count = 0;
    uint64_t age_ms = now_ms() - pipe->switched_ms;
    uint64_t life_ms = pipe->renew_every_ms;
    int wait_ms = life_ms == 0       ? -1
                  : age_ms < life_ms ? (int)(life_ms - age_ms)
                                     : 0;
    if (poll(ready, COUNT_OF(ready), wait_ms) < 0) {
        return errno == EINTR;
    }
    bool is_woken =
        ready[0].revents != 0 &&
        read(pipe->wake, &count, sizeof count) == (ssize_t)sizeof count;
    bool is_old = life_ms != 0 && age_ms >= life_ms;
    bool is_due = ((is_woken && pipe->renew_is_asked) || is_old) &&
                  !pipe->peer_has_closed && pipe->side->renew != NULL;
    if (is_due && !pipe->side->renew(pipe->side->context, pipe)) {
        return false;
    }
    return ready[1].revents == 0 || pump_chunk(pipe, is_open);
}

static void *pump_out(void *context)
{
    struct pipe *pipe = context;
    bool is_open = true;
    bool goes_on = true;
    while (goes_on && (is_open || !pipe->peer_is_done)) {
        goes_on = pump(pipe, &is_open);
    }
    if (!goes_on || !send_close(pipe)) {
        pipe->is_broken = true;
        (void)shutdown(pipe->fd, SHUT_RDWR); // wakes the receiver
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

// Asks for new keys where enough came in under these.
static void note_record(struct pipe *pipe)
{
    if (pipe->renew_after != 0 && pipe->in.next >= pipe->renew_after &&
        !pipe->renew_is_asked) {
        pipe->renew_is_asked = true;
        wake_sender(pipe);
    }
}

// One record, unsealed where it lies: *plain is kind || content, or empty when
// the peer is done.
static bool open_record(struct pipe *pipe, struct rotor_bytes record,
                        struct rotor_bytes *plain)
{
    enum chain_record_type type = CHAIN_RECORD_DATA;
    struct rotor_room room = {(uint8_t *)(uintptr_t)record.data + RECORD_HEAD,
                              record.size, 0};
    if (chain_record_unseal(&pipe->in, record, &type, &room) != ROTOR_OK) {
        return give_up(pipe,
                       "a record was altered, lost or repeated on the way");
    }
    *plain = bytes_in(&room);
    if (type == CHAIN_RECORD_CLOSE) {
        *plain = bytes_of(NULL, 0);
        pipe->peer_has_closed = true;
        return true;
    }
    note_record(pipe);
    return plain->size != 0 ||
           give_up(pipe, "the peer does not speak this protocol");
}

bool pipe_receive(struct pipe *pipe, enum pipe_kind *kind,
                  struct rotor_bytes *content)
{
    struct rotor_bytes frame;
    while (!pipe->peer_has_closed && take_frame(pipe, &frame)) {
        bool is_record = frame.data[0] == PIPE_RECORD;
        if (is_record != pipe->in.is_open) {
            return give_up(pipe, "the peer does not speak this protocol");
        }
        if (is_record &&
            !open_record(pipe, bytes_of(frame.data + 1, frame.size - 1),
                         &frame)) {
            return false;
        }
        if (frame.size == 0) {
            return false; // CLOSE
        }
        struct rotor_bytes rest = bytes_of(frame.data + 1, frame.size - 1);
        if (is_record && frame.data[0] == PIPE_RECORD) {
            pipe->count.bytes_in += rest.size;
            if (!write_all(rest)) {
                return give_up(pipe, "stdout cannot be written");
            }
            continue;
        }
        if (is_record && frame.data[0] == PIPE_DONE) {
            pipe->peer_is_done = true;
            wake_sender(pipe);
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
        // A question that crossed our CLOSE needs no answer any more.
        bool is_late = pipe->has_closed;
        if (!is_late &&
            !pipe->side->take(pipe->side->context, pipe, kind, content)) {
            (void)give_up(pipe, "the handshake of new keys failed");
            break;
        }
    }
    if (pipe->side->over != NULL) {
        pipe->side->over(pipe->side->context);
    }
    if (!pipe->peer_has_closed || pipe->why != NULL) {
        // The sender may wait for stdin for ever: it ends with the process.
        (void)pthread_detach(sender);
        *why = pipe->why;
        return false;
    }
    (void)pthread_join(sender, NULL);
    *why = "the peer stopped listening";
    return pipe->has_closed && !pipe->is_broken;
}
