// SPDX-License-Identifier: Apache-2.0
// `rotor session connect`: the relying party's end.  It judges the device like
// rotor verify does, then talks under the keys of that very answer.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "app/rotor/catch_up.h"
#include "app/rotor/explain.h"
#include "app/rotor/reliance.h"
#include "app/rotor/relying.h"
#include "app/rotor/session.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "verify/session.h"

// A new session long before the hour and the 2^24 records of the protocol.
#define RENEW_EVERY_MS (50u * 60u * 1000u)
#define RENEW_RECORDS  ((uint64_t)1 << 23)

struct requester {
    struct run *run;
    struct reliance reliance;
    struct relying_options options;
    struct relying party;
    struct relying_report report;
    struct pipe pipe;
    bool is_running; // the receiver's thread takes what comes

    // The answer that the receiver's thread hands to the sender's.
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool has_answer;
    enum pipe_kind answer_kind;
    size_t answer_size;
    uint8_t answer[PIPE_HANDSHAKE_MAX];

    struct chain_records next_in; // from FIN to SWITCH; under `lock`
};

// ---- asking through the pipe -----------------------------------------------

static bool await(struct requester *requester, enum pipe_kind *kind,
                  struct rotor_bytes *content)
{
    if (!requester->is_running) {
        return pipe_receive(&requester->pipe, kind, content);
    }
    (void)pthread_mutex_lock(&requester->lock);
    while (!requester->has_answer && !requester->pipe.peer_has_closed &&
           requester->pipe.why == NULL) {
        (void)pthread_cond_wait(&requester->arrived, &requester->lock);
    }
    bool has_answer = requester->has_answer;
    requester->has_answer = false;
    (void)pthread_mutex_unlock(&requester->lock);
    *kind = requester->answer_kind;
    *content = bytes_of(requester->answer, requester->answer_size);
    return has_answer;
}

static enum rotor_status refused(struct rotor_bytes content,
                                 struct relying_refusal *refusal)
{
    struct wire_client_reply reply;
    *refusal = (struct relying_refusal){0};
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_REPLY, content, &reply) !=
        ROTOR_OK) {
        return ROTOR_MALFORMED;
    }
    refusal->code = reply.code;
    refusal->error = reply.error;
    refusal->detail = reply.detail;
    for (size_t i = 0; i < reply.text.size && i < sizeof refusal->text - 1;
         i++) {
        uint8_t byte = reply.text.data[i]; // shown on a terminal: ASCII only
        refusal->text[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    return ROTOR_FORBIDDEN;
}

static enum rotor_status ask(void *context, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_room *reply,
                             struct relying_refusal *refusal)
{
    struct requester *requester = context;
    bool is_attest = op == WIRE_OP_ATTEST;
    enum pipe_kind kind = PIPE_RECORD;
    struct rotor_bytes content;
    if (!is_attest && op != WIRE_OP_LOG_GET) {
        return ROTOR_INVALID;
    }
    if (!pipe_send(&requester->pipe, is_attest ? PIPE_REQUEST : PIPE_LOG_GET,
                   payload) ||
        !await(requester, &kind, &content)) {
        return ROTOR_PORT_FAILED;
    }
    if (kind == PIPE_FAILED) {
        return refused(content, refusal);
    }
    bool is_answer = kind == (is_attest ? PIPE_RESPONSE : PIPE_LOG_ENTRIES);
    return is_answer ? bytes_copy(reply, content) : ROTOR_MALFORMED;
}

// ---- the handshake ---------------------------------------------------------

// Everything secret of one handshake, in one place, wiped once.
struct handshake {
    uint8_t seed[CRYPTO_SEED_MAX];
    struct crypto_key ephemeral;
    struct verify_session session;
    struct chain_records out;
    struct chain_records in;
};

static enum rotor_status make_ephemeral(struct requester *requester,
                                        struct handshake *handshake,
                                        struct rotor_room *point)
{
    uint32_t suite = requester->party.store.trust.suite;
    const struct crypto_suite *known = crypto_suite_of(suite);
    if (known == NULL) {
        return ROTOR_INVALID;
    }
    size_t size = crypto_sizes(known->agree).seed;
    if (getrandom(handshake->seed, size, 0) != (ssize_t)size) {
        return ROTOR_PORT_FAILED;
    }
    TRY(crypto_key_derive(&handshake->ephemeral, known->agree,
                          handshake->seed));
    return chain_point_encode(&handshake->ephemeral, point);
}

static bool attest_once(struct requester *requester,
                        struct handshake *handshake)
{
    uint8_t memory[CHAIN_POINT_MAX];
    struct rotor_room point = ROOM_OF(memory);
    const struct relying_device device = {requester, ask};
    crypto_key_close(&handshake->ephemeral);
    if (!relying_meet(&requester->party, &device, &requester->report)) {
        return false;
    }
    if (make_ephemeral(requester, handshake, &point) != ROTOR_OK) {
        return relying_end(&requester->report.outcome, CAUSE_PLATFORM, NULL,
                           "no key for the exchange");
    }
    const struct relying_wish wish = {
        .purpose = WIRE_PURPOSE_SESSION,
        .e_r = bytes_in(&point),
        .suite = requester->party.store.trust.suite,
    };
    return relying_attest(&requester->party, &device, &wish,
                          &requester->report);
}

// The device may have rotated to another suite: catch up, then ask again.
static bool attest(struct requester *requester, struct handshake *handshake)
{
    const struct relying_device device = {requester, ask};
    const struct relying_wish head = {.purpose = WIRE_PURPOSE_HEAD};
    uint32_t suite = requester->party.store.trust.suite;
    if (attest_once(requester, handshake)) {
        return true;
    }
    struct relying_outcome first = requester->report.outcome;
    if (suite != 0 &&
        relying_attest(&requester->party, &device, &head, &requester->report) &&
        requester->party.store.trust.suite != suite) {
        return attest_once(requester, handshake);
    }
    requester->report.outcome = first;
    return false;
}

static bool shake_with(struct requester *requester, struct handshake *handshake)
{
    uint8_t memory[256];
    struct rotor_room fin = ROOM_OF(memory);
    struct relying_outcome *outcome = &requester->report.outcome;
    bool is_confirmed = false;
    bool is_attested = attest(requester, handshake);
    explain_recoveries(&requester->report);
    requester->report.recoveries = 0; // told once
    if (!is_attested) {
        return false;
    }
    struct verify_session *session = &handshake->session;
    if (verify_session_confirm(&requester->report.answer, &handshake->ephemeral,
                               session, &fin, &is_confirmed) != ROTOR_OK ||
        !is_confirmed) {
        return relying_end(outcome, CAUSE_SESSION_BROKEN, NULL,
                           "the device did not confirm the session's keys");
    }
    if (chain_records_open(&handshake->out, session->suite, &session->keys.r2a,
                           session->sid) != ROTOR_OK ||
        chain_records_open(&handshake->in, session->suite, &session->keys.a2r,
                           session->sid) != ROTOR_OK) {
        return relying_end(outcome, CAUSE_PLATFORM, NULL, "no record keys");
    }
    (void)pthread_mutex_lock(&requester->lock);
    requester->next_in = handshake->in;
    handshake->in = (struct chain_records){0};
    (void)pthread_mutex_unlock(&requester->lock);
    return pipe_switch_out(&requester->pipe, PIPE_FIN, bytes_in(&fin),
                           &handshake->out) ||
           relying_end(outcome, CAUSE_SESSION_BROKEN, NULL,
                       "the connection ended");
}

static bool shake(struct requester *requester)
{
    static struct handshake handshake;
    bool is_done =
        relying_resume(&requester->party, &requester->report.outcome) &&
        shake_with(requester, &handshake);
    relying_rest(&requester->party);
    crypto_key_close(&handshake.ephemeral);
    verify_session_wipe(&handshake.session);
    chain_records_close(&handshake.out);
    chain_records_close(&handshake.in);
    secret_wipe(&handshake, sizeof handshake);
    return is_done;
}

// ---- under way -------------------------------------------------------------

// One change of keys at a time: waits until the device has changed too.
static void await_switch(struct requester *requester)
{
    (void)pthread_mutex_lock(&requester->lock);
    while (requester->next_in.is_open && !requester->pipe.peer_has_closed &&
           requester->pipe.why == NULL) {
        (void)pthread_cond_wait(&requester->arrived, &requester->lock);
    }
    (void)pthread_mutex_unlock(&requester->lock);
}

static bool renew(void *context, struct pipe *pipe)
{
    struct requester *requester = context;
    bool is_done = shake(requester);
    if (is_done) {
        await_switch(requester);
    }
    // A peer that is done while we ask needs no new keys.
    return is_done || pipe->peer_has_closed;
}

static bool take_switch(struct requester *requester)
{
    (void)pthread_mutex_lock(&requester->lock);
    bool is_expected = requester->next_in.is_open;
    if (is_expected) {
        pipe_switch_in(&requester->pipe, &requester->next_in);
        (void)pthread_cond_signal(&requester->arrived);
    }
    (void)pthread_mutex_unlock(&requester->lock);
    return is_expected;
}

static bool take(void *context, struct pipe *pipe, enum pipe_kind kind,
                 struct rotor_bytes content)
{
    struct requester *requester = context;
    (void)pipe;
    if (kind == PIPE_SWITCH) {
        return take_switch(requester);
    }
    if (kind != PIPE_RESPONSE && kind != PIPE_LOG_ENTRIES &&
        kind != PIPE_FAILED) {
        return false;
    }
    (void)pthread_mutex_lock(&requester->lock);
    bool is_unasked = requester->has_answer;
    if (!is_unasked) {
        memcpy(requester->answer, content.data, content.size);
        requester->answer_size = content.size;
        requester->answer_kind = kind;
        requester->has_answer = true;
        (void)pthread_cond_signal(&requester->arrived);
    }
    (void)pthread_mutex_unlock(&requester->lock);
    return !is_unasked;
}

// The sender may wait for an answer that cannot come any more.
static void over(void *context)
{
    struct requester *requester = context;
    (void)pthread_mutex_lock(&requester->lock);
    (void)pthread_cond_signal(&requester->arrived);
    (void)pthread_mutex_unlock(&requester->lock);
}

static int talk(struct requester *requester)
{
    enum pipe_kind kind = PIPE_RECORD;
    struct rotor_bytes content;
    const char *why = NULL;
    const struct relying_outcome *outcome = &requester->report.outcome;
    if (!relying_open(&requester->party, &requester->options,
                      &requester->report.outcome) ||
        !shake(requester)) {
        return session_fail(requester->run, outcome->cause, outcome->hint,
                            outcome->reason);
    }
    if (!pipe_receive(&requester->pipe, &kind, &content) ||
        kind != PIPE_SWITCH || !take_switch(requester)) {
        return session_fail(requester->run, CAUSE_SESSION_BROKEN, NULL,
                            "the device did not take the session up");
    }
    requester->is_running = true;
    if (!pipe_run(&requester->pipe, &why)) {
        bool is_handshake = outcome->reason[0] != '\0' && !outcome->is_accepted;
        return session_fail(requester->run,
                            is_handshake ? outcome->cause
                                         : CAUSE_SESSION_BROKEN,
                            NULL, is_handshake ? outcome->reason : why);
    }
    return session_end(requester->run, &requester->pipe);
}

static int connect_and_talk(struct requester *requester, const char *address)
{
    char message[320];
    struct rotor_client *connection = NULL;
    const struct pipe_side side = {requester, take, renew, over};
    uint64_t renew_after = requester->pipe.renew_after;
    enum rotor_status status = rotor_client_connect(&connection, address);
    if (status != ROTOR_OK) {
        (void)snprintf(message, sizeof message, "%s: %s", address,
                       status == ROTOR_INVALID ? "expected HOST:PORT"
                                               : strerror(errno));
        return session_fail(requester->run,
                            status == ROTOR_INVALID ? CAUSE_USAGE
                                                    : CAUSE_DAEMON_DOWN,
                            "does rotor session listen run there?", message);
    }
    pipe_init(&requester->pipe, rotor_client_fd(connection), &side);
    requester->pipe.renew_after = renew_after;
    requester->pipe.renew_every_ms = RENEW_EVERY_MS;
    int code = talk(requester);
    pipe_close(&requester->pipe);
    chain_records_close(&requester->next_in);
    relying_close(&requester->party);
    rotor_client_close(connection);
    return code;
}

int session_connect(struct run *run, int count, char **arguments)
{
    static struct requester requester = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                         .arrived = PTHREAD_COND_INITIALIZER};
    int code = EXIT_ACCEPTED;
    requester.run = run;
    requester.pipe.renew_after = RENEW_RECORDS;
    const struct flag flags[] = {
        RELIANCE_FLAGS(&requester.reliance),
        {"--renew-after", "RECORDS", FLAG_NUMBER, &requester.pipe.renew_after,
                               "new keys after so many records"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || requester.pipe.renew_after == 0 ||
        requester.pipe.renew_after > RENEW_RECORDS) {
        return session_fail(
            run, CAUSE_USAGE,
            "rotor session connect HOST:PORT --log-id SHA256:...",
            "expected one HOST:PORT, and 1 to 2^23 records");
    }
    if (!reliance_settle(run, &requester.reliance, &requester.options, &code)) {
        return code;
    }
    if (wire_digest_is_empty(&requester.options.log_id) &&
        !requester.options.trusts_first_use) {
        return session_fail(run, CAUSE_USAGE,
                            "pin it with --log-id, which its operator reads in "
                            "rotor status; or --trust-on-first-use",
                            "which log is expected there?");
    }
    return connect_and_talk(&requester, arguments[0]);
}
