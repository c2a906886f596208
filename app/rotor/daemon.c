// SPDX-License-Identifier: Apache-2.0
// Talking to the rotord of this machine.
#include <errno.h>
#include <string.h>

#include "app/rotor/command.h"
#include "base/bytes.h"

// Beyond the daemon's own deadline, so that its answer comes first.
#define PATIENCE_MS 12000u

bool daemon_open(const struct run *run, struct rotor_client **client, int *code)
{
    char path[512];
    state_path(run, "control.sock", path);
    const char *wanted = run->socket != NULL ? run->socket : path;
    if (rotor_client_open(client, wanted) == ROTOR_OK) {
        return true;
    }
    bool is_denied = errno == EACCES || errno == EPERM;
    *code = fail(run, is_denied ? CAUSE_DENIED : CAUSE_DAEMON_DOWN,
                 is_denied ? "run it as root or as the user of rotord"
                           : "start it: rotord --state DIR; another folder is "
                             "named by --state",
                 "%s: %s", wanted, strerror(errno));
    return false;
}

static int explain_refusal(struct run *run,
                           const struct rotor_completion *answer,
                           const char *text)
{
    const char *name = wire_error_name(answer->error);
    unsigned long long detail = answer->detail;
    bool says_more = text[0] != '\0' && strcmp(text, name) != 0;
    switch (answer->error) {
    case WIRE_E_RATE:
        run->retry_s = answer->detail;
        return fail(run, CAUSE_RATE_LIMIT,
                    "the policy of the log sets the limit: rotor status",
                    "rate limit: retry in %llu s", detail);
    case WIRE_E_ROLLED_BACK:
        return fail(run, CAUSE_ROLLED_BACK,
                    "restore the enclave's newest state, or recover the log",
                    "the enclave's state is older than what was seen before");
    case WIRE_E_SIGNATURE:
        return fail(run, CAUSE_ENCLAVE_REFUSED,
                    "as many keys of the log's authority as its threshold "
                    "says, each once; of the new authority too",
                    "the enclave refused: not enough signatures");
    case WIRE_E_STATE:
        return fail(run, CAUSE_ENCLAVE_REFUSED, NULL,
                    "the enclave refused: %s (it is %s)", name,
                    wire_state_name(answer->detail));
    case WIRE_E_EPOCH:
        return fail(run, CAUSE_ENCLAVE_REFUSED, NULL,
                    "the enclave refused: %s (it is at epoch %llu)", name,
                    detail);
    default:
        return fail(run, CAUSE_ENCLAVE_REFUSED, NULL,
                    "the enclave refused: %s%s%s", name, says_more ? ": " : "",
                    says_more ? text : "");
    }
}

int explain(struct run *run, const struct rotor_completion *answer)
{
    static const struct {
        enum cause cause;
        const char *hint;
    } by_code[] = {
        [WIRE_CLIENT_OK] = {CAUSE_PLATFORM,        NULL               },
        [WIRE_CLIENT_MALFORMED] = {CAUSE_NOT_SUPPORTED,
                            "rotor and rotord must be of one version" },
        [WIRE_CLIENT_DENIED] = {CAUSE_DENIED,
                            "run it as root or as the user of rotord" },
        [WIRE_CLIENT_BUSY] = {CAUSE_BUSY,            NULL               },
        [WIRE_CLIENT_TIMEOUT] = {CAUSE_TIMEOUT,
                            "what was begun goes on: rotor status"    },
        [WIRE_CLIENT_CANCELLED] = {CAUSE_UNAVAILABLE,     NULL               },
        [WIRE_CLIENT_REFUSED] = {CAUSE_ENCLAVE_REFUSED, NULL               },
        [WIRE_CLIENT_UNAVAILABLE] = {CAUSE_UNAVAILABLE,     "see: rotor status"},
        [WIRE_CLIENT_UNSUPPORTED] = {CAUSE_NOT_SUPPORTED,   NULL               },
        [WIRE_CLIENT_FAILED] = {CAUSE_PLATFORM,        "see: rotor doctor"},
    };
    char text[256];
    clean_text(answer->text, text, sizeof text);
    if (answer->code == WIRE_CLIENT_REFUSED) {
        return explain_refusal(run, answer, text);
    }
    bool is_known = answer->code < COUNT_OF(by_code);
    enum cause cause = is_known ? by_code[answer->code].cause : CAUSE_PLATFORM;
    const char *hint = is_known ? by_code[answer->code].hint : NULL;
    return fail(run, cause, hint, "rotord: %s",
                text[0] != '\0' ? text : wire_client_code_name(answer->code));
}

bool daemon_ask(struct run *run, struct rotor_client *client,
                const struct rotor_request *request,
                struct rotor_completion *answer, int *code)
{
    uint64_t id = 0;
    enum rotor_status status = rotor_client_submit(client, request, &id);
    if (status == ROTOR_OK) {
        status = rotor_client_wait(client, id, PATIENCE_MS, answer);
    }
    if (status == ROTOR_AGAIN) {
        *code = fail(run, CAUSE_TIMEOUT, "see: rotor doctor",
                     "rotord does not answer");
        return false;
    }
    if (status != ROTOR_OK) {
        *code =
            fail(run, CAUSE_DAEMON_DOWN, "see: rotor doctor",
                 "rotord ended the connection: %s", rotor_status_name(status));
        return false;
    }
    if (answer->code != WIRE_CLIENT_OK) {
        *code = explain(run, answer);
        return false;
    }
    return true;
}

bool daemon_status(struct run *run, struct rotor_client *client,
                   struct wire_client_status *status, int *code)
{
    const struct rotor_request request = {.op = WIRE_OP_STATUS};
    struct rotor_completion answer;
    if (!daemon_ask(run, client, &request, &answer, code)) {
        return false;
    }
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_STATUS, answer.payload,
                            status) != ROTOR_OK) {
        *code = fail(run, CAUSE_NOT_SUPPORTED,
                     "rotor and rotord must be of one version",
                     "rotord speaks another version of the protocol");
        return false;
    }
    return true;
}
