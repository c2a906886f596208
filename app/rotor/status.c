// SPDX-License-Identifier: Apache-2.0
// rotor status: what the root of trust of this machine stands at.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/rotor/command.h"
#include "base/bytes.h"
#include "wire/walls.h"

static bool are_test_limits(const struct wire_limits *limits)
{
    return limits->min_interval_s == 0 && limits->max_per_day == 0;
}

static unsigned image_of(uint64_t images, unsigned shift)
{
    return (unsigned)(images >> shift & UINT32_MAX);
}

// ---- for scripts -----------------------------------------------------------

static void json_walls(struct json *out, const char *key, uint64_t walls)
{
    json_open_list(out, key);
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        if ((walls & WIRE_WALL_BIT(i)) != 0) {
            json_text(out, NULL, wire_wall_name(i));
        }
    }
    json_close(out);
}

static void json_lines(struct json *out, const char *key,
                       struct rotor_bytes text)
{
    json_open_list(out, key);
    size_t begin = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i == text.size || text.data[i] == '\n') {
            if (i > begin) {
                json_text_of(out, NULL, bytes_of(text.data + begin, i - begin));
            }
            begin = i + 1;
        }
    }
    json_close(out);
}

static void json_root(struct json *out, const struct wire_client_status *s)
{
    json_digest(out, "log_id", &s->log_id);
    json_number(out, "incarnation", s->incarnation);
    json_number(out, "epoch", s->epoch);
    json_digest(out, "body_hash", &s->body_hash);
    json_digest(out, "fingerprint", &s->sign_kid);
    json_number(out, "suite", s->suite);
    json_text(out, "suite_name", suite_name(s->suite));
    json_text(out, "state", wire_state_name(s->ap_state));
    json_text_of(out, "phase", s->phase);
    json_number(out, "anchor_n", s->n);
    json_open_object(out, "limits");
    json_number(out, "min_interval_s", s->limits.min_interval_s);
    json_number(out, "max_per_day", s->limits.max_per_day);
    json_bool(out, "are_test_limits", are_test_limits(&s->limits));
    json_close(out);
    json_number(out, "rotation_tokens", s->rotation_tokens);
    if (s->has_next_rotation != 0) {
        json_number(out, "next_rotation_s", s->next_rotation_s);
    } else {
        json_null(out, "next_rotation_s");
    }
    json_bool(out, "is_overdue", s->is_overdue != 0);
}

static void print_json(const struct wire_client_status *s)
{
    struct json out;
    begin_json(&out, "status", true);
    json_text_of(&out, "version", s->version);
    json_root(&out, s);
    json_bool(&out, "enclave_is_up", s->enclave_is_up != 0);
    json_number(&out, "level", s->level);
    json_text(&out, "level_name", level_name(s->level));
    json_number(&out, "anchor_kind", s->anchor_kind);
    json_text(&out, "anchor_name", anchor_name(s->anchor_kind));
    json_walls(&out, "walls_up", s->walls);
    json_walls(&out, "walls_missing", s->walls_missing);
    json_walls(&out, "walls_required", WIRE_WALLS_REQUIRED);
    json_lines(&out, "report", s->report);
    json_number(&out, "attestations", s->attestations);
    json_number(&out, "rotations", s->rotations);
    json_number(&out, "refused", s->refused);
    json_number(&out, "in_flight", s->queue_depth);
    json_open_object(&out, "queue_pairs");
    json_number(&out, "left", s->pairs_left);
    json_number(&out, "out", s->pairs_out);
    json_close(&out);
    json_digest(&out, "measurement", &s->measurement);
    json_digest(&out, "instance", &s->instance);
    json_open_object(&out, "security_versions");
    json_number(&out, "rtp", image_of(s->images, 32));
    json_number(&out, "enclave", image_of(s->images, 0));
    json_close(&out);
    json_text_of(&out, "alarm", s->alarm);
    json_end(&out);
}

// ---- for people ------------------------------------------------------------

static void say(const char *name, const char *text)
{
    printf("%-12s %s\n", name, text);
}

static void say_digest(const char *name, const struct wire_digest *digest)
{
    char text[FINGERPRINT_SIZE];
    fingerprint(digest, text);
    say(name, text);
}

static void say_root(const struct wire_client_status *s)
{
    if (wire_digest_is_empty(&s->log_id)) {
        say("log", "none yet: the first root has not been made");
        return;
    }
    say_digest("log", &s->log_id);
    printf("%-12s %" PRIu64, "epoch", s->epoch);
    if (s->incarnation != 0) {
        printf(", incarnation %" PRIu64 ": the log was recovered",
               s->incarnation);
    }
    printf("\n");
    say_digest("root", &s->sign_kid);
    printf("%-12s %" PRIu64 " (%s)\n", "suite", s->suite, suite_name(s->suite));
}

static void say_rotation(const struct wire_client_status *s)
{
    char wait[DURATION_SIZE];
    duration_text(s->next_rotation_s, wait);
    if (s->is_overdue != 0) {
        say("rotation", "OVERDUE: more than twice the period has passed");
    } else if (s->has_next_rotation != 0) {
        printf("%-12s next in %s\n", "rotation", wait);
    } else {
        say("rotation", "none is due");
    }
    if (wire_digest_is_empty(&s->log_id)) {
        return; // they are of the log
    }
    if (are_test_limits(&s->limits)) {
        say("limits", "none: test limits, not for production");
        return;
    }
    printf("%-12s %u s between rotations, %u a day; %" PRIu64 " left now\n",
           "limits", s->limits.min_interval_s, s->limits.max_per_day,
           s->rotation_tokens);
}

static void say_walls(const char *name, uint64_t walls)
{
    printf("%-12s", name);
    for (uint64_t i = 0; i < WIRE_WALL_COUNT; i++) {
        if ((walls & WIRE_WALL_BIT(i)) != 0) {
            printf(" %s", wire_wall_name(i));
        }
    }
    printf("%s\n", walls == 0 ? " none" : "");
}

// A line of the enclave's report that is of its store; NULL: of its entropy.
static const char *store_line(const char *line)
{
    static const char start[] = "store: ";
    bool is_ours = strncmp(line, start, sizeof start - 1) == 0;
    return is_ours ? line + sizeof start - 1 : NULL;
}

static void say_report(struct rotor_bytes report)
{
    size_t begin = 0;
    const char *name = "entropy";
    for (size_t i = 0; i <= report.size; i++) {
        if (i != report.size && report.data[i] != '\n') {
            continue;
        }
        char line[256];
        clean_text(bytes_of(report.data + begin, i - begin), line, sizeof line);
        if (store_line(line) != NULL) {
            say("store", store_line(line));
        } else if (line[0] != '\0') {
            say(name, line);
            name = "";
        }
        begin = i + 1;
    }
}

static void print_status(const struct wire_client_status *s)
{
    char line[256];
    say_root(s);
    clean_text(s->phase, line, sizeof line);
    printf("%-12s %s (enclave: %s)\n", "state", line,
           s->enclave_is_up == 0 ? "DOWN" : wire_state_name(s->ap_state));
    say_rotation(s);
    say("level", level_name(s->level));
    say("anchor", anchor_name(s->anchor_kind));
    say_walls("walls up", s->walls);
    say_walls("missing", s->walls_missing);
    say_report(s->report);
    printf("%-12s %" PRIu64 " attestations, %" PRIu64 " rotations, %" PRIu64
           " refused, %" PRIu64 " in flight\n",
           "requests", s->attestations, s->rotations, s->refused,
           s->queue_depth);
    printf("%-12s %" PRIu64 " left for programs, %" PRIu64 " in use\n",
           "queue pairs", s->pairs_left, s->pairs_out);
    printf("%-12s rtp %u, enclave %u (security versions)\n", "images",
           image_of(s->images, 32), image_of(s->images, 0));
    say_digest("measurement", &s->measurement);
    say_digest("instance", &s->instance);
    clean_text(s->alarm, line, sizeof line);
    say("alarm", line[0] != '\0' ? line : "none");
}

int main_status(struct run *run, int count, char **arguments)
{
    struct rotor_client *client = NULL;
    struct wire_client_status status;
    int code = EXIT_ACCEPTED;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    if (count != 0) {
        return fail(run, CAUSE_USAGE, "rotor help lists the commands",
                    "status takes no argument: %s", arguments[0]);
    }
    if (!daemon_open(run, &client, &code)) {
        return code;
    }
    if (daemon_status(run, client, &status, &code)) {
        if (run->is_json) {
            print_json(&status);
        } else {
            print_status(&status);
        }
    }
    rotor_client_close(client);
    return code;
}
