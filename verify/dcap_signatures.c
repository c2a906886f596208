// SPDX-License-Identifier: Apache-2.0
// PCK -> report of the quoting enclave -> attestation key -> quote.
#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_check.h"

#define REPORT_DATA_AT 320u // in an SGX report; 64 bytes to its end

static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
                                         0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3,
                                         0x95, 0x7f, 0x06, 0x07};

static enum rotor_status check_qe_signature(struct verify_dcap_check *check,
                                            bool *passed)
{
    const struct verify_dcap_quote *quote = &check->work->quote;
    bool is_valid = false;
    TRY(crypto_certificate_verifier(check->pck, &check->pck_key));
    TRY(crypto_verifier_check(&check->pck_key, CRYPTO_SIGNATURE_ECDSA_RAW,
                              CRYPTO_SHA256, quote->qe_report,
                              quote->qe_signature, &is_valid));
    *passed = verify_check(
        check->verdict, is_valid,
        &(struct verify_row){.check = "QE report signature",
                             .why = "the PCK did not sign the report of the "
                                    "quoting enclave"});
    return ROTOR_OK;
}

// The quoting enclave vouches for the attestation key: SHA-256 over key and
// authentication data, then 32 zeros.
static enum rotor_status check_key_hash(struct verify_dcap_check *check,
                                        bool *passed)
{
    static const uint8_t zeros[32] = {0};
    const struct verify_dcap_quote *quote = &check->work->quote;
    uint8_t *hash = check->work->key_hash;
    struct rotor_bytes parts[] = {quote->key, quote->qe_authentication};
    TRY(crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash));
    const uint8_t *reported = quote->qe_report.data + REPORT_DATA_AT;
    bool is_same =
        memcmp(reported, hash, sizeof check->work->key_hash) == 0 &&
        memcmp(reported + sizeof check->work->key_hash, zeros, 32) == 0;
    *passed = verify_check(
        check->verdict, is_same,
        &(struct verify_row){
            .check = "attestation key",
            .expected = verify_bytes(BYTES_OF(check->work->key_hash)),
            .seen = verify_bytes((struct rotor_bytes){reported, 64}),
            .why = "the quoting enclave vouches for another key"});
    return ROTOR_OK;
}

static enum rotor_status verify_with(const struct crypto_key *key,
                                     const struct verify_dcap_quote *quote,
                                     bool *is_valid)
{
    return crypto_verify(key, quote->signed_part, quote->signature, is_valid);
}

static enum rotor_status check_quote_signature(struct verify_dcap_check *check,
                                               bool *passed)
{
    const struct verify_dcap_quote *quote = &check->work->quote;
    struct crypto_key key = {0};
    bool is_valid = false;
    enum rotor_status status =
        crypto_key_import_public(&key, CRYPTO_P256, quote->key);
    if (status == ROTOR_OK) {
        status = verify_with(&key, quote, &is_valid);
    }
    crypto_key_close(&key);
    if (status != ROTOR_OK && status != ROTOR_MALFORMED) {
        return status;
    }
    *passed = verify_check(
        check->verdict, status == ROTOR_OK && is_valid,
        &(struct verify_row){
            .check = "quote signature",
            .why = "the attestation key did not sign header and body"});
    return ROTOR_OK;
}

static enum rotor_status check_vendor(struct verify_dcap_check *check,
                                      bool *passed)
{
    const struct verify_dcap_quote *quote = &check->work->quote;
    *passed = verify_check(
        check->verdict, bytes_equal(quote->vendor, BYTES_OF(intel_vendor)),
        &(struct verify_row){.check = "QE vendor",
                             .expected = verify_bytes(BYTES_OF(intel_vendor)),
                             .seen = verify_bytes(quote->vendor),
                             .why = "the quoting enclave is not Intel's"});
    return ROTOR_OK;
}

enum rotor_status verify_dcap_check_signatures(struct verify_dcap_check *check,
                                               bool *passed)
{
    static verify_dcap_step *const STEPS[] = {
        check_qe_signature,
        check_key_hash,
        check_quote_signature,
        check_vendor,
    };
    for (size_t i = 0; i < COUNT_OF(STEPS) && *passed; i++) {
        TRY(STEPS[i](check, passed));
    }
    return ROTOR_OK;
}

static enum rotor_status run_steps(struct verify_dcap_check *check,
                                   verify_dcap_step *const *steps, size_t count,
                                   bool *passed)
{
    for (size_t i = 0; i < count && *passed; i++) {
        TRY(steps[i](check, passed));
    }
    return ROTOR_OK;
}

static enum rotor_status judge(struct verify_dcap_check *check,
                               const struct verify_dcap_kind *kind)
{
    verify_dcap_step *const who[] = {
        verify_dcap_collect,
        verify_dcap_check_pck,
        verify_dcap_check_signatures,
    };
    verify_dcap_step *const what[] = {
        kind->report,         verify_dcap_find_signers,
        verify_dcap_check_qe, verify_dcap_check_tcb,
        kind->module,
    };
    bool passed = true;
    TRY(run_steps(check, who, COUNT_OF(who), &passed));
    if (!passed) {
        return ROTOR_OK; // nothing in it can be believed
    }
    TRY(run_steps(check, what, COUNT_OF(what), &passed));
    verify_dcap_report_tcb(
        check, bytes_of(check->work->quote.body.data, kind->below_size));
    check->verdict->level = passed ? VERIFY_LEVEL_HARDWARE : VERIFY_LEVEL_NONE;
    return ROTOR_OK;
}

// A key that the crypto port does not take ends the judging between two rows,
// and those before it passed: what was not checked must show as a row, too.
static enum rotor_status judge_whole(struct verify_dcap_check *check,
                                     const struct verify_dcap_kind *kind)
{
    enum rotor_status status = judge(check, kind);
    if (status != ROTOR_MALFORMED) {
        return status;
    }
    (void)verify_check(
        check->verdict, false,
        &(struct verify_row){.check = "certificate keys",
                             .why = "a certificate has a key of a kind that "
                                    "is not supported"});
    return ROTOR_OK;
}

enum rotor_status verify_dcap_judge(struct verify_dcap_check *check,
                                    struct rotor_bytes evidence,
                                    const struct verify_dcap_kind *kind)
{
    const char *why = NULL;
    verify_begin(check->verdict, kind->backend);
    *check->work = (struct verify_dcap_work){0};
    enum rotor_status status =
        verify_dcap_read(evidence, &check->work->quote, &why);
    if (status == ROTOR_OK && verify_dcap_backend(evidence) != kind->backend) {
        status = ROTOR_MALFORMED;
        why = "a quote of another kind";
    }
    struct verify_row format = {
        .check = "quote format",
        .seen = verify_number(check->work->quote.version),
        .why = why,
    };
    if (verify_check(check->verdict, status == ROTOR_OK, &format)) {
        status = judge_whole(check, kind);
    }
    verify_dcap_close(check);
    if (status == ROTOR_OK || status == ROTOR_MALFORMED) {
        verify_conclude(check->verdict);
    }
    return status;
}
