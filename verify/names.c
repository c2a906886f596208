// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "verify/evidence.h"

const char *verify_check_name(enum verify_check check)
{
    static const char *const NAMES[VERIFY_CHECK_COUNT] = {
        [VERIFY_CHECK_FORMAT] = "format",
        [VERIFY_CHECK_CERTIFICATE] = "certificate",
        [VERIFY_CHECK_SIGNATURE] = "signature",
        [VERIFY_CHECK_BINDING] = "binding",
        [VERIFY_CHECK_COMPONENT] = "component",
        [VERIFY_CHECK_CLAIMS] = "claims",
        [VERIFY_CHECK_INSTANCE] = "instance",
        [VERIFY_CHECK_MEASUREMENT] = "measurement",
        [VERIFY_CHECK_AUTHORITY] = "authority",
        [VERIFY_CHECK_SECURITY_VERSION] = "security-version",
        [VERIFY_CHECK_DEBUG] = "debug",
    };
    return (unsigned)check < COUNT_OF(NAMES) ? NAMES[check] : "unknown";
}

const char *verify_finding_name(enum verify_finding finding)
{
    static const char *const NAMES[] = {
        [VERIFY_NOT_REACHED] = "not-reached",
        [VERIFY_PASSED] = "passed",
        [VERIFY_FAILED] = "failed",
        [VERIFY_NOT_ASKED] = "not-asked",
    };
    return (unsigned)finding < COUNT_OF(NAMES) ? NAMES[finding] : "unknown";
}

const char *verify_ternary_name(enum verify_ternary value)
{
    static const char *const NAMES[] = {
        [VERIFY_NOT_CHECKED] = "not-checked",
        [VERIFY_NO] = "no",
        [VERIFY_YES] = "yes",
    };
    return (unsigned)value < COUNT_OF(NAMES) ? NAMES[value] : "unknown";
}

const char *verify_backend_name(enum verify_backend backend)
{
    static const char *const NAMES[VERIFY_BACKEND_COUNT] = {
        [VERIFY_BACKEND_NONE] = "none",   [VERIFY_BACKEND_PROCESS] = "process",
        [VERIFY_BACKEND_KVM] = "kvm",     [VERIFY_BACKEND_DICE] = "dice",
        [VERIFY_BACKEND_SNP] = "snp",     [VERIFY_BACKEND_SGX] = "sgx",
        [VERIFY_BACKEND_TDX] = "tdx",     [VERIFY_BACKEND_TPM] = "tpm",
        [VERIFY_BACKEND_NITRO] = "nitro", [VERIFY_BACKEND_PSA] = "psa",
        [VERIFY_BACKEND_CCA] = "cca",     [VERIFY_BACKEND_EAT] = "eat",
    };
    return (unsigned)backend < COUNT_OF(NAMES) ? NAMES[backend] : "unknown";
}

const char *verify_level_name(enum verify_level level)
{
    static const char *const NAMES[] = {
        [VERIFY_LEVEL_PROCESS] = "process",
        [VERIFY_LEVEL_KVM] = "kvm",
        [VERIFY_LEVEL_TRUSTZONE] = "trustzone",
        [VERIFY_LEVEL_HARDWARE] = "hardware",
    };
    return (unsigned)level < COUNT_OF(NAMES) ? NAMES[level] : "none";
}
