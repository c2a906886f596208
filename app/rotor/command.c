// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const struct {
    const char *name;
    enum exit_code exit;
    bool is_retryable;
} CAUSES[CAUSE_COUNT] = {
    [CAUSE_USAGE] = {"USAGE",            EXIT_USAGE,   false},
    [CAUSE_UNREADABLE] = {"UNREADABLE",       EXIT_UNABLE,  false},
    [CAUSE_UNPARSABLE] = {"UNPARSABLE",       EXIT_UNABLE,  false},
    [CAUSE_DAEMON_DOWN] = {"DAEMON_DOWN",      EXIT_UNABLE,  true },
    [CAUSE_TIMEOUT] = {"TIMEOUT",          EXIT_UNABLE,  true },
    [CAUSE_BUSY] = {"BUSY",             EXIT_UNABLE,  true },
    [CAUSE_UNAVAILABLE] = {"UNAVAILABLE",      EXIT_UNABLE,  true },
    [CAUSE_DENIED] = {"DENIED",           EXIT_UNABLE,  false},
    [CAUSE_PLATFORM] = {"PLATFORM",         EXIT_UNABLE,  false},
    [CAUSE_NOT_SUPPORTED] = {"NOT_SUPPORTED",    EXIT_UNABLE,  false},
    [CAUSE_NO_ENDORSEMENT] = {"NO_ENDORSEMENT",   EXIT_UNABLE,  false},
    [CAUSE_RATE_LIMIT] = {"RATE_LIMIT",       EXIT_REFUSED, true },
    [CAUSE_ENCLAVE_REFUSED] = {"ENCLAVE_REFUSED",  EXIT_REFUSED, false},
    [CAUSE_EVIDENCE_REFUSED] = {"EVIDENCE_REFUSED", EXIT_REFUSED, false},
    [CAUSE_CHAIN_BROKEN] = {"CHAIN_BROKEN",     EXIT_REFUSED, false},
    [CAUSE_ROLLED_BACK] = {"ROLLED_BACK",      EXIT_REFUSED, false},
    [CAUSE_DUPLICITY] = {"DUPLICITY",        EXIT_REFUSED, false},
    [CAUSE_IMAGE_REFUSED] = {"IMAGE_REFUSED",    EXIT_REFUSED, false},
    [CAUSE_SESSION_BROKEN] = {"SESSION_BROKEN",   EXIT_REFUSED, false},
    [CAUSE_CHECK_FAILED] = {"CHECK_FAILED",     EXIT_REFUSED, false},
};

const char *cause_name(enum cause cause)
{
    return CAUSES[cause].name;
}

enum exit_code cause_exit(enum cause cause)
{
    return CAUSES[cause].exit;
}

bool cause_is_retryable(enum cause cause)
{
    return CAUSES[cause].is_retryable;
}

void begin_json(struct json *out, const char *name, bool ok)
{
    char schema[64];
    (void)snprintf(schema, sizeof schema, "rotor/%s/1", name);
    json_open(out, stdout);
    json_text(out, "schema", schema);
    json_bool(out, "ok", ok);
}

void json_error(struct json *out, const struct run *run, enum cause cause,
                const char *hint, const char *message)
{
    json_text(out, "code", cause_name(cause));
    json_text(out, "message", message);
    if (run->device != NULL) {
        json_text(out, "device", run->device);
    }
    if (run->has_epoch) {
        json_number(out, "epoch", run->epoch);
    }
    json_bool(out, "retryable", cause_is_retryable(cause));
    if (run->retry_s != 0) {
        json_number(out, "retry_s", run->retry_s);
    }
    if (hint != NULL) {
        json_text(out, "hint", hint);
    }
}

int fail(const struct run *run, enum cause cause, const char *hint,
         const char *format, ...)
{
    char message[512];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(message, sizeof message, format, values);
    va_end(values);
    if (run->is_json) {
        struct json out;
        begin_json(&out, run->command, false);
        json_open_object(&out, "error");
        json_error(&out, run, cause, hint, message);
        json_end(&out);
        return (int)cause_exit(cause);
    }
    fflush(stdout);
    fprintf(stderr, "rotor: error: %s\n", message);
    if (hint != NULL) {
        fprintf(stderr, "rotor: hint: %s\n", hint);
    }
    return (int)cause_exit(cause);
}

// ---- flags -----------------------------------------------------------------

static const struct command *command_of(const struct run *run)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, run->command) == 0) {
            return &COMMANDS[i];
        }
    }
    return &COMMANDS[0];
}

static void print_flags(const struct flag *flags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[40];
        (void)snprintf(left, sizeof left, "%s%s%s", flags[i].name,
                       flags[i].value != NULL ? " " : "",
                       flags[i].value != NULL ? flags[i].value : "");
        printf("  %-26s %s\n", left, flags[i].help);
    }
}

static void print_help(const struct run *run, const struct flag *flags,
                       size_t count, const struct flag *common,
                       size_t common_count)
{
    const struct command *command = command_of(run);
    printf("usage: rotor %s %s\n\n%s.\n\n", command->name, command->usage,
           command->summary);
    print_flags(flags, count);
    print_flags(common, common_count);
    printf("\nExample:\n%s\n", command->example);
}

static const struct flag *flag_named(const struct flag *flags, size_t count,
                                     const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(flags[i].name) == size &&
            strncmp(flags[i].name, name, size) == 0) {
            return &flags[i];
        }
    }
    return NULL;
}

static bool take_value(const struct run *run, const struct flag *flag,
                       const char *value, int *code)
{
    if (flag->kind == FLAG_TEXT) {
        *(const char **)flag->target = value;
        return true;
    }
    if (flag->kind == FLAG_LIST) {
        struct flag_list *list = flag->target;
        if (list->count == FLAG_LIST_MAX) {
            *code = fail(run, CAUSE_USAGE, NULL, "%s: at most %u times",
                         flag->name, FLAG_LIST_MAX);
            return false;
        }
        list->values[list->count++] = value;
        return true;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0') {
        *code = fail(run, CAUSE_USAGE, NULL, "%s %s: expected a whole number",
                     flag->name, value);
        return false;
    }
    *(uint64_t *)flag->target = number;
    return true;
}

bool flags_parse(struct run *run, const struct flag *flags, size_t flag_count,
                 int *count, char **arguments, int *code)
{
    bool wants_help = false;
    const struct flag common[] = {
        {"--state",  "DIR",  FLAG_TEXT,   &run->state,   "of the device"    },
        {"--socket", "PATH", FLAG_TEXT,   &run->socket,  "of rotord"        },
        {"--json",   NULL,   FLAG_SWITCH, &run->is_json, "one object a line"},
        {"--help",   NULL,   FLAG_SWITCH, &wants_help,   "this text"        },
    };
    int kept = 0;
    bool only_arguments = false;
    // An error in a flag must come in the form that a later --json asks for.
    for (int i = 0; i < *count; i++) {
        run->is_json = run->is_json || strcmp(arguments[i], "--json") == 0;
    }
    for (int i = 0; i < *count; i++) {
        const char *text = arguments[i];
        if (only_arguments || text[0] != '-' || text[1] == '\0') {
            arguments[kept++] = arguments[i];
            continue;
        }
        if (strcmp(text, "--") == 0) {
            only_arguments = true;
            continue;
        }
        const char *equals = strchr(text, '=');
        size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
        const struct flag *flag = flag_named(flags, flag_count, text, size);
        if (flag == NULL) {
            flag = flag_named(common, COUNT_OF(common), text, size);
        }
        if (flag == NULL) {
            char hint[80];
            (void)snprintf(hint, sizeof hint, "rotor %s --help shows the flags",
                           run->command);
            *code = fail(run, CAUSE_USAGE, hint, "unknown flag %s", text);
            return false;
        }
        if (flag->kind == FLAG_SWITCH && equals == NULL) {
            *(bool *)flag->target = true;
            continue;
        }
        if (flag->kind == FLAG_SWITCH) {
            *code =
                fail(run, CAUSE_USAGE, NULL, "%s takes no value", flag->name);
            return false;
        }
        const char *value = equals != NULL   ? equals + 1
                            : i + 1 < *count ? arguments[++i]
                                             : NULL;
        // A flag where its value should be: the value was forgotten.
        if (value == NULL ||
            (equals == NULL && value[0] == '-' && value[1] == '-')) {
            *code = fail(run, CAUSE_USAGE, NULL, "%s needs %s", flag->name,
                         flag->value);
            return false;
        }
        if (!take_value(run, flag, value, code)) {
            return false;
        }
    }
    *count = kept;
    if (wants_help) {
        print_help(run, flags, flag_count, common, COUNT_OF(common));
        *code = EXIT_ACCEPTED;
        return false;
    }
    return true;
}

int run_verb(struct run *run, const struct verb *verbs, size_t verb_count,
             int count, char **arguments)
{
    for (size_t i = 0; count > 0 && i < verb_count; i++) {
        if (strcmp(arguments[0], verbs[i].name) == 0) {
            return verbs[i].main(run, count - 1, arguments + 1);
        }
    }
    int code = 0;
    int left = count;
    if (!flags_parse(run, NULL, 0, &left, arguments, &code)) {
        return code;
    }
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < verb_count && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 i == 0 ? "" : ", ", verbs[i].name);
    }
    if (left > 0) {
        return fail(run, CAUSE_USAGE, names, "unknown verb %s", arguments[0]);
    }
    return fail(run, CAUSE_USAGE, names, "rotor %s needs a verb", run->command);
}
