// SPDX-License-Identifier: Apache-2.0
// Quotes under a PKI of our own: the check that each wrong field meets,
// although every signature was made anew.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"
#include "verify/sgx.h"

static struct dcap_plan plan;
static struct verify_verdict verdict;

static const char *accepted(void)
{
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    return verdict.reason;
}

static void other_vendor(void)
{
    plan.vendor[15] ^= 1;
}
static void without_extension(void)
{
    plan.has_no_extension = true;
}
static void without_ppid(void)
{
    plan.dropped_arc = 1;
}
static void without_tcb(void)
{
    plan.dropped_arc = 2;
}
static void without_pceid(void)
{
    plan.dropped_arc = 3;
}
static void without_fmspc(void)
{
    plan.dropped_arc = 4;
}
static void fmspc_twice(void)
{
    plan.doubled_arc = 4;
}
static void pck_is_a_ca(void)
{
    plan.pck.is_ca = true;
}
static void pck_expired(void)
{
    plan.pck.end_s = DCAP_NOW - 1;
}
static void pck_of_tomorrow(void)
{
    plan.pck.begin_s = DCAP_NOW + DCAP_DAY;
}
static void pck_of_another_ca(void)
{
    plan.pck.signer = DCAP_OTHER;
}
static void pck_by_the_root_in_the_name_of_the_ca(void)
{
    plan.pck.signer = DCAP_ROOT;
}
static void ca_is_none(void)
{
    plan.ca.is_ca = false;
}
static void ca_expired(void)
{
    plan.ca.end_s = DCAP_NOW - 1;
}
static void ca_of_another_root(void)
{
    plan.ca.signer = DCAP_OTHER;
}
static void pck_revoked(void)
{
    plan.pck_is_revoked = true;
}
static void ca_revoked(void)
{
    plan.ca_is_revoked = true;
}
static void list_missing(void)
{
    plan.has_no_ca_crl = true;
}
static void list_expired(void)
{
    plan.crl_end_s = DCAP_NOW - 1;
}
static void qe_by_another_pck(void)
{
    plan.qe_signer = DCAP_OTHER;
}
static void qe_for_another_key(void)
{
    plan.qe_data_flip[31] = 0x80;
}
static void qe_with_more_report_data(void)
{
    plan.qe_data_flip[63] = 0x01;
}
static void quote_by_another_key(void)
{
    plan.quote_signer = DCAP_OTHER;
}
static void qe_miscselect(void)
{
    plan.qe_report[19] ^= 0x80;
}
static void qe_attributes(void)
{
    plan.qe_report[48] ^= 0x02; // debug
}
static void qe_mrsigner(void)
{
    plan.qe_report[159] ^= 1;
}
static void qe_product(void)
{
    plan.qe_report[257] ^= 1;
}
static void qe_too_old(void)
{
    bytes_put_le16(plan.qe_report + 258, 4);
}
static void qe_identity_by_another_key(void)
{
    plan.qe_identity_signer = DCAP_OTHER;
}
static void qe_identity_by_the_pck(void)
{
    plan.qe_identity_signer = DCAP_PCK;
}
static void qe_identity_expired(void)
{
    dcap_replace(plan.qe_identity, "2025-07-01", "2025-06-15");
}
static void qe_identity_of_tomorrow(void)
{
    dcap_replace(plan.qe_identity, "2025-06-01", "2025-06-16");
}
static void tcb_signer_of_another_name(void)
{
    plan.tcb.name = "Intel SGX TCB Signer";
}
static void tcb_signer_expired(void)
{
    plan.tcb.end_s = DCAP_NOW - 1;
}
static void tcb_signer_is_a_ca(void)
{
    plan.tcb.is_ca = true;
}
static void tcb_signer_of_another_root(void)
{
    plan.tcb.signer = DCAP_OTHER;
}
static void tcb_info_by_another_key(void)
{
    plan.tcb_info_signer = DCAP_OTHER;
}
static void tcb_info_by_the_pck(void)
{
    plan.tcb_info_signer = DCAP_PCK;
}
static void tcb_info_expired(void)
{
    dcap_replace(plan.tcb_info, "2025-07-01", "2025-06-15");
}
static void tcb_info_of_tomorrow(void)
{
    dcap_replace(plan.tcb_info, "2025-06-01", "2025-06-16");
}
static void fmspc_of_another(void)
{
    plan.platform.fmspc[5] ^= 1;
}
static void pceid_of_another(void)
{
    plan.platform.pceid[1] ^= 1;
}
static void tcb_info_of_another_tee(void)
{
    struct dcap_plan other;
    (plan.tee_type == 0 ? dcap_plan_tdx : dcap_plan_sgx)(&other);
    memcpy(plan.tcb_info, other.tcb_info, sizeof plan.tcb_info);
}
static void component_too_low(void)
{
    plan.platform.components[15] = 2;
}
static void pcesvn_too_low(void)
{
    plan.platform.pcesvn = 8;
}
static void tdx_component_too_low(void)
{
    plan.body[15] = 0;
}
static void module_of_no_known_version(void)
{
    plan.body[1] = 2;
}
static void module_too_old(void)
{
    plan.body[0] = 3;
}
static void module_signer(void)
{
    plan.body[64 + 47] = 1;
}
static void module_attributes(void)
{
    plan.body[112 + 7] = 0x80;
}

static const struct wrong {
    void (*change)(void);
    const char *check;
    bool is_tdx_only;
} WRONG[] = {
    {without_extension,                     "PCK certificate",       false},
    {without_ppid,                          "PCK certificate",       false},
    {without_tcb,                           "PCK certificate",       false},
    {without_pceid,                         "PCK certificate",       false},
    {without_fmspc,                         "PCK certificate",       false},
    {fmspc_twice,                           "PCK certificate",       false},
    {pck_is_a_ca,                           "PCK certificate",       false},
    {pck_expired,                           "PCK chain",             false},
    {pck_of_tomorrow,                       "PCK chain",             false},
    {pck_of_another_ca,                     "PCK chain",             false},
    {pck_by_the_root_in_the_name_of_the_ca, "PCK chain",             false},
    {ca_is_none,                            "PCK chain",             false},
    {ca_expired,                            "PCK chain",             false},
    {ca_of_another_root,                    "PCK chain",             false},
    {pck_revoked,                           "PCK chain",             false},
    {ca_revoked,                            "PCK chain",             false},
    {list_missing,                          "PCK chain",             false},
    {list_expired,                          "PCK chain",             false},
    {qe_by_another_pck,                     "QE report signature",   false},
    {qe_for_another_key,                    "attestation key",       false},
    {qe_with_more_report_data,              "attestation key",       false},
    {quote_by_another_key,                  "quote signature",       false},
    {other_vendor,                          "QE vendor",             false},
    {tcb_signer_of_another_name,            "QE identity signer",    false},
    {tcb_signer_expired,                    "QE identity signer",    false},
    {tcb_signer_is_a_ca,                    "QE identity signer",    false},
    {tcb_signer_of_another_root,            "QE identity signer",    false},
    {qe_identity_by_another_key,            "QE identity signature", false},
    {qe_identity_by_the_pck,                "QE identity signature", false},
    {qe_identity_expired,                   "QE identity dates",     false},
    {qe_identity_of_tomorrow,               "QE identity dates",     false},
    {qe_miscselect,                         "QE MISCSELECT",         false},
    {qe_attributes,                         "QE ATTRIBUTES",         false},
    {qe_mrsigner,                           "QE MRSIGNER",           false},
    {qe_product,                            "QE ISVPRODID",          false},
    {qe_too_old,                            "QE ISVSVN",             false},
    {tcb_info_by_another_key,               "TCB info signature",    false},
    {tcb_info_by_the_pck,                   "TCB info signature",    false},
    {tcb_info_expired,                      "TCB info dates",        false},
    {tcb_info_of_tomorrow,                  "TCB info dates",        false},
    {component_too_low,                     "TCB level",             false},
    {pcesvn_too_low,                        "TCB level",             false},
    {tdx_component_too_low,                 "TCB level",             true },
    {module_of_no_known_version,            "TDX module",            true },
    {module_too_old,                        "TDX module level",      true },
    {module_signer,                         "MRSIGNERSEAM",          true },
    {module_attributes,                     "SEAMATTRIBUTES",        true },
};

static void assert_refused_by(const char *check, size_t wrong)
{
    const struct verify_row *row = verify_row_named(&verdict, check);
    bool is_refused = row != NULL && row->finding == VERIFY_FAILED &&
                      !verify_verdict_is_accepted(&verdict) &&
                      verdict.level == VERIFY_LEVEL_NONE &&
                      verdict.reason == row->why;
    if (!is_refused) {
        print_message("row %zu, %s: %s\n", wrong, check, verdict.reason);
    }
    assert_true(is_refused);
}

SPEC("each wrong field of an enclave's quote, of its certificates and of what "
     "Intel says meets the check of its name")
{
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        dcap_plan_sgx(&plan);
        if (!WRONG[i].is_tdx_only) {
            WRONG[i].change();
            assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
            assert_refused_by(WRONG[i].check, i);
        }
    }
}

SPEC("each wrong field of a TD's quote does too")
{
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        dcap_plan_tdx(&plan);
        WRONG[i].change();
        assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
        assert_refused_by(WRONG[i].check, i);
    }
}

SPEC("module and its attributes must be Intel's also without a TCB info")
{
    dcap_plan_tdx(&plan);
    plan.has_tcb_info = false;
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "unknown");
    module_signer();
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("MRSIGNERSEAM", 0);
    dcap_plan_tdx(&plan);
    plan.has_tcb_info = false;
    module_attributes();
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("SEAMATTRIBUTES", 0);
}

SPEC("a TCB info for another platform or TEE is as good as none")
{
    static void (*const others[])(void) = {fmspc_of_another, pceid_of_another,
                                           tcb_info_of_another_tee};
    for (size_t i = 0; i < 2 * COUNT_OF(others); i++) {
        (i % 2 == 0 ? dcap_plan_sgx : dcap_plan_tdx)(&plan);
        others[i / 2]();
        assert_string_equal(accepted(), "accepted");
        assert_string_equal(verdict.tcb_status, "unknown");
        const struct verify_row *row =
            verify_row_named(&verdict, "TCB info signature");
        assert_int_equal(row->finding, VERIFY_NOT_ASKED);
        assert_string_equal(row->seen.text, "none for this platform");
    }
}

SPEC("report data that was not asked for is refused")
{
    uint8_t data[64];
    memset(data, 0xda, sizeof data);
    for (size_t at = 0; at < sizeof data; at++) {
        data[at] ^= 1;
        struct verify_asked asked = {.report_data = BYTES_OF(data),
                                     .now_s = DCAP_NOW};
        (at % 2 == 0 ? dcap_plan_sgx : dcap_plan_tdx)(&plan);
        assert_ok(dcap_judge_plan(&plan, &asked, &verdict));
        assert_refused_by("report data", at);
        assert_int_equal(verdict.bound, VERIFY_NO);
        data[at] ^= 1;
    }
}

SPEC("more certificates than a chain has, or than a call takes, are refused")
{
    dcap_plan_sgx(&plan);
    plan.chain_length = 5;
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("certification data", 0);
    plan.chain_length = 0;
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("PCK certificate", 0);
}

SPEC("a PCK that the caller gives must be none of a CA")
{
    dcap_plan_sgx(&plan);
    plan.certification_type = 1;
    plan.pck.is_ca = true;
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("PCK certificate", 0);
}

SPEC("a certificate whose key nobody here can check with is a refusal, not a "
     "verdict of the checks before it")
{
    dcap_plan_sgx(&plan);
    plan.pck_is_strange = true;
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("certificate keys", 0);
    dcap_plan_tdx(&plan);
    plan.tcb_is_strange = true;
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_refused_by("certificate keys", 0);
}

SPEC("a signer that expired does not stand in the way of one that did not")
{
    static struct dcap_made good;
    static struct dcap_made old;
    static struct verify_dcap_work work;
    struct verify_asked asked = {.now_s = DCAP_NOW};
    dcap_plan_sgx(&plan);
    dcap_make(&plan, &good);
    plan.tcb.end_s = DCAP_NOW - 1;
    dcap_make(&plan, &old);
    struct crypto_certificate certificates[] = {
        good.certificates[0], old.certificates[1], good.certificates[1]};
    good.given.certificates = certificates;
    good.given.certificate_count = COUNT_OF(certificates);
    assert_ok(verify_sgx(&verdict, bytes_of(good.quote, good.size), &good.given,
                         &asked, &work));
    assert_string_equal(verdict.reason, "accepted");
    dcap_unmake(&good);
    dcap_unmake(&old);
}

SPEC("a body of another kind than the header says is refused")
{
    dcap_plan_tdx(&plan);
    plan.tee_type = 0;
    assert_int_equal(dcap_judge_plan(&plan, NULL, &verdict), ROTOR_MALFORMED);
    assert_string_equal(verdict.reason,
                        "the body is of another kind than the header");
    dcap_plan_sgx(&plan);
    plan.version = 5;
    plan.tee_type = 0x81;
    assert_int_equal(dcap_judge_plan(&plan, NULL, &verdict), ROTOR_MALFORMED);
}
