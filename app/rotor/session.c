// SPDX-License-Identifier: Apache-2.0
// `rotor session`: a connection between two machines under keys that hang on
// the root of trust of the listening one.  The device's end.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/rotor/session.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "wire/client.h"

// ---- what both ends say ----------------------------------------------------

int session_end(const struct run *run, const struct pipe *pipe)
{
    if (run->is_json) {
        struct json out;
        json_open(&out, stderr); // stdout carries the data
        json_text(&out, "schema", "rotor/session/1");
        json_bool(&out, "ok", true);
        json_number(&out, "bytes_out", pipe->count.bytes_out);
        json_number(&out, "bytes_in", pipe->count.bytes_in);
        json_number(&out, "sessions", pipe->count.sessions);
        json_end(&out);
    }
    return EXIT_ACCEPTED;
}

int session_fail(const struct run *run, enum cause cause, const char *hint,
                 const char *message)
{
    struct run plain = *run;
    if (run->is_json) {
        struct json out;
        json_open(&out, stderr);
        json_text(&out, "schema", "rotor/session/1");
        json_bool(&out, "ok", false);
        json_open_object(&out, "error");
        json_error(&out, run, cause, hint, message);
        json_end(&out);
        return (int)cause_exit(cause);
    }
    return fail(&plain, cause, hint, "%s", message);
}

// ---- the listener ----------------------------------------------------------

struct listener {
    struct run *run;
    struct rotor_client *client; // of rotord
    struct wire_digest log_id;
    bool is_established;
};

static enum rotor_status ask(struct listener *listener, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_completion *answer)
{
    const struct rotor_request request = {.op = op, .payload = payload};
    uint64_t id = 0;
    TRY(rotor_client_submit(listener->client, &request, &id));
    return rotor_client_wait(listener->client, id, 12000, answer);
}

// Says why a request was not served, as the RTP would.
static bool send_refusal(struct pipe *pipe,
                         const struct wire_client_reply *content)
{
    uint8_t memory[1024];
    struct rotor_room refusal = ROOM_OF(memory);
    return wire_message_encode(&WIRE_LAYOUT_CLIENT_REPLY, content, &refusal) ==
               ROTOR_OK &&
           pipe_send(pipe, PIPE_FAILED, bytes_in(&refusal));
}

static bool send_failure(struct pipe *pipe, uint64_t op,
                         enum wire_client_code code, struct rotor_bytes text)
{
    const struct wire_client_reply content = {
        .op = op, .code = code, .has_text = true, .text = text};
    return send_refusal(pipe, &content);
}

// Passes a request on to the RTP and its answer back.
static bool relay(struct listener *listener, struct pipe *pipe, uint64_t op,
                  struct rotor_bytes content, enum pipe_kind reply)
{
    struct rotor_completion answer;
    if (ask(listener, op, content, &answer) != ROTOR_OK) {
        (void)send_failure(pipe, op, WIRE_CLIENT_UNAVAILABLE,
                           LABEL("rotord does not answer"));
        return false;
    }
    if (answer.code != WIRE_CLIENT_OK) {
        const struct wire_client_reply content_of = {
            .op = op,
            .code = answer.code,
            .has_text = true,
            .text = answer.text,
            .has_error = true,
            .error = answer.error,
            .has_detail = true,
            .detail = answer.detail,
        };
        return send_refusal(pipe, &content_of);
    }
    return pipe_send(pipe, reply, answer.payload);
}

static enum rotor_status open_records(const struct wire_session_keyed *keyed,
                                      struct chain_records *out,
                                      struct chain_records *in)
{
    struct chain_traffic a2r;
    struct chain_traffic r2a;
    memcpy(a2r.key, keyed->a2r_key.data, sizeof a2r.key);
    memcpy(a2r.iv, keyed->a2r_iv.data, sizeof a2r.iv);
    memcpy(r2a.key, keyed->r2a_key.data, sizeof r2a.key);
    memcpy(r2a.iv, keyed->r2a_iv.data, sizeof r2a.iv);
    uint32_t suite = (uint32_t)keyed->suite;
    enum rotor_status status =
        chain_records_open(out, suite, &a2r, keyed->sid.data);
    if (status == ROTOR_OK) {
        status = chain_records_open(in, suite, &r2a, keyed->sid.data);
    }
    secret_wipe(&a2r, sizeof a2r);
    secret_wipe(&r2a, sizeof r2a);
    return status;
}

// The key handle is the sid; the RTP hands the keys out once FIN verified.
static bool fetch_keys(struct listener *listener, struct rotor_bytes sid,
                       struct chain_records *out, struct chain_records *in)
{
    uint8_t memory[128];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    struct wire_session_keyed keyed;
    const struct wire_session_key wanted = {.log_id = listener->log_id,
                                            .sid = sid};
    return wire_message_encode(&WIRE_LAYOUT_SESSION_KEY, &wanted, &payload) ==
               ROTOR_OK &&
           ask(listener, WIRE_OP_SESSION_KEY, bytes_in(&payload), &answer) ==
               ROTOR_OK &&
           answer.code == WIRE_CLIENT_OK &&
           wire_message_decode(&WIRE_LAYOUT_SESSION_KEYED, answer.payload,
                               &keyed) == ROTOR_OK &&
           open_records(&keyed, out, in) == ROTOR_OK;
}

static bool finish(struct listener *listener, struct pipe *pipe,
                   struct rotor_bytes content)
{
    struct wire_session_fin fin;
    struct rotor_completion answer;
    struct chain_records out = {0};
    struct chain_records in = {0};
    bool is_confirmed =
        wire_message_decode(&WIRE_LAYOUT_SESSION_FIN, content, &fin) ==
            ROTOR_OK &&
        ask(listener, WIRE_OP_SESSION_FIN, content, &answer) == ROTOR_OK &&
        answer.code == WIRE_CLIENT_OK;
    if (!is_confirmed || !fetch_keys(listener, fin.sid, &out, &in)) {
        (void)send_failure(pipe, WIRE_OP_SESSION_FIN, WIRE_CLIENT_REFUSED,
                           LABEL("the session is not confirmed"));
        return false;
    }
    listener->is_established = true;
    pipe_switch_in(pipe, &in);
    return pipe_switch_out(pipe, PIPE_SWITCH, bytes_of(NULL, 0), &out);
}

static bool take(void *context, struct pipe *pipe, enum pipe_kind kind,
                 struct rotor_bytes content)
{
    struct listener *listener = context;
    switch (kind) {
    case PIPE_REQUEST:
        return relay(listener, pipe, WIRE_OP_ATTEST, content, PIPE_RESPONSE);
    case PIPE_LOG_GET:
        return relay(listener, pipe, WIRE_OP_LOG_GET, content,
                     PIPE_LOG_ENTRIES);
    case PIPE_FIN:
        return finish(listener, pipe, content);
    case PIPE_RESPONSE:
    case PIPE_RECORD:
    case PIPE_LOG_ENTRIES:
    case PIPE_FAILED:
    case PIPE_SWITCH:
    case PIPE_DONE:
        break;
    }
    return false;
}

static int serve(struct listener *listener, int fd)
{
    static struct pipe pipe;
    const struct pipe_side side = {listener, take, NULL, NULL};
    enum pipe_kind kind = PIPE_RECORD;
    struct rotor_bytes content;
    const char *why = "the far side ended before the session was confirmed";
    bool goes_on = true;
    pipe_init(&pipe, fd, &side);
    while (goes_on && !listener->is_established) {
        goes_on = pipe_receive(&pipe, &kind, &content) &&
                  take(listener, &pipe, kind, content);
    }
    bool is_done = goes_on && pipe_run(&pipe, &why);
    int code =
        is_done ? session_end(listener->run, &pipe)
                : session_fail(listener->run, CAUSE_SESSION_BROKEN, NULL, why);
    pipe_close(&pipe);
    return code;
}

// ---- the socket ------------------------------------------------------------

static int listen_at(const char *address, const char **why)
{
    char text[256];
    const int yes = 1;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)snprintf(text, sizeof text, "%s", address);
    char *port = strrchr(text, ':');
    if (port == NULL) {
        *why = "expected HOST:PORT";
        return -1;
    }
    *port++ = '\0';
    int cause =
        getaddrinfo(text[0] != '\0' ? text : NULL, port, &hints, &found);
    if (cause != 0) {
        *why = gai_strerror(cause);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound =
        fd >= 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    freeaddrinfo(found);
    if (!is_bound) {
        *why = strerror(errno);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

static int accept_one(struct listener *listener, const char *address)
{
    char message[320];
    const char *why = "";
    const int yes = 1;
    int socket_fd = listen_at(address, &why);
    if (socket_fd < 0) {
        (void)snprintf(message, sizeof message, "%s: %s", address, why);
        return session_fail(listener->run, CAUSE_UNREADABLE,
                            "rotor session listen 127.0.0.1:7800", message);
    }
    int fd = accept4(socket_fd, NULL, NULL, SOCK_CLOEXEC);
    close(socket_fd);
    if (fd < 0) {
        return session_fail(listener->run, CAUSE_PLATFORM, NULL,
                            strerror(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int code = serve(listener, fd);
    close(fd);
    return code;
}

static int session_listen(struct run *run, int count, char **arguments)
{
    struct listener listener = {.run = run};
    struct wire_client_status status;
    int code = EXIT_ACCEPTED;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return session_fail(run, CAUSE_USAGE,
                            "rotor session listen 127.0.0.1:7800",
                            "expected one HOST:PORT");
    }
    if (!daemon_open(run, &listener.client, &code)) {
        return code;
    }
    if (daemon_status(run, listener.client, &status, &code)) {
        listener.log_id = status.log_id;
        code = wire_digest_is_empty(&status.log_id)
                   ? session_fail(run, CAUSE_UNAVAILABLE, "rotor status",
                                  "this device has no root of trust yet")
                   : accept_one(&listener, arguments[0]);
    }
    rotor_client_close(listener.client);
    return code;
}

int main_session(struct run *run, int count, char **arguments)
{
    if (count > 0 && strcmp(arguments[0], "listen") == 0) {
        return session_listen(run, count - 1, arguments + 1);
    }
    if (count > 0 && strcmp(arguments[0], "connect") == 0) {
        return session_connect(run, count - 1, arguments + 1);
    }
    int code = EXIT_ACCEPTED;
    int left = count;
    if (!flags_parse(run, NULL, 0, &left, arguments, &code)) {
        return code;
    }
    return session_fail(run, CAUSE_USAGE,
                        "rotor session listen HOST:PORT on the device, rotor "
                        "session connect HOST:PORT at the far side",
                        "expected listen or connect");
}
