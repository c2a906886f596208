// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/policy_text.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/command.h"
#include "base/bytes.h"

// The text while it is read.
struct reading {
    struct policy_file *policy;
    struct policy_text *text;
    FILE *file;
    bool has_failed; // text->fault says why
};

static int fault(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// What libinih wants of a handler that refuses.
static int fault(struct reading *reading, const char *format, ...)
{
    if (reading->has_failed) {
        return 0; // the first one counts
    }
    char words[sizeof reading->text->fault];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(words, sizeof words, format, values);
    va_end(values);
    clean_text(bytes_of(words, strlen(words)), reading->text->fault,
               sizeof reading->text->fault);
    reading->has_failed = true;
    return 0;
}

// ---- values ----------------------------------------------------------------

static bool parse_bytes(const char *text, struct verify_value *value)
{
    uint8_t memory[VERIFY_VALUE_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct wire_digest digest;
    if (strncmp(text, "SHA", 3) == 0) {
        if (!parse_digest(text, &digest)) {
            return false;
        }
        verify_value_set(value, wire_digest_bytes(&digest));
        return true;
    }
    if (!parse_hex(text, &room) || room.used == 0) {
        return false;
    }
    verify_value_set(value, bytes_in(&room));
    return true;
}

bool policy_value_parse(const char *text, struct verify_value *value)
{
    return parse_bytes(text, value) && value->size >= 16;
}

static int take_listed(struct reading *reading, struct policy_list *list,
                       const char *text)
{
    struct verify_value value;
    if (!policy_value_parse(text, &value)) {
        return fault(reading,
                     "%.80s: expected SHA256:..., SHA384:... or 16 "
                     "to 64 bytes in hex",
                     text);
    }
    if (list->count == POLICY_LIST_MAX) {
        return fault(reading, "more than %u values of one kind",
                     POLICY_LIST_MAX);
    }
    list->values[list->count++] = value;
    return 1;
}

static int take_measurement(struct reading *reading, const char *text)
{
    return take_listed(reading, &reading->policy->measurements, text);
}

static int take_signer(struct reading *reading, const char *text)
{
    return take_listed(reading, &reading->policy->signers, text);
}

static int take_instance(struct reading *reading, const char *text)
{
    return take_listed(reading, &reading->policy->instances, text);
}

// Calls `take` for each word; none is an error.
static int each_word(struct reading *reading, const char *text,
                     int (*take)(struct reading *, const char *))
{
    char copy[256];
    char *rest = copy;
    char *word = NULL;
    int taken = 0;
    (void)snprintf(copy, sizeof copy, "%s", text);
    while ((word = strsep(&rest, " \t,")) != NULL) {
        if (*word != '\0') {
            taken++;
            if (take(reading, word) == 0) {
                return 0;
            }
        }
    }
    return taken != 0 ? 1 : fault(reading, "expected one word or more");
}

static bool backend_named(const char *word, enum verify_backend *backend)
{
    for (int i = VERIFY_BACKEND_NONE + 1; i < VERIFY_BACKEND_COUNT; i++) {
        if (strcmp(word, verify_backend_name((enum verify_backend)i)) == 0) {
            *backend = (enum verify_backend)i;
            return true;
        }
    }
    return false;
}

static int take_backend(struct reading *reading, const char *word)
{
    enum verify_backend backend = VERIFY_BACKEND_NONE;
    if (!backend_named(word, &backend)) {
        return fault(reading, "%.40s: no kind of evidence", word);
    }
    reading->policy->policy.backends |= VERIFY_POLICY_BACKEND(backend);
    return 1;
}

static int take_backends(struct reading *reading, const char *text)
{
    return each_word(reading, text, take_backend);
}

static int take_tcb_word(struct reading *reading, const char *word)
{
    // Words of Intel's TCB info and QE identity, and of AMD's versions.
    static const char *const known[] = {
        "UpToDate",
        "SWHardeningNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDate",
        "OutOfDateConfigurationNeeded",
        "Revoked",
        "Current",
        "Provisional",
        "Lowered",
        "unknown",
    };
    struct verify_policy *policy = &reading->policy->policy;
    bool is_known = false;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        is_known = is_known || strcmp(known[i], word) == 0;
    }
    if (!is_known || policy->tcb_word_count == POLICY_WORDS_MAX) {
        return fault(reading, "%.40s: no status of a TCB", word);
    }
    (void)snprintf(reading->policy->words[policy->tcb_word_count++],
                   POLICY_WORD_SIZE, "%s", word);
    return 1;
}

static int take_tcb_words(struct reading *reading, const char *text)
{
    return each_word(reading, text, take_tcb_word);
}

static int take_level(struct reading *reading, const char *text)
{
    for (int i = VERIFY_LEVEL_PROCESS; i <= VERIFY_LEVEL_HARDWARE; i++) {
        enum verify_level level = (enum verify_level)i;
        if (strcmp(text, verify_level_name(level)) == 0) {
            reading->policy->policy.level_min = level;
            return 1;
        }
    }
    return fault(reading, "%.40s: expected process, kvm, trustzone or hardware",
                 text);
}

static int take_debug(struct reading *reading, const char *text)
{
    bool is_off = strcmp(text, "off") == 0;
    if (!is_off && strcmp(text, "any") != 0) {
        return fault(reading, "%.40s: expected off or any", text);
    }
    reading->policy->policy.debug =
        is_off ? VERIFY_DEBUG_OFF : VERIFY_DEBUG_ANY;
    return 1;
}

static int take_binding(struct reading *reading, const char *text)
{
    bool is_required = strcmp(text, "required") == 0;
    if (!is_required && strcmp(text, "optional") != 0) {
        return fault(reading, "%.40s: expected required or optional", text);
    }
    reading->policy->policy.needs_binding = is_required;
    return 1;
}

static bool parse_count(const char *text, uint64_t *count, const char **rest)
{
    char *end = NULL;
    errno = 0;
    if (*text < '0' || *text > '9') {
        return false;
    }
    *count = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static int take_security_version(struct reading *reading, const char *text)
{
    const char *rest = "";
    uint64_t count = 0;
    if (!parse_count(text, &count, &rest) || *rest != '\0' || count == 0) {
        return fault(reading, "%.40s: expected a whole number from 1 on", text);
    }
    reading->policy->policy.security_version_min = count;
    return 1;
}

static int take_age(struct reading *reading, const char *text)
{
    static const char units[] = "smhd";
    static const uint64_t seconds[] = {1, 60, 3600, 86400};
    const char *rest = "";
    uint64_t count = 0;
    const char *unit = NULL;
    if (parse_count(text, &count, &rest) && *rest != '\0') {
        unit = strchr(units, *rest);
    }
    if (unit == NULL || rest[1] != '\0' || count == 0 || count > UINT32_MAX) {
        return fault(reading, "%.40s: expected a duration: 90s, 15m, 24h, 30d",
                     text);
    }
    reading->policy->policy.age_max_s = count * seconds[unit - units];
    return 1;
}

static int take_floor(struct reading *reading, enum verify_backend backend,
                      const char *text)
{
    struct verify_value value;
    struct verify_value *floor = &reading->policy->policy.tcb_floors[backend];
    if (strncmp(text, "SHA", 3) == 0 || !parse_bytes(text, &value)) {
        return fault(reading, "%.80s: expected versions in hex, one byte each",
                     text);
    }
    *floor = value;
    return 1;
}

static int take_snp_floor(struct reading *reading, const char *text)
{
    return take_floor(reading, VERIFY_BACKEND_SNP, text);
}

static int take_sgx_floor(struct reading *reading, const char *text)
{
    return take_floor(reading, VERIFY_BACKEND_SGX, text);
}

static int take_tdx_floor(struct reading *reading, const char *text)
{
    return take_floor(reading, VERIFY_BACKEND_TDX, text);
}

// Relative to the folder of the file that includes it; read behind it.
static int take_include(struct reading *reading, const char *text)
{
    struct policy_file *policy = reading->policy;
    const char *from = reading->text->path;
    const char *slash = strrchr(from, '/');
    bool is_beside = slash != NULL && text[0] != '/';
    int folder = is_beside ? (int)(slash - from) + 1 : 0;
    if (policy->include_count == POLICY_INCLUDES_MAX) {
        return fault(reading, "more than %u files are included",
                     POLICY_INCLUDES_MAX);
    }
    char *path = policy->includes[policy->include_count++];
    int size = snprintf(path, POLICY_PATH_SIZE, "%.*s%s", folder, from, text);
    bool is_stdin = strcmp(path, "-") == 0;
    if (text[0] == '\0' || is_stdin || size < 0 ||
        (size_t)size >= POLICY_PATH_SIZE) {
        return fault(reading, "expected the name of a file");
    }
    return 1;
}

// ---- keys ------------------------------------------------------------------

struct key {
    const char *section;
    const char *name;
    bool is_repeatable; // then it may stand in an included file too
    int (*take)(struct reading *reading, const char *text);
};

static const struct key KEYS[] = {
    {"accept",      "backend",          false, take_backends        },
    {"accept",      "level",            false, take_level           },
    {"accept",      "debug",            false, take_debug           },
    {"accept",      "binding",          false, take_binding         },
    {"accept",      "tcb-status",       false, take_tcb_words       },
    {"accept",      "security-version", false, take_security_version},
    {"accept",      "max-age",          false, take_age             },
    {"tcb-floor",   "snp",              false, take_snp_floor       },
    {"tcb-floor",   "sgx",              false, take_sgx_floor       },
    {"tcb-floor",   "tdx",              false, take_tdx_floor       },
    {"measurement", "value",            true,  take_measurement     },
    {"signer",      "value",            true,  take_signer          },
    {"instance",    "value",            true,  take_instance        },
    {"include",     "file",             false, take_include         },
};

static bool is_section(const char *name, size_t size)
{
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (strlen(KEYS[i].section) == size &&
            strncmp(KEYS[i].section, name, size) == 0) {
            return true;
        }
    }
    return false;
}

static int take_key(struct reading *reading, size_t which, const char *value)
{
    const struct key *key = &KEYS[which];
    uint32_t bit = UINT32_C(1) << which;
    if (reading->text->is_included && !key->is_repeatable) {
        return fault(reading,
                     "[%s] %s: an included file has values of "
                     "[measurement], [signer] and [instance] only",
                     key->section, key->name);
    }
    if (!key->is_repeatable && key->take != take_include) {
        if ((reading->policy->given & bit) != 0) {
            return fault(reading, "[%s] %s stands twice", key->section,
                         key->name);
        }
        reading->policy->given |= bit;
    }
    return key->take(reading, value);
}

static int take_line(void *context, const char *section, const char *name,
                     const char *value)
{
    struct reading *reading = context;
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (strcmp(section, KEYS[i].section) == 0 &&
            strcmp(name, KEYS[i].name) == 0) {
            return take_key(reading, i, value);
        }
    }
    return fault(reading, "unknown key %.40s in section [%.40s]", name,
                 section);
}

// ---- lines -----------------------------------------------------------------

// Sections that libinih would pass over because nothing stands in them, and
// lines that it would cut in two or join with the one before.
static void look_at_line(struct reading *reading, const char *line)
{
    size_t length = strlen(line);
    bool is_whole =
        feof(reading->file) != 0 || (length > 0 && line[length - 1] == '\n');
    bool is_indented = line[0] == ' ' || line[0] == '\t';
    if (!is_whole) {
        (void)fault(reading, "the line is too long, or no text");
    } else if (is_indented && strspn(line, " \t\r\n") != length) {
        (void)fault(reading, "the line begins with a blank");
    } else if (line[0] == '[') {
        size_t size = strcspn(line + 1, "]\r\n");
        if (!is_section(line + 1, size)) {
            (void)fault(reading, "unknown section [%.*s]",
                        size < 40 ? (int)size : 40, line + 1);
        }
    }
}

static char *next_line(char *line, int size, void *context)
{
    struct reading *reading = context;
    if (reading->has_failed || fgets(line, size, reading->file) == NULL) {
        return NULL;
    }
    reading->text->line++;
    look_at_line(reading, line);
    return reading->has_failed ? NULL : line;
}

// ---- the whole -------------------------------------------------------------

static void read_lines(struct reading *reading)
{
    if (ini_parse_stream(next_line, reading, take_line, reading) != 0) {
        (void)fault(reading, "expected name = value");
    }
}

enum rotor_status policy_text_read(struct policy_text *text,
                                   struct rotor_bytes content,
                                   struct policy_file *policy)
{
    struct reading reading = {.policy = policy, .text = text};
    text->line = 0;
    text->fault[0] = '\0';
    if (content.size == 0) {
        return ROTOR_OK; // a stream needs a byte at least
    }
    void *memory = (void *)(uintptr_t)content.data; // read only
    reading.file = fmemopen(memory, content.size, "r");
    if (reading.file == NULL) {
        return ROTOR_PORT_FAILED;
    }
    read_lines(&reading);
    (void)fclose(reading.file);
    return reading.has_failed ? ROTOR_MALFORMED : ROTOR_OK;
}

void policy_file_settle(struct policy_file *file)
{
    struct verify_policy *policy = &file->policy;
    for (size_t i = 0; i < policy->tcb_word_count; i++) {
        file->word_views[i] = file->words[i];
    }
    policy->tcb_words = file->word_views;
    policy->measurements = (struct verify_policy_list){
        file->measurements.values, file->measurements.count};
    policy->signers =
        (struct verify_policy_list){file->signers.values, file->signers.count};
    policy->instances = (struct verify_policy_list){file->instances.values,
                                                    file->instances.count};
}
