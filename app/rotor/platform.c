// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/platform.h"

#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign_detect.h"
#include "app/rotord/registers.h"
#include "base/bytes.h"
#include "chain/eat.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "verify/verdict.h"
#include "wire/message.h"

// "dice" is the enclave's own Evidence: it is in every answer.
static const struct kind {
    const char *name;
    uint64_t backend;
    bool (*attest)(const struct run *run, const struct platform_flags *flags,
                   const uint8_t ud[CHAIN_UD_SIZE], struct rotor_room *report,
                   int *code);
} kinds[] = {
    {"dice", 0,                  NULL               },
    {"tpm",  VERIFY_BACKEND_TPM, platform_attest_tpm},
    {"snp",  VERIFY_BACKEND_SNP, platform_attest_tsm},
    {"tdx",  VERIFY_BACKEND_TDX, platform_attest_tsm},
    {"tsm",  0,                  platform_attest_tsm},
};

static const struct kind *kind_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

enum rotor_status platform_ud(struct rotor_bytes request,
                              struct rotor_bytes response,
                              uint8_t ud[CHAIN_UD_SIZE])
{
    struct wire_attest_req asked;
    struct wire_attest_rsp answer;
    struct wire_attest_core core;
    struct wire_digest th1;
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ, request, &asked));
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, response, &answer));
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, answer.core, &core));
    const struct crypto_suite *suite = crypto_suite_of(core.suite);
    if (suite == NULL) {
        return ROTOR_MALFORMED;
    }
    TRY(chain_session_th1(suite->hash, request, answer.core, &th1));
    const struct chain_report report = {
        .purpose = (enum wire_purpose)asked.purpose,
        .log_id = core.log_id,
        .head = {.epoch = core.epoch, .body_hash = core.body_hash},
        .nonce = asked.nonce,
        .bind = wire_digest_bytes(&th1),
    };
    return chain_ud(&report, ud);
}

bool platform_is_known(const struct run *run,
                       const struct platform_flags *flags, int *code)
{
    uint32_t registers;
    bool is_tpm = flags->kind != NULL && strcmp(flags->kind, "tpm") == 0;
    if (flags->kind != NULL && kind_named(flags->kind) == NULL) {
        *code = fail(run, CAUSE_USAGE, "--evidence dice, tpm, snp, tdx or tsm",
                     "--evidence: not supported: %s", flags->kind);
        return false;
    }
    if (!is_tpm && (flags->tcti != NULL || flags->event_log != NULL ||
                    flags->registers != NULL)) {
        *code = fail(run, CAUSE_USAGE, "add --evidence tpm",
                     "--tcti, --event-log and --pcrs are of a TPM");
        return false;
    }
    bool is_guest =
        flags->kind != NULL && !is_tpm && strcmp(flags->kind, "dice") != 0;
    if (!is_guest && (flags->tsm != NULL || flags->certificates != NULL)) {
        *code = fail(run, CAUSE_USAGE, "add --evidence snp, tdx or tsm",
                     "--tsm and --certificates are of a confidential guest");
        return false;
    }
    if (flags->registers != NULL &&
        !registers_parse(flags->registers, &registers)) {
        *code = fail(run, CAUSE_USAGE, "for example --pcrs 0-7,11",
                     "--pcrs: expected registers from 0 to 23");
        return false;
    }
    return true;
}

static bool wrap(const struct run *run, const struct kind *kind,
                 struct rotor_bytes report, struct rotor_room *evidence,
                 int *code)
{
    // What the guest has shows in its report.
    bool is_snp = foreign_detect(report) == FOREIGN_SNP;
    uint64_t backend = kind->backend != 0 ? kind->backend
                       : is_snp           ? (uint64_t)VERIFY_BACKEND_SNP
                                          : (uint64_t)VERIFY_BACKEND_TDX;
    const struct chain_evidence content = {backend, report};
    size_t capacity = report.size + 16; // an array, a number, a length
    *evidence = (struct rotor_room){malloc(capacity), capacity, 0};
    if (evidence->data != NULL &&
        chain_evidence_encode(&content, evidence) == ROTOR_OK) {
        return true;
    }
    free(evidence->data);
    *evidence = (struct rotor_room){0};
    *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    return false;
}

bool platform_attest(const struct run *run, const struct platform_flags *flags,
                     const uint8_t ud[CHAIN_UD_SIZE],
                     struct rotor_room *evidence, int *code)
{
    struct rotor_room report = {0};
    *evidence = (struct rotor_room){0};
    const struct kind *kind =
        flags->kind != NULL ? kind_named(flags->kind) : NULL;
    if (kind == NULL || kind->attest == NULL) {
        return true;
    }
    bool is_made = kind->attest(run, flags, ud, &report, code) &&
                   wrap(run, kind, bytes_in(&report), evidence, code);
    free(report.data);
    return is_made;
}
