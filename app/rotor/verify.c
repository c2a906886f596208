// SPDX-License-Identifier: Apache-2.0
// rotor verify: the remote relying party.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/bundle.h"
#include "app/rotor/catch_up.h"
#include "app/rotor/command.h"
#include "app/rotor/explain.h"
#include "app/rotor/leaf.h"
#include "app/rotor/reliance.h"
#include "app/rotor/relying.h"
#include "base/bytes.h"

struct verification {
    struct run *run;
    const char *target; // HOST:PORT, FILE or -
    const char *nonce_text;
    uint8_t nonce[WIRE_NONCE_SIZE];
    bool explains;
    bool shows_progress;
    bool is_leaf; // the evidence came in a certificate
    struct leaf_content leaf;
    bool has_platform; // evidence of the platform, beside the enclave's own
    struct reliance reliance;
    struct relying_options options;
    struct relying party;
    struct relying_report report;
    char device[FINGERPRINT_SIZE];
};

static void show_progress(uint64_t epoch, uint64_t steps)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    fprintf(stderr, "%sepoch %" PRIu64 ", %" PRIu64 " entries verified%s",
            is_terminal ? "\r" : "rotor: ", epoch, steps,
            is_terminal ? "" : "\n");
}

// ---- the result ------------------------------------------------------------

// What an error object may say of the device.
static void name_device(struct verification *v)
{
    const struct store *store = &v->party.store;
    if (store_has_log(store)) {
        fingerprint(&store->trust.log_id, v->device);
        v->run->device = v->device;
        v->run->has_epoch = true;
        v->run->epoch = store->trust.order.epoch;
    }
}

static int say_refused(struct verification *v)
{
    const struct relying_outcome *outcome = &v->report.outcome;
    name_device(v);
    if (v->run->is_json) {
        struct json out;
        begin_json(&out, "verify", false);
        json_text(&out, "verdict",
                  cause_exit(outcome->cause) == EXIT_REFUSED ? "refused"
                                                             : "undecided");
        json_open_object(&out, "error");
        json_error(&out, v->run, outcome->cause, outcome->hint,
                   outcome->reason);
        json_close(&out);
        explain_json(&out, &v->report, &v->options);
        json_end(&out);
        return (int)cause_exit(outcome->cause);
    }
    if (v->explains) {
        explain_print(&v->report, &v->options);
    }
    return fail(v->run, outcome->cause, outcome->hint, "%s", outcome->reason);
}

static void warn(const struct verification *v)
{
    const struct relying_report *report = &v->report;
    if (report->is_first_contact && wire_digest_is_empty(&v->options.log_id)) {
        fprintf(stderr, "rotor: warning: first use: this log is trusted from "
                        "now on\n");
    }
    if (report->recoveries != 0) {
        fprintf(stderr,
                "rotor: warning: the recovery authority has changed this log "
                "%" PRIu64 " times: ask why\n",
                report->recoveries);
    }
    if (v->reliance.any_measurement) {
        fprintf(stderr, "rotor: warning: the measurement was not judged: any "
                        "program may have answered\n");
    }
    if (v->has_platform) {
        fprintf(stderr, "rotor: warning: the evidence of its platform was not "
                        "judged\n");
    }
    if (report->is_in_grace) {
        fprintf(stderr, "rotor: warning: signed under the root before the "
                        "newest, within its grace\n");
    }
}

static void say_json(const struct verification *v)
{
    const struct relying_report *report = &v->report;
    const struct chain_trust *trust = &report->trust;
    const struct verify_answer *answer = &report->answer;
    struct json out;
    begin_json(&out, "verify", true);
    json_text(&out, "verdict", "accepted");
    json_digest(&out, "log_id", &trust->log_id);
    json_number(&out, "incarnation", trust->order.incarnation);
    json_number(&out, "epoch", trust->order.epoch);
    json_digest(&out, "body_hash", &trust->body_hash);
    explain_identity_json(&out, report);
    json_number(&out, "entries_verified", report->steps);
    json_number(&out, "recoveries", report->recoveries);
    json_bool(&out, "first_contact", report->is_first_contact);
    json_bool(&out, "in_grace", report->is_in_grace);
    if (v->has_platform) {
        json_text(&out, "platform", "not judged");
    }
    json_bool(&out, "proves_head",
              answer->request.purpose == WIRE_PURPOSE_HEAD);
    explain_json(&out, report, &v->options);
    json_end(&out);
}

static int say_accepted(struct verification *v)
{
    const struct relying_report *report = &v->report;
    char log[FINGERPRINT_SIZE];
    fingerprint(&report->trust.log_id, log);
    if (v->run->is_json) {
        say_json(v);
        return EXIT_ACCEPTED;
    }
    printf("accepted: epoch %" PRIu64 ", log %s\n", report->trust.order.epoch,
           log);
    explain_identity(report);
    if (v->explains) {
        explain_print(report, &v->options);
    }
    fflush(stdout);
    warn(v);
    return EXIT_ACCEPTED;
}

static int conclude(struct verification *v, bool is_accepted)
{
    if (v->shows_progress && isatty(STDERR_FILENO) == 1 &&
        v->report.steps != 0) {
        fputc('\n', stderr);
    }
    bool holds = is_accepted && v->report.outcome.is_accepted &&
                 verify_answer_is_accepted(&v->report.answer);
    return holds ? say_accepted(v) : say_refused(v);
}

// ---- over TCP --------------------------------------------------------------

static bool find_host(struct verification *v)
{
    struct wire_digest known;
    if (!wire_digest_is_empty(&v->options.log_id)) {
        return true;
    }
    enum rotor_status status =
        store_host_read(&v->party.store, v->target, &known);
    if (status == ROTOR_CORRUPT) {
        return relying_end(&v->report.outcome, CAUSE_UNPARSABLE,
                           "pin the log anew with --log-id",
                           "trust store %s: the entry of %s is damaged",
                           v->options.folder, v->target);
    }
    if (status == ROTOR_OK && !wire_digest_is_empty(&known)) {
        v->options.log_id = known;
        v->party.options.log_id = known;
        return relying_select(&v->party, &known, &v->report.outcome);
    }
    if (!v->options.trusts_first_use) {
        return relying_end(&v->report.outcome, CAUSE_USAGE,
                           "pin it with --log-id, which its operator reads in "
                           "rotor status; or --trust-on-first-use",
                           "%s was never seen: which log is expected there?",
                           v->target);
    }
    return true;
}

static bool ask_device(struct verification *v, struct rotor_client *client)
{
    const struct relying_device device = relying_device_of(client);
    const struct relying_wish wish = {.purpose = WIRE_PURPOSE_HEAD};
    if (!relying_attest(&v->party, &device, &wish, &v->report)) {
        return false;
    }
    if (store_host_write(&v->party.store, v->target, &v->report.trust.log_id) !=
        ROTOR_OK) {
        return relying_end(&v->report.outcome, CAUSE_UNREADABLE, NULL,
                           "trust store %s: %s", v->options.folder,
                           strerror(errno));
    }
    return true;
}

static bool judge_host(struct verification *v)
{
    struct rotor_client *client = NULL;
    if (!find_host(v)) {
        return false;
    }
    enum rotor_status status = rotor_client_connect(&client, v->target);
    if (status == ROTOR_INVALID) {
        return relying_end(&v->report.outcome, CAUSE_USAGE, NULL,
                           "%s: expected HOST:PORT", v->target);
    }
    if (status != ROTOR_OK) {
        return relying_end(&v->report.outcome, CAUSE_DAEMON_DOWN,
                           "is rotord started with --listen there?", "%s: %s",
                           v->target, strerror(errno));
    }
    bool is_accepted = ask_device(v, client);
    rotor_client_close(client);
    return is_accepted;
}

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
    free((void *)(uintptr_t)v->leaf.bundle.data);
    return is_accepted;
}

// ---- the command -----------------------------------------------------------

static bool is_host(const char *target)
{
    const char *colon = strrchr(target, ':');
    bool has_port = colon != NULL && colon[1] != '\0' &&
                    strspn(colon + 1, "0123456789") == strlen(colon + 1);
    return has_port && access(target, F_OK) != 0;
}

static int verify_host(struct verification *v)
{
    if (v->nonce_text != NULL) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--nonce belongs to a file: over TCP a fresh one is made");
    }
    bool is_accepted =
        relying_open(&v->party, &v->options, &v->report.outcome) &&
        judge_host(v);
    int code = conclude(v, is_accepted);
    relying_close(&v->party);
    return code;
}

static int verify_file(struct verification *v)
{
    struct rotor_room nonce = ROOM_OF(v->nonce);
    struct rotor_bytes content;
    int code = EXIT_ACCEPTED;
    if (v->nonce_text == NULL) {
        return fail(v->run, CAUSE_USAGE,
                    "pass the nonce that you gave to `rotor attest`",
                    "no nonce: cannot tell whether the evidence is fresh");
    }
    if (!parse_hex(v->nonce_text, &nonce) || nonce.used != WIRE_NONCE_SIZE) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--nonce: expected 64 hex digits");
    }
    if (!read_file(v->run, v->target, BUNDLE_MAX, &content, &code)) {
        return code;
    }
    v->options.is_offline = true;
    bool is_accepted =
        relying_open(&v->party, &v->options, &v->report.outcome) &&
        (leaf_is_certificate(content) ? judge_leaf(v, content)
                                      : judge_file(v, content));
    code = conclude(v, is_accepted);
    relying_close(&v->party);
    free((void *)(uintptr_t)content.data);
    return code;
}

int main_verify(struct run *run, int count, char **arguments)
{
    static struct verification v;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--nonce",    "HEX", FLAG_TEXT,   &v.nonce_text,
         "with a file: what you gave to rotor attest"      },
        RELIANCE_FLAGS(&v.reliance),
        {"--explain",  NULL,  FLAG_SWITCH, &v.explains,
         "every check, what was expected and what was seen"},
        {"--progress", NULL,  FLAG_SWITCH, &v.shows_progress,
         "each entry on standard error"                    },
    };
    v.run = run;
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return fail(run, CAUSE_USAGE, "rotor verify --help shows the flags",
                    count == 0 ? "whom to verify? HOST:PORT, FILE or -"
                               : "one HOST:PORT or FILE at a time");
    }
    v.target = arguments[0];
    bool needs_nonce = !is_host(v.target) && v.nonce_text == NULL;
    if (needs_nonce) {
        return verify_file(&v); // says so before all else
    }
    if (!reliance_settle(run, &v.reliance, &v.options, &code)) {
        return code;
    }
    v.options.progress = v.shows_progress ? show_progress : NULL;
    return is_host(v.target) ? verify_host(&v) : verify_file(&v);
}
