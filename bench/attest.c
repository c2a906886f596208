// SPDX-License-Identifier: Apache-2.0
// The full exchange of section 8.1: ATTEST_REQ of purpose 6 with Evidence,
// ATTEST_RSP, SESSION_FIN.  From the request's bytes at an API to the answer's
// bytes there; what the requester computes between the two is not timed, and
// every answer is verified whole.
//
//     rtp     at the RTP's own API, real enclave process, back to back
//     socket  through the Unix socket of a real rotord, back to back
//     cold    the same with every party asleep when a request comes
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "bench/calls.h"
#include "bench/machine.h"
#include "bench/party.h"
#include "bench/peer.h"
#include "bench/processor.h"
#include "bench/rig.h"
#include "bench/tally.h"

#define EXCHANGES      64 // in a round: as many attestations, then as many FINs
#define COLD_EXCHANGES 4
#define SLEEP_NS       15000000 // longer than any of them spins

// Hops of a request where somebody sleeps: client to RTP, RTP to enclave.
#define SLEEPING_HOPS 2

static struct party_exchange exchanges[EXCHANGES];
static struct party party;
static struct rig rig;

struct bench {
    struct rotor_client *client;
    struct calls calls;
    struct peer peer;
};

static void keep(struct party_exchange *exchange, struct rotor_bytes payload)
{
    tally_expect(payload.size <= sizeof exchange->response, "a long answer");
    memcpy(exchange->response, payload.data, payload.size);
    exchange->response_size = payload.size;
}

static struct rotor_bytes request_of(const struct party_exchange *exchange)
{
    return bytes_of(exchange->request, exchange->request_size);
}

static struct rotor_bytes fin_of(const struct party_exchange *exchange)
{
    return bytes_of(exchange->fin, exchange->fin_size);
}

static void ask_all(int count)
{
    for (int i = 0; i < count; i++) {
        party_ask(&party, &exchanges[i]);
    }
}

static void judge_all(int count)
{
    for (int i = 0; i < count; i++) {
        tally_expect(party_judge(&party, &exchanges[i]),
                     "an answer was not accepted");
    }
}

static double us_each(uint64_t ns, int count)
{
    return (double)ns / 1e3 / count;
}

// ---- ours ------------------------------------------------------------------

static double run_rtp(void)
{
    struct rtp_completion done;
    ask_all(EXCHANGES);
    uint64_t start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        rig_ask(&rig, WIRE_OP_ATTEST, request_of(&exchanges[i]), &done);
        keep(&exchanges[i], done.payload);
    }
    uint64_t spent = tally_now_ns() - start;
    judge_all(EXCHANGES);
    start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        rig_ask(&rig, WIRE_OP_SESSION_FIN, fin_of(&exchanges[i]), &done);
    }
    spent += tally_now_ns() - start;
    return us_each(spent, EXCHANGES);
}

static void ask_socket(struct bench *bench, uint64_t op,
                       struct rotor_bytes payload,
                       struct rotor_completion *answer)
{
    machine_ask(bench->client, op, payload, answer);
    tally_expect(answer->code == WIRE_CLIENT_OK, "the device refused");
}

static double run_socket(struct bench *bench)
{
    struct rotor_completion answer;
    ask_all(EXCHANGES);
    uint64_t start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        ask_socket(bench, WIRE_OP_ATTEST, request_of(&exchanges[i]), &answer);
        keep(&exchanges[i], answer.payload);
    }
    uint64_t spent = tally_now_ns() - start;
    judge_all(EXCHANGES);
    start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        ask_socket(bench, WIRE_OP_SESSION_FIN, fin_of(&exchanges[i]), &answer);
    }
    spent += tally_now_ns() - start;
    return us_each(spent, EXCHANGES);
}

static void sleep_long(void)
{
    const struct timespec time = {0, SLEEP_NS};
    (void)nanosleep(&time, NULL);
}

static double run_cold(struct bench *bench)
{
    struct rotor_completion answer;
    uint64_t spent = 0;
    for (int i = 0; i < COLD_EXCHANGES; i++) {
        party_ask(&party, &exchanges[i]);
        sleep_long();
        uint64_t start = tally_now_ns();
        ask_socket(bench, WIRE_OP_ATTEST, request_of(&exchanges[i]), &answer);
        spent += tally_now_ns() - start;
        keep(&exchanges[i], answer.payload);
        tally_expect(party_judge(&party, &exchanges[i]), "not accepted");
        sleep_long();
        start = tally_now_ns();
        ask_socket(bench, WIRE_OP_SESSION_FIN, fin_of(&exchanges[i]), &answer);
        spent += tally_now_ns() - start;
    }
    return us_each(spent, COLD_EXCHANGES);
}

// ---- references ------------------------------------------------------------

// On the enclave's processor, which sleeps meanwhile.
static double run_calls(struct bench *bench)
{
    if (processor_has_pair()) {
        processor_bind(0, RIG_ENCLAVE_PROCESSOR);
    }
    uint64_t start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        calls_attest(&bench->calls);
    }
    for (int i = 0; i < EXCHANGES; i++) {
        calls_fin(&bench->calls);
    }
    uint64_t spent = tally_now_ns() - start;
    if (processor_has_pair()) {
        processor_bind(0, RIG_RTP_PROCESSOR);
    }
    return us_each(spent, EXCHANGES);
}

static double run_calls_and_socket(struct bench *bench)
{
    const struct calls_sizes *sizes = &bench->calls.sizes;
    uint64_t start = tally_now_ns();
    for (int i = 0; i < EXCHANGES; i++) {
        peer_ping_socket(&bench->peer, sizes->request, sizes->response);
        calls_attest(&bench->calls);
    }
    for (int i = 0; i < EXCHANGES; i++) {
        peer_ping_socket(&bench->peer, sizes->fin, 16);
        calls_fin(&bench->calls);
    }
    return us_each(tally_now_ns() - start, EXCHANGES);
}

static double run_calls_and_futex(struct bench *bench)
{
    uint64_t spent = 0;
    for (int i = 0; i < COLD_EXCHANGES; i++) {
        sleep_long();
        uint64_t start = tally_now_ns();
        for (int hop = 0; hop < SLEEPING_HOPS; hop++) {
            peer_ping_futex(&bench->peer);
        }
        calls_attest(&bench->calls);
        spent += tally_now_ns() - start;
        sleep_long();
        start = tally_now_ns();
        for (int hop = 0; hop < SLEEPING_HOPS; hop++) {
            peer_ping_futex(&bench->peer);
        }
        calls_fin(&bench->calls);
        spent += tally_now_ns() - start;
    }
    return us_each(spent, COLD_EXCHANGES);
}

// ---- rounds ----------------------------------------------------------------

// How large the parts of one exchange are.
static void measure(struct calls_sizes *sizes)
{
    struct party_exchange *exchange = &exchanges[0];
    struct rtp_completion done;
    struct wire_attest_rsp response;
    party_ask(&party, exchange);
    rig_ask(&rig, WIRE_OP_ATTEST, request_of(exchange), &done);
    keep(exchange, done.payload);
    tally_expect(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, done.payload,
                                     &response) == ROTOR_OK &&
                     party_judge(&party, exchange),
                 "the first answer was not accepted");
    rig_ask(&rig, WIRE_OP_SESSION_FIN, fin_of(exchange), &done);
    *sizes = (struct calls_sizes){
        .request = exchange->request_size,
        .response = exchange->response_size,
        .core = response.core.size,
        .evidence = response.evidence.size,
        .fin = exchange->fin_size,
        .status = rig.received_size - WIRE_HEADER_SIZE - CRYPTO_AEAD_TAG,
    };
}

static void bench_rtp(struct bench *bench, const struct place *place)
{
    struct tally rtp = {.bench = "attest",
                        .name = "rtp",
                        .unit = "us",
                        .reference = "the same crypto calls",
                        .kind = TALLY_RATIO_AT_MOST,
                        .goal = 1.15};
    struct calls_sizes sizes;
    char state[256];
    machine_make(place, "rig", state, sizeof state);
    rig_open(&rig, state);
    party_init(&party);
    party_trust(&party, &rig.rtp.state.trust);
    rig_pin(&rig);
    measure(&sizes);
    calls_open(&bench->calls, &sizes);
    (void)run_rtp();
    (void)run_calls(bench);
    for (int round = 0; round < place->rounds; round++) {
        double theirs = run_calls(bench);
        tally_add(&rtp, run_rtp(), theirs);
    }
    tally_print(&rtp);
    rig_close(&rig);
}

static void bench_device(struct bench *bench, const struct place *place)
{
    struct tally cold = {.bench = "attest",
                         .name = "cold",
                         .unit = "us",
                         .reference = "the same crypto calls, and a futex "
                                      "ping-pong for each sleeping hop"};
    struct tally socket = {.bench = "attest",
                           .name = "socket",
                           .unit = "us",
                           .reference = "the same crypto calls, and a socket "
                                        "ping-pong for each request",
                           .kind = TALLY_RATIO_AT_MOST,
                           .goal = 1.25};
    struct machine machine;
    char state[256];
    machine_make(place, "device", state, sizeof state);
    machine_start(&machine, place, state);
    bench->client = machine_connect(&machine);
    peer_open(&bench->peer);
    party_init(&party);
    machine_meet(bench->client, &party);
    (void)run_socket(bench);
    for (int round = 0; round < place->rounds; round++) {
        double theirs = run_calls_and_socket(bench);
        tally_add(&socket, run_socket(bench), theirs);
        theirs = run_calls_and_futex(bench);
        tally_add(&cold, run_cold(bench), theirs);
    }
    tally_print(&cold);
    tally_print(&socket);
    peer_close(&bench->peer);
    rotor_client_close(bench->client);
    machine_stop(&machine);
}

int main(int count, char **words)
{
    static struct bench bench;
    struct place place;
    place_read(&place, count, words);
    bench_rtp(&bench, &place);
    bench_device(&bench, &place);
    calls_close(&bench.calls);
    for (int i = 0; i < EXCHANGES; i++) {
        party_close(&exchanges[i]);
    }
    return 0;
}
