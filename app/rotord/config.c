// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/config.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotord/registers.h"
#include "base/bytes.h"

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_DURATION, VALUE_YES_NO };

struct key {
    const char *section;
    const char *name;
    enum value_kind kind;
    size_t offset;
    size_t size;        // of text, with its final zero
    uint64_t low, high; // of numbers; durations in seconds
    const char *help;
};

#define TEXT(section, name, member, help)                                      \
    {                                                                          \
        section, name, VALUE_TEXT, offsetof(struct config, member),            \
            sizeof(((struct config *)0)->member), 0, 0, help                   \
    }
#define VALUE(section, name, kind, member, low, high, help)                    \
    {                                                                          \
        section, name, kind, offsetof(struct config, member), 0, low, high,    \
            help                                                               \
    }
#define DAY 86400u

static const struct key KEYS[] = {
    TEXT("rotord", "state", state, "folder of everything that must last"),
    TEXT("rotord", "socket", socket, "of programs; default STATE/control.sock"),
    TEXT("rotord", "listen", listen, "HOST:PORT for relying parties"),
    TEXT("rotord", "enclave-user", enclave_user, "when started as root"),
    TEXT("rotord", "rtp-user", rtp_user, "when started as root"),
    VALUE("root", "suite", VALUE_NUMBER, suite, 1, 3,
          "1 Ed25519, 2 P-256, 3 P-384; of the first root"),
    VALUE("rotation", "period", VALUE_DURATION, period_s, 1, 30 * DAY,
          "between routine rotations"),
    VALUE("rotation", "jitter", VALUE_NUMBER, jitter_percent, 0, 50,
          "percent of the period, at random"),
    VALUE("rotation", "usage-limit", VALUE_NUMBER, usage_limit, 1, 1u << 20,
          "attestations under one root"),
    VALUE("rotation", "min-interval", VALUE_DURATION, min_interval_s, 0, DAY,
          "0: none, for tests; shown in evidence"),
    VALUE("rotation", "max-per-day", VALUE_NUMBER, max_per_day, 0, 100000,
          "0: unlimited, for tests; shown in evidence"),
    VALUE("rotation", "grace", VALUE_DURATION, grace_s, 0, 30 * DAY,
          "how long evidence of the old root is good elsewhere"),
    TEXT("entropy", "name", entropy_name, "a further source"),
    TEXT("entropy", "path", entropy_path, "where to read it"),
    VALUE("entropy", "required", VALUE_YES_NO, entropy_is_required, 0, 1,
          "no key without it"),
    TEXT("recovery", "authority", authority,
         "its set, written into the first root; later: rotor recover"),
    TEXT("anchor", "tpm", anchor_tpm,
         "device that names the one valid store; empty: a file does"),
    VALUE(
        "anchor", "seal", VALUE_YES_NO, anchor_seals, 0, 1,
        "the store's key is sealed to that TPM; chosen before the first start"),
    TEXT("anchor", "pcrs", anchor_pcrs,
         "registers that must be as they were then, e.g. 0-4,7; empty: none"),
};

void config_init(struct config *config)
{
    *config = (struct config){
        .state = "/var/lib/rotor",
        .enclave_user = "daemon",
        .rtp_user = "nobody",
        .suite = 2,
        .period_s = DAY,
        .jitter_percent = 10,
        .usage_limit = 1u << 20,
        .min_interval_s = 60,
        .max_per_day = 24,
        .grace_s = DAY,
    };
}

// ---- values ----------------------------------------------------------------

static bool parse_number(const char *text, uint64_t *value, const char **rest)
{
    char *end = NULL;
    errno = 0;
    if (*text < '0' || *text > '9') {
        return false;
    }
    *value = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static bool parse_duration(const char *text, uint64_t *seconds)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {
        {"",  1   },
        {"s", 1   },
        {"m", 60  },
        {"h", 3600},
        {"d", DAY }
    };
    const char *unit = NULL;
    uint64_t count = 0;
    if (!parse_number(text, &count, &unit) || count > UINT32_MAX) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            *seconds = count * units[i].seconds;
            return true;
        }
    }
    return false;
}

static const char *expectation(enum value_kind kind)
{
    switch (kind) {
    case VALUE_NUMBER:
        return "a whole number";
    case VALUE_DURATION:
        return "a duration: 90s, 15m, 24h, 30d";
    case VALUE_YES_NO:
        return "yes or no";
    case VALUE_TEXT:
        break;
    }
    return "a shorter text";
}

static bool take_value(const struct key *key, const char *text, uint64_t *value)
{
    const char *rest = "";
    switch (key->kind) {
    case VALUE_NUMBER:
        return parse_number(text, value, &rest) && *rest == '\0';
    case VALUE_DURATION:
        return parse_duration(text, value);
    case VALUE_YES_NO:
        *value = strcmp(text, "yes") == 0;
        return *value == 1 || strcmp(text, "no") == 0;
    case VALUE_TEXT:
        break;
    }
    return false;
}

static bool assign_text(struct config *config, const struct key *key,
                        const char *text)
{
    char *member = (char *)config + key->offset;
    if (strlen(text) >= key->size) {
        fprintf(stderr, "rotord: error: %s is longer than %zu bytes\n",
                key->name, key->size - 1);
        return false;
    }
    memcpy(member, text, strlen(text) + 1);
    return true;
}

static bool assign(struct config *config, const struct key *key,
                   const char *text)
{
    if (key->kind == VALUE_TEXT) {
        return assign_text(config, key, text);
    }
    uint64_t value = 0;
    if (!take_value(key, text, &value)) {
        fprintf(stderr, "rotord: error: %s = %s: expected %s\n", key->name,
                text, expectation(key->kind));
        return false;
    }
    if (value < key->low || value > key->high) {
        fprintf(stderr,
                "rotord: error: %s = %s: out of bounds, %" PRIu64 "..%" PRIu64
                "\n",
                key->name, text, key->low, key->high);
        return false;
    }
    void *member = (char *)config + key->offset;
    if (key->kind == VALUE_YES_NO) {
        *(bool *)member = value == 1;
    } else {
        *(uint64_t *)member = value;
    }
    return true;
}

// ---- the file --------------------------------------------------------------

// The file while it is read.
struct reading {
    struct config *config;
    FILE *file;
    int line;           // the last one that was read
    const char *fault;  // of that line; NULL: none
    bool has_explained; // what is wrong with a setting
};

static int take_line(void *context, const char *section, const char *name,
                     const char *value)
{
    struct reading *reading = context;
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (strcmp(section, KEYS[i].section) == 0 &&
            strcmp(name, KEYS[i].name) == 0) {
            bool is_good = assign(reading->config, &KEYS[i], value);
            reading->has_explained |= !is_good;
            return is_good ? 1 : 0;
        }
    }
    reading->has_explained = true;
    fprintf(stderr, "rotord: error: unknown key %s in section [%s]\n", name,
            section);
    return 0;
}

// Lines that libinih would cut in two or join with the one before, so that a
// setting would be passed over in silence, end the reading.
static char *next_line(char *line, int size, void *context)
{
    struct reading *reading = context;
    if (reading->fault != NULL || fgets(line, size, reading->file) == NULL) {
        return NULL;
    }
    reading->line++;
    size_t length = strlen(line);
    bool is_whole =
        feof(reading->file) != 0 || (length > 0 && line[length - 1] == '\n');
    bool is_indented = line[0] == ' ' || line[0] == '\t';
    if (!is_whole) {
        reading->fault = "the line is too long, or no text";
    } else if (is_indented && strspn(line, " \t\r\n") != length) {
        reading->fault = "the line begins with a blank";
    }
    return reading->fault == NULL ? line : NULL;
}

// A further source needs a name of its own and a place.
static bool entropy_is_usable(const struct config *config, const char *path)
{
    static const char *const taken[] = {"getrandom", "rdseed", "hwrng"};
    const char *name = config->entropy_name;
    const char *wrong = NULL;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        if (strcmp(name, taken[i]) == 0) {
            wrong = "is the name of a source that rotor has already";
        }
    }
    if ((name[0] == '\0') != (config->entropy_path[0] == '\0')) {
        wrong = "name and path belong together";
    }
    if (wrong == NULL) {
        return true;
    }
    fprintf(stderr, "rotord: error: %s: [entropy] name = %s: %s\n", path, name,
            wrong);
    return false;
}

// A seal needs a TPM, and registers are of a seal.
static bool seal_is_usable(const struct config *config, const char *path)
{
    uint32_t registers = 0;
    bool has_registers = config->anchor_pcrs[0] != '\0';
    const char *wrong = NULL;
    if (config->anchor_seals && config->anchor_tpm[0] == '\0') {
        wrong = "seal = yes: needs tpm, the one that it is sealed to";
    } else if (has_registers && !config->anchor_seals) {
        wrong = "pcrs: needs seal = yes";
    } else if (has_registers &&
               !registers_parse(config->anchor_pcrs, &registers)) {
        wrong = "pcrs: expected registers from 0 to 23, e.g. 0-4,7";
    }
    if (wrong != NULL) {
        fprintf(stderr, "rotord: error: %s: [anchor] %s\n", path, wrong);
    }
    return wrong == NULL;
}

static bool read_lines(struct reading *reading, const char *path)
{
    int line = ini_parse_stream(next_line, reading, take_line, reading);
    if (ferror(reading->file) != 0) {
        fprintf(stderr, "rotord: error: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (line == 0 && reading->fault == NULL) {
        return true;
    }
    const char *reason =
        reading->has_explained ? "" : ": expected name = value";
    if (line != 0) {
        fprintf(stderr, "rotord: error: %s: line %d%s\n", path, line, reason);
    } else {
        fprintf(stderr, "rotord: error: %s: line %d: %s\n", path, reading->line,
                reading->fault);
    }
    fprintf(stderr, "rotord: hint: rotord --print-config lists every key\n");
    return false;
}

enum config_verdict config_read(struct config *config, const char *path)
{
    struct reading reading = {.config = config, .file = fopen(path, "re")};
    if (reading.file == NULL) {
        fprintf(stderr, "rotord: error: %s: %s\n", path, strerror(errno));
        return CONFIG_UNREADABLE;
    }
    bool is_good = read_lines(&reading, path);
    bool is_unreadable = ferror(reading.file) != 0;
    (void)fclose(reading.file);
    if (is_unreadable) {
        return CONFIG_UNREADABLE;
    }
    is_good = is_good && entropy_is_usable(config, path) &&
              seal_is_usable(config, path);
    return is_good ? CONFIG_GOOD : CONFIG_WRONG;
}

static void print_value(const struct config *config, const struct key *key)
{
    const void *member = (const char *)config + key->offset;
    switch (key->kind) {
    case VALUE_TEXT:
        printf("%s = %s\n", key->name, (const char *)member);
        break;
    case VALUE_NUMBER:
        printf("%s = %" PRIu64 "\n", key->name, *(const uint64_t *)member);
        break;
    case VALUE_DURATION:
        printf("%s = %" PRIu64 "s\n", key->name, *(const uint64_t *)member);
        break;
    case VALUE_YES_NO:
        printf("%s = %s\n", key->name, *(const bool *)member ? "yes" : "no");
        break;
    }
}

void config_print(const struct config *config)
{
    const char *section = "";
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (strcmp(section, KEYS[i].section) != 0) {
            section = KEYS[i].section;
            printf("%s[%s]\n", i == 0 ? "" : "\n", section);
        }
        printf("; %s\n", KEYS[i].help);
        print_value(config, &KEYS[i]);
    }
}
