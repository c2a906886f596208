// SPDX-License-Identifier: Apache-2.0
// Quotes under a PKI of our own: what a good one says, in every form that it
// comes in.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"

static struct dcap_plan plan;
static struct verify_verdict verdict;

static bool value_is(const struct verify_value *value, uint8_t byte,
                     size_t size)
{
    for (size_t i = 0; i < value->size; i++) {
        if (value->bytes[i] != byte) {
            return false;
        }
    }
    return value->size == size;
}

static const char *accepted(void)
{
    assert_ok(dcap_judge_plan(&plan, NULL, &verdict));
    return verdict.reason;
}

SPEC("a quote of an enclave is accepted and says what runs where")
{
    uint8_t data[64];
    memset(data, 0xda, sizeof data);
    struct verify_asked asked = {.report_data = BYTES_OF(data),
                                 .now_s = DCAP_NOW};
    dcap_plan_sgx(&plan);
    assert_ok(dcap_judge_plan(&plan, &asked, &verdict));
    assert_string_equal(verdict.reason, "accepted");
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.backend, VERIFY_BACKEND_SGX);
    assert_int_equal(verdict.level, VERIFY_LEVEL_HARDWARE);
    assert_true(value_is(&verdict.instance, 0x9d, 16));
    assert_true(value_is(&verdict.measurement, 0xe1, 32));
    assert_true(value_is(&verdict.signer, 0x51, 32));
    assert_int_equal(verdict.security_version, 77);
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(verdict.fresh, VERIFY_YES);
    assert_string_equal(verdict.tcb_status, "UpToDate");
    assert_int_equal(verdict.tcb.size, 18);
    assert_int_equal(verdict.tcb.bytes[15], 0x86);
    assert_int_equal(verdict.tcb.bytes[17], 13);
}

SPEC("a quote of a TD is accepted and says what runs where")
{
    dcap_plan_tdx(&plan);
    assert_string_equal(accepted(), "accepted");
    assert_int_equal(verdict.backend, VERIFY_BACKEND_TDX);
    assert_int_equal(verdict.level, VERIFY_LEVEL_HARDWARE);
    assert_true(value_is(&verdict.instance, 0x9d, 16));
    assert_true(value_is(&verdict.measurement, 0xd1, 48));
    assert_true(value_is(&verdict.signer, 0x0e, 48));
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    assert_string_equal(verdict.tcb_status, "UpToDate");
    assert_int_equal(verdict.tcb.size, 34);
    assert_int_equal(verdict.tcb.bytes[18], 6);
    assert_int_equal(verify_row_named(&verdict, "RTMR0")->seen.bytes.size, 48);
    assert_int_equal(verify_row_named(&verdict, "RTMR3")->seen.bytes.size, 48);
    assert_non_null(verify_row_named(&verdict, "MRSERVICETD"));
}

SPEC("TDs of version 4, and TDs and enclaves of every version are accepted")
{
    dcap_plan_tdx(&plan);
    plan.version = 4;
    plan.body_size = VERIFY_DCAP_TD10_SIZE;
    assert_string_equal(accepted(), "accepted");
    assert_null(verify_row_named(&verdict, "MRSERVICETD"));
    plan.version = 5;
    plan.body_type = 2;
    assert_string_equal(accepted(), "accepted");
    dcap_plan_sgx(&plan);
    plan.version = 4;
    assert_string_equal(accepted(), "accepted");
    plan.version = 5;
    assert_string_equal(accepted(), "accepted");
}

SPEC("a TD without an owner has no signer")
{
    dcap_plan_tdx(&plan);
    memset(plan.body + 232, 0, 48);
    assert_string_equal(accepted(), "accepted");
    assert_int_equal(verdict.signer.size, 0);
}

SPEC("debugging is told: of an enclave, and every bit of a TD's first group")
{
    dcap_plan_sgx(&plan);
    plan.body[48] |= 0x02;
    assert_string_equal(accepted(), "accepted");
    assert_int_equal(verdict.debug, VERIFY_YES);
    dcap_plan_tdx(&plan);
    for (unsigned bit = 0; bit < 8; bit++) {
        plan.body[120] = (uint8_t)(1u << bit);
        assert_string_equal(accepted(), "accepted");
        assert_int_equal(verdict.debug, VERIFY_YES);
    }
}

SPEC("a PCK chain is taken in PEM, in DER, root first, as a leaf, or from the "
     "caller")
{
    dcap_plan_sgx(&plan);
    plan.chain_length = 3;
    assert_string_equal(accepted(), "accepted");
    plan.is_der = true;
    assert_string_equal(accepted(), "accepted");
    plan.certification_type = 4;
    plan.chain_length = 1;
    assert_string_equal(accepted(), "accepted");
    for (uint16_t type = 1; type <= 3; type++) {
        plan.certification_type = type;
        assert_string_equal(accepted(), "accepted");
    }
}
