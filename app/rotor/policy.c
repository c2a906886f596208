// SPDX-License-Identifier: Apache-2.0
// rotor policy: what a relying party accepts, looked at before it is used.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/rotor/policy_file.h"
#include "base/bytes.h"

// ---- back into words -------------------------------------------------------

static void print_hex(const char *name, const struct verify_value *value)
{
    printf("%s = ", name);
    for (size_t i = 0; i < value->size; i++) {
        printf("%02x", value->bytes[i]);
    }
    printf("\n");
}

static void print_list(const char *section, const struct policy_list *list)
{
    if (list->count != 0) {
        printf("\n[%s]\n", section);
    }
    for (size_t i = 0; i < list->count; i++) {
        print_hex("value", &list->values[i]);
    }
}

static void print_floors(const struct verify_policy *policy)
{
    bool is_first = true;
    for (int i = 0; i < VERIFY_BACKEND_COUNT; i++) {
        if (policy->tcb_floors[i].size != 0) {
            printf("%s", is_first ? "\n[tcb-floor]\n" : "");
            print_hex(verify_backend_name((enum verify_backend)i),
                      &policy->tcb_floors[i]);
            is_first = false;
        }
    }
}

static void print_accept(const struct verify_policy *policy)
{
    printf("[accept]\n");
    for (int i = 0; policy->backends != 0 && i < VERIFY_BACKEND_COUNT; i++) {
        enum verify_backend backend = (enum verify_backend)i;
        bool is_first =
            (policy->backends & (VERIFY_POLICY_BACKEND(i) - 1)) == 0;
        if ((policy->backends & VERIFY_POLICY_BACKEND(i)) != 0) {
            printf("%s%s", is_first ? "backend = " : " ",
                   verify_backend_name(backend));
        }
    }
    printf("%slevel = %s\n", policy->backends != 0 ? "\n" : "",
           verify_level_name(policy->level_min));
    if (policy->debug != VERIFY_DEBUG_UNSEEN) {
        printf("debug = %s\n",
               policy->debug == VERIFY_DEBUG_OFF ? "off" : "any");
    }
    printf("binding = %s\n", policy->needs_binding ? "required" : "optional");
    for (size_t i = 0; i < policy->tcb_word_count; i++) {
        printf("%s%s%s", i == 0 ? "tcb-status = " : " ", policy->tcb_words[i],
               i + 1 == policy->tcb_word_count ? "\n" : "");
    }
    if (policy->security_version_min != 0) {
        printf("security-version = %" PRIu64 "\n",
               policy->security_version_min);
    }
    if (policy->age_max_s != 0) {
        printf("max-age = %" PRIu64 "s\n", policy->age_max_s);
    }
}

static void print_policy(const struct policy_file *file)
{
    print_accept(&file->policy);
    print_floors(&file->policy);
    print_list("measurement", &file->measurements);
    print_list("signer", &file->signers);
    print_list("instance", &file->instances);
}

// ---- as JSON ---------------------------------------------------------------

static void json_values(struct json *out, const char *key,
                        const struct policy_list *list)
{
    json_open_list(out, key);
    for (size_t i = 0; i < list->count; i++) {
        const struct verify_value *value = &list->values[i];
        json_hex(out, NULL, bytes_of(value->bytes, value->size));
    }
    json_close(out);
}

static void json_floors(struct json *out, const struct verify_policy *policy)
{
    json_open_object(out, "tcb_floors");
    for (int i = 0; i < VERIFY_BACKEND_COUNT; i++) {
        const struct verify_value *floor = &policy->tcb_floors[i];
        if (floor->size != 0) {
            json_hex(out, verify_backend_name((enum verify_backend)i),
                     bytes_of(floor->bytes, floor->size));
        }
    }
    json_close(out);
}

static const char *debug_word(enum verify_policy_debug debug)
{
    static const char *const words[] = {"unseen", "off", "any"};
    return words[debug];
}

static void say_json(const char *path, const struct policy_file *file)
{
    const struct verify_policy *policy = &file->policy;
    struct json out;
    begin_json(&out, "policy", true);
    json_text(&out, "file", path);
    json_open_list(&out, "backends");
    for (int i = 0; i < VERIFY_BACKEND_COUNT; i++) {
        if ((policy->backends & VERIFY_POLICY_BACKEND(i)) != 0) {
            json_text(&out, NULL, verify_backend_name((enum verify_backend)i));
        }
    }
    json_close(&out);
    json_text(&out, "level", verify_level_name(policy->level_min));
    json_text(&out, "debug", debug_word(policy->debug));
    json_bool(&out, "binding_required", policy->needs_binding);
    json_open_list(&out, "tcb_status");
    for (size_t i = 0; i < policy->tcb_word_count; i++) {
        json_text(&out, NULL, policy->tcb_words[i]);
    }
    json_close(&out);
    json_number(&out, "security_version", policy->security_version_min);
    json_number(&out, "max_age_s", policy->age_max_s);
    json_floors(&out, policy);
    json_values(&out, "measurements", &file->measurements);
    json_values(&out, "signers", &file->signers);
    json_values(&out, "instances", &file->instances);
    json_end(&out);
}

// ---- the command -----------------------------------------------------------

// What a policy that lacks it lets through; advice, not an error.
static void say_gaps(const struct policy_file *file)
{
    const struct verify_policy *policy = &file->policy;
    if (file->measurements.count == 0 && file->signers.count == 0) {
        fprintf(stderr, "rotor: warning: neither [measurement] nor [signer]: "
                        "any program may run there\n");
    }
    if (policy->backends == 0 && policy->level_min == VERIFY_LEVEL_PROCESS) {
        fprintf(stderr, "rotor: warning: neither backend nor level: a process "
                        "that says so is enough\n");
    }
    if (!policy->needs_binding) {
        fprintf(stderr, "rotor: warning: binding is optional: evidence may be "
                        "a replay\n");
    }
    if (policy->debug == VERIFY_DEBUG_ANY) {
        fprintf(stderr, "rotor: warning: debugging is allowed\n");
    }
}

int main_policy(struct run *run, int count, char **arguments)
{
    static struct policy_file file;
    int code = EXIT_ACCEPTED;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    bool is_check = count == 2 && strcmp(arguments[0], "check") == 0;
    bool is_show = count == 2 && strcmp(arguments[0], "show") == 0;
    if (!is_check && !is_show) {
        return fail(run, CAUSE_USAGE, "rotor policy check FILE",
                    "expected check or show, and one file");
    }
    if (!policy_file_read(run, &file, arguments[1], &code)) {
        return code;
    }
    if (run->is_json) {
        say_json(arguments[1], &file);
    } else if (is_show) {
        print_policy(&file);
    } else {
        printf("good: %zu measurements, %zu signers, %zu instances\n",
               file.measurements.count, file.signers.count,
               file.instances.count);
        fflush(stdout);
        say_gaps(&file);
    }
    return EXIT_ACCEPTED;
}
