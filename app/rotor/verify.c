// SPDX-License-Identifier: Apache-2.0
// rotor verify: the remote relying party.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/catch_up.h"
#include "app/rotor/command.h"
#include "app/rotor/explain.h"
#include "app/rotor/log_source.h"
#include "app/rotor/progress.h"
#include "app/rotor/verify.h"
#include "base/bytes.h"

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

static void explain_rows(const struct verification *v)
{
    explain_print(&v->report, &v->options);
    if (v->verdict.row_count != 0) {
        foreign_print_rows(&v->verdict);
    }
}

static void explain_rows_json(struct json *out, const struct verification *v)
{
    explain_json(out, &v->report, &v->options);
    if (v->verdict.row_count != 0) {
        foreign_json_rows(out, "policy_checks", &v->verdict);
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
        explain_recoveries_json(&out, &v->report);
        explain_rows_json(&out, v);
        json_end(&out);
        return (int)cause_exit(outcome->cause);
    }
    explain_recoveries(&v->report);
    if (v->explains) {
        explain_rows(v);
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
    explain_recoveries(report);
    if (v->has_platform) {
        fprintf(stderr, "rotor: warning: the evidence of its platform was not "
                        "judged\n");
    }
    if (v->reliance.any_measurement) {
        fprintf(stderr, "rotor: warning: the measurement was not judged: any "
                        "program may have answered\n");
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
    explain_recoveries_json(&out, report);
    json_bool(&out, "first_contact", report->is_first_contact);
    json_bool(&out, "in_grace", report->is_in_grace);
    if (v->has_platform) {
        json_text(&out, "platform", "not judged");
    }
    json_bool(&out, "proves_head",
              answer->request.purpose == WIRE_PURPOSE_HEAD);
    explain_rows_json(&out, v);
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
        explain_rows(v);
    }
    fflush(stdout);
    warn(v);
    return EXIT_ACCEPTED;
}

int verification_conclude(struct verification *v, bool is_accepted)
{
    progress_end();
    bool holds = is_accepted && v->report.outcome.is_accepted &&
                 verify_answer_is_accepted(&v->report.answer);
    bool has_policy = v->flags.policy != NULL;
    if (holds && has_policy &&
        !policy_own_judge(&v->policy, &v->report, &v->verdict)) {
        holds = relying_end(&v->report.outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                            "%s", v->verdict.reason);
    }
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
    const struct wire_digest *log_id = &v->report.trust.log_id;
    // Who names the log may change what is expected there.
    bool is_named = v->reliance.log_id != NULL;
    enum rotor_status status =
        is_named ? store_host_write(&v->party.store, v->target, log_id)
                 : store_host_pin(&v->party.store, v->target, log_id);
    if (status == ROTOR_FORBIDDEN) {
        return relying_end(&v->report.outcome, CAUSE_CHAIN_BROKEN,
                           "which of the two is it?  pin it with --log-id",
                           "%s showed another log to another run meanwhile",
                           v->target);
    }
    if (status != ROTOR_OK) {
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

// ---- the command -----------------------------------------------------------

static bool is_host(const char *target)
{
    const char *colon = strrchr(target, ':');
    bool has_port = colon != NULL && colon[1] != '\0' &&
                    strspn(colon + 1, "0123456789") == strlen(colon + 1);
    return has_port && access(target, F_OK) != 0;
}

bool verification_open(struct verification *v)
{
    return relying_open(&v->party, &v->options, &v->report.outcome) &&
           (v->chain == NULL ||
            relying_take_file(&v->party, v->chain, &v->report));
}

// The log of a file and nothing else: what it says holds, and whether it ends
// there is not known.
static int say_log(struct verification *v)
{
    const struct relying_report *report = &v->report;
    const struct chain_trust *trust = &v->party.store.trust;
    char log[FINGERPRINT_SIZE];
    fingerprint(&trust->log_id, log);
    if (v->run->is_json) {
        struct json out;
        begin_json(&out, "verify", true);
        json_text(&out, "verdict", "log verified");
        json_digest(&out, "log_id", &trust->log_id);
        json_number(&out, "incarnation", trust->order.incarnation);
        json_number(&out, "epoch", trust->order.epoch);
        json_digest(&out, "body_hash", &trust->body_hash);
        json_number(&out, "entries_verified", report->steps);
        explain_recoveries_json(&out, report);
        json_bool(&out, "proves_head", false);
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    printf("log verified: %" PRIu64 " entries, up to epoch %" PRIu64
           ", log %s\n",
           report->steps, trust->order.epoch, log);
    printf("nothing says that it ends there: rotor verify HOST:PORT does\n");
    fflush(stdout);
    warn(v);
    return EXIT_ACCEPTED;
}

static int verify_log(struct verification *v)
{
    bool is_good = verification_open(v);
    progress_end();
    int code = is_good ? say_log(v) : say_refused(v);
    relying_close(&v->party);
    return code;
}

static int verify_host(struct verification *v)
{
    if (v->nonce_text != NULL) {
        return fail(v->run, CAUSE_USAGE, NULL,
                    "--nonce belongs to a file: over TCP a fresh one is made");
    }
    bool is_accepted = verification_open(v) && judge_host(v);
    int code = verification_conclude(v, is_accepted);
    relying_close(&v->party);
    return code;
}

int main_verify(struct run *run, int count, char **arguments)
{
    static struct verification v;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--nonce",    "HEX",  FLAG_TEXT,   &v.nonce_text,
         "with a file: what you gave to rotor attest"      },
        {"--chain",    "FILE", FLAG_TEXT,   &v.chain,
         "an exported log, taken first; alone: it is all"  },
        RELIANCE_FLAGS(&v.reliance),
        FOREIGN_FLAGS(&v.flags),
        {"--explain",  NULL,   FLAG_SWITCH, &v.explains,
         "every check, what was expected and what was seen"},
        {"--progress", NULL,   FLAG_SWITCH, &v.shows_progress,
         "each entry on standard error"                    },
    };
    v.run = run;
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    bool is_log_alone = v.chain != NULL && count == 0;
    if (count != 1 && !is_log_alone) {
        return fail(run, CAUSE_USAGE, "rotor verify --help shows the flags",
                    count == 0 ? "whom to verify? HOST:PORT, FILE or -"
                               : "one HOST:PORT or FILE at a time");
    }
    v.target = is_log_alone ? NULL : arguments[0];
    v.options.progress = v.shows_progress             ? progress_lines
                         : isatty(STDERR_FILENO) == 1 ? progress_bar
                                                      : NULL;
    if (!is_log_alone && !is_host(v.target)) {
        return verification_of_file(&v);
    }
    if (verification_is_foreign(&v)) {
        return fail(run, CAUSE_USAGE, NULL,
                    "--endorsements, --root, --mac-key, --report-data, --time "
                    "and --format belong to a file");
    }
    if (!verification_settle(&v, &code)) {
        return code;
    }
    return is_log_alone ? verify_log(&v) : verify_host(&v);
}
