// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/relying.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "app/rotor/catch_up.h"
#include "base/bytes.h"

static uint64_t wall_s(void)
{
    time_t now = time(NULL);
    return now > 0 ? (uint64_t)now : 0;
}

uint64_t relying_now_s(void)
{
    return wall_s();
}

bool relying_end(struct relying_outcome *outcome, enum cause cause,
                 const char *hint, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(outcome->reason, sizeof outcome->reason, format, values);
    va_end(values);
    outcome->is_accepted = false;
    outcome->cause = cause;
    outcome->hint = hint;
    return false;
}

// ---- the device ------------------------------------------------------------

static enum rotor_status ask_client(void *context, uint64_t op,
                                    struct rotor_bytes payload,
                                    struct rotor_room *reply,
                                    struct relying_refusal *refusal)
{
    struct rotor_client *client = context;
    const struct rotor_request request = {.op = op, .payload = payload};
    struct rotor_completion answer;
    uint64_t id = 0;
    TRY(rotor_client_submit(client, &request, &id));
    TRY(rotor_client_wait(client, id, 12000, &answer));
    if (answer.code != WIRE_CLIENT_OK) {
        refusal->code = answer.code;
        refusal->error = answer.error;
        refusal->detail = answer.detail;
        clean_text(answer.text, refusal->text, sizeof refusal->text);
        return ROTOR_FORBIDDEN;
    }
    return bytes_copy(reply, answer.payload);
}

struct relying_device relying_device_of(struct rotor_client *client)
{
    return (struct relying_device){client, ask_client};
}

static bool refused(const struct relying_refusal *refusal,
                    struct relying_outcome *outcome)
{
    static const enum cause causes[] = {
        [WIRE_CLIENT_OK] = CAUSE_PLATFORM,
        [WIRE_CLIENT_MALFORMED] = CAUSE_NOT_SUPPORTED,
        [WIRE_CLIENT_DENIED] = CAUSE_DENIED,
        [WIRE_CLIENT_BUSY] = CAUSE_BUSY,
        [WIRE_CLIENT_TIMEOUT] = CAUSE_TIMEOUT,
        [WIRE_CLIENT_CANCELLED] = CAUSE_UNAVAILABLE,
        [WIRE_CLIENT_REFUSED] = CAUSE_ENCLAVE_REFUSED,
        [WIRE_CLIENT_UNAVAILABLE] = CAUSE_UNAVAILABLE,
        [WIRE_CLIENT_UNSUPPORTED] = CAUSE_NOT_SUPPORTED,
        [WIRE_CLIENT_FAILED] = CAUSE_PLATFORM,
    };
    enum cause cause = refusal->code < COUNT_OF(causes) ? causes[refusal->code]
                                                        : CAUSE_PLATFORM;
    bool is_error = refusal->code == WIRE_CLIENT_REFUSED;
    const char *name = is_error ? wire_error_name(refusal->error)
                                : wire_client_code_name(refusal->code);
    bool says_more =
        refusal->text[0] != '\0' && strcmp(refusal->text, name) != 0;
    return relying_end(outcome, cause, NULL, "the device refused: %s%s%s", name,
                       says_more ? ": " : "", says_more ? refusal->text : "");
}

bool relying_no_answer(enum rotor_status status,
                       const struct relying_refusal *refusal,
                       struct relying_outcome *outcome)
{
    if (status == ROTOR_FORBIDDEN) {
        return refused(refusal, outcome);
    }
    if (status == ROTOR_AGAIN) {
        return relying_end(outcome, CAUSE_TIMEOUT, NULL,
                           "the device does not answer");
    }
    if (status == ROTOR_PORT_FAILED) {
        return relying_end(outcome, CAUSE_DAEMON_DOWN, NULL,
                           "the connection to the device ended");
    }
    return relying_end(outcome, CAUSE_UNPARSABLE,
                       "is this the port of a rotord?",
                       "the device does not speak this protocol");
}

// ---- open ------------------------------------------------------------------

static enum rotor_status
held_s(void *context, const struct wire_digest *body_hash, uint64_t *seconds)
{
    struct store *store = context;
    uint64_t now = wall_s();
    if (!wire_digest_equal(&store->held, body_hash)) {
        store->held = *body_hash;
        store->held_since_s = now;
    }
    *seconds = now > store->held_since_s ? now - store->held_since_s : 0;
    return ROTOR_OK;
}

// One context for all ports: the party.
static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    struct relying *party = context;
    return store_has_seen(&party->store, fingerprint, seen);
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct relying *party = context;
    if (party->ahead != NULL &&
        ahead_knows_evidence(party->ahead, question, ok, why)) {
        return ROTOR_OK;
    }
    return verify_entry_evidence(&party->entry_context, question, ok, why);
}

static enum rotor_status
check_signature(void *context, const struct chain_signature_question *question,
                bool *valid)
{
    const struct relying *party = context;
    return party->ahead != NULL
               ? ahead_check_signature(party->ahead, question, valid)
               : chain_signature_check(question, valid);
}

static enum rotor_status find(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    struct relying *party = context;
    return store_find(&party->store, head, at, found);
}

static enum rotor_status
held(void *context, const struct wire_digest *body_hash, uint64_t *seconds)
{
    struct relying *party = context;
    return held_s(&party->store, body_hash, seconds);
}

bool relying_select(struct relying *party, const struct wire_digest *log_id,
                    struct relying_outcome *outcome)
{
    enum rotor_status status = store_select(&party->store, log_id);
    if (status == ROTOR_OK) {
        party->log_id = *log_id;
        return true;
    }
    if (status == ROTOR_PORT_FAILED) {
        return relying_end(outcome, CAUSE_UNREADABLE, "see --trust",
                           "trust store %s: %s", party->options.folder,
                           strerror(errno));
    }
    return relying_damaged(party, log_id, outcome);
}

bool relying_damaged(const struct relying *party,
                     const struct wire_digest *log_id,
                     struct relying_outcome *outcome)
{
    char name[FINGERPRINT_SIZE];
    fingerprint(log_id, name);
    return relying_end(outcome, CAUSE_UNPARSABLE,
                       "restore the trust store from a backup, or move it "
                       "away and pin the log anew with --log-id",
                       "trust store %s: the files of log %s are damaged",
                       party->options.folder, name);
}

bool relying_open(struct relying *party, const struct relying_options *options,
                  struct relying_outcome *outcome)
{
    memset(party, 0, sizeof *party);
    *outcome = (struct relying_outcome){.cause = CAUSE_PLATFORM};
    party->options = *options;
    party->entry_context = (struct verify_entry_context){
        .reference = options->reference,
        .evidence_is_optional = options->evidence_is_optional,
    };
    party->ports = (struct chain_ports){
        .context = party,
        .has_seen = has_seen,
        .check_evidence = check_evidence,
        .find = find,
        .held_s = held,
        .hold_down_s = options->hold_down_s,
        .check_signature = check_signature,
    };
    enum rotor_status status = store_open(&party->store, options->folder);
    if (status == ROTOR_FORBIDDEN) {
        return relying_end(outcome, CAUSE_UNREADABLE,
                           "chown and chmod go-w, or --trust DIR for another",
                           "trust store %s: another user may write it",
                           options->folder);
    }
    if (status != ROTOR_OK) {
        return relying_end(
            outcome, CAUSE_UNREADABLE, "--trust DIR names another trust store",
            "trust store %s: %s", options->folder, strerror(errno));
    }
    if (wire_digest_is_empty(&options->log_id)) {
        return true;
    }
    return relying_select(party, &options->log_id, outcome);
}

void relying_rest(struct relying *party)
{
    store_leave(&party->store);
}

bool relying_resume(struct relying *party, struct relying_outcome *outcome)
{
    bool is_resting =
        party->store.lock < 0 && !wire_digest_is_empty(&party->log_id);
    return !is_resting || relying_select(party, &party->log_id, outcome);
}

void relying_close(struct relying *party)
{
    store_close(&party->store);
}

// ---- ask -------------------------------------------------------------------

// The first of the list is what e_r is of.
static void offer(struct wire_suites *suites, uint32_t first)
{
    *suites = (struct wire_suites){.count = 1, .id = {first}};
    for (uint32_t suite = 1; suite <= 3; suite++) {
        if (suite != first) {
            suites->id[suites->count++] = suite;
        }
    }
}

static bool make_request(struct relying *party, const struct relying_wish *wish,
                         struct relying_report *report)
{
    uint8_t random[WIRE_ID_SIZE + WIRE_NONCE_SIZE];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return relying_end(&report->outcome, CAUSE_PLATFORM, NULL,
                           "no random numbers: %s", strerror(errno));
    }
    struct wire_attest_req content = {
        .log_id = party->log_id,
        .sid = bytes_of(random, WIRE_ID_SIZE),
        .nonce = bytes_of(random + WIRE_ID_SIZE, WIRE_NONCE_SIZE),
        .e_r = wish->e_r,
        .purpose = wish->purpose != 0 ? wish->purpose : WIRE_PURPOSE_HEAD,
        .peer_binding = wish->peer_binding,
        .want_evidence = 1,
    };
    offer(&content.suites,
          wish->suite != 0 ? wish->suite : party->store.trust.suite);
    struct rotor_room room = ROOM_OF(report->request);
    if (wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &content, &room) !=
        ROTOR_OK) {
        return relying_end(&report->outcome, CAUSE_PLATFORM, NULL,
                           "the request cannot be made");
    }
    report->request_size = room.used;
    return true;
}

static enum rotor_status send_request(const struct relying_device *device,
                                      struct relying_report *report,
                                      struct relying_refusal *refusal)
{
    struct rotor_room room = ROOM_OF(report->response);
    *refusal = (struct relying_refusal){0};
    report->response_size = 0;
    TRY(device->ask(device->context, WIRE_OP_ATTEST,
                    bytes_of(report->request, report->request_size), &room,
                    refusal));
    report->response_size = room.used;
    return ROTOR_OK;
}

// A hint only, unauthenticated: which suite to offer first.
static bool wants_other_suite(enum rotor_status status,
                              const struct relying_refusal *refusal)
{
    return status == ROTOR_FORBIDDEN && refusal->code == WIRE_CLIENT_REFUSED &&
           refusal->error == WIRE_E_SUITE && refusal->detail >= 1 &&
           refusal->detail <= 3;
}

bool relying_attest(struct relying *party, const struct relying_device *device,
                    const struct relying_wish *wish,
                    struct relying_report *report)
{
    struct relying_refusal refusal;
    struct relying_wish own = *wish;
    if (!relying_meet(party, device, report) ||
        !make_request(party, &own, report)) {
        return false;
    }
    enum rotor_status status = send_request(device, report, &refusal);
    bool may_repeat = bytes_are_empty(wish->e_r) && wish->suite == 0;
    if (may_repeat && wants_other_suite(status, &refusal)) {
        own.suite = (uint32_t)refusal.detail;
        if (!make_request(party, &own, report)) {
            return false;
        }
        status = send_request(device, report, &refusal);
    }
    if (status == ROTOR_FORBIDDEN && refusal.error == WIRE_E_HASH &&
        relying_is_other_log(party, device, &report->outcome)) {
        return false;
    }
    if (status != ROTOR_OK) {
        return relying_no_answer(status, &refusal, &report->outcome);
    }
    return relying_judge(party, device, report);
}

// ---- judge -----------------------------------------------------------------

static bool run_checks(struct relying *party, struct relying_report *report,
                       const struct chain_trust *trust)
{
    report->trust = *trust;
    const struct verify_question question = {
        .trust = &report->trust,
        .reference = party->options.reference,
        .request = bytes_of(report->request, report->request_size),
        .response = bytes_of(report->response, report->response_size),
    };
    enum rotor_status status = verify_attest(&question, &report->answer);
    if (status != ROTOR_OK) {
        return relying_end(&report->outcome, CAUSE_UNPARSABLE, NULL,
                           "the request is not a request: %s",
                           rotor_status_name(status));
    }
    report->is_judged = true;
    return true;
}

// An answer under a root that was replaced: proof of a device whose state was
// put back, unless it is a file that was made just before the rotation.
static bool judge_older(struct relying *party, struct relying_report *report,
                        const struct chain_trust *older)
{
    const struct chain_trust newest = party->store.trust;
    uint64_t now = wall_s();
    uint64_t learned = party->store.learned_s;
    report->age_s = now > learned ? now - learned : 0;
    if (!run_checks(party, report, older)) {
        return false;
    }
    unsigned long long theirs = older->order.epoch;
    unsigned long long ours = newest.order.epoch;
    if (!verify_answer_is_accepted(&report->answer)) {
        return true;
    }
    bool has_grace = party->options.is_offline &&
                     verify_has_grace(&newest, older, report->age_s);
    if (has_grace) {
        report->is_in_grace = true;
        return true;
    }
    if (verify_is_distrusted(&newest, older->order.epoch)) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                           "signed at epoch %llu, which the log has declared "
                           "void: a key was compromised",
                           theirs);
    }
    return relying_end(&report->outcome, CAUSE_ROLLED_BACK,
                       "its state was put back or it is a copy: see rotor "
                       "doctor on the device",
                       "the device is at epoch %llu, and this party has seen "
                       "epoch %llu",
                       theirs, ours);
}

// The answer names another head than ours: fetch, or find out why not.
static bool judge_other_head(struct relying *party,
                             const struct relying_device *device,
                             struct relying_report *report)
{
    const struct wire_head head = {report->answer.core.epoch,
                                   report->answer.core.body_hash};
    struct chain_trust older;
    bool is_ours = false;
    if (!catch_up(party, device, &head, report)) {
        return false;
    }
    if (wire_digest_equal(&party->store.trust.body_hash, &head.body_hash)) {
        return run_checks(party, report, &party->store.trust);
    }
    if (store_find(&party->store, &head, &older, &is_ours) != ROTOR_OK) {
        return relying_unreadable(party, &report->outcome);
    }
    if (is_ours) {
        return judge_older(party, report, &older);
    }
    unsigned long long theirs = head.epoch;
    unsigned long long ours = party->store.trust.order.epoch;
    return relying_end(&report->outcome, CAUSE_CHAIN_BROKEN, NULL,
                       "the device answers under epoch %llu and does not hand "
                       "out the entries that lead there from epoch %llu",
                       theirs, ours);
}

// The anchor only rises; within one boot each answer is one signature more.
static bool check_mark(const struct relying *party,
                       struct relying_report *report)
{
    const struct store_mark *last = &party->store.mark;
    const struct wire_mark *mark = &report->answer.core.mark;
    unsigned long long seen =
        last->n > report->trust.n ? last->n : report->trust.n;
    unsigned long long now = mark->n;
    if (mark->n < report->trust.n || mark->n < last->n) {
        return relying_end(&report->outcome, CAUSE_ROLLED_BACK, NULL,
                           "the anchor of the device is at %llu and was at "
                           "%llu: its state was put back",
                           now, seen);
    }
    bool is_same_boot = bytes_equal(mark->boot_id, BYTES_OF(last->boot)) &&
                        last->signatures != 0;
    if (is_same_boot && mark->signatures <= last->signatures) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED,
                           "rotor event key-compromise on the device",
                           "two answers count as the same signature of one "
                           "boot: the root's key is used elsewhere");
    }
    return true;
}

static bool conclude(struct relying *party, struct relying_report *report)
{
    const struct verify_answer *answer = &report->answer;
    if (!verify_answer_is_accepted(answer)) {
        bool by_evidence =
            answer->has_evidence && !verify_record_is_accepted(&answer->record);
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED,
                           "--explain shows every check", "%s%s%s",
                           answer->reason, by_evidence ? ": " : "",
                           by_evidence ? answer->record.reason : "");
    }
    if (!answer->has_evidence) {
        return relying_end(&report->outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                           "Evidence is missing");
    }
    if (party->store.is_quarantined) {
        return relying_end(&report->outcome, CAUSE_DUPLICITY,
                           "only an entry of the recovery authority ends this",
                           "two bodies were proven for one epoch of this log");
    }
    if (!party->options.is_offline) {
        if (!check_mark(party, report)) {
            return false;
        }
        party->store.mark.n = answer->core.mark.n;
        party->store.mark.signatures = answer->core.mark.signatures;
        memcpy(party->store.mark.boot, answer->core.mark.boot_id.data,
               WIRE_ID_SIZE);
    }
    party->store.is_established = true;
    if (store_commit(&party->store, wall_s()) != ROTOR_OK) {
        return relying_end(&report->outcome, CAUSE_UNREADABLE, NULL,
                           "trust store %s: %s", party->options.folder,
                           strerror(errno));
    }
    report->outcome = (struct relying_outcome){.is_accepted = true};
    return true;
}

bool relying_judge(struct relying *party, const struct relying_device *device,
                   struct relying_report *report)
{
    if (!run_checks(party, report, &party->store.trust)) {
        return false;
    }
    if (report->answer.outcome == VERIFY_UNKNOWN_HEAD &&
        !judge_other_head(party, device, report)) {
        return false;
    }
    return conclude(party, report);
}
