// SPDX-License-Identifier: Apache-2.0
// Entries, trusts and the whole judgement of a step.  The first byte picks:
//
//     0  an entry      1  a trust      2  be16 size, trust, entry
//
// What is taken is written again byte for byte, unless it has keys that are
// ignored; what is accepted moves its party forward and nowhere else.
#include <string.h>

#include "base/bytes.h"
#include "chain/recovery.h"
#include "chain/rules.h"
#include "test/fuzz/fuzz.h"

static uint8_t memory[1u << 16];

static bool lies_in(struct rotor_bytes part, struct rotor_bytes whole)
{
    return part.size == 0 || (whole.data <= part.data &&
                              part.data + part.size <= whole.data + whole.size);
}

// Shorter when keys were ignored; never longer, never other bytes.
static void must_be(const struct rotor_room *again, struct rotor_bytes input)
{
    FUZZ_CHECK(again->used <= input.size);
    FUZZ_CHECK(again->used < input.size || bytes_equal(bytes_in(again), input));
}

static void try_entry(struct rotor_bytes input)
{
    struct chain_entry entry;
    struct rotor_room room = ROOM_OF(memory);
    if (chain_entry_decode(input, &entry) != ROTOR_OK) {
        FUZZ_CHECK(entry.body.kind == CHAIN_KIND_NONE);
        return;
    }
    FUZZ_CHECK(lies_in(entry.body.bytes, input));
    FUZZ_CHECK(lies_in(entry.sig_pop, input));
    FUZZ_CHECK(lies_in(entry.evidence, input));
    if (!entry.body.suite_is_known) {
        return;
    }
    FUZZ_CHECK(chain_entry_encode(&entry, &room) == ROTOR_OK);
    must_be(&room, input);
    room = ROOM_OF(memory);
    FUZZ_CHECK(chain_body_encode(&entry.body, &room) == ROTOR_OK);
    must_be(&room, entry.body.bytes);
}

static void try_trust(struct rotor_bytes input)
{
    struct chain_trust trust;
    struct rotor_room room = ROOM_OF(memory);
    if (chain_trust_decode(input, &trust) != ROTOR_OK) {
        FUZZ_CHECK(chain_trust_is_empty(&trust));
        return;
    }
    FUZZ_CHECK(chain_trust_encode(&trust, &room) == ROTOR_OK);
    FUZZ_CHECK(bytes_equal(bytes_in(&room), input));
}

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    (void)context;
    (void)fingerprint;
    *seen = false;
    return ROTOR_OK;
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    (void)context;
    (void)question;
    (void)why;
    *ok = true;
    return ROTOR_OK;
}

static void try_step(struct rotor_bytes input)
{
    static const struct chain_ports PORTS = {.has_seen = has_seen,
                                             .check_evidence = check_evidence};
    struct chain_verdict verdict;
    struct chain_trust trust;
    struct chain_trust next;
    size_t size = input.size < 2 ? 0 : bytes_be16(input.data);
    if (input.size < 2 + size ||
        chain_trust_decode(bytes_of(input.data + 2, size), &trust) !=
            ROTOR_OK) {
        return;
    }
    struct rotor_bytes entry =
        bytes_of(input.data + 2 + size, input.size - 2 - size);
    FUZZ_CHECK(chain_accept(&trust, entry, &PORTS, &verdict, &next) ==
               ROTOR_OK);
    FUZZ_CHECK(verdict.reason != NULL);
    if (!chain_verdict_is_accepted(&verdict)) {
        FUZZ_CHECK(verdict.rule >= 1 && verdict.rule <= 12);
        return;
    }
    FUZZ_CHECK(chain_order_compare(&next.order, &trust.order) > 0);
    FUZZ_CHECK(wire_digest_equal(&next.log_id, &trust.log_id));
    FUZZ_CHECK(next.n > trust.n || next.kind == CHAIN_REINCEPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    switch (data[0]) {
    case 0:
        try_entry(input);
        break;
    case 1:
        try_trust(input);
        break;
    default:
        try_step(input);
        break;
    }
    return 0;
}
