// SPDX-License-Identifier: Apache-2.0
// rotor doctor: looks at everything, says what is wrong and how to mend it.
#include "app/rotor/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/rotor/bundle.h"
#include "app/rotor/walk.h"
#include "base/bytes.h"
#include "wire/walls.h"

struct doctor {
    struct run *run;
    struct json out;
    unsigned counts[4]; // by enum health
};

const struct run *doctor_run(const struct doctor *doctor)
{
    return doctor->run;
}

static const char *const HEALTHS[] = {
    [HEALTH_OK] = "ok",
    [HEALTH_WARN] = "warn",
    [HEALTH_FAIL] = "FAIL",
    [HEALTH_SKIPPED] = "skip",
};

void doctor_say(struct doctor *doctor, enum health health, const char *check,
                const char *remedy, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    doctor->counts[health]++;
    if (doctor->run->is_json) {
        json_open_object(&doctor->out, NULL);
        json_text(&doctor->out, "check", check);
        json_text(&doctor->out, "health",
                  health == HEALTH_FAIL ? "fail" : HEALTHS[health]);
        json_text(&doctor->out, "text", text);
        if (remedy != NULL) {
            json_text(&doctor->out, "remedy", remedy);
        }
        json_close(&doctor->out);
        return;
    }
    printf("%-4s  %-15s %s\n", HEALTHS[health], check, text);
    if (remedy != NULL) {
        printf("      %-15s mend it: %s\n", "", remedy);
    }
}

// ---- what the daemon says --------------------------------------------------

static const struct {
    enum wire_wall wall;
    const char *remedy;
} WALLS[] = {
    {WIRE_WALL_SECRET_MEMORY,   "kernel parameter secretmem.enable=1"           },
    {WIRE_WALL_LOCKED_MEMORY,   "raise the limit of locked memory: LimitMEMLOCK"},
    {WIRE_WALL_LANDLOCK,        "kernel parameter lsm=landlock,..."             },
    {WIRE_WALL_NO_NEW_CODE,     "a kernel from 6.3 on"                          },
    {WIRE_WALL_OWN_USER,        "start rotord as root: it gives up what it can" },
    {WIRE_WALL_NO_CAPABILITIES, "start rotord as a user without capabilities"   },
    {WIRE_WALL_PID_NAMESPACE,   "start rotord as root: it gives up what it can" },
    {WIRE_WALL_NET_NAMESPACE,   "start rotord as root: it gives up what it can" },
    {WIRE_WALL_IPC_NAMESPACE,   "start rotord as root: it gives up what it can" },
    {WIRE_WALL_UTS_NAMESPACE,   "start rotord as root: it gives up what it can" },
    {WIRE_WALL_MOUNT_NAMESPACE,
     "start rotord as root: it gives up what it can"                            },
};

static const char *remedy_of(uint64_t wall)
{
    for (size_t i = 0; i < COUNT_OF(WALLS); i++) {
        if ((uint64_t)WALLS[i].wall == wall) {
            return WALLS[i].remedy;
        }
    }
    return "see doc/THREATS.md";
}

static void look_at_walls(struct doctor *doctor,
                          const struct wire_client_status *status)
{
    unsigned up = 0;
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        uint64_t bit = WIRE_WALL_BIT(i);
        bool is_up = (status->walls & bit) != 0;
        bool is_required = (WIRE_WALLS_REQUIRED & bit) != 0;
        up += is_up ? 1 : 0;
        if (!is_up && status->enclave_is_up != 0) {
            doctor_say(doctor, is_required ? HEALTH_FAIL : HEALTH_WARN, "walls",
                       remedy_of(i), "%s is missing", wire_wall_name(i));
        }
    }
    if (up != 0) {
        doctor_say(doctor, HEALTH_OK, "walls", NULL, "%u of %u are up", up,
                   (unsigned)WIRE_WALL_COUNT);
    }
}

static void look_at_entropy(struct doctor *doctor, struct rotor_bytes report)
{
    size_t begin = 0;
    for (size_t i = 0; i <= report.size; i++) {
        char line[256];
        if (i != report.size && report.data[i] != '\n') {
            continue;
        }
        clean_text(bytes_of(report.data + begin, i - begin), line, sizeof line);
        begin = i + 1;
        if (line[0] == '\0') {
            continue;
        }
        if (strncmp(line, "store: ", 7) == 0) {
            doctor_say(doctor, HEALTH_OK, "store", NULL, "%s", line + 7);
            continue;
        }
        bool has_failed = strstr(line, "failed") != NULL;
        doctor_say(doctor, has_failed ? HEALTH_FAIL : HEALTH_OK, "entropy",
                   has_failed ? "no key is made from it; replace it, or rotor "
                                "doctor --retest"
                              : NULL,
                   "%s", line);
    }
}

static void look_at_root(struct doctor *doctor,
                         const struct wire_client_status *status)
{
    char text[256];
    char log[FINGERPRINT_SIZE];
    clean_text(status->phase, text, sizeof text);
    fingerprint(&status->log_id, log);
    if (wire_digest_is_empty(&status->log_id)) {
        doctor_say(doctor, HEALTH_WARN, "root",
                   "the enclave makes it within seconds of its first start",
                   "none yet: %s", text);
        return;
    }
    doctor_say(doctor, HEALTH_OK, "root", NULL, "epoch %" PRIu64 " of log %s",
               status->epoch, log);
    bool can_work = status->enclave_is_up != 0 &&
                    status->ap_state != WIRE_STATE_HALTED &&
                    status->ap_state != WIRE_STATE_EMPTY;
    doctor_say(doctor, can_work ? HEALTH_OK : HEALTH_FAIL, "enclave",
               can_work ? NULL
                        : "rotord's messages say why; its state may "
                          "have been put back or lost",
               "%s, %s", status->enclave_is_up != 0 ? "up" : "down",
               wire_state_name(status->ap_state));
    if (status->is_overdue != 0) {
        doctor_say(doctor, HEALTH_FAIL, "rotation", "rotor rotate",
                   "overdue: more than twice the period has passed");
    }
    if (status->limits.min_interval_s == 0 && status->limits.max_per_day == 0) {
        doctor_say(doctor, HEALTH_WARN, "limits",
                   "a log keeps its policy: make another one for production",
                   "none: test limits");
    }
    if (status->anchor_kind == 0) {
        doctor_say(doctor, HEALTH_WARN, "anchor",
                   "[anchor] tpm in rotord.conf would prevent it",
                   "a file: a store that is put back is detected by others, "
                   "not prevented");
    }
    clean_text(status->alarm, text, sizeof text);
    if (text[0] != '\0') {
        doctor_say(doctor, HEALTH_WARN, "alarm", "rotord's messages say more",
                   "%s", text);
    }
}

// ---- the log ---------------------------------------------------------------

struct last_step {
    uint64_t epoch;
    uint64_t count;
    struct chain_verdict verdict;
};

static void take_step(void *context, const struct walk_step *step)
{
    struct last_step *last = context;
    last->epoch = step->entry.body.epoch;
    last->verdict = step->verdict;
    last->count++;
}

static void say_log(struct doctor *doctor, const struct last_step *last)
{
    bool is_good = chain_verdict_is_accepted(&last->verdict);
    if (is_good) {
        doctor_say(doctor, HEALTH_OK, "chain", NULL,
                   "%" PRIu64 " entries, every step verifies", last->count);
        return;
    }
    doctor_say(doctor, HEALTH_FAIL, "chain",
               "restore STATE/rtp from a backup, or fetch the log from a "
               "relying party",
               "entry of epoch %" PRIu64 ": rule %" PRIu32 ": %s", last->epoch,
               last->verdict.rule, last->verdict.reason);
}

static void look_at_log(struct doctor *doctor, struct rotor_client *client)
{
    static struct entry_reader reader;
    const struct relying_device device = relying_device_of(client);
    const struct ahead_source entries = {&reader, entry_reader_next};
    struct last_step last = {0};
    const struct walk_taker taker = {&last, take_step};
    bool is_whole = false;
    reader = (struct entry_reader){.device = &device};
    enum rotor_status status = walk_held(&entries, &taker, &is_whole);
    if (reader.failed != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "chain", "see rotord's messages",
                   "the log cannot be read: %s",
                   reader.refusal.text[0] != '\0'
                       ? reader.refusal.text
                       : rotor_status_name(reader.failed));
    } else if (status != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "chain", WALK_NEEDS_ROOM,
                   "the log cannot be judged: %s", strerror(errno));
    } else if (last.count != 0) {
        say_log(doctor, &last);
    }
}

// ---- the daemon ------------------------------------------------------------

static bool ask(struct rotor_client *client, uint64_t op,
                struct rotor_completion *answer)
{
    const struct rotor_request request = {.op = op};
    uint64_t id = 0;
    return rotor_client_submit(client, &request, &id) == ROTOR_OK &&
           rotor_client_wait(client, id, 5000, answer) == ROTOR_OK;
}

static void examine(struct doctor *doctor, struct rotor_client *client,
                    bool retests)
{
    struct rotor_completion answer;
    struct wire_client_status status;
    if (retests) {
        bool is_done = ask(client, WIRE_OP_RETEST, &answer);
        doctor_say(doctor,
                   is_done && answer.code == 0 ? HEALTH_OK : HEALTH_FAIL,
                   "entropy test", NULL, "%s",
                   is_done ? wire_client_code_name(answer.code) : "no answer");
    }
    bool is_answer = ask(client, WIRE_OP_STATUS, &answer) &&
                     answer.code == WIRE_CLIENT_OK &&
                     wire_message_decode(&WIRE_LAYOUT_CLIENT_STATUS,
                                         answer.payload, &status) == ROTOR_OK;
    if (!is_answer) {
        doctor_say(doctor, HEALTH_FAIL, "daemon",
                   "restart rotord; both must be of one version",
                   "rotord does not answer as it should");
        return;
    }
    doctor_say(doctor, HEALTH_OK, "daemon", NULL, "rotord %.*s answers",
               (int)status.version.size, (const char *)status.version.data);
    look_at_root(doctor, &status);
    look_at_walls(doctor, &status);
    look_at_entropy(doctor, status.report);
    look_at_log(doctor, client);
}

static void look_at_daemon(struct doctor *doctor, bool retests)
{
    struct rotor_client *client = NULL;
    const struct run *run = doctor->run;
    char path[512];
    state_path(run, "control.sock", path);
    const char *wanted = run->socket != NULL ? run->socket : path;
    if (rotor_client_open(&client, wanted) != ROTOR_OK) {
        bool is_denied = errno == EACCES || errno == EPERM;
        doctor_say(doctor, HEALTH_FAIL, "daemon",
                   is_denied ? "run it as root or as the user of rotord"
                             : "start it: rotord --state DIR",
                   "%s: %s", wanted, strerror(errno));
        return;
    }
    examine(doctor, client, retests);
    rotor_client_close(client);
}

// ---- the command -----------------------------------------------------------

static int conclude(struct doctor *doctor)
{
    struct run *run = doctor->run;
    char message[96];
    unsigned failed = doctor->counts[HEALTH_FAIL];
    unsigned warned = doctor->counts[HEALTH_WARN];
    (void)snprintf(message, sizeof message, "%u of the checks failed", failed);
    if (run->is_json) {
        json_close(&doctor->out);
        json_bool(&doctor->out, "ok", failed == 0);
        json_number(&doctor->out, "failed", failed);
        json_number(&doctor->out, "warnings", warned);
        if (failed != 0) {
            json_open_object(&doctor->out, "error");
            json_error(&doctor->out, run, CAUSE_CHECK_FAILED, NULL, message);
        }
        json_end(&doctor->out);
        return failed == 0 ? EXIT_ACCEPTED : EXIT_REFUSED;
    }
    printf("\n%u ok, %u to look at, %u failed\n", doctor->counts[HEALTH_OK],
           warned, failed);
    return failed == 0 ? EXIT_ACCEPTED
                       : fail(run, CAUSE_CHECK_FAILED, NULL, "%s", message);
}

int main_doctor(struct run *run, int count, char **arguments)
{
    struct doctor doctor = {.run = run};
    bool retests = false;
    const char *endorsements = NULL;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--retest",       NULL,  FLAG_SWITCH, &retests,
         "test the entropy sources anew first"               },
        {"--endorsements", "DIR", FLAG_TEXT,   &endorsements,
         "of this party; default: the store of rotor endorse"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 0) {
        return fail(run, CAUSE_USAGE, "rotor doctor --help shows the flags",
                    "doctor takes no argument: %s", arguments[0]);
    }
    if (run->is_json) {
        json_open(&doctor.out, stdout);
        json_text(&doctor.out, "schema", "rotor/doctor/1");
        json_open_list(&doctor.out, "checks");
    }
    doctor_look_at_clock(&doctor);
    if (doctor_look_at_folder(&doctor)) {
        doctor_look_at_secrets(&doctor);
        doctor_look_at_storage(&doctor);
        doctor_look_at_images(&doctor);
    }
    doctor_look_at_endorsements(&doctor, endorsements);
    look_at_daemon(&doctor, retests);
    return conclude(&doctor);
}
