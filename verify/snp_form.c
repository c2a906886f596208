// SPDX-License-Identifier: Apache-2.0
// What a report says of itself, before anything vouches for it.
#include "base/bytes.h"
#include "verify/snp_internal.h"

#define VMPL_MAX 3u

bool verify_snp_is_all(struct rotor_bytes bytes, uint8_t value)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != value) {
            return false;
        }
    }
    return true;
}

bool verify_snp_turn(const uint8_t *amd, uint8_t raw[2 * VERIFY_SNP_HALF])
{
    for (size_t h = 0; h < 2; h++) {
        const uint8_t *half = amd + h * VERIFY_SNP_HALF_AMD;
        for (size_t i = 0; i < VERIFY_SNP_HALF; i++) {
            raw[h * VERIFY_SNP_HALF + i] = half[VERIFY_SNP_HALF - 1 - i];
        }
        if (!verify_snp_is_all(bytes_of(half + VERIFY_SNP_HALF,
                                        VERIFY_SNP_HALF_AMD - VERIFY_SNP_HALF),
                               0)) {
            return false;
        }
    }
    return true;
}

static bool read_report(struct verify_snp_judging *judging,
                        struct rotor_bytes bytes)
{
    struct verify_verdict *v = judging->verdict;
    if (!verify_check(v, bytes.size == VERIFY_SNP_REPORT_SIZE,
                      &(struct verify_row){
                          .check = "report size",
                          .expected = verify_number(VERIFY_SNP_REPORT_SIZE),
                          .seen = verify_number(bytes.size),
                          .why = "not the size of an attestation report",
                      })) {
        return false;
    }
    bool is_known = verify_snp_read(bytes, &judging->report) == ROTOR_OK;
    return verify_check(v, is_known,
                        &(struct verify_row){
                            .check = "report version",
                            .expected = verify_text("2 to 5"),
                            .seen = verify_number(bytes_le32(bytes.data)),
                            .why = "a version that is not supported",
                        });
}

static bool is_policy_formed(uint64_t policy)
{
    return (policy & VERIFY_SNP_POLICY_ONE) != 0 &&
           policy >> (VERIFY_SNP_POLICY_LAST_BIT + 1) == 0;
}

static void check_form(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    const struct verify_snp_report *r = &judging->report;
    verify_check(v, r->algorithm == 1,
                 &(struct verify_row){
                     .check = "signature algorithm",
                     .expected = verify_number(1),
                     .seen = verify_number(r->algorithm),
                     .why = "not ECDSA on P-384 with SHA-384",
                 });
    verify_check(
        v, r->is_reserved_zero,
        &(struct verify_row){
            .check = "reserved bytes",
            .expected = verify_text("zero"),
            .seen = verify_text(r->is_reserved_zero ? "zero" : "not zero"),
            .why = "reserved bytes of the report are not zero",
        });
    verify_check(v, is_policy_formed(r->policy),
                 &(struct verify_row){
                     .check = "policy",
                     .expected = verify_text("bit 17, none above 25"),
                     .seen = verify_number(r->policy),
                     .why = "not a guest policy",
                 });
    // All ones: the host asked for the report, and chose its report data.
    verify_check(v, r->vmpl <= VMPL_MAX,
                 &(struct verify_row){
                     .check = "asked by the guest",
                     .expected = verify_text("VMPL 0 to 3"),
                     .seen = verify_number(r->vmpl),
                     .why = "the guest did not ask for the report",
                 });
    verify_check(
        v, r->has_author_key || verify_snp_is_all(r->author_key_digest, 0),
        &(struct verify_row){
            .check = "author key",
            .expected = verify_text("a digest only with its flag"),
            .seen = verify_bytes(r->author_key_digest),
            .why = "an author key is named and none was given",
        });
}

static uint64_t number_of(const uint8_t version[3])
{
    return (uint64_t)version[0] << 16 | (uint64_t)version[1] << 8 | version[2];
}

static bool is_no_newer(struct rotor_bytes a, struct rotor_bytes b)
{
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] > b.data[i]) {
            return false;
        }
    }
    return true;
}

// The firmware keeps both below what runs; the host chooses the reported one.
static void check_order(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    const struct verify_snp_report *r = &judging->report;
    verify_check(v, is_no_newer(r->reported_tcb, r->current_tcb),
                 &(struct verify_row){
                     .check = "reported tcb",
                     .expected = verify_bytes(r->current_tcb),
                     .seen = verify_bytes(r->reported_tcb),
                     .why = "a newer TCB is reported than runs",
                 });
    verify_check(v, is_no_newer(r->committed_tcb, r->current_tcb),
                 &(struct verify_row){
                     .check = "committed tcb",
                     .expected = verify_bytes(r->current_tcb),
                     .seen = verify_bytes(r->committed_tcb),
                     .why = "a newer TCB is committed than runs",
                 });
    uint64_t committed = number_of(r->committed_version);
    uint64_t current = number_of(r->current_version);
    verify_check(v, committed <= current,
                 &(struct verify_row){
                     .check = "firmware version",
                     .expected = verify_number(current),
                     .seen = verify_number(committed),
                     .why = "a newer firmware is committed than runs",
                 });
}

bool verify_snp_check_form(struct verify_snp_judging *judging,
                           struct rotor_bytes bytes)
{
    if (!read_report(judging, bytes)) {
        return false;
    }
    check_form(judging);
    check_order(judging);
    return true;
}
