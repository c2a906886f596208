// SPDX-License-Identifier: Apache-2.0
// rotor rotate, rotor event: ask for the next root and wait until it is used.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/rotor/command.h"
#include "base/bytes.h"
#include "chain/entry.h"

#define TEXT_MAX 256u // bytes of a reason in words: wire/client.c

struct wish {
    bool is_event;
    uint64_t reason;
    bool has_distrust_from;
    uint64_t distrust_from;
    uint64_t suite; // 0: the one in use
    bool closes;
    bool is_dry;
    const char *text;
};

static bool encode(const struct wish *wish, struct rotor_request *request,
                   struct rotor_room *payload)
{
    const struct wire_client_event event = {
        .reason = wish->reason,
        .text = bytes_of(wish->text, strlen(wish->text)),
    };
    const struct wire_client_rotate rotate = {
        .reason = wish->reason,
        .has_suite = wish->suite != 0,
        .suite = wish->suite,
        .has_kind = wish->closes,
        .kind = CHAIN_CLOSE,
        .has_distrust_from = wish->has_distrust_from,
        .distrust_from = wish->distrust_from,
    };
    // An event has no epoch to distrust from: that is a rotation's to say.
    bool as_event = wish->is_event && !wish->has_distrust_from;
    enum rotor_status status =
        as_event
            ? wire_message_encode(&WIRE_LAYOUT_CLIENT_EVENT, &event, payload)
            : wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &rotate, payload);
    *request = (struct rotor_request){
        .op = as_event ? WIRE_OP_EVENT : WIRE_OP_ROTATE,
        .payload = bytes_in(payload),
    };
    return status == ROTOR_OK;
}

static int say_plan(const struct run *run, const struct wish *wish,
                    const struct wire_client_status *status)
{
    uint64_t suite = wish->suite != 0 ? wish->suite : status->suite;
    if (run->is_json) {
        struct json out;
        begin_json(&out, run->command, true);
        json_bool(&out, "dry_run", true);
        json_digest(&out, "log_id", &status->log_id);
        json_number(&out, "from_epoch", status->epoch);
        json_number(&out, "epoch", status->epoch + 1);
        json_text(&out, "reason", wire_reason_name(wish->reason));
        json_number(&out, "suite", suite);
        json_number(&out, "kind", wish->closes ? CHAIN_CLOSE : CHAIN_ROTATE);
        json_number(&out, "rotation_tokens", status->rotation_tokens);
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    printf("would ask for epoch %" PRIu64 " after epoch %" PRIu64
           ": reason %s, suite %" PRIu64 " (%s)%s\n",
           status->epoch + 1, status->epoch, wire_reason_name(wish->reason),
           suite, suite_name(suite),
           wish->closes ? ", and close the log for ever" : "");
    printf("nothing was asked\n");
    return EXIT_ACCEPTED;
}

static int say_done(const struct run *run, const struct wish *wish,
                    const struct wire_head *head,
                    const struct wire_client_status *status)
{
    char root[FINGERPRINT_SIZE];
    if (run->is_json) {
        struct json out;
        begin_json(&out, run->command, true);
        json_digest(&out, "log_id", &status->log_id);
        json_number(&out, "epoch", head->epoch);
        json_digest(&out, "body_hash", &head->body_hash);
        json_digest(&out, "fingerprint", &status->sign_kid);
        json_number(&out, "suite", status->suite);
        json_text(&out, "reason", wire_reason_name(wish->reason));
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    fingerprint(&status->sign_kid, root);
    printf("%s: epoch %" PRIu64 ", root %s\n",
           wish->closes ? "closed" : "rotated", head->epoch, root);
    return EXIT_ACCEPTED;
}

static int ask(struct run *run, struct rotor_client *client,
               const struct wish *wish)
{
    uint8_t memory[512];
    struct rotor_room payload = ROOM_OF(memory);
    struct wire_client_status status;
    struct rotor_completion answer;
    struct rotor_request request;
    struct wire_head head;
    int code = EXIT_ACCEPTED;
    if (wish->is_dry) {
        return daemon_status(run, client, &status, &code)
                   ? say_plan(run, wish, &status)
                   : code;
    }
    if (!encode(wish, &request, &payload)) {
        return fail(run, CAUSE_USAGE, NULL, "the text is too long");
    }
    if (!daemon_ask(run, client, &request, &answer, &code)) {
        return code;
    }
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_HEAD, answer.payload, &head) !=
        ROTOR_OK) {
        return fail(run, CAUSE_NOT_SUPPORTED,
                    "rotor and rotord must be of one version",
                    "rotord speaks another version of the protocol");
    }
    if (!daemon_status(run, client, &status, &code)) {
        return code;
    }
    return say_done(run, wish, &head, &status);
}

static int connect_and_ask(struct run *run, const struct wish *wish)
{
    struct rotor_client *client = NULL;
    int code = EXIT_ACCEPTED;
    if (!daemon_open(run, &client, &code)) {
        return code;
    }
    code = ask(run, client, wish);
    rotor_client_close(client);
    return code;
}

static int unknown_reason(const struct run *run, const char *name,
                          const char *hint)
{
    return fail(run, CAUSE_USAGE, hint, "unknown reason %s", name);
}

int main_rotate(struct run *run, int count, char **arguments)
{
    static const char hint[] = "operator, scheduled, usage-limit, "
                               "security-event, key-compromise, "
                               "algorithm-change or firmware-change";
    struct wish wish = {.text = "", .reason = WIRE_REASON_OPERATOR};
    const char *reason = NULL;
    bool is_sure = false;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--reason",  "NAME", FLAG_TEXT,   &reason,      "why; default operator"},
        {"--suite",   "N",    FLAG_NUMBER, &wish.suite,
         "1 Ed25519, 2 P-256, 3 P-384; default the one in use"                  },
        {"--close",   NULL,   FLAG_SWITCH, &wish.closes,
         "end the log: this root is the last one"                               },
        {"--yes",     NULL,   FLAG_SWITCH, &is_sure,     "with --close: mean it"},
        {"--dry-run", NULL,   FLAG_SWITCH, &wish.is_dry,
         "say what would be asked, ask nothing"                                 },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 0) {
        return fail(run, CAUSE_USAGE, "rotor rotate --help shows the flags",
                    "rotate takes no argument: %s", arguments[0]);
    }
    bool is_reason = reason == NULL || parse_reason(reason, &wish.reason);
    if (!is_reason || wish.reason == WIRE_REASON_INITIAL ||
        wish.reason == WIRE_REASON_RECOVERY) {
        return unknown_reason(run, reason, hint);
    }
    if (wish.suite > 3) {
        return fail(run, CAUSE_USAGE, "1 Ed25519, 2 P-256, 3 P-384",
                    "unknown suite %" PRIu64, wish.suite);
    }
    if (wish.closes && !is_sure && !wish.is_dry) {
        return fail(run, CAUSE_USAGE,
                    "--yes closes it; only the recovery authority can go on "
                    "after that",
                    "--close ends the log for ever");
    }
    if (wish.suite != 0 && reason == NULL) {
        wish.reason = WIRE_REASON_ALGORITHM;
    }
    return connect_and_ask(run, &wish);
}

int main_event(struct run *run, int count, char **arguments)
{
    static const char hint[] =
        "security-event, key-compromise or firmware-change";
    struct wish wish = {
        .is_event = true, .text = "", .distrust_from = UINT64_MAX};
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--text",          "TEXT",  FLAG_TEXT,   &wish.text,          "what happened, for the log"},
        {"--distrust-from", "EPOCH", FLAG_NUMBER, &wish.distrust_from,
         "key-compromise: what was signed from here on is void"                                    },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return fail(run, CAUSE_USAGE, hint,
                    count == 0 ? "which event happened?"
                               : "event takes one reason");
    }
    bool is_event = parse_reason(arguments[0], &wish.reason) &&
                    (wish.reason == WIRE_REASON_SECURITY_EVENT ||
                     wish.reason == WIRE_REASON_KEY_COMPROMISE ||
                     wish.reason == WIRE_REASON_FIRMWARE);
    if (!is_event) {
        return unknown_reason(run, arguments[0], hint);
    }
    wish.has_distrust_from = wish.distrust_from != UINT64_MAX;
    if (wish.has_distrust_from && wish.reason != WIRE_REASON_KEY_COMPROMISE) {
        return fail(run, CAUSE_USAGE, NULL,
                    "--distrust-from belongs to key-compromise only");
    }
    if (strlen(wish.text) > TEXT_MAX) {
        return fail(run, CAUSE_USAGE, NULL, "--text: at most %u bytes",
                    TEXT_MAX);
    }
    return connect_and_ask(run, &wish);
}
