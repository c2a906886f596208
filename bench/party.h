// SPDX-License-Identifier: Apache-2.0
// The far side of an attestation: asks with a fresh nonce and a fresh DH
// share, judges the answer whole, confirms the session.  Keeps its trust in
// memory.
#ifndef ROTOR_BENCH_PARTY_H
#define ROTOR_BENCH_PARTY_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "chain/trust.h"
#include "verify/attest.h"
#include "wire/client.h"

struct party {
    struct chain_trust trust;
    struct chain_seen seen;
    struct chain_fingerprint slots[1024];
    struct verify_reference reference;
    struct verify_entry_context entry;
};

// Trusts nothing yet; takes any measurement.
void party_init(struct party *party);

// Trusts what the other side of this process holds.
void party_trust(struct party *party, const struct chain_trust *trust);

// Payload of LOG_GET for what comes behind the own head, at most `max`.
void party_ask_log(const struct party *party, uint64_t max,
                   struct rotor_room *payload);

// Takes LOG_ENTRIES entry by entry.  False: one was refused.
bool party_take_log(struct party *party, struct rotor_bytes payload);

// One exchange: what was asked, answered and confirmed.
struct party_exchange {
    struct crypto_key ephemeral; // SECRET
    uint8_t request[512];
    size_t request_size;
    uint8_t response[WIRE_CLIENT_MAX];
    size_t response_size;
    uint8_t fin[256];
    size_t fin_size;
};

// Makes a request of purpose 6 that wants Evidence.
void party_ask(const struct party *party, struct party_exchange *exchange);

// Judges the response and makes SESSION_FIN.  False: not accepted.
bool party_judge(const struct party *party, struct party_exchange *exchange);

void party_close(struct party_exchange *exchange);

#endif
