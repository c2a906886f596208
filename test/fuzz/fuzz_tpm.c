// SPDX-License-Identifier: Apache-2.0
// Structures of a TPM and the forms that they come in.  The first byte picks:
//
//     0  report, judged under its own key      1  public area
//     2  Base64, PEM, a quote of keylime       3  values of tpm2-tools
//
// Acceptance comes with every check passed and with nothing else.
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/pem.h"
#include "verify/tpm.h"
#include "verify/tpm_forms.h"
#include "verify/tpm_report.h"

static uint8_t memory[1u << 17];

static bool spki_of(struct rotor_bytes area, struct rotor_room *spki)
{
    struct verify_tpm_public key;
    return verify_tpm_public_decode(area, &key) == ROTOR_OK &&
           verify_tpm_spki(&key, spki) == ROTOR_OK;
}

static void check_verdict(const struct verify_verdict *verdict)
{
    bool all = verdict->row_count != 0;
    for (size_t i = 0; i < verdict->row_count; i++) {
        all = all && (verdict->rows[i].finding == VERIFY_PASSED ||
                      verdict->rows[i].finding == VERIFY_NOT_ASKED);
    }
    FUZZ_CHECK(verify_verdict_is_accepted(verdict) == all);
}

static void try_report(struct rotor_bytes bytes)
{
    static struct verify_tpm_report report;
    static struct verify_tpm_work work;
    static struct verify_verdict verdict;
    uint8_t key[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(key);
    struct rotor_room room = ROOM_OF(memory);
    if (verify_tpm_report_decode(bytes, &report) != ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(verify_tpm_report_encode(&report, &room) == ROTOR_OK);
    FUZZ_CHECK(bytes_equal(bytes_in(&room), bytes));
    const struct verify_tpm_evidence evidence = {
        .quote = report.quote,
        .signature = report.signature,
        .ak_public = report.ak_public,
        .pcrs = report.pcrs.bank_count != 0 ? &report.pcrs : NULL,
        .event_log = report.event_log,
    };
    bool has_key = spki_of(report.ak_public, &spki);
    const struct verify_tpm_trust trust = {.ak_spki = bytes_in(&spki)};
    const struct verify_asked asked = {.now_s = 0};
    FUZZ_CHECK(verify_tpm(&evidence, &trust, &asked, &work, &verdict) ==
               ROTOR_OK);
    check_verdict(&verdict);
    FUZZ_CHECK(has_key || !verify_verdict_is_accepted(&verdict));
}

static void try_area(struct rotor_bytes bytes)
{
    uint8_t key[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(key);
    struct crypto_verifier verifier = {0};
    if (spki_of(bytes, &spki) &&
        crypto_verifier_open(&verifier, bytes_in(&spki)) == ROTOR_OK) {
        crypto_verifier_close(&verifier);
    }
}

static void try_texts(struct rotor_bytes bytes)
{
    struct rotor_room room = ROOM_OF(memory);
    struct verify_keylime_quote quote;
    if (verify_base64_decode(bytes, &room) == ROTOR_OK) {
        FUZZ_CHECK(room.used <= bytes.size);
    }
    if (verify_keylime_decode(bytes, &room, &quote) == ROTOR_OK) {
        FUZZ_CHECK(quote.quote.size + quote.signature.size + quote.pcrs.size ==
                   room.used);
    }
}

static void try_values(struct rotor_bytes bytes)
{
    static struct verify_pcrs pcrs;
    if (verify_tpm2_pcrs_decode(bytes, &pcrs) != ROTOR_OK) {
        FUZZ_CHECK(pcrs.bank_count == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct rotor_bytes) = {
        try_report, try_area, try_texts, try_values};
    if (size != 0 && data[0] < COUNT_OF(targets)) {
        targets[data[0]](bytes_of(data + 1, size - 1));
    }
    return 0;
}
