// SPDX-License-Identifier: Apache-2.0
// Proofs of forks as files, decoded and judged.
//
// What is taken is written again byte for byte, unless its log goes on behind
// the place; a log that does not hold proves nothing.
#include "app/rotor/fork_proof.h"
#include "base/bytes.h"
#include "test/fuzz/fuzz.h"

static uint8_t memory[1u << 20];

static bool lies_in(struct rotor_bytes part, struct rotor_bytes whole)
{
    return part.size == 0 || (whole.data <= part.data &&
                              part.data + part.size <= whole.data + whole.size);
}

static void write_again(const struct fork_proof *proof,
                        struct rotor_bytes input)
{
    struct rotor_room room = ROOM_OF(memory);
    if (fork_proof_encode(&proof->log, proof->accepted, proof->other, &room) !=
        ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(room.used <= input.size);
    FUZZ_CHECK(room.used < input.size || bytes_equal(bytes_in(&room), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rotor_bytes input = bytes_of(data, size);
    struct fork_proof proof;
    struct fork_finding finding;
    if (fork_proof_decode(&proof, input) != ROTOR_OK) {
        return 0;
    }
    FUZZ_CHECK(lies_in(proof.accepted, input));
    FUZZ_CHECK(lies_in(proof.other, input));
    write_again(&proof, input);
    FUZZ_CHECK(fork_proof_judge(&proof, &finding) == ROTOR_OK);
    FUZZ_CHECK(finding.reason == NULL || finding.fork == CHAIN_FORK_UNJUDGED);
    fork_proof_close(&proof);
    return 0;
}
