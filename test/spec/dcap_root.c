// SPDX-License-Identifier: Apache-2.0
// What is asked under Intel's root alone.  The root of the tests is taken for
// Intel's: the hash of its key is answered with the constant.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

static struct dcap_plan plan;
static struct dcap_made made;
static struct verify_verdict verdict;
static struct verify_dcap_work work;
static struct rotor_bytes root_key;

enum rotor_status __real_crypto_hash(enum crypto_hash hash,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest);
enum rotor_status __wrap_crypto_hash(enum crypto_hash hash,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest);

enum rotor_status __wrap_crypto_hash(enum crypto_hash hash,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest)
{
    if (count == 1 && bytes_equal(parts[0], root_key)) {
        memcpy(digest, verify_dcap_intel_root.key_sha256, 32);
        return ROTOR_OK;
    }
    return __real_crypto_hash(hash, parts, count, digest);
}

// The root comes with the quote; the caller gives no anchor.
static void judge(void)
{
    struct crypto_certificate_facts facts;
    struct verify_asked asked = {.now_s = DCAP_NOW};
    plan.chain_length = 3;
    dcap_make(&plan, &made);
    assert_ok(crypto_certificate_facts(&made.anchor, &facts));
    root_key = facts.spki;
    made.given.anchor_count = 0;
    struct rotor_bytes quote = {made.quote, made.size};
    assert_ok((plan.tee_type == 0 ? verify_sgx : verify_tdx)(
        &verdict, quote, &made.given, &asked, &work));
    root_key = (struct rotor_bytes){0};
    dcap_unmake(&made);
}

static bool failed_at(const char *check)
{
    const struct verify_row *row = verify_row_named(&verdict, check);
    return row != NULL && row->finding == VERIFY_FAILED &&
           !verify_verdict_is_accepted(&verdict);
}

SPEC("the root is found in the quote by its key")
{
    dcap_plan_sgx(&plan);
    judge();
    assert_string_equal(verdict.reason, "accepted");
    assert_memory_equal(verify_row_named(&verdict, "root key")->seen.bytes.data,
                        verify_dcap_intel_root.key_sha256, 32);
}

SPEC("a certificate with the root's key that it did not sign is no root")
{
    dcap_plan_sgx(&plan);
    plan.root.signer = DCAP_OTHER;
    judge();
    assert_true(failed_at("root"));
}

SPEC("a root that expired leads nowhere")
{
    dcap_plan_sgx(&plan);
    plan.root.end_s = DCAP_NOW - 1;
    judge();
    assert_true(failed_at("PCK chain"));
}

static void make_intels(const struct verify_dcap_qe_identity *identity)
{
    uint8_t *report = plan.qe_report;
    memset(report + 16, 0, 4);
    memcpy(report + 128, identity->mrsigner, 32);
    bytes_put_le16(report + 256, identity->isvprodid);
}

SPEC("without a QE identity the quoting enclave must be Intel's own")
{
    static const struct {
        size_t at;
        const char *check;
    } fields[] = {
        {19,  "QE MISCSELECT"},
        {48,  "QE ATTRIBUTES"},
        {128, "QE MRSIGNER"  },
        {159, "QE MRSIGNER"  },
        {256, "QE ISVPRODID" },
    };
    for (unsigned tdx = 0; tdx < 2; tdx++) {
        for (size_t i = 0; i <= COUNT_OF(fields); i++) {
            (tdx == 0 ? dcap_plan_sgx : dcap_plan_tdx)(&plan);
            plan.has_qe_identity = false;
            make_intels(tdx == 0 ? &verify_dcap_intel_qe
                                 : &verify_dcap_intel_td_qe);
            if (i == COUNT_OF(fields)) {
                judge();
                assert_string_equal(verdict.reason, "accepted");
            } else {
                plan.qe_report[fields[i].at] ^= 0x02;
                judge();
                assert_true(failed_at(fields[i].check));
            }
        }
    }
}

SPEC("a QE identity of another kind does not stand in for it")
{
    dcap_plan_sgx(&plan);
    dcap_replace(plan.qe_identity, "\"QE\"", "\"TD_QE\"");
    judge();
    assert_true(failed_at("QE MISCSELECT")); // of the constants
    dcap_plan_tdx(&plan);
    dcap_replace(plan.qe_identity, "\"TD_QE\"", "\"QVE\"");
    make_intels(&verify_dcap_intel_td_qe);
    judge();
    assert_string_equal(verdict.reason, "accepted");
}

SPEC("the quoting enclave of enclaves quotes no TD, and the other way round")
{
    dcap_plan_sgx(&plan);
    plan.has_qe_identity = false;
    make_intels(&verify_dcap_intel_td_qe);
    judge();
    assert_true(failed_at("QE MRSIGNER"));
    dcap_plan_tdx(&plan);
    plan.has_qe_identity = false;
    make_intels(&verify_dcap_intel_qe);
    judge();
    assert_true(failed_at("QE MRSIGNER"));
}
