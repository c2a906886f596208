// SPDX-License-Identifier: Apache-2.0
#include "verify/tdx.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_check.h"

// Offsets in the report of a TD.
enum {
    AT_TEE_TCB_SVN = 0,
    AT_MRSEAM = 16,
    AT_MRSIGNERSEAM = 64,
    AT_SEAMATTRIBUTES = 112,
    AT_TDATTRIBUTES = 120,
    AT_XFAM = 128,
    AT_MRTD = 136,
    AT_MRCONFIGID = 184,
    AT_MROWNER = 232,
    AT_MROWNERCONFIG = 280,
    AT_RTMR0 = 328,
    AT_RTMR1 = 376,
    AT_RTMR2 = 424,
    AT_RTMR3 = 472,
    AT_REPORT_DATA = 520,
    AT_TEE_TCB_SVN2 = 584, // TD 1.5 from here on
    AT_MRSERVICETD = 600,
};

// Byte 0 of TDATTRIBUTES: any of it set, and the host can look inside.
#define UNTRUSTED_GROUP 0

// What nobody judges, shown.
static const struct {
    const char *name;
    size_t at;
    size_t size;
} SHOWN[] = {
    {"MRSEAM",        AT_MRSEAM,        48},
    {"TDATTRIBUTES",  AT_TDATTRIBUTES,  8 },
    {"XFAM",          AT_XFAM,          8 },
    {"MRCONFIGID",    AT_MRCONFIGID,    48},
    {"MROWNERCONFIG", AT_MROWNERCONFIG, 48},
    {"RTMR0",         AT_RTMR0,         48},
    {"RTMR1",         AT_RTMR1,         48},
    {"RTMR2",         AT_RTMR2,         48},
    {"RTMR3",         AT_RTMR3,         48},
    {"TEE_TCB_SVN2",  AT_TEE_TCB_SVN2,  16},
    {"MRSERVICETD",   AT_MRSERVICETD,   48},
};

// Intel's own module, without a TCB info that says so.
static const struct verify_dcap_module INTEL_MODULE = {
    .attributes_mask = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
};

static bool check_module_level(struct verify_dcap_check *check,
                               const struct verify_dcap_module *module)
{
    const uint8_t *tee_tcb_svn = check->work->quote.body.data + AT_TEE_TCB_SVN;
    const struct verify_dcap_isv_level *level =
        verify_dcap_isv_level_for(&module->levels, tee_tcb_svn[0]);
    struct verify_row row = {
        .check = "TDX module level",
        .seen = verify_number(tee_tcb_svn[0]),
        .why = "the module is older than any that Intel judges",
    };
    if (level != NULL) {
        row.expected = verify_number(level->isvsvn);
        check->work->tcb_status =
            verify_dcap_tcb_together(check->work->tcb_status, level->status);
    }
    return verify_check(check->verdict, level != NULL, &row);
}

static bool check_signer(struct verify_dcap_check *check,
                         const struct verify_dcap_module *module)
{
    const uint8_t *body = check->work->quote.body.data;
    struct verify_row signer = {
        .check = "MRSIGNERSEAM",
        .expected = verify_bytes(BYTES_OF(module->mrsigner)),
        .seen = verify_bytes(bytes_of(body + AT_MRSIGNERSEAM, 48)),
        .why = "the TDX module has another signer",
    };
    struct verify_row attributes = {
        .check = "SEAMATTRIBUTES",
        .expected = verify_bytes(BYTES_OF(module->attributes)),
        .seen = verify_bytes(
            verify_dcap_masked(check, 2, bytes_of(body + AT_SEAMATTRIBUTES, 8),
                               module->attributes_mask)),
        .why = "the TDX module has other attributes",
    };
    return verify_check(check->verdict,
                        bytes_equal(signer.expected.bytes, signer.seen.bytes),
                        &signer) &&
           verify_check(
               check->verdict,
               bytes_equal(attributes.expected.bytes, attributes.seen.bytes),
               &attributes);
}

static bool module_is_good(struct verify_dcap_check *check)
{
    const struct verify_dcap_tcb_info *info = check->work->tcb_info;
    const uint8_t *tee_tcb_svn = check->work->quote.body.data + AT_TEE_TCB_SVN;
    if (info == NULL) {
        return check_signer(check, &INTEL_MODULE);
    }
    const struct verify_dcap_module *module =
        verify_dcap_module_for(info, tee_tcb_svn);
    struct verify_row row = {
        .check = "TDX module",
        .seen = verify_number(tee_tcb_svn[1]),
        .why = "Intel judges no module of this version",
    };
    return verify_check(check->verdict, module != NULL, &row) &&
           check_signer(check, module) &&
           (!verify_dcap_has_module_version(info, tee_tcb_svn) ||
            check_module_level(check, module));
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static enum rotor_status report(struct verify_dcap_check *check, bool *passed)
{
    struct rotor_bytes body = check->work->quote.body;
    struct verify_verdict *verdict = check->verdict;
    bool is_debug = body.data[AT_TDATTRIBUTES + UNTRUSTED_GROUP] != 0;
    verify_value_set(&verdict->instance, BYTES_OF(check->work->platform.ppid));
    verify_value_set(&verdict->measurement, bytes_of(body.data + AT_MRTD, 48));
    if (!is_zero(body.data + AT_MROWNER, 48)) {
        verify_value_set(&verdict->signer,
                         bytes_of(body.data + AT_MROWNER, 48));
    }
    verdict->debug = is_debug ? VERIFY_YES : VERIFY_NO;
    for (size_t i = 0; i < COUNT_OF(SHOWN); i++) {
        if (SHOWN[i].at + SHOWN[i].size <= body.size) {
            verify_skip(verdict,
                        &(struct verify_row){
                            .check = SHOWN[i].name,
                            .seen = verify_bytes(bytes_of(
                                body.data + SHOWN[i].at, SHOWN[i].size))});
        }
    }
    *passed = verify_check_report_data(
        verdict, check->asked, bytes_of(body.data + AT_REPORT_DATA, 64));
    return ROTOR_OK;
}

static enum rotor_status check_module(struct verify_dcap_check *check,
                                      bool *passed)
{
    *passed = module_is_good(check);
    return ROTOR_OK;
}

enum rotor_status
verify_tdx(struct verify_verdict *verdict, struct rotor_bytes quote,
           const struct verify_dcap_endorsements *endorsements,
           const struct verify_asked *asked, struct verify_dcap_work *work)
{
    static const struct verify_dcap_kind tdx = {
        .backend = VERIFY_BACKEND_TDX,
        .report = report,
        .module = check_module,
        .below_size = 16, // TEE_TCB_SVN
    };
    struct verify_dcap_check check = {
        .verdict = verdict,
        .endorsements = endorsements,
        .work = work,
        .now_s = asked->now_s,
        .asked = asked,
    };
    return verify_dcap_judge(&check, quote, &tdx);
}
