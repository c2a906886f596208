// SPDX-License-Identifier: Apache-2.0
// What Intel says of quoting enclaves and platforms, held against the quote.
#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_check.h"

// Offsets in the report of an enclave.
enum {
    AT_MISCSELECT = 16,
    AT_ATTRIBUTES = 48,
    AT_MRSIGNER = 128,
    AT_ISVPRODID = 256,
    AT_ISVSVN = 258,
};

// Rows of one kind of statement.
struct names {
    const char *signer;
    const char *signature;
    const char *dates;
};
static const struct names STATEMENT = {
    "statement signer", "statement signature", "statement dates"};
static const struct names TCB_INFO = {"TCB info signer", "TCB info signature",
                                      "TCB info dates"};
static const struct names QE_IDENTITY = {
    "QE identity signer", "QE identity signature", "QE identity dates"};

// ---- who signs -------------------------------------------------------------

// By its name: a PCK comes from the same root and must sign no statement.
static bool may_sign(const struct crypto_certificate *certificate)
{
    uint8_t bytes[64];
    struct rotor_room name = ROOM_OF(bytes);
    struct crypto_certificate_facts facts;
    return crypto_certificate_common_name(certificate, &name) == ROTOR_OK &&
           bytes_equal(bytes_in(&name), LABEL("Intel SGX TCB Signing")) &&
           crypto_certificate_facts(certificate, &facts) == ROTOR_OK &&
           !facts.is_ca;
}

// Collections hold the same certificate once for each statement.
static bool is_known(const struct verify_dcap_check *check,
                     const struct crypto_certificate *candidate)
{
    struct crypto_certificate_facts ours;
    struct crypto_certificate_facts theirs;
    bool found = false;
    for (size_t i = 0; i < check->signer_count && !found; i++) {
        found = crypto_certificate_facts(check->signers[i].certificate,
                                         &ours) == ROTOR_OK &&
                crypto_certificate_facts(candidate, &theirs) == ROTOR_OK &&
                bytes_equal(ours.der, theirs.der);
    }
    return found;
}

static enum rotor_status add_signer(struct verify_dcap_check *check,
                                    const struct crypto_certificate *found)
{
    struct verify_dcap_signer *signer = &check->signers[check->signer_count];
    struct crypto_chain_verdict verdict = {0};
    TRY(crypto_chain_verify(found, &check->chain, &verdict));
    *signer = (struct verify_dcap_signer){.certificate = found,
                                          .fault = verdict.fault};
    check->signer_count++;
    return verdict.fault != CRYPTO_CHAIN_GOOD
               ? ROTOR_OK
               : crypto_certificate_verifier(found, &signer->key);
}

static bool needs_signers(const struct verify_dcap_check *check)
{
    return check->work == NULL || check->endorsements->tcb_info_count != 0 ||
           check->endorsements->qe_identity_count != 0;
}

enum rotor_status verify_dcap_find_signers(struct verify_dcap_check *check,
                                           bool *passed)
{
    (void)passed; // no row: what needs a signer says that there is none
    if (!needs_signers(check)) {
        return ROTOR_OK;
    }
    for (size_t i = 0; i < check->pool_count &&
                       check->signer_count < COUNT_OF(check->signers);
         i++) {
        if (may_sign(&check->pool[i]) && !is_known(check, &check->pool[i])) {
            TRY(add_signer(check, &check->pool[i]));
        }
    }
    return ROTOR_OK;
}

static bool check_signer(struct verify_dcap_check *check,
                         const struct names *names)
{
    struct verify_row row = {
        .check = names->signer,
        .why = "no certificate of Intel SGX TCB Signing was given",
    };
    bool is_good = false;
    for (size_t i = 0; i < check->signer_count && !is_good; i++) {
        is_good = check->signers[i].fault == CRYPTO_CHAIN_GOOD;
        row.why = crypto_chain_fault_text(check->signers[i].fault);
        row.seen = verify_text(row.why);
    }
    return verify_check(check->verdict, is_good, &row);
}

static enum rotor_status
check_signature(struct verify_dcap_check *check, const struct names *names,
                const struct verify_dcap_statement *said, bool *passed)
{
    bool is_valid = false;
    for (size_t i = 0; i < check->signer_count && !is_valid; i++) {
        if (check->signers[i].fault == CRYPTO_CHAIN_GOOD) {
            TRY(crypto_verifier_check(&check->signers[i].key,
                                      CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA256,
                                      said->body, BYTES_OF(said->signature),
                                      &is_valid));
        }
    }
    *passed = verify_check(
        check->verdict, is_valid,
        &(struct verify_row){.check = names->signature,
                             .why = "not signed by Intel SGX TCB Signing"});
    return ROTOR_OK;
}

static bool check_dates(struct verify_dcap_check *check,
                        const struct names *names,
                        const struct verify_dcap_statement *said)
{
    bool has_begun = said->issued_s <= check->now_s;
    bool has_ended = said->next_s <= check->now_s;
    struct verify_row row = {
        .check = names->dates,
        .expected = verify_time(has_begun ? said->next_s : said->issued_s),
        .seen = verify_time(check->now_s),
        .why = has_begun ? "out of date: a newer statement is due"
                         : "issued later than the clock shows",
    };
    return verify_check(check->verdict, has_begun && !has_ended, &row);
}

static enum rotor_status
check_statement(struct verify_dcap_check *check, const struct names *names,
                const struct verify_dcap_statement *said, bool *passed)
{
    *passed = check_signer(check, names);
    if (!*passed) {
        return ROTOR_OK;
    }
    TRY(check_signature(check, names, said, passed));
    *passed = *passed && check_dates(check, names, said);
    return ROTOR_OK;
}

static enum rotor_status judge_alone(struct verify_dcap_check *check,
                                     const struct verify_dcap_statement *said)
{
    bool passed = true;
    TRY(verify_dcap_collect(check, &passed));
    if (!passed) {
        return ROTOR_OK;
    }
    TRY(verify_dcap_find_signers(check, &passed));
    return check_statement(check, &STATEMENT, said, &passed);
}

enum rotor_status verify_dcap_judge_statement(
    struct verify_verdict *verdict, const struct verify_dcap_statement *said,
    const struct verify_dcap_endorsements *endorsements, int64_t now_s)
{
    struct verify_dcap_check check = {
        .verdict = verdict,
        .endorsements = endorsements,
        .now_s = now_s,
    };
    enum rotor_status status = judge_alone(&check, said);
    verify_dcap_close(&check);
    return status;
}

// ---- the quoting enclave ---------------------------------------------------

struct rotor_bytes verify_dcap_masked(struct verify_dcap_check *check,
                                      unsigned place, struct rotor_bytes bytes,
                                      const uint8_t *mask)
{
    uint8_t *out = check->work->masked[place];
    for (size_t i = 0; i < bytes.size; i++) {
        out[i] = bytes.data[i] & mask[i];
    }
    return (struct rotor_bytes){out, bytes.size};
}

static bool check_equal(struct verify_dcap_check *check, const char *name,
                        struct rotor_bytes expected, struct rotor_bytes seen)
{
    return verify_check(check->verdict, bytes_equal(expected, seen),
                        &(struct verify_row){.check = name,
                                             .expected = verify_bytes(expected),
                                             .seen = verify_bytes(seen),
                                             .why = "the quoting enclave is "
                                                    "another than Intel's"});
}

static bool check_isvsvn(struct verify_dcap_check *check,
                         const struct verify_dcap_qe_identity *identity)
{
    const uint8_t *report = check->work->quote.qe_report.data;
    uint16_t isvsvn = bytes_le16(report + AT_ISVSVN);
    struct verify_row row = {
        .check = "QE ISVSVN",
        .seen = verify_number(isvsvn),
        .why = "the quoting enclave is older than any that Intel judges",
    };
    if (identity->levels.count == 0) {
        verify_skip(check->verdict, &row);
        return true;
    }
    const struct verify_dcap_isv_level *level =
        verify_dcap_isv_level_for(&identity->levels, isvsvn);
    if (level != NULL) {
        check->work->tcb_status = level->status;
        row.expected = verify_number(level->isvsvn);
    }
    return verify_check(check->verdict, level != NULL, &row);
}

static bool check_enclave(struct verify_dcap_check *check,
                          const struct verify_dcap_qe_identity *identity)
{
    const uint8_t *report = check->work->quote.qe_report.data;
    uint16_t product = bytes_le16(report + AT_ISVPRODID);
    struct rotor_bytes miscselect =
        verify_dcap_masked(check, 0, bytes_of(report + AT_MISCSELECT, 4),
                           identity->miscselect_mask);
    struct rotor_bytes attributes =
        verify_dcap_masked(check, 1, bytes_of(report + AT_ATTRIBUTES, 16),
                           identity->attributes_mask);
    return check_equal(check, "QE MISCSELECT", BYTES_OF(identity->miscselect),
                       miscselect) &&
           check_equal(check, "QE ATTRIBUTES", BYTES_OF(identity->attributes),
                       attributes) &&
           check_equal(check, "QE MRSIGNER", BYTES_OF(identity->mrsigner),
                       bytes_of(report + AT_MRSIGNER, 32)) &&
           verify_check(check->verdict, product == identity->isvprodid,
                        &(struct verify_row){
                            .check = "QE ISVPRODID",
                            .expected = verify_number(identity->isvprodid),
                            .seen = verify_number(product),
                            .why = "another product of the same signer"}) &&
           check_isvsvn(check, identity);
}

// Without one that Intel signed: its constants, under its root.  Whose enclaves
// another root's are is for its owner to say.
static bool check_unidentified(struct verify_dcap_check *check,
                               const struct verify_dcap_qe_identity *constants)
{
    bool has_others = check->endorsements->qe_identity_count != 0;
    const char *seen =
        has_others ? "none for this kind of quoting enclave" : "none given";
    verify_skip(check->verdict,
                &(struct verify_row){.check = QE_IDENTITY.signature,
                                     .seen = verify_text(seen)});
    return !check->is_under_intel || check_enclave(check, constants);
}

enum rotor_status verify_dcap_check_qe(struct verify_dcap_check *check,
                                       bool *passed)
{
    const struct verify_dcap_endorsements *given = check->endorsements;
    bool is_sgx = check->work->quote.kind == VERIFY_DCAP_BODY_SGX;
    const struct verify_dcap_qe_identity *constants =
        is_sgx ? &verify_dcap_intel_qe : &verify_dcap_intel_td_qe;
    const struct verify_dcap_qe_identity *identity =
        verify_dcap_qe_identity_for(
            given->qe_identities, given->qe_identity_count, constants->enclave);
    check->work->tcb_status = VERIFY_DCAP_TCB_JUDGED;
    if (identity == NULL) {
        *passed = check_unidentified(check, constants);
        return ROTOR_OK;
    }
    TRY(check_statement(check, &QE_IDENTITY, &identity->statement, passed));
    *passed = *passed && check_enclave(check, identity);
    return ROTOR_OK;
}

// ---- the platform ----------------------------------------------------------

static bool check_level(struct verify_dcap_check *check,
                        const struct verify_dcap_tcb_info *info)
{
    const struct verify_dcap_quote *quote = &check->work->quote;
    const uint8_t *tee_tcb_svn =
        quote->kind == VERIFY_DCAP_BODY_SGX ? NULL : quote->body.data;
    const struct verify_dcap_tcb_level *level =
        verify_dcap_level_for(info, &check->work->platform, tee_tcb_svn);
    struct verify_row row = {
        .check = "TCB level",
        .seen = verify_bytes(BYTES_OF(check->work->platform.components)),
        .why = "below every level that Intel judges",
    };
    if (level == NULL) {
        // Older than what Intel calls out of date.
        check->work->tcb_status |= VERIFY_DCAP_TCB_OUT_OF_DATE;
        return verify_check(check->verdict, false, &row);
    }
    check->work->tcb_status =
        verify_dcap_tcb_together(check->work->tcb_status, level->status);
    row.expected = verify_bytes(BYTES_OF(level->sgx));
    (void)verify_check(check->verdict, true, &row);
    verify_skip(check->verdict,
                &(struct verify_row){.check = "TCB advisories",
                                     .seen = verify_text(level->advisories)});
    return true;
}

enum rotor_status verify_dcap_check_tcb(struct verify_dcap_check *check,
                                        bool *passed)
{
    const struct verify_dcap_endorsements *given = check->endorsements;
    bool is_sgx = check->work->quote.kind == VERIFY_DCAP_BODY_SGX;
    const struct verify_dcap_tcb_info *info = verify_dcap_tcb_info_for(
        given->tcb_infos, given->tcb_info_count,
        is_sgx ? VERIFY_DCAP_TEE_SGX : VERIFY_DCAP_TEE_TDX,
        &check->work->platform);
    if (info == NULL) {
        const char *seen = given->tcb_info_count != 0 ? "none for this platform"
                                                      : "none given";
        verify_skip(check->verdict,
                    &(struct verify_row){.check = TCB_INFO.signature,
                                         .seen = verify_text(seen)});
        return ROTOR_OK;
    }
    TRY(check_statement(check, &TCB_INFO, &info->statement, passed));
    if (*passed) {
        check->work->tcb_info = info;
        *passed = check_level(check, info);
    }
    return ROTOR_OK;
}

void verify_dcap_report_tcb(struct verify_dcap_check *check,
                            struct rotor_bytes below)
{
    struct verify_dcap_work *work = check->work;
    struct rotor_room tcb = ROOM_OF(work->tcb);
    uint8_t pcesvn[2];
    bytes_put_be16(pcesvn, work->platform.pcesvn);
    // Sized for all three.
    bool fits =
        bytes_append(&tcb, BYTES_OF(work->platform.components)) == ROTOR_OK &&
        bytes_append(&tcb, BYTES_OF(pcesvn)) == ROTOR_OK &&
        bytes_append(&tcb, below) == ROTOR_OK;
    verify_value_set(&check->verdict->tcb,
                     fits ? bytes_in(&tcb) : (struct rotor_bytes){0});
    // A revoked enclave is that whatever the platform is.
    bool is_known = work->tcb_info != NULL ||
                    (work->tcb_status & VERIFY_DCAP_TCB_REVOKED) != 0;
    check->verdict->tcb_status =
        verify_dcap_tcb_word(is_known ? work->tcb_status : 0);
    verify_skip(
        check->verdict,
        &(struct verify_row){.check = "TCB status",
                             .seen = verify_text(check->verdict->tcb_status)});
}
