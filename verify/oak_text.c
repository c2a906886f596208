// SPDX-License-Identifier: Apache-2.0
// Oak's Evidence as text: the text format of protocol buffers, as much of it
// as this message needs.
#include "verify/oak.h"

#include <string.h>

#include "base/bytes.h"

// What a name stands for, inside which message.
enum message {
    EVIDENCE = 0,
    ROOT,
    LAYER,
    KEYS,
    EVENTS,
};

enum kind {
    MESSAGE,
    STRING,
    WORD,
};

struct name {
    enum message in;
    struct rotor_bytes name;
    uint8_t number;
    enum kind kind;
    enum message message; // if it is one
};

#define NAME(text)                                                             \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }
static const struct name names[] = {
    {EVIDENCE, NAME("root_layer"),                              1, MESSAGE, ROOT    },
    {EVIDENCE, NAME("layers"),                                  2, MESSAGE, LAYER   },
    {EVIDENCE, NAME("application_keys"),                        3, MESSAGE, KEYS    },
    {EVIDENCE, NAME("event_log"),                               4, MESSAGE, EVENTS  },
    {ROOT,     NAME("platform"),                                1, WORD,    EVIDENCE},
    {ROOT,     NAME("remote_attestation_report"),               2, STRING,  EVIDENCE},
    {ROOT,     NAME("eca_public_key"),                          3, STRING,  EVIDENCE},
    {LAYER,    NAME("eca_certificate"),                         1, STRING,  EVIDENCE},
    {KEYS,     NAME("encryption_public_key_certificate"),       1, STRING,  EVIDENCE},
    {KEYS,     NAME("signing_public_key_certificate"),          2, STRING,  EVIDENCE},
    {KEYS,     NAME("group_encryption_public_key_certificate"), 3, STRING,
     EVIDENCE                                                                       },
    {EVENTS,   NAME("encoded_events"),                          2, STRING,  EVIDENCE},
};

static const struct {
    struct rotor_bytes word;
    uint8_t value;
} platforms[] = {
    {NAME("AMD_SEV_SNP"), VERIFY_OAK_SNP},
    {NAME("INTEL_TDX"),   VERIFY_OAK_TDX},
};

struct text {
    struct rotor_bytes input;
    size_t position; // bytes
    struct rotor_room *out;
    bool has_failed;
};

// ---- characters ------------------------------------------------------------

// 0 at the end: text has no zeros.
static uint8_t peek(const struct text *in)
{
    return in->position < in->input.size ? in->input.data[in->position] : 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' ||
           c == ';';
}

static void skip(struct text *in)
{
    for (;;) {
        while (is_space(peek(in))) {
            in->position++;
        }
        if (peek(in) != '#') {
            return;
        }
        while (peek(in) != '\n' && peek(in) != 0) {
            in->position++;
        }
    }
}

static bool take(struct text *in, uint8_t c)
{
    skip(in);
    if (peek(in) != c) {
        return false;
    }
    in->position++;
    return true;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9');
}

static struct rotor_bytes take_word(struct text *in)
{
    skip(in);
    size_t start = in->position;
    while (is_letter(peek(in))) {
        in->position++;
    }
    return bytes_of(in->input.data + start, in->position - start);
}

static void put(struct text *in, uint8_t byte)
{
    if (bytes_append(in->out, bytes_of(&byte, 1)) != ROTOR_OK) {
        in->has_failed = true;
    }
}

// ---- values ----------------------------------------------------------------

static uint8_t take_octal(struct text *in)
{
    unsigned value = 0;
    for (unsigned i = 0; i < 3 && peek(in) >= '0' && peek(in) <= '7'; i++) {
        value = value * 8 + (peek(in) - (unsigned)'0');
        in->position++;
    }
    in->has_failed |= value > 255;
    return (uint8_t)value;
}

static uint8_t take_escape(struct text *in)
{
    static const struct {
        uint8_t letter;
        uint8_t value;
    } escapes[] = {
        {'n',  '\n'},
        {'r',  '\r'},
        {'t',  '\t'},
        {'"',  '"' },
        {'\'', '\''},
        {'\\', '\\'},
        {'a',  7   },
        {'b',  8   },
        {'v',  11  },
        {'f',  12  },
        {'?',  '?' }
    };
    if (peek(in) >= '0' && peek(in) <= '7') {
        return take_octal(in);
    }
    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        if (peek(in) == escapes[i].letter) {
            in->position++;
            return escapes[i].value;
        }
    }
    in->has_failed = true;
    return 0;
}

static void take_string(struct text *in)
{
    if (!take(in, '"')) {
        in->has_failed = true;
        return;
    }
    while (!in->has_failed && peek(in) != '"') {
        uint8_t c = peek(in);
        if (c == 0 || c == '\n') {
            in->has_failed = true;
            return;
        }
        in->position++;
        put(in, c == '\\' ? take_escape(in) : c);
    }
    in->position++;
}

static void take_platform(struct text *in)
{
    struct rotor_bytes word = take_word(in);
    for (size_t i = 0; i < COUNT_OF(platforms); i++) {
        if (bytes_equal(word, platforms[i].word)) {
            put(in, platforms[i].value);
            return;
        }
    }
    in->has_failed = true;
}

// ---- fields ----------------------------------------------------------------

// Puts the length of what stands behind `start` before it.
static void put_length(struct text *in, size_t start)
{
    uint8_t length[5];
    size_t count = 0;
    size_t size = in->out->used - start;
    for (size_t left = size; count == 0 || left > 0; left >>= 7) {
        length[count++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    }
    if (in->has_failed || in->out->capacity - in->out->used < count) {
        in->has_failed = true;
        return;
    }
    memmove(in->out->data + start + count, in->out->data + start, size);
    memcpy(in->out->data + start, length, count);
    in->out->used += count;
}

static const struct name *find(enum message in, struct rotor_bytes word)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].in == in && bytes_equal(names[i].name, word)) {
            return &names[i];
        }
    }
    return NULL;
}

// A field that is no message.
static void take_value(struct text *in, const struct name *name)
{
    in->has_failed |= !take(in, ':');
    if (name->kind == WORD) {
        put(in, (uint8_t)(name->number << 3));
        take_platform(in);
        return;
    }
    put(in, (uint8_t)(name->number << 3 | 2));
    size_t start = in->out->used;
    do {
        take_string(in);
        skip(in);
    } while (!in->has_failed && peek(in) == '"');
    put_length(in, start);
}

// Fields up to the closing brace.
static void take_message(struct text *in, const struct name *of)
{
    (void)take(in, ':');
    in->has_failed |= !take(in, '{');
    put(in, (uint8_t)(of->number << 3 | 2));
    size_t start = in->out->used;
    while (!in->has_failed && !take(in, '}')) {
        const struct name *name = find(of->message, take_word(in));
        if (name == NULL) {
            in->has_failed = true;
            return;
        }
        take_value(in, name);
    }
    put_length(in, start);
}

enum rotor_status verify_oak_from_text(struct rotor_bytes text,
                                       struct rotor_room *evidence)
{
    struct text in = {.input = text, .out = evidence};
    evidence->used = 0;
    skip(&in);
    while (!in.has_failed && in.position < text.size) {
        const struct name *name = find(EVIDENCE, take_word(&in));
        if (name == NULL) {
            in.has_failed = true;
            break;
        }
        take_message(&in, name);
        skip(&in);
    }
    if (in.has_failed) {
        evidence->used = 0;
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}
