// SPDX-License-Identifier: Apache-2.0
// TCB levels: which one is reached, and the word that it makes together with
// module and quoting enclave.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"

static struct dcap_plan plan;
static struct verify_verdict verdict;

static const char *accepted(void)
{
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    return verdict.reason;
}

static void assert_refused_by_level(void)
{
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verify_row_named(&verdict, "TCB level")->finding,
                     VERIFY_FAILED);
}

// ---- one word out of three judgements --------------------------------------

SPEC("platform, module and quoting enclave are judged together")
{
    static const struct {
        const char *platform, *module, *enclave, *word;
    } rows[] = {
        {"UpToDate",                          "UpToDate",  "UpToDate",  "UpToDate"           },
        {"SWHardeningNeeded",                 "UpToDate",  "UpToDate",  "SWHardeningNeeded"  },
        {"ConfigurationNeeded",               "UpToDate",  "UpToDate",  "ConfigurationNeeded"},
        {"ConfigurationAndSWHardeningNeeded", "UpToDate",  "UpToDate",
         "ConfigurationAndSWHardeningNeeded"                                                 },
        {"OutOfDate",                         "UpToDate",  "UpToDate",  "OutOfDate"          },
        {"OutOfDateConfigurationNeeded",      "UpToDate",  "UpToDate",
         "OutOfDateConfigurationNeeded"                                                      },
        {"Revoked",                           "UpToDate",  "UpToDate",  "Revoked"            },
        {"UpToDate",                          "OutOfDate", "UpToDate",  "OutOfDate"          },
        {"UpToDate",                          "UpToDate",  "OutOfDate", "OutOfDate"          },
        {"SWHardeningNeeded",                 "OutOfDate", "UpToDate",  "OutOfDate"          },
        {"SWHardeningNeeded",                 "UpToDate",  "OutOfDate", "OutOfDate"          },
        {"ConfigurationNeeded",               "UpToDate",  "OutOfDate",
         "OutOfDateConfigurationNeeded"                                                      },
        {"ConfigurationAndSWHardeningNeeded", "OutOfDate", "UpToDate",
         "OutOfDateConfigurationNeeded"                                                      },
        {"UpToDate",                          "Revoked",   "UpToDate",  "Revoked"            },
        {"UpToDate",                          "UpToDate",  "Revoked",   "Revoked"            },
        {"OutOfDate",                         "OutOfDate", "OutOfDate", "OutOfDate"          },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        dcap_plan_tdx(&plan);
        // The first is the module's, then the best level of the platform.
        dcap_replace(plan.tcb_info, "\"UpToDate\"", "\"@\"");
        dcap_replace(plan.tcb_info, "\"UpToDate\"", "\"#\"");
        dcap_replace(plan.tcb_info, "@", rows[i].module);
        dcap_replace(plan.tcb_info, "#", rows[i].platform);
        dcap_replace(plan.qe_identity, "UpToDate", rows[i].enclave);
        assert_string_equal(accepted(), "accepted");
        assert_string_equal(verdict.tcb_status, rows[i].word);
    }
}

SPEC("a lower level is reached with fewer SVNs, and tells its advisories")
{
    dcap_plan_sgx(&plan);
    plan.platform.components[7] = 4;
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "OutOfDate");
    // The text is in the TCB info, which is gone: only that it is shown.
    assert_non_null(verify_row_named(&verdict, "TCB advisories"));
    dcap_plan_tdx(&plan);
    plan.body[0] = 5;
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "OutOfDate");
    dcap_plan_sgx(&plan);
    bytes_put_le16(plan.qe_report + 258, 5);
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "OutOfDate");
}

SPEC("below every level the word is OutOfDate and the verdict a refusal")
{
    dcap_plan_sgx(&plan);
    plan.platform.components[15] = 2;
    assert_refused_by_level();
    assert_string_equal(verdict.tcb_status, "OutOfDate");
}

SPEC("a module of version 0, and one that Intel lists no versions for, is "
     "judged by all TDX components")
{
    dcap_plan_tdx(&plan);
    plan.body[0] = 2;
    plan.body[1] = 0;
    dcap_replace(plan.tcb_info, "\"tdxtcbcomponents\":[{\"svn\":2},{\"svn\":2}",
                 "\"tdxtcbcomponents\":[{\"svn\":2},{\"svn\":0}");
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "UpToDate");
    plan.body[0] = 1; // below the best level now; the next wants [1] to be 1
    assert_refused_by_level();
}

SPEC("a revoked quoting enclave is that without a TCB info too")
{
    dcap_plan_sgx(&plan);
    plan.has_tcb_info = false;
    dcap_replace(plan.qe_identity, "UpToDate", "OutOfDate");
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "unknown");
    dcap_replace(plan.qe_identity, "OutOfDate", "Revoked");
    assert_string_equal(accepted(), "accepted");
    assert_string_equal(verdict.tcb_status, "Revoked");
}

// ---- of several statements -------------------------------------------------

static struct verify_dcap_tcb_info infos[3];
static struct verify_dcap_qe_identity identities[3];

SPEC("of several TCB infos for a platform the one with the highest evaluation "
     "number counts, then the newest")
{
    struct verify_dcap_platform platform = {.fmspc = {1}, .pceid = {2}};
    for (size_t i = 0; i < COUNT_OF(infos); i++) {
        infos[i] = (struct verify_dcap_tcb_info){
            .tee = VERIFY_DCAP_TEE_TDX,
            .fmspc = {1},
            .pceid = {               2},
            .statement = { .evaluation = 5, .issued_s = 100},
        };
    }
    infos[1].statement.issued_s = 101;
    infos[2].statement.evaluation = 4;
    infos[2].statement.issued_s = 500;
    assert_ptr_equal(
        verify_dcap_tcb_info_for(infos, 3, VERIFY_DCAP_TEE_TDX, &platform),
        &infos[1]);
    infos[2].statement.evaluation = 6;
    infos[2].statement.issued_s = 1;
    assert_ptr_equal(
        verify_dcap_tcb_info_for(infos, 3, VERIFY_DCAP_TEE_TDX, &platform),
        &infos[2]);
    infos[2].fmspc[5] = 1;
    infos[1].pceid[0] = 1;
    assert_ptr_equal(
        verify_dcap_tcb_info_for(infos, 3, VERIFY_DCAP_TEE_TDX, &platform),
        &infos[0]);
    assert_null(
        verify_dcap_tcb_info_for(infos, 3, VERIFY_DCAP_TEE_SGX, &platform));
}

SPEC("of several QE identities it is the same")
{
    for (size_t i = 0; i < COUNT_OF(identities); i++) {
        identities[i] = (struct verify_dcap_qe_identity){
            .enclave = VERIFY_DCAP_QE,
            .statement = {.evaluation = 5, .issued_s = 100 - (int64_t)i},
        };
    }
    identities[2].statement.evaluation = 6;
    assert_ptr_equal(verify_dcap_qe_identity_for(identities, 3, VERIFY_DCAP_QE),
                     &identities[2]);
    assert_ptr_equal(verify_dcap_qe_identity_for(identities, 2, VERIFY_DCAP_QE),
                     &identities[0]);
    assert_null(verify_dcap_qe_identity_for(identities, 3, VERIFY_DCAP_TD_QE));
}

SPEC("where one judgement is missing there is none")
{
    assert_int_equal(verify_dcap_tcb_together(0, VERIFY_DCAP_TCB_JUDGED), 0);
    assert_int_equal(verify_dcap_tcb_together(VERIFY_DCAP_TCB_JUDGED, 0), 0);
    assert_string_equal(verify_dcap_tcb_word(0), "unknown");
    assert_string_equal(verify_dcap_tcb_word(VERIFY_DCAP_TCB_REVOKED),
                        "unknown");
    assert_int_equal(verify_dcap_tcb_of_word("UpToDat"), 0);
    assert_int_equal(verify_dcap_tcb_of_word("unknown"), 0);
}
