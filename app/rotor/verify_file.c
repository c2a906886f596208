// SPDX-License-Identifier: Apache-2.0
// rotor verify of files: rotor's own evidence, that of others, and both in one.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/bundle.h"
#include "app/rotor/catch_up.h"
#include "app/rotor/platform.h"
#include "app/rotor/verify.h"
#include "base/bytes.h"
#include "chain/eat.h"

// ---- from a file -----------------------------------------------------------

static bool is_unparsable(struct verification *v)
{
    return relying_end(&v->report.outcome, CAUSE_UNPARSABLE,
                       "rotor attest writes such files",
                       "%s: not evidence of rotor", v->target);
}

static bool check_request(struct verification *v, struct wire_attest_req *asked)
{
    struct relying_report *report = &v->report;
    if (wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ,
                            bytes_of(report->request, report->request_size),
                            asked) != ROTOR_OK) {
        return is_unparsable(v);
    }
    if (!bytes_equal(asked->nonce, BYTES_OF(v->nonce))) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED,
                           "ask the device with your own nonce, once",
                           "the evidence answers another nonce: it is not "
                           "fresh");
    }
    if (asked->purpose == WIRE_PURPOSE_SESSION) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                           "the evidence is of a session");
    }
    if (v->is_leaf &&
        !bytes_equal(asked->peer_binding, BYTES_OF(v->leaf.binding))) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                           "the evidence is bound to another key than the "
                           "certificate's");
    }
    return true;
}

static bool check_uri(struct verification *v, const struct wire_digest *log_id)
{
    char uri[128];
    leaf_uri(log_id, uri);
    if (v->is_leaf && strcmp(uri, v->leaf.uri) != 0) {
        return relying_end(&v->report.outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                           "the certificate names another log than its "
                           "evidence");
    }
    return true;
}

static bool judge_bundle(struct verification *v, struct bundle *bundle)
{
    struct relying_report *report = &v->report;
    struct rotor_room request = ROOM_OF(report->request);
    struct rotor_room response = ROOM_OF(report->response);
    struct wire_attest_req asked;
    struct wire_attest_rsp answer;
    struct wire_attest_core core;
    if (bytes_copy(&request, bundle->request) != ROTOR_OK ||
        bytes_copy(&response, bundle->response) != ROTOR_OK) {
        return is_unparsable(v);
    }
    report->request_size = request.used;
    report->response_size = response.used;
    bool is_answer =
        wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, bytes_in(&response),
                            &answer) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, answer.core, &core) ==
            ROTOR_OK;
    if (!is_answer) {
        return is_unparsable(v);
    }
    if (!check_request(v, &asked) || !check_uri(v, &core.log_id)) {
        return false;
    }
    bool is_pinned = !wire_digest_is_empty(&v->options.log_id);
    if (!is_pinned &&
        !relying_select(&v->party, &core.log_id, &report->outcome)) {
        return false;
    }
    const struct relying_device device = bundle_device(bundle);
    return relying_meet(&v->party, &device, report) &&
           relying_judge(&v->party, &device, report);
}

static bool judge_file(struct verification *v, struct rotor_bytes content)
{
    struct bundle bundle;
    enum rotor_status status = bundle_decode(&bundle, content);
    if (status == ROTOR_PORT_FAILED) {
        return relying_end(&v->report.outcome, CAUSE_PLATFORM, NULL,
                           "out of memory");
    }
    if (status != ROTOR_OK) {
        return is_unparsable(v);
    }
    v->has_platform = bundle.platform.size != 0;
    v->platform = bundle.platform;
    bool is_accepted = judge_bundle(v, &bundle);
    bundle_close(&bundle);
    return is_accepted;
}

// The same, from inside a certificate.
static bool judge_leaf(struct verification *v, struct rotor_bytes content)
{
    enum rotor_status status = leaf_decode(content, &v->leaf);
    v->is_leaf = true;
    bool is_accepted = status == ROTOR_OK ? judge_file(v, v->leaf.bundle)
                       : status == ROTOR_MALFORMED
                           ? is_unparsable(v)
                           : relying_end(&v->report.outcome, CAUSE_PLATFORM,
                                         NULL, "out of memory");
    v->platform = (struct rotor_bytes){0}; // goes with the leaf
    free((void *)(uintptr_t)v->leaf.bundle.data);
    return is_accepted;
}

// ---- rotor's own -----------------------------------------------------------

bool verification_settle(struct verification *v, int *code)
{
    bool has_policy = v->flags.policy != NULL;
    if (has_policy &&
        (!policy_file_read(v->run, &v->policy, v->flags.policy, code) ||
         !policy_own_settle(v->run, &v->policy, &v->reliance, code))) {
        return false;
    }
    return reliance_settle(v->run, &v->reliance, &v->options, code);
}

static int no_nonce(const struct verification *v)
{
    return fail(v->run, CAUSE_USAGE,
                "pass the nonce that you gave to `rotor attest`",
                "no nonce: cannot tell whether the evidence is fresh");
}

// Judges evidence that rotor itself made, over a nonce.  False: *code counts,
// or the report says why.
static bool judge_own(struct verification *v, struct rotor_bytes content,
                      bool *is_accepted, int *code)
{
    struct rotor_room nonce = ROOM_OF(v->nonce);
    if (v->nonce_text == NULL) {
        *code = no_nonce(v);
        return false;
    }
    if (!parse_hex(v->nonce_text, &nonce) || nonce.used != WIRE_NONCE_SIZE) {
        *code =
            fail(v->run, CAUSE_USAGE, NULL, "--nonce: expected 64 hex digits");
        return false;
    }
    if (!verification_settle(v, code)) {
        return false;
    }
    v->options.is_offline = true;
    *is_accepted = verification_open(v) &&
                   (leaf_is_certificate(content) ? judge_leaf(v, content)
                                                 : judge_file(v, content));
    return true;
}

// A demand on rotor's own evidence, which none of another kind meets.
static const char *demand_of(const struct verification *v)
{
    return v->reliance.reference_file != NULL ? "--reference"
           : v->reliance.log_id != NULL       ? "--log-id"
           : v->chain != NULL                 ? "--chain"
                                              : NULL;
}

static int verify_with(struct verification *v, struct foreign *foreign,
                       struct rotor_room *content)
{
    const struct foreign_wanted wanted = {
        .measurements = &v->reliance.measurements,
        .instances = &v->reliance.instances,
        .security_version_min = v->reliance.security_version_min,
        .unmet = foreign->own == NULL ? demand_of(v) : NULL,
    };
    foreign->run = v->run;
    foreign->target = v->target;
    foreign->flags = &v->flags;
    return foreign_verify(foreign, content, &wanted, v->explains);
}

static int verify_foreign(struct verification *v, struct rotor_room *content)
{
    static struct foreign foreign;
    if (v->nonce_text != NULL && v->flags.report_data != NULL) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--nonce and --report-data exclude each other");
    }
    if (v->nonce_text != NULL) { // what the evidence carries is the nonce
        v->flags.report_data = v->nonce_text;
    }
    return verify_with(v, &foreign, content);
}

// ---- rotor's answer, and evidence of the platform over it -------------------

static const char *format_of(uint64_t backend)
{
    switch (backend) {
    case VERIFY_BACKEND_SNP:
        return "snp";
    case VERIFY_BACKEND_TDX:
        return "tdx";
    case VERIFY_BACKEND_TPM:
        return "tpm";
    default:
        return NULL;
    }
}

// The answer is accepted: evidence of the platform must carry the UD of it.
static int verify_platform(struct verification *v)
{
    static struct foreign foreign;
    static char text[2 * CHAIN_UD_SIZE + 1];
    const struct relying_report *report = &v->report;
    struct chain_evidence evidence;
    uint8_t ud[CHAIN_UD_SIZE];
    bool is_good =
        chain_evidence_decode(v->platform, &evidence) == ROTOR_OK &&
        platform_ud(bytes_of(report->request, report->request_size),
                    bytes_of(report->response, report->response_size),
                    ud) == ROTOR_OK;
    v->flags.format = is_good ? format_of(evidence.backend) : NULL;
    if (v->flags.format == NULL) {
        return fail(v->run, is_good ? CAUSE_NOT_SUPPORTED : CAUSE_UNPARSABLE,
                    NULL, "%s: evidence of a platform of no known kind",
                    v->target);
    }
    struct rotor_room room = {malloc(evidence.report.size + 1),
                              evidence.report.size, 0};
    if (room.data == NULL || bytes_copy(&room, evidence.report) != ROTOR_OK) {
        free(room.data);
        return fail(v->run, CAUSE_PLATFORM, NULL, "out of memory");
    }
    for (size_t i = 0; i < sizeof ud; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", ud[i]);
    }
    v->flags.report_data = text;
    foreign.own = report;
    int code = verify_with(v, &foreign, &room);
    free(room.data);
    return code;
}

static int verify_bundle(struct verification *v, struct rotor_bytes content)
{
    bool wants_platform = verification_is_foreign(v);
    bool is_accepted = false;
    int code = EXIT_UNABLE;
    if (v->flags.report_data != NULL) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--report-data: rotor's own evidence names its answer; "
                    "--nonce");
    }
    if (!judge_own(v, content, &is_accepted, &code)) {
        return code;
    }
    is_accepted = is_accepted && v->report.outcome.is_accepted &&
                  verify_answer_is_accepted(&v->report.answer);
    // Who names what vouches for a platform wants to see one.
    if (is_accepted && wants_platform && v->platform.size == 0) {
        is_accepted = relying_end(&v->report.outcome, CAUSE_EVIDENCE_REFUSED,
                                  "rotor attest --evidence tpm, snp or tdx",
                                  "there is no evidence of its platform in it");
    }
    code = is_accepted && wants_platform
               ? verify_platform(v)
               : verification_conclude(v, is_accepted);
    relying_close(&v->party);
    return code;
}

// ---- which of them ---------------------------------------------------------

bool verification_is_foreign(const struct verification *v)
{
    const struct foreign_flags *flags = &v->flags;
    return flags->format != NULL || flags->endorsements.count != 0 ||
           flags->roots.count != 0 || flags->report_data != NULL ||
           flags->time != NULL || flags->mac_key != NULL ||
           flags->signature != NULL || flags->pcrs != NULL ||
           flags->pcr_selection != NULL || flags->event_log != NULL;
}

// Sizes that rotor, and the tokens of others, have for a nonce.
static bool is_nonce(const char *text)
{
    uint8_t memory[64];
    struct rotor_room nonce = ROOM_OF(memory);
    return parse_hex(text, &nonce) &&
           (nonce.used == 32 || nonce.used == 48 || nonce.used == 64);
}

// A certificate of rotor attest --leaf; others are no evidence.
static bool is_leaf(struct rotor_bytes content)
{
    static struct leaf_content leaf;
    bool is_it =
        leaf_is_certificate(content) && leaf_decode(content, &leaf) == ROTOR_OK;
    free((void *)(uintptr_t)leaf.bundle.data);
    leaf.bundle = (struct rotor_bytes){0};
    return is_it;
}

int verification_of_file(struct verification *v)
{
    struct rotor_bytes content;
    int code = EXIT_ACCEPTED;
    if (v->nonce_text != NULL && !is_nonce(v->nonce_text)) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--nonce: expected 64 hex digits");
    }
    bool is_there = strcmp(v->target, "-") == 0 || access(v->target, F_OK) == 0;
    if (!is_there && v->nonce_text == NULL && !verification_is_foreign(v)) {
        return no_nonce(v);
    }
    if (!read_file(v->run, v->target, BUNDLE_MAX, &content, &code)) {
        return code;
    }
    struct rotor_room room = {(uint8_t *)(uintptr_t)content.data, content.size,
                              content.size};
    enum foreign_format format = FOREIGN_UNKNOWN;
    if (v->flags.format == NULL) {
        format = is_leaf(content) ? FOREIGN_ROTOR : foreign_detect(content);
    } else {
        (void)foreign_format_named(v->flags.format, &format);
    }
    if (format == FOREIGN_ROTOR) {
        code = verify_bundle(v, content);
    } else {
        code = verify_foreign(v, &room);
    }
    free(room.data);
    return code;
}
