// SPDX-License-Identifier: Apache-2.0
// rotor offload: slow work handed to the enclave, many requests in flight, over
// a queue pair of this process or over the daemon's socket.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "app/rotor/command.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"

#define PATIENCE_MS 12000u
#define COUNT_MAX   100000000u

enum work { WORK_ATTEST, WORK_AGREE, WORK_SIGN };
static const char *const WORKS[] = {"attest", "agree", "sign"};

struct offload {
    enum work work;
    uint64_t count;
    uint64_t outstanding;
    bool is_by_socket;
    struct wire_digest log_id;
    uint64_t suite;
    uint8_t share[1 + CRYPTO_PUBLIC_MAX]; // the far side's
    size_t share_size;

    struct rotor_client *client;
    uint64_t submitted;
    uint64_t completed;
    uint64_t answered;
    uint64_t timed_out;
    uint64_t refused;
    uint64_t last_id; // of the last completion
    bool is_in_order;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- requests --------------------------------------------------------------

// What a far side would send: a share whose private half is forgotten.
static enum rotor_status make_share(struct offload *o)
{
    const struct crypto_suite *suite = crypto_suite_of(o->suite);
    uint8_t seed[CRYPTO_SEED_MAX];
    struct crypto_key key = {0};
    if (suite == NULL ||
        getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        return ROTOR_PORT_FAILED;
    }
    size_t head = suite->agree == CRYPTO_X25519 ? 0 : 1;
    struct rotor_room room = {o->share + head, CRYPTO_PUBLIC_MAX, 0};
    o->share[0] = 4; // an uncompressed point
    enum rotor_status status = crypto_key_derive(&key, suite->agree, seed);
    if (status == ROTOR_OK) {
        status = crypto_key_public(&key, &room);
    }
    crypto_key_close(&key);
    secret_wipe(seed, sizeof seed);
    o->share_size = head + room.used;
    return status;
}

static enum rotor_status submit_attest(struct offload *o, const uint8_t *fresh,
                                       uint64_t *id)
{
    uint8_t memory[512];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_attest_req content = {
        .log_id = o->log_id,
        .sid = bytes_of(fresh, WIRE_ID_SIZE),
        .nonce = bytes_of(fresh + WIRE_ID_SIZE, WIRE_NONCE_SIZE),
        .suites = {3, {1, 2, 3}},
        .purpose = WIRE_PURPOSE_ATTEST,
        .want_evidence = 1,
    };
    TRY(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &content, &payload));
    const struct rotor_request request = {.op = WIRE_OP_ATTEST,
                                          .payload = bytes_in(&payload)};
    return rotor_client_submit(o->client, &request, id);
}

static enum rotor_status submit(struct offload *o)
{
    uint8_t fresh[WIRE_ID_SIZE + WIRE_NONCE_SIZE];
    uint64_t id = 0;
    if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh) {
        return ROTOR_PORT_FAILED;
    }
    const struct rotor_agreement agreement = {
        .log_id = wire_digest_bytes(&o->log_id),
        .sid = bytes_of(fresh, WIRE_ID_SIZE),
        .nonce = bytes_of(fresh + WIRE_ID_SIZE, WIRE_NONCE_SIZE),
        .share = bytes_of(o->share, o->share_size),
        .suite = (uint32_t)o->suite,
    };
    const struct rotor_signing signing = {
        .log_id = wire_digest_bytes(&o->log_id),
        .input = bytes_of(fresh, o->suite == 3 ? 48 : 32),
    };
    switch (o->work) {
    case WORK_AGREE:
        return rotor_client_submit_agree(o->client, &agreement, &id);
    case WORK_SIGN:
        return rotor_client_submit_sign(o->client, &signing, &id);
    case WORK_ATTEST:
        break;
    }
    return submit_attest(o, fresh, &id);
}

static bool is_answer(const struct offload *o, struct rotor_bytes payload)
{
    struct rotor_agreed agreed;
    struct rotor_signed signature;
    struct wire_attest_rsp attested;
    switch (o->work) {
    case WORK_AGREE:
        return rotor_agreed_decode(payload, &agreed) == ROTOR_OK;
    case WORK_SIGN:
        return rotor_signed_decode(payload, &signature) == ROTOR_OK &&
               signature.signature.size != 0;
    case WORK_ATTEST:
        break;
    }
    return wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, payload, &attested) ==
           ROTOR_OK;
}

static void count(struct offload *o, const struct rotor_completion *done)
{
    bool is_ok = done->code == WIRE_CLIENT_OK && is_answer(o, done->payload);
    o->completed++;
    o->answered += is_ok ? 1 : 0;
    o->timed_out += done->code == WIRE_CLIENT_TIMEOUT ? 1 : 0;
    o->refused += done->code == WIRE_CLIENT_REFUSED ? 1 : 0;
    o->is_in_order = o->is_in_order && done->id > o->last_id;
    o->last_id = done->id;
}

// Keeps `outstanding` requests in flight until all are answered.
static enum rotor_status work(struct offload *o)
{
    struct rotor_completion done;
    while (o->completed < o->count) {
        enum rotor_status status = ROTOR_OK;
        while (status == ROTOR_OK && o->submitted < o->count &&
               o->submitted - o->completed < o->outstanding) {
            status = submit(o);
            o->submitted += status == ROTOR_OK ? 1 : 0;
        }
        bool may_wait = status == ROTOR_OK || status == ROTOR_AGAIN;
        if (!may_wait) {
            return status;
        }
        TRY(rotor_client_wait(o->client, ROTOR_CLIENT_ANY, PATIENCE_MS, &done));
        count(o, &done);
    }
    return ROTOR_OK;
}

// ---- the command -----------------------------------------------------------

static int explain_no_pair(struct run *run, enum rotor_status status)
{
    if (status == ROTOR_FORBIDDEN) {
        return fail(run, CAUSE_DENIED,
                    "run it as root or as the user of the RTP",
                    "no queue pair for this user");
    }
    if (status == ROTOR_AGAIN) {
        return fail(run, CAUSE_UNAVAILABLE,
                    "rotor status says how many are left and whether programs "
                    "are served",
                    "no queue pair is left, or no program is served");
    }
    if (status == ROTOR_MALFORMED) {
        return fail(run, CAUSE_NOT_SUPPORTED,
                    "rotor and rotord must be of one version",
                    "rotord speaks another version of the protocol");
    }
    return fail(run, CAUSE_DAEMON_DOWN, "see: rotor doctor",
                "no queue pair: %s", strerror(errno));
}

static int open_way(struct run *run, struct offload *o)
{
    struct rotor_client *daemon = NULL;
    struct wire_client_status status;
    char path[512];
    int code = EXIT_ACCEPTED;
    if (!daemon_open(run, &daemon, &code)) {
        return code;
    }
    if (daemon_status(run, daemon, &status, &code)) {
        o->log_id = status.log_id;
        o->suite = status.suite;
    }
    if (code != EXIT_ACCEPTED || o->is_by_socket) {
        o->client = daemon;
        return code;
    }
    rotor_client_close(daemon);
    state_path(run, "control.sock", path);
    enum rotor_status opened = rotor_client_open_queue(
        &o->client, run->socket != NULL ? run->socket : path);
    return opened == ROTOR_OK ? EXIT_ACCEPTED : explain_no_pair(run, opened);
}

static void say(const struct run *run, const struct offload *o, double seconds)
{
    double rate = seconds > 0 ? (double)o->completed / seconds : 0;
    if (run->is_json) {
        struct json out;
        begin_json(&out, "offload", o->answered == o->count);
        json_text(&out, "work", WORKS[o->work]);
        json_text(&out, "way", o->is_by_socket ? "socket" : "queue");
        json_number(&out, "requests", o->count);
        json_number(&out, "outstanding", o->outstanding);
        json_number(&out, "answered", o->answered);
        json_number(&out, "refused", o->refused);
        json_number(&out, "timed_out", o->timed_out);
        json_bool(&out, "in_order", o->is_in_order);
        json_real(&out, "seconds", seconds);
        json_real(&out, "per_second", rate);
        json_end(&out);
        return;
    }
    printf("%s: %" PRIu64 " of %" PRIu64 " answered by %s in %.2f s, %.0f a "
           "second%s\n",
           WORKS[o->work], o->answered, o->count,
           o->is_by_socket ? "socket" : "queue pair", seconds, rate,
           o->is_in_order ? ", in order" : "");
}

static int run_offload(struct run *run, struct offload *o)
{
    int code = open_way(run, o);
    if (code != EXIT_ACCEPTED) {
        return code;
    }
    if (wire_digest_is_empty(&o->log_id) || make_share(o) != ROTOR_OK) {
        return fail(run, CAUSE_UNAVAILABLE, "see: rotor status",
                    "there is no root of trust yet");
    }
    double start = now_s();
    enum rotor_status status = work(o);
    if (status != ROTOR_OK) {
        return fail(run, CAUSE_UNAVAILABLE, "see: rotor status",
                    "after %" PRIu64 " answers: %s", o->answered,
                    status == ROTOR_AGAIN ? "no answer came"
                                          : rotor_status_name(status));
    }
    say(run, o, now_s() - start);
    return o->answered == o->count ? EXIT_ACCEPTED : EXIT_REFUSED;
}

static bool parse_work(const char *name, enum work *work)
{
    for (size_t i = 0; i < COUNT_OF(WORKS); i++) {
        if (strcmp(WORKS[i], name) == 0) {
            *work = (enum work)i;
            return true;
        }
    }
    return false;
}

int main_offload(struct run *run, int count, char **arguments)
{
    struct offload o = {.count = 1000, .outstanding = 8, .is_in_order = true};
    const struct flag flags[] = {
        {"--count",       "N",  FLAG_NUMBER, &o.count,        "requests; 1000"},
        {"--outstanding", "N",  FLAG_NUMBER, &o.outstanding,
         "in flight at once, 1 to 32; 8"                                      },
        {"--by-socket",   NULL, FLAG_SWITCH, &o.is_by_socket,
         "through the daemon, not over a queue pair"                          },
    };
    int code = EXIT_ACCEPTED;
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || !parse_work(arguments[0], &o.work)) {
        return fail(run, CAUSE_USAGE, "rotor offload --help",
                    "expected one of attest, agree, sign");
    }
    if (o.count == 0 || o.count > COUNT_MAX || o.outstanding == 0 ||
        o.outstanding > ROTOR_CLIENT_OUTSTANDING) {
        return fail(run, CAUSE_USAGE, "rotor offload --help",
                    "--count or --outstanding is out of bounds");
    }
    code = run_offload(run, &o);
    rotor_client_close(o.client);
    return code;
}
