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

// Takes the frame at the front of what was received, if it is whole.
static bool take_frame(const struct pipe *pipe, size_t offset,
                       enum pipe_kind *kind, struct rotor_bytes *content,
                       bool *is_bad)
{
    size_t left = pipe->received - offset;
    *is_bad = false;
    if (left < FRAME_HEAD) {
        return false;
    }
    uint32_t size = bytes_be32(pipe->receive_memory + offset);
    *is_bad = size == 0 || size > PIPE_FRAME_MAX;
    if (*is_bad || left < 4 + (size_t)size) {
        return false;
    }
    *kind = (enum pipe_kind)pipe->receive_memory[offset + 4];
    *content = bytes_of(pipe->receive_memory + offset + FRAME_HEAD, size - 1);
    return true;
}

static bool fill(struct pipe *pipe)
{
    ssize_t got = 0;
    do {
        got = recv(pipe->fd, pipe->receive_memory + pipe->received,
                   sizeof pipe->receive_memory - pipe->received, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return false;
    }
    pipe->received += (size_t)got;
    return true;
}

static void forget(struct pipe *pipe, size_t offset)
{
    pipe->received -= offset;
    memmove(pipe->receive_memory, pipe->receive_memory + offset,
            pipe->received);
}

bool pipe_receive(struct pipe *pipe, enum pipe_kind *kind,
                  struct rotor_bytes *content)
{
    bool is_bad = false;
    forget(pipe, pipe->given);
    pipe->given = 0;
    while (!take_frame(pipe, 0, kind, content, &is_bad)) {
        if (is_bad || !fill(pipe)) {
            return false;
        }
    }
    pipe->given = FRAME_HEAD + content->size;
    return true;
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

// One record, unsealed where it lies; *is_over when the peer is done.
static bool take_record(struct pipe *pipe, struct rotor_bytes record,
                        bool *is_over, const char **why)
{
    enum chain_record_type type = CHAIN_RECORD_DATA;
    struct rotor_room plaintext = {
        (uint8_t *)(uintptr_t)record.data + RECORD_HEAD, record.size, 0};
    if (chain_record_unseal(&pipe->in, record, &type, &plaintext) != ROTOR_OK) {
        *why = "a record was altered, lost or repeated on the way";
        return false;
    }
    *is_over = type == CHAIN_RECORD_CLOSE;
    pipe->count.bytes_in += plaintext.used;
    if (!write_all(bytes_in(&plaintext))) {
        *why = "stdout cannot be written";
        return false;
    }
    return renew_if_due(pipe, pipe->in.next);
}

static bool take_all(struct pipe *pipe, bool *is_over, const char **why)
{
    enum pipe_kind kind = PIPE_RECORD;
    struct rotor_bytes content;
    size_t offset = 0;
    bool is_bad = false;
    while (!*is_over && take_frame(pipe, offset, &kind, &content, &is_bad)) {
        if (kind == PIPE_RECORD) {
            if (!take_record(pipe, content, is_over, why)) {
                return false;
            }
        } else if (!pipe->side->take(pipe->side->context, pipe, kind,
                                     content)) {
            *why = "the handshake of new keys failed";
            return false;
        }
        offset += FRAME_HEAD + content.size;
    }
    forget(pipe, offset);
    if (is_bad) {
        *why = "the peer does not speak this protocol";
    }
    return !is_bad;
}

bool pipe_run(struct pipe *pipe, const char **why)
{
    pthread_t sender;
    bool is_over = false;
    *why = "the connection ended before the peer said that it was done";
    forget(pipe, pipe->given);
    pipe->given = 0;
    if (pthread_create(&sender, NULL, pump_out, pipe) != 0) {
        *why = "no thread";
        return false;
    }
    bool is_good = take_all(pipe, &is_over, why);
    while (is_good && !is_over) {
        is_good = fill(pipe) && take_all(pipe, &is_over, why);
    }
    if (!is_good) {
        // The sender may wait for stdin for ever: it ends with the process.
        (void)pthread_detach(sender);
        return false;
    }
    (void)pthread_join(sender, NULL);
    return !atomic_load(&pipe->is_broken);
}
