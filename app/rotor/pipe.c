// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/pipe.h"

#include <errno.h>
#include <string.h>
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
    (void)pthread_mutex_init(&pipe->sending, NULL);
}

void pipe_close(struct pipe *pipe)
{
    chain_records_close(&pipe->out);
    chain_records_close(&pipe->in);
    (void)pthread_mutex_destroy(&pipe->sending);
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

static bool renew_if_due(struct pipe *pipe, uint64_t records)
{
    bool is_due = pipe->side->renew != NULL && pipe->renew_after != 0 &&
                  records >= pipe->renew_after;
    return !is_due || pipe->side->renew(pipe->side->context, pipe);
}

static void *pump_out(void *context)
{
    struct pipe *pipe = context;
    uint64_t records = 0;
    bool goes_on = true;
    while (goes_on) {
        ssize_t got =
            read(STDIN_FILENO, pipe->send_memory + CHUNK_OFFSET, PIPE_CHUNK);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        bool is_over = got <= 0;
        goes_on =
            send_record(pipe, is_over ? CHAIN_RECORD_CLOSE : CHAIN_RECORD_DATA,
                        is_over ? 0 : (size_t)got, &records);
        if (!goes_on) {
            atomic_store(&pipe->is_broken, true);
            (void)shutdown(pipe->fd, SHUT_RDWR); // wakes the receiver
        }
        if (is_over) {
            break;
        }
        pipe->count.bytes_out += (uint64_t)got;
        goes_on = goes_on && renew_if_due(pipe, records);
    }
    return NULL;
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
    pipe->peer_is_done = type == CHAIN_RECORD_CLOSE;
    pipe->count.bytes_in += plaintext.used;
    if (!write_all(bytes_in(&plaintext))) {
        return give_up(pipe, "stdout cannot be written");
    }
    return renew_if_due(pipe, pipe->in.next);
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
    if (!pipe->peer_is_done || pipe->why != NULL) {
        // The sender may wait for stdin for ever: it ends with the process.
        (void)pthread_detach(sender);
        *why = pipe->why;
        return false;
    }
    (void)pthread_join(sender, NULL);
    *why = "the peer stopped listening";
    return !atomic_load(&pipe->is_broken);
}
