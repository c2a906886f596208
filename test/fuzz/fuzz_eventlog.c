// SPDX-License-Identifier: Apache-2.0
// Event logs: reading and replaying agree on what is one.
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "verify/eventlog.h"

static struct verify_eventlog replayed;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct verify_eventlog_reader reader;
    struct verify_event event;
    size_t count = 0;
    enum rotor_status opened =
        verify_eventlog_open(&reader, bytes_of(data, size));
    while (opened == ROTOR_OK && verify_eventlog_next(&reader, &event)) {
        count++;
    }
    enum rotor_status status =
        verify_eventlog_replay(bytes_of(data, size), &replayed);
    FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_MALFORMED);
    FUZZ_CHECK((status == ROTOR_OK) == (replayed.fault == NULL));
    if (reader.fault != NULL) {
        FUZZ_CHECK(status == ROTOR_MALFORMED);
    }
    if (status != ROTOR_OK) {
        return 0;
    }
    FUZZ_CHECK(replayed.event_count ==
               count + (replayed.is_crypto_agile ? 1 : 0));
    for (size_t i = 0; i < replayed.pcrs.bank_count; i++) {
        FUZZ_CHECK(replayed.pcrs.banks[i].known >> VERIFY_PCR_COUNT == 0);
        FUZZ_CHECK(replayed.gaps[i] >> VERIFY_PCR_COUNT == 0);
        FUZZ_CHECK(verify_hash_of_tpm(replayed.pcrs.banks[i].algorithm) !=
                       CRYPTO_HASH_NONE ||
                   replayed.pcrs.banks[i].known == 0);
    }
    return 0;
}
