// SPDX-License-Identifier: Apache-2.0
#include "verify/sgx.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_check.h"

// Offsets in the report of an enclave.
enum {
    AT_ATTRIBUTES = 48,
    AT_MRENCLAVE = 64,
    AT_MRSIGNER = 128,
    AT_ISVPRODID = 256,
    AT_ISVSVN = 258,
    AT_REPORT_DATA = 320,
};

#define ATTRIBUTE_DEBUG 0x02u

static enum rotor_status report(struct verify_dcap_check *check, bool *passed)
{
    const uint8_t *body = check->work->quote.body.data;
    struct verify_verdict *verdict = check->verdict;
    bool is_debug = (body[AT_ATTRIBUTES] & ATTRIBUTE_DEBUG) != 0;
    verify_value_set(&verdict->instance, BYTES_OF(check->work->platform.ppid));
    verify_value_set(&verdict->measurement, bytes_of(body + AT_MRENCLAVE, 32));
    verify_value_set(&verdict->signer, bytes_of(body + AT_MRSIGNER, 32));
    verdict->security_version = bytes_le16(body + AT_ISVSVN);
    verdict->debug = is_debug ? VERIFY_YES : VERIFY_NO;
    verify_skip(verdict, &(struct verify_row){.check = "ISVPRODID",
                                              .seen = verify_number(bytes_le16(
                                                  body + AT_ISVPRODID))});
    verify_skip(verdict, &(struct verify_row){.check = "ATTRIBUTES",
                                              .seen = verify_bytes(bytes_of(
                                                  body + AT_ATTRIBUTES, 16))});
    *passed = verify_check_report_data(verdict, check->asked,
                                       bytes_of(body + AT_REPORT_DATA, 64));
    return ROTOR_OK;
}

// An enclave has no module below it.
static enum rotor_status no_module(struct verify_dcap_check *check,
                                   bool *passed)
{
    (void)check;
    (void)passed;
    return ROTOR_OK;
}

enum rotor_status
verify_sgx(struct verify_verdict *verdict, struct rotor_bytes quote,
           const struct verify_dcap_endorsements *endorsements,
           const struct verify_asked *asked, struct verify_dcap_work *work)
{
    static const struct verify_dcap_kind sgx = {
        .backend = VERIFY_BACKEND_SGX,
        .report = report,
        .module = no_module,
    };
    struct verify_dcap_check check = {
        .verdict = verdict,
        .endorsements = endorsements,
        .work = work,
        .now_s = asked->now_s,
        .asked = asked,
    };
    return verify_dcap_judge(&check, quote, &sgx);
}
