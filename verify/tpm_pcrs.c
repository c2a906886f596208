// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.evidence, TPM: registers.
#include "verify/tpm_pcrs.h"

#include <string.h>

#include "base/bytes.h"

#define FIRMWARE_PCRS 8u // 0 to 7: nobody but the firmware extends them

struct registers {
    const struct verify_tpm_pcrs_input *input;
    struct verify_tpm_work *work;
    struct verify_verdict *verdict;
    bool has_log; // and it is well formed
};

static bool has_register(uint32_t registers, unsigned pcr)
{
    return (registers >> pcr & 1u) != 0;
}

static void check_selection(struct registers *r)
{
    const struct verify_pcr_selection *seen = &r->input->attest->selection;
    const struct verify_pcr_selection *wanted = r->input->wanted;
    struct verify_row row = {
        .check = "pcr selection",
        .seen = verify_number(seen->count == 0 ? 0 : seen->banks[0].registers),
        .why = "other registers than the ones asked for"};
    if (wanted == NULL) {
        verify_skip(r->verdict, &row);
        return;
    }
    row.expected =
        verify_number(wanted->count == 0 ? 0 : wanted->banks[0].registers);
    (void)verify_check(r->verdict, verify_pcr_selection_equal(wanted, seen),
                       &row);
}

// ---- the log ---------------------------------------------------------------

static enum rotor_status check_log(struct registers *r)
{
    struct verify_eventlog *log = &r->work->log;
    struct rotor_bytes bytes = r->input->event_log;
    struct verify_row row = {.check = "event log",
                             .expected = verify_text("well formed"),
                             .seen = verify_bytes(bytes)};
    if (bytes.size == 0) {
        verify_skip(r->verdict, &row);
        return ROTOR_OK;
    }
    enum rotor_status status = verify_eventlog_replay(bytes, log);
    if (status != ROTOR_OK && status != ROTOR_MALFORMED) {
        return status;
    }
    row.why = log->fault;
    row.seen = verify_number(log->event_count);
    r->has_log = verify_check(r->verdict, status == ROTOR_OK, &row);
    return ROTOR_OK;
}

// What the log says that a register holds.  Empty: it cannot say.
static struct rotor_bytes replayed(const struct registers *r,
                                   uint16_t algorithm, unsigned pcr)
{
    const struct verify_eventlog *log = &r->work->log;
    const struct verify_pcr_bank *bank =
        verify_pcr_bank_of(&log->pcrs, algorithm);
    if (bank == NULL || verify_hash_of_tpm(algorithm) == CRYPTO_HASH_NONE ||
        has_register(log->gaps[bank - log->pcrs.banks], pcr)) {
        return bytes_of(NULL, 0);
    }
    return bytes_of(bank->values[pcr], bank->size);
}

// What the quote is said to be of.  Empty: nobody says.
static struct rotor_bytes claimed(const struct registers *r, uint16_t algorithm,
                                  unsigned pcr)
{
    if (r->input->values == NULL) {
        return r->has_log ? replayed(r, algorithm, pcr) : bytes_of(NULL, 0);
    }
    const struct verify_pcr_bank *bank =
        verify_pcr_bank_of(r->input->values, algorithm);
    // Values of another size would let one digest stand for two lists.
    if (bank == NULL || !has_register(bank->known, pcr) ||
        bank->size != crypto_hash_size(verify_hash_of_tpm(algorithm))) {
        return bytes_of(NULL, 0);
    }
    return bytes_of(bank->values[pcr], bank->size);
}

static bool is_told_of(const struct registers *r, uint16_t algorithm,
                       unsigned pcr)
{
    const struct verify_eventlog *log = &r->work->log;
    const struct verify_pcr_bank *bank =
        verify_pcr_bank_of(&log->pcrs, algorithm);
    return pcr < FIRMWARE_PCRS || bank == NULL ||
           has_register(bank->known | log->gaps[bank - log->pcrs.banks], pcr);
}

static bool bank_replays(const struct registers *r, uint16_t algorithm,
                         uint32_t selected)
{
    bool ok = true;
    for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
        // Registers above 7 that the log is silent about were extended by
        // others, e.g. 10 by the kernel.
        if (has_register(selected, pcr) && is_told_of(r, algorithm, pcr)) {
            struct rotor_bytes value = replayed(r, algorithm, pcr);
            ok = ok && value.size != 0 &&
                 bytes_equal(value, claimed(r, algorithm, pcr));
        }
    }
    return ok;
}

static void check_replay(struct registers *r)
{
    const struct verify_pcr_selection *selection = &r->input->attest->selection;
    struct verify_row row = {
        .check = "event log replay",
        .expected = verify_text("the values of the quoted registers"),
        .why = "the events do not lead to the quoted registers"};
    if (!r->has_log) {
        verify_skip(r->verdict, &row);
        return;
    }
    bool ok = true;
    for (size_t i = 0; i < selection->count; i++) {
        ok = ok && bank_replays(r, selection->banks[i].algorithm,
                                selection->banks[i].registers);
    }
    (void)verify_check(r->verdict, ok, &row);
}

// The TPM was told of digests, not of data: what stands beside a digest is
// believed only where it hashes to it.
static void show_data(struct registers *r)
{
    verify_skip(
        r->verdict,
        &(struct verify_row){
            .check = "event data",
            .expected = verify_number(0),
            .seen = verify_number(r->has_log ? r->work->log.unlike_count : 0)});
}

// ---- the digest ------------------------------------------------------------

#define PARTS_MAX (VERIFY_BANKS_MAX * VERIFY_PCR_COUNT)

// Values in the order of the selection, registers ascending.  False: a value
// is missing.
static bool collect(const struct registers *r, struct rotor_bytes *parts,
                    size_t *count)
{
    const struct verify_pcr_selection *selection = &r->input->attest->selection;
    *count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
            if (!has_register(selection->banks[i].registers, pcr)) {
                continue;
            }
            parts[*count] = claimed(r, selection->banks[i].algorithm, pcr);
            if (parts[*count].size == 0) {
                return false;
            }
            (*count)++;
        }
    }
    return true;
}

static enum rotor_status check_digest(struct registers *r)
{
    struct rotor_bytes parts[PARTS_MAX];
    size_t count = 0;
    struct rotor_bytes quoted = r->input->attest->pcr_digest;
    struct verify_row row = {.check = "pcr digest",
                             .expected = verify_bytes(quoted)};
    if (r->input->values == NULL && r->input->event_log.size == 0) {
        row.seen = row.expected;
        verify_skip(r->verdict, &row);
        return ROTOR_OK;
    }
    if (!collect(r, parts, &count)) {
        row.why = "there is no value for a quoted register";
        (void)verify_check(r->verdict, false, &row);
        return ROTOR_OK;
    }
    TRY(crypto_hash(r->input->hash, parts, count, r->work->digest));
    struct rotor_bytes digest =
        bytes_of(r->work->digest, crypto_hash_size(r->input->hash));
    row.seen = verify_bytes(digest);
    row.why = "the quote is of other values";
    (void)verify_check(r->verdict, bytes_equal(digest, quoted), &row);
    return ROTOR_OK;
}

enum rotor_status verify_tpm_pcrs(const struct verify_tpm_pcrs_input *input,
                                  struct verify_tpm_work *work,
                                  struct verify_verdict *verdict)
{
    struct registers r = {.input = input, .work = work, .verdict = verdict};
    check_selection(&r);
    TRY(check_log(&r));
    check_replay(&r);
    show_data(&r);
    return check_digest(&r);
}
