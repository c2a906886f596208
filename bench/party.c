// SPDX-License-Identifier: Apache-2.0
#include "bench/party.h"

#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "chain/rules.h"
#include "crypto/suite.h"
#include "verify/session.h"
#include "wire/cbor.h"

void party_init(struct party *party)
{
    memset(party, 0, sizeof *party);
    party->reference.any_measurement = true;
    party->entry.reference = &party->reference;
    tally_expect(chain_seen_init(&party->seen, party->slots,
                                 COUNT_OF(party->slots)) == ROTOR_OK,
                 "seen set");
}

void party_trust(struct party *party, const struct chain_trust *trust)
{
    party->trust = *trust;
}

// ---- the log ---------------------------------------------------------------

void party_ask_log(const struct party *party, uint64_t max,
                   struct rotor_room *payload)
{
    bool is_first = chain_trust_is_empty(&party->trust);
    const struct wire_log_get get = {
        .log_id = party->trust.log_id,
        .from = {party->trust.order.incarnation,
                 is_first ? 0 : party->trust.order.epoch + 1},
        .max = max,
    };
    tally_expect(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, payload) ==
                     ROTOR_OK,
                 "LOG_GET");
}

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    struct party *party = context;
    return chain_seen_port(&party->seen, fingerprint, seen);
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct party *party = context;
    return verify_entry_evidence(&party->entry, question, ok, why);
}

static bool take_entry(struct party *party, struct rotor_bytes bytes)
{
    const struct chain_ports ports = {
        .context = party,
        .has_seen = has_seen,
        .check_evidence = check_evidence,
    };
    const struct chain_expected expected = {0};
    struct chain_verdict verdict = {0};
    struct chain_trust next;
    struct chain_entry entry;
    bool is_first = chain_trust_is_empty(&party->trust);
    enum rotor_status status =
        is_first
            ? chain_accept_genesis(&expected, bytes, &ports, &verdict, &next)
            : chain_accept(&party->trust, bytes, &ports, &verdict, &next);
    if (status != ROTOR_OK || !chain_verdict_is_accepted(&verdict) ||
        chain_entry_decode(bytes, &entry) != ROTOR_OK ||
        chain_seen_add_body(&party->seen, &entry.body) != ROTOR_OK) {
        return false;
    }
    party->trust = next;
    return true;
}

bool party_take_log(struct party *party, struct rotor_bytes payload)
{
    struct wire_log_entries reply;
    struct cbor_reader in;
    if (wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &reply) !=
        ROTOR_OK) {
        return false;
    }
    cbor_reader_init(&in, reply.entries);
    size_t count = cbor_read_array(&in);
    for (size_t i = 0; i < count; i++) {
        struct rotor_bytes entry = cbor_read_item(&in);
        if (!take_entry(party, entry)) {
            return false;
        }
    }
    return true;
}

// ---- one exchange ----------------------------------------------------------

static void make_point(const struct crypto_suite *suite,
                       struct party_exchange *exchange,
                       struct rotor_room *point)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    crypto_key_close(&exchange->ephemeral);
    bool is_made = getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed &&
                   crypto_key_derive(&exchange->ephemeral, suite->agree,
                                     seed) == ROTOR_OK &&
                   chain_point_encode(&exchange->ephemeral, point) == ROTOR_OK;
    tally_expect(is_made, "ephemeral");
}

void party_ask(const struct party *party, struct party_exchange *exchange)
{
    const struct crypto_suite *suite = crypto_suite_of(party->trust.suite);
    uint8_t random[WIRE_ID_SIZE + WIRE_NONCE_SIZE];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    struct rotor_room point = ROOM_OF(point_bytes);
    struct rotor_room room = ROOM_OF(exchange->request);
    tally_expect(suite != NULL, "suite");
    make_point(suite, exchange, &point);
    tally_expect(getrandom(random, sizeof random, 0) == (ssize_t)sizeof random,
                 "random");
    const struct wire_attest_req request = {
        .log_id = party->trust.log_id,
        .sid = bytes_of(random, WIRE_ID_SIZE),
        .nonce = bytes_of(random + WIRE_ID_SIZE, WIRE_NONCE_SIZE),
        .e_r = bytes_in(&point),
        .suites = {.count = 1, .id = {suite->id}},
        .purpose = WIRE_PURPOSE_SESSION,
        .want_evidence = 1,
    };
    tally_expect(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request,
                                     &room) == ROTOR_OK,
                 "ATTEST_REQ");
    exchange->request_size = room.used;
}

bool party_judge(const struct party *party, struct party_exchange *exchange)
{
    const struct verify_question question = {
        .trust = &party->trust,
        .reference = &party->reference,
        .request = bytes_of(exchange->request, exchange->request_size),
        .response = bytes_of(exchange->response, exchange->response_size),
    };
    struct verify_answer answer;
    struct verify_session session;
    struct rotor_room fin = ROOM_OF(exchange->fin);
    bool is_confirmed = false;
    bool is_judged =
        verify_attest(&question, &answer) == ROTOR_OK &&
        verify_answer_is_accepted(&answer) &&
        verify_session_confirm(&answer, &exchange->ephemeral, &session, &fin,
                               &is_confirmed) == ROTOR_OK;
    exchange->fin_size = fin.used;
    return is_judged && is_confirmed;
}

void party_close(struct party_exchange *exchange)
{
    crypto_key_close(&exchange->ephemeral);
}
