// SPDX-License-Identifier: Apache-2.0
// Evidence and answers.  The first byte picks:
//
//     0  UD, Evidence      1  be16 size, trust, be16 size, request, response
//
// Acceptance comes with every check passed and with nothing else.
#include <string.h>

#include "base/bytes.h"
#include "chain/eat.h"
#include "test/fuzz/fuzz.h"
#include "verify/attest.h"
#include "verify/evidence.h"

static uint8_t memory[1u << 16];

static const struct verify_reference ANY = {.any_measurement = true};

static void try_parts(struct rotor_bytes bytes)
{
    struct chain_evidence evidence;
    struct chain_process_report report;
    struct rotor_room room = ROOM_OF(memory);
    if (chain_evidence_decode(bytes, &evidence) != ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(chain_evidence_encode(&evidence, &room) == ROTOR_OK);
    FUZZ_CHECK(bytes_equal(bytes_in(&room), bytes));
    if (chain_process_report_decode(evidence.report, &report) == ROTOR_OK) {
        FUZZ_CHECK(chain_process_report_encode(&report, &room) == ROTOR_OK);
        FUZZ_CHECK(bytes_equal(bytes_in(&room), evidence.report));
    }
}

static void check_record(const struct verify_record *record)
{
    bool all = true;
    for (unsigned i = 0; i < VERIFY_CHECK_COUNT; i++) {
        all &= record->checks[i] == VERIFY_PASSED ||
               record->checks[i] == VERIFY_NOT_ASKED;
    }
    FUZZ_CHECK(verify_record_is_accepted(record) == all);
}

static void try_evidence(struct rotor_bytes input)
{
    struct verify_record record;
    if (input.size < CHAIN_UD_SIZE) {
        return;
    }
    struct rotor_bytes evidence =
        bytes_of(input.data + CHAIN_UD_SIZE, input.size - CHAIN_UD_SIZE);
    try_parts(evidence);
    FUZZ_CHECK(verify_evidence(evidence, input.data, &ANY, &record) ==
               ROTOR_OK);
    check_record(&record);
}

static bool take(struct rotor_bytes *input, struct rotor_bytes *part)
{
    if (input->size < 2 || bytes_be16(input->data) > input->size - 2) {
        return false;
    }
    *part = bytes_of(input->data + 2, bytes_be16(input->data));
    *input = bytes_of(part->data + part->size, input->size - 2 - part->size);
    return true;
}

static void try_answer(struct rotor_bytes input)
{
    struct rotor_bytes trust_bytes;
    struct chain_trust trust;
    struct verify_answer answer;
    struct verify_question question = {
        &trust, &ANY, {NULL, 0},
          {NULL, 0}
    };
    if (!take(&input, &trust_bytes) || !take(&input, &question.request) ||
        chain_trust_decode(trust_bytes, &trust) != ROTOR_OK) {
        return;
    }
    question.response = input;
    if (verify_attest(&question, &answer) != ROTOR_OK ||
        !verify_answer_is_accepted(&answer)) {
        return;
    }
    FUZZ_CHECK(answer.core.epoch == trust.order.epoch);
    FUZZ_CHECK(bytes_equal(answer.core.sid, answer.request.sid));
    if (answer.has_evidence) {
        check_record(&answer.record);
        FUZZ_CHECK(verify_record_is_accepted(&answer.record));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    if (data[0] == 0) {
        try_evidence(input);
    } else {
        try_answer(input);
    }
    return 0;
}
